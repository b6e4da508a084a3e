"""Both routes to TFLite: the same encoders exported by litert-torch and by onnx2tf, gated, and timed in one run.

In: MODELS=demo,s2 (random weights, except for the demo), the environment of `make environment TFLITE_ROUTE=onnx2tf`.
Out: routes.json and routes.md.
"""

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks import latency, models
from export.artifacts import receipts
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.common import files
from export.formats import table
from export.weights import checkpoint
from export.weights.models import BUNDLED, TABLE
from parity.report import verdicts

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "routes.json", HERE / "routes.md"
PRECISIONS, THREADS = "fp32,fp16", 1


def main() -> None:
    """Measures the models, and writes routes.json and the page after each."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in os.environ.get("MODELS", "demo").split(","):
        with tempfile.TemporaryDirectory(prefix="routes-") as out:
            results[name] = measure(name, Path(out))
        files.write_json(RESULTS, results)
        with files.whole(PAGE) as partial:
            partial.write_text(page(results), encoding="utf-8")


def measure(name: str, out: Path) -> dict:
    """{"machine", "routes": {route: {seconds, peak_bytes}}, "artefacts": {route: {path: {…}}}}."""
    routes = {route: exported(name, route, out) for route in table.ROUTES}
    spec, source = Dist(out / table.LITERT_TORCH / name).source()
    model = checkpoint.reparameterise(checkpoint.load(spec, source))
    artefacts = {route: described(out / route / name) for route in table.ROUTES}
    for encoder in table.ENCODERS:
        one = latency.example(encoder, spec)
        both = entries(out, name, encoder)
        rows = latency.compare(out, both, latency.eager_run(model, encoder, spec, one), one, THREADS)["rows"]
        for entry in both:
            route, _, path = entry.path.split("/", 2)
            artefacts[route][path]["latency"] = rows.get(entry.path)
    return {"machine": latency.machine(), "routes": routes, "artefacts": artefacts}


def exported(name: str, route: str, out: Path) -> dict:
    """Exports and gates one model by one route into out/<route>/<name>; a red gate shows in the outcomes."""
    common = ["--model", name, "--out", str(out / route)]
    weights = [] if TABLE[name].architecture in BUNDLED else ["--weights", "random"]
    seconds, peak = models.timed(["export", *common, *weights, "--formats", "tflite", "--precision", PRECISIONS,
                                  "--workers", "1", "--tflite-route", route])
    models.timed(["parity", *common])
    return {"seconds": seconds, "peak_bytes": peak}


def entries(out: Path, name: str, encoder: str) -> list[Artifact]:
    """What both routes made of one encoder, by paths relative to `out`."""
    return [replace(made, path=f"{route}/{name}/{made.path}") for route in table.ROUTES
            for made in Dist(out / route / name).manifest.artifacts if made.encoder == encoder]


def described(folder: Path) -> dict:
    """Each artefact's bytes, seconds and memory, and what the gate found."""
    gate = json.loads((folder / verdicts.NAME).read_text(encoding="utf-8"))
    by_path = receipts.read(folder)
    return {r["path"]: {"bytes": by_path[r["path"]].bytes, "seconds": by_path[r["path"]].seconds,
                        "peak_rss": by_path[r["path"]].peak_rss, "outcome": r["outcome"],
                        "cosine_min": r["closeness"] and r["closeness"]["cosine_min"],
                        "max_abs": r["closeness"] and r["closeness"]["max_abs"]} for r in gate["results"]}


def page(results: dict) -> str:
    """The results as Markdown."""
    lines = ["# Two routes to TFLite", "", "`python -m benchmarks routes` wrote this page. Seconds and memory of "
             f"`python -m export --formats tflite --precision {PRECISIONS} --workers 1`, its processes together. "
             "Ratio: time over that of eager PyTorch in the same run, one thread, with the quartiles "
             "([latency.md](latency.md) says how). Random weights, except for the demo."]
    for name, result in results.items():
        lines += ["", f"## {name}", "", "| route | seconds | peak GB |", "|---|---|---|"]
        lines += [f"| {route} | {r['seconds']:.0f} | {r['peak_bytes'] / 1e9:.1f} |"
                  for route, r in result["routes"].items()]
        lines += ["", "| artefact | route | MB | memory MB | ratio | quartiles | least cosine | max abs | outcome |",
                  "|---|---|---|---|---|---|---|---|---|"]
        lines += [row(path, route, result["artefacts"][route][path])
                  for path in result["artefacts"][table.LITERT_TORCH] for route in table.ROUTES]
        lines += ["", f"{result['machine']['processor']}, {result['machine']['cores']} cores."]
    return "\n".join([*lines, ""])


def row(path: str, route: str, a: dict) -> str:
    """One line of the table."""
    taken = a["latency"]
    ratio = f"{taken['ratio']:.2f} | {taken['low']:.2f} to {taken['high']:.2f}" if taken else "not measured | –"
    memory = "–" if a["peak_rss"] is None else f"{a['peak_rss'] / 1e6:.0f}"
    near = f"{a['cosine_min']:.7f} | {a['max_abs']:.1e}" if a["max_abs"] is not None else "– | –"
    return f"| {path} | {route} | {a['bytes'] / 1e6:.1f} | {memory} | {ratio} | {near} | {a['outcome']} |"
