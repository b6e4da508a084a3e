"""Folders enter; an index of their files by path, by file name and without extension leaves."""

import os
import posixpath
import stat
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from catalog_builder.pictures.picture_kinds import SUFFIXES

PAST_ANY = "\U0010ffff"                      # sorts behind every character of a file's name


class IndexedFile(NamedTuple):
    """One file below one of the folders."""

    folder: int                              # which of the folders
    name: str                                # its path from that folder, / between the parts
    path: str                                # absolute, resolved


class Listed(NamedTuple):
    """The files of one folder, sorted by folded name, forwards and backwards."""

    names: list[str]                         # folded
    files: list[IndexedFile]
    reversed_names: list[str]                # each folded name spelt backwards
    reversed_files: list[IndexedFile]

    def candidates(self, first: str, last: str) -> list[tuple[str, IndexedFile]]:
        """The (folded name, file) whose names begin with `first`; without `first`, those that end with `last`."""
        if first or not last:
            return list(_beginning_with(self.names, self.files, first))
        return [(name[::-1], file) for name, file in _beginning_with(self.reversed_names, self.reversed_files,
                                                                     last[::-1])]


class FolderIndex:
    """All files below the folders, read once. A link counts if it leads to a file inside; folders' links do not."""

    def __init__(self, roots: list[str]):
        self._roots = roots
        self.paths: dict[str, list[IndexedFile]] = {}            # by folded path
        self.names: dict[str, list[IndexedFile]] = {}            # by folded file name; of many the first two
        self.stem_paths: dict[str, list[IndexedFile]] = {}       # pictures by folded path without extension
        self.stems: dict[str, list[IndexedFile]] = {}            # pictures by folded name without extension; two
        for number, root in enumerate(roots):
            for name, path in _files(root, roots):
                self._add(IndexedFile(number, name, path))

    def _add(self, file: IndexedFile) -> None:
        path = folded(file.name)
        name = path.rpartition("/")[2]
        self.paths.setdefault(path, []).append(file)
        _keep_two(self.names.setdefault(name, []), file)
        stem = without_suffix(path)
        if stem != path:
            self.stem_paths.setdefault(stem, []).append(file)
            _keep_two(self.stems.setdefault(without_suffix(name), []), file)

    @cached_property
    def folders(self) -> dict[str, Listed]:
        """The files of every folder, by its folded path."""
        grouped: dict[str, list[tuple[str, IndexedFile]]] = {}
        for path, files in self.paths.items():
            folder, _, name = path.rpartition("/")
            grouped.setdefault(folder, []).extend((name, file) for file in files)
        return {folder: _listed(named) for folder, named in grouped.items()}


def folded(text: str) -> str:
    """The text without regard to case and Unicode form."""
    if text.isascii():
        return text.lower()
    return composed(composed(text).casefold())


def composed(text: str) -> str:
    """The text in Unicode's form NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_suffix(name: str) -> str:
    """The name without its extension, if that is one of a picture."""
    stem, suffix = posixpath.splitext(name)
    return stem if suffix.lower() in SUFFIXES else name


def is_inside(path: str, roots: list[str]) -> bool:
    """Whether a resolved path lies below one of the resolved folders."""
    return any(path.startswith(f"{root}/") for root in roots)


def _keep_two(files: list[IndexedFile], file: IndexedFile) -> None:
    """Two different files prove that a name is not unique."""
    if len(files) < 2 and all(file.path != other.path for other in files):
        files.append(file)


def _listed(named: list[tuple[str, IndexedFile]]) -> Listed:
    forwards = sorted(named)
    backwards = sorted((name[::-1], file) for name, file in named)
    return Listed([name for name, _ in forwards], [file for _, file in forwards],
                  [name for name, _ in backwards], [file for _, file in backwards])


def _beginning_with(names: list[str], files: list[IndexedFile], first: str) -> Iterator[tuple[str, IndexedFile]]:
    start, end = bisect_left(names, first), bisect_left(names, first + PAST_ANY)
    return zip(names[start:end], files[start:end], strict=True)


def _files(root: str, roots: list[str]) -> Iterator[tuple[str, str]]:
    """Each regular file below `root`: its path from there, and its resolved path. Skips folders that cannot be read."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(f"{root}/{folder}"), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            name = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{name}/")
            elif entry.is_file(follow_symlinks=False):
                yield name, f"{root}/{name}"
            elif entry.is_symlink() and _leads_to_a_file(real := os.path.realpath(entry.path), roots):
                yield name, real


def _leads_to_a_file(path: str, roots: list[str]) -> bool:
    try:
        return is_inside(path, roots) and stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
