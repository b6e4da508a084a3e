"""Scores, bit for bit, and what a search gives: against a reference in plain Python, written from the contract."""

import dataclasses
import json
import math
import tracemalloc
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from catalog_builder.builder import duplicates
from catalog_builder.catalog import calibration, reader, scores, scripts, search
from catalog_builder.catalog.reader import Catalog, open_catalog
from catalog_builder.catalog.search import Filter, Hit
from export.common.errors import InputError
from tests.test_catalog import written

ALWAYS = settings(derandomize=True, database=None, deadline=None, max_examples=150)
NAMES = ["bags", "shoes", "hats"]
NUMBERS, CODES = st.floats(-2, 2, width=32), st.integers(-127, 127)
BOTH_WAYS = (0.0, 1.1)                       # search.GATHERED: never, always


def shop(codes, scales, offset, owners=None, prices=None, categories=None, currency="EUR") -> Catalog:
    """A catalog in memory, of any codes; without owners, each row is a product."""
    codes, owners = np.asarray(codes, np.int8), np.asarray(range(len(codes)) if owners is None else owners, np.uint32)
    products = int(owners[-1]) + 1
    return Catalog(
        Path("in-memory.catalog"), "ab" * 32, "demo", currency, NAMES, calibration.NONE, {},
        np.asarray([0] * products if prices is None else prices, np.int64),
        np.asarray([0] * products if categories is None else categories, np.uint32), owners,
        np.searchsorted(owners, np.arange(products)), np.asarray(scales, np.float32), np.asarray(offset, np.float32),
        codes, np.zeros(products + 1, np.uint64), np.zeros(0, np.uint8), None, memoryview(b""))


def reference(found: Catalog, vector) -> list[float]:
    """The scores of all rows: whole numbers, and float64 from left to right, as the contract has them."""
    q = [float(x) for x in vector]
    step = max(abs(x) for x in q) / 16383
    q16 = [round(x / step) for x in q]       # Python's round: half to even, of a float64, exactly
    constant = 0.0
    for o, x in zip(found.offset.tolist(), q, strict=True):
        constant = constant + o * x
    sums = [sum(code * x for code, x in zip(row, q16, strict=True)) for row in found.codes.tolist()]
    assert all(-2**31 <= s < 2**31 for s in sums)
    return [scale * step * s + constant for scale, s in zip(found.scales.tolist(), sums, strict=True)]


def brute(found: Catalog, vector, k=10, where=search.ANY, threshold=-math.inf, without=None) -> list[Hit]:
    """Filter, score, one row a product, threshold, top k."""
    best: dict[int, Hit] = {}
    for row, score in enumerate(reference(found, vector)):
        product = int(found.owners[row])
        price, name = int(found.prices[product]), NAMES[found.categories[product]]
        if product == without or (where.categories is not None and name not in where.categories):
            continue
        if (where.lowest is not None or where.highest is not None) and (
                price == -1 or price < (where.lowest or 0) or (where.highest is not None and price > where.highest)):
            continue
        if product not in best or score > best[product].score:
            best[product] = Hit(product, row, score)
    ranked = sorted(best.values(), key=lambda hit: (-hit.score, hit.row))
    return [hit for hit in ranked if hit.score >= threshold][:k]


def bits(numbers) -> list[str]:
    return [float(number).hex() for number in numbers]


def query(dim: int):
    return arrays(np.float32, dim, elements=NUMBERS).filter(lambda vector: vector.any())


@st.composite
def shops(draw, codes=CODES, numbers=NUMBERS, most_rows=12):
    """A catalog of a few rows, and a query."""
    dim, rows = draw(st.integers(1, 9)), draw(st.integers(1, most_rows))
    steps = draw(st.lists(st.integers(0, 1), min_size=rows - 1, max_size=rows - 1))
    owners = np.cumsum([0, *steps])
    products = int(owners[-1]) + 1
    made = shop(draw(arrays(np.int8, (rows, dim), elements=codes)),
                np.abs(draw(arrays(np.float32, rows, elements=numbers))),
                draw(arrays(np.float32, dim, elements=numbers)), owners,
                draw(st.lists(st.sampled_from([-1, 0, 1, 5, 9, 2**62]), min_size=products, max_size=products)),
                draw(st.lists(st.integers(0, 2), min_size=products, max_size=products)))
    return made, draw(query(dim))


