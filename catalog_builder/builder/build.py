"""A product list and dist/<model>/ enter; one .catalog file, its problems, figures and report leave.

A build may be interrupted at any moment. It then loses a second's work, and the next run continues; the file is the
same, byte for byte.
"""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from catalog_builder import engines
from catalog_builder.builder import (
    answers,
    calibrate,
    catalog_page,
    duplicates,
    embed,
    measured_on,
    quantize,
    recall,
    writer,
)
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.built import Built, EmbeddedProducts, EmbeddedQueries
from catalog_builder.builder.calibrate import Fitted
from catalog_builder.builder.duplicates import SharedPicture
from catalog_builder.builder.embed import Embedder, Thumbnail
from catalog_builder.builder.recall import FirstPassRecall, Recall
from catalog_builder.builder.store import EMBEDDINGS, Store, StoredVectors
from catalog_builder.builder.writer import Content
from catalog_builder.catalog import calibration, reader
from catalog_builder.catalog.calibration import Calibration
from catalog_builder.catalog.reader import Catalog
from catalog_builder.engines import Engine, Model
from catalog_builder.lists import inspection, listing, problems, products, queries
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.listing import Listing
from catalog_builder.lists.problems import NOTICE, PICTURE, PRODUCT, Problem
from catalog_builder.lists.products import Product
from catalog_builder.lists.queries import Asked, Queries
from catalog_builder.updates.previous import Previous, previous
from export.artifacts import manifest
from export.common import files
from export.common.command import GateRed
from export.common.errors import InputError
from export.pictures.preprocess import resize_crop

SUFFIX = ".catalog"
KINDS = ("text", "image")                    # of queries
LEAST_QUERIES = 100                          # of each kind, where there are so many: then one missed result is no fault
FIRST_PASS = 100_000                         # rows; with fewer, the exact search is fast enough
MOST_PAIRED = 20_000                         # different pictures that the report compares with each other
MOST_NOTICES = 20                            # shared pictures that are reported one by one
MOST_PAIRS, MOST_GROUPS, MOST_IDS = 1_000, 200, 20       # in <name>.json; the counts beside them are true
BELOW = ".red"                               # in the names of page and figures of a catalog below its gate


@dataclass(frozen=True)
class BuildRequest:
    """What the user asks for."""

    products: Path
    model: Path                              # dist/<model>/
    out: Path
    queries: Path | None = None
    options: ListOptions = field(default_factory=ListOptions)
    strict: bool = False                     # refuse a list with problems
    allow_loss: float = 0.0                  # share of the products that may be lost; a little may be in any case
    force: bool = False                      # write a catalog below its gate
    engine: str = "auto"
    thumbnail: Thumbnail | None = None
    embeddings: Path | None = None           # what was computed so far; None: beside the catalog
    base: Path | None = None                 # the catalog that this one follows
    first_pass: bool = False                 # give a small catalog a first pass, too


@dataclass(frozen=True)
class BuildTask:
    """A running build: what was asked for, and what its steps work with."""

    request: BuildRequest
    progress: Builds
    listing: Listing
    model: Model
    engine: Engine
    store: Store
    base: Previous | None = None


@dataclass(frozen=True)
class Measured:
    """What the file costs, by kind of query, and what its first pass misses, if one was tried."""

    recalls: list[Recall]
    first_pass: FirstPassRecall | None = None


def build(request: BuildRequest, progress: Builds) -> Built:
    """Builds a catalog. Raises InputError if it cannot be built, GateRed if it may not be shipped."""
    with begun(request, progress) as task:
        shelf = embed_products(task)
        asked = calibrate_queries(task, shelf)
        measured = write_and_measure(task, shelf, asked)
        built = draw(task, shelf, asked, measured, reader.open_catalog(request.out))
        for end in (".html", ".json"):
            files.remove(request.out.with_suffix(BELOW + end))
        return built


@contextlib.contextmanager
def begun(request: BuildRequest, progress: Builds) -> Iterator[BuildTask]:
    """The list, the model and what was computed before. Raises InputError if one of them cannot be used."""
    progress.step("read the product list")
    read = checked(request, progress)
    model = engines.opened(request.model)
    base = previous(request.base, model.space) if request.base else None
    engine = engines.engine(model, request.engine)
    store = Store(request.embeddings or request.out.with_suffix(EMBEDDINGS), engine.identity,
                  request.thumbnail.kind if request.thumbnail else "")
    try:
        with contextlib.closing(store):
            yield BuildTask(request=request, progress=progress, listing=read, model=model, engine=engine,
                            store=store, base=base)
    except sqlite3.Error as error:
        raise store.unusable(error) from error


