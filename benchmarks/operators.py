"""A TFLite encoder enters; the milliseconds of its operators by kind leave, beside what their arithmetic alone takes.

MODEL=s2, DIST=dist. LiteRT's Python package has no profile, so each distinct operator (kind, shapes, options) becomes a
model of its own, with its weights, and is timed on one thread. The sum is compared with the whole encoder's time.
"""

import os
import platform
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import limits
from export.common import files
from export.runners import tflite_runner
from parity.gate.latency import fastest

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "operators.json", HERE / "operators.md"
REPEATS, IDENTIFIER = 12, b"TFL3"
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")         # input 1 is their weight


@dataclass(frozen=True)
class Operator:
    """One distinct operator."""

    kind: str
    count: int
    multiply_adds: int                       # of one
    seconds: float                           # of one


def main() -> None:
    """Measures, and writes operators.json and the page."""
    model = os.environ.get("MODEL", "s2")
    path = Path(os.environ.get("DIST", "dist")) / model / "tflite" / "image-fp32.tflite"
    others = limits.OtherProcesses()
    found, whole = operators(path), fastest([whole_run(path)], REPEATS)[0]
    content = {"model": model, "machine": limits.processor(), "cores": os.cpu_count(),
               "python": platform.python_version(), "whole_ms": round(whole * 1e3, 1),
               "gflops": round(limits.flops_per_second() / 1e9, 1), "cores_others_used": round(others.cores(), 2),
               "kinds": by_kind(found)}
    files.write_json(RESULTS, content)
    PAGE.write_text(page(content), encoding="utf-8")


def whole_run(path: Path) -> Callable[[], object]:
    """One run of the encoder on one thread."""
    interpreter = tflite_runner.interpreter(path, 1)
    return interpreter.invoke


def operators(path: Path) -> list[Operator]:
    """Every distinct operator of a file's only graph, timed by itself."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    graph, counts, first = model.subgraphs[0], Counter[str](), dict[str, Any]()
    for operation in graph.operators:
        key = signature(model, operation)
        counts[key] += 1
        first.setdefault(key, operation)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    found = []
    for key, operation in first.items():
        name = names[model.operatorCodes[operation.opcodeIndex].builtinCode]
        weight = graph.tensors[operation.inputs[1]].shape if name in CONVOLUTIONS else None
        result = int(np.prod(graph.tensors[operation.outputs[0]].shape))
        found.append(Operator(kind(name, weight), counts[key], multiply_adds(name, weight, result),
                              seconds(alone(model, operation))))
    return found


def signature(model: Any, operation: Any) -> str:
    """What makes two operators take the same time: kind, shapes and options."""
    graph = model.subgraphs[0]
    shapes = [tuple(map(int, graph.tensors[i].shape)) for i in [*operation.inputs, *operation.outputs] if i >= 0]
    options = sorted(vars(operation.builtinOptions).items()) if operation.builtinOptions else []
    return f"{operation.opcodeIndex} {shapes} {options}"


def kind(name: str, weight: Any) -> str:
    """The kind of an operator, in words; convolutions by their size."""
    if name == "CONV_2D":
        return "1x1 convolutions" if tuple(weight[1:3]) == (1, 1) else "other convolutions"
    return name.replace("_2D", "").replace("_", " ").lower()


def multiply_adds(name: str, weight: Any, result: int) -> int:
    """Of one operator with `result` values; 0 for kinds without a weight."""
    if weight is None:
        return 0
    return result * int(np.prod(weight[1:3] if name == "DEPTHWISE_CONV_2D" else weight[1:]))


def alone(model: Any, operation: Any) -> bytes:
    """A model of this operator alone: its constants, and its other inputs as the model's inputs."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    graph, made = model.subgraphs[0], schema.ModelT()
    places = list(dict.fromkeys([i for i in [*operation.inputs, *operation.outputs] if i >= 0]))
    made.version, made.operatorCodes = 3, [model.operatorCodes[operation.opcodeIndex]]
    made.buffers = [schema.BufferT(), *(model.buffers[graph.tensors[i].buffer] for i in places)]
    inner, only = schema.SubGraphT(), schema.OperatorT()
    inner.tensors = [tensor_at(graph.tensors[i], number + 1) for number, i in enumerate(places)]
    only.opcodeIndex = 0
    only.inputs = [places.index(i) if i >= 0 else -1 for i in operation.inputs]
    only.outputs = [places.index(i) for i in operation.outputs]
    only.builtinOptions, only.builtinOptionsType = operation.builtinOptions, operation.builtinOptionsType
    only.builtinOptions2, only.builtinOptions2Type = operation.builtinOptions2, operation.builtinOptions2Type
    fixed = [model.buffers[graph.tensors[i].buffer].data is not None for i in places]
    inner.inputs = [number for number in dict.fromkeys(only.inputs) if number >= 0 and not fixed[number]]
    inner.outputs, inner.operators, made.subgraphs = only.outputs, [only], [inner]
    builder = flatbuffers.Builder(1024)
    builder.Finish(made.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def tensor_at(tensor: Any, buffer: int) -> Any:
    """A copy of a tensor's description, with its values in another buffer."""
    from ai_edge_litert import schema_py_generated as schema

    copied = schema.TensorT()
    copied.shape, copied.type, copied.name, copied.buffer = tensor.shape, tensor.type, tensor.name, buffer
    return copied


def seconds(content: bytes) -> float:
    """The fastest of some runs of a model on random input, one thread."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    chance = np.random.default_rng(0)
    for entry in interpreter.get_input_details():
        interpreter.set_tensor(entry["index"], chance.random(entry["shape"]).astype(entry["dtype"]))
    return fastest([interpreter.invoke], REPEATS)[0]


def by_kind(found: list[Operator]) -> list[dict]:
    """Count, milliseconds and multiply-adds of each kind, the slowest first."""
    kinds = [{"kind": name, "count": sum(o.count for o in found if o.kind == name),
              "ms": round(1e3 * sum(o.count * o.seconds for o in found if o.kind == name), 2),
              "multiply_adds": sum(o.count * o.multiply_adds for o in found if o.kind == name)}
             for name in dict.fromkeys(o.kind for o in found)]
    return sorted(kinds, key=lambda one: -one["ms"])


def page(content: dict) -> str:
    """The results as Markdown."""
    rate, kinds = content["gflops"], content["kinds"]
    total = sum(one["ms"] for one in kinds)
    lines = [f"# The operators of {content['model']}'s TFLite image encoder", "", f"`python -m benchmarks operators` "
             f"wrote this page. float32, one thread, {content['machine']}, Python {content['python']}. Each distinct "
             f"operator was timed as a model of its own. Together they take {total:.0f} ms; the whole encoder takes "
             f"{content['whole_ms']:.0f} ms. `At best`: the multiply-adds at the rate of `torch.matmul` here, "
             f"{rate:.0f} GFLOP/s.", "",
             "| kind | count | ms | G multiply-adds | GFLOP/s | ms at best |", "|---|---|---|---|---|---|"]
    for one in kinds:
        done = one["multiply_adds"] / 1e9
        figures = f"{done:.2f} | {2e3 * done / one['ms']:.0f} | {2e3 * done / rate:.1f}" if done else "– | – | –"
        lines.append(f"| {one['kind']} | {one['count']} | {one['ms']:.1f} | {figures} |")
    return "\n".join([*lines, ""])
