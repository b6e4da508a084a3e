"""The exported encoders say what the model itself says."""

import numpy as np
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer

from export.common.errors import InputError
from export.common.specs import CLIP_TEXT, Preprocessing
from export.weights import checkpoint, encoders, lookup, models

SPEC = lookup.find("demo")


@pytest.fixture(scope="module")
def model():
    return checkpoint.load(SPEC, checkpoint.locate(SPEC))


@pytest.fixture(scope="module")
def parts(model):
    return encoders.split(checkpoint.reparameterise(model), SPEC)


def pixels(count=3):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, 3, 64, 64)).astype(np.float32))


def test_image_encoder_takes_plain_pixels(model, parts):
    expected = model.encode_image(pixels() / 255, normalize=True)
    assert (parts["image"](pixels()) - expected).abs().max() < 2e-6


def test_mean_and_standard_deviation_are_inside(model):
    centred = Preprocessing(64, models.CLIP_MEAN, models.CLIP_STD, "bilinear")
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (centred.mean, centred.std))
    expected = model.encode_image((pixels() / 255 - mean) / std, normalize=True)
    assert (encoders.ImageEncoder(model.visual, centred)(pixels()) - expected).abs().max() < 2e-6


@pytest.mark.parametrize("text", ["", "red shoes", "word " * 200, "one <end_of_text> two", "家具 🪑"])
def test_text_encoder_finds_the_first_end_token(model, parts, text):
    ids = SimpleTokenizer()([text])
    expected = model.encode_text(ids, normalize=True)
    assert (parts["text"](ids.int()) - expected).abs().max() < 2e-6


def test_without_an_end_token_there_is_no_embedding(parts):
    ids = SimpleTokenizer()(["red shoes"]).int()
    whole = parts["text"](ids)
    ids[ids == CLIP_TEXT.end_token] = 0
    assert torch.isfinite(whole).all() and torch.isnan(parts["text"](ids)).all()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 3e4])
def test_unit_length_holds_where_float16_squares_would_overflow_or_vanish(scale):
    x = (torch.linspace(-1, 1, 512)[None] * scale).half()
    assert abs(float(encoders.unit_length(x).float().norm()) - 1) < 2e-3


def test_the_mask_stays_finite_in_float16():
    import open_clip

    causal = open_clip.transformer.TextTransformer(width=64, heads=1, layers=1, output_dim=32)
    encoder = encoders.TextEncoder(causal.eval(), CLIP_TEXT)
    assert torch.isfinite(encoder.mask.half()).all()
    ids = SimpleTokenizer()(["a causal text", "b"])
    expected = torch.nn.functional.normalize(causal(ids), dim=-1)
    assert (encoder(ids.int()) - expected).abs().max() < 2e-6


def test_a_text_tower_with_another_pooling_is_refused():
    import open_clip

    other = open_clip.transformer.TextTransformer(width=64, heads=1, layers=1, output_dim=32, pool_type="last")
    with pytest.raises(InputError, match="pooling by 'last'"):
        encoders.TextEncoder(other, CLIP_TEXT)
