"""What a catalog's measure sees: the cost of quantisation, a search that loses products, and too few to miss any."""

import numpy as np
import pytest

from catalog_builder.builder import quantize, recall
from catalog_builder.builder.recall import RECALL_TOLERANCE
from catalog_builder.catalog import search
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


def test_a_search_that_loses_products_is_below_the_gate(monkeypatch):
    """As an index would that finds every second product: each score stays right, so that the search alone shows it."""
    whole, true = recall.measure("text", *scene(40)), search.search

    def half(catalog, vector, k):
        return [hit for hit in true(catalog, vector, catalog.products) if hit.product % 2][:k]

    monkeypatch.setattr(search, "search", half)
    measured = recall.measure("text", *scene(40))
    assert whole.passed and not measured.passed
    assert measured.top1 < 0.7 and measured.tolerant10 < 0.7 and measured.plain10 < 0.7
    assert measured.largest_error == whole.largest_error


def test_a_search_that_finds_too_little_is_below_the_gate(monkeypatch):
    true = search.search
    monkeypatch.setattr(search, "search", lambda catalog, vector, k: true(catalog, vector, k)[:4])
    measured = recall.measure("text", *scene(40))
    assert measured.top1 == 1.0 and measured.tolerant10 == pytest.approx(0.4) and not measured.passed
    assert "tolerant recall@10 (within 0.002) 0.4000 (at least 0.999)" in measured.words


def test_a_search_that_finds_nothing_is_below_the_gate(monkeypatch):
    monkeypatch.setattr(search, "search", lambda catalog, vector, k: [])
    measured = recall.measure("text", *scene(12))
    assert (measured.top1, measured.tolerant10, measured.plain10) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("products", [1, 2, 10])
def test_of_few_products_the_first_alone_is_measured(products):
    measured = recall.measure("text", *scene(products))
    assert measured.top1 == 1.0 and measured.tolerant10 is None and measured.plain10 is None and measured.passed
    assert measured.words == "text queries: top 1 agrees for 1.0000 (at least 0.99)"


def test_a_wrong_first_product_of_few_fails():
    catalog, vectors, queries = scene(4)
    true = recall.exact(vectors, catalog.owners, queries)
    wrong = np.full((len(queries), rankings.TOP), rankings.ABSENT)
    wrong[:, 0] = true.argmin(axis=1)
    assert not recall.compare("text", wrong, true, 0.0).passed
