"""Reading a shop's product list.

Enters: a list as CSV, JSON Lines or Parquet, beside its pictures. Leaves: the products that can be kept, and a problem,
with its line, for everything that was not taken as it stood. Every row ends as a product or in a problem.
"""

import contextlib
import csv
import io
import json
import math
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal
from pathlib import Path

from export import files
from export.errors import InputError

REQUIRED = ("id", "name", "pictures")
OPTIONAL = ("price", "currency", "description", "category")
COLUMNS = {*REQUIRED, *OPTIONAL}
RECORD = ("id", "name", *OPTIONAL)
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
MOST_FIELD = 1 << 20                     # characters of one text field
MOST_LINES = 1000                        # of one CSV row: beyond them a quote was left open
BATCH = 1024                             # Parquet rows in memory at a time
UNIT = 10_000                            # a price counts ten-thousandths
DECIMALS = 4
LARGEST_PRICE = 2**63 - 1
EXACT = Context(prec=200)
PRICE = re.compile(r"([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")
CURRENCY = re.compile("[A-Za-z]{3}")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SURROGATE = re.compile("[\ud800-\udfff]")
ODD = re.compile(f"[{CONTROL.pattern[1:-1]}{SURROGATE.pattern[1:-1]}]")
FROM_THE_FOLDER = "give the path from the list's folder, with / between its parts"
AS_UTF8 = "save it as UTF-8"


@dataclass(frozen=True)
class Product:
    """One product; every text is stripped."""

    line: int                            # where it starts; in Parquet the row; both from 1
    id: str
    name: str
    price: int | None                    # ten-thousandths of the currency's unit
    currency: str                        # "" where none is given
    description: str
    category: str                        # "" where none is given
    pictures: tuple[Path, ...]           # absolute and resolved, inside the list's folder, each once
    extra: dict[str, object]             # every other column, as JSON values, in the list's order


@dataclass(frozen=True)
class Problem:
    """What was not taken as it stood."""

    line: int                            # 0: the whole list
    product: str                         # the id, "" where unknown
    field: str
    what: str                            # one line
    skipped: str                         # "product", "picture", "field", or "" for a notice


@dataclass(frozen=True)
class Listing:
    """What a list gave."""

    products: list[Product]
    problems: list[Problem]              # by line
    currency: str                        # of all products with a price; "" if there are several, or none


class _Lost(InputError):
    """Why a product cannot be kept."""

    def __init__(self, column: str, what: str, **parts: object):
        super().__init__(what, **parts)
        self.field = column


@dataclass(frozen=True)
class _Row:
    """One row, and where its problems go."""

    line: int
    fields: dict[str, object]
    problems: list[Problem]

    def report(self, column: str, what: object, skipped: str) -> None:
        """Adds a problem of this row; of its id what fits in one line."""
        label = self.fields.get("id")
        text = str(label) if isinstance(label, str | int) else ""
        shown = " ".join(ODD.sub(" ", text).split())[:200]
        self.problems.append(Problem(self.line, shown, column, str(what), skipped))


@dataclass(frozen=True)
class _Folder:
    """The list's folder, resolved; paths as strings, since lists are long and Path is slow."""

    root: str                            # without a slash at its end
    resolved: dict[str, str] = field(default_factory=dict)       # folders below it, as named and as they are

    def find(self, name: str) -> str:
        """The picture `name`, resolved; refuses what is not a file with content inside the folder."""
        try:
            real = name if name.startswith("/") else self._resolve(name)
            if name.startswith("/") or not real.startswith(f"{self.root}/"):
                raise InputError("the picture lies outside the list's folder", found=_shown(name),
                                 remedy=FROM_THE_FOLDER)
            status = os.lstat(real)
        except (OSError, ValueError) as error:                   # ValueError: a NUL
            raise InputError("the picture cannot be found", expected="a file", remedy=FROM_THE_FOLDER,
                             found=f"{_shown(name)}: {getattr(error, 'strerror', None) or error}") from error
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            found = "an empty file" if stat.S_ISREG(status.st_mode) else "no regular file"
            raise InputError("the picture holds nothing", expected="a file with content",
                             found=f"{_shown(name)}: {found}")
        return real

    def _resolve(self, name: str) -> str:
        folder, _, last = name.rpartition("/")
        if folder not in self.resolved:
            self.resolved[folder] = os.path.realpath(f"{self.root}/{folder}")
        real = f"{self.resolved[folder]}/{last}"
        plain = last not in ("", ".", "..") and not stat.S_ISLNK(os.lstat(real).st_mode)
        return real if plain else os.path.realpath(real)


