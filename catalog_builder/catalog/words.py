"""A catalog and a shopper's text enter; the products that it names exactly leave: by a key, or by all its words.

They are a group of their own, above what the vectors find, which stays as it is. No encoder takes part. FORMATS.md has
the rules: "Words and keys".
"""

import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np

from catalog_builder.catalog import search
from catalog_builder.catalog.reader import REMEDY, Catalog, CatalogError
from catalog_builder.catalog.search import ANY, Filter
from catalog_builder.index import record_texts, word_index
from catalog_builder.index.catalog_index import WordTables
from catalog_builder.index.characters import LetterRun
from export.common import container

MOST = 10                                    # products of the group
LEAST_BEGINNING = 2                          # characters that may be the beginning of a word
KEY, WORDS = "key", "words"


@dataclass(frozen=True)
class NamedProduct:
    """A product of the group, and what named it."""

    product: int
    by: str                                  # KEY or WORDS


@dataclass(frozen=True)
class AskedTerm:
    """What a product must hold: a term, or one that begins so."""

    text: str
    begins: bool = False


class Products(Protocol):
    """Products that can be found by their keys and terms. Places are counted from the first of them."""

    def with_key(self, key: str) -> Iterator[int]:
        """The places of products with this key, rising."""

    def with_terms(self, asked: Sequence[AskedTerm], most: int) -> list[tuple[int, int]]:
        """Of the products that hold all that is asked for, the first by their number of terms, then by place: both."""


@dataclass(frozen=True, eq=False)
class IndexedProducts:
    """A catalog's, by its tensors."""

    catalog: Catalog
    tables: WordTables
    chosen: np.ndarray | None                # bool [products]: those that may be found; None for all

    def with_key(self, key: str) -> Iterator[int]:
        for place in self.tables.keys.candidates(key):
            if (self.chosen is None or self.chosen[place]) and key in self.tables.keys_of(record(self.catalog, place)):
                yield place

    def with_terms(self, asked: Sequence[AskedTerm], most: int) -> list[tuple[int, int]]:
        index = self.tables.words
        ranges = sorted((index.range_of(term.text, term.begins) for term in asked), key=index.size)
        places = None if self.chosen is None else np.flatnonzero(self.chosen)
        for terms in ranges:                 # the rarest first
            if not len(terms) or places is not None and not len(places):
                return []
            holding = index.products(terms)
            if len(terms) > 1:
                holding = np.unique(holding)
            places = holding if places is None else places[_among(places, holding)]
        if places is None:
            return []
        counts = index.counts[places]
        first = np.argsort(counts, kind="stable")[:most]
        return list(zip(counts[first].tolist(), places[first].tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class ListedProducts:
    """An overlay's, which has no tensors for it: by the keys and terms of each."""

    keys: Sequence[set[str]]
    terms: Sequence[set[str]]
    chosen: np.ndarray                       # bool [products]: those that may be found

    def with_key(self, key: str) -> Iterator[int]:
        return (place for place in np.flatnonzero(self.chosen).tolist() if key in self.keys[place])

    def with_terms(self, asked: Sequence[AskedTerm], most: int) -> list[tuple[int, int]]:
        return sorted((word_index.count(self.terms[place]), place) for place in np.flatnonzero(self.chosen).tolist()
                      if all(_holds(self.terms[place], term) for term in asked))[:most]


def found(catalog: Catalog, text: str, where: Filter = ANY, most: int = MOST) -> list[NamedProduct]:
    """The group of a text: none where the catalog has no words. Raises InputError for a filter that cannot be asked."""
    chosen = search.fitting(catalog, where)
    if catalog.words is None:
        return []
    same = catalog.place(id_in(text))
    if same is not None and chosen is not None and not chosen[same]:
        same = None
    return ranked(catalog.words, [(0, IndexedProducts(catalog, catalog.words, chosen))], same, text, most)


def ranked(tables: WordTables, parts: Sequence[tuple[int, Products]], same: int | None, text: str,
           most: int) -> list[NamedProduct]:
    """The group, of products in parts, each with the place of its first one. `same`: the product whose id is the text.

    Keys stand before words; among keys, the id that is the text comes first, then the places count; among words, the
    product with the fewest terms comes first, then the places count.
    """
    if most < 1:
        return []
    key = tables.characters.key(text)
    by_key = ([] if same is None else [same]) + [
        first + place for first, products in parts if key for place in islice(products.with_key(key), most)]
    by_words = _by_words(tables.characters.runs(text), parts, most)
    kinds = {place: WORDS for place in by_words} | {place: KEY for place in by_key}
    return [NamedProduct(place, kinds[place]) for place in islice(dict.fromkeys([*by_key, *by_words]), most)]


def id_in(text: str) -> str:
    """The id that a text may be: without ASCII's white space at both ends."""
    return text.strip(string.whitespace)


def asked_terms(runs: Iterable[LetterRun], last_begins: bool = False) -> list[AskedTerm]:
    """What a product must hold. `last_begins`: the last word may be the beginning of one."""
    listed = list(runs)
    asked: list[AskedTerm] = []
    for place, run in enumerate(listed):
        if run.by_pairs:
            alone = len(run.text) == 1
            asked += [AskedTerm(run.text, begins=True)] if alone else map(AskedTerm, run.terms[:-1])
        else:
            asked.append(AskedTerm(run.text, begins=last_begins and place == len(listed) - 1))
    return asked


def record(catalog: Catalog, place: int) -> dict:
    """A product's record, its numbers as they are written. Raises CatalogError for one that is damaged."""
    try:
        return record_texts.parsed(catalog.raw(place))
    except container.BROKEN as error:
        raise CatalogError("damaged record", where=f"{catalog.path}, product {place}", found=error,
                           remedy=REMEDY) from None


def _by_words(runs: Sequence[LetterRun], parts: Sequence[tuple[int, Products]], most: int) -> list[int]:
    """The places of products with all words; if there are none, of those with a word that begins with the last.

    At most `most` of each part, the first in the group's order.
    """
    if not runs:
        return []
    holding = _holding(asked_terms(runs), parts, most)
    if not holding and not runs[-1].by_pairs and len(runs[-1].text) >= LEAST_BEGINNING:
        holding = _holding(asked_terms(runs, last_begins=True), parts, most)
    return [place for _, place in sorted(holding)]


def _holding(asked: Sequence[AskedTerm], parts: Sequence[tuple[int, Products]], most: int) -> list[tuple[int, int]]:
    return [(count, first + place) for first, products in parts for count, place in products.with_terms(asked, most)]


def _among(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """bool: which of some numbers are among others; both rising, the others not empty."""
    return others[np.minimum(np.searchsorted(others, some), len(others) - 1)] == some


def _holds(terms: set[str], asked: AskedTerm) -> bool:
    return any(term.startswith(asked.text) for term in terms) if asked.begins else asked.text in terms
