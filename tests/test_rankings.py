"""What a shopper would see: the measures on scores made by hand, and the shelves that they are taken on."""

import doctest
import json

import numpy as np
import pytest
from scipy.stats import binomtest

from export.common import rankings
from export.common.errors import InputError
from parity.gate import inputs, shelf, tolerances
from parity.gate.metrics import Closeness
from parity.gate.shelf import Embeddings, Shelf
from tests.conftest import run_module

EXACT = Closeness(2, 1.0, 1.0, 0.0, [0.0, 0.0])


def made_shelf(products: int, queries: int, answers=None) -> Shelf:
    unknown = np.full(queries, -1) if answers is None else np.array(answers)
    return Shelf("shop", [f"p{i}.jpg" for i in range(products)], np.arange(products), [],
                 [f"q{i}" for i in range(queries)], np.array([], int), unknown)


def compare(found, expected, answers=None) -> shelf.Ranking:
    found, expected = np.array(found, float), np.array(expected, float)
    made = made_shelf(expected.shape[1], len(expected), answers)
    return shelf.compare(found, expected, made.text_answers, made, [("text", text) for text in made.text_queries])


def scores(*worse: float, tail: float = -0.5) -> list[float]:
    """Ten results from .90 to .81, then what is given, then the irrelevant: 20 products."""
    known = [*(0.9 - 0.01 * i for i in range(10)), *worse]
    return known + [tail] * (20 - len(known))


def test_a_product_scores_as_its_best_picture():
    rows, owners = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]]), np.array([0, 0, 1])
    found = rankings.product_scores(np.array([[0.6, 0.8], [1.0, 0.1]]), rows, owners)
    assert found == pytest.approx(np.array([[0.8, 0.96], [1.0, 0.86]]))


@pytest.mark.parametrize("kind", [np.uint32, np.int64])
def test_the_best_picture_is_found_whatever_type_the_owners_have(kind):
    found = rankings.best_pictures(np.array([[0.1, 0.3, 0.2, 0.5]]), np.array([0, 0, 1, 2], kind))
    assert found.tolist() == [[0.3, 0.2, 0.5]]


def test_the_example_of_the_measure_is_true():
    assert doctest.testmod(rankings) == (0, 3)                # failed, attempted


def test_the_tolerance_of_recall_is_the_callers_own():
    true = np.array([scores(0.8, 0.7)])
    shown = np.array([[*range(8), 10, 11]])                   # the eleventh and the twelfth in place of .82 and .81
    assert [rankings.tolerant_recall(shown, true, tolerance).tolist() for tolerance in (0.0, 0.011, 0.111)] == [
        [0.8], [0.9], [1.0]]
    assert rankings.plain_recall(shown, true).tolist() == [0.8]
    assert rankings.named(0.01) == "tolerant recall@10 (within 0.01)"


def test_what_is_not_shown_is_missed():
    true = np.array([scores(0.8), scores(0.8)])
    shown = np.array([[0, 1, 2, *[rankings.ABSENT] * 7], [rankings.ABSENT] * 10])
    assert rankings.tolerant_recall(shown, true, 0.01).tolist() == [0.3, 0.0]
    assert rankings.plain_recall(shown, true).tolist() == [0.3, 0.0]
    assert rankings.agreement(shown, true).tolist() == [True, False]
    assert rankings.shortfall(shown, true).tolist() == [0.0, np.inf]


def test_with_ten_products_there_is_nothing_to_miss():
    true, shown = np.eye(10)[:2], np.zeros((2, 10), int)
    assert rankings.tolerant_recall(shown, true, 0.01) is None and rankings.plain_recall(shown, true) is None


def test_true_recall_counts_a_tie_against_the_answer():
    found = rankings.product_scores(np.eye(2), np.eye(2)[[0, 1, 1]], np.array([0, 0, 1]))
    ranked = rankings.ranks(found, np.array([0, 1]))
    assert ranked.tolist() == [0, 1]
    assert (rankings.recall_at(ranked, 1), rankings.recall_at(ranked, 2)) == (0.5, 1.0)


