"""An app's catalogs and a shop's site enter; the catalog that is in force leaves: the reference of "Updates".

`start` says what is in force, and rolls back what does not open. `update` fetches what the shop published since. The
caller runs one of them at a time, and swaps the catalog that it searches: a search that runs keeps the old one.
"""

import datetime
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from catalog_builder.catalog import delta, reader
from catalog_builder.catalog.reader import Catalog, CatalogError
from catalog_builder.updates import p256, statement
from catalog_builder.updates.statement import Check, PublishedFile, Statement, StatementError
from export.common import files
from export.common.errors import InputError

HIGHEST, CATALOG, PART, MADE = "highest", ".catalog", ".part", ".made"
OURS = re.compile(r"[0-9a-f]{64}(\.partial)?\.(catalog|part|made)|.*\.partial(\.update)?")       # what may be deleted
Fetch = Callable[[str, int], tuple[int, Iterator[bytes]]]    # path, place -> the place where it really starts, blocks


class Kind(Enum):
    """Why an update did not come."""

    NETWORK = "network"                      # try later; what came is kept
    REFUSED = "refused"                      # a statement that is not for this app, or of nobody who may
    DAMAGED = "damaged"                      # files that are not what the statement says
    DISK = "disk"


class UpdateError(InputError):
    """An update that did not come. What was in force is."""

    def __init__(self, kind: Kind, what: str, *, where: object = None, found: object = None):
        super().__init__(what, where=where, found=found)
        self.kind = kind


@dataclass(frozen=True)
class Device:
    """What an app knows before it asks."""

    folder: Path                             # of the app's own, for nothing else
    name: str
    space: str                               # 64 hex digits: the encoders'
    bundled: Path                            # the catalog that came with the app
    keys: Sequence[str]                      # one or two public keys, either of which may sign
    bundled_statement: Path | None = None    # where one came with it
    highest: Path | None = None              # of the file, where it is to outlive the folder
    check: Check = p256.holds
    say: Callable[[str], None] = print       # takes a line on what was rolled back, and why

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


@dataclass(frozen=True, eq=False)
class InForce:
    """What the app searches."""

    catalog: Catalog
    number: int                              # 0: the bundled one, without a statement
    expired: bool                            # the last day for its prices is over; it is searched all the same


@dataclass(frozen=True, eq=False)
class Updated:
    """What came."""

    in_force: InForce
    how: str                                 # "delta", "whole", or "same": the catalog was there
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
    if told.catalog.digest != catalog.metadata["sha256"]:
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
        is_bundled = bundled.catalog.metadata["sha256"] == told.catalog.digest
        catalog = bundled.catalog if is_bundled else _fitting(device, device.catalog(told.catalog.digest), told)
    except (InputError, OSError) as error:
        device.say(f"rolled back to the catalog that came with the app: {error}")
        return None
    return InForce(catalog, told.number, told.expired(today))


def _read(device: Device, path: Path) -> Statement:
    """A statement that lies here. Raises StatementError, and OSError."""
    told = statement.opened(path.read_bytes(), device.keys, device.check)
    _refuse_foreign(device, told)
    return told


def _refuse_foreign(device: Device, told: Statement) -> None:
    if told.name != device.name:
        raise StatementError("an update of another catalog", expected=device.name, found=told.name)
    if told.space != device.space:
        raise StatementError("an update of another embedding space", expected=device.space, found=told.space)


def _fitting(device: Device, path: Path, told: Statement) -> Catalog:
    """The catalog at `path`, if it is the one that the statement names. Raises CatalogError."""
    catalog = reader.open_catalog(path, device.space)
    if catalog.metadata["sha256"] != told.catalog.digest:
        raise CatalogError("another catalog than the statement names", where=path, expected=told.catalog.digest)
    return catalog


def _clean(device: Device, kept: InForce | None) -> None:
    """Deletes all but the update in force and what a download left."""
    for path in device.folder.iterdir():
        stale = OURS.fullmatch(path.name) and path.suffix != PART and (kept is None or path != kept.catalog.path)
        if stale or kept is None and path == device.statement:
            path.unlink(missing_ok=True)


# An update.

def update(device: Device, running: InForce, fetch: Fetch, today: datetime.date) -> Updated | None:
    """Fetches what the site has newer than `running`; None if it has not. Raises UpdateError.

    `fetch` raises OSError where the network fails; its blocks may end early.
    """
    try:
        return _updated(device, running, _Counted(fetch), today)
    except StatementError as error:
        raise UpdateError(Kind.REFUSED, f"{error}") from None
    except CatalogError as error:
        raise UpdateError(Kind.DAMAGED, f"{error}") from None
    except OSError as error:
        raise UpdateError(Kind.DISK, "no update", where=error.filename, found=error.strerror) from None


