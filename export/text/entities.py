"""HTML character references: ftfy's strict reading and the lenient one of Python's html.unescape.

Enters: a text and the asset's tables. Leaves: the text with references replaced. One pass reads each reference once.
"""

from collections.abc import Callable

from export.text.tables import TextTables

DIGITS = frozenset("0123456789")
HEX_DIGITS = DIGITS | frozenset("abcdefABCDEF")
NAME_CHARACTERS = DIGITS | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
ENDS_A_NAME = frozenset("\t\n\f <&#;")
STRICT_LENGTH, LENIENT_LENGTH = 24, 32   # ftfy.chardata.HTML_ENTITY_RE, html._charref
REPLACEMENT = "\ufffd"


def unescape_html_strictly(text: str, tables: TextTables) -> str:
    """ftfy: "&", perhaps "#", 1 to 24 ASCII letters and digits, ";". Unknown ones stay, and so does &#59; (;)."""
    return _replace(text, tables, _strict_reference)


def unescape_html_leniently(text: str, tables: TextTables) -> str:
    """html.unescape: numbers with or without ";", names by the longest known beginning."""
    return _replace(text, tables, _lenient_reference)


def _replace(text: str, tables: TextTables, read: Callable[[str, int, TextTables], tuple[str, int]]) -> str:
    """Calls `read` at each "&"; `read` returns the replacement, and the position to continue from."""
    out = []
    position = 0
    while (start := text.find("&", position)) >= 0:
        out.append(text[position:start])
        value, position = read(text, start, tables)
        out.append(value)
    return "".join(out) + text[position:]


def _strict_reference(text: str, start: int, tables: TextTables) -> tuple[str, int]:
    name_start = start + 2 if text[start + 1:start + 2] == "#" else start + 1
    end = _run(text, name_start, STRICT_LENGTH, NAME_CHARACTERS)
    if end == name_start or text[end:end + 1] != ";":
        return "&", start + 1
    end += 1
    number, number_end = _number(text, start + 1)
    name = text[start + 1:end]
    if number is None or number_end != end:
        return tables.html.get(name) or tables.html_shouted.get(name) or "&" + name, end
    value = _character(number, tables)
    return ("&" + name if value == ";" else value), end


def _lenient_reference(text: str, start: int, tables: TextTables) -> tuple[str, int]:
    number, end = _number(text, start + 1)
    if number is not None:
        return _character(number, tables), end
    end = start + 1
    while end < len(text) and end - start <= LENIENT_LENGTH and text[end] not in ENDS_A_NAME:
        end += 1
    if end > start + 1 and text[end:end + 1] == ";":
        end += 1
    for known_end in range(end, start + 2, -1):                  # the longest first, at least two characters
        if (value := tables.html.get(text[start + 1:known_end])) is not None:
            return value + text[known_end:end], end
    return text[start:end], end


def _number(text: str, start: int) -> tuple[int | None, int]:
    """The numeric reference after "&": its number (0x110000 if it is too large), and its end, a ";" included.

    The number is None unless "#" and a digit, or "#x" and a hex digit, follow.
    """
    if text[start:start + 1] != "#":
        return None, start
    base, allowed, first = (16, HEX_DIGITS, start + 2) if text[start + 1:start + 2] in ("x", "X") else (
        10, DIGITS, start + 1)
    end = _run(text, first, len(text), allowed)
    if end == first:
        return None, start
    number = 0
    for digit in text[first:end]:
        number = min(number * base + int(digit, 16), 0x110000)
    return number, end + 1 if text[end:end + 1] == ";" else end


def _character(number: int, tables: TextTables) -> str:
    """The character of a numeric reference; empty for some control characters and non-characters."""
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return REPLACEMENT
    return tables.charrefs.get(chr(number), chr(number))


def _run(text: str, start: int, most: int, allowed: frozenset[str]) -> int:
    """The end of the run of at most `most` allowed characters that begins at `start`."""
    end = start
    while end < len(text) and end - start < most and text[end] in allowed:
        end += 1
    return end
