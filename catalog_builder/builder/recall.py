"""A catalog, the float32 vectors that it was made of, and query vectors enter; what quantisation costs leaves.

Also leaves, and decides nothing here: how often a search finds what was asked for. Models are compared by it.

Measured on the finished catalog: the exact scores of the float32 vectors judge what `search` finds in the catalog. The
order of scores within RECALL_TOLERANCE is chance, so it counts in neither measure.

Few queries decide little. The gate is red only where the upper end of Wilson's interval of top-1 agreement is below its
limit. A single deviating query, or a single missed result, never makes it red: where that would exceed the limit, the
queries are too few to judge.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from catalog_builder.builder import quantize
from catalog_builder.builder.quantize import Vectors
from catalog_builder.catalog import scores, search
from catalog_builder.catalog.reader import Catalog
from catalog_builder.catalog.search import Hit
from export.common import rankings
from export.common.rankings import Estimate

RECALL_TOLERANCE = 0.002                     # of a score, for both measures: the order within it is chance
LEAST_TOP1, LEAST_RECALL = 0.99, 0.999       # a catalog below them is not written
PASSED, RED, TOO_FEW = "passed", "failed", "too few queries to judge"
NOISE = 1e-9                                 # of a number of queries, computed from a share
MOST_SCORES = 20_000_000                     # queries x products held at once: 160 MB
SHARES = (100, 50, 25)                       # of a first pass: one row of so many is scored exactly


@dataclass(frozen=True)
class Recall:
    """One kind of query."""

    kind: str
    queries: int
    top1: float                              # share of queries whose first product is within the tolerance of float32's
    top1_high: float                         # upper end of Wilson's interval of top1
    tolerant10: float | None                 # rankings.tolerant_recall; None with too few products to miss any
    recall10_tolerance: float                # of a score
    plain10: float | None                    # share of float32's first ten that are among the first ten; or None
    largest_error: float                     # of the score of any product
    found1: Estimate | None = None           # true recall: queries with a product asked for first, and among the first
    found10: Estimate | None = None          # ten; None where it is not known what was asked for

    @property
    def verdict(self) -> str:
        """PASSED, RED or TOO_FEW."""
        verdicts = {self._top1_verdict(), self._recall_verdict()}
        return next(verdict for verdict in (RED, TOO_FEW, PASSED) if verdict in verdicts)

    @property
    def passed(self) -> bool:
        """Whether a shop may ship it."""
        return self.verdict != RED

    @property
    def words(self) -> str:
        """The measurements that decide, and their limits."""
        top1 = (f"{self.kind} queries: top 1 agrees (within {self.recall10_tolerance:g}) for {self.top1:.4f}, "
                f"upper end {self.top1_high:.4f} (at least {LEAST_TOP1})")
        if self.tolerant10 is None:
            return top1
        return f"{top1}, {rankings.named(self.recall10_tolerance)} {self.tolerant10:.4f} (at least {LEAST_RECALL})"

    def _top1_verdict(self) -> str:
        if self.top1_high >= LEAST_TOP1:
            return PASSED
        return TOO_FEW if (1 - self.top1) * self.queries <= 1 + NOISE else RED

    def _recall_verdict(self) -> str:
        if self.tolerant10 is None or self.tolerant10 >= LEAST_RECALL:
            return PASSED
        return TOO_FEW if (1 - self.tolerant10) * self.queries * rankings.TOP <= 1 + NOISE else RED


@dataclass(frozen=True)
class FirstPassRecall:
    """Of the exact search's first ten, the share that the search with the first pass finds, by kind of query."""

    of: int                                  # one fitting row of so many is scored exactly
    queries: Mapping[str, int]
    shares: Mapping[str, float]

    @property
    def passed(self) -> bool:
        """Whether a catalog may have it. A single missed result never decides."""
        return all(share >= LEAST_RECALL or (1 - share) * self.queries[kind] * rankings.TOP <= 1 + NOISE
                   for kind, share in self.shares.items())

    @property
    def words(self) -> str:
        """The measurements that decide, and their limit."""
        found = ", ".join(f"{share:.4f} of {self.queries[kind]:,} {kind} queries'"
                          for kind, share in self.shares.items())
        return (f"with a first pass, and one row of {self.of} scored exactly, a search finds {found} first ten "
                f"(at least {LEAST_RECALL})")


def first_pass(catalog: Catalog, queries: Mapping[str, np.ndarray]) -> FirstPassRecall:
    """Measures the smallest share of SHARES that passes, or the largest: `queries` float32 [Q, dim] by kind.

    Raises ValueError for a catalog without a first pass.
    """
    tables = catalog.first_pass
    if tables is None:
        raise ValueError(f"{catalog.path} has no first pass")
    exact = {kind: [search.search(catalog, query, rankings.TOP, exact=True) for query in asked]
             for kind, asked in queries.items() if len(asked)}
    for of in SHARES:
        tried = replace(catalog, first_pass=replace(tables, of=of))
        shares = {kind: _found_share(tried, queries[kind], hits) for kind, hits in exact.items()}
        measured = FirstPassRecall(of, {kind: len(hits) for kind, hits in exact.items()}, shares)
        if measured.passed:
            break
    return measured


