"""TFLite encoders enter; what a page in Chromium keeps in memory with both loaded leaves, for each pair of precisions.

A worker loads both encoders by the sample page's own modules, and asks each once; the growth of the page's own process
is read from /proc: its resident memory then, and at its peak. MODEL= names the model (s2, with random weights);
DIST=folder is an export of it that is there, with its verdicts. In: Chromium (CHROMIUM= names it), `make npm`; Linux.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.limits import processor
from benchmarks.models import timed
from catalog_builder.web import litert_files, preview_server, web_site
from export.artifacts import manifest
from export.artifacts.manifest import Artifact
from export.common import files, node
from export.common.errors import InputError
from export.formats.table import ENCODERS, TFLITE
from export.runners import webgpu_runner
from export.weights.models import DEMO, TABLE

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "web_memory.json", HERE / "web_memory.md"
TOOLS = web_site.PAGE / "tests" / "tools"
DRIVER, WORKER = TOOLS / "memory.js", TOOLS / "memory-worker.js"
PRECISIONS = ("fp32", "int8", "dynamic-int8")
PAIRS = (("dynamic-int8", "dynamic-int8"), ("dynamic-int8", "int8"), ("int8", "dynamic-int8"), ("int8", "int8"),
         ("fp32", "dynamic-int8"), ("fp32", "int8"), ("fp32", "fp32"))        # image and text
ROUNDS = 3                                   # each in a browser of its own; the median counts
TARGET = 380e6                               # bytes of growth, at the peak, that the least pair may take


def main() -> None:
    """Measures, and writes web_memory.json and web_memory.md. Ends the process with 2 if it cannot run."""
    name, given = os.environ.get("MODEL", "s2"), os.environ.get("DIST")
    with tempfile.TemporaryDirectory(prefix="web-memory-") as folder:
        try:
            if lack := webgpu_runner.lacks():
                raise lack
            found = measure(Path(given) if given else exported(name, Path(folder)), Path(folder))
        except InputError as error:
            print(f"benchmarks: {error}", file=sys.stderr)
            sys.exit(2)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    files.write_json(RESULTS, results | {name: found})
    PAGE.write_text(page(results | {name: found}), encoding="utf-8")


def exported(name: str, out: Path) -> Path:
    """dist/<model>/ with the TFLite encoders of all precisions, gated."""
    weights = [] if TABLE[name].architecture == DEMO else ["--weights", "random"]
    timed(["export", "--model", name, "--formats", TFLITE.name, "--precision", ",".join(PRECISIONS), *weights,
           "--out", str(out)])
    subprocess.run([sys.executable, "-m", "parity", "--model", name, "--out", str(out)], cwd=HERE.parent)
    return out / name


def measure(dist: Path, folder: Path) -> dict:
    """Every pair of PAIRS that is there."""
    made = manifest.read(dist)
    there = {(a.encoder, a.precision): a for a in made.artifacts if a.format == TFLITE.name}
    pairs = [[there[one] for one in zip(ENCODERS, pair, strict=True)] for pair in PAIRS
             if {*zip(ENCODERS, pair, strict=True)} <= there.keys()]
    litert_files.fetch(web_site.PAGE)
    measured = []
    for pair in pairs:
        print(" + ".join(one.path for one in pair), "…", flush=True)
        site = written(folder / "site", dist, pair)
        rounds = sorted((growth(site) for _ in range(ROUNDS)), key=lambda one: one["peak"])
        measured.append({one.encoder: {"precision": one.precision, "bytes": one.bytes,
                                       "outcome": one.parity and one.parity.outcome} for one in pair}
                        | rounds[ROUNDS // 2])
        shutil.rmtree(site)
    return {"weights": made.weights and made.weights.kind, "processor": processor(), "rows": measured}


def written(site: Path, dist: Path, pair: Sequence[Artifact]) -> Path:
    """A site of the page's own modules, a page that does nothing, and a model of these two encoders."""
    for path in web_site.sources(web_site.PAGE):
        target = site / path.relative_to(web_site.PAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (site / "app" / "empty.html").write_text("<!doctype html><title>nothing</title>", encoding="utf-8")
    shutil.copy(WORKER, site / "app")
    model = site / web_site.MODEL
    for one in pair:
        (model / one.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(dist / one.path, model / one.path)
    manifest.write(model, replace(manifest.read(dist), artifacts=[replace(one, fallback=None) for one in pair]))
    return site


def growth(site: Path) -> dict:
    """What the page's process grows by, as the driver says it. Raises InputError if it does not work."""
    with preview_server.opened(site, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://{preview_server.HOST}:{server.server_address[1]}/app/empty.html"
        answer = subprocess.run([*node.found().node, str(DRIVER), str(webgpu_runner.chromium()), address],
                                capture_output=True, text=True)
        server.shutdown()
    if answer.returncode:
        raise InputError("Chromium cannot run the encoders", found=answer.stderr[-500:])
    return json.loads(answer.stdout)


def page(results: dict) -> str:
    """The results as Markdown."""
    lines = ["# Memory in a browser", "",
             "`python -m benchmarks web_memory` wrote this page. LiteRT.js on one thread, in a worker of a page in "
             "headless Chromium: growth of the page's process (resident memory) from before the runtime is loaded "
             "until both encoders have answered once, and at its peak. The median of "
             f"{ROUNDS}, each in a new browser. At the peak s2's least pair is to take at most {TARGET / 1e6:.0f} MB."]
    for name, result in results.items():
        lines += ["", f"## {name}, weights: {result['weights']}", "",
                  "| image | text | files MB | now MB | peak MB | gate |", "|---|---|---|---|---|---|",
                  *map(line, result["rows"]), "", f"Chromium {result['rows'][0]['browser']}, {result['processor']}."]
        if result["weights"] == "random":
            lines.append("The gate judges random weights by closeness alone.")
    return "\n".join([*lines, ""])


def line(row: dict) -> str:
    """One row of the table."""
    sides = [row[encoder] for encoder in ENCODERS]
    outcomes = [side["outcome"] or "not gated" for side in sides]
    verdict = outcomes[0] if len(set(outcomes)) == 1 else " + ".join(outcomes)
    figures = [sum(side["bytes"] for side in sides), row["now"], row["peak"]]
    return (f"| {' | '.join(side['precision'] for side in sides)} | "
            f"{' | '.join(f'{value / 1e6:.0f}' for value in figures)} | {verdict} |")
