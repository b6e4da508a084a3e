"""ONNX in float16: weights stored so, arithmetic in float32, at every optimisation level of onnxruntime."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.onnx import storage

LEVELS = [ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
          ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, ort.GraphOptimizationLevel.ORT_ENABLE_ALL]


def model(*initializers: onnx.TensorProto) -> onnx.ModelProto:
    """rows = table[ids]; out = rows @ weight + bias."""
    nodes = [helper.make_node("Gather", ["table", "ids"], ["rows"]),
             helper.make_node("MatMul", ["rows", "weight"], ["product"]),
             helper.make_node("Add", ["product", "bias"], ["out"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("ids", TensorProto.INT32, ["n"])],
                              [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 32])], list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def values(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def tensors(weight: np.ndarray) -> list[onnx.TensorProto]:
    return [numpy_helper.from_array(v, name) for name, v in
            {"table": values(0, 100, 64), "weight": weight, "bias": values(2, 32)}.items()]


def test_large_weights_are_stored_in_float16_and_small_ones_are_not():
    half = storage.half(model(*tensors(values(1, 64, 32))))
    assert {i.name: i.data_type for i in half.graph.initializer} == {
        "table_float16": TensorProto.FLOAT16, "weight_float16": TensorProto.FLOAT16, "bias": TensorProto.FLOAT}


def test_the_original_is_left_alone():
    original = model(*tensors(values(1, 64, 32)))
    before = original.SerializeToString(deterministic=True)
    storage.half(original)
    assert original.SerializeToString(deterministic=True) == before


def test_the_rows_of_a_table_are_cast_and_not_the_table():
    half = storage.half(model(*tensors(values(1, 64, 32))))
    cast = {node.input[0] for node in half.graph.node if node.op_type == "Cast"}
    assert cast == {"weight_float16", "rows_float16"}


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_the_arithmetic_is_float32_on_rounded_weights(level):
    half = storage.half(model(*tensors(values(1, 64, 32))))
    onnx.checker.check_model(half, full_check=True)
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    session = ort.InferenceSession(half.SerializeToString(), options, providers=["CPUExecutionProvider"])
    ids = np.array([3, 99, 0], np.int32)
    table, weight = (v.astype(np.float16).astype(np.float64) for v in (values(0, 100, 64), values(1, 64, 32)))
    expected = table[ids] @ weight + values(2, 32)
    assert abs(session.run(None, {"ids": ids})[0] - expected).max() < 1e-5


def test_a_weight_beyond_float16_stays_in_float32():
    weight = values(1, 64, 32)
    weight[0, 0] = 7e4
    half = storage.half(model(*tensors(weight)))
    assert next(i for i in half.graph.initializer if i.name == "weight").data_type == TensorProto.FLOAT


@pytest.mark.parametrize("encoder", ["image", "text"])
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_the_demo_in_float16_loads_and_runs_in_batches_at_every_level(exported, encoder, level):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    path = exported / "onnx" / f"{encoder}-fp16.onnx"
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    shape, dtype = ((8, 3, 64, 64), np.float32) if encoder == "image" else ((8, 77), np.int32)
    inputs = np.full(shape, 7, dtype)
    if encoder == "text":
        inputs[:, 5] = 49407
    found = session.run(None, {session.get_inputs()[0].name: inputs})[0]
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