def _found_share(catalog: Catalog, queries: np.ndarray, exact: list[list[Hit]]) -> float:
    """The share of the exact hits that are found; another product of the same score as the last is as good."""
    shares = [sum(hit.score >= hits[-1].score for hit in search.search(catalog, query, rankings.TOP)) / len(hits)
              for query, hits in zip(queries, exact, strict=True)]
    return float(np.mean(shares))


def measure(kind: str, catalog: Catalog, vectors: Vectors, queries: np.ndarray,
            asked_for: np.ndarray | None = None) -> Recall:
    """Measures one kind of query: `queries` float32 [Q, dim]. `vectors` are the catalog's rows, unquantised.

    `asked_for`: which products each query asks for, bool [Q, products].
    """
    products, judged, errors = shown(catalog, queries), [], []
    for some, true in exact_parts(vectors, catalog.owners, queries):
        judged.append(_judged(products[some], true))
        errors.append(largest_error(catalog, true, queries[some]))
    return _recall(kind, products, judged, max(errors), asked_for)


def compare(kind: str, products: np.ndarray, true: np.ndarray, error: float,
            asked_for: np.ndarray | None = None) -> Recall:
    """Judges the products shown, int [Q, 10], by float32's scores [Q, products]. `asked_for`: as in `measure`."""
    return _recall(kind, products, [_judged(products, true)], error, asked_for)


def _judged(products: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each query: whether the first agrees, and tolerant and plain recall; without numbers where there are none."""
    none = np.empty(0)
    tolerant, plain = rankings.tolerant_recall(products, true, RECALL_TOLERANCE), rankings.plain_recall(products, true)
    return (rankings.agreement(products, true, RECALL_TOLERANCE), none if tolerant is None else tolerant,
            none if plain is None else plain)


def _recall(kind: str, products: np.ndarray, judged: list[tuple[np.ndarray, np.ndarray, np.ndarray]], error: float,
            asked_for: np.ndarray | None) -> Recall:
    agrees, tolerant, plain = (np.concatenate(parts) for parts in zip(*judged, strict=True))
    top1 = rankings.wilson(agrees.mean(), len(products))
    return Recall(kind=kind, queries=len(products), top1=top1.value, top1_high=top1.high,
                  tolerant10=float(tolerant.mean()) if len(tolerant) else None, recall10_tolerance=RECALL_TOLERANCE,
                  plain10=float(plain.mean()) if len(plain) else None, largest_error=error,
                  found1=None if asked_for is None else rankings.found(products, asked_for, 1),
                  found10=None if asked_for is None else rankings.found(products, asked_for, rankings.TOP))


def shown(catalog: Catalog, queries: np.ndarray) -> np.ndarray:
    """What an exact search finds: the first ten products, int [Q, 10], rankings.ABSENT after the last."""
    products = np.full((len(queries), rankings.TOP), rankings.ABSENT)
    for row, query in zip(products, queries, strict=True):
        hits = search.search(catalog, query, rankings.TOP, exact=True)
        row[:len(hits)] = [hit.product for hit in hits]
    return products


def exact_parts(vectors: Vectors, owners: np.ndarray, queries: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """As `exact`, of at most MOST_SCORES scores at a time: which queries, and their scores [some, products]."""
    step = max(1, MOST_SCORES // (int(owners[-1]) + 1))
    for start in range(0, len(queries), step):
        yield slice(start, start + step), exact(vectors, owners, queries[start:start + step])


def exact(vectors: Vectors, owners: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The products' scores by the float32 vectors, in float64, block by block: [Q, products]."""
    best = np.full((int(owners[-1]) + 1, len(queries)), -np.inf)
    for start, block in quantize.blocks(vectors):
        own = owners[start:start + len(block)]
        products = slice(int(own[0]), int(own[-1]) + 1)              # a block may end within a product
        best[products] = np.maximum(best[products], rankings.product_scores(queries, block, own).T)
    return best.T


def largest_error(catalog: Catalog, true: np.ndarray, queries: np.ndarray) -> float:
    """The largest error of any product's score, including products that a search does not show."""
    return max(float(np.abs(_scores(catalog, query) - right).max())
               for query, right in zip(queries, true, strict=True))


def _scores(catalog: Catalog, query: np.ndarray) -> np.ndarray:
    """The scores of all products, from the file: float64 [products]."""
    return rankings.best_pictures(scores.scores(catalog, scores.prepared(catalog, query))[None], catalog.owners)[0]
