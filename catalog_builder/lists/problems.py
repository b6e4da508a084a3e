"""What was left out of a list, or changed, enters; a table of problems for shop staff leaves."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.common import files

PRODUCT, PICTURE, FIELD, NOTICE = "product", "picture", "field", ""          # what a problem costs


@dataclass(frozen=True)
class Problem:
    """Something that was left out or changed."""

    line: int                                # of the text; 0: the whole list
    product: str                             # the id, "" where unknown
    field: str
    what: str                                # one line
    skipped: str                             # PRODUCT, PICTURE, FIELD, or NOTICE
    row: int = 0                             # as a spreadsheet numbers it; 0: the whole list

    @property
    def cause(self) -> str:
        """What it has in common with other problems: the words up to the first semicolon."""
        return self.what.partition(";")[0]


@dataclass(frozen=True)
class Cause:
    """Problems of one cause."""

    what: str
    skipped: str
    count: int
    example: Problem


def causes(problems: Sequence[Problem]) -> list[Cause]:
    """Problems by cause: those that cost products first, then the most frequent."""
    found: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        found[problem.cause, problem.skipped].append(problem)
    order = (PRODUCT, PICTURE, FIELD, NOTICE)
    some = [Cause(what, skipped, len(alike), alike[0]) for (what, skipped), alike in found.items()]
    return sorted(some, key=lambda cause: (order.index(cause.skipped), -cause.count))


def write_problems(path: Path, problems: Sequence[Problem]) -> None:
    """Writes the problems as CSV, whole or not at all, for Excel with a byte order mark. Without problems it removes an
    old file.
    """
    if not problems:
        files.remove(path)
        return
    with files.whole(path) as partial, partial.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["line", "row", "product", "field", "problem", "skipped"])
        writer.writerows([p.line, p.row, p.product, p.field, p.what, p.skipped] for p in problems)
