"""No TFLite file mixes ranks so that LiteRT's GPU code takes heads for the batch, and the gate is red if one does."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import network_families
from export import tflite
from export.artifacts.dist import Dist
from export.common import files
from export.formats import table
from export.formats.stamp import Stamp
from export.tflite import attention, ranks
from export.tflite.flatbuffer import packed
from export.weights import checkpoint, encoders, lookup
from export.weights.networks import bert
from parity.gate import baseline, gate

SPEC = lookup.find("demo")
HEADS, MASK = [4, 2, 3], [1, 1, 2, 3]


def text_encoder():
    model = checkpoint.reparameterise(checkpoint.load(SPEC, checkpoint.locate(SPEC)))
    return encoders.split(model, SPEC)["text"]


@pytest.mark.parametrize("rank", [3, 4])
def test_attention_written_out_answers_as_torchs_own(rank):
    part = text_encoder()
    changed = attention.written_out(part, rank)
    assert torch.nn.MultiheadAttention not in {type(m) for m in changed.modules()} and changed.mask.ndim == rank
    assert torch.nn.MultiheadAttention in {type(m) for m in part.modules()} and part.mask.ndim == 2
    ids = encoders.example("text", SPEC)
    assert (changed(ids) - part(ids)).abs().max() < 1e-6


def test_berts_attention_without_the_batch_answers_as_before():
    family = next(one for one in network_families.families() if one.name == "chinese-vit")
    part = encoders.split(checkpoint.random_model(family.spec), family.spec)["text"]
    changed, ids = attention.written_out(part, 3), encoders.example("text", family.spec)
    kinds = {type(module) for module in changed.modules()}
    assert bert.Attention not in kinds and bert.Attention in {type(module) for module in part.modules()}
    assert (changed(ids) - part(ids)).abs().max() < 1e-6 and attention.written_out(part, 4) is part


def test_an_encoder_without_a_mask_stays_as_it_is():
    part = text_encoder()
    part.mask = None
    assert attention.written_out(part, 3) is part


def sum_of(left: list[int], right: list[int], constant: bool) -> bytes:
    """A TFLite file that adds its input, float32 of shape `left`, to an input or a constant of shape `right`."""
    from ai_edge_litert import schema_py_generated as schema

    model, graph, code, add = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
    data = schema.BufferT()
    data.data = np.arange(np.prod(right), dtype=np.float32).view(np.uint8)
    shapes = [left, right, list(np.broadcast_shapes(left, right))]
    graph.tensors = [schema.TensorT() for _ in shapes]
    for name, shape, tensor in zip((b"left", b"right", b"sum"), shapes, graph.tensors, strict=True):
        tensor.name, tensor.shape, tensor.type = name, np.array(shape, np.int32), schema.TensorType.FLOAT32
        tensor.buffer = int(constant and name == b"right")
    add.inputs, add.outputs, add.opcodeIndex = [0, 1], [2], 0
    add.builtinOptionsType, add.builtinOptions = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
    graph.inputs, graph.outputs, graph.operators = [0] if constant else [0, 1], [2], [add]
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT(), data]
    return packed(model, 4096)


def answers(content: bytes) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for place in interpreter.get_input_details():
        given = np.arange(np.prod(place["shape"]), dtype=np.float32).reshape(place["shape"]) * 10
        interpreter.set_tensor(place["index"], given)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize(("left", "right"), [(HEADS, MASK), (MASK, HEADS), ([2, 3], [1, 2, 3])])
def test_sides_of_one_rank_give_the_same_answers(left, right, constant):
    content = sum_of(left, right, constant)
    evened = ranks.evened(content)
    assert bool(ranks.mixed(content)) is (4 in map(len, (left, right))) and ranks.mixed(evened) == []
    assert np.array_equal(answers(content), answers(evened))


@pytest.mark.parametrize(("left", "right"), [([1, 2, 3], MASK), ([3], MASK), (MASK, MASK)])
def test_sides_that_no_gpu_mistakes_stay_as_they_are(left, right):
    content = sum_of(left, right, True)
    assert ranks.mixed(content) == [] and np.array_equal(answers(ranks.evened(content)), answers(content))


def test_no_exported_tflite_file_mixes_ranks(exported):
    paths = sorted((exported / "tflite").glob("*.tflite"))
    assert len(paths) == 4 and [ranks.mixed(path.read_bytes()) for path in paths] == [[]] * 4


def test_torchs_own_attention_turns_the_gate_red(exported, tmp_path, monkeypatch):
    shutil.copytree(exported, tmp_path / "demo")
    monkeypatch.setattr(attention, "written_out", lambda encoder, rank: encoder)
    ground = baseline.load(Dist(tmp_path / "demo"), 0)
    artifact = next(a for a in ground.manifest.artifacts if a.path == "tflite/text-fp32.tflite")
    traced = tflite.trace(ground.parts["text"], "text", encoders.example("text", SPEC))
    planted = ground.dist.path("tflite/planted.tflite")
    tflite.write(traced, "fp32", Stamp("demo", "text", ground.space, "MIT", "an input"), planted)
    result = gate.judge(ground, replace(artifact, path="tflite/planted.tflite", sha256=files.sha256(planted)))
    assert result.outcome == "failed" and result.closeness.cosine_min > 0.999999
    assert len(result.reasons) == 1 and "a GPU would answer wrongly" in result.reasons[0]
    assert "[4, 77, 77] and [1, 1, 77, 77]" in result.reasons[0] and table.TFLITE.name == result.format
