"""A pattern such as `images/{id}*.jpg` and a row's texts enter; the names of the row's pictures leave.

    >>> pictures_from("images/{sku[:2]}/{sku}.jpg", {"sku": "ab12"}).parts
    ('images/ab/ab12.jpg',)
"""

import functools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from catalog_builder.tables.table_types import shown
from export.common.errors import InputError

TOKEN = re.compile(r"\{(?P<braces>[^{}]*)\}|(?P<star>\*+)|(?P<text>[^{}*]+)")
COLUMN = re.compile(r"(?P<column>.*?)\s*(\[(?P<start>[0-9]{0,6}):(?P<end>[0-9]{0,6})\])?", re.DOTALL)
NOT_IN_A_NUMBER = r"(?!(?<=[0-9])[0-9])"     # a place that is not between two digits
PATH_PARTS = re.compile(r"[/\\]")


@dataclass(frozen=True)
class FilledPattern:
    """A pattern whose braces are filled: texts, between which each * stands for any characters without /."""

    parts: tuple[str, ...]                   # one more than there are *; a * in them is a character as others
    bounded: tuple[bool, ...]                # whether a * stands beside a value; then it does not go on with its number

    @property
    def text(self) -> str:
        """For people."""
        return "*".join(self.parts)

    def in_folder(self, first: str) -> "FilledPattern":
        """The pattern of the names alone: `first` is what remains of the first part."""
        return replace(self, parts=(first, *self.parts[1:]))

    def expression(self, change: Callable[[str], str]) -> re.Pattern:
        """The regular expression of the names that fit. `change` folds the texts as the names are folded."""
        found = re.escape(change(self.parts[0]))
        for bounded, part in zip(self.bounded, self.parts[1:], strict=True):
            edge = NOT_IN_A_NUMBER if bounded else ""
            found += f"{edge}[^/]*{edge}{re.escape(change(part))}"
        return re.compile(found)


@dataclass(frozen=True)
class _Column:
    """A column's value, or a part of it, as in `{name[2:4]}`."""

    name: str
    start: int | None
    end: int | None

    def among(self, columns: Collection[str]) -> str:
        """The column that is meant. Raises InputError if it is not there."""
        name = self.name if self.name in columns else next(
            (column for column in columns if column.strip().casefold() == self.name.casefold()), None)
        if name is None:
            raise InputError("the pattern of pictures names an unknown column", found=shown(self.name),
                             expected=f"one of {', '.join(columns)}")
        return name

    def value(self, row: Mapping[str, str]) -> str:
        """The row's text, or the part of it. Raises InputError if there is none."""
        value = row[self.among(row)].strip()[self.start:self.end]
        if not value:
            raise InputError("the pattern of pictures needs a value", expected=f"a text in column {self.name}",
                             found="none")
        return value


def check(pattern: str, columns: Collection[str]) -> None:
    """Raises InputError for a pattern that cannot be read, and for one that names a column that is not there."""
    for token in _tokens(pattern):
        if isinstance(token, _Column):
            token.among(columns)


def pictures_from(pattern: str, row: Mapping[str, str]) -> FilledPattern:
    """The pattern with each `{column}`, `{column[:N]}` or `{column[N:M]}` replaced by the row's text.

    A * may stand anywhere in the last part of the path. Beside a value it does not go on with the value's number:
    `{id}*.jpg` with the id 1 fits 1.jpg and 1-2.jpg, not 12.jpg. Raises InputError for an unknown column, an empty
    value, a value that climbs out of its folder, and a pattern that cannot be read.
    """
    tokens = _tokens(pattern)
    parts, bounded = [""], []
    for before, token, after in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        if token is None:
            parts.append("")
            bounded.append(isinstance(before, _Column) or isinstance(after, _Column))
        else:
            parts[-1] += token.value(row) if isinstance(token, _Column) else token
    filled = FilledPattern(tuple(parts), tuple(bounded))
    climbs = ".." in PATH_PARTS.split(filled.text) and ".." not in PATH_PARTS.split(pattern)
    if climbs or any(PATH_PARTS.search(part) for part in parts[1:]):
        raise InputError("a value of the pattern of pictures leaves its folder", found=shown(filled.text),
                         expected=f"a name within {pattern}")
    return filled


@functools.lru_cache
def _tokens(pattern: str) -> tuple[str | _Column | None, ...]:
    """The pattern's texts, columns, and None for a *."""
    tokens: list[str | _Column | None] = []
    at = 0
    while at < len(pattern):
        token = TOKEN.match(pattern, at)
        if not token:
            raise InputError("the pattern of pictures has a brace without its partner", found=shown(pattern),
                             expected="such as images/{id}.jpg")
        at = token.end()
        braces = token["braces"]
        tokens.append(token["text"] if braces is None else _column(braces))
    if None in tokens and any("/" in token for token in tokens[tokens.index(None):] if isinstance(token, str)):
        raise InputError("the pattern of pictures has a * in a folder's name", found=shown(pattern),
                         expected="* behind the last / alone")
    return tuple(tokens)


def _column(braces: str) -> _Column:
    found = COLUMN.fullmatch(braces)
    start, end = (int(text) if text else None for text in (found["start"], found["end"])) if found else (None, None)
    return _Column(found["column"].strip() if found else braces, start, end)
