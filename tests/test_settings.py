"""Network, pixels and activation of a checkpoint that is no published one: from files beside it, or given by hand."""

import dataclasses
import json
import math
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from export.artifacts.dist import Dist
from export.common import files
from export.common.errors import InputError
from export.common.specs import Given
from export.pipeline import ExportRequest, describe
from export.weights import architectures, checkpoint, lookup, models
from export.weights.random_weights import varied_pictures, varied_texts
from export.weights.settings import open_clip_config, stated, transformers_config
from export.weights.settings.open_clip_config import MODEL, PREPROCESS, TEXT, VISION
from tests.test_layouts import TINY, transformers_layout

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)
PIXELS = {"mean": [*MEAN], "std": [*STD], "interpolation": "bilinear", "resize_mode": "shortest"}
TAG = "laion2b_s34b_b79k"
# Tiny, with CLIP's own vocabulary.
NETWORK = TINY | {"text_cfg": TINY["text_cfg"] | {"vocab_size": 49408}}


def described(folder: Path, network: dict | None = None, pixels: dict | None = PIXELS, **more: object) -> Path:
    """A folder with open_clip_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"model_cfg": network or NETWORK, "preprocess_cfg": pixels} | more
    (folder / open_clip_config.NAME).write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    return folder


def own(folder: Path, name: str = "weights.pt") -> Path:
    """Some checkpoint: finding a model does not read it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"")
    return folder / name


# What is assumed is said in one line.

def test_a_checkpoint_with_a_tag_says_what_is_assumed(tmp_path):
    found = lookup.explained("ViT-B-32", TAG, own(tmp_path))
    assert found.notes == ["assumes gelu, mean 0.4815 0.4578 0.4082, std 0.2686 0.2613 0.2758, shortest, bicubic, "
                           f"224 px (PRETRAINED={TAG})"]
    assert found.spec == lookup.find("ViT-B-32", TAG) and lookup.explained("ViT-B-32", TAG).notes == []


def test_a_checkpoint_of_a_row_says_what_is_assumed(tmp_path):
    [note] = lookup.explained("s2", None, own(tmp_path)).notes
    assert note == "assumes gelu, mean 0 0 0, std 1 1 1, shortest, bilinear, 256 px (MODEL=s2)"


def test_what_is_given_by_hand_takes_the_place_of_the_tag_and_is_said(tmp_path):
    given = Given(activation="quickgelu", mean=MEAN, std=STD, interpolation="bilinear")
    found = lookup.explained("ViT-B-32", TAG, own(tmp_path), given)
    assert found.notes == ["assumes quickgelu, mean 0.5 0.4 0.3, std 0.2 0.3 0.25, bilinear (given by hand); "
                           f"shortest, 224 px (PRETRAINED={TAG})"]
    assert (found.spec.quick_gelu, found.spec.activation) == (True, "quickgelu")
    assert (found.spec.preprocessing.mean, found.spec.preprocessing.interpolation) == (MEAN, "bilinear")


def test_settings_without_a_checkpoint_are_refused_and_the_remedy_works(tmp_path):
    given = Given(activation="quickgelu", std=STD)
    with pytest.raises(InputError, match="STD= and ACTIVATION= without a checkpoint of your own.*remedy: leave it out"):
        lookup.find("ViT-B-32", TAG, None, given)
    assert lookup.find("ViT-B-32", TAG) and lookup.find("ViT-B-32", TAG, own(tmp_path), given)


@pytest.mark.parametrize("name", ["demo", "s0"])
def test_a_network_with_one_activation_takes_none_by_hand(tmp_path, name):
    with pytest.raises(InputError, match=f"MODEL={name} has one activation"):
        lookup.find(name, None, own(tmp_path), Given(activation="quickgelu"))


# A configuration beside the checkpoint.

def vit_b_32() -> dict:
    return architectures.configuration("ViT-B-32")