def checked(request: BuildRequest, progress: Builds) -> Listing:
    """The product list. Raises InputError for all that can be refused before the pictures are embedded."""
    if request.out.suffix != SUFFIX or request.out.is_dir():         # the page and the figures stand beside it
        raise InputError("no name for a catalog", expected=f"a file that ends in {SUFFIX}", found=request.out)
    read = listing.read(request.products, request.options)
    progress.facts(inspection.facts(read) + inspection.examples(read) + inspection.troubles(read.problems))
    manifest.created()                       # raises InputError for a bad date
    refuse_loss(replace(request, strict=False), read.products, read.problems)        # strict: with the pictures' faults
    if request.queries:
        queries.labelled(request.queries, read.products)
    return read


def refuse_loss(request: BuildRequest, kept: list[Product], found: list[Problem]) -> None:
    """Writes the problems; raises InputError if too many products were lost, or under `strict` if anything was."""
    report = request.out.with_suffix(".problems.csv")
    problems.write_problems(report, found)
    skipped = sum(bool(problem.skipped) for problem in found)
    if request.strict and skipped:
        raise InputError(f"the list has {skipped:,} problems", where=request.products,
                         remedy=f"see {report}, or build without --strict")
    if refusal := inspection.refusal(len(kept), found, request.allow_loss):
        raise InputError(f"{refusal}; all are in {report}" if found else str(refusal), where=request.products)


def embed_products(task: BuildTask) -> EmbeddedProducts:
    """Step 1: vectors and thumbnails of all pictures, and every problem by line.

    Raises InputError where no product is left, and under `strict` for a list with problems.
    """
    digests, computed = embed_pictures(task)
    listed = task.base.in_order(task.listing.products) if task.base else task.listing.products
    kept, faults = without_faults(listed, {p: task.store.fault(digests[p]) for p in digests})
    owners = np.repeat(np.arange(len(kept), dtype=np.uint32), [len(product.pictures) for product in kept])
    rows = [digests[path] for product in kept for path in product.pictures]
    shared = duplicates.shared(rows, owners)
    notices = shared_notices(shared, [path for product in kept for path in product.pictures])
    found = sorted(notices + task.listing.problems + faults, key=lambda problem: (problem.line, problem.row))
    refuse_loss(task.request, kept, found)
    return EmbeddedProducts(
        products=kept, owners=owners, pictures=rows, shared=shared,
        vectors=StoredVectors(task.store, rows, task.model.manifest.dim),
        thumbnails=[task.store.thumbnail(digests[product.pictures[0]]) or b"" for product in kept]
        if task.request.thumbnail else None,
        problems=found, computed=computed,
        measured_on=measured_on.digest(task.listing.products, digests, task.request.queries, task.model, task.engine,
                                       parent=task.base.digest if task.base else ""))


def shared_notices(shared: list[SharedPicture], paths: list[Path]) -> list[Problem]:
    """What the list's owner should know of the pictures that several products share. `paths`: of the rows."""
    notices = [f"{len(one.products):,} products share {paths[one.row].name}: no search can tell them apart"
               for one in shared[:MOST_NOTICES]]
    if len(shared) > MOST_NOTICES:
        notices.append(f"more pictures that several products share: {len(shared) - MOST_NOTICES:,}")
    return [Problem(0, "", "pictures", notice, NOTICE) for notice in notices]


def embed_pictures(task: BuildTask) -> tuple[dict[Path, str], int]:
    """The digest of each picture, which the store then knows, and the number of pictures that were computed."""
    paths = list(dict.fromkeys(path for product in task.listing.products for path in product.pictures))
    embedder = Embedder(task.engine, task.model.preprocessing, task.request.thumbnail)
    with task.progress.bar("embed the pictures", len(paths)) as advance:
        digests = embed.run(paths, task.request.products.parent.resolve(), embedder, task.store, advance)
    return digests, advance.computed


