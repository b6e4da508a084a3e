"""Two checkouts enter; what `make export MODEL=s2 PRECISION=fp32,fp16` takes with each of them leaves, in turns.

BEFORE=folder names the other checkout (a git worktree of an earlier commit); both run with this environment. ROUNDS=3,
each with both, one after the other and each first in turn. Seconds, processor seconds and peak memory are of all
processes of a run together. MODEL=demo for a trial.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from benchmarks import limits
from benchmarks.models import resident
from export.common import files
from export.weights.models import DEMO

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "main_job.json", HERE / "main_job.md"
STEPS = ("export", "gate")
EVERY = 0.5                                  # seconds between two looks at the processes


def main() -> None:
    """Measures in turns, and writes main_job.json and the page after each round."""
    before = os.environ.get("BEFORE")
    if before is None or not (Path(before) / "parity").is_dir():
        raise SystemExit("benchmarks: BEFORE names no checkout; remedy: git worktree add FOLDER COMMIT; BEFORE=FOLDER")
    trees = {"before": Path(before).resolve(), "now": HERE.parent}
    model, rounds = os.environ.get("MODEL", "s2"), int(os.environ.get("ROUNDS", "3"))
    measured: list[dict] = []
    for number in range(rounds):
        order = list(trees) if number % 2 == 0 else list(trees)[::-1]
        others = limits.OtherProcesses()
        measured.append({name: job(trees[name], model) for name in order})
        busy = beside(others, [step for one in measured[-1].values() for step in one.values()])
        print(f"round {number + 1}: {measured[-1]}; others used {busy} cores", flush=True)
        content = {"model": model, "commits": {name: commit(tree) for name, tree in trees.items()},
                   "machine": limits.processor(), "cores": os.cpu_count(), "python": platform.python_version(),
                   "rounds": measured}
        files.write_json(RESULTS, content)
        PAGE.write_text(page(content), encoding="utf-8")


def job(tree: Path, model: str) -> dict:
    """One checkout's export and gate from nothing: {step: {seconds, processor_seconds, peak_bytes}}."""
    out = Path(tempfile.mkdtemp(prefix="main-job-"))
    common = ["--model", model, "--out", str(out)]
    weights = [] if model == DEMO else ["--weights", "random"]
    try:
        steps = (["export", *common, *weights, "--precision", "fp32,fp16"], ["parity", *common])
        return {name: watched(tree, step) for name, step in zip(STEPS, steps, strict=True)}
    finally:
        shutil.rmtree(out)


def watched(tree: Path, arguments: list[str]) -> dict:
    """Runs `python -m …` in a checkout, which must succeed: seconds, processor seconds and peak bytes."""
    used: dict[int, float] = {}
    started, peak = time.perf_counter(), 0
    process = psutil.Popen([sys.executable, "-m", *arguments], cwd=tree, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    while process.poll() is None:
        every = [process, *process.children(recursive=True)]
        peak = max(peak, sum(map(resident, every)))
        used |= {one.pid: taken for one in every if (taken := processor_seconds(one))}
        time.sleep(EVERY)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} in {tree.name} ended with status {process.returncode}")
    return {"seconds": round(time.perf_counter() - started, 1), "processor_seconds": round(sum(used.values()), 1),
            "peak_bytes": peak}


def beside(others: limits.OtherProcesses, measured: Iterable[dict]) -> float:
    """The cores that others used, on average, while these results of `watched` were measured one after another."""
    parts = list(measured)
    own = sum(part["processor_seconds"] for part in parts) / sum(part["seconds"] for part in parts)
    return round(max(others.cores() - own, 0), 2)


def processor_seconds(process: psutil.Process) -> float:
    """What a process has used so far; 0 where it has just ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0
    return times.user + times.system


def commit(tree: Path) -> str:
    """The commit of a checkout, with a plus where files were changed since."""
    name = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=tree, capture_output=True, text=True)
    return name.stdout.strip()


def whole(round_: dict, name: str, figure: str) -> float:
    """Export and gate of one round together; of the memory the larger one."""
    parts = [round_[name][step][figure] for step in STEPS]
    return max(parts) if figure == "peak_bytes" else sum(parts)


def page(content: dict) -> str:
    """The results as Markdown: the medians, and the median of the rounds' ratios."""
    lines = ["# The main job, before and now", "", f"`BEFORE=… python -m benchmarks main_job` wrote this page: `make "
             f"export MODEL={content['model']} WEIGHTS=random PRECISION=fp32,fp16` in three formats, with its gate, "
             f"from an empty folder. Commits {content['commits']['before']} (before) and {content['commits']['now']} "
             f"(now), {len(content['rounds'])} rounds in turns, medians. Peak memory: all processes together.", "",
             "| | before | now | now over before |", "|---|---|---|---|"]
    for title, step, figure, scale, form in rows():
        pairs = [[whole(r, n, figure) if step is None else r[n][step][figure] for n in ("before", "now")]
                 for r in content["rounds"]]
        ratio = statistics.median(now / before for before, now in pairs)
        medians = [statistics.median(values) * scale for values in zip(*pairs, strict=True)]
        lines.append(f"| {title} | {medians[0]:{form}} | {medians[1]:{form}} | {ratio:.2f} |")
    return "\n".join([*lines, "", f"{content['machine']}, {content['cores']} cores, Python {content['python']}.", ""])


def rows() -> list[tuple[str, str | None, str, float, str]]:
    """Title, step (None: both), figure, scale and format of each row."""
    return [("seconds", None, "seconds", 1, ".0f"), *((f"… {step}", step, "seconds", 1, ".0f") for step in STEPS),
            ("processor seconds", None, "processor_seconds", 1, ".0f"),
            *((f"… {step}", step, "processor_seconds", 1, ".0f") for step in STEPS),
            ("peak GB", None, "peak_bytes", 1e-9, ".1f"), *((f"… {step}", step, "peak_bytes", 1e-9, ".1f")
                                                           for step in STEPS)]
