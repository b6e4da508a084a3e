"""A product list and dist/<model>/ enter; one .catalog file, its problems, figures and report leave.

Interrupted at any moment it loses a second's work, and goes on at the next run; the file is the same byte for byte.
"""

import contextlib
import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from catalog_builder import engines
from catalog_builder.builder import calibrate, catalog_page, duplicates, embed, recall
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.calibrate import Fitted
from catalog_builder.builder.embed import Thumbnail
from catalog_builder.builder.recall import Recall
from catalog_builder.builder.store import Store, StoredVectors
from catalog_builder.builder.writer import Content, write
from catalog_builder.catalog import reader
from catalog_builder.catalog.calibration import Calibration
from catalog_builder.catalog.reader import Catalog
from catalog_builder.engines import Model
from catalog_builder.lists import products, queries
from catalog_builder.lists.products import Listing, Problem, Product
from catalog_builder.lists.queries import Queries
from export.artifacts import manifest
from export.common import files
from export.common.errors import InputError
from export.pictures.preprocess import resize_crop

SUFFIX = ".catalog"
MOST_SCORES = 20_000_000                     # queries x products held at once: 160 MB
MOST_PAIRED = 20_000                         # rows that the report compares with each other


class GateRed(Exception):
    """Quantisation costs more than a shop may ship."""


@dataclass(frozen=True)
class BuildRequest:
    """What the user asks for."""

    products: Path
    model: Path                              # dist/<model>/
    out: Path
    queries: Path | None = None
    strict: bool = False                     # refuse a list with problems
    force: bool = False                      # write a catalog below its gate
    engine: str = "auto"
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True)
class Built:
    """What came of it; the figures are in <name>.json, too."""

    out: Path
    products: int
    rows: int
    bytes: int
    problems: list[Problem]
    computed: int                            # pictures that were not known from an earlier run
    recalls: list[Recall]
    fitted: list[Fitted]
    pairs: list[duplicates.Duplicate] | None
    note: str


def build(request: BuildRequest, progress: Builds) -> Built:
    """Raises InputError for what cannot be built, GateRed for what may not be shipped."""
    progress.step("read the product list")
    if request.out.suffix != SUFFIX or request.out.is_dir():         # the page and the figures stand beside it
        raise InputError("no name for a catalog", expected=f"a file that ends in {SUFFIX}", found=request.out)
    listing = products.read(request.products)
    manifest.created()                       # a bad date and bad queries are told now, not after the work
    if request.queries:
        queries.labelled(request.queries, listing.products)
    model = engines.opened(request.model)
    engine = engines.engine(model, request.engine)
    store = Store(request.out.with_suffix(".embeddings"), engine.identity,
                  request.thumbnail.kind if request.thumbnail else "")
    try:
        with contextlib.closing(store):
            return _build(request, progress, listing, model, engine, store)
    except sqlite3.Error as error:
        raise store.unusable(error) from error


