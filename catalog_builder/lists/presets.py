"""Columns of a table enter; what each column means leaves: a shop system's preset, or a plain list's synonyms.

presets.toml holds the systems, one table each. No system has code of its own.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from catalog_builder.fields import values
from catalog_builder.fields.price_cells import mark_of
from catalog_builder.lists.column_names import NUMBER, ColumnNames, fold, numbered
from catalog_builder.tables.table_types import Table
from export.common.errors import InputError

PRESETS = Path(__file__).with_name("presets.toml")
FIELDS = ("id", "name", "description", "category", "price", "currency", "pictures")          # of our own format
OTHERS = ("category_path", "sale", "sale_from", "sale_to", "sale_dates", "sale_if", "availability", "position",
          "group", "parent", "parent_name", "children", "rows")
MAPPABLE = (*FIELDS, "sale", "availability", "group")        # by --map
HIDDEN = {"draft", "archived", "inactive", "disabled", "hidden", "unpublished", "deleted", "private", "pending",
          "entwurf", "inaktiv", "brouillon", "inactif", "borrador", "inactivo", "rascunho", "inativo", "bozza",
          "concept", "草稿", "下架", "未上架", "隱藏", "隐藏", "下書き", "非公開", "черновик"}
MOST_LISTED = 500                            # characters of a table's columns in a message
IN_LANGUAGES = ("name", "description", "category")
TAGGED = re.compile(r"(.+?)[\s_(\[.-]+([A-Za-z]{2})(?:[-_][A-Za-z]{2,})*[)\]]?")            # name-en_US
CODE = re.compile(r"[\s_(\[-]+(?:in\s+)?([A-Za-z]{3}|[A-Z]{0,2}\W|zł|Kč|kr)\s*[)\]]?\s*$")      # "Price (EUR)"


@dataclass(frozen=True)
class LeftOut:
    """Rows that shoppers must not see."""

    columns: tuple[str, ...]
    why: str
    values: frozenset[str] = frozenset()     # any of these, in lower case
    unless: frozenset[str] | None = None     # any but these
    says_no: bool = False                    # any that says no, or draft, in any language
    alone: bool = False                      # only where the row is a product by itself

    def fits(self, given: str) -> bool:
        """Whether a row with this value is left out. An empty value leaves nothing out."""
        text = given.strip().casefold()
        if not text:
            return False
        if self.unless is not None:
            return text not in self.unless
        return text in self.values or self.says_no and (text in HIDDEN or values.yes_no(text) is False)


@dataclass(frozen=True)
class Preset:
    """One table of presets.toml, whose first lines say what each key means."""

    key: str
    title: str
    needs: tuple[tuple[str, ...], ...]
    without: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)         # by field
    rows_start: tuple[str, ...] = ()
    rows_passed_over: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    categories_by: str = ""
    path_by: str = ">"
    root: tuple[str, ...] = ()
    deepest: bool = False
    dates: tuple[str, ...] = ()              # of strptime, beside ISO's
    pictures_by: str = ""
    no_picture: tuple[str, ...] = ()         # what stands where there is none
    escaped: bool = False
    order: tuple[str, ...] = ()
    order_shows: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnMap:
    """Which columns of one list give which field."""

    preset: Preset
    columns: Mapping[str, tuple[tuple[str, ...], ...]]    # by field; of each group the first column that has a value
    left_out: tuple[tuple[tuple[str, ...], LeftOut], ...] = ()
    currency: str = ""                                    # that the name of the price column states

    def of(self, field_: str) -> tuple[str, ...]:
        """All columns of a field, in order of preference."""
        return tuple(name for group in self.columns.get(field_, ()) for name in group)

    @property
    def used(self) -> set[str]:
        """Every column that is read."""
        return {name for groups in self.columns.values() for group in groups for name in group} | {
            name for names, _ in self.left_out for name in names}


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by key, in the order in which they are tried."""
    with PRESETS.open("rb") as file:
        return {key: _preset(key, table) for key, table in tomllib.load(file).items()}


def known(name: str) -> bool:
    """Whether any preset knows a column of this name."""
    exact, numbered = _known()
    return (folded := fold(name)) in exact or any(pattern.fullmatch(folded) for pattern in numbered)


