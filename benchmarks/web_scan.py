"""Measures the browser's scan in Chromium: a catalog's search against faiss, and a million rows against 100,000.

In: Chromium (CHROMIUM= names it), `make npm`. Out: web_scan.json and web_scan.md. One thread
everywhere; everything compared takes turns, Chromium by its page's own clock. A ratio is the median over the rounds.
The results are compared too. Exit status 2 if it cannot run. Run it on a quiet machine.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import limits, turns
from benchmarks.catalog import MILLION, ROWS, TOP, FileVectors, built, faiss_sq8
from benchmarks.synthetic import DIM, World
from catalog_builder.catalog import search
from catalog_builder.catalog.reader import Catalog
from export.common import files, node
from export.common.errors import InputError
from export.runners import webgpu_runner

HERE = Path(__file__).parent
PAGE_MODULE = HERE.parent / "web_sample"
BENCH = PAGE_MODULE / "tests" / "tools" / "bench.js"
RESULTS, PAGE = HERE / "web_scan.json", HERE / "web_scan.md"
WARM, ROUNDS = 20, 41                        # turns before the just-in-time compiler is done, turns that count
MOST = {"search": 0.5, "million": 11}        # the largest ratios allowed
SOME, MANY = "some.catalog", "million.catalog"


class Chromium:
    """A page in Chromium, driven by web_sample/tests/tools/bench.js."""

    def __init__(self, chromium: str, folder: Path):
        self.process = subprocess.Popen([*node.found().node, BENCH, chromium, folder, str(TOP)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.asked, self.answers = turns.pipes(self.process)
        self.version = self.answers.readline().strip()

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.close()                   # the end of its input is the end of its work
        self.process.wait()
        self.answers.close()

    def turn(self, catalog: Catalog, query: np.ndarray, exact: bool = False) -> turns.Turn:
        """Searches the catalog in the page. Raises RuntimeError where its products are not Python's."""
        expected = ",".join(str(hit.product) for hit in search.search(catalog, query, TOP, exact=exact))

        def run() -> float:
            self.asked.write(f"{catalog.path.name}{' exact' if exact else ''}\n")
            taken, _, answer = self.answers.readline().strip().partition(" ")
            if answer != expected:
                raise RuntimeError(f"the page answered {answer!r}, and Python {expected!r}")
            return float(taken) / 1e3        # the page reports milliseconds

        return run


def main() -> None:
    """Measures, and writes the results and the page. Ends the process with 2 if it cannot run."""
    try:
        chromium = found()
    except InputError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        sys.exit(2)
    results: dict = {"processor": limits.processor(), "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        results |= searches(Path(name), chromium)
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")


def found() -> str:
    """Where Chromium is. Raises InputError if it, Node, or what drives it is missing."""
    if lack := webgpu_runner.lacks():
        raise lack
    return str(webgpu_runner.chromium())


def searches(folder: Path, chromium: str) -> dict:
    """A search of ROWS rows against faiss SQ8 and the limit, and of MILLION rows against ROWS, in the same rounds."""
    world = World.of()
    vectors = world.pictures(range(ROWS))
    query, raw = vectors[7].copy(), folder / "million.f32"
    query.tofile(folder / "query.f32")
    index = faiss_sq8(vectors)
    world.write(raw, MILLION)
    some, many = built(folder / SOME, vectors), built(folder / MANY, FileVectors(raw))
    codes = np.ascontiguousarray(some.codes)
    with Chromium(chromium, folder) as tab:
        taken = turns.taken({"the page": tab.turn(some, query), "a million rows": tab.turn(many, query),
                             "faiss SQ8": turns.timed(lambda: index.search(query[None], TOP)),
                             "reading the codes once": turns.timed(lambda: codes.view(np.int64).max())}, WARM, ROUNDS)
        return {"chromium": tab.version, "search": compared(taken, "the page", "faiss SQ8", MOST["search"]),
                "million": compared(taken, "a million rows", "the page", MOST["million"]),
                "limit": compared(taken, "the page", "reading the codes once")}


def compared(taken: dict[str, list[float]], name: str, base: str, most: float | None = None) -> dict:
    """Medians, and the median of the rounds' ratios."""
    return {"name": name, "base": base, "ms": turns.milliseconds(taken[name]), "most": most,
            "base_ms": turns.milliseconds(taken[base]), "ratio": turns.ratio(taken[name], taken[base])}


def page(results: dict) -> str:
    """The results as Markdown."""
    rows = {f"search, {ROWS:,} x {DIM}, top {TOP}": results["search"],
            f"search, {MILLION:,} x {DIM}, top {TOP}": results["million"],
            f"search, {ROWS:,} x {DIM}, against the limit that memory sets": results["limit"]}
    lines = ["# The browser's scan", "", "`python -m benchmarks web_scan` wrote this page. One thread, Chromium "
             f"{results['chromium']}, WebAssembly SIMD; {results['processor']}, {results['cores']} cores. Ratios are "
             f"medians over {ROUNDS} rounds in which all took turns; the page's products were Python's in every one. "
             "\"Reading the codes once\" is NumPy's maximum over them.", "",
             "| | ms | against | ms | ratio | at most | |", "|---|---|---|---|---|---|---|"]
    lines += [f"| {what} | {row['ms']:.2f} | {row['base']} | {row['base_ms']:.2f} | {row['ratio']:.2f} | "
              f"{verdict(row)} |" for what, row in rows.items()]
    return "\n".join([*lines, ""])


def verdict(row: dict) -> str:
    """The bound and whether it was kept; nothing for what has none."""
    if row["most"] is None:
        return "|"
    return f"{row['most']} | {'kept' if row['ratio'] <= row['most'] else 'missed'}"
