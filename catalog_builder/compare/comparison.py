"""A request enters; the comparison of the models leaves, and stands in dist/compare.html and dist/compare.json."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_builder.builder.build_progress import Builds
from catalog_builder.compare import advice, comparison_page, exported, figures, pairs_to_ship
from catalog_builder.compare.compared import Compared
from catalog_builder.compare.figures import CompareRequest, CompareTask
from catalog_builder.engines import Model
from catalog_builder.lists import inspection, listing, queries
from catalog_builder.lists.products import Product
from export.artifacts import lock
from export.common import files

NAME, VERSION = "compare", 1


@dataclass(frozen=True)
class Comparison:
    """What leaves."""

    rows: list[Compared]
    advice: list[str]
    page: Path


def compare(request: CompareRequest, progress: Builds) -> Comparison:
    """Compares the models. Raises InputError before any long work, if a model, the list or the queries are wrong."""
    places = exported.folders(request.dist, request.models)
    with contextlib.ExitStack() as held:
        for place in places:
            held.enter_context(lock.to_read(place))
        models = [exported.opened(place) for place in places]
        task = CompareTask(request, listed(request, progress))
        rows = [row(model, task, progress, f"{i} of {len(models)}") for i, model in enumerate(models, 1)]
    return written(request, rows)


def listed(request: CompareRequest, progress: Builds) -> list[Product]:
    """The products of the list. Raises InputError if list or queries cannot be read."""
    progress.step("read the product list")
    read = listing.read(request.products, request.options)
    progress.facts(inspection.facts(read))
    if request.queries:
        queries.labelled(request.queries, read.products)
    return read.products


def row(model: Model, task: CompareTask, progress: Builds, place: str) -> Compared:
    """One model, measured."""
    name = model.dist.folder.name
    progress.step(f"{name} ({place})")
    found = figures.measured(model, task)
    if found.reused:
        progress.step(f"measured already: {found.catalog}")
    pairs, gated_on = pairs_to_ship.of_model(model)
    made = model.manifest
    return Compared(
        name=name, random=not made.shippable, licence=made.licence, scripts=made.text.scripts, dim=made.dim,
        found=found.found, pairs=pairs, gated_on=gated_on, int8_passed=found.passed, catalog=found.catalog,
        measured_with=f"{found.engine}; texts: {model.runnable('text').path}",
        catalog_bytes=found.content["bytes"])


def written(request: CompareRequest, rows: Sequence[Compared]) -> Comparison:
    """Writes page and figures, each whole or not at all."""
    made = Comparison(list(rows), advice.sentences(rows), request.dist / f"{NAME}.html")
    comparison_page.write(made.page, request, made.rows, made.advice)
    files.write_json(made.page.with_suffix(".json"), {
        "version": VERSION, "list": request.products.name, "queries": request.queries and request.queries.name,
        "models": [one.json() for one in rows], "advice": made.advice})
    return made
