"""A model's TFLite encoders enter; the memory that they keep on an Android phone's CPU leaves: each, and both together.

LiteRT on one thread, in a fresh process for each row; growth from before the load until after one run. Private pages
(RssAnon) are the process's until it lets them go. Pages of the mapped file (RssFile) can be dropped by the system. The
peak counts both. MODEL= names the model (s2, with random weights); DIST=folder is an export of it that is there, and
its verdicts are shown. Linux only.
"""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.limits import processor
from benchmarks.models import timed
from export import runners
from export.artifacts import manifest
from export.artifacts.manifest import Artifact, Manifest
from export.common import files
from export.formats.table import ENCODERS, TFLITE
from export.runners import memory
from export.weights.models import BUNDLED, TABLE

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "android_memory.json", HERE / "android_memory.md"
PRECISIONS = ("fp32", "fp16", "dynamic-int8")
# Image and text: the default where dynamic-int8 text fails the gate, the default where it passes, and the least.
PAIRS = (("fp16", "fp32"), ("fp16", "dynamic-int8"), ("dynamic-int8", "dynamic-int8"))
FIELDS = {"private": "RssAnon", "file_backed": "RssFile", "peak": "VmHWM"}       # of /proc/self/status, in kB


def main() -> None:
    """Measures, and writes android_memory.json and android_memory.md."""
    name, given = os.environ.get("MODEL", "s2"), os.environ.get("DIST")
    out = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    try:
        found = measure(Path(given) if given else exported(name, out))
    finally:
        shutil.rmtree(out)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    files.write_json(RESULTS, results | {name: found})
    PAGE.write_text(page(results | {name: found}), encoding="utf-8")


def exported(name: str, out: Path) -> Path:
    """dist/<model>/ with the TFLite encoders of all precisions."""
    weights = [] if TABLE[name].architecture in BUNDLED else ["--weights", "random"]
    timed(["export", "--model", name, "--formats", TFLITE.name, "--precision", ",".join(PRECISIONS), *weights,
           "--out", str(out)])
    return out / name


def measure(folder: Path) -> dict:
    """Each encoder of dist/<model>/ alone, and the pairs of PAIRS that are there."""
    made = manifest.read(folder)
    there = {(a.encoder, a.precision): a for a in made.artifacts if a.format == TFLITE.name}
    alone = [[there[encoder, precision]] for encoder in ENCODERS for precision in PRECISIONS
             if (encoder, precision) in there]
    both = [[there["image", image], there["text", text]] for image, text in PAIRS
            if {("image", image), ("text", text)} <= there.keys()]
    return {"weights": made.weights and made.weights.kind, "space": made.space, "processor": processor(),
            "runtime": runners.runtimes(TFLITE.name)[0], "python": platform.python_version(),
            "numpy": importlib.metadata.version("numpy"), "rows": [row(folder, made, some) for some in alone + both]}


def row(folder: Path, made: Manifest, artifacts: Sequence[Artifact]) -> dict:
    """Growth in bytes with these encoders loaded, their files' bytes and verdicts."""
    sides = {"image": [made.image.height, made.image.width, 3], "text": [made.text.context_length]}
    asked = [[a.encoder, str((folder / a.path).resolve()), sides[a.encoder]] for a in artifacts]
    print(" + ".join(a.path for a in artifacts), "…", flush=True)
    answer = subprocess.run([sys.executable, "-m", "benchmarks.android_memory", json.dumps(asked)], cwd=HERE.parent,
                            capture_output=True, text=True, check=True)
    return {a.encoder: {"precision": a.precision, "bytes": a.bytes, "outcome": a.parity and a.parity.outcome}
            for a in artifacts} | json.loads(answer.stdout.splitlines()[-1])


def growth(asked: list) -> str:
    """As JSON, what this process grows by when it loads encoders and runs each once; see `row`."""
    before = status()
    held = []
    for encoder, path, shape in asked:
        run = runners.load(TFLITE.name, Path(path), encoder, threads=1)
        if isinstance(run, runners.CouldNotRun):
            sys.exit(run.reason)
        run(np.zeros((1, *shape), np.uint8 if encoder == "image" else np.int32))
        held.append(run)
    return json.dumps({field: status()[field] - before[field] for field in FIELDS})


def status() -> dict[str, int]:
    """Bytes of this process, by FIELDS."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {field: int(lines[name].split()[0]) * 1024 for field, name in FIELDS.items()}


def page(results: dict) -> str:
    """The results as Markdown."""
    lines = ["# Memory on an Android phone's CPU", "",
             "`python -m benchmarks android_memory` wrote this page. LiteRT on one thread, a fresh process for each "
             "row: growth from before the load until after one run. Private pages (RssAnon) stay; those of mapped "
             "files (RssFile) can be dropped. Measured on Linux x86-64: on no phone."]
    for name, result in results.items():
        lines += ["", f"## {name}, weights: {result['weights']}", "",
                  "| image | text | files MB | private MB | file-backed MB | peak MB | gate |",
                  "|---|---|---|---|---|---|---|", *map(line, result["rows"]), "",
                  f"{result['runtime']}, {result['processor']}, Python {result['python']}."]
        if result["weights"] == "random":
            lines.append("The gate judges random weights by closeness alone.")
        if pair := shipped(result["rows"]):
            lines += ["", f"`make apps` takes the first default precision that passed, image "
                          f"{pair['image']['precision']} and text {pair['text']['precision']}: "
                          f"{pair['private'] / 1e6:.0f} MB private."]
    return "\n".join([*lines, ""])


def shipped(rows: Sequence[dict]) -> dict | None:
    """The row of the default pair that passed the gate; None if there is none, or if the pair was not measured."""
    passed = {(encoder, row[encoder]["precision"]) for row in rows for encoder in ENCODERS
              if encoder in row and row[encoder]["outcome"] == "passed"}
    wanted = [next((one for one in TFLITE.default[encoder] if (encoder, one) in passed), None) for encoder in ENCODERS]
    return next((row for row in rows if [row.get(encoder, {}).get("precision") for encoder in ENCODERS] == wanted
                 and None not in wanted), None)


def line(found: dict) -> str:
    """One row of the table."""
    sides = [found[encoder] for encoder in ENCODERS if encoder in found]
    names = [found[encoder]["precision"] if encoder in found else "–" for encoder in ENCODERS]
    outcomes = [side["outcome"] or "not gated" for side in sides]
    verdict = outcomes[0] if len(set(outcomes)) == 1 else " + ".join(outcomes)
    figures = [sum(side["bytes"] for side in sides), *(found[field] for field in FIELDS)]
    return f"| {' | '.join(names)} | {' | '.join(f'{value / 1e6:.0f}' for value in figures)} | {verdict} |"


if __name__ == "__main__":
    memory.print_in_fork(TFLITE, lambda: growth(json.loads(sys.argv[1])))
