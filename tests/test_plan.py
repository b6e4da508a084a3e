"""What is made, and what is found to be made already."""

import dataclasses

import pytest

from export import plan
from export.artifacts import receipts
from export.artifacts.dist import Dist
from export.common import files
from export.common.errors import InputError
from export.formats.job import Job, jobs, lacking
from export.formats.table import ENCODERS, FORMATS
from export.weights import checkpoint, lookup

SPEC = lookup.find("demo")
SOURCE = checkpoint.Source("bundled", None, "ab" * 32)


def one_receipt(folder, base):
    job = Job("onnx", "text", "fp32")
    (folder / "onnx").mkdir()
    (folder / job.path).write_bytes(b"an artefact")
    receipt = receipts.Receipt(plan.recipe(base, job), files.sha256(folder / job.path), 11, 1.0, None)
    receipts.write(folder, {job.path: receipt})
    return job.path


def test_default_precision_makes_what_ships_and_what_ships_where_that_fails():
    made = jobs("coreml,tflite,onnx", "default")
    assert [(j.format, j.encoder, j.precision) for j in made] == [
        ("coreml", "image", "fp16"), ("coreml", "text", "fp16"), ("tflite", "image", "fp16"),
        ("tflite", "text", "fp32"), ("tflite", "text", "dynamic-int8"), ("onnx", "image", "fp32"),
        ("onnx", "text", "fp32")]
    assert [(j.path, j.fallback) for j in made if j.fallback] == [("tflite/text-dynamic-int8.tflite", "fp32")]
    assert {(j.format, j.encoder) for j in made} == {(f, e) for f in FORMATS for e in ENCODERS}
    assert lacking(made) == [] and lacking(jobs("coreml,tflite", "dynamic-int8,fp32")) != []


def test_an_artefact_is_the_same_whoever_asked_for_it():
    by_default = next(job for job in jobs("tflite", "default") if job.fallback)
    by_name = jobs("tflite", "dynamic-int8")[1]
    assert by_default != by_name and by_default.path == by_name.path
    assert plan.recipe("a base", by_default) == plan.recipe("a base", by_name)


@pytest.mark.parametrize("row", FORMATS.values(), ids=FORMATS)
def test_the_last_default_precision_has_no_other_to_fall_back_on(row):
    for encoder in ENCODERS:
        *candidates, last = row.default[encoder]
        assert {*candidates, last} <= {*row.precisions} and row.fallback(encoder, last) is None
        assert all(row.fallback(encoder, one) == last for one in candidates)


def test_a_large_vocabulary_has_no_text_encoder_in_float32_for_phones():
    """That of SigLIP 2 would be 1.1 GB. A desktop's exactness counts for more than bytes."""
    def text(vocabulary: int, format_: str) -> dict[str, str | None]:
        return {job.precision: job.fallback for job in jobs(format_, "default", vocabulary) if job.encoder == "text"}

    assert text(256_000, "tflite") == {"dynamic-int8": "fp16", "fp16": None}
    assert text(250_000, "tflite") == text(256_000, "tflite") and text(256_000, "onnx") == text(0, "onnx")
    assert text(49_408, "tflite") == text(32_000, "tflite") == text(0, "tflite") == {"dynamic-int8": "fp32",
                                                                                   "fp32": None}


def test_all_precisions_make_twelve():
    assert len(jobs("onnx,coreml,tflite", "fp16,fp32")) == 12


@pytest.mark.parametrize(("formats", "precision", "word"), [("onnx,tensorrt", "fp32", "tensorrt"),
                                                            ("onnx", "fp8", "fp8"), ("", "fp32", "an empty list")])
def test_an_unknown_format_or_precision_is_named(formats, precision, word):
    with pytest.raises(InputError, match=word):
        jobs(formats, precision)


def test_an_artefact_is_reused_only_whole_and_by_the_same_recipe(tmp_path):
    base = plan.base_recipe(SPEC, SOURCE)
    path = one_receipt(tmp_path, base)
    assert list(plan.valid_receipts(Dist(tmp_path), base)) == [path]
    other_weights = plan.base_recipe(SPEC, dataclasses.replace(SOURCE, sha256="cd" * 32))
    other_spec = plan.base_recipe(dataclasses.replace(SPEC, dim=64), SOURCE)
    assert not plan.valid_receipts(Dist(tmp_path), other_weights)
    assert not plan.valid_receipts(Dist(tmp_path), other_spec)
    (tmp_path / path).write_bytes(b"an artefacT")
    assert not plan.valid_receipts(Dist(tmp_path), base)


def test_a_missing_artefact_is_made_again(tmp_path):
    base = plan.base_recipe(SPEC, SOURCE)
    (tmp_path / one_receipt(tmp_path, base)).unlink()
    assert not plan.valid_receipts(Dist(tmp_path), base)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"onnx/text-fp32.onnx": {"recipe": 1}}'])
def test_damaged_receipts_count_for_nothing(tmp_path, content):
    (tmp_path / "receipts.json").write_text(content)
    assert receipts.read(tmp_path) == {}
