"""A catalog and a query vector enter; scores leave, the same bits in every language. The rules are FORMATS.md's."""

from dataclasses import dataclass

import numpy as np

from catalog_builder.catalog.reader import Catalog
from export.common.errors import InputError

STEPS = 16383                                # a query's component has 14 bits and a sign: 1,024 x 128 x 16383 < 2^31
BASE = 129                                   # q16 = 129 x high + low, both of them int8: 16383 / 129 = 127


@dataclass(frozen=True)
class PreparedQuery:
    """A vector, ready to be scored against one catalog."""

    step: float                              # max|q| / STEPS
    parts: np.ndarray                        # int8 [2, dim]: q16's high and low part
    constant: float                          # offset . q, summed by index

    @property
    def q16(self) -> np.ndarray:
        """int32 [dim]."""
        return self.parts[0].astype(np.int32) * BASE + self.parts[1]


def prepared(catalog: Catalog, vector: np.ndarray) -> PreparedQuery:
    """Raises InputError unless `vector` is float32 [dim], finite and not zero."""
    if vector.dtype != np.float32 or vector.shape != (catalog.dim,):
        raise InputError("no query vector of this catalog", expected=f"float32 [{catalog.dim}]",
                         found=f"{vector.dtype} {list(vector.shape)}")
    largest = float(np.abs(vector).max())
    if not np.isfinite(largest) or largest == 0:
        raise InputError("a query vector that is zero or no finite number")
    step = largest / STEPS
    q16 = np.rint(vector.astype(np.float64) / step).astype(np.int32)
    high = np.rint(q16 / BASE).astype(np.int32)
    constant = np.cumsum(catalog.offset.astype(np.float64) * vector)[-1]         # cumsum adds by index, sum in pairs
    parts = np.stack([high, q16 - BASE * high]).astype(np.int8)
    return PreparedQuery(step, parts, float(constant) + 0.0)          # never -0.0


def sums(codes: np.ndarray, query: PreparedQuery) -> np.ndarray:
    """The exact integer sums of code x q16: int8 [n, dim] -> float64 [n]."""
    import numkong

    if not len(codes):
        return np.empty(0)
    high, low = np.asarray(numkong.cdist(query.parts, np.ascontiguousarray(codes), metric="dot"))
    return high * BASE + low


def scores(catalog: Catalog, query: PreparedQuery, rows: np.ndarray | None = None) -> np.ndarray:
    """float64 [rows], or of the rows given: scale x step x sum + constant, left to right."""
    some = slice(None) if rows is None else rows
    return catalog.scales[some].astype(np.float64) * query.step * sums(catalog.codes[some], query) + query.constant


def mixed(image: np.ndarray, text: np.ndarray, weight: float) -> np.ndarray:
    """One vector: weight x image + (1 - weight) x text, in float64, then float32; its length is left as it is."""
    return (weight * image.astype(np.float64) + (1 - weight) * text.astype(np.float64)).astype(np.float32)
