"""A text that some codec gave enters; how much of it looks as if the codec were wrong leaves.

Codecs of one byte a character decode nearly anything: what tells them apart is the company that letters keep.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

MOST_WORDS = 3000                        # of a text that are looked at
WORD = re.compile(r"[!-~]*[^\x00-\x7f]\S*")             # with a character that is not ASCII
ACCENTED = re.compile("[\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]+")           # Latin letters
MOST_ACCENTS = 3                         # side by side: Żółta
CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
APOSTROPHES = "’‘·•­"
NEVER = ("Cn", "Co", "Cs")             # unassigned, private, half a surrogate pair
EAST = "east"
DRAWN = range(0x2500, 0x25A0)            # lines and blocks, of DOS and KOI8

# Lead bytes of the characters that people write: symbols, kana and the first level of GB 2312, Big5 and JIS X 0208;
# symbols and syllables of KS X 1001.
COMMON = {"gb18030": [(0xA1, 0xA9), (0xB0, 0xD7)], "big5": [(0xA1, 0xC6)], "cp950": [(0xA1, 0xC6)],
          "cp932": [(0x81, 0x98)], "euc_jp": [(0xA1, 0xA8), (0xB0, 0xCF)], "cp949": [(0xA1, 0xAC), (0xB0, 0xC8)]}
TRAIL_FROM = {"gb18030": 0xA1, "cp949": 0xA1}


def oddness(text: str, codec: str) -> float:
    """The share of characters outside ASCII that stand where nobody writes them, from 0 to 1; `codec` as Python names
    it.
    """
    if CONTROL.search(text) or any(unicodedata.category(letter) in NEVER for letter in set(text)):
        return 1.0
    odd = total = 0
    for count, word in enumerate(WORD.finditer(text)):
        if count == MOST_WORDS:
            break
        found = list(_odd_ones(word.group(), codec))
        odd, total = odd + sum(found), total + len(found)
    return odd / total if total else 0.0


def _odd_ones(word: str, codec: str) -> Iterator[bool]:
    """For each character outside ASCII of a word whether it is odd."""
    lower = False                        # whether a small letter stands before, with letters alone between
    lonely = {at for run in ACCENTED.finditer(word) if _lonely(word, *run.span()) for at in range(*run.span())}
    for at, (before, letter, after) in enumerate(zip(f" {word}", word, f"{word[1:]} ", strict=False)):
        if letter > "\x7f":
            yield at in lonely or _odd(before, letter, after) or (lower and letter.isupper()) or (
                codec in COMMON and not _common(letter, codec))
        lower = letter.isalpha() and (lower or letter.islower())


def _lonely(word: str, start: int, end: int) -> bool:
    """Whether a run of letters with accents is longer than words have them, or stands without a plain letter."""
    around = word[start - 1:start] + word[end:end + 1]
    return end - start > MOST_ACCENTS or (end - start > 1 and not any(one.isalpha() for one in around))


def _odd(before: str, letter: str, after: str) -> bool:
    """Whether a character does not belong between its neighbours."""
    own = _script(letter)
    if ord(letter) in DRAWN:
        return True
    if own == EAST:
        return _script(before) == _script(after) == "latin"
    if unicodedata.category(letter)[0] not in "LM":
        close = before.isalpha() and after.isalpha()
        return letter not in APOSTROPHES and (close or (" " not in (before, after) and not (before + after).isascii()))
    scripts = [_script(neighbour) for neighbour in (before, after) if neighbour.isalpha()]
    return any(script != own for script in scripts)


@cache
def _script(letter: str) -> str:
    """Latin, Greek, Cyrillic and so on; all of East Asia with its punctuation is one."""
    name = unicodedata.name(letter, "").split(" ")[0].lower()
    wide = "\u3000" <= letter <= "\u303f" or "\uff00" <= letter <= "\uff60"
    return EAST if wide or name in ("cjk", "hiragana", "katakana", "hangul", "katakana-hiragana") else name


@cache
def _common(letter: str, codec: str) -> bool:
    """Whether a codec of two bytes a character holds it among the characters that people write."""
    coded = letter.encode(codec)
    return len(coded) == 2 and coded[1] >= TRAIL_FROM.get(codec, 0) and any(
        first <= coded[0] <= last for first, last in COMMON[codec])
