"""Measures the catalog: what int8 costs, the speed of search against faiss, usearch and NumPy, a million rows.

Out: catalog.json, catalog.md and catalog.svg. One thread everywhere. Everything compared takes turns in one process. A
ratio is the median over the rounds. Run it on a quiet machine.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import limits, models, turns
from benchmarks.synthetic import DIM, World
from catalog_builder.builder import recall, writer
from catalog_builder.builder.quantize import Vectors
from catalog_builder.catalog import calibration, search
from catalog_builder.catalog.reader import Catalog, open_catalog
from export.common import files, rankings

HERE = Path(__file__).parent
RESULTS, PAGE, PLOT = HERE / "catalog.json", HERE / "catalog.md", HERE / "catalog.svg"
ROWS, MILLION = 100_000, 1_000_000
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
QUERIES, WARM, ROUNDS, TOP = 200, 2, 41, 10


class FileVectors:
    """Float32 [rows, dim] in a raw file, read on demand, not mapped (quantize.Vectors)."""

    def __init__(self, path: Path, dim: int = DIM):
        self.path, self.shape = path, (path.stat().st_size // (4 * dim), dim)

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(self.shape[0])
        return np.fromfile(self.path, "<f4", (stop - start) * self.shape[1], offset=4 * start * self.shape[1]
                           ).reshape(-1, self.shape[1])


def main() -> None:
    """Measures, and writes the results, the page and the plot."""
    world = World.of()
    results: dict = {"processor": limits.processor(), "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        vectors = world.pictures(range(ROWS))
        catalog = built(Path(folder) / "some.catalog", vectors)
        results["quantisation"] = quantisation(world, catalog, vectors)
        results["bytes_over_float32"] = catalog.path.stat().st_size / vectors.nbytes
        results["search"] = searched(catalog, vectors)
        raw = Path(folder) / "million.f32"
        world.write(raw, MILLION)
        results["million"] = million(Path(folder), raw)
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")
    PLOT.write_text(plot(results["million"]["search_ms"]), encoding="utf-8")


def built(path: Path, vectors: Vectors) -> Catalog:
    """A catalog with one row per product, without the products' texts, whose size depends on the shop."""
    rows = vectors.shape[0]
    content = writer.Content(
        "0" * 64, "synthetic", "EUR", [f"category {i}" for i in range(20)], calibration.NONE,
        [b"{}"] * rows, np.arange(rows, dtype=np.int64) * 100,
        (np.arange(rows) % 20).astype(np.uint32), np.arange(rows, dtype=np.uint32))
    writer.write(path, content, vectors)
    return open_catalog(path)


def quantisation(world: World, catalog: Catalog, vectors: np.ndarray) -> dict:
    """Recall of the file's scheme and of two simpler schemes, for texts and pictures."""
    rng, recalls = np.random.default_rng(1), {}
    chosen = rng.choice(ROWS, QUERIES, replace=False)
    contents = world.contents(range(ROWS))[chosen]
    for kind in ("text", "image"):
        asked = world.queries(kind, contents)
        true = recall.exact(vectors, catalog.owners, asked)
        recalls[kind] = {
            "mean off, int8 a row (the file)": judged(kind, recall.shown(catalog, asked), true,
                                                      recall.largest_error(catalog, true, asked)),
            "int8 a row": ranked(kind, asked @ by_rows(vectors).T, true),
            "int8 a dimension": ranked(kind, asked @ by_dimensions(vectors).T, true)}
    return recalls


def ranked(kind: str, scores: np.ndarray, true: np.ndarray) -> dict:
    """Recall of the scores that a scheme gives, [Q, products]."""
    return judged(kind, rankings.first(scores), true, float(np.abs(scores - true).max()))


def judged(kind: str, shown: np.ndarray, true: np.ndarray, error: float) -> dict:
    """Recall of what is shown; top 1 forgives true ties alone, so that it tells the schemes apart."""
    return vars(recall.compare(kind, shown, true, error)) | {"top1": float(rankings.agreement(shown, true).mean())}


