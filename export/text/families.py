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
    writer: str                              # the module whose `write_asset(path, text, vocabulary)` writes the asset,
                                             # and `reference_ids(texts, text, vocabulary)` calls the reference library
    vocabulary: str | None = None            # the file in a model's repository that holds its vocabulary; None: the
                                             # reference library has it
    prunes: bool = False                     # whether export/text/assets/pruning.py can leave tokens out


FIRST = "clip-bpe"                           # of assets of version 1, which do not name their family
FAMILIES: Mapping[str, Family] = {row.name: row for row in (
    Family(FIRST, "CLIP's tokenizer", "export.text.clip_bpe", "export.text.assets.clip_bpe_asset"),
    Family("unigram", "a Unigram tokenizer", "export.text.unigram", "export.text.assets.unigram_asset",
           "tokenizer.json", prunes=True),
    Family("gemma-bpe", "Gemma's tokenizer", "export.text.gemma_bpe", "export.text.assets.gemma_bpe_asset",
           "tokenizer.json", prunes=True),
    Family("wordpiece", "a WordPiece tokenizer", "export.text.wordpiece", "export.text.assets.wordpiece_asset",
           "vocab.txt", prunes=True),
)}


def write_asset(text: TextSpec, path: Path, vocabulary: Path | None = None) -> str:
    """Writes the asset of a model's tokenizer, whole or not at all. Returns its SHA-256 as 64 hex digits.

    `vocabulary`: the file that `Family.vocabulary` names, where it names one.
    """
    return importlib.import_module(FAMILIES[text.family].writer).write_asset(path, text, vocabulary)


def reference_ids(text: TextSpec, texts: Sequence[str], vocabulary: Path | None = None) -> np.ndarray:
    """Token ids by the reference library of a model's tokenizer: int32 [len(texts), context length]."""
    return importlib.import_module(FAMILIES[text.family].writer).reference_ids(texts, text, vocabulary)


def described(text: TextSpec) -> str:
    """What a text encoder takes, in words."""
    return f"{text.context_length} token ids of {FAMILIES[text.family].title}"
