"""JSON enters, as an array, as an object with one list of objects inside, or as one object a line; a table leaves.

What an object inside a row holds under a name that is known becomes a column of its own: `variants/price`.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path

from catalog_builder.tables.encodings import DecodedText, lines_of
from catalog_builder.tables.headers import LEAST_KNOWN, known_in, name_of
from catalog_builder.tables.table_types import Lost, Table, TableNotice, TableRow, shown
from export.common.errors import InputError

SURROGATE = re.compile("[\ud800-\udfff]")
SPACE = re.compile(r"[ \t\n]*")
PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)          # texts and brackets
DEEPEST = 3                              # objects within one another, down to the list of objects
SAMPLE = 20                              # lines that tell JSON Lines from one document


@dataclass(frozen=True)
class _Listed:
    """A list of objects inside a document."""

    name: str                            # the keys that lead to it, "" for the document itself
    at: int                              # where its bracket opens


def looks_like_json(text: str) -> bool:
    """Whether it begins as a JSON document does, or at least half of its first lines are objects."""
    return text.lstrip()[:1] in ("[", "{") or _looks_like_lines(text)


def read(content: DecodedText, where: Path, known: Callable[[str], bool], named_lines: bool) -> Table:
    """The table of a document or of JSON Lines; `named_lines`: the file's name says JSON Lines.

    Raises InputError if a document is damaged, or has no list or several lists of objects. A line of JSON Lines that is
    no object is lost alone.
    """
    text = content.text.replace("\r\n", "\n").replace("\r", "\n")
    several = len(list(islice(filter(str.strip, lines_of(text)), 2))) > 1
    try:
        lines = _looks_like_lines(text) and not text.lstrip().startswith("[")
        if several and (lines or (named_lines and not _is_whole(text))):
            found = [(number, _row(line)) for number, line in enumerate(lines_of(text), start=1) if line.strip()]
            return _table("JSON Lines", (content.encoding,), found, content.notices, known)
        return _document(text, content, where, known)
    except json.JSONDecodeError as error:
        raise InputError("the JSON is damaged", where=f"{where}, line {error.lineno}, column {error.colno}",
                         found=error.msg, remedy="export it again") from error
    except RecursionError as error:
        raise InputError("the JSON is nested too deeply", where=where, remedy="make it flatter") from error


def _looks_like_lines(text: str) -> bool:
    some = list(islice(filter(str.strip, lines_of(text)), SAMPLE))
    return bool(some) and 2 * sum(_is_object(line) for line in some) >= len(some)


def _is_object(line: str) -> bool:
    try:
        return isinstance(LENIENT.decode(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_whole(text: str) -> bool:
    try:
        _check_whole(text)
    except json.JSONDecodeError:
        return False
    return True


def _document(text: str, content: DecodedText, where: Path, known: Callable[[str], bool]) -> Table:
    """The table of an array, of an object with one list of objects inside, or of one object alone."""
    _check_whole(text)
    start = _past_spaces(text, 0)
    lists = list(_lists(text, start, ""))
    if text[start:start + 1] == "{" and _is_a_product(text, start, lists, known):
        return _table("JSON", (content.encoding,), [(1 + text.count("\n", 0, start), _row(text))], content.notices,
                      known)
    if len(lists) != 1:
        raise InputError("the file holds no list of products" if not lists else "the file holds several lists",
                         where=where, expected="an array of objects, or an object with one such array inside",
                         found=", ".join(one.name for one in lists)[:200] or "none", remedy="give that array alone")
    details = (content.encoding, f"the list {lists[0].name}") if lists[0].name else (content.encoding,)
    return _table("JSON", details, list(_elements(text, lists[0].at)), content.notices, known)


def _is_a_product(text: str, start: int, lists: list[_Listed], known: Callable[[str], bool]) -> bool:
    """Whether an object knows more columns than the objects of its lists do."""
    own = known_in([key for key, _ in _members(text, start)], known)
    firsts = [_past_spaces(text, one.at + 1) for one in lists]
    inner = [known_in([key for key, _ in _members(text, first)], known) for first in firsts]
    return own >= LEAST_KNOWN and own > max(inner, default=0)


def _table(kind: str, details: tuple[str, ...], found: list[tuple[int, dict[str, object] | Lost]],
           notices: list[TableNotice], known: Callable[[str], bool]) -> Table:
    """A table of objects: their keys in the order of their first place, each spelled as there."""
    is_known = cache(known)
    spelled: dict[str, str] = {}
    rows = []
    for number, (line, row) in enumerate(found, start=1):
        if isinstance(row, dict):
            row = {spelled.setdefault(name.casefold(), name): value
                   for name, value in {**_nested(row, is_known), **row}.items()}
        rows.append(TableRow(line, number, row))
    return Table(kind, details, tuple(spelled.values()), frozenset(), rows=rows, notices=notices)


# One row.

def _nested(row: Mapping[str, object], known: Callable[[str], bool]) -> dict[str, object]:
    """What the row's objects, and its lists of objects, hold under known names: a value, or a tuple of several."""
    found: dict[str, list[object]] = {}
    for name, value in row.items():
        for item in value if isinstance(value, list) else [value]:
            for key, inner in item.items() if isinstance(item, dict) else ():
                if known(path := name_of(f"{name}/{key}")) and inner not in (None, ""):
                    found.setdefault(path, []).append(inner)
    return {path: values[0] if values.count(values[0]) == len(values) else tuple(values)
            for path, values in found.items()}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant}, which JSON does not know")


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError(f"a key twice: {shown(_repeated(name for name, _ in pairs))}")
    return made


