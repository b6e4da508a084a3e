"""dist/<model>/ and a catalog enter; what the two sample apps hold leaves, under fixed names.

Each app gets its manifest (the model's, with the app's two encoders alone), the encoders, the tokenizer and the
catalog. Its folder is replaced whole, and ignored by git.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from catalog_builder import engines
from catalog_builder.catalog.reader import open_catalog
from export import plan
from export.artifacts import manifest
from export.common import files
from export.common.errors import InputError
from export.common.files import ROOT

CATALOG = "shop.catalog"


@dataclass(frozen=True)
class App:
    """A sample app: the format that it runs, and where it looks for its files."""

    name: str
    format: str
    folder: Path


APPS = (App("iOS", "coreml", ROOT / "ios_sample" / "App" / "Model"),
        App("Android", "tflite", ROOT / "android_sample" / "app" / "src" / "main" / "assets"))


@dataclass(frozen=True)
class Filled:
    """What an app got: bytes by file."""

    app: App
    sizes: dict[str, int]


def fill(dist: Path, catalog: Path, precision: str | None, accept: bool, apps: tuple[App, ...] = APPS) -> list[Filled]:
    """Fills the folders of the apps whose format `dist` holds. Nothing is written unless all of it can be.

    precision: of the encoders; None takes the default one, or else the smallest that passed the gate.
    accept: weights that a shop may not ship are wanted all the same.
    Raises InputError for a red gate, a catalog of another embedding space, such weights, or no artefact that fits.
    """
    model = engines.opened(dist)
    if not accept:
        refuse_what_may_not_ship(model.made, dist)
    found = open_catalog(catalog, model.space)
    found.verify()
    formats = {a["format"] for a in model.made["artifacts"]}
    wanted = {app: [chosen(model, app.format, encoder, precision) for encoder in plan.ENCODERS]
              for app in apps if app.format in formats}
    if not wanted:
        raise InputError("no artefacts for an app", where=dist, expected=" or ".join(app.format for app in apps),
                         found=", ".join(sorted(formats)), remedy="export again without FORMATS=")
    for app, encoders in wanted.items():
        with files.whole(app.folder) as partial:
            put(partial, model, encoders, catalog)
    return [Filled(app, {path.name: files.size(path) for path in sorted(app.folder.iterdir())}) for app in wanted]


def refuse_what_may_not_ship(made: dict, dist: Path) -> None:
    """Raises InputError for weights whose licence forbids commercial use, and for random ones."""
    licence = made["licence"]
    remedy = "for research ACCEPT_RESEARCH_LICENCE=1; the README names models that a shop may ship"
    if not made["shippable"]:
        raise InputError("random weights are not for an app", where=dist, remedy=remedy)
    if licence["commercial_use"] is False:
        raise InputError("the weights' licence forbids commercial use", where=dist, found=licence["name"],
                         remedy=remedy)


def chosen(model: engines.Model, format_: str, encoder: str, precision: str | None) -> dict:
    """The manifest's entry of the artefact that an app gets. Raises InputError where none passed the gate."""
    passed = [a for a in model.made["artifacts"] if (a["format"], a["encoder"]) == (format_, encoder)
              and (a["parity"] or {}).get("outcome") == "passed"]
    named = [a for a in passed if a["precision"] == (precision or plan.DEFAULT_PRECISION[format_, encoder])]
    fitting = named or ([] if precision else sorted(passed, key=lambda a: a["bytes"]))
    if not fitting:
        there = ", ".join(a["precision"] for a in passed) or "none"
        raise InputError(f"no {format_} {encoder} encoder that passed the gate", where=model.folder,
                         expected=precision or "any precision", found=there,
                         remedy=f"make export MODEL={model.folder.name} PRECISION={precision or 'default'}")
    return fitting[0]


def put(folder: Path, model: engines.Model, encoders: list[dict], catalog: Path) -> None:
    """Writes an app's files."""
    folder.mkdir(parents=True)
    named = [a | {"path": a["encoder"] + plan.SUFFIXES[a["format"]]} for a in encoders]
    for old, new in zip(encoders, named, strict=True):
        source = model.folder / old["path"]
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / new["path"])
    shutil.copyfile(model.folder / manifest.TOKENIZER, folder / manifest.TOKENIZER)
    shutil.copyfile(catalog, folder / CATALOG)
    files.write_json(folder / manifest.NAME, model.made | {"artifacts": named})
