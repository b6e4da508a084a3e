"""A catalog's codes enter; the few numbers a row leave that a first pass reads. FORMATS.md has the rules.

A row's codes are projected on some axes and quantised like a vector. Everything is whole numbers and float64, so that
a file's tensors can be made of its codes and axes anywhere, with the same bits.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

KEY = "first_pass"                           # in the metadata: what share is scored exactly, and the recall of that
TENSORS = {"first_axes": "i1", "first_codes": "i1", "first_scales": "<f4"}
LARGEST = 127
LEAST_OF, MOST_OF = 20, 1000                 # one row of so many is scored exactly


@dataclass(frozen=True, eq=False)
class FirstPass:
    """The tensors of the first pass, and its share."""

    axes: np.ndarray                         # int8 [width, dim]
    codes: np.ndarray                        # int8 [rows, width]
    scales: np.ndarray                       # float32 [rows]
    of: int                                  # one row of so many that fit is scored exactly


def opened(metadata: Mapping[str, str], tensors: Mapping[str, np.ndarray], rows: int, dim: int) -> FirstPass | None:
    """None for a file without a first pass. Raises one of container.BROKEN for tensors that do not fit."""
    if not set(TENSORS) & set(tensors):
        return None
    axes, codes, scales = (tensors[name] for name in TENSORS)
    width = len(axes) if axes.ndim == 2 else 0
    for (name, kind), shape in zip(TENSORS.items(), ((width, dim), (rows, width), (rows,)), strict=True):
        if tensors[name].dtype != np.dtype(kind) or tensors[name].shape != shape:
            raise ValueError(f"{name} is {tensors[name].dtype} {list(tensors[name].shape)}")
    if not 1 <= width <= dim:
        raise ValueError(f"a first pass of {width} axes for {dim} dimensions")
    if not (np.isfinite(scales).all() and (scales >= 0).all()):
        raise ValueError("a first_scale that is no finite number, or below 0")
    return FirstPass(axes, codes, scales, _of(json.loads(metadata[KEY])))


def _of(stated: object) -> int:
    of = stated["of"] if isinstance(stated, dict) else None
    if isinstance(of, bool) or not isinstance(of, int) or not LEAST_OF <= of <= MOST_OF:
        raise ValueError(f"{KEY} says one row of {str(of)[:20]}, expected {LEAST_OF} to {MOST_OF}")
    return of


def derived(axes: np.ndarray, codes: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`first_codes` and `first_scales` of rows: codes int8 [n, dim] and scales float32 [n], on axes int8 [width, dim].

    The float32 products are exact whole numbers: 1,024 x 127 x 127 < 2^24. So no order of a sum matters.
    """
    sums = codes.astype(np.float32) @ axes.T.astype(np.float32)
    factors = (np.abs(sums).max(axis=1).astype(np.float64) / LARGEST).astype(np.float32).astype(np.float64)
    small = np.rint(sums / np.where(factors > 0, factors, 1)[:, None])
    return (np.clip(small, -LARGEST, LARGEST).astype(np.int8),
            (scales.astype(np.float64) * factors).astype(np.float32))