def test_recall_forgives_what_scores_nearly_as_the_tenth_and_nothing_else():
    near, far = scores(0.8001), scores(0.7999)                # the tenth has .81
    swapped = [*near[:9], near[10], near[9], *near[11:]]      # the artefact shows the eleventh in the tenth's place
    assert compare([swapped], [near]).recall10.value == 1.0
    swapped = [*far[:9], far[10], far[9], *far[11:]]
    assert compare([swapped], [far]).recall10.value == pytest.approx(0.9)


def test_recall_of_too_few_products_is_not_measured():
    assert compare([[1.0] + [0.0] * 9], [[1.0] + [0.0] * 9]).recall10 is None
    assert compare([[1.0] + [0.0] * 10], [[1.0] + [0.0] * 10]).recall10.value == 1.0


def test_top_1_agrees_by_product_and_forgives_a_true_tie_only():
    assert compare([[0.8, 0.9]], [[0.9, 0.8]]).top1.value == 0.0
    assert compare([[0.8, 0.9]], [[0.9, 0.9 - 1e-8]]).top1.value == 1.0
    assert compare([[0.8, 0.9]], [[0.9, 0.9 - 1e-5]]).top1.value == 0.0


def test_one_measure_of_agreement_has_a_tolerance_and_an_interval():
    true, shown = np.tile([0.9, 0.899, 0.5], (4, 1)), np.array([[0], [1], [1], [2]])
    assert rankings.agreement(shown, true).tolist() == [True, False, False, False]
    assert rankings.agreement(shown, true, 0.002).tolist() == [True, True, True, False]
    assert rankings.top1(shown, true) == rankings.wilson(0.25, 4)
    assert rankings.top1(shown, true, 0.002) == rankings.wilson(0.75, 4)


def test_the_loss_of_true_recall_counts_what_was_right_before():
    expected = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]]
    found = [[0.1, 0.9], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]]  # one lost, one gained where the reference was wrong
    measured = compare(found, expected, answers=[0, 0, -1, 0])
    assert (measured.recall_at_1_reference, measured.recall_at_1) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert measured.loss.value == 0.0 and measured.loss.low < 0 < measured.loss.high
    assert compare(found[:1], expected[:1], answers=[0]).loss.value == 1.0
    assert compare(found, expected).loss is None


@pytest.mark.parametrize(("hits", "queries"), [(0, 24), (24, 24), (23, 24), (845, 846), (1, 3)])
def test_shares_have_wilsons_interval(hits, queries):
    interval = binomtest(hits, queries).proportion_ci(method="wilson")
    found = rankings.wilson(hits / queries, queries)
    assert (found.low, found.high) == (pytest.approx(interval.low, abs=1e-6), pytest.approx(interval.high, abs=1e-6))


def test_an_interval_is_never_empty_even_where_nothing_changed():
    nothing = np.zeros(100, bool)
    assert rankings.wilson(1.0, 100).low < 0.97
    assert rankings.difference(nothing, nothing).high > 0.03


def test_newcombes_interval_holds_the_truth_as_often_as_it_says():
    generator, inside = np.random.default_rng(0), 0
    for _ in range(400):
        kinds = generator.choice(3, 300, p=[0.03, 0.01, 0.96])
        found = rankings.difference(kinds == 0, kinds == 1)
        inside += found.low <= 0.02 <= found.high
    assert inside >= 0.92 * 400


def test_the_largest_change_is_found_and_how_rare_a_larger_one_is():
    expected = np.zeros((50, 12))
    found = expected.copy()
    found[7, 3] = -0.25
    measured = compare(found, expected)
    assert measured.largest_change == 0.25 and (1 - measured.exceeded_by) ** 50 == pytest.approx(0.05)


def test_the_worst_queries_are_found_with_both_answers():
    expected = np.tile(np.linspace(0.9, 0.1, 12), (20, 1))
    found = expected.copy()
    found[13, 5], found[4, 1] = 1.0, 0.95                     # query 13 shows product 5 first, query 4 product 1
    worst = compare(found, expected).worst
    assert [query.query for query in worst[:2]] == ["q13", "q4"]
    assert worst[0].expected[0].picture == "p0.jpg" and worst[0].found[0].picture == "p5.jpg"
    assert worst[0].loss == pytest.approx(expected[0, 0] - expected[0, 5])


