"""Measured and true scores of products enter; agreement, recall and their confidence intervals leave.

Gate, catalog and demo all use these measures. A product has the score of its best picture. Products rank by score, then
by position. `shown` are the positions of the products that a shopper sees, best first: int [Q, k], ABSENT if there are
fewer. `true` are the reference scores: float64 [Q, products], -inf for a product that is left out. Shares have Wilson's
interval at 95 %, which is not empty even if no query fails: 0 faults in 24 queries prove little.

    >>> true = np.array([[0.9, 0.2, 0.3]])
    >>> shown = first(np.array([[0.8, 0.2, 0.81]]))
    >>> shown.tolist(), agreement(shown, true).tolist()
    ([[2, 0, 1]], [False])
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

TOP = 10                                     # results that a shopper sees
TIE = 1e-6                                   # scores this close count as equal: float32 does not reproduce them better
ABSENT = -1
Z = 1.959964                                 # 95 % of a normal distribution


@dataclass(frozen=True)
class Estimate:
    """A measured value and its interval at 95 % confidence."""

    value: float
    low: float
    high: float


def product_scores(queries: np.ndarray, rows: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Scores of products, each the best dot product [Q, dim] x [R, dim] of its pictures: float64 [Q, products].

    `owners` [R] is the product of each row, never decreasing.
    """
    return best_pictures((rows.astype(np.float64) @ queries.astype(np.float64).T).T, owners)


def best_pictures(scores: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Scores of rows [Q, R] -> scores of the products that own the rows [Q, products]."""
    return np.maximum.reduceat(scores, np.flatnonzero(np.diff(owners.astype(np.int64), prepend=-1)), axis=1)


def first(scores: np.ndarray, count: int = TOP) -> np.ndarray:
    """The positions of the `count` best products, or of all if there are fewer: int [Q, count]."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :count]


def shortfall(shown: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The best true score minus the true score of the first result: float [Q], inf if nothing is shown."""
    return true.max(axis=1) - _true_scores(shown[:, :1], true)[:, 0]


def agreement(shown: np.ndarray, true: np.ndarray, tolerance: float = TIE) -> np.ndarray:
    """Whether the first result has the best true score, or one within the tolerance: bool [Q]."""
    return shortfall(shown, true) <= tolerance


def top1(shown: np.ndarray, true: np.ndarray, tolerance: float = TIE) -> Estimate:
    """Top-1 agreement: the share of the queries whose first result agrees. The gates of models and catalogs use it."""
    return wilson(agreement(shown, true, tolerance).mean(), len(shown))


def tolerant_recall(shown: np.ndarray, true: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Share of the first ten whose true score is within `tolerance` of the tenth best: float [Q].

    State the tolerance beside every such figure, because the order of scores within the tolerance is chance. None if a
    query has only ten products or fewer: all of them can be shown.
    """
    if _can_show_all(true):
        return None
    tenth = np.partition(true, -TOP, axis=1)[:, -TOP, None]
    return (_true_scores(shown[:, :TOP], true) >= tenth - tolerance).mean(axis=1)


def named(tolerance: float, between: str = " ") -> str:
    """The heading of `tolerant_recall` in tables."""
    return f"tolerant recall@{TOP}{between}(within {tolerance:g})"


def plain_recall(shown: np.ndarray, true: np.ndarray) -> np.ndarray | None:
    """Share of the ten best true scores that are among the first ten: float [Q]. None as for `tolerant_recall`."""
    if _can_show_all(true):
        return None
    return (first(true)[:, :, None] == shown[:, None, :TOP]).any(axis=2).mean(axis=1)


def ranks(scores: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The rank of the right product, 0 for the first: int [Q]. Equal scores rank before it. `answers` int [Q]."""
    right = np.take_along_axis(scores, answers[:, None], axis=1)
    return (scores >= right).sum(axis=1) - 1


def recall_at(ranked: np.ndarray, k: int) -> float:
    """True recall@k: the share of the queries whose right product is among the first `k`, of `ranks`."""
    return float((ranked < k).mean())


def found(shown: np.ndarray, right: np.ndarray, k: int) -> Estimate:
    """True recall@k of what is shown: the share of the queries with a right product, bool [Q, products], in `k`."""
    at = np.take_along_axis(right, shown[:, :k], axis=1) & (shown[:, :k] != ABSENT)
    return wilson(at.any(axis=1).mean(), len(shown))


def wilson(share: float, queries: int) -> Estimate:
    """A share, or a mean of values in [0, 1] (which scatter less than a share does), and Wilson's interval."""
    share = float(share)
    centre = (share + Z**2 / (2 * queries)) / (1 + Z**2 / queries)
    half = Z / (1 + Z**2 / queries) * sqrt(share * (1 - share) / queries + Z**2 / (4 * queries**2))
    return Estimate(share, max(0.0, centre - half) if share else 0.0, min(1.0, centre + half) if share < 1 else 1.0)


def difference(lost: np.ndarray, gained: np.ndarray) -> Estimate:
    """Share of queries lost minus share gained, bool [Q] each, with Newcombe's interval from both Wilson intervals."""
    a, b = wilson(lost.mean(), len(lost)), wilson(gained.mean(), len(gained))
    value = a.value - b.value
    return Estimate(value, value - sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2),
                    value + sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2))


def _true_scores(shown: np.ndarray, true: np.ndarray) -> np.ndarray:
    return np.where(shown == ABSENT, -np.inf, np.take_along_axis(true, shown, axis=1))


def _can_show_all(true: np.ndarray) -> bool:
    return bool(np.isfinite(true).sum(axis=1).min() <= TOP)
