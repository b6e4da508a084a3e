"""A catalog and an overlay's file enter; the products and searches of both leave, as if one file held them.

An overlay holds the products that a shop's staff add on a phone. FORMATS.md says what its file holds.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from catalog_builder.catalog import reader, scores, search, words
from catalog_builder.catalog.reader import REMEDY, Catalog, CatalogError
from catalog_builder.catalog.search import ANY, Filter, Hit
from catalog_builder.catalog.words import IndexedProducts, ListedProducts, NamedProduct, Products
from catalog_builder.index import filter_columns, record_texts
from export.common import container

MOST_PRODUCTS = 5_000                        # of an overlay: more belong into the shop's list
OF_THE_BASE = ("model", "dim", "currency", "calibration")            # metadata that is the base's, letter by letter


@dataclass(frozen=True, eq=False)
class OverlaidCatalog:
    """A catalog with an overlay over it. Places and rows are the base's, then the overlay's own."""

    base: Catalog
    own: Catalog                             # the overlay's file; it may have no product
    gone: np.ndarray                         # bool [base.products]: replaced or removed, so never found

    @property
    def products(self) -> int:
        """The number of places, those of products that are gone too."""
        return self.base.products + self.own.products

    @property
    def rows(self) -> int:
        """The number of rows, one for each picture."""
        return self.base.rows + self.own.rows

    @cached_property
    def category_names(self) -> list[str]:
        """The base's, then those that only the overlay has."""
        return list(dict.fromkeys([*self.base.category_names, *self.own.category_names]))

    def record(self, product: int) -> dict:
        """The product's JSON object, also of one that is gone. Raises CatalogError for one that is damaged."""
        catalog, place = self._at(product)
        return catalog.record(place)

    def raw(self, product: int) -> bytes:
        """The product's JSON object as it stands in its file."""
        catalog, place = self._at(product)
        return catalog.raw(place)

    def thumbnail(self, product: int) -> bytes | None:
        """The product's small picture (WebP); None if it has none."""
        catalog, place = self._at(product)
        return catalog.thumbnail(place)

    def place(self, product_id: str) -> int | None:
        """The place of the product with this id; None if there is none, or if it was removed."""
        own = self.own.place(product_id)
        if own is not None:
            return self.base.products + own
        place = self.base.place(product_id)
        return None if place is None or self.gone[place] else place

    def search(self, vector: np.ndarray, k: int = 10, where: Filter = ANY, threshold: float = -np.inf,
               without: int | None = None, exact: bool = False) -> list[Hit]:
        """As `search.search`; a hit's product and row are counted over both files."""
        self._refuse_unknown(where)
        found = [Hit(first + hit.product, row + hit.row, hit.score) for catalog, first, row in self._parts()
                 for hit in search.best(catalog, vector, k, self._chosen(catalog, first, where, without), threshold,
                                        exact=exact)]
        return sorted(found, key=lambda hit: (-hit.score, hit.row))[:k]

    def exact(self, text: str, where: Filter = ANY, most: int = words.MOST) -> list[NamedProduct]:
        """As `words.found`; the overlay's own products are found by their records, with the base's tables."""
        self._refuse_unknown(where)
        tables, chosen = self.base.words, [self._chosen(catalog, first, where, None) for catalog, first, _ in
                                           self._parts()]
        if tables is None:
            return []
        same = self.place(words.id_in(text))
        if same is not None and not np.concatenate(chosen)[same]:
            same = None
        parts: list[tuple[int, Products]] = [
            (0, IndexedProducts(self.base, tables, chosen[0])),
            *((self.base.products, ListedProducts(*self._own_words, one)) for one in chosen[1:])]
        return words.ranked(tables, parts, same, text, most)

    def filter_names(self, column: str) -> list[str]:
        """The texts of a column that is a filter: the base's, then those that only the overlay has."""
        own = (text for texts in self._own_texts(column) for text in texts)
        return list(dict.fromkeys([*self.base.filters[column].names, *own]))

    def _own_texts(self, column: str) -> list[list[str]]:
        """Of each of the overlay's products, what its record holds in a column."""
        return [record_texts.texts(record, column) for record in self._own_records]

    @cached_property
    def _own_records(self) -> list[dict]:
        """As `words.record`."""
        return [words.record(self.own, place) for place in range(self.own.products)]

    @cached_property
    def _own_words(self) -> tuple[list[set[str]], list[set[str]]]:
        """The keys and the terms of the overlay's products, by the base's tables."""
        tables = self.base.words
        if tables is None:
            return [], []
        return [tables.keys_of(one) for one in self._own_records], [tables.terms_of(one) for one in self._own_records]

    def _refuse_unknown(self, where: Filter) -> None:
        if where.categories is not None:
            search.refuse_unknown(where.categories, self.category_names, self.own.path)
        for name, texts in where.columns.items():
            search.refuse_unknown_column(name, self.base)
            search.refuse_unknown(texts, self.filter_names(name), self.own.path, name)

    def like(self, product: int, k: int = 10, where: Filter = ANY, threshold: float = -np.inf,
             exact: bool = False) -> list[Hit]:
        """More like this: by the product's first row, without the product itself."""
        catalog, place = self._at(product)
        first = int(catalog.firsts[place])
        return self.search(catalog.vectors(slice(first, first + 1))[0], k, where, threshold, without=product,
                           exact=exact)

    def scores(self, vector: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """float64 [rows]: the scores of these rows."""
        made = np.empty(len(rows))
        for catalog, _, first in self._parts():
            mine = (rows >= first) & (rows < first + catalog.rows)
            made[mine] = scores.scores(catalog, scores.prepared(catalog, vector), rows[mine] - first)
        return made

    def _parts(self) -> Iterator[tuple[Catalog, int, int]]:
        """Each file that has products, with the place of its first product and of its first row."""
        yield self.base, 0, 0
        if self.own.products:
            yield self.own, self.base.products, self.base.rows

    def _at(self, product: int) -> tuple[Catalog, int]:
        own = product - self.base.products
        return (self.base, product) if own < 0 else (self.own, own)

    def _chosen(self, catalog: Catalog, first: int, where: Filter, without: int | None) -> np.ndarray:
        """Which products of one of the two files may be found: bool [its products]."""
        names = None if where.categories is None else set(where.categories) & set(catalog.category_names)
        columns = {name: set(texts) & set(catalog.filters[name].names) for name, texts in where.columns.items()
                   if catalog is self.base}
        chosen = search.fitting(catalog, replace(where, categories=names, columns=columns))
        chosen = np.ones(catalog.products, bool) if chosen is None else chosen
        for name, texts in where.columns.items():
            if catalog is self.own:
                chosen &= np.array([filter_columns.fits(own, texts) for own in self._own_texts(name)], bool)
        if catalog is self.base:
            chosen &= ~self.gone
        if without is not None and 0 <= without - first < catalog.products:
            chosen[without - first] = False
        return chosen


@dataclass(frozen=True, eq=False)
class OverlayFile:
    """An overlay's open file, whatever base it lies over."""

    own: Catalog                             # it may have no product
    vectors: np.ndarray                      # float32 [rows, dim], as the encoder gave them
    ids: frozenset[str]                      # of its products
    removed: frozenset[str]


def open_file(path: Path, space: str) -> OverlayFile:
    """Reads an overlay, over whatever base. Raises CatalogError for any other file."""
    own = reader.open_catalog(path, space, least=0)
    if "base" not in own.metadata:
        raise CatalogError("a catalog, but no overlay", where=path, remedy="open it as a catalog")
    with _damaged(path):
        if own.products > MOST_PRODUCTS:
            raise ValueError(f"{own.products:,} products, more than {MOST_PRODUCTS:,}")
        vectors = container.parsed(own.content, reader.MOST_HEADER)[1]["vectors"]
        _check_vectors(vectors, (own.rows, own.dim))
        return OverlayFile(own, vectors, _ids(own), _removed(own.metadata["removed"]))


def open_overlay(path: Path, base: Catalog) -> OverlaidCatalog:
    """The base with this file's overlay over it. Raises CatalogError unless the file is an overlay of this base."""
    file = open_file(path, base.space)
    own = file.own
    if own.metadata["base"] != base.metadata["sha256"]:
        raise CatalogError("the overlay lies over another catalog", where=path, expected=base.metadata["sha256"],
                           found=own.metadata["base"][:64], remedy="open it with its own, or put its products anew")
    with _damaged(path):
        for key in OF_THE_BASE:
            if own.metadata[key] != base.metadata[key]:
                raise ValueError(f"another {key} than the base's: {own.metadata[key][:80]!r}")
        if own.offset.tobytes() != base.offset.tobytes():
            raise ValueError("another offset than the base's")
    gone = np.zeros(base.products, bool)
    gone[[place for one in file.ids | file.removed if (place := base.place(one)) is not None]] = True
    return OverlaidCatalog(base, own, gone)


@contextmanager
def _damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except container.BROKEN as error:
        wrong = f"no {error}" if isinstance(error, KeyError) else f"{error}"
        raise CatalogError("damaged, or no overlay", where=path, found=wrong[:200], remedy=REMEDY) from None


def _ids(own: Catalog) -> frozenset[str]:
    """The ids of the overlay's products. Raises ValueError for a product without one, or for one twice."""
    ids = [own.record(product).get("id") for product in range(own.products)]
    known = frozenset(one for one in ids if isinstance(one, str) and one)
    if len(known) < len(ids):
        raise ValueError("a product without an id, or an id twice")
    return known


def _check_vectors(vectors: np.ndarray, shape: tuple[int, int]) -> None:
    if vectors.dtype != np.dtype("<f4") or vectors.shape != shape:
        raise ValueError(f"vectors is {vectors.dtype} {list(vectors.shape)}")
    if not np.isfinite(vectors).all():
        raise ValueError("a vector that is no finite number")


def _removed(text: str) -> frozenset[str]:
    """The ids in the metadata `removed`. Raises ValueError for anything but a JSON list of texts."""
    ids = json.loads(text)
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise ValueError("removed is no list of ids")
    return frozenset(ids)


