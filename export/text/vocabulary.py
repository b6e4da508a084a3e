"""Pieces of a vocabulary enter; the ids of those that begin at a place of a text leave, by binary search.

One class serves every family of assets of version 2. It builds no map: `piece_order` lists the pieces that can match in
the order of their bytes, and a range of it is narrowed byte by byte.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from export.text.tables import checked

CONTINUATION = 0x80                      # of a byte & 0xC0 inside a character of UTF-8
SHORTER = -1                             # the byte behind the end of a piece: less than every byte


@dataclass(frozen=True)
class Vocabulary:
    """The pieces, UTF-8, in the order of ids, and which of them can match."""

    pieces: bytes
    offsets: list[int]                   # piece i is pieces[offsets[i]:offsets[i + 1]]
    order: list[int]                     # ids of the pieces that can match, strictly ascending by their bytes

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def piece(self, token: int) -> bytes:
        """The bytes of a piece."""
        return self.pieces[self.offsets[token]:self.offsets[token + 1]]

    def find(self, wanted: bytes) -> int | None:
        """The id of the piece with these bytes, if it can match."""
        place = bisect_left(self.order, wanted, key=self.piece)
        return self.order[place] if place < len(self.order) and self.piece(self.order[place]) == wanted else None

    def prefixes(self, text: bytes, start: int = 0) -> Iterator[tuple[int, int]]:
        """Id and length in bytes of every piece that begins at `start`, the shortest first."""
        low, high = 0, len(self.order)
        for depth, byte in enumerate(memoryview(text)[start:]):
            low = self._first(byte, depth, low, high)
            high = self._first(byte + 1, depth, low, high)
            if low == high:
                return
            token = self.order[low]      # the shortest of the range comes first
            if self.offsets[token + 1] - self.offsets[token] == depth + 1:
                yield token, depth + 1

    def _first(self, byte: int, depth: int, low: int, high: int) -> int:
        """The first place of a range, whose pieces agree up to `depth`, where the next byte is not below `byte`."""
        return bisect_left(self.order, byte, low, high, key=lambda token: self._byte(token, depth))

    def _byte(self, token: int, depth: int) -> int:
        place = self.offsets[token] + depth
        return self.pieces[place] if place < self.offsets[token + 1] else SHORTER


def vocabulary(tensors: dict[str, np.ndarray]) -> Vocabulary:
    """The vocabulary of an opened asset. Raises KeyError for a missing part, ValueError for a damaged one."""
    pieces = checked(tensors, "pieces", "U8", (None,)).tobytes()
    offsets = checked(tensors, "piece_offsets", "U32", (None,)).tolist()
    if not offsets or offsets[0] != 0 or offsets[-1] != len(pieces) or sorted(offsets) != offsets:
        raise ValueError(f"piece_offsets do not rise from 0 to the {len(pieces)} bytes of pieces")
    check_utf8(pieces, "pieces")
    if any(pieces[place] & 0xC0 == CONTINUATION for place in offsets if place < len(pieces)):
        raise ValueError("piece_offsets has a piece that begins inside a character")
    known = Vocabulary(pieces, offsets, checked(tensors, "piece_order", "U32", (None,)).tolist())
    refuse_beyond(known.order, known, "piece_order")
    before = b""                         # so an empty piece is refused, too
    for token in known.order:
        if not before < known.piece(token):
            raise ValueError(f"piece_order is not in the order of the pieces' bytes at id {token}")
        before = known.piece(token)
    return known


def check_utf8(content: bytes, name: str) -> None:
    """Raises ValueError for what is no UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no UTF-8 at byte {error.start}") from None


def refuse_beyond(tokens: list[int], known: Vocabulary, name: str) -> None:
    """Raises ValueError for a token id that the vocabulary lacks."""
    if worst := max((token for token in tokens if not 0 <= token < len(known)), default=None):
        raise ValueError(f"{name} names token {worst} of {len(known)}")
