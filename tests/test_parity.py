"""The gate is green on what the exporter made, and red on what it must catch."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from export import runners
from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.formats import table
from export.weights import lookup
from parity import basis
from parity.gate import baseline, gate, inputs, metrics, tolerances
from parity.report import page, verdicts
from tests.conftest import run_module

SPEC = lookup.find("demo")


def test_the_gate_is_green_on_the_demo_model(gated):
    folder, answer = gated
    assert answer.returncode == 0, answer.stdout + answer.stderr
    report_ = json.loads((folder / verdicts.NAME).read_text())
    assert report_["green"] and len(report_["results"]) == 12


def test_the_tolerance_of_recall_stands_beside_it(gated):
    folder, answer = gated
    results = json.loads((folder / verdicts.NAME).read_text())["results"]
    found = [ranking for result in results for ranking in result["rankings"]]
    assert found and all(one["recall10_tolerance"] == 0.01 for one in found)
    assert "tolerant recall@10" in answer.stdout and "(within 0.01)" in answer.stdout
    assert ">tolerant recall@10 (within 0.01)</th>" in (folder / page.NAME).read_text(encoding="utf-8")


def test_the_report_says_what_ran_core_ml(gated):
    results = json.loads((gated[0] / verdicts.NAME).read_text())["results"]
    assert {r["runtime"] for r in results if r["format"] == "coreml"} == set(runners.runtimes("coreml"))
    assert all(r["latency"] is None for r in results if "interpreter" in r["runtime"])


def test_the_page_for_people_is_written_again_where_it_is_gone(gated, tmp_path):
    shutil.copytree(gated[0], tmp_path / "demo")
    page_ = tmp_path / "demo" / page.NAME
    before = page_.read_bytes()
    page_.unlink()
    answer = run_module("parity", "--if-changed", "--out", str(tmp_path))
    assert answer.returncode == 0 and "float32 PyTorch" not in answer.stderr and page_.read_bytes() == before


def test_pairs_are_judged_as_they_ship(gated):
    pairs = json.loads((gated[0] / verdicts.NAME).read_text())["pairs"]
    assert {(p["format"], p["image"], p["text"]) for p in pairs} == {
        *((f, p, p) for f in table.FORMATS for p in ("fp32", "fp16")), ("tflite", "fp16", "fp32")}
    assert {p["outcome"] for p in pairs} == {"passed"}


def test_float32_artefacts_are_within_rounding_and_float16_within_its_bounds(gated):
    results = json.loads((gated[0] / verdicts.NAME).read_text())["results"]
    ran = [r for r in results if r["outcome"] != "not run"]
    assert len(ran) >= 12
    for result in ran:
        cosine, max_abs = result["closeness"]["cosine_min"], result["closeness"]["max_abs"]
        if result["precision"] == "fp32":
            assert cosine >= 0.999999 and max_abs <= 1e-5
        ranking = {one["shelf"]: one for one in result["rankings"]}["shop"]
        assert cosine >= 0.9999 and ranking["top1"]["value"] >= 0.99 and ranking["loss"]["value"] <= 0.005
        assert ranking["queries"] >= 500


def test_verdicts_stand_in_the_manifest(gated):
    outcomes = {a.path: a.parity.outcome for a in manifest.read(gated[0]).artifacts}
    assert outcomes["onnx/image-fp32.onnx"] == outcomes["tflite/text-fp16.tflite"] == "passed"


def test_verdicts_return_to_a_manifest_that_was_made_anew(gated, tmp_path):
    shutil.copytree(gated[0], tmp_path / "demo")
    made = manifest.read(tmp_path / "demo")
    manifest.write(tmp_path / "demo", replace(made, artifacts=[replace(a, parity=None) for a in made.artifacts]))
    answer = run_module("parity", "--if-changed", "--out", str(tmp_path))
    assert answer.returncode == 0 and "float32 PyTorch" not in answer.stderr
    assert all(a.parity.outcome for a in manifest.read(tmp_path / "demo").artifacts)


@pytest.mark.parametrize("name", ["onnx/image-fp32.onnx", manifest.TOKENIZER])
def test_a_damaged_file_is_no_reason_to_keep_verdicts(gated, tmp_path, name):
    shutil.copytree(gated[0], tmp_path / "demo")
    depends = basis.of_verdicts(Dist(tmp_path / "demo"), False, None)
    path = tmp_path / "demo" / name
    path.write_bytes(path.read_bytes()[:-1])
    assert basis.of_verdicts(Dist(tmp_path / "demo"), False, None) != depends


def test_verdicts_are_kept_only_while_nothing_changes(gated):
    folder = Dist(gated[0])
    depends = basis.of_verdicts(folder, False, None)
    assert verdicts.read(folder, depends) is not None
    assert verdicts.read(folder, basis.of_verdicts(folder, True, None)) is None
    assert verdicts.read(folder, basis.of_verdicts(folder, False, 24)) is None


def test_strict_turns_not_run_into_a_failure():
    not_run = gate.GateResult("coreml", "image", "fp16", "p", "not run", ["no Mac"])
    passed = gate.GateResult("onnx", "image", "fp16", "p", "passed", [])
    assert gate.outcome([passed, not_run], strict=False) and not gate.outcome([passed, not_run], strict=True)


def test_a_gate_that_checked_nothing_is_not_green():
    assert not gate.outcome([gate.GateResult("coreml", "image", "fp16", "p", "not run", ["no Mac"])], strict=False)


def test_samples_are_varied():
    pictures = inputs.pictures()
    shapes = [inputs.load_rgb8(p).shape for p in pictures]
    assert len(pictures) >= 24 and sum(h != w for h, w, _ in shapes) >= 24
    assert len(inputs.texts()) >= 64 and "" in inputs.texts()


def test_values_that_are_no_numbers_fail():
    broken = np.full((2, 4), np.nan, np.float32)
    close = metrics.closeness(broken, np.eye(2, 4, dtype=np.float32))
    assert len(tolerances.failures(tolerances.of("demo", "onnx", "fp32", "image"), close, [])) == 2


def test_below_float32_the_bound_is_five_times_what_was_measured(monkeypatch):
    table = tolerances._table() | {"measured": {"a space": {"onnx fp16 image": 1e-5}}}
    monkeypatch.setattr(tolerances, "_table", lambda: table)
    assert tolerances.of("a space", "onnx", "fp16", "image").max_abs == pytest.approx(5e-5)
    assert tolerances.of("another", "onnx", "fp16", "image").max_abs == 5e-3
    assert tolerances.of("a space", "onnx", "fp32", "image").max_abs == 1e-5


def test_the_bundled_demo_model_is_held_to_what_was_measured_with_it(exported):
    space = manifest.read(exported).space
    assert tolerances.of(space, "onnx", "fp16", "image").max_abs < 5e-3


def test_every_tolerance_has_its_reason():
    for row in table.FORMATS.values():
        for precision in (*row.precisions, table.MIXED):
            for encoder in table.ENCODERS:
                assert tolerances.of("a model never measured", row.name, precision, encoder).reason


def test_no_export_gives_one_line_and_status_2(tmp_path):
    answer = run_module("parity", "--out", str(tmp_path))
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1 and "make export" in answer.stderr


def test_a_runtime_without_a_build_for_this_platform_is_an_artefact_not_run(exported, monkeypatch):
    from export.runners import tflite_runner

    def no_such_library(*_):
        raise ImportError("No module named 'ai_edge_litert'")

    monkeypatch.setattr(tflite_runner, "load", no_such_library)
    ground = baseline.load(Dist(exported), 0)
    artifact = next(a for a in ground.manifest.artifacts if a.format == "tflite")
    result = gate.judge(ground, artifact)
    assert result.outcome == "not run" and "ai_edge_litert" in result.reasons[0]
    passed = gate.judge(ground, next(a for a in ground.manifest.artifacts if a.format == "onnx"))
    assert gate.outcome([passed, result], strict=False) and not gate.outcome([passed, result], strict=True)


def test_a_runtime_that_fails_at_the_second_load_is_a_verdict(exported, monkeypatch):
    ground = baseline.load(Dist(exported), 0)
    artifact = next(a for a in ground.manifest.artifacts if a.format == "onnx")
    passed = gate.judge(ground, artifact)

    def out_of_memory(*_):
        raise MemoryError("no room for another session")

    monkeypatch.setattr(runners, "load", out_of_memory)
    timed, = gate.timed(ground, [(artifact, runners.runtimes("onnx")[0])], [passed])
    assert timed.outcome == "failed" and "no room" in timed.reasons[0] and timed.latency is None
