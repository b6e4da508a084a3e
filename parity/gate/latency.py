"""A runnable artefact and float32 PyTorch enter; how long one input takes, against PyTorch in the same run, leaves."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from export.runners import Run
from parity.gate.results import Latency

REPEATS, THREADS = 4, 1                      # one thread: two that wait for each other measure the neighbours' load


def measure(embed: Run, one: np.ndarray, eager: float) -> Latency:
    """Runs `one`, a batch of 1, by an artefact that was loaded with THREADS; `eager`: PyTorch's seconds for it.

    The least of a few runs, on a machine that may be busy: a rough figure. benchmarks/ measures with more care.
    """
    own = fastest([lambda: embed(one)])[0]
    return Latency(own, own / eager, THREADS)


def eager_seconds(name: str, encoder, one: np.ndarray) -> float:
    """What float32 PyTorch takes for uint8 [1, S, S, 3] or int32 [1, 77]: the encoder as exported, THREADS threads."""
    import torch

    given = torch.from_numpy(one.astype(np.float32).transpose(0, 3, 1, 2).copy() if name == "image" else one)
    usual = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with torch.inference_mode():
            return fastest([lambda: encoder(given)])[0]
    finally:
        torch.set_num_threads(usual)


def fastest(runs: Sequence[Callable[[], object]], rounds: int = REPEATS) -> list[float]:
    """Seconds of each run: the least of some rounds in which all take turns, after one round to warm up."""
    least = [float("inf")] * len(runs)
    for counts in [False] + [True] * rounds:
        for i, run in enumerate(runs):
            started = time.perf_counter()
            run()
            if counts:
                least[i] = min(least[i], time.perf_counter() - started)
    return least
