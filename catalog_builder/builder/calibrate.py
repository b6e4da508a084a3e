"""Scores of queries with known answers enter; one kind's calibration curve, and how well it holds, leave."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from catalog_builder.catalog import calibration
from catalog_builder.catalog.calibration import Curve, confidence, logistic
from export.common import rankings

EVEN, SHOWN_BY_APPS = 0.5, 0.1               # the page warns below the first, the build below the second
LEAST_PAIRS = 20                             # of right results, and of wrong ones: fewer determine no curve
LEAST_SPREAD = 1e-9                          # of scores: below it, scores differ by rounding alone
SHOWN = rankings.TOP                         # results shown per query; per cent is the share of them that are right
WEIGHT = 1e3                                 # of the results against the penalty on the slope
MOST_STEPS, LEAST_STEP = 100, 1e-12          # of Newton's method


@dataclass(frozen=True)
class Fitted:
    """One kind of query."""

    kind: str
    curve: Curve
    pairs: int                               # results that the curve was drawn through
    right: int                               # of them
    answers: float                           # right products of a query, on average
    best: float | None                       # the highest score of a right result; None if none was right
    error: float | None                      # expected calibration error on the half that was left out
    note: str

    @property
    def best_share(self) -> float | None:
        """What the highest right score seen counts as; None where nothing was measured."""
        return None if self.best is None else confidence(self.curve, self.best)

    @property
    def hides_all(self) -> bool:
        """Whether even the best right result seen counts as too little for the apps to show it among the matches."""
        return self.best_share is not None and self.best_share < SHOWN_BY_APPS

    @property
    def warning(self) -> str:
        """What is wrong where even the best right result seen counts as little; "" where nothing is."""
        if self.best is None or self.best_share is None or self.best_share >= EVEN:
            return ""
        return (f"{self.kind} queries: the best right result seen has a score of {self.best:.3f}, and counts as "
                f"{100 * self.best_share:.0f} %: scores hardly tell right from wrong")


def fitted(kind: str, parts: Iterable[tuple[slice, np.ndarray]], right: np.ndarray) -> Fitted:
    """Fits the curve to all shown results. `right`: which products are right, bool [Q, products].

    `parts`: some queries, and their scores [some, products], at a time. The error is that of a curve fitted to one half
    of the queries, on the other half.
    """
    if not len(right):
        return Fitted(kind=kind, curve=getattr(calibration.NONE, kind), pairs=0, right=0, answers=0.0, best=None,
                      error=None, note="not measured: no queries of this kind")
    seen, deviations = [], []
    for some, scores in parts:
        seen.append(shown(scores, right[some]))
        deviations.append(scores.std(axis=1))
    values, hits = (np.concatenate(column) for column in zip(*seen, strict=True))
    query = np.repeat(np.arange(len(right)), len(values) // len(right))
    counted = Fitted(
        kind=kind, curve=calibration.guess(known_spread(np.concatenate(deviations).mean())), pairs=len(values),
        right=int(hits.sum()), answers=float(right.sum(axis=1).mean()),
        best=float(values[hits].max()) if hits.any() else None, error=None,
        note=f"not measured: fewer than {LEAST_PAIRS} right or {LEAST_PAIRS} wrong results; the curve in the file is a "
             "guess")
    curve = fit(values, hits, counted.curve.spread)
    if curve is None:
        return counted
    half = query % 2 == 0
    held = fit(values[half], hits[half], curve.spread)
    error = None if held is None else expected_error(held, values[~half], hits[~half])
    return replace(counted, curve=curve, error=error, note="")


def shown(scores: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first SHOWN results of every query, query after query: score, and whether it is right."""
    order = rankings.first(scores, SHOWN)
    values, hits = (np.take_along_axis(table, order, 1) for table in (scores, right))
    return values.ravel(), hits.ravel()


def spread(scores: np.ndarray) -> float:
    """The standard deviation of a query's scores [Q, products] over the products, the mean of all queries."""
    return known_spread(scores.std(axis=1).mean())


def fit(scores: np.ndarray, right: np.ndarray, spread: float) -> Curve | None:
    """The curve of results with these scores, right or wrong (bool); None if there are too few of either."""
    if min(right.sum(), (~right).sum()) < LEAST_PAIRS:
        return None
    centre, width = scores.mean(), known_spread(scores.std())
    slope, intercept = logistic_regression((scores - centre) / width, right)
    return Curve(float(slope / width), float(intercept - slope / width * centre), float(spread))


def logistic_regression(x: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Slope and intercept, float64, that minimise slope^2 / 2 + WEIGHT x the sum of log losses. x: float64 [n].

    Newton's method; a step that raises the loss is halved. scikit-learn's LogisticRegression(C=WEIGHT) has the same
    minimum. Sums over results are NumPy's own, whose order does not depend on the number of threads.
    """
    design, found = np.stack([x, np.ones_like(x)], axis=1), np.zeros(2)
    penalty = np.diag([1.0, 0.0])

    def loss(at: np.ndarray) -> float:
        return at[0] ** 2 / 2 + WEIGHT * np.logaddexp(0, np.where(right, -1, 1) * (design @ at)).sum()

    for _ in range(MOST_STEPS):
        shares = np.exp(-np.logaddexp(0, -design @ found))
        gradient = penalty @ found + WEIGHT * (design * (shares - right)[:, None]).sum(axis=0)
        curvature = penalty + WEIGHT * np.einsum("n,ni,nj->ij", shares * (1 - shares), design, design)
        step = np.linalg.solve(curvature, gradient)
        while loss(found - step) > loss(found) and np.abs(step).max() > LEAST_STEP:
            step = step / 2
        found = found - step
        if np.abs(step).max() <= LEAST_STEP * max(1.0, np.abs(found).max()):
            break
    return found


def known_spread(deviation: float) -> float:
    """The deviation; 1 for scores that are all the same."""
    return float(deviation) if deviation >= LEAST_SPREAD else 1.0


def expected_error(curve: Curve, scores: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error: the mean distance between confidence and truth, over bins of equal count."""
    shares = np.array([logistic(curve.a * score + curve.b) for score in scores])
    parts = np.array_split(np.argsort(shares, kind="stable"), bins)
    return float(sum(len(part) * abs(shares[part].mean() - right[part].mean()) for part in parts if len(part))
                 / len(scores))
