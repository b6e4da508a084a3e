"""Every model of the table through export and gate, random weights (the demo: its own): seconds, memory, size, cosine.

Each model runs in its own processes, as in `make export`; peak memory is that of all of them together. The results are
written after each model. MODELS=s2,demo measures only these models and keeps the last results of the others.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from export.artifacts import receipts
from export.common import files
from export.formats import table
from export.weights.models import BUNDLED, TABLE
from parity.report import verdicts

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "models.json", HERE / "models.md"
TOLERANCES = HERE.parent / "parity" / "gate" / "tolerances.toml"
BIG = ("2-s4", "2-l14")                      # one format at a time in one process, to bound the memory


def main() -> None:
    """Measures, and writes models.json, the page and the measured tolerances."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    names = os.environ.get("MODELS", ",".join(TABLE)).split(",")
    unknown = set(names) - set(TABLE)
    if unknown:
        raise SystemExit(f"benchmarks: MODELS names {', '.join(sorted(unknown))}; expected some of {', '.join(TABLE)}")
    for name in names:
        print(f"{name} …", flush=True)
        results[name] = measure(name)
        files.write_json(RESULTS, {known: results[known] for known in TABLE if known in results})
        PAGE.write_text(page(results), encoding="utf-8")
        write_measured(results)


def measure(name: str) -> dict:
    """One model, all formats, float32 and float16: what `make export PRECISION=fp32,fp16` does."""
    out = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    try:
        common = ["--model", name, "--out", str(out)]
        weights = [] if TABLE[name].architecture in BUNDLED else ["--weights", "random"]
        workers, formats = ("1", table.FORMATS) if name in BIG else ("2", [",".join(table.FORMATS)])
        steps = [["export", *common, *weights, "--precision", "fp32,fp16", "--workers", workers, "--formats", some]
                 for some in formats]
        taken = [timed(step) for step in [*steps, ["parity", *common]]]
        folder = out / name
        gate = json.loads((folder / verdicts.NAME).read_text(encoding="utf-8"))
        by_path = receipts.read(folder)
        return {"export_seconds": sum(s for s, _ in taken[:-1]), "gate_seconds": taken[-1][0],
                "peak_bytes": max(p for _, p in taken), "green": gate["green"], "machine": platform.machine(),
                "cores": os.cpu_count(), "python": platform.python_version(),
                "weights": "its own" if not weights else "random", "space": gate["space"], "artefacts": {
                    r["path"]: {"bytes": by_path[r["path"]].bytes, "seconds": by_path[r["path"]].seconds,
                                "peak_rss": by_path[r["path"]].peak_rss, "outcome": r["outcome"],
                                "reasons": r["reasons"],
                                "cosine_min": r["closeness"] and r["closeness"]["cosine_min"],
                                "max_abs": r["closeness"] and r["closeness"]["max_abs"]} for r in gate["results"]}}
    finally:
        shutil.rmtree(out)


def timed(arguments: list[str]) -> tuple[float, int]:
    """Wall seconds and peak bytes of `python -m …`, its processes together, sampled five times a second.

    It must end with status 0 or, for a red gate, 1.
    """
    started, peak = time.perf_counter(), 0
    process = psutil.Popen([sys.executable, "-m", *arguments], cwd=HERE.parent, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, sum(map(resident, [process, *process.children(recursive=True)])))
        time.sleep(0.2)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(arguments)} ended with status {process.returncode}")
    return round(time.perf_counter() - started, 1), peak


def resident(process: psutil.Process) -> int:
    """Bytes in memory; on Linux, pages that several processes share are counted once in total."""
    try:
        memory = process.memory_full_info() if psutil.LINUX else process.memory_info()
        return memory.pss if psutil.LINUX else memory.rss
    except psutil.Error:                     # the process has just ended
        return 0


def page(results: dict) -> str:
    """The results as Markdown."""
    lines = ["# All models, all formats", "", "`python -m benchmarks models` wrote this page. Random weights, except "
             "for the demo: sizes, times and numerical closeness hold, quality does not. MB: Core ML, fp16. "
             "Seconds wander on shared machines; read them against each other.", "",
             "| model | weights | image MB | text MB | export s | gate s | peak GB | gate |",
             "|---|---|---|---|---|---|---|---|"]
    known = [name for name in TABLE if name in results]
    lines += [f"| {name} | {r['weights']} | {megabytes(r, 'image')} | {megabytes(r, 'text')} | "
              f"{r['export_seconds']:.0f} | {r['gate_seconds']:.0f} | {r['peak_bytes'] / 1e9:.1f} | "
              f"{'green' if r['green'] else 'RED'} |"
              for name in known for r in [results[name]]]
    lines += ["", "| model | artefact | MB | seconds | memory MB | least cosine | max abs | outcome |",
              "|---|---|---|---|---|---|---|---|"]
    lines += [f"| {name} | {path} | {a['bytes'] / 1e6:.1f} | {a['seconds']:.1f} | "
              f"{_or_dash(a['peak_rss'], 1e-6, '.0f')} | "
              f"{_or_dash(a['cosine_min'], 1, '.7f')} | {_or_dash(a['max_abs'], 1, '.1e')} | {a['outcome']} |"
              for name in known for path, a in results[name]["artefacts"].items()]
    lines += ["", *(f"- {name}, {path}, {a['outcome']}: {'; '.join(a['reasons'])}" for name in known
                    for path, a in results[name]["artefacts"].items() if a.get("reasons"))]
    some = results[known[0]]
    machine = f"Measured on {some['machine']}, {some['cores']} cores, Python {some['python']}."
    return "\n".join([*lines, "", machine, ""])


def megabytes(result: dict, encoder: str) -> str:
    """Size of the Core ML package in float16."""
    return f"{result['artefacts'][f'coreml/{encoder}-fp16.mlpackage']['bytes'] / 1e6:.0f}"


def _or_dash(value: float | None, factor: float, form: str) -> str:
    return "–" if value is None else format(value * factor, form)


def write_measured(results: dict) -> None:
    """Replaces the section [measured] of tolerances.toml by the largest differences seen in this run."""
    kept, _ = TOLERANCES.read_text(encoding="utf-8").split("[measured]\n")
    spaces: dict[str, list[str]] = {}        # random weights are the same if two models have the same network
    for name in (n for n in TABLE if n in results):
        spaces.setdefault(results[name]["space"], []).append(name)
    lines = []
    for space, names in spaces.items():
        weights = "" if results[names[0]]["weights"] == "its own" else ", random weights"
        lines.append(f'\n[measured.{space}]  # {", ".join(names)}{weights}')
        largest: dict[str, float] = {}
        for path, a in (item for name in names for item in results[name]["artefacts"].items()):
            format_, encoder, precision = path.split("/")[0], *Path(path).stem.split("-")
            if a["max_abs"] is not None and precision != "fp32":
                key = f"{format_} {precision} {encoder}"
                largest[key] = max(largest.get(key, 0), a["max_abs"])
        lines += [f'"{key}" = {value:.1e}' for key, value in largest.items()]
    with files.whole(TOLERANCES) as partial:
        partial.write_text(kept + "[measured]\n" + "\n".join(lines) + "\n", encoding="utf-8")
