"""Stand-in encoders whose text scores lie where a real CLIP model's do, and the shops that they know.

Product i is drawn as a pattern of coloured squares. A picture's vector is what is left of the pattern in it, and a
text's is the pattern of the product that it names, with noise. Both have a constant part, so that a text and a picture
have a cosine of about 0.2, and 0.25 to 0.35 where the text names what the picture shows.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from catalog_builder import engines
from catalog_builder.engines import Engine
from export.common.specs import Licence, Preprocessing
from export.pictures.preprocess import load_rgb8, resize_crop
from export.weights.models import MIT

GRID, SIDE = 6, 96                           # squares of a pattern, pixels of a picture
DIM = 3 * GRID * GRID + 2
PICTURE, TEXT = 0.5, (0.16, 0.4)             # the constant part of a picture; a text's pattern and constant part
NOISE = (0.2, 1.3)                           # of a text, beside its pattern of length 1
CATEGORIES, NO_IMAGE = 4, 999_999            # the pattern of the picture that stands for none


@cache
def pattern(product: int) -> np.ndarray:
    """uint8 [GRID, GRID, 3]."""
    return np.random.default_rng(product).integers(0, 256, (GRID, GRID, 3)).astype(np.uint8)


def contrast(pixels: np.ndarray) -> np.ndarray:
    """float64 [3 GRID^2], unit length, without the mean; zero for a picture of one colour."""
    flat = pixels.astype(np.float64).ravel() - pixels.mean()
    return flat / max(np.linalg.norm(flat), 1e-9)


@dataclass(frozen=True)
class StandIn:
    """In place of engines.Model and of the catalog's engine."""

    space: str = "5a" * 32
    templates: Sequence[str] = ("{}",)
    scripts: Sequence[str] = ("Latin",)
    logit_scale: float = 100.0
    logit_bias: float | None = None
    shares: str = "softmax"
    licence: Licence = MIT
    text_encoder: str = "stand-in"

    @property
    def manifest(self) -> SimpleNamespace:
        return SimpleNamespace(model="stand-in", dim=DIM, shippable=True, licence=self.licence)

    @property
    def preprocessing(self) -> Preprocessing:
        return Preprocessing(SIDE, (0.0,) * 3, (1.0,) * 3, "bilinear")

    def square(self, picture: Path | bytes) -> np.ndarray:
        return resize_crop(load_rgb8(picture), self.preprocessing)

    def image(self, squares: np.ndarray) -> np.ndarray:
        """Squares, uint8 [N, SIDE, SIDE, 3] -> float32 [N, DIM], unit length."""
        part = SIDE // GRID
        seen = squares.reshape(len(squares), GRID, part, GRID, part, 3).mean(axis=(2, 4))
        return np.stack([unit([*(np.sqrt(1 - PICTURE**2) * contrast(one)), PICTURE, 0]) for one in seen])

    def text(self, texts: list[str]) -> np.ndarray:
        """Texts that end with a product's number, or are a category -> float32 [N, DIM], unit length."""
        share, constant = TEXT
        rest = np.sqrt(1 - share**2 - constant**2)
        return np.stack([unit([*(share * self._meant(text)), constant, rest]) for text in texts])

    def _meant(self, text: str) -> np.ndarray:
        if category := re.fullmatch(r"Category (\d+)", text):
            return unit(np.mean([contrast(pattern(i)) for i in range(int(category[1]), 40, CATEGORIES)], axis=0))
        number = int(re.search(r"Product (\d+)", text)[1])
        generator = np.random.default_rng(number)
        noise = generator.uniform(*NOISE) * unit(generator.normal(size=DIM - 2))
        return unit(contrast(pattern(number)) + noise)


def unit(vector: Sequence[float]) -> np.ndarray:
    return (np.asarray(vector) / np.linalg.norm(vector)).astype(np.float32)


def install(monkeypatch, licence: Licence = MIT) -> StandIn:
    """Every build and every search of this test uses the stand-in."""
    model = StandIn(licence=licence)
    monkeypatch.setattr(engines, "opened", lambda folder: model)
    monkeypatch.setattr(engines, "engine", lambda given, name: Engine("stand-in", model.image))
    return model


def row(number: int, **changes: str) -> dict[str, str]:
    """A row of the list."""
    return {"id": f"P{number}", "name": f"Product {number}", "category": f"Category {number % CATEGORIES}",
            "pictures": f"{number}.png"} | changes


def listed(folder: Path, rows: list[dict[str, str]]) -> Path:
    """A product list, and the pictures that its rows name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in {name for one in rows for name in one["pictures"].split("|")}:
        shown = pattern(NO_IMAGE if name == "no-image.png" else int(Path(name).stem))
        Image.fromarray(shown).resize((SIDE, SIDE), Image.Resampling.NEAREST).save(folder / name)
    with (folder / "products.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "products.csv"


def one_row(count: int) -> list[dict[str, str]]:
    """One row a product."""
    return [row(number) for number in range(count)]


def sizes(count: int) -> list[dict[str, str]]:
    """Six rows a product, all with its picture."""
    return [row(number, id=f"P{number}-{size}", name=f"Product {number} - {size}")
            for number in range(count) for size in ("XS", "S", "M", "L", "XL", "XXL")]


def placeholders(count: int, others: int) -> list[dict[str, str]]:
    """One row a product, and others that share one picture."""
    return one_row(count) + [row(count + i, pictures="no-image.png") for i in range(others)]
