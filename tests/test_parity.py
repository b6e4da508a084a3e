"""The gate is green on what the exporter made, and red on what it must catch."""

import json
import shutil

import numpy as np
import pytest
import torch

from export import checkpoint, encoders, files, manifest, models, plan
from export import onnx as onnx_converter
from export.stamp import Stamp
from parity import gate, inputs, metrics, report, tolerances
from tests.conftest import run_module

SPEC = models.find("demo")


@pytest.fixture(scope="module")
def judged(exported, tmp_path_factory):
    """The whole gate on the demo model, once."""
    out = tmp_path_factory.mktemp("judged")
    shutil.copytree(exported, out / "demo")
    answer = run_module("parity", "--out", str(out))
    return out / "demo", answer


def test_the_gate_is_green_on_the_demo_model(judged):
    folder, answer = judged
    assert answer.returncode == 0, answer.stdout + answer.stderr
    report_ = json.loads((folder / report.NAME).read_text())
    assert report_["green"] and len(report_["results"]) == 12


def test_core_ml_says_why_it_did_not_run(judged):
    results = json.loads((judged[0] / report.NAME).read_text())["results"]
    core_ml = [r for r in results if r["format"] == "coreml"]
    assert {r["outcome"] for r in core_ml} <= {"not run", "passed"} and len(core_ml) == 4
    assert all("macOS" in r["reasons"][0] for r in core_ml if r["outcome"] == "not run")


def test_float32_artefacts_are_within_rounding_and_float16_within_its_bounds(judged):
    results = json.loads((judged[0] / report.NAME).read_text())["results"]
    ran = [r for r in results if r["outcome"] != "not run"]
    assert len(ran) >= 8
    for result in ran:
        cosine, max_abs = result["closeness"]["cosine_min"], result["closeness"]["max_abs"]
        if result["precision"] == "fp32":
            assert cosine >= 0.999999 and max_abs <= 1e-5
        assert cosine >= 0.9999 and result["ranking"]["top1_agreement"] >= 0.99
        assert result["ranking"]["queries"] >= 500


def test_verdicts_stand_in_the_manifest(judged):
    verdicts = {a["path"]: a["parity"]["outcome"] for a in manifest.read(judged[0])["artifacts"]}
    assert verdicts["onnx/image-fp32.onnx"] == verdicts["tflite/text-fp16.tflite"] == "passed"


def test_verdicts_return_to_a_manifest_that_was_made_anew(judged, tmp_path):
    shutil.copytree(judged[0], tmp_path / "demo")
    made = manifest.read(tmp_path / "demo")
    for artifact in made["artifacts"]:
        artifact["parity"] = None
    manifest.write(tmp_path / "demo", made)
    answer = run_module("parity", "--if-changed", "--out", str(tmp_path))
    assert answer.returncode == 0 and "float32 PyTorch" not in answer.stderr
    assert all(a["parity"]["outcome"] for a in manifest.read(tmp_path / "demo")["artifacts"])


@pytest.mark.parametrize("name", ["onnx/image-fp32.onnx", manifest.TOKENIZER])
def test_a_damaged_file_is_no_reason_to_keep_verdicts(judged, tmp_path, name):
    shutil.copytree(judged[0], tmp_path / "demo")
    basis = report.basis(tmp_path / "demo", False, None)
    path = tmp_path / "demo" / name
    path.write_bytes(path.read_bytes()[:-1])
    assert report.basis(tmp_path / "demo", False, None) != basis


def test_verdicts_are_kept_only_while_nothing_changes(judged):
    folder = judged[0]
    basis = report.basis(folder, False, None)
    assert report.read(folder, basis) is not None
    assert report.read(folder, report.basis(folder, True, None)) is None
    assert report.read(folder, report.basis(folder, False, 24)) is None


def test_strict_turns_not_run_into_a_failure():
    not_run = gate.Result("coreml", "image", "fp16", "p", "not run", ["no Mac"])
    passed = gate.Result("onnx", "image", "fp16", "p", "passed", [])
    assert gate.outcome([passed, not_run], strict=False) and not gate.outcome([passed, not_run], strict=True)


def test_a_gate_that_checked_nothing_is_not_green():
    assert not gate.outcome([gate.Result("coreml", "image", "fp16", "p", "not run", ["no Mac"])], strict=False)


def test_samples_are_varied():
    pictures = inputs.pictures()
    shapes = [inputs.load_rgb8(p).shape for p in pictures]
    assert len(pictures) >= 24 and sum(h != w for h, w, _ in shapes) >= 24
    assert len(inputs.texts()) >= 64 and "" in inputs.texts()


# --- planted faults -------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def ground(exported, tmp_path_factory):
    """The exported artefacts, the reference's answers, and what else the gate needs to judge one artefact."""
    folder = tmp_path_factory.mktemp("ground") / "demo"
    shutil.copytree(exported, folder)
    made = manifest.read(folder)
    reference = gate.Reference(SPEC, checkpoint.locate(SPEC))
    prepared = gate.prepare(SPEC, 24)
    expected = {"image": reference.images(prepared.pictures), "text": reference.texts(prepared.ids)}
    shop = gate.Embeddings(reference.images(prepared.shop_pictures), reference.images(prepared.shop_picture_queries),
                           reference.texts(prepared.shop_text_queries))
    return folder, made, prepared, expected, shop, reference


def judge(ground, artifact, space=None):
    folder, made, prepared, expected, shop, _ = ground
    return gate.judge(folder, made, space or made["space"], artifact, prepared, expected[artifact["encoder"]], shop)


