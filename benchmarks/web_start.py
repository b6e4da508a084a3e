"""Measures a first search after a warm start in Chromium: LiteRT.js against ONNX Runtime Web, and against the limit.

A warm start: the browser was here before, so that the page is kept by its service worker and the model's files in its
cache; a new page is opened, words are typed and sent as soon as the page's code runs, and products are drawn. All times
are of the page's own clock. In: Chromium (CHROMIUM= names it), `make npm`, and dist/demo with its catalog, as `make
preview` leaves it (DIST=folder names another). Out: web_start.json and web_start.md. Exit status 2 if it cannot
run. Run it on a quiet machine.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks import limits, turns
from benchmarks.web_scan import found
from catalog_builder import apps
from catalog_builder.apps import WEB
from catalog_builder.web import preview_server, web_site
from export.artifacts import manifest
from export.artifacts.shipping import Accepted
from export.common import files, node
from export.common.errors import InputError
from export.formats.table import ONNX

HERE = Path(__file__).parent
DRIVER = web_site.PAGE / "tests" / "tools" / "start.js"
RESULTS, PAGE = HERE / "web_start.json", HERE / "web_start.md"
ORT = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
TEXT, BEST = "a red apple", "Red apple, fresh"
WARM, ROUNDS = 3, 21                         # visits that do not count, and those that do
MOST = 300.0                                 # milliseconds from sending the words to the products on the screen
TIMES = {"painted": "first paint", "code": "the page's code runs", "sent": "the words are sent",
         "drawn": "products are drawn"}      # since the navigation began
LITERT, OTHER = "LiteRT.js", "ONNX Runtime Web"


class Visits:
    """A browser that was on both pages before, driven by web_sample/tests/tools/start.js."""

    def __init__(self, chromium: str, addresses: list[str]):
        self.process = subprocess.Popen([*node.found().node, DRIVER, chromium, TEXT, *addresses], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.asked, self.answers = turns.pipes(self.process)
        self.version = self.answers.readline().strip()

    def __enter__(self) -> "Visits":
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.close()                   # the end of its input is the end of its work
        self.process.wait()
        self.answers.close()

    def visit(self, place: int) -> dict:
        """One visit of that address. Raises RuntimeError where the page found something else."""
        self.asked.write(f"{place}\n")
        answer = json.loads(self.answers.readline() or "{}")
        if not answer or answer["found"][0][0] != BEST:
            raise RuntimeError(f"the page answered {answer!r}, expected {BEST!r} first")
        return answer


def main() -> None:
    """Measures, and writes the results and the page. Ends the process with 2 if it cannot run."""
    with tempfile.TemporaryDirectory(prefix="web-start-") as folder:
        try:
            chromium = found()
            dist = Path(os.environ.get("DIST", files.ROOT / "dist" / "demo")).resolve()
            sites = written(dist, Path(folder))
        except InputError as error:
            print(f"benchmarks: {error}", file=sys.stderr)
            sys.exit(2)
        results = {"processor": limits.processor(), "cores": os.cpu_count(), "encoders": encoders(sites[LITERT])}
        results |= measured(chromium, sites)
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")


def written(dist: Path, folder: Path) -> dict[str, Path]:
    """The site as `make web` writes it, and the same with ONNX Runtime Web in float32.

    Raises InputError for a folder without one catalog, and where `make web` would.
    """
    catalogs = sorted(dist.glob("*.catalog"))
    if len(catalogs) != 1:
        raise InputError("not one catalog", where=dist, found=len(catalogs), remedy="make preview, or DIST=folder")
    ours, other = folder / "litert", folder / "ort"
    web_site.write(dist, catalogs[0], None, Accepted(), ours)
    shutil.copytree(ours, other)
    (other / "runtime" / "ort").mkdir()
    for name in ORT:
        shutil.copy(web_site.PAGE / "node_modules" / "onnxruntime-web" / "dist" / name, other / "runtime" / "ort")
    app = replace(WEB, format=ONNX, folder=other / WEB.folder.name, precisions=None)
    apps.fill(dist, catalogs[0], "fp32", Accepted(), apps=[app])
    files.write_json(other / web_site.LISTED, web_site.listing(other))
    return {LITERT: ours, OTHER: other}


def encoders(site: Path) -> dict[str, str]:
    """The precision of each encoder that a site has."""
    return {one.encoder: one.precision for one in manifest.read(site / web_site.MODEL).artifacts}


def measured(chromium: str, sites: dict[str, Path]) -> dict:
    """Visits of both sites in turn."""
    with ExitStack() as stack:
        addresses = []
        for site in sites.values():
            server = stack.enter_context(preview_server.opened(site, 0))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            addresses.append(f"http://{preview_server.HOST}:{server.server_address[1]}/app/")
        visits = stack.enter_context(Visits(chromium, addresses))
        for _ in range(WARM):
            for place in range(len(addresses)):
                visits.visit(place)
        rounds = [[visits.visit(place) for place in range(len(addresses))] for _ in range(ROUNDS)]
    by_site = dict(zip(sites, zip(*rounds, strict=True), strict=True))
    first = {name: [(one["drawn"] - one["sent"]) / 1e3 for one in some] for name, some in by_site.items()}
    again = {name: [one["again"] / 1e3 for one in some] for name, some in by_site.items()}
    ours = by_site[LITERT]
    limit = [one["limit"] / 1e3 for one in ours]
    return {"chromium": visits.version, "most": MOST, "since": {
                key: turns.milliseconds([one[key] / 1e3 for one in ours]) for key in TIMES},
            "first": {name: turns.milliseconds(first[name]) for name in sites},
            "again": {name: turns.milliseconds(again[name]) for name in sites}, "limit": turns.milliseconds(limit),
            "ratio": turns.ratio(first[LITERT], first[OTHER]), "to_limit": turns.ratio(first[LITERT], limit)}


def page(results: dict) -> str:
    """The results as Markdown."""
    first, again, pair = results["first"], results["again"], results["encoders"]
    kept = "kept" if first[LITERT] <= results["most"] else "missed"
    lines = ["# A first search after a warm start", "",
             "`python -m benchmarks web_start` wrote this page. The demo model "
             f"(text {pair['text']}, image {pair['image']}) and the sample shop in Chromium {results['chromium']}, "
             f"{results['processor']}, {results['cores']} cores. The browser was here before; a new page is opened, "
             "and words are typed and sent as soon as its code runs, so that runtime, encoder, tokenizer and catalog "
             f"are all still to be loaded. Medians of {ROUNDS} visits, in turn with those of the page with {OTHER} "
             "(fp32).", "",
             "| | ms |", "|---|---|",
             *(f"| from the navigation's start: {what} | {results['since'][key]:.0f} |" for key, what in TIMES.items()),
             f"| **words sent to products drawn, {LITERT}** (at most {results['most']:.0f}: {kept}) | "
             f"**{first[LITERT]:.0f}** |",
             f"| the same with {OTHER} | {first[OTHER]:.0f} |",
             f"| another search in the same page, {LITERT} | {again[LITERT]:.0f} |",
             f"| the limit: the same files read from the browser's cache, and the runtime compiled | "
             f"{results['limit']:.0f} |", "",
             f"{LITERT} takes {results['ratio']:.2f} of {OTHER}'s time, and {results['to_limit']:.2f} times the limit."]
    return "\n".join([*lines, ""])