class _Counted:
    """A site, with the bytes that came from it."""

    def __init__(self, fetch: Fetch):
        self._fetch, self.bytes = fetch, 0

    def blocks(self, path: str, place: int) -> tuple[int, Iterator[bytes]]:
        """As Fetch. Raises UpdateError where the network fails."""
        with _network(path):
            start, blocks = self._fetch(path, place)
        return start, self._counted(path, blocks)

    def _counted(self, path: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            with _network(path):
                block = next(blocks, None)
            if block is None:
                return
            self.bytes += len(block)
            yield block


@contextmanager
def _network(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UpdateError(Kind.NETWORK, "the site does not answer", where=path, found=error) from None


def _updated(device: Device, running: InForce, site: _Counted, today: datetime.date) -> Updated | None:
    content = _statement(device, site)
    told = statement.opened(content, device.keys, device.check)
    _refuse_foreign(device, told)
    if told.manifest is not None:
        raise StatementError("an update with other encoders, which this reference does not take")
    if told.number < (known := highest(device)):
        raise StatementError("an older update than was in force", expected=f"{known} or more", found=told.number)
    if told.number == running.number:
        with _told(device):
            _delete_parts(device)
        return None
    how = _bring(device, running.catalog, told, site)
    catalog = running.catalog if how == "same" else _fitting(device, device.catalog(told.catalog.digest), told)
    _write(device.statement, content)        # the commit
    with _told(device):
        _write_highest(device, told.number)
        _delete_parts(device)
    return Updated(InForce(catalog, told.number, told.expired(today)), how, site.bytes)


def _statement(device: Device, site: _Counted) -> bytes:
    """The statement's bytes, not checked."""
    content = b""
    for block in site.blocks(device.statement.name, 0)[1]:
        content += block
        if len(content) > statement.MOST:
            raise StatementError("no statement of an update", expected=f"at most {statement.MOST:,} bytes")
    return content


def _bring(device: Device, running: Catalog, told: Statement, site: _Counted) -> str:
    """Puts the statement's catalog into the folder, whole and verified. Says how it came."""
    digest = running.metadata["sha256"]
    if digest == told.catalog.digest:
        return "same"
    made = device.folder / f"{told.catalog.digest}{MADE}"
    if small := told.delta_from(digest):
        part = device.folder / f"{small.sha256}{PART}"
        try:
            _download(part, small, site)
            delta.apply(running, delta.open_delta(part), made)
            _take(device, made, told)
            return "delta"
        except CatalogError as error:
            device.say(f"the delta is of no use, so the whole catalog is fetched: {error}")
            made.unlink(missing_ok=True)
        part.unlink(missing_ok=True)
    part = device.folder / f"{told.catalog.sha256}{PART}"
    _download(part, told.catalog, site)
    try:
        _take(device, part, told)
    except CatalogError:
        part.unlink(missing_ok=True)
        raise
    return "whole"


def _take(device: Device, path: Path, told: Statement) -> None:
    """Verifies a new catalog and gives it its name. Raises CatalogError."""
    _fitting(device, path, told).verify()
    if (found := files.sha256(path)) != told.catalog.sha256:
        raise CatalogError("other bytes than the statement says", where=path, expected=told.catalog.sha256, found=found)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.replace(device.catalog(told.catalog.digest))
    _sync(device.folder)


def _download(part: Path, file: PublishedFile, site: _Counted) -> None:
    """Fetches a file, from where an earlier download stopped. Raises CatalogError for other bytes than were said.

    Raises UpdateError where the network fails, or ends early: the part is kept.
    """
    there = part.stat().st_size if part.exists() else 0
    if there > file.bytes:
        part.unlink()
        there = 0
    if there < file.bytes:
        start, blocks = site.blocks(file.path, there)
        if not 0 <= start <= there:
            raise UpdateError(Kind.NETWORK, "the site sends another part of the file", where=file.path, found=start)
        with part.open("r+b" if there else "wb") as target:
            target.truncate(start)
            target.seek(start)
            for block in blocks:
                start += len(block)
                if start > file.bytes:
                    break
                target.write(block)
        if start < file.bytes:
            raise UpdateError(Kind.NETWORK, "the download ended early", where=file.path,
                              found=f"{start:,} of {file.bytes:,} bytes")
        if start > file.bytes:
            part.unlink()
            raise CatalogError("a longer file than the statement says", where=file.path,
                               expected=f"{file.bytes:,} bytes")
    if (found := files.sha256(part)) != file.sha256:
        part.unlink()
        raise CatalogError("other bytes than the statement says", where=file.path, expected=file.sha256, found=found)


def _write(path: Path, content: bytes) -> None:
    """Writes a small file beside, syncs it, renames it."""
    with files.whole(path) as partial, partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Makes the names of a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_highest(device: Device, number: int) -> None:
    _write(device.highest_file, str(max(number, highest(device))).encode())


def _delete_parts(device: Device) -> None:
    """Deletes what downloads left: no statement in force names it any more."""
    for path in device.folder.glob(f"*{PART}"):
        path.unlink(missing_ok=True)
