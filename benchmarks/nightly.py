"""A folder enters; a made-up shop's night leaves in it: list, catalog over yesterday's, delta, signed statement.

`python -m benchmarks.nightly yesterday FOLDER` makes the shop and publishes it, `list FOLDER` the next day's list;
`tonight FOLDER` is what is timed: it prints its steps' seconds as JSON. The encoders are stand-ins of 512 numbers, so
the time of encoding new pictures is not in it; all else is what make's catalog, publish and sign do.
"""

import csv
import datetime
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from catalog_builder import engines
from catalog_builder.builder import build
from catalog_builder.builder.build import BuildRequest
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.embed import Thumbnail
from catalog_builder.engines import Engine
from catalog_builder.updates import publish, signing
from catalog_builder.updates.publish import PublishRequest
from export.common.specs import Preprocessing
from export.pictures.preprocess import load_rgb8, resize_crop
from export.weights.models import MIT

PRODUCTS, NEW, REPRICED, DIM = 20_000, 0.01, 0.05, 512
GRID, SIDE, SEED = 8, 96, 20261126           # squares of a picture's side; its pixels
WORDS = ("linen", "cotton", "summer", "dress", "red", "blue", "green", "classic", "slim", "loose", "long", "short")
FIELDS = ("id", "name", "price", "currency", "description", "category", "pictures")


@dataclass(frozen=True)
class StandInModel:
    """Encoders of made-up patterns: a text names the product whose pattern it means."""

    space: str = "5a" * 32
    templates: Sequence[str] = ("{}",)
    scripts: Sequence[str] = ("Latin",)
    logit_scale: float = 100.0
    logit_bias: float | None = None
    shares: str = "softmax"
    text_encoder: str = "stand-in"

    @property
    def manifest(self) -> SimpleNamespace:
        """What a build asks of it."""
        return SimpleNamespace(model="stand-in", dim=DIM, shippable=True, licence=MIT)

    @property
    def preprocessing(self) -> Preprocessing:
        """A square of SIDE pixels."""
        return Preprocessing(SIDE, (0.0,) * 3, (1.0,) * 3, "bilinear")

    def square(self, picture: Path | bytes) -> np.ndarray:
        """uint8 [SIDE, SIDE, 3]."""
        return resize_crop(load_rgb8(picture), self.preprocessing)

    def image(self, squares: np.ndarray) -> np.ndarray:
        """uint8 [N, SIDE, SIDE, 3] -> float32 [N, DIM]."""
        part = SIDE // GRID
        seen = squares.reshape(len(squares), GRID, part, GRID, part, 3).mean(axis=(2, 4))
        return vectors(seen.reshape(len(squares), -1), 0.9)

    def text(self, texts: list[str]) -> np.ndarray:
        """float32 [N, DIM]: of the product whose number the text holds, or of the first."""
        numbers = [int((re.findall(r"\d+", text) or ["0"])[-1]) for text in texts]
        noise = np.random.default_rng(numbers).normal(size=(len(texts), 3 * GRID * GRID)) * 50
        return vectors(np.stack([pattern(number).ravel() for number in numbers]) + noise, 0.3)


ROTATION = np.linalg.qr(np.random.default_rng(SEED).normal(size=(DIM, DIM)))[0]


def vectors(seen: np.ndarray, share: float) -> np.ndarray:
    """Patterns [N, 3 GRID^2] as unit vectors, of which `share` is the pattern and the rest is the same for all."""
    flat = seen - seen.mean(axis=1, keepdims=True)
    flat = share * flat / np.linalg.norm(flat, axis=1, keepdims=True)
    whole = np.zeros((len(seen), DIM))
    whole[:, :flat.shape[1]], whole[:, -1] = flat, np.sqrt(1 - share**2)
    return (whole @ ROTATION).astype(np.float32)


def pattern(number: int) -> np.ndarray:
    """uint8 [GRID, GRID, 3]."""
    return np.random.default_rng((SEED, number)).integers(0, 256, (GRID, GRID, 3)).astype(np.uint8)


def row(number: int, price: int) -> dict[str, str]:
    """A row of the list."""
    chance = random.Random(number)
    return {"id": f"A-{number:06}", "name": " ".join([*chance.choices(WORDS, k=4), str(number)]),
            "price": f"{price / 100:.2f}", "currency": "EUR", "description": " ".join(chance.choices(WORDS, k=20)),
            "category": f"category {number % 40}", "pictures": f"pictures/{number}.png"}


def write_list(path: Path, prices: dict[int, int]) -> None:
    """A list of the products of these numbers, with the pictures that are not there yet."""
    (path.parent / "pictures").mkdir(exist_ok=True)
    for number in prices:
        picture = path.parent / "pictures" / f"{number}.png"
        if not picture.exists():
            Image.fromarray(pattern(number)).resize((SIDE, SIDE), Image.Resampling.NEAREST).save(picture)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(row(number, price) for number, price in prices.items())


def night(folder: Path, base: Path | None, catalog: Path) -> dict[str, float]:
    """Builds, publishes and signs; seconds of each."""
    model = StandInModel()
    vars(engines).update(opened=lambda dist: model, engine=lambda given, name: Engine("stand-in", model.image))
    moments = [time.perf_counter()]
    build.build(BuildRequest(
        products=folder / "products.csv", model=folder, out=catalog, embeddings=folder / "products.embeddings",
        thumbnail=Thumbnail(160, 60), base=base), Builds())
    moments.append(time.perf_counter())
    publish.publish(PublishRequest(catalog, folder / "site", datetime.date.today()), lambda step: None)
    moments.append(time.perf_counter())
    publish.sign(folder / "site", "shop", signing.by_command(f"openssl dgst -sha256 -sign {folder / 'key.pem'}"),
                 signing.public_keys(str(folder / "key.pub")), lambda step: None)
    moments.append(time.perf_counter())
    return {name: round(after - before, 2) for name, before, after in zip(
        ("build", "publish", "sign"), moments, moments[1:], strict=False)}


def main(arguments: list[str]) -> int:
    """Exit status 0."""
    what, folder = arguments[0], Path(arguments[1])
    chance = random.Random(SEED)
    prices = {number: chance.randrange(500, 50_000) for number in range(PRODUCTS)}
    if what == "list":                       # tonight's: some go, as many come, some have other prices
        for number in chance.sample(range(PRODUCTS), round(NEW * PRODUCTS)):
            del prices[number]
        came = range(PRODUCTS, PRODUCTS + round(NEW * PRODUCTS))
        prices |= {number: chance.randrange(500, 50_000) for number in came}
        prices |= {number: chance.randrange(500, 50_000) for number in chance.sample(
            sorted(prices), round(REPRICED * PRODUCTS))}
        write_list(folder / "products.csv", prices)
    elif what == "yesterday":
        write_list(folder / "products.csv", prices)
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                        str(folder / "key.pem")], check=True, capture_output=True)
        text = subprocess.run(["openssl", "pkey", "-in", str(folder / "key.pem"), "-pubout"], check=True, text=True,
                              capture_output=True).stdout
        (folder / "key.pub").write_text("".join(text.splitlines()[1:-1]), encoding="ascii")
        night(folder, None, folder / "yesterday.catalog")
    else:
        print(json.dumps(night(folder, folder / "yesterday.catalog", folder / "today.catalog")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
