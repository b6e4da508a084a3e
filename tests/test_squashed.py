"""PE-Core: a context of 32 tokens and a squashed picture come from the model, from its row to the gate's verdict."""

import dataclasses
import re
import shutil

import numpy as np
import open_clip
import pytest

from catalog_builder import engines
from export import runners
from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.common.errors import InputError
from export.common.specs import CLIP_TEXT
from export.formats import table
from export.formats.job import Job
from export.pictures.preprocess import load_rgb8, resize_crop
from export.text import families
from export.weights import encoders, lookup
from export.weights.random_weights import varied_texts
from parity.gate import inputs, pixels
from tests.conftest import run_module

TAG = "meta"
SPEC = lookup.find("PE-Core-T-16-384", TAG)


@pytest.mark.parametrize(("name", "size", "dim"), [("PE-Core-T-16-384", 384, 512), ("PE-Core-S-16-384", 384, 512),
                                                   ("PE-Core-B-16", 224, 1024)])
def test_pe_core_takes_context_and_resize_mode_from_open_clip(name, size, dim):
    spec, tag = lookup.find(name, TAG), open_clip.pretrained.get_pretrained_cfg(name, TAG)
    assert spec.preprocessing == dataclasses.replace(SPEC.preprocessing, size=size)
    assert (tag["resize_mode"], tag["interpolation"], tag["mean"]) == ("squash", "bilinear", (0.5, 0.5, 0.5))
    assert (spec.preprocessing.resize, spec.preprocessing.crop) == ("squash", "none")
    assert spec.preprocessing.mean == spec.preprocessing.std == (0.5, 0.5, 0.5)
    assert spec.text == dataclasses.replace(CLIP_TEXT, context_length=open_clip.get_tokenizer(name).context_length)
    assert (spec.text.context_length, spec.dim, spec.hub) == (32, dim, f"timm/{name}")
    assert (spec.licence.name, spec.licence.commercial_use) == ("Apache-2.0", True)


def test_a_trace_and_random_texts_fit_the_context():
    assert encoders.example("text", SPEC).shape == (1, 32)
    for text in (SPEC.text, dataclasses.replace(CLIP_TEXT, context_length=4)):
        ids = varied_texts(text, 200)
        assert ids.shape == (200, text.context_length)
        assert ((ids == CLIP_TEXT.end_token).sum(dim=1) == 1).all() and (ids[:, 0] == CLIP_TEXT.start_token).all()
    assert int(varied_texts(CLIP_TEXT, 200).count_nonzero(dim=1).max()) == 42        # 40 and the two special ones


def test_an_artefacts_description_names_the_context():
    assert families.described(CLIP_TEXT) == "77 token ids of CLIP's tokenizer"
    assert families.described(SPEC.text) == "32 token ids of CLIP's tokenizer"


def test_a_cropped_picture_turns_the_gate_red_where_the_model_squashes(monkeypatch):
    told, some = manifest.image(SPEC.preprocessing), inputs.samples().pictures[:4]
    assert pixels.faults(told, SPEC, some) == []
    for change in ({"mode": "shortest"}, {"crop": "centre"}):
        assert "image entry" in pixels.faults(dataclasses.replace(told, **change), SPEC, some)[0]
    monkeypatch.setattr(pixels, "resize_crop", lambda rgb, preprocessing: resize_crop(
        rgb, dataclasses.replace(preprocessing, resize="shortest")))
    assert "open_clip's pixels" in pixels.faults(told, SPEC, some)[0]


@pytest.mark.parametrize(("mode", "crop"), [("squash", "centre"), ("shortest", "none"), ("longest", "none")])
def test_a_manifest_whose_crop_does_not_go_with_its_resize_is_refused(tmp_path, mode, crop):
    made = manifest.build(SPEC, manifest.Identity("", 1.0, True), "", [], {})
    manifest.write(tmp_path, made)
    assert manifest.read(tmp_path).image == made.image
    manifest.write(tmp_path, dataclasses.replace(made, image=dataclasses.replace(made.image, mode=mode, crop=crop)))
    with pytest.raises(InputError, match=f"manifest lacks keys.*crop '{crop}' after the resize '{mode}'"):
        manifest.read(tmp_path)


# A network of the same form, with two layers in each tower.

@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """dist/<model> of a small PE-Core with random weights, in all formats, fp32 and fp16, and what the gate said."""
    folder, model = tmp_path_factory.mktemp("squashed"), ("--model", SPEC.name, "--pretrained", TAG)
    answer = run_module("tests.small_network", "export", *model, "--weights", "random", "--precision", "fp32,fp16",
                        "--out", str(folder))
    assert answer.returncode == 0, answer.stderr
    yield folder / SPEC.name, run_module("tests.small_network", "parity", *model, "--out", str(folder))
    shutil.rmtree(folder)


def test_the_gate_is_green_in_every_format(dist):
    folder, said = dist
    assert said.returncode == 0 and "gate: green" in said.stdout, said.stdout + said.stderr
    made = manifest.read(folder)
    assert {(a.format, a.encoder, a.precision) for a in made.artifacts if a.passed} == {
        (format_, encoder, precision) for format_ in table.FORMATS for encoder in table.ENCODERS
        for precision in table.FLOAT}


def test_the_manifest_and_the_artefacts_tell_an_app_of_both(dist):
    made = Dist(dist[0]).manifest
    assert made.image == manifest.ImageInput(384, 384, "none", "squash", "bilinear", antialias=True)
    assert made.text == SPEC.text
    assert {tuple(a.inputs[0].shape[1:]) for a in made.artifacts if a.encoder == "text"} == {(32,)}
    for format_ in table.FORMATS:
        found = runners.metadata(format_, dist[0] / Job(format_, "text", "fp32").path)
        assert found["space"] == made.space


def test_a_catalogs_engine_squashes_and_cuts_after_32_tokens(dist):
    model = engines.opened(dist[0])
    picture = next(path for path in inputs.pictures() if len(set(load_rgb8(path).shape[:2])) == 2)
    np.testing.assert_array_equal(model.square(picture), pixels.by_pillow(load_rgb8(picture), SPEC.preprocessing))
    long = model.text(["dress " * 30, "dress " * 90, "dress " * 29])
    assert long.shape == (3, SPEC.dim)
    np.testing.assert_array_equal(long[0], long[1])
    assert np.abs(long[0] - long[2]).max() > 1e-3
    assert re.fullmatch("[0-9a-f]{64}", model.space)
