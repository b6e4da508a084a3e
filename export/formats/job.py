"""FORMATS= and PRECISION= enter; the artefacts to make leave, in the order of the manifest.

    >>> [job.path for job in jobs("tflite,onnx", "int8")]
    ['tflite/image-int8.tflite', 'tflite/text-int8.tflite', 'onnx/image-int8.onnx', 'onnx/text-int8.onnx']
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from export.common.errors import InputError
from export.formats.mixture import Mixture
from export.formats.table import ENCODERS, FORMATS, MIXED, Format

DEFAULT, AUTO = "default", "auto"            # PRECISION=: what ships; what `python -m parity --choose` starts from


@dataclass(frozen=True, order=True)
class Job:
    """One artefact to make."""

    format: str
    encoder: str
    precision: str
    mixture: Mixture | None = None           # only for `mixed`
    route: str | None = None                 # None: the format's usual route
    fallback: str | None = None              # the precision that ships where this one fails the gate

    @property
    def row(self) -> Format:
        """The format."""
        return FORMATS[self.format]

    @property
    def path(self) -> str:
        """Relative to dist/<model>/."""
        return f"{self.stem}{self.precision}{self.row.suffix}"

    @property
    def stem(self) -> str:
        """The beginning of the paths of all precisions."""
        return f"{self.format}/{self.encoder}-"

    @property
    def converter(self) -> str:
        """The name of the module whose `trace` and `write` make the artefact."""
        return self.row.routes[self.route or self.row.route]


def jobs(formats: str, precision: str, vocabulary: int = 0) -> list[Job]:
    """The artefacts for FORMATS= and PRECISION=, each a list with commas ("default": what ships).

    `vocabulary`: how many tokens the model knows, on which what ships depends. Leaves out a precision for a format that
    lacks it (`lacking` says so). Raises InputError for a precision that none of the formats has, and for a format that
    has none of the precisions.
    """
    rows = [FORMATS[name] for name in choices("FORMATS", formats, tuple(FORMATS))]
    if precision.strip().lower() == DEFAULT:
        return sorted((Job(row.name, encoder, one, fallback=row.fallback(encoder, one, vocabulary)) for row in rows
                       for encoder in ENCODERS for one in row.defaults(encoder, vocabulary)), key=order)
    if is_auto(precision):
        return [Job(row.name, encoder, "fp16") for row in rows for encoder in ENCODERS]
    wanted = choices("PRECISION", precision, tuple(dict.fromkeys(p for row in rows for p in row.precisions)))
    for row in rows:
        if not set(wanted) & set(row.precisions):
            raise InputError(f"PRECISION={precision} names nothing to make for {row.name}", found=precision,
                             expected=", ".join(row.precisions), remedy=f"add one, or leave {row.name} out")
    return [Job(row.name, e, p) for row in rows for e in ENCODERS for p in wanted if p in row.precisions]


def is_auto(precision: str) -> bool:
    """Whether PRECISION= asks for the search."""
    return precision.strip().lower() == AUTO


def choices(name: str, given: str, known: Sequence[str]) -> list[str]:
    """The words of a list, in the order of `known`: with commas, blanks or both between them, in any case.

    Raises InputError for unknown words and empty lists.
    """
    words = given.replace(",", " ").lower().split()
    unknown = sorted(set(words) - set(known))
    if unknown or not words:
        raise InputError(f"{name}={given} names nothing to make", expected=", ".join(known),
                         found=", ".join(unknown) or "an empty list", remedy=f"choose from them, or leave {name} out")
    return [word for word in known if word in words]


def routed(wanted: list[Job], route: str) -> list[Job]:
    """`wanted`, with `route` in the jobs whose format has that route."""
    return [replace(job, route=None if route == job.row.route else route) if route in job.row.routes else job
            for job in wanted]


def lacking(planned: list[Job]) -> list[str]:
    """A sentence for each precision that one format of the jobs has and another lacks, where somebody asked for it."""
    wanted = dict.fromkeys(job.precision for job in planned if job.fallback is None)
    rows = dict.fromkeys(job.row for job in planned)
    return [f"{row.name} has no {precision}; expected {', '.join(row.precisions)}"
            for row in rows for precision in wanted if precision not in row.precisions]


def order(job: Job) -> tuple[int, int, int]:
    """The place of a job in the manifest: by format, encoder and precision."""
    return (tuple(FORMATS).index(job.format), ENCODERS.index(job.encoder),
            (*job.row.precisions, MIXED).index(job.precision))
