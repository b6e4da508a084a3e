"""A catalog enters; pictures that several products share, and pairs of products that look nearly the same, leave.

Equal pictures form one group and are compared once: 20,000 products with one "no image" picture would be 200 million
pairs. Pairs are between groups only. The most alike pairs are kept, and all of them are counted, so the memory is
bounded whatever the list holds.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from catalog_builder.catalog.reader import Catalog

ALIKE = 0.95                                 # above this cosine, two products are probably the same
BLOCK = 2048                                 # rows that are compared with as many rows at a time


@dataclass(frozen=True)
class Duplicate:
    """Two products, the first before the second, and the cosine of their most alike pictures."""

    first: int
    second: int
    score: float


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of products over a cosine."""

    best: list[Duplicate]                    # the most alike, best first
    count: int                               # of all


@dataclass(frozen=True)
class SharedPicture:
    """A picture of several products."""

    row: int                                 # where it is first
    products: list[int]                      # two or more, ascending


def shared(pictures: Iterable[Hashable], owners: np.ndarray) -> list[SharedPicture]:
    """The pictures that several products share, the most shared first. Equal keys of rows are equal pictures."""
    same = numbered(pictures)
    order = np.argsort(same, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(same[order])) + 1)
    found = [SharedPicture(int(rows[0]), np.unique(owners[rows]).tolist()) for rows in groups if len(rows) > 1]
    return sorted((one for one in found if len(one.products) > 1), key=lambda one: (-len(one.products), one.row))


def numbered(keys: Iterable[Hashable]) -> np.ndarray:
    """int [n]: equal numbers for equal keys, from 0 in the order in which the keys are first seen."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(key, len(known)) for key in keys])


def row_digests(catalog: Catalog) -> Iterator[bytes]:
    """What stands for each row's picture where the pictures are gone: equal pictures have equal codes and scales."""
    for codes, scale in zip(catalog.codes, catalog.scales, strict=True):
        yield hashlib.blake2b(codes.tobytes() + scale.tobytes(), digest_size=16).digest()


def find(catalog: Catalog, alike: float = ALIKE, advance: Callable[[int], None] = lambda rows: None,
         most: int | None = None) -> NearDuplicates:
    """Pairs over `alike`, at most `most` of them. Compares all different rows: seconds for 20,000, minutes for more.

    A picture that several products share stands for its first product.
    """
    rows = np.unique(numbered(row_digests(catalog)), return_index=True)[1]       # each picture's first row, ascending
    owners = catalog.owners[rows]
    advance(catalog.rows - len(rows))
    best, count = _Best(most), 0
    parts = list(_blocks(owners))
    for i, left in enumerate(parts):
        vectors = _unit(catalog, rows[left])
        for right in parts[i:]:
            cosines = _of_products(vectors @ _unit(catalog, rows[right]).T, owners[left], owners[right])
            over = np.triu(cosines > alike, 1) if left == right else cosines > alike
            count += int(over.sum())
            best.add(np.unique(owners[left]), np.unique(owners[right]), cosines, over)
        advance(len(vectors))
    return NearDuplicates(best.pairs(), count)


def _blocks(owners: np.ndarray) -> Iterator[slice]:
    """Parts of about BLOCK rows that end with a product."""
    starts = np.append(np.flatnonzero(np.diff(owners.astype(np.int64), prepend=-1)), len(owners))
    start = 0
    while start < len(owners):
        end = int(starts[max(np.searchsorted(starts, start + BLOCK, "right") - 1,
                             np.searchsorted(starts, start, "right"))])
        yield slice(start, end)
        start = end


def _unit(catalog: Catalog, rows: np.ndarray) -> np.ndarray:
    vectors = catalog.vectors(rows)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def _of_products(cosines: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosines of rows -> of the products that own them, each the best of its rows."""
    for axis, owners in enumerate((left, right)):
        starts = np.flatnonzero(np.diff(owners.astype(np.int64), prepend=-1))
        cosines = np.maximum.reduceat(cosines, starts, axis=axis)
    return cosines


class _Best:
    """The most alike pairs so far."""

    def __init__(self, most: int | None):
        self._most = most
        self._score, self._first, self._second = np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.int64)

    def add(self, left: np.ndarray, right: np.ndarray, cosines: np.ndarray, over: np.ndarray) -> None:
        """Keeps the best of these as well: products [left], [right], and their cosines [left, right], where `over`."""
        if self._most is not None and len(self._score) == self._most:
            over = over & (cosines >= self._score[-1]) if self._most else np.zeros_like(over)
        a, b = np.nonzero(over)
        score = np.append(self._score, cosines[a, b])
        first, second = np.append(self._first, left[a]), np.append(self._second, right[b])
        kept = np.lexsort((second, first, -score))[:self._most]
        self._score, self._first, self._second = score[kept], first[kept], second[kept]

    def pairs(self) -> list[Duplicate]:
        """The best first; of equals, by position."""
        return [Duplicate(int(a), int(b), float(score))
                for a, b, score in zip(self._first, self._second, self._score, strict=True)]
