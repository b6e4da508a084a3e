"""The default precision with the least memory ships where it passes the gate; where it fails, its fallback ships."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from catalog_builder import apps, bundle, engines
from catalog_builder.apps import Accepted, App
from export import pipeline
from export.artifacts import manifest, receipts, shipping
from export.artifacts.dist import Dist
from export.common import files
from export.common.errors import InputError
from export.formats.job import jobs
from export.formats.table import COREML, ENCODERS, TFLITE
from parity import basis
from parity.gate import baseline, gate, pairs
from parity.gate.results import GateResult, PairResult, noted
from parity.report import page, verdicts
from tests.conftest import run_module
from tests.test_apps import catalog_of

CANDIDATE, FALLBACK = "tflite/text-dynamic-int8.tflite", "tflite/text-fp32.tflite"


@pytest.fixture(scope="module")
def made(exported, tmp_path_factory):
    """dist/demo of a default export, TFLite alone, and what the gate compares with. Do not change it: copy it."""
    folder = tmp_path_factory.mktemp("default") / "demo"
    shutil.copytree(exported, folder, ignore=shutil.ignore_patterns("coreml", "onnx"))
    answer = run_module("export", "--formats", "tflite", "--out", str(folder.parent))
    assert answer.returncode == 0 and "left out" not in answer.stdout, answer.stdout + answer.stderr
    return folder, baseline.load(Dist(folder), 0)


@pytest.fixture
def ground(made, tmp_path):
    """A copy, with float32 PyTorch's answers."""
    shutil.copytree(made[0], tmp_path / "demo")
    return replace(made[1], dist=Dist(tmp_path / "demo"))


def planted(ground, path, content):
    """Puts other bytes in an artefact's place, as if an export had made them."""
    (ground.dist.folder / path).write_bytes(content)
    sha256 = files.sha256(ground.dist.folder / path)
    entries = [replace(a, sha256=sha256) if a.path == path else a for a in ground.manifest.artifacts]
    ground.dist.write(replace(ground.manifest, artifacts=entries))
    ground.dist.forget([path])


def judged(ground, monkeypatch):
    """The gate's verdicts, written into the folder as the command does."""
    monkeypatch.setattr(gate.baselines, "load", lambda *_: ground)
    found = gate.run(ground.dist, 0, lambda _: None)
    verdicts.write(ground.dist, found, basis.of_verdicts(ground.dist, False, 0))
    page.write(ground.dist, found)
    return found


def shipped(ground, tmp_path, precision=None):
    """What the Android app got: the parts' notes, and the text encoder's entry in the app's manifest."""
    catalog = catalog_of(tmp_path / "a.catalog", ground.manifest.space)
    part, = apps.fill(ground.dist.folder, catalog, precision, Accepted(),
                      (App("Android", TFLITE, tmp_path / "android"), App("iOS", COREML, tmp_path / "ios")))
    return part.notes, manifest.read(tmp_path / "android").find("tflite", "text")[0]


