"""Scores of queries with known answers enter; one kind's calibration curve, and how well it holds, leave."""

from dataclasses import dataclass

import numpy as np

from catalog_builder.catalog.calibration import NONE, Curve, confidence
from catalog_builder.lists.queries import Asked
from export.common import rankings

LEAST_PAIRS = 20                             # of right results, and of wrong ones: fewer determine no curve
LEAST_SPREAD = 1e-9                          # of scores: below it, scores differ by rounding alone
SHOWN = 10                                   # results shown per query; per cent is the share of them that are right


@dataclass(frozen=True)
class Fitted:
    """One kind of query."""

    kind: str
    curve: Curve
    pairs: int                               # results that the curve was drawn through
    right: int                               # of them
    error: float | None                      # expected calibration error on the half that was left out
    note: str


def fitted(kind: str, scores: np.ndarray, asked: Asked) -> Fitted:
    """Fits the curve to all shown results. `scores`: [Q, products].

    The error is that of a curve fitted to one half of the queries, on the other half.
    """
    if not len(scores):
        return Fitted(kind=kind, curve=getattr(NONE, kind), pairs=0, right=0, error=None,
                      note="no queries of this kind: nothing measured")
    spread = known_spread(scores.std(axis=1).mean())
    values, right, query = shown(scores, asked.answers)
    curve = fit(values, right, spread)
    if curve is None:
        return Fitted(kind=kind, curve=Curve(10.0, -5.0, spread), pairs=len(values), right=int(right.sum()), error=None,
                      note="too few right or wrong results: the curve is a guess")
    half = query % 2 == 0
    held = fit(values[half], right[half], spread)
    error = None if held is None else expected_error(held, values[~half], right[~half])
    return Fitted(kind=kind, curve=curve, pairs=len(values), right=int(right.sum()), error=error, note="")


def shown(scores: np.ndarray, answers: list[frozenset[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first SHOWN results of every query: score, whether it is right, and the query's position."""
    order = rankings.first(scores, SHOWN)
    values = np.take_along_axis(scores, order, 1)
    right = np.array([[int(product) in answers[q] for product in row] for q, row in enumerate(order)])
    return values.ravel(), right.ravel(), np.repeat(np.arange(len(scores)), order.shape[1])


def fit(scores: np.ndarray, right: np.ndarray, spread: float) -> Curve | None:
    """The curve of results with these scores, right or wrong (bool); None if there are too few of either."""
    if min(right.sum(), (~right).sum()) < LEAST_PAIRS:
        return None
    from sklearn.linear_model import LogisticRegression

    centre, width = scores.mean(), known_spread(scores.std())
    model = LogisticRegression(C=1e3).fit(((scores - centre) / width)[:, None], right)
    slope = float(model.coef_[0, 0]) / width
    return Curve(float(slope), float(model.intercept_[0] - slope * centre), float(spread))


def known_spread(deviation: float) -> float:
    """The deviation; 1 for scores that are all the same."""
    return float(deviation) if deviation >= LEAST_SPREAD else 1.0


def expected_error(curve: Curve, scores: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: the mean distance between confidence and truth, over bins of equal count."""
    shares = np.array([confidence(curve, score) for score in scores])
    parts = np.array_split(np.argsort(shares, kind="stable"), bins)
    return float(sum(len(part) * abs(shares[part].mean() - right[part].mean()) for part in parts if len(part))
                 / len(scores))
