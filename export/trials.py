"""Precisions to try enter, one by one; artefacts leave, beside dist/<model>/'s own; those chosen take their places.

For a search that decides as it goes: an encoder is traced once in a format, and written as often as asked.
"""

import contextlib
import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from export import pipeline, plan
from export.artifacts import manifest
from export.common import files
from export.formats.mixture import Mixture, Weight
from export.formats.stamp import Stamp
from export.plan import Job, Receipt
from export.runners import memory

FOLDER = "trials.partial"                    # in dist/<model>/; removed at the end


@dataclass(frozen=True)
class Trial:
    """An artefact on trial."""

    job: Job
    path: str                                # relative to dist/<model>/
    receipt: Receipt                         # but for the memory, which `weigh` measures
    entry: dict                              # what the manifest would say of it, at `path`


class Trials:
    """Makes artefacts of `parts` (encoders.split), the encoders that dist/<model>/ holds. Use `opened`."""

    def __init__(self, folder: Path, parts: dict):
        self.folder, self.made, self._parts = folder, manifest.read(folder), parts
        self.spec, source = pipeline.source_of(folder)
        self.base = plan.base_recipe(self.spec, source)
        self._route = next((a["route"] for a in self.made["artifacts"] if "route" in a), plan.LITERT_TORCH)
        self._traced: tuple = (None, None)   # one at a time: a trace holds the weights

    def weights(self, format_: str, encoder: str) -> list[Weight]:
        """What a mixture can name."""
        job = self._job(format_, encoder, plan.MIXED)
        return _converter(job).weights(self._trace(job))

    def write(self, format_: str, encoder: str, precision: str | Mixture) -> Trial:
        """Makes one artefact. A mixture is of the precision `mixed`."""
        mixture = precision if isinstance(precision, Mixture) else None
        job = self._job(format_, encoder, plan.MIXED if mixture else precision, mixture)
        name = f"{plan.recipe('', job)[:12]}-{Path(job.path).name}" if mixture else Path(job.path).name
        target = self.folder / FOLDER / format_ / name
        traced, started = self._trace(job), time.perf_counter()
        stamp = Stamp(self.spec.name, encoder, self.made["space"], self.spec.licence.name)
        with files.whole(target) as partial:
            _converter(job).write(traced, precision, stamp, partial)
        receipt = Receipt(plan.recipe(self.base, job), files.sha256(target), files.size(target),
                          round(time.perf_counter() - started, 1), None, mixture and mixture.json(),
                          job.route)
        path = target.relative_to(self.folder).as_posix()
        return Trial(job, path, receipt, manifest.artifact(self.spec, job, receipt) | {"path": path})

    def drop(self, trial: Trial) -> None:
        """Removes an artefact that is not to be chosen."""
        files.remove(self.folder / trial.path)

    def weigh(self, trial: Trial) -> int | None:
        """Bytes of memory that the artefact takes, see export.runners.memory."""
        return memory.peak_rss(trial.job.format, self.folder / trial.path, trial.job.encoder, self.spec)

    def keep(self, chosen: list[tuple[Trial, int | None]]) -> None:
        """Puts the chosen artefacts, with their memory, in the place of all others of their format and encoder."""
        receipts = {path: receipt for path, receipt in plan.valid_receipts(self.folder, self.base).items()
                    if not any(path.startswith(trial.job.stem) for trial, _ in chosen)}
        for name in (manifest.NAME, pipeline.VERDICTS):      # neither stands beside artefacts that are being replaced
            files.remove(self.folder / name)
        plan.write_receipts(self.folder, receipts)
        for trial, peak in chosen:
            for old in self.folder.glob(f"{trial.job.stem}*"):
                files.remove(old)
            (self.folder / trial.path).replace(self.folder / trial.job.path)
            receipts[trial.job.path] = Receipt(**vars(trial.receipt) | {"peak_rss": peak})
        plan.write_receipts(self.folder, receipts)
        self.made["artifacts"] = pipeline.entries(self.spec, receipts)
        manifest.write(self.folder, self.made)

    def _job(self, format_: str, encoder: str, precision: str, mixture: Mixture | None = None) -> Job:
        return plan.routed([Job(format_, encoder, precision, mixture)], self._route)[0]

    def _trace(self, job: Job):
        if self._traced[0] != job.stem:
            from export.weights import encoders

            self._traced = (None, None)
            self._traced = (job.stem, _converter(job).trace(
                self._parts[job.encoder], job.encoder, encoders.example(job.encoder, self.spec)))
        return self._traced[1]


def _converter(job: Job):
    return importlib.import_module(job.converter)


@contextlib.contextmanager
def opened(folder: Path, parts: dict) -> Iterator[Trials]:
    """Trials in dist/<model>/, removed at the end. Raises InputError where manifest or weights are not to be had."""
    files.remove(folder / FOLDER)
    try:
        yield Trials(folder, parts)
    finally:
        files.remove(folder / FOLDER)
