"""A command's work enters; its exit status leaves, with one line on stderr where the work failed.

`python -m export`, `parity`, `parity.goldens`, `catalog_builder` and `catalog_builder.goldens` all call `run`:

    def main(arguments: list[str]) -> int:
        return command.run(lambda: work(arguments), "export", interrupted="the next run goes on from here")
"""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from export.common.errors import InputError

DONE, GATE_RED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130        # 128 + SIGINT, as in a shell


class GateRed(Exception):
    """The result failed its gate and was not written. The message is one line; the exit status is 1."""


class CommandLine(argparse.ArgumentParser):
    """A parser that reports its errors as InputError: one line, no usage text."""

    def error(self, message: str) -> NoReturn:
        """Raises InputError instead of printing the usage and exiting."""
        raise InputError(message, where="the command line", remedy=f"see {self.prog} --help")


def run(work: Callable[[], int], name: str, interrupted: str, option: str = "--out") -> int:
    """Runs `work` and returns its exit status, or the exit status of the exception that it raises.

    `name` begins the line on stderr. `interrupted` says what happens to the work after Ctrl-C. `option` is the option
    that chooses another folder for the output, which is the remedy for a read-only or full disk.
    """
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


def _failed(status: int, name: str, message: object) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return status
