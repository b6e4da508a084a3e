"""What the command line asks for enters; tables for people, or JSON for machines, leave on stdout."""

import json
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catalog_builder.builder import duplicates as pairs
from catalog_builder.catalog import calibration
from catalog_builder.catalog import reader as catalogs
from catalog_builder.catalog.reader import UNITS
from catalog_builder.catalog.search import Filter
from export.common import rankings
from export.common.errors import InputError
from export.common.files import ROOT

LINE = 150                                   # characters, where the output is no terminal
AS_IT_STANDS = {"markup": False, "soft_wrap": True}      # a path may hold brackets, and must not be broken


def build(products: Path, dist: Path, out: Path, queries: Path | None, strict: bool, force: bool, engine: str,
          thumbnails: int, quality: int) -> int:
    """Builds a catalog. The sample shop brings its own labelled queries."""
    from catalog_builder.builder.build import BuildRequest, GateRed
    from catalog_builder.builder.build import build as made
    from catalog_builder.builder.build_progress import Builds
    from catalog_builder.builder.embed import Thumbnail
    from catalog_builder.builder.recall import RECALL_TOLERANCE

    if not 0 <= thumbnails <= 1024:
        raise InputError("thumbnails of no good size", expected="0 (none) to 1024 pixels", found=thumbnails)
    request = BuildRequest(products, dist, out, queries, strict, force, engine,
                           Thumbnail(thumbnails, quality) if thumbnails else None)
    try:
        built = made(request, Builds())
    except GateRed as red:
        print(f"catalog_builder: {red}; nothing was written; remedy: --force writes it all the same", file=sys.stderr)
        return 1
    out_ = _console()
    table = _table(("queries",), ("number", "top 1", rankings.named(RECALL_TOLERANCE), "plain recall@10",
                                 "score error"))
    for one in built.recalls:
        shares = ("–" if share is None else f"{share:.4f}" for share in (one.top1, one.tolerant10, one.plain10))
        table.add_row(one.kind, str(one.queries), *shares, f"{one.largest_error:.5f}")
    _show(f"{out}: {built.products} products, {built.rows} pictures, {built.bytes / 1e6:.2f} MB", table)
    if built.problems:
        lost = Counter(problem.skipped for problem in built.problems)
        out_.print(f"{len(built.problems)} problems in the list ({lost['product']} products, {lost['picture']} "
                   f"pictures and {lost['field']} fields are left out): {out.with_suffix('.problems.csv')}",
                   style="yellow", **AS_IT_STANDS)
    if built.note:
        out_.print(built.note, **AS_IT_STANDS)
    out_.print(f"the page to look at before shipping: {out.with_suffix('.html')}", **AS_IT_STANDS)
    return 0


def search(catalog: Path, dist: Path, text: str | None, image: Path | None, like: str | None, slider: float, k: int,
           where: Filter, threshold: float, least: float, as_json: bool) -> int:
    """Searches, and shows what was found."""
    from catalog_builder import engines

    if like is not None and (text is not None or image is not None):
        raise InputError("--like goes with neither --text nor --image")
    shop = engines.searcher(catalog, dist)
    found = shop.like(like, k, where, threshold, least) if like is not None else shop.find(
        text, image, slider, k, where, threshold, least)
    warning = shop.warning(text) if text else None
    if as_json:
        print(json.dumps({"warning": warning, "results": [
            r.record | {"score": r.score, "percent": r.percent, "stars": r.stars} for r in found]}, ensure_ascii=False))
        return 0
    if warning:
        print(f"catalog_builder: {warning}", file=sys.stderr)
    table = _table(("", "id", "name", "category"), ("price", "match", "per cent", "score"))
    for i, r in enumerate(found, 1):
        price = "" if r.record.get("price") is None else f"{r.record['price']} {r.record.get('currency', '')}"
        table.add_row(str(i), *(escape(str(r.record.get(key, ""))) for key in ("id", "name", "category")), price,
                      "★" * r.stars + "☆" * (5 - r.stars), f"{r.percent} %", f"{r.score:.4f}")
    _show(f"{len(found)} of {shop.catalog.products} products", table)
    return 0


def labels(dist: Path, image: Path, names: list[str], as_json: bool) -> int:
    """Zero-shot labels of a picture."""
    from catalog_builder import engines
    from catalog_builder.catalog.searcher import labels as judged

    found = judged(engines.opened(dist), image, [name.strip() for name in names if name.strip()])
    if as_json:
        print(json.dumps([{"name": name, "share": share} for name, share in found], ensure_ascii=False))
        return 0
    table = _table(("name",), ("share",))
    for name, share in found:
        table.add_row(escape(name), f"{100 * share:.1f} %")
    _show(str(image), table)
    return 0


def duplicates(catalog: Path, over: float, as_json: bool) -> int:
    """Products that look nearly the same."""
    from catalog_builder.builder.build_progress import Builds

    made = catalogs.open_catalog(catalog)
    with Builds().bar("compare the rows", made.rows) as advance:
        found = pairs.find(made, over, lambda rows: advance(rows, True))
    rows = [(made.record(p.first), made.record(p.second), p.score) for p in found]
    if as_json:
        print(json.dumps([{"first": a["id"], "second": b["id"], "score": score} for a, b, score in rows]))
        return 0
    table = _table(("id", "name", "id ", "name "), ("score",))
    for a, b, score in rows:
        table.add_row(*(escape(str(one[key])) for one in (a, b) for key in ("id", "name")), f"{score:.4f}")
    _show(f"{len(rows)} pairs over {over}", table)
    return 0


def apps(dist: Path, catalog: Path, precision: str, accept: bool) -> int:
    """Fills the sample apps."""
    from catalog_builder.apps import fill

    for one in fill(dist, catalog, None if precision in ("default", "auto") else precision, accept):
        table = _table(("file",), ("MB",))
        for name, size in one.sizes.items():
            table.add_row(name, f"{size / 1e6:.2f}")
        table.add_row("together", f"{sum(one.sizes.values()) / 1e6:.2f}")
        _show(f"{one.app.name}: {one.app.folder.relative_to(ROOT)}", table)
    return 0


def verify(catalog: Path) -> int:
    """Checks structure and digest, and says what the file is."""
    made = catalogs.open_catalog(catalog)
    made.verify()
    print(f"{catalog}: whole; {made.products} products, {made.rows} pictures, {made.dim} dimensions, "
          f"model {made.model}, space {made.space[:16]}…, calibrated from {made.calibration.source}")
    for kind, words in calibration.described(made.calibration).items():
        print(f"{kind} queries: {words}")
    return 0


def price(given: str | None) -> int | None:
    """Ten-thousandths of a price such as 9.95. Raises InputError for anything else."""
    if given is None:
        return None
    try:
        exact = Decimal(given) * UNITS
        if exact < 0 or exact != int(exact):
            raise ValueError
        return int(exact)
    except (ArithmeticError, ValueError):
        raise InputError("no price", expected="digits and a point, such as 9.95", found=given) from None


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=LINE)


def _show(title: str, table: Table) -> None:
    console = _console()
    console.print(title, style="italic", **AS_IT_STANDS)
    console.print(table)


def _table(left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    table = Table(highlight=False)
    for name in (*left, *right):
        table.add_column(name, justify="left" if name in left else "right")
    return table
