"""A Core ML package and inputs enter; embeddings leave, by Core ML itself, which exists on macOS alone."""

import platform
from pathlib import Path

import numpy as np

from export.runners import CouldNotRun, Run
from export.stamp import INPUT, OUTPUT


def load(path: Path, encoder: str, threads: int) -> Run | CouldNotRun:
    """See export.runners.load. Core ML chooses its own threads."""
    if platform.system() != "Darwin":
        return CouldNotRun(f"Core ML runs on macOS alone, and this is {platform.system()}")
    import coremltools as ct
    from PIL import Image

    model = ct.models.MLModel(str(path), compute_units=ct.ComputeUnit.CPU_ONLY)

    def run(inputs: np.ndarray) -> np.ndarray:
        values = [Image.fromarray(one) if encoder == "image" else one[None].astype(np.int32) for one in inputs]
        return np.concatenate([model.predict({INPUT[encoder]: value})[OUTPUT] for value in values])

    return run


def metadata(path: Path) -> dict[str, str]:
    """See export.runners.metadata. Reads the saved specification, so it works on every platform."""
    from coremltools.models.utils import load_spec

    return dict(load_spec(str(path)).description.metadata.userDefined)
