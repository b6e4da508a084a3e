"""An ONNX file and inputs enter; embeddings leave, by onnxruntime on the CPU."""

from pathlib import Path

import numpy as np

from export.runners import Run
from export.stamp import INPUT, OUTPUT

BATCH = 8                                    # pictures at a time: bounds the memory of the activations


def load(path: Path, encoder: str, threads: int) -> Run:
    """See export.runners.load."""
    session = _session(path, threads)

    def run(inputs: np.ndarray) -> np.ndarray:
        if encoder == "image":
            inputs = inputs.astype(np.float32).transpose(0, 3, 1, 2)
        batches = [np.ascontiguousarray(inputs[i:i + BATCH]) for i in range(0, len(inputs), BATCH)]
        return np.concatenate([session.run([OUTPUT], {INPUT[encoder]: batch})[0] for batch in batches])

    return run


def metadata(path: Path) -> dict[str, str]:
    """See export.runners.metadata."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    return {p.key: p.value for p in model.metadata_props}


def _session(path: Path, threads: int):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # onnxruntime 1.31 crashes on a float16 text encoder at the highest level; EXTENDED loses no speed that we measured.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
