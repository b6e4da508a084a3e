"""Checkpoints in the key layout of Apple's own MobileCLIP files, with seeded weights: no download.

tests/fixtures/apple/NAME.npz holds `keys` and `shapes` (Apple's layout), the batch-norm statistics (calibrated, so they
cannot be drawn), and what Apple's own code answers with this checkpoint in evaluation mode: `pictures` uint8
[6, S, S, 3], `image` float32 [6, 512], `ids` int32 [6, 77], `text` float32 [6, 512], both unit length. Apple's weights
are not in it.
"""

import hashlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "fixtures" / "apple"
NAMES = ("s0", "s1", "s2", "b")


def answers(name: str) -> dict[str, np.ndarray]:
    """What Apple's code makes of the fixture's pictures and ids."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in ("pictures", "image", "ids", "text")}


def state(name: str) -> dict[str, np.ndarray]:
    """Every key of Apple's layout with its array."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        stored = {key: file[key] for key in file.files}
    out = {}
    for key, shape in zip(stored["keys"].tolist(), stored["shapes"].tolist(), strict=True):
        dims = tuple(int(d) for d in shape.split("x") if d)
        if key.endswith("num_batches_tracked"):
            out[key] = np.full(dims, 1, np.int64)
        else:
            out[key] = stored.get("bn:" + key) if "bn:" + key in stored else _draw(key, dims)
    return out


def _draw(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The parameter called `key`, float32: the same on every machine."""
    if key == "logit_scale":
        return np.full(shape, np.log(100.0), np.float32)
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    rng = np.random.Generator(np.random.PCG64(seed))
    if "layer_scale" in key or "gamma" in key:
        values = rng.uniform(0.1, 0.5, shape)
    elif "embedding_layer" in key:
        values = rng.normal(0, 0.3, shape)
    elif "pos_embed" in key or "cls_token" in key:
        values = rng.normal(0, 0.1, shape)
    elif "projection_layer" in key or key.endswith("proj"):
        values = rng.normal(0, shape[0] ** -0.5, shape)
    elif len(shape) <= 1:
        values = rng.uniform(0.7, 1.3, shape) if key.endswith("weight") else rng.normal(0, 0.1, shape)
    else:
        values = rng.normal(0, 1.6 * int(np.prod(shape[1:])) ** -0.5, shape)
    return np.asarray(values, dtype=np.float32)
