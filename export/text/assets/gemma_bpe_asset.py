"""Writes the asset of Gemma's byte pair encoding with byte fallback (SigLIP 2), from its `tokenizer.json`.

Enters: the file as the hub has it, and the model's text side. Leaves: one file without merges, since a piece's rank is
its id; and the reference's ids, by the `tokenizers` library after open_clip's cleaning.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from export.common.errors import InputError
from export.common.specs import TextSpec
from export.text.assets import hub_tokenizer, version2
from export.text.assets.version2 import SPACE_MARK

KIND = "BPE"
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
SPACE_TO_MARK = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE_MARK}


def write_asset(path: Path, text: TextSpec, vocabulary: Path | None) -> str:
    """Writes the asset, whole or not at all. Returns its SHA-256 as 64 hex digits.

    Raises InputError for another kind of vocabulary, and for one whose merges do not follow from the order of its ids.
    """
    return version2.write(path, asset_bytes(text, vocabulary))


def asset_bytes(text: TextSpec, vocabulary: Path | None) -> bytes:
    """The bytes of the asset."""
    content = hub_tokenizer.opened(vocabulary, KIND)
    if content.get("normalizer") != SPACE_TO_MARK or not content["model"].get("byte_fallback"):
        raise InputError("not a tokenizer such as Gemma's", where=vocabulary, remedy=hub_tokenizer.REMEDY,
                         expected="a space becomes U+2581, and unknown characters become bytes",
                         found=str(content.get("normalizer"))[:80])
    ids = {one["content"]: one["id"] for one in content["added_tokens"]} | content["model"]["vocab"]
    pieces = [b""] * (max(ids.values()) + 1)
    for piece, token in ids.items():
        pieces[token] = piece.encode()
    missing = next((name for name in BYTES if name not in ids), None)
    if missing:
        raise InputError("the vocabulary lacks a byte", where=vocabulary, expected=missing,
                         remedy=hub_tokenizer.REMEDY)
    made = merged(content, ids, vocabulary)
    special = hub_tokenizer.specials(content) | {*BYTES}
    usable = [token for piece, token in ids.items() if piece not in special and (len(piece) == 1 or piece in made)]
    metadata = {"space_mark": SPACE_MARK, "tokenizers": version("tokenizers"), "ftfy": version("ftfy"),
                "open_clip": version("open_clip_torch")}
    return version2.asset_bytes(text, pieces, usable, ids[content["model"]["unk_token"]], metadata,
                                {"byte_tokens": np.array([ids[name] for name in BYTES], np.uint32)})


def merged(content: Mapping, ids: Mapping[str, int], where: Path | None) -> set[str]:
    """The pieces that merges make. Raises InputError unless these are what the order of the ids alone says.

    That is: merges stand in the order of the ids that they make, and a piece can be made of any two pieces into which
    it can be cut.
    """
    pairs = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in content["model"]["merges"]]
    ranks = [ids[first + second] for first, second in pairs]
    made = {first + second for first, second in pairs}
    there, known = set(pairs), {piece for piece in ids if len(piece) == 1} | made
    cuts = ((piece[:place], piece[place:]) for piece in made for place in range(1, len(piece)))
    lacking = next((cut for cut in cuts if cut[0] in known and cut[1] in known and cut not in there), None)
    if sorted(ranks) != ranks or lacking or not all(first in known and second in known for first, second in pairs):
        raise InputError("the merges do not follow from the order of the pieces", where=where, found=lacking,
                         expected="as sentencepiece's converter writes them", remedy=hub_tokenizer.REMEDY)
    return made


def reference_ids(texts: Sequence[str], text: TextSpec, vocabulary: Path | None) -> np.ndarray:
    """int32 [len(texts), context_length] by the `tokenizers` library, from the same file."""
    from tokenizers import Tokenizer

    hub_tokenizer.opened(vocabulary, KIND)
    reference = Tokenizer.from_file(str(vocabulary))
    reference.no_padding()
    reference.no_truncation()
    return hub_tokenizer.reference_rows(reference, texts, text)
