"""Records and the names of columns enter; what a catalog is searched by beside vectors leaves, built, opened or edited.

All of it follows from the records and their order. So a device that applies a delta makes it anew for the products
whose records changed, and moves the rest: the delta carries nothing for it.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from catalog_builder.index import character_tables, characters, filter_columns, key_index, record_texts, word_index
from catalog_builder.index.characters import Characters
from catalog_builder.index.filter_columns import ColumnInTheMaking, FilterColumn
from catalog_builder.index.indexed_columns import COLUMNS, IndexedColumns, names_of
from catalog_builder.index.key_index import KeyIndex
from catalog_builder.index.word_index import Gathered, WordIndex

WORDS = {name: "<u4" for name in characters.TENSORS} | key_index.TENSORS | word_index.TENSORS
FILTERS = filter_columns.TENSORS


@dataclass(frozen=True, eq=False)
class WordTables:
    """What finds products by words and keys."""

    columns: IndexedColumns
    characters: Characters
    keys: KeyIndex
    words: WordIndex

    def keys_of(self, record: Mapping[str, object]) -> set[str]:
        """The keys of a record."""
        return key_index.keys_of(record, self.columns.keys, self.characters)

    def terms_of(self, record: Mapping[str, object]) -> set[str]:
        """The terms of a record."""
        return word_index.terms_of(record, self.columns.words, self.characters)


def opened_words(metadata: Mapping[str, str], tensors: Mapping[str, np.ndarray], products: int) -> WordTables | None:
    """Of a catalog's parts; None if it has none. Raises ValueError or KeyError for parts that do not fit."""
    if not set(WORDS) & set(tensors):
        return None
    if missing := [key for key in COLUMNS[:2] if key not in metadata]:
        raise KeyError(missing[0])
    return WordTables(IndexedColumns.of(metadata), Characters.of(tensors), KeyIndex.of(tensors, products),
                      WordIndex.of(tensors, products))


def opened_filters(metadata: Mapping[str, str], tensors: Mapping[str, np.ndarray],
                   products: int) -> dict[str, FilterColumn]:
    """Of a catalog's parts, by column. Raises ValueError or KeyError for parts that do not fit."""
    if not set(FILTERS) & set(tensors):
        return {}
    return filter_columns.opened(tensors, names_of("filters", metadata["filters"]), products)


def built(records: Iterable[bytes], count: int, columns: IndexedColumns) -> dict[str, np.ndarray]:
    """The tensors of a new catalog of `count` products. Raises ValueError for a column that cannot be a filter."""
    if not columns.metadata():
        return {}
    made = _Edit(columns, Characters.of(character_tables.built()), count)
    for place, raw in enumerate(records):
        made.renew(place, raw)
    return made.tensors(character_tables.built())


def followed(words: WordTables | None, filters: Mapping[str, FilterColumn], moved: np.ndarray, count: int,
             renewed: Mapping[int, bytes]) -> dict[str, np.ndarray]:
    """The tensors of the catalog that follows, of `count` products.

    `moved`: where each product of the base now is, int64, -1 where it is gone or its record is another. `renewed`: the
    records of all others, by place. Raises ValueError or RecursionError for a record that cannot be read.
    """
    columns = IndexedColumns(*((words.columns.keys, words.columns.words) if words else ((), ())), tuple(filters))
    if not columns.metadata():
        return {}
    tables = words.characters if words else Characters.of(character_tables.built())
    made = _Edit(columns, tables, count)
    made.keep(words, filters, moved)
    for place, raw in renewed.items():
        made.renew(place, raw)
    return made.tensors(tables.tensors())


class _Edit:
    """An index in the making."""

    def __init__(self, columns: IndexedColumns, tables: Characters, count: int):
        self._columns, self._tables, self._products = columns, tables, count
        self._gathered = Gathered()
        self._pairs = array("Q")             # of keys
        self._counts = np.zeros(count, "u1")
        self._filters = [ColumnInTheMaking(count) for _ in columns.filters]
        self._old_terms = self._old_products = np.empty(0, np.int64)
        self._old_pairs = np.empty(0, np.uint64)

    def keep(self, words: WordTables | None, filters: Mapping[str, FilterColumn], moved: np.ndarray) -> None:
        """Takes over what did not change."""
        stays = moved >= 0
        for before, now in zip(filters.values(), self._filters, strict=True):
            numbers = np.array([now.number(value) for value in before.values], np.uint32)
            now.put(moved[stays], numbers[before.numbers[stays]])
        if words is None:
            return
        index, keys = words.words, words.keys
        self._gathered = Gathered([index.term(at) for at in range(index.terms)])
        terms, products = index.everything(len(moved))
        kept = stays[products]
        self._old_terms, self._old_products = terms[kept], moved[products[kept]]
        self._counts[moved[stays]] = index.counts[stays]
        kept = stays[keys.products]
        self._old_pairs = (keys.hashes[kept].astype(np.uint64) << np.uint64(32)
                           | moved[keys.products[kept]].astype(np.uint64))

    def renew(self, place: int, raw: bytes) -> None:
        """Takes a product from its record."""
        record = record_texts.parsed(raw)
        terms = word_index.terms_of(record, self._columns.words, self._tables)
        self._gathered.add(place, terms)
        self._counts[place] = word_index.count(terms)
        self._pairs.extend(key_index.pairs_of(place, key_index.keys_of(record, self._columns.keys, self._tables)))
        for column, now in zip(self._columns.filters, self._filters, strict=True):
            now.put(place, now.number(tuple(record_texts.texts(record, column))))

    def tensors(self, tables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """WORDS and FILTERS, of those whose columns there are."""
        made = filter_columns.tensors(self._filters) if self._filters else {}
        if self._columns.keys or self._columns.words:
            pairs = np.concatenate([self._old_pairs, np.frombuffer(self._pairs, np.uint64)])
            made = {**made, **tables, **key_index.tensors(pairs), "word_counts": self._counts,
                    **self._gathered.tensors(self._old_terms, self._old_products)}
        return made
