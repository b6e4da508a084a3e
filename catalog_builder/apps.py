"""dist/<model>/ and a catalog enter; what an app gets of them leaves, under fixed names.

Each app gets a manifest (the model's, with only the app's two encoders, and the catalog's digest), the encoders, the
tokenizer, the catalog and the licence of the weights. The app's folder is replaced as a whole, and only if it holds
nothing else. git ignores the folders of the sample apps.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog_builder import engines
from catalog_builder.catalog.reader import Catalog, open_catalog
from export.artifacts import manifest, shipping
from export.artifacts.dist import LICENCE
from export.artifacts.manifest import Artifact, CatalogFile
from export.artifacts.shipping import Accepted
from export.common import files
from export.common.errors import InputError
from export.common.files import ROOT
from export.formats.table import COREML, ENCODERS, FORMATS, TFLITE, Format

CATALOG = "shop.catalog"
ENCODER_FILES = tuple(encoder + row.suffix for row in FORMATS.values() for encoder in ENCODERS)
FILES = (manifest.NAME, manifest.TOKENIZER, CATALOG, LICENCE, *ENCODER_FILES)
OF_THE_SYSTEM = ".DS_Store"                  # which a Mac puts into every folder that somebody looks at


@dataclass(frozen=True)
class App:
    """A platform's app: the format that it runs, and where the sample app looks for its files."""

    name: str
    format: Format
    folder: Path
    guide: str = ""                          # the sample's README, relative to this repository
    # By encoder, those that this app takes, the first that passed the gate; None: any, the format's default first.
    precisions: Mapping[str, tuple[str, ...]] | None = field(default=None, hash=False)

    @property
    def part(self) -> str:
        """The app's folder in a bundle."""
        return self.name.lower()


WEB = App("Web", TFLITE, ROOT / "web_sample" / "model", "web_sample/README.md", TFLITE.browser)
APPS = (App("iOS", COREML, ROOT / "ios_sample" / "App" / "Model", "ios_sample/README.md"),
        App("Android", TFLITE, ROOT / "android_sample" / "app" / "src" / "main" / "assets", "android_sample/README.md"),
        WEB)


@dataclass(frozen=True, eq=False)
class Selection:
    """What the apps get. Every check of it has passed, and nothing is written yet."""

    model: engines.Model
    catalog: Catalog
    encoders: dict[App, list[Artifact]]


@dataclass(frozen=True)
class Filled:
    """What an app got: its folder, and bytes by file."""

    app: App
    folder: Path
    sizes: dict[str, int]
    notes: list[str]                         # what ships in place of what

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(self.sizes.values())


def fill(dist: Path, catalog: Path, precision: str | None, accepted: Accepted,
         apps: Sequence[App] = APPS, each: bool = False, say: Callable[[str], None] = print) -> list[Filled]:
    """Fills the sample apps' own folders; arguments and errors are those of `choose`. Every check comes before the
    first write.
    """
    choice = choose(dist, catalog, precision, accepted, apps, each=each, say=say)
    for app in choice.encoders:
        if found := foreign(app.folder):
            raise InputError("the app's folder would be replaced, and holds what `make apps` did not put there",
                             where=app.folder, found=found, remedy="move that elsewhere")
    for app in choice.encoders:
        with files.whole(app.folder) as partial:
            put(partial, choice, app)
    return [filled(choice, app, app.folder) for app in choice.encoders]


def choose(dist: Path, catalog: Path, precision: str | None, accepted: Accepted, apps: Sequence[App],
           each: bool = False, say: Callable[[str], None] = print) -> Selection:
    """What those of the apps get whose format `dist` holds, in a precision that they take.

    precision: of the encoders; None takes the first default precision that passed, or else the smallest that did.
    accepted: which weights to take that a shop may not ship, or perhaps may not.
    each: whether every app must get its files.
    say: takes a line on each app of precisions of its own that is left out.
    Raises InputError for a red gate, a catalog of another embedding space, such weights, or no artefact that fits.
    """
    model = engines.opened(dist)
    shipping.refuse_what_may_not_ship(model.manifest, dist, accepted)
    opened = open_catalog(catalog, model.space)
    opened.verify()
    formats = {artifact.format for artifact in model.manifest.artifacts}
    wanted: dict[App, list[Artifact]] = {}
    for app in apps:
        try:
            if app.format.name in formats:
                wanted[app] = [shipping.chosen(model.dist, app.format, encoder, precision, app.precisions)
                               for encoder in ENCODERS]
        except InputError as lack:
            if app.precisions is None or each:
                raise
            say(f"{app.name} is left out: {lack}")
    if not wanted or each and len(wanted) < len(apps):
        lacking = [app for app in apps if app not in wanted]
        raise InputError(f"no artefacts for an app on {' and '.join(app.name for app in lacking)}", where=dist,
                         expected=" or ".join(app.format.name for app in lacking), found=", ".join(sorted(formats)),
                         remedy="export again without FORMATS=")
    return Selection(model, opened, wanted)


def put(folder: Path, choice: Selection, app: App) -> None:
    """Writes an app's files into a new folder."""
    folder.mkdir(parents=True)
    dist, made, catalog = choice.model.dist, choice.model.manifest, choice.catalog
    named = [replace(artifact, path=artifact.encoder + app.format.suffix, fallback=None)
             for artifact in choice.encoders[app]]
    for old, new in zip(choice.encoders[app], named, strict=True):
        source = dist.path(old.path)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / new.path)
    shutil.copyfile(dist.path(made.tokenizer.path), folder / manifest.TOKENIZER)
    (folder / CATALOG).write_bytes(catalog.content)          # the verified bytes, whatever the file's name holds by now
    if dist.path(LICENCE).is_file():
        shutil.copyfile(dist.path(LICENCE), folder / LICENCE)
    beside = CatalogFile(CATALOG, catalog.metadata["sha256"], len(catalog.content))
    manifest.write(folder, replace(made, artifacts=named, catalog=beside))


def filled(choice: Selection, app: App, folder: Path) -> Filled:
    """What lies in an app's folder that was written just now."""
    return Filled(app, folder, {path.name: files.size(path) for path in sorted(folder.iterdir())},
                  replacements(choice, app))


def replacements(choice: Selection, app: App) -> list[str]:
    """A line for each encoder of an app that takes the place of one which failed the gate."""
    return [f"{app.name}: {failed.path} failed the gate; {artifact.precision} ships in its place"
            for artifact in choice.encoders[app]
            for failed in choice.model.manifest.find(app.format.name, artifact.encoder)
            if failed.dropped and failed.fallback == artifact.precision]


def foreign(folder: Path) -> str | None:
    """The name of what lies in an app's folder, or in its place, and is not an app's; None if there is nothing such."""
    if not os.path.lexists(folder):
        return None
    if not folder.is_dir():
        return folder.name
    names = {path.name for path in folder.iterdir()} - {OF_THE_SYSTEM}
    if others := sorted(names - {*FILES}):
        return others[0]
    try:
        manifest.read(folder) if names else None
    except InputError:
        return sorted(names)[0] if manifest.NAME not in names else manifest.NAME
    return None
