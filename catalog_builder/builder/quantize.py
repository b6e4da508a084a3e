"""Float32 vectors enter, in blocks; the catalog's offset, codes and scales leave: vector = offset + scale x code.

The catalog's mean is subtracted; then each row is stored as int8 with a factor. benchmarks/catalog.md compares this
scheme with others.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

LARGEST = 127
BLOCK = 4096                                 # rows at a time: bounds the memory


class Vectors(Protocol):
    """Float32 [rows, dim], unit length; read in slices."""

    shape: tuple[int, int]

    def __getitem__(self, rows: slice) -> np.ndarray: ...


def blocks(vectors: Vectors) -> Iterator[tuple[int, np.ndarray]]:
    """The first row of each block, and its vectors."""
    for start in range(0, vectors.shape[0], BLOCK):
        yield start, np.asarray(vectors[start:start + BLOCK], np.float32)


def mean(vectors: Vectors) -> np.ndarray:
    """float32 [dim], summed in float64 row by row."""
    total = np.zeros(vectors.shape[1], np.float64)
    for _, block in blocks(vectors):
        total += block.sum(axis=0, dtype=np.float64)
    return (total / vectors.shape[0]).astype(np.float32)


def quantise(block: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 codes [n, dim] in [-127, 127] and float32 scales [n] of float32 [n, dim].

    A row equal to the offset has the scale 0.
    """
    rest = block.astype(np.float64) - offset
    scales = (np.abs(rest).max(axis=1) / LARGEST).astype(np.float32)
    divisors = np.where(scales > 0, scales, 1).astype(np.float64)
    codes = np.rint(rest / divisors[:, None])
    return np.clip(codes, -LARGEST, LARGEST).astype(np.int8), scales
