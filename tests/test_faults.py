"""The gate is red on every fault that is planted: eleven that ship in other people's apps, and some more."""

import dataclasses
import re
import shutil

import numpy as np
import pytest
import torch

from export import coreml, runners, tflite
from export import onnx as onnx_converter
from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.common import files
from export.common.specs import Preprocessing
from export.formats import table
from export.formats.job import Job
from export.formats.stamp import Stamp
from export.pictures import resample
from export.runners.mil.operations import OPERATIONS
from export.weights import checkpoint, encoders, lookup
from parity.gate import activations, baseline, gate, metrics, pixels, stored_weights, tolerances

SPEC = lookup.find("demo")


@pytest.fixture(scope="module")
def ground(exported, tmp_path_factory):
    """The exported artefacts, the reference's answers, and what else the gate needs to judge one artefact."""
    folder = tmp_path_factory.mktemp("ground") / "demo"
    shutil.copytree(exported, folder)
    return baseline.load(Dist(folder), 24)


def entry(made, format_, encoder, precision):
    return next(a for a in made.artifacts if a.path == Job(format_, encoder, precision).path)


def planted(ground, encoder, module, precision="fp32", example=None, format_="onnx"):
    """The verdict on `module`, exported in the place of the true encoder."""
    folder, made = ground.dist.folder, ground.manifest
    path = folder / format_ / f"planted-{encoder}{table.FORMATS[format_].suffix}"
    converter = {"onnx": onnx_converter, "coreml": coreml, "tflite": tflite}[format_]
    traced = converter.trace(module.eval(), encoder, encoders.example(encoder, SPEC) if example is None else example)
    with files.whole(path) as partial:
        converter.write(traced, precision, Stamp("demo", encoder, made.space, "MIT", "an input"), partial)
    artifact = entry(made, format_, encoder, precision)
    ground.dist.forget([f"{format_}/{path.name}"])
    return gate.judge(ground, dataclasses.replace(artifact, path=f"{format_}/{path.name}", sha256=files.sha256(path)))


def true_parts(ground):
    return encoders.split(checkpoint.reparameterise(ground.reference.model), SPEC)


def test_the_true_encoder_passes_where_faults_are_planted(ground):
    assert planted(ground, "image", true_parts(ground)["image"]).outcome == "passed"


def test_a_wrong_mean_turns_the_gate_red(ground):
    wrong = Preprocessing(64, (0.48, 0.46, 0.41), (1.0, 1.0, 1.0), "bilinear")
    result = planted(ground, "image", encoders.ImageEncoder(true_parts(ground)["image"].visual, wrong))
    assert result.outcome == "failed" and "cosine" in result.reasons[0]


class Faulty(torch.nn.Module):
    """A true encoder with a faulty way through it: `forward(encoder, inputs)`."""

    def __init__(self, encoder, forward):
        super().__init__()
        self.encoder, self.way = encoder, forward

    def forward(self, inputs):
        return self.way(self.encoder, inputs)


def test_swapped_channels_turn_the_gate_red(ground):
    swapped = Faulty(true_parts(ground)["image"], lambda encoder, image: encoder(image.flip(1)))
    assert planted(ground, "image", swapped).outcome == "failed"


def test_a_missing_normalisation_turns_the_gate_red(ground):
    raw = Faulty(true_parts(ground)["image"], lambda encoder, image: encoder.visual(image / 255))
    result = planted(ground, "image", raw)
    assert result.outcome == "failed" and "max abs" in result.reasons[0]     # the direction is right, not the length


def test_a_lost_end_token_turns_the_gate_red(ground):
    lost = Faulty(true_parts(ground)["text"], lambda encoder, ids: encoders.unit_length(
        encoder.features(ids)[:, -1] @ encoder.text.text_projection))
    assert planted(ground, "text", lost).outcome == "failed"


@pytest.mark.parametrize("fault", ["squashed", "bicubic"])
def test_another_resize_than_open_clips_turns_the_gate_red(ground, monkeypatch, fault):
    assert pixels.faults(ground.manifest.image, SPEC, ground.shelves[0].shelf.pictures) == []

    def squashed(rgb, preprocessing):
        size = preprocessing.size
        return resample.resize_window(rgb, (size, size), (0, 0), (size, size), preprocessing.interpolation)

    def bicubic(rgb, preprocessing, true=pixels.resize_crop):
        return true(rgb, dataclasses.replace(preprocessing, interpolation="bicubic"))

    monkeypatch.setattr(pixels, "resize_crop", {"squashed": squashed, "bicubic": bicubic}[fault])
    verdicts = gate.run(Dist(ground.dist.folder), 0, lambda name: None)
    assert not verdicts.green
    assert all(result.outcome == "failed" and "open_clip's pixels" in result.reasons[0] for result in verdicts.results)