def test_open_clip_config_beside_the_checkpoint_beats_the_tag(tmp_path):
    file = own(described(tmp_path, vit_b_32() | {"quick_gelu": True}))
    for checkpoint_ in (file, tmp_path):
        found = lookup.explained("ViT-B-32", TAG, checkpoint_)
        assert (found.spec.quick_gelu, found.spec.preprocessing.mean) == (True, MEAN)
        assert found.notes == ["assumes quickgelu, mean 0.5 0.4 0.3, std 0.2 0.3 0.25, shortest, bilinear, 224 px "
                               "(open_clip_config.json)"]


def test_an_architecture_needs_no_tag_where_the_configuration_or_the_hand_states_the_pixels(tmp_path):
    file = own(described(tmp_path / "a", architectures.configuration("ViT-S-16")))
    by_file = lookup.find("ViT-S-16", None, file)
    by_hand = lookup.find("ViT-S-16", None, own(tmp_path / "b"), Given(mean=MEAN, std=STD, interpolation="bilinear"))
    assert by_file.preprocessing == by_hand.preprocessing and by_file.pretrained is None
    assert by_file == by_hand and by_file.licence.commercial_use is None
    with pytest.raises(InputError, match="ViT-S-16 has no published weights.*remedy: .*CHECKPOINT= with open_clip_"
                                         "config.json beside it, or with MEAN=, STD= and INTERPOLATION="):
        lookup.find("ViT-S-16", None, own(tmp_path / "b"))


def test_an_architecture_with_several_tags_needs_none_of_them_for_a_configured_checkpoint(tmp_path):
    file = own(described(tmp_path, vit_b_32()))
    assert lookup.find("ViT-B-32", None, file).pretrained is None
    with pytest.raises(InputError, match="needs PRETRAINED=.*for weights of your own CHECKPOINT= with"):
        lookup.find("ViT-B-32", None, own(tmp_path / "other"))


