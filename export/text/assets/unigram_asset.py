"""Writes the asset of a Unigram model of sentencepiece (SigLIP, XLM-R), from its `tokenizer.json`.

Enters: the file as the hub has it, and the model's text side. Leaves: one file; and the reference's ids, by the
`tokenizers` library behind open_clip's HFTokenizer, with transformers' T5Tokenizer and XLMRobertaTokenizer.
"""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np

from export.common.errors import InputError
from export.common.specs import TextSpec
from export.text.assets import hub_tokenizer, version2
from export.text.assets.clusters import map_tensors
from export.text.assets.unicode_tables import CODE_POINTS, SURROGATES, ranges
from export.text.assets.version2 import SPACE_MARK

KIND = "Unigram"
PENALTY = 10.0                           # tokenizers and sentencepiece: an unknown's score is so far below the least


def write_asset(path: Path, text: TextSpec, vocabulary: Path | None) -> str:
    """Writes the asset, whole or not at all. Returns its SHA-256 as 64 hex digits.

    Raises InputError for another kind of vocabulary, and for one whose scores are no float32.
    """
    return version2.write(path, asset_bytes(text, vocabulary))


def asset_bytes(text: TextSpec, vocabulary: Path | None) -> bytes:
    """The bytes of the asset. Special tokens beyond the encoder's table are left out."""
    content = hub_tokenizer.opened(vocabulary, KIND)
    listed, unknown = content["model"]["vocab"], content["model"]["unk_id"]
    special = hub_tokenizer.specials(content)
    kept = listed[:text.vocabulary]
    if any(piece not in special for piece, _ in listed[text.vocabulary:]):
        raise InputError("the vocabulary has more tokens than the text encoder", where=vocabulary, found=len(listed),
                         expected=f"at most {text.vocabulary}", remedy=hub_tokenizer.REMEDY)
    scores = np.array([score for _, score in kept])
    if (scores.astype(np.float32) != scores).any() or content["model"].get("byte_fallback"):
        raise InputError("the vocabulary cannot be kept exactly", where=vocabulary, remedy=hub_tokenizer.REMEDY,
                         expected="scores of 32 bits, and no byte fallback")
    metadata = {"unknown_score": repr(min(score for _, score in listed) - PENALTY), "space_mark": SPACE_MARK,
                **{name: version(name) for name in ("tokenizers", "ftfy")},
                "open_clip": version("open_clip_torch")}
    tensors = {"scores": scores.astype(np.float32), "breaks": white_space(),
               **map_tensors(hub_tokenizer.charsmap(content, vocabulary))}
    usable = [token for token, (piece, _) in enumerate(kept) if piece and piece not in special and token != unknown]
    return version2.asset_bytes(text, [piece.encode() for piece, _ in kept], usable, unknown, metadata, tensors)


@cache
def white_space() -> np.ndarray:
    """U32 [n, 2], the set of characters at which Rust's white space cuts words."""
    from tokenizers.pre_tokenizers import WhitespaceSplit

    characters = "".join(f"a{chr(code)}" for code in range(CODE_POINTS) if code not in SURROGATES)
    kept = np.zeros(len(characters), bool)
    for _, (start, end) in WhitespaceSplit().pre_tokenize_str(characters):
        kept[start:end] = True
    cuts = np.zeros(CODE_POINTS, bool)
    cuts[[ord(characters[place]) for place in np.flatnonzero(~kept)]] = True
    return ranges(cuts)


def reference_ids(texts: Sequence[str], text: TextSpec, vocabulary: Path | None) -> np.ndarray:
    """int32 [len(texts), context_length] by the `tokenizers` library, put together as transformers puts it."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    content = hub_tokenizer.opened(vocabulary, KIND)
    model = content["model"]
    reference = Tokenizer(models.Unigram([(piece, score) for piece, score in model["vocab"]], model["unk_id"], False))
    reference.normalizer = normalizers.Precompiled(hub_tokenizer.charsmap(content, vocabulary))
    reference.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(SPACE_MARK, prepend_scheme="always")])
    return hub_tokenizer.reference_rows(reference, texts, text)