def entry(made, format_, encoder, precision):
    return next(a for a in made["artifacts"] if a["path"] == plan.Job(format_, encoder, precision).path)


def planted(ground, encoder, module):
    """The verdict on `module`, exported to ONNX float32 in the place of the true encoder."""
    folder, made = ground[:2]
    path = folder / "onnx" / f"planted-{encoder}.onnx"
    traced = onnx_converter.trace(module.eval(), encoder, encoders.example(encoder, SPEC))
    onnx_converter.write(traced, "fp32", Stamp("demo", encoder, made["space"], "MIT"), path)
    artifact = entry(made, "onnx", encoder, "fp32")
    return judge(ground, artifact | {"path": f"onnx/{path.name}", "sha256": files.sha256(path)})


def true_parts(ground):
    return encoders.split(checkpoint.reparameterise(ground[5].model), SPEC)


def test_the_true_encoder_passes_where_faults_are_planted(ground):
    assert planted(ground, "image", true_parts(ground)["image"]).outcome == "passed"


def test_a_wrong_mean_turns_the_gate_red(ground):
    wrong = models.Preprocessing(64, (0.48, 0.46, 0.41), (1.0, 1.0, 1.0), "bilinear")
    result = planted(ground, "image", encoders.ImageEncoder(true_parts(ground)["image"].visual, wrong))
    assert result.outcome == "failed" and "cosine" in result.reasons[0]


def test_swapped_channels_turn_the_gate_red(ground):
    class Swapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = true_parts(ground)["image"]

        def forward(self, image):
            return self.encoder(image.flip(1))

    assert planted(ground, "image", Swapped()).outcome == "failed"


def test_a_missing_normalisation_turns_the_gate_red(ground):
    class Raw(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.visual = true_parts(ground)["image"].visual

        def forward(self, image):
            return self.visual(image / 255)

    result = planted(ground, "image", Raw())
    assert result.outcome == "failed" and "max abs" in result.reasons[0]     # the direction is right, not the length


def test_a_lost_end_token_turns_the_gate_red(ground):
    class Lost(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = true_parts(ground)["text"]

        def forward(self, token_ids):
            return encoders.unit_length(self.encoder.features(token_ids)[:, -1] @ self.encoder.text.text_projection)

    assert planted(ground, "text", Lost()).outcome == "failed"


def test_a_flipped_byte_turns_the_gate_red(ground):
    folder, made = ground[:2]
    artifact = entry(made, "onnx", "text", "fp16")
    path = folder / artifact["path"]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    result = judge(ground, artifact)
    assert result.outcome == "failed" and "sha256" in result.reasons[0]


def test_another_models_space_turns_the_gate_red(ground):
    result = judge(ground, entry(ground[1], "tflite", "image", "fp32"), space="0" * 64)
    assert result.outcome == "failed" and "embedding space" in result.reasons[0]


def test_an_edited_space_or_another_tokenizer_turns_the_gate_red(ground, tmp_path):
    folder, made = ground[:2]
    assert gate.common_faults(folder, made, made["space"]) == []
    assert "space" in gate.common_faults(folder, made | {"space": "0" * 64}, made["space"])[0]
    assert manifest.TOKENIZER in gate.common_faults(tmp_path, made, made["space"])[0]


def test_an_artefact_that_its_runtime_refuses_turns_the_gate_red(ground):
    folder, made = ground[:2]
    text = entry(made, "onnx", "text", "fp32")
    result = judge(ground, text | {"encoder": "image"})          # pictures for a text encoder
    assert result.outcome == "failed" and "does not run" in result.reasons[0]


def test_a_missing_artefact_turns_the_gate_red(ground):
    gone = entry(ground[1], "onnx", "image", "fp32") | {"path": "onnx/gone.onnx"}
    assert judge(ground, gone).reasons == ["missing"]


def test_values_that_are_no_numbers_fail():
    broken = np.full((2, 4), np.nan, np.float32)
    close = metrics.closeness(broken, np.eye(2, 4, dtype=np.float32))
    assert len(tolerances.failures(tolerances.of("demo", "onnx", "fp32", "image"), close, None)) == 2


def test_below_float32_the_bound_is_five_times_what_was_measured(monkeypatch):
    table = tolerances._table() | {"measured": {"a space": {"onnx fp16 image": 1e-5}}}
    monkeypatch.setattr(tolerances, "_table", lambda: table)
    assert tolerances.of("a space", "onnx", "fp16", "image").max_abs == pytest.approx(5e-5)
    assert tolerances.of("another", "onnx", "fp16", "image").max_abs == 5e-3
    assert tolerances.of("a space", "onnx", "fp32", "image").max_abs == 1e-5


def test_the_bundled_demo_model_is_held_to_what_was_measured_with_it(exported):
    space = manifest.read(exported)["space"]
    assert tolerances.of(space, "onnx", "fp16", "image").max_abs < 5e-3


def test_every_tolerance_has_its_reason():
    for format_ in plan.FORMATS:
        for precision in plan.PRECISIONS:
            for encoder in plan.ENCODERS:
                assert tolerances.of("a model never measured", format_, precision, encoder).reason


def test_a_product_scores_as_its_best_row():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]])
    assert metrics.best_products(np.array([[0.6, 0.8], [1.0, 0.1]]), rows, np.array([7, 7, 9])).tolist() == [9, 7]


def test_no_export_gives_one_line_and_status_2(tmp_path):
    answer = run_module("parity", "--out", str(tmp_path))
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1 and "make export" in answer.stderr
