"""The first rows of a list enter; which of them is the header, and the columns' names, leave."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
BREAKS = re.compile(r"\s*[\t\n]\s*")
UNSEEN = "\ufeff\u200b"                  # byte order marks and spaces of no width: of files that were joined
MOST_TRIED = 20                          # rows, without empty ones, among which the header is
LEAST_KNOWN = 2                          # columns that make a row a header for certain


@lru_cache(1 << 12)
def name_of(cell: str) -> str:
    """A column's name: stripped, in one line, without control characters."""
    text = CONTROL.sub("", cell.replace("\r", "\n")).strip().strip(UNSEEN).strip()
    return BREAKS.sub(" ", text)


def known_in(cells: Sequence[str], known: Callable[[str], bool]) -> int:
    """How many different columns of a row are known."""
    names = {name_of(cell) for cell in cells}
    return len({name.casefold() for name in names if name and known(name)})


def filled(cells: Sequence[str]) -> int:
    """How many cells hold anything."""
    return sum(bool(cell) and not cell.isspace() for cell in cells)


def find_header(rows: Sequence[Sequence[str]], known: Callable[[str], bool]) -> int | None:
    """The index of the header: the first row with the most known columns (of two that name them differently the lower:
    above the names of its fields a system may write their labels), or else the first with two cells, or else the
    first that is no comment; None if all are empty.
    """
    counts = [known_in(row, known) for row in rows]
    if counts and max(counts) >= LEAST_KNOWN:
        best = counts.index(max(counts))
        while counts[best + 1:best + 2] == [counts[best]] and not _alike(rows[best], rows[best + 1]):
            best += 1
        return best
    plain = [index for index, row in enumerate(rows) if filled(row) and not row[0].startswith("#")]
    wide = [index for index in plain if filled(rows[index]) > 1]
    return next(iter(wide or plain), None)


def _alike(row: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two rows share a name: a header that is there twice."""
    return bool({cell.casefold() for cell in row if cell} & {cell.casefold() for cell in other if cell})


def columns_of(cells: Sequence[str], nameless: Callable[[int], str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The columns' names, each once, and those that the header repeats; `nameless` names a column without a name by its
    number from 1. A name is the same in small and in capital letters.
    """
    names = [name_of(cell) or nameless(number) for number, cell in enumerate(cells, start=1)]
    counts = Counter(name.casefold() for name in names)
    taken = set(counts)
    unique: list[str] = []
    seen: Counter[str] = Counter()
    for name in names:
        folded = name.casefold()
        seen[folded] += 1
        unique.append(name if seen[folded] == 1 else _free(name, seen[folded], taken))
    return tuple(unique), frozenset(name for name in names if counts[name.casefold()] > 1)


def _free(name: str, number: int, taken: set[str]) -> str:
    """`<name> (<number>)` with the first number that no other column has."""
    while f"{name} ({number})".casefold() in taken:
        number += 1
    taken.add(f"{name} ({number})".casefold())
    return f"{name} ({number})"
