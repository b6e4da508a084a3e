"""An artefact and inputs enter; embeddings leave, or the reason why this machine cannot run the artefact.

Each format has a module (in formats/table.py) with four functions: `load(path, encoder, threads, runtime) -> run`,
where `run` takes uint8 pictures [N, S, S, 3] or int32 ids [N, L] and returns float32 [N, dim]; `runtimes()`;
`metadata(path)`, the artefact's own metadata; and `constants(path)`, the tensors in the artefact. A fifth may be there:
`graph_faults(path)`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.formats.table import FORMATS

BATCH_PIXELS, BATCH_TEXTS = 4 * 256 * 256, 32          # inputs at once: bounds the memory of the activations

INTERPRETER = "MIL interpreter (graph, weights, input, float16 range; not Apple's kernels)"

Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class CouldNotRun:
    """The artefact cannot run on this machine: the third outcome, beside passed and failed."""

    reason: str


def runtimes(format_: str) -> list[str]:
    """The runtimes of a format on this machine, the format's own runtime first: "onnxruntime 1.31.1".

    Core ML itself exists only on macOS; export/runners/mil interprets its packages everywhere.
    """
    return _module(format_).runtimes()


def load(format_: str, path: Path, encoder: str, threads: int = 2, runtime: str | None = None) -> Run | CouldNotRun:
    """The artefact at `path`, ready to run on the CPU by `runtime` (default: the first), or why it cannot run here."""
    try:
        return _module(format_).load(path, encoder, threads, runtime or runtimes(format_)[0])
    except ImportError as error:             # a runtime without a build for this platform
        return CouldNotRun(f"{error}")


def metadata(format_: str, path: Path) -> dict[str, str]:
    """The artefact's own metadata: space, model, encoder, licence."""
    return _module(format_).metadata(path)


def constants(format_: str, path: Path) -> list[np.ndarray]:
    """Every floating-point constant in the artefact; compressed constants are decoded or left out."""
    return _module(format_).constants(path)


def graph_faults(format_: str, path: Path) -> list[str]:
    """What a phone's GPU would compute wrong in an artefact; none for a format whose runner does not look for it."""
    look = getattr(_module(format_), "graph_faults", None)
    return look(path) if look else []


def _module(format_: str):
    return importlib.import_module(FORMATS[format_].runner)
