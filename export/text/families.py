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
    writer: str                              # the module whose `write_asset(path)` writes the asset, and whose
                                             # `reference_ids(texts)` calls the family's reference library


FIRST = "clip-bpe"                           # of assets of version 1, which do not name their family
FAMILIES: Mapping[str, Family] = {row.name: row for row in (
    Family(FIRST, "CLIP's tokenizer", "export.text.clip_bpe", "export.text.assets.clip_bpe_asset"),
)}


def write_asset(family: str, path: Path) -> str:
    """Writes a family's asset, whole or not at all. Returns its SHA-256 as 64 hex digits."""
    return importlib.import_module(FAMILIES[family].writer).write_asset(path)


def reference_ids(family: str, texts: Sequence[str]) -> np.ndarray:
    """Token ids by the family's reference library: int32 [len(texts), context length]."""
    return importlib.import_module(FAMILIES[family].writer).reference_ids(texts)


def described(text: TextSpec) -> str:
    """What a text encoder takes, in words."""
    return f"{text.context_length} token ids of {FAMILIES[text.family].title}"
