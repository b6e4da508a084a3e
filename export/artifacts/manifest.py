"""dist/<model>/manifest.json enters or leaves as a `Manifest`: an app reads it and hard-codes nothing.

FORMATS.md is the contract for the keys. No other module uses the keys. Unknown keys are ignored.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from export.artifacts.receipts import Receipt
from export.common import files
from export.common.errors import InputError
from export.common.specs import (
    CROPS,
    LABELS,
    MASKS,
    POOLINGS,
    Licence,
    ModelSpec,
    Preprocessing,
    Templates,
    TextSpec,
)
from export.formats.job import Job
from export.formats.mixture import Mixture
from export.formats.stamp import INPUT, OUTPUT

VERSION = 1
NAME = "manifest.json"
TOKENIZER = "tokenizer.safetensors"
PIXELS = (0, 255)
TEXT_KEYS = ("context_length", "start_token", "end_token", "pad_token")


@dataclass(frozen=True)
class WeightsFile:
    """Where the weights came from."""

    kind: str                                # "hub", "file", "random" or "bundled"
    sha256: str | None                       # of the file, 64 hex digits; None for random weights


@dataclass(frozen=True)
class Identity:
    """The values that only the weights decide."""

    space: str                               # 64 hex digits
    logit_scale: float                       # the factor on a cosine, exponentiated
    shippable: bool                          # false for random weights
    weights: WeightsFile | None = None
    logit_bias: float | None = None          # added to the scaled cosine; None: the model has none


@dataclass(frozen=True)
class Verdict:
    """What the gate found for one artefact."""

    outcome: str                             # "passed", "failed" or "not run"
    reasons: Sequence[str]                   # empty when passed
    cosine_min: float | None                 # None if the artefact did not run
    max_abs: float | None
    top1_agreement: float | None


@dataclass(frozen=True)
class Tensor:
    """An input or the output of an encoder."""

    name: str
    dtype: str
    shape: Sequence[int | None]              # None: any number
    layout: str
    range: Sequence[int]


@dataclass(frozen=True)
class Artifact:
    """One encoder in one format and precision."""

    encoder: str                             # "image" or "text"
    format: str
    precision: str
    path: str                                # relative to the manifest
    sha256: str                              # see export.common.files.sha256
    bytes: int
    peak_rss: int | None                     # see export.runners.memory; None if it could not run
    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]
    parity: Verdict | None = None            # None before the gate
    minimum_ios: int | None = None           # only for formats that iOS reads
    route: str | None = None                 # only for formats with several routes
    compression: Mixture | None = None       # only for `mixed`
    fallback: str | None = None              # the precision that ships where this one fails the gate

    @property
    def passed(self) -> bool:
        """Whether the artefact passed the gate."""
        return self.parity is not None and self.parity.outcome == "passed"

    @property
    def dropped(self) -> bool:
        """Whether it failed the gate, and another precision takes its place."""
        return self.fallback is not None and self.parity is not None and self.parity.outcome == "failed"

    def json(self) -> dict:
        """The entry in the manifest; optional keys only if they have a value."""
        optional = {"minimum_ios": self.minimum_ios, "route": self.route,
                    "compression": self.compression and self.compression.json(), "fallback": self.fallback}
        always = {key: value for key, value in asdict(self).items() if key not in optional}
        return always | {key: value for key, value in optional.items() if value is not None}


@dataclass(frozen=True)
class ImageInput:
    """What an app does to upright RGB8 before the image encoder."""

    width: int                               # pixels of the encoder's input, a square
    height: int
    crop: str                                # "centre" or "none"
    mode: str                                # of the resize: "shortest" or "squash"
    interpolation: str
    antialias: bool

    def json(self) -> dict:
        """The object in the manifest."""
        return {"width": self.width, "height": self.height, "crop": self.crop,
                "resize": {"mode": self.mode, "interpolation": self.interpolation, "antialias": self.antialias}}


@dataclass(frozen=True)
class TokenizerFile:
    """The tokenizer asset."""

    path: str                                # relative to the manifest
    sha256: str


@dataclass(frozen=True)
class CatalogFile:
    """The catalog beside the encoders that an app got."""

    path: str                                # relative to the manifest
    digest: str                              # the one that stands in the catalog, 64 hex digits
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """Everything that an app must know about an exported model."""

    model: str
    architecture: str
    tool_versions: dict[str, str]
    created: str | None                      # ISO 8601, only when SOURCE_DATE_EPOCH was set
    space: str                               # 64 hex digits: the embedding space
    dim: int                                 # width of an embedding
    logit_scale: float
    image: ImageInput
    text: TextSpec
    tokenizer: TokenizerFile
    licence: Licence
    shippable: bool
    artifacts: Sequence[Artifact]
    weights: WeightsFile | None = None       # None in files of earlier releases
    catalog: CatalogFile | None = None       # only in an app's manifest
    logit_bias: float | None = None          # added to the scaled cosine; None: the model has none
    labels: str = ModelSpec.labels           # what shares labels are given: one of LABELS

    def json(self) -> dict:
        """The content of the file, with its keys in order."""
        text = asdict(self.text)
        usual = {key: getattr(TextSpec, key) for key in ("family", "pooling", "mask", "steps")} | {
            "vocabulary": self.text.end_token + 1}
        optional = {key: text[key] for key in usual if text[key] != usual[key]}
        shares: dict[str, float | str] = {} if self.logit_bias is None else {"logit_bias": self.logit_bias}
        if self.labels != ModelSpec.labels:
            shares |= {"labels": self.labels}
        return {
            "version": VERSION, "model": self.model, "architecture": self.architecture,
            "tool_versions": self.tool_versions, **({"created": self.created} if self.created else {}),
            "space": self.space, "embedding": {"dim": self.dim}, "logit_scale": self.logit_scale, **shares,
            "image": self.image.json(),
            "text": optional | {key: text[key] for key in TEXT_KEYS} | {
                "tokenizer": asdict(self.tokenizer), "templates": text["templates"], "scripts": text["scripts"]},
            "licence": asdict(self.licence), **({"weights": asdict(self.weights)} if self.weights else {}),
            "shippable": self.shippable, **({"catalog": asdict(self.catalog)} if self.catalog else {}),
            "artifacts": [artifact.json() for artifact in self.artifacts]}

    def files(self) -> Iterator[tuple[str, str]]:
        """Path and digest of every file that the manifest names."""
        yield from ((artifact.path, artifact.sha256) for artifact in self.artifacts)
        yield self.tokenizer.path, self.tokenizer.sha256

    def find(self, format_: str, encoder: str) -> list[Artifact]:
        """The artefacts of one encoder in one format."""
        return [a for a in self.artifacts if (a.format, a.encoder) == (format_, encoder)]

    def judged(self, verdicts: dict[str, Verdict]) -> "Manifest":
        """A copy with a verdict on each artefact; `verdicts` has the artefacts' paths as keys."""
        return replace(self, artifacts=[replace(a, parity=verdicts[a.path]) for a in self.artifacts])


