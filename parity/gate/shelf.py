"""Pictures to rank and queries enter, embedded by float32 PyTorch and by an artefact; what a shopper would see leaves.

Shares have Wilson's interval at 95 %, which stays honest where nothing went wrong: 0 faults in 24 queries prove little.
All scores in float64.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

TOP = 10
NEAR = 0.01                                  # of the tenth's score: ranks among the irrelevant are chance
TIE = 1e-6                                   # float32 PyTorch itself does not repeat scores to more than that
Z = 1.959964                                 # 95 % of a normal distribution
CONFIDENCE = 0.95
WORST = 6                                    # queries kept for the report
SHOWN = 5                                    # neighbours kept with each


@dataclass(frozen=True)
class Shelf:
    """What is ranked: products with their pictures, and queries. Positions count from 0; an answer of -1 is unknown."""

    name: str                                # "samples", "shop" or "given"
    pictures: list[str]                      # of the catalog: paths
    owners: np.ndarray                       # int [R], never decreasing: the product of each picture
    picture_queries: list[str]
    text_queries: list[str]
    picture_answers: np.ndarray              # int [P]
    text_answers: np.ndarray                 # int [T]
    own: bool = False                        # the picture queries are the catalog: each leaves its own product out


@dataclass(frozen=True)
class Embeddings:
    """One encoder family's answers to a shelf, float32 [N, dim] each."""

    catalog: np.ndarray
    picture_queries: np.ndarray
    text_queries: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A measured value and its interval at 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Hit:
    """One neighbour: the first picture of a product, and the product's score."""

    picture: str
    score: float


@dataclass(frozen=True)
class Query:
    """A query that an artefact answers otherwise than float32 PyTorch, both answers side by side."""

    kind: str                                # "picture" or "text"
    query: str                               # a path, or the text
    loss: float                              # float32 score of the right first result, less that of the one given
    expected: list[Hit]
    found: list[Hit]


@dataclass(frozen=True)
class Ranking:
    """What a shopper would see on one shelf."""

    shelf: str
    queries: int
    products: int
    top1: Estimate                           # share of queries whose first result is float32 PyTorch's, or ties with it
    recall10: Estimate | None                # tolerant; None where there are too few products to miss any
    loss: Estimate | None                    # of true recall@1 (below 0: a gain); None where no answer is known
    recall_at_1: float | None
    recall_at_1_reference: float | None
    largest_change: float                    # of the score of any product for any query
    exceeded_by: float                       # at 95 % confidence, at most this share of queries sees a larger change
    worst: list[Query]


def rank(shelf: Shelf, found: Embeddings, expected: Embeddings, kinds: Sequence[str] = ("picture", "text")) -> Ranking:
    """Ranks the shelf by `found` and by `expected`, for queries of these kinds."""
    both = [_scores(shelf, side, kinds) for side in (found, expected)]
    answers = np.concatenate([{"picture": shelf.picture_answers, "text": shelf.text_answers}[kind] for kind in kinds])
    names = [(kind, query) for kind in kinds
             for query in {"picture": shelf.picture_queries, "text": shelf.text_queries}[kind]]
    return compare(*both, answers, shelf, names)


def compare(found: np.ndarray, expected: np.ndarray, answers: np.ndarray, shelf: Shelf,
            names: list[tuple[str, str]]) -> Ranking:
    """Compares scores [Q, products]; -inf leaves a product out. `answers` [Q], `names` kind and query of each."""
    order, true_order = (np.argsort(-side, axis=1, kind="stable") for side in (found, expected))
    shortfall = first_shortfall(order, true_order, expected)
    hits = tolerant_hits(order, true_order, expected)
    there = np.isfinite(expected)
    change = np.abs(np.where(there, found, 0) - np.where(there, expected, 0)).max(axis=1)
    known = answers >= 0
    right, right_before = ((side[known, 0] == answers[known]) for side in (order, true_order))
    queries = len(found)
    return Ranking(
        shelf.name, queries, found.shape[1], wilson((shortfall <= TIE).mean(), queries),
        None if hits is None else wilson(hits.mean(), queries),
        difference(right_before & ~right, right & ~right_before) if known.any() else None,
        float(right.mean()) if known.any() else None, float(right_before.mean()) if known.any() else None,
        float(change.max()), 1 - (1 - CONFIDENCE) ** (1 / queries),
        _worst(shelf, names, (found, order), (expected, true_order), shortfall, hits, change))


