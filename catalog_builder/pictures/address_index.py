"""What was fetched from each address enters; it leaves again in a later run. Kept in one file of JSON Lines.

A line is added for each picture, after its file has its name. Of the lines of one address the last counts. A line that
a killed process left unfinished does not count.
"""

import json
import os
import re
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from catalog_builder.pictures.picture_kinds import SUFFIXES
from export.common import files
from export.common.errors import InputError

NAME = "index.jsonl"
DIGEST = re.compile("[0-9a-f]{64}")
WASTE = 1000                                 # lines that no longer count and may stay


@dataclass(frozen=True)
class FetchedFile:
    """A picture that an address gave."""

    sha256: str
    suffix: str                              # as the picture's first bytes say
    size: int                                # bytes
    etag: str = ""                           # as the server said, "" where it did not
    modified: str = ""

    @property
    def name(self) -> str:
        """In the folder; addresses with the same bytes share it."""
        return f"{self.sha256}{self.suffix}"

    def is_in(self, folder: str) -> bool:
        """Whether the folder holds the whole file."""
        try:
            status = os.lstat(f"{folder}/{self.name}")
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and status.st_size == self.size


@dataclass
class AddressIndex:
    """What a folder of fetched pictures holds, by address."""

    fetched: dict[str, FetchedFile]
    failed: dict[str, str]                   # why an address gave nothing the last time it was asked

    def add(self, line: dict) -> None:
        """Takes up one line; passes over a line that is none."""
        address = line.get("address")
        if not isinstance(address, str):
            return
        if isinstance(line.get("failed"), str):
            self.failed[address] = line["failed"]
        elif file := _file(line):
            self.fetched[address] = file
            self.failed.pop(address, None)

    def lines(self) -> list[dict]:
        """The lines that count."""
        return [{"address": address, **asdict(file)} for address, file in self.fetched.items()] + [
            {"address": address, "failed": reason} for address, reason in self.failed.items()]


class IndexWriter:
    """The index, opened to be added to. It is written anew first where a line is unfinished or many do not count."""

    def __init__(self, folder: Path):
        path = folder / NAME
        self.index, lines, whole = _read(path)
        if not whole or lines > len(self.index.fetched) + len(self.index.failed) + WASTE:
            with files.whole(path) as partial:
                partial.write_bytes(b"".join(map(_encoded, self.index.lines())))
        self._file = path.open("ab", buffering=0)

    def keep(self, address: str, file: FetchedFile) -> None:
        """Remembers what an address gave."""
        self._write({"address": address, **asdict(file)})

    def fail(self, address: str, reason: str) -> None:
        """Remembers why an address gave nothing."""
        self._write({"address": address, "failed": reason})

    def _write(self, line: dict) -> None:
        self._file.write(_encoded(line))
        self.index.add(line)

    def __enter__(self) -> "IndexWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._file.close()


def read_index(folder: Path) -> AddressIndex:
    """The index of a folder; empty where there is none. Raises InputError if it cannot be read."""
    return _read(folder / NAME)[0]


def _read(path: Path) -> tuple[AddressIndex, int, bool]:
    """The index, how many lines the file has, and whether its last line is finished."""
    index, count, last = AddressIndex({}, {}), 0, b"\n"
    try:
        with path.open("rb") as file:
            for last in file:
                count += 1
                index.add(_decoded(last))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError("the index of fetched pictures cannot be read", where=path, found=error.strerror or error,
                         remedy=f"remove {path.parent}, and fetch again") from error
    return index, count, last.endswith(b"\n")


def _decoded(line: bytes) -> dict:
    try:
        value = json.loads(line) if line.endswith(b"\n") else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _encoded(line: dict) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _file(line: dict) -> FetchedFile | None:
    """The file that a line names, if it says all and its name stays in the folder."""
    digest, suffix, size = line.get("sha256"), line.get("suffix"), line.get("size")
    etag, modified = line.get("etag"), line.get("modified")
    if not (isinstance(digest, str) and DIGEST.fullmatch(digest) and isinstance(suffix, str) and suffix in SUFFIXES):
        return None
    if not (type(size) is int and size > 0 and isinstance(etag, str) and isinstance(modified, str)):
        return None
    return FetchedFile(digest, suffix, size, etag, modified)