@pytest.mark.parametrize("change", [{"mode": "squash"}, {"interpolation": "bicubic"}, {"antialias": False},
                                    {"crop": "none"}])
def test_a_manifest_that_tells_apps_another_resize_turns_the_gate_red(ground, change):
    told = dataclasses.replace(ground.manifest.image, **change)
    assert "image entry" in pixels.faults(told, SPEC, ground.shelves[0].shelf.pictures)[0]


def test_ids_of_64_bits_turn_the_gate_red(ground):
    wide = encoders.example("text", SPEC).long()
    result = planted(ground, "text", true_parts(ground)["text"], example=wide)
    assert result.outcome == "failed" and "does not run" in result.reasons[0] and "int64" in result.reasons[0]


FINAL = {"image": ("visual.head.fc.weight", "visual.head.fc.bias"), "text": ("text.text_projection",)}


@pytest.mark.parametrize("encoder", table.ENCODERS)
def test_any_weight_tensor_five_per_cent_off_fails_the_float32_tolerance(ground, encoder):
    """All but the final projection, whose factor the unit length takes away."""
    part, allowed = true_parts(ground)[encoder], tolerances.of(ground.space, "onnx", "fp32", encoder)
    given = torch.from_numpy(ground.samples(encoder)[::4].copy())
    given = given.permute(0, 3, 1, 2).float() if encoder == "image" else given
    hidden = []
    with torch.inference_mode():
        true = part(given).numpy()
        for name, tensor in part.named_parameters():
            kept = tensor.clone()
            tensor.mul_(1.05)
            if not tolerances.failures(allowed, metrics.closeness(part(given).numpy(), true), []):
                hidden.append(name)
            tensor.copy_(kept)
        assert not tolerances.failures(allowed, metrics.closeness(part(given).numpy(), true), [])
    assert set(hidden) <= set(FINAL[encoder]), hidden


@pytest.mark.parametrize("encoder", table.ENCODERS)
@pytest.mark.parametrize("format_", table.FORMATS)
@pytest.mark.parametrize("precision", table.FLOAT[:2])
def test_any_weight_tensor_five_per_cent_off_is_seen_in_the_decoded_artefact(ground, encoder, format_, precision):
    """The artefact's weights are compared with a checkpoint in which one tensor after the other is scaled."""
    path = ground.dist.folder / Job(format_, encoder, precision).path
    found, part = stored_weights.by_size(runners.constants(format_, path)), true_parts(ground)[encoder]
    residual, tried = stored_weights.RESIDUAL[precision], 0
    assert stored_weights.missing(part, found, residual) == []
    for name, tensor in part.named_parameters():
        if tensor.numel() < stored_weights.LEAST or not tensor.any():
            continue
        kept, tried = tensor.detach().clone(), tried + 1
        with torch.no_grad():
            tensor.mul_(1.05)
            assert stored_weights.missing(part, found, residual), name
            tensor.copy_(kept)
    assert tried >= 20


def test_a_scaled_tensor_in_a_float16_artefact_turns_the_gate_red(ground):
    part = true_parts(ground)["text"]
    with torch.no_grad():
        part.text.transformer.resblocks[0].mlp.c_fc.bias.mul_(1.05)
    result = planted(ground, "text", part, precision="fp16")
    assert result.outcome == "failed"
    assert any("checkpoint's: text.transformer.resblocks.0.mlp.c_fc.bias" in reason for reason in result.reasons)


@pytest.fixture
def folds_unknown(monkeypatch):
    """The gate knows no fold of a converter: litert-torch's layer norms inside linear layers are not recognised."""
    monkeypatch.setattr(stored_weights, "without_folded", lambda true, lacking, found, residual: lacking)


def test_weights_that_are_not_recognised_are_a_note_where_float32_answers_agree(ground, folds_unknown):
    for precision in table.FLOAT[:2]:
        result = gate.judge(ground, entry(ground.manifest, "tflite", "text", precision))
        assert result.outcome == "passed" and len(result.notes) == 1 and result.reasons == []
        assert re.match(r"weights not recognised: \d\d tensors \(text.transformer.resblocks.0.ln_1.weight, …\)",
                        result.notes[0])


