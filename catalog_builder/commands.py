"""A command's arguments enter; tables for people, or JSON for machines, leave on stdout."""

import json
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catalog_builder import bundle as bundles
from catalog_builder import engines
from catalog_builder import vectors as vector_files
from catalog_builder.apps import APPS, WEB, Filled, fill
from catalog_builder.builder import build as builder
from catalog_builder.builder import duplicates as pairs
from catalog_builder.builder.build import BuildRequest
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.embed import Thumbnail
from catalog_builder.builder.recall import RECALL_TOLERANCE
from catalog_builder.catalog import calibration, searcher
from catalog_builder.catalog import reader as catalogs
from catalog_builder.catalog.reader import UNITS, Catalog
from catalog_builder.catalog.search import Filter
from catalog_builder.catalog.search_request import SearchRequest
from catalog_builder.catalog.searcher import ExactResult, Result, Searcher
from catalog_builder.compare import comparison, comparison_table
from catalog_builder.compare.figures import CompareRequest
from catalog_builder.lists import inspection, listing, problems
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.problems import PICTURE, Problem
from catalog_builder.machines import cluster
from catalog_builder.machines import merge as merging
from catalog_builder.machines.cluster import ClusterRequest
from catalog_builder.machines.parts import Embedded, PartRequest, embed_part
from catalog_builder.pictures import fetch as downloads
from catalog_builder.pictures.download import FetchOptions
from catalog_builder.pictures.fetched import folder_of
from catalog_builder.updates import publish as publishing
from catalog_builder.updates import signing, statement
from catalog_builder.updates.publish import PublishRequest
from catalog_builder.web import lacking as lacks
from catalog_builder.web import preview_server, web_site
from catalog_builder.web.site_updates import SiteUpdates
from export.artifacts.shipping import Accepted
from export.common import rankings
from export.common.command import DONE
from export.common.errors import InputError
from export.common.files import ROOT
from export.common.progress import Steps

LINE = 150                                   # characters, if the output is not a terminal
MOST_THUMBNAIL = 1024                        # pixels of the longer side


def build(request: BuildRequest) -> int:
    """Builds a catalog."""
    built = builder.build(request, Builds())
    table = _table(("queries",), ("number", f"top 1 (within {RECALL_TOLERANCE:g})", rankings.named(RECALL_TOLERANCE),
                                 "plain recall@10", "score error", "verdict"))
    for recall in built.recalls:
        shares = ("–" if share is None else f"{share:.4f}" for share in (recall.top1, recall.tolerant10,
                                                                         recall.plain10))
        table.add_row(recall.kind, str(recall.queries), *shares, f"{recall.largest_error:.5f}", recall.verdict)
    _show(f"{built.out}: {built.products} products, {built.rows} pictures, {built.bytes / 1e6:.2f} MB", table)
    if built.first_pass:
        _say(built.first_pass.words + ("" if built.first_pass.passed or request.first_pass else
                                       ": the catalog has none, and is searched exactly"))
    if built.problems:
        lost = Counter(problem.skipped for problem in built.problems)
        _say(f"{len(built.problems)} problems in the list ({lost['product']} products, {lost['picture']} "
             f"pictures and {lost['field']} fields are left out): {built.out.with_suffix('.problems.csv')}", "yellow")
    for fitted in built.fitted:
        if not fitted.curve.measured:
            _say(f"{fitted.kind} queries: {fitted.note}: results have no per cent, and the apps hide none")
        if fitted.hides_all:
            _say(f"{fitted.warning}: the apps would show no result among the matches", "yellow")
    if built.note:
        _say(built.note)
    _say(f"the page to look at before shipping: {built.page}")
    return DONE


def embed(request: PartRequest) -> int:
    """Computes a part of a list's vectors."""
    return _embedded(request.out, embed_part(request, Builds()))


def embed_on_cluster(request: ClusterRequest) -> int:
    """Computes a list's vectors on a cluster."""
    return _embedded(request.out, cluster.embed_list(request, Builds()))


def _embedded(store: Path, done: Embedded) -> int:
    _say(f"{store}: {done.pictures:,} pictures, {done.computed:,} computed"
         + (f"; {done.faults:,} cannot be used, and the build will name them" if done.faults else ""))
    return DONE


def merge(stores: Sequence[Path], target: Path) -> int:
    """Puts the parts' vectors together."""
    done = merging.merge(stores, target)
    _say(f"{target}: {done.pictures:,} pictures of {done.parts:,} parts")
    if done.twice:
        _say(f"{done.twice:,} pictures are in two parts, with other last bits from other processors: the first part's "
             "stay", "yellow")
    return DONE


