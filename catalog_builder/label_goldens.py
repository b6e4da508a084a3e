"""Made-up vectors enter; golden probabilities of labels leave: `<goldens>/labels.json` and `labels-sigmoid.json`."""

import random
from pathlib import Path

import numpy as np

from catalog_builder.catalog import zero_shot
from catalog_builder.golden_values import packed, write_ascii

DIM, TEMPLATES = 16, 3
SCALES = (100.0, 14.285714285714286, 1.0, 0.0)


def write(path: Path) -> None:
    """Writes the file."""
    source = random.Random(18)

    def vector(length: float = 1.0) -> np.ndarray:
        return np.array([length * source.gauss(0, 1) for _ in range(DIM)], np.float32)

    image = vector()
    near = {f"label {number}": [image + vector(0.1 + number / 4) for _ in range(TEMPLATES)] for number in range(6)}
    twin = {name: near["label 1"] for name in ("b", "\u9774", "a")}
    write_ascii(path, {"made_by": {"command": "python -m catalog_builder.goldens"}, "cases": [
        *(case(near, image, scale) for scale in SCALES),
        case(near, 250 * image, 100.0),                              # no vector needs unit length
        case({name: [7 * rows[0], *rows[1:]] for name, rows in near.items()}, image, 100.0),
        case({"alone": near["label 5"]}, image, 100.0),
        case({**twin, "last": near["label 2"]}, image, 100.0),       # equals stay in their order
        case({"away": [-image], "here": [image]}, image, 1000.0)]})  # one share is 0


def write_sigmoid(path: Path) -> None:
    """Writes the file of shares by a sigmoid: SigLIP's scale and bias, none, and such that a share is nearly 0 or 1."""
    source = random.Random(19)
    image = np.array([source.gauss(0, 1) for _ in range(DIM)], np.float32)
    labels = {f"label {number}": [image * (3 - number) + np.array(
        [source.gauss(0, 1) for _ in range(DIM)], np.float32) for _ in range(TEMPLATES)] for number in range(6)}
    twins = {"b": labels["label 1"], "a": labels["label 1"], "last": labels["label 4"]}
    write_ascii(path, {"made_by": {"command": "python -m catalog_builder.goldens"}, "cases": [
        case(given, image, scale, bias) for given, scale, bias in (
            (labels, 117.33, -12.93), (labels, 10.0, 0.0), (labels, 5000.0, 0.0), (labels, 1.0, -5000.0),
            (twins, 117.33, -12.93))]})


def case(labels: dict[str, list[np.ndarray]], image: np.ndarray, logit_scale: float,
         logit_bias: float | None = None) -> dict:
    """Labels, a picture, and the probabilities, best first; by a sigmoid where there is a bias."""
    kind = "softmax" if logit_bias is None else "sigmoid"
    shares = zero_shot.probabilities(np.array(list(labels.values())), image, logit_scale, logit_bias, kind)
    best = sorted(zip(labels, shares, strict=True), key=lambda pair: -pair[1])
    return {"labels": [{"name": name, "vectors": [packed(row) for row in rows]} for name, rows in labels.items()],
            "image": packed(image), "logit_scale": logit_scale,
            **({} if logit_bias is None else {"logit_bias": logit_bias}),
            "probabilities": [{"name": name, "probability": round(share, 12)} for name, share in best]}
