"""dist/<model>/ enters; the commands that make what the page lacks of it leave, for a shell to run in turn."""

import shlex
from pathlib import Path

from catalog_builder.apps import WEB
from export.artifacts import manifest, shipping
from export.artifacts.dist import Dist
from export.formats.table import ENCODERS, FLOAT, ONNX


def commands(dist: Path, precision: str | None, catalog: Path | None, listed: bool = False) -> list[str]:
    """The commands, none if nothing lacks. What the user gave to make itself, every make that it calls gets, too.

    precision: of the encoders; None: one of the page's own. catalog: the one that the user names.
    listed: the user gives a product list, so that an earlier catalog is not the one that he wants.
    Raises InputError for an export that is damaged.
    """
    if not (dist / manifest.NAME).is_file():
        wanted = precision or f"default,{FLOAT[0]}"
        return [f"make export FORMATS={WEB.format.name},{ONNX.name} PRECISION={shlex.quote(wanted)}", *_catalog("")]
    made = Dist(dist)
    fitting = {artifact.encoder for artifact in made.manifest.artifacts
               if artifact.format == WEB.format.name and artifact.precision in _takes(artifact.encoder, precision)
               and artifact.passed}
    lines = [] if fitting == {*ENCODERS} else [shipping.remedy(made, WEB.format, precision, WEB.precisions)]
    there = catalog or not listed and any(dist.glob("*.catalog"))
    return lines + ([] if there else _catalog(f" NAME={shlex.quote(dist.name)}"))


def _takes(encoder: str, precision: str | None) -> tuple[str, ...]:
    return (precision,) if precision else (WEB.precisions or {})[encoder]


def _catalog(variables: str) -> list[str]:
    """The command that makes the sample shop's catalog."""
    return [f"make catalog{variables}"]
