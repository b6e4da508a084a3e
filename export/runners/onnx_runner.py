"""An ONNX file and inputs enter; embeddings leave, by onnxruntime on the CPU."""

import importlib.metadata
from pathlib import Path

import numpy as np

from export.formats.stamp import INPUT, OUTPUT
from export.runners import Run

BATCH = 8                                    # pictures at a time: bounds the memory of the activations


def runtimes() -> list[str]:
    """See export.runners.runtimes."""
    return [f"onnxruntime {importlib.metadata.version('onnxruntime')}"]


def load(path: Path, encoder: str, threads: int, runtime: str) -> Run:
    """See export.runners.load."""
    session = _session(path, threads)

    def run(inputs: np.ndarray) -> np.ndarray:
        return np.concatenate([session.run([OUTPUT], {INPUT[encoder]: fed(inputs[i:i + BATCH])})[0]
                               for i in range(0, len(inputs), BATCH)])

    def fed(batch: np.ndarray) -> np.ndarray:
        if encoder == "text":
            return np.ascontiguousarray(batch)
        return np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32)

    return run


def metadata(path: Path) -> dict[str, str]:
    """See export.runners.metadata."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    return {p.key: p.value for p in model.metadata_props}


def _session(path: Path, threads: int):
    """A session with onnxruntime's default level of optimisation, ALL.

    This level lays convolutions out for the processor's vector units, which halves the time of s2's image encoder.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def constants(path: Path) -> list[np.ndarray]:
    """Every constant of an ONNX file."""
    import onnx

    graph = onnx.load(path).graph
    inner = [a.t for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.TENSOR]
    return [onnx.numpy_helper.to_array(tensor) for tensor in [*graph.initializer, *inner]]
