"""Steps enter; a progress bar on the terminal leaves, and the output of the libraries goes to a log file."""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from export.common.errors import LOGGED, InputError


class Steps:
    """A progress bar with the name of the running step; plain lines if the output is not a terminal."""

    def __init__(self, total: int):
        self._console = Console(file=os.fdopen(os.dup(2), "w", errors="backslashreplace"), highlight=False)
        self._bar = Progress(SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                             TimeElapsedColumn(), console=self._console, transient=True,
                             disable=not self._console.is_terminal)
        self._task = self._bar.add_task("", total=total)
        self._total, self._done = total, -1

    def __enter__(self) -> "Steps":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        self._console.file.close()

    def begin(self, name: str) -> None:
        """Counts the previous step as done, and shows `name` as the running step."""
        self._done += 1
        self._bar.update(self._task, completed=self._done, description=name)
        if not self._console.is_terminal:
            self._console.print(f"[{self._done + 1}/{self._total}] {name}", markup=False)

    def log(self, error: Exception) -> None:
        """Writes the traceback to stderr, which `library_output_to` sends to the log."""
        traceback.print_exception(error, file=sys.stderr)


@contextlib.contextmanager
def library_output_to(log: Path) -> Iterator[None]:
    """Sends everything that this process prints, C++ libraries included, to `log` while the block runs.

    An error that is not bad input leaves its traceback there, and takes a note of where it is.
    """
    _flush()
    saved = os.dup(1), os.dup(2)
    with log.open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        traceback.print_exception(error, file=sys.stderr)
        error.add_note(f"{LOGGED}{log}")
        raise
    finally:
        _flush()
        for descriptor, original in zip((1, 2), saved, strict=True):
            os.dup2(original, descriptor)
            os.close(original)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
