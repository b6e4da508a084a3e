"""Tokens of a text enter; the row of ids that an encoder takes leaves: start, tokens, end, padding on the right."""

from dataclasses import dataclass

import numpy as np

from export.text.vocabulary import Vocabulary, refuse_beyond


@dataclass(frozen=True)
class Frame:
    """The special tokens and the length of a row; every family of version 2 has one."""

    context_length: int
    start_token: int | None              # None: the family has none
    end_token: int
    pad_token: int

    @property
    def room(self) -> int:
        """How many tokens of a text a row holds."""
        return self.context_length - 1 - (self.start_token is not None)

    def ids(self, tokens: list[int]) -> np.ndarray:
        """int32 [context_length]. Cuts too many tokens, but keeps the end token."""
        row = np.full(self.context_length, self.pad_token, np.int32)
        framed = [*([] if self.start_token is None else [self.start_token]), *tokens[:self.room], self.end_token]
        row[:len(framed)] = framed
        return row


def frame(metadata: dict[str, str], known: Vocabulary) -> Frame:
    """The frame of an opened asset. Raises KeyError for a missing part, ValueError for one that cannot be."""
    names = ("start_token", "end_token", "pad_token", "unknown_token")
    tokens = {name: number(metadata, name) for name in names if name != "start_token" or metadata[name]}
    for name, token in tokens.items():
        refuse_beyond([token], known, name)
    made = Frame(number(metadata, "context_length"), tokens.get("start_token"), tokens["end_token"],
                 tokens["pad_token"])
    if made.room < 1:
        raise ValueError(f"context_length {made.context_length} has no room for a token")
    return made


def number(metadata: dict[str, str], key: str) -> int:
    """A whole number of the metadata. Raises ValueError for anything but ASCII digits."""
    if not (metadata[key].isascii() and metadata[key].isdigit() and len(metadata[key]) < 10):
        raise ValueError(f"{metadata[key][:40]!r} for {key}")
    return int(metadata[key])
