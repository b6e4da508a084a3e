"""Chinese-CLIP's weights, in cn_clip's layout and in transformers', become one network and one space."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import network_families as families
from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.weights import checkpoint, lookup
from export.weights.models import CHINESE, TABLE
from export.weights.networks.chinese_clip import CONFIGURATIONS
from export.weights.networks.construct import build
from export.weights.random_weights import random_model, varied_pictures, varied_texts

SPEC = next(family.spec for family in families.families() if family.name == "chinese-vit")
SMALL_RESNET = {"image_size": 64, "width": 16, "layers": [1, 1, 1, 2]}
ROWS = [name for name, spec in TABLE.items() if spec.architecture in CHINESE]
CLOSE = 2e-6


def resnet() -> ModelSpec:
    config = CONFIGURATIONS["Chinese-CLIP-RN50"]
    config = config | {"embed_dim": SPEC.dim, "vision_cfg": config["vision_cfg"] | SMALL_RESNET,
                       "text_cfg": json.loads(SPEC.network)["text_cfg"]}
    return replace(SPEC, architecture="Chinese-CLIP-RN50", network=json.dumps(config), quick_gelu=False)


def theirs() -> torch.nn.Module:
    """A seeded ChineseCLIPModel of transformers, as small as SPEC."""
    from transformers import ChineseCLIPConfig, ChineseCLIPModel

    sizes = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(7)
    model = ChineseCLIPModel(ChineseCLIPConfig(
        text_config=sizes | {"vocab_size": families.WORDS}, projection_dim=SPEC.dim,
        vision_config=sizes | {"image_size": 64, "patch_size": 16}))
    for value in model.state_dict().values():
        if value.is_floating_point() and value.ndim:
            value.add_(0.3 * torch.randn(value.shape))
    return model.eval().requires_grad_(False)


def cn_clip_layout(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What cn_clip saves after training: its prefix, and a pooler that its network does not use."""
    own = {key.removeprefix("text."): value for key, value in state.items()}
    return {f"module.{key}": value for key, value in own.items()} | {"module.bert.pooler.dense.weight": torch.ones(2)}


def load(path: Path, spec: ModelSpec = SPEC) -> torch.nn.Module:
    return checkpoint.load(spec, checkpoint.locate(spec, path))


def space(model: torch.nn.Module) -> str:
    return checkpoint.space(model, SPEC.preprocessing, "0" * 64)


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[torch.nn.Module, torch.nn.Module, torch.nn.Module]:
    """transformers' model, and ours from its file and from one in cn_clip's layout with the same weights."""
    folder, model = tmp_path_factory.mktemp("chinese"), theirs()
    torch.save(model.state_dict() | {"text_model.pooler.dense.weight": torch.ones(2)}, folder / "pytorch_model.bin")
    first = load(folder / "pytorch_model.bin")
    torch.save({"epoch": 1, "state_dict": cn_clip_layout(first.state_dict())}, folder / "clip_cn.pt")
    return model, first, load(folder / "clip_cn.pt")


def test_both_layouts_give_the_same_weights_and_the_same_space(both):
    _, first, second = both
    one, other = first.state_dict(), second.state_dict()
    assert one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())
    assert space(first) == space(second)
    assert {key.partition(".")[0] for key in one} == {"visual", "text", "logit_scale"}
    assert "text.bert.encoder.layer.1.attention.self.query.weight" in one and "text.text_projection" in one


def test_the_network_says_what_transformers_model_says(both):
    model, ours, _ = both
    ids = varied_texts(SPEC.text, 12)
    ids[0] = torch.tensor(SPEC.text.framed([]) + [0] * 50)
    pixels = varied_pictures(SPEC.preprocessing, 3)
    with torch.inference_mode():
        texts = model.get_text_features(input_ids=ids, attention_mask=(ids != 0).long()).pooler_output
        pictures = model.get_image_features(pixel_values=pixels).pooler_output
        for found, expected in ((ours.encode_text(ids), texts), (ours.encode_image(pixels), pictures)):
            unit = [torch.nn.functional.normalize(rows, dim=-1) for rows in (found, expected)]
            assert (unit[0] - unit[1]).abs().max() < CLOSE


def test_half_precision_as_cn_clip_stores_it_is_widened(tmp_path):
    weights = random_model(SPEC).state_dict()
    torch.save({"state_dict": cn_clip_layout({key: value.half() for key, value in weights.items()})},
               tmp_path / "half.pt")
    loaded = load(tmp_path / "half.pt").state_dict()
    assert all(torch.equal(value, weights[key].half().float()) for key, value in loaded.items())


def test_the_residual_network_is_read_from_cn_clips_layout(tmp_path):
    spec = resnet()
    weights = random_model(spec).state_dict()
    torch.save({"state_dict": cn_clip_layout(weights)}, tmp_path / "rn50.pt")
    loaded = load(tmp_path / "rn50.pt", spec).state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in weights.items())


@pytest.mark.parametrize("name", ROWS)
def test_a_row_says_what_its_network_is(name):
    spec, config = TABLE[name], CONFIGURATIONS[TABLE[name].architecture]
    with torch.device("meta"):
        model = build(spec)
    counted = tuple(round(sum(p.numel() for p in tower.parameters()) / 1e6, 1) for tower in (model.visual, model.text))
    assert counted == spec.parameters and spec.dim == config["embed_dim"]
    assert spec.text.vocabulary == config["text_cfg"]["vocab_size"] and spec.text.mask == "pads"
    assert (spec.preprocessing.resize, spec.preprocessing.interpolation) == ("squash", "bicubic")
    assert spec.licence.commercial_use and lookup.find(spec.architecture) is spec


@pytest.mark.parametrize(("drop", "message"), [
    ("text_model.", "holds an image tower alone, in transformers' layout"),
    ("visual_projection.weight", "transformers' layout of another model than CLIP.*no visual_projection.weight"),
    ("text_model.encoder.layer.0.output.dense.bias", "checkpoint does not fit.*1 missing")])
def test_an_incomplete_file_is_named(tmp_path, drop, message):
    torch.save({key: value for key, value in theirs().state_dict().items() if not key.startswith(drop)},
               tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=message):
        load(tmp_path / "pytorch_model.bin")


def test_the_file_of_another_model_is_told_where_it_belongs(tmp_path):
    torch.save({"state_dict": cn_clip_layout(random_model(SPEC).state_dict())}, tmp_path / "clip_cn.pt")
    with pytest.raises(InputError, match="it looks like chinese-b16: MODEL=chinese-b16"):
        load(tmp_path / "clip_cn.pt", lookup.find("demo"))


@pytest.mark.parametrize(("config", "message"), [
    ({"text_config": {"hidden_act": "gelu_new"}}, "text_config.hidden_act cannot be exported.*expected gelu"),
    ({"vision_config": {"hidden_act": "gelu"}}, "vision_config.hidden_act cannot be exported.*expected quick_gelu")])
def test_other_activations_than_the_published_ones_are_refused(tmp_path, config, message):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "chinese_clip"} | config))
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match=message):
        lookup.find("chinese-b16", checkpoint=tmp_path / "pytorch_model.bin")


def test_the_pixels_are_cn_clips_although_transformers_processor_crops(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "chinese_clip"}))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"do_center_crop": True, "size": 224}))
    torch.save({}, tmp_path / "pytorch_model.bin")
    found = lookup.explained("chinese-b16", checkpoint=tmp_path / "pytorch_model.bin")
    assert found.spec.preprocessing == TABLE["chinese-b16"].preprocessing
    assert "squash, bicubic, 224 px (MODEL=chinese-b16)" in found.notes[-1]
