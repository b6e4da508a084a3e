"""A catalog and a folder for a static web host enter; in it leave the catalog, deltas, and a statement to be signed.

`publish` writes the statement without a signature, as `<name>.update.unsigned`; `sign` makes `<name>.update` of it, the
last file to change. Both read all that the statement names with the readers that a device has. Files have the number
and the digest of their catalog in their names, so none is ever written over.
"""

import datetime
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_builder.catalog import delta as deltas
from catalog_builder.catalog import reader
from catalog_builder.catalog.reader import Catalog, CatalogError
from catalog_builder.updates import delta_writer, p256, published_bundles, statement
from catalog_builder.updates.published_bundles import DIGITS, file_in
from catalog_builder.updates.signing import Signer
from catalog_builder.updates.statement import (
    SIGNATURE,
    PublishedBundle,
    PublishedCatalog,
    PublishedDelta,
    Statement,
    StatementError,
)
from export.common import files
from export.common.errors import InputError

KEEP_LAST = 7                                # older catalogs from which deltas lead to the new one
LARGEST_DELTA = 0.5                          # of the whole file: beyond, a device may as well fetch that
MOST = {"older catalogs": statement.MOST_DELTAS, "days": 36_500}
Say = Callable[[str], None]


@dataclass(frozen=True)
class PublishRequest:
    """What `publish` was asked for."""

    catalog: Path
    out: Path
    today: datetime.date                     # UTC
    name: str = "shop"                       # of the catalog in its app
    keep_last: int = KEEP_LAST
    number: int | None = None                # None: one more than that of the statement in the folder
    valid_days: int | None = None            # None: prices have no last day
    bundle: Path | None = None               # one platform's part of a bundle: new encoders
    carry_on: bool = True                    # without one: the bundle of the statement in the folder, if of the space
    public_keys: Sequence[str] = ()          # of the statement that is there


@dataclass(frozen=True)
class Published:
    """What `publish` wrote."""

    statement: Statement
    unsigned: Path
    left_out: list[str]                      # why there is no delta from an older catalog, or no bundle
    deleted: list[str]                       # names of files that no statement names any more


@dataclass(frozen=True)
class HeldCatalog:
    """A catalog that the folder holds."""

    number: int
    path: Path


def publish(request: PublishRequest, begin: Say) -> Published:
    """Writes all but the signature. `begin` takes the name of each step: `steps` says how many there are.

    Raises InputError for a number that does not rise, a damaged catalog, or a bundle of another catalog.
    """
    _refuse_bad(request)
    begin("the catalog")
    before = in_force(request.out, request.name, request.public_keys)
    number = _number(request, before)
    made = reader.open_catalog(request.catalog)
    made.verify()
    if request.bundle:
        published_bundles.refuse_another(request.bundle, made)
    whole = _whole(request, made, number)
    left_out: list[str] = []
    published, last = [], older(request, made, number)
    for held in last:
        begin(f"delta from number {held.number}")
        try:
            published.append(_delta(request, held, made, number))
        except CatalogError as error:
            left_out.append(f"no delta from number {held.number}: {error}")
    told = Statement(
        request.name, number, made.space, PublishedCatalog(**file_in(request.out, whole), digest=_digest(made)),
        deltas=tuple(published), manifest=_bundle(request, before, made), not_after=_last_day(request))
    if before and before.space != made.space and not told.manifest:
        left_out.append(f"no encoders: the catalog is of another embedding space than number {before.number}, so only "
                        "apps that came with its encoders take it; BUNDLE= brings them")
    begin("what a device will read")
    check(request.out, told)
    unsigned = request.out / f"{request.name}{statement.UNSIGNED}"
    with files.whole(unsigned) as partial:
        partial.write_bytes(statement.text(told))
    kept = _named(told) | (_named(before) if before else set()) | {held.path.name for held in last}
    return Published(told, unsigned, left_out, _deleted(request, kept))


def steps(request: PublishRequest) -> int:
    """How many steps `publish` has at most."""
    return 2 + min(max(request.keep_last, 0), len(_held(request.out, request.name)))