def calibrate_queries(task: BuildTask, shelf: EmbeddedProducts) -> EmbeddedQueries:
    """Step 2: the labelled queries, or made-up ones, and the curves that turn their scores into per cent."""
    task.progress.step("ask the queries")
    asked = (queries.labelled(task.request.queries, shelf.products) if task.request.queries
             else queries.made_up(shelf.products, picture_keys(shelf)))
    asked = at_most(asked, max(LEAST_QUERIES, recall.MOST_SCORES // len(shelf.products)))
    vectors = {kind: embedded(task.model, task.engine, kind, getattr(asked, kind)) for kind in KINDS}
    right = {kind: answers.right(getattr(asked, kind), shelf.owners, shelf.pictures, shelf.vectors) for kind in KINDS}
    asked_for = {kind: answers.asked_for(getattr(asked, kind), shelf.owners, shelf.pictures) for kind in KINDS}
    fitted = [calibrate.fitted(kind, recall.exact_parts(shelf.vectors, shelf.owners, vectors[kind]), right[kind])
              for kind in KINDS]
    if task.request.queries:
        fitted = [one if one.curve.measured else with_made_up_spread(task, shelf, one) for one in fitted]
    return EmbeddedQueries(asked, right, asked_for, vectors, fitted)


def picture_keys(shelf: EmbeddedProducts) -> list[frozenset[str]]:
    """The digests of each product's pictures."""
    rows = iter(shelf.pictures)
    return [frozenset(next(rows) for _ in product.pictures) for product in shelf.products]


def with_made_up_spread(task: BuildTask, shelf: EmbeddedProducts, fitted: Fitted) -> Fitted:
    """A kind that the labelled queries did not measure, with the spread of made-up ones: the slider needs both."""
    make = {"text": queries.names, "image": queries.photos}[fitted.kind]
    made = make(shelf.products, queries.to_ask_for(shelf.products, picture_keys(shelf)))
    made = some_of(made, recall.MOST_SCORES // len(shelf.products))
    scores = recall.exact(shelf.vectors, shelf.owners, embedded(task.model, task.engine, fitted.kind, made))
    return replace(fitted, curve=calibration.guess(calibrate.spread(scores)))


def write_and_measure(task: BuildTask, shelf: EmbeddedProducts, asked: EmbeddedQueries) -> Measured:
    """Step 3: the file, which gets its name only after it was measured.

    Raises GateRed if quantisation, or a first pass that was asked for, costs more than the gate allows, unless `force`
    was asked for. Page and figures are then written under names of their own, so that those of an older catalog stay
    with it. A first pass that was not asked for and costs too much is left out.
    """
    made = with_axes(task, shelf, content(task, shelf, asked))
    measured = write_measured(task, shelf, asked, made)
    if measured.first_pass is None or measured.first_pass.passed or task.request.first_pass:
        return measured
    return replace(measured, recalls=write_measured(task, shelf, asked, replace(made, axes=None)).recalls)


def write_measured(task: BuildTask, shelf: EmbeddedProducts, asked: EmbeddedQueries, made: Content) -> Measured:
    """Writes the file, and measures it before it has its name. Raises GateRed as `write_and_measure` does."""
    task.progress.step("quantise and write")
    with writer.unnamed(task.request.out, made, shelf.vectors) as catalog:
        task.progress.step("measure what quantisation costs")
        measured = Measured([recall.measure(kind, catalog, shelf.vectors, asked.vectors[kind], asked.asked_for[kind])
                             for kind in KINDS if len(asked.vectors[kind])])
        low = [one.words for one in measured.recalls if not one.passed]
        if catalog.first_pass is not None:
            task.progress.step("measure what the first pass misses")
            first = recall.first_pass(catalog, asked.vectors)
            writer.state_first_pass(catalog, first.of, first.shares)
            measured = replace(measured, first_pass=first)
            low += [first.words] if task.request.first_pass and not first.passed else []
        if low and not task.request.force:
            page = draw(task, shelf, asked, measured, catalog).page
            raise GateRed(f"{'; '.join(low)}; the catalog was not written; its page is {page}; remedy: --force writes "
                          "it all the same")
    return measured


def with_axes(task: BuildTask, shelf: EmbeddedProducts, made: Content) -> Content:
    """With the axes of a first pass, where the catalog before has them, the catalog is large, or it was asked for."""
    before = task.base.catalog.first_pass if task.base else None
    if before is not None:
        return replace(made, axes=before.axes)
    if not task.request.first_pass and len(shelf.owners) < FIRST_PASS:
        return made
    task.progress.step("find the axes of the first pass")
    offset = quantize.mean(shelf.vectors) if made.offset is None else made.offset
    return replace(made, axes=quantize.first_axes(shelf.vectors, offset), offset=offset)


def content(task: BuildTask, shelf: EmbeddedProducts, asked: EmbeddedQueries) -> Content:
    """All that the file holds, except the vectors."""
    used = [product.category for product in shelf.products]
    names = task.base.category_names(used) if task.base else list(dict.fromkeys(used))
    places = {name: place for place, name in enumerate(names)}
    text, image = (one.curve for one in asked.fitted)
    return Content(
        space=task.model.space, model=task.model.manifest.model, currency=task.listing.currency, category_names=names,
        calibration=Calibration(text, image, asked.queries.source if text.measured or image.measured else "none"),
        records=[products.json_record(product) for product in shelf.products],
        prices=np.array([reader.NO_PRICE if p.price is None else p.price for p in shelf.products], np.int64),
        categories=np.array([places[name] for name in used], np.uint32),
        owners=shelf.owners, thumbnails=shelf.thumbnails, ids=[product.id for product in shelf.products],
        created=manifest.created(), offset=task.base.offset if task.base else None,
        parent=task.base.digest if task.base else None, indexed=task.listing.recognition.indexed)


def draw(task: BuildTask, shelf: EmbeddedProducts, asked: EmbeddedQueries, measured: Measured,
         catalog: Catalog) -> Built:
    """Step 4: near-duplicates, the page for people, and the figures for machines. `catalog`: named, or not yet."""
    task.progress.step("look for near-duplicates, and draw the report")
    out = task.request.out
    written = catalog.path == out
    few = len(set(shelf.pictures)) <= MOST_PAIRED
    built = Built(
        out=out, page=out.with_suffix(".html" if written else f"{BELOW}.html"), written=written,
        products=catalog.products, rows=catalog.rows, bytes=catalog.path.stat().st_size,
        facts=inspection.facts(task.listing), problems=shelf.problems,
        computed=shelf.computed, recalls=measured.recalls, first_pass=measured.first_pass, fitted=asked.fitted,
        shared=shelf.shared,
        pairs=duplicates.find(catalog, most=MOST_PAIRS) if few else None, note=task.engine.note,
        measured_on=shelf.measured_on)
    catalog_page.write(built, catalog, task.model, asked)
    files.write_json(built.page.with_suffix(".json"), figures(built, catalog, task.engine))
    return built


def without_faults(listed: list[Product], faults: dict[Path, str | None]) -> tuple[list[Product], list[Problem]]:
    """The products with their sound pictures, and a problem for each other picture and each product without any."""
    kept, found = [], []
    for product in listed:
        sound = tuple(path for path in product.pictures if faults[path] is None)
        found += [Problem(product.line, product.id, "pictures", f"{faults[path]}; in {path.name}", PICTURE,
                          row=product.row) for path in product.pictures if faults[path] is not None]
        if sound:
            kept.append(replace(product, pictures=sound))
        else:
            found.append(Problem(product.line, product.id, "pictures", "no picture is left", PRODUCT,
                                 row=product.row))
    return kept, found


def at_most(asked: Queries, count: int) -> Queries:
    """At most `count` queries of each kind, evenly spread."""
    return Queries(some_of(asked.text, count), some_of(asked.image, count), asked.source)


def some_of(asked: Asked, count: int) -> Asked:
    """At most `count` queries, but one at least, evenly spread."""
    total, wanted = len(asked.queries), max(1, count)
    chosen = range(total) if total <= wanted else [i * total // wanted for i in range(wanted)]
    return Asked([asked.queries[i] for i in chosen], [asked.answers[i] for i in chosen])


def embedded(model: Model, engine: Engine, kind: str, asked: Asked) -> np.ndarray:
    """The queries of one kind: float32 [Q, dim]."""
    if not asked.queries:
        return np.empty((0, model.manifest.dim), np.float32)
    if kind == "text":
        return model.text(asked.queries)
    return embed.encoded(engine, [model.square(picture) if isinstance(picture, Path)
                                  else resize_crop(picture, model.preprocessing) for picture in asked.queries])


def figures(built: Built, made: Catalog, engine: Engine) -> dict:
    """What <name>.json holds, for machines."""
    lost = Counter(problem.skipped or "nothing" for problem in built.problems)
    ids = {product: made.record(product)["id"] for product in named(built)}
    return {"version": 1, "model": made.model, "space": made.space, "products": built.products, "rows": built.rows,
            "bytes": built.bytes, "written": built.written, "problems": len(built.problems), "skipped": lost,
            "measured_on": built.measured_on, "engine": engine.identity, "note": engine.note,
            "calibration_from": made.calibration.source,
            "recall": [asdict(recalled) | {"passed": recalled.passed, "verdict": recalled.verdict}
                       for recalled in built.recalls],
            "first_pass": built.first_pass and asdict(built.first_pass) | {
                "passed": built.first_pass.passed, "written": made.first_pass is not None},
            "calibration": [asdict(fitted) for fitted in built.fitted],
            "shared_pictures": len(built.shared), "most_shared_pictures": [
                {"products": len(one.products), "ids": [ids[product] for product in one.products[:MOST_IDS]]}
                for one in built.shared[:MOST_GROUPS]],
            "near_duplicate_pairs": None if built.pairs is None else built.pairs.count,
            "near_duplicates": None if built.pairs is None else [
                {"first": ids[pair.first], "second": ids[pair.second], "score": pair.score}
                for pair in built.pairs.best]}


def named(built: Built) -> set[int]:
    """The products of which the figures give the id."""
    pairs = built.pairs.best if built.pairs else []
    return ({product for pair in pairs for product in (pair.first, pair.second)}
            | {product for one in built.shared[:MOST_GROUPS] for product in one.products[:MOST_IDS]})
