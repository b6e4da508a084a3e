"""A runnable artefact and float32 PyTorch enter; how long one input takes, against PyTorch in the same run, leaves."""

import time
from collections.abc import Callable

import numpy as np

from export.runners import Run
from parity.reference import Reference
from parity.results import Latency

REPEATS, THREADS = 4, 1                      # one thread: two that wait for each other measure the neighbours' load


def measure(embed: Run, reference: Reference, encoder: str, one: np.ndarray) -> Latency:
    """Runs `one`, a batch of 1, by an artefact that was loaded with THREADS, and by eager PyTorch.

    The least of a few runs, on a machine that may be busy: a rough figure. benchmarks/ measures with more care.
    """
    own, others = least(embed, one), reference.seconds(encoder, one, least)
    return Latency(own, own / others, THREADS)


def least(run: Callable[[np.ndarray], object], one: np.ndarray) -> float:
    """Seconds of the fastest of REPEATS runs, after one to warm up."""
    run(one)
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run(one)
        taken.append(time.perf_counter() - started)
    return min(taken)
