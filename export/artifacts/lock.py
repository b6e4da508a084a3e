"""A folder dist/<model>/ enters; nobody replaces its files while others read or write them.

The lock is the system's own (flock) on a file in the folder, so it ends with the process that holds it.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from export.common.errors import InputError

NAME = "folder.lock"                         # holds the number of the process that last wrote the folder


class Claim:
    """The right to replace the folder's files."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor

    def sign(self) -> None:
        """Notes this process in the file, for the message to others. Call it before the first change."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)


@contextlib.contextmanager
def to_write(folder: Path) -> Iterator[Claim]:
    """Holds the folder, which exists, alone. Raises InputError if another process reads or writes it."""
    descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _taken(descriptor, fcntl.LOCK_EX):
            if _taken(descriptor, fcntl.LOCK_SH):
                readers = "by its gate, a catalog build, make compare, apps or bundle"
                raise InputError(f"{folder.name} is being read, {readers}", where=folder, remedy="wait for its end")
            raise _running(folder, descriptor)
        yield Claim(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def to_read(folder: Path) -> Iterator[None]:
    """Holds the folder together with other readers. Raises InputError while it is being written."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY)
    except OSError:                          # never exported to, or copied without it: nobody writes it
        yield
        return
    try:
        if not _taken(descriptor, fcntl.LOCK_SH):
            raise _running(folder, descriptor)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _running(folder: Path, descriptor: int) -> InputError:
    number = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    process = f" (process {number})" if number.isdigit() else ""
    return InputError(f"an export of {folder.name} is running{process}", where=folder, remedy="wait for its end")
