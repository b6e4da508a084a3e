"""The bytes of an update's statement enter; the statement leaves, once its signature and its content are checked.

A statement says which catalog is in force, and which files make it. FORMATS.md, "Updates", is the contract. The check
of a signature is a function that is passed in: `p256.holds` is one.
"""

import datetime
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from export.common.errors import InputError

FORMAT, VERSION = "mobileclip-update", 1
SIGNATURE = 64                               # bytes: r, then s, each 32, big-endian
MOST_TEXT = 65_536                           # bytes of the JSON
MOST = SIGNATURE + MOST_TEXT                 # of the whole file
MOST_DELTAS, MOST_FILES, MOST_PATH, MOST_NESTING = 100, 100, 512, 100
MOST_NUMBER = 2**53 - 1                      # what every language's numbers hold exactly
SUFFIX, UNSIGNED = ".update", ".update.unsigned"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PART = re.compile(r"[A-Za-z0-9._-]+")
DIGITS = re.compile(r"[0-9a-f]{64}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
BROKEN = (ValueError, TypeError, KeyError, RecursionError)

Check = Callable[[str, bytes, bytes], bool]  # public key as the apps hold it, message, signature: whether it holds


class StatementError(InputError):
    """A file that is no statement, or one that nobody signed who may."""


@dataclass(frozen=True)
class PublishedFile:
    """A file beside the statement."""

    path: str                                # relative to the statement's address
    sha256: str                              # 64 hex digits, of all its bytes
    bytes: int


@dataclass(frozen=True)
class PublishedCatalog(PublishedFile):
    """A whole catalog."""

    digest: str                              # 64 hex digits: the `sha256` that stands in it


@dataclass(frozen=True)
class PublishedDelta(PublishedFile):
    """What makes the catalog of an older one."""

    base: str                                # 64 hex digits: the older one's `sha256`


@dataclass(frozen=True)
class PublishedBundle(PublishedFile):
    """A bundle's manifest.json, and what lies in its folder."""

    files: tuple[PublishedFile, ...] = ()    # all else that a device needs; none: it brings no encoders

    def inside(self, file: PublishedFile) -> str:
        """The path of one of `files`, relative to the manifest's folder."""
        return file.path.removeprefix(folder_of(self.path))


@dataclass(frozen=True)
class Statement:
    """What a shop says is in force."""

    name: str
    number: int                              # rises with every publication
    space: str                               # 64 hex digits
    catalog: PublishedCatalog
    deltas: tuple[PublishedDelta, ...] = ()
    manifest: PublishedBundle | None = None  # None: the app's own encoders
    not_after: str | None = None             # YYYY-MM-DD, UTC: the last day on which prices are to be trusted

    @property
    def files(self) -> tuple[PublishedFile, ...]:
        """All that it names."""
        bundle = (self.manifest, *self.manifest.files) if self.manifest else ()
        return (self.catalog, *self.deltas, *bundle)

    def delta_from(self, digest: str) -> PublishedDelta | None:
        """The delta whose base has this digest."""
        return next((delta for delta in self.deltas if delta.base == digest), None)

    def expired(self, today: datetime.date) -> bool:
        """Whether the last day for its prices is over."""
        return self.not_after is not None and today.isoformat() > self.not_after


def folder_of(path: str) -> str:
    """The path's folder, with a / at its end; "" at the top."""
    return path[:path.rfind("/") + 1]


def opened(content: bytes, keys: Sequence[str], check: Check) -> Statement:
    """The statement in a signed file's bytes. Nothing is parsed before the signature holds.

    keys: the public keys of those who may sign. Raises StatementError for anything else.
    """
    if not SIGNATURE + 2 <= len(content) <= MOST:
        raise StatementError("no statement of an update", found=f"{len(content):,} bytes",
                             expected=f"{SIGNATURE + 2} to {MOST:,}")
    signature, message = content[:SIGNATURE], content[SIGNATURE:]
    if not any(check(key, message, signature) for key in keys):
        raise StatementError("the update's signature is of no known key", expected=f"one of {len(keys)} public keys")
    return parsed(message)


def parsed(message: bytes) -> Statement:
    """The statement in a text of JSON. Raises StatementError for anything else."""
    try:
        if not 2 <= len(message) <= MOST_TEXT:
            raise ValueError(f"{len(message):,} bytes, where 2 to {MOST_TEXT:,} are expected")
        told = json.loads(message.decode(), object_pairs_hook=_each_once, parse_constant=_refused)
        _check_nesting(told)
        return _statement(told)
    except BROKEN as error:
        wrong = f"no {error}" if isinstance(error, KeyError) else f"{error}"
        raise StatementError("no statement of an update", found=wrong[:200],
                             remedy="publish it with the release that reads it") from None


def text(statement: Statement) -> bytes:
    """The JSON that is signed. Raises StatementError for what no reader would take."""
    told = {"format": FORMAT, "version": VERSION, **{
        key: value for key, value in asdict(statement).items() if value is not None}}
    if statement.manifest and not statement.manifest.files:
        del told["manifest"]["files"]
    message = json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()
    if parsed(message) != statement:
        raise StatementError("a statement that does not read as it was meant", where=statement.name)
    return message


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a name twice")
    return entries


def _refused(constant: str) -> object:
    raise ValueError(f"{constant}, which is no JSON")


def _check_nesting(value: object) -> None:
    """Raises ValueError for more than MOST_NESTING lists and objects within one another."""
    level, depth = [value], 0
    while level := [one for one in level if isinstance(one, list | dict)]:
        depth += 1
        if depth > MOST_NESTING:
            raise ValueError(f"more than {MOST_NESTING} lists and objects within one another")
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]