def sign(out: Path, name: str, signer: Signer, public_keys: Sequence[str], begin: Say) -> Statement:
    """Puts the unsigned statement of a folder in force. Two steps.

    public_keys: one of which the signature must hold for; none: it is not checked. Raises InputError for a number that
    does not rise, files that are not what it says, or a signature by another key.
    """
    unsigned = out / f"{name}{statement.UNSIGNED}"
    try:
        message = unsigned.read_bytes()
    except OSError as error:
        raise InputError("no statement to sign", where=unsigned, found=error.strerror,
                         remedy=f"make publish OUT={out}") from None
    told = statement.parsed(message)
    before = in_force(out, name, public_keys)
    if before and told.number <= before.number:
        raise InputError("a number that does not rise", where=unsigned, expected=f"more than {before.number}",
                         found=told.number, remedy=f"make publish OUT={out}")
    begin("what a device will read")
    check(out, told)
    begin("the signature")
    signature = signer(message)
    if public_keys:
        statement.opened(signature + message, public_keys, p256.holds)
    with files.whole(out / f"{name}{statement.SUFFIX}") as partial:
        partial.write_bytes(signature + message)
    unsigned.unlink()
    return told


def in_force(out: Path, name: str, public_keys: Sequence[str] = ()) -> Statement | None:
    """The signed statement of a folder; None if it has none. Without a key its signature is not checked.

    Raises StatementError for one that is damaged, or of another name.
    """
    path = out / f"{name}{statement.SUFFIX}"
    if not path.exists():
        return None
    content = path.read_bytes()
    try:
        told = (statement.opened(content, public_keys, p256.holds) if public_keys
                else statement.parsed(content[SIGNATURE:]))
    except StatementError as error:
        raise StatementError(f"{error}", where=path) from None
    if told.name != name:
        raise StatementError("a statement of another name", where=path, expected=name, found=told.name)
    return told


def check(out: Path, told: Statement) -> None:
    """Raises InputError unless every file is what the statement says, and each delta makes the catalog."""
    for file in told.files:
        path = out / file.path
        if not path.is_file() or (path.stat().st_size, files.sha256(path)) != (file.bytes, file.sha256):
            raise InputError("not what the statement says", where=path, expected=f"{file.bytes:,} bytes, {file.sha256}",
                             remedy=f"make publish OUT={out}")
    catalog = reader.open_catalog(out / told.catalog.path, told.space)
    catalog.verify()
    if _digest(catalog) != told.catalog.digest:
        raise InputError("another catalog than the statement says", where=catalog.path, expected=told.catalog.digest)
    if told.manifest:
        published_bundles.check(out, told.manifest, told.space)
    with tempfile.TemporaryDirectory() as folder:
        for delta in told.deltas:
            bases = [base for base in map(reader.open_catalog, out.glob(f"{told.name}-*-{delta.base[:DIGITS]}.catalog"))
                     if _digest(base) == delta.base]
            if not bases:
                raise InputError("a delta from a catalog that is not there", where=out / delta.path,
                                 expected=delta.base)
            made = deltas.apply(bases[0], deltas.open_delta(out / delta.path), Path(folder) / "made.catalog")
            if files.sha256(made.path) != told.catalog.sha256:
                raise InputError("a delta that makes another file", where=out / delta.path,
                                 expected=told.catalog.sha256)


def _refuse_bad(request: PublishRequest) -> None:
    if not statement.NAME.fullmatch(request.name):
        raise InputError("no name of an update", expected="1 to 64 of a-z A-Z 0-9 . _ -, the first a letter or a digit",
                         found=request.name)
    for what, value in (("older catalogs", request.keep_last), ("days", request.valid_days or 0)):
        if not 0 <= value <= MOST[what]:
            raise InputError(f"a number of {what} out of range", expected=f"0 to {MOST[what]:,}", found=value)


def _bundle(request: PublishRequest, before: Statement | None, made: Catalog) -> PublishedBundle | None:
    """The bundle that was asked for, or else that of before."""
    if request.bundle:
        return published_bundles.put(request.bundle, request.out, request.name)
    return published_bundles.carried_on(before, made, request.out) if request.carry_on else None


