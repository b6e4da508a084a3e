"""Smaller precisions: what they weigh, how near they are, and their names."""

import numpy as np
import pytest

from export import coreml, onnx, plan, runners, tflite
from export.artifacts import receipts
from export.common import files
from export.common.errors import InputError
from export.formats import mixture, table
from export.formats.job import Job, jobs, lacking
from export.formats.mixture import Mixture
from export.formats.stamp import Stamp
from tests.test_export import inputs

STAMP = Stamp("demo", "text", "ab" * 32, "MIT", "77 token ids")
# Bytes over those of fp16, and the least cosine that is not by chance: far from what another network would give.
COMPRESSED = [("coreml", "int8", 0.56, 0.99), ("coreml", "palette6", 0.42, 0.98), ("coreml", "palette4", 0.30, 0.8),
              ("coreml", "int4", 0.32, 0.9), ("tflite", "int8", 0.56, 0.99), ("tflite", "dynamic-int8", 0.56, 0.99),
              ("onnx", "int8", 0.56, 0.99), ("onnx", "dynamic-int8", 0.56, 0.99)]


# --- the artefacts --------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def traced(exported):
    """The demo's text encoder, as each format's `trace` gives it."""
    import onnx as onnx_
    import torch

    from export.weights import checkpoint, encoders, lookup

    spec = lookup.find("demo")
    torch.backends.mha.set_fastpath_enabled(False)
    text = encoders.split(checkpoint.reparameterise(checkpoint.load(spec, checkpoint.locate(spec, None, False))),
                          spec)["text"]
    return {"coreml": coreml.trace(text, "text", encoders.example("text", spec)),
            "tflite": (exported / "tflite" / "text-fp32.tflite").read_bytes(),
            "onnx": onnx_.load(exported / "onnx" / "text-fp32.onnx")}


def write(traced, format_, wanted, folder):
    path = folder / f"text{table.FORMATS[format_].suffix}"
    files.remove(path)
    {"coreml": coreml, "tflite": tflite, "onnx": onnx}[format_].write(traced[format_], wanted, STAMP, path)
    return path


@pytest.mark.parametrize(("format_", "wanted", "share", "cosine"), COMPRESSED)
def test_compressed_artefact_is_small_near_and_the_same_twice(traced, exported, tmp_path, format_, wanted, share,
                                                              cosine):
    path = write(traced, format_, wanted, tmp_path)
    fp16 = exported / Job(format_, "text", "fp16").path
    assert files.size(path) < share * files.size(fp16)
    ids = inputs("text", 8)
    found = runners.load(format_, path, "text")(ids)
    expected = runners.load("onnx", exported / "onnx" / "text-fp32.onnx", "text")(ids)
    assert ((found * expected).sum(axis=1) / np.linalg.norm(found, axis=1)).min() > cosine
    first = files.sha256(path)
    assert files.sha256(write(traced, format_, wanted, tmp_path)) == first


@pytest.mark.parametrize("format_", table.FORMATS)
def test_mixture_keeps_the_named_weights_in_float16(traced, tmp_path, format_):
    made = {"coreml": coreml, "tflite": tflite, "onnx": onnx}[format_]
    weights = made.weights(traced[format_])
    table = max(weights, key=lambda w: w.values)
    assert table.shape == (49408, 64) and len(weights) == 10
    small = files.size(write(traced, format_, "int8", tmp_path))
    table_in_float = files.size(write(traced, format_, Mixture.of({table.name: "fp16"}, "int8"), tmp_path))
    assert 0.95 < (table_in_float - small) / table.values < 1.05           # one more byte a value
    table_in_int8 = files.size(write(traced, format_, Mixture.of({table.name: "int8"}, "fp16"), tmp_path))
    others = sum(w.values for w in weights) - table.values
    assert 0.85 < (table_in_int8 - small) / others < 1.05


def test_masks_and_counters_are_no_weights():
    counter = np.triu(np.ones((77, 77), np.float32), 1)
    mask = np.where(counter, -10_000.0, 0)
    rng = np.random.default_rng(0)
    assert not mixture.is_weight(counter) and not mixture.is_weight(mask)
    assert mixture.is_weight(rng.standard_normal((64, 64))) and not mixture.is_weight(rng.standard_normal(4096))


def test_int4_states_its_least_ios(traced, tmp_path):
    from coremltools.models.utils import load_spec

    for wanted, ios, version in (("int8", 16, 7), ("int4", 18, 9)):
        assert table.COREML.minimum_ios(wanted) == ios
        assert load_spec(str(write(traced, "coreml", wanted, tmp_path))).specificationVersion == version


# --- the names ------------------------------------------------------------------------------------------------------

def test_a_precision_is_made_where_the_format_has_it():
    made = jobs("coreml,tflite", "fp16,palette4")
    assert [(j.format, j.precision) for j in made if j.encoder == "text"] == [
        ("coreml", "fp16"), ("coreml", "palette4"), ("tflite", "fp16")]
    assert lacking(made) == ["tflite has no palette4; expected fp32, fp16, int8, dynamic-int8"]


@pytest.mark.parametrize(("formats", "wanted", "word"), [
    ("tflite", "palette4", "palette4"), ("coreml", "dynamic-int8", "dynamic-int8"), ("onnx", "int4", "int4"),
    ("coreml,onnx", "palette6", "onnx"), ("onnx", "mixed", "mixed"),
])
def test_a_precision_that_a_format_lacks_is_named(formats, wanted, word):
    with pytest.raises(InputError, match=word):
        jobs(formats, wanted)


def test_a_mixture_has_one_form():
    one = Mixture.of({"b": "fp16", "a": "int8", "c": "palette6"}, "int8")
    assert one == Mixture.of({"c": "palette6", "b": "fp16"}, "int8") == Mixture.from_json(one.json())
    assert one.json() == {"default": "int8", "others": {"b": "fp16", "c": "palette6"}}
    jobs = [Job("onnx", "text", "mixed", m) for m in (one, Mixture("int8"))]
    assert plan.recipe("", jobs[0]) != plan.recipe("", jobs[1])


def test_a_receipt_of_a_mixture_names_its_job():
    job = Job("onnx", "text", "mixed", Mixture.of({"a": "fp16"}, "int8"))
    receipt = receipts.Receipt("r", "s", 1, 1.0, None, job.mixture.json())
    assert receipts.job_of(job.path, receipt) == job
    assert receipts.job_of(job.path, receipts.Receipt("r", "s", 1, 1.0, None, {"nonsense": 1})) is None
    assert receipts.job_of("onnx/text-int8.onnx", receipts.Receipt("r", "s", 1, 1.0, None)).precision == "int8"
