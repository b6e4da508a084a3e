"""Reading a shop's product list.

Enters: a list as CSV, JSON Lines or Parquet, beside its pictures. Leaves: the products that can be kept, and a problem,
with its line, for everything that was left out or changed. Every row becomes a product or a problem.
"""

import csv
import json
import math
import os
import re
import stat
from dataclasses import dataclass, field
from decimal import Context, Decimal
from pathlib import Path

from catalog_builder.lists.rows import AS_UTF8, COLUMNS, CONTROL, OPTIONAL, REQUIRED, SURROGATE, Lost, shown, table
from export.common import files
from export.common.errors import InputError

RECORD = ("id", "name", *OPTIONAL)
MOST_FIELD = 1 << 20                     # characters of one text field
MOST_NESTED = 64                         # lists and objects within one another in a field: every reader accepts as many
UNIT = 10_000                            # a price counts ten-thousandths
DECIMALS = 4
LARGEST_PRICE = 2**63 - 1
EXACT = Context(prec=200)
PRICE = re.compile(r"([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")
CURRENCY = re.compile("[A-Za-z]{3}")
ODD = re.compile(f"[{CONTROL.pattern[1:-1]}{SURROGATE.pattern[1:-1]}]")
FROM_THE_FOLDER = "give the path from the list's folder, with / between its parts"


@dataclass(frozen=True)
class Product:
    """One product; every text is stripped."""

    line: int                            # where the product starts; in Parquet the row; both from 1
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
    """Something that was left out or changed."""

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


@dataclass(frozen=True)
class _Row:
    """One row, and where its problems go."""

    line: int
    fields: dict[str, object]
    problems: list[Problem]

    def report(self, column: str, what: object, skipped: str) -> None:
        """Adds a problem of this row, with as much of the row's id as fits in one line."""
        given = self.fields.get("id")
        text = str(given) if isinstance(given, str | int) else ""
        label = " ".join(ODD.sub(" ", text).split())[:200]
        self.problems.append(Problem(self.line, label, column, str(what), skipped))


@dataclass(frozen=True)
class _Folder:
    """The list's folder, resolved; paths as strings, since lists are long and Path is slow."""

    root: str                            # without a slash at its end
    resolved: dict[str, str] = field(default_factory=dict)       # folders below it: name -> resolved path

    def find(self, name: str) -> str:
        """The picture `name`, resolved; refuses what is not a file with content inside the folder."""
        try:
            real = name if name.startswith("/") else self._resolve(name)
            if name.startswith("/") or not real.startswith(f"{self.root}/"):
                raise InputError("the picture lies outside the list's folder", found=shown(name),
                                 remedy=FROM_THE_FOLDER)
            status = os.lstat(real)
        except (OSError, ValueError) as error:                   # ValueError: a NUL
            raise InputError("the picture cannot be found", expected="a file", remedy=FROM_THE_FOLDER,
                             found=f"{shown(name)}: {getattr(error, 'strerror', None) or error}") from error
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            found = "an empty file" if stat.S_ISREG(status.st_mode) else "no regular file"
            raise InputError("the picture holds nothing", expected="a file with content",
                             found=f"{shown(name)}: {found}")
        return real

    def _resolve(self, name: str) -> str:
        folder, _, last = name.rpartition("/")
        if folder not in self.resolved:
            self.resolved[folder] = os.path.realpath(f"{self.root}/{folder}")
        real = f"{self.resolved[folder]}/{last}"
        plain = last not in ("", ".", "..") and not stat.S_ISLNK(os.lstat(real).st_mode)
        return real if plain else os.path.realpath(real)


def read(path: Path) -> Listing:
    """The products of a list, in its order, and every problem. Raises InputError only if no row can be read at all."""
    columns, rows = table(path)
    folder = _Folder(os.path.realpath(path.parent).rstrip("/"))
    problems = [Problem(0, "", name, f"the list has no column {name}: every product goes without", "")
                for name in OPTIONAL if name not in columns]
    products: list[Product] = []
    first: dict[str, int] = {}
    empty = True
    for line, content in rows:
        empty = False
        row = _Row(line, content if isinstance(content, dict) else {}, problems)
        try:
            if isinstance(content, Lost):
                raise content
            products.append(_product(row, folder, first, "currency" in columns))
        except Lost as error:
            row.report(error.field, error, "product")
    if empty:
        raise InputError("the list has no products", where=path, expected="at least one row")
    currencies = sorted({product.currency for product in products if product.price is not None})
    if len(currencies) > 1:
        what = f"several currencies, {', '.join(currencies)}: price filters will be refused; remedy: a list for each"
        problems.append(Problem(0, "", "currency", what, ""))
    return Listing(products, sorted(problems, key=lambda problem: problem.line),
                   currencies[0] if len(currencies) == 1 else "")


def write_problems(path: Path, problems: list[Problem]) -> None:
    """Writes the problems as CSV, whole or not at all. Without problems it removes an old file."""
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