def recognised(table: Table, name: str = "", given: Mapping[str, Sequence[str]] | None = None,
               needs_pictures: bool = True, language: str = "") -> ColumnMap:
    """The meaning of a table's columns.

    `name`: a preset's, instead of recognising it. `given`: columns by field, before any preset's.
    `language`: decides between columns such as name_en and name_de.

    Raises InputError for a name or a column that is not there, for two columns that fit one field, and if no column
    holds names, or pictures where these are needed.
    """
    columns = ColumnNames(table)
    preset = _named(name) if name else _found(table, columns)
    if preset.order and not columns.has(preset.needs):
        columns = _ordered(table, preset) or columns
    if preset.key == "plain":
        preset = replace(preset, columns=_without_doubt(preset, columns, table, given or {}, language))
    mapped = {kind: columns.groups(names) for kind, names in preset.columns.items()}
    mapped |= {kind: _given(kind, names, columns, table) for kind, names in (given or {}).items()}
    price, currency = _price_with_currency(table, preset, mapped)
    mapped["price"] = price
    if not mapped["price"] and mapped.get("sale"):
        mapped["price"], mapped["sale"] = mapped["sale"], ()
    found = ColumnMap(preset, {kind: groups for kind, groups in mapped.items() if groups},
                      tuple((names, rule) for rule in preset.left_out
                            if (names := tuple(name for group in columns.groups(rule.columns) for name in group))),
                      currency)
    _refuse_gaps(table, found, needs_pictures)
    return found


def listed(table: Table) -> str:
    """The columns of a table, for a message."""
    return ", ".join(table.columns)[:MOST_LISTED] or "none"


@cache
def _known() -> tuple[frozenset[str], tuple[re.Pattern, ...]]:
    names = {part.strip() for preset in presets().values() for group in (*preset.needs, *preset.columns.values())
             for name in group for part in name.split("|")}
    return (frozenset(fold(name) for name in names if NUMBER not in name),
            tuple(numbered(name) for name in sorted(names) if NUMBER in name))


def _preset(key: str, table: dict[str, Any]) -> Preset:
    columns = {kind: tuple(table.pop(kind)) for kind in (*FIELDS, *OTHERS) if kind in table}
    rules = tuple(_left_out(rule) for rule in table.pop("left_out", []))
    needs = tuple(tuple(part.strip() for part in group.split("|")) for group in table.pop("needs"))
    shows = {name: frozenset(known_) for name, known_ in table.pop("order_shows", {}).items()}
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    return Preset(key=key, needs=needs, columns=columns, left_out=rules, order_shows=shows, **rest)


def _left_out(rule: dict[str, Any]) -> LeftOut:
    given = rule.get("values", [])
    lower = frozenset(value.casefold() for value in given) if given != "no" else frozenset()
    unless = frozenset(value.casefold() for value in rule["unless"]) if "unless" in rule else None
    return LeftOut(tuple(rule["columns"]), rule["why"], values=lower, unless=unless, says_no=given == "no",
                   alone=rule.get("alone", False))


def _named(name: str) -> Preset:
    if name not in presets():
        raise InputError("no such preset", where="--preset", found=name, expected=", ".join(presets()))
    return presets()[name]


def _found(table: Table, columns: ColumnNames) -> Preset:
    for preset in presets().values():
        if preset.needs and columns.has(preset.needs) and not any(columns.matches(name) for name in preset.without):
            return preset
        if preset.order and _ordered(table, preset):
            return preset
    return presets()["plain"]


def _ordered(table: Table, preset: Preset) -> ColumnNames | None:
    """The columns by their places, if what they hold shows that the system wrote them, in whatever language."""
    for order in (tuple(name.removesuffix(" ?") for name in preset.order),
                  tuple(name for name in preset.order if not name.endswith(" ?"))):
        named = dict(zip(order, table.columns, strict=False))
        if set(preset.order_shows) <= set(named) and len(named) == len(order) and all(
                _shows(table, named[name], allowed) for name, allowed in preset.order_shows.items()):
            return ColumnNames(table, named)
    return None


