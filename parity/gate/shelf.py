"""A shelf's embeddings by float32 PyTorch and by an artefact enter; the difference that a shopper would see leaves.

export/common/rankings.py defines the measure. float32 PyTorch counts as the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from export.common import rankings
from export.common.rankings import Estimate

RECALL_TOLERANCE = 0.01                      # of tolerant recall@10: the order of irrelevant products is chance
CONFIDENCE = 0.95
WORST = 6                                    # queries kept for the report
SHOWN = 5                                    # neighbours kept with each


@dataclass(frozen=True)
class Shelf:
    """What is ranked: products with their pictures, and queries. Positions count from 0; an answer of -1 is unknown."""

    name: str                                # "samples", "shop" or "given"
    pictures: list[str]                      # of the catalog: paths
    owners: np.ndarray                       # int [R], never decreasing: the product of each picture
    picture_queries: list[str]
    text_queries: list[str]
    picture_answers: np.ndarray              # int [P]
    text_answers: np.ndarray                 # int [T]
    own: bool = False                        # the picture queries are the catalog; each leaves its own product out
    languages: list[str] = field(default_factory=list)       # of each text query; empty: not known


@dataclass(frozen=True)
class Embeddings:
    """One encoder family's answers to a shelf, float32 [N, dim] each."""

    catalog: np.ndarray
    picture_queries: np.ndarray
    text_queries: np.ndarray


@dataclass(frozen=True)
class Neighbour:
    """One neighbour: the first picture of a product, and the product's score."""

    picture: str
    score: float


@dataclass(frozen=True)
class Disagreement:
    """A query on which an artefact and float32 PyTorch disagree, with both results."""

    kind: str                                # "picture" or "text"
    query: str                               # a path, or the text
    loss: float                              # by float32's scores: its own first result less the artefact's
    expected: list[Neighbour]
    found: list[Neighbour]


@dataclass(frozen=True)
class LanguageRanking:
    """What shoppers of one language would see. The measures are those of `Ranking`."""

    language: str
    queries: int
    top1: Estimate
    recall10: Estimate | None
    loss: Estimate | None
    recall_at_1: float | None
    recall_at_1_reference: float | None


@dataclass(frozen=True)
class Ranking:
    """What a shopper would see on one shelf."""

    shelf: str
    queries: int
    products: int
    top1: Estimate                           # share of queries whose first result is float32 PyTorch's, or ties with it
    recall10: Estimate | None                # tolerant; None where there are too few products to miss any
    recall10_tolerance: float                # of a score, see rankings.tolerant_recall
    loss: Estimate | None                    # of true recall@1 (below 0: a gain); None where no answer is known
    recall_at_1: float | None
    recall_at_1_reference: float | None
    largest_change: float                    # of the score of any product for any query
    exceeded_by: float                       # at 95 % confidence, at most this share of queries sees a larger change
    worst: list[Disagreement]
    languages: list[LanguageRanking] = field(default_factory=list)       # of the text queries, where they are known


def rank(shelf: Shelf, found: Embeddings, expected: Embeddings, kinds: Sequence[str] = ("picture", "text")) -> Ranking:
    """Ranks the shelf by `found` and by `expected`, for queries of these kinds."""
    answers = np.concatenate([{"picture": shelf.picture_answers, "text": shelf.text_answers}[kind] for kind in kinds])
    names = [(kind, query) for kind in kinds
             for query in {"picture": shelf.picture_queries, "text": shelf.text_queries}[kind]]
    ours, theirs = _scores(shelf, found, kinds), _scores(shelf, expected, kinds)
    ranked = compare(ours, theirs, answers, shelf, names)
    if not shelf.languages or "text" not in kinds:
        return ranked
    spoken = np.array([""] * (len(names) - len(shelf.languages)) + shelf.languages)       # texts come last
    return replace(ranked, languages=[
        _of_language(language, compare(ours[here], theirs[here], answers[here], shelf,
                                       [names[place] for place in np.flatnonzero(here)]))
        for language in dict.fromkeys(shelf.languages) if (here := spoken == language).any()])


