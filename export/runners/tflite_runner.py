"""A TFLite file and inputs enter; embeddings leave, by ai-edge-litert on the CPU (XNNPACK), one input at a time."""

import importlib.metadata
from pathlib import Path

import numpy as np

from export.formats.stamp import INPUT, OUTPUT
from export.runners import Run
from export.tflite import ranks
from export.tflite.flatbuffer import read_metadata


def runtimes() -> list[str]:
    """See export.runners.runtimes."""
    return [f"ai-edge-litert {importlib.metadata.version('ai-edge-litert')}"]


def load(path: Path, encoder: str, threads: int, runtime: str) -> Run:
    """See export.runners.load."""
    signature = interpreter(path, threads).get_signature_runner()
    dtype = np.float32 if encoder == "image" else np.int32

    def run(inputs: np.ndarray) -> np.ndarray:
        return np.concatenate([signature(**{INPUT[encoder]: item[None].astype(dtype)})[OUTPUT] for item in inputs])

    return run


def metadata(path: Path) -> dict[str, str]:
    """See export.runners.metadata."""
    return read_metadata(path.read_bytes())


def interpreter(path: Path, threads: int):
    """LiteRT's interpreter with its default delegate, tensors allocated."""
    from ai_edge_litert.interpreter import Interpreter

    loaded = Interpreter(str(path), num_threads=threads)
    loaded.allocate_tensors()
    return loaded


def constants(path: Path) -> list[np.ndarray]:
    """Every float constant of a TFLite file."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(path.read_bytes())
    kinds = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
    arrays = []
    for graph in (model.Subgraphs(i) for i in range(model.SubgraphsLength())):
        for tensor in (graph.Tensors(i) for i in range(graph.TensorsLength())):
            data = model.Buffers(tensor.Buffer()).DataAsNumpy()
            if tensor.Type() in kinds and isinstance(data, np.ndarray):
                arrays.append(np.frombuffer(data.tobytes(), kinds[tensor.Type()]))
    return arrays


def graph_faults(path: Path) -> list[str]:
    """See export.runners.graph_faults."""
    found = ranks.mixed(path.read_bytes())
    return [f"a GPU would answer wrongly (LiteRT#8980): {len(found)} operators, such as {found[0]}"] if found else []
