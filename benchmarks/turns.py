"""What is compared enters; seconds leave, taken in turns, so that all meet the same noise of the machine."""

import statistics
import subprocess
import time
from collections.abc import Callable
from typing import IO

Turn = Callable[[], float]                   # does it once, and answers the seconds


def timed(run: Callable[[], object]) -> Turn:
    """`run` as a turn, by this process's clock."""
    def turn() -> float:
        started = time.perf_counter()
        run()
        return time.perf_counter() - started

    return turn


def taken(turns: dict[str, Turn], warm: int, rounds: int) -> dict[str, list[float]]:
    """The seconds of each, in `rounds` that count, after `warm` that do not."""
    for _ in range(warm):
        for turn in turns.values():
            turn()
    all_ = [{name: turn() for name, turn in turns.items()} for _ in range(rounds)]
    return {name: [one[name] for one in all_] for name in turns}


def pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    """What a process reads, and what it writes. Raises ValueError where it was started without pipes."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("a process without pipes")
    return process.stdin, process.stdout


def milliseconds(seconds: list[float]) -> float:
    """Their median."""
    return round(statistics.median(seconds) * 1e3, 2)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' ratios."""
    return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 3)