def vectors(request: BuildRequest, out: Path) -> int:
    """Writes every picture's vector to Parquet."""
    done = vector_files.write(request, out, Builds())
    _say(f"{out}: {done.rows:,} vectors of {done.products:,} products, {done.computed:,} computed")
    return DONE


def compare(request: CompareRequest) -> int:
    """Compares exported models."""
    made = comparison.compare(request, Builds())
    _say(f"{request.products.name}: recall@k in per cent, by the int8 catalog", "italic")
    _console().print(comparison_table.table(made.rows))
    for line in [*comparison_table.notes(made.rows), *made.advice]:
        _console().print(line, markup=False, highlight=False)
    _say(f"the page: {made.page}")
    return DONE


def inspect(products: Path, options: ListOptions) -> int:
    """Says what a list is taken for, and what is wrong with it."""
    read = listing.read(products, options)
    Builds(stderr=False).facts(inspection.facts(read) + inspection.examples(read)
                               + inspection.troubles(read.problems))
    if refusal := inspection.refusal(len(read.products), read.problems, 0.0):
        _say(f"`build` would refuse it: {refusal}", "yellow")
    return DONE


def fetch(products: Path, options: ListOptions, refresh: bool, allow_private: bool) -> int:
    """Downloads the pictures of a list that are web addresses."""
    addresses = sorted(listing.read(products, options).recognition.addresses.items(), key=lambda pair: pair[1])
    if not addresses:
        _say(f"{products}: no picture is a web address")
        return DONE
    folder = folder_of(products)
    asked = FetchOptions(refresh=refresh, allow_private=allow_private)
    with Builds().bar("fetch the pictures", len(addresses)) as advance:
        result = downloads.fetch(addresses, folder, asked, advance)
    _say(f"{folder}: {result.fetched:,} fetched, {result.kept:,} there already, {len(result.failures):,} failed")
    failed = [Problem(failure.line, "", "pictures", f"{failure.reason}; address {failure.address}", PICTURE)
              for failure in result.failures]
    problems.write_problems(folder.with_suffix(".problems.csv"), failed)
    Builds(stderr=False).facts(inspection.troubles(failed))
    if failed and not result.fetched + result.kept:
        raise InputError("no picture could be fetched", where=products)
    return DONE


def search(catalog: Path, dist: Path, request: SearchRequest, as_json: bool) -> int:
    """Searches, and shows the results."""
    if request.like is not None and (request.text is not None or request.picture is not None):
        raise InputError("--like goes with neither --text nor --image")
    shop = engines.searcher(catalog, dist)
    where = written(request.where, shop.catalog)
    results = answers(shop, replace(request, where=where))
    exact = shop.exact(request.text, where) if request.text else []
    warning = shop.warning(request.text) if request.text else None
    if as_json:
        print(json.dumps({"warning": warning, "exact": [one.record | {"by": one.by} for one in exact], "results": [
            r.record | {"score": r.score, "percent": r.percent, "stars": r.stars} for r in results]},
            ensure_ascii=False))
        return DONE
    if warning:
        print(f"catalog_builder: {warning}", file=sys.stderr)
    if exact:
        _show_exact(exact)
    table = _table(("", "id", "name", "category"), ("price", "match", "per cent", "score"))
    for i, r in enumerate(results, 1):
        match = ("–", "–") if r.stars is None else ("★" * r.stars + "☆" * (5 - r.stars), f"{r.percent} %")
        table.add_row(str(i), *_shown(r.record), *match, f"{r.score:.4f}")
    _show(f"{len(results)} of {described(shop.catalog)}", table)
    return DONE


def _show_exact(found: Sequence[ExactResult]) -> None:
    table = _table(("id", "name", "category"), ("price", "by"))
    for one in found:
        table.add_row(*_shown(one.record), one.by)
    _show("named exactly", table)


def _shown(record: dict) -> tuple[str, ...]:
    """A product's id, name, category and price."""
    return (*(escape(str(record.get(key, ""))) for key in ("id", "name", "category")),
            amount(record.get("price"), record.get("currency", "")))


def written(where: Filter, catalog: Catalog) -> Filter:
    """The names of a filter as the catalog writes them, whatever their case."""
    columns = {spelled([name], catalog.filters)[0]: texts for name, texts in where.columns.items()}
    return replace(where, categories=where.categories and spelled(where.categories, catalog.category_names), columns={
        name: spelled(texts, catalog.filters[name].names) if name in catalog.filters else texts
        for name, texts in columns.items()})


def spelled(names: Collection[str], known: Collection[str]) -> list[str]:
    """Names as the catalog writes them, whatever their case."""
    by_folded = {name.casefold(): name for name in known}
    return [name if name in known else by_folded.get(name.casefold(), name) for name in names]


