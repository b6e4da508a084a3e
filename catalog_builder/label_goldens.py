"""Made-up vectors enter; golden probabilities of labels leave: `<goldens>/labels.json`."""

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


def case(labels: dict[str, list[np.ndarray]], image: np.ndarray, logit_scale: float) -> dict:
    """Labels, a picture, and the probabilities, best first."""
    shares = zero_shot.probabilities(np.array(list(labels.values())), image, logit_scale)
    best = sorted(zip(labels, shares, strict=True), key=lambda pair: -pair[1])
    return {"labels": [{"name": name, "vectors": [packed(row) for row in rows]} for name, rows in labels.items()],
            "image": packed(image), "logit_scale": logit_scale,
            "probabilities": [{"name": name, "probability": round(share, 12)} for name, share in best]}
