"""What is asked for enters; the list of artefacts to make leaves, and which of them are already there, by digests."""

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from export import files
from export.checkpoint import Source
from export.errors import InputError
from export.models import ModelSpec

FORMATS = ("coreml", "tflite", "onnx")
ENCODERS = ("image", "text")
PRECISIONS = ("fp32", "fp16")
SUFFIXES = {"coreml": ".mlpackage", "tflite": ".tflite", "onnx": ".onnx"}

# What ships when nothing is said (sizes and memory: benchmarks/models.md). Core ML computes in float16 on the Neural
# Engine. LiteRT's CPU unpacks float16 to float32 as it loads: for the image encoders float16 is the smaller on disk and
# in memory, for the text encoders, with their large table, it takes 1.4 times the memory of float32. ONNX is for
# desktops and servers, where exactness counts for more than bytes.
DEFAULT_PRECISION = {
    ("coreml", "image"): "fp16", ("coreml", "text"): "fp16",
    ("tflite", "image"): "fp16", ("tflite", "text"): "fp32",
    ("onnx", "image"): "fp32", ("onnx", "text"): "fp32",
}

TOOLS = ("torch", "torchvision", "timm", "open_clip_torch", "coremltools", "onnx", "onnxscript", "onnxruntime",
         "litert-torch", "ai-edge-litert", "ai-edge-quantizer", "numpy", "pillow")


@dataclass(frozen=True, order=True)
class Job:
    """One artefact to make."""

    format: str
    encoder: str
    precision: str

    @property
    def path(self) -> str:
        """Relative to dist/<model>/."""
        return f"{self.format}/{self.encoder}-{self.precision}{SUFFIXES[self.format]}"


@dataclass(frozen=True)
class Receipt:
    """Beside the artefacts, in receipts.json: what made one of them, and what that took."""

    recipe: str                              # 64 hex digits over all that the artefact's bytes depend on
    sha256: str                              # of the artefact
    bytes: int
    seconds: float                           # to convert and write it
    peak_rss: int | None                     # bytes, or None where it could not run


def jobs(formats: str, precision: str) -> list[Job]:
    """The artefacts for FORMATS= and PRECISION=, each a list with commas ("default": see DEFAULT_PRECISION)."""
    chosen = _choices("FORMATS", formats, FORMATS)
    if precision == "default":
        return [Job(f, e, DEFAULT_PRECISION[f, e]) for f in chosen for e in ENCODERS]
    precisions = _choices("PRECISION", precision, PRECISIONS)
    return [Job(f, e, p) for f in chosen for e in ENCODERS for p in precisions]


def _choices(name: str, given: str, known: tuple[str, ...]) -> list[str]:
    found = [word.strip() for word in given.split(",") if word.strip()]
    unknown = sorted(set(found) - set(known))
    if unknown or not found:
        raise InputError(f"{name}={given} names nothing to make", expected=", ".join(known),
                         found=", ".join(unknown) or "an empty list", remedy=f"choose from them, or leave {name} out")
    return [word for word in known if word in found]


def base_recipe(spec: ModelSpec, source: Source) -> str:
    """What all artefacts of one export depend on: weights, table row, this package's code, the tools, the platform."""
    return _digest({"spec": asdict(spec), "weights": source.sha256 or source.kind, "code": code(),
                    "tools": tool_versions(), "platform": f"{platform.system()} {platform.machine()}"})


def recipe(base: str, job: Job) -> str:
    """What the bytes of one artefact depend on."""
    return _digest({"base": base, **asdict(job)})


def tool_versions() -> dict[str, str]:
    """The versions that decide the bytes of an artefact."""
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in TOOLS}}


def code() -> str:
    """64 hex digits over the source files of this package."""
    package = Path(__file__).parent
    return _digest([[p.relative_to(package).as_posix(), files.sha256(p)] for p in sorted(package.rglob("*.py"))])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def read_receipts(folder: Path) -> dict[str, Receipt]:
    """The receipts in dist/<model>/, by the artefact's path; none if there is no file, or an unreadable one."""
    try:
        stored = json.loads((folder / "receipts.json").read_text(encoding="utf-8"))
        return {path: Receipt(**fields) for path, fields in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}                            # then everything is made anew: the artefacts alone prove nothing


def write_receipts(folder: Path, receipts: dict[str, Receipt]) -> None:
    """Writes receipts.json, sorted by path."""
    files.write_json(folder / "receipts.json", {path: asdict(receipts[path]) for path in sorted(receipts)})


def valid_receipts(folder: Path, base: str) -> dict[str, Receipt]:
    """The receipts whose artefact is there, whole, and made by this very recipe."""
    everything = {Job(f, e, p).path: recipe(base, Job(f, e, p)) for f in FORMATS for e in ENCODERS for p in PRECISIONS}
    return {path: receipt for path, receipt in read_receipts(folder).items()
            if receipt.recipe == everything.get(path)
            and (folder / path).exists() and files.sha256(folder / path) == receipt.sha256}