def amount(price: int | float | None, currency: str) -> str:
    """A record's price for people: 85.5 EUR is 85.50 EUR."""
    return "" if price is None else f"{price:,.{max(2, -_exponent(price))}f} {currency}".rstrip()


def _exponent(price: int | float) -> int:
    exponent = Decimal(str(price)).as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def described(catalog: Catalog) -> str:
    """A catalog in words: products, file and date."""
    built = datetime.fromtimestamp(catalog.path.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    return f"{catalog.products} products in {catalog.path}, built {built}"


def answers(shop: Searcher, request: SearchRequest) -> list[Result]:
    """The shop's results for a text, a picture, both, or a product."""
    if request.like is not None:
        return shop.like(request.like, k=request.k, where=request.where, threshold=request.threshold,
                         least_confidence=request.least_confidence, exact=request.exact)
    return shop.find(request.text, request.picture, request.slider, k=request.k, where=request.where,
                     threshold=request.threshold, least_confidence=request.least_confidence, exact=request.exact)


def labels(dist: Path, image: Path, names: list[str], as_json: bool) -> int:
    """Zero-shot labels of a picture."""
    shares = searcher.labels(engines.opened(dist), image, [name.strip() for name in names if name.strip()])
    if as_json:
        print(json.dumps([{"name": name, "share": share} for name, share in shares], ensure_ascii=False))
        return DONE
    table = _table(("name",), ("share",))
    for name, share in shares:
        table.add_row(escape(name), f"{100 * share:.1f} %")
    _show(str(image), table)
    return DONE


def duplicates(catalog: Path, over: float, most: int, as_json: bool) -> int:
    """Pictures that several products share, and products that look nearly the same: at most so many of each."""
    if most < 0:
        raise InputError("no number of rows", where="-k", expected="0 or more", found=most)
    opened = catalogs.open_catalog(catalog)
    groups = pairs.shared(pairs.row_digests(opened), opened.owners)
    with Builds().bar("compare the rows", opened.rows) as advance:
        alike = pairs.find(opened, over, lambda rows: advance(rows, True), most)
    records = [(opened.record(p.first), opened.record(p.second), p.score) for p in alike.best]
    if as_json:
        print(json.dumps({
            "shared_pictures": len(groups), "most_shared_pictures": [
                {"products": len(group.products), "ids": [opened.record(p)["id"] for p in group.products[:most]]}
                for group in groups[:most]],
            "near_duplicate_pairs": alike.count, "near_duplicates": [
                {"first": a["id"], "second": b["id"], "score": score} for a, b, score in records]}))
        return DONE
    _say(described(opened))
    table = _table(("id", "name"), ("products with this picture",))
    for group in groups[:most]:
        table.add_row(*_named(opened.record(group.products[0])), f"{len(group.products):,}")
    _show(f"pictures shared by several products: {len(groups):,}{_first_of(most, len(groups))}", table)
    table = _table(("id", "name", "id ", "name "), ("score",))
    for a, b, score in records:
        table.add_row(*_named(a), *_named(b), f"{score:.4f}")
    _show(f"pairs over {over}: {alike.count:,}{_first_of(most, alike.count)}", table)
    return DONE


def _named(record: dict) -> tuple[str, str]:
    return escape(str(record["id"])), escape(str(record["name"]))


def _first_of(most: int, count: int) -> str:
    return f"; the first {most} (-k shows more)" if count > most else ""


def apps(dist: Path, catalog: Path, precision: str, accepted: Accepted, web_alone: bool = False) -> int:
    """Fills the sample apps, or that of the web alone, which then must get its files."""
    _say(described(catalogs.open_catalog(catalog)))
    _show_filled(fill(dist, catalog, _asked(precision), accepted, [WEB] if web_alone else APPS, each=web_alone,
                      say=_warn))
    return DONE


def lacking(dist: Path, precision: str, catalog: Path | None, listed: bool) -> int:
    """Prints the commands that make what a page lacks."""
    for line in lacks.commands(dist, _asked(precision), catalog, listed):
        print(line)
    return DONE


def serve(port: int, updates: SiteUpdates | None) -> int:
    """Serves the sample page, which has its files, until Ctrl-C."""
    web_site.prepare()
    preview_server.serve(web_site.PAGE, port, lambda line: print(line, flush=True), updates)
    return DONE


def web(dist: Path, catalog: Path, precision: str, accepted: Accepted, out: Path,
        updates: SiteUpdates | None) -> int:
    """Writes a site."""
    _say(described(catalogs.open_catalog(catalog)))
    _show_filled([web_site.write(dist, catalog, _asked(precision), accepted, out, updates=updates)])
    _say(f"what its host must do: {out / web_site.README}")
    return DONE


def bundle(dist: Path, catalog: Path, precision: str, accepted: Accepted, out: Path, platforms: str | None) -> int:
    """Writes a bundle."""
    _say(described(catalogs.open_catalog(catalog)))
    _show_filled(bundles.write(dist, catalog, _asked(precision), accepted, out, platforms=platforms, say=_warn))
    _say(f"what each file is, for app developers: {out / bundles.README}")
    return DONE


def _asked(precision: str) -> str | None:
    """A precision as PRECISION= names it; None where the export chose."""
    return None if precision in ("default", "auto") else precision


def _warn(text: str) -> None:
    _say(text, "yellow")


def _show_filled(parts: list[Filled]) -> None:
    """The files that each app got, in MB."""
    for part in parts:
        table = _table(("file",), ("MB",))
        for name, size in part.sizes.items():
            table.add_row(name, f"{size / 1e6:.2f}")
        table.add_row("about what a shopper downloads", f"{part.bytes / 1e6:.2f}")
        folder = part.folder.relative_to(ROOT) if part.folder.is_relative_to(ROOT) else part.folder
        _show(f"{part.app.name}: {folder}", table)
        for note in part.notes:
            _warn(note)


def publish(request: PublishRequest) -> int:
    """Writes an update for a static host, to be signed."""
    with Steps(publishing.steps(request)) as steps:
        done = publishing.publish(request, steps.begin)
    told = done.statement
    table = _table(("from",), ("file", "bytes"))
    table.add_row("nothing", told.catalog.path, f"{told.catalog.bytes:,}")
    for delta in told.deltas:
        table.add_row(delta.base[:publishing.DIGITS], delta.path, f"{delta.bytes:,}")
    _show(f"{told.name}, number {told.number}" + (f", prices until {told.not_after}" if told.not_after else ""), table)
    if told.manifest:
        size = sum(file.bytes for file in (told.manifest, *told.manifest.files))
        _say(f"with the encoders of {told.manifest.path}: {len(told.manifest.files) + 1} files, {size:,} bytes")
    for line in done.left_out:
        _warn(line)
    if done.deleted:
        _say(f"deleted, since no statement names them: {', '.join(done.deleted)}")
    _say(f"not signed yet: {done.unsigned}; next: make sign OUT={request.out} KEY=…")
    return DONE


def sign(out: Path, name: str, key: Path | None, command: str | None, public_key: str | None) -> int:
    """Signs an update and puts it in force. Raises InputError unless there is one of a key and a command."""
    if (key is None) == (command is None):
        raise InputError("who signs?", expected="either --key or --command", where="the command line")
    keys = signing.public_keys(public_key) if public_key else []
    if key is not None:
        private = signing.read_key(key)
        signer, keys = signing.signer(private), keys or [signing.public_half(private)]
    else:
        signer = signing.by_command(command or "")
    with Steps(2) as steps:
        told = publishing.sign(out, name, signer, keys, steps.begin)
    if not keys:
        _warn("the signature was not checked, since no public key was given: --public-key")
    _say(f"in force: {out / name}{statement.SUFFIX}, number {told.number}, {told.catalog.path}")
    return DONE


def key(path: Path, public: bool) -> int:
    """Makes a key pair, or prints the public half of one."""
    print(signing.public_half(signing.read_key(path)) if public else signing.write_new_key(path))
    if not public:
        print(f"the line above is the public half, for the apps; {path} is the private half: show it to nobody, and "
              "keep a copy in a safe place", file=sys.stderr)
    return DONE


def verify(catalog: Path) -> int:
    """Checks structure and digest, and prints what the file holds."""
    opened = catalogs.open_catalog(catalog)
    opened.verify()
    print(f"{catalog}: whole; {opened.products} products, {opened.rows} pictures, {opened.dim} dimensions, "
          f"model {opened.model}, space {opened.space[:16]}…, calibrated from {opened.calibration.source}")
    for kind, words in calibration.described(opened.calibration).items():
        print(f"{kind} queries: {words}")
    return DONE


def thumbnail(side: int, quality: int) -> Thumbnail | None:
    """Thumbnails of so many pixels, None for 0. Raises InputError for another size."""
    if not 0 <= side <= MOST_THUMBNAIL:
        raise InputError("the size of thumbnails is out of range", expected=f"0 (none) to {MOST_THUMBNAIL} pixels",
                         found=side)
    return Thumbnail(side, quality) if side else None


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


def _say(text: str, style: str | None = None) -> None:
    """Prints a text as it stands: a path in it may hold brackets, and must not be broken."""
    _console().print(text, style=style, markup=False, soft_wrap=True)


def _show(title: str, table: Table) -> None:
    _say(title, "italic")
    _console().print(table)


def _table(left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    table = Table(highlight=False)
    for name in (*left, *right):
        table.add_column(name, justify="left" if name in left else "right")
    return table
