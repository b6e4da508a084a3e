"""What a catalog's measure sees: the cost of quantisation, a search that loses products, and too few to miss any."""

import dataclasses

import numpy as np
import pytest

from catalog_builder.builder import quantize, recall
from catalog_builder.builder.recall import RECALL_TOLERANCE
from catalog_builder.catalog import first_pass, search
from catalog_builder.catalog.first_pass import FirstPass
from catalog_builder.catalog.reader import Catalog
from export.common import rankings
from tests.test_search import shop

DIM = 24


def vectors_of(products: int, pictures: int = 2) -> np.ndarray:
    """float32 [rows, DIM], unit length."""
    rows = np.random.default_rng(products).normal(size=(products * pictures, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def scene(products: int) -> tuple[Catalog, np.ndarray, np.ndarray]:
    """A catalog of two pictures a product, its float32 vectors, and queries near some of them."""
    vectors = vectors_of(products)
    offset = quantize.mean(vectors)
    codes, scales = quantize.quantise(vectors, offset)
    catalog = shop(codes, scales, offset, owners=np.repeat(np.arange(products), 2))
    return catalog, vectors, vectors[::3] + np.float32(0.05) * vectors_of(len(vectors[::3]), 1)


def test_int8_ranks_as_float32_does():
    measured = recall.measure("text", *scene(40))
    assert measured.top1 == 1.0 and measured.tolerant10 > 0.99 and measured.plain10 > 0.95 and measured.queries == 27
    assert 0 < measured.largest_error < 0.01 and measured.recall10_tolerance == RECALL_TOLERANCE


def test_exact_scores_are_those_of_plain_numpy_whatever_the_block(monkeypatch):
    catalog, vectors, queries = scene(15)
    plain = queries.astype(np.float64) @ vectors.astype(np.float64).T
    for block in (1, 7, 4096):               # 7 ends within a product
        monkeypatch.setattr(quantize, "BLOCK", block)
        found = recall.exact(vectors, catalog.owners, queries)
        assert found == pytest.approx(np.maximum(plain[:, ::2], plain[:, 1::2]), abs=1e-12)


def test_what_is_measured_part_by_part_is_what_is_measured_at_once(monkeypatch):
    whole = recall.measure("text", *scene(40))
    monkeypatch.setattr(recall, "MOST_SCORES", 130)          # three queries at a time, the last part smaller
    steps = [some for some, _ in recall.exact_parts(*scene(40)[1:2], scene(40)[0].owners, scene(40)[2][:7])]
    assert steps == [slice(0, 3), slice(3, 6), slice(6, 9)]
    parts = recall.measure("text", *scene(40))
    assert parts.largest_error == pytest.approx(whole.largest_error, abs=1e-12)
    assert dataclasses.replace(parts, largest_error=whole.largest_error) == whole


def test_a_search_that_loses_products_is_below_the_gate(monkeypatch):
    """As an index would that finds every second product: each score stays right, so that the search alone shows it."""
    whole, true = recall.measure("text", *scene(40)), search.search

    def half(catalog, vector, k, exact):
        return [hit for hit in true(catalog, vector, catalog.products, exact=exact) if hit.product % 2][:k]

    monkeypatch.setattr(search, "search", half)
    measured = recall.measure("text", *scene(40))
    assert whole.passed and not measured.passed
    assert measured.top1 < 0.7 and measured.tolerant10 < 0.7 and measured.plain10 < 0.7
    assert measured.largest_error == whole.largest_error


def test_a_search_that_finds_too_little_is_below_the_gate(monkeypatch):
    true = search.search
    monkeypatch.setattr(search, "search", lambda catalog, vector, k, exact: true(catalog, vector, k)[:4])
    measured = recall.measure("text", *scene(40))
    assert measured.top1 == 1.0 and measured.tolerant10 == pytest.approx(0.4) and not measured.passed
    assert "tolerant recall@10 (within 0.002) 0.4000 (at least 0.999)" in measured.words


def test_a_search_that_finds_nothing_is_below_the_gate(monkeypatch):
    monkeypatch.setattr(search, "search", lambda catalog, vector, k, exact: [])
    measured = recall.measure("text", *scene(12))
    assert (measured.top1, measured.tolerant10, measured.plain10) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("products", [1, 2, 10])
def test_of_few_products_the_first_alone_is_measured(products):
    measured = recall.measure("text", *scene(products))
    assert measured.top1 == 1.0 and measured.tolerant10 is None and measured.plain10 is None and measured.passed
    assert measured.words == "text queries: top 1 agrees (within 0.002) for 1.0000, upper end 1.0000 (at least 0.99)"


def test_a_wrong_first_product_of_few_fails():
    catalog, vectors, queries = scene(4)
    true = recall.exact(vectors, catalog.owners, queries)
    wrong = np.full((len(queries), rankings.TOP), rankings.ABSENT)
    wrong[:, 0] = true.argmin(axis=1)
    assert not recall.compare("text", wrong, true, 0.0).passed


def judged(queries: int, products: int, by: float, wrong: int, missed: int = 0) -> recall.Recall:
    """Of so many queries, `wrong` show the second product first, of a score `by` less; `missed` lose their tenth."""
    true = np.tile(np.linspace(0.9, 0.1, products), (queries, 1))
    true[:, 1] = true[:, 0] - by
    shown = np.tile(np.arange(rankings.TOP), (queries, 1))
    shown[:wrong, :2] = [1, 0]
    shown[:missed, 9] = products - 1
    return recall.compare("text", shown, true, 0.0)


@pytest.mark.parametrize(("by", "top1"), [(0.0019, 1.0), (0.0021, 0.5)])
def test_top_1_forgives_what_the_tolerance_says_and_nothing_more(by, top1):
    assert judged(100, 20, by, 50).top1 == top1


@pytest.mark.parametrize(("queries", "wrong", "verdict"), [
    (9, 0, recall.PASSED), (9, 1, recall.TOO_FEW), (9, 2, recall.RED), (1, 1, recall.TOO_FEW), (17, 1, recall.TOO_FEW),
    (18, 1, recall.PASSED), (300, 6, recall.PASSED), (300, 7, recall.RED), (1000, 16, recall.PASSED),
    (1000, 17, recall.RED)])
def test_top_1_is_red_only_where_chance_does_not_explain_it(queries, wrong, verdict):
    """The upper end of Wilson's interval decides, and one query never does alone."""
    measured = judged(queries, 20, 0.01, wrong)
    assert measured.verdict == verdict and measured.passed == (verdict != recall.RED)
    assert (measured.top1_high < recall.LEAST_TOP1) == (verdict != recall.PASSED)
    assert measured.top1_high == rankings.wilson(1 - wrong / queries, queries).high


@pytest.mark.parametrize(("queries", "missed", "verdict"), [
    (15, 0, recall.PASSED), (15, 1, recall.TOO_FEW), (15, 2, recall.RED), (99, 1, recall.TOO_FEW),
    (100, 1, recall.PASSED), (100, 2, recall.RED), (1000, 10, recall.PASSED), (1000, 11, recall.RED)])
def test_one_missed_result_of_few_decides_nothing(queries, missed, verdict):
    assert judged(queries, 20, 0.01, 0, missed).verdict == verdict


def test_red_outweighs_too_few():
    assert judged(9, 20, 0.01, 1, missed=5).verdict == recall.RED


def test_true_recall_counts_the_queries_whose_product_is_shown():
    """Of three queries: one with its product first, one with it tenth, and one that shows nothing."""
    shown = np.tile(np.arange(rankings.TOP), (3, 1))
    shown[2] = rankings.ABSENT
    asked_for = np.zeros((3, 12), bool)
    asked_for[0, [0, 11]] = asked_for[1, 9] = asked_for[2, 11] = True      # ABSENT is no place of the last product
    measured = recall.compare("text", shown, np.zeros((3, 12)), 0.0, asked_for)
    assert (measured.found1.value, measured.found10.value) == pytest.approx((1 / 3, 2 / 3))
    assert measured.found1.low < 1 / 3 < measured.found1.high
    assert recall.compare("text", shown, np.zeros((3, 12)), 0.0).found1 is None


# The first pass.

def two_stage(rows: int, width: int) -> tuple[Catalog, np.ndarray]:
    """A catalog of one row a product and a first pass of so many axes, and queries near some of the rows."""
    vectors = vectors_of(rows, 1)
    offset = quantize.mean(vectors)
    codes, scales = quantize.quantise(vectors, offset)
    axes = quantize.first_axes(vectors, offset)[:width]
    tables = FirstPass(axes, *first_pass.derived(axes, codes, scales), recall.SHARES[0])
    return (dataclasses.replace(shop(codes, scales, offset), first_pass=tables),
            vectors[:40] + np.float32(0.05) * vectors_of(40, 1))


def test_a_first_pass_on_all_axes_misses_nothing_and_takes_the_smallest_share():
    made, queries = two_stage(12_000, DIM)
    measured = recall.first_pass(made, {"text": queries, "image": queries[:0]})
    assert (measured.of, measured.queries, measured.passed) == (100, {"text": 40}, True)
    assert measured.shares["text"] >= recall.LEAST_RECALL


def test_a_first_pass_on_one_axis_fails_by_the_largest_share():
    made, queries = two_stage(12_000, 1)
    measured = recall.first_pass(made, {"text": queries, "image": queries[:10]})
    assert measured.of == recall.SHARES[-1] and not measured.passed and max(measured.shares.values()) < 0.9
    exact = [{hit.product for hit in search.search(made, query, exact=True)} for query in queries]
    tried = dataclasses.replace(made, first_pass=dataclasses.replace(made.first_pass, of=25))
    found = [len({hit.product for hit in search.search(tried, query)} & ten) for query, ten in zip(
        queries, exact, strict=True)]
    assert measured.shares["text"] == pytest.approx(sum(found) / 400) and "(at least 0.999)" in measured.words


@pytest.mark.parametrize(("queries", "share", "passed"), [
    (1000, 0.999, True), (1000, 0.9989, False), (20, 0.995, True), (20, 0.99, False), (200, 0.9995, True)])
def test_one_missed_result_never_fails_a_first_pass(queries, share, passed):
    assert recall.FirstPassRecall(100, {"text": queries}, {"text": share}).passed == passed