def test_a_configuration_that_contradicts_the_hand_is_refused_and_both_remedies_work(tmp_path):
    file = own(described(tmp_path, vit_b_32()))
    with pytest.raises(InputError, match="MEAN= contradicts open_clip_config.json .*expected 0.5 0.4 0.3; found 0 0 0; "
                                         "remedy: leave MEAN= out, or move the file away"):
        lookup.find("ViT-B-32", TAG, file, Given(mean=(0.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="ACTIVATION= contradicts"):
        lookup.find("ViT-B-32", TAG, file, Given(activation="quickgelu"))
    assert lookup.find("ViT-B-32", TAG, file)
    (tmp_path / open_clip_config.NAME).unlink()
    assert lookup.find("ViT-B-32", TAG, file, Given(mean=(0.0, 0.0, 0.0)))


@pytest.mark.parametrize("change, field", [
    ({"vision_cfg": {"layers": 6}}, "vision_cfg.layers"), ({"embed_dim": 64}, "embed_dim"),
    ({"text_cfg": {"no_causal_mask": True}}, "text_cfg.no_causal_mask")])
def test_a_configuration_of_another_network_is_refused_by_its_field(tmp_path, change, field):
    network = vit_b_32()
    for key, value in change.items():
        network[key] = network[key] | value if isinstance(value, dict) else value
    with pytest.raises(InputError, match=f"another network than MODEL=ViT-B-32; found another model_cfg.{field}"):
        lookup.find("ViT-B-32", TAG, own(described(tmp_path, network)))


def test_fields_that_change_no_answer_and_defaults_that_are_written_out_do_not_make_another_network(tmp_path):
    network = vit_b_32() | {"custom_text": True}
    network["vision_cfg"] = network["vision_cfg"] | {"patch_dropout": 0.5, "mlp_ratio": 4.0, "head_width": 64}
    assert lookup.find("ViT-B-32", TAG, own(described(tmp_path, network)))


def transformers_files(folder: Path, act: str | None = "gelu", **pixels: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    tower = {} if act is None else {"hidden_act": act}
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "clip", "text_config": tower, "vision_config": tower}))
    (folder / "preprocessor_config.json").write_text(json.dumps(
        {"image_mean": [*MEAN], "image_std": [*STD], "resample": 3, "do_center_crop": True, "do_resize": True,
         "size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}} | pixels))
    return own(folder, "model.safetensors")


@pytest.mark.parametrize("act, quick", [("gelu", False), ("quick_gelu", True), (None, True)])
def test_transformers_files_beside_the_checkpoint_state_activation_and_pixels(tmp_path, act, quick):
    spec = lookup.find("ViT-B-32", TAG, transformers_files(tmp_path, act))
    assert (spec.quick_gelu, spec.preprocessing.interpolation, spec.preprocessing.mean) == (quick, "bicubic", MEAN)
    assert spec.preprocessing.resize == "shortest" and lookup.find("ViT-B-32", None, tmp_path).preprocessing.std == STD


@pytest.mark.parametrize("pixels, wanted", [
    ({"size": 224, "crop_size": 224, "resample": 2}, ("shortest", "bilinear")),
    ({"size": {"height": 224, "width": 224}, "do_center_crop": False}, ("squash", "bicubic"))])
def test_older_and_squashing_processors_are_understood(tmp_path, pixels, wanted):
    spec = lookup.find("ViT-B-32", TAG, transformers_files(tmp_path, **pixels))
    assert (spec.preprocessing.resize, spec.preprocessing.interpolation) == wanted


@pytest.mark.parametrize("pixels, message", [
    ({"resample": 1}, "resample cannot be exported.*found 1"), ({"resample": None}, "resample cannot be exported"),
    ({"size": {"shortest_edge": 256}}, "size and crop_size cannot be exported"),
    ({"crop_size": {"height": 224, "width": 200}}, "size and crop_size"), ({"size": None}, "size and crop_size"),
    ({"image_mean": [0.5]}, "image_mean is not three numbers"),
    ({"size": {"shortest_edge": 336}, "crop_size": 336},
     "is not of MODEL=ViT-B-32; expected 224 px; found 336 px; remedy: MODEL=local-dir:folder with the file and its "
     "open_clip_config.json")])
def test_pixels_of_transformers_that_cannot_be_exported_are_refused(tmp_path, pixels, message):
    with pytest.raises(InputError, match=message):
        lookup.find("ViT-B-32", TAG, transformers_files(tmp_path, **pixels))


@pytest.mark.parametrize("act, message", [("gelu_new", "hidden_act cannot be exported.*found gelu_new")])
def test_another_activation_of_transformers_is_refused(tmp_path, act, message):
    with pytest.raises(InputError, match=message):
        lookup.find("ViT-B-32", TAG, transformers_files(tmp_path, act))


def test_a_config_of_another_library_or_beside_another_file_is_passed_over(tmp_path):
    file = transformers_files(tmp_path)
    shutil.copy(file, tmp_path / "mine.pt")
    assert lookup.find("ViT-B-32", TAG, tmp_path / "mine.pt") == lookup.find("ViT-B-32", TAG)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "siglip"}))
    assert lookup.find("ViT-B-32", TAG, file) == lookup.find("ViT-B-32", TAG)
    assert transformers_config.read(tmp_path / "nowhere") is None


# The two networks that differ in their activation have two spaces, and only what is given by hand enters them.

def test_a_quickgelu_fine_tune_given_by_hand_has_its_own_answers_and_space(tmp_path):
    spec = dataclasses.replace(lookup.find("ViT-B-32", TAG), network=json.dumps(NETWORK), preprocessing=(
        dataclasses.replace(lookup.find("ViT-B-32", TAG).preprocessing, size=32)))
    quick = stated.applied(spec, stated.of_hand(Given(activation="quickgelu")))
    one, other = checkpoint.random_model(spec), checkpoint.random_model(quick)
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in one.state_dict().items())
    ids = varied_texts(spec.text, 2)
    assert not torch.equal(one.encode_text(ids), other.encode_text(ids))
    spaces = {checkpoint.space(one, s.preprocessing, "ab", s.activation) for s in (spec, quick)}
    assert len(spaces) == 2 and checkpoint.space(one, spec.preprocessing, "ab") in spaces


