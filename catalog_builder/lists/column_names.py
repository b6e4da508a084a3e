"""Columns of a table enter; those that a name stands for leave, whatever their case, blanks and marks."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from catalog_builder.tables.table_types import Table

NUMBER = "#"                                 # in a name: any number
NAMESPACE = re.compile("^g:", re.IGNORECASE)             # before the names of a feed: `g:id`
ACCENT = re.compile("[\u0300-\u036f]")      # as people leave it out: Libelle, Categorie
SECOND = re.compile(r" \(\d+\)$")           # what a table adds to a repeated name


def fold(name: str) -> str:
    """A column's name without case, blanks, marks and accents: letters and digits of any script, and #."""
    plain = ACCENT.sub("", unicodedata.normalize("NFKD", NAMESPACE.sub("", name)).casefold())
    return "".join(c for c in unicodedata.normalize("NFKC", plain)
                   if unicodedata.category(c)[0] in "LNM" or c == NUMBER)


class ColumnNames:
    """A table's columns by their folded names."""

    def __init__(self, table: Table, named: Mapping[str, str] | None = None):
        self._names: dict[str, list[str]] = {}
        for column in table.columns:
            first = SECOND.sub("", column)
            self._names.setdefault(fold(first if first in table.repeated else column), []).append(column)
        self._names |= {fold(name): [column] for name, column in (named or {}).items()}

    def matches(self, name: str) -> list[str]:
        """The columns that a preset's name stands for; those with a number in the order of their numbers."""
        if NUMBER not in name:
            return self._names.get(fold(name), [])
        pattern = numbered(name)
        found = [(int(match[1]), column) for folded, columns in self._names.items()
                 if (match := pattern.fullmatch(folded)) for column in columns]
        return [column for _, column in sorted(found, key=lambda pair: pair[0])]

    def groups(self, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """For each name, or names with | between them, its columns; none twice."""
        groups: list[tuple[str, ...]] = []
        seen: set[str] = set()
        for name in names:
            parts = [self.matches(part.strip()) for part in name.split("|")]
            if len(parts) == 1:
                found: list[tuple[str, ...]] = [(column,) for column in parts[0]]
            else:
                found = _by_number(parts) if NUMBER in name else [tuple(column for part in parts for column in part)]
            groups += [group for group in found if group and not seen & set(group)]
            seen |= {column for group in found for column in group}
        return tuple(groups)

    def has(self, needs: Sequence[Sequence[str]]) -> bool:
        """Whether one column of each group is there."""
        return all(any(self.matches(name) for name in names) for names in needs)


def _by_number(parts: list[list[str]]) -> list[tuple[str, ...]]:
    """"URL - 1", "File - 1" together, then those with 2."""
    numbered: dict[str, list[str]] = {}
    for columns in parts:
        for column in columns:
            number = re.findall(r"\d+", SECOND.sub("", column))
            numbered.setdefault(number[-1] if number else column, []).append(column)
    return [tuple(columns) for columns in numbered.values()]


@cache
def numbered(name: str) -> re.Pattern:
    """What the folded names of a numbered column look like."""
    return re.compile(re.escape(fold(name)).replace(re.escape(NUMBER), r"(\d+)"))