def read(path: Path) -> Listing:
    """The products of a list, in its order, and every problem; InputError only where no row can be read at all."""
    columns, rows = _table(path)
    folder = _Folder(os.path.realpath(path.parent).rstrip("/"))
    problems = [Problem(0, "", name, f"the list has no column {name}: every product goes without", "")
                for name in OPTIONAL if name not in columns]
    products, first, empty = [], {}, True
    for line, content in rows:
        empty = False
        row = _Row(line, content if isinstance(content, dict) else {}, problems)
        try:
            if isinstance(content, _Lost):
                raise content
            products.append(_product(row, folder, first, "currency" in columns))
        except _Lost as error:
            row.report(error.field, error, "product")
        except RecursionError:
            row.report("", "a value is nested too deeply; remedy: make it flatter", "product")
    if empty:
        raise InputError("the list has no products", where=path, expected="at least one row")
    currencies = sorted({product.currency for product in products if product.price is not None})
    if len(currencies) > 1:
        what = f"several currencies, {', '.join(currencies)}: price filters will be refused; remedy: a list for each"
        problems.append(Problem(0, "", "currency", what, ""))
    return Listing(products, sorted(problems, key=lambda problem: problem.line),
                   currencies[0] if len(currencies) == 1 else "")


def write_problems(path: Path, problems: list[Problem]) -> None:
    """The problems as CSV, whole or not at all; where there are none, an old file goes."""
    if not problems:
        files.remove(path)
        return
    with files.whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["line", "product", "field", "problem", "skipped"])
        writer.writerows([p.line, p.product, p.field, p.what, p.skipped] for p in problems)


def json_record(product: Product) -> bytes:
    """The catalog's record: compact JSON in UTF-8, the price as an exact decimal, the extra fields last."""
    price = "null"
    if product.price is not None:
        units, rest = divmod(product.price, UNIT)
        price = f"{units}.{rest:0{DECIMALS}}".rstrip("0").rstrip(".")
    values = {name: getattr(product, name) for name in RECORD} | product.extra
    parts = [f"{_compact(name)}:{price if name == 'price' else _compact(value)}" for name, value in values.items()]
    return ("{" + ",".join(parts) + "}").encode()


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


# From a row to a product.

def _product(row: _Row, folder: _Folder, first: dict[str, int], has_currency: bool) -> Product:
    """The row's product; `first` holds the line of every id so far."""
    own = _value(row, "id", row.fields.get("id"))
    own = _text(row, "id", str(own) if isinstance(own, int) and not isinstance(own, bool) else own)
    if first.setdefault(own, row.line) != row.line:
        raise _Lost("id", "the id is taken", found=f"it in line {first[own]}, too", remedy="one row a product")
    fields = {name: _value(row, name, value) for name, value in row.fields.items() if name != "id"}
    known = {name: _text(row, name, fields.get(name)) for name in ("name", "description", "category")}
    price, currency = _money(row, fields, has_currency)
    pictures = _pictures(row, fields.get("pictures"), folder)
    extra = {name: value for name, value in fields.items() if name not in COLUMNS}
    return Product(row.line, own, price=price, currency=currency, pictures=pictures, extra=extra, **known)


def _value(row: _Row, column: str, value: object) -> object:
    """`value` as JSON can hold it, its texts cleaned."""
    if isinstance(value, str):
        return _clean(row, column, value)
    if isinstance(value, _Lost):
        raise value
    if isinstance(value, bytes):
        return _clean(row, column, value.decode("utf-8", "surrogateescape"))
    if isinstance(value, dict):
        if ODD.search("".join(value)):
            raise _Lost(column, "a key holds control characters or no UTF-8", found=_shown(list(value)))
        return {name: _value(row, column, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(row, column, inner) for inner in value]
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)) == value else str(value)          # never rounded
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int) else str(value)     # Parquet's times, UUIDs


