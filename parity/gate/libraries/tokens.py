"""The tokenizer asset of dist/<model>/ enters; what is wrong with its ids leaves, and what pruning changed: nothing.

Its ids are compared with those of the tokenizer's own library. Of a pruned vocabulary the ids of the whole one are
renamed first, and the encoder with the whole table is run beside the one with the rows that are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from export.artifacts.dist import Dist
from export.common.container import BROKEN, parsed
from export.common.errors import InputError
from export.runners import BATCH_TEXTS
from export.text import tokenizer
from export.text.assets.shipped import Shipped
from parity import hostile
from parity.gate.reference import Reference
from parity.gate.shelf import Shelf

if TYPE_CHECKING:
    from torch import nn

SHOWN = 40                                   # characters of a text in a verdict
RUN_OF_MARKS = "\u2581\u2581"                # typed, a token of its own in Gemma's file: FORMATS.md excepts it


@dataclass(frozen=True)
class Pruning:
    """What leaving tokens out changed."""

    scripts: list[str] | None                # kept alone; None: of all scripts
    tokens_before: int
    tokens: int
    table_bytes_before: int                  # of the token table in float32
    table_bytes: int
    asset_bytes_before: int
    asset_bytes: int
    outside: list[str]                       # sample texts that the kept scripts do not cover: they are left out
    embedded: int                            # texts whose embeddings were compared
    largest_difference: float                # of a component, the whole table against the kept rows


@dataclass(frozen=True)
class TokenCheck:
    """The ids of the tokenizer asset against its library's."""

    texts: int                               # that were compared
    differing: int
    faults: list[str]
    pruning: Pruning | None = None           # None: no token was left out, nor was a script named


def texts_of(shelves: Sequence[Shelf]) -> list[str]:
    """Texts whose ids FORMATS.md promises: those of the shelves, and such as break tokenizers."""
    asked = [text for shelf in shelves for text in shelf.text_queries]
    texts = dict.fromkeys([*asked, *hostile.HOSTILE, *hostile.SCRIPTS, *hostile.TYPED, *hostile.CLUSTERS])
    return [text for text in texts if RUN_OF_MARKS not in text and not any("\ud800" <= one <= "\udfff" for one in text)
            and not hostile.decoding_is_repaired(text)]


def compared(dist: Dist, reference: Reference, texts: Sequence[str]) -> TokenCheck:
    """The ids of `texts` by the asset in dist/<model>/, against the library's. Texts outside kept scripts are left."""
    words = reference.words
    name = dist.manifest.tokenizer.path
    faults = []
    if dist.manifest.tokenizer.sha256 != words.sha256:
        parts = other_parts(dist.path(name), words.content)
        faults = [f"{name} is not what its vocabulary makes: {', '.join(parts) or 'other bytes'}"]
    kept = [text for text, covered in zip(texts, words.covers(texts), strict=True) if covered]
    expected = reference.ids(kept)
    try:
        expected = words.ids(expected)
        found = read_ids(dist, kept)
    except InputError as error:
        return TokenCheck(len(kept), len(kept), [*faults, str(error)])
    if found.shape != expected.shape:
        return TokenCheck(len(kept), len(kept), [*faults, f"{name} makes rows of {found.shape[1]} ids; "
                                                 f"expected {expected.shape[1]}"])
    wrong = np.flatnonzero((found != expected).any(axis=1))
    if len(wrong):
        faults.append(f"{name} gives other ids than the tokenizer's library for {len(wrong)} of {len(kept)} texts: "
                      + where(kept[wrong[0]], found[wrong[0]], expected[wrong[0]]))
    return TokenCheck(len(kept), len(wrong), faults)


def other_parts(asset: Path, expected: bytes) -> list[str]:
    """The names of metadata and tensors in which an asset differs from `expected`; none for a damaged file."""
    try:
        sides = [parsed(memoryview(content)) for content in (asset.read_bytes(), expected)]
    except (OSError, *BROKEN):
        return []
    (metadata, tensors), (true, known) = sides
    return [*sorted(key for key in {*metadata, *true} if metadata.get(key) != true.get(key)),
            *sorted(key for key in {*tensors, *known}
                    if key not in tensors or key not in known or not np.array_equal(tensors[key], known[key]))]


def read_ids(dist: Dist, texts: Sequence[str]) -> np.ndarray:
    """The ids that an app makes of texts: int32 [len(texts), L]. Raises InputError for a damaged asset."""
    return tokenizer.encode_all(tokenizer.load(dist.path(dist.manifest.tokenizer.path)), texts)


def where(text: str, found: np.ndarray, expected: np.ndarray) -> str:
    """Where two rows of ids differ first."""
    place = int(np.flatnonzero(found != expected)[0])
    shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    return f"place {place} of {ascii(shown)} is {found[place]}, expected {expected[place]}"


def proved(words: Shipped, whole: "nn.Module", kept: "nn.Module", ids: np.ndarray, outside: Sequence[str]) -> Pruning:
    """What pruning changed, by two text encoders: one with the whole token table, one with the kept rows.

    `ids`: int32 [N, L], of the whole vocabulary, of texts inside the kept scripts.
    """
    from export.weights.token_table import table_of

    differences = [np.abs(answers(whole, rows) - answers(kept, words.ids(rows))).max()
                   for start in range(0, len(ids), BATCH_TEXTS) if len(rows := ids[start:start + BATCH_TEXTS])]
    before, after = (table_of(encoder.text).weight for encoder in (whole, kept))
    return Pruning(list(words.text.scripts) if words.scripts else None, len(before), len(after),
                   before.numel() * before.element_size(), after.numel() * after.element_size(),
                   len(words.whole), len(words.content), list(outside), len(ids), float(max(differences)))


def answers(encoder: "nn.Module", ids: np.ndarray) -> np.ndarray:
    """int32 [N, L] -> float32 [N, dim]."""
    import torch

    with torch.inference_mode():
        return encoder(torch.from_numpy(ids)).numpy()


def pruning_faults(found: Pruning | None) -> list[str]:
    """Why the vocabulary was pruned wrongly; empty if it was not."""
    if found is None or found.largest_difference == 0:
        return []
    return [f"the token table with {found.tokens} of {found.tokens_before} rows changes embeddings by up to "
            f"{found.largest_difference:.1e}; expected 0"]
