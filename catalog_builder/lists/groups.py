"""Rows enter; rows that are one product leave together: variants, further pictures, and what the shop does not show."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catalog_builder.lists.presets import ColumnMap

CHILD = re.compile(r"([^=,|]+)=([^,|]*)")


@dataclass(frozen=True)
class Entry:
    """One row that could be read."""

    line: int
    row: int
    values: dict[str, object]

    def text(self, columns: Sequence[str]) -> str:
        """The first of the columns that holds something, stripped; "" if none does."""
        for column in columns:
            value = self.values.get(column)
            if value is not None and (text := str(value).strip()):
                return text
        return ""


@dataclass(frozen=True)
class Group:
    """The rows of one product; the first gives name, description and category where it has them."""

    key: str                                 # what its rows share; "" for a row by itself
    rows: list[Entry]


@dataclass(frozen=True)
class Grouped:
    """All rows, each in one of these, except those that hold nothing for a catalog."""

    groups: list[Group]
    left_out: Counter[str]                   # products, by the reason
    strays: list[Entry]                      # rows below no product


def grouped(entries: list[Entry], columns: ColumnMap, id_of: Callable[[Entry], str]) -> Grouped:
    """The products of a list, in the order of their first rows. `id_of` gives a row's own id, "" where it has none."""
    kept = [entry for entry in entries if _type(entry, columns) not in columns.preset.rows_passed_over]
    groups, strays = _below(kept, columns) if columns.of("rows") else (_keyed(kept, columns, id_of), [])
    shown, left_out = [], Counter[str]()
    for group in groups:
        if why := _why_left_out(group, columns):
            left_out[why] += 1
        else:
            rest = [row for row in group.rows[1:] if not _reason(row, columns, alone=False)]
            shown.append(Group(group.key, [group.rows[0], *rest]))
    return Grouped(shown, left_out, strays)


def _type(entry: Entry, columns: ColumnMap) -> str:
    return entry.text(columns.of("rows")).casefold()


def _below(entries: list[Entry], columns: ColumnMap) -> tuple[list[Group], list[Entry]]:
    """A product's rows stand below its first."""
    groups: list[Group] = []
    strays = []
    for entry in entries:
        kind, starts = _type(entry, columns), columns.preset.rows_start
        if kind in starts or kind and not starts:
            groups.append(Group("", [entry]))
        elif groups:
            groups[-1].rows.append(entry)
        else:
            strays.append(entry)
    return groups, strays


def _keyed(entries: list[Entry], columns: ColumnMap, id_of: Callable[[Entry], str]) -> list[Group]:
    """Rows of one key, wherever they stand. A row whose own id is the key comes first."""
    key_of = _keys(entries, columns, id_of)
    groups: dict[object, Group] = {}
    own = {id_of(entry) for entry in entries}
    parents = {key for entry in entries if (key := key_of(entry))}
    for place, entry in enumerate(entries):
        key, self_ = key_of(entry), id_of(entry)
        if not key and self_ in parents:
            key = self_
        group = groups.setdefault(key or place, Group(key, []))
        group.rows.insert(0 if key and self_ == key and key in own and group.rows
                          and id_of(group.rows[0]) != key else len(group.rows), entry)
    return list(groups.values())


def _keys(entries: list[Entry], columns: ColumnMap, id_of: Callable[[Entry], str]) -> Callable[[Entry], str]:
    """What the rows of one product share: the group's column, the parent's id, or the parent that lists the row."""
    if columns.of("children"):
        parent = {child: id_of(entry) for entry in entries for child in _children(entry, columns)}
        return lambda entry: parent.get(id_of(entry), "")
    if columns.of("parent"):
        named = _parents(entries, columns, id_of)
        return lambda entry: named.get(text, text) if (text := entry.text(columns.of("parent"))) else ""
    return lambda entry: entry.text(columns.of("group"))


def _children(entry: Entry, columns: ColumnMap) -> list[str]:
    """The ids in `sku=A-S,size=S|sku=A-M,size=M`."""
    name = columns.of("id")[0].casefold()
    return [value.strip() for key, value in CHILD.findall(entry.text(columns.of("children")))
            if key.strip().casefold() == name]


def _parents(entries: list[Entry], columns: ColumnMap, id_of: Callable[[Entry], str]) -> dict[str, str]:
    """What a row may call its parent, `id:` and the id or the parent's other name, and the parent's id."""
    by_id = {f"id:{own}": own for entry in entries if (own := id_of(entry))}
    return {name: id_of(entry) for entry in entries if (name := entry.text(columns.of("parent_name")))} | by_id


def _why_left_out(group: Group, columns: ColumnMap) -> str:
    """The reason for which the product's first row is left out; "" if it is not."""
    return _reason(group.rows[0], columns, alone=len(group.rows) == 1)


def _reason(entry: Entry, columns: ColumnMap, alone: bool) -> str:
    return next((rule.why for names, rule in columns.left_out
                 if rule.fits(entry.text(names)) and (alone or not rule.alone)), "")