def tied_shops():
    """Few different numbers: many rows score the same."""
    return shops(st.integers(-1, 1), st.sampled_from([0.0, 0.5, 1.0]), most_rows=30)


FILTERS = st.builds(Filter, st.none() | st.sets(st.sampled_from(NAMES)),
                    st.none() | st.sampled_from([-5, 0, 1, 4, 9]), st.none() | st.sampled_from([-1, 0, 5, 8, 2**63]))


# Scores

@ALWAYS
@given(shops())
def test_scores_have_the_bits_of_the_reference(made):
    found, vector = made
    assert bits(scores.scores(found, scores.prepared(found, vector))) == bits(reference(found, vector))


@ALWAYS
@given(shops(), st.data())
def test_scores_of_chosen_rows_are_those_of_all(made, data):
    found, vector = made
    rows = np.array(data.draw(st.lists(st.integers(0, found.rows - 1))), int)
    ready = scores.prepared(found, vector)
    assert bits(scores.scores(found, ready, rows)) == bits(scores.scores(found, ready)[rows])


@pytest.mark.parametrize("dim", [1, 7, 63, 64, 65, 256, 511, 512, 768, 1023, 1024])
def test_scores_have_the_bits_of_the_reference_at_every_width(dim):
    generator = np.random.default_rng(dim)
    found = shop(generator.integers(-127, 128, (40, dim)), generator.random(40) / 100, generator.normal(size=dim) / 30)
    for spread in (1, 1e-30, 1e30):
        vector = (generator.normal(size=dim) * spread).astype(np.float32)
        assert bits(scores.scores(found, scores.prepared(found, vector))) == bits(reference(found, vector))


def test_the_largest_sums_of_1024_dimensions_are_exact_and_within_int32():
    codes = np.array([[127] * 1024, [-127] * 1024, [127, -127] * 512, [127] * 1023 + [126], [-128] * 1024])
    found = shop(codes, [1] * 5, [0] * 1024)
    for vector in (np.full(1024, 0.03125, np.float32), np.tile(np.array([1, -1], np.float32), 512)):
        ready = scores.prepared(found, vector)
        sums = scores.sums(found.codes, ready).tolist()
        assert sums == [sum(c * q for c, q in zip(row, ready.q16.tolist(), strict=True)) for row in codes.tolist()]
        assert max(map(abs, sums)) == 1024 * (128 if vector[1] > 0 else 127) * 16383 < 2**31
        assert bits(scores.scores(found, ready)) == bits(reference(found, vector))


@ALWAYS
@given(query(17))
def test_a_querys_whole_numbers_come_back_from_their_two_bytes(vector):
    found = shop(np.zeros((1, 17)), [1], [0] * 17)
    ready = scores.prepared(found, vector)
    step = float(np.abs(vector).max()) / 16383
    assert ready.q16.tolist() == [round(float(x) / step) for x in vector] and max(abs(ready.q16)) == 16383
    assert ready.parts.dtype == np.int8


def test_every_whole_number_of_a_query_comes_back_from_its_two_bytes():
    whole = np.arange(-16383, 16384)
    found = shop(np.zeros((1, len(whole))), [1], [0] * len(whole))
    assert np.array_equal(scores.prepared(found, whole.astype(np.float32)).q16, whole)


def test_half_steps_of_a_query_go_to_the_even_number():
    found = shop(np.zeros((1, 6)), [1], [0] * 6)
    vector = np.array([16383, 0.5, 1.5, 2.5, -0.5, -1.5], np.float32)
    assert scores.prepared(found, vector).q16.tolist() == [16383, 0, 2, 2, 0, -2]


