"""Pictures and texts enter; shelves to rank leave: the samples, the sample shop, and the user's own."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from export.common import files
from export.common.errors import InputError
from export.common.files import ROOT
from export.common.specs import Preprocessing, TextSpec
from export.pictures.preprocess import load_rgb8, resize_crop
from parity.gate.shelf import Shelf

SAMPLES = ROOT / "parity" / "samples"
PICTURES, TEXTS = SAMPLES / "pictures", SAMPLES / "texts.json"
SHOP = ROOT / "demo" / "shop"
IN_LANGUAGES = ROOT / "demo" / "world" / "queries.csv"
ENGLISH = "en"                               # of the shop's own queries
EACH = 4                                     # of so many products one is asked for in the other languages


def samples() -> Shelf:
    """The sample pictures and texts. Each picture is a product, and a query for the other pictures."""
    return _own("samples", pictures(PICTURES), texts(TEXTS))


def given(folder: Path, list_: Path) -> Shelf:
    """A folder of pictures and a file of texts, ranked as the samples are."""
    paths = pictures(folder)
    if len(paths) < 2:
        raise InputError("too few pictures to rank", where=folder, expected="2 or more", found=len(paths))
    return _own("given", paths, texts(list_))


def _own(name: str, paths: list[Path], asked: list[str]) -> Shelf:
    named, unknown = [_name(p) for p in paths], np.full(max(len(paths), len(asked)), -1)
    return Shelf(name, named, np.arange(len(named)), named, asked, unknown[:len(named)], unknown[:len(asked)], own=True)


def _name(path: Path) -> str:
    """The path, relative to the repository's root if inside it, so that reports are the same on every machine."""
    path = path.resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def pictures(folder: Path = PICTURES) -> list[Path]:
    """The files of a folder, sorted by name. Raises InputError if there are none."""
    try:
        paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    except OSError as error:
        raise InputError("no folder of pictures", where=folder, found=error.strerror) from error
    if not paths:
        raise InputError("no pictures", where=folder, expected="a picture or more", found="none")
    return paths


def texts(path: Path = TEXTS) -> list[str]:
    """A JSON list of texts, or the lines of a text file that are not empty. Raises InputError if there are none."""
    try:
        content = path.read_text(encoding="utf-8-sig")
        found = json.loads(content) if path.suffix == ".json" else [line for line in content.splitlines() if line]
    except (OSError, ValueError) as error:
        raise InputError("texts cannot be read", where=path, expected="a JSON list, or one text a line, in UTF-8",
                         found=getattr(error, "strerror", None) or error) from error
    if not isinstance(found, list) or not found or not all(isinstance(text, str) for text in found):
        raise InputError("no list of texts", where=path, expected='["a text", …], or one text a line', found="other")
    return found


def covered(shelf: Shelf, covers: Callable[[list[str]], list[bool]]) -> Shelf:
    """The shelf with those of its texts alone that the kept scripts cover. Raises InputError if there is none."""
    kept = np.flatnonzero(covers(shelf.text_queries))
    if not len(kept):
        raise InputError("no text in the scripts that the export kept", where=shelf.name,
                         remedy="other texts, or an export with their script in SCRIPTS=")
    return replace(shelf, text_queries=[shelf.text_queries[place] for place in kept],
                   text_answers=shelf.text_answers[kept],
                   languages=[shelf.languages[place] for place in kept] if shelf.languages else [])


def languages(text: TextSpec) -> list[str]:
    """The languages that a model learned, by its templates; none where these do not tell."""
    return sorted(text.templates) if isinstance(text.templates, Mapping) else []


def shop(most: int | None, folder: Path = SHOP, asked_in: Sequence[str] = ()) -> Shelf:
    """The sample shop. `most`: so many products, evenly spread, each with one picture and one query of each kind.

    asked_in: languages of text queries, beside English; then each text query has its language.
    """
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
    spoken = [(ENGLISH, query, answer) for query, answer in asked["text"]]
    spoken += [(row["language"], row["query"], place) for row in (read_csv(IN_LANGUAGES) if asked_in else [])
               if row["language"] in asked_in and (place := position.get(row["product"])) is not None
               and (most is not None or place % EACH == 0)]
    return Shelf("shop", [_name(p) for p, _ in catalog], np.array([owner for _, owner in catalog]),
                 [_name(folder / q) for q, _ in asked["picture"]], [query for _, query, _ in spoken],
                 np.array([a for _, a in asked["picture"]]), np.array([answer for *_, answer in spoken]),
                 languages=[language for language, *_ in spoken] if asked_in else [])


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def squares(paths: Sequence[str | Path], preprocessing: Preprocessing) -> np.ndarray:
    """Pictures as the encoders take them: uint8 [N, S, S, 3]."""
    return np.stack([resize_crop(load_rgb8(ROOT / path), preprocessing, str(path)) for path in paths])


def digest(given_: Shelf | None = None) -> str:
    """Digests of all samples and of the shop, then those of the given pictures, and the given texts."""
    own = [] if given_ is None else [*(files.sha256(ROOT / p) for p in given_.pictures), *given_.text_queries]
    return files.sha256(SAMPLES) + files.sha256(SHOP) + files.sha256(IN_LANGUAGES) + json.dumps(own)
