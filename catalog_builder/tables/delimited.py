"""Text with delimiters enters; a table with every line as a row, part of one, or a reason leaves."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catalog_builder.tables.encodings import DecodedText, lines_of
from catalog_builder.tables.headers import (
    LEAST_KNOWN,
    MOST_TRIED,
    columns_of,
    filled,
    find_header,
    known_in,
    name_of,
)
from catalog_builder.tables.quotes import RowShape, SplitRow, no_field_limit, rows, split
from catalog_builder.tables.table_types import Lost, ReadOptions, Table, TableNotice, TableRow, shown
from export.common.errors import InputError

MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
NO_MARK = "\x1f"                         # of a list with one column: a delimiter that no text holds
SEPARATOR = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)           # Excel's own line
FORMULA = re.compile(r'="((?:[^"]|"")*)"')                               # Excel's way to keep 00123 a text
SPACED = re.compile(r' +"((?:[^"]|"")*)" *')                              # quoted, after a blank
GUARDED = ("'=", "'+", "'-", "'@")       # WooCommerce's way to keep a text from being a formula
SAMPLE = 200                             # rows that show how many fields a row has
QUOTE_IT = "quote a field that holds the delimiter"
FILL_IT = "give every column a field, an empty one where there is nothing to say"


@dataclass(frozen=True)
class _Layout:
    """Where the header is, and what divides it."""

    mark: str
    at: int                              # the header's first line, from 0
    taken: int                           # its lines
    cells: list[str]
    above: list[int]                     # lines above it that hold anything but a comment, from 0


def read(content: DecodedText, where: Path, options: ReadOptions) -> Table:
    """The table of a text. Raises InputError if it has no header that can be read."""
    lines = lines_of(content.text)
    with no_field_limit():
        layout = _layout(lines, options.known, where)
        shape, repeated = _shape(lines, layout, options)
        notices = list(content.notices)
        found = list(_rows(lines, layout, shape, notices))
    said = f"header in line {layout.at + 1}"
    details = (content.encoding, MARKS.get(layout.mark, "one column"), *([said] if layout.at else []))
    return Table("CSV", details, shape.columns, repeated, rows=found,
                 notices=sorted(notices, key=lambda notice: notice.line))


# The header.

def _layout(lines: Sequence[str], known: Callable[[str], bool], where: Path) -> _Layout:
    """The delimiter and the header that name the most known columns, or that most lines agree with."""
    filled_ones = list(islice((index for index, line in enumerate(lines) if line.strip()), MOST_TRIED + 1))
    said = SEPARATOR.fullmatch(lines[filled_ones[0]]) if filled_ones else None
    tried = filled_ones[1:] if said else filled_ones[:MOST_TRIED]
    marks = [said.group(1)] if said else list(MARKS)
    layouts = [layout for mark in marks if (layout := _with_mark(lines, tried, mark, known)) is not None]
    if not layouts:
        raise InputError("the header cannot be read", where=where, expected="a line with the columns' names",
                         found=shown(lines[tried[0]].strip()) if tried else "none", remedy="close every quote in it")
    best = max(layouts, key=lambda one: known_in(one.cells, known))
    if known_in(best.cells, known) < LEAST_KNOWN:
        best = max(layouts, key=lambda one: _agreeing(lines, one))
        _refuse_unread(lines, best, where)
        alone = [index for index in best.above[:1] if known(name_of(lines[index]))]
        if alone and _agreeing(lines, best)[0] * 2 <= len(tried):
            return _one_column(lines, alone[0], [])
    return best if len(best.cells) > 1 else _one_column(lines, best.at, best.above)


def _one_column(lines: Sequence[str], at: int, above: list[int]) -> _Layout:
    return _Layout(NO_MARK, at, 1, [lines[at].strip('\r\n"')], above)


def _with_mark(lines: Sequence[str], tried: list[int], mark: str, known: Callable[[str], bool]) -> _Layout | None:
    """The header under one delimiter; None if no line can be read."""
    found = [(index, *split(lines, index, mark, MOST_TRIED)) for index in tried]
    whole = [(index, [_cell(text) for text in cells], taken) for index, cells, taken in found
             if not isinstance(cells, Lost)]
    chosen = find_header([cells for _, cells, _ in whole], known)
    if chosen is None:
        return None
    at, cells, taken = whole[chosen]
    return _Layout(mark, at, taken, cells,
                   [index for index in tried if index < at and not lines[index].startswith("#")])


def _agreeing(lines: Sequence[str], layout: _Layout) -> tuple[int, int]:
    """How many lines have as many fields as the header, at least two, and how many that are."""
    width = len(layout.cells)
    if width < 2:
        return 0, 0
    some = [split(lines, index, layout.mark)[0] for index in range(layout.at, min(layout.at + MOST_TRIED, len(lines)))]
    return sum(not isinstance(cells, Lost) and len(cells) == width for cells in some), width


def _refuse_unread(lines: Sequence[str], layout: _Layout, where: Path) -> None:
    """Refuses a header that is none for certain where a line above it cannot be read: that may be the header."""
    for index in layout.above:
        cells = split(lines, index, layout.mark)[0]
        if isinstance(cells, Lost):
            raise InputError("the header cannot be read", where=f"{where}, line {index + 1}", found=cells)


def _shape(lines: Sequence[str], layout: _Layout, options: ReadOptions) -> tuple[RowShape, frozenset[str]]:
    """What rows look like, by the header and the first rows, and the names that the header repeats."""
    width = max((number for number, cell in enumerate(layout.cells, start=1) if name_of(cell)), default=1)
    columns, repeated = columns_of(layout.cells[:width], lambda number: f"column {number}")
    loose = RowShape(layout.mark, columns, len(lines[layout.at]) + SAMPLE, options)
    sample = [split(lines, index, layout.mark)[0] for index in
              range(layout.at + layout.taken, min(layout.at + layout.taken + SAMPLE, len(lines)))]
    counts = Counter(len(cells) for cells in sample if not isinstance(cells, Lost) and loose.fits(cells))
    usual = counts.most_common(1)[0][0] if counts else width
    return RowShape(layout.mark, columns, max(len(layout.cells), usual), options), repeated


# The rows.

def _rows(lines: Sequence[str], layout: _Layout, shape: RowShape, notices: list[TableNotice]) -> Iterator[TableRow]:
    """The rows below the header; what was repaired or passed over goes to `notices`."""
    notices += [TableNotice(index + 1, index + 1, f"passed over, above the header: {shown(lines[index].strip())}")
                for index in layout.above]
    for number, row in enumerate(rows(lines, layout.at + layout.taken, shape), start=layout.at + 2):
        notices += [TableNotice(index + 1, number, what) for index, what in row.notices]
        if isinstance(row.fields, Lost):
            yield TableRow(row.at + 1, number, row.fields)
        elif filled(row.fields):
            fields = [_cell(text) for text in row.fields]
            if row.at + row.taken == len(lines):
                notices += _cut_off(lines, fields, shape, number)
            yield from _row(fields, row, number, shape, notices=notices, header=layout.cells)


def _row(fields: list[str], row: SplitRow, number: int, shape: RowShape, *, notices: list[TableNotice],
         header: list[str]) -> Iterator[TableRow]:
    """The row of these fields; none if it is the header again."""
    width = len(shape.columns)
    padded = (fields + [""] * width)[:width]
    if fields == header:
        notices.append(TableNotice(row.at + 1, number, "passed over: the header again"))
        return
    if not shape.fits(fields):
        if filled(fields[width:]) or not shape.plausible(padded):
            what = Lost("", "the row has another number of fields than the header", expected=width,
                        found=f"{len(fields)}, from {shown(fields[0])} on{_to(row)}",
                        remedy=FILL_IT if len(fields) < width else QUOTE_IT)
            yield TableRow(row.at + 1, number, what)
            return
        less = "fewer fields than the header: the rest is taken as empty"
        more = "more fields than the header, empty ones: left out"
        notices.append(TableNotice(row.at + 1, number, less if len(fields) < width else more))
    yield TableRow(row.at + 1, number, dict(zip(shape.columns, padded, strict=True)))


def _to(row: SplitRow) -> str:
    """Where a row of several lines ends, for a message that names its first line."""
    return f" to line {row.at + row.taken}" if row.taken > 1 else ""


def _cut_off(lines: Sequence[str], fields: list[str], shape: RowShape, number: int) -> list[TableNotice]:
    """A notice if the last line has no end and does not look like a row."""
    whole = lines[-1].endswith(("\r", "\n")) or (shape.fits(fields) and shape.plausible(fields[:len(shape.columns)]))
    return [] if whole else [TableNotice(len(lines), number, "the last line has no end: was the file cut off?")]


def _cell(text: str) -> str:
    """A field without what spreadsheets and shop systems put around it."""
    if text[:2] == '="' and (formula := FORMULA.fullmatch(text)):
        return formula.group(1).replace('""', '"')
    if text[:1] == " " and (spaced := SPACED.fullmatch(text)):
        return spaced.group(1).replace('""', '"')
    return text[1:] if text.startswith(GUARDED) else text
