"""The text side of a model as data: what the manifest holds of it, what old files mean, and what `space` is made of."""

import json
from dataclasses import replace

import pytest

from export.artifacts import manifest
from export.common import files
from export.common.errors import InputError
from export.common.specs import (
    CHINESE_CLIP_TEXT,
    CLIP_TEXT,
    SCRIPTS,
    SIGLIP2_TEXT,
    SIGLIP_I18N_TEXT,
    SIGLIP_TEXT,
    XLM_R_TEXT,
    TextSpec,
)
from export.formats.job import Job
from export.weights.checkpoint import canonical
from export.weights.lookup import find
from export.weights.models import TABLE, WORLD

OTHERS = {"siglip": SIGLIP_TEXT, "siglip-i18n": SIGLIP_I18N_TEXT, "siglip2": SIGLIP2_TEXT, "xlm-r": XLM_R_TEXT,
          "chinese-clip": CHINESE_CLIP_TEXT}
NEW_KEYS = {"vocabulary", "steps", "mask"}
JOB = Job("onnx", "text", "fp32")


def made(text: TextSpec, labels: str = "softmax", bias: float | None = None) -> manifest.Manifest:
    """The manifest of the demo, if it had this text side."""
    spec = replace(find("demo"), text=text, labels=labels)
    return manifest.build(spec, manifest.Identity("0" * 64, 20.5, True, logit_bias=bias), "1" * 64, [], {})


def kept(folder, value: dict) -> manifest.Manifest:
    files.write_json(folder / manifest.NAME, value)
    return manifest.read(folder)


def test_clips_manifest_has_the_keys_that_it_always_had():
    value = made(CLIP_TEXT).json()
    assert list(value["text"]) == ["context_length", "start_token", "end_token", "pad_token", "tokenizer", "templates",
                                   "scripts"]
    assert not {"logit_bias", "labels"} & value.keys()


@pytest.mark.parametrize("name", [name for name in TABLE if not name.startswith("chinese-") and name != WORLD])
def test_every_row_of_an_english_model_is_clips_text_side(name):
    assert TABLE[name].text == CLIP_TEXT and TABLE[name].labels == "softmax"
    assert manifest.tensor_in(TABLE[name], JOB).range == [0, 49407]


def test_a_manifest_without_the_new_keys_is_clips(tmp_path):
    read = kept(tmp_path, made(CLIP_TEXT).json())
    assert read.text == CLIP_TEXT and (read.logit_bias, read.labels) == (None, "softmax")


@pytest.mark.parametrize("name", OTHERS)
def test_every_text_side_comes_back_from_the_manifest(name, tmp_path):
    whole = made(OTHERS[name], "sigmoid", -12.5)
    value = whole.json()
    read = kept(tmp_path, value)
    assert read.text == OTHERS[name] and (read.logit_bias, read.labels) == (-12.5, "sigmoid")
    assert value["text"].keys() & NEW_KEYS >= {"steps", "mask"}


@pytest.mark.parametrize(("text", "rows"), [(SIGLIP_TEXT, 32_000), (SIGLIP2_TEXT, 256_000), (XLM_R_TEXT, 250_002),
                                            (CHINESE_CLIP_TEXT, 21_128)])
def test_the_range_of_the_ids_is_that_of_the_token_table(text, rows):
    assert manifest.tensor_in(replace(find("demo"), text=text), JOB).range == [0, rows - 1]


@pytest.mark.parametrize("name", OTHERS)
def test_special_tokens_lie_in_the_table_and_a_row_has_room_for_them(name):
    text = OTHERS[name]
    tokens = [text.end_token, text.pad_token, *([] if text.start_token is None else [text.start_token])]
    assert max(tokens) < text.vocabulary and len(text.framed([])) < text.context_length
    assert set(text.scripts) <= set(SCRIPTS)


@pytest.mark.parametrize(("templates", "language", "prompts"), [
    (("{}", "a {}"), "zh", ("{}", "a {}")),
    ({"en": ("{}",), "zh": ("\u4e00{}",)}, "zh", ("\u4e00{}",)),
    ({"de": ("ein {}",), "en": ("{}",)}, "fr", ("{}",)),
    ({"zh": ("\u4e00{}",), "de": ("ein {}",)}, "fr", ("ein {}",)),
])
def test_prompts_are_those_of_the_language_then_english_then_the_first_by_its_bytes(templates, language, prompts):
    assert replace(CLIP_TEXT, templates=templates).prompts(language) == prompts


@pytest.mark.parametrize(("keys", "says"), [
    ({"pooling": "middle"}, "'middle' for pooling, not one of end, last, first, mean"),
    ({"mask": "some"}, "'some' for mask, not one of causal, none, pads"),
    ({"vocabulary": "many"}, "'many' for vocabulary"),
    ({"steps": "fix"}, "'fix' for steps"),
    ({"family": 3}, "'3' for family"),
    ({"templates": {}}, "no templates"),
    ({"templates": {"en": []}}, "for templates"),
    ({"templates": {"en": ["a photo"]}}, "for templates"),
    ({"templates": {"en": "{}"}}, "for en"),
])
def test_a_text_side_that_cannot_be_is_refused(tmp_path, keys, says):
    value = made(CLIP_TEXT).json()
    value["text"] |= keys
    with pytest.raises(InputError, match=says):
        kept(tmp_path, value)


@pytest.mark.parametrize(("keys", "says"), [({"labels": "sum"}, "'sum' for labels, not one of softmax, sigmoid"),
                                            ({"logit_bias": "-10"}, "'-10' for logit_bias")])
def test_shares_of_labels_that_cannot_be_are_refused(tmp_path, keys, says):
    with pytest.raises(InputError, match=says):
        kept(tmp_path, made(CLIP_TEXT).json() | keys)


def test_what_space_digests_of_a_model_has_no_key_of_the_text_side():
    keys = {name: json.loads(canonical(spec.preprocessing, spec.activation)).keys() for name, spec in TABLE.items()}
    assert {*keys} == {*TABLE}
    assert all(one == {"crop", "interpolation", "mean", "resize", "size", "std"} for one in keys.values())
