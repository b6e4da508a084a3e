"""Folders and the names of a list's pictures enter; the file of each name leaves, and how it was matched."""

import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from catalog_builder.pictures.folder_index import (
    FolderIndex,
    IndexedFile,
    composed,
    folded,
    is_inside,
    without_suffix,
)
from catalog_builder.pictures.picture_kinds import SUFFIXES
from catalog_builder.pictures.picture_patterns import FilledPattern
from catalog_builder.tables.table_types import shown
from export.common.errors import InputError

REMEDY = "give the path from the list's folder, or name the pictures' folder with --pictures"
UNICODE, CASE = "in another Unicode form", "without regard to case"
QUERY = re.compile(r"[?#].*", re.DOTALL)
ROOT = re.compile(r"\A(file:(//(localhost)?(?=/))?)?(/?[A-Za-z]:)?[/\\]*", re.IGNORECASE)


@dataclass(frozen=True)
class FoundPicture:
    """A picture's file."""

    path: str                                # absolute, resolved, a file inside one of the folders
    notice: str                              # how the name was matched; "" where it fits exactly


@dataclass(frozen=True)
class _Spelling:
    """A name as it is given, or changed as other systems would write it."""

    text: str
    changes: tuple[str, ...] = ()            # what was changed, for the notice


class PictureFolders:
    """One or more folders. Nothing outside them is ever given, symbolic links resolved."""

    def __init__(self, folders: Sequence[Path]):
        self._roots = [os.path.realpath(folder).rstrip("/") for folder in folders]
        self._resolved: dict[str, str] = {}                      # folder -> resolved path

    @cached_property
    def _index(self) -> FolderIndex:
        return FolderIndex(self._roots)

    def find(self, name: str) -> FoundPicture:
        """The picture that a list calls `name`.

        Tried in this order, the first that fits wins: the name as it is, percent-decoded, with / for \\, without a
        leading / or drive, and these together; then each of them in another Unicode form, in another case, by the file
        name alone, and with another extension. Raises InputError where none fits, where several files fit, and where
        the file lies outside the folders or holds nothing.
        """
        spellings = _spellings(name)
        found = self._exact(name, spellings) or self._indexed(name, spellings, self._steps())
        if not found:
            raise self._missing(name)
        return FoundPicture(_with_content(name, found.path), found.notice)

    def has(self, name: str) -> bool:
        """Whether a file has this path, however it is spelt. Its file name alone or another extension do not count."""
        spellings = _spellings(name)
        try:
            return bool(self._exact(name, spellings) or self._indexed(name, spellings, self._steps()[:2]))
        except InputError:                                       # outside, or several
            return False

    def matching(self, pattern: FilledPattern) -> list[FoundPicture]:
        """The pictures that fit a pattern, without regard to case, in natural order: a2 comes before a10.

        A pattern without * is a name, for which `find` answers. Of many, an empty file is among them, so that the build
        reports it and keeps the others. Raises InputError where no file fits.
        """
        if len(pattern.parts) == 1:
            return [self.find(pattern.parts[0])]
        folder, _, first = pattern.parts[0].replace("\\", "/").rpartition("/")
        key = posixpath.normpath(folded(folder)).strip("/")
        listed = self._index.folders.get("" if key == "." else key)
        last = pattern.parts[-1]
        candidates = listed.candidates(folded(first), folded(last)) if listed else []
        fits = pattern.in_folder(first).expression(folded).fullmatch
        any_kind = "." in last                                   # where * stands for the extension, pictures alone fit
        files = {file.path: file for name, file in candidates
                 if fits(name) and (any_kind or posixpath.splitext(name)[1] in SUFFIXES)}
        if not files:
            raise InputError("no picture fits the pattern", expected="a file", found=shown(pattern.text), remedy=REMEDY)
        exact = pattern.in_folder(first).expression(composed).fullmatch
        return [FoundPicture(file.path, "" if exact(composed(posixpath.basename(file.name))) else f"matched {CASE}")
                for file in sorted(files.values(), key=_natural)]

    def _steps(self) -> tuple[Callable[[str], tuple[str, list[IndexedFile]]], ...]:
        return self._other_form, self._other_case, self._by_file_name, self._by_stem

    def _exact(self, name: str, spellings: list[_Spelling]) -> FoundPicture | None:
        for spelling in spellings:
            places = [real for path in self._places(spelling.text) if (real := self._real(path))]
            for real in places:
                if is_inside(real, self._roots):
                    return FoundPicture(real, _notice(spelling.changes))
            if places and not spelling.text.startswith("/"):
                raise _outside(name)
        return None

    def _indexed(self, name: str, spellings: list[_Spelling], steps: Sequence[Callable]) -> FoundPicture | None:
        keys = [_Spelling(posixpath.normpath(spelling.text), spelling.changes) for spelling in spellings
                if ".." not in spelling.text.split("/")]         # it leads back only where the folder before it exists
        for step in steps:
            for key in keys:
                how, files = step(key.text)
                if files:
                    return FoundPicture(_only(name, files).path, _notice((*key.changes, how)))
        return None

    def _other_form(self, text: str) -> tuple[str, list[IndexedFile]]:
        asked = composed(text)
        return UNICODE, _of_first_folder([file for file in self._index.paths.get(folded(text), ())
                                          if composed(file.name) == asked])

    def _other_case(self, text: str) -> tuple[str, list[IndexedFile]]:
        return CASE, _of_first_folder(self._index.paths.get(folded(text), []))

    def _by_file_name(self, text: str) -> tuple[str, list[IndexedFile]]:
        files = self._index.names.get(folded(posixpath.basename(text)), [])
        return "by its file name alone", _of_the_nearest_folders(files, text)

    def _by_stem(self, text: str) -> tuple[str, list[IndexedFile]]:
        stem = without_suffix(folded(text))
        files = _of_first_folder(self._index.stem_paths.get(stem, []))
        return "with another extension", files or self._index.stems.get(posixpath.basename(stem), [])

    def _places(self, text: str) -> Iterator[str]:
        """Where a name may lie: below each of the folders, or, from the root, where it says."""
        yield from [text] if text.startswith("/") else [f"{root}/{text}" for root in self._roots]

    def _real(self, path: str) -> str | None:
        """The resolved path of what is there; None where nothing is."""
        folder, _, last = path.rpartition("/")
        try:
            if folder not in self._resolved:
                self._resolved[folder] = os.path.realpath(folder or "/").rstrip("/")
            real = f"{self._resolved[folder]}/{last}"
            plain = last not in ("", ".", "..") and not stat.S_ISLNK(os.lstat(real).st_mode)
            real = real if plain else os.path.realpath(real)
            os.lstat(path if ".." in path.split("/") else real)      # x/../a is there only where x is
        except (OSError, ValueError):                            # ValueError: a NUL
            return None
        return real

    def _missing(self, name: str) -> InputError:
        if name.startswith("/") and self._real(name):
            return _outside(name)
        return InputError("the picture cannot be found", expected="a file", found=shown(name), remedy=REMEDY)


