"""A command's work enters; its exit status leaves, with one line on stderr where the work failed.

`python -m export`, `parity`, `parity.goldens`, `catalog_builder` and `catalog_builder.goldens` all call `run`:

    def main(arguments: list[str]) -> int:
        return command.run(lambda: work(arguments), "export", interrupted="the next run goes on from here")
"""

import argparse
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from export.common.errors import LOGGED, InputError

DONE, GATE_RED, BAD_INPUT, UNEXPECTED = 0, 1, 2, 3
MOST_WORDS = 300                             # characters of an unexpected error's message
INTERRUPTED = 130                            # 128 + SIGINT, as in a shell


class GateRed(Exception):
    """The result failed its gate and was not written. The message is one line; the exit status is 1."""


class CommandLine(argparse.ArgumentParser):
    """A parser that reports its errors as InputError: one line, no usage text."""

    def error(self, message: str) -> NoReturn:
        """Raises InputError instead of printing the usage and exiting."""
        raise InputError(message, where="the command line", remedy=f"see {self.prog} --help")


def path(text: str) -> Path:
    """A path as a command takes it: `~` and `~name` stand for a home, also where no shell has seen them."""
    try:
        return Path(text).expanduser()
    except RuntimeError:                     # nobody of that name: a file may be called so
        return Path(text)


def run(work: Callable[[], int], name: str, interrupted: str, option: str = "--out") -> int:
    """Runs `work` and returns its exit status, or the exit status of the exception that it raises.

    `name` begins the line on stderr. `interrupted` says what happens to the work after Ctrl-C. `option` is the option
    that chooses another folder for the output, which is the remedy for a read-only or full disk. An error that nobody
    expected is one line too, with the path of the log that has its traceback. Its exit status is not the gate's.
    """
    _print_any_character()
    try:
        return work()
    except GateRed as error:
        return _failed(GATE_RED, name, error)
    except InputError as error:
        return _failed(BAD_INPUT, name, error)
    except OSError as error:                 # a read-only or full disk, a file where a folder should be
        place = f"; found {error.filename}" if error.filename else ""
        return _failed(BAD_INPUT, name, f"{error.strerror or error}{place}; remedy: choose another {option}")
    except KeyboardInterrupt:
        return _failed(INTERRUPTED, name, f"interrupted; {interrupted}")
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:MOST_WORDS]
        return _failed(UNEXPECTED, name, f"unexpected {what}; remedy: report it with the log {_log(error, name)}")


def _failed(status: int, name: str, message: object) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return status


def _print_any_character() -> None:
    """What a terminal cannot show is printed as its number, and no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _log(error: Exception, name: str) -> str:
    """The log that has the traceback: the work's own, or a new file in the folder for temporary files."""
    logged = [note.removeprefix(LOGGED) for note in getattr(error, "__notes__", []) if note.startswith(LOGGED)]
    if logged:
        return logged[0]
    try:
        descriptor, log = tempfile.mkstemp(prefix=f"{name}-", suffix=".log")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            traceback.print_exception(error, file=file)
        return log
    except OSError as full:
        return f"(none: {full.strerror})"