def _product(row: _Row, folder: _Folder, first: dict[str, int], has_currency: bool) -> Product:
    """The row's product; `first` holds the line of every id so far."""
    own = _value(row, "id", row.fields.get("id"))
    own = _text(row, "id", str(own) if isinstance(own, int) and not isinstance(own, bool) else own)
    if first.setdefault(own, row.line) != row.line:
        raise Lost("id", "the id is taken", found=f"the same id in line {first[own]}", remedy="one row a product")
    fields = {name: _value(row, name, value) for name, value in row.fields.items() if name != "id"}
    known = {name: _text(row, name, fields.get(name)) for name in ("name", "description", "category")}
    price, currency = _money(row, fields, has_currency)
    pictures = _pictures(row, fields.get("pictures"), folder)
    extra = {name: value for name, value in fields.items() if name not in COLUMNS}
    return Product(row.line, own, price=price, currency=currency, pictures=pictures, extra=extra, **known)


def _value(row: _Row, column: str, value: object, depth: int = 0) -> object:
    """`value`, inside `depth` lists and objects, as JSON can hold it, its texts cleaned."""
    if isinstance(value, str):
        return _clean(row, column, value)
    if isinstance(value, Lost):
        raise value
    if isinstance(value, bytes):
        return _clean(row, column, value.decode("utf-8", "surrogateescape"))
    if isinstance(value, dict | list | tuple) and depth == MOST_NESTED:
        raise Lost(column, "a value is nested too deeply", expected=f"at most {MOST_NESTED} lists and objects within "
                   "one another", remedy="make it flatter")
    if isinstance(value, dict):
        if ODD.search("".join(value)):
            raise Lost(column, "a key holds control characters or no UTF-8", found=shown(list(value)))
        return {name: _value(row, column, inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(row, column, inner, depth + 1) for inner in value]
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)) == value else str(value)          # never rounded
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int) else str(value)     # Parquet's times, UUIDs


def _clean(row: _Row, column: str, text: str) -> str:
    """Line ends as \\n, and no other control characters but tabs; the names of pictures stay as they are."""
    if len(text) > MOST_FIELD:
        raise Lost(column, "the text is too long", expected=f"at most {MOST_FIELD} characters", found=len(text))
    if not ODD.search(text):
        return text
    if SURROGATE.search(text):
        raise Lost(column, "the text is no UTF-8", found=shown(text), remedy=AS_UTF8)
    if column == "pictures":
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cleaned = CONTROL.sub("", text)
    if cleaned != text:
        row.report(column, f"control characters left out: {len(text) - len(cleaned)}", "")
    return cleaned


def _text(row: _Row, column: str, value: object) -> str:
    """The stripped text. Raises Lost if a required text is missing."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if column in REQUIRED:
        raise Lost(column, f"the product has no {column}", expected="a text", found=shown(value))
    if not isinstance(value, str | None):
        row.report(column, InputError(f"the {column} is left out", expected="a text", found=shown(value)), "field")
    return ""


def _money(row: _Row, fields: dict[str, object], has_currency: bool) -> tuple[int | None, str]:
    """Price and currency. If the list has a column of currencies, a price without a currency is left out."""
    price = _price(row, fields.get("price"))
    currency = fields.get("currency")
    code = "" if currency is None else str(currency).strip()
    if CURRENCY.fullmatch(code):
        return price, code.upper()
    if code or (price is not None and has_currency):
        row.report("currency", InputError("no currency, and so no price", expected="three letters such as EUR",
                                          found=shown(currency), remedy="give ISO 4217's code"), "field")
        return None, ""
    return price, ""


def _price(row: _Row, value: object) -> int | None:
    """Ten-thousandths, exactly. Anything else is reported and left out."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    if PRICE.fullmatch(text):
        scaled = Decimal(text).scaleb(DECIMALS, EXACT)
        if 0 <= scaled <= LARGEST_PRICE and scaled == scaled.to_integral_value():
            return int(scaled)
    row.report("price", InputError("the price is left out", found=shown(value),
                                   expected=f"0 to {LARGEST_PRICE // UNIT}, with at most {DECIMALS} decimals",
                                   remedy="write it as 1234.5: digits and a point, no sign, space or comma"), "field")
    return None


def _pictures(row: _Row, value: object, folder: _Folder) -> tuple[Path, ...]:
    """The pictures that exist, in their order. Raises Lost if there are none."""
    names = value.split("|") if isinstance(value, str) else value if isinstance(value, list) else [value]
    pictures: list[str] = []
    for name in names:
        if name is None or isinstance(name, str) and not name.strip():
            continue                     # nothing between two separators
        try:
            if not isinstance(name, str):
                raise InputError("a picture has no name", expected="a text", found=shown(name))
            picture = folder.find(name.strip())
            if picture in pictures:
                raise InputError("the picture is given twice", found=shown(name))
            pictures.append(picture)
        except InputError as error:
            row.report("pictures", error, "picture")
    if not pictures:
        raise Lost("pictures", "the product has no picture", expected="one that can be found", found=shown(value))
    return tuple(map(Path, pictures))