def test_a_score_of_nothing_is_a_zero_without_a_sign():
    """A loop that starts at 0.0 gives 0.0, and languages differ in how they order -0.0."""
    found = shop([[127, 127]], [0], [0, 0])
    assert bits(scores.scores(found, scores.prepared(found, np.array([-1, -1], np.float32)))) == ["0x0.0p+0"]


def test_the_last_term_is_summed_by_index():
    offset = np.array([1, 2**-53, 2**-53, 2**-53, 2**-53] + [2**-53] * 200, np.float32)
    found = shop(np.zeros((1, 205)), [0], offset)
    assert scores.prepared(found, np.ones(205, np.float32)).constant == 1.0              # in pairs it is more


def test_the_score_is_near_the_dot_product_of_the_vectors(tmp_path):
    found = open_catalog(written(tmp_path / "a.catalog", dim=24))
    vector = np.cos(np.arange(24)).astype(np.float32)
    true = found.vectors(slice(None)).astype(np.float64) @ vector
    assert np.abs(scores.scores(found, scores.prepared(found, vector)) - true).max() < 1e-3


@pytest.mark.parametrize("vector", [
    np.zeros(3, np.float32), -np.zeros(3, np.float32), np.array([1, np.nan, 0], np.float32),
    np.array([np.inf, 0, 0], np.float32), np.array([1, 0, -np.inf], np.float32), np.ones(3), np.ones(3, np.float16),
    np.ones(3, int), np.ones(2, np.float32), np.ones(4, np.float32), np.ones((1, 3), np.float32),
    np.ones((3, 1), np.float32), np.float32(1).reshape(()), np.zeros(0, np.float32),
])
def test_a_vector_that_is_no_query_is_refused(vector):
    found = shop(np.ones((2, 3)), [1, 1], [0, 0, 0])
    with pytest.raises(InputError, match="query vector") as caught:
        search.search(found, vector)
    assert len(str(caught.value).splitlines()) == 1


def test_the_least_and_the_largest_float32_are_queries():
    found = shop([[1, 2, 3], [3, 2, 1]], [1, 1], [0.5, 0, -0.5])
    for extreme in (np.float32(1e-45), np.finfo(np.float32).max):
        vector = np.array([extreme, 0, -extreme], np.float32)
        assert bits(scores.scores(found, scores.prepared(found, vector))) == bits(reference(found, vector))


@ALWAYS
@given(arrays(np.float32, 5, elements=NUMBERS), arrays(np.float32, 5, elements=NUMBERS), st.floats(0, 1))
def test_a_hybrid_is_mixed_in_float64_and_not_made_unit_length(image, text, weight):
    expected = [np.float32(weight * float(i) + (1 - weight) * float(t)) for i, t in zip(image, text, strict=True)]
    found = scores.mixed(image, text, weight)
    assert found.dtype == np.float32 and bits(found) == bits(expected)
    assert np.array_equal(scores.mixed(image, text, 1.0), image)
    assert np.array_equal(scores.mixed(image, text, 0.0), text)


# Search

@ALWAYS
@given(shops(), st.integers(1, 40), FILTERS, st.sampled_from([-math.inf, -0.5, 0.0, 0.5, math.inf]),
       st.sampled_from([None, 0]))
def test_a_search_gives_what_brute_force_gives(made, k, where, threshold, without):
    found, vector = made
    assert search.search(found, vector, k, where, threshold, without) == brute(found, vector, k, where, threshold,
                                                                               without)


@ALWAYS
@given(tied_shops(), st.integers(1, 12), FILTERS)
def test_ties_go_by_row_and_few_or_many_products_give_the_same(made, k, where):
    found, vector = made
    expected = brute(found, vector, k, where)
    for share in BOTH_WAYS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search, "GATHERED", share)
            assert search.search(found, vector, k, where) == expected


