"""A piece of work enters; it is ended at a given moment, or its disk is full there: in a process of its own."""

import errno
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "os.rmdir")       # what Python audits
Work = Callable[[Callable[[], None]], None]  # gets a function that counts one more moment


class _Moments:
    """Counts moments below a folder, and acts at one of them."""

    def __init__(self, folder: Path, act: Callable[[], None], at: int):
        self._folder, self._act, self._at, self.count, self.on = str(folder), act, at, 0, True

    def __call__(self) -> None:
        if self.on:
            self.count += 1
            if self.count == self._at:
                self._act()

    def audit(self, event: str, arguments: tuple) -> None:
        """Counts an operation on a file of the folder that changes it, or opens it."""
        if event in EVENTS and str(arguments[0]).startswith(self._folder):
            self()


def moments(work: Work, folder: Path) -> int:
    """How many moments the work has: operations on files below the folder, and what it counts itself."""
    read, write = os.pipe()

    def counted(seen: _Moments) -> None:
        work(seen)
        os.write(write, str(seen.count).encode())

    assert _forked(counted, folder, lambda: None, 0) == 0
    os.close(write)
    with os.fdopen(read) as pipe:
        return int(pipe.read())


def killed(work: Work, folder: Path, at: int) -> None:
    """Runs the work, and kills its process at a moment."""
    assert _forked(work, folder, lambda: os.kill(os.getpid(), signal.SIGKILL), at) == -signal.SIGKILL


def full(work: Callable[[Callable[[], None]], None], folder: Path, at: int) -> None:
    """Runs the work; at a moment the disk is full. The work may call what it gets: then there is room again."""
    def raise_full() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    def roomy(seen: _Moments) -> None:
        def room() -> None:
            seen.on = False
        work(room)

    assert _forked(roomy, folder, raise_full, at) == 0


def limited(work: Callable[[Callable[[], None]], None], size: int) -> None:
    """Runs the work; no file may grow beyond a size, until the work calls what it gets."""
    def within(_: _Moments) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        work(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))

    assert _forked(within, Path("/nowhere"), lambda: None, 0) == 0


def _forked(work: Callable[[_Moments], None], folder: Path, act: Callable[[], None], at: int) -> int:
    """The exit status of a process that did the work; -n: ended by signal n."""
    child = os.fork()
    if child == 0:
        try:
            seen = _Moments(folder, act, at)
            sys.addaudithook(seen.audit)
            work(seen)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