def _repeated(names: Iterable[str]) -> str:
    """The first of the names that is there twice."""
    return next(name for name, count in Counter(names).items() if count > 1)


STRICT = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_pairs)
LENIENT = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
BAD = (ValueError, ArithmeticError, RecursionError)


def _row(text: str) -> dict[str, object] | Lost:
    """The object of a line, or why it cannot be read."""
    try:
        return _object(STRICT.decode(text))
    except json.JSONDecodeError as error:
        return _lost(f"{error.msg} at column {error.colno}")
    except BAD as error:
        return _lost(_reason(error))


def _reason(error: Exception) -> str:
    """What Python's decoder refuses, in plain words."""
    if isinstance(error, ArithmeticError):
        return "a number beyond all bounds"
    return "too many lists and objects within one another" if isinstance(error, RecursionError) else str(error)


def _lost(found: object) -> Lost:
    return Lost("", "the row cannot be read", expected="a JSON object", found=found, remedy="give one object a product")


def _object(value: object) -> dict[str, object]:
    """An object with the names of columns. Raises ValueError if it is none, or names a column twice."""
    while isinstance(value, dict) and len(value) == 1 and isinstance(inner := next(iter(value.values())), dict):
        value = inner                        # {"node": {...}}
    if not isinstance(value, dict):
        raise ValueError(type(value).__name__)
    names = [name_of(name) for name in value]
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError(f"a column twice: {shown(_repeated(name.casefold() for name in names))}")
    if SURROGATE.search("".join(names)):
        raise ValueError(f"half a surrogate pair in {shown(names)}")
    return dict(zip(names, value.values(), strict=True))


# One document.

def _past_spaces(text: str, at: int) -> int:
    """Where the next character that is no space stands, from `at` on."""
    found = SPACE.match(text, at)
    return found.end() if found else at


def _lists(text: str, at: int, name: str) -> Iterator[_Listed]:
    """The lists of objects in the value that starts at `at`, down to DEEPEST objects, those nearest the top alone."""
    if text[at:at + 1] == "[":
        first = _past_spaces(text, at + 1)
        if text[first:first + 1] == "{" or not name:
            yield _Listed(name, at)
    elif text[at:at + 1] == "{" and name.count(".") < DEEPEST:
        inner = [list(_lists(text, start, f"{name}.{key}" if name else key)) for key, start in _members(text, at)]
        found = [one for lists in inner for one in lists]
        least = min((one.name.count(".") for one in found), default=0)
        yield from (one for one in found if one.name.count(".") == least)
    else:
        _end(text, at)


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Each key of the object at `at`, and where its value starts."""
    at = _past_spaces(text, at + 1)
    while text[at:at + 1] != "}":
        if text[at:at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        key, end = LENIENT.raw_decode(text, at)
        at = _after(text, end, ":")
        yield key, at
        at = _next(text, _end(text, at), "}")


def _elements(text: str, at: int) -> Iterator[tuple[int, dict[str, object] | Lost]]:
    """Each row of the array at `at`, with its line."""
    at, line, counted = _past_spaces(text, at + 1), 1, 0
    while text[at:at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        row, end = _element(text, at)
        yield line, row
        at = _next(text, end, "]")


def _element(text: str, at: int) -> tuple[dict[str, object] | Lost, int]:
    """The row at `at`, and where it ends. Raises JSONDecodeError if that cannot be told."""
    try:
        value, end = STRICT.raw_decode(text, at)
    except json.JSONDecodeError:
        raise
    except BAD as error:
        return _lost(_reason(error)), _end(text, at)
    try:
        return _object(value), end
    except ValueError as error:
        return _lost(error), end


def _next(text: str, end: int, bracket: str) -> int:
    """Where the next member or element starts, or the closing bracket stands."""
    at = _past_spaces(text, end)
    if text[at:at + 1] == bracket:
        return at
    at = _after(text, at, ",")
    if text[at:at + 1] == bracket:
        raise json.JSONDecodeError("a comma before the closing bracket", text, at)
    return at


def _after(text: str, at: int, mark: str) -> int:
    """Where the next value starts, after spaces and this mark."""
    at = _past_spaces(text, at)
    if text[at:at + 1] != mark:
        raise json.JSONDecodeError(f"Expecting {mark!r}", text, at)
    return _past_spaces(text, at + 1)


def _end(text: str, at: int) -> int:
    """Where the value at `at` ends, whatever its depth."""
    try:
        return LENIENT.raw_decode(text, at)[1]
    except RecursionError:
        depth = 0
        for part in PARTS.finditer(text, at):
            depth += (part.group() in "[{") - (part.group() in "]}")
            if not depth:
                return part.end()
        raise json.JSONDecodeError("brackets that do not close", text, at) from None


def _check_whole(text: str) -> None:
    """Raises JSONDecodeError if the text is not one document."""
    start = _past_spaces(text, 0)
    at = _past_spaces(text, _end(text, start))
    if at < len(text):
        raise json.JSONDecodeError("Extra data", text, at)