def _shows(table: Table, column: str, allowed: frozenset[str]) -> bool:
    cells = [str(row.values.get(column) or "") for row in table.rows if isinstance(row.values, dict)]
    return any(cell.strip() for cell in cells) and all(
        part.strip().casefold() in allowed for cell in cells for part in cell.split(","))


def _without_doubt(preset: Preset, columns: ColumnNames, table: Table,
                   given: Mapping[str, Sequence[str]], language: str) -> dict[str, tuple[str, ...]]:
    """A plain list's columns by field. Our own name wins; two columns that fit one field are refused."""
    chosen = {}
    for kind, names in preset.columns.items():
        if kind == "pictures":
            chosen[kind] = names
            continue
        exact = columns.matches(kind)
        fitting = exact or [column for name in names for column in columns.matches(name) if _filled(table, column)]
        fitting = list(dict.fromkeys(fitting)) or _in_languages(kind, names, table, language)
        if len(fitting) > 1 and kind in FIELDS and kind not in given:
            raise InputError(f"{len(fitting)} columns could be the {kind}", found=", ".join(fitting),
                             expected="one", remedy=f"--map {kind}={_quoted(fitting[0])}")
        chosen[kind] = tuple(fitting[:1])
    return chosen


def _in_languages(kind: str, names: Sequence[str], table: Table, language: str) -> list[str]:
    """The columns whose name is one of these and a language: name_en, name(en-gb); those of `language` if there are."""
    if kind not in IN_LANGUAGES:
        return []
    folded = {fold(name) for name in (kind, *names)}
    found = [(column, tagged[2]) for column in table.columns if (tagged := TAGGED.fullmatch(column))
             and fold(tagged[1]) in folded and not known(column) and _filled(table, column)]
    primary = language.casefold()[:2]
    return [column for column, tag in found if tag.casefold() == primary] or [column for column, _ in found]


def _filled(table: Table, column: str) -> bool:
    return any(isinstance(row.values, dict) and row.values.get(column) not in (None, "") for row in table.rows)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"\w+", name) else f'"{name}"'


def _given(kind: str, names: Sequence[str], columns: ColumnNames, table: Table) -> tuple[tuple[str, ...], ...]:
    found = [columns.matches(name) for name in names]
    if missing := [name for name, matches in zip(names, found, strict=True) if not matches]:
        raise InputError(f"no column {missing[0]}", where="--group" if kind == "group" else f"--map {kind}",
                         expected=listed(table))
    flat = tuple(column for matches in found for column in matches)
    return tuple((column,) for column in flat)


def _price_with_currency(table: Table, preset: Preset,
                         mapped: Mapping[str, tuple[tuple[str, ...], ...]]) -> tuple[tuple[tuple[str, ...], ...], str]:
    """The price columns, and the currency that their name states: "Price (EUR)", "Preis in €"."""
    price = mapped.get("price", ())
    named = {column: sign.usual for column in table.columns
             if (found := CODE.search(column)) and (sign := mark_of(found[1])) and sign.usual}
    stated = [column for column in named if fold(CODE.sub("", column)) in
              {fold(name) for name in presets()["plain"].columns["price"]}]
    if not price and len(stated) > 1:
        raise InputError(f"{len(stated)} columns could be the price", found=", ".join(stated), expected="one",
                         remedy=f"--map price={_quoted(stated[0])}")
    if not price and stated:
        return ((stated[0],),), named[stated[0]]
    return price, next((named[column] for group in price for column in group if column in named), "")


def _refuse_gaps(table: Table, found: ColumnMap, needs_pictures: bool) -> None:
    there = listed(table)
    for kind, how in (("name", ""), ("pictures", ' or --pictures-from "images/{id}.jpg"')):
        if kind not in found.columns and (kind == "name" or needs_pictures):
            raise InputError(f"no column for the {kind}", found=there, expected=f"a column such as {kind}",
                             remedy=f"--map {kind}=COLUMN{how}")
    for kind, groups in found.columns.items():
        twice = [name for group in groups for name in group if name in table.repeated]
        if twice and kind != "pictures":
            raise InputError("a column is there twice", found=twice[0], expected=f"one column for the {kind}",
                             remedy="name each differently")