def test_weights_that_are_not_recognised_stay_a_fault_where_float32_is_missing_or_red(ground, folds_unknown):
    half = entry(ground.manifest, "tflite", "text", "fp16")
    alone = dataclasses.replace(ground.manifest, artifacts=[half])
    dist = Dist(ground.dist.folder)
    dist._manifest = alone
    result = gate.judge(dataclasses.replace(ground, dist=dist), half)
    assert result.outcome == "failed" and "checkpoint's: " in result.reasons[0] and gate.UNTWINNED in result.reasons[0]
    space = dataclasses.replace(entry(ground.manifest, "tflite", "text", "fp32"), sha256="0" * 64)
    dist._manifest = dataclasses.replace(alone, artifacts=[half, space])
    assert gate.judge(dataclasses.replace(ground, dist=dist), half).outcome == "failed"


@pytest.mark.parametrize("name", ["mlp.c_fc.bias", "ln_2.weight", "attn.out_proj.weight"])
@pytest.mark.parametrize("precision", table.FLOAT[:2])
def test_a_scaled_tensor_is_red_also_where_folds_are_not_recognised(ground, folds_unknown, precision, name):
    part = true_parts(ground)["text"]
    with torch.no_grad():
        part.text.transformer.resblocks[0].get_parameter(name).mul_(1.05)
    result = planted(ground, "text", part, precision, format_="tflite")
    assert result.outcome == "failed" and any("checkpoint's: " in reason for reason in result.reasons)


@pytest.mark.parametrize("precision", table.FLOAT[:2])
def test_a_package_that_the_interpreter_cannot_run_is_not_run_and_still_read(ground, monkeypatch, precision):
    monkeypatch.delitem(OPERATIONS, "layer_norm")
    result = gate.judge(ground, entry(ground.manifest, "coreml", "text", precision))
    assert result.outcome == "not run" and "our interpreter of Core ML packages lacks layer_norm" in result.reasons[0]
    assert not gate.outcome([result, dataclasses.replace(result, outcome="passed")], strict=True)
    part = true_parts(ground)["text"]
    with torch.no_grad():
        part.text.transformer.resblocks[0].mlp.c_fc.bias.mul_(1.05)
    result = planted(ground, "text", part, precision, format_="coreml")
    assert result.outcome == "failed" and any("checkpoint's: " in reason for reason in result.reasons)


def test_a_float16_overflow_in_a_mask_turns_the_gate_red(ground):
    """Two masks added go beyond float16: all places are at minus infinity, and softmax has nothing to choose from."""
    def twice(encoder, token_ids):
        mask = (1 - (token_ids == SPEC.text.end_token).float()) * -4e4
        mask = mask + mask
        chosen = torch.softmax(mask + mask.amin(dim=-1, keepdim=True), dim=-1)
        pooled = (encoder.features(token_ids) * chosen[:, :, None]).sum(dim=1)
        return encoders.unit_length(pooled @ encoder.text.text_projection)

    masked = Faulty(true_parts(ground)["text"], twice)
    assert planted(ground, "text", masked, "fp32", format_="coreml").outcome == "passed"
    result = planted(ground, "text", masked, "fp16", format_="coreml")
    assert result.outcome == "failed" and "numbers that are not finite" in result.reasons[0]


def test_a_constant_beyond_float16_turns_the_gate_red(ground):
    found = [np.full(32, -np.inf, np.float16), np.ones(32, np.float32)]
    artifact = entry(ground.manifest, "onnx", "text", "fp16")
    assert stored_weights.examine(ground, artifact).faults == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runners, "constants", lambda format_, path: found)
        assert stored_weights.examine(ground, artifact).faults == [
            "a constant, such as a mask, is beyond float16's range"]


def test_activations_beyond_float16_turn_the_gate_red_for_all_but_float32(ground):
    def hot(encoder, token_ids):
        return encoders.unit_length((encoder.features(token_ids) * 1e5)[:, -1] @ encoder.text.text_projection)

    unsafe = activations.measure("text", Faulty(true_parts(ground)["text"], hot), ground.samples("text"))
    assert unsafe.headroom < 1 and unsafe.peak in unsafe.near and "float16 ends at 65504" in unsafe.faults()[0]
    assert ground.safety["text"].faults() == [] and ground.safety["text"].headroom > 5
    heated = dataclasses.replace(ground, safety=ground.safety | {"text": unsafe})
    assert gate.judge(heated, entry(ground.manifest, "onnx", "text", "fp32")).outcome == "passed"
    assert unsafe.faults()[0] in gate.judge(heated, entry(ground.manifest, "onnx", "text", "fp16")).reasons
    assert gate.judge(heated, entry(ground.manifest, "onnx", "image", "fp16")).outcome == "passed"


