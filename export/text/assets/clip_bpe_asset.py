"""Writes `tokenizer.safetensors`: CLIP's vocabulary and every table that the reference's text cleaning uses.

Enters: the pinned libraries (open_clip, ftfy, regex), Python's Unicode data, and how many tokens the model takes.
Leaves: one file, the same bytes on Python 3.11 and 3.12; files for different lengths differ in that number alone.
Properties are found by asking the libraries about each code point, not by repeating their tables.
"""

import gzip
import hashlib
import html
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from html.entities import html5
from importlib.metadata import version
from pathlib import Path

import numpy as np

from export.common.container import container_bytes
from export.common.errors import InputError
from export.common.files import whole
from export.common.specs import TextSpec
from export.text.tokenizer import FORMAT

CODE_POINTS = 0x110000
SEPARATOR = "\ue000"                     # a character for private use, which no step changes
SURROGATES = range(0xD800, 0xE000)
NONCHARACTERS = (*range(0xFDD0, 0xFDF0), *(plane + last for plane in range(0, CODE_POINTS, 0x10000)
                                           for last in (0xFFFE, 0xFFFF)))
HANGUL = range(0xAC00, 0xAC00 + 11172)
UNICODE = "14.0.0"                       # Python 3.11's; 3.12 has 15.0.0, see below
# Code points that 15.0 added and that have a combining class, are decimal digits, or matter beside a capital sigma.
# They are read as unassigned, as Python 3.11 reads them, so that 3.12 writes the same file.
ADDED_IN_UNICODE_15 = (
    (0xECE, 0xECE), (0x10EFD, 0x10EFF), (0x11241, 0x11241), (0x11F00, 0x11F59), (0x13439, 0x13455),
    (0x1DF25, 0x1DF2A), (0x1E030, 0x1E08F), (0x1E4D0, 0x1E4F9),
)
CONTRACTIONS = "'s 't 're 've 'm 'll 'd"  # open_clip.tokenizer.SimpleTokenizer.pat
START_TEXT, END_TEXT = "<start_of_text>", "<end_of_text>"
VERSION = "1"                            # has no key `family`, which would change the space of every model
MERGES = 49152 - 256 - 2                 # open_clip.tokenizer.SimpleTokenizer.__init__


def write_asset(path: Path, text: TextSpec, vocabulary: Path | None = None) -> str:
    """Write the asset, whole or not at all. Returns its SHA-256 as 64 hex digits. open_clip holds the vocabulary."""
    content = asset_bytes(text.context_length)
    with whole(path) as partial:
        partial.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def reference_ids(texts: Sequence[str], text: TextSpec, vocabulary: Path | None = None) -> np.ndarray:
    """int32 [len(texts), context_length] by open_clip's own tokenizer."""
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer(context_length=text.context_length)(list(texts)).numpy().astype(np.int32)


def asset_bytes(context_length: int) -> bytes:
    """The file's bytes, the same at every call."""
    tensors = _tensors()
    start_token = 2 * 256 + len(tensors["merges"])
    metadata = {
        "format": FORMAT, "version": VERSION, "unicode": UNICODE, "contractions": CONTRACTIONS,
        "start_text": START_TEXT, "start_token": str(start_token), "end_text": END_TEXT,
        "end_token": str(start_token + 1), "pad_token": "0", "context_length": str(context_length),
        "open_clip": version("open_clip_torch"), "ftfy": version("ftfy"), "regex": version("regex"),
    }
    return container_bytes(metadata, tensors)


@cache                                   # takes seconds
def _tensors() -> dict[str, np.ndarray]:
    tensors = {"merges": np.array(_merges(), np.uint16), "byte_ids": np.array(_byte_ids(), np.uint16)}
    return tensors | _splitting() | _cleaning() | _casing() | _normalising() | _html()


@cache
def _every_character() -> str:
    """All code points in order, surrogates included: a character's index is its number."""
    return "".join(map(chr, range(CODE_POINTS)))


def _byte_ids() -> list[int]:
    """The token of each byte: CLIP numbers the printable bytes first."""
    from open_clip.tokenizer import bytes_to_unicode

    order = list(bytes_to_unicode())
    return [order.index(byte) for byte in range(256)]


