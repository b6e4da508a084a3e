"""An artefact enters; the memory for loading the artefact and running it once leaves, measured in a fresh process."""

import importlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from export import runners
from export.common import files
from export.common.specs import ModelSpec
from export.formats.table import FORMATS, Format


def peak_rss(format_: str, path: Path, encoder: str, spec: ModelSpec) -> int | None:
    """Growth of the peak resident memory, in bytes, or None if the artefact's own runtime cannot run.

    Runs one picture [S, S, 3] or one text [L], with the sizes in `spec`. The runtime's libraries are loaded before the
    measurement. Pages of a mapped file count, although the system may drop them.
    """
    if runners.runtimes(format_)[0] == runners.INTERPRETER:
        return None                          # an interpreter's memory is not the runtime's
    shape = (spec.text.context_length,) if encoder == "text" else (spec.preprocessing.size,) * 2 + (3,)
    command = [sys.executable, "-m", "export.runners.memory", format_, str(path.resolve()), encoder,
               ",".join(map(str, shape))]
    answer = subprocess.run(command, cwd=files.ROOT, capture_output=True, text=True)
    if answer.returncode:                    # the gate runs the artefact again, and says why
        return None
    return int(answer.stdout.split()[-1])


def _peak() -> int:
    scale = 1 if sys.platform == "darwin" else 1024            # getrusage: bytes on macOS, kilobytes on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def _measure(format_: str, path: Path, encoder: str, shape: tuple[int, ...]) -> int:
    before = _peak()
    run = runners.load(format_, path, encoder, threads=1)
    if isinstance(run, runners.CouldNotRun):
        sys.exit(run.reason)
    run(np.zeros((1, *shape), np.uint8 if encoder == "image" else np.int32))
    return _peak() - before


def main(format_: str, path: str, encoder: str, shape: str) -> None:
    """Prints the bytes."""
    sides = tuple(map(int, shape.split(",")))
    print_in_fork(FORMATS[format_], lambda: _measure(format_, Path(path), encoder, sides))


def print_in_fork(row: Format, measure: Callable[[], object]) -> None:
    """Prints what is measured in a forked child: its peak starts at the resident memory, not at the imports' peak.

    A runtime that does not survive a fork (Apple's frameworks) is measured in this process, after the imports.
    """
    importlib.import_module(row.runtime)     # the libraries are not the artefact's memory
    importlib.import_module("PIL.Image")
    if not row.forks:
        print(measure())
        return
    child = os.fork()
    if child == 0:
        print(measure(), flush=True)
        os._exit(0)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
