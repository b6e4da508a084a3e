"""What the gate runs on: sample pictures, sample texts and the sample shop, as upright RGB8 squares and texts."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export import files
from export.errors import InputError
from export.models import Preprocessing
from export.preprocess import load_rgb8, resize_crop

HERE = Path(__file__).parent
PICTURES, TEXTS = HERE / "samples" / "pictures", HERE / "samples" / "texts.json"
SHOP = HERE.parent / "demo" / "shop"


@dataclass(frozen=True)
class Shop:
    """Products and queries with known answers. Answers and owners are positions in `products`."""

    products: list[str]                      # ids
    pictures: list[Path]                     # of the catalog
    owners: list[int]                        # of each picture, the product
    picture_queries: list[Path]
    picture_answers: list[int]
    text_queries: list[str]
    text_answers: list[int]


def pictures(folder: Path = PICTURES) -> list[Path]:
    """The sample pictures, sorted by name."""
    found = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    if not found:
        raise InputError("no sample pictures", where=folder, remedy="restore the folder")
    return found


def texts(path: Path = TEXTS) -> list[str]:
    """The sample texts."""
    return json.loads(path.read_text(encoding="utf-8"))


def shop(most: int | None, folder: Path = SHOP) -> Shop:
    """The sample shop, or `most` of its products, evenly spread, with one picture and one query of each kind each."""
    products = read_csv(folder / "products.csv")
    queries = read_csv(folder / "queries.csv")
    if most is not None and most < len(products):
        products = [products[i * len(products) // most] for i in range(most)]
    position = {product["id"]: i for i, product in enumerate(products)}
    catalog = [(folder / picture, position[product["id"]]) for product in products
               for picture in product["pictures"].split("|")[:None if most is None else 1]]
    asked = {kind: [(q["query"], position[q["product"]]) for q in queries
                    if q["kind"] == kind and q["product"] in position] for kind in ("picture", "text")}
    if most is not None:
        asked = {kind: list({answer: (query, answer) for query, answer in reversed(found)}.values())
                 for kind, found in asked.items()}
    return Shop([p["id"] for p in products], [p for p, _ in catalog], [owner for _, owner in catalog],
                [folder / q for q, _ in asked["picture"]], [a for _, a in asked["picture"]],
                [q for q, _ in asked["text"]], [a for _, a in asked["text"]])


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def squares(paths: list[Path], preprocessing: Preprocessing) -> np.ndarray:
    """Pictures as the encoders take them: uint8 [N, S, S, 3]."""
    return np.stack([resize_crop(load_rgb8(path), preprocessing) for path in paths])


def digest() -> str:
    """64 hex digits over all samples and the shop."""
    return files.sha256(HERE / "samples") + files.sha256(SHOP)
