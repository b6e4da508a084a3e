"""Zero-shot labels: open_clip's own classifier, and the golden probabilities that the ports read."""

import base64
import json
import os
from pathlib import Path

import numpy as np
import pytest

from catalog_builder import label_goldens
from catalog_builder.catalog import searcher, zero_shot
from parity import goldens
from tests.stand_in import StandIn

FOLDER = Path(os.environ.get("GOLDENS", goldens.OUT))
CASES = json.loads((FOLDER / "labels.json").read_text(encoding="ascii"))["cases"]
TEMPLATES, NAMES, DIM = ("{}", "a photo of a {}.", "a {} {}"), ("red bag", "boot", "\u9774", "lamp"), 24


def vector(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_golden_picture_has_the_golden_probabilities(number):
    case = CASES[number]
    names = [label["name"] for label in case["labels"]]
    prompts = np.array([[vector(row) for row in label["vectors"]] for label in case["labels"]])
    shares = zero_shot.probabilities(prompts, vector(case["image"]), case["logit_scale"])
    best = sorted(zip(names, shares, strict=True), key=lambda pair: -pair[1])
    assert [name for name, _ in best] == [one["name"] for one in case["probabilities"]]
    told = [one["probability"] for one in case["probabilities"]]
    assert [share for _, share in best] == pytest.approx(told, abs=1e-11)
    assert sum(shares) == pytest.approx(1, abs=1e-12)


def test_the_golden_labels_can_be_made_anew(tmp_path):
    label_goldens.write(tmp_path / "labels.json")
    again = json.loads((tmp_path / "labels.json").read_text(encoding="ascii"))["cases"]
    committed = json.loads((goldens.OUT / "labels.json").read_text(encoding="ascii"))["cases"]
    assert [case["labels"] for case in again] == [case["labels"] for case in committed]
    assert [[one["name"] for one in case["probabilities"]] for case in again] == [
        [one["name"] for one in case["probabilities"]] for case in committed]


def test_the_golden_labels_cover_ties_one_label_and_shares_of_nothing():
    shares = [[one["probability"] for one in case["probabilities"]] for case in CASES]
    assert [1.0] in shares and [1.0, 0.0] in shares and any(len(set(one)) < len(one) for one in shares)


@pytest.mark.parametrize("bias", [None, -10.0])
def test_the_shares_of_a_sigmoid_are_siglips_each_by_itself(bias):
    """As open_clip's get_logits, and a sigmoid of each."""
    import torch

    torch.manual_seed(5)
    prompts, image = torch.randn(len(NAMES), 1, DIM), torch.randn(DIM)
    unit = [torch.nn.functional.normalize(rows, dim=-1) for rows in (prompts[:, 0], image)]
    expected = torch.sigmoid(20 * unit[0] @ unit[1] + (bias or 0)).tolist()
    shares = zero_shot.probabilities(prompts.numpy(), image.numpy(), 20.0, bias, "sigmoid")
    assert shares == pytest.approx(expected, abs=1e-6)
    alone = zero_shot.probabilities(prompts.numpy()[:1], image.numpy(), 20.0, bias, "sigmoid")
    assert alone == pytest.approx(shares[:1], abs=1e-15)


@pytest.mark.filterwarnings("error")
def test_a_sigmoid_of_the_largest_scale_does_not_overflow():
    image = np.ones(DIM, np.float32)
    assert zero_shot.probabilities(np.stack([[image], [-image]]), image, 1000.0, -10.0, "sigmoid") == [1.0, 0.0]


@pytest.mark.parametrize(("shares", "bias", "whole"), [("softmax", None, True), ("softmax", -10.0, True),
                                                       ("sigmoid", -10.0, False)])
def test_the_labels_of_a_picture_follow_the_model(shares, bias, whole):
    class Encoder(StandIn):
        def text(self, texts):
            return np.random.default_rng(len(texts)).normal(size=(len(texts), DIM)).astype(np.float32)

        def image(self, squares):
            return np.ones((1, DIM), np.float32)

        def square(self, picture):
            return np.zeros((4, 4, 3), np.uint8)

    found = searcher.labels(Encoder(shares=shares, logit_bias=bias, logit_scale=20.0), b"", NAMES)
    assert (sum(share for _, share in found) == pytest.approx(1)) is whole
    assert [share for _, share in found] == sorted((share for _, share in found), reverse=True)


def test_the_probabilities_are_those_of_open_clips_classifier():
    import torch
    from open_clip import build_zero_shot_classifier

    rows: dict[str, torch.Tensor] = {}
    torch.manual_seed(4)

    class Model:
        """Gives each text a vector of its own, of any length."""

        def encode_text(self, texts, normalize):
            made = torch.stack([rows.setdefault(text, torch.randn(DIM) * len(text)) for text in texts.texts])
            return torch.nn.functional.normalize(made, dim=-1) if normalize else made

    class Texts:
        """What a tokenizer gives: it goes to a device."""

        def __init__(self, texts):
            self.texts = texts

        def to(self, device):
            return self

    weights = build_zero_shot_classifier(Model(), Texts, NAMES, [text.replace("{}", "{0}") for text in TEMPLATES])
    image = torch.randn(DIM)
    expected = (100 * torch.nn.functional.normalize(image, dim=-1) @ weights).softmax(dim=-1)
    prompts = np.array([[rows[text.replace("{}", name)].numpy() for text in TEMPLATES] for name in NAMES])
    assert zero_shot.probabilities(prompts, image.numpy(), 100.0) == pytest.approx(expected.tolist(), abs=1e-4)
