"""A model, products, their vectors and queries enter; the catalog's calibration, and how well it holds, leave."""

from dataclasses import dataclass

import numpy as np

from catalog_builder import confidence
from catalog_builder.confidence import Calibration, Curve
from catalog_builder.queries import Asked

SHOWN = 10                                   # results that a shopper sees of a query: what per cent is a share of


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
    """`scores` [Q, products] of the queries. The curve of all results shown; its error by halves."""
    if not len(scores):
        return Fitted(kind, getattr(confidence.NONE, kind), 0, 0, None, "no queries of this kind: nothing measured")
    spread = confidence.known_spread(scores.std(axis=1).mean())
    values, right, query = shown(scores, asked.answers)
    curve = confidence.fit(values, right, spread)
    if curve is None:
        return Fitted(kind, Curve(10.0, -5.0, spread), len(values), int(right.sum()), None,
                      "too few right or wrong results: the curve is a guess")
    half = query % 2 == 0
    held = confidence.fit(values[half], right[half], spread)
    error = held and confidence.expected_error(held, values[~half], right[~half])
    return Fitted(kind, curve, len(values), int(right.sum()), error, "")


def shown(scores: np.ndarray, answers: list[frozenset[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first SHOWN results of every query: score, whether it is right, and the query's position."""
    count = min(SHOWN, scores.shape[1])
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    values = np.take_along_axis(scores, order, 1)
    right = np.array([[int(product) in answers[q] for product in row] for q, row in enumerate(order)])
    return values.ravel(), right.ravel(), np.repeat(np.arange(len(scores)), count)


def calibration(text: Fitted, image: Fitted, source: str) -> Calibration:
    """For the catalog's metadata."""
    return Calibration(text.curve, image.curve, source)
