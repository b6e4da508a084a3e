"""Every compressed precision of the image encoder: it runs, is as small as it says, stores what it names, and repeats.

tests/test_precision.py does so for the text encoder.
"""

import functools
import importlib

import numpy as np
import pytest
import torch

from export import runners
from export.artifacts import manifest, receipts
from export.artifacts.dist import Dist
from export.common import files
from export.formats import table
from export.formats.job import Job
from export.formats.mixture import Mixture
from export.formats.stamp import Stamp
from export.weights import checkpoint, encoders, lookup
from tests.conftest import run_module

SPEC = lookup.find("demo")
# Bytes over those of the float16 artefact; graph, biases and scales stay, and weigh most in so small a model.
AT_MOST = {"int8": 0.66, "dynamic-int8": 0.66, "palette6": 0.45, "palette4": 0.34, "int4": 0.45}
LEAST_COSINE = {"int8": 0.995, "dynamic-int8": 0.995, "palette6": 0.98, "int4": 0.95, "palette4": 0.8}
CASES = [(format_, scheme) for format_ in table.FORMATS for scheme in table.FORMATS[format_].compressed]


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """uint8 [6, 64, 64, 3], smooth: noise alone would be like nothing that was learnt."""
    coarse = torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (6, 3, 5, 5)))
    smooth = torch.nn.functional.interpolate(coarse, (64, 64), mode="bilinear")
    return smooth.permute(0, 2, 3, 1).round().byte().numpy()


@pytest.fixture(scope="module")
def encoder():
    model = checkpoint.load(SPEC, checkpoint.locate(SPEC, None, False))
    return encoders.split(checkpoint.reparameterise(model), SPEC)["image"]


@pytest.fixture(scope="module")
def traced(encoder):
    """The converter of a format, and the image encoder as its `trace` gives it."""
    @functools.cache
    def trace(format_):
        converter = importlib.import_module(f"export.{format_}")
        return converter, converter.trace(encoder, "image", encoders.example("image", SPEC))

    return trace


@pytest.fixture(scope="module")
def write(traced, tmp_path_factory):
    """(format, precision or Mixture) -> path, written anew each time."""
    def make(format_, precision):
        converter, trace = traced(format_)
        path = tmp_path_factory.mktemp("made") / f"image{table.FORMATS[format_].suffix}"
        converter.write(trace, precision, Stamp("demo", "image", "0" * 64, "MIT", "a picture"), path)
        return path

    return make


@pytest.fixture(scope="module")
def made(write):
    """As `write`, but once for each."""
    return functools.cache(write)


@pytest.mark.parametrize(("format_", "scheme"), CASES)
def test_a_compressed_artefact_runs_and_is_of_its_size(made, encoder, pictures, format_, scheme):
    path = made(format_, scheme)
    assert files.size(path) < AT_MOST[scheme] * files.size(made(format_, "fp16"))
    with torch.no_grad():
        expected = encoder(torch.from_numpy(pictures).permute(0, 3, 1, 2).float()).numpy()
    cosines = (runners.load(format_, path, "image", threads=1)(pictures) * expected).sum(1)
    assert cosines.min() > LEAST_COSINE[scheme]
    assert cosines.min() < 1 - 1e-6          # or nothing was compressed


@pytest.mark.parametrize(("format_", "scheme"), [case for case in CASES if case[1] != "palette6"])  # as palette4
def test_the_same_bytes_come_twice(made, write, format_, scheme):
    assert files.sha256(made(format_, scheme)) == files.sha256(write(format_, scheme))


def stored_types(format_, path) -> dict[str, str]:
    """How each weight is stored, by the name that a mixture uses."""
    if format_ == "onnx":
        import onnx

        return {t.name.removesuffix("_int8").removesuffix("_float16"): onnx.TensorProto.DataType.Name(t.data_type)
                for t in onnx.load(path).graph.initializer}
    if format_ == "tflite":
        from ai_edge_litert import schema_py_generated as schema

        read = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
        types = {code: name for name, code in vars(schema.TensorType).items()}
        graph = read.subgraphs[0]
        made_by = {operation.outputs[0]: operation for operation in graph.operators}

        def source(tensor):                  # a float16 weight is cast by an operator of its own
            return source(made_by[tensor].inputs[0]) if tensor in made_by else types[graph.tensors[tensor].type]

        return {graph.tensors[op.outputs[0]].name.decode(): source(op.inputs[1])
                for op in graph.operators if len(op.inputs) > 1}
    from coremltools.converters.mil.frontend.milproto.load import load
    from coremltools.models.utils import load_spec

    spec = load_spec(str(path))
    program = load(spec, spec.specificationVersion, str(path / "Data" / "com.apple.CoreML" / "weights"))
    return {op.outputs[0].name.removesuffix("_quantized"): op.op_type
            for op in program.functions["main"].operations if op.op_type.startswith("const")}


def scope(format_, trace, name) -> str:
    """The name under which `stored_types` lists a weight."""
    if format_ != "tflite":
        return name
    from export.tflite import compress

    return next(where for weight, _, where in compress._found(trace) if weight.name == name)


@pytest.mark.parametrize("format_", table.FORMATS)
def test_a_mixture_leaves_just_the_named_weights_in_float16(made, traced, format_):
    converter, trace = traced(format_)
    weights = sorted(converter.weights(trace), key=lambda weight: -weight.values)
    assert len(weights) == len({weight.name for weight in weights})
    kept, pressed = weights[0].name, [weight.name for weight in weights[1:]]
    path = made(format_, Mixture.of({kept: "fp16"}, "int8"))
    types = stored_types(format_, path)
    assert types[scope(format_, trace, kept)] in ("FLOAT16", "const")
    assert {types[scope(format_, trace, name)] for name in pressed} <= {"INT8", "constexpr_affine_dequantize"}
    assert files.size(made(format_, "int8")) < files.size(path) < files.size(made(format_, "fp16"))


def test_the_manifest_says_how_an_artefact_is_stored_and_what_ios_it_needs():
    receipt = receipts.Receipt("", "", 1, 1.0, None)
    one = Mixture.of({"a": "int4"}, "int8")
    entry = manifest.artifact(SPEC, Job("coreml", "image", table.MIXED, one), receipt)
    assert (entry.precision, entry.minimum_ios, entry.json()["compression"]) == ("mixed", 18, one.json())
    entry = manifest.artifact(SPEC, Job("onnx", "image", "int8"), receipt)
    assert not {"compression", "minimum_ios"} & entry.json().keys()


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_command_line_makes_them(tmp_path):
    answer = run_module("export", "--formats", "onnx", "--precision", "int8,dynamic-int8", "--workers", "1",
                        "--out", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    made = manifest.read(tmp_path / "demo")
    Dist(tmp_path / "demo").check()
    assert [a.path for a in made.artifacts] == [f"onnx/{e}-{p}.onnx" for e in table.ENCODERS
                                                      for p in ("int8", "dynamic-int8")]
