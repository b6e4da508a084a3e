"""Writes `tokenizer.safetensors`: CLIP's vocabulary and every table that the reference's text cleaning uses.

Enters: the pinned libraries (open_clip, ftfy, regex), Python's Unicode data, and how many tokens the model takes.
Leaves: one file, the same bytes on Python 3.11 and 3.12; files for different lengths differ in that number alone.
The tables of its characters come from `unicode_tables`, which other families share.
"""

import gzip
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
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
    every_character,
    html_tables,
    normalising_tables,
    ranges,
)
from export.text.tokenizer import FORMAT

CONTRACTIONS = "'s 't 're 've 'm 'll 'd"  # open_clip.tokenizer.SimpleTokenizer.pat
START_TEXT, END_TEXT = "<start_of_text>", "<end_of_text>"
VERSION = "1"                            # has no key `family`, which would change the space of every model
MERGES = 49152 - 256 - 2                 # open_clip.tokenizer.SimpleTokenizer.__init__


def write_asset(path: Path, text: TextSpec, vocabulary: Path | None = None) -> str:
    """Write the asset, whole or not at all. Returns its SHA-256 as 64 hex digits. open_clip holds the vocabulary."""
    content = asset_bytes(text.context_length)
    with whole(path) as partial:
        partial.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def reference_ids(texts: Sequence[str], text: TextSpec, vocabulary: Path | None = None) -> np.ndarray:
    """int32 [len(texts), context_length] by open_clip's own tokenizer."""
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer(context_length=text.context_length)(list(texts)).numpy().astype(np.int32)


def asset_bytes(context_length: int) -> bytes:
    """The file's bytes, the same at every call."""
    tensors = _tensors()
    start_token = 2 * 256 + len(tensors["merges"])
    metadata = {
        "format": FORMAT, "version": VERSION, "unicode": UNICODE, "contractions": CONTRACTIONS,
        "start_text": START_TEXT, "start_token": str(start_token), "end_text": END_TEXT,
        "end_token": str(start_token + 1), "pad_token": "0", "context_length": str(context_length),
        "open_clip": version("open_clip_torch"), "ftfy": version("ftfy"), "regex": version("regex"),
    }
    return container_bytes(metadata, tensors)


@cache                                   # takes seconds
def _tensors() -> dict[str, np.ndarray]:
    tensors = {"merges": np.array(_merges(), np.uint16), "byte_ids": np.array(_byte_ids(), np.uint16)}
    return tensors | _splitting() | cleaning_tables() | casing_tables() | normalising_tables() | html_tables()


def _byte_ids() -> list[int]:
    """The token of each byte: CLIP numbers the printable bytes first."""
    from open_clip.tokenizer import bytes_to_unicode

    order = list(bytes_to_unicode())
    return [order.index(byte) for byte in range(256)]


def _merges() -> list[tuple[int, int]]:
    """Pairs of token ids in the order of their rank; merge i makes token 512 + i. Raises InputError if it does not."""
    from open_clip.tokenizer import bytes_to_unicode, default_bpe

    symbols = list(bytes_to_unicode().values())
    ids = {symbol: i for i, symbol in enumerate(symbols + [symbol + "</w>" for symbol in symbols])}
    lines = gzip.decompress(Path(default_bpe()).read_bytes()).decode().split("\n")[1:MERGES + 1]
    merges = []
    for first, second in map(str.split, lines):
        merges.append((ids[first], ids[second]))
        if ids.setdefault(first + second, len(ids)) != 511 + len(merges):
            raise InputError("open_clip's vocabulary makes one token in two ways", where=default_bpe(),
                             found=first + second, remedy="install the pinned open_clip_torch")
    return merges


def _splitting() -> dict[str, np.ndarray]:
    """The character classes of open_clip's word pattern. The pattern ignores case, so U+0345 is in no class."""
    import regex

    def runs(pattern: str) -> np.ndarray:
        matches = regex.finditer(pattern, every_character(), regex.IGNORECASE)
        return np.array([(match.start(), match.end() - 1) for match in matches], np.uint32)

    tables = {"letters": runs(r"[\p{L}]+"), "numbers": runs(r"[\p{N}]+")}
    taken = np.zeros(CODE_POINTS, bool)
    for first, last in (*tables["letters"], *tables["numbers"], *runs(r"[^\s\p{L}\p{N}]+")):
        taken[first:last + 1] = True
    same = [(match.start(), ord(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"
            for match in regex.finditer(letter, every_character(), regex.IGNORECASE)
            if match.start() > 0x7F and match[0].lower() == match[0]]
    return tables | {"separators": ranges(~taken), "ignore_case": np.array(sorted(same), np.uint32).reshape(-1, 2)}
