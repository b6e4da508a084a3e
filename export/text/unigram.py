"""The content of a `unigram` asset and texts enter; the ids of the most probable pieces leave (SigLIP, XLM-R).

Equal to the `tokenizers` library's for every text but those that FORMATS.md names. Works on UTF-8 bytes and float64
sums alone.
"""

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from export.text.cleaning import Cleaner, cleaner
from export.text.frame import TokenFrame, frame, number
from export.text.tables import character_set, checked
from export.text.vocabulary import Vocabulary, vocabulary


@dataclass(frozen=True)
class UnigramTokenizer:
    """Turns texts into token ids (export.text.tokenizer.TextTokenizer). `export.text.tokenizer.load` creates it."""

    cleaner: Cleaner
    vocabulary: Vocabulary
    frame: TokenFrame
    scores: list[float]
    unknown_token: int
    unknown_score: float
    space_mark: str                      # stands in front of each word
    breaks: frozenset[str]               # characters between words

    @property
    def context_length(self) -> int:
        """How many ids `encode` returns."""
        return self.frame.context_length

    def encode(self, text: str) -> np.ndarray:
        """int32 [context_length]: start if there is one, the tokens, end, padding."""
        tokens: list[int] = []
        for word in self.words(self.cleaner.cleaned(text)):
            tokens += self._best(word)
            if len(tokens) >= self.frame.room:
                break
        return self.frame.ids(tokens)

    def words(self, text: str) -> list[bytes]:
        """A cleaned text cut at `breaks`, each word with the mark in front, and cut before each mark in it."""
        words = []
        spaced = "".join(" " if character in self.breaks else character for character in text)
        for word in spaced.split(" "):
            if word:
                first, *others = word.split(self.space_mark)
                words += [self.space_mark + part for part in ([first] if first else []) + others]
        return [word.encode() for word in words]

    def _best(self, word: bytes) -> list[int]:
        """The pieces whose scores have the largest sum, the first found of equal sums. Unknown neighbours are one."""
        sums = [0.0, *[-inf] * len(word)]                        # of the best pieces that end at each byte
        last = [(0, self.unknown_token)] * (len(word) + 1)       # where the last of them starts, and its id
        start = 0
        while start < len(word):
            width, single = _width(word[start]), False
            for token, length in self.vocabulary.prefixes(word, start):
                _offer(sums, last, start, start + length, self.scores[token], token)
                single |= length == width
            if not single:
                _offer(sums, last, start, start + width, self.unknown_score, self.unknown_token)
            start += width
        return self._traced(last)

    def _traced(self, last: list[tuple[int, int]]) -> list[int]:
        """The pieces from the end to the start of a word, put in order."""
        tokens: list[int] = []
        end = len(last) - 1
        while end > 0:
            end, token = last[end]
            if not (token == self.unknown_token and tokens and tokens[-1] == token):
                tokens.append(token)
        return tokens[::-1]


def _offer(sums: list[float], last: list[tuple[int, int]], start: int, end: int, score: float, token: int) -> None:
    """Keeps a piece if the sum with it is larger than that kept for its end."""
    if sums[start] + score > sums[end]:
        sums[end], last[end] = sums[start] + score, (start, token)


def _width(first: int) -> int:
    """How many bytes the character has whose first byte of UTF-8 this is."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


def read(metadata: dict[str, str], tensors: dict[str, np.ndarray]) -> UnigramTokenizer:
    """The tokenizer of an opened asset. Raises KeyError for a missing part, ValueError for a damaged one."""
    known = vocabulary(tensors)
    scores, unknown_score = checked(tensors, "scores", "F32", (len(known),)), metadata["unknown_score"]
    if not np.isfinite(scores).all():
        raise ValueError("scores has one that is no finite number")
    if not isfinite(float(unknown_score)):
        raise ValueError(f"unknown_score is {unknown_score[:40]!r}")
    if len(metadata["space_mark"]) != 1:
        raise ValueError(f"{metadata['space_mark'][:40]!r} for space_mark")
    return UnigramTokenizer(
        cleaner=cleaner(metadata, tensors), vocabulary=known, frame=frame(metadata, known), scores=scores.tolist(),
        unknown_token=number(metadata, "unknown_token"), unknown_score=float(unknown_score),
        space_mark=metadata["space_mark"], breaks=character_set(tensors, "breaks"))
