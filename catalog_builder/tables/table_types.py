"""Types that every reader of `tables` gives: rows by column name, with the place of each for its problems."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from export.common.errors import InputError


class Lost(InputError):
    """Why a row cannot be read, or a product cannot be kept."""

    def __init__(self, column: str, what: str, *, expected: object = None, found: object = None,
                 remedy: str | None = None):
        super().__init__(what, expected=expected, found=found, remedy=remedy)
        self.field = column


@dataclass(frozen=True)
class TableRow:
    """One row, or why it cannot be read."""

    line: int                                # text line where it starts, from 1; 0 in formats without lines
    row: int                                 # as a spreadsheet numbers it (the header is 1), else the record, from 1
    # Texts in text formats; JSON values in JSON, XML and Parquet. A Parquet value that cannot be read is a Lost itself.
    values: dict[str, object] | Lost


@dataclass(frozen=True)
class TableNotice:
    """Something that a reader repaired or passed over."""

    line: int                                # 0: the whole list, or a format without lines
    row: int                                 # 0: the whole list, or a line whose row is not known
    what: str                                # one line


@dataclass(frozen=True)
class Table:
    """A list as it was read."""

    format: str                              # for people: "CSV", "Excel workbook", "JSON Lines", "XML feed", …
    details: tuple[str, ...]                 # for people: ("UTF-8", "semicolon", "header in line 3")
    columns: tuple[str, ...]                 # in their order, stripped, each once
    # Names that the file gives to several columns, in each spelling: the second of these is "<name> (2)", and so on.
    repeated: frozenset[str]
    rows: list[TableRow]
    notices: list[TableNotice]


@dataclass(frozen=True)
class ReadOptions:
    """What a reader must know of the lists that it reads."""

    known: Callable[[str], bool]             # whether a preset knows a column of this name: finds header and delimiter
    plausible: Callable[[Sequence[str], Sequence[str]], bool]
    # (columns, fields) whether the fields are a row of their own: its picture cell names a picture
    encoding: str | None = None              # given by the user; None: as the file shows, never guessed


def shown(value: object) -> str:
    """The value as Python writes it, in at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
