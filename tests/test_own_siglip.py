"""A small SigLIP of one's own, from a folder as open_clip writes it, with its tokenizer: export, manifest and gate."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from benchmarks import network_families as families
from export import pipeline
from export.artifacts.dist import Dist
from export.artifacts.manifest import Manifest
from export.common import files
from export.common.errors import InputError
from export.common.specs import SIGLIP_TEXT
from export.text import families as tokenizers
from export.text import tokenizer
from export.text.assets.shipped import shipped
from export.weights import architectures, checkpoint, lookup, vocabulary_file
from export.weights.checkpoint import Source
from export.weights.random_weights import random_model
from parity import lookalikes
from parity.gate import gate

TEXTS = ["", "Red_Shoes!", "\u7ea2\u8272\u8fde\u8863\u88d9", "a photo of a dress", "word " * 80]
PIXELS = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
VISION = {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}


def config(tokenizer_name: str = "timm/ViT-B-16-SigLIP") -> dict:
    """The text tower of SigLIP B/16, narrow and of two layers; a plain ViT for pictures."""
    model = copy.deepcopy(architectures.configuration("ViT-B-16-SigLIP")) | {"embed_dim": 64, "vision_cfg": VISION}
    model["text_cfg"] |= families.SMALL_TEXT | {"hf_tokenizer_name": tokenizer_name}
    return {"model_cfg": model, "preprocess_cfg": PIXELS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return own_siglip(tmp_path_factory.mktemp("own") / "our-siglip")


def own_siglip(made: Path) -> Path:
    """A small SigLIP as its makers would hand it over: vocabulary, configuration, weights."""
    lookalikes.siglip(made)
    (made / "open_clip_config.json").write_text(json.dumps(config()))
    weights = random_model(lookup.find(f"local-dir:{made}")).state_dict()
    save_file({key: value.contiguous() for key, value in weights.items()}, made / "open_clip_model.safetensors")
    return made


@pytest.fixture(scope="module")
def exported_own(folder, tmp_path_factory) -> Dist:
    request = pipeline.ExportRequest(f"local-dir:{folder}", "onnx", "fp32,fp16", out=tmp_path_factory.mktemp("dist"))
    return Dist(pipeline.export(request, lambda line: None))


def test_the_manifest_says_what_a_reader_needs(exported_own, folder):
    made: Manifest = exported_own.manifest
    assert (made.labels, made.logit_bias) == ("sigmoid", -10.0)
    spec, _ = exported_own.source()
    words = shipped(spec, folder / "tokenizer.json")   # without <pad>, which no text reaches
    assert made.text == words.text and made.image.mode == "squash" and spec.text == SIGLIP_TEXT
    assert (made.text.end_token, made.text.pad_token, made.text.vocabulary) == (0, 0, len(words.pruned.kept))
    assert [a.inputs[0].range for a in made.artifacts if a.encoder == "text"] == [[0, made.text.vocabulary - 1]] * 2
    stored = json.loads((exported_own.folder / "manifest.json").read_text())
    assert stored["text"]["pooling"] == "last" and stored["text"]["start_token"] is None


def test_the_asset_gives_the_ids_of_the_library(exported_own, folder):
    words = tokenizer.load(exported_own.path(exported_own.manifest.tokenizer.path))
    expected = tokenizers.reference_ids(SIGLIP_TEXT, TEXTS, folder / "tokenizer.json")
    kept = shipped(exported_own.source()[0], folder / "tokenizer.json")
    assert np.array_equal(tokenizer.encode_all(words, TEXTS), kept.ids(expected))
    assert (expected[0] == SIGLIP_TEXT.pad_token).all()      # of no text, the end token is left, which is the pad


def test_the_gate_is_green(exported_own):
    verdicts = gate.run(exported_own, 0, lambda name: None)
    assert verdicts.green and {result.outcome for result in verdicts.results} == {"passed"}, [
        (result.path, result.reasons) for result in verdicts.results]


def test_another_vocabulary_makes_the_artefacts_anew(exported_own, folder, tmp_path):
    from export import plan

    spec, source = exported_own.source()
    other = tmp_path / "tokenizer.json"
    other.write_bytes((folder / "tokenizer.json").read_bytes() + b"\n")
    recipes = {plan.base_recipe(spec, source, path) for path in (folder / "tokenizer.json", other, None)}
    assert len(recipes) == 3 and files.sha256(other) != files.sha256(folder / "tokenizer.json")


def test_the_vocabulary_beside_the_weights_comes_first(folder):
    spec = lookup.find(f"local-dir:{folder}")
    assert vocabulary_file.located(spec, checkpoint.locate(spec, folder)) == folder / "tokenizer.json"
    demo = lookup.find("demo")
    assert vocabulary_file.located(demo, checkpoint.locate(demo)) is None


def test_a_vocabulary_that_cannot_be_had_says_where_to_put_it(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="vocab.txt .*remedy: put vocab.txt beside the weights, CHECKPOINT="):
        vocabulary_file.located(lookup.find("chinese-b16"), Source("random", None, None))


@pytest.mark.parametrize("name", ["Owner/tuned", "hf-hub:Owner/tuned"])
def test_a_fine_tune_may_name_its_own_tokenizer(tmp_path, monkeypatch, name):
    """As open_clip writes it when it pushes a model with its tokenizer, and as Marqo's models are read."""
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config(name)))
    monkeypatch.setattr("export.weights.hub.file", lambda repository, file, remedy=None: tmp_path / file)
    found = lookup.find("hf-hub:Owner/tuned")
    assert found.text == SIGLIP_TEXT and found.vocabulary_hub == "Owner/tuned" and found.labels == "sigmoid"
    with pytest.raises(InputError, match=f"found the tokenizer {name}"):
        lookup.find("hf-hub:Owner/another")
