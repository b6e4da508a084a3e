"""A folder enters; how much its disk still holds leaves, in words for messages too."""

import shutil
from pathlib import Path

from export.common.errors import InputError

REMEDY = "make room on the disk, or choose another --out"


def free(folder: Path) -> int:
    """Bytes that can still be written below `folder`, which exists."""
    return shutil.disk_usage(folder).free


def words(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:,.0f} MB"


def refuse_if_smaller(folder: Path, need: int, what: str) -> None:
    """Raises InputError if the disk of `folder` holds less than `need` bytes more."""
    if (left := free(folder)) < need:
        raise InputError(f"not enough room for {what}", where=folder, expected=f"{words(need)} free",
                         found=words(left), remedy=REMEDY)