def test_both_ways_through_a_filter_are_taken(monkeypatch):
    """Few products: only their rows are scored; many: all are."""
    found = shop(np.ones((10, 2)), [1] * 10, [0, 0], categories=[0, 1, 1, 1, 1, 1, 1, 1, 1, 2])
    seen, true = [], search.scores
    monkeypatch.setattr(search, "scores", lambda catalog, query, rows: seen.append(rows) or true(catalog, query, rows))
    vector = np.ones(2, np.float32)
    assert [hit.product for hit in search.search(found, vector, 10, Filter(["bags"]))] == [0]
    assert len(search.search(found, vector, 10, Filter(["shoes"]))) == 8
    assert seen[0].tolist() == [0] and seen[1] is None


def test_equal_scores_are_ordered_by_row_and_cut_there():
    found = shop([[1], [2], [1], [2], [2], [1]], [1] * 6, [0], owners=[0, 1, 1, 2, 3, 4])
    vector = np.ones(1, np.float32)
    assert [(hit.product, hit.row) for hit in search.search(found, vector)] == [(1, 1), (2, 3), (3, 4), (0, 0), (4, 5)]
    assert [hit.row for hit in search.search(found, vector, 2)] == [1, 3]
    assert [hit.row for hit in search.search(found, vector, 4)] == [1, 3, 4, 0]


def test_a_product_is_found_once_by_the_first_of_its_best_rows():
    found = shop([[1], [5], [5], [4]], [1] * 4, [0], owners=[0, 0, 0, 1])
    hits = search.search(found, np.ones(1, np.float32))
    assert [(hit.product, hit.row) for hit in hits] == [(0, 1), (1, 3)] and hits[0].score > hits[1].score


def test_more_results_than_products_give_all_of_them():
    found = shop(np.ones((4, 2)), [1] * 4, [0, 0], owners=[0, 0, 1, 2])
    for k in (3, 4, 1000, 2**70):
        assert [hit.product for hit in search.search(found, np.ones(2, np.float32), k)] == [0, 1, 2]


def test_a_threshold_is_inclusive_and_comes_after_the_best_row():
    found = shop([[3], [1], [2]], [1] * 3, [0], owners=[0, 0, 1])
    vector = np.ones(1, np.float32)
    first, second = search.search(found, vector)
    assert search.search(found, vector, threshold=second.score) == [first, second]
    assert search.search(found, vector, threshold=math.nextafter(second.score, 9)) == [first]
    assert search.search(found, vector, threshold=math.inf) == []


@pytest.mark.parametrize(("k", "threshold"), [(0, 0.0), (-1, 0.0), (10, math.nan)])
def test_a_search_for_nothing_is_refused(k, threshold):
    with pytest.raises(InputError, match="search for nothing"):
        search.search(shop([[1]], [1], [0]), np.ones(1, np.float32), k, threshold=threshold)


@pytest.mark.parametrize(("where", "expected"), [
    (Filter(), [0, 1, 2, 3, 4]), (Filter(["bags"]), [0, 3]), (Filter({"bags", "hats"}), [0, 2, 3]), (Filter([]), []),
    (Filter(lowest=0), [0, 1, 2, 4]), (Filter(lowest=5), [1, 2, 4]), (Filter(highest=5), [0, 1]),
    (Filter(lowest=5, highest=5), [1]), (Filter(lowest=6, highest=5), []), (Filter(highest=-1), []),
    (Filter(lowest=-1), [0, 1, 2, 4]), (Filter(lowest=-1, highest=-1), []), (Filter(highest=2**70), [0, 1, 2, 4]),
    (Filter(lowest=2**62), [4]), (Filter(lowest=2**63), []), (Filter(["bags"], 0, 100), [0]),
])
def test_categories_are_members_and_prices_an_inclusive_range(where, expected):
    found = shop(np.ones((5, 1)), [1] * 5, [0], prices=[0, 5, 6, -1, 2**62], categories=[0, 1, 2, 0, 1])
    assert [hit.product for hit in search.search(found, np.ones(1, np.float32), 10, where)] == expected


