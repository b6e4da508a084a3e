"""dist/<model>/receipts.json enters or leaves: the recipe, digest and cost of each finished artefact."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from export.common import files
from export.formats.job import Job
from export.formats.mixture import Mixture
from export.formats.table import ENCODERS, FORMATS, MIXED

NAME = "receipts.json"


@dataclass(frozen=True)
class Receipt:
    """Recipe, digest and cost of a finished artefact."""

    recipe: str                              # 64 hex digits over all that the artefact's bytes depend on
    sha256: str                              # of the artefact
    bytes: int
    seconds: float                           # to convert and write it
    peak_rss: int | None                     # bytes; None if it could not run
    compression: dict | None = None          # only for `mixed`: Mixture.json()
    route: str | None = None                 # as in Job
    fallback: str | None = None              # as in Job, by the export that named the artefact last


def read(folder: Path) -> dict[str, Receipt]:
    """The receipts in dist/<model>/, by the artefact's path; empty if the file is missing or unreadable."""
    try:
        stored = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return {path: Receipt(**fields) for path, fields in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}                            # then everything is made again: artefacts without receipts prove nothing


def write(folder: Path, receipts: dict[str, Receipt]) -> None:
    """Writes receipts.json, sorted by path."""
    files.write_json(folder / NAME, {path: asdict(receipts[path]) for path in sorted(receipts)})


def job_of(path: str, receipt: Receipt) -> Job | None:
    """The job that makes the artefact at `path`, relative to dist/<model>/; None if there is no such job."""
    try:
        mixture = Mixture.from_json(receipt.compression) if receipt.compression else None
    except (KeyError, TypeError, ValueError):
        return None
    known = [Job(row.name, encoder, precision, mixture, receipt.route) for row in FORMATS.values()
             for encoder in ENCODERS for precision in ((MIXED,) if mixture else row.precisions)]
    return next((job for job in known if job.path == path), None)


def of_routes(receipts: dict[str, Receipt], wanted: list[Job]) -> dict[str, Receipt]:
    """Removes receipts whose format now uses another route, since both encoders of a format must share a route."""
    routes = {job.format: job.route for job in wanted}
    return {path: receipt for path, receipt in receipts.items()
            if receipt.route == routes.get(path.partition("/")[0], receipt.route)}
