"""A cell of a list enters; the names and addresses of pictures in it leave.

    >>> names_in("https://shop.example/w_300,h_200/a.jpg, b.jpg", lambda name: name == "b.jpg")
    ['https://shop.example/w_300,h_200/a.jpg', 'b.jpg']
"""

import ast
import json
import posixpath
import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from catalog_builder.pictures.addresses import is_address
from catalog_builder.pictures.picture_kinds import SUFFIXES

SEPARATORS = ("|", "\n", ";", ", ", ",", " ")            # tried in this order; a blank separates addresses alone
KEYS = ("src", "url", "image_url", "image", "url_standard", "hi_res", "large", "path")    # of objects in JSON
JOINING = (",", ", ", ";")                               # these may belong to a name or an address
PYTHON_LIST = re.compile(r"\[\s*'")
MOST_JOINED = 4                                          # pieces that together may be one name
BEFORE_AN_ADDRESS = re.compile(r"\s+(?=(?:https?:)?//)", re.IGNORECASE)
BETWEEN_ADDRESSES = re.compile(r"(?:(?<!\\)[\s|;,]|\\n)+(?=https?://)", re.IGNORECASE)

Exists = Callable[[str], bool]


def names_in(cell: str, exists: Exists, separators: Sequence[str] = SEPARATORS, escaped: bool = False) -> list[str]:
    """The names of a cell, in their order, stripped.

    A cell that is one existing name stays whole, whatever it holds. JSON gives its texts, and the `src` or `url` of its
    objects, by their `position` if all have one; a list that Python wrote counts as JSON. Several addresses are several
    names, whatever stands between them. One separator splits always. Of several the first counts under which every
    piece is an address or exists; else the first under which every piece looks like a picture; else the first that the
    cell holds. `escaped`: a comma within a name is written \\,. `exists` answers for local names.
    """
    text = cell.strip()
    if not text:
        return []
    if text[0] in "[{" and (names := _from_json(text)) is not None:
        return names
    if is_address(text) and len(addresses := BETWEEN_ADDRESSES.split(text)) > 1:
        return [name for address in addresses for name in names_in(address, exists, separators, escaped)]
    given = [separator for separator in separators if separator in text]
    whole = _unescaped(text, escaped)
    if not given or exists(whole):
        return [whole]
    if len(separators) == 1:
        return _split(text, separators[0], exists, escaped)
    ways = [names for separator in given if (names := _split(text, separator, exists, escaped)) != [whole]]
    for fits in (lambda name: is_address(name) or exists(name), looks_like_a_picture):
        for names in ways:
            if all(map(fits, names)):
                return names
    return [whole] if is_address(text) or not ways else ways[0]


def _split(text: str, separator: str, exists: Exists, escaped: bool) -> list[str]:
    if separator == " ":
        return BEFORE_AN_ADDRESS.split(text) if is_address(text) else [text]
    if separator == "\n":
        return _named(text.splitlines())
    pattern = re.escape(separator)
    if separator.startswith(",") and escaped:
        pattern = rf"(?<!\\){pattern}"
    pieces = [_unescaped(piece, escaped) for piece in re.split(pattern, text)]
    return _named(_joined(pieces, separator, exists) if separator in JOINING else pieces)


def _joined(pieces: list[str], separator: str, exists: Exists) -> list[str]:
    """The pieces, those of one name put together again: a comma may belong to a name or an address."""
    names: list[str] = []
    at = 0
    while at < len(pieces):
        piece = pieces[at].strip()
        alone = not piece or is_address(piece) or exists(piece)
        together = 1 if alone else next(
            (many for many in range(2, min(MOST_JOINED, len(pieces) - at) + 1)
             if exists(separator.join(pieces[at:at + many]).strip())), 1)
        if not alone and together == 1 and names and _goes_on(names[-1], piece):
            names[-1] += separator + pieces[at]
        else:
            names.append(separator.join(pieces[at:at + together]))
        at += together
    return names


def _goes_on(before: str, piece: str) -> bool:
    """Whether a piece that is no address and no file belongs to the address before it."""
    return is_address(before) and not (looks_like_a_picture(piece) and _suffix(before) in SUFFIXES)


def looks_like_a_picture(name: str) -> bool:
    return is_address(name) or _suffix(name) in SUFFIXES


def _suffix(name: str) -> str:
    path = name
    if is_address(name):
        try:
            path = urlsplit(name.strip()).path
        except ValueError:                               # an IPv6 address that is none
            return ""
    return posixpath.splitext(path.strip())[1].lower()


def _from_json(text: str) -> list[str] | None:
    """The names in a JSON list or object; None where the text is no JSON."""
    try:
        value = ast.literal_eval(text) if PYTHON_LIST.match(text) else json.loads(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return None
    if all(isinstance(item, dict) and isinstance(item.get("position"), int) for item in value):
        value = sorted(value, key=lambda item: item["position"])
    return _named([_named_by(item) for item in value if item is not None])


def _named_by(item: object) -> str:
    """The name that an item of a JSON list gives; an item without a name stays as it is, to be reported."""
    if isinstance(item, dict):
        item = next((item[key] for key in KEYS if isinstance(item.get(key), str)), item)
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _named(pieces: Sequence[str]) -> list[str]:
    return [piece.strip() for piece in pieces if piece.strip()]


def _unescaped(name: str, escaped: bool) -> str:
    return name.replace("\\,", ",") if escaped else name
