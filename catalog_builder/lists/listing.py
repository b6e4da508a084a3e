"""A shop's product list enters; products leave, with a problem for all that was left out, and what was recognised.

Every row becomes a product, a part of one, or a problem; or the shop does not show it, and it is counted by the reason.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_builder.fields.json_values import label
from catalog_builder.index.indexed_columns import IndexedColumns
from catalog_builder.lists import presets
from catalog_builder.lists.assembly import Assembly
from catalog_builder.lists.groups import Entry, grouped
from catalog_builder.lists.indexed import named_columns
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.presets import ColumnMap
from catalog_builder.lists.problems import NOTICE, PRODUCT, Problem
from catalog_builder.lists.products import Product
from catalog_builder.pictures import picture_patterns
from catalog_builder.pictures.finder import PictureFinder
from catalog_builder.tables import source
from catalog_builder.tables.table_types import Lost, ReadOptions, Table, shown
from export.common.errors import InputError

OPTIONAL = ("price", "description", "category")
PRIVATE = re.compile(r"cost|margin|profit|supplier|wholesale|purchase|stock|inventory|quantity|\bqty\b|note|internal|"
                     r"einkauf|\bek\b|marge|lieferant|bestand|notiz|fournisseur|achat|proveedor|coste|fornitore|"
                     r"成本|供應|供应|庫存|库存|進貨|进货|原価|仕入|在庫", re.IGNORECASE)


@dataclass(frozen=True)
class Recognition:
    """What a list was taken for."""

    table: Table
    columns: ColumnMap
    kept: tuple[str, ...]                    # of other columns
    indexed: IndexedColumns                  # the records' fields that are searched and filtered by
    prices: str                              # how they were read
    left_out: Counter[str]                   # products that the shop does not show, by reason
    joined: int                              # rows that are variants or pictures of a product above
    named: int                               # pictures
    found: int                               # of them
    addresses: dict[str, int]                # web addresses of pictures, and the line of each

    @property
    def not_shipped(self) -> list[str]:
        """Columns of the list that the catalog does not hold."""
        return [name for name in self.table.columns if name not in self.columns.used and name not in self.kept]


@dataclass(frozen=True)
class Listing:
    """What a list gave."""

    products: list[Product]
    problems: list[Problem]                  # by line
    currency: str                            # of all products with a price; "" if there are several, or none
    recognition: Recognition

    @property
    def lost(self) -> int:
        """Products that were left out because of a problem."""
        return sum(problem.skipped == PRODUCT for problem in self.problems)


def read(path: Path, options: ListOptions | None = None) -> Listing:
    """The products of a list, in its order. Raises InputError if the list cannot be read, or may mean two things."""
    options = options or ListOptions()
    finder = PictureFinder(path, options.pictures)
    table = source.read(path, ReadOptions(presets.known, Plausible(finder, options), options.encoding))
    if not table.rows:
        raise InputError("the list has no products", where=path, expected="at least one row below the columns' names",
                         found=", ".join(map(shown, table.columns))[:200], remedy="export it again, as CSV UTF-8")
    try:
        return _listing(table, options, finder)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


class Plausible:
    """Whether the fields of a line are a row of their own: it has an id or a name, and its picture cell a picture."""

    def __init__(self, finder: PictureFinder, options: ListOptions):
        self._finder, self._options = finder, options
        self._maps: dict[tuple[str, ...], ColumnMap | None] = {}

    def __call__(self, columns: Sequence[str], fields: Sequence[str]) -> bool:
        found = self._map(tuple(columns))
        if found is None:
            return False
        entry = Entry(0, 0, dict(zip(columns, fields, strict=False)))
        named = bool(entry.text(found.of("id")) or entry.text(found.of("name")))
        return named and (not found.of("pictures") or self._finder.looks_right(entry.text(found.of("pictures"))))

    def _map(self, columns: tuple[str, ...]) -> ColumnMap | None:
        """None for a list of which the user must say more: it is refused later."""
        if columns not in self._maps:
            try:
                table = Table("", (), columns, frozenset(), rows=[], notices=[])
                self._maps[columns] = presets.recognised(table, self._options.preset, self._options.columns,
                                                         needs_pictures=False, language=self._options.language)
            except InputError:
                self._maps[columns] = None
        return self._maps[columns]


def _listing(table: Table, options: ListOptions, finder: PictureFinder) -> Listing:
    columns = presets.recognised(table, options.preset, options.columns, not options.pictures_from, options.language)
    picture_patterns.check(options.pictures_from, table.columns)
    named = named_columns(table, columns, options)
    problems = _of_the_list(columns, named.kept)
    problems += [Problem(notice.line, "", "", notice.what, NOTICE, row=notice.row) for notice in table.notices]
    problems += [Problem(row.line, "", row.values.field, str(row.values), PRODUCT, row=row.row)
                 for row in table.rows if isinstance(row.values, Lost)]
    entries = [Entry(row.line, row.row, row.values) for row in table.rows if isinstance(row.values, dict)]
    assembly = Assembly(columns, options, named, finder, problems)
    groups = grouped(entries, columns, assembly.id_of)
    assembly.judge(groups)
    problems += [Problem(entry.line, label(assembly.id_of(entry)), columns.of("rows")[0],
                         "the row belongs to no product; remedy: a product row above it", PRODUCT,
                         row=entry.row)
                 for entry in groups.strays]
    products = assembly.products(groups)
    currencies = sorted({product.currency for product in products if product.price is not None})
    if len(currencies) > 1:
        what = (f"several currencies; found {', '.join(code or 'none' for code in currencies)}: price filters will be "
                "refused; remedy: a list for each")
        problems.append(Problem(0, "", "currency", what, NOTICE))
    if currencies == [""]:
        problems.append(Problem(0, "", "currency", "no price has a currency; remedy: --currency EUR, or the shop's own",
                                NOTICE))
    joined = sum(len(group.rows) - 1 for group in groups.groups)
    recognition = Recognition(
        table=table, columns=columns, kept=named.kept, indexed=named.indexed, prices=assembly.reading.described,
        joined=joined, left_out=groups.left_out + assembly.left_out, named=assembly.named,
        found=assembly.found, addresses=assembly.addresses)
    return Listing(products, sorted(problems, key=lambda problem: (problem.line, problem.row)),
                   currencies[0] if len(currencies) == 1 else "", recognition)


def _of_the_list(columns: ColumnMap, kept: Sequence[str]) -> list[Problem]:
    problems = [Problem(0, "", name, f"no column for the {name}: every product goes without; remedy: "
                        f"--map {name}=COLUMN if there is one", NOTICE)
                for name in OPTIONAL if not columns.of(name)]
    if not columns.of("id"):
        problems.append(Problem(0, "", "id", "no column for the id: the line number is taken, so later lists cannot be "
                                "matched with this one; remedy: --map id=COLUMN", NOTICE))
    problems += [Problem(0, "", name, f"a kept column that customers should perhaps not see; found {name}; remedy: "
                         "leave it out of --keep", NOTICE) for name in kept if PRIVATE.search(name)]
    return problems
