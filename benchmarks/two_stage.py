"""Measures a million rows, with a first pass, words, keys and filters in the file.

Of a search with a first pass: its time over the exact search's, what it reads, what it finds. Of a build: seconds and
memory. Of words and keys: how many exact queries come first, and their time.

In: dist/demo/ with the sample shop's catalog (`make catalog`). Out: two_stage.json, two_stage.md and two_stage.svg. One
thread. The two searches take turns in one process; a ratio is the median over the rounds. Run it on a quiet machine.
"""

import dataclasses
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np

from benchmarks import limits, models, swift, turns, web_scan
from benchmarks.catalog import MILLION, QUERIES, ROWS, TOP, FileVectors
from benchmarks.synthetic import DIM, World, unit
from catalog_builder import engines
from catalog_builder.builder import quantize, recall, writer
from catalog_builder.builder.quantize import Vectors
from catalog_builder.builder.recall import FirstPassRecall
from catalog_builder.catalog import calibration, candidates, scores, search, words
from catalog_builder.catalog.first_pass import FirstPass
from catalog_builder.catalog.reader import UNITS, Catalog, open_catalog
from catalog_builder.index import catalog_index
from catalog_builder.index.indexed_columns import IndexedColumns
from export.common import files
from export.common.errors import InputError

HERE = Path(__file__).parent
RESULTS, PAGE, PLOT = HERE / "two_stage.json", HERE / "two_stage.md", HERE / "two_stage.svg"
SHOP = HERE.parent / "dist" / "demo"
SIZES = (100_000, 300_000, MILLION)
MOST_RATIO, MOST_BYTES, MOST_BUILD_BYTES = 0.35, 140_000_000, 2_000_000_000
WARM, ROUNDS = 2, 21
NOISE, QUERY_NOISE = 0.3, 0.1                # of the shop's own spread, by dimension: of copies, of query pictures


SYLLABLES = tuple(first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou")
SIZES_SOLD = ("XS", "S", "M", "L", "XL", "42", "one size")
BRANDS = 2_000
INDEXED = IndexedColumns(("id", "gtin", "brand"), ("name", "brand"), ("brand", "size"))


def product(number: int) -> dict[str, object]:
    """A made-up record: a name of four words of some 5,000, a brand, a size, an article number and a barcode."""
    chance = random.Random(number)
    name = ("".join(SYLLABLES[int(len(SYLLABLES) * chance.random() ** 2)] for _ in range(2)) for _ in range(4))
    return {"id": article(number), "name": " ".join(name), "price": (100 + number % 9_900) / 100, "currency": "EUR",
            "description": "", "category": f"category {number % 20}", "brand": f"Brand {number % BRANDS}",
            "size": SIZES_SOLD[number % len(SIZES_SOLD)], "gtin": gtin(number)}


def article(number: int) -> str:
    """An article number."""
    return f"A-{number:07}"


def gtin(number: int) -> str:
    """13 digits, the last of which checks the others."""
    digits = f"40{number:010}"
    return digits + str(-sum(int(d) * (1 + 2 * (i % 2)) for i, d in enumerate(digits)) % 10)


class FirstRows:
    """The first rows of others (quantize.Vectors)."""

    def __init__(self, whole: Vectors, rows: int):
        self.whole, self.shape = whole, (rows, whole.shape[1])

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.shape[0])
        return self.whole[start:stop]


class Copies:
    """A shop's vectors over and over, each copy with noise of its own (quantize.Vectors)."""

    def __init__(self, shop: np.ndarray, rows: int):
        self.shop, self.shape = shop, (rows, shop.shape[1])

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.shape[0])
        noise = np.random.default_rng((1, start)).normal(size=(stop - start, self.shape[1]))
        return unit(self.shop[np.arange(start, stop) % len(self.shop)] + NOISE * noise * self.shop.std(axis=0))