def test_a_sample_picture_does_not_find_itself():
    shared = np.eye(3, dtype=np.float32)
    sides = Embeddings(shared, shared, shared[:1])
    samples = Shelf("samples", ["a", "b", "c"], np.arange(3), ["a", "b", "c"], ["t"], np.full(3, -1), np.full(1, -1),
                    own=True)
    worst = shelf.rank(samples, sides, sides).worst
    assert all(hit.picture != query.query for query in worst for hit in query.found)


def test_one_query_of_few_decides_nothing_and_two_do():
    allowed = tolerances.pair()
    expected = np.tile([0.9, 0.1], (24, 1))
    found = expected.copy()
    found[0] = [0.1, 0.9]
    assert tolerances.ranking_failures(allowed, compare(found, expected, answers=[0] * 24)) == []
    found[1] = [0.1, 0.9]
    faults = tolerances.ranking_failures(allowed, compare(found, expected, answers=[0] * 24))
    assert len(faults) == 2 and "top-1" in faults[0] and "loss" in faults[1]


def test_a_ranking_that_loses_fails_the_artefact():
    expected = np.tile(scores(0.1), (400, 1))
    found = expected.copy()
    found[:10, :3] = -1.0                                     # 10 of 400 queries lose three of ten results
    allowed = tolerances.of("a space", "onnx", "fp16", "image")
    faults = tolerances.failures(allowed, EXACT, [compare(found, expected, answers=[0] * 400)])
    assert [fault.split()[1] for fault in faults] == ["top-1", "loss", "tolerant"]
    faults = tolerances.failures(allowed, EXACT, [compare(found, expected)])                 # no answer is known
    assert faults == ["shop: tolerant recall@10 (within 0.01) 0.9925 below 0.995"]


def test_given_pictures_and_texts_are_read_from_lines_and_json(tmp_path):
    (tmp_path / "lines.txt").write_text("a red bag\n\nblue shoes\n", encoding="utf-8")
    (tmp_path / "list.json").write_text(json.dumps(["a red bag", ""]), encoding="utf-8")
    assert inputs.texts(tmp_path / "lines.txt") == ["a red bag", "blue shoes"]
    assert inputs.texts(tmp_path / "list.json") == ["a red bag", ""]
    made = inputs.given(inputs.PICTURES, tmp_path / "lines.txt")
    assert made.name == "given" and made.own and len(made.pictures) == len(made.picture_answers) == 43


@pytest.mark.parametrize("content", ["[1, 2]", "{}", "[]", "[", "\xff"])
def test_bad_texts_are_refused_in_one_line(tmp_path, content):
    (tmp_path / "bad.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match="bad.json"):
        inputs.texts(tmp_path / "bad.json")


def test_pictures_without_texts_and_an_empty_folder_are_refused(exported, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts.txt").write_text("a bag\n")
    common = ("parity", "--out", str(exported.parent), "--pictures", str(tmp_path / "empty"))
    for arguments in (common, (*common, "--texts", str(tmp_path / "texts.txt"))):
        answer = run_module(*arguments)
        assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1, answer.stderr




def spoken(languages):
    """One product a query, in these languages."""
    count = len(languages)
    return Shelf("shop", [f"{i}.jpg" for i in range(12)], np.arange(12), [], [f"t{i}" for i in range(count)],
                 np.array([], int), np.arange(count) % 12, languages=languages)


def test_a_language_whose_queries_fail_turns_the_gate_red_though_all_together_pass():
    languages = ["en"] * 396 + ["ja"] * 4
    asked, rows = spoken(languages), np.eye(12, dtype=np.float32)
    true = rows[asked.text_answers]
    turned = true.copy()
    turned[-2:] = np.roll(turned[-2:], 1, axis=1)            # two of four Japanese queries find another product
    ranked = shelf.rank(asked, Embeddings(rows, rows, turned), Embeddings(rows, rows, true), ("text",))
    by_name = {one.language: one for one in ranked.languages}
    assert {name: one.queries for name, one in by_name.items()} == {"en": 396, "ja": 4}
    assert (by_name["en"].top1.value, by_name["ja"].top1.value) == (1.0, 0.5)
    assert (by_name["ja"].recall_at_1, by_name["ja"].recall_at_1_reference) == (0.5, 1.0)
    faults = tolerances.ranking_failures(tolerances.pair(), ranked)
    assert any(fault.startswith("shop, ja: top-1 agreement 0.5000") for fault in faults)
    assert not any(fault.startswith("shop, en") for fault in faults)