# --- what an export writes ------------------------------------------------------------------------------------------

def build(spec: ModelSpec, identity: Identity, tokenizer_sha256: str, artifacts: Sequence[Artifact],
          tool_versions: dict[str, str]) -> Manifest:
    """The manifest of an export."""
    return Manifest(spec.name, spec.architecture, tool_versions, created(), identity.space, spec.dim,
                    identity.logit_scale, image(spec.preprocessing), spec.text,
                    TokenizerFile(TOKENIZER, tokenizer_sha256), spec.licence, identity.shippable, artifacts,
                    identity.weights, logit_bias=identity.logit_bias, labels=spec.labels)


def artifact(spec: ModelSpec, job: Job, receipt: Receipt) -> Artifact:
    """One entry of `artifacts`. The gate fills in its verdict."""
    row = job.row
    return Artifact(job.encoder, job.format, job.precision, job.path, receipt.sha256, receipt.bytes, receipt.peak_rss,
                    [tensor_in(spec, job)], [tensor_out(spec, job)],
                    minimum_ios=row.minimum_ios(job.mixture or job.precision),
                    route=(job.route or row.route) if len(row.routes) > 1 else None, compression=job.mixture,
                    fallback=receipt.fallback)


def tensor_in(spec: ModelSpec, job: Job) -> Tensor:
    """The input of an encoder: pixels or token ids."""
    if job.encoder == "text":
        return Tensor(INPUT["text"], "int32", [job.row.batch, spec.text.context_length], "NL",
                      [0, spec.text.vocabulary - 1])
    return Tensor(INPUT["image"], job.row.pixel, job.row.shape(spec.preprocessing.size), job.row.layout, list(PIXELS))


