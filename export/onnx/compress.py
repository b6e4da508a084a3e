"""A float32 onnx.ModelProto and a Mixture enter; a copy leaves whose weights are stored in int8, float16 or float32.

`int8`: a scale for each output channel, symmetric. DequantizeLinear decodes the weights as the model runs. The table of
tokens stays in int8 in memory; its rows are decoded after the look-up. `dynamic-int8`: matrix products use
onnxruntime's dynamic quantisation, which quantises their input as the model runs and computes in int8. All other
weights are as in `int8`: a look-up has no such input, and onnxruntime's integer convolution has only one scale for a
whole weight, which makes depthwise layers useless.
"""

import copy

import numpy as np

from export.formats.mixture import Mixture, Weight, is_weight
from export.onnx import storage

# Operators whose input at this position is a weight, and the axis of its output channels (Gather: of its rows).
AXES = {("Conv", 1): 0, ("MatMul", 1): -1, ("Gemm", 1): -1, ("Gather", 0): 0}
INT8, SCALE = "_int8", "_scale"              # suffixes of the names of stored tensors


def weights(model) -> list[Weight]:
    """The weights that can be compressed, in the order of use."""
    return [Weight(tensor.name, tuple(tensor.dims), int(np.prod(tensor.dims))) for tensor, _ in _found(model)]


def compressed(model, mixture: Mixture):
    """A copy of `model`, its weights stored as `mixture` says, all other large tensors in float16."""
    model = copy.deepcopy(model)
    dynamic = []
    for tensor, nodes in _found(model):
        scheme, kind = mixture.scheme(tensor.name), nodes[0].op_type
        if scheme == "fp16":
            continue
        if kind == "Gather":
            _table_in_int8(model.graph, tensor, nodes)
        elif scheme == "dynamic-int8" and kind in ("MatMul", "Gemm"):
            dynamic += [node.name for node in nodes]
        else:
            _weight_in_int8(model.graph, tensor, nodes)
    return storage.half(_dynamic(model, dynamic) if dynamic else model)


def _found(model) -> list[tuple]:
    """(initializer, nodes that read it) of every weight whose readers are all in AXES and agree on the axis."""
    from onnx import TensorProto, numpy_helper

    readers: dict[str, list] = {}
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            readers.setdefault(name, []).append((node, i))
    pairs = []
    for tensor in model.graph.initializer:
        uses = readers.get(tensor.name, [])
        if (tensor.data_type == TensorProto.FLOAT and uses and len({_axis(*use) for use in uses}) == 1
                and _axis(*uses[0]) is not None and is_weight(numpy_helper.to_array(tensor))):
            pairs.append((tensor, [node for node, _ in uses]))
    order = {id(node): i for i, node in enumerate(model.graph.node)}
    return sorted(pairs, key=lambda pair: order[id(pair[1][0])])


def _axis(node, position: int) -> tuple[int, bool] | None:
    """The axis of the output channels, and whether the weight is looked up; None if it is no weight."""
    if (node.op_type, position) not in AXES:
        return None
    return _channels(node, position), node.op_type == "Gather"


def _channels(node, position: int) -> int:
    """The axis of the output channels of a weight that AXES has."""
    if node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute):
        return 0
    return AXES[node.op_type, position]


def quantised(values: np.ndarray, axis: int, kind: type = np.float32) -> tuple[np.ndarray, np.ndarray]:
    """float32 [...] -> int8 [...] in [-127, 127] and [channels], a scale of type `kind` for each index of `axis`."""
    others = tuple(i for i in range(values.ndim) if i != axis % values.ndim)
    scale = (np.abs(values).max(axis=others, keepdims=True) / 127).astype(kind)
    scale = np.where(scale == 0, np.finfo(kind).tiny, scale).astype(kind)
    return np.clip(np.rint(values / scale.astype(np.float32)), -127, 127).astype(np.int8), scale.ravel()


def _weight_in_int8(graph, tensor, nodes: list) -> None:
    """Stores `tensor` in int8, and puts a DequantizeLinear before its readers."""
    from onnx import helper, numpy_helper

    name, values = tensor.name, numpy_helper.to_array(tensor)
    node = nodes[0]
    axis = _channels(node, list(node.input).index(name)) % values.ndim
    codes, scale = quantised(values, axis)
    tensor.CopyFrom(numpy_helper.from_array(codes, name + INT8))
    graph.initializer.append(numpy_helper.from_array(scale, name + SCALE))
    graph.node.insert(0, helper.make_node("DequantizeLinear", [name + INT8, name + SCALE], [name], axis=axis))


def _table_in_int8(graph, tensor, nodes: list) -> None:
    """Stores a table in int8 with a float16 scale for each row: both are looked up, cast and multiplied."""
    from onnx import TensorProto, helper, numpy_helper

    name, values = tensor.name, numpy_helper.to_array(tensor)
    codes, scale = quantised(values, 0, np.float16)
    tensor.CopyFrom(numpy_helper.from_array(codes, name + INT8))
    graph.initializer.append(numpy_helper.from_array(scale[:, None], name + SCALE))
    for node in nodes:
        rows, indices = node.output[0], node.input[1]
        node.input[0], node.output[0] = name + INT8, rows + INT8
        after = [helper.make_node("Gather", [name + SCALE, indices], [rows + SCALE], axis=0),
                 helper.make_node("Cast", [rows + INT8], [rows + INT8 + "_float"], to=TensorProto.FLOAT),
                 helper.make_node("Cast", [rows + SCALE], [rows + SCALE + "_float"], to=TensorProto.FLOAT),
                 helper.make_node("Mul", [rows + INT8 + "_float", rows + SCALE + "_float"], [rows])]
        position = next(i for i, other in enumerate(graph.node) if other is node or other == node)
        for i, added in enumerate(after):
            graph.node.insert(position + 1 + i, added)


def _dynamic(model, names: list[str]):
    """onnxruntime's dynamic quantisation of these nodes, weights by output channel."""
    import tempfile
    from pathlib import Path

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    del model.graph.value_info[:]            # stale shapes stop its shape inference
    with tempfile.TemporaryDirectory() as folder:
        quantize_dynamic(model, Path(folder) / "dynamic.onnx", per_channel=True, weight_type=QuantType.QInt8,
                         nodes_to_quantize=names)
        result = onnx.load(Path(folder) / "dynamic.onnx")
    del result.metadata_props[:]
    return result
