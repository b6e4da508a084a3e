"""The columns that the user names for keys, words and filters enter; which fields of the records they are leaves."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog_builder.index.indexed_columns import IndexedColumns
from catalog_builder.index.record_texts import PRICE
from catalog_builder.lists import presets
from catalog_builder.lists.column_names import fold
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.presets import ColumnMap
from catalog_builder.lists.products import RECORD
from catalog_builder.tables.table_types import Table
from export.common.errors import InputError

NONE = ("none",)                             # in place of columns: none, not even the usual ones
GTIN = re.compile("[0-9]{8}|[0-9]{12,14}")
LOOKED_AT, SHARE = 1000, 0.9                 # rows; of a column's cells, those that must be barcodes
OWN = {fold(name): name for name in RECORD}
# What shops call columns of which a customer types the whole value. They count only where they ship.
KEYS = {fold(name) for name in (
    "sku", "ean", "ean code", "ean13", "ean8", "gtin", "gtin8", "gtin12", "gtin13", "gtin14", "upc", "jan", "isbn",
    "mpn", "barcode", "bar code", "article number", "item number", "part number", "model", "model number",
    "artikelnummer", "modell", "modellnummer", "strichcode", "référence", "code barre", "código de barras",
    "codice a barre", "streepjescode", "артикул", "штрихкод", "型番", "品番", "条码", "条形码", "條碼", "货号", "貨號",
    "型号", "型號", "바코드", "품번", "variant sku", "variant barcode", "gtin, upc, ean, or isbn")}
BRANDS = {fold(name) for name in (
    "brand", "brand name", "manufacturer", "marke", "hersteller", "marque", "fabricant", "marca", "produttore", "merk",
    "märke", "mærke", "marka", "značka", "бренд", "марка", "ブランド", "メーカー", "品牌", "브랜드", "ยี่ห้อ")}


@dataclass(frozen=True)
class NamedColumns:
    """What ships beside the record's own fields, and what products are found by."""

    kept: tuple[str, ...]                    # the list's columns, in the order of their names in a record
    collected: frozenset[str]                # of them: those of which a product has what all of its rows hold
    indexed: IndexedColumns


def named_columns(table: Table, columns: ColumnMap, options: ListOptions) -> NamedColumns:
    """The columns that the options name.

    Raises InputError for a column that the list has not, and for the price, by which apps filter as it is.
    """
    kept = kept_columns(table, options.keep, "--keep")
    keys, words, filters = (_fields(table, columns, names, option) for names, option in (
        (options.keys, "--keys"), (options.words, "--words"), (options.filters, "--filter")))
    collected = _once(name for name in (*keys, *words, *filters) if name not in RECORD)
    kept = _once([*kept, *collected])
    brands = [name for name in kept if fold(name) in BRANDS]
    return NamedColumns(kept, frozenset(collected), IndexedColumns(
        keys=() if options.keys == NONE else _once(["id", *keys, *(n for n in kept if fold(n) in KEYS), *brands]),
        words=() if options.words == NONE else _once(["name", *brands, *words]), filters=filters))


def kept_columns(table: Table, names: Sequence[str], option: str) -> tuple[str, ...]:
    """The list's columns of these names. Raises InputError for one that it has not."""
    by_name = {fold(column): column for column in table.columns}
    if missing := [name for name in names if fold(name) not in by_name]:
        raise InputError(f"no column {missing[0]}", where=option, expected=presets.listed(table))
    return _once(by_name[fold(name)] for name in names)


def barcode_columns(table: Table) -> dict[str, tuple[int, int]]:
    """The columns that hold barcodes: how many of the first rows' cells are one, and how many hold anything."""
    cells: dict[str, list[str]] = {name: [] for name in table.columns}
    for row in table.rows[:LOOKED_AT]:
        if isinstance(row.values, dict):
            for name, cell in row.values.items():
                if text := str(cell if cell is not None else "").strip():
                    cells[name].append(text)
    counts = {name: (sum(map(is_barcode, texts)), len(texts)) for name, texts in cells.items()}
    return {name: (right, filled) for name, (right, filled) in counts.items() if right and right >= SHARE * filled}


def is_barcode(text: str) -> bool:
    """Whether a text is a GTIN of 8, 12, 13 or 14 digits, its check digit right."""
    digits = [int(digit) for digit in text] if GTIN.fullmatch(text) else []
    return bool(digits) and sum(digit * (1, 3)[place % 2] for place, digit in enumerate(reversed(digits))) % 10 == 0


def _fields(table: Table, columns: ColumnMap, names: Sequence[str], option: str) -> tuple[str, ...]:
    """The record's field of each name: one of its own, or a column of the list."""
    found = []
    for name in () if tuple(names) == NONE else names:
        field = OWN.get(fold(name)) or _own(columns, kept_columns(table, [name], option)[0])
        if field == PRICE:
            raise InputError("the price is no column for this", where=option, found=name,
                             remedy="leave it out: apps filter by price in any case")
        found.append(field)
    return _once(found)


def _own(columns: ColumnMap, column: str) -> str:
    """The record's own field that this column alone gives, else the column."""
    return next((field for field in RECORD if columns.of(field) == (column,)), column)


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
