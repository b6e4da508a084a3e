"""A model, its weights and a job enter; the recipe leaves: the digest of everything that the artefact depends on."""

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, replace
from pathlib import Path

from export.artifacts.dist import Dist
from export.artifacts.receipts import Receipt, job_of
from export.common import files
from export.common.specs import ModelSpec
from export.formats.job import Job
from export.formats.table import FORMATS
from export.weights.checkpoint import Source

TOOLS = ("torch", "torchvision", "timm", "open_clip_torch", *(tool for row in FORMATS.values() for tool in row.tools),
         "numpy", "pillow")


def base_recipe(spec: ModelSpec, source: Source, vocabulary: Path | None = None) -> str:
    """Digest of what all artefacts of an export depend on: weights, table row, this package's code, tools, platform.

    `vocabulary`: the tokenizer's file, if it has one: the tokenizer is in the space, which every artefact carries.
    """
    words = {} if vocabulary is None else {"vocabulary": files.sha256(vocabulary)}
    return _digest({"spec": asdict(replace(spec, asked=None)), "weights": source.sha256 or source.kind, "code": code(),
                    **words,
                    "tools": tool_versions(), "platform": f"{platform.system()} {platform.machine()}"})


def recipe(base: str, job: Job) -> str:
    """Digest of everything that the bytes of one artefact depend on: 64 hex digits."""
    lock = job.row.locks.get(job.route or job.row.route)
    made = {key: value for key, value in asdict(job).items() if key != "fallback"}
    return _digest({"base": base, **made, **({"lock": files.sha256(files.ROOT / lock)} if lock else {})})


def tool_versions() -> dict[str, str]:
    """The versions that decide the bytes of an artefact."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in TOOLS}}


def code() -> str:
    """64 hex digits over the source files of this package."""
    package = Path(__file__).parent
    return _digest([[p.relative_to(package).as_posix(), files.sha256(p)] for p in sorted(package.rglob("*.py"))])


def valid_receipts(dist: Dist, base: str) -> dict[str, Receipt]:
    """The receipts whose artefact exists, is undamaged, and has the current recipe."""
    return {path: receipt for path, receipt in dist.receipts().items()
            if (job := job_of(path, receipt)) and receipt.recipe == recipe(base, job)
            and dist.digest(path) == receipt.sha256}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
