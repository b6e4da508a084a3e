"""A manifest and what the user accepts enter; nothing leaves, or an InputError: each way to ship a model asks here."""

from dataclasses import dataclass
from pathlib import Path

from export.artifacts.manifest import Manifest
from export.common.errors import InputError


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


def _card(made: Manifest) -> str:
    return f" {made.licence.url}" if made.licence.url else " of the file that was given"
