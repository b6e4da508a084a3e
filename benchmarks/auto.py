"""A model with random weights enters; what `make export PRECISION=auto` takes with it leaves: seconds, memory, trials.

MODEL=s2. A ranking of random embeddings is chance, so precisions are judged by closeness alone: the choice says nothing
of trained weights, the seconds do.
"""

import json
import os
import platform
import shutil
import tempfile
from pathlib import Path

from benchmarks import limits
from benchmarks.main_job import beside, watched
from export.common import files
from parity.auto import choice

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "auto.json", HERE / "auto.md"


def main() -> None:
    """Measures, and writes auto.json and the page."""
    model, out = os.environ.get("MODEL", "s2"), Path(tempfile.mkdtemp(prefix="auto-"))
    common = ["--model", model, "--out", str(out)]
    steps = {"export": ["export", *common, "--weights", "random", "--precision", "auto"],
             "choice": ["parity", "--choose", *common], "gate": ["parity", "--if-changed", *common]}
    others = limits.OtherProcesses()
    try:
        taken = {name: watched(HERE.parent, step) for name, step in steps.items()}
        found = json.loads((out / model / choice.NAME).read_text(encoding="utf-8"))["formats"]
    finally:
        shutil.rmtree(out)
    kept = ("encoder", "precision", "bytes", "outcome", "reasons", "chosen", "cosine_min", "latency_over_fp16")
    content = {"model": model, "machine": limits.processor(), "cores": os.cpu_count(),
               "python": platform.python_version(), "cores_others_used": beside(others, taken.values()), "steps": taken,
               "formats": {name: {"bytes": one["bytes"], "fp16_bytes": one["fp16_bytes"], "candidates": [
                   {key: candidate[key] for key in kept} for candidate in one["candidates"]]}
                   for name, one in found.items()}}
    files.write_json(RESULTS, content)
    PAGE.write_text(page(content), encoding="utf-8")


def page(content: dict) -> str:
    """The results as Markdown."""
    steps = content["steps"]
    total, peak = sum(s["seconds"] for s in steps.values()), max(s["peak_bytes"] for s in steps.values())
    lines = ["# PRECISION=auto", "", f"`python -m benchmarks auto` wrote this page: `make export PRECISION=auto "
             f"MODEL={content['model']} WEIGHTS=random`, {total / 60:.1f} minutes and {peak / 1e9:.1f} GB at most, all "
             f"processes together ({content['machine']}, {content['cores']} cores, Python {content['python']}; other "
             f"work on the machine took {content['cores_others_used']:.1f} cores). Random weights are judged by "
             "closeness alone.", "",
             "| step | seconds | processor seconds | peak GB |", "|---|---|---|---|"]
    lines += [f"| {name} | {s['seconds']:.0f} | {s['processor_seconds']:.0f} | {s['peak_bytes'] / 1e9:.1f} |"
              for name, s in steps.items()]
    lines += ["", "| format | encoder | precision | MB | least cosine | time over fp16 | outcome |",
              "|---|---|---|---|---|---|---|"]
    lines += [f"| {name} | {c['encoder']} | {c['precision']} | {c['bytes'] / 1e6:.1f} | {c['cosine_min']:.4f} | "
              f"{'–' if c['latency_over_fp16'] is None else format(c['latency_over_fp16'], '.2f')} | "
              f"{'chosen' if c['chosen'] else c['outcome']} |"
              for name, one in content["formats"].items() for c in one["candidates"]]
    return "\n".join([*lines, ""])
