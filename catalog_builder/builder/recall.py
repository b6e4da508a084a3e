"""A catalog, the float32 vectors that it was made of, and query vectors enter; what quantisation costs leaves.

Measured on the very catalog: products ranked by the file's scores, and by exact scores of the float32 vectors.
"""

from dataclasses import dataclass

import numpy as np

from catalog_builder.builder import quantize
from catalog_builder.builder.quantize import Vectors
from catalog_builder.catalog.reader import Catalog
from catalog_builder.catalog.scores import prepared, scores

TOP = 10
NEAR = 0.002                                 # of the tenth's float32 score: ranks within it are chance
LEAST_TOP1, LEAST_RECALL = 0.99, 0.999       # a catalog below them is not written
TIE = 1e-6                                   # float32 does not repeat scores to more than that


@dataclass(frozen=True)
class Recall:
    """One kind of query."""

    kind: str
    queries: int
    top1: float                              # share of queries whose first product is float32's, or ties with it
    tolerant10: float                        # share of the first ten whose float32 score is within NEAR of the tenth's
    plain10: float                           # share of float32's first ten that are among the first ten
    largest_error: float                     # of the score of any product

    @property
    def passed(self) -> bool:
        """Whether a shop may ship it."""
        return self.top1 >= LEAST_TOP1 and self.tolerant10 >= LEAST_RECALL


def measure(kind: str, catalog: Catalog, vectors: Vectors, queries: np.ndarray) -> Recall:
    """float32 [Q, dim] queries. `vectors` are the catalog's rows, unquantised."""
    found = np.stack([product_scores(catalog, scores(catalog, prepared(catalog, query))) for query in queries])
    return compare(kind, found, exact(vectors, catalog.owners, queries))


def product_scores(catalog: Catalog, rows: np.ndarray) -> np.ndarray:
    """A product scores as its best row: [rows] -> [products]."""
    return np.maximum.reduceat(rows, catalog.firsts)


def exact(vectors: Vectors, owners: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The products' scores by the float32 vectors, in float64, block by block: [Q, products]."""
    best = np.full((int(owners[-1]) + 1, len(queries)), -np.inf)
    wide = queries.astype(np.float64).T
    for start, block in quantize.blocks(vectors):
        np.maximum.at(best, owners[start:start + len(block)].astype(np.int64), block @ wide)
    return best.T


def compare(kind: str, found: np.ndarray, true: np.ndarray) -> Recall:
    """Scores [Q, products] of the file and of float32."""
    ten = min(TOP, found.shape[1])
    order, right = (np.argsort(-side, axis=1, kind="stable")[:, :ten] for side in (found, true))
    best, given = (np.take_along_axis(true, side, 1) for side in (right, order))
    return Recall(kind, len(found), float((given[:, 0] >= best[:, 0] - TIE).mean()),
                  float((given >= best[:, -1:] - NEAR).mean()),
                  float(np.mean([len(set(a) & set(b)) / ten for a, b in zip(order, right, strict=True)])),
                  float(np.abs(found - true).max()))
