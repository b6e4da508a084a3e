"""Python's Unicode data enters; the tables by which words are folded leave, the same on Python 3.11 and 3.12.

The tables go into the catalog, so that no platform's own Unicode takes part in a search. They cover what product lists
hold; a character that they lack only separates words.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache

import numpy as np

WORD, PAIRS = 1, 2                           # a letter's kind: of whole words, or of runs that are read by pairs
ONE, SHIFTED, TEXT = 0, 1, 2                 # what a run of characters becomes; in the upper 8 bits
KIND_SHIFT = 24

# What is folded; elsewhere (mathematical letters, presentation forms, squared words) a character stays.
FOLDED = ((0x41, 0x1FFF), (0x2070, 0x209C), (0x2126, 0x2126), (0x212A, 0x212B), (0x2160, 0x217F), (0x2C00, 0x2C7F),
          (0x3040, 0x30FF), (0xA640, 0xA7FF), (0xA980, 0xABFF), (0xFB00, 0xFB17), (0xFF01, 0xFFDC))
# Marks that people leave out, and characters without a sign of their own.
DROPPED = ((0xAD, 0xAD), (0x300, 0x344), (0x346, 0x36F), (0x483, 0x489), (0x591, 0x5BD), (0x5BF, 0x5BF),
           (0x5C1, 0x5C2), (0x5C4, 0x5C5), (0x5C7, 0x5C7), (0x610, 0x61A), (0x61C, 0x61C), (0x640, 0x640),
           (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6DC), (0x6DF, 0x6E4), (0x6E7, 0x6E8), (0x6EA, 0x6ED),
           (0x180B, 0x180F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F),
           (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xFEFF, 0xFEFF), (0xE0100, 0xE01EF))
# Letters that people write with a plain one, and that no normal form takes apart.
PLAIN = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
# Scripts without spaces between words: Thai, Lao, Myanmar, Hangul, Khmer, Tai, kana, Bopomofo, Han.
WITHOUT_SPACES = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1100, 0x11FF), (0x1780, 0x17FF), (0x1950, 0x19DF),
                  (0x1A20, 0x1AAF), (0x3005, 0x3007), (0x3040, 0x30FF), (0x3100, 0x318F), (0x31A0, 0x31BF),
                  (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xA9E0, 0xA9FF),
                  (0xAA60, 0xAA7F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
NOUGHT = 0x3007                              # a number that is written as a letter
LAST = 0xFFFF                                # beyond, the only letters are those of WITHOUT_SPACES
ADDED_IN_UNICODE_15 = (0xCF3, 0xECE)         # letters and marks up to LAST that Python 3.11 does not know


@cache
def built() -> dict[str, np.ndarray]:
    """The tensors `word_folds`, `word_fold_texts` and `word_letters`."""
    runs = _letter_runs()
    letters = {code for first, last, _ in runs if last <= LAST for code in range(first, last + 1)}
    folds = {code: text for code in _codes((*FOLDED, *DROPPED)) if (text := folded(code)) != chr(code)
             and (not text or not letters.isdisjoint(map(ord, text)))}
    return {**_fold_tensors(folds), "word_letters": np.array(runs, "<u4").ravel()}


def folded(code: int) -> str:
    """What a character becomes: plain, of lower case, without accents; digits of any script as 0 to 9."""
    if code in _dropped():
        return ""
    if 0xAC00 <= code <= 0xD7A3 or unicodedata.category(chr(code)) in ("Cn", "Cs"):
        return chr(code)
    text = unicodedata.normalize("NFKD", chr(code))
    for _ in range(2):
        text = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(PLAIN.get(one, one) for one in text if ord(one) not in _dropped())
    return "".join(str(unicodedata.decimal(one)) if unicodedata.category(one) == "Nd" else one for one in plain)


def _letter_runs() -> list[tuple[int, int, int]]:
    """First and last of each run, and its kind. What no character has its place in belongs to the run around it."""
    runs: list[list[int]] = []
    pairs = frozenset(_codes(one for one in WITHOUT_SPACES if one[1] <= LAST))
    for code in range(LAST + 1):
        category = "Cn" if code in ADDED_IN_UNICODE_15 else unicodedata.category(chr(code))
        if category == "Cn":
            continue
        if category[0] in "LM" or code == NOUGHT:
            kind = PAIRS if code in pairs else WORD
        else:
            kind = WORD if category == "Nd" else 0
        if runs and runs[-1][2] == kind:
            runs[-1][1] = code
        else:
            runs.append([code, code, kind])
    beyond = [(first, last, PAIRS) for first, last in WITHOUT_SPACES if first > LAST]
    return [(first, last, kind) for first, last, kind in runs if kind] + beyond


def _fold_tensors(folds: dict[int, str]) -> dict[str, np.ndarray]:
    """Runs of characters that become one, that all move by as much, or that become a text of several or none."""
    runs: list[list[int]] = []
    texts: list[int] = []
    places: dict[str, int] = {}
    for code, text in sorted(folds.items()):
        last = runs[-1] if runs and runs[-1][1] == code - 1 else None
        if len(text) != 1:
            if text not in places:
                places[text] = len(texts)
                texts += [len(text), *map(ord, text)]
            value = TEXT << KIND_SHIFT | places[text]
            if last and last[2] == value:
                last[1] = code
            else:
                runs.append([code, code, value])
            continue
        to = ord(text)
        if last and last[2] == to:
            last[1] = code
        elif last and _shifts(last, to):
            last[1], last[2] = code, SHIFTED << KIND_SHIFT | last[2] & (1 << KIND_SHIFT) - 1
        else:
            runs.append([code, code, to])
    return {"word_folds": np.array(runs, "<u4").ravel(), "word_fold_texts": np.array(texts, "<u4")}


def _shifts(run: list[int], to: int) -> bool:
    """Whether the next character's `to` goes on where the run's stand."""
    first, last, value = run
    kind, start = value >> KIND_SHIFT, value & (1 << KIND_SHIFT) - 1
    return to == start + last + 1 - first and (kind == SHIFTED or kind == ONE and first == last)


def _codes(ranges: Iterable[tuple[int, int]]) -> list[int]:
    return sorted({code for first, last in ranges for code in range(first, last + 1)})


@cache
def _dropped() -> frozenset[int]:
    return frozenset(_codes(DROPPED))
