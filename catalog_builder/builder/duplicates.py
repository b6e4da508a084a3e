"""A catalog enters; pairs of products that look nearly the same leave."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from catalog_builder.catalog.reader import Catalog

ALIKE = 0.95                                 # a cosine over it: probably one product twice
BLOCK = 2048                                 # rows against rows at a time


@dataclass(frozen=True)
class Duplicate:
    """Two products, the first before the second, and the cosine of their most alike pictures."""

    first: int
    second: int
    score: float


def find(catalog: Catalog, alike: float = ALIKE, advance: Callable[[int], None] = lambda rows: None) -> list[Duplicate]:
    """All pairs over `alike`, the most alike first. Every row meets every other: seconds for 20,000, minutes beyond."""
    best: dict[tuple[int, int], float] = {}
    for start in range(0, catalog.rows, BLOCK):
        left = _unit(catalog, start)
        for other in range(start, catalog.rows, BLOCK):
            for a, b, score in _over(left @ _unit(catalog, other).T, start, other, alike):
                pair = int(catalog.owners[a]), int(catalog.owners[b])
                if pair[0] < pair[1] and score > best.get(pair, -1):
                    best[pair] = score
        advance(len(left))
    pairs = (Duplicate(*pair, score) for pair, score in best.items())
    return sorted(pairs, key=lambda pair: (-pair.score, pair.first, pair.second))


def _unit(catalog: Catalog, start: int) -> np.ndarray:
    vectors = catalog.vectors(slice(start, start + BLOCK))
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _over(products: np.ndarray, start: int, other: int, alike: float) -> Iterator[tuple[int, int, float]]:
    for a, b in zip(*np.nonzero(products > alike), strict=True):
        yield start + int(a), other + int(b), float(products[a, b])
