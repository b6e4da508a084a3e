"""A product's record enters, as it stands in a catalog; the texts of the columns that are asked for leave."""

import json
from collections.abc import Mapping, Sequence

PRICE = "price"                              # no column to search by: a price changes alone, see the delta


class WrittenNumber(str):
    """A number as it is written."""


def parsed(raw: bytes) -> dict:
    """The record, its numbers as they are written. Raises ValueError or RecursionError for anything but an object."""
    record = json.loads(raw.decode(), parse_int=WrittenNumber, parse_float=WrittenNumber, parse_constant=_no_number)
    if not isinstance(record, dict):
        raise ValueError("no object")
    return record


def texts(record: Mapping[str, object], column: str) -> list[str]:
    """The texts of a column: one, or those of a list. `true`, `false` and numbers are as written; the rest is none."""
    value = record.get(column)
    found = (_text(one) for one in (value if isinstance(value, list) else [value]))
    return list(dict.fromkeys(text for text in found if text))


def of_columns(record: Mapping[str, object], columns: Sequence[str]) -> list[str]:
    """The texts of several columns, one after the other."""
    return [text for column in columns for text in texts(record, column)]


def _text(value: object) -> str:
    """A text, or "" for what has none: null, a list in a list, an object."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else ""


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no JSON")
