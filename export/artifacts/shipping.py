"""An export and what the user accepts enter; what an app gets leaves, or an InputError: each way to ship asks here."""

from dataclasses import dataclass
from pathlib import Path

from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact, Manifest
from export.common.errors import InputError
from export.formats.table import Format


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


def chosen(dist: Dist, format_: Format, encoder: str, precision: str | None = None) -> Artifact:
    """The artefact that an app gets, of those that passed the gate.

    precision: the one to take; None takes the first default precision, or else the smallest artefact.
    Raises InputError if none passed the gate.
    """
    passed = [artifact for artifact in dist.manifest.find(format_.name, encoder) if artifact.passed]
    wanted = (precision,) if precision else format_.default[encoder]
    named = [artifact for asked in wanted for artifact in passed if artifact.precision == asked]
    fitting = named or ([] if precision else sorted(passed, key=lambda artifact: artifact.bytes))
    if not fitting:
        there = ", ".join(artifact.precision for artifact in passed) or "none"
        raise InputError(f"no {format_.name} {encoder} encoder that passed the gate", where=dist.folder,
                         expected=precision or "any precision", found=there,
                         remedy=dist.command(PRECISION=precision or "default"))
    return fitting[0]


def _card(made: Manifest) -> str:
    return f" {made.licence.url}" if made.licence.url else " of the file that was given"
