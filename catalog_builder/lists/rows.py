"""A product list as CSV, JSON Lines or Parquet enters; for each row the fields by column, or an error, leave."""

import contextlib
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from export.common.errors import InputError

REQUIRED = ("id", "name", "pictures")
OPTIONAL = ("price", "currency", "description", "category")
COLUMNS = {*REQUIRED, *OPTIONAL}
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
MOST_LINES = 1000                        # of one CSV row: a longer row has a quote that was left open
BATCH = 1024                             # Parquet rows in memory at a time
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SURROGATE = re.compile("[\ud800-\udfff]")
AS_UTF8 = "save it as UTF-8"


class Lost(InputError):
    """Why a product cannot be kept."""

    def __init__(self, column: str, what: str, *, expected: object = None, found: object = None,
                 remedy: str | None = None):
        super().__init__(what, expected=expected, found=found, remedy=remedy)
        self.field = column


def shown(value: object) -> str:
    """The value as Python writes it, in at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def table(path: Path) -> tuple[set[str], Iterable[tuple[int, dict[str, object] | Lost]]]:
    """The columns, and the rows with their line numbers. Raises InputError if the list cannot be read."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise InputError("no list of products", where=path, expected=f"one of {', '.join(SUFFIXES)}",
                         found=kind or "no suffix", remedy="name the file after what it holds")
    if not path.is_file():
        raise InputError("the list cannot be read", where=path, expected="a file", found="none")
    try:
        if kind == ".parquet":
            return _parquet(path)
        return _json_lines(path) if kind in (".jsonl", ".ndjson") else _csv(path)
    except OSError as error:
        raise InputError("the list cannot be read", where=path, found=error.strerror or error) from error


def _lines(path: Path) -> list[str]:
    """The lines of a text with their ends; a byte that is no UTF-8 becomes a lone surrogate."""
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise InputError("the list is no UTF-8", where=path, expected="text in UTF-8",
                         found="UTF-16 or UTF-32, or NUL bytes", remedy=AS_UTF8)
    return list(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""))


def _names(found: list[str], path: Path | None, required: tuple[str, ...] = REQUIRED) -> list[str]:
    """The columns as rows name them: ours in lower case, others as they are. Refuses a missing or a repeated column."""
    if SURROGATE.search("".join(found)):
        raise InputError("a column's name is no UTF-8", where=path, found=shown(found), remedy=AS_UTF8)
    names = [CONTROL.sub("", name).strip() for name in found]
    lower = [name.lower() for name in names]
    twice = [name for name, count in Counter(lower).items() if count > 1]
    if twice:
        raise InputError("a column is there twice", where=path, found=shown(twice), remedy="name each differently")
    missing = [name for name in required if name not in lower]
    if missing:
        raise InputError(f"no column {', '.join(missing)}", where=path, found=", ".join(names)[:500] or "none",
                         expected=", ".join(required), remedy="add them to the first line (Parquet: to the schema)")
    return [ours if ours in COLUMNS else name for name, ours in zip(names, lower, strict=True)]


def _csv(path: Path) -> tuple[set[str], list[tuple[int, dict[str, object] | Lost]]]:
    lines = _lines(path)
    limit = csv.field_size_limit(2**31 - 1)          # MOST_FIELD is checked later, for each field
    try:
        mark = _delimiter(path, lines)
        header, at = _split(lines, 0, mark) if lines else ([], 0)
        if isinstance(header, Lost):
            raise InputError("the header cannot be read", where=path, found=header)
        names = _names(header, path)
        rows: list[tuple[int, dict[str, object] | Lost]] = []
        while at < len(lines):
            content, taken = _split(lines, at, mark)
            if isinstance(content, Lost):
                rows.append((at + 1, content))
            elif len(content) > 1 or "".join(content).strip():
                rows.append((at + 1, _fields(names, content)))
            at += taken
    finally:
        csv.field_size_limit(limit)
    return set(names), rows


def _delimiter(path: Path, lines: list[str]) -> str:
    """The delimiter that divides the header into the most known columns."""
    def known(mark: str) -> int:
        header = _split(lines, 0, mark)[0]
        return 0 if isinstance(header, Lost) else len(COLUMNS & {name.strip().lower() for name in header})
    return "\t" if path.suffix.lower() == ".tsv" or not lines else max(",;\t", key=known)


def _split(lines: list[str], at: int, mark: str) -> tuple[list[str] | Lost, int]:
    """The row that starts in line `at` (from 0), and its number of lines. A wrong row ends with its first line, so that
    the rows after it are still read.
    """
    some = range(at, min(at + MOST_LINES, len(lines)))
    reader = csv.reader(map(lines.__getitem__, some), delimiter=mark, strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error as error:
        return Lost("", "the row cannot be read", found=error,
                     remedy='close every quote, and write one inside a quoted field as ""'), 1


def _fields(names: list[str], content: list[str]) -> dict[str, object] | Lost:
    if len(content) == len(names):
        return dict(zip(names, content, strict=True))
    return Lost("", "the row has another number of fields than the header", expected=len(names),
                 found=f"{len(content)}, from {shown(content[0])} on", remedy="quote a field that holds the delimiter")


def _json_lines(path: Path) -> tuple[set[str], list[tuple[int, dict[str, object] | Lost]]]:
    rows = [(line, _json_row(text)) for line, text in enumerate(_lines(path), start=1) if text.strip()]
    return {name for _, row in rows if isinstance(row, dict) for name in row}, rows


def _json_row(text: str) -> dict[str, object] | Lost:
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_pairs)
        if not isinstance(value, dict):
            raise ValueError(type(value).__name__)
        return dict(zip(_names(list(value), None, required=()), value.values(), strict=True))
    except (ValueError, ArithmeticError, RecursionError, InputError) as error:
        found = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        return Lost("", "the line cannot be read", expected="a JSON object", found=found, remedy="one object a line")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant}, which JSON does not know")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"a key twice: {shown(twice[0])}")
    return dict(pairs)


def _parquet(path: Path) -> tuple[set[str], Iterator[tuple[int, dict[str, object] | Lost]]]:
    import pyarrow
    from pyarrow import parquet

    def rows() -> Iterator[tuple[int, dict[str, object] | Lost]]:
        before = 0
        try:
            with file:
                for batch in file.iter_batches(BATCH):
                    columns = [_cells(name, column) for name, column in zip(names, batch.columns, strict=True)]
                    for line, content in enumerate(zip(*columns, strict=True), start=before + 1):
                        yield line, dict(zip(names, content, strict=True))
                    before += batch.num_rows
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise InputError("the list is damaged", where=f"{path}, after row {before}", found=error) from error

    try:
        file = parquet.ParquetFile(path)
        names = _names(file.schema_arrow.names, path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError("the list cannot be read", where=path, expected="a Parquet file", found=error) from error
    return set(names), rows()


def _cells(name: str, column) -> list[object]:
    """An Arrow column as Python values: times, decimals and float prices as their shortest text."""
    import pyarrow
    from pyarrow import types

    kind = column.type
    if types.is_temporal(kind) or types.is_decimal(kind) or (name == "price" and types.is_floating(kind)):
        with contextlib.suppress(pyarrow.ArrowException):        # Python may convert what Arrow cannot
            column = column.cast(pyarrow.string())
    try:
        return column.to_pylist()
    except (ValueError, OverflowError, pyarrow.ArrowException):
        return [_cell(name, cell) for cell in column]


def _cell(name: str, cell) -> object:
    try:
        return cell.as_py()
    except Exception as error:           # Arrow's converters have no common base
        return Lost(name, "the value cannot be read", found=error, remedy="write it as text in UTF-8")
