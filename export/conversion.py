"""The two encoders enter; artefacts leave, made by worker processes, because one conversion uses one core.

A worker traces one encoder in one format and writes its precisions. A worker reports each finished artefact at once, so
that an interruption loses none of them. Workers end when the process that started them ends, for whatever reason.
"""

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from export import plan
from export.artifacts.receipts import Receipt
from export.common import files
from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.formats.job import Job
from export.formats.stamp import Stamp
from export.formats.table import ENCODERS, FORMATS
from export.text import families

WEIGHTS = "encoders.partial"                 # the reparameterised encoders, for the workers; removed at the end
# The longest conversions come first, so that all workers end at about the same time.
ORDER = sorted(((row.name, encoder) for row in FORMATS.values() for encoder in ENCODERS),
               key=lambda pair: FORMATS[pair[0]].effort[pair[1]])


@dataclass(frozen=True)
class ConversionTask:
    """One encoder in one format, in some precisions."""

    spec: ModelSpec
    folder: Path                             # dist/<model>/
    base: str                                # plan.base_recipe
    stamp: Stamp
    jobs: list[Job]


def tasks(spec: ModelSpec, folder: Path, base: str, space: str, jobs: list[Job]) -> list[ConversionTask]:
    """The jobs, grouped by format and encoder, longest first."""
    return [ConversionTask(spec, folder, base, stamp(spec, encoder, space), group)
            for format_, encoder in ORDER
            if (group := [job for job in jobs if (job.format, job.encoder) == (format_, encoder)])]


def stamp(spec: ModelSpec, encoder: str, space: str) -> Stamp:
    """The identity that the artefacts of one encoder carry in their metadata."""
    takes = {"image": "an upright RGB picture", "text": families.described(spec.text)}[encoder]
    return Stamp(spec.name, encoder, space, spec.licence.name, takes)


def run(todo: list[ConversionTask], parts: dict, workers: int, begin: Callable[[Job], None],
        keep: Callable[[Job, Receipt], None]) -> None:
    """Converts. Calls `begin` when a job starts and `keep` when an artefact is finished. Empties `parts`.

    Raises InputError if a converter fails; the log has the traceback.
    """
    weights = todo[0].folder / WEIGHTS
    try:
        _save(parts, weights)
        with _pool(min(workers, len(todo)), weights) as (pool, events):
            pending = {pool.submit(_convert, task): task for task in todo}
            while pending:
                finished = wait(pending, timeout=0.1).done
                _tell(events, begin, keep)
                for future in finished:
                    _check(future, pending.pop(future))
    finally:
        files.remove(weights)


def _save(parts: dict, path: Path) -> None:
    import torch

    torch.save(parts, path)
    parts.clear()                            # frees memory: all workers map the file, which is one copy


def _tell(events, begin: Callable[[Job], None], keep: Callable[[Job, Receipt], None]) -> None:
    while not events.empty():
        job, receipt = events.get()
        if receipt is None:
            begin(job)
        else:
            keep(job, receipt)


def _check(future: Future, task: ConversionTask) -> None:
    try:
        failure = future.result()
    except BrokenProcessPool as error:
        raise InputError(f"converting {task.spec.name} was killed, perhaps because memory ran out", where=task.folder,
                         remedy="WORKERS=1, or one format at a time") from error
    if failure:
        raise InputError(f"converting {task.spec.name} failed", where=failure[0], found=failure[1],
                         remedy="see export.log beside the artefacts")


@contextlib.contextmanager
def _pool(workers: int, weights: Path) -> Iterator[tuple]:
    context = multiprocessing.get_context("spawn")           # torch's threads do not survive a fork
    events = context.SimpleQueue()
    pool = ProcessPoolExecutor(workers, context, _start, (weights, events, max(1, (os.cpu_count() or 1) // workers)))
    try:
        yield pool, events
        pool.shutdown()
    except BaseException:                    # the running conversions are no longer needed
        for process in multiprocessing.active_children():
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise


# --- in a worker ----------------------------------------------------------------------------------------------------

_events: SimpleQueue[tuple[Job, Receipt | None]]          # both set by _start
_parts: dict


def _start(weights: Path, events, threads: int) -> None:
    global _events, _parts
    signal.signal(signal.SIGINT, signal.SIG_IGN)             # the parent process handles Ctrl-C
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    import torch

    torch.set_num_threads(threads)
    torch.backends.mha.set_fastpath_enabled(False)           # no converter supports torch's fused attention kernel
    _events, _parts = events, torch.load(weights, mmap=True, weights_only=False)       # safe: `_save` wrote it


def _end_with(parent: int) -> None:
    wait_for([parent])
    os._exit(1)


def _convert(task: ConversionTask) -> tuple[str, str] | None:
    """Traces the encoder once and writes it in each precision. Returns path and reason of a failure, else None."""
    from export.runners import memory
    from export.weights import encoders

    kind = task.stamp.encoder
    converter = importlib.import_module(task.jobs[0].converter)
    traced = None
    for job in task.jobs:
        _events.put((job, None))
        started, target = time.perf_counter(), task.folder / job.path
        try:
            traced = traced or converter.trace(_parts[kind], kind, encoders.example(kind, task.spec))
            with files.whole(target) as partial:
                converter.write(traced, job.precision, task.stamp, partial)
        except Exception as error:           # a converter can raise anything
            traceback.print_exception(error, file=sys.stderr)
            return job.path, f"{type(error).__name__}: {error}"[:300]
        seconds = time.perf_counter() - started
        _events.put((job, Receipt(plan.recipe(task.base, job), files.sha256(target), files.size(target),
                                  round(seconds, 1), memory.peak_rss(job.format, target, kind, task.spec),
                                  route=job.route)))
    return None
