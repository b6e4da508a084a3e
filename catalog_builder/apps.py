"""dist/<model>/ and a catalog enter; the files of the two sample apps leave, under fixed names.

Each app gets a manifest (the model's, with only the app's two encoders), the encoders, the tokenizer and the catalog.
The app's folder is replaced as a whole; git ignores the folder.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from catalog_builder import engines
from catalog_builder.catalog.reader import open_catalog
from export.artifacts import manifest, shipping
from export.artifacts.manifest import Artifact
from export.artifacts.shipping import Accepted
from export.common import files
from export.common.errors import InputError
from export.common.files import ROOT
from export.formats.table import COREML, ENCODERS, FORMATS, TFLITE, Format

CATALOG = "shop.catalog"


@dataclass(frozen=True)
class App:
    """A sample app: the format that it runs, and where it looks for its files."""

    name: str
    format: Format
    folder: Path


APPS = (App("iOS", COREML, ROOT / "ios_sample" / "App" / "Model"),
        App("Android", TFLITE, ROOT / "android_sample" / "app" / "src" / "main" / "assets"))


@dataclass(frozen=True)
class Filled:
    """What an app got: bytes by file."""

    app: App
    sizes: dict[str, int]


def fill(dist: Path, catalog: Path, precision: str | None, accepted: Accepted,
         apps: tuple[App, ...] = APPS) -> list[Filled]:
    """Fills the folders of the apps whose format `dist` holds. Every check comes before the first write.

    precision: of the encoders; None takes the default precision, or else the smallest that passed the gate.
    accepted: which weights to take that a shop may not ship, or perhaps may not.
    Raises InputError for a red gate, a catalog of another embedding space, such weights, or no artefact that fits.
    """
    model = engines.opened(dist)
    shipping.refuse_what_may_not_ship(model.manifest, dist, accepted)
    opened = open_catalog(catalog, model.space)
    opened.verify()
    formats = {artifact.format for artifact in model.manifest.artifacts}
    wanted = {app: [chosen(model, app.format, encoder, precision) for encoder in ENCODERS]
              for app in apps if app.format.name in formats}
    if not wanted:
        raise InputError("no artefacts for an app", where=dist, expected=" or ".join(app.format.name for app in apps),
                         found=", ".join(sorted(formats)), remedy="export again without FORMATS=")
    for app, encoders in wanted.items():
        with files.whole(app.folder) as partial:
            put(partial, model, encoders, catalog)
    return [Filled(app, {path.name: files.size(path) for path in sorted(app.folder.iterdir())}) for app in wanted]


def chosen(model: engines.Model, format_: Format, encoder: str, precision: str | None) -> Artifact:
    """The artefact that an app gets. Raises InputError if none passed the gate."""
    passed = [artifact for artifact in model.manifest.find(format_.name, encoder) if artifact.passed]
    named = [artifact for artifact in passed if artifact.precision == (precision or format_.default[encoder])]
    fitting = named or ([] if precision else sorted(passed, key=lambda artifact: artifact.bytes))
    if not fitting:
        there = ", ".join(artifact.precision for artifact in passed) or "none"
        name = model.dist.folder.name
        raise InputError(f"no {format_.name} {encoder} encoder that passed the gate", where=model.dist.folder,
                         expected=precision or "any precision", found=there,
                         remedy=f"make export MODEL={name} PRECISION={precision or 'default'}")
    return fitting[0]


def put(folder: Path, model: engines.Model, encoders: list[Artifact], catalog: Path) -> None:
    """Writes an app's files."""
    folder.mkdir(parents=True)
    named = [replace(artifact, path=artifact.encoder + FORMATS[artifact.format].suffix) for artifact in encoders]
    for old, new in zip(encoders, named, strict=True):
        source = model.dist.path(old.path)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / new.path)
    shutil.copyfile(model.dist.path(model.manifest.tokenizer.path), folder / manifest.TOKENIZER)
    shutil.copyfile(catalog, folder / CATALOG)
    manifest.write(folder, replace(model.manifest, artifacts=named))
