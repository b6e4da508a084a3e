"""What is asked for enters; the list of artefacts to make leaves, and which of them are already there, by digests."""

import hashlib
import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from export.common import files
from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.formats.mixture import Mixture
from export.weights.checkpoint import Source

FORMATS = ("coreml", "tflite", "onnx")
ENCODERS = ("image", "text")
PRECISIONS = ("fp32", "fp16")                # of every format
COMPRESSED = {"coreml": ("int8", "palette6", "palette4", "int4"), "tflite": ("int8", "dynamic-int8"),
              "onnx": ("int8", "dynamic-int8")}
MIXED = "mixed"                              # what `python -m parity --choose` found: a scheme for each weight
AUTO = "auto"                                # the artefacts for it to start from
LITERT_TORCH, ONNX2TF = ROUTES = ("litert-torch", "onnx2tf")         # to TFLite
ONNX2TF_LOCK = files.ROOT / "requirements-onnx2tf.lock"
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
    mixture: Mixture | None = None           # of `mixed` alone
    route: str | None = None                 # ONNX2TF, or None for the format's own converter

    @property
    def path(self) -> str:
        """Relative to dist/<model>/."""
        return f"{self.stem}{self.precision}{SUFFIXES[self.format]}"

    @property
    def stem(self) -> str:
        """What the paths of all precisions begin with."""
        return f"{self.format}/{self.encoder}-"

    @property
    def converter(self) -> str:
        """The name of the module whose `trace` and `write` make it."""
        return f"export.{self.format}" + (".onnx2tf_route" if self.route else "")


@dataclass(frozen=True)
class Receipt:
    """Beside the artefacts, in receipts.json: what made one of them, and what that took."""

    recipe: str                              # 64 hex digits over all that the artefact's bytes depend on
    sha256: str                              # of the artefact
    bytes: int
    seconds: float                           # to convert and write it
    peak_rss: int | None                     # bytes, or None where it could not run
    compression: dict | None = None          # of `mixed` alone: Mixture.json()
    route: str | None = None                 # as the Job's


def precisions(format_: str) -> tuple[str, ...]:
    """What can be asked of a format, in the order of the manifest; `mixed` comes of a search alone."""
    return PRECISIONS + COMPRESSED[format_]


def jobs(formats: str, precision: str) -> list[Job]:
    """The artefacts for FORMATS= and PRECISION=, each a list with commas ("default": see DEFAULT_PRECISION).

    A precision that a format lacks is left out there (`lacking` says so). Raises InputError for one that no format
    asked for has, and for a format that has none of those asked for.
    """
    chosen = choices("FORMATS", formats, FORMATS)
    if precision == "default":
        return [Job(f, e, DEFAULT_PRECISION[f, e]) for f in chosen for e in ENCODERS]
    if precision == AUTO:
        return [Job(f, e, "fp16") for f in chosen for e in ENCODERS]
    wanted = choices("PRECISION", precision, tuple(dict.fromkeys(p for f in chosen for p in precisions(f))))
    for format_ in chosen:
        if not set(wanted) & set(precisions(format_)):
            raise InputError(f"PRECISION={precision} names nothing to make for {format_}", found=precision,
                             expected=", ".join(precisions(format_)), remedy=f"add one, or leave {format_} out")
    return [Job(f, e, p) for f in chosen for e in ENCODERS for p in wanted if p in precisions(f)]


def routed(wanted: list[Job], route: str) -> list[Job]:
    """`wanted`, those of TFLite by `route`, one of ROUTES."""
    return [replace(job, route=ONNX2TF) if (job.format, route) == ("tflite", ONNX2TF) else job for job in wanted]


def of_route(receipts: dict[str, Receipt], wanted: list[Job]) -> dict[str, Receipt]:
    """`receipts` but for those of a format that is `wanted` by another route: two encoders ship of one."""
    routes = {job.format: job.route for job in wanted}
    return {path: receipt for path, receipt in receipts.items()
            if receipt.route == routes.get(path.partition("/")[0], receipt.route)}


def lacking(made: list[Job]) -> list[str]:
    """Which formats lack which of the precisions that others are made in, in words."""
    wanted, formats = dict.fromkeys(job.precision for job in made), dict.fromkeys(job.format for job in made)
    return [f"{format_} has no {precision}; expected {', '.join(precisions(format_))}"
            for format_ in formats for precision in wanted if precision not in precisions(format_)]


def order(job: Job) -> tuple[int, int, int]:
    """The place of a job in the manifest: by format, encoder and precision."""
    return (FORMATS.index(job.format), ENCODERS.index(job.encoder),
            (*precisions(job.format), MIXED).index(job.precision))


def choices(name: str, given: str, known: tuple[str, ...]) -> list[str]:
    """The words of a list with commas, each one of `known`, in its order. Raises InputError for others, and none."""
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
    lock = {"lock": files.sha256(ONNX2TF_LOCK)} if job.route else {}
    return _digest({"base": base, **asdict(job), **lock})


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
    return {path: receipt for path, receipt in read_receipts(folder).items()
            if (job := job_of(path, receipt)) and receipt.recipe == recipe(base, job)
            and (folder / path).exists() and files.sha256(folder / path) == receipt.sha256}


def job_of(path: str, receipt: Receipt) -> Job | None:
    """The job that makes the artefact at `path`, relative to dist/<model>/; None where there is no such job."""
    try:
        mixture = Mixture.from_json(receipt.compression) if receipt.compression else None
    except (KeyError, TypeError, ValueError):
        return None
    known = [Job(f, e, p, mixture, receipt.route) for f in FORMATS for e in ENCODERS
             for p in ((MIXED,) if mixture else precisions(f))]
    return next((job for job in known if job.path == path), None)
