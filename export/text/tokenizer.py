"""A tokenizer asset enters; the tokenizer of its family leaves, which turns texts into token ids.

    >>> tokenizer = load(Path("dist/demo/tokenizer.safetensors"))
    >>> ids = tokenizer.encode("a red apple")                # int32 [tokenizer.context_length]
    >>> ids[:6].tolist(), ids.shape
    ([49406, 320, 736, 3055, 49407, 0], (77,))
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from export.common.container import read_container
from export.common.errors import InputError
from export.text.families import FAMILIES, FIRST

FORMAT, VERSIONS = "mobileclip-tokenizer", ("1", "2")
REMEDY = "write the asset anew by exporting again"


class TextTokenizer(Protocol):
    """What the tokenizer of every family offers; the twins in Kotlin and Swift have the same two members."""

    context_length: int

    def encode(self, text: str) -> np.ndarray:
        """The token ids of a text: int32 [context_length]."""


def load(path: Path) -> TextTokenizer:
    """Reads an asset. Raises InputError if it is missing, damaged, of another format, version or family."""
    metadata, tensors = read_container(path, REMEDY)
    format_, version = metadata.get("format"), metadata.get("version")
    if format_ != FORMAT or version not in VERSIONS:
        raise InputError("not a tokenizer asset that this program knows", where=path, remedy=REMEDY,
                         expected=f"{FORMAT} version {' or '.join(VERSIONS)}", found=f"{format_} version {version}")
    name = FIRST if version == "1" else metadata.get("family", "none")
    if name not in FAMILIES:
        raise InputError("a tokenizer family that this program does not know", where=path, found=name, remedy=REMEDY,
                         expected=", ".join(FAMILIES))
    try:
        return importlib.import_module(FAMILIES[name].reader).read(metadata, tensors)
    except KeyError as error:
        raise InputError("the tokenizer asset lacks a part", where=path, expected=error.args[0],
                         remedy=REMEDY) from None
    except (ValueError, OverflowError) as error:
        raise InputError("the tokenizer asset is damaged", where=path, found=error, remedy=REMEDY) from None


def encode_all(tokenizer: TextTokenizer, texts: Sequence[str]) -> np.ndarray:
    """The token ids of several texts: int32 [len(texts), context_length]."""
    rows = [tokenizer.encode(text) for text in texts]
    return np.stack(rows) if rows else np.empty((0, tokenizer.context_length), np.int32)
