"""Pictures enter; their vectors and thumbnails leave, in the store. Threads decode, resize and encode, one a core.

Each worker thread takes a picture from file to vector by itself, so no core waits for another: the decoder, the resizer
and the encoder all release Python's lock. Engines with batches get them from the main thread.
"""

import hashlib
import io
import os
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from catalog_builder.builder.store import Store
from catalog_builder.engines import Engine
from export.common.errors import InputError
from export.common.specs import Preprocessing
from export.pictures.preprocess import load_rgb8, resize_crop

LEAST_SIDE = 16                              # pixels; a smaller picture shows nothing
COMMIT = 1.0                                 # seconds of work that may be lost when the process is killed
AHEAD = 4                                    # pictures per thread that wait: bounds the memory


@dataclass(frozen=True)
class Thumbnail:
    """How thumbnails are made: WebP, the longer side in pixels, a quality from 0 to 100."""

    side: int
    quality: int

    @property
    def kind(self) -> str:
        """Its name in the store."""
        return f"webp {self.side} {self.quality}"


@dataclass(frozen=True)
class Embedder:
    """What makes a vector and a thumbnail of a picture."""

    engine: Engine
    preprocessing: Preprocessing
    thumbnail: Thumbnail | None              # None: a catalog without thumbnails
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(frozen=True)
class Done:
    """What a worker made of one picture's file."""

    path: Path
    sha256: str
    size: int
    changed: int                             # nanoseconds
    square: np.ndarray | None = None         # for engines with batches
    vector: np.ndarray | None = None
    thumbnail: bytes | None = None
    fault: str | None = None
    known: bool = False                      # the store has these bytes already, from another file or an older date


def run(paths: list[Path], root: Path, embedder: Embedder, store: Store,
        advance: Callable[[int, bool], None]) -> dict[Path, str]:
    """Every picture's digest. The store then has a vector, or a fault, for each of them.

    `paths` and `root`, the list's folder, are absolute and resolved. `advance` is told how many more are done, and
    whether they had to be computed.
    """
    digests, todo = {}, []
    for path in paths:
        known = unchanged(path, root, store)
        if known and store.is_whole(known):
            digests[path] = known
        else:
            todo.append(path)
    advance(len(digests), False)
    committed, pending = time.monotonic(), []
    whole = frozenset(store.all_whole() if todo else ())
    for done in _worked(todo, embedder, whole):
        digests[done.path] = done.sha256
        store.keep_file(name(done.path, root), done.size, done.changed, done.sha256)
        if done.known:
            advance(1, False)
        else:
            pending.append(done)
        if len(pending) == embedder.engine.batch or done.fault:
            _keep(pending, embedder.engine, store, advance)
            pending = []
        if time.monotonic() - committed > COMMIT:
            store.commit()
            committed = time.monotonic()
    _keep(pending, embedder.engine, store, advance)
    store.commit()
    return digests


def name(path: Path, root: Path) -> str:
    """A picture's name in the store: relative to the list's folder, with `..` where it lies outside."""
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return Path(os.path.relpath(path, root)).as_posix()


def unchanged(path: Path, root: Path, store: Store) -> str | None:
    """The digest of a picture, if the store knows the file with this size and this time of change."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return store.known_file(name(path, root), stat.st_size, stat.st_mtime_ns)


def _worked(todo: list[Path], embedder: Embedder, known: Collection[str]) -> Iterator[Done]:
    with ThreadPoolExecutor(embedder.threads) as pool:
        waiting: set[Future] = set()
        try:
            for path in todo:
                if len(waiting) >= AHEAD * embedder.threads:
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in finished)
                waiting.add(pool.submit(work, path, embedder, known))
            while waiting:
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def unreadable(path: Path) -> str:
    """In place of the digest of a file that cannot be read."""
    return f"unreadable {path}"


def work(path: Path, embedder: Embedder, known: Collection[str]) -> Done:
    """One picture from its file to a vector (or, for engines with batches, to a square), unless its digest is known."""
    try:
        stat, content = path.stat(), path.read_bytes()
    except OSError as error:
        return Done(path, unreadable(path), 0, 0, fault=f"the picture cannot be opened; found {error.strerror}")
    done = Done(path, hashlib.sha256(content).hexdigest(), stat.st_size, stat.st_mtime_ns)
    if done.sha256 in known:
        return Done(**vars(done) | {"known": True})
    try:
        rgb = load_rgb8(content)
        if min(rgb.shape[:2]) < LEAST_SIDE:
            raise InputError("the picture is tiny", expected=f"{LEAST_SIDE} pixels or more a side",
                             found=f"{rgb.shape[1]} x {rgb.shape[0]}", remedy="give a larger one")
        square = resize_crop(rgb, embedder.preprocessing)
        small = shrunk(rgb, embedder.thumbnail) if embedder.thumbnail else None
    except InputError as error:
        return Done(**vars(done) | {"fault": str(error).replace(" in a picture in memory", "")})
    if embedder.engine.batch > 1:
        return Done(**vars(done) | {"square": square, "thumbnail": small})
    return Done(**vars(done) | {"vector": embedder.engine.encode(square[None])[0], "thumbnail": small})


def shrunk(rgb: np.ndarray, thumbnail: Thumbnail) -> bytes:
    """A small WebP of uint8 [H, W, 3]."""
    picture, out = Image.fromarray(rgb), io.BytesIO()
    picture.thumbnail((thumbnail.side, thumbnail.side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    picture.save(out, "WEBP", quality=thumbnail.quality, method=4)
    return out.getvalue()


def encoded(engine: Engine, squares: list[np.ndarray]) -> np.ndarray:
    """Squares, uint8 [S, S, 3] each -> float32 [N, dim]; a batch that is not full is padded, so that shapes repeat."""
    if engine.batch == 1:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            return np.concatenate(list(pool.map(lambda square: engine.encode(square[None]), squares)))
    parts = [squares[i:i + engine.batch] for i in range(0, len(squares), engine.batch)]
    return np.concatenate([engine.encode(np.stack(part + [part[0]] * (engine.batch - len(part))))[:len(part)]
                           for part in parts])


def _keep(pending: list[Done], engine: Engine, store: Store, advance: Callable[[int, bool], None]) -> None:
    squares = [done.square for done in pending if done.square is not None]
    vectors = iter(encoded(engine, squares) if squares else ())
    for done in pending:
        store.keep(done.sha256, next(vectors) if done.square is not None else done.vector, done.fault, done.thumbnail)
    advance(len(pending), True)
