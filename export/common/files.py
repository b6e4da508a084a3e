"""Content enters; a whole file or no file leaves: it is written beside the target and then renamed. Also digests."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]    # the repository's root
PARTIAL, OLD = ".partial", ".old"


@contextlib.contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Yields a path to write (a file or a folder), renamed to `target` only if the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.stem + PARTIAL + target.suffix)
    remove(partial)
    try:
        yield partial
        _replace(target, partial)
    finally:
        remove(partial)


def _replace(target: Path, new: Path) -> None:
    """Renames `new` to `target`. A folder that is there makes way first, and comes back if that fails."""
    if not target.is_dir():
        new.replace(target)
        return
    old = target.with_name(target.stem + OLD + target.suffix)
    remove(old)
    target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        old.rename(target)
        raise
    remove(old)


def remove(path: Path) -> None:
    """Removes a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def json_bytes(value: object) -> bytes:
    """`value` as readable JSON in UTF-8, keys in the order given. Raises ValueError for NaN and infinite numbers."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_json(path: Path, value: object) -> None:
    """Writes `value` as `json_bytes` gives it, whole or not at all."""
    with whole(path) as partial:
        partial.write_bytes(json_bytes(value))


def files_of(path: Path) -> list[Path]:
    """The file itself, or every file of a folder in the order of their relative paths."""
    if path.is_file():
        return [path]
    return sorted((p for p in path.rglob("*") if p.is_file()), key=lambda p: p.relative_to(path).as_posix())


def size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return sum(p.stat().st_size for p in files_of(path))


def sha256(path: Path) -> str:
    """SHA-256, 64 hex digits: of a file's bytes, or of a folder's sorted lines `path size sha256\\n`."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    lines = [f"{p.relative_to(path).as_posix()} {p.stat().st_size} {sha256(p)}\n" for p in files_of(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
