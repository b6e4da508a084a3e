"""The browser's updates, run by Node: goldens, deltas that Python makes, faults at every step; few in `make check`."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from catalog_builder.updates import delta_writer
from parity import goldens
from tests.test_delta import DIM, INDEXED, edited, shop
from tests.test_web_search import node

FEW = {"deltas": 50, "damaged": 200, "swaps": 500}
MANY = {"deltas": 2_000, "damaged": 2_000, "swaps": 10_000}


def write_deltas(folder: Path, count: int) -> None:
    """So many bases, deltas of any edit, and what they must give: `0.base`, `0.delta`, `0.result`; `index.json`."""
    for number in range(count):
        chance = random.Random(number)
        before = shop(chance, chance.randint(1, 12))
        axes = np.random.default_rng(number).integers(-127, 128, (1 + number % DIM, DIM), np.int8)
        options = {"thumbnails": chance.random() < 0.8, "indexed": INDEXED[number % len(INDEXED)],
                   "axes": axes if number % 2 else None}
        base = before.written(folder / f"{number}.base", **options)
        made = edited(chance, before, number).written(folder / f"{number}.result", base, **options)
        delta_writer.write(base, made, folder / f"{number}.delta")
    (folder / "index.json").write_text(json.dumps({"count": count}), encoding="utf-8")


def try_updates(counts: dict[str, int], folder: Path, say: Callable) -> None:
    """Has Node run its tests of updates; all pass, and as many things were tried as was asked for."""
    node("--version")                        # before all that is written for it
    write_deltas(folder, counts["deltas"])
    said, tests = run("updates", DELTAS=str(folder), DAMAGED=str(counts["damaged"]), SWAPS=str(counts["swaps"]))
    cases = json.loads((goldens.OUT / "updates" / "answers.json").read_text(encoding="utf-8"))["cases"]
    assert f"# {len(cases)} golden updates, differing: 0\n" in said
    assert f"# {counts['deltas']} deltas, differing: 0\n" in said
    assert re.search(rf"^# {counts['damaged']} damaged deltas: .*, 0 otherwise$", said, re.M)
    assert f"# {counts['swaps']} searches during a swap, of two catalogs: 0\n" in said
    say(f"web_sample/update: {tests} tests; {counts['deltas']} deltas, {counts['damaged']} damaged ones, "
        f"{counts['swaps']} swaps")


def run(suite: str, **environment: str) -> tuple[str, int]:
    """What a suite of Node prints, and how many tests it has; all passed."""
    answer = node("--test", "--test-reporter=tap", f"tests/{suite}.test.js", **environment)
    failed = re.findall(r"^not ok .*(?:\n  .*)*", answer.stdout, re.M)
    assert answer.returncode == 0, "\n".join(failed)[:4000] + answer.stderr[-4000:]
    told = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", answer.stdout, re.M)}
    assert told["pass"] == told["tests"] > 0 and told["skipped"] == told["todo"] == 0
    return answer.stdout, told["tests"]


def test_updates_in_few_cases(tmp_path, say):
    try_updates(FEW, tmp_path, say)


@pytest.mark.slow
def test_updates_in_many_cases(tmp_path, repetitions, say):
    try_updates({name: repetitions(count) for name, count in MANY.items()}, tmp_path, say)


@pytest.mark.slow
def test_a_fault_at_any_step_of_an_update_leaves_a_whole_catalog_in_force(say):
    said, tests = run("update-faults")
    moments = [int(count) for count in re.findall(r"^# killed at (\d+) moments of an update by ", said, re.M)]
    assert len(moments) == 3 and sum(moments) > 100 and min(moments) > 20
    say(f"web_sample/update: {tests} tests of faults; killed at {' and '.join(map(str, moments))} moments")
