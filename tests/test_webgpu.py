"""A GPU's answers to the float32 TFLite files stand beside the gate: near PyTorch's, seen to be wrong, or not run."""

import json
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from benchmarks import webgpu
from export import tflite
from export.artifacts.dist import Dist
from export.common.errors import InputError
from export.runners import webgpu_runner
from export.runners.webgpu_runner import GpuAnswers, GpuJob
from export.tflite import attention
from parity import basis, gpu
from parity.gate import baseline, results, tolerances
from parity.gate.results import GpuResult, GpuVerdict, Verdicts
from parity.report import page, verdicts
from tests.test_report import JOBS, SAFE, judged
from tests.test_report import dist as shown

EXPECTED = np.eye(4, dtype=np.float32)
PASSED = GpuVerdict("passed", [], "an adapter", "1.2", 3, [GpuResult("tflite/text-fp32.tflite", 4, 1.0, 1e-7, [])])
FAILED = replace(PASSED, outcome="failed", results=[replace(PASSED.results[0], cosine_min=0.5, reasons=["cosine 0.5"])])


def artifact(encoder, format_="tflite", precision="fp32"):
    return SimpleNamespace(encoder=encoder, format=format_, precision=precision, path=f"{encoder}-{precision}.tflite")


@pytest.fixture
def measured(tmp_path):
    """What the gate compares with, for four inputs of each encoder."""
    artifacts = [artifact("image"), artifact("text"), artifact("text", precision="fp16"), artifact("text", "onnx")]
    return SimpleNamespace(manifest=SimpleNamespace(artifacts=artifacts), expected=lambda encoder: EXPECTED,
                           dist=SimpleNamespace(path=lambda name: tmp_path / name),
                           samples=lambda encoder: np.zeros((4, 77), np.int32))


def answered(monkeypatch, *embeddings):
    monkeypatch.setattr(webgpu_runner, "run", lambda asked, turns, seconds: GpuAnswers(
        "an adapter", "1.2", [np.stack([one] * turns) if one.ndim == 2 else one for one in embeddings]))


def test_float32_files_are_asked_and_all_turns_count(measured, monkeypatch):
    answered(monkeypatch, EXPECTED, EXPECTED[:2])
    found = gpu.judge(measured)
    assert (found.outcome, found.turns, found.adapter) == ("passed", gpu.TURNS, "an adapter")
    assert [(one.path, one.inputs, one.cosine_min) for one in found.results] == [
        ("image-fp32.tflite", 4, 1.0), ("text-fp32.tflite", 2, 1.0)]
    only_once = np.stack([EXPECTED, EXPECTED[::-1], EXPECTED])
    answered(monkeypatch, EXPECTED, only_once)
    found = gpu.judge(measured)
    assert found.outcome == "failed" and [bool(one.reasons) for one in found.results] == [False, True]
    assert found.results[1].cosine_min == 0 and "below" in found.results[1].reasons[0]


def test_numbers_that_are_none_fail(measured, monkeypatch):
    answered(monkeypatch, EXPECTED, np.stack([EXPECTED, EXPECTED * np.nan, EXPECTED]))
    assert gpu.judge(measured).outcome == "failed"


