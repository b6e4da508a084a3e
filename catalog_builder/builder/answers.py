"""Queries with the products asked for, and the pictures' digests and vectors, enter; all right answers leave.

A product that looks like the one asked for is a right answer, too. A shop sells one shirt in six sizes with one
picture; if five of the six counted as wrong, every score would seem to be wrong five times of six, and the apps would
hide what they found.

A product is right if it shares a picture with an answer, or if a picture of the product and one of the answer have a
cosine of duplicates.ALIKE (0.95) or more. This limit does not follow the shop's own distribution, for three reasons:

- Where 0.95 takes in a whole kind of goods, the encoder hardly tells these goods apart. A higher limit would count as
  wrong what no text can tell from the right answer, and the curve would hide all of that kind: the fault that this
  module mends. With 0.95, per cent says whether a result is of that kind.
- Where 0.95 takes in the whole shop, no result is wrong. Then nothing is measured (calibrate.LEAST_PAIRS), the apps
  show no per cent and hide nothing.
- Where goods differ, the limit takes in nothing: benchmarks/alike.md has the figures of the sample shop. The catalog's
  page says how many products count as right besides those asked for, so a shop sees what the limit took in.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from catalog_builder.builder import duplicates, quantize
from catalog_builder.builder.duplicates import ALIKE
from catalog_builder.builder.quantize import Vectors
from catalog_builder.lists.queries import Asked
from export.common import rankings

AT_A_TIME = 1024                             # rows of answers that are compared with a block of rows
MOST_ANSWERS = rankings.TOP                  # with more (a category), the first ten can all be right as it is


def right(asked: Asked, owners: np.ndarray, pictures: Sequence[str], vectors: Vectors) -> np.ndarray:
    """Which products are right: bool [Q, products].

    `owners` [rows] is the product of each row, `pictures` its picture's digest, `vectors` float32 [rows, dim].
    """
    named = asked_for(asked, owners, pictures)
    return named | _alike(asked, named.shape, owners, vectors)


def asked_for(asked: Asked, owners: np.ndarray, pictures: Sequence[str]) -> np.ndarray:
    """Which products were asked for, or have a picture of such a product: bool [Q, products], whatever the model."""
    named = np.zeros((len(asked.answers), int(owners[-1]) + 1), bool)
    for row, answers in zip(named, asked.answers, strict=True):
        row[list(answers)] = True
    return named | _sharing(named, owners, pictures)


def _sharing(named: np.ndarray, owners: np.ndarray, pictures: Sequence[str]) -> np.ndarray:
    """Products that have a picture in common with an answer: bool [Q, products]."""
    same, starts = duplicates.numbered(pictures), _starts(owners)
    found = np.zeros_like(named)
    for row, answers in zip(found, named, strict=True):
        of_answers = np.zeros(len(same), bool)
        of_answers[same[answers[owners]]] = True
        row[:] = np.logical_or.reduceat(of_answers[same], starts)
    return found


def _alike(asked: Asked, shape: tuple[int, int], owners: np.ndarray, vectors: Vectors) -> np.ndarray:
    """Products that look like an answer of a query with few answers: bool [Q, products]."""
    found, queries = np.zeros(shape, bool), defaultdict(list)
    for q, answers in enumerate(asked.answers):
        for product in answers if len(answers) <= MOST_ANSWERS else ():
            queries[product].append(q)
    for answer_owners, answer_vectors in _rows_of(sorted(queries), owners, vectors):
        starts = _starts(answer_owners)
        for start, block in quantize.blocks(vectors):
            own = owners[start:start + len(block)]
            over = np.maximum.reduceat(answer_vectors @ block.T, starts, axis=0) >= ALIKE        # [answers, rows]
            for product, row in zip(answer_owners[starts], over, strict=True):
                found[np.array(queries[int(product)])[:, None], own[row]] = True
    return found


def _rows_of(products: list[int], owners: np.ndarray, vectors: Vectors) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The owners and vectors of the products' rows, some products at a time."""
    rows = np.flatnonzero(np.isin(owners, products))
    starts = _starts(owners[rows])
    for part in np.split(rows, starts[np.flatnonzero(np.diff(starts // AT_A_TIME)) + 1]):
        if len(part):
            yield owners[part], np.concatenate([block[part[(part >= start) & (part < start + len(block))] - start]
                                                for start, block in quantize.blocks(vectors)])


def _starts(owners: np.ndarray) -> np.ndarray:
    """The first row of each product."""
    return np.flatnonzero(np.diff(owners.astype(np.int64), prepend=-1))
