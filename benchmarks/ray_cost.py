"""A list's pictures, embedded by one process, by two processes each with a part, and by two workers of Ray: seconds.

In: dist/<model>/ of MODEL (demo), in the folder that DIST names, with a green gate; the environment of Ray, in which
all of them run (RAY_VENV; `make environment RAY=1`). Out: ray_cost.json and ray_cost.md.
"""

import os
import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks import interrupted, limits, turns
from catalog_builder.builder.store import EMBEDDINGS
from export.common import files
from export.common.files import ROOT

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "ray_cost.json", HERE / "ray_cost.md"
ROUNDS = int(os.environ.get("ROUNDS", 5))
WORKERS = 2
NAMES = {"one": "one process, `embed --part 1/1`", "parts": f"{WORKERS} processes, `embed --part`, and `merge`",
         "ray": f"{WORKERS} workers, `embed --ray`", "idle": "the same again: nothing to compute"}


def main() -> None:
    """Measures in turns, and writes the results and the page."""
    model = os.environ.get("MODEL", "demo")
    dist = Path(os.environ.get("DIST", ROOT / "dist")).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = ["--products", str(interrupted.large_list(folder / "shop")), "--dist", str(dist), "--model", model]
        store = str(folder / f"all{EMBEDDINGS}")
        ray = ["embed", "--ray", "--workers", str(WORKERS), "--out", store, *options]

        def forget() -> None:
            for path in folder.glob(f"*{EMBEDDINGS}"):
                path.unlink()

        def one() -> None:
            forget()
            run([["embed", "--part", "1/1", "--out", store, *options]])

        def parts() -> None:
            forget()
            outs = [folder / f"{part}{EMBEDDINGS}" for part in range(WORKERS)]
            run([["embed", "--part", f"{number}/{WORKERS}", "--out", str(out), *options]
                 for number, out in enumerate(outs, 1)])
            run([["merge", *map(str, outs), "--out", store, "--model", model]])

        def anew() -> None:
            forget()
            run([ray])

        seconds = turns.taken({"one": turns.timed(one), "parts": turns.timed(parts), "ray": turns.timed(anew),
                               "idle": turns.timed(lambda: run([ray]))}, warm=0, rounds=ROUNDS)
    result = {"model": model, "pictures": 2 * interrupted.PRODUCTS, "processor": limits.processor(),
              "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2), "seconds": seconds}
    files.write_json(RESULTS, result)
    PAGE.write_text(page(result), encoding="utf-8")


def run(commands: list[list[str]]) -> None:
    """Runs commands at the same time. Raises CalledProcessError if one fails."""
    python = Path(os.environ.get("RAY_VENV", ROOT / ".venv-ray")).absolute() / "bin" / "python"
    started = [subprocess.Popen([python, "-m", "catalog_builder", *command], cwd=ROOT, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for command in commands]
    for process in started:
        if status := process.wait():
            raise subprocess.CalledProcessError(status, process.args)


def page(result: dict) -> str:
    """The page, in Markdown."""
    seconds = result["seconds"]
    rows = "\n".join(f"| {words} | {statistics.median(taken):.1f} | {turns.ratio(taken, seconds['one'])} |"
                     for words, taken in ((words, seconds[name]) for name, words in NAMES.items()))
    return f"""# What Ray costs

`python -m benchmarks ray_cost` wrote this page: {result['pictures']:,} pictures of {interrupted.SIDE} pixels, model
{result['model']}, {result['processor']}, {result['cores']} cores (load {result['load']}). Medians of
{len(seconds['one'])} rounds, in turns; the ratio is the median of the rounds' ratios.

| | seconds | over one process |
|---|---|---|
{rows}

The last row is Ray's own start and end, with the list read and every file looked at: what a run costs before its first
picture, however long the list is. Workers have one thread each here; one process has a thread a core. `ray start` gives
the workers of a cluster a lower priority than other programs (`RAY_worker_niceness`, 15): on machines that do much else
they hardly run.
"""
