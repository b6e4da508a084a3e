"""A seed enters; vectors like those of a CLIP model leave.

All vectors share a mean. The spectrum falls as a power. A few dimensions are far larger than the rest. Texts lie apart
from pictures.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED, DIM = 20261121, 512
OUTLIERS = 6                                 # dimensions that are far larger than the others
DECAY = 0.6                                  # the spread of direction i falls as i ** -DECAY
MEAN, GAP = 0.75, 0.6                        # lengths of the pictures' mean and of the texts' offset; contents: 1
BLOCK = 10_000                               # rows that share a random generator, so that a part can be made alone


@dataclass(frozen=True)
class World:
    """The directions that all vectors share."""

    rotation: np.ndarray                     # [dim, dim]
    spread: np.ndarray                       # [dim]
    mean: np.ndarray                         # [dim], of pictures
    gap: np.ndarray                          # [dim], from pictures to texts

    @classmethod
    def of(cls, dim: int = DIM) -> "World":
        """The world of SEED."""
        rng = np.random.default_rng(SEED)
        rotation = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
        spread = np.arange(1, dim + 1) ** -DECAY
        mean = rng.normal(size=dim) / np.sqrt(dim)
        mean[rng.choice(dim, OUTLIERS, replace=False)] += rng.normal(size=OUTLIERS) * 0.5
        gap = rng.normal(size=dim)
        return cls(rotation, spread / np.linalg.norm(spread), MEAN * mean / np.linalg.norm(mean),
                   GAP * gap / np.linalg.norm(gap))

    def contents(self, rows: range) -> np.ndarray:
        """What rows show, float64 [n, dim]; rows of whole blocks."""
        return np.concatenate([np.random.default_rng((SEED, block)).normal(size=(BLOCK, len(self.spread)))
                               for block in range(rows.start // BLOCK, -(-rows.stop // BLOCK))]
                              )[rows.start % BLOCK:][:len(rows)] * self.spread @ self.rotation

    def pictures(self, rows: range) -> np.ndarray:
        """float32 [n, dim], unit length."""
        return unit(self.contents(rows) + self.mean)

    def write(self, path: Path, rows: int) -> None:
        """Writes pictures of the first `rows`, whole blocks, as raw float32, with at most a block in memory."""
        with path.open("wb") as file:
            for start in range(0, rows, BLOCK):
                self.pictures(range(start, start + BLOCK)).tofile(file)

    def queries(self, kind: str, of: np.ndarray) -> np.ndarray:
        """Texts or pictures of the contents given [n, dim], with noise of their own: float32, unit length."""
        rng = np.random.default_rng((SEED, {"text": 1, "image": 2}[kind], 99))
        noise = rng.normal(size=of.shape) * self.spread @ self.rotation
        return unit(of + noise + self.mean if kind == "image" else 0.6 * of + noise + self.mean + self.gap)


def unit(x: np.ndarray) -> np.ndarray:
    """Rows of unit length, float32."""
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
