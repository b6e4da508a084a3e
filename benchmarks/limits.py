"""A model's encoder enters; the machine's limits for it leave: arithmetic and memory, both measured with torch.

Also measures the processor time of other processes, so that measurements on a busy machine can be discarded.
"""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

from parity.gate.latency import fastest

SIZE = 1024                                  # of the square matrices multiplied
COPIED = 256 * 2**20                         # bytes: more than any cache holds
REPEATS = 20


def of(run: Callable, tower, threads: tuple[int, ...]) -> dict:
    """{multiply_adds, weight_bytes, threads: {"1": {gflops, gb_per_second, limit_ms}, …}} of one call of `run`.

    `weight_bytes` counts the parameters of `tower` in float32, without the table of tokens, of which a text reads at
    most 77 rows.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        run()
    operations = counter.get_total_flops()
    tables = {id(m.weight) for m in tower.modules() if isinstance(m, torch.nn.Embedding)}
    weights = sum(4 * p.numel() for p in tower.parameters() if id(p) not in tables)
    before, rates = torch.get_num_threads(), {}
    for count in threads:
        torch.set_num_threads(count)
        arithmetic, memory = flops_per_second(), bytes_per_second()
        rates[str(count)] = {"gflops": round(arithmetic / 1e9, 1), "gb_per_second": round(memory / 1e9, 1),
                             "limit_ms": round(max(operations / arithmetic, weights / memory) * 1e3, 2)}
    torch.set_num_threads(before)
    return {"multiply_adds": operations // 2, "weight_bytes": weights, "threads": rates}


def flops_per_second() -> float:
    """Floating-point operations per second of a float32 product of two 1,024 x 1,024 matrices, the best of several."""
    import torch

    a, b = torch.rand(SIZE, SIZE), torch.rand(SIZE, SIZE)
    return 2 * SIZE**3 / fastest([lambda: torch.matmul(a, b)], REPEATS)[0]


def bytes_per_second() -> float:
    """Bytes per second when reading memory beyond the caches (a sum over it), the best of several."""
    import torch

    values = torch.ones(COPIED // 4)
    return COPIED / fastest([values.sum], REPEATS)[0]


def processor() -> str:
    """The processor's name, as far as the system reports it."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
             ] if info.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


class OtherProcesses:
    """The processor time that other processes use from now on. Known on Linux; elsewhere 0."""

    def __init__(self) -> None:
        self._started, self._busy, self._own = time.perf_counter(), busy_seconds(), time.process_time()

    def cores(self) -> float:
        """Cores that others used, on average, since this object was created (other guests of a hypervisor included)."""
        others = (busy_seconds() - self._busy) - (time.process_time() - self._own)
        return others / (time.perf_counter() - self._started)


def busy_seconds() -> float:
    """Processor time spent on this machine since it started: user, nice, system, interrupts, stolen."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()
    except OSError:
        return time.process_time()           # then other processes count as 0
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, fields[1:9])
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")
