"""A `tokenizer.json`, as the hub's repositories have it, enters as data; the vocabulary and the reference leave.

The reference is the `tokenizers` library on the same file, after open_clip's own cleaning.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from export.common.errors import InputError
from export.common.specs import TextSpec

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAME = "tokenizer.json"
REMEDY = "take the tokenizer.json of the model's repository"
PRECOMPILED = "Precompiled"
# What transformers' converter puts behind a character map; words are the same with and without.
SPACES_ONLY = ({"type": "Strip", "strip_left": False, "strip_right": True},
               {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"},
               {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})


def opened(path: Path | None, kind: str) -> dict[str, Any]:
    """The content of a tokenizer.json whose model is a `kind`. Raises InputError for anything else."""
    if path is None:
        raise InputError("no vocabulary for the tokenizer", expected=NAME, remedy=REMEDY)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found, added = content["model"]["type"], content.get("added_tokens")
        if not isinstance(added, list) or not all(isinstance(one["content"], str) for one in added):
            raise ValueError("added_tokens is no list of tokens")
    except OSError as error:
        raise InputError("the vocabulary cannot be read", where=path, found=error.strerror, remedy=REMEDY) from None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("not a tokenizer.json", where=path, found=f"{type(error).__name__}: {error}",
                         remedy=REMEDY) from None
    if found != kind:
        raise InputError("the vocabulary is of another kind", where=path, expected=kind, found=found, remedy=REMEDY)
    return content


def specials(content: Mapping[str, Any]) -> set[str]:
    """The texts of the special tokens: no typed text becomes one of them."""
    return {one["content"] for one in content["added_tokens"] if one.get("special")}


def charsmap(content: Mapping[str, Any], path: Path | None) -> bytes:
    """sentencepiece's precompiled character map. Raises InputError if the file normalises in another way, or not."""
    given = content.get("normalizer") or {}
    parts = given.get("normalizers", [given]) if isinstance(given, dict) else []
    maps = [part for part in parts if part.get("type") == PRECOMPILED]
    if len(maps) != 1 or not all(part in maps or part in SPACES_ONLY for part in parts):
        raise InputError("the tokenizer normalises otherwise than sentencepiece's", where=path,
                         expected="one character map", found=[part.get("type") for part in parts], remedy=REMEDY)
    return base64.b64decode(maps[0]["precompiled_charsmap"])


def reference_rows(reference: "Tokenizer", texts: Sequence[str], text: TextSpec) -> np.ndarray:
    """int32 [len(texts), context_length]: open_clip's cleaning, the library's tokens, in a frame, pads on the right."""
    from open_clip.tokenizer import get_clean_fn

    clean = get_clean_fn("canonicalize" if "strike" in text.steps else "whitespace")
    room = text.context_length - len(text.framed([]))
    rows = np.full((len(texts), text.context_length), text.pad_token, np.int32)
    for row, typed in zip(rows, texts, strict=True):
        framed = text.framed(reference.encode(clean(typed), add_special_tokens=False).ids[:room])
        row[:len(framed)] = framed
    return rows
