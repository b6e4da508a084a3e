"""An app's files and a shop's site enter; the catalog and encoders in force leave: the reference of "Updates".

`start` says what is in force, and rolls back what does not open. `update` fetches what the shop published since.
`roll_back` is for encoders that came with an update and do not load. The caller runs one of them at a time, and swaps
the catalog that it searches, and the encoders with it: a search that runs keeps the old ones.
"""

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog_builder.catalog import delta, reader
from catalog_builder.catalog.reader import Catalog, CatalogError
from catalog_builder.updates import p256, statement, update_encoders
from catalog_builder.updates.fetching import (
    PART,
    CountedSite,
    DamagedFileError,
    Fetch,
    Kind,
    UpdateError,
    download,
    sync_file,
    sync_folder,
)
from catalog_builder.updates.statement import Check, PublishedBundle, Statement, StatementError
from export.common import files
from export.common.errors import InputError

HIGHEST, CATALOG, MADE = "highest", ".catalog", ".made"
OURS = re.compile(r"[0-9a-f]{64}(\.partial)?\.(catalog|part|made|bundle)|.*\.partial(\.update)?")   # may be deleted


@dataclass(frozen=True)
class Device:
    """What an app knows before it asks."""

    folder: Path                             # of the app's own, for nothing else
    name: str
    space: str                               # 64 hex digits: that of the encoders that came with the app
    bundled: Path                            # the catalog that came with the app
    keys: Sequence[str]                      # one or two public keys, either of which may sign
    bundled_statement: Path | None = None    # where one came with it
    highest: Path | None = None              # of the file, where it is to outlive the folder
    check: Check = p256.holds
    say: Callable[[str], None] = print       # takes a line on what was rolled back, and why
    takes_bundles: bool = False              # whether it can load encoders that come with an update

    @property
    def statement(self) -> Path:
        """Of the update in force."""
        return self.folder / f"{self.name}{statement.SUFFIX}"

    @property
    def highest_file(self) -> Path:
        """Holds the highest number that was ever in force here."""
        return self.highest or self.folder / HIGHEST

    def catalog(self, digest: str) -> Path:
        """Where the catalog with this digest of its own lies."""
        return self.folder / f"{digest}{CATALOG}"

    def bundle(self, told: Statement) -> PublishedBundle | None:
        """What brings the statement's encoders; None: they are the app's own."""
        return None if told.space == self.space else told.manifest


@dataclass(frozen=True, eq=False)
class InForce:
    """What the app searches, and with what."""

    catalog: Catalog
    number: int                              # 0: the bundled one, without a statement
    expired: bool                            # the last day for its prices is over; it is searched all the same
    encoders: Path | None = None             # a bundle's folder; None: those that came with the app


@dataclass(frozen=True, eq=False)
class Updated:
    """What came."""

    in_force: InForce
    how: str                                 # the catalog: "delta", "whole", or "same": it was there
    fetched: int                             # bytes, the statement's among them


# At the app's start.

def start(device: Device, today: datetime.date) -> InForce:
    """What is in force. Deletes what is of no use. Raises CatalogError if even the bundled catalog does not open."""
    bundled = _bundled(device, today)
    kept = _kept(device, bundled, today)
    in_force = kept or bundled
    with _told(device):
        device.folder.mkdir(parents=True, exist_ok=True)
        _clean(device, kept)
        if in_force.number > highest(device):
            _write_highest(device, in_force.number)
    return in_force


@contextmanager
def _told(device: Device) -> Iterator[None]:
    """What may fail, since the next start makes up for it."""
    try:
        yield
    except OSError as error:
        device.say(f"left for the next start: {error}")


def highest(device: Device) -> int:
    """The highest number that was ever in force here; 0 where nobody knows."""
    try:
        text = device.highest_file.read_text(encoding="ascii")
    except (OSError, ValueError):
        return 0
    return int(text) if re.fullmatch("[0-9]{1,16}", text) else 0


def _bundled(device: Device, today: datetime.date) -> InForce:
    """The catalog that came with the app."""
    catalog = reader.open_catalog(device.bundled, device.space)
    if device.bundled_statement is None:
        return InForce(catalog, 0, False)
    told = _read(device, device.bundled_statement)
    if (told.space, told.catalog.digest) != (device.space, catalog.metadata["sha256"]):
        raise StatementError("the statement beside the bundled catalog is another's", where=device.bundled_statement)
    return InForce(catalog, told.number, told.expired(today))


def _kept(device: Device, bundled: InForce, today: datetime.date) -> InForce | None:
    """The update that was in force; None if it is of no use any more, which is told."""
    try:
        if not device.statement.exists():
            return None
        told = _read(device, device.statement)
        if told.number < bundled.number:
            raise StatementError("older than the catalog that came with the app", found=told.number,
                                 expected=f"{bundled.number} or more")
        bundle = device.bundle(told)
        folder = update_encoders.kept(device.folder, bundle, told.space) if bundle else None
        is_bundled = not bundle and bundled.catalog.metadata["sha256"] == told.catalog.digest
        catalog = bundled.catalog if is_bundled else _fitting(device.catalog(told.catalog.digest), told)
    except (InputError, OSError) as error:
        device.say(f"rolled back to the catalog that came with the app: {error}")
        return None
    return InForce(catalog, told.number, told.expired(today), folder)


def _read(device: Device, path: Path) -> Statement:
    """A statement that lies here. Raises StatementError, and OSError."""
    told = statement.opened(path.read_bytes(), device.keys, device.check)
    _refuse_foreign(device, told)
    return told