def _build(request: BuildRequest, progress: Builds, listing: Listing, model: Model, engine: engines.Engine,
           store: Store) -> Built:
    root = request.products.parent.resolve()
    paths = list(dict.fromkeys(path for product in listing.products for path in product.pictures))
    with progress.bar("embed the pictures", len(paths)) as advance:
        digests = embed.run(paths, root, engine, model.preprocessing, request.thumbnail, store, advance)
        computed = advance.computed
    kept, faults = without_faults(listing.products, {p: store.fault(digest) for p, digest in digests.items()})
    problems = sorted(listing.problems + faults, key=lambda problem: problem.line)
    products.write_problems(request.out.with_suffix(".problems.csv"), problems)
    if request.strict and any(problem.skipped for problem in problems):
        raise InputError(f"the list has {len(problems)} problems", where=request.products,
                         remedy=f"see {request.out.with_suffix('.problems.csv')}, or build without --strict")
    if not kept:
        raise InputError("no product is left", where=request.products,
                         remedy=f"see {request.out.with_suffix('.problems.csv')}")
    pictures = [digests[path] for product in kept for path in product.pictures]
    vectors = StoredVectors(store, pictures, model.manifest.dim)
    owners = np.repeat(np.arange(len(kept)), [len(product.pictures) for product in kept]).astype(np.uint32)
    thumbnails = [store.thumbnail(digests[product.pictures[0]]) or b"" for product in kept]

    progress.step("ask the queries")
    asked = queries.labelled(request.queries, kept) if request.queries else queries.made_up(kept)
    asked = at_most(asked, MOST_SCORES // len(kept))
    found = embedded(model, engine, asked)
    fitted = [calibrate.fitted(kind, recall.exact(vectors, owners, found[kind]), getattr(asked, kind))
              for kind in ("text", "image")]
    names = list(dict.fromkeys(product.category for product in kept))
    content = Content(
        model.space, model.manifest.model, listing.currency, names,
        Calibration(*(one.curve for one in fitted), asked.source), [products.json_record(product) for product in kept],
        np.array([reader.NO_PRICE if product.price is None else product.price for product in kept], np.int64),
        np.array([names.index(product.category) for product in kept], np.uint32), owners,
        thumbnails if request.thumbnail else None, manifest.created())

    recalls: list[Recall] = []

    def check(made: Catalog) -> None:
        progress.step("measure what quantisation costs")
        recalls.extend(recall.measure(kind, made, vectors, some) for kind, some in found.items() if len(some))
        low = [one for one in recalls if not one.passed]
        if low and not request.force:
            raise GateRed("; ".join(one.words for one in low))

    progress.step("quantise and write")
    write(request.out, content, vectors, check)
    made = reader.open_catalog(request.out)
    progress.step("look for near-duplicates, and draw the report")
    pairs = duplicates.find(made) if made.rows <= MOST_PAIRED else None
    built = Built(request.out, made.products, made.rows, request.out.stat().st_size, problems, computed, recalls,
                  fitted, pairs, engine.note)
    catalog_page.write(request.out.with_suffix(".html"), built, made, model, asked, found)
    files.write_json(request.out.with_suffix(".json"), figures(built, made, engine))
    return built


def without_faults(listed: list[Product], faults: dict[Path, str | None]) -> tuple[list[Product], list[Problem]]:
    """The products with their sound pictures, and a problem for each other picture, and each product that has none."""
    kept, problems = [], []
    for product in listed:
        sound = tuple(path for path in product.pictures if faults[path] is None)
        problems += [Problem(product.line, product.id, "pictures", f"{path.name}: {faults[path]}", "picture")
                     for path in product.pictures if faults[path] is not None]
        if sound:
            kept.append(replace(product, pictures=sound))
        else:
            problems.append(Problem(product.line, product.id, "pictures", "no picture is left", "product"))
    return kept, problems


def at_most(asked: Queries, count: int) -> Queries:
    """The first `count` queries of each kind, evenly spread."""
    def some(one: queries.Asked) -> queries.Asked:
        total, wanted = len(one.queries), max(1, count)
        chosen = range(total) if total <= wanted else [i * total // wanted for i in range(wanted)]
        return queries.Asked([one.queries[i] for i in chosen], [one.answers[i] for i in chosen])

    return Queries(some(asked.text), some(asked.image), asked.source)


def embedded(model: Model, engine: engines.Engine, asked: Queries) -> dict[str, np.ndarray]:
    """The queries of each kind: float32 [Q, dim]."""
    none = np.empty((0, model.manifest.dim), np.float32)
    squares = [model.square(picture) if isinstance(picture, Path) else resize_crop(picture, model.preprocessing)
               for picture in asked.image.queries]
    return {"text": model.text(asked.text.queries) if asked.text.queries else none,
            "image": embed.encoded(engine, squares) if squares else none}


def figures(built: Built, made: Catalog, engine: engines.Engine) -> dict:
    """For machines."""
    lost = Counter(problem.skipped or "nothing" for problem in built.problems)
    return {"version": 1, "model": made.model, "space": made.space, "products": built.products, "rows": built.rows,
            "bytes": built.bytes, "problems": len(built.problems), "skipped": lost, "engine": engine.identity,
            "note": engine.note, "calibration_from": made.calibration.source,
            "recall": [asdict(one) | {"passed": one.passed} for one in built.recalls],
            "calibration": [asdict(one) for one in built.fitted],
            "near_duplicates": None if built.pairs is None else [
                {"first": made.record(p.first)["id"], "second": made.record(p.second)["id"], "score": p.score}
                for p in built.pairs]}