def test_the_activation_is_a_key_of_the_space_only_where_it_was_given():
    for name in models.TABLE:
        assert lookup.find(name).activation is None
    assert lookup.find("ViT-B-32", "openai").activation is None
    pixels = lookup.find("demo").preprocessing
    assert "activation" not in checkpoint.canonical(pixels, None)
    assert checkpoint.canonical(pixels, "quickgelu").startswith('{"activation":"quickgelu","crop":"centre",')


def test_a_configuration_that_says_what_the_tag_says_leaves_the_space_as_it_is(tmp_path):
    tag = lookup.find("ViT-B-32", TAG)
    pixels = {"mean": [*tag.preprocessing.mean], "std": [*tag.preprocessing.std], "interpolation": "bicubic"}
    assert lookup.find("ViT-B-32", TAG, own(described(tmp_path, vit_b_32(), pixels))) == tag


# What the user types.

@pytest.mark.parametrize("typed", ["0.5,0.4,0.3", "0.5 0.4 0.3", "[0.5, 0.4, 0.3]", " (0.5,0.4 ,0.3) "])
def test_three_numbers_are_read_as_people_write_them(typed):
    assert stated.parsed(None, None, None, None, mean=typed, std=None).mean == MEAN


@pytest.mark.parametrize("typed", ["", "0.5", "a,b,c", "1,2,3,4", "nan,1,1", "1,inf,1", "0,1,1", "-1,1,1"])
def test_other_numbers_are_refused_with_an_example(typed):
    with pytest.raises(InputError, match="STD= is not three numbers above 0.*remedy: STD=0.5,0.5,0.5"):
        stated.parsed(None, None, None, None, mean=None, std=typed)


def test_activation_and_interpolation_are_known_words_in_any_case():
    given = stated.parsed(None, None, "QuickGELU", "BICUBIC", mean=None, std=None)
    assert (given.activation, given.interpolation) == ("quickgelu", "bicubic")
    for words in (("relu", None), (None, "nearest")):
        with pytest.raises(InputError, match="= is unknown; expected "):
            stated.parsed(None, None, *words, mean=None, std=None)


@pytest.mark.parametrize("name", ["../s2", "a/b", ".hidden", "", "a b", "x.partial", "a" * 101])
def test_a_name_that_is_no_folder_is_refused(name):
    with pytest.raises(InputError, match="is no name.*remedy: NAME=my-model"):
        stated.parsed(name, None, None, None, mean=None, std=None)


# NAME=, and source.json.

def test_name_names_the_folder_and_the_manifests_model_and_model_stays_for_messages():
    spec = lookup.find("s2", given=Given(name="größe-2"))
    assert (spec.name, spec.model, spec.architecture) == ("größe-2", "s2", "MobileCLIP-S2")
    with pytest.raises(InputError, match="s0 is the name of another model.*remedy: NAME=my-model"):
        lookup.find("s2", given=Given(name="s0"))
    assert lookup.find("s2", given=Given(name="s2")) == lookup.find("s2")


def test_source_json_keeps_what_was_given_and_finds_the_same_model_again(tmp_path):
    file = tmp_path / "weights.pt"
    torch.save({"a": {"x": torch.zeros(1)}, "b": {"x": torch.zeros(1)}}, file)
    given = Given(name="shop", checkpoint_key="b", activation="quickgelu", mean=MEAN, std=STD, interpolation="bilinear")
    request = ExportRequest("ViT-B-32", pretrained=TAG, checkpoint=file, given=given)
    spec = lookup.find(request.model, TAG, file, given)
    source = checkpoint.locate(spec, file, key="b")
    (tmp_path / "shop").mkdir()
    files.write_json(tmp_path / "shop" / "source.json", describe(request, source, spec))
    assert Dist(tmp_path / "shop").source()[0].preprocessing == spec.preprocessing
    again, found = Dist(tmp_path / "shop").source()
    assert dataclasses.replace(again, licence=spec.licence) == spec and found.key == "b"


