"""The cells of a spreadsheet enter; their texts, as a person sees them, leave: never by locale, never shortened."""

import re
import unicodedata
from datetime import date, datetime, time
from decimal import Decimal

DIGITS = 15                              # significant ones of a number: what Excel keeps and shows
ZEROS = re.compile("0{2,}")              # a number's format that pads it
SPACING = re.compile(r"[_*].")           # a blank as wide as a character, or filled with it
BRACKETED = re.compile(r"\[\$([^\]-]+)[^\]]*\]")                         # a currency in a number's format
OTHER_BRACKETS = re.compile(r"\[[^\]]*\]")                               # colours, conditions, languages
LITERAL = re.compile(r'"([^"]*)"|\\(.)')
CODE = re.compile("[A-Z]{3}")
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")                              # a control character in a cell's text


def text_of(value: object, number_format: str) -> str:
    """The text of a cell with this value and this format."""
    if value is None:
        return ""
    if isinstance(value, str):
        return ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(plain(value), number_format)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return value.isoformat(timespec="seconds") if isinstance(value, time) else str(value)


def plain(value: int | float) -> str:
    """A number in digits, with a point if it needs one."""
    text = str(value) if isinstance(value, int) else format(Decimal(f"{value:.{DIGITS}g}"), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _number(text: str, number_format: str) -> str:
    """A number with the zeros before it, the per cent or the currency that its format shows."""
    shape = number_format.split(";")[0]
    if ZEROS.fullmatch(shape) and text.isdecimal():
        return text.zfill(len(shape))
    if "%" in LITERAL.sub("", shape):
        return plain(float(Decimal(text) * 100)) + "%"
    sign = currency(shape)
    return f"{text} {sign}" if sign else text


def currency(shape: str) -> str:
    """The currency that a number's format shows, "" without one."""
    bracketed = BRACKETED.search(shape)
    if bracketed:
        return bracketed.group(1).strip()
    rest = SPACING.sub("", OTHER_BRACKETS.sub("", shape))
    literals = [(quoted or escaped).strip() for quoted, escaped in LITERAL.findall(rest)]
    signs = [text for text in literals if CODE.fullmatch(text) or any(map(_is_sign, text))]
    return next(iter([*signs, *filter(_is_sign, LITERAL.sub("", rest))]), "")


def _is_sign(letter: str) -> bool:
    return unicodedata.category(letter) == "Sc"
