"""Tables of characters, as tensors, that the assets of all families share.

Enters: the pinned libraries (ftfy) and Python's Unicode data. Leaves: the same tensors on Python 3.11 and 3.12.
Properties are found by asking the libraries about each code point, not by repeating their tables.
"""

import html
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from html.entities import html5

import numpy as np

CODE_POINTS = 0x110000
SEPARATOR = "\ue000"                     # a character for private use, which no step changes
SURROGATES = range(0xD800, 0xE000)
NONCHARACTERS = (*range(0xFDD0, 0xFDF0), *(plane + last for plane in range(0, CODE_POINTS, 0x10000)
                                           for last in (0xFFFE, 0xFFFF)))
HANGUL = range(0xAC00, 0xAC00 + 11172)
UNICODE = "14.0.0"                       # Python 3.11's; 3.12 has 15.0.0, see below
# Code points that 15.0 added and that have a combining class, are decimal digits, marks, controls or punctuation, or
# matter beside a capital sigma.
# They are read as unassigned, as Python 3.11 reads them, so that 3.12 writes the same file.
ADDED_IN_UNICODE_15 = (
    (0xECE, 0xECE), (0x10EFD, 0x10EFF), (0x11241, 0x11241), (0x11B00, 0x11B09), (0x11F00, 0x11F59), (0x13439, 0x13455),
    (0x1DF25, 0x1DF2A), (0x1E030, 0x1E08F), (0x1E4D0, 0x1E4F9),
)


@cache
def every_character() -> str:
    """All code points in order, surrogates included: a character's index is its number."""
    return "".join(map(chr, range(CODE_POINTS)))


def cleaning_tables() -> dict[str, np.ndarray]:
    """ftfy's replacements of single characters, one after the other in its order, as one map; and what it removes."""
    from ftfy import chardata, fixes

    def folded(text: str) -> str:
        for fix in (fixes.fix_c1_controls, fixes.fix_latin_ligatures, fixes.fix_character_width, fixes.uncurl_quotes,
                    fixes.fix_line_breaks):
            text = fix(text)
        return text

    removed = ranges([code in chardata.CONTROL_CHARS for code in range(CODE_POINTS)])
    return {"removed": removed, "spaces": ranges(old(str.isspace)), "decimals": ranges(old(str.isdecimal)),
            **map_tensors("fold", each(folded))}


def casing_tables() -> dict[str, np.ndarray]:
    """The map of str.lower, and the two properties that decide on the final sigma, both found by calling str.lower."""
    alone = [text.endswith("\u03c2") for text in each(str.lower, after="\u03a3")]
    after_a = [text.endswith("\u03c2") for text in each(str.lower, before="A", after="\u03a3")]
    ignorable = [passed and not cased for passed, cased in zip(after_a, alone, strict=True)]
    return {"cased": ranges(as_before_15(alone)), "case_ignorable": ranges(as_before_15(ignorable)),
            **map_tensors("lower", each(str.lower))}


def normalising_tables() -> dict[str, np.ndarray]:
    """Normal form C without Hangul, which is arithmetic: full decompositions, combining classes, pairs that compose."""
    decomposed = each(lambda text: unicodedata.normalize("NFD", text))
    decomposed[HANGUL.start:HANGUL.stop] = map(chr, HANGUL)
    pairs = []
    for code in (code for code, text in enumerate(decomposed) if text != chr(code)):
        parts = [int(part, 16) for part in unicodedata.decomposition(chr(code)).split()]
        if len(parts) == 2 and unicodedata.normalize("NFC", chr(code)) == chr(code):
            pairs.append((*parts, code))
    classes = old(unicodedata.combining)
    ranked = [(first, last, classes[first]) for first, last in runs(classes)]
    return {"combining": np.array(ranked, np.uint32), "compositions": np.array(sorted(pairs), np.uint32),
            **map_tensors("decompositions", decomposed)}