def test_an_unknown_category_is_refused_naming_the_known():
    with pytest.raises(InputError, match="no such category in .*expected bags, shoes, hats; found Bags, cars"):
        search.search(shop([[1]], [1], [0]), np.ones(1, np.float32), 1, Filter(["cars", "bags", "Bags"]))


def test_prices_of_several_currencies_cannot_be_filtered():
    found = shop([[1]], [1], [0], prices=[5], currency="")
    for where in (Filter(lowest=0), Filter(highest=9), Filter(["bags"], 0, 9)):
        with pytest.raises(InputError, match="no filter by price .*one currency"):
            search.search(found, np.ones(1, np.float32), 1, where)
    assert len(search.search(found, np.ones(1, np.float32), 1, Filter(["bags"]))) == 1


@ALWAYS
@given(shops(), st.data())
def test_more_like_this_asks_with_the_first_row_and_leaves_the_product_out(made, data):
    found, _ = made
    product = data.draw(st.integers(0, found.products - 1))
    first = found.owners.tolist().index(product)
    vector = np.array([np.float32(o + scale * code) for o, scale, code in
                       zip(found.offset.astype(float), [float(found.scales[first])] * found.dim,
                           found.codes[first].tolist(), strict=True)])
    if not vector.any():
        with pytest.raises(InputError, match="zero"):
            search.like(found, product)
        return
    assert search.like(found, product, 5) == brute(found, vector, 5, without=product)
    assert search.like(found, product, 5, Filter(["bags"]), 0.1) == brute(found, vector, 5, Filter(["bags"]), 0.1,
                                                                          product)


def test_a_search_of_a_file_is_that_of_its_arrays(tmp_path):
    found = open_catalog(written(tmp_path / "a.catalog"))
    copy = dataclasses.replace(found, **{name: np.array(getattr(found, name)) for name in reader.TENSORS})
    vector = np.sin(np.arange(12)).astype(np.float32)
    assert search.search(found, vector) == search.search(copy, vector) != []
    assert json.dumps(dataclasses.asdict(search.search(found, vector)[0]))               # plain numbers


# Products that look alike

@pytest.mark.parametrize("block", [1, 7, 64])
def test_pairs_that_look_alike_are_those_of_brute_force(monkeypatch, block):
    monkeypatch.setattr(duplicates, "BLOCK", block)
    generator = np.random.default_rng(5)
    codes = generator.integers(-127, 128, (60, 6))
    owners = np.cumsum(np.r_[0, generator.integers(0, 2, 59)])
    found = shop(codes, generator.random(60) + 0.01, generator.normal(size=6), owners)
    vectors = found.vectors(slice(None)).astype(np.float64).tolist()
    expected = {}
    for a, left in enumerate(vectors):
        for b, right in enumerate(vectors):
            cosine = sum(x * y for x, y in zip(left, right, strict=True)) / math.hypot(*left) / math.hypot(*right)
            pair = int(owners[a]), int(owners[b])
            if pair[0] < pair[1] and cosine > 0.8:
                expected[pair] = max(cosine, expected.get(pair, -1))
    rows = []
    near = duplicates.find(found, 0.8, rows.append)
    pairs = near.best
    assert near.count == len(pairs)
    assert {(pair.first, pair.second): pair.score for pair in pairs} == pytest.approx(expected, abs=1e-5)
    assert len(pairs) > 10 and sum(rows) == 60
    assert [pair.score for pair in pairs] == sorted((pair.score for pair in pairs), reverse=True)
    for most in (0, 1, 7, len(pairs), 10_000):
        few = duplicates.find(found, 0.8, most=most)
        assert few.best == pairs[:most] and few.count == near.count


def shared(found: Catalog) -> list[tuple[int, list[int]]]:
    return [(one.row, one.products) for one in duplicates.shared(duplicates.row_digests(found), found.owners)]


def test_the_same_picture_twice_is_a_group_and_no_pair_and_two_of_one_product_are_neither():
    found = shop([[100, 1], [100, 1], [1, 100], [100, 1], [0, 0]], [0.01] * 5, [0, 0], owners=[0, 0, 1, 2, 3])
    assert duplicates.find(found).best == [] and shared(found) == [(0, [0, 2])]


