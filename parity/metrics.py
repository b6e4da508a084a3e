"""Embeddings of an artefact and of the reference enter; measurements leave. All in float64."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Closeness:
    """How near an artefact's embeddings are to the reference's, over N inputs."""

    inputs: int
    cosine_min: float
    cosine_mean: float
    max_abs: float                           # largest difference of a component


@dataclass(frozen=True)
class Ranking:
    """What a shopper would see, over N queries."""

    queries: int
    top1_agreement: float                    # share of queries with the same best product as the reference
    recall_at_1: float                       # share with the right product first, through the artefact
    recall_at_1_reference: float


def closeness(found: np.ndarray, expected: np.ndarray) -> Closeness:
    """Compares [N, dim] with [N, dim]. Embeddings that are not finite give NaN, which no tolerance accepts."""
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(axis=1) / norms
    return Closeness(len(found), float(cosines.min()), float(cosines.mean()), float(np.abs(found - expected).max()))


def best_products(queries: np.ndarray, rows: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """The product of each query's best row: [Q, dim] x [R, dim] -> int [Q]."""
    scores = queries.astype(np.float64) @ rows.astype(np.float64).T
    return owners[scores.argmax(axis=1)]


def ranking(found: np.ndarray, expected: np.ndarray, answers: np.ndarray) -> Ranking:
    """Compares the best product of every query, int [Q] each."""
    return Ranking(len(found), float((found == expected).mean()), float((found == answers).mean()),
                   float((expected == answers).mean()))
