"""A file that a statement names and a site enter; the file leaves, whole and with the right digest, or a fault."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from catalog_builder.updates.statement import PublishedFile
from export.common import files
from export.common.errors import InputError

PART = ".part"                               # of a download that is not whole
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


class DamagedFileError(InputError):
    """A file that is not what the statement says."""


class CountedSite:
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


def download(part: Path, file: PublishedFile, site: CountedSite) -> None:
    """Fetches a file, from where an earlier download stopped.

    Raises DamagedFileError for other bytes than were said, or fewer than came before, and deletes the part; UpdateError
    where the network fails, or ends early: the part is kept.
    """
    there = part.stat().st_size if part.exists() else 0
    if there > file.bytes:
        part.unlink()
        there = 0
    if there < file.bytes:
        _fetch_rest(part, there, file, site)
    if (found := files.sha256(part)) != file.sha256:
        part.unlink()
        raise DamagedFileError("other bytes than the statement says", where=file.path, expected=file.sha256,
                               found=found)


def _fetch_rest(part: Path, there: int, file: PublishedFile, site: CountedSite) -> None:
    """Fetches what follows the bytes that are there, or all of it where the site begins anew."""
    start, blocks = site.blocks(file.path, there)
    if not 0 <= start <= there:
        raise UpdateError(Kind.NETWORK, "the site sends another part of the file", where=file.path, found=start)
    size = start
    with part.open("r+b" if there else "wb") as target:
        target.truncate(start)
        target.seek(start)
        for block in blocks:
            size += len(block)
            if size > file.bytes:
                break
            target.write(block)
    if size > file.bytes or 0 < there == start == size:
        part.unlink()
        raise DamagedFileError(f"a {'longer' if size > file.bytes else 'shorter'} file than the statement says",
                               where=file.path, expected=f"{file.bytes:,} bytes")
    if size < file.bytes:
        raise UpdateError(Kind.NETWORK, "the download ended early", where=file.path,
                          found=f"{size:,} of {file.bytes:,} bytes")


def sync_file(path: Path) -> None:
    """Makes a file's bytes outlive a loss of power."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes the names of a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