def _clean(row: _Row, column: str, text: str) -> str:
    """Line ends as \\n, and no other control characters but tabs; the names of pictures stay as they are."""
    if len(text) > MOST_FIELD:
        raise _Lost(column, "the text is too long", expected=f"at most {MOST_FIELD} characters", found=len(text))
    if not ODD.search(text):
        return text
    if SURROGATE.search(text):
        raise _Lost(column, "the text is no UTF-8", found=_shown(text), remedy=AS_UTF8)
    if column == "pictures":
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = CONTROL.sub("", text)
    if cleaned != text:
        row.report(column, f"control characters left out: {len(text) - len(cleaned)}", "")
    return cleaned


def _text(row: _Row, column: str, value: object) -> str:
    """The stripped text; a product is lost without those that are required."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if column in REQUIRED:
        raise _Lost(column, f"the product has no {column}", expected="a text", found=_shown(value))
    if not isinstance(value, str | None):
        row.report(column, InputError(f"the {column} is left out", expected="a text", found=_shown(value)), "field")
    return ""


def _money(row: _Row, fields: dict[str, object], has_currency: bool) -> tuple[int | None, str]:
    """Price and currency; where the list has currencies, no price without one."""
    price = _price(row, fields.get("price"))
    currency = fields.get("currency")
    code = "" if currency is None else str(currency).strip()
    if CURRENCY.fullmatch(code):
        return price, code.upper()
    if code or (price is not None and has_currency):
        row.report("currency", InputError("no currency, and so no price", expected="three letters such as EUR",
                                          found=_shown(currency), remedy="give ISO 4217's code"), "field")
        return None, ""
    return price, ""


def _price(row: _Row, value: object) -> int | None:
    """Ten-thousandths, exactly; what is no price is reported and left out."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    if PRICE.fullmatch(text):
        scaled = Decimal(text).scaleb(DECIMALS, EXACT)
        if 0 <= scaled <= LARGEST_PRICE and scaled == scaled.to_integral_value():
            return int(scaled)
    row.report("price", InputError("the price is left out", found=_shown(value),
                                   expected=f"0 to {LARGEST_PRICE // UNIT}, with at most {DECIMALS} decimals",
                                   remedy="write it as 1234.5: digits and a point, no sign, space or comma"), "field")
    return None


def _pictures(row: _Row, value: object, folder: _Folder) -> tuple[Path, ...]:
    """The pictures that are there, in their order; a product is lost without any."""
    names = value.split("|") if isinstance(value, str) else value if isinstance(value, list) else [value]
    found: list[str] = []
    for name in names:
        if name is None or isinstance(name, str) and not name.strip():
            continue                     # nothing between two separators
        try:
            if not isinstance(name, str):
                raise InputError("a picture has no name", expected="a text", found=_shown(name))
            picture = folder.find(name.strip())
            if picture in found:
                raise InputError("the picture is given twice", found=_shown(name))
            found.append(picture)
        except InputError as error:
            row.report("pictures", error, "picture")
    if not found:
        raise _Lost("pictures", "the product has no picture", expected="one that can be found", found=_shown(value))
    return tuple(map(Path, found))


# From a file to its rows: each the fields by column, or why there are none.

def _table(path: Path) -> tuple[set[str], Iterable[tuple[int, dict[str, object] | _Lost]]]:
    """The columns, and the rows with their lines."""
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
    """The columns as rows name them: ours in lower case, others as they are; refuses a missing or repeated one."""
    if SURROGATE.search("".join(found)):
        raise InputError("a column's name is no UTF-8", where=path, found=_shown(found), remedy=AS_UTF8)
    names = [CONTROL.sub("", name).strip() for name in found]
    lower = [name.lower() for name in names]
    twice = [name for name, count in Counter(lower).items() if count > 1]
    if twice:
        raise InputError("a column is there twice", where=path, found=_shown(twice), remedy="name each differently")
    missing = [name for name in required if name not in lower]
    if missing:
        raise InputError(f"no column {', '.join(missing)}", where=path, found=", ".join(names)[:500] or "none",
                         expected=", ".join(required), remedy="add them to the first line (Parquet: to the schema)")
    return [ours if ours in COLUMNS else name for name, ours in zip(names, lower, strict=True)]


