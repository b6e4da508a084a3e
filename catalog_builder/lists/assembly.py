"""Groups of rows enter, and what their columns mean; products leave, and a problem for all that is left out."""

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from math import inf
from pathlib import Path

from catalog_builder.fields import json_values, prices, values
from catalog_builder.fields.json_values import Report
from catalog_builder.fields.prices import PriceCell, PriceReading
from catalog_builder.lists.groups import Entry, Group, Grouped
from catalog_builder.lists.indexed import NamedColumns
from catalog_builder.lists.list_options import LEAVE_OUT, MARK, ListOptions
from catalog_builder.lists.presets import ColumnMap
from catalog_builder.lists.problems import FIELD, NOTICE, PICTURE, PRODUCT, Problem
from catalog_builder.lists.products import Product
from catalog_builder.pictures.addresses import is_address
from catalog_builder.pictures.finder import PictureFinder
from catalog_builder.pictures.picture_folders import FoundPicture
from catalog_builder.tables.table_types import Lost, shown
from export.common.errors import InputError

SOLD_OUT = "sold out"
NUMBERS = re.compile(r"[\d\s,;|>]*")


@dataclass
class Assembly:
    """Makes the products of one list; `problems` grows with each."""

    columns: ColumnMap
    options: ListOptions
    named_columns: NamedColumns
    finder: PictureFinder
    problems: list[Problem]
    named: int = 0                           # pictures
    found: int = 0                           # of them
    addresses: dict[str, int] = field(default_factory=dict)      # web addresses, and the line of each
    left_out: Counter[str] = field(default_factory=Counter)
    reading: PriceReading = field(init=False)
    _lines: dict[str, int] = field(default_factory=dict)         # the line of each id so far

    def id_of(self, entry: Entry) -> str:
        """A row's own id; its line where the list has no column for ids; "" for a row without."""
        columns = self.columns.of("id")
        if not columns:
            return str(entry.line or entry.row)
        try:
            return next((text for name in columns if (text := values.id_text(entry.values.get(name)))), "")
        except (InputError, ValueError):
            return ""

    def judge(self, groups: Grouped) -> None:
        """Finds out how the list writes its prices. Raises InputError if they may mean two things."""
        entries = [entry for group in groups.groups for entry in group.rows]
        kinds = [kind for kind in ("price", "sale") if self.columns.of(kind)]
        found = [cell for entry in entries for kind in kinds for cell in self._cells(entry, kind)]
        self.reading = prices.judge(found, self.options.currency or self.columns.currency, self.options.decimal)

    def products(self, groups: Grouped) -> list[Product]:
        """The products that can be kept."""
        made = []
        for group in groups.groups:
            first = group.rows[0]
            try:
                product = self._product(group)
            except Lost as error:
                self._report(first)(error.field, error, PRODUCT)
                continue
            if product.availability == SOLD_OUT and self.options.sold_out == LEAVE_OUT:
                self.left_out[SOLD_OUT] += 1
            else:
                made.append(product)
        return made

    def _product(self, group: Group) -> Product:
        first = group.rows[0]
        report = self._report(first)
        own = self._id(group, report)
        name = self._text(group, "name", report)
        if not name:
            raise Lost("name", "the product has no name", expected="a text", found=shown(self._raw(first, "name")))
        pictures = self._pictures(group)
        price, currency = self._price(group)
        return Product(
            line=first.line, row=first.row, id=own, name=name, price=price, currency=currency,
            description=self._text(group, "description", report), category=self._category(group, report),
            pictures=pictures, extra=self._extra(group), availability=self._availability(group))

    def _report(self, entry: Entry) -> Report:
        """Where the problems of a row go."""
        own = json_values.label(self.id_of(entry))
        return lambda column, what, skipped: self.problems.append(
            Problem(entry.line, own, column, str(what), skipped, row=entry.row))

    def _id(self, group: Group, report: Report) -> str:
        """The id of the first row, or the key that its rows share."""
        first = group.rows[0]
        shared = group.key if self.columns.of("group") or not self.id_of(first) else ""
        own = json_values.cleaned("id", shared or self.id_of(first), report)
        if not own:
            raise Lost("id", "the product has no id", expected="a text", found=shown(self._raw(first, "id")))
        line = self._lines.setdefault(own, first.line or first.row)
        if line != (first.line or first.row):
            raise Lost("id", "the id is taken", found=f"the same id in line {line}",
                       remedy="one row a product, or --map group=COLUMN for the column that its rows share")
        return own

    def _raw(self, entry: Entry, kind: str) -> object:
        return _first(entry, self.columns.of(kind))

    def _text(self, group: Group, kind: str, report: Report, columns: Sequence[str] | None = None) -> str:
        """The first text of the rows, plain, in the language that was asked for."""
        for entry in group.rows:
            cell = json_values.value(kind, _first(entry, columns or self.columns.of(kind)), report)
            if cell in (None, ""):
                continue
            tagged = values.tagged_text(cell, self.options.language)
            if tagged and tagged.notice:
                report(kind, tagged.notice, NOTICE)
            if not tagged and not isinstance(cell, str):
                if kind != "name":           # without a name the product is lost
                    report(kind, json_values.unusual(kind, cell), FIELD)
                continue
            text = tagged.text if tagged else str(cell)
            if self.columns.preset.escaped:
                text = values.escaped_line_ends(text)
            if plain := values.plain_text(text).strip():
                return plain
        return ""

    def _category(self, group: Group, report: Report) -> str:
        """The first of the columns that names a category.

        Numbers alone are some system's ids of categories, except in a column that is called as ours.
        """
        for kind in ("category", "category_path"):
            for column in self.columns.of(kind):
                name = self._category_of(group, column, report)
                if name and (not NUMBERS.fullmatch(name) or column.casefold() == "category"):
                    return name.rpartition(" > ")[2] if kind == "category_path" else name
        return ""

    def _category_of(self, group: Group, column: str, report: Report) -> str:
        """The category in one column: a text, or a list of them."""
        cell = next((found for entry in group.rows if (found := _first(entry, [column])) is not None), None)
        if not isinstance(cell, list | dict) or values.tagged_text(cell):
            return self._category_in(self._text(group, "category", report, [column]))
        preset = self.columns.preset
        return values.category(json_values.value("category", cell, report), path_mark=preset.path_by, drop=preset.root,
                               level=self.options.category_level, deepest=preset.deepest)

    def _category_in(self, text: str) -> str:
        preset = self.columns.preset
        pieces = text.split(preset.categories_by) if preset.categories_by else [text]
        paths = {preset.path_by in piece for piece in pieces if piece.strip() not in preset.root}
        one = preset.categories_by == "," and not preset.escaped and len(paths) > 1      # "Food, drinks > Tea"
        return values.category(text, separator="" if one else preset.categories_by, path_mark=preset.path_by,
                               level=self.options.category_level, drop=preset.root, deepest=preset.deepest)

    def _cells(self, entry: Entry, kind: str) -> list[PriceCell]:
        """A row's price; several where the row has several offers."""
        raw = self._raw(entry, kind)
        found = map(values.money, raw if isinstance(raw, tuple) else [raw])
        return [PriceCell(price, currency or entry.text(self.columns.of("currency"))) for price, currency in found]

    def _price(self, group: Group) -> tuple[int | None, str]:
        """The least price of the rows, 0 only if no row has another; without a price, the first currency of a row."""
        offers = [offer for entry in group.rows for offer in self._offers(entry)]
        above = [offer for offer in offers if offer[0] > 0] or offers
        if not above:
            return None, next(filter(None, map(self._currency, group.rows)), "")
        return min(above, key=lambda offer: offer[0])

    def _currency(self, entry: Entry) -> str:
        """The code of a row's currency column; "" where it has none that is known."""
        with contextlib.suppress(Lost):
            return self.reading.price(PriceCell("", entry.text(self.columns.of("currency")))).currency
        return ""

    def _offers(self, entry: Entry) -> list[tuple[int, str]]:
        """A row's price, the sale price in its place where that counts today."""
        sale = self._amounts(entry, "sale") if self._on_sale(entry) else []
        return [offer for offer in sale if offer[0] > 0] or self._amounts(entry, "price")

    def _amounts(self, entry: Entry, kind: str) -> list[tuple[int, str]]:
        found = [self._amount(entry, cell) for cell in self._cells(entry, kind)]
        return [offer for offer in found if offer]

    def _amount(self, entry: Entry, cell: PriceCell) -> tuple[int, str] | None:
        report = self._report(entry)
        try:
            price = self.reading.price(cell)
        except Lost as error:
            report(error.field, error, FIELD)
            return None
        if price.notice:
            report("price", price.notice, NOTICE)
        return None if price.amount is None else (price.amount, price.currency)

    def _on_sale(self, entry: Entry) -> bool:
        """Whether a row's sale price counts today."""
        if not self.columns.of("sale"):
            return False
        if self.columns.of("sale_if") and values.yes_no(entry.text(self.columns.of("sale_if"))) is False:
            return False
        starts, ends = (self._date(entry.text(self.columns.of(kind))) for kind in ("sale_from", "sale_to"))
        try:
            return values.sale_dates(entry.text(self.columns.of("sale_dates")) or starts, ends).holds(self.options.now)
        except Lost as error:
            self._report(entry)(error.field, error, NOTICE)
            return False

    def _date(self, text: str) -> str:
        """A date as the list's system writes it, in ISO 8601."""
        for form in self.columns.preset.dates:
            with contextlib.suppress(ValueError):
                return datetime.strptime(text, form).date().isoformat()
        return text

    def _availability(self, group: Group) -> str:
        """SOLD_OUT if every row that says so is sold out."""
        said = {state for entry in group.rows
                if (state := values.availability(entry.text(self.columns.of("availability"))))}
        return SOLD_OUT if said == {SOLD_OUT} else ""

    def _extra(self, group: Group) -> dict[str, object]:
        """The kept columns that hold something, from the first row that has them; those to search by from all rows."""
        extra: dict[str, object] = {}
        for name in self.named_columns.kept:
            rows = [row for row in group.rows if row.values.get(name) not in (None, "", [], {})]
            found = [json_values.value(name, row.values[name], self._report(row))
                     for row in (rows if name in self.named_columns.collected else rows[:1])]
            if found:
                extra[name] = found[0] if all(one == found[0] for one in found) else _united(found)
        if self.options.sold_out == MARK and self._availability(group):
            extra["availability"] = SOLD_OUT
        return extra

    def _pictures(self, group: Group) -> tuple[Path, ...]:
        """The pictures of all rows that can be found, in their order, each once. Raises Lost if there are none."""
        found: dict[str, None] = {}
        faults: list[InputError] = []
        for entry, find in self._sought(group):
            report = self._report(entry)
            self.named += 1
            try:
                pictures = find()
            except InputError as error:
                report("pictures", error, PICTURE)
                faults.append(error)
                continue
            self.found += 1
            for picture in pictures:
                found[picture.path] = None
                if picture.notice:
                    report("pictures", f"{picture.notice}; found {shown(picture.path)}", NOTICE)
        if faults and not found:
            raise Lost("pictures", f"the product has no picture: {faults[0]}")
        if not found:
            raise Lost("pictures", "the product has no picture", expected="one that can be found",
                       found=shown(self._raw(group.rows[0], "pictures")))
        return tuple(map(Path, found))

    def _sought(self, group: Group) -> list[tuple[Entry, Callable[[], list[FoundPicture]]]]:
        """What finds each picture: row by row, or where the list says their places, column by column."""
        if pattern := self.options.pictures_from:
            return [(entry, partial(self._matching, entry, pattern)) for entry in group.rows]
        sources = self.columns.columns.get("pictures", ())
        if self.columns.of("position"):
            rows = sorted(group.rows, key=self._position)
            cells_ = [(entry, columns) for columns in sources for entry in rows]
        else:
            cells_ = [(entry, columns) for entry in group.rows for columns in sources]
        return [(entry, partial(self._find, entry, name)) for entry, columns in cells_
                for name in self._names(entry, columns)]

    def _matching(self, entry: Entry, pattern: str) -> list[FoundPicture]:
        if is_address(pattern):
            return self._find(entry, self.finder.filled(pattern, entry.values))
        return self.finder.matching(pattern, entry.values)

    def _find(self, entry: Entry, name: str) -> list[FoundPicture]:
        if is_address(name):
            self.addresses.setdefault(name, entry.line or entry.row)
        return [self.finder.find(name)]

    def _names(self, entry: Entry, columns: Sequence[str]) -> list[str]:
        """The names and addresses in the first of the columns that holds any."""
        preset = self.columns.preset
        names = self.finder.names_in(_first(entry, columns), preset.pictures_by, preset.escaped)
        return [name for name in names if name not in preset.no_picture]

    def _position(self, entry: Entry) -> float:
        """A picture's place among those of its product; rows without a place come last."""
        text = entry.text(self.columns.of("position"))
        return float(text) if re.fullmatch(r"\d{1,6}(\.0+)?", text) else inf


def _united(found: Sequence[object]) -> list[object]:
    """What several rows hold, each once; lists give their items."""
    made: list[object] = []
    for value in found:
        made += [one for one in (value if isinstance(value, list) else [value]) if one not in made]
    return made


def _first(entry: Entry, columns: Sequence[str]) -> object:
    """The first of the columns that holds something; None if none does."""
    return next((cell for name in columns if (cell := entry.values.get(name)) not in (None, "")), None)
