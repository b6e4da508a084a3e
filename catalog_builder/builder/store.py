"""Vectors and thumbnails enter; they leave again at the next build. Kept in SQLite beside the catalog, by picture.

A process that is killed loses only what it had not committed. A second build computes only what is new.
"""

import json
import sqlite3
from pathlib import Path

import numpy as np

from export.common.errors import InputError

VERSION = 1
EMBEDDINGS = ".embeddings"                   # how the file's name ends
TABLES = """
create table files (path text primary key, size integer, changed integer, sha256 text) without rowid;
create table vectors (picture text, engine text, vector blob, fault text, primary key (picture, engine)) without rowid;
create table thumbnails (picture text, kind text, webp blob, primary key (picture, kind)) without rowid;
"""


class Store:
    """Opened for one engine and one kind of thumbnail ("" for none)."""

    def __init__(self, path: Path, engine: str, thumbnail: str):
        self.path, self.engine, self.kind = path, engine, thumbnail
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path)
            self._db.execute("pragma synchronous = normal")
            if self._db.execute("pragma user_version").fetchone()[0] != VERSION:
                self._db.executescript("".join(
                    f"drop table if exists {name};" for name in ("files", "vectors", "thumbnails")) + TABLES
                    + f"pragma user_version = {VERSION};")
        except sqlite3.Error as error:
            raise self.unusable(error) from error

    def unusable(self, error: sqlite3.Error) -> InputError:
        """The error for a damaged file, a full disk, or another build at work."""
        return InputError("the file of computed embeddings cannot be used", where=self.path, found=error,
                          remedy="let no other build use it, or remove it; the embeddings are computed again")

    def known_file(self, path: str, size: int, changed: int) -> str | None:
        """The digest of a file that has not changed since it was read, or None."""
        found = self._db.execute("select sha256 from files where path = ? and size = ? and changed = ?",
                                 (path, size, changed)).fetchone()
        return found and found[0]

    def is_whole(self, picture: str) -> bool:
        """Whether the store holds all that is wanted of a picture, given by its digest."""
        found = self._db.execute("select fault from vectors where picture = ? and engine = ?",
                                 (picture, self.engine)).fetchone()
        return bool(found) and (found[0] is not None or not self.kind or self.thumbnail(picture) is not None)

    def all_whole(self) -> set[str]:
        """All digests for which `is_whole`."""
        found = self._db.execute("select picture from vectors where engine = ? and (fault is not null or ? = '' or "
                                 "picture in (select picture from thumbnails where kind = ?))",
                                 (self.engine, self.kind, self.kind))
        return {picture for picture, in found}

    def keep_file(self, path: str, size: int, changed: int, picture: str) -> None:
        """Remembers a file's digest."""
        self._db.execute("insert or replace into files values (?, ?, ?, ?)", (path, size, changed, picture))

    def keep(self, picture: str, vector: np.ndarray | None, fault: str | None, webp: bytes | None) -> None:
        """Keeps a picture's float32 [dim], or why it has none, and its thumbnail."""
        blob = None if vector is None else vector.astype("<f4").tobytes()
        self._db.execute("insert or replace into vectors values (?, ?, ?, ?)", (picture, self.engine, blob, fault))
        if webp is not None:
            self._db.execute("insert or replace into thumbnails values (?, ?, ?)", (picture, self.kind, webp))

    def commit(self) -> None:
        """Makes what was kept so far outlive the process."""
        self._db.commit()

    def fault(self, picture: str) -> str | None:
        """Why a picture has no vector; None if it has."""
        return self._db.execute("select fault from vectors where picture = ? and engine = ?",
                                (picture, self.engine)).fetchone()[0]

    def vectors(self, pictures: list[str]) -> np.ndarray:
        """float32 [pictures, dim], read by one query."""
        found = dict(self._db.execute("select picture, vector from vectors where engine = ? and picture in "
                                      "(select value from json_each(?))", (self.engine, json.dumps(pictures))))
        return np.frombuffer(b"".join(found[picture] for picture in pictures), "<f4").reshape(len(pictures), -1)

    def thumbnail(self, picture: str) -> bytes | None:
        """WebP."""
        found = self._db.execute("select webp from thumbnails where picture = ? and kind = ?",
                                 (picture, self.kind)).fetchone()
        return found and found[0]

    def close(self) -> None:
        """Commits, and closes the file."""
        self._db.commit()
        self._db.close()


class StoredVectors:
    """Rows of a catalog by their pictures' digests, read on demand (quantize.Vectors)."""

    def __init__(self, store: Store, pictures: list[str], dim: int):
        self._store, self._pictures, self.shape = store, pictures, (len(pictures), dim)

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self._store.vectors(self._pictures[rows])
