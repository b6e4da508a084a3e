"""An artefact and inputs enter; embeddings leave, or the reason why this machine cannot run it.

One runtime a module, each with `load(path, encoder, threads) -> run` where `run` takes uint8 pictures [N, S, S, 3]
or int32 ids [N, 77] and answers float32 [N, dim], and with `metadata(path)`, what the artefact says of itself.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class CouldNotRun:
    """The third outcome beside passed and failed."""

    reason: str


def load(format_: str, path: Path, encoder: str, threads: int = 2) -> Run | CouldNotRun:
    """The artefact at `path`, ready to run on the CPU, or why it cannot run here."""
    return _module(format_).load(path, encoder, threads)


def metadata(format_: str, path: Path) -> dict[str, str]:
    """What the artefact carries in its own metadata: space, model, encoder, licence."""
    return _module(format_).metadata(path)


def _module(format_: str):
    return importlib.import_module(f"export.runners.{format_}_runner")
