"""A float32 onnx.ModelProto enters; a model leaves that stores its weights in float16 and computes in float32.

onnxruntime has almost no float16 arithmetic on the CPU: it computes in float32 and rounds in between, which costs time
and exactness. Weights stored in float16 take half the bytes. A session folds the casts once, when it is created, so it
runs as fast as float32. The table of tokens stays in float16 in memory too: its rows are cast after the look-up.
"""

import copy

import numpy as np

LEAST = 1024                                 # values; smaller tensors (biases, scales) are not worth a node
STORED = "_float16"                          # suffix of the names of stored tensors


def half(model):
    """A copy of `model` (an onnx.ModelProto) with its larger float32 weights stored in float16."""
    from onnx import TensorProto, helper

    model = copy.deepcopy(model)
    graph = model.graph
    readers: dict[str, list] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    casts = []
    for weight in graph.initializer:
        if not halved(weight):
            continue
        name, weight.name = weight.name, weight.name + STORED
        if all(node.op_type == "Gather" and node.input[0] == name for node in readers[name]):
            for node in readers[name]:
                node.input[0] = weight.name
                rows, node.output[0] = node.output[0], node.output[0] + STORED
                casts.append((node, helper.make_node("Cast", [node.output[0]], [rows], to=TensorProto.FLOAT)))
        else:
            casts.append((None, helper.make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT)))
    insert(graph, casts)
    return model


def halved(weight) -> bool:
    """Converts `weight`, an initializer, to float16 in place if it is large and in range. Returns whether it did."""
    from onnx import TensorProto, numpy_helper

    if weight.data_type != TensorProto.FLOAT or int(np.prod(weight.dims)) < LEAST:
        return False
    with np.errstate(over="ignore"):
        values = numpy_helper.to_array(weight).astype(np.float16)
    if not np.isfinite(values).all():
        return False
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    return True


def insert(graph, casts: list[tuple]) -> None:
    """Inserts each cast after its node, or at the front if it has none, so that the nodes stay in order of use."""
    after = {id(node): cast for node, cast in casts if node is not None}
    nodes = [cast for node, cast in casts if node is None]
    for node in graph.node:
        nodes.append(node)
        if id(node) in after:
            nodes.append(after[id(node)])
    ordered = [copy.deepcopy(node) for node in nodes]
    del graph.node[:]
    graph.node.extend(ordered)
