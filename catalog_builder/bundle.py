"""dist/<model>/ and a catalog enter; one folder for app developers leaves: `ios/`, `android/`, `web/` and a README.md.

Each of the parts holds what `catalog_builder/apps.py` gives an app. The folder is replaced as a whole, and only if it
holds nothing but an earlier bundle.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from catalog_builder import apps
from catalog_builder.apps import APPS, App, Filled, Selection
from export.artifacts import manifest
from export.artifacts.dist import LICENCE
from export.artifacts.shipping import Accepted
from export.common import files
from export.common.errors import InputError
from export.formats.job import choices

NAME = "bundle"                              # of the folder in dist/<model>/, if no other is named
README = "README.md"
TITLE = "# Image search for an app"          # a README that begins so is a bundle's
USE = {True: "a shop may ship them", False: "**a shop may not ship them**", None: "**unknown: find it out**"}


def write(dist: Path, catalog: Path, precision: str | None, accepted: Accepted, out: Path,
          platforms: str | None = None, known: Sequence[App] = APPS,
          say: Callable[[str], None] = print) -> list[Filled]:
    """Writes the bundle to `out`, whole or not at all. Every check comes before the first write.

    platforms: a list of parts, each of which is then there; None takes those whose format `dist` holds.
    The other arguments and the errors are those of `apps.choose`; InputError also for an unknown platform, and for an
    `out` that holds anything else.
    """
    names = choices("PLATFORMS", platforms, [app.part for app in known]) if platforms else None
    wanted = [app for app in known if names is None or app.part in names]
    choice = apps.choose(dist, catalog, precision, accepted, wanted, each=names is not None, say=say)
    out = out.resolve()
    if found := foreign(out, known):
        raise InputError("the folder would be replaced, and holds what is not of a bundle", where=out, found=found,
                         remedy="OUT=another folder")
    with files.whole(out) as partial:
        for app in choice.encoders:
            apps.put(partial / app.part, choice, app)
        parts = [apps.filled(choice, app, partial / app.part) for app in choice.encoders]
        (partial / README).write_text(readme(choice, parts), encoding="utf-8")
    return [apps.filled(choice, app, out / app.part) for app in choice.encoders]


def foreign(out: Path, known: Sequence[App]) -> str | None:
    """The name of what lies in a bundle's place and is not a bundle's; None if there is nothing such."""
    if not os.path.lexists(out):
        return None
    if not out.is_dir():
        return out.name
    parts = {app.part for app in known}
    for path in sorted(out.iterdir()):
        if path.name in parts and (found := apps.foreign(path)):
            return f"{path.name}/{found}"
        if path.name not in (*parts, README, apps.OF_THE_SYSTEM) or path.name == README and not is_ours(path):
            return path.name
    return None


def is_ours(path: Path) -> bool:
    """Whether a README is a bundle's."""
    return path.is_file() and path.read_bytes().startswith(TITLE.encode())


def readme(choice: Selection, parts: Sequence[Filled]) -> str:
    """What each file is, for a developer who knows the app's platform and nothing of the export."""
    made, catalog = choice.model.manifest, choice.catalog
    rows = [row for part in parts for row in _rows(choice, part)]
    guides = [f"{part.app.name}: `{part.app.guide}`" for part in parts if part.app.guide]
    shows = f" The samples of the repository show how to use them ({', '.join(guides)})." if guides else ""
    link = f", {made.licence.url}" if made.licence.url else ""
    lines = [
        TITLE, "",
        f"Products are found by words, by a picture, or by both, on the device alone: {catalog.products:,} products "
        f"({catalog.rows:,} pictures), model `{made.model}`. Take the folder of your platform, whole and unchanged: "
        f"its files belong together, and a catalog of another model or another day is refused.{shows}", "",
        "| file | MB | is |", "|---|---|---|", *rows, "",
        f"Embedding space: `{made.space}`.", "",
        f"Licence of the weights: {made.licence.name}{link}; commercial use: {USE[made.licence.commercial_use]}."
        + ("" if made.shippable else " **The weights are random: not for shoppers.**"), "",
        "`make bundle` wrote this folder, and replaces it as a whole.", ""]
    return "\n".join(lines)


def _rows(choice: Selection, part: Filled) -> list[str]:
    """A row of the README's table for each file of an app, and one for all of them."""
    encoders = {artifact.encoder + part.app.format.suffix: artifact for artifact in choice.encoders[part.app]}
    meaning = {manifest.NAME: "what the code must know: sizes, names, digests, licence",
               manifest.TOKENIZER: "turns words into the numbers that the text encoder takes",
               apps.CATALOG: "the products, their small pictures, and what finds them",
               LICENCE: "the licence of the weights: it goes where they go"}
    for name, artifact in encoders.items():
        system = f", iOS {artifact.minimum_ios} and up" if artifact.minimum_ios else ""
        meaning[name] = f"the {artifact.encoder} encoder: {part.app.format.title}, {artifact.precision}{system}"
    rows = [f"| `{part.app.part}/{name}` | {size / 1e6:.2f} | {meaning[name]} |" for name, size in part.sizes.items()]
    return [*rows, f"| `{part.app.part}/` | {part.bytes / 1e6:.2f} | about what a shopper downloads |"]