def _csv(path: Path) -> tuple[set[str], list[tuple[int, dict[str, object] | _Lost]]]:
    lines = _lines(path)
    limit = csv.field_size_limit(2**31 - 1)          # the limit is MOST_FIELD, later and by field
    try:
        mark = _delimiter(path, lines)
        header, at = _split(lines, 0, mark) if lines else ([], 0)
        if isinstance(header, _Lost):
            raise InputError("the header cannot be read", where=path, found=header)
        names = _names(header, path)
        rows = []
        while at < len(lines):
            content, taken = _split(lines, at, mark)
            if isinstance(content, _Lost):
                rows.append((at + 1, content))
            elif len(content) > 1 or "".join(content).strip():
                rows.append((at + 1, _fields(names, content)))
            at += taken
    finally:
        csv.field_size_limit(limit)
    return set(names), rows


def _delimiter(path: Path, lines: list[str]) -> str:
    """The one by which the header falls into the most columns that we know."""
    def known(mark: str) -> int:
        header = _split(lines, 0, mark)[0]
        return 0 if isinstance(header, _Lost) else len(COLUMNS & {name.strip().lower() for name in header})
    return "\t" if path.suffix.lower() == ".tsv" or not lines else max(",;\t", key=known)


def _split(lines: list[str], at: int, mark: str) -> tuple[list[str] | _Lost, int]:
    """The row from line `at` (from 0) on, and its number of lines: one where it is wrong, so that others live on."""
    some = range(at, min(at + MOST_LINES, len(lines)))
    reader = csv.reader(map(lines.__getitem__, some), delimiter=mark, strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error as error:
        return _Lost("", "the row cannot be read", found=error,
                     remedy='close every quote, and write one inside a quoted field as ""'), 1


def _fields(names: list[str], content: list[str]) -> dict[str, object] | _Lost:
    if len(content) == len(names):
        return dict(zip(names, content, strict=True))
    return _Lost("", "the row has another number of fields than the header", expected=len(names),
                 found=f"{len(content)}, from {_shown(content[0])} on", remedy="quote a field that holds the delimiter")


def _json_lines(path: Path) -> tuple[set[str], list[tuple[int, dict[str, object] | _Lost]]]:
    rows = [(line, _json_row(text)) for line, text in enumerate(_lines(path), start=1) if text.strip()]
    return {name for _, row in rows if isinstance(row, dict) for name in row}, rows


def _json_row(text: str) -> dict[str, object] | _Lost:
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_pairs)
        if not isinstance(value, dict):
            raise ValueError(type(value).__name__)
        return dict(zip(_names(list(value), None, required=()), value.values(), strict=True))
    except (ValueError, ArithmeticError, RecursionError, InputError) as error:
        found = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
        return _Lost("", "the line cannot be read", expected="a JSON object", found=found, remedy="one object a line")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant}, which JSON does not know")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"a key twice: {_shown(twice[0])}")
    return dict(pairs)


def _parquet(path: Path) -> tuple[set[str], Iterator[tuple[int, dict[str, object] | _Lost]]]:
    import pyarrow
    from pyarrow import parquet

    def rows() -> Iterator[tuple[int, dict[str, object] | _Lost]]:
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
        with contextlib.suppress(pyarrow.ArrowException):        # what Arrow cannot write, Python may
            column = column.cast(pyarrow.string())
    try:
        return column.to_pylist()
    except (ValueError, OverflowError, pyarrow.ArrowException):
        return [_cell(name, cell) for cell in column]


def _cell(name: str, cell) -> object:
    try:
        return cell.as_py()
    except Exception as error:           # Arrow's converters have no common base
        return _Lost(name, "the value cannot be read", found=error, remedy="write it as text in UTF-8")
