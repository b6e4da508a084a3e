"""Stores of several machines enter; one store with all that they hold leaves."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog_builder.builder.store import TABLES, VERSION
from export.common import files
from export.common.errors import InputError

LAST_BITS = 1e-5                             # a unit vector's numbers on processors with other instructions
REMEDY = "embed that part again"


@dataclass(frozen=True)
class Merged:
    """What the new store holds."""

    parts: int
    pictures: int                            # vectors, of any engine
    twice: int                               # that two parts had with other last bits: the first part's stayed


def merge(parts: Sequence[Path], target: Path) -> Merged:
    """Puts stores together, with what `target` holds already; whole or not at all.

    Raises InputError for a file that is no store, and for a picture that two of them know with other vectors, beyond
    what two processors differ by.
    """
    if not parts:
        raise InputError("no parts to merge", where=target.parent, remedy="embed them first: make embed PART=1/2")
    twice = 0
    with files.whole(target) as partial, closing(sqlite3.connect(partial)) as db:
        db.executescript(TABLES + f"pragma user_version = {VERSION};")
        for part in [*([target] if target.exists() else []), *parts]:
            try:
                twice += _taken(db, part)
            except sqlite3.Error as error:
                raise InputError("no file of computed embeddings", where=part, found=error, remedy=REMEDY) from error
        pictures = db.execute("select count(*) from vectors").fetchone()[0]
    return Merged(len(parts), pictures, twice)


def _taken(db: sqlite3.Connection, part: Path) -> int:
    """Takes what `part` holds and the store does not. Returns how many pictures both had with other last bits."""
    if not part.is_file():
        raise InputError("no file of computed embeddings", where=part, remedy=REMEDY)
    db.execute("attach ? as part", (str(part),))
    try:
        if (found := db.execute("pragma part.user_version").fetchone()[0]) != VERSION:
            raise InputError("a file of computed embeddings of another version", where=part, expected=VERSION,
                             found=found, remedy=REMEDY)
        other = db.execute("select old.picture, old.vector, old.fault, new.vector, new.fault from main.vectors old "
                           "join part.vectors new on old.picture = new.picture and old.engine = new.engine "
                           "where old.vector is not new.vector or old.fault is not new.fault").fetchall()
        for picture, *both in other:
            if not _alike(*both):
                raise InputError("two parts have other vectors for the same picture", where=part, remedy=REMEDY,
                                 found=f"picture {_name(db, picture)}")
        for table in ("files", "vectors", "thumbnails"):
            db.execute(f"insert or ignore into main.{table} select * from part.{table}")
        db.commit()                          # what is attached cannot be let go within a transaction
        return len(other)
    finally:
        db.rollback()
        db.execute("detach part")


def _alike(old: bytes | None, old_fault: str | None, new: bytes | None, new_fault: str | None) -> bool:
    """Whether two machines may have come to both."""
    if old is None or new is None or old_fault or new_fault or len(old) != len(new):
        return False
    return bool(np.abs(np.frombuffer(old, "<f4") - np.frombuffer(new, "<f4")).max() <= LAST_BITS)


def _name(db: sqlite3.Connection, picture: str) -> str:
    """A file with these bytes, or their digest."""
    found = db.execute("select path from main.files where sha256 = ?1 union select path from part.files "
                       "where sha256 = ?1", (picture,)).fetchone()
    return found[0] if found else picture
