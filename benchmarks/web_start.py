"""Measures a first search after a warm start in Chromium: LiteRT.js against ONNX Runtime Web, and against the limit.

A warm start: the browser was here before, so that the page is kept by its service worker and the model's files in its
cache; a new page is opened, the field is touched as soon as the page's code runs, words are typed and sent, and
products are drawn. A shopper types for a second; the worst case sends in the same moment, when nothing is loaded yet.
All times are of the page's own clock. In: Chromium (CHROMIUM= names it), `make npm`, and dist/demo with its catalog, as
`make preview` leaves it (DIST=folder names another). Out: web_start.json and web_start.md. Exit status 2 if it cannot
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
TYPING, AT_ONCE = 1000, 0                    # milliseconds from touching the field to sending: 11 letters, fast
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

    def visit(self, place: int, typing: int) -> dict:
        """One visit of that address. Raises RuntimeError where the page found something else."""
        self.asked.write(f"{place} {typing}\n")
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
        every = [(place, typing) for place in range(len(addresses)) for typing in (TYPING, AT_ONCE)]
        for _ in range(WARM):
            for one in every:
                visits.visit(*one)
        rounds = [[visits.visit(*one) for one in every] for _ in range(ROUNDS)]
    by_case = dict(zip(((name, typing) for name in sites for typing in (TYPING, AT_ONCE)),
                       zip(*rounds, strict=True), strict=True))
    first = {case: [(one["drawn"] - one["sent"]) / 1e3 for one in some] for case, some in by_case.items()}
    ours = by_case[LITERT, AT_ONCE]
    limit = [one["limit"] / 1e3 for one in ours]
    return {"chromium": visits.version, "most": MOST, "since": {
                key: turns.milliseconds([one[key] / 1e3 for one in ours]) for key in TIMES},
            "typed": {name: turns.milliseconds(first[name, TYPING]) for name in sites},
            "at_once": {name: turns.milliseconds(first[name, AT_ONCE]) for name in sites},
            "again": turns.milliseconds([one["again"] / 1e3 for one in ours]), "limit": turns.milliseconds(limit),
            "ratio": turns.ratio(first[LITERT, AT_ONCE], first[OTHER, AT_ONCE]),
            "to_limit": turns.ratio(first[LITERT, AT_ONCE], limit)}


def page(results: dict) -> str:
    """The results as Markdown."""
    typed, at_once, pair = results["typed"], results["at_once"], results["encoders"]
    kept = "kept" if typed[LITERT] <= results["most"] else "missed"
    lines = ["# A first search after a warm start", "",
             "`python -m benchmarks web_start` wrote this page. The demo model "
             f"(text {pair['text']}, image {pair['image']}) and the sample shop in Chromium {results['chromium']}, "
             f"{results['processor']}, {results['cores']} cores. The browser was here before; a new page is opened, "
             "and the shopper touches the field as soon as its code runs. Runtime, encoder, tokenizer and catalog are "
             f"loaded while the words are typed. Medians of {ROUNDS} visits, in turn with those of the page with "
             f"{OTHER} (fp32).", "",
             f"| ms | {LITERT} | {OTHER} |", "|---|---|---|",
             f"| **words sent to products drawn, after {TYPING / 1000:.0f} s of typing** (at most "
             f"{results['most']:.0f}: {kept}) | **{typed[LITERT]:.0f}** | {typed[OTHER]:.0f} |",
             "| the same, sent in the moment in which the page's code runs: the worst case | "
             f"{at_once[LITERT]:.0f} | {at_once[OTHER]:.0f} |",
             f"| another search in the same page | {results['again']:.0f} | |",
             "| the worst case's limit: the same files read from the browser's cache, and the runtime compiled | "
             f"{results['limit']:.0f} | |",
             *(f"| the worst case, from the navigation's start: {what} | {results['since'][key]:.0f} | |"
               for key, what in TIMES.items()), "",
             f"In the worst case {LITERT} takes {results['ratio']:.2f} of {OTHER}'s time, and "
             f"{results['to_limit']:.2f} times the limit."]
    return "\n".join([*lines, ""])