def test_a_configuration_that_changed_or_was_left_behind_is_told_before_the_gate(tmp_path):
    folder, dist = described(tmp_path / "here", vit_b_32()), Dist(tmp_path)
    request = ExportRequest("ViT-B-32", pretrained=TAG, checkpoint=own(folder))
    spec = lookup.find("ViT-B-32", TAG, request.checkpoint)
    source = checkpoint.locate(spec, request.checkpoint)
    files.write_json(tmp_path / "source.json", describe(request, source, spec))
    assert dist.source()[0].preprocessing == spec.preprocessing
    with pytest.raises(InputError, match="pixels or activation are not those of the export .*0.5, 0.4.*found .*0.4814"
                                         ".*remedy: put the configuration back beside the checkpoint"):
        dist.move_checkpoint(own(tmp_path / "there"))
    described(tmp_path / "there", vit_b_32())
    dist.move_checkpoint(tmp_path / "there" / "weights.pt")
    described(tmp_path / "there", vit_b_32() | {"quick_gelu": True})
    with pytest.raises(InputError, match="pixels or activation are not those of the export"):
        Dist(tmp_path).source()


def test_a_folder_of_a_local_dir_that_was_moved_is_taken_from_its_new_place(tmp_path):
    folder = described(tmp_path / "here")
    own(folder, "open_clip_model.safetensors")
    name = f"local-dir:{folder}"
    spec = lookup.find(name)
    files.write_json(tmp_path / "source.json", describe(ExportRequest(name), checkpoint.locate(spec, folder), spec))
    folder.rename(tmp_path / "there")
    with pytest.raises(InputError, match="no open_clip_config.json in .*here"):
        Dist(tmp_path).source()
    Dist(tmp_path).move_checkpoint(tmp_path / "there")
    assert Dist(tmp_path).source()[1].path == tmp_path / "there" / "open_clip_model.safetensors"


def test_source_json_of_a_row_has_no_key_of_what_was_not_given():
    spec = lookup.find("demo")
    kept = describe(ExportRequest("demo"), checkpoint.locate(spec), spec)
    assert set(kept) == {"model", "pretrained", "kind", "sha256", "checkpoint", "licence"}


def test_json_holds_no_infinite_number(tmp_path):
    for value in (math.inf, math.nan):
        with pytest.raises(ValueError, match="not JSON compliant"):
            files.write_json(tmp_path / "a.json", {"logit_scale": value})
    assert not list(tmp_path.iterdir())


# local-dir: a model that is described by its own file.

def with_weights(folder: Path, quick: bool = False) -> Path:
    """A folder as open_clip's push_to_hf_hub writes it, with random weights."""
    described(folder, NETWORK | {"quick_gelu": quick, "custom_text": True})
    spec = lookup.find(f"local-dir:{folder}")
    save_file(checkpoint.random_model(spec).state_dict(), folder / "open_clip_model.safetensors")
    return folder


def test_local_dir_takes_network_pixels_activation_and_weights_from_the_folder(tmp_path):
    folder = with_weights(tmp_path / "My-Shop", quick=True)
    name = f"local-dir:{folder}"
    found = lookup.explained(name)
    spec = found.spec
    assert (spec.name, spec.model, spec.architecture) == ("My-Shop", name, "local-dir:My-Shop")
    assert (spec.quick_gelu, spec.activation, spec.dim, spec.preprocessing.mean) == (True, "quickgelu", 24, MEAN)
    assert spec.preprocessing.size == 32 and len(found.notes) == 1 and "(open_clip_config.json)" in found.notes[0]
    source = checkpoint.locate(spec, lookup.own_file(name, None, random=False))
    assert source.kind == "file" and source.path == folder / "open_clip_model.safetensors"
    ours = checkpoint.load(spec, source)
    import open_clip
    theirs = open_clip.create_model(f"local-dir:{folder}").eval()
    pictures, ids = varied_pictures(spec.preprocessing, 2), varied_texts(spec.text, 2)
    assert torch.allclose(ours.encode_image(pictures), theirs.encode_image(pictures), atol=1e-6)
    assert torch.allclose(ours.encode_text(ids), theirs.encode_text(ids), atol=1e-6)


