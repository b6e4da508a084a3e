"""A runnable artefact and float32 PyTorch enter; the seconds that one input takes, and their ratio, leave."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from export.runners import Run
from parity.gate.results import Latency

REPEATS, THREADS = 4, 1                      # one thread: two would wait for each other, and show the machine's load
LEAST, SECONDS = 2, 0.25                     # of a slow input so many repeats, once it has taken so long


def measure(embed: Run, one: np.ndarray, eager: float) -> Latency:
    """Times an artefact, loaded with THREADS, on `one`, a batch of 1. `eager`: PyTorch's seconds for the same input.

    The figure is rough: the fastest of a few runs, on a machine that may be busy. benchmarks/ measures with more care.
    """
    seconds = few(lambda: embed(one))
    return Latency(seconds, seconds / eager, THREADS)


def eager_seconds(name: str, encoder, one: np.ndarray) -> float:
    """The seconds of float32 PyTorch on THREADS threads, encoder as exported: uint8 [1, S, S, 3] or int32 [1, L]."""
    import torch

    batch = torch.from_numpy(one.astype(np.float32).transpose(0, 3, 1, 2).copy() if name == "image" else one)
    usual = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with torch.inference_mode():
            return few(lambda: encoder(batch))
    finally:
        torch.set_num_threads(usual)


def few(run: Callable[[], object]) -> float:
    """Seconds of a run: the fastest of at most REPEATS, after one to warm up."""
    run()
    taken: list[float] = []
    while len(taken) < LEAST or (len(taken) < REPEATS and sum(taken) < SECONDS):
        started = time.perf_counter()
        run()
        taken.append(time.perf_counter() - started)
    return min(taken)


def fastest(runs: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Seconds of each run: the fastest of `rounds` rounds, in which all take turns, after one round to warm up."""
    least = [float("inf")] * len(runs)
    for counts in [False] + [True] * rounds:
        for i, run in enumerate(runs):
            started = time.perf_counter()
            run()
            if counts:
                least[i] = min(least[i], time.perf_counter() - started)
    return least
