"""Some of a list's pictures enter, on any machine of a cluster; a store with their vectors leaves, in a shared folder.

Ray Data keeps a `Worker` in a process of its own, which opens the model once, and starts it again where it dies. The
part that it had begun then goes on: its store has what was computed until a second before.
"""

import contextlib
import os
import socket
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from catalog_builder import engines
from catalog_builder.builder import embed
from catalog_builder.builder.embed import Embedder, Thumbnail
from catalog_builder.builder.store import EMBEDDINGS, Store
from catalog_builder.machines.parts import faults
from export.common import files
from export.common.errors import InputError

TRIES = 3                                    # of a part whose worker dies
SEPARATOR = "\0"                             # between paths: the one character that no path has


@dataclass(frozen=True)
class ClusterJob:
    """What all parts have in common. Paths are absolute, and of files that every machine sees."""

    model: Path                              # dist/<model>/
    root: Path                               # the list's folder
    store: Path                              # what was computed before
    folder: Path                             # of the parts' stores
    engine: str
    thumbnail: Thumbnail | None
    threads: int                             # of a worker


@dataclass(frozen=True)
class PartDone:
    """What a worker answers."""

    pictures: int
    computed: int                            # not known from an earlier run
    faults: int                              # pictures without a vector
    engine: str                              # the engine's identity
    tries: int                               # more than one: a worker died


def packed(number: int, paths: Sequence[Path]) -> dict:
    """A part as a row of the data set. A path may have any bytes."""
    return {"part": number, "paths": os.fsencode(SEPARATOR.join(map(str, paths)))}


def part_store(folder: Path, number: int) -> Path:
    """Where a part's vectors lie."""
    return folder / f"{number}{EMBEDDINGS}"


class Worker:
    """Called by Ray Data with one row at a time."""

    def __init__(self, job: ClusterJob):
        self.job = job

    def __call__(self, batch: dict) -> dict:
        """A row as `packed` gives it -> the fields of PartDone, and `error`: why the part cannot be computed, or ""."""
        number = int(batch["part"][0])
        paths = [Path(name) for name in os.fsdecode(batch["paths"][0]).split(SEPARATOR)]
        done, error = PartDone(0, 0, 0, "", 0), ""
        try:
            tries = self._try(number, paths)
            done = replace(self.embed(number, paths), tries=tries)
        except InputError as wrong:
            error = str(wrong)
        return {name: [value] for name, value in (vars(done) | {"error": error}).items()}

    def _try(self, number: int, paths: Sequence[Path]) -> int:
        """The part's tries so far, counted in a file that outlives this process. Raises InputError after the last."""
        if not self.job.folder.is_dir():
            raise InputError(f"{socket.gethostname()} does not see a folder", where=self.job.folder,
                             remedy="list, pictures and dist in a folder that all machines see under the same path")
        tries = self.job.folder / f"{number}.tries"
        with tries.open("ab") as file:
            if file.tell() == TRIES:
                raise InputError(f"a worker died {TRIES} times", where=f"part {number}: {len(paths)} pictures from "
                                 f"{embed.name(paths[0], self.job.root)} to {embed.name(paths[-1], self.job.root)}",
                                 remedy="workers with more memory (fewer of them), or a list without the picture that "
                                 "kills them; the same command goes on")
            file.write(b".")
            return file.tell()

    @cached_property
    def embedder(self) -> Embedder:
        """Opened at the first part, so that a death in here counts as one of its tries."""
        model = engines.opened(self.job.model)
        return Embedder(engines.engine(model, self.job.engine), model.preprocessing, self.job.thumbnail,
                        self.job.threads)

    def embed(self, number: int, paths: Sequence[Path]) -> PartDone:
        """Computes what neither the store nor the part's has. Raises InputError for what cannot be used."""
        kind = self.job.thumbnail.kind if self.job.thumbnail else ""
        with contextlib.ExitStack() as stack:
            part = stack.enter_context(contextlib.closing(
                Store(part_store(self.job.folder, number), self.embedder.engine.identity, kind)))
            before = stack.enter_context(contextlib.closing(Store(self.job.store, part.engine, kind)))
            try:
                known = {path: digest for path in paths if (digest := self._known(path, before, part))}
                computed = Computed()
                todo = [path for path in paths if path not in known]
                digests = embed.run(todo, self.job.root, self.embedder, part, computed)
                wrong = faults(before, known.values()) + faults(part, digests.values())
                return PartDone(len(paths), computed.pictures, wrong, part.engine, 1)
            except sqlite3.Error as error:
                raise part.unusable(error) from error

    def _known(self, path: Path, before: Store, part: Store) -> str | None:
        """The picture's digest, where an earlier run computed all that is wanted of it."""
        if (digest := embed.unchanged(path, self.job.root, before)) and before.is_whole(digest):
            return digest
        try:
            stat, digest = path.stat(), files.sha256(path)
        except OSError:
            return None
        if not before.is_whole(digest):
            return None
        part.keep_file(embed.name(path, self.job.root), stat.st_size, stat.st_mtime_ns, digest)
        return digest


class Computed:
    """Counts what `embed.run` computes."""

    def __init__(self) -> None:
        self.pictures = 0

    def __call__(self, more: int, computed: bool) -> None:
        self.pictures += more if computed else 0