def test_local_dir_takes_another_checkpoint_another_name_and_missing_pixels_by_hand(tmp_path):
    folder = described(tmp_path / "model", pixels={"mean": [*MEAN], "std": [*STD]})
    with pytest.raises(InputError, match="lacks mean, std or interpolation.*MEAN=, STD= and INTERPOLATION="):
        lookup.find(f"local-dir:{folder}")
    given = Given(name="other", interpolation="bicubic")
    spec = lookup.find(f"local-dir:{folder}", given=given)
    assert (spec.name, spec.preprocessing.interpolation, spec.preprocessing.resize) == ("other", "bicubic", "shortest")
    assert lookup.own_file(f"local-dir:{folder}", Path("a.pt"), random=False) == Path("a.pt")
    assert lookup.own_file(f"local-dir:{folder}", None, random=True) is None


def test_transformers_layout_at_the_size_of_a_local_dir_is_taken(tmp_path):
    """The remedy for a checkpoint that was tuned at another size."""
    folder = described(tmp_path / "tuned")
    spec = lookup.find(f"local-dir:{folder}")
    state = dict(checkpoint.random_model(spec).state_dict())
    torch.save(transformers_layout(state), folder / "pytorch_model.bin")
    network = NETWORK | {"vision_cfg": NETWORK["vision_cfg"] | {"image_size": 48}}
    larger = dataclasses.replace(spec, preprocessing=dataclasses.replace(spec.preprocessing, size=48), asked="ViT-X",
                                 network=json.dumps(network))
    with pytest.raises(InputError, match=r"trained at 32 px \(4 x 4 patches of 8\).*expected 48 px, which MODEL=ViT-X "
                                         "takes; .*remedy: MODEL=local-dir:folder with the file and its open_clip_"):
        checkpoint.load(larger, checkpoint.locate(larger, folder))
    again = checkpoint.load(spec, checkpoint.locate(spec, folder)).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in state.items())


def test_the_digest_of_a_local_dir_and_its_recipe_do_not_depend_on_its_place(tmp_path):
    from export import plan
    specs = []
    for place in ("a", "b"):
        folder = described(tmp_path / place / "model")
        (folder / "open_clip_model.safetensors").write_bytes(b"{}")
        spec = lookup.find(f"local-dir:{folder}")
        specs.append(plan.base_recipe(spec, checkpoint.locate(spec, folder)))
    assert specs[0] == specs[1]


