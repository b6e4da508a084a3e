"""An Excel workbook enters; the table of its first sheet with known columns, as a person sees the cells, leaves."""

import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from catalog_builder.tables.cells import text_of
from catalog_builder.tables.headers import (
    LEAST_KNOWN,
    MOST_TRIED,
    columns_of,
    filled,
    find_header,
    known_in,
    name_of,
)
from catalog_builder.tables.table_types import ReadOptions, Table, TableNotice, TableRow, shown
from export.common.errors import InputError

MOST_UNPACKED = 1 << 30                  # bytes of all parts together
HIDDEN = re.compile(rb'<(?:\w+:)?row\b[^>]*\bhidden="(?:1|true)"')
UNSAVED = re.compile(rb'<(?:\w+:)?c\b(?![^>]*\bt="str")[^>]*>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*'
                     rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>")
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})"')
CHUNK = 1 << 20
OVERLAP = 1 << 12                        # bytes: longer than what is sought
REPAIR = "open it in Excel, and save it as .xlsx without a password"


@dataclass(frozen=True)
class _Scanned:
    """What a sheet's part holds beside the cells' values."""

    notices: list[TableNotice]
    merged: dict[int, list[tuple[int, int]]]     # by first row: the place from 0, and the last row, of merged cells


@dataclass(frozen=True)
class _SheetRow:
    """One row of a sheet that is not empty."""

    number: int                          # from 1
    cells: list[str]
    errors: list[str]                    # places and errors, such as "B5 #N/A"


def read(file: BinaryIO, where: Path, options: ReadOptions) -> Table:
    """The table of a workbook. Raises InputError if it is damaged, vast, or holds nothing."""
    import openpyxl

    try:
        _check_size(file, where)
        with warnings.catch_warnings(action="ignore"):           # openpyxl's, about styles and dates
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            return _table(book, file, where, options)
    except InputError:
        raise
    except Exception as error:           # openpyxl's readers have no common base
        raise InputError("the workbook cannot be read", where=where, expected="an Excel workbook",
                         found=f"{type(error).__name__}: {error}", remedy=REPAIR) from error


def _check_size(file: BinaryIO, where: Path) -> None:
    """Refuses a workbook whose parts are vast: each part unpacks to what the archive says at most."""
    with zipfile.ZipFile(file) as archive:
        size = sum(part.file_size for part in archive.infolist())
    file.seek(0)
    if size > MOST_UNPACKED:
        raise InputError("the workbook is too large", where=where, expected=f"at most {MOST_UNPACKED} bytes unpacked",
                         found=size, remedy="save the list alone, as CSV UTF-8")


def _table(book, file: BinaryIO, where: Path, options: ReadOptions) -> Table:
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    tops = [[row.cells for row in islice(_rows(sheet, {}), MOST_TRIED)] for sheet in visible]
    filled_ = [index for index, top in enumerate(tops) if top]
    if not filled_:
        raise InputError("the workbook is empty", where=where, expected="a visible sheet with rows",
                         found=f"{len(visible)} visible sheets", remedy=REPAIR)
    headed = [index for index in filled_ if max(known_in(row, options.known) for row in tops[index]) >= LEAST_KNOWN]
    chosen = (headed or filled_)[0]
    sheet, others = visible[chosen], [visible[index].title for index in filled_ if index != chosen]
    scanned = _scan(file, sheet._worksheet_path)                 # openpyxl names the part nowhere else
    if others:
        scanned.notices.append(TableNotice(0, 0, f"sheets that are not read: {', '.join(map(shown, others))}"[:300]))
    rows = _rows(sheet, scanned.merged)
    return _assemble(sheet.title, list(islice(rows, MOST_TRIED)), rows, scanned.notices, options)


def _assemble(title: str, first: list[_SheetRow], rest: Iterator[_SheetRow], notices: list[TableNotice],
              options: ReadOptions) -> Table:
    """The table of a sheet, from its first rows and the others."""
    at = find_header([row.cells for row in first], options.known) or 0
    header = first[at]
    notices += [TableNotice(0, row.number, f"passed over, above the header: {shown(' '.join(filter(None, row.cells)))}")
                for row in first[:at]]
    below = list(chain(first[at + 1:], rest))
    notices += [TableNotice(0, row.number, f"read as empty: {', '.join(row.errors)}"[:300])
                for row in below if row.errors]
    columns, repeated, places = _columns(header.cells, below)
    rows = [TableRow(0, row.number, {name: row.cells[place] if place < len(row.cells) else ""
                                     for name, place in zip(columns, places, strict=True)})
            for row in below if filled(row.cells)]
    details = (f"sheet {shown(title)}",) + ((f"header in row {header.number}",) if header.number > 1 else ())
    return Table("Excel workbook", details, columns, repeated, rows=rows,
                 notices=sorted(notices, key=lambda notice: notice.row))


def _columns(header: Sequence[str], below: list[_SheetRow]) -> tuple[tuple[str, ...], frozenset[str], list[int]]:
    """The columns that have a name or content, the repeated names, and the columns' places from 0."""
    from openpyxl.utils import get_column_letter

    used = {place for row in below for place in range(len(row.cells)) if row.cells[place]}
    places = sorted(used | {place for place, cell in enumerate(header) if name_of(cell)})
    cells = [header[place] if place < len(header) else "" for place in places]
    return *columns_of(cells, lambda number: f"column {get_column_letter(places[number - 1] + 1)}"), places


def _rows(sheet, merged: dict[int, list[tuple[int, int]]]) -> Iterator[_SheetRow]:
    """The rows of a sheet that are not empty. Cells that are merged downwards all hold what the first does."""
    sheet.reset_dimensions()             # some programs write wrong ones
    carried: dict[int, tuple[int, str]] = {}                     # by place: the last row, and the text
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        errors = [f"{cell.coordinate} {cell.value}" for cell in cells if cell.data_type == "e"]
        texts = ["" if cell.value is None or cell.data_type == "e" else text_of(cell.value, cell.number_format)
                 for cell in cells]
        if errors or filled(texts):
            texts = [text or _carried(carried, place, number) for place, text in enumerate(texts)]
            carried |= {place: (last, texts[place]) for place, last in merged.get(number, ()) if place < len(texts)}
            yield _SheetRow(number, texts, errors)


def _carried(carried: dict[int, tuple[int, str]], place: int, number: int) -> str:
    last, text = carried.get(place, (0, ""))
    return text if number <= last else ""


def _scan(file: BinaryIO, part: str) -> _Scanned:
    """What a sheet hides: rows that a person does not see, formulas whose results are not in the file, merged cells."""
    from openpyxl.utils import column_index_from_string

    hidden = unsaved = 0
    merged: dict[int, list[tuple[int, int]]] = {}
    with zipfile.ZipFile(file) as archive, archive.open(part.lstrip("/")) as source:
        tail = b""
        while chunk := source.read(CHUNK):
            content = tail + chunk
            hidden += sum(found.end() > len(tail) for found in HIDDEN.finditer(content))
            unsaved += sum(found.end() > len(tail) for found in UNSAVED.finditer(content))
            for found in MERGED.finditer(content):
                if found.end() > len(tail) and found[2] != found[3]:
                    place = column_index_from_string(found[1].decode()) - 1
                    merged.setdefault(int(found[2]), []).append((place, int(found[3])))
            tail = content[-OVERLAP:]
    said = [(hidden, "hidden rows are read, too: {}"),
            (unsaved, "formulas without a saved result are read as empty: {}; open the file in Excel and save it")]
    return _Scanned([TableNotice(0, 0, what.format(count)) for count, what in said if count], merged)