def _statement(told: object) -> Statement:
    """Raises one of BROKEN for what FORMATS.md forbids. Unknown keys are ignored."""
    entries = _object(told, "the statement")
    if entries["format"] != FORMAT or type(entries["version"]) is not int or entries["version"] != VERSION:
        raise ValueError(f"format {entries['format']!r}, version {entries['version']!r}")
    catalog, deltas = _object(entries["catalog"], "catalog"), entries["deltas"]
    if not isinstance(deltas, list) or len(deltas) > MOST_DELTAS:
        raise ValueError(f"deltas that are no list of at most {MOST_DELTAS}")
    made = tuple(PublishedDelta(**_file(each), base=_digits(each, "base")) for each in deltas)
    if len({delta.base for delta in made}) < len(made):
        raise ValueError("two deltas for one base")
    manifest, not_after = entries.get("manifest"), entries.get("not_after")
    return Statement(
        name=_matched(NAME, entries["name"], "name"), number=_count(entries["number"], "number"),
        space=_digits(entries, "space"), catalog=PublishedCatalog(**_file(catalog), digest=_digits(catalog, "digest")),
        deltas=made, manifest=None if manifest is None else _bundle(_object(manifest, "manifest")),
        not_after=None if not_after is None else _day(not_after))


def _bundle(entries: dict) -> PublishedBundle:
    """The manifest, and the files in its folder."""
    file, listed = _file(entries), entries.get("files")
    if listed is None:
        return PublishedBundle(**file)
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_FILES:
        raise ValueError(f"a bundle's files that are no list of 1 to {MOST_FILES}")
    made = tuple(PublishedFile(**_file(each)) for each in listed)
    paths = {one.path for one in made}
    if len(paths) < len(made) or file["path"] in paths:
        raise ValueError("a bundle's file twice")
    if not all(path.startswith(folder_of(file["path"])) for path in paths):
        raise ValueError("a bundle's file outside its manifest's folder")
    return PublishedBundle(**file, files=made)


def _object(value: object, what: str) -> dict:
    if not isinstance(value, dict):
        raise ValueError(f"{what} that is no object")
    return value


def _file(told: object) -> dict:
    """Path, digest and size of a file."""
    entries = _object(told, "a file")
    path = entries["path"]
    if not isinstance(path, str) or not 1 <= len(path) <= MOST_PATH or not all(
            PART.fullmatch(part) and part not in (".", "..") for part in path.split("/")):
        raise ValueError(f"the path {path!r}")
    return {"path": path, "sha256": _digits(entries, "sha256"), "bytes": _count(entries["bytes"], "bytes")}


def _matched(pattern: re.Pattern[str], value: object, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{what} {value!r}")
    return value


def _digits(entries: dict, key: str) -> str:
    return _matched(DIGITS, entries[key], key)


def _count(value: object, what: str) -> int:
    if type(value) is not int or not 1 <= value <= MOST_NUMBER:
        raise ValueError(f"{what} {value!r}")
    return value


def _day(value: object) -> str:
    day = _matched(DAY, value, "not_after")
    datetime.date.fromisoformat(day)
    return day
