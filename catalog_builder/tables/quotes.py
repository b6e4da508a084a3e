"""Lines of delimited text enter; the fields of each row, or why it cannot be read, leave.

A quote that was left open must not swallow the rows after it: a row of several lines is looked at twice.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from catalog_builder.tables.table_types import Lost, ReadOptions, shown

MOST_LINES = 1000                        # of one row: a longer row has a quote that was left open
QUOTED = re.compile(r'"(?:[^"]|"")*"')
OPENING = re.compile(r'(?<!^)"(?=[^"\s])')
MOST_QUOTES = 100                        # of a line that are left out in turn
MOST_PIECES = 100                        # of a text that are looked at
# What a row lacks: the end of a quote, as all else is there or not; fields, as its pictures are there or not.
QUOTE_ALONE, QUOTE, SHORT, FIELDS = "quote alone", "quote", "short", "fields"
CLOSE_QUOTES = 'close every quote, and write one inside a quoted field as ""'
BACKSLASHED = re.compile(r'\\(["\\])')


@dataclass(frozen=True)
class RowShape:
    """What the rows of a list look like."""

    mark: str                            # the delimiter
    columns: tuple[str, ...]
    most: int                            # fields of a row; those beyond the columns are empty
    options: ReadOptions

    def fits(self, fields: Sequence[str] | Lost) -> bool:
        """Whether each column has a field, and nothing stands beyond them."""
        if isinstance(fields, Lost):
            return False
        return len(self.columns) <= len(fields) <= self.most and not any(map(str.strip, fields[len(self.columns):]))

    def plausible(self, fields: Sequence[str]) -> bool:
        return self.options.plausible(self.columns, fields)


@dataclass(frozen=True)
class SplitRow:
    """One row of a delimited text."""

    at: int                              # its first line, from 0
    taken: int                           # lines
    fields: list[str] | Lost
    notices: list[tuple[int, str]] = field(default_factory=list)         # line from 0, and what


@contextmanager
def no_field_limit() -> Iterator[None]:
    """Lets a field of the csv module be of any length, and sets its limit back at the end."""
    limit = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def split(lines: Sequence[str], at: int, mark: str, most: int = MOST_LINES) -> tuple[list[str] | Lost, int]:
    """The row that starts in line `at` (from 0), and its number of lines. A wrong row ends with its first line, so that
    the rows after it are still read.
    """
    if '"' not in lines[at]:
        return lines[at].rstrip("\r\n").split(mark), 1
    return _strict(map(lines.__getitem__, range(at, min(at + most, len(lines)))), mark)


def _strict(some: Iterator[str], mark: str) -> tuple[list[str] | Lost, int]:
    reader = csv.reader(some, delimiter=mark, strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error as error:
        return Lost("", "the row cannot be read", found=error, remedy=CLOSE_QUOTES), 1


def rows(lines: Sequence[str], at: int, shape: RowShape) -> Iterator[SplitRow]:
    """The rows from line `at` on."""
    looks: dict[int, bool] = {}          # lines that were found to look like a row, or not
    broken = ""                          # what the row before lacks
    while at < len(lines):
        for row in _next(lines, at, shape, looks):
            yield _not_a_rest(lines[row.at], row, shape, broken) if broken and shape.fits(row.fields) else row
            broken = _broken(lines[row.at], row, shape, broken)
            at += row.taken


def _broken(line: str, row: SplitRow, shape: RowShape, before: str) -> str:
    """What a row lacks that the lines after it may hold, given what the one before it lacks."""
    if isinstance(row.fields, Lost):
        return QUOTE_ALONE if _complete(line, shape) else QUOTE
    if not any(map(str.strip, row.fields)):
        return before
    missing = len(shape.columns) - len(row.fields)
    if missing <= 0:
        return ""
    if row.taken > 1:
        return QUOTE
    if before in (QUOTE, FIELDS):
        return before
    return SHORT if shape.plausible(row.fields + [""] * missing) else FIELDS


def _not_a_rest(line: str, row: SplitRow, shape: RowShape, broken: str) -> SplitRow:
    """The row after a broken one: lost if it ends quotes that it does not open, with a notice if it may be a rest."""
    what = "the line may be the rest of the row before it"
    odd = row.taken == 1 and line.count('"') % 2 == 1
    if odd and broken in (QUOTE, FIELDS):
        return replace(row, fields=Lost("", what, found=shown(line.strip()), remedy=CLOSE_QUOTES))
    doubtful = broken in (QUOTE, FIELDS) or (odd and broken == SHORT) or (
        isinstance(row.fields, list) and not shape.plausible(row.fields))
    return replace(row, notices=[*row.notices, (row.at, what)]) if doubtful else row


def _next(lines: Sequence[str], at: int, shape: RowShape, looks: dict[int, bool]) -> list[SplitRow]:
    """The row that starts in line `at`, and after it any lines within its quotes that cannot be told from rows."""
    fields, taken = split(lines, at, shape.mark)
    row = SplitRow(at, taken, fields)
    if isinstance(fields, Lost) or not shape.fits(fields):
        row = _with_backslashes(lines, at, shape) or row
    if isinstance(row.fields, Lost):
        return [row]
    if row.taken == 1:
        return [replace(row, notices=row.notices + _odd_quotes(lines[at], row, shape))]
    inside = _inside(lines, row, shape)
    if _swallows(lines, row, shape, inside, looks):
        what = f"a quote opens here and closes in line {at + row.taken}: the lines after this one are read as rows"
        return [SplitRow(at, 1, Lost("", what, found=shown(lines[at].strip()), remedy=CLOSE_QUOTES))]
    if not shape.fits(row.fields):
        return _torn(lines, row, shape, inside)
    odd = _odd_text(row, row.fields, shape)
    if inside:
        odd.append((at, f"a text in quotes, to line {at + row.taken}, has lines with as many fields as a row"))
    return [replace(row, notices=row.notices + odd)]


def _odd_quotes(line: str, row: SplitRow, shape: RowShape) -> list[tuple[int, str]]:
    """A notice if a quote inside a field opens one as well as any, with a delimiter before it: `P1"Pan, red",5`."""
    for at in _loose_quotes(line, shape.mark)[:MOST_QUOTES]:
        if shape.fits(_alone([line[:at] + shape.mark + line[at:]], 0, shape.mark)):
            return [(row.at, "a quote inside a field: is the delimiter before it missing?")]
    return []


def _loose_quotes(line: str, mark: str) -> list[int]:
    """Where quotes before a letter stand in the middle of a field without quotes around it."""
    found: list[int] = []
    at = 0
    while at < len(line) and line.find('"', at) >= 0:
        quoted = QUOTED.match(line, at)
        end = quoted.end() if quoted else line.find(mark, at)
        end = len(line) if end < 0 else end
        if not quoted:
            found += [at + one.start() for one in OPENING.finditer(line[at:end])]
        at = end + 1
    return found


def _odd_text(row: SplitRow, fields: Sequence[str], shape: RowShape) -> list[tuple[int, str]]:
    """A notice if a text of several lines names a picture between delimiters: it may hold parts of rows."""
    width = len(shape.columns)
    for place, text in enumerate(fields[:width]):
        alone = [""] * place + [text] + [""] * (width - place - 1)
        pieces = [line.split(shape.mark) for line in text.splitlines()] if "\n" in text or "\r" in text else []
        some = dict.fromkeys(piece for line in pieces if len(line) > 1 for piece in line)
        if any(shape.plausible([piece] * width) for piece in [*some][:MOST_PIECES]) and not shape.plausible(alone):
            return [(row.at, f"a text in quotes, to line {row.at + row.taken}, names a picture: does it hold rows?")]
    return []


def _swallows(lines: Sequence[str], row: SplitRow, shape: RowShape, inside: list[int],
              looks: dict[int, bool]) -> bool:
    """Whether a row of several lines has others within its quotes.

    The last line ends with the row's own fields, its pictures perhaps: it tells where the first line is a row, too.
    """
    last = row.at + row.taken - 1
    those = [index for index in inside if _looks_like_a_row(lines, index, shape, looks)]
    return any(index < last for index in those) or (bool(those) and _complete(lines[row.at], shape))


def _complete(line: str, shape: RowShape) -> bool:
    """Whether a line is a row without one of its quotes."""
    places = [found.start() for found in re.finditer('"', line)][:MOST_QUOTES]
    for at in places:
        fields, _ = split([line[:at] + line[at + 1:]], 0, shape.mark)
        if not isinstance(fields, Lost) and shape.fits(fields) and shape.plausible(fields):
            return True
    return False


def _torn(lines: Sequence[str], row: SplitRow, shape: RowShape, inside: list[int]) -> list[SplitRow]:
    """A row of several lines that has a wrong number of fields, cut before each line that may be a row."""
    end = row.at + row.taken
    last = [end - 1] if end - 1 not in inside and shape.fits(_alone(lines, end - 1, shape.mark)) else []
    cuts = [*inside, *last, end]
    what = f"the line may be a row, but stands inside quotes, from line {row.at + 1} to line {end}"
    return [SplitRow(row.at, cuts[0] - row.at, row.fields)] + [
        SplitRow(first, after - first, Lost("", what, found=shown(lines[first].strip()), remedy=CLOSE_QUOTES))
        for first, after in zip(cuts, cuts[1:], strict=False)]


def _with_backslashes(lines: Sequence[str], at: int, shape: RowShape) -> SplitRow | None:
    r"""The row that starts in line `at`, read with \" for a quote inside quotes, as MySQL writes it; None if that does
    not give a row.
    """
    if '\\"' not in lines[at]:
        return None
    some = range(at, min(at + MOST_LINES, len(lines)))
    fields, taken = _strict((BACKSLASHED.sub(_doubled, lines[index]) for index in some), shape.mark)
    if isinstance(fields, Lost) or not shape.fits(fields):
        return None
    return SplitRow(at, taken, fields, [(at, r'quotes are written as \" instead of "": read as quotes')])


def _doubled(pair: re.Match[str]) -> str:
    return '""' if pair[1] == '"' else "\\"


def _inside(lines: Sequence[str], row: SplitRow, shape: RowShape) -> list[int]:
    """The lines after a row's first one that have as many fields as a row, as indices.

    The end of a text in the first column is none, though all other fields stand in its line: unless there is a
    delimiter in it, the line has that many fields in any case.
    """
    if len(shape.columns) < 2 or isinstance(row.fields, Lost):
        return []
    last = row.at + row.taken - 1
    broken = [text for text in row.fields if "\n" in text or "\r" in text]
    end = broken[-1].replace("\r", "\n").rsplit("\n", 1)[1] if broken else ""
    found = range(row.at + 1, last + 1 if shape.mark in end else last)
    return [index for index in found if shape.fits(_alone(lines, index, shape.mark))]


def _alone(lines: Sequence[str], index: int, mark: str) -> list[str]:
    """The fields of one line, whatever its quotes."""
    fields, _ = split(lines[index:index + 1], 0, mark)
    return lines[index].rstrip("\r\n").split(mark) if isinstance(fields, Lost) else fields


def _looks_like_a_row(lines: Sequence[str], index: int, shape: RowShape, looks: dict[int, bool]) -> bool:
    if index not in looks:
        looks[index] = shape.plausible(_alone(lines, index, shape.mark))
    return looks[index]