def html_tables() -> dict[str, np.ndarray]:
    """html.unescape's names and numbers, and the upper-case names that ftfy adds."""
    from ftfy.chardata import HTML_ENTITIES

    shouted = {entity[1:]: value for entity, value in HTML_ENTITIES.items() if entity[1:] not in html5}
    numbers = list(every_character())       # those without a character are themselves, except for noncharacters
    asked = [*characters(), *NONCHARACTERS]
    texts = html.unescape(SEPARATOR.join(f"&#{code};" for code in asked)).split(SEPARATOR)
    for code, text in zip(asked, texts, strict=True):
        numbers[code] = text
    for code in SURROGATES:              # not in the table: surrogates and too large numbers give U+FFFD
        numbers[code] = chr(code)
    return name_tensors("html", html5) | name_tensors("html_shouted", shouted) | map_tensors("charrefs", numbers)


def each(function: Callable[[str], str], before: str = "", after: str = "") -> list[str]:
    """The result of `function` for each code point between `before` and `after`. One call for all of them is fast.

    One code point without a character stands for all such.
    """
    stand_in = chr(categories().index("Cn"))
    start, end = function(before + stand_in + after).split(stand_in)
    results = [start + character + end for character in every_character()]
    texts = function(SEPARATOR.join(before + chr(code) + after for code in characters())).split(SEPARATOR)
    for code, text in zip(characters(), texts, strict=True):
        results[code] = text
    results[ord(SEPARATOR)] = SEPARATOR
    return results


@cache
def characters() -> list[int]:
    """The code points that are characters, without the separator."""
    return [code for code, category in enumerate(categories()) if category != "Cn" and code != ord(SEPARATOR)]


@cache
def categories() -> list[str]:
    """Unicode's general category of each code point; "Cn": no character."""
    return list(map(unicodedata.category, every_character()))


def old(value: Callable[[str], int]) -> list[int]:
    """The value of each code point, 0 for those that Unicode 15 added."""
    return as_before_15(list(map(value, every_character())))


def as_before_15(values: list) -> list:
    for first, last in ADDED_IN_UNICODE_15:
        values[first:last + 1] = [0] * (last + 1 - first)
    return values


def ranges(members: Sequence[int] | np.ndarray) -> np.ndarray:
    """U32 [n, 2], first and last of each run of code points that are members."""
    return np.array(runs(np.asarray(members, bool)), np.uint32).reshape(-1, 2)


def runs(values: Sequence[int] | np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each run of one value other than 0."""
    edges = [0, *(np.flatnonzero(np.asarray(values[1:]) != np.asarray(values[:-1])) + 1).tolist(), len(values)]
    return [(start, end - 1) for start, end in zip(edges[:-1], edges[1:], strict=True) if values[start]]


def map_tensors(name: str, values: list[str]) -> dict[str, np.ndarray]:
    """Three tensors for the code points that do not map to themselves."""
    changed = {ord(key): value for key, value in zip(every_character(), values, strict=True) if value != key}
    return {f"{name}_keys": np.array(list(changed), np.uint32), **text_tensors(name, changed.values())}


def name_tensors(name: str, values: dict[str, str]) -> dict[str, np.ndarray]:
    """Four tensors for names (ASCII, in the order of their bytes) and what they stand for."""
    ordered = sorted(values)
    offsets = np.cumsum([0, *map(len, ordered)])
    return {f"{name}_names": np.frombuffer("".join(ordered).encode("ascii"), np.uint8),
            f"{name}_name_offsets": offsets.astype(np.uint32), **text_tensors(name, [values[key] for key in ordered])}


def text_tensors(name: str, texts: Iterable[str]) -> dict[str, np.ndarray]:
    """Code points of all texts, and where each begins."""
    points = [[ord(character) for character in text] for text in texts]
    return {f"{name}_values": np.array([point for text in points for point in text], np.uint32),
            f"{name}_offsets": np.cumsum([0, *map(len, points)]).astype(np.uint32)}
