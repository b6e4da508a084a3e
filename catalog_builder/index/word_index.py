"""Records enter; the tensors by which a catalog is searched for words leave, and words are looked up in them.

A term is a word, or a pair of characters of a script without spaces. The terms stand in the order of their bytes, each
with the products that hold it.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog_builder.index import record_texts
from catalog_builder.index.characters import Characters

TENSORS = {"word_text": "u1", "word_offsets": "<u4", "word_postings": "u1", "word_posting_offsets": "<u4",
           "word_counts": "u1"}
MOST_COUNTED = 255                           # terms of a product that order the answers; one with more counts as this
MOST_BYTES = 5                               # of a number below 2^32, seven bits a byte
BLOCK = 1 << 20                              # bytes of postings that are read at a time


@dataclass(frozen=True, eq=False)
class WordIndex:
    """The tensors of a catalog, whose structure `check` has found right."""

    text: np.ndarray                         # uint8: the terms, UTF-8
    offsets: np.ndarray                      # uint32 [terms + 1]
    postings: np.ndarray                     # uint8: of each term the products, as gaps
    posting_offsets: np.ndarray              # uint32 [terms + 1]
    counts: np.ndarray                       # uint8 [products]: how many terms each has

    @staticmethod
    def of(tensors: Mapping[str, np.ndarray], products: int) -> "WordIndex":
        """Of a catalog's tensors. Raises ValueError for what could lead outside them."""
        made = WordIndex(*(tensors[name] for name in TENSORS))
        for name, offsets, size in (("word_offsets", made.offsets, made.text.size),
                                    ("word_posting_offsets", made.posting_offsets, made.postings.size)):
            if not len(offsets) or offsets[0] != 0 or offsets[-1] != size or not (offsets[1:] > offsets[:-1]).all():
                raise ValueError(f"{name} that do not rise from 0 to the end")
        if len(made.offsets) != len(made.posting_offsets) or len(made.counts) != products:
            raise ValueError("words, their products and their counts that are not as many as one another")
        for _ in made._blocks(products):     # which reads each, and raises
            pass
        return made

    @property
    def terms(self) -> int:
        """How many terms there are."""
        return len(self.offsets) - 1

    def term(self, at: int) -> bytes:
        """One term, in UTF-8."""
        return self.text[int(self.offsets[at]):int(self.offsets[at + 1])].tobytes()

    def range_of(self, wanted: str, begins: bool) -> range:
        """The terms that are `wanted`, or begin with it."""
        sought = wanted.encode()
        first = self._first(sought, len(sought), after=False)
        if begins:
            return range(first, self._first(sought, len(sought), after=True))
        return range(first, first + (first < self.terms and self.term(first) == sought))

    def size(self, terms: range) -> int:
        """Bytes of the products of neighbouring terms."""
        return int(self.posting_offsets[terms.stop]) - int(self.posting_offsets[terms.start])

    def products(self, terms: range) -> np.ndarray:
        """int64: the products of neighbouring terms; one after the other, so a product may come again."""
        if not len(terms):
            return np.empty(0, np.int64)
        start, end = int(self.posting_offsets[terms.start]), int(self.posting_offsets[terms.stop])
        gaps, starts = _numbers(self.postings[start:end])
        lists = np.searchsorted(starts, self.posting_offsets[terms.start:terms.stop].astype(np.int64) - start)
        return _summed(gaps, lists)

    def everything(self, products: int) -> tuple[np.ndarray, np.ndarray]:
        """All pairs of a term's place and a product: int64 [n] each, by term, then by product."""
        found = [(np.empty(0, np.int64), np.empty(0, np.int64)), *self._blocks(products)]
        return np.concatenate([terms for terms, _ in found]), np.concatenate([places for _, places in found])

    def _first(self, sought: bytes, length: int, after: bool) -> int:
        low, high = 0, self.terms
        while low < high:
            middle = (low + high) // 2
            term = self.term(middle)
            if (term[:length] <= sought) if after else (term < sought):
                low = middle + 1
            else:
                high = middle
        return low

    def _blocks(self, products: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Some terms at a time: the pairs of a term and a product. Raises ValueError for postings that are none."""
        ends = self.posting_offsets.astype(np.int64)
        at = 0
        while at < self.terms:
            until = max(at + 1, int(np.searchsorted(ends, ends[at] + BLOCK, side="right")) - 1)
            block = self.postings[ends[at]:ends[until]]
            if (self.postings[ends[at + 1:until + 1] - 1] > 127).any():
                raise ValueError("word_postings that end within a number")
            gaps, starts = _numbers(block)
            lists = np.searchsorted(starts, ends[at:until] - ends[at])
            places = _summed(gaps, lists)
            if (places >= products).any():
                raise ValueError("a product beyond the end in word_postings")
            yield np.repeat(np.arange(at, until), np.diff(np.append(lists, len(gaps)))), places
            at = until


def _numbers(content: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of seven bits a byte, the lowest first, and where each begins: int64 [n] each.

    Raises ValueError for one of more than MOST_BYTES.
    """
    ends = np.flatnonzero(content < 128)
    if len(ends) == len(content):            # as those of a frequent term are
        return content.astype(np.int64), ends
    starts = np.append(0, ends[:-1] + 1) if len(ends) else ends
    lengths = ends + 1 - starts
    if lengths.max(initial=0) > MOST_BYTES:
        raise ValueError("word_postings with a number of too many bytes")
    made = np.zeros(len(ends), np.int64)
    for place in range(int(lengths.max(initial=0))):
        some = lengths > place
        made[some] |= (content[starts[some] + place].astype(np.int64) & 127) << 7 * place
    return made, starts


def _summed(gaps: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """The products of several lists of gaps: each is 1 + gap after the one before, the first its gap."""
    sums = np.cumsum(gaps + 1)
    before = np.where(lists > 0, sums[lists - 1], 0)
    return sums - np.repeat(before, np.diff(np.append(lists, len(gaps)))) - 1


def terms_of(record: Mapping[str, object], columns: Sequence[str], characters: Characters) -> set[str]:
    """What a product is found by."""
    return {term for text in record_texts.of_columns(record, columns) for run in characters.runs(text)
            for term in run.terms}


def count(terms: Collection[str]) -> int:
    """What `word_counts` holds of a product with these terms."""
    return min(len(terms), MOST_COUNTED)


class Gathered:
    """Terms of products, as they come; `tensors` puts them in order."""

    def __init__(self, terms: Sequence[bytes] = ()):
        """`terms`: known ones, by their numbers. Raises ValueError for one that is there twice."""
        self._numbers = {term: number for number, term in enumerate(terms)}
        if len(self._numbers) < len(terms):
            raise ValueError("a term twice")
        self._terms, self._products = array("I"), array("I")

    def add(self, product: int, terms: Iterable[str]) -> None:
        """Puts the terms of a product in."""
        for term in terms:
            self._terms.append(self._numbers.setdefault(term.encode(), len(self._numbers)))
            self._products.append(product)

    def tensors(self, terms: np.ndarray, products: np.ndarray) -> dict[str, np.ndarray]:
        """All of TENSORS but the counts. `terms`, `products`: pairs besides, numbered as the terms given at first."""
        numbers = np.concatenate([terms.astype(np.uint32), np.frombuffer(self._terms, np.uint32)])
        places = np.concatenate([products.astype(np.uint32), np.frombuffer(self._products, np.uint32)])
        used = np.zeros(len(self._numbers), bool)
        used[numbers] = True
        ordered = sorted((term, number) for term, number in self._numbers.items() if used[number])
        rank = np.empty(len(used), np.uint32)
        rank[[number for _, number in ordered]] = np.arange(len(ordered), dtype=np.uint32)
        pairs = np.sort(rank[numbers].astype(np.uint64) << np.uint64(32) | places)
        del numbers, places
        return {"word_text": np.frombuffer(b"".join(term for term, _ in ordered), "u1"),
                "word_offsets": np.cumsum([0, *(len(term) for term, _ in ordered)], dtype="<u4"),
                **_postings(pairs, len(ordered))}


def _postings(pairs: np.ndarray, terms: int) -> dict[str, np.ndarray]:
    """The tensors of pairs in their order, uint64 [n]: a term's place, then the product in the lower 32 bits."""
    gaps = (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
    bounds = np.searchsorted(pairs, np.arange(terms + 1, dtype=np.uint64) << np.uint64(32))
    before = np.append(-1, gaps[:-1])
    before[bounds[:-1]] = -1
    gaps -= before + 1
    del before
    sizes = np.ones(len(gaps), np.uint8)
    for place in range(1, MOST_BYTES):
        sizes += gaps >> 7 * place > 0
    ends = np.cumsum(sizes, dtype=np.int64)
    content = np.empty(int(ends[-1]) if len(ends) else 0, "u1")
    for place in range(int(sizes.max(initial=0))):
        some = sizes > place
        more = np.where(sizes[some] > place + 1, 128, 0)
        content[ends[some] - sizes[some] + place] = gaps[some] >> 7 * place & 127 | more
    return {"word_postings": content, "word_posting_offsets": np.append(0, ends)[bounds].astype("<u4")}
