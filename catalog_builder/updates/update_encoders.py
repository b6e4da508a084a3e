"""A bundle that a statement names, and an app's folder, enter; the folder of its encoders leaves, whole and verified.

It lies in `<sha256 of manifest.json>.bundle`. While it is fetched, that is called `.bundle.part`, and only whole files
lie in it, so a later update goes on file by file.
"""

from collections.abc import Iterator
from pathlib import Path

from catalog_builder.updates.fetching import PART, CountedSite, DamagedFileError, download, sync_file, sync_folder
from catalog_builder.updates.statement import PublishedBundle, PublishedFile
from export.artifacts import manifest
from export.common import files
from export.common.errors import InputError

BUNDLE = ".bundle"


def kept(folder: Path, bundle: PublishedBundle, space: str) -> Path:
    """The bundle's folder in the app's own, where an earlier update put it. Raises InputError if it is not whole.

    Sizes alone are looked at, but for the manifest's: digests were, before the folder got its name.
    """
    path = folder / f"{bundle.sha256}{BUNDLE}"
    _check(path, bundle, space)
    return path


def bring(folder: Path, bundle: PublishedBundle, space: str, site: CountedSite) -> Path:
    """The bundle's folder, fetched where it is not there. Raises DamagedFileError; UpdateError for the network."""
    target = folder / f"{bundle.sha256}{BUNDLE}"
    if target.exists():
        try:
            return kept(folder, bundle, space)
        except InputError:
            files.remove(target)
    part = target.with_name(f"{target.name}{PART}")
    for name, file in _all(bundle):
        _bring_file(part / name, folder / f"{file.sha256}{PART}", file, site)
    try:
        _verify(part, bundle, space)
    except InputError as error:
        files.remove(part)
        raise DamagedFileError(f"a bundle that is not what the statement says: {error}") from None
    for inner in (*(path for path in part.rglob("*") if path.is_dir()), part):
        sync_folder(inner)
    part.rename(target)
    sync_folder(folder)
    return target


def _all(bundle: PublishedBundle) -> Iterator[tuple[str, PublishedFile]]:
    """Each file with its path in the bundle's folder."""
    yield manifest.NAME, bundle
    for file in bundle.files:
        yield bundle.inside(file), file


def _bring_file(place: Path, part: Path, file: PublishedFile, site: CountedSite) -> None:
    """Fetches a file and moves it to its place, unless it lies there already."""
    if place.is_file() and place.stat().st_size == file.bytes:
        return
    download(part, file, site)
    sync_file(part)
    place.parent.mkdir(parents=True, exist_ok=True)
    part.replace(place)


def _check(folder: Path, bundle: PublishedBundle, space: str) -> None:
    """Raises InputError unless the manifest is the bundle's and of the space, and all files have their sizes."""
    if (found := files.sha256(folder / manifest.NAME)) != bundle.sha256:
        raise DamagedFileError("another manifest than the statement names", where=folder, expected=bundle.sha256,
                               found=found)
    if (of := manifest.read(folder).space) != space:
        raise DamagedFileError("a bundle of another embedding space", where=folder, expected=space, found=of)
    for name, file in _all(bundle):
        path = folder / name
        if not path.is_file() or path.stat().st_size != file.bytes:
            raise DamagedFileError("a file of the bundle lacks, or has another size", where=path,
                                   expected=f"{file.bytes:,} bytes")


def _verify(folder: Path, bundle: PublishedBundle, space: str) -> None:
    """Raises InputError unless all is what the statement says."""
    _check(folder, bundle, space)
    for name, file in _all(bundle):
        if (found := files.sha256(folder / name)) != file.sha256:
            raise DamagedFileError("other bytes than the statement says", where=folder / name, expected=file.sha256,
                                   found=found)