def _spellings(name: str) -> list[_Spelling]:
    """The name, then changed in one way, then in several ways; each text once."""
    found = {name: _Spelling(name)}
    for change, how in ((lambda text: QUERY.sub("", text), "without what follows ?"),
                        (_decoded, "percent-decoded"), (lambda text: text.replace("\\", "/"), "with / for \\"),
                        (lambda text: ROOT.sub("", text, count=1), "without what leads to the root")):
        for spelling in list(found.values()):
            text = change(spelling.text)
            found.setdefault(text, _Spelling(text, (*spelling.changes, how)))
    found.pop("", None)
    return sorted(found.values(), key=lambda spelling: len(spelling.changes))


def _decoded(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def _notice(changes: tuple[str, ...]) -> str:
    return f"matched {' and '.join(changes)}" if changes else ""


def _of_first_folder(files: list[IndexedFile]) -> list[IndexedFile]:
    """Those of the first folder that has any."""
    return [file for file in files if file.folder == files[0].folder]


def _of_the_nearest_folders(files: list[IndexedFile], text: str) -> list[IndexedFile]:
    """Those whose path ends as the name does for most folders: a server's /var/www/media/a.jpg is media/a.jpg."""
    asked = folded(text).split("/")
    shared = [len(posixpath.commonprefix([asked[::-1], folded(file.name).split("/")[::-1]])) for file in files]
    return [file for file, many in zip(files, shared, strict=True) if many == max(shared)]


def _only(name: str, files: list[IndexedFile]) -> IndexedFile:
    other = next((file for file in files if file.path != files[0].path), None)
    if other:
        raise InputError("several files fit the picture's name", expected="one",
                         found=f"{shown(name)}: {' and '.join(sorted([files[0].name, other.name]))}",
                         remedy="give its whole path")
    return files[0]


def _outside(name: str) -> InputError:
    return InputError("the picture lies outside the folders of pictures", found=shown(name), remedy=REMEDY)


def _with_content(name: str, path: str) -> str:
    """The path, if a file with content is there."""
    try:
        status = os.lstat(path)
    except OSError as error:
        raise InputError("the picture cannot be found", expected="a file",
                         found=f"{shown(name)}: {error.strerror}", remedy=REMEDY) from error
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        found = "an empty file" if stat.S_ISREG(status.st_mode) else "no regular file"
        raise InputError("the picture holds nothing", expected="a file with content", found=f"{shown(name)}: {found}")
    return path


def _natural(file: IndexedFile) -> tuple:
    """Orders names by their numbers' values, the folders in their order, a.jpg before a-2.jpg."""
    stem, suffix = posixpath.splitext(folded(file.name))
    parts = re.split("([0-9]+)", stem)
    return file.folder, [int(part) if part.isdigit() else part for part in parts], suffix
