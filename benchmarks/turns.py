"""Functions to compare enter; seconds leave, measured in turns, so that all functions meet the same machine load."""

import statistics
import subprocess
import time
from collections.abc import Callable
from typing import IO

Turn = Callable[[], float]                   # runs once and returns the seconds


def timed(run: Callable[[], object]) -> Turn:
    """`run` as a turn, timed by this process's clock."""
    def turn() -> float:
        started = time.perf_counter()
        run()
        return time.perf_counter() - started

    return turn


def taken(turns: dict[str, Turn], warm: int, rounds: int) -> dict[str, list[float]]:
    """The seconds of each turn in `rounds` rounds, after `warm` rounds that do not count."""
    for _ in range(warm):
        for turn in turns.values():
            turn()
    all_ = [{name: turn() for name, turn in turns.items()} for _ in range(rounds)]
    return {name: [seconds[name] for seconds in all_] for name in turns}


def pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    """What a process reads, and what it writes. Raises ValueError where it was started without pipes."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("a process without pipes")
    return process.stdin, process.stdout


def milliseconds(seconds: list[float]) -> float:
    """The median in milliseconds."""
    return round(statistics.median(seconds) * 1e3, 2)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' ratios."""
    return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 3)
