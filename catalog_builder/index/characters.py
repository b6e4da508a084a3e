"""A text and a catalog's tables of characters enter; its words, folded, leave. No platform's Unicode takes part.

FORMATS.md has the rules: "Words and keys". The tables are `character_tables`'s, as the catalog holds them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from catalog_builder.index.character_tables import KIND_SHIFT, ONE, PAIRS, SHIFTED, TEXT, WORD

TENSORS = ("word_folds", "word_fold_texts", "word_letters")
LAST_CODE = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)
CODE = (1 << KIND_SHIFT) - 1                 # of a run's value: the character, or the place of the text
LEADS, VOWELS, TAILS = (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2)              # of Hangul's syllables
SYLLABLES, OF_A_LEAD, OF_A_VOWEL = (0xAC00, 0xD7A3), 588, 28
JAMO = re.compile("[\u1161-\u1175\u11a8-\u11c2]")
BARCODE = re.compile("[0-9]{8}|[0-9]{12,14}")            # GTIN-8, 12, 13, 14
BARCODE_DIGITS = 14


@dataclass(frozen=True)
class LetterRun:
    """A folded run of letters of one kind: a word, or a run of a script without spaces."""

    text: str
    by_pairs: bool

    @property
    def terms(self) -> list[str]:
        """What the run is found by: the word; or each pair of neighbours, and the last character alone."""
        return [*map("".join, pairwise(self.text)), self.text[-1]] if self.by_pairs else [self.text]


@dataclass(frozen=True, eq=False)
class Characters:
    """The tables of a catalog: uint32 arrays, whose structure `check` has found right."""

    folds: np.ndarray                        # [n, 3]: first, last, what they become
    fold_texts: np.ndarray                   # [bytes]: each a length, then the characters
    letters: np.ndarray                      # [m, 3]: first, last, WORD or PAIRS

    @staticmethod
    def of(tensors: Mapping[str, np.ndarray]) -> "Characters":
        """Of a catalog's tensors. Raises ValueError for tables that do not hold what they should."""
        for name in ("word_folds", "word_letters"):
            if tensors[name].size % 3:
                raise ValueError(f"{name} that are no runs")
        made = Characters(tensors["word_folds"].reshape(-1, 3), tensors["word_fold_texts"],
                          tensors["word_letters"].reshape(-1, 3))
        made.check()
        return made

    def tensors(self) -> dict[str, np.ndarray]:
        """As a catalog holds them."""
        return dict(zip(TENSORS, (self.folds.ravel(), self.fold_texts, self.letters.ravel()), strict=True))

    def check(self) -> None:
        """Raises ValueError for runs that do not rise, or that lead to what is no character."""
        for name, runs in (("word_folds", self.folds), ("word_letters", self.letters)):
            ends = runs[:, :2].astype(np.int64).ravel()
            if len(ends) and (ends[-1] > LAST_CODE or (ends[1::2] < ends[::2]).any()
                              or (ends[2::2] <= ends[1:-1:2]).any()):
                raise ValueError(f"{name} that do not rise")
        if not np.isin(self.letters[:, 2], (WORD, PAIRS)).all():
            raise ValueError("word_letters of an unknown kind")
        for first, last, value in self.folds.tolist():
            self._check_fold(first, last, value >> KIND_SHIFT, value & CODE)

    def _check_fold(self, first: int, last: int, kind: int, to: int) -> None:
        if kind == TEXT:
            count = int(self.fold_texts[to]) if to < len(self.fold_texts) else len(self.fold_texts)
            wrong = to + count >= len(self.fold_texts) or any(
                _is_none(int(one)) for one in self.fold_texts[to + 1:to + 1 + count])
        else:
            end = to + (last - first if kind == SHIFTED else 0)
            wrong = (kind not in (ONE, SHIFTED) or end > LAST_CODE
                     or to <= SURROGATES[1] and end >= SURROGATES[0])
        if wrong:
            raise ValueError("word_folds that lead to what is no character")

    def runs(self, text: str) -> list[LetterRun]:
        """The words of a text, in their order."""
        folded = text.translate(self._folding)
        if JAMO.search(folded):
            folded = composed(folded)
        return [LetterRun(found[0], found.lastindex == PAIRS) for found in self._letters.finditer(folded)]

    def key(self, text: str) -> str:
        """A text as one key: its runs without what is between them; a barcode of 14 digits. "" if it has no letter."""
        joined = "".join(run.text for run in self.runs(text))
        return joined.zfill(BARCODE_DIGITS) if BARCODE.fullmatch(joined) else joined

    @cached_property
    def _folding(self) -> "_Folding":
        return _Folding(self)

    @cached_property
    def _letters(self) -> re.Pattern:
        return re.compile("|".join(f"({self._of_kind(kind)}+)" for kind in (WORD, PAIRS)))

    def _of_kind(self, kind: int) -> str:
        runs = self.letters[self.letters[:, 2] == kind, :2].tolist()
        return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in runs) + "]" if runs else "(?!)"


class _Folding(dict[int, str]):
    """What each character becomes, for str.translate; found when it is first asked for."""

    def __init__(self, tables: Characters):
        super().__init__()
        self._tables = tables
        self._firsts = tables.folds[:, 0]

    def __missing__(self, code: int) -> str:
        at = int(np.searchsorted(self._firsts, code, side="right")) - 1
        made = chr(code)
        if at >= 0 and code <= self._tables.folds[at, 1]:
            first, _, value = self._tables.folds[at].tolist()
            kind, to = value >> KIND_SHIFT, value & CODE
            if kind == TEXT:
                count = int(self._tables.fold_texts[to])
                made = "".join(map(chr, self._tables.fold_texts[to + 1:to + 1 + count].tolist()))
            else:
                made = chr(to + (code - first if kind == SHIFTED else 0))
        self[code] = made
        return made


def composed(text: str) -> str:
    """A text with Hangul's single letters made into syllables, by arithmetic."""
    made: list[int] = []
    for code in map(ord, text):
        before = made[-1] if made else 0
        if _in(before, LEADS) and _in(code, VOWELS):
            made[-1] = SYLLABLES[0] + (before - LEADS[0]) * OF_A_LEAD + (code - VOWELS[0]) * OF_A_VOWEL
        elif _in(before, SYLLABLES) and (before - SYLLABLES[0]) % OF_A_VOWEL == 0 and _in(code, TAILS):
            made[-1] = before + code - TAILS[0] + 1
        else:
            made.append(code)
    return "".join(map(chr, made))


def _in(code: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= code <= bounds[1]


def _is_none(code: int) -> bool:
    return code > LAST_CODE or _in(code, SURROGATES)
