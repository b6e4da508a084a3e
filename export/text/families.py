"""One row per tokenizer family: the modules that read and write its asset. The asset names its family."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.common.specs import TextSpec


@dataclass(frozen=True)
class Family:
    """One way to turn texts into token ids."""

    name: str
    title: str                               # for people, and for the artefacts' own description
    reader: str                              # the module whose `read(metadata, tensors)` returns a TextTokenizer
    writer: str                              # the module whose `write_asset(path, context_length)` writes the asset,
                                             # and `reference_ids(texts, context_length)` calls the reference library


FIRST = "clip-bpe"                           # of assets of version 1, which do not name their family
FAMILIES: Mapping[str, Family] = {row.name: row for row in (
    Family(FIRST, "CLIP's tokenizer", "export.text.clip_bpe", "export.text.assets.clip_bpe_asset"),
)}


def write_asset(text: TextSpec, path: Path) -> str:
    """Writes the asset of a model's tokenizer, whole or not at all. Returns its SHA-256 as 64 hex digits."""
    return importlib.import_module(FAMILIES[text.family].writer).write_asset(path, text.context_length)


def reference_ids(text: TextSpec, texts: Sequence[str]) -> np.ndarray:
    """Token ids by the reference library of a model's tokenizer: int32 [len(texts), context length]."""
    return importlib.import_module(FAMILIES[text.family].writer).reference_ids(texts, text.context_length)


def described(text: TextSpec) -> str:
    """What a text encoder takes, in words."""
    return f"{text.context_length} token ids of {FAMILIES[text.family].title}"