def main() -> None:
    """Measures, and writes the results, the page and the plot."""
    results: dict = {"processor": limits.processor(), "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder, world = Path(name), World.of()
        world.write(folder / "million.f32", MILLION)
        results["builds"] = {str(rows): build(folder, rows) for rows in SIZES}
        query = world.queries("text", world.contents(range(10_000))[7:8])[0]
        results["python"] = {str(rows): speed(open_catalog(folder / f"{rows}.catalog"), query)
                             for rows in (ROWS, MILLION)}
        results["exact_queries"] = exact_queries(open_catalog(folder / f"{MILLION}.catalog"))
        results["ports"], results["left_out"] = ported(folder / f"{MILLION}.catalog", query)
        results["recall"] = {f"synthetic, {MILLION:,} x {DIM}": said(recall.first_pass(
            open_catalog(folder / f"{MILLION}.catalog"), synthetic_queries(world)))}
        results["recall"] |= shop_recall(folder)
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")
    PLOT.write_text(plot(results["builds"]), encoding="utf-8")


def built(path: Path, vectors: Vectors) -> None:
    """Writes a catalog of one row a product, with a first pass, words, keys, filters and a lookup by id."""
    rows, offset = vectors.shape[0], quantize.mean(vectors)
    ids, records = list(map(article, range(rows))), [json.dumps(product(number)).encode() for number in range(rows)]
    writer.write(path, writer.Content(
        "0" * 64, "synthetic", "EUR", [f"category {i}" for i in range(20)], calibration.NONE, records,
        (100 + np.arange(rows, dtype=np.int64) % 9_900) * (UNITS // 100), (np.arange(rows) % 20).astype(np.uint32),
        np.arange(rows, dtype=np.uint32), ids=ids, offset=offset, axes=quantize.first_axes(vectors, offset),
        indexed=INDEXED), vectors)


def build(folder: Path, rows: int) -> dict:
    """Seconds and peak memory of a build from ready vectors, in a process of its own, and the file's size."""
    path = folder / f"{rows}.catalog"
    seconds, peak = models.timed(["benchmarks.two_stage", str(folder / "million.f32"), str(rows), str(path)])
    made = tables(open_catalog(path))
    return {"seconds": seconds, "peak_bytes": peak, "bytes": path.stat().st_size,
            "first_pass_bytes": made.axes.nbytes + made.codes.nbytes + made.scales.nbytes,
            "words_bytes": tensor_bytes(path, (*catalog_index.WORDS, *catalog_index.FILTERS))}


def tensor_bytes(path: Path, names: Collection[str]) -> int:
    """Bytes of a file's tensors of these names."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(entry["data_offsets"][1] - entry["data_offsets"][0] for name, entry in header.items() if name in names)


def exact_queries(catalog: Catalog) -> dict[str, dict]:
    """Of each kind of exact query: how many, how many have their product first, and the milliseconds of one."""
    chosen = np.random.default_rng(3).permutation(catalog.products)[:QUERIES].tolist()
    made: dict[str, dict] = {}
    for kind, field in (("article number", "id"), ("barcode", "gtin"), ("brand", "brand"), ("words of a name", "name")):
        first, seconds = 0, []
        for place in chosen:
            asked = catalog.record(place)[field]
            started = time.perf_counter()
            found = words.found(catalog, asked)
            seconds.append(time.perf_counter() - started)
            first += bool(found) and catalog.record(found[0].product)[field] == asked
        made[kind] = {"queries": len(chosen), "first": first, "ms": turns.milliseconds(seconds)}
    return made


def tables(catalog: Catalog) -> FirstPass:
    """The catalog's first pass, of the smallest share. Raises ValueError for a catalog without."""
    if catalog.first_pass is None:
        raise ValueError(catalog.path)
    return dataclasses.replace(catalog.first_pass, of=recall.SHARES[0])


def speed(catalog: Catalog, query: np.ndarray) -> dict:
    """Milliseconds of both searches, their ratio in the same round, and the bytes that each reads."""
    catalog = dataclasses.replace(catalog, first_pass=tables(catalog))
    taken = turns.taken({"two": turns.timed(lambda: search.search(catalog, query, TOP)),
                         "full": turns.timed(lambda: search.search(catalog, query, TOP, exact=True))}, WARM, ROUNDS)
    ready = scores.prepared(catalog, query)
    return {"ms": turns.milliseconds(taken["two"]), "full_ms": turns.milliseconds(taken["full"]),
            "ratio": turns.ratio(taken["two"], taken["full"]),
            "first_pass_bytes": touched(catalog, lambda: candidates.rows(tables(catalog), ready, TOP, None)),
            "search_bytes": touched(catalog, lambda: search.search(catalog, query, TOP)),
            "full_bytes": touched(catalog, lambda: search.search(catalog, query, TOP, exact=True))}


def ported(path: Path, query: np.ndarray) -> tuple[dict[str, dict], list[str]]:
    """Of each port that can run here what `speed` says, but for the bytes; and why the others cannot."""
    catalog = open_catalog(path)
    writer.state_first_pass(catalog, tables(catalog).of, {})
    made, left_out = {}, []
    for name, measured in PORTS.items():
        try:
            made[name] = measured(open_catalog(path), query)
        except InputError as error:
            left_out.append(f"{name}: {error}")
    return made, left_out


def in_chromium(catalog: Catalog, query: np.ndarray) -> dict:
    """Both searches in a page. Raises InputError where none can run."""
    query.tofile(catalog.path.parent / "query.f32")
    with web_scan.Chromium(web_scan.found(), catalog.path.parent) as tab:
        taken = turns.taken({"two": tab.turn(catalog, query), "full": tab.turn(catalog, query, exact=True)},
                            web_scan.WARM, ROUNDS)
        return {"version": tab.version, "rows": catalog.rows, "ms": turns.milliseconds(taken["two"]),
                "full_ms": turns.milliseconds(taken["full"]), "ratio": turns.ratio(taken["two"], taken["full"])}


PORTS: dict[str, Callable[[Catalog, np.ndarray], dict]] = {"Chromium": in_chromium, "Swift": swift.first_pass}


def touched(catalog: Catalog, run) -> int | None:
    """Bytes of the file's pages that `run` reads, by the kernel's marks; None where it has none (only Linux has)."""
    marks, maps = Path("/proc/self/clear_refs"), Path("/proc/self/smaps")
    if not marks.exists():
        return None
    marks.write_text("1")
    run()
    name = catalog.path.name
    return sum(1024 * int(kilobytes) for mapping, kilobytes in referenced(maps.read_text()) if mapping.endswith(name))


def referenced(maps: str) -> Iterator[tuple[str, str]]:
    """Of each mapping its file, and the kilobytes that were read or written."""
    for part in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", maps):
        found = re.search(r"^Referenced:\s+(\d+) kB", part, re.MULTILINE)
        if found:
            yield part.splitlines()[0], found[1]


def synthetic_queries(world: World) -> dict[str, np.ndarray]:
    """QUERIES texts and as many pictures of contents of the million rows."""
    chosen = np.sort(np.random.default_rng(1).choice(MILLION, QUERIES, replace=False))
    contents = np.concatenate([world.contents(range(row, row + 1)) for row in chosen.tolist()])
    return {kind: world.queries(kind, contents) for kind in ("text", "image")}


def shop_recall(folder: Path) -> dict:
    """The sample shop over and over, a million rows: found by its products' names, and by its pictures with noise."""
    shop = engines.searcher(SHOP / "products.catalog", SHOP)
    rows, path = shop.catalog.vectors(slice(None)), folder / "shop.catalog"
    built(path, Copies(rows, MILLION))
    rng = np.random.default_rng(2)
    names = [shop.catalog.record(place)["name"] for place in rng.permutation(shop.catalog.products)[:QUERIES].tolist()]
    pictures = rows[rng.permutation(len(rows))[:QUERIES]]
    queries = {"text": shop.encoder.text(names), "image": unit(
        pictures + QUERY_NOISE * rng.normal(size=pictures.shape) * rows.std(axis=0))}
    return {f"the sample shop over and over, {MILLION:,} x {rows.shape[1]}":
            said(recall.first_pass(open_catalog(path), queries))}


def said(measured: FirstPassRecall) -> dict:
    """For the results."""
    return dataclasses.asdict(measured) | {"passed": measured.passed}


def page(results: dict) -> str:
    """The results as Markdown."""
    lines = ["# The search with a first pass", "", "`python -m benchmarks two_stage` wrote this page. Synthetic "
             f"vectors (benchmarks/synthetic.py), {DIM} wide, the first {TOP}, one thread, {results['processor']}, "
             f"{results['cores']} cores; medians over {ROUNDS} rounds in which both searches took turns; rescoring "
             f"included; one row of {recall.SHARES[0]} is scored exactly. Bytes are the pages of the file that a "
             "search reads, 4 KB each: a row that is scored exactly reads a page or two.", "",
             "| | rows | ms | exact search, ms | ratio | at most | first pass reads | at most | with rescoring | "
             "exact search reads |", "|---|---|---|---|---|---|---|---|---|---|"]
    lines += [f"| Python | {int(rows):,} | {r['ms']:.2f} | {r['full_ms']:.2f} | {r['ratio']:.2f} | {MOST_RATIO} | "
              f"{megabytes(r['first_pass_bytes'])} | {MOST_BYTES / 1e6:.0f} MB | {megabytes(r['search_bytes'])} | "
              f"{megabytes(r['full_bytes'])} |" for rows, r in results["python"].items()]
    lines += [f"| {name} {r['version']} | {r['rows']:,} | {r['ms']:.2f} | {r['full_ms']:.2f} | {r['ratio']:.2f} | "
              f"{MOST_RATIO} | | | | |" for name, r in results["ports"].items()]
    lines += [line for reason in results["left_out"] for line in ("", f"Not run: {reason}.")]
    lines += ["", f"## What it finds of the exact search's first {TOP}", "",
              "| catalog | queries | number | found | at least | one row scored exactly of |",
              "|---|---|---|---|---|---|"]
    lines += [f"| {name} | {kind} | {r['queries'][kind]} | {share:.4f} | {recall.LEAST_RECALL} | {r['of']} |"
              for name, r in results["recall"].items() for kind, share in r["shares"].items()]
    lines += ["", f"The shop's copies differ by noise of {NOISE} of each dimension's spread, its query pictures by "
              f"{QUERY_NOISE}.", "", f"## Exact queries over {MILLION:,} products", "",
              "| query | number | its product first | ms, median |", "|---|---|---|---|"]
    lines += [f"| {kind} | {r['queries']} | {r['first']} | {r['ms']:.2f} |"
              for kind, r in results["exact_queries"].items()]
    lines += ["", "Python; names of four words of some 5,000, 2,000 brands; first is a product with that very text.",
              "", "## Building from ready vectors", "", "Records are made up in the same process and memory.", "",
              "| rows | seconds | peak memory | at most | file | of it the first pass | words, keys, filters |",
              "|---|---|---|---|---|---|---|"]
    lines += [f"| {int(rows):,} | {r['seconds']:.1f} | {r['peak_bytes'] / 1e9:.2f} GB | "
              f"{MOST_BUILD_BYTES / 1e9:.0f} GB | "
              f"{megabytes(r['bytes'])} | {megabytes(r['first_pass_bytes'])} | {megabytes(r['words_bytes'])} |"
              for rows, r in results["builds"].items()]
    return "\n".join([*lines, "", "![seconds of a build over rows](two_stage.svg)", ""])


def megabytes(count: int | None) -> str:
    """Millions of bytes."""
    return "not known" if count is None else f"{count / 1e6:.1f} MB"


def plot(builds: dict[str, dict]) -> str:
    """Seconds of a build over rows, with the straight line from 0 through the last point."""
    rows, seconds = [int(count) for count in builds], [made["seconds"] for made in builds.values()]
    most = max(seconds) * 1.15

    def place(count: float, value: float) -> str:
        return f"{60 + 420 * count / MILLION:.1f},{260 - 230 * value / most:.1f}"

    dots = "".join('<circle cx="{}" cy="{}" r="4"/>'.format(*place(count, value).split(","))
                   + '<text x="{}" y="{}" dx="-6" dy="-8" text-anchor="end">{} s</text>'.format(
                       *place(count, value).split(","), value) for count, value in zip(rows, seconds, strict=True))
    ticks = "".join(f'<text x="{60 + 420 * count / MILLION:.1f}" y="280" text-anchor="middle">{count:,}</text>'
                    for count in rows)
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 310" font-family="sans-serif" font-size="11">'
            '<rect width="520" height="310" fill="#fff"/><path d="M60 20V260H490" fill="none" stroke="#333"/>'
            f'<polyline points="{place(0, 0)} {place(rows[-1], seconds[-1])}" fill="none" stroke="#999" '
            f'stroke-dasharray="4 3"/><g fill="#2f6f9f">{dots}</g>{ticks}<text x="275" y="302" text-anchor="middle">'
            'rows</text><text x="14" y="140" transform="rotate(-90 14 140)" text-anchor="middle">seconds of a build'
            '</text></svg>\n')


if __name__ == "__main__":                   # in its own process, whose peak memory is that of the build
    built(Path(sys.argv[3]), FirstRows(FileVectors(Path(sys.argv[1])), int(sys.argv[2])))
