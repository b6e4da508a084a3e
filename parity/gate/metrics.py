"""Embeddings of an artefact and of the reference enter; their cosines and differences, in float64, leave."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Closeness:
    """How near an artefact's embeddings are to the reference's, over N inputs."""

    inputs: int
    cosine_min: float
    cosine_mean: float
    max_abs: float                           # largest difference of a component
    distances: list[float]                   # 1 - cosine of each input, in the samples' order


def closeness(found: np.ndarray, expected: np.ndarray) -> Closeness:
    """Compares [N, dim] with [N, dim]. Embeddings that are not finite give NaN, which no tolerance accepts."""
    found, expected = found.astype(np.float64), expected.astype(np.float64)
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(axis=1) / norms
    return Closeness(len(found), float(cosines.min()), float(cosines.mean()), float(np.abs(found - expected).max()),
                     [float(f"{max(d, 0.0):.4g}") if d == d else d for d in (1 - cosines).tolist()])