def test_pairs_are_between_groups_and_stand_once_for_a_group():
    """Two shirts in three sizes, the shirts nearly alike; another product shares a second picture with the first."""
    codes = [[100, 0], [100, 9], [100, 0], [100, 9], [100, 0], [100, 9], [0, 100], [0, 100], [1, -50]]
    found = shop(codes, [0.01] * 9, [0, 0], owners=[0, 1, 2, 3, 4, 5, 5, 6, 7])
    near = duplicates.find(found)
    assert [(pair.first, pair.second) for pair in near.best] == [(0, 1)] and near.count == 1
    assert shared(found) == [(0, [0, 2, 4]), (1, [1, 3, 5]), (6, [5, 6])]


def test_codes_of_another_scale_are_another_picture():
    found = shop([[100, 1], [100, 1]], [0.01, 0.02], [0, 0])
    assert shared(found) == [] and duplicates.find(found).count == 1


def test_a_picture_that_everybody_shares_costs_neither_time_nor_memory(monkeypatch):
    """20,000 products with one picture, and five others: one comparison of six rows."""
    codes = np.tile([[50, 50, 1]], (20_005, 1))
    codes[20_000:] = np.random.default_rng(0).integers(-127, 128, (5, 3))
    found = shop(codes, [0.01] * len(codes), [0, 0, 0])
    seen = []
    true = duplicates._of_products
    monkeypatch.setattr(duplicates, "_of_products", lambda cosines, *owners: seen.append(cosines.shape) or true(
        cosines, *owners))
    tracemalloc.start()
    near, groups = duplicates.find(found, most=20), shared(found)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == [(6, 6)] and near.count <= 15 and peak < 50e6
    assert [(row, len(products)) for row, products in groups] == [(0, 20_000)]


def test_pairs_beyond_those_asked_for_are_counted_and_not_kept(monkeypatch):
    """2,000 nearly equal products: two million pairs."""
    monkeypatch.setattr(duplicates, "BLOCK", 256)
    codes = np.stack([np.full(2000, 100), np.arange(2000) % 127, np.arange(2000) // 127], 1)
    found = shop(codes, np.full(2000, 0.01), [2, 0, 0])
    tracemalloc.start()
    near = duplicates.find(found, 0.5, most=20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert near.count == 2000 * 1999 // 2 and len(near.best) == 20 and peak < 50e6


# Scripts

@pytest.mark.parametrize(("text", "expected"), [
    ("red bag", []), ("Grüne Schuhe, ﬁne", []), ("ＷＩＤＥ", []), ("", []), ("42 – 3,5 € 🥾 ✅ ½", []), ("٤٢", []),
    ("红色的包", ["Han"]), ("red 包 bag", ["Han"]), ("красная 包 сумка", ["Cyrillic", "Han"]),
    ("靴を買う", ["Han", "Hiragana"]), ("コーヒー", ["Katakana"]), ("가방", ["Hangul"]), ("τσάντα", ["Greek"]),
    ("حقيبة", ["Arabic"]), ("กระเป๋า", ["Thai"]), ("ᏣᎳᎩ", ["another script"]),
    ("ᏣᎳᎩ ߒߞߏ red", ["another script"]), ("5 µm", []), ("OʼNeill", []), ("é", []),
    (unicodedata.normalize("NFD", "é и й"), ["Cyrillic"]),
])
def test_scripts_that_the_model_does_not_know_are_named_once_in_their_order(text, expected):
    assert scripts.unknown(text, ["Latin"]) == expected
    assert scripts.unknown(text, ["Latin", *expected]) == []


def test_a_warning_names_the_scripts_and_is_none_without_any():
    assert scripts.warning("red bag 🥾", ["Latin"]) is None
    assert scripts.warning("红 сумка", ["Latin"]) == (
        "the query holds Han, Cyrillic letters, and this model was trained on Latin alone: the results mean little")