@pytest.mark.parametrize("change, message", [
    ({"model_cfg": None}, "no model_cfg"), ({"preprocess_cfg": None}, "no preprocess_cfg.*own default may be wrong"),
    ({"extra": 1}, "unknown field extra"), ({"model_cfg": {"embed_dim": 24}}, "no model_cfg.vision_cfg"),
    ({"model_cfg": NETWORK | {"code": "x"}}, "unknown field model_cfg.code"),
    ({"model_cfg": NETWORK | {"embed_dim": 1 << 20}}, "model_cfg.embed_dim is no count"),
    ({"model_cfg": NETWORK | {"embed_dim": True}}, "model_cfg.embed_dim is no count"),
    ({"model_cfg": NETWORK | {"vision_cfg": {"timm_model_name": "hf-hub:a/b"}}}, "timm_model_name is no name of timm"),
    ({"model_cfg": NETWORK | {"vision_cfg": {"timm_model_name": "../x"}}}, "timm_model_name is no name of timm"),
    ({"model_cfg": NETWORK | {"vision_cfg": {"depth": 3}}}, "unknown field model_cfg.vision_cfg.depth"),
    ({"model_cfg": NETWORK | {"text_cfg": {"hf_model_name": "a/b"}}}, "a text model from the transformers library"),
    ({"model_cfg": NETWORK | {"text_cfg": {"vocab_size": 32000}}}, "found 32000 words"),
    ({"model_cfg": NETWORK | {"multimodal_cfg": {}}}, "a captioning decoder"),
    ({"model_cfg": NETWORK | {"vision_cfg": {"timm_model_name": "vit_base_mci_224"}}},
     "one of three networks with one configuration.*remedy: MODEL=b, blt or 2-b with CHECKPOINT="),
    ({"preprocess_cfg": PIXELS | {"size": 48}}, "preprocess_cfg.size contradicts model_cfg.vision_cfg.image_size"),
    ({"preprocess_cfg": PIXELS | {"size": [32, 48]}}, "pictures that are not square"),
    ({"preprocess_cfg": PIXELS | {"resize_mode": "longest"}}, "resize_mode cannot be exported.*shortest or squash"),
    ({"preprocess_cfg": PIXELS | {"interpolation": "random"}}, "interpolation cannot be exported"),
    ({"preprocess_cfg": PIXELS | {"mean": [0.5]}}, "preprocess_cfg.mean is no numbers"),
    ({"preprocess_cfg": PIXELS | {"mode": "L"}}, "preprocess_cfg.mode cannot be exported"),
    ({"preprocess_cfg": PIXELS | {"crop": 1}}, "unknown field preprocess_cfg.crop")])
def test_a_configuration_that_cannot_be_taken_is_refused_by_its_field(tmp_path, change, message):
    described(tmp_path / "model", **change)
    with pytest.raises(InputError, match=message):
        lookup.find(f"local-dir:{tmp_path / 'model'}")


@pytest.mark.parametrize("content, message", [("[]", "no JSON object"), ("{", "no JSON"), ("[" * 100_000, "no JSON")])
def test_a_configuration_that_is_no_json_is_refused(tmp_path, content, message):
    (tmp_path / open_clip_config.NAME).write_text(content)
    with pytest.raises(InputError, match=message):
        lookup.find(f"local-dir:{tmp_path}")
    with pytest.raises(InputError, match="no open_clip_config.json in .*No such file"):
        lookup.find(f"local-dir:{tmp_path}/nowhere")


def test_a_name_that_timm_does_not_have_is_refused_without_a_fetch(tmp_path):
    described(tmp_path / "model", NETWORK | {"vision_cfg": {"timm_model_name": "no_such_net", "image_size": 32}})
    with pytest.raises(InputError, match="timm has no network 'no_such_net'"):
        checkpoint.random_model(lookup.find(f"local-dir:{tmp_path / 'model'}"))


def test_a_network_that_cannot_be_built_is_refused(tmp_path):
    described(tmp_path / "model", NETWORK | {"text_cfg": NETWORK["text_cfg"] | {"heads": 5}})
    with pytest.raises(InputError, match="no network can be built from open_clip_config.json"):
        checkpoint.random_model(lookup.find(f"local-dir:{tmp_path / 'model'}"))


@pytest.mark.parametrize("last", ["my model", ".hidden"])
def test_a_folder_whose_name_is_none_for_dist_asks_for_one(tmp_path, last):
    folder = described(tmp_path / last)
    with pytest.raises(InputError, match="gives no name for a folder in dist.*remedy: NAME=my-model"):
        lookup.find(f"local-dir:{folder}")
    assert lookup.find(f"local-dir:{folder}", given=Given(name="my-model")).name == "my-model"
    with pytest.raises(InputError, match="s2 is the name of another model"):
        lookup.find(f"local-dir:{described(tmp_path / 's2')}")