def test_without_chromium_or_a_file_it_is_not_run_and_says_why(measured, monkeypatch, tmp_path):
    monkeypatch.setattr(webgpu_runner.node, "lacks", lambda folder, development: None)
    monkeypatch.setattr(webgpu_runner.node, "found", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    found = gpu.judge(measured)
    assert found.outcome == "not run" and found.reasons[0].startswith("Chromium is missing; remedy: apt-get install")
    monkeypatch.setattr(webgpu_runner.node, "lacks", lambda folder, development: "@litertjs/core")
    assert "no @litertjs/core; remedy: make npm" in gpu.judge(measured).reasons[0]
    measured.manifest.artifacts = [artifact("text", precision="fp16")]
    assert gpu.judge(measured).reasons == ["no TFLite file in fp32"]


def test_a_browser_that_fails_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(webgpu_runner, "lacks", lambda: None)
    monkeypatch.setenv("CHROMIUM", "/none")
    fails = SimpleNamespace(node=("sh", "-c", "echo a >&2; echo b >&2; false"))
    monkeypatch.setattr(webgpu_runner.node, "found", lambda: fails)
    with pytest.raises(InputError, match="^Chromium cannot run the files; found a b$"):
        webgpu_runner.run([GpuJob(tmp_path / "a", np.zeros((1, 2), np.int32))], 3)


@pytest.mark.parametrize("found", [PASSED, FAILED, results.GPU_NOT_ASKED])
def test_parity_json_keeps_the_verdict_and_the_gate_stays_green(found, tmp_path):
    kept = Verdicts([judged(JOBS[0])], [], SAFE, True, found)
    folder = Dist(tmp_path)
    folder.write(shown(kept.results))
    verdicts.write(folder, kept, "a basis")
    content = json.loads((tmp_path / "parity.json").read_text())
    assert content["green"] is True and content["webgpu"]["outcome"] == found.outcome
    assert verdicts.read(folder, "a basis").webgpu == found


def test_page_and_terminal_say_what_it_covers_and_why_it_was_not_run():
    for found, words in ((PASSED, ["On a GPU", "an adapter", "3 times in turn", "not a phone's driver"]),
                         (FAILED, ["cosine 0.5"]), (results.GPU_NOT_ASKED, ["because WEBGPU=1 or STRICT=1 runs it"])):
        drawn = page.render(shown([judged(JOBS[0])]), Verdicts([judged(JOBS[0])], [], SAFE, True, found))
        assert all(word in drawn.replace("&#39;", "'") for word in words)
    assert "failed: tflite/text-fp32.tflite cosine 0.5" in verdicts.by_gpu(FAILED)
    assert "no part of the gate" in verdicts.by_gpu(PASSED) and verdicts.by_gpu(results.GPU_NOT_ASKED) == ""
    assert verdicts.by_gpu(GpuVerdict("not run", ["no Node"])) == "WebGPU: not run, because no Node"


def test_verdicts_depend_on_the_browser_only_where_it_was_asked(monkeypatch):
    folder = SimpleNamespace(manifest=SimpleNamespace(files=lambda: [], artifacts=[], space="ab"))
    digests = set()
    for browser in ("one", "another"):
        monkeypatch.setattr(webgpu_runner, "identity", lambda browser=browser: browser)
        digests |= {basis.of_verdicts(folder, False, 0), basis.of_verdicts(folder, False, 0, webgpu=True)}
    assert len(digests) == 3


# In Chromium.

@pytest.fixture
def chromium():
    if lack := webgpu_runner.lacks():
        pytest.skip(f"not run, because {lack}")


def test_the_demos_encoders_are_right_on_a_gpu_three_times_in_turn(chromium, exported, say):
    found = gpu.judge(baseline.load(Dist(exported), 0))
    assert (found.outcome, found.turns, len(found.results)) == ("passed", 3, 2), found
    assert all(one.inputs == gpu.INPUTS and one.max_abs < 1e-4 for one in found.results)
    say(verdicts.by_gpu(found))


@pytest.mark.slow
def test_a_mask_of_rank_4_is_seen_to_be_wrong_on_a_gpu(chromium, tmp_path):
    """LiteRT#8980: the form that the export avoids, planted."""
    part, spec = webgpu.demo()
    with mock.patch.object(attention, "written_out", lambda encoder, rank: encoder):
        wrong = webgpu.form(tmp_path, "planted", part, spec, tflite.trace)
    answers = webgpu_runner.run([GpuJob(wrong.path, wrong.ids)], webgpu.TURNS)
    row = webgpu.nearness(wrong, answers.embeddings[0])
    assert not row["passed"] and row["cosine_min"] < 0.99 < tolerances.gpu_cosine()
