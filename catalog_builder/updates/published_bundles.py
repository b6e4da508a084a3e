"""One platform's part of a bundle enters; it leaves in a static host's folder, as a statement names it.

The catalog of the part is no file of it: an update has one of its own.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from catalog_builder.catalog.reader import Catalog
from catalog_builder.updates.statement import PublishedBundle, PublishedFile, Statement
from export.artifacts import manifest
from export.artifacts.dist import LICENCE
from export.artifacts.manifest import Manifest
from export.common import files
from export.common.errors import InputError

DIGITS = 16                                  # of a digest, in a file's name


def refuse_another(part: Path, made: Catalog) -> None:
    """Raises InputError unless the part is whole, and came with this very catalog."""
    told, digest = manifest.read(part), made.metadata["sha256"]
    if told.catalog is None or told.catalog.digest != digest:
        raise InputError("a bundle of another catalog", where=part, expected=digest,
                         found=told.catalog.digest if told.catalog else "none",
                         remedy=f"make bundle CATALOG={made.path}, then its part: BUNDLE=…/android")
    _checked(part, made.space)


def put(part: Path, out: Path, name: str) -> PublishedBundle:
    """Copies a part into a folder of its own in `out`. `name`: of the catalog in its app."""
    target = out / f"{name}-bundle-{files.sha256(part / manifest.NAME)[:DIGITS]}"
    if not target.exists():
        with files.whole(target) as partial:
            for path in (part / manifest.NAME, *_needed(part)):
                copy = partial / path.relative_to(part)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
    return _published(out, target)


def carried_on(before: Statement | None, made: Catalog, out: Path) -> PublishedBundle | None:
    """The bundle that goes on from one statement to the next: that of the statement before, where the space is its."""
    if before is None or before.manifest is None or before.space != made.space:
        return None
    return before.manifest if before.manifest.files else _published(out, (out / before.manifest.path).parent)


def check(out: Path, bundle: PublishedBundle, space: str) -> None:
    """Raises InputError unless the bundle is whole, of the space, and named in full. Digests: see `publish.check`."""
    folder = (out / bundle.path).parent
    _checked(folder, space)
    lacking = {path.relative_to(folder).as_posix() for path in _needed(folder)} - set(map(bundle.inside, bundle.files))
    if lacking:
        raise InputError("a file of the bundle that the statement does not name", where=folder / min(lacking),
                         remedy=f"make publish OUT={out}")


def _checked(folder: Path, space: str) -> Manifest:
    """The manifest of a part. Raises InputError unless the tokenizer and the encoders are what it says."""
    told = manifest.read(folder)
    if told.space != space:
        raise InputError("a bundle of another embedding space", where=folder, expected=space, found=told.space,
                         remedy="build the catalog with the bundle's model, or BUNDLE=none")
    for path, digest in told.files():
        if not (folder / path).exists() or files.sha256(folder / path) != digest:
            raise InputError("a damaged bundle", where=folder / path, expected=digest, remedy="make bundle")
    return told


def _needed(folder: Path) -> Iterator[Path]:
    """What a device needs beside the manifest: each file, those within an encoder's folder by themselves."""
    told = manifest.read(folder)
    for path in (told.tokenizer.path, *(artifact.path for artifact in told.artifacts)):
        yield from files.files_of(folder / path)
    if (folder / LICENCE).is_file():
        yield folder / LICENCE


def _published(out: Path, folder: Path) -> PublishedBundle:
    """A bundle's folder in `out` as a statement names it."""
    return PublishedBundle(**file_in(out, folder / manifest.NAME), files=tuple(
        PublishedFile(**file_in(out, path)) for path in _needed(folder)))


def file_in(out: Path, path: Path) -> dict:
    """Path, digest and size of a file of the host's folder."""
    return {"path": path.relative_to(out).as_posix(), "sha256": files.sha256(path), "bytes": path.stat().st_size}
