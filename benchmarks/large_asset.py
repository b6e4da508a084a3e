"""A golden tokenizer asset of version 2 enters; the same with 256,000 tokens leaves, as SigLIP 2's vocabulary has.

The new pieces are two old ones together, so that byte pair encoding can make them and no download is needed.
"""

import random
import sys
from pathlib import Path

import numpy as np

from export.common.container import container_bytes, parsed
from export.common.files import ROOT

TOKENS = 256_000                             # rows of SigLIP 2's token table
LONGEST, SHORT = 16, 4                       # bytes of a new piece, and of what is put behind an old one
LEAST, MOST = -20.0, -12.0                   # scores of new pieces in a Unigram vocabulary: below those of old ones
ASSETS = ROOT / "parity" / "goldens" / "tokenizers"


def large_asset(name: str, tokens: int = TOKENS) -> bytes:
    """The asset `name` of parity/goldens/tokenizers with new pieces behind its own. The same bytes at every call."""
    metadata, tensors = parsed(memoryview((ASSETS / f"{name}.safetensors").read_bytes()))
    content, offsets = tensors["pieces"].tobytes(), tensors["piece_offsets"].tolist()
    pieces = [content[start:end] for start, end in zip(offsets[:-1], offsets[1:], strict=True)]
    usable = [pieces[token] for token in tensors["piece_order"].tolist()]
    random_state, known, old = random.Random(0), set(pieces), len(pieces)
    short = [piece for piece in usable if len(piece) <= SHORT]
    while len(pieces) < tokens:
        piece = random_state.choice(usable) + random_state.choice(short)
        if piece not in known and len(piece) <= LONGEST:
            known.add(piece)
            pieces.append(piece)
            if len(piece) <= LONGEST - SHORT:
                usable.append(piece)
    order = sorted([*tensors["piece_order"].tolist(), *range(old, tokens)], key=pieces.__getitem__)
    changed: dict[str, np.ndarray] = {
        "pieces": np.frombuffer(b"".join(pieces), np.uint8), "piece_order": np.array(order, np.uint32),
        "piece_offsets": np.cumsum([0, *map(len, pieces)]).astype(np.uint32)}
    if "scores" in tensors:
        scores = np.random.default_rng(0).uniform(LEAST, MOST, tokens - old).astype(np.float32)
        changed["scores"] = np.concatenate([tensors["scores"], scores])
    return container_bytes(metadata, tensors | changed)


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(large_asset(sys.argv[1]))