def without_scales(content):
    """A TFLite file whose largest buffer, the table of tokens, is turned upside down."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content)
    data = max((model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength())), key=np.size)
    start = content.index(data.tobytes())
    return content[:start] + data[::-1].tobytes() + content[start + data.size:]


FAULTS = {"other values": without_scales,
          "another space": lambda content: re.sub(rb"[0-9a-f]{64}", b"ab" * 32, content),
          "cut": lambda content: content[:len(content) // 2], "empty": lambda content: b""}


def test_the_default_export_makes_and_ships_dynamic_int8_text_for_android(ground, monkeypatch, tmp_path, capsys):
    entries = {a.path: a for a in ground.manifest.artifacts}
    assert {path for path, a in entries.items() if a.fallback} == {CANDIDATE}
    assert entries[CANDIDATE].fallback == "fp32" and entries[FALLBACK].fallback is None
    found = judged(ground, monkeypatch)
    assert found.green and ground.manifest.judged and {r.outcome for r in found.results} == {"passed"}
    assert [(p.image, p.text, p.outcome) for p in found.pairs if p.image != p.text] == [
        ("fp32", "dynamic-int8", "passed"), ("fp16", "fp32", "passed"), ("fp16", "dynamic-int8", "passed")]
    notes, text = shipped(ground, tmp_path)
    assert notes == [] and (text.precision, text.path, text.fallback) == ("dynamic-int8", "text.tflite", None)
    assert (tmp_path / "android/text.tflite").read_bytes() == ground.dist.path(CANDIDATE).read_bytes()
    assert shipped(ground, tmp_path, "fp32")[1].precision == "fp32"


@pytest.mark.parametrize("fault", FAULTS)
def test_where_the_candidate_fails_float32_ships_and_the_gate_says_so(ground, monkeypatch, tmp_path, capsys, fault):
    planted(ground, CANDIDATE, FAULTS[fault](ground.dist.path(CANDIDATE).read_bytes()))
    found = judged(ground, monkeypatch)
    bad = next(result for result in found.results if result.path == CANDIDATE)
    assert found.green and bad.outcome == "failed" and bad.notes == ["fp32 ships in its place"]
    verdicts.show(ground.dist, found)
    said = " ".join(capsys.readouterr().out.split())
    assert "failed: " in said and "gate: green" in said
    assert "fp32 ships in its place" in ground.dist.path(page.NAME).read_text(encoding="utf-8")
    notes, text = shipped(ground, tmp_path)
    assert text.precision == "fp32" and text.passed
    assert notes == [f"Android: {CANDIDATE} failed the gate; fp32 ships in its place"]
    with pytest.raises(InputError, match="no tflite text encoder that passed the gate"):
        shipping.chosen(engines.opened(ground.dist.folder).dist, TFLITE, "text", "dynamic-int8")
    out = tmp_path / "bundle"
    part, = bundle.write(ground.dist.folder, tmp_path / "a.catalog", None, Accepted(), out, "android")
    assert part.notes == notes and manifest.read(out / "android").find("tflite", "text")[0].precision == "fp32"


def test_bytes_that_the_manifest_does_not_name_never_ship(ground, monkeypatch, tmp_path):
    ground.dist.path(CANDIDATE).write_bytes(ground.dist.path(CANDIDATE).read_bytes() + b"\0")
    ground.dist.forget([CANDIDATE])
    assert judged(ground, monkeypatch).green
    with pytest.raises(InputError, match="not the one of the manifest"):
        shipped(ground, tmp_path)


def test_a_fallback_that_fails_is_red(ground, monkeypatch, tmp_path):
    planted(ground, FALLBACK, without_scales(ground.dist.path(FALLBACK).read_bytes()))
    assert not judged(ground, monkeypatch).green
    with pytest.raises(InputError, match="the gate is red"):
        shipped(ground, tmp_path)


def test_dynamic_int8_that_somebody_asked_for_is_red_where_it_fails(ground, monkeypatch):
    kept = ground.dist.receipts()
    assert pipeline.is_complete(ground.dist, kept)
    asked = pipeline.asked_for(kept, jobs("tflite", "dynamic-int8"))
    assert kept[CANDIDATE].fallback == "fp32" and asked[CANDIDATE].fallback is None
    assert not pipeline.is_complete(ground.dist, asked)            # so the manifest is written anew
    assert pipeline.asked_for(asked, jobs("tflite", "fp16")) == asked and pipeline.asked_for(
        asked, jobs("tflite", "default"))[CANDIDATE].fallback == "fp32"
    depends = basis.of_verdicts(ground.dist, False, 0)
    ground.dist.write(replace(ground.manifest, artifacts=pipeline.entries(ground.dist.model(), asked)))
    assert basis.of_verdicts(ground.dist, False, 0) != depends     # earlier verdicts do not stand
    planted(ground, CANDIDATE, without_scales(ground.dist.path(CANDIDATE).read_bytes()))
    found = judged(ground, monkeypatch)
    assert not found.green and all(result.notes == [] for result in found.results)


# The gate's judgement alone.

def result(encoder, precision, outcome="passed", fallback=None):
    return GateResult("tflite", encoder, precision, f"{encoder}-{precision}", outcome,
                      [] if outcome == "passed" else ["far off"], fallback=fallback)


def pair(text, outcome):
    return PairResult("tflite", "fp16", text, 1, outcome, [] if outcome == "passed" else ["shop: too far"], [])


IMAGE = result("image", "fp16")


@pytest.mark.parametrize(("candidate", "fallback", "green"), [
    ("passed", "passed", True), ("failed", "passed", True), ("failed", "not run", False), ("failed", "failed", False),
    ("passed", "failed", False), ("failed", None, False), ("not run", "passed", True)])
def test_a_candidate_may_fail_only_where_its_fallback_passed(candidate, fallback, green):
    results = [IMAGE, result("text", "dynamic-int8", candidate, "fp32")]
    results += [result("text", "fp32", fallback)] if fallback else []
    assert gate.outcome(results, strict=False) == green
    assert gate.outcome(results, strict=True) == (green and "not run" not in (candidate, fallback))


def test_an_other_formats_or_encoders_fallback_does_not_count():
    bad, good = result("text", "dynamic-int8", "failed", "fp32"), result("text", "fp32")
    for other in (replace(good, format="onnx"), replace(good, encoder="image"), replace(good, precision="fp16")):
        assert not gate.outcome([IMAGE, bad, other], strict=False)


@pytest.mark.parametrize(("candidate", "fallback", "green", "outcome"), [
    ("failed", "passed", True, "failed"), ("failed", "failed", False, "passed"), ("failed", None, False, "passed"),
    ("passed", "passed", True, "passed"), ("passed", "failed", False, "passed")])
def test_a_candidate_whose_pair_fails_fails_itself(candidate, fallback, green, outcome):
    results = [IMAGE, result("text", "dynamic-int8", fallback="fp32"), result("text", "fp32")]
    judged_ = [pair("dynamic-int8", candidate), *([pair("fp32", fallback)] if fallback else [])]
    settled = noted(pairs.settled(results, judged_))
    assert (settled[0], settled[2]) == (IMAGE, results[2]) and settled[1].outcome == outcome
    assert gate.outcome(settled, False, judged_) == green
    if outcome == "failed":
        assert settled[1].reasons == ["together with image fp16: shop: too far"]
        assert settled[1].notes == ["fp32 ships in its place"]


def test_a_manifest_and_receipts_of_an_earlier_release_are_read(made, tmp_path):
    folder = tmp_path / "demo"
    shutil.copytree(made[0], folder)
    old = manifest.read(folder).json()
    for entry in old["artifacts"]:
        entry.pop("fallback", None)
    files.write_json(folder / manifest.NAME, old)
    kept = receipts.read(folder)
    files.write_json(folder / receipts.NAME, {
        path: {key: value for key, value in vars(one).items() if key != "fallback"} for path, one in kept.items()})
    assert not any(a.fallback or a.dropped for a in manifest.read(folder).artifacts)
    assert {path: one.fallback for path, one in receipts.read(folder).items()} == dict.fromkeys(kept)
    assert {encoder for encoder in ENCODERS} == {a.encoder for a in manifest.read(folder).artifacts}


def test_a_fallback_that_is_no_word_is_a_damaged_manifest(made, tmp_path):
    content = manifest.read(made[0]).json()
    content["artifacts"][0]["fallback"] = 32
    files.write_json(tmp_path / manifest.NAME, content)
    with pytest.raises(InputError, match="32.*fallback"):
        manifest.read(tmp_path)
