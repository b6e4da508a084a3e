"""A catalog, a query vector and filters enter; the best products leave.

The order of work: filter, score, one row a product, threshold, top k.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from catalog_builder.catalog import candidates
from catalog_builder.catalog.reader import Catalog
from catalog_builder.catalog.scores import PreparedQuery, prepared, scores
from export.common.errors import InputError

GATHERED = 0.2                               # of the products: if a filter leaves fewer, only their rows are scored


@dataclass(frozen=True)
class Filter:
    """What a product must be. An inclusive range of prices in ten-thousandths; a product without a price never fits."""

    categories: Collection[str] | None = None
    lowest: int | None = None
    highest: int | None = None
    columns: Mapping[str, Collection[str]] = field(default_factory=dict)         # of each, one of these texts


ANY = Filter()


@dataclass(frozen=True)
class Hit:
    """A product, its best row, and that row's score."""

    product: int
    row: int
    score: float


def search(catalog: Catalog, vector: np.ndarray, k: int = 10, where: Filter = ANY,
           threshold: float = -np.inf, without: int | None = None, exact: bool = False) -> list[Hit]:
    """The best k products by score, then by row. `vector`: float32 [dim]. `without` leaves one product out.

    Where the file has a first pass, it may miss some of them, unless `exact` is asked for; scores are exact anyway.
    Raises InputError for a vector of another kind, an unknown category, k below 1, a threshold that is no number, or a
    price filter on a catalog of several currencies.
    """
    chosen = fitting(catalog, where)
    if without is not None:
        chosen = np.ones(catalog.products, bool) if chosen is None else chosen
        chosen[without] = False
    return best(catalog, vector, k, chosen, threshold, exact=exact)


def best(catalog: Catalog, vector: np.ndarray, k: int, chosen: np.ndarray | None, threshold: float,
         exact: bool = False) -> list[Hit]:
    """As `search`, among the products `chosen`: bool [products]; None for all."""
    if k < 1 or threshold != threshold:
        raise InputError("a search for nothing", expected="k of 1 or more, a threshold that is a number",
                         found=f"k {k}, threshold {threshold}")
    query = prepared(catalog, vector)
    promising = None if exact else _promising(catalog, query, k, chosen)
    if promising is not None:
        return _best_of(catalog, query, promising, k, threshold)
    if chosen is not None and chosen.mean() < GATHERED:
        return _best_of(catalog, query, np.flatnonzero(chosen), k, threshold)
    values = scores(catalog, query, None)
    of_products = np.maximum.reduceat(values, catalog.firsts)
    if chosen is not None:
        of_products = np.where(chosen, of_products, -np.inf)
    return [_hit(values, None, catalog.firsts, int(i), int(i)) for i in top(of_products, k, threshold)]


def _promising(catalog: Catalog, query: PreparedQuery, k: int, chosen: np.ndarray | None) -> np.ndarray | None:
    """The k best products of the first pass's candidates, rising; None where all that fit are to be scored exactly."""
    if catalog.first_pass is None:
        return None
    fitting = None if chosen is None else np.flatnonzero(chosen[catalog.owners])
    rows = candidates.rows(catalog.first_pass, query, k, fitting)
    if rows is None:
        return None
    owners = catalog.owners[rows].astype(np.int64)
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(starts) < k:                      # a few products own all candidates
        return None
    return np.sort(owners[starts[top(np.maximum.reduceat(scores(catalog, query, rows), starts), k)]])


def _best_of(catalog: Catalog, query: PreparedQuery, products: np.ndarray, k: int, threshold: float) -> list[Hit]:
    """The best k of some products, rising, by all their rows."""
    if not len(products):
        return []
    firsts = catalog.firsts[products]
    counts = np.append(catalog.firsts[products[:-1] + 1], _end(catalog, products[-1])) - firsts
    starts = np.cumsum(counts) - counts
    rows = np.repeat(firsts - starts, counts) + np.arange(counts.sum())
    values = scores(catalog, query, rows)
    of_products = np.maximum.reduceat(values, starts)
    return [_hit(values, rows, starts, int(products[i]), int(i)) for i in top(of_products, k, threshold)]


def _end(catalog: Catalog, product: int) -> int:
    """The row after a product's last."""
    return int(catalog.firsts[product + 1]) if product + 1 < catalog.products else catalog.rows


def _hit(values: np.ndarray, rows: np.ndarray | None, starts: np.ndarray, product: int, place: int) -> Hit:
    start, end = starts[place], starts[place + 1] if place + 1 < len(starts) else len(values)
    row = int(start + np.argmax(values[start:end]))          # the first of equals
    return Hit(product, row if rows is None else int(rows[row]), float(values[row]))


def top(best: np.ndarray, k: int, threshold: float = -np.inf) -> np.ndarray:
    """The places of the k largest of `best` that are finite and at least `threshold`: largest first, then by place."""
    if k < len(best):
        bound = np.partition(best, len(best) - k)[len(best) - k]
        threshold = max(threshold, bound)
    candidates = np.flatnonzero((best >= threshold) & (best > -np.inf))
    return candidates[np.lexsort((candidates, -best[candidates]))][:k]


def fitting(catalog: Catalog, where: Filter) -> np.ndarray | None:
    """Which products fit: bool [products]; None for all. Raises InputError for what cannot be asked."""
    parts = []
    if where.categories is not None:
        refuse_unknown(where.categories, catalog.category_names, catalog.path)
        known = np.array([name in set(where.categories) for name in catalog.category_names])
        parts.append(known[catalog.categories])
    if where.lowest is not None or where.highest is not None:
        if not catalog.currency:
            raise InputError("no filter by price", where=catalog.path, expected="prices of one currency",
                             found="several currencies, or none")
        prices = catalog.prices
        parts.append((prices >= max(where.lowest or 0, 0))
                     & (prices <= (np.iinfo(np.int64).max if where.highest is None else where.highest)))
    for name, texts in where.columns.items():
        refuse_unknown_column(name, catalog)
        refuse_unknown(texts, catalog.filters[name].names, catalog.path, name)
        parts.append(catalog.filters[name].fitting(texts))
    return np.logical_and.reduce(parts) if parts else None


def refuse_unknown(asked: Collection[str], names: Sequence[str], path: Path, what: str = "category") -> None:
    """Raises InputError for a category, or a text of the column `what`, that the catalog at `path` does not name."""
    if unknown := set(asked) - set(names):
        raise InputError(f"no such {what}", found=", ".join(sorted(unknown)), where=path,
                         expected=", ".join(names)[:300])


def refuse_unknown_column(name: str, catalog: Catalog) -> None:
    """Raises InputError for a column that is no filter of the catalog."""
    if name not in catalog.filters:
        raise InputError("no such filter", where=catalog.path, found=name,
                         expected=", ".join(catalog.filters) or "a catalog that was built with --filter")


def like(catalog: Catalog, product: int, k: int = 10, where: Filter = ANY,
         threshold: float = -np.inf, exact: bool = False) -> list[Hit]:
    """More like this: the best products by this product's first row, without the product itself."""
    first = int(catalog.firsts[product])
    return search(catalog, catalog.vectors(slice(first, first + 1))[0], k, where, threshold, without=product,
                  exact=exact)
