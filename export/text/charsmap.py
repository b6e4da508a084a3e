"""A text enters; the text after a precompiled character map of sentencepiece leaves, applied as `tokenizers` does it.

The map is a double array of keys, UTF-8, each with a text. A short grapheme cluster that begins with a key is replaced
as a whole by the text of its shortest key; other clusters go character by character. Which clusters there are follows
from three sets, so no grapheme code of the platform takes part.
"""

from dataclasses import dataclass

import numpy as np

from export.text.tables import character_set, checked
from export.text.vocabulary import CONTINUATION, check_utf8

WHOLE = 6                                # bytes of UTF-8: a shorter cluster is looked up as a whole
LEAF = 1 << 31                           # of a unit that holds a value
LOW = 0xFF                               # the part of a place that a label changes


@dataclass(frozen=True)
class CharacterMap:
    """Replaces clusters and characters. FORMATS.md says how a unit is read."""

    units: list[int]
    texts: bytes                         # the values, each with a 0 at its end
    extends: frozenset[str]              # characters that continue a cluster
    prepends: frozenset[str]             # characters that the next one joins
    unmarked: frozenset[str]             # characters that are a cluster by themselves

    def applied(self, text: str) -> str:
        """The text with every cluster replaced."""
        parts, start = [], 0
        while start < len(text):
            end = self._cluster_end(text, start)
            parts.append(self._replaced(text[start:end]))
            start = end
        return "".join(parts)

    def _cluster_end(self, text: str, start: int) -> int:
        place = start
        while text[place] in self.prepends and place + 1 < len(text) and not (
                text[place + 1] in self.unmarked or text[place + 1] in self.extends):
            place += 1
        end = place + 1
        while text[place] not in self.unmarked and end < len(text) and text[end] in self.extends:
            end += 1
        return end

    def _replaced(self, cluster: str) -> str:
        whole = cluster.encode()
        if len(whole) < WHOLE and (value := self.value(whole)) is not None:
            return value
        return "".join(character if (value := self.value(character.encode())) is None else value
                       for character in cluster)

    def value(self, key: bytes) -> str | None:
        """The text of the shortest key with which `key` begins; None if there is none. A zero ends the search."""
        place = _child(0, self.units[0])
        for byte in key:
            place ^= byte
            unit = self.units[place]
            if byte == 0 or unit & (LEAF | LOW) != byte:
                return None
            place = _child(place, unit)
            if unit >> 8 & 1:
                start = self.units[place] & (LEAF - 1)
                return self.texts[start:self.texts.index(b"\0", start)].decode()
        return None


def _child(place: int, unit: int) -> int:
    """Where the children of a node begin: a child is at this place xor its label; the value is at the place itself."""
    return place ^ (unit >> 10) << ((unit & 1 << 9) >> 6)


def character_map(tensors: dict[str, np.ndarray]) -> CharacterMap:
    """The map of an opened asset. Raises KeyError for a missing part, ValueError if a walk could leave the tensors."""
    units = checked(tensors, "charsmap_units", "U32", (None,)).astype(np.int64)
    text = checked(tensors, "charsmap_text", "U8", (None,))
    leaves = units >= LEAF
    places = np.arange(len(units)) ^ (units >> 10) << ((units & 1 << 9) >> 6)
    if not len(units) or leaves[0] or (places[~leaves] | LOW).max() >= len(units):
        raise ValueError("charsmap_units leads out of its units")
    if not leaves[places[~leaves & (units >> 8 & 1 == 1)]].all():
        raise ValueError("charsmap_units leads to a value that is none")
    values = units[leaves] & (LEAF - 1)
    if not len(text) or text[-1] != 0 or values.max(initial=0) >= len(text):
        raise ValueError("charsmap_text does not hold every value with its end")
    check_utf8(text.tobytes(), "charsmap_text")
    if (text[values] & 0xC0 == CONTINUATION).any():
        raise ValueError("charsmap_text has a value that begins inside a character")
    return CharacterMap(units.tolist(), text.tobytes(), *(character_set(tensors, name) for name in (
        "extends", "prepends", "unmarked")))