def by_rows(vectors: np.ndarray) -> np.ndarray:
    """Quantised with a factor for each row, without subtracting the mean, and back."""
    factor = np.abs(vectors).max(axis=1, keepdims=True) / 127
    return np.rint(vectors / factor) * factor


def by_dimensions(vectors: np.ndarray) -> np.ndarray:
    """Quantised with a factor for each dimension, without subtracting the mean, and back."""
    factor = np.abs(vectors).max(axis=0, keepdims=True) / 127
    return np.rint(vectors / factor) * factor


def searched(catalog: Catalog, vectors: np.ndarray) -> dict:
    """Milliseconds of a search for the first TOP, and their ratio to usearch's in the same round."""
    import faiss
    from usearch.index import MetricKind
    from usearch.index import search as exact

    sq8, flat = faiss_sq8(vectors), faiss.IndexFlatIP(DIM)
    flat.add(vectors)
    codes, query = np.ascontiguousarray(catalog.codes), vectors[7].copy()
    query8 = np.rint(query / np.abs(query).max() * 127).astype(np.int8)
    runs = {"this catalog": lambda: search.search(catalog, query, TOP),
            "usearch exact int8": lambda: exact(codes, query8, TOP, metric=MetricKind.IP, exact=True, threads=1),
            "faiss SQ8": lambda: sq8.search(query[None], TOP),
            "faiss flat float32": lambda: flat.search(query[None], TOP),
            "NumPy float32": lambda: np.argpartition(-(vectors @ query), TOP)[:TOP],
            "reading the codes once": lambda: codes.view(np.int64).max()}
    return over("usearch exact int8", runs)


def faiss_sq8(vectors: np.ndarray):
    """faiss's index with one byte per number, for one thread."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    return index


def over(base: str, runs: dict[str, Callable]) -> dict:
    """Median milliseconds, and the median of the rounds' ratios to `base`."""
    seconds = turns.taken({name: turns.timed(run) for name, run in runs.items()}, WARM, ROUNDS)
    return {name: {"ms": turns.milliseconds(own), "ratio": turns.ratio(own, seconds[base])}
            for name, own in seconds.items()}


def median_ms(run: Callable) -> float:
    """Median milliseconds of one function, measured alone."""
    return over("it", {"it": run})["it"]["ms"]


def million(folder: Path, raw: Path) -> dict:
    """Building, opening, verifying and searching a million rows."""
    path = folder / "million.catalog"
    seconds, peak = models.timed(["benchmarks.catalog", "build", str(raw), str(path)])
    opened = median_ms(lambda: open_catalog(path))
    catalog = open_catalog(path)
    times, vectors = {}, FileVectors(raw)
    query = vectors[7:8][0]
    for rows in SIZES:
        some = catalog if rows == MILLION else built(folder / f"{rows}.catalog", vectors[:rows])
        times[str(rows)] = median_ms(lambda some=some: search.search(some, query, TOP))
    return {"bytes": path.stat().st_size, "build_seconds": seconds, "build_peak_bytes": peak,
            "open_ms": opened, "verify": verified(catalog), "search_ms": times}


def verified(catalog: Catalog) -> dict:
    """The digest's speed over that of hashlib on the mapped file."""
    seconds = turns.taken({"hashlib": turns.timed(lambda: hashlib.sha256(catalog.content).hexdigest()),
                           "verify": turns.timed(catalog.verify)}, warm=0, rounds=5)
    return {"seconds": round(turns.milliseconds(seconds["verify"]) / 1e3, 2),
            "speed_over_hashlib": turns.ratio(seconds["hashlib"], seconds["verify"])}


