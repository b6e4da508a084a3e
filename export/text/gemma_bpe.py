"""The content of a `gemma-bpe` asset and texts enter; token ids leave: pair encoding with byte fallback (SigLIP 2).

A piece's rank is its id, so the asset holds no merges: neighbours join where their bytes together are a piece.
"""

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from export.text.cleaning import Cleaner, cleaner
from export.text.frame import Frame, frame
from export.text.tables import checked
from export.text.vocabulary import Vocabulary, refuse_beyond, vocabulary

BYTES = 256


@dataclass(frozen=True)
class GemmaTokenizer:
    """Turns texts into token ids (export.text.tokenizer.TextTokenizer). `export.text.tokenizer.load` creates it."""

    cleaner: Cleaner
    vocabulary: Vocabulary
    frame: Frame
    byte_tokens: list[int]               # the token of each byte of a character that is no piece
    space_mark: str                      # takes the place of a space

    @property
    def context_length(self) -> int:
        """How many ids `encode` returns."""
        return self.frame.context_length

    def encode(self, text: str) -> np.ndarray:
        """int32 [context_length]: start if there is one, the tokens, end, padding."""
        return self.frame.ids(self._tokens(self.cleaner.cleaned(text).replace(" ", self.space_mark)))

    def _tokens(self, text: str) -> list[int]:
        """Of a whole text: joins the neighbours that make the piece with the lowest id first, the leftmost first."""
        whole = text.encode()
        symbols = _Symbols(whole, self.vocabulary)
        for character in text:
            data = character.encode()
            token = self.vocabulary.find(data)
            if token is None:
                symbols.add_bytes([self.byte_tokens[byte] for byte in data])
            else:
                symbols.add(token, len(data))
        return symbols.joined()


class _Symbols:
    """The tokens of a text, from left to right, while neighbours are joined."""

    def __init__(self, text: bytes, known: Vocabulary):
        self.text, self.known = text, known
        self.tokens: list[int | None] = []       # None: joined into its left neighbour
        self.joins: list[bool] = []              # false for the token of a byte
        self.starts = [0]                        # and the end of the text
        self.before: list[int] = []
        self.after: list[int] = []
        self.queue: list[tuple[int, int]] = []   # id of the piece that a symbol and the next would make, the symbol

    def add(self, token: int, length: int, joins: bool = True) -> None:
        self.before.append(len(self.tokens) - 1)
        self.after.append(len(self.tokens) + 1)
        self.tokens.append(token)
        self.joins.append(joins)
        self.starts.append(self.starts[-1] + length)

    def add_bytes(self, tokens: list[int]) -> None:
        for token in tokens:
            self.add(token, 1, joins=False)

    def joined(self) -> list[int]:
        for left in range(len(self.tokens) - 1):
            self._ask(left)
        while self.queue:
            token, left = heappop(self.queue)
            if self._joint(left) != token:
                continue                         # an earlier join changed this pair
            right = self.after[left]
            self.tokens[left], self.tokens[right] = token, None
            self.after[left] = self.after[right]
            if self.after[left] < len(self.tokens):
                self.before[self.after[left]] = left
            self._ask(left)
            self._ask(self.before[left])
        return [token for token in self.tokens if token is not None]

    def _ask(self, left: int) -> None:
        token = self._joint(left)
        if token is not None:
            heappush(self.queue, (token, left))

    def _joint(self, left: int) -> int | None:
        """The piece that a symbol and its right neighbour make."""
        if left < 0 or self.tokens[left] is None or not self.joins[left]:
            return None
        right = self.after[left]
        if right == len(self.tokens) or not self.joins[right]:
            return None
        return self.known.find(self.text[self.starts[left]:self.starts[self.after[right]]])


def read(metadata: dict[str, str], tensors: dict[str, np.ndarray]) -> GemmaTokenizer:
    """The tokenizer of an opened asset. Raises KeyError for a missing part, ValueError for a damaged one."""
    known = vocabulary(tensors)
    byte_tokens = checked(tensors, "byte_tokens", "U32", (BYTES,)).tolist()
    refuse_beyond(byte_tokens, known, "byte_tokens")
    if len(metadata["space_mark"]) != 1:
        raise ValueError(f"{metadata['space_mark'][:40]!r} for space_mark")
    return GemmaTokenizer(cleaner=cleaner(metadata, tensors), vocabulary=known, frame=frame(metadata, known),
                          byte_tokens=byte_tokens, space_mark=metadata["space_mark"])
