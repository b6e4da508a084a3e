"""A prepared query and a catalog with a first pass enter; the rows that are worth an exact score leave.

FORMATS.md has the rules. The same rows in every language.
"""

import numpy as np

from catalog_builder.catalog import scores
from catalog_builder.catalog.first_pass import LARGEST, FirstPass
from catalog_builder.catalog.scores import PreparedQuery

A_PRODUCT = 64                               # candidates for each product that is asked for, at least
EXACT_BELOW = 16                             # fitting rows a candidate: with fewer, a first pass saves little
BLOCK = 1 << 14                              # rows scored at a time: their sums stay in a cache
SAMPLED = 64                                 # one score of so many is looked at to guess a bound


def count(first: FirstPass, fitting: int, k: int) -> int | None:
    """How many of so many fitting rows are candidates; None where all are scored exactly."""
    wanted = max(A_PRODUCT * k, -(-fitting // first.of))
    return None if EXACT_BELOW * wanted > fitting else wanted


def rows(first: FirstPass, query: PreparedQuery, k: int, fitting: np.ndarray | None) -> np.ndarray | None:
    """The candidates, rising; None where all are to be scored exactly.

    `fitting`: the rows that may be found, rising; None for all.
    """
    wanted = count(first, len(first.scales) if fitting is None else len(fitting), k)
    small = projected(first, query)
    if wanted is None or small is None:
        return None
    places = _largest(first_scores(first, small, fitting), wanted)
    return places if fitting is None else fitting[places]


def projected(first: FirstPass, query: PreparedQuery) -> np.ndarray | None:
    """The query on the first pass's axes, int8 [width]; None if it has no part in them."""
    sums = scores.sums(first.axes, query)
    largest = np.abs(sums).max()
    return None if largest == 0 else np.rint(sums / (largest / LARGEST)).astype(np.int8)


def first_scores(first: FirstPass, small: np.ndarray, some: np.ndarray | None) -> np.ndarray:
    """float64 [rows], or of some rows: first_scale x the exact sum."""
    import numkong

    packed = numkong.dots_pack(small[None], dtype="int8")
    made = np.empty(len(first.scales) if some is None else len(some))
    for start in range(0, len(made), BLOCK):
        place = slice(start, start + BLOCK)
        rows = place if some is None else some[place]
        sums = np.asarray(numkong.dots_packed(np.ascontiguousarray(first.codes[rows]), packed))[:, 0]
        np.multiply(first.scales[rows], sums, out=made[place])       # float32 x int32: computed in float64
    return made


def _largest(values: np.ndarray, wanted: int) -> np.ndarray:
    """The places of the `wanted` largest values, rising; of equal values the first places."""
    sample = values[::SAMPLED]
    guess = len(sample) - min(len(sample), 2 * wanted // SAMPLED + 8)
    some = np.flatnonzero(values >= np.partition(sample, guess)[guess])
    if len(some) < wanted:                   # a sample may mislead
        some = np.arange(len(values))
    kept = values[some]
    least = np.partition(kept, len(kept) - wanted)[len(kept) - wanted]
    above, equal = some[kept > least], some[kept == least]
    return np.sort(np.concatenate([above, equal[:wanted - len(above)]]))
