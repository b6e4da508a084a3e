"""A catalog, the float32 vectors that it was made of, and query vectors enter; what quantisation costs leaves.

Measured on the very catalog: what `search` finds in it, by the exact scores of the float32 vectors.
"""

from dataclasses import dataclass

import numpy as np

from catalog_builder.builder import quantize
from catalog_builder.builder.quantize import Vectors
from catalog_builder.catalog import scores, search
from catalog_builder.catalog.reader import Catalog
from export.common import rankings

RECALL_TOLERANCE = 0.002                     # of tolerant recall@10: ranks within it are chance
LEAST_TOP1, LEAST_RECALL = 0.99, 0.999       # a catalog below them is not written


@dataclass(frozen=True)
class Recall:
    """One kind of query."""

    kind: str
    queries: int
    top1: float                              # share of queries whose first product is float32's, or ties with it
    tolerant10: float | None                 # rankings.tolerant_recall; None with too few products to miss any
    recall10_tolerance: float                # of a score
    plain10: float | None                    # share of float32's first ten that are among the first ten; or None, too
    largest_error: float                     # of the score of any product

    @property
    def passed(self) -> bool:
        """Whether a shop may ship it."""
        return self.top1 >= LEAST_TOP1 and (self.tolerant10 is None or self.tolerant10 >= LEAST_RECALL)

    @property
    def words(self) -> str:
        """The measurements that decide, and what they are held to."""
        top1 = f"{self.kind} queries: top 1 agrees for {self.top1:.4f} (at least {LEAST_TOP1})"
        if self.tolerant10 is None:
            return top1
        return f"{top1}, {rankings.named(self.recall10_tolerance)} {self.tolerant10:.4f} (at least {LEAST_RECALL})"


def measure(kind: str, catalog: Catalog, vectors: Vectors, queries: np.ndarray) -> Recall:
    """float32 [Q, dim] queries. `vectors` are the catalog's rows, unquantised."""
    true = exact(vectors, catalog.owners, queries)
    return compare(kind, shown(catalog, queries), true, largest_error(catalog, true, queries))


def compare(kind: str, products: np.ndarray, true: np.ndarray, error: float) -> Recall:
    """Of the products shown, int [Q, 10], by float32's scores [Q, products]."""
    tolerant = rankings.tolerant_recall(products, true, RECALL_TOLERANCE)
    plain = rankings.plain_recall(products, true)
    return Recall(kind=kind, queries=len(products), top1=float(rankings.agreement(products, true).mean()),
                  tolerant10=None if tolerant is None else float(tolerant.mean()), recall10_tolerance=RECALL_TOLERANCE,
                  plain10=None if plain is None else float(plain.mean()), largest_error=error)


def shown(catalog: Catalog, queries: np.ndarray) -> np.ndarray:
    """What a search of the catalog finds: the first ten products, int [Q, 10], rankings.ABSENT after the last."""
    products = np.full((len(queries), rankings.TOP), rankings.ABSENT)
    for row, query in zip(products, queries, strict=True):
        hits = search.search(catalog, query, rankings.TOP)
        row[:len(hits)] = [hit.product for hit in hits]
    return products


def exact(vectors: Vectors, owners: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The products' scores by the float32 vectors, in float64, block by block: [Q, products]."""
    best = np.full((int(owners[-1]) + 1, len(queries)), -np.inf)
    for start, block in quantize.blocks(vectors):
        own = owners[start:start + len(block)]
        products = slice(int(own[0]), int(own[-1]) + 1)              # a block may end within a product
        best[products] = np.maximum(best[products], rankings.product_scores(queries, block, own).T)
    return best.T


def largest_error(catalog: Catalog, true: np.ndarray, queries: np.ndarray) -> float:
    """Of the score of any product, over all rows, whatever a search leaves out."""
    return max(float(np.abs(_scores(catalog, query) - right).max())
               for query, right in zip(queries, true, strict=True))


def _scores(catalog: Catalog, query: np.ndarray) -> np.ndarray:
    """Of all products, by the file: float64 [products]."""
    return rankings.best_pictures(scores.scores(catalog, scores.prepared(catalog, query))[None], catalog.owners)[0]