def _merges() -> list[tuple[int, int]]:
    """Pairs of token ids in the order of their rank; merge i makes token 512 + i. Raises InputError if it does not."""
    from open_clip.tokenizer import bytes_to_unicode, default_bpe

    symbols = list(bytes_to_unicode().values())
    ids = {symbol: i for i, symbol in enumerate(symbols + [symbol + "</w>" for symbol in symbols])}
    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode().split("\n")[1:MERGES + 1]
    merges = []
    for first, second in map(str.split, lines):
        merges.append((ids[first], ids[second]))
        if ids.setdefault(first + second, len(ids)) != 511 + len(merges):
            raise InputError("open_clip's vocabulary makes one token in two ways", where=default_bpe(),
                             found=first + second, remedy="install the pinned open_clip_torch")
    return merges


def _splitting() -> dict[str, np.ndarray]:
    """The character classes of open_clip's word pattern. The pattern ignores case, so U+0345 is in no class."""
    import regex

    def runs(pattern: str) -> np.ndarray:
        matches = regex.finditer(pattern, _every_character(), regex.IGNORECASE)
        return np.array([(match.start(), match.end() - 1) for match in matches], np.uint32)

    tables = {"letters": runs(r"[\p{L}]+"), "numbers": runs(r"[\p{N}]+")}
    taken = np.zeros(CODE_POINTS, bool)
    for first, last in (*tables["letters"], *tables["numbers"], *runs(r"[^\s\p{L}\p{N}]+")):
        taken[first:last + 1] = True
    same = [(match.start(), ord(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"
            for match in regex.finditer(letter, _every_character(), regex.IGNORECASE)
            if match.start() > 0x7F and match[0].lower() == match[0]]
    return tables | {"separators": _ranges(~taken), "ignore_case": np.array(sorted(same), np.uint32).reshape(-1, 2)}


def _cleaning() -> dict[str, np.ndarray]:
    """ftfy's replacements of single characters, one after the other in its order, as one map; and what it removes."""
    from ftfy import chardata, fixes

    def folded(text: str) -> str:
        for fix in (fixes.fix_c1_controls, fixes.fix_latin_ligatures, fixes.fix_character_width, fixes.uncurl_quotes,
                    fixes.fix_line_breaks):
            text = fix(text)
        return text

    removed = _ranges([code in chardata.CONTROL_CHARS for code in range(CODE_POINTS)])
    return {"removed": removed, "spaces": _ranges(_old(str.isspace)), "decimals": _ranges(_old(str.isdecimal)),
            **_map("fold", _each(folded))}


def _casing() -> dict[str, np.ndarray]:
    """The map of str.lower, and the two properties that decide on the final sigma, both found by calling str.lower."""
    alone = [text.endswith("\u03c2") for text in _each(str.lower, after="\u03a3")]
    after_a = [text.endswith("\u03c2") for text in _each(str.lower, before="A", after="\u03a3")]
    ignorable = [passed and not cased for passed, cased in zip(after_a, alone, strict=True)]
    return {"cased": _ranges(_as_before_15(alone)), "case_ignorable": _ranges(_as_before_15(ignorable)),
            **_map("lower", _each(str.lower))}


def _normalising() -> dict[str, np.ndarray]:
    """Normal form C without Hangul, which is arithmetic: full decompositions, combining classes, pairs that compose."""
    decomposed = _each(lambda text: unicodedata.normalize("NFD", text))
    decomposed[HANGUL.start:HANGUL.stop] = map(chr, HANGUL)
    pairs = []
    for code in (code for code, text in enumerate(decomposed) if text != chr(code)):
        parts = [int(part, 16) for part in unicodedata.decomposition(chr(code)).split()]
        if len(parts) == 2 and unicodedata.normalize("NFC", chr(code)) == chr(code):
            pairs.append((*parts, code))
    classes = _old(unicodedata.combining)
    runs = [(first, last, classes[first]) for first, last in _runs(classes)]
    return {"combining": np.array(runs, np.uint32), "compositions": np.array(sorted(pairs), np.uint32),
            **_map("decompositions", decomposed)}


def _html() -> dict[str, np.ndarray]:
    """html.unescape's names and numbers, and the upper-case names that ftfy adds."""
    from ftfy.chardata import HTML_ENTITIES

    shouted = {entity[1:]: value for entity, value in HTML_ENTITIES.items() if entity[1:] not in html5}
    numbers = list(_every_character())       # those without a character are themselves, except for noncharacters
    asked = [*_characters(), *NONCHARACTERS]
    texts = html.unescape(SEPARATOR.join(f"&#{code};" for code in asked)).split(SEPARATOR)
    for code, text in zip(asked, texts, strict=True):
        numbers[code] = text
    for code in SURROGATES:              # not in the table: surrogates and too large numbers give U+FFFD
        numbers[code] = chr(code)
    return _names("html", html5) | _names("html_shouted", shouted) | _map("charrefs", numbers)


def _each(function: Callable[[str], str], before: str = "", after: str = "") -> list[str]:
    """The result of `function` for each code point between `before` and `after`. One call for all of them is fast.

    One code point without a character stands for all such.
    """
    stand_in = chr(_categories().index("Cn"))
    start, end = function(before + stand_in + after).split(stand_in)
    results = [start + character + end for character in _every_character()]
    texts = function(SEPARATOR.join(before + chr(code) + after for code in _characters())).split(SEPARATOR)
    for code, text in zip(_characters(), texts, strict=True):
        results[code] = text
    results[ord(SEPARATOR)] = SEPARATOR
    return results


@cache
def _characters() -> list[int]:
    """The code points that are characters, without the separator."""
    return [code for code, category in enumerate(_categories()) if category != "Cn" and code != ord(SEPARATOR)]


@cache
def _categories() -> list[str]:
    """Unicode's general category of each code point; "Cn": no character."""
    return list(map(unicodedata.category, _every_character()))


def _old(value: Callable[[str], int]) -> list[int]:
    """The value of each code point, 0 for those that Unicode 15 added."""
    return _as_before_15(list(map(value, _every_character())))


def _as_before_15(values: list) -> list:
    for first, last in ADDED_IN_UNICODE_15:
        values[first:last + 1] = [0] * (last + 1 - first)
    return values


def _ranges(members: Sequence[int] | np.ndarray) -> np.ndarray:
    """U32 [n, 2], first and last of each run of code points that are members."""
    return np.array(_runs(np.asarray(members, bool)), np.uint32).reshape(-1, 2)


def _runs(values: Sequence[int] | np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each run of one value other than 0."""
    edges = [0, *(np.flatnonzero(np.asarray(values[1:]) != np.asarray(values[:-1])) + 1).tolist(), len(values)]
    return [(start, end - 1) for start, end in zip(edges[:-1], edges[1:], strict=True) if values[start]]


def _map(name: str, values: list[str]) -> dict[str, np.ndarray]:
    """Three tensors for the code points that do not map to themselves."""
    changed = {ord(key): value for key, value in zip(_every_character(), values, strict=True) if value != key}
    return {f"{name}_keys": np.array(list(changed), np.uint32), **_texts(name, changed.values())}


def _names(name: str, values: dict[str, str]) -> dict[str, np.ndarray]:
    """Four tensors for names (ASCII, in the order of their bytes) and what they stand for."""
    ordered = sorted(values)
    offsets = np.cumsum([0, *map(len, ordered)])
    return {f"{name}_names": np.frombuffer("".join(ordered).encode("ascii"), np.uint8),
            f"{name}_name_offsets": offsets.astype(np.uint32), **_texts(name, [values[key] for key in ordered])}


def _texts(name: str, texts: Iterable[str]) -> dict[str, np.ndarray]:
    """Code points of all texts, and where each begins."""
    points = [[ord(character) for character in text] for text in texts]
    return {f"{name}_values": np.array([point for text in points for point in text], np.uint32),
            f"{name}_offsets": np.cumsum([0, *map(len, points)]).astype(np.uint32)}
