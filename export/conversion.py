"""The two encoders enter; artefacts leave, made by worker processes, because one conversion uses one core.

A worker traces one encoder in one format and writes its precisions. A worker reports each finished artefact at once, so
that an interruption loses none of them. Workers end when the process that started them ends, for whatever reason.
"""

import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import wait as wait_for
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Literal

from export import plan
from export.artifacts.receipts import Receipt
from export.common import disk, files, heap
from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.formats.job import Job
from export.formats.stamp import Stamp
from export.formats.table import ENCODERS, FORMATS
from export.text import families

# How workers start: torch's threads do not survive a fork of this process, and Apple's frameworks survive none.
METHOD: Literal["forkserver", "spawn"] = "forkserver" if sys.platform.startswith("linux") else "spawn"
IMPORTED = ["export.weights.encoders"]       # what every worker needs, torch included
WEIGHTS = "encoders.partial"                 # the reparameterised encoders, for the workers; removed at the end
TEMPORARY = "temporary.partial"              # what the converters write besides; removed at the end
MOST_BYTES = {"fp32": 4}                     # of a stored parameter; at most 2 in all other precisions
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


def prepare(jobs: list[Job]) -> None:
    """Begins to import what the workers need, in a process of its own from which they are forked, where there is one.

    Called before the weights are loaded: both together keep two cores busy.
    """
    if METHOD == "forkserver":
        packages = dict.fromkeys(job.row.package for job in jobs if job.route == job.row.route)
        multiprocessing.set_forkserver_preload([*IMPORTED, *packages])
        forkserver.ensure_running()


def tasks(spec: ModelSpec, folder: Path, base: str, space: str, jobs: list[Job]) -> list[ConversionTask]:
    """The jobs, grouped by format and encoder, longest first."""
    return [ConversionTask(spec, folder, base, stamp(spec, encoder, space), group)
            for format_, encoder in ORDER
            if (group := [job for job in jobs if (job.format, job.encoder) == (format_, encoder)])]


def stamp(spec: ModelSpec, encoder: str, space: str) -> Stamp:
    """The identity that the artefacts of one encoder carry in their metadata."""
    takes = {"image": "an upright RGB picture", "text": families.described(spec.text)}[encoder]
    return Stamp(spec.name, encoder, space, spec.licence.name, takes)


def refuse_too_large(sizes: dict[str, int], jobs: list[Job]) -> None:
    """Raises InputError for an encoder that a format cannot hold. `sizes`: bytes of each encoder in float32."""
    for job in jobs:
        most, size = job.row.most_bytes, sizes[job.encoder]
        if most is not None and size > most:
            others = ",".join(row.name for row in FORMATS.values() if row.most_bytes is None)
            raise InputError(f"the {job.encoder} encoder is over the 2 GiB that a file of {job.row.title} can hold",
                             expected=disk.words(most), found=disk.words(size), remedy=f"FORMATS={others}")


def refuse_full_disk(folder: Path, sizes: dict[str, int], jobs: list[Job], workers: int, freed: int) -> None:
    """Raises InputError if the disk of dist/<model>/ will not hold the work.

    That is the encoders as stored for the workers, the artefacts, and for each worker one package that it writes twice.
    `sizes`: bytes of each encoder in float32. `freed`: bytes that are there now and will be removed before.
    """
    if not jobs:
        return
    artefacts = sum(sizes[job.encoder] // 4 * MOST_BYTES.get(job.precision, 2) for job in jobs)
    temporary = max(sizes[job.encoder] for job in jobs) * min(workers, len(jobs))
    disk.refuse_if_smaller(folder, sum(sizes.values()) + artefacts + temporary - freed, "the export")


def run(todo: list[ConversionTask], parts: dict, workers: int, begin: Callable[[Job], None],
        keep: Callable[[Job, Receipt], None]) -> None:
    """Converts. Calls `begin` when a job starts and `keep` when an artefact is finished. Empties `parts`.

    Raises InputError if a converter fails; the log has the traceback.
    """
    weights, temporary = todo[0].folder / WEIGHTS, todo[0].folder / TEMPORARY
    try:
        _save(parts, weights)
        temporary.mkdir(exist_ok=True)
        with _pool(min(workers, len(todo)), weights, temporary) as (pool, events):
            pending = {pool.submit(_convert, task): task for task in todo}
            while pending:
                finished = wait(pending, timeout=0.1).done
                _tell(events, begin, keep)
                for future in finished:
                    _check(future, pending.pop(future))
    finally:
        files.remove(weights)
        files.remove(temporary)


def _save(parts: dict, path: Path) -> None:
    import torch

    try:
        torch.save(parts, path)
    except (RuntimeError, OSError) as error:             # torch's own words for a full disk do not name it
        raise InputError("the encoders cannot be stored for the workers", where=path, remedy=disk.REMEDY,
                         found=f"{disk.words(disk.free(path.parent))} free on the disk") from error
    parts.clear()                            # all workers map the file, which is one copy
    heap.give_back()


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
        left = disk.words(disk.free(task.folder))
        raise InputError(f"converting {task.spec.name} failed", where=failure[0],
                         found=f"{failure[1]}; {left} free on the disk", remedy="see export.log beside the artefacts")


@contextlib.contextmanager
def _pool(workers: int, weights: Path, temporary: Path) -> Iterator[tuple]:
    context = multiprocessing.get_context(METHOD)
    events = context.SimpleQueue()
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(workers, context, _start, (weights, temporary, events, threads))
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


def _start(weights: Path, temporary: Path, events, threads: int) -> None:
    global _events, _parts
    tempfile.tempdir = os.environ["TMPDIR"] = str(temporary.resolve())       # on the disk that was found large enough
    signal.signal(signal.SIGINT, signal.SIG_IGN)             # the parent process handles Ctrl-C
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    import torch

    gc.disable()                             # saves a tenth of the time; `_convert` collects after each encoder
    torch.set_num_threads(threads)
    torch.backends.mha.set_fastpath_enabled(False)           # no converter supports torch's fused attention kernel
    _events, _parts = events, torch.load(weights, mmap=True, weights_only=False)       # safe: `_save` wrote it


def _end_with(parent: int) -> None:
    wait_for([parent])
    os._exit(1)


def _convert(task: ConversionTask) -> tuple[str, str] | None:
    """Traces the encoder once and writes it in each precision. Returns path and reason of a failure, else None."""
    try:
        return _converted(task)
    finally:
        heap.give_back()


def _converted(task: ConversionTask) -> tuple[str, str] | None:
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
            return job.path, first_cause(error)
        seconds = time.perf_counter() - started
        _events.put((job, Receipt(plan.recipe(task.base, job), files.sha256(target), files.size(target),
                                  round(seconds, 1), memory.peak_rss(job.format, target, kind, task.spec),
                                  route=job.route, fallback=job.fallback)))
    return None


def first_cause(error: BaseException) -> str:
    """What an error began with, in one line: libraries wrap it in words of their own."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
