"""The steps that an asset of version 2 names enter; what cleans a text in their order leaves.

Every step reads tables of the asset alone. Steps of CLIP's cleaning are those of `export.text.clean`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from export.text import clean, entities
from export.text.charsmap import CharacterMap, character_map
from export.text.tables import TextTables, character_set, text_tables

Step = Callable[[str, TextTables], str]

# What each step does with CLIP's tables, and which of them it reads.
BY_TABLES: Mapping[str, tuple[Step, frozenset[str]]] = MappingProxyType({
    "fix": (clean.fix_text, frozenset({"fold", "removed", "decimals", "decompositions", "combining", "compositions",
                                       "charrefs", "html", "html_shouted"})),
    "unhtml": (entities.unescape_html_leniently, frozenset({"charrefs", "html"})),
    "spaces": (clean.fold_white_space, frozenset({"spaces"})),
    "lower": (clean.lower, frozenset({"lower", "cased", "case_ignorable"})),
    "decompose": (clean.decompose, frozenset({"decompositions", "combining"})),
})
# The set of characters that each of the other steps reads; they go, or get a space on both sides.
DROPPED: Mapping[str, str] = MappingProxyType({"strike": "struck", "drop": "dropped", "unmark": "marks"})
ISOLATED: Mapping[str, str] = MappingProxyType({"isolate": "isolated", "punctuate": "punctuation"})
MAP = "map"
STEPS = (*BY_TABLES, *DROPPED, *ISOLATED, MAP)
SPACED = "_"                             # becomes a space in the step "strike"


@dataclass(frozen=True)
class Cleaner:
    """Cleans a text by the steps of an asset."""

    steps: tuple[str, ...]
    tables: TextTables
    replacements: Mapping[str, dict[int, str]]   # of a step in DROPPED or ISOLATED, for str.translate
    map: CharacterMap | None                     # None: no step needs it

    def cleaned(self, text: str) -> str:
        """The text after every step. A surrogate without its pair is U+FFFD before the first."""
        text = clean.join_surrogates(text)
        for step in self.steps:
            if step in BY_TABLES:
                text = BY_TABLES[step][0](text, self.tables)
            elif step in self.replacements:
                text = text.translate(self.replacements[step])
            elif self.map is not None:
                text = self.map.applied(text)
        return text


def cleaner(metadata: dict[str, str], tensors: dict[str, np.ndarray]) -> Cleaner:
    """What an opened asset's steps do. Raises KeyError for a missing part, ValueError for a damaged or unknown one."""
    steps = tuple(metadata["steps"].split(" ")) if metadata["steps"] else ()
    for step in steps:
        if step not in STEPS:
            raise ValueError(f"steps with {step[:40]!r}, none of {', '.join(STEPS)}")
    needed = frozenset(name for step in steps if step in BY_TABLES for name in BY_TABLES[step][1])
    replacements = {step: _replacements(step, tensors) for step in steps if step in DROPPED or step in ISOLATED}
    return Cleaner(steps, text_tables(tensors, needed), replacements, character_map(tensors) if MAP in steps else None)


def _replacements(step: str, tensors: dict[str, np.ndarray]) -> dict[int, str]:
    if step in ISOLATED:
        return {ord(character): f" {character} " for character in character_set(tensors, ISOLATED[step])}
    gone = dict.fromkeys(map(ord, character_set(tensors, DROPPED[step])), "")
    return gone | {ord(SPACED): " "} if step == "strike" else gone
