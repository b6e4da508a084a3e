"""Products enter; queries with their right answers leave: the user's own, or made up from the products.

Queries calibrate a catalog's confidence, and measure what its quantisation costs.
"""

import csv
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from catalog_builder.lists.products import Product
from export.common.errors import InputError
from export.pictures.preprocess import load_rgb8

MOST = 300                                   # made-up queries of each kind: enough to fit two numbers
SEED = 20261120


@dataclass(frozen=True)
class Asked:
    """Queries of one kind; `answers` are the positions of the products asked for, one or more."""

    queries: list                            # of str; or of Path; or made up, of uint8 [H, W, 3]
    answers: list[frozenset[int]]


@dataclass(frozen=True)
class Queries:
    """Queries of both kinds, and their source: "queries" (labelled) or "names" (made up from the products)."""

    text: Asked
    image: Asked
    source: str


def labelled(path: Path, products: list[Product]) -> Queries:
    """A CSV file: kind (text or picture), query (a text, or a path relative to the file), product (the right one's id).

    Queries for products that the catalog does not hold are left out. Raises InputError for another kind of file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError("queries cannot be read", where=path, expected="CSV in UTF-8",
                         found=getattr(error, "strerror", None) or error) from None
    position = {product.id: i for i, product in enumerate(products)}
    found: dict[str, dict[str, set[int]]] = {"text": {}, "picture": {}}
    for line, row in enumerate(rows, 2):
        if not {"kind", "query", "product"} <= set(row) or row["kind"] not in found or not row["query"]:
            raise InputError("no labelled query", where=f"{path}, line {line}", expected="kind,query,product with a "
                             "kind of text or picture", found=str(row)[:80])
        if row["product"] in position:
            found[row["kind"]].setdefault(row["query"], set()).add(position[row["product"]])
    pictures = {path.parent / query: answers for query, answers in found["picture"].items()}
    if missing := [query for query in pictures if not query.is_file()]:
        raise InputError("no such query picture", where=path, found=missing[0])
    if not found["text"] and not pictures:
        raise InputError("no query is for a product of the list", where=path, expected="ids of the product list")
    return Queries(_asked(found["text"]), _asked(pictures), "queries")


def _asked(found: dict) -> Asked:
    return Asked(list(found), [frozenset(answers) for answers in found.values()])


def made_up(products: list[Product], pictures: Sequence[Hashable] | None = None) -> Queries:
    """Texts: the products' names and categories. Pictures: the products' first pictures, changed as by a phone.

    `pictures`: a key for each product; equal keys are equal pictures (default: the pictures' paths).
    """
    chosen = to_ask_for(products, pictures)
    return Queries(names(products, chosen), photos(products, chosen), "names")


def to_ask_for(products: list[Product], pictures: Sequence[Hashable] | None = None) -> list[int]:
    """Positions of at most MOST products, evenly spread. Of products whose pictures are all the same, only the first.

    1,500 products with one "no image" picture are therefore asked for once: no query can tell them apart, so their
    names would only say that every score is wrong. A shirt in six sizes with one picture is asked for once, too.
    """
    known: dict[Hashable, int] = {}
    for i, key in enumerate([product.pictures for product in products] if pictures is None else pictures):
        known.setdefault(key, i)
    different = list(known.values())
    return [different[i] for i in evenly(len(different))]


def names(products: list[Product], chosen: list[int]) -> Asked:
    """The categories of all products, and the names of those chosen."""
    answers: dict[str, set[int]] = {}
    for i, product in enumerate(products):
        for text in (product.category, product.name):
            answers.setdefault(text, set()).add(i)
    categories = list(dict.fromkeys(product.category for product in products if product.category))
    texts = [categories[i] for i in evenly(len(categories))] + [products[i].name for i in chosen]
    return _asked({text: answers[text] for text in texts})


def photos(products: list[Product], chosen: list[int]) -> Asked:
    """The first pictures of those chosen, changed as by a phone."""
    rng = np.random.default_rng(SEED)
    pictures = [changed(load_rgb8(products[i].pictures[0]), rng) for i in chosen]
    return Asked(pictures, [frozenset([i]) for i in chosen])


def evenly(count: int) -> list[int]:
    """At most MOST positions of `count`, evenly spread."""
    return list(range(count)) if count <= MOST else [i * count // MOST for i in range(MOST)]


def changed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture turned by up to 8 degrees, cut to 75 to 95 % of its sides, with other light: uint8 [h, w, 3]."""
    picture = Image.fromarray(rgb)
    picture = picture.rotate(rng.uniform(-8, 8), Image.Resampling.BILINEAR, fillcolor=tuple(map(int, rgb[0, 0])))
    share = rng.uniform(0.75, 0.95)
    width, height = (max(1, round(side * share)) for side in picture.size)
    left, top = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(picture.size, (width, height),
                                                                               strict=True))
    picture = picture.crop((left, top, left + width, top + height))
    picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(0.75, 1.25))
    return np.array(ImageEnhance.Color(picture).enhance(rng.uniform(0.8, 1.2)))
