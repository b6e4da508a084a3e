"""Float32 vectors enter, in blocks; the catalog's offset, codes and scales leave: vector = offset + scale x code.

The catalog's mean is subtracted; then each row is stored as int8 with a factor. benchmarks/catalog.md compares this
scheme with others.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

LARGEST = 127
BLOCK = 4096                                 # rows at a time: bounds the memory
LANES = 32                                   # int8 numbers
AXES_OF = 1 << 15                            # rows that the axes are made of: some blocks, evenly spread


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


def first_width(dim: int) -> int:
    """How many axes a first pass has: 3/16 of the dimensions, up to a multiple of what SIMD registers hold."""
    return min(dim, -(-3 * dim // (16 * LANES)) * LANES)


def first_axes(vectors: Vectors, offset: np.ndarray) -> np.ndarray:
    """The axes along which the rows differ most: int8 [first_width, dim], the principal components of their codes.

    The products are sums of whole numbers, exact in float64. The largest number of an axis is above 0.
    """
    dim = vectors.shape[1]
    products = np.zeros((dim, dim))
    count = -(-vectors.shape[0] // BLOCK)
    for block in sorted({i * count // min(count, AXES_OF // BLOCK) for i in range(min(count, AXES_OF // BLOCK))}):
        codes = quantise(np.asarray(vectors[block * BLOCK:(block + 1) * BLOCK], np.float32), offset)[0]
        products += codes.T.astype(np.float64) @ codes.astype(np.float64)
    axes = np.linalg.eigh(products)[1][:, ::-1][:, :first_width(dim)].T
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return np.rint(axes * np.sign(largest) * (LARGEST / np.abs(axes).max())).astype(np.int8)