def _of_language(language: str, ranked: Ranking) -> LanguageRanking:
    return LanguageRanking(
        language=language, queries=ranked.queries, top1=ranked.top1, recall10=ranked.recall10, loss=ranked.loss,
        recall_at_1=ranked.recall_at_1, recall_at_1_reference=ranked.recall_at_1_reference)


def compare(found: np.ndarray, expected: np.ndarray, answers: np.ndarray, shelf: Shelf,
            names: list[tuple[str, str]]) -> Ranking:
    """Compares scores [Q, products]; -inf leaves a product out. `answers` [Q], `names` kind and query of each."""
    shown, queries = rankings.first(found), len(found)
    hits = rankings.tolerant_recall(shown, expected, RECALL_TOLERANCE)
    present = np.isfinite(expected)
    change = np.abs(np.where(present, found, 0) - np.where(present, expected, 0)).max(axis=1)
    known = answers >= 0
    right, right_before = (rankings.ranks(side[known], answers[known]) for side in (found, expected))
    return Ranking(
        shelf=shelf.name, queries=queries, products=found.shape[1],
        top1=rankings.top1(shown, expected),
        recall10=None if hits is None else rankings.wilson(hits.mean(), queries), recall10_tolerance=RECALL_TOLERANCE,
        loss=_loss(right, right_before) if known.any() else None,
        recall_at_1=rankings.recall_at(right, 1) if known.any() else None,
        recall_at_1_reference=rankings.recall_at(right_before, 1) if known.any() else None,
        largest_change=float(change.max()), exceeded_by=1 - (1 - CONFIDENCE) ** (1 / queries),
        worst=[_disagreement(shelf, names[q], found[q], expected[q])
               for q in _losing_most(rankings.shortfall(shown, expected), hits, change)])


def _loss(ranks: np.ndarray, ranks_before: np.ndarray) -> Estimate:
    """The loss of true recall@1: the share of queries that became wrong, less the share of those that became right."""
    right, right_before = ranks == 0, ranks_before == 0
    return rankings.difference(right_before & ~right, right & ~right_before)


def _scores(shelf: Shelf, side: Embeddings, kinds: Sequence[str]) -> np.ndarray:
    parts = []
    for kind in kinds:
        queries = {"picture": side.picture_queries, "text": side.text_queries}[kind]
        scores = rankings.product_scores(queries, side.catalog, shelf.owners)
        if kind == "picture" and shelf.own:
            scores[np.arange(len(queries)), shelf.owners] = -np.inf
        parts.append(scores)
    return np.concatenate(parts)


def _losing_most(shortfall: np.ndarray, hits: np.ndarray | None, change: np.ndarray) -> np.ndarray:
    """The queries that lose most: by the first result, then by the first ten, then by the change of a score."""
    misses = np.zeros(len(change)) if hits is None else 1 - hits
    return np.lexsort((-change, -misses, -np.maximum(shortfall, 0)))[:WORST]


def _disagreement(shelf: Shelf, name: tuple[str, str], found: np.ndarray, expected: np.ndarray) -> Disagreement:
    """The disagreement on one query, from both sides' scores [products]."""
    loss = rankings.shortfall(rankings.first(found[None]), expected[None])[0]
    return Disagreement(*name, float(max(loss, 0)), _neighbours(shelf, expected), _neighbours(shelf, found))


def _neighbours(shelf: Shelf, scores: np.ndarray) -> list[Neighbour]:
    pictures = np.flatnonzero(np.diff(shelf.owners, prepend=-1))              # the first of each product
    return [Neighbour(shelf.pictures[pictures[product]], float(scores[product]))
            for product in rankings.first(scores[None], SHOWN)[0] if np.isfinite(scores[product])]
