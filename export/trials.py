"""Precisions to try enter, one by one; trial artefacts leave. The chosen trials replace artefacts of dist/<model>/.

Serves a search that decides after each trial: an encoder is traced once in a format, and written once per precision.
"""

import contextlib
import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from export import conversion, pipeline, plan
from export.artifacts import manifest, receipts
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.artifacts.receipts import Receipt
from export.common import files
from export.formats.job import Job, routed
from export.formats.mixture import Mixture, Weight
from export.formats.table import MIXED, TFLITE
from export.runners import memory
from export.weights import vocabulary_file

FOLDER = "trials.partial"                    # in dist/<model>/; removed at the end


@dataclass(frozen=True)
class Trial:
    """An artefact on trial."""

    job: Job
    path: str                                # relative to dist/<model>/
    receipt: Receipt                         # peak_rss is missing here; `weigh` measures it
    entry: Artifact                          # the manifest's entry for the trial, at `path`


class Trials:
    """Makes trial artefacts from `parts` (encoders.split), the encoders of dist/<model>/. `opened` creates it."""

    def __init__(self, dist: Dist, parts: dict):
        self.dist, self._parts = dist, parts
        spec, source = dist.source()
        self.spec = replace(spec, text=dist.manifest.text)       # with the tokens that were kept
        self.base = plan.base_recipe(spec, source, vocabulary_file.located(spec, source))
        self._route = next((a.route for a in dist.manifest.artifacts if a.route), TFLITE.route)
        self._traced: tuple = (None, None)   # only the last trace stays: a trace holds the weights

    def weights(self, format_: str, encoder: str) -> list[Weight]:
        """The weights that a mixture can name."""
        job = self._job(format_, encoder, MIXED)
        return _converter(job).weights(self._trace(job))

    def write(self, format_: str, encoder: str, precision: str | Mixture) -> Trial:
        """Makes one artefact. The precision of a mixture is `mixed`."""
        mixture = precision if isinstance(precision, Mixture) else None
        job = self._job(format_, encoder, MIXED if isinstance(precision, Mixture) else precision, mixture)
        name = f"{plan.recipe('', job)[:12]}-{Path(job.path).name}" if mixture else Path(job.path).name
        target = self.dist.path(FOLDER) / format_ / name
        traced, started = self._trace(job), time.perf_counter()
        stamp = conversion.stamp(self.spec, encoder, self.dist.manifest.space)
        with files.whole(target) as partial:
            _converter(job).write(traced, precision, stamp, partial)
        receipt = Receipt(plan.recipe(self.base, job), files.sha256(target), files.size(target),
                          round(time.perf_counter() - started, 1), None, mixture.json() if mixture else None,
                          job.route)
        path = target.relative_to(self.dist.folder).as_posix()
        self.dist.forget([path])
        return Trial(job, path, receipt, replace(manifest.artifact(self.spec, job, receipt), path=path))

    def drop(self, trial: Trial) -> None:
        """Removes the artefact of a trial that is not chosen."""
        files.remove(self.dist.path(trial.path))

    def weigh(self, trial: Trial) -> int | None:
        """Bytes of memory that the artefact needs; see export.runners.memory."""
        return memory.peak_rss(trial.job.format, self.dist.path(trial.path), trial.job.encoder, self.spec)

    def keep(self, chosen: list[tuple[Trial, int | None]]) -> None:
        """Replaces all artefacts of a format and encoder by the chosen trial, which gets its measured memory."""
        current = self.dist.manifest
        kept = {path: receipt for path, receipt in plan.valid_receipts(self.dist, self.base).items()
                if not any(path.startswith(trial.job.stem) for trial, _ in chosen)}
        self.dist.withdraw()
        receipts.write(self.dist.folder, kept)
        for trial, peak in chosen:
            for old in self.dist.folder.glob(f"{trial.job.stem}*"):
                files.remove(old)
                self.dist.forget([old.relative_to(self.dist.folder).as_posix()])
            self.dist.path(trial.path).replace(self.dist.path(trial.job.path))
            self.dist.forget([trial.path, trial.job.path])
            kept[trial.job.path] = replace(trial.receipt, peak_rss=peak)
        receipts.write(self.dist.folder, kept)
        self.dist.write(replace(current, artifacts=pipeline.entries(self.spec, kept)))

    def _job(self, format_: str, encoder: str, precision: str, mixture: Mixture | None = None) -> Job:
        return routed([Job(format_, encoder, precision, mixture)], self._route)[0]

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
def opened(dist: Dist, parts: dict) -> Iterator[Trials]:
    """Trials in dist/<model>/, removed at the end. Raises InputError if the manifest or the weights cannot be found."""
    files.remove(dist.path(FOLDER))
    try:
        yield Trials(dist, parts)
    finally:
        files.remove(dist.path(FOLDER))
