"""A TFLite flatbuffer enters; the operators that LiteRT's GPU code computes wrong leave, or the network without such.

TFLite aligns the axes of two sides at the last one. LiteRT's GPU code takes the first axis of a side of lower rank for
the batch, if that axis is longer than 1, and so computes something else, without an error (google-ai-edge/LiteRT#8980).
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from export.tflite.flatbuffer import packed

ELEMENTWISE = ("ADD", "SUB", "MUL")


def mixed(content: bytes) -> list[str]:
    """Each ADD, SUB and MUL of a side of rank 3, whose first axis is longer than 1, and a side of rank 4."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    found = []
    for name, operation in elementwise(model):
        shapes = sorted((shape(model, place) for place in operation.inputs), key=len)
        if [len(one) for one in shapes] == [3, 4] and shapes[0][0] > 1:
            found.append(f"{name} of {shapes[0]} and {shapes[1]}")
    return found


def evened(content: bytes) -> bytes:
    """`content` with both sides of each ADD, SUB and MUL in one rank, where the lower one's first axis is over 1."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    graph = model.subgraphs[0]
    for _, operation in list(elementwise(model)):
        operation.inputs = list(operation.inputs)
        shapes = [shape(model, place) for place in operation.inputs]
        for side, (own, other) in enumerate(zip(shapes, shapes[::-1], strict=True)):
            if own and own[0] > 1 and len(own) < len(other):
                wanted = [1] * (len(other) - len(own)) + own
                before = next(i for i, other_ in enumerate(graph.operators) if other_ is operation)
                operation.inputs[side] = in_shape(model, operation.inputs[side], wanted, before)
    return packed(model, len(content))


def elementwise(model) -> Iterator[tuple[str, Any]]:
    """The operators of `model` (a schema.ModelT) that ELEMENTWISE names, by name."""
    from ai_edge_litert import schema_py_generated as schema

    names = {getattr(schema.BuiltinOperator, name): name for name in ELEMENTWISE}
    for operation in model.subgraphs[0].operators:
        name = names.get(model.operatorCodes[operation.opcodeIndex].builtinCode)
        if name:
            yield name, operation


def shape(model, place: int) -> list[int]:
    """The sizes of a tensor; none for a single number."""
    sizes = model.subgraphs[0].tensors[place].shape
    return [] if sizes is None else [int(size) for size in sizes]


def in_shape(model, place: int, wanted: list[int], before: int) -> int:
    """The place of a tensor with the values of another one and the sizes `wanted`.

    What is computed is reshaped just before the operator at the position `before`.
    """
    graph, tensor = model.subgraphs[0], copy.copy(model.subgraphs[0].tensors[place])
    tensor.shape, tensor.name = np.array(wanted, np.int32), unique(model, tensor.name + b" in one rank")
    graph.tensors.append(tensor)
    target = len(graph.tensors) - 1
    if model.buffers[tensor.buffer].data is None:
        tensor.buffer = 0                    # the empty buffer, of all that is computed
        graph.operators.insert(before, reshape(model, place, target, tensor.shape))
    return target


def reshape(model, source: int, target: int, sizes: np.ndarray):
    """An operator that gives the tensor at `source` the sizes of the one at `target`."""
    from ai_edge_litert import schema_py_generated as schema

    operation, options = schema.OperatorT(), schema.ReshapeOptionsT()
    operation.opcodeIndex = place_of_code(model, schema.BuiltinOperator.RESHAPE)
    operation.inputs, operation.outputs = [source, vector(model, sizes)], [target]
    operation.builtinOptionsType, operation.builtinOptions = schema.BuiltinOptions.ReshapeOptions, options
    options.newShape = sizes
    return operation


def vector(model, numbers: np.ndarray) -> int:
    """The place of a new constant tensor, int32 [N]."""
    from ai_edge_litert import schema_py_generated as schema

    data, tensor = schema.BufferT(), schema.TensorT()
    data.data = numbers.view(np.uint8)
    model.buffers.append(data)
    tensor.name, tensor.type = unique(model, b"sizes in one rank"), schema.TensorType.INT32
    tensor.buffer = len(model.buffers) - 1
    tensor.shape = np.array(numbers.shape, np.int32)
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def unique(model, name: bytes) -> bytes:
    """A name that no tensor of the graph has: the quantizer tells tensors by their names."""
    return name + b" %d" % len(model.subgraphs[0].tensors)


def place_of_code(model, builtin: int) -> int:
    """The place of an operator in the model's list of operators, which gets it if it lacks it."""
    from ai_edge_litert import schema_py_generated as schema

    for place, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin:
            return place
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
