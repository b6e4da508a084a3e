"""Core ML packages executed without Core ML: operations, packages, and what the interpreter must refuse."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from export import runners
from export.common.specs import CLIP_TEXT
from export.formats import table
from export.formats.job import Job
from export.runners import mil
from export.runners.mil.operations import OPERATIONS
from export.runners.mil.program import CannotInterpret, Declared, Lacks, Step, checked, constant
from export.text.families import reference_ids
from export.weights import checkpoint, lookup
from parity.gate import inputs
from parity.gate.metrics import closeness
from parity.gate.reference import Reference

SPEC = lookup.find("demo")
RNG = np.random.default_rng(0)
A, B, P = (RNG.normal(size=(2, 3, 4)).astype(np.float32) for _ in range(3))
P = np.abs(P) + 0.5
INDEX = np.array([[2, 0], [1, 1]], np.int32)

# What coremltools can compute itself, as it infers constants: the operation, its arguments.
CASES = [
    ("abs", {"x": A}), ("add", {"x": A, "y": B}), ("cast", {"x": A * 9, "dtype": "int32"}),
    ("cast", {"x": INDEX, "dtype": "fp32"}), ("clip", {"x": A, "alpha": -0.5, "beta": 0.25}),
    ("concat", {"values": [A, B], "axis": 1}), ("equal", {"x": A, "y": A}), ("erf", {"x": A}), ("exp", {"x": A}),
    ("expand_dims", {"x": A, "axes": [0, -1]}), ("gather", {"x": A, "indices": INDEX, "axis": 1}),
    ("gather_along_axis", {"x": A, "indices": RNG.integers(0, 4, (2, 3, 5)).astype(np.int32), "axis": 2}),
    ("gelu", {"x": A, "mode": "EXACT"}), ("gelu", {"x": A, "mode": "TANH_APPROXIMATION"}),
    ("greater", {"x": A, "y": B}), ("greater_equal", {"x": A, "y": B}), ("identity", {"x": A}),
    ("layer_norm", {"x": A, "axes": [-1], "gamma": P[0, 0], "beta": A[0, 0], "epsilon": 1e-5}),
    ("less", {"x": A, "y": B}), ("less_equal", {"x": A, "y": B}), ("linear", {"x": A[0], "weight": B[0]}),
    ("linear", {"x": A[0], "weight": B[0], "bias": A[0, 0, :3]}),
    ("logical_and", {"x": A > 0, "y": B > 0}), ("logical_or", {"x": A > 0, "y": B > 0}), ("logical_not", {"x": A > 0}),
    ("matmul", {"x": A, "y": B, "transpose_y": True}), ("matmul", {"x": A, "y": B, "transpose_x": True}),
    ("maximum", {"x": A, "y": B}), ("minimum", {"x": A, "y": B}), ("mul", {"x": A, "y": B}),
    ("not_equal", {"x": A, "y": B}), ("pow", {"x": P, "y": B}), ("real_div", {"x": A, "y": P}),
    ("reduce_argmax", {"x": A, "axis": -1}),
    ("reduce_l2_norm", {"x": A, "axes": [-1], "keep_dims": True}),
    ("reduce_max", {"x": A, "axes": [1], "keep_dims": True}),
    ("reduce_mean", {"x": A, "axes": [0, 2]}), ("reduce_min", {"x": A, "axes": [-1]}),
    ("reduce_sum", {"x": A, "axes": [-1], "keep_dims": True}), ("relu", {"x": A}),
    ("reshape", {"x": A, "shape": [3, -1]}), ("rsqrt", {"x": P, "epsilon": 0.1}),
    ("select", {"cond": A > 0, "a": A, "b": B}), ("sigmoid", {"x": A}),
    ("slice_by_index", {"x": A, "begin": [0, 1, 0], "end": [2, 3, 4], "stride": [1, 1, 2],
                        "end_mask": [True, False, False], "squeeze_mask": [False, False, False]}),
    ("slice_by_index", {"x": A, "begin": [1, 0, -2], "end": [2, 3, 4], "begin_mask": [False, True, False],
                        "squeeze_mask": [True, False, False]}),
    ("slice_by_size", {"x": A, "begin": [0, 1, 1], "size": [-1, 2, 3]}), ("softmax", {"x": A, "axis": 1}),
    ("split", {"x": A, "num_splits": 2, "axis": 2}), ("split", {"x": A, "split_sizes": [1, 2], "axis": 1}),
    ("sqrt", {"x": P}), ("square", {"x": A}), ("squeeze", {"x": A[:1], "axes": [0]}),
    ("stack", {"values": [A, B], "axis": 1}), ("sub", {"x": A, "y": B}), ("tanh", {"x": A}),
    ("tile", {"x": A, "reps": [1, 2, 3]}), ("transpose", {"x": A, "perm": [2, 0, -2]}),
]
BY_HAND = {"silu", "scaled_dot_product_attention"}           # coremltools infers no constants for these
BY_DEMO = {"conv", "batch_norm"}                             # nor for these; the demo's packages use them
BY_PACKAGE = {"avg_pool", "max_pool"}                        # nor for these; packages are made of them below


def by_coremltools(operation, arguments):
    """What coremltools infers for the operation, and its inputs as a saved program would hold them."""
    from coremltools.converters.mil import Builder as mb

    kept = []

    @mb.program(input_specs=[mb.TensorSpec((1,))], opset_version=None)
    def program(x):
        made = getattr(mb, operation)(**arguments)
        kept.append(made if isinstance(made, (list, tuple)) else [made])
        return mb.identity(x=x)

    inputs = {key: [one.val for one in value] if isinstance(value, (list, tuple)) else value.val
              for key, value in kept[0][0].op.inputs.items() if value is not None}
    return [one.val for one in kept[0]], inputs


@pytest.mark.parametrize(("operation", "arguments"), CASES, ids=[f"{o}-{i}" for i, (o, _) in enumerate(CASES)])
def test_an_operation_computes_what_coremltools_infers(operation, arguments):
    expected, given = by_coremltools(operation, arguments)
    assert all(value is not None for value in expected)
    found = OPERATIONS[operation](**{key: [constant(one) for one in value] if isinstance(value, list)
                                     else constant(value) for key, value in given.items()})
    for one, value in zip(found if isinstance(found, tuple) else (found,), expected, strict=True):
        assert tuple(one.shape) == np.shape(value)
        assert np.abs(one.numpy().astype(np.float64) - np.asarray(value, np.float64)).max() < 2e-6


def test_padding_that_is_not_given_is_none():
    x, weight = torch.from_numpy(A), torch.from_numpy(B[:, :, :2])
    assert torch.equal(OPERATIONS["conv"](x, weight, pad_type="custom"), OPERATIONS["conv"](x, weight))


def test_every_operation_is_held_to_something():
    assert set(OPERATIONS) == {operation for operation, _ in CASES} | BY_HAND | BY_DEMO | BY_PACKAGE


POOLS = {"average": torch.nn.AvgPool2d(2), "average, padded": torch.nn.AvgPool2d(3, 2, padding=1),
         "average of what is there": torch.nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
         "average, rounded up": torch.nn.AvgPool2d(3, 2, ceil_mode=True),
         "greatest": torch.nn.MaxPool2d(3, 2, padding=1), "greatest, rounded up": torch.nn.MaxPool2d(2, ceil_mode=True)}


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_a_package_with_a_pooling_answers_as_pytorch_does(tmp_path, pool):
    import coremltools as ct

    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), pool, torch.nn.Flatten()).eval()
    given = torch.from_numpy(RNG.integers(0, 256, (1, 3, 13, 13)).astype(np.float32))
    package = tmp_path / "pool.mlpackage"
    ct.convert(torch.jit.trace(network, given), inputs=[ct.ImageType(name="image", shape=(1, 3, 13, 13))],
               outputs=[ct.TensorType(name="embedding", dtype=np.float32)], convert_to="mlprogram",
               compute_precision=ct.precision.FLOAT32, minimum_deployment_target=ct.target.iOS16,
               skip_model_load=True).save(str(package))
    with torch.no_grad():
        expected = network(given)
    found = mil.read(package).run({"image": given})["embedding"]
    assert found.shape == expected.shape and (found - expected).abs().max() <= 1e-6 * expected.abs().max()


def test_attention_and_silu_follow_their_formulas():
    q, k, v = (torch.from_numpy(RNG.normal(size=(1, 2, 5, 4))).float() for _ in range(3))
    allowed = torch.ones(5, 5).tril().bool()
    found = OPERATIONS["scaled_dot_product_attention"](query=q, key=k, value=v, attn_mask=allowed)
    weights = np.where(allowed, np.exp((q @ k.mT).numpy() / 2), 0)
    assert np.abs(found.numpy() - weights / weights.sum(-1, keepdims=True) @ v.numpy()).max() < 1e-5
    assert np.abs(OPERATIONS["silu"](x=torch.from_numpy(A)).numpy() - A / (1 + np.exp(-A))).max() < 1e-6


@pytest.mark.parametrize("encoder", table.ENCODERS)
@pytest.mark.parametrize(("precision", "cosine", "difference"), [("fp32", 0.999999, 1e-5), ("fp16", 0.9999, 5e-3)])
def test_packages_answer_as_pytorch_does(exported, encoder, precision, cosine, difference):
    reference, shelf = Reference(SPEC, checkpoint.locate(SPEC)), inputs.samples()
    if encoder == "image":
        given = inputs.squares(shelf.pictures[:9], SPEC.preprocessing)
        expected = reference.images(given)
    else:
        given = reference_ids(CLIP_TEXT, shelf.text_queries[:9])
        expected = reference.texts(given)
    run = runners.load("coreml", exported / Job("coreml", encoder, precision).path, encoder,
                       runtime=runners.runtimes("coreml")[-1])
    near = closeness(run(given), expected)
    assert near.cosine_min >= cosine and near.max_abs <= difference
    assert precision == "fp32" or near.max_abs > 1e-6        # float16 was rounded to, not passed over


def image_program(exported, precision="fp32"):
    return mil.read(exported / Job("coreml", "image", precision).path)


def picture(value=128.0):
    return {"image": torch.full((1, 3, 64, 64), value)}


def test_an_unknown_operation_is_named_before_anything_runs(exported):
    program = image_program(exported)
    steps = [*program.steps[:-1], dataclasses.replace(program.steps[-1], operation="fancy_new_op")]
    seen = []
    with pytest.raises(Lacks, match="image-fp32.mlpackage: the interpreter lacks fancy_new_op"):
        dataclasses.replace(program, steps=steps).run(picture(), watch=lambda *one: seen.append(one))
    assert seen == []


@pytest.mark.parametrize(("operation", "arguments", "lacking"), [
    ("conv", {"x": A, "weight": A, "pad_type": "same"}, "conv with pad_type same"),
    ("conv", {"x": A, "weight": A, "sparsity": 1}, "conv with sparsity"),
    ("avg_pool", {"x": A, "kernel_sizes": [2], "pad_type": "same"}, "avg_pool with pad_type same"),
    ("max_pool", {"x": A, "kernel_sizes": [2], "pad_type": "custom", "pad": [0, 1]},
     r"max_pool with the padding \[0, 1\]"),
    ("max_pool", {"x": A[0], "kernel_sizes": []}, "max_pool with 0 spatial axes"),
    ("layer_norm", {"x": A, "axes": [0]}, r"layer_norm with the axes \[0\] of 3"),
    ("slice_by_index", {"x": A, "begin": [2, 0, 0], "end": [0, 3, 4], "stride": [-1, 1, 1]},
     r"slice_by_index with the strides \[-1, 1, 1\]"),
    ("concat", {"values": [A, B], "axis": 1, "interleave": True}, "concat with interleave"),
    ("gather", {"x": A, "indices": INDEX, "axis": 1, "batch_dims": 1}, "gather with batch_dims"),
    ("split", {"x": A, "axis": 1}, "split with neither num_splits nor split_sizes"),
])
def test_a_variant_of_an_operation_that_is_not_known_is_named(tmp_path, operation, arguments, lacking):
    given = {key: [constant(one) for one in value] if key == "values" else constant(value)
             for key, value in arguments.items()}
    step = Step(operation, given, [Declared("the_value", "fp32", (1,))], [])
    with pytest.raises(Lacks, match=f"p.mlpackage: the interpreter lacks {lacking}$"):
        mil.Program(tmp_path / "p.mlpackage", [], ["the_value"], [step], None).run({})


def test_a_package_with_an_unknown_operation_could_not_run_and_is_not_blamed(exported, monkeypatch):
    monkeypatch.delitem(OPERATIONS, "layer_norm")
    answer = runners.load("coreml", exported / Job("coreml", "text", "fp32").path, "text",
                          runtime=runners.runtimes("coreml")[-1])
    assert isinstance(answer, runners.CouldNotRun) and answer.reason.endswith("lacks layer_norm")


def test_a_value_of_another_shape_than_declared_is_refused(exported):
    program = image_program(exported)
    declared = program.steps[3].outputs[0]
    wrong = dataclasses.replace(declared, shape=(*declared.shape[:-1], declared.shape[-1] + 1))
    steps = list(program.steps)
    steps[3] = dataclasses.replace(steps[3], outputs=[wrong])
    with pytest.raises(CannotInterpret, match=f"{declared.name} is declared"):
        dataclasses.replace(program, steps=steps).run(picture())


def test_float16_overflows_and_rounds_as_declared(tmp_path):
    value = torch.tensor([70000.0, 1.00001, 1e-9])
    assert checked(value, Declared("v", "fp16", (3,)), tmp_path).tolist() == [float("inf"), 1.0, 0.0]
    assert torch.equal(checked(value, Declared("v", "fp32", (3,)), tmp_path), value)
    with pytest.raises(CannotInterpret, match="declared int32"):
        checked(value, Declared("v", "int32", (3,)), tmp_path)


def test_every_value_can_be_watched(exported):
    seen = []
    image_program(exported, "fp16").run(picture(), watch=lambda *one: seen.append(one))
    assert seen[-1][0] == "embedding" and {kind for _, _, kind, _ in seen} == {"fp16", "fp32"}
    assert max(float(value.abs().max()) for *_, value in seen) < 65504


def test_the_saved_weights_are_what_is_computed_with(exported, tmp_path):
    package = tmp_path / "image.mlpackage"
    shutil.copytree(exported / Job("coreml", "image", "fp32").path, package)
    weights = package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    content = bytearray(weights.read_bytes())
    middle = len(content) // 2 // 64 * 64
    content[middle:middle + 4096] = bytes(4096)
    weights.write_bytes(content)
    true, changed = (mil.read(p).run(picture())["embedding"]
                     for p in (exported / Job("coreml", "image", "fp32").path, package))
    assert (true - changed).abs().max() > 1e-5


@pytest.mark.parametrize("layout", ["RGB", "BGR"])
def test_scale_bias_and_colour_order_of_the_input_are_those_of_the_package(tmp_path, layout):
    import coremltools as ct

    class Mean(torch.nn.Module):
        def forward(self, image):
            return image.mean(dim=(2, 3))

    taken = ct.ImageType(name="image", shape=(1, 3, 4, 4), scale=1 / 127, bias=[0.5, 0.25, -0.5],
                         color_layout=getattr(ct.colorlayout, layout))
    package = tmp_path / "mean.mlpackage"
    ct.convert(torch.jit.trace(Mean(), torch.rand(1, 3, 4, 4)), inputs=[taken], skip_model_load=True,
               outputs=[ct.TensorType(name="embedding", dtype=np.float32)], convert_to="mlprogram",
               compute_precision=ct.precision.FLOAT32, minimum_deployment_target=ct.target.iOS16).save(str(package))
    colour = np.array([254, 127, 0], np.uint8)
    run = runners.load("coreml", package, "image", runtime=runners.runtimes("coreml")[-1])
    found = run(np.broadcast_to(colour, (1, 4, 4, 3)))
    order = colour if layout == "RGB" else colour[::-1]
    assert np.abs(found[0] - (order / 127 + [0.5, 0.25, -0.5])).max() < 1e-6