def _last_day(request: PublishRequest) -> str | None:
    """The last day for the prices."""
    if request.valid_days is None:
        return None
    return (request.today + datetime.timedelta(days=request.valid_days)).isoformat()


def _number(request: PublishRequest, before: Statement | None) -> int:
    """The new statement's number. Raises InputError unless it rises."""
    least = before.number + 1 if before else 1
    number = least if request.number is None else request.number
    if not least <= number <= statement.MOST_NUMBER:
        raise InputError("a number that does not rise", where=request.out / f"{request.name}{statement.SUFFIX}",
                         expected=f"{least} or more", found=number, remedy="leave NUMBER out")
    return number


def _digest(catalog: Catalog) -> str:
    return catalog.metadata["sha256"]


def _whole(request: PublishRequest, made: Catalog, number: int) -> Path:
    """Where the catalog lies in the folder: where it lay already, or a copy of it."""
    digest = _digest(made)
    for held in _held(request.out, request.name):
        if held.path.stem.endswith(digest[:DIGITS]) and files.sha256(held.path) == files.sha256(request.catalog):
            return held.path
    target = request.out / f"{request.name}-{number}-{digest[:DIGITS]}.catalog"
    _copy(request.catalog, target)
    return target


def _copy(source: Path, target: Path) -> None:
    with files.whole(target) as partial:
        shutil.copyfile(source, partial)


def _held(out: Path, name: str) -> list[HeldCatalog]:
    """The catalogs of a folder, the newest first."""
    pattern = re.compile(rf"{re.escape(name)}-([1-9][0-9]{{0,15}})-[0-9a-f]{{{DIGITS}}}\.catalog")
    found = [HeldCatalog(int(match[1]), path) for path in (out.iterdir() if out.is_dir() else ())
             if (match := pattern.fullmatch(path.name))]
    return sorted(found, key=lambda held: (held.number, held.path.name), reverse=True)


def older(request: PublishRequest, made: Catalog, number: int) -> list[HeldCatalog]:
    """The last catalogs of the same space that the folder holds, the newest first, and not `made` itself."""
    found: dict[str, HeldCatalog] = {}
    for held in _held(request.out, request.name):
        try:
            catalog = reader.open_catalog(held.path)
            digest, fits = _digest(catalog), catalog.space == made.space
        except CatalogError:                 # `_delta` says so
            digest, fits = held.path.name, True
        if fits and digest != _digest(made) and held.number < number:
            found.setdefault(digest, held)
    return list(found.values())[:request.keep_last]


def _delta(request: PublishRequest, held: HeldCatalog, made: Catalog, number: int) -> PublishedDelta:
    """Writes the delta from an older catalog. Raises CatalogError where there is none, or none that is small."""
    base = reader.open_catalog(held.path)
    base.verify()
    name = f"{request.name}-{held.number}-{number}-{_digest(base)[:DIGITS // 2]}{_digest(made)[:DIGITS // 2]}.delta"
    path = request.out / name
    delta_writer.write(base, made, path)
    size, most = path.stat().st_size, int(LARGEST_DELTA * len(made.content))
    if size > most:
        path.unlink()
        raise CatalogError("it is too large", found=f"{size:,} bytes", expected=f"at most {most:,}, half of the file")
    return PublishedDelta(**file_in(request.out, path), base=_digest(base))


def _named(told: Statement) -> set[str]:
    """The names in the folder of what a statement names."""
    return {file.path.split("/")[0] for file in told.files}


def _deleted(request: PublishRequest, kept: set[str]) -> list[str]:
    """Deletes the other files of this name: those alone that are called as `publish` calls them."""
    digits = f"[0-9a-f]{{{DIGITS}}}"
    ours = re.compile(rf"{re.escape(request.name)}-([0-9]+-{digits}\.catalog|[0-9]+-[0-9]+-{digits}\.delta|"
                      rf"bundle-{digits})")
    gone = [path for path in sorted(request.out.iterdir()) if ours.fullmatch(path.name) and path.name not in kept]
    for path in gone:
        files.remove(path)
    return [path.name for path in gone]