def _refuse_foreign(device: Device, told: Statement) -> None:
    if told.name != device.name:
        raise StatementError("an update of another catalog", expected=device.name, found=told.name)
    if told.space == device.space:
        return
    if told.manifest is None or not told.manifest.files:
        raise StatementError("an update of another embedding space", expected=device.space, found=told.space)
    if not device.takes_bundles:
        raise StatementError("an update with other encoders, which this app does not take")


def _fitting(path: Path, told: Statement) -> Catalog:
    """The catalog at `path`, if it is the one that the statement names. Raises CatalogError."""
    catalog = reader.open_catalog(path, told.space)
    if catalog.metadata["sha256"] != told.catalog.digest:
        raise CatalogError("another catalog than the statement names", where=path, expected=told.catalog.digest)
    return catalog


def _clean(device: Device, kept: InForce | None) -> None:
    """Deletes all but the update in force and what a download left."""
    in_force = (kept.catalog.path, kept.encoders, device.statement) if kept else ()
    for path in device.folder.iterdir():
        ours = OURS.fullmatch(path.name) and path.suffix != PART or path == device.statement
        if ours and path not in in_force:
            files.remove(path)


# An update.

def update(device: Device, running: InForce, fetch: Fetch, today: datetime.date) -> Updated | None:
    """Fetches what the site has newer than `running`; None if it has not. Raises UpdateError.

    `fetch` raises OSError where the network fails; its blocks may end early.
    """
    try:
        return _updated(device, running, CountedSite(fetch), today)
    except StatementError as error:
        raise UpdateError(Kind.REFUSED, f"{error}") from None
    except (CatalogError, DamagedFileError) as error:
        raise UpdateError(Kind.DAMAGED, f"{error}") from None
    except OSError as error:
        raise UpdateError(Kind.DISK, "no update", where=error.filename, found=error.strerror) from None


def _updated(device: Device, running: InForce, site: CountedSite, today: datetime.date) -> Updated | None:
    content = _statement(device, site)
    told = statement.opened(content, device.keys, device.check)
    _refuse_foreign(device, told)
    if told.number < (known := highest(device)):
        raise StatementError("an older update than was in force", expected=f"{known} or more", found=told.number)
    if told.number == running.number:
        with _told(device):
            _delete_parts(device)
        return None
    bundle = device.bundle(told)
    folder = update_encoders.bring(device.folder, bundle, told.space, site) if bundle else None
    how = _bring(device, running.catalog, told, site)
    catalog = running.catalog if how == "same" else _fitting(device.catalog(told.catalog.digest), told)
    _write(device.statement, content)        # the commit
    with _told(device):
        _write_highest(device, told.number)
        _delete_parts(device)
    return Updated(InForce(catalog, told.number, told.expired(today), folder), how, site.bytes)


def _statement(device: Device, site: CountedSite) -> bytes:
    """The statement's bytes, not checked."""
    content = b""
    for block in site.blocks(device.statement.name, 0)[1]:
        content += block
        if len(content) > statement.MOST:
            raise StatementError("no statement of an update", expected=f"at most {statement.MOST:,} bytes")
    return content


def _bring(device: Device, running: Catalog, told: Statement, site: CountedSite) -> str:
    """Puts the statement's catalog into the folder, whole and verified. Says how it came."""
    digest = running.metadata["sha256"]
    if digest == told.catalog.digest:
        if running.space != told.space:
            raise CatalogError("a catalog of another embedding space", expected=told.space, found=running.space)
        return "same"
    made = device.folder / f"{told.catalog.digest}{MADE}"
    small = told.delta_from(digest) if running.space == told.space else None
    if small:
        part = device.folder / f"{small.sha256}{PART}"
        try:
            download(part, small, site)
            delta.apply(running, delta.open_delta(part), made)
            _take(device, made, told)
            return "delta"
        except (CatalogError, DamagedFileError) as error:
            device.say(f"the delta is of no use, so the whole catalog is fetched: {error}")
            made.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    part = device.folder / f"{told.catalog.sha256}{PART}"
    download(part, told.catalog, site)
    try:
        _take(device, part, told)
    except CatalogError:
        part.unlink(missing_ok=True)
        raise
    return "whole"


def _take(device: Device, path: Path, told: Statement) -> None:
    """Verifies a new catalog and gives it its name. Raises CatalogError."""
    _fitting(path, told).verify()
    if (found := files.sha256(path)) != told.catalog.sha256:
        raise CatalogError("other bytes than the statement says", where=path, expected=told.catalog.sha256, found=found)
    sync_file(path)
    path.replace(device.catalog(told.catalog.digest))
    sync_folder(device.folder)


def _write(path: Path, content: bytes) -> None:
    """Writes a small file beside, syncs it, renames it."""
    with files.whole(path) as partial:
        partial.write_bytes(content)
        sync_file(partial)
    sync_folder(path.parent)


def _write_highest(device: Device, number: int) -> None:
    _write(device.highest_file, str(max(number, highest(device))).encode())


def _delete_parts(device: Device) -> None:
    """Deletes what downloads left: no statement in force names it any more."""
    for path in device.folder.glob(f"*{PART}"):
        files.remove(path)


# Encoders that do not load.

def roll_back(device: Device, in_force: InForce, why: object, today: datetime.date) -> InForce:
    """Gives up an update whose encoders do not load here. What a start then finds is in force; the next number comes.

    Raises UpdateError where the statement cannot be deleted; CatalogError as `start`.
    """
    device.say(f"gave up the encoders of number {in_force.number}: {why}")
    try:
        device.statement.unlink(missing_ok=True)
        sync_folder(device.folder)
    except OSError as error:
        raise UpdateError(Kind.DISK, "an update that cannot be given up", where=device.statement,
                          found=error.strerror) from None
    with _told(device):                      # after the statement: a kill between them lets it come once more
        _write_highest(device, in_force.number + 1)
    return start(device, today)
