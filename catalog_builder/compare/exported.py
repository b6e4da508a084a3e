"""Names of exported models enter; the models leave, each gated green, or an InputError for the first that is not."""

from collections.abc import Sequence
from pathlib import Path

from catalog_builder import engines
from catalog_builder.engines import Model
from export.artifacts import manifest
from export.artifacts.dist import exported
from export.common.errors import InputError


def folders(dist: Path, names: Sequence[str]) -> list[Path]:
    """The models' folders, in the order given; without names all exports in `dist`."""
    if not names:
        return _every(dist)
    found: dict[Path, str] = {}
    for name in names:
        place = exported(dist, name)
        if place in found:
            raise InputError(f"{place.name} twice", where="MODELS=", found=f"{found[place]} and {name}",
                             remedy="name each model once")
        found[place] = name
    return list(found)


def opened(place: Path) -> Model:
    """dist/<model>/. Raises InputError unless it is exported, its gate is green, and it can answer texts here."""
    model = engines.opened(place)
    model.runnable("text")
    return model


def _every(dist: Path) -> list[Path]:
    found = sorted(path.parent for path in dist.glob(f"*/{manifest.NAME}"))
    if not found:
        raise InputError("no exported model", where=dist, expected=f"<model>/{manifest.NAME}",
                         remedy="make export MODEL=one that the README names")
    return found
