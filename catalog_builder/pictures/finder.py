"""A list and its folders enter; the pictures behind the names, addresses and patterns in its rows leave."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from catalog_builder.pictures import picture_names
from catalog_builder.pictures.addresses import is_address
from catalog_builder.pictures.fetched import FetchedPictures
from catalog_builder.pictures.picture_folders import FoundPicture, PictureFolders
from catalog_builder.pictures.picture_patterns import pictures_from

WHOLE = "whole"                              # a cell is one name, whatever marks it holds


class PictureFinder:
    """Finds local files in the folders, or in the list's own; web addresses among those that `fetch` downloaded."""

    def __init__(self, path: Path, folders: Sequence[Path] = ()):
        self._folders = PictureFolders(folders or [path.parent])
        self._fetched = FetchedPictures(path)

    def find(self, name: str) -> FoundPicture:
        """The picture's file. Raises InputError if it cannot be found, or was not fetched."""
        return FoundPicture(self._fetched.find(name), "") if is_address(name) else self._folders.find(name)

    def matching(self, pattern: str, row: Mapping[str, object]) -> list[FoundPicture]:
        """The pictures that `images/{id}*.jpg` stands for in a row. Raises InputError if there are none."""
        return self._folders.matching(pictures_from(pattern, _texts(row)))

    def filled(self, pattern: str, row: Mapping[str, object]) -> str:
        """The address that `https://host/{id}.jpg` stands for in a row. Raises InputError where it lacks a value."""
        return pictures_from(pattern, _texts(row)).text

    def names_in(self, cell: object, separator: str = "", escaped: bool = False) -> list[str]:
        """The names and addresses of a cell, in their order. `separator`: "" tries the usual ones."""
        if cell is None:
            return []
        text = cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False, default=str)
        separators = () if separator == WHOLE else (separator,) if separator else picture_names.SEPARATORS
        return picture_names.names_in(text, self._folders.has, separators, escaped)

    def looks_right(self, cell: str) -> bool:
        """Whether a cell names a picture: an address, a file, or a name that ends as pictures do."""
        names = self.names_in(cell)
        return bool(names) and all(
            picture_names.looks_like_a_picture(name) or self._folders.has(name) for name in names)


def _texts(row: Mapping[str, object]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}
