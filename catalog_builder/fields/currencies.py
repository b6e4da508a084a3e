"""A currency's code, sign or name enters; the ISO 4217 codes that it may stand for leave."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("currencies.toml")


@dataclass(frozen=True)
class CurrencyMark:
    """What a text says of the currency."""

    codes: tuple[str, ...]                   # that it may stand for
    usual: str                               # the code that it means alone; "" if the list must say more


@cache
def minor_units() -> dict[str, int]:
    """Each code in use, with the decimals that its amounts have."""
    return {code: int(decimals) for decimals, codes in _table()["minor_units"].items() for code in codes.split()}


@cache
def point_and_three_decimals() -> frozenset[str]:
    """Currencies of three decimals whose amounts are written with a point."""
    return frozenset(_table()["written"]["point_and_three_decimals"].split())


@cache
def without_thousandths() -> frozenset[str]:
    """Currencies in which `1.299` or `1,299` is 1299: they have no decimals, or one unit buys nothing."""
    whole = {code for code, decimals in minor_units().items() if decimals == 0}
    return frozenset({*whole, *_table()["written"]["thousands"].split()})


@cache
def marks() -> dict[str, CurrencyMark]:
    """All codes, signs and names in lower case."""
    found = {code.casefold(): CurrencyMark((code,), code) for code in minor_units()}
    for kind in ("signs", "shared"):
        for text, codes in _table()[kind].items():
            several = tuple(codes.split())
            mark = CurrencyMark(several, several[0] if kind == "signs" or len(several) == 1 else "")
            found[text] = found[text.removesuffix(".")] = mark
    return found


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
