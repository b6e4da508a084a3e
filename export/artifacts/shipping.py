"""An export and what the user accepts enter; what an app gets leaves, or an InputError: each way to ship asks here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact, Manifest
from export.common.errors import InputError
from export.formats.job import DEFAULT
from export.formats.table import FLOAT, Format


@dataclass(frozen=True)
class Accepted:
    """What the user takes upon himself."""

    research: bool = False                   # weights that a shop may not ship: random, or their licence forbids it
    unknown: bool = False                    # weights whose licence nobody has named


def refuse_what_may_not_ship(made: Manifest, where: Path, accepted: Accepted) -> None:
    """Raises InputError for random weights, and for a licence that forbids commercial use or that is unknown.

    Each of them has its own remedy. `where` is the model's folder.
    """
    use = made.licence.commercial_use
    if (not made.shippable or use is False) and not accepted.research:
        what = "the weights' licence forbids commercial use" if made.shippable else "random weights are not for an app"
        raise InputError(what, where=where, found=made.licence.name if made.shippable else None,
                         remedy="for research ACCEPT_RESEARCH_LICENCE=1; the README names models that a shop may ship")
    if made.shippable and use is None and not accepted.unknown:
        raise InputError("the licence of the weights is unknown", where=where, found=made.licence.name,
                         remedy=f"read the model card{_card(made)}, then export again with LICENCE=its name "
                                "COMMERCIAL_USE=yes; or ACCEPT_UNKNOWN_LICENCE=1")


def chosen(dist: Dist, format_: Format, encoder: str, precision: str | None = None,
           own: Mapping[str, tuple[str, ...]] | None = None) -> Artifact:
    """The artefact that an app gets, of those that passed the gate.

    precision: the one to take; None takes the first default precision, or else the smallest artefact. own: by encoder,
    the only precisions that the app takes, the best first. Raises InputError if none of them passed the gate.
    """
    passed = [artifact for artifact in dist.manifest.find(format_.name, encoder) if artifact.passed
              and (own is None or artifact.precision in own[encoder])]
    wanted = (precision,) if precision else own[encoder] if own else format_.default[encoder]
    named = [artifact for asked in wanted for artifact in passed if artifact.precision == asked]
    fitting = named or ([] if precision else sorted(passed, key=lambda artifact: artifact.bytes))
    if not fitting:
        there = ", ".join(artifact.precision for artifact in passed) or "none"
        any_ = " or ".join(own[encoder]) if own else "any precision"
        raise InputError(f"no {format_.name} {encoder} encoder that passed the gate", where=dist.folder,
                         expected=precision or any_, found=there, remedy=remedy(dist, format_, precision, own))
    return fitting[0]


def remedy(dist: Dist, format_: Format, precision: str | None, own: Mapping[str, tuple[str, ...]] | None) -> str:
    """The export that makes what an app lacks; where nothing else is asked for, and fp16 does not serve, float32."""
    if own is None:
        return dist.command(PRECISION=precision or DEFAULT)
    other = [artifact.route for artifact in dist.manifest.artifacts
             if artifact.format == format_.name and artifact.route not in (None, format_.route)]
    route = {"TFLITE_ROUTE": other[0]} if other and other[0] else {}
    return dist.command(FORMATS=format_.name, PRECISION=precision or FLOAT[0], **route)


def _card(made: Manifest) -> str:
    return f" {made.licence.url}" if made.licence.url else " of the file that was given"
