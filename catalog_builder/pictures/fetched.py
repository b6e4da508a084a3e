"""A list's path and the web addresses of its pictures enter; the files that were fetched from there before leave."""

import os
import shlex
from pathlib import Path

from catalog_builder.pictures.address_index import read_index
from catalog_builder.pictures.addresses import asked, shown_address
from export.common.errors import InputError


def folder_of(list_path: Path) -> Path:
    """Where the pictures of a list are fetched to: `products.csv.pictures` beside `products.csv`."""
    return list_path.with_name(f"{list_path.name}.pictures")


class FetchedPictures:
    """What `fetch` left beside a list; empty where it never ran."""

    def __init__(self, list_path: Path):
        self._list = list_path
        self._folder = os.path.realpath(folder_of(list_path))
        self._index = read_index(Path(self._folder))

    def find(self, address: str) -> str:
        """The path of the picture that an address gave. Raises InputError, naming the command, where there is none."""
        key = asked(address)
        file = self._index.fetched.get(key)
        if file and file.is_in(self._folder):
            return f"{self._folder}/{file.name}"
        reason = self._index.failed.get(key)
        raise InputError("the picture could not be fetched" if reason else "the picture has not been fetched yet",
                         found=shown_address(address) + (f": {reason}" if reason else ""),
                         remedy=f"python -m catalog_builder fetch {shlex.quote(str(self._list))}")
