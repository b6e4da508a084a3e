"""A cell as a table holds it enters; a value that JSON can hold, its texts cleaned, leaves."""

import math
import re
from collections.abc import Callable
from decimal import Decimal

from catalog_builder.tables.table_types import Lost, shown
from export.common.errors import InputError

MOST_FIELD = 1 << 20                     # characters of one text
MOST_NESTED = 64                         # lists and objects within one another in a field: every reader accepts as many
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SURROGATE = re.compile("[\ud800-\udfff]")
ODD = re.compile(f"[{CONTROL.pattern[1:-1]}{SURROGATE.pattern[1:-1]}]")
AS_UTF8 = "save it as UTF-8"

Report = Callable[[str, object, str], None]                  # column, what, skipped


def value(column: str, cell: object, report: Report, depth: int = 0) -> object:
    """`cell`, inside `depth` lists and objects, as JSON can hold it. Raises Lost for what it cannot hold."""
    if isinstance(cell, str):
        return cleaned(column, cell, report)
    if isinstance(cell, Lost):
        raise cell
    if isinstance(cell, bytes):
        return cleaned(column, cell.decode("utf-8", "surrogateescape"), report)
    if isinstance(cell, dict | list | tuple) and depth == MOST_NESTED:
        raise Lost(column, "a value is nested too deeply", expected=f"at most {MOST_NESTED} lists and objects within "
                   "one another", remedy="make it flatter")
    if isinstance(cell, dict):
        if ODD.search("".join(cell)):
            raise Lost(column, "a key holds control characters or no UTF-8", found=shown(list(cell)))
        return {name: value(column, inner, report, depth + 1) for name, inner in cell.items()}
    if isinstance(cell, list | tuple):
        return [value(column, inner, report, depth + 1) for inner in cell]
    if isinstance(cell, Decimal):
        number = float(cell)
        return number if Decimal(repr(number)) == cell else str(cell)            # never rounded
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    return cell if cell is None or isinstance(cell, int) else str(cell)         # Parquet's times, UUIDs


def cleaned(column: str, text: str, report: Report) -> str:
    """Line ends as \\n, and no other control characters but tabs.

    Raises Lost for a text that is too long or no UTF-8.
    """
    if len(text) > MOST_FIELD:
        raise Lost(column, "the text is too long", expected=f"at most {MOST_FIELD} characters", found=len(text))
    if not ODD.search(text):
        return text
    if SURROGATE.search(text):
        raise Lost(column, "the text is no UTF-8", found=shown(text), remedy=AS_UTF8)
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    clean = CONTROL.sub("", lines)
    if clean != lines:
        report(column, f"control characters left out; found {len(lines) - len(clean)}", "")
    return clean


def label(text: str) -> str:
    """As much of an id as fits in one line of a report."""
    return " ".join(ODD.sub(" ", text).split())[:200]


def unusual(column: str, cell: object) -> InputError:
    """The notice for a value of another type than text."""
    return InputError(f"the {column} is left out", expected="a text", found=shown(cell))