def test_the_fields_and_defaults_are_those_of_open_clip():
    from open_clip.model import CLIPTextCfg, CLIPVisionCfg
    from open_clip.transform import PreprocessCfg
    for fields, theirs in ((VISION, CLIPVisionCfg), (TEXT, CLIPTextCfg)):
        assert {name: default for name, (_, default) in fields.items()} == {
            field.name: field.default for field in dataclasses.fields(theirs)}
    assert PREPROCESS.keys() == {field.name for field in dataclasses.fields(PreprocessCfg)}


def test_open_clips_own_configurations_have_only_known_fields(tmp_path):
    for name in architectures.all_names():
        config = architectures.configuration(name)
        assert set(config) <= set(MODEL) and open_clip_config.same_network(config, config) is None
        assert open_clip_config.read(described(tmp_path, config) / open_clip_config.NAME).network == config, name


# Names as people write them.

@pytest.mark.parametrize("name, row", [
    ("MobileCLIP-S0", "s0"), ("mobileclip-s0", "s0"), ("MOBILECLIP_S2", "s2"), ("mobileclip_s2", "s2"), ("S2", "s2"),
    ("mobileclip_s1.pt", "s1"), ("mobileclip_b", "b"), ("mobileclip_blt", "blt"), ("mobileclip_blt.pt", "blt"),
    ("MobileCLIP-BLT", "blt"), ("mobileclip2_s0", "2-s0"), ("mobileclip2_b.pt", "2-b"), ("MobileCLIP2-S4", "2-s4"),
    ("mobileclip2_l14", "2-l14"), ("MobileCLIP2-L-14", "2-l14"), ("apple/MobileCLIP-S2-OpenCLIP", "s2"),
    ("apple/MobileCLIP-S0", "s0"), ("apple/MobileCLIP-S2", "s2"), ("apple/MobileCLIP-B-LT", "blt"),
    ("timm/MobileCLIP2-S0-OpenCLIP", "2-s0"), ("hf-hub:apple/MobileCLIP-B-OpenCLIP", "b"), ("2-S0", "2-s0")])
def test_a_row_is_understood_by_its_other_names_and_the_user_is_told(name, row):
    found = lookup.explained(name)
    assert found.spec is models.TABLE[row] and found.notes == [f"MODEL={name} is {row}"]


@pytest.mark.parametrize("name", ["hf-hub:clip", "hf-hub:", "hf-hub:a/b/c", "hf-hub:../b", "hf-hub:a/.."])
def test_what_is_no_repository_is_refused_before_the_network(name):
    with pytest.raises(InputError, match="names no repository; expected hf-hub:OWNER/NAME"):
        lookup.find(name)


def test_a_name_of_two_rows_asks_for_the_tag():
    for name in ("MobileCLIP-B", "mobileclip-b"):
        with pytest.raises(InputError, match="needs PRETRAINED=.*expected one of datacompdr, datacompdr_lt"):
            lookup.find(name)
        assert lookup.find(name, "datacompdr_lt") is models.TABLE["blt"]


@pytest.mark.parametrize("name", ["vit-b-32", "VIT-B-32", "ViT_B_32"])
def test_an_architecture_is_understood_in_any_case(name):
    found = lookup.explained(name, "openai")
    assert found.spec == lookup.find("ViT-B-32", "openai") and found.notes == [f"MODEL={name} is ViT-B-32"]


def test_the_only_tag_of_an_architecture_is_taken_and_said():
    found = lookup.explained("vitamin-s")
    assert (found.spec.name, found.spec.pretrained) == ("ViTamin-S", "datacomp1b")
    assert found.notes == ["MODEL=vitamin-s is ViTamin-S", "PRETRAINED=datacomp1b, the only tag of ViTamin-S"]


@pytest.mark.parametrize("name", ["openai/clip-vit-base-patch32", "other/MobileCLIP-S2"])
def test_a_repository_without_its_prefix_is_told_how_to_write_it(name):
    with pytest.raises(InputError, match=f"unknown model '{name}'.*MODEL=hf-hub:{re.escape(name)}"):
        lookup.find(name)
