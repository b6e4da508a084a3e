"""What the assets of version 2 share: pieces and steps of a family enter; the bytes of a file leave, and its digest."""

import hashlib
import string
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from export.common.container import container_bytes
from export.common.errors import InputError
from export.common.files import whole
from export.common.specs import TextSpec
from export.text.assets.unicode_tables import (
    CODE_POINTS,
    UNICODE,
    casing_tables,
    cleaning_tables,
    html_tables,
    normalising_tables,
    old,
    ranges,
)
from export.text.cleaning import BY_TABLES, DROPPED, ISOLATED, SPACED
from export.text.tokenizer import FORMAT

VERSION = "2"
SPACE_MARK = "\u2581"                    # sentencepiece's sign for a space
SUFFIXES = ("", "_keys", "_offsets", "_values", "_names", "_name_offsets")       # of the tensors of one table
KEPT_CONTROLS = "\t\n\r"                 # become spaces in cn_clip's tokenizer, which drops all other controls
HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
       (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F))     # BasicTokenizer._is_chinese_char of cn_clip


def write(path: Path, content: bytes) -> str:
    """Writes an asset, whole or not at all. Returns its SHA-256 as 64 hex digits."""
    with whole(path) as partial:
        partial.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def asset_bytes(text: TextSpec, pieces: Sequence[bytes], usable: Iterable[int], unknown_token: int,
                metadata: Mapping[str, str], tensors: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of an asset: `pieces` in the order of ids, `usable` those that can match, and a family's own parts.

    Raises InputError if two pieces that can match are equal, or if the encoder's table has fewer rows than there are
    pieces.
    """
    if len(pieces) > text.vocabulary:
        raise InputError("the vocabulary has more tokens than the text encoder", expected=f"at most {text.vocabulary}",
                         found=len(pieces), remedy="take the vocabulary that belongs to the model")
    order = sorted(usable, key=pieces.__getitem__)
    for first, second in zip(order, order[1:], strict=False):
        if pieces[first] == pieces[second]:
            raise InputError("the vocabulary holds a piece twice", found=f"tokens {first} and {second}",
                             expected="each piece once", remedy="take the vocabulary that belongs to the model")
    common = {"format": FORMAT, "version": VERSION, "family": text.family, "steps": " ".join(text.steps),
              "context_length": str(text.context_length), "end_token": str(text.end_token),
              "start_token": "" if text.start_token is None else str(text.start_token),
              "pad_token": str(text.pad_token), "unknown_token": str(unknown_token), "unicode": UNICODE}
    own = {"pieces": np.frombuffer(b"".join(pieces), np.uint8), "piece_order": np.array(order, np.uint32),
           "piece_offsets": np.cumsum([0, *map(len, pieces)]).astype(np.uint32)}
    return container_bytes(common | dict(metadata), own | step_tensors(text.steps) | dict(tensors))


def step_tensors(steps: Sequence[str]) -> dict[str, np.ndarray]:
    """The tensors that the steps read, but for those of the character map."""
    tables = {name for step in steps if step in BY_TABLES for name in BY_TABLES[step][1]}
    needed = {name + suffix for name in tables for suffix in SUFFIXES}
    sets = {name: ranges(_members()[name]) for step in steps
            if (name := DROPPED.get(step) or ISOLATED.get(step)) is not None}
    return {name: tensor for name, tensor in _tables().items() if name in needed} | sets


@cache                                   # takes seconds
def _tables() -> dict[str, np.ndarray]:
    return cleaning_tables() | casing_tables() | normalising_tables() | html_tables()


@cache
def _members() -> dict[str, np.ndarray]:
    """Whether each code point is in the set that a step reads."""
    categories = np.array(old(unicodedata.category), dtype=object)
    struck, dropped, punctuation = np.zeros((3, CODE_POINTS), bool)
    struck[[ord(character) for character in string.punctuation if character != SPACED]] = True
    punctuation[[ord(character) for character in string.punctuation]] = True
    dropped[[0, 0xFFFD]] = True
    dropped |= np.isin(categories, ["Cc", "Cf"])
    dropped[[ord(character) for character in KEPT_CONTROLS]] = False
    punctuation |= np.isin(categories, ["Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"])
    isolated = np.zeros(CODE_POINTS, bool)
    for first, last in HAN:
        isolated[first:last + 1] = True
    return {"struck": struck, "dropped": dropped, "isolated": isolated, "marks": categories == "Mn",
            "punctuation": punctuation}


def white_space_left(dropped: bool) -> np.ndarray:
    """U32 [n, 2], the set of Python's white space; without the characters of `dropped` if a step drops them."""
    spaces = np.array(old(str.isspace), bool)
    return ranges(spaces & ~_members()["dropped"] if dropped else spaces)