def product_scores(queries: np.ndarray, rows: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """A product scores as its best picture: [Q, dim] x [R, dim] -> float64 [Q, products]."""
    scores = queries.astype(np.float64) @ rows.astype(np.float64).T
    return np.maximum.reduceat(scores, np.flatnonzero(np.diff(owners, prepend=-1)), axis=1)


def first_shortfall(order: np.ndarray, true_order: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """By how much the first result's float32 score is below the best one's: float [Q], 0 where they agree."""
    return (np.take_along_axis(expected, true_order[:, :1], 1) - np.take_along_axis(expected, order[:, :1], 1))[:, 0]


def tolerant_hits(order: np.ndarray, true_order: np.ndarray, expected: np.ndarray) -> np.ndarray | None:
    """Share of the first ten whose float32 score is within NEAR of the tenth's: float [Q]. None below 11 products."""
    if np.isfinite(expected).sum(axis=1).min() <= TOP:
        return None
    tenth = np.take_along_axis(expected, true_order[:, TOP - 1:TOP], 1)
    return (np.take_along_axis(expected, order[:, :TOP], 1) >= tenth - NEAR).mean(axis=1)


def wilson(share: float, queries: int) -> Estimate:
    """A share, or a mean of values in [0, 1] (which scatter less than a share does), and Wilson's interval."""
    share = float(share)
    centre = (share + Z**2 / (2 * queries)) / (1 + Z**2 / queries)
    half = Z / (1 + Z**2 / queries) * sqrt(share * (1 - share) / queries + Z**2 / (4 * queries**2))
    return Estimate(share, max(0.0, centre - half) if share else 0.0, min(1.0, centre + half) if share < 1 else 1.0)


def difference(lost: np.ndarray, gained: np.ndarray) -> Estimate:
    """Share of queries lost less share gained, bool [Q] each, with Newcombe's interval from both shares' own."""
    a, b = wilson(lost.mean(), len(lost)), wilson(gained.mean(), len(gained))
    value = a.value - b.value
    return Estimate(value, value - sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2),
                    value + sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2))


def _scores(shelf: Shelf, side: Embeddings, kinds: Sequence[str]) -> np.ndarray:
    parts = []
    for kind in kinds:
        queries = {"picture": side.picture_queries, "text": side.text_queries}[kind]
        scores = product_scores(queries, side.catalog, shelf.owners)
        if kind == "picture" and shelf.own:
            scores[np.arange(len(queries)), shelf.owners] = -np.inf
        parts.append(scores)
    return np.concatenate(parts)


def _worst(shelf: Shelf, names: list[tuple[str, str]], found: tuple, expected: tuple, shortfall: np.ndarray,
           hits: np.ndarray | None, change: np.ndarray) -> list[Query]:
    """The queries that lose most: by the first result, then by the first ten, then by the change of a score."""
    misses = np.zeros(len(names)) if hits is None else 1 - hits
    worst = np.lexsort((-change, -misses, -np.maximum(shortfall, 0)))[:WORST]
    firsts = [shelf.pictures[row] for row in np.flatnonzero(np.diff(shelf.owners, prepend=-1))]

    def top(side: tuple, query: int) -> list[Hit]:
        scores, order = side
        return [Hit(firsts[p], float(scores[query, p])) for p in order[query, :SHOWN] if np.isfinite(scores[query, p])]

    return [Query(*names[q], float(max(shortfall[q], 0)), top(expected, q), top(found, q)) for q in worst]