def test_activations_name_the_layer_that_comes_near_the_range():
    class Layered(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.small, self.large = torch.nn.Linear(77, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
            torch.nn.init.constant_(self.small.weight, 1 / 77)
            torch.nn.init.constant_(self.large.weight, 5000.0)

        def forward(self, token_ids):
            return self.large(self.small(token_ids.float()))

    found = activations.measure("text", Layered(), np.ones((5, 77), np.int32))
    assert (found.peak.layer, round(found.peak.largest)) == ("large", 20000)     # 4 x 5000 x 1
    assert [peak.layer for peak in found.near] == ["large"] and found.inputs == 5
    assert abs(found.headroom - 65504 / 20000) < 1e-3 and found.faults() == []


@pytest.mark.parametrize(("precision", "levels"), [("palette4", 16), ("palette6", 64)])
def test_a_tensor_in_clusters_is_known_again_and_a_scaled_one_is_not(precision, levels):
    """k-means takes from a tensor's norm; the comparison of scales must bear that."""
    true = np.sort(np.random.default_rng(0).standard_t(4, 4096).astype(np.float32))
    bounds = np.linspace(true[0], true[-1], levels + 1)
    which = np.clip(np.digitize(true, bounds) - 1, 0, levels - 1)
    clustered = np.array([true[which == k].mean() if (which == k).any() else 0 for k in range(levels)],
                         np.float32)[which]
    residual = stored_weights.RESIDUAL[precision]
    assert stored_weights.holds(stored_weights.by_size([clustered]), true, residual)
    assert not stored_weights.holds(stored_weights.by_size([clustered]), true * np.float32(1.05), residual)
    assert not stored_weights.holds(stored_weights.by_size([clustered]), np.roll(true, 1) ** 3, residual)


def test_a_flipped_byte_turns_the_gate_red(ground):
    folder, made = ground.dist.folder, ground.manifest
    artifact = entry(made, "onnx", "text", "fp16")
    path = folder / artifact.path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    ground.dist.forget([artifact.path])
    result = gate.judge(ground, artifact)
    assert result.outcome == "failed" and "sha256" in result.reasons[0]


def test_another_models_space_turns_the_gate_red(ground):
    other = dataclasses.replace(ground, space="0" * 64)
    result = gate.judge(other, entry(ground.manifest, "tflite", "image", "fp32"))
    assert result.outcome == "failed" and "embedding space" in result.reasons[0]


def test_an_edited_space_or_another_tokenizer_turns_the_gate_red(ground, tmp_path):
    assert gate.common_faults(ground.dist, ground.manifest.space) == []
    assert "space" in gate.common_faults(ground.dist, "0" * 64)[0]
    manifest.write(tmp_path, ground.manifest)                # and no tokenizer beside it
    assert manifest.TOKENIZER in gate.common_faults(Dist(tmp_path), ground.manifest.space)[0]


def test_an_artefact_that_its_runtime_refuses_turns_the_gate_red(ground):
    text = entry(ground.manifest, "onnx", "text", "fp32")
    result = gate.judge(ground, dataclasses.replace(text, encoder="image"))          # pictures for a text encoder
    assert result.outcome == "failed" and "does not run" in result.reasons[0]


def test_a_missing_artefact_turns_the_gate_red(ground):
    gone = dataclasses.replace(entry(ground.manifest, "onnx", "image", "fp32"), path="onnx/gone.onnx")
    assert gate.judge(ground, gone).reasons == ["missing"]


@pytest.mark.parametrize(("factor", "held"), [(1, True), (1 / 255, True), (1.05 / 255, False), (1 / 200, False)])
def test_a_stem_may_hold_the_scale_of_the_pixels_and_no_other(factor, held):
    stem = torch.nn.Conv2d(3, 8, 4, bias=False)
    found = stored_weights.by_size([stem.weight.detach().numpy() * np.float32(factor)])
    assert (stored_weights.missing(stem, found, stored_weights.RESIDUAL["fp32"]) == []) is held
