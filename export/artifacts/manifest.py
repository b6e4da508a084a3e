"""dist/<model>/manifest.json: what an app reads instead of hard-coding anything. Keys: contract in FORMATS.md."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from export import coreml, plan
from export.common import files
from export.common.errors import InputError
from export.common.specs import ModelSpec, Preprocessing
from export.formats.stamp import INPUT, OUTPUT

VERSION = 1
NAME = "manifest.json"
TOKENIZER = "tokenizer.safetensors"
START_TOKEN, END_TOKEN, PAD_TOKEN = 49406, 49407, 0       # open_clip.tokenizer.SimpleTokenizer and its padding
TEMPLATES = ("{}", "a photo of a {}.")                    # OpenAI's CLIP: bare name, and its first zero-shot prompt
SCRIPTS = ("Latin",)                                      # every model here was trained on English captions
REQUIRED = ("version", "model", "architecture", "space", "embedding", "image", "text", "artifacts")


@dataclass(frozen=True)
class Identity:
    """What the weights alone decide."""

    space: str                               # 64 hex digits
    logit_scale: float                       # the factor on a cosine, exponentiated
    shippable: bool                          # false for random weights


def artifact(spec: ModelSpec, job: plan.Job, receipt: plan.Receipt) -> dict:
    """One entry of `artifacts`. `parity` is filled in by the gate."""
    entry = {"encoder": job.encoder, "format": job.format, "precision": job.precision, "path": job.path,
            "sha256": receipt.sha256, "bytes": receipt.bytes, "peak_rss": receipt.peak_rss,
            "inputs": [tensor_in(spec, job)], "outputs": [tensor_out(spec, job)], "parity": None}
    if job.format == "coreml":
        entry["minimum_ios"] = coreml.least_ios(job.mixture or job.precision)
    if job.format == "tflite":
        entry["route"] = job.route or plan.LITERT_TORCH
    if job.mixture:
        entry["compression"] = job.mixture.json()
    return entry


def tensor_in(spec: ModelSpec, job: plan.Job) -> dict:
    """Name, dtype, shape (null: any number), layout and range of an encoder's input."""
    if job.encoder == "text":
        batch = None if job.format == "onnx" else 1
        return {"name": INPUT["text"], "dtype": "int32", "shape": [batch, spec.context_length], "layout": "NL",
                "range": [0, END_TOKEN]}
    side = spec.preprocessing.size
    shape, layout, dtype = {"coreml": ([1, 3, side, side], "image RGB", "uint8"),
                            "tflite": ([1, side, side, 3], "NHWC", "float32"),
                            "onnx": ([None, 3, side, side], "NCHW", "float32")}[job.format]
    return {"name": INPUT["image"], "dtype": dtype, "shape": shape, "layout": layout, "range": [0, 255]}


def tensor_out(spec: ModelSpec, job: plan.Job) -> dict:
    """The embedding: unit length, float32."""
    batch = None if job.format == "onnx" else 1
    return {"name": OUTPUT, "dtype": "float32", "shape": [batch, spec.dim], "layout": "NC", "range": [-1, 1]}


def build(spec: ModelSpec, identity: Identity, tokenizer_sha256: str, artifacts: Sequence[dict]) -> dict:
    """The whole manifest."""
    made = {"version": VERSION, "model": spec.name, "architecture": spec.architecture,
            "tool_versions": plan.tool_versions()}
    if (moment := created()) is not None:
        made["created"] = moment
    return made | {
        "space": identity.space,
        "embedding": {"dim": spec.dim},
        "logit_scale": identity.logit_scale,
        "image": image(spec.preprocessing),
        "text": {"context_length": spec.context_length, "start_token": START_TOKEN, "end_token": END_TOKEN,
                 "pad_token": PAD_TOKEN, "tokenizer": {"path": TOKENIZER, "sha256": tokenizer_sha256},
                 "templates": list(TEMPLATES), "scripts": list(SCRIPTS)},
        "licence": asdict(spec.licence),
        "shippable": identity.shippable,
        "artifacts": list(artifacts),
    }


def image(preprocessing: Preprocessing) -> dict:
    """What an app does to upright RGB8 before the image encoder."""
    return {"width": preprocessing.size, "height": preprocessing.size, "crop": "centre",
            "resize": {"mode": "shortest", "interpolation": preprocessing.interpolation, "antialias": True}}


def created() -> str | None:
    """The time that SOURCE_DATE_EPOCH names, ISO 8601, or None. Raises InputError where it is no number of seconds."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        return None
    try:
        return datetime.fromtimestamp(int(given), UTC).isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError("SOURCE_DATE_EPOCH is not a time", expected="seconds since 1970", found=repr(given),
                         remedy="unset it, or give a whole number") from error


def tokenizer(made: dict) -> str:
    """The digest of the tokenizer asset that the manifest names."""
    return made["text"]["tokenizer"]["sha256"]


def read(folder: Path) -> dict:
    """The manifest of dist/<model>/. Raises InputError where it is missing, unreadable or of another version."""
    path = folder / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("no manifest", where=path, found=error.strerror,
                         remedy=f"run `make export MODEL={folder.name}` first") from error
    except ValueError as error:
        raise InputError("manifest is not JSON", where=path, found=error, remedy="export again") from error
    missing = [key for key in REQUIRED if key not in found] if isinstance(found, dict) else list(REQUIRED)
    if not missing and not _is_readable(found):
        missing = ["path and sha256 of every file"]
    if missing:
        raise InputError("manifest lacks keys", where=path, expected=", ".join(REQUIRED),
                         found="no " + ", ".join(missing), remedy="export again")
    if found["version"] != VERSION:
        raise InputError("manifest has another version", where=path, expected=VERSION, found=found["version"],
                         remedy="export again with this release")
    return found


def _is_readable(found: dict) -> bool:
    """Whether every file that the manifest names has a path and a digest, and every artefact its identity."""
    try:
        named = [found["text"]["tokenizer"], *found["artifacts"]]
        return (all(key in entry for entry in named for key in ("path", "sha256"))
                and all(key in a for a in found["artifacts"] for key in ("encoder", "format", "precision", "parity")))
    except (KeyError, TypeError):
        return False


def check_digests(folder: Path, found: dict) -> None:
    """Raises InputError for the first file that is missing, or is not the one that the manifest names."""
    listed = [(a["path"], a["sha256"]) for a in found["artifacts"]]
    for path, expected in [*listed, (found["text"]["tokenizer"]["path"], found["text"]["tokenizer"]["sha256"])]:
        if not (folder / path).exists():
            raise InputError("file of the manifest is missing", where=folder / path, remedy="export again")
        actual = files.sha256(folder / path)
        if actual != expected:
            raise InputError("file is not the one of the manifest", where=folder / path,
                             expected=f"sha256 {expected[:16]}…", found=f"{actual[:16]}…", remedy="export again")


def write(folder: Path, made: dict) -> None:
    """Writes manifest.json, whole or not at all."""
    files.write_json(folder / NAME, made)