def page(results: dict) -> str:
    """The results as Markdown."""
    lines = ["# The catalog", "", "`python -m benchmarks catalog` wrote this page. Synthetic vectors "
             f"(benchmarks/synthetic.py), {ROWS:,} x {DIM}, {QUERIES} queries of each kind; one thread, "
             f"{results['processor']}, {results['cores']} cores. The file (without the products' texts) has "
             f"{results['bytes_over_float32']:.3f} of the bytes of the float32 vectors.", "", "## What int8 costs", "",
             f"| queries | scheme | top 1 | {rankings.named(recall.RECALL_TOLERANCE)} | plain recall@10 | "
             "largest score error |",
             "|---|---|---|---|---|---|"]
    lines += [f"| {kind} | {scheme} | {r['top1']:.3f} | {r['tolerant10']:.4f} | {r['plain10']:.3f} | "
              f"{r['largest_error']:.5f} |"
              for kind, schemes in results["quantisation"].items() for scheme, r in schemes.items()]
    lines += ["", f"## Search, top {TOP}, one thread", "", "Ratios are to usearch, medians over the rounds. "
              "\"Reading the codes once\" is the limit that memory sets.", "", "| | ms | ratio |", "|---|---|---|"]
    lines += [f"| {name} | {r['ms']:.2f} | {r['ratio']:.2f} |" for name, r in results["search"].items()]
    m = results["million"]
    lines += ["", "## A million rows", "", f"{m['bytes'] / 1e6:.0f} MB. Built from ready vectors in "
              f"{m['build_seconds']:.0f} s with at most {m['build_peak_bytes'] / 1e9:.2f} GB. Opens in "
              f"{m['open_ms']:.1f} ms (structure); the digest takes {m['verify']['seconds']:.2f} s, at "
              f"{m['verify']['speed_over_hashlib']:.2f} of hashlib's own speed.", "",
              "| rows | ms a search |", "|---|---|"]
    lines += [f"| {int(rows):,} | {ms:.2f} |" for rows, ms in m["search_ms"].items()]
    return "\n".join([*lines, "", "![search time over rows](catalog.svg)", ""])


def plot(times: dict[str, float]) -> str:
    """Search time over rows, both axes logarithmic, with the straight line through the last point."""
    rows, ms = np.array([int(r) for r in times], float), np.array(list(times.values()))
    low, high = np.log10(min(ms) / 2), np.log10(max(ms) * 2)

    def x(value: float) -> float:
        return 60 + 420 * (np.log10(value) - 3) / 3

    def y(value: float) -> float:
        return 260 - 230 * (np.log10(value) - low) / (high - low)

    dots = "".join(f'<circle cx="{x(r):.1f}" cy="{y(m):.1f}" r="4"/><text x="{x(r):.1f}" y="{y(m) - 9:.1f}" '
                   f'text-anchor="middle">{m:.2f}</text>' for r, m in zip(rows, ms, strict=True))
    ticks = "".join(f'<text x="{x(r):.1f}" y="280" text-anchor="middle">{int(r):,}</text>'
                    for r in (1e3, 1e4, 1e5, 1e6))
    line = f'<line x1="{x(1e3):.1f}" y1="{y(ms[-1] / 1e3) if ms[-1] / 1e3 > 10 ** low else 260:.1f}" ' \
           f'x2="{x(1e6):.1f}" y2="{y(ms[-1]):.1f}" stroke="#999" stroke-dasharray="4 3"/>'
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 310" font-family="sans-serif" font-size="11">'
            '<rect width="520" height="310" fill="#fff"/><path d="M60 20V260H490" fill="none" stroke="#333"/>'
            f'{line}<g fill="#2f6f9f">{dots}</g>{ticks}<text x="275" y="302" text-anchor="middle">rows</text>'
            '<text x="14" y="140" transform="rotate(-90 14 140)" text-anchor="middle">ms a search</text></svg>\n')


if __name__ == "__main__":                   # in its own process, whose peak memory is that of the build
    built(Path(sys.argv[3]), FileVectors(Path(sys.argv[2])))