def tensor_out(spec: ModelSpec, job: Job) -> Tensor:
    """The embedding: float32, unit length."""
    return Tensor(OUTPUT, "float32", [job.row.batch, spec.dim], "NC", [-1, 1])


def image(preprocessing: Preprocessing) -> ImageInput:
    """What an app does before the image encoder."""
    return ImageInput(preprocessing.size, preprocessing.size, preprocessing.crop, preprocessing.resize,
                      preprocessing.interpolation, antialias=True)


def created() -> str | None:
    """The time that SOURCE_DATE_EPOCH names, ISO 8601, or None. Raises InputError if it is no number of seconds."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError("SOURCE_DATE_EPOCH is not a time", expected="seconds since 1970", found=repr(seconds),
                         remedy="unset it, or give a whole number") from error


def write(folder: Path, manifest: Manifest) -> None:
    """Writes manifest.json, whole or not at all."""
    files.write_json(folder / NAME, manifest.json())


# --- what all other code reads --------------------------------------------------------------------------------------

def read(folder: Path) -> Manifest:
    """The manifest of dist/<model>/. Raises InputError if it is missing, unreadable or of another version."""
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("no manifest", where=path, found=error.strerror,
                         remedy=f"run `make export MODEL={folder.name}` first") from error
    except ValueError as error:
        raise InputError("manifest is not JSON", where=path, found=error, remedy="export again") from error
    if isinstance(content, dict) and content.get("version", VERSION) != VERSION:
        raise InputError("manifest has another version", where=path, expected=VERSION, found=content["version"],
                         remedy="export again with this release")
    try:
        _get(content, "version", int)
        return _manifest(content)
    except ValueError as error:
        raise InputError("manifest lacks keys, or is damaged", where=path, found=error,
                         expected="the keys that FORMATS.md lists", remedy="export again") from error


def _get(fields: Any, key: str, kind: type | tuple[type, ...]) -> Any:
    """The value of a key. Raises ValueError if it is missing or of another type; a bool does not pass as a number."""
    if not isinstance(fields, dict):
        raise ValueError(f"{str(fields)[:40]!r} in place of an object")
    if key not in fields:
        raise ValueError(f"no {key}")
    value, kinds = fields[key], kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{str(value)[:40]!r} for {key}")
    return value


def _words(fields: Any, key: str) -> tuple[str, ...]:
    values = _get(fields, key, list)
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"{str(values)[:40]!r} for {key}")
    return tuple(values)


def _manifest(fields: dict) -> Manifest:
    text, embedding = _get(fields, "text", dict), _get(fields, "embedding", dict)
    named = _get(text, "tokenizer", dict)
    return Manifest(
        _get(fields, "model", str), _get(fields, "architecture", str), _get(fields, "tool_versions", dict),
        fields.get("created"), _get(fields, "space", str), _get(embedding, "dim", int),
        _get(fields, "logit_scale", (int, float)), _image(_get(fields, "image", dict)), _text(text),
        TokenizerFile(_get(named, "path", str), _get(named, "sha256", str)), _licence(_get(fields, "licence", dict)),
        _get(fields, "shippable", bool), [_artifact(entry) for entry in _get(fields, "artifacts", list)],
        _weights(fields["weights"]) if "weights" in fields else None,
        _catalog(fields["catalog"]) if "catalog" in fields else None,
        None if fields.get("logit_bias") is None else _get(fields, "logit_bias", (int, float)),
        _one_of(fields, "labels", LABELS, ModelSpec.labels))


def _image(fields: dict) -> ImageInput:
    resize = _get(fields, "resize", dict)
    mode, crop = _get(resize, "mode", str), _get(fields, "crop", str)
    if mode not in CROPS or crop != CROPS[mode]:
        raise ValueError(f"crop {crop[:40]!r} after the resize {mode[:40]!r}")
    return ImageInput(_get(fields, "width", int), _get(fields, "height", int), crop, mode,
                      _get(resize, "interpolation", str), _get(resize, "antialias", bool))


def _text(fields: dict) -> TextSpec:
    end = _get(fields, "end_token", int)
    return TextSpec(
        _get(fields, "family", str) if "family" in fields else TextSpec.family, _get(fields, "context_length", int),
        _get(fields, "start_token", (int, type(None))), end, _get(fields, "pad_token", int),
        _one_of(fields, "pooling", POOLINGS, TextSpec.pooling), _templates(fields), _words(fields, "scripts"),
        _one_of(fields, "mask", MASKS, TextSpec.mask),
        _get(fields, "vocabulary", int) if "vocabulary" in fields else end + 1,
        _words(fields, "steps") if "steps" in fields else TextSpec.steps)


def _templates(fields: dict) -> Templates:
    """A list, or an object that holds a list for each language; each list holds something, each template a `{}`."""
    given = _get(fields, "templates", (list, dict))
    lists = given if isinstance(given, dict) else {"": given}
    made = {language: _words(lists, language) for language in lists}
    for words in made.values():
        if not words or not all("{}" in word for word in words):
            raise ValueError(f"{str(given)[:40]!r} for templates")
    if not made:
        raise ValueError("no templates")
    return made if isinstance(given, dict) else made[""]


def _one_of(fields: dict, key: str, known: tuple[str, ...], absent: str | None) -> Any:
    """The value of an optional key, one of `known`; `absent` if the key is missing."""
    if key in fields and fields[key] not in known:
        raise ValueError(f"{str(fields[key])[:40]!r} for {key}, not one of {', '.join(known)}")
    return fields.get(key, absent)


def _licence(fields: dict) -> Licence:
    return Licence(_get(fields, "name", str), _get(fields, "url", str),
                   _get(fields, "commercial_use", (bool, type(None))),
                   _get(fields, "source", str) if "source" in fields else Licence.source)


def _weights(fields: Any) -> WeightsFile:
    return WeightsFile(_get(fields, "kind", str), _get(fields, "sha256", (str, type(None))))


def _catalog(fields: Any) -> CatalogFile:
    return CatalogFile(_get(fields, "path", str), _get(fields, "digest", str), _get(fields, "bytes", int))


def _artifact(fields: Any) -> Artifact:
    judged, mixed = _get(fields, "parity", (dict, type(None))), fields.get("compression")
    return Artifact(
        _get(fields, "encoder", str), _get(fields, "format", str), _get(fields, "precision", str),
        _get(fields, "path", str), _get(fields, "sha256", str), _get(fields, "bytes", int),
        _get(fields, "peak_rss", (int, type(None))), [_tensor(entry) for entry in _get(fields, "inputs", list)],
        [_tensor(entry) for entry in _get(fields, "outputs", list)], _verdict(judged) if judged else None,
        fields.get("minimum_ios"), fields.get("route"), _mixture(mixed) if mixed else None,
        _get(fields, "fallback", str) if "fallback" in fields else None)


def _tensor(fields: Any) -> Tensor:
    return Tensor(_get(fields, "name", str), _get(fields, "dtype", str), _get(fields, "shape", list),
                  _get(fields, "layout", str), _get(fields, "range", list))


def _verdict(fields: dict) -> Verdict:
    number = (int, float, type(None))
    return Verdict(_get(fields, "outcome", str), list(_words(fields, "reasons")), _get(fields, "cosine_min", number),
                   _get(fields, "max_abs", number), _get(fields, "top1_agreement", number))


def _mixture(fields: Any) -> Mixture:
    _get(fields, "default", str)
    others = _get(fields, "others", dict)
    return Mixture.from_json({"default": fields["default"], "others": others})
