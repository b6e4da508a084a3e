"""The content of a `wordpiece` asset and texts enter; token ids leave: the longest piece first (Chinese-CLIP).

Equal to cn_clip 1.6.0's own tokenizer, on Unicode 14.0.
"""

from dataclasses import dataclass

import numpy as np

from export.text.cleaning import Cleaner, cleaner
from export.text.frame import TokenFrame, frame, number
from export.text.tables import character_set
from export.text.vocabulary import Vocabulary, vocabulary


@dataclass(frozen=True)
class WordPieceTokenizer:
    """Turns texts into token ids (export.text.tokenizer.TextTokenizer). `export.text.tokenizer.load` creates it."""

    cleaner: Cleaner
    vocabulary: Vocabulary
    frame: TokenFrame
    unknown_token: int
    inner_prefix: bytes                  # stands in front of a piece that does not begin a word
    longest_word: int                    # characters; a longer word is unknown
    breaks: frozenset[str]               # characters between words

    @property
    def context_length(self) -> int:
        """How many ids `encode` returns."""
        return self.frame.context_length

    def encode(self, text: str) -> np.ndarray:
        """int32 [context_length]: start, the tokens, end, padding."""
        tokens: list[int] = []
        cleaned = self.cleaner.cleaned(text)
        for word in "".join(" " if character in self.breaks else character for character in cleaned).split(" "):
            if word:
                tokens += self._pieces(word)
            if len(tokens) >= self.frame.room:
                break
        return self.frame.ids(tokens)

    def _pieces(self, word: str) -> list[int]:
        """The longest piece at each place; the unknown token alone if there is a place without a piece."""
        if len(word) > self.longest_word:
            return [self.unknown_token]
        tokens: list[int] = []
        rest, inner = word.encode(), 0
        while len(rest) > inner:
            token, length = max(self.vocabulary.prefixes(rest), key=lambda found: found[1], default=(0, 0))
            if length <= inner:
                return [self.unknown_token]
            tokens.append(token)
            rest, inner = self.inner_prefix + rest[length:], len(self.inner_prefix)
        return tokens


def read(metadata: dict[str, str], tensors: dict[str, np.ndarray]) -> WordPieceTokenizer:
    """The tokenizer of an opened asset. Raises KeyError for a missing part, ValueError for a damaged one."""
    known = vocabulary(tensors)
    return WordPieceTokenizer(
        cleaner=cleaner(metadata, tensors), vocabulary=known, frame=frame(metadata, known),
        unknown_token=number(metadata, "unknown_token"), inner_prefix=metadata["inner_prefix"].encode(),
        longest_word=number(metadata, "longest_word"), breaks=character_set(tensors, "breaks"))
