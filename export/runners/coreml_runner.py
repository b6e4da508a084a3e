"""A Core ML package and inputs enter; embeddings leave: by Core ML itself on macOS, elsewhere by interpretation."""

import platform
from pathlib import Path

import numpy as np

from export.formats.stamp import INPUT, OUTPUT
from export.runners import BATCH_PIXELS, BATCH_TEXTS, INTERPRETER, CouldNotRun, Run


def runtimes() -> list[str]:
    """See export.runners.runtimes."""
    return [f"Core ML, macOS {platform.mac_ver()[0]}", INTERPRETER] if platform.system() == "Darwin" else [INTERPRETER]


def load(path: Path, encoder: str, threads: int, runtime: str) -> Run | CouldNotRun:
    """See export.runners.load. Core ML chooses its own threads."""
    return interpreted(path, encoder, threads) if runtime == INTERPRETER else native(path, encoder)


def native(path: Path, encoder: str, units: str = "CPU_ONLY") -> Run:
    """Runs by Core ML, on the compute units that coremltools calls so."""
    import coremltools as ct
    from PIL import Image

    model = ct.models.MLModel(str(path), compute_units=ct.ComputeUnit[units])

    def run(inputs: np.ndarray) -> np.ndarray:
        values = [Image.fromarray(item) if encoder == "image" else item[None].astype(np.int32) for item in inputs]
        return np.concatenate([model.predict({INPUT[encoder]: value})[OUTPUT] for value in values])

    return run


def interpreted(path: Path, encoder: str, threads: int) -> Run | CouldNotRun:
    """Runs by export.runners.mil, unless an operation is unknown there: that is no fault of the package.

    torch.vmap computes several inputs at once, each with the shapes of one input.
    """
    import torch

    from export.runners import mil

    program = mil.read(path)
    if gaps := program.gaps():
        return CouldNotRun(f"not executed: our interpreter of Core ML packages lacks {', '.join(gaps)}")
    name = INPUT[encoder]

    def pixels(batch: np.ndarray) -> np.ndarray:
        if program.colour == "BGR":
            batch = batch[..., ::-1]
        return np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32)

    def embed(batch: np.ndarray) -> np.ndarray:
        one_by_one = torch.from_numpy(pixels(batch) if encoder == "image" else batch).unsqueeze(1)
        return torch.vmap(lambda item: program.run({name: item})[OUTPUT])(one_by_one).squeeze(1).numpy()

    def run(inputs: np.ndarray) -> np.ndarray:
        usual = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            with torch.inference_mode():
                size = BATCH_TEXTS if encoder == "text" else max(1, BATCH_PIXELS // inputs[0, :, :, 0].size)
                return np.concatenate([embed(inputs[i:i + size]) for i in range(0, len(inputs), size)])
        finally:
            torch.set_num_threads(usual)

    return run


def metadata(path: Path) -> dict[str, str]:
    """See export.runners.metadata. Reads the saved specification, so it works on every platform."""
    from coremltools.models.utils import load_spec

    return dict(load_spec(str(path)).description.metadata.userDefined)


def constants(path: Path) -> list[np.ndarray]:
    """Every constant that an operation of a Core ML package takes, compressed ones decoded."""
    from export.runners import mil

    return [value.numpy() for value in mil.read(path).constants()]
