"""What turns scores into per cent and stars, what balances text and picture: on curves that are known, and in a small
world in which scores of texts and of pictures live as far apart as the models' own.
"""

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from catalog_builder.builder import calibrate
from catalog_builder.builder.writer import write
from catalog_builder.catalog import calibration, scores, search
from catalog_builder.catalog.calibration import BEYOND, Calibration, Curve
from catalog_builder.catalog.reader import Catalog, open_catalog
from tests.sources import modules
from tests.test_catalog import content

KNOWN = Calibration(Curve(20.5, -5.25, 0.03125), Curve(10.0, -7.5, 0.125), "queries")
SLIDER = np.linspace(0, 1, 21)


# The numbers in the catalog

def test_a_calibration_comes_back_from_json():
    for known in (KNOWN, calibration.NONE, Calibration(Curve(-1 / 3, 1e-300, 2), Curve(0.1, 7, 5e-9), "names"),
                  Calibration(calibration.guess(0.1), Curve(10, -5, 0.2), "queries")):
        assert Calibration.from_json(json.loads(json.dumps(known.json()))) == known


@pytest.mark.parametrize(("a", "b", "source", "measured"), [
    (20.5, -5.25, "names", True), (10, -5, "names", False), (10.0, -5.0, "queries", False), (10, -5.25, "names", True),
    (10.5, -5, "queries", True), (20.5, -5.25, "none", False)])
def test_an_older_file_counts_as_measured_unless_it_holds_the_guess_of_its_builder(a, b, source, measured):
    older = {"a": a, "b": b, "spread": 0.5}
    for kind, other in (calibration.KINDS, calibration.KINDS[::-1]):
        found = Calibration.from_json({kind: older, other: KNOWN.json()[other], "source": source})
        assert getattr(found, kind) == Curve(a, b, 0.5, measured)
        assert getattr(found, other).measured


def test_a_file_that_says_whether_a_kind_was_measured_is_believed():
    for measured in (True, False):
        for a, b, source in ((10, -5, "names"), (20.5, -5.25, "none")):
            kept = {"a": a, "b": b, "spread": 0.5, "measured": measured}
            assert Calibration.from_json({"text": kept, "image": kept, "source": source}).text.measured is measured


@pytest.mark.parametrize("value", [None, 0, 1, 1.0, "", "true", [], [True], {}])
def test_a_measured_that_is_neither_true_nor_false_is_refused(value):
    for kind in calibration.KINDS:
        with pytest.raises(ValueError, match="neither true nor false"):
            Calibration.from_json(KNOWN.json() | {kind: KNOWN.json()[kind] | {"measured": value}})


def test_whole_numbers_of_json_become_floats():
    kept = KNOWN.json() | {"text": {"a": 20, "b": -5, "spread": 1, "new": "passed over"}}
    found = Calibration.from_json(kept)
    assert found.text == Curve(20.0, -5.0, 1.0) and type(found.text.a) is float


@pytest.mark.parametrize("place", ["a", "b", "spread"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, 1e101, -1e101, None, "1", True, [1], {}])
def test_a_calibration_that_is_no_number_is_refused(place, value):
    for kind in calibration.KINDS:
        with pytest.raises(ValueError, match="no finite number, or beyond 1e.100"):
            Calibration.from_json(KNOWN.json() | {kind: KNOWN.json()[kind] | {place: value}})


@pytest.mark.parametrize("spread", [0, -0.0, -1, 5e-324, 1e-101])
def test_a_spread_of_nothing_is_refused(spread):
    with pytest.raises(ValueError, match="a spread of 0"):
        Calibration.from_json(KNOWN.json() | {"image": {"a": 1, "b": 0, "spread": spread}})


@pytest.mark.parametrize("kept", [None, [], {}, "text", 1, {"text": {}}, {"text": [], "image": []},
                                  {"text": KNOWN.json()["text"]}, KNOWN.json() | {"source": None},
                                  {"text": {"a": 1, "b": 2}, "image": KNOWN.json()["image"], "source": "names"},
                                  {kind: KNOWN.json()[kind] for kind in calibration.KINDS}])
def test_what_is_no_calibration_is_refused(kept):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Calibration.from_json(kept)


# Per cent and stars

def test_confidence_is_the_logistic_curve():
    for score in (-1, -0.3, 0, 0.2, 0.25, 0.7, 1):
        expected = 1 / (1 + math.exp(-(20.5 * score - 5.25)))
        assert calibration.confidence(KNOWN.text, score) == pytest.approx(expected, rel=1e-12)


def test_what_was_not_measured_has_no_confidence():
    assert calibration.confidence(calibration.guess(1.0), 0.5) is None
    partly = Calibration(KNOWN.text, calibration.guess(0.1), "queries")
    assert calibration.confidence(partly.text, 0.25) == pytest.approx(calibration.confidence(KNOWN.text, 0.25))
    found = {slider: calibration.mixed_confidence(partly, slider, 0.25, 0.7) for slider in (0, 0.0, 1e-9, 0.5, 1)}
    assert found == {0: calibration.confidence(KNOWN.text, 0.25), 1e-9: None, 0.5: None, 1: None}
    other = Calibration(calibration.guess(0.1), KNOWN.image, "queries")
    assert [calibration.mixed_confidence(other, slider, 0.25, 0.7) for slider in (0, 0.5, 1)] == [
        None, None, calibration.confidence(KNOWN.image, 0.7)]
    assert all(calibration.mixed_confidence(calibration.NONE, slider, 0.25, 0.7) is None for slider in (0, 0.5, 1))


def test_confidence_stays_between_0_and_1_whatever_the_curve():
    for a in (-BEYOND, -1e6, 0, 1e6, BEYOND):
        for b in (-BEYOND, 0, BEYOND):
            for score in (-1e80, -1, 0, 1, 1e80):
                assert 0 <= calibration.confidence(Curve(a, b, 1), score) <= 1
                extremes = Calibration(Curve(a, b, 1), Curve(-a, -b, 1), "names")
                assert all(0 <= calibration.mixed_confidence(extremes, t, score, -score) <= 1 for t in (0, 0.5, 1))


def test_confidence_rises_with_the_score():
    shares = [calibration.confidence(KNOWN.image, score) for score in np.linspace(-1, 1, 201)]
    assert shares == sorted(set(shares))


def test_stars_are_fifths_rounded_half_to_even():
    shares = [0, 0.09, 0.1, 0.11, 0.29, 0.3, 0.5, 0.51, 0.69, 0.7, 0.89, 0.9, 0.91, 1]
    assert [calibration.stars(share) for share in shares] == [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5]


def test_a_hybrids_confidence_goes_from_the_texts_to_the_pictures():
    for text, image in ((0.2, 0.7), (0.3, 0.9), (0.1, 0.1)):
        ends = [calibration.confidence(KNOWN.text, text), calibration.confidence(KNOWN.image, image)]
        found = [calibration.mixed_confidence(KNOWN, slider, text, image) for slider in SLIDER]
        assert [found[0], found[-1]] == pytest.approx(ends)
        assert found == sorted(found, reverse=ends[0] > ends[1])


# The slider

def test_the_slider_ends_at_text_alone_and_picture_alone():
    for known in (KNOWN, calibration.NONE, Calibration(Curve(1, 0, 1 / BEYOND), Curve(1, 0, BEYOND), "names"),
                        Calibration(Curve(1, 0, 1 / BEYOND), Curve(1, 0, 1 / BEYOND), "names")):
        weights = [calibration.slider_weight(known, slider) for slider in SLIDER]
        assert weights[0] == 0 and weights[-1] == 1 and weights == sorted(weights)


def test_the_slider_balances_the_two_spreads():
    """By as much as the slider says, and not by as much as the scores differ."""
    for slider in SLIDER[1:-1]:
        weight = calibration.slider_weight(KNOWN, slider)
        picture, text = weight * KNOWN.image.spread, (1 - weight) * KNOWN.text.spread
        assert picture / (picture + text) == pytest.approx(slider)
    assert calibration.slider_weight(KNOWN, 0.5) == 0.2       # 1/32 and 1/8
    assert calibration.slider_weight(calibration.NONE, 0.3) == 0.3


# Fitting

@pytest.mark.parametrize(("a", "b", "low", "high"), [(40, -12, 0.1, 0.5), (25, -20, 0.5, 1), (8, 1, -0.5, 0.3),
                                                     (400, -92, 0.2, 0.26), (-15, 3, 0, 0.5)])
def test_a_known_curve_is_found_again(a, b, low, high):
    generator = np.random.default_rng(7)
    values = generator.uniform(low, high, 40_000)
    right = generator.random(40_000) < 1 / (1 + np.exp(-(a * values + b)))
    curve = calibrate.fit(values, right, 0.25)
    assert curve.spread == 0.25
    assert curve.a == pytest.approx(a, rel=0.05)
    assert -curve.b / curve.a == pytest.approx(-b / a, abs=0.02 * (high - low))              # where half are right
    assert calibrate.expected_error(curve, values, right) < 0.01


@pytest.mark.parametrize(("right", "wrong", "fits"), [(20, 20, True), (19, 500, False), (500, 19, False),
                                                      (0, 0, False)])
def test_too_few_right_or_wrong_results_fix_no_curve(right, wrong, fits):
    values = np.linspace(0, 1, right + wrong)
    answer = np.arange(right + wrong) < right
    assert (calibrate.fit(values, answer, 1.0) is not None) == fits


def test_results_that_are_wrong_and_right_without_order_give_a_flat_curve():
    generator = np.random.default_rng(3)
    values = generator.normal(0.7, 0.05, 20_000)
    curve = calibrate.fit(values, generator.random(20_000) < 0.3, 1.0)
    for score in (0.6, 0.7, 0.8):
        assert calibration.confidence(curve, score) == pytest.approx(0.3, abs=0.03)


def test_separate_results_and_equal_scores_give_finite_curves():
    separate = calibrate.fit(np.r_[np.zeros(50), np.ones(50)], np.arange(100) >= 50, 1.0)
    assert calibration.confidence(separate, 0) < 0.05 and calibration.confidence(separate, 1) > 0.95
    equal = calibrate.fit(np.full(100, 0.7), np.arange(100) < 25, 1.0)                      # their std is 1e-16
    assert [calibration.confidence(equal, score) for score in (0.65, 0.7, 0.75)] == pytest.approx([0.25] * 3, abs=0.01)


def test_the_expected_error_is_what_it_is_by_hand():
    half, values = Curve(0, 0, 1), np.zeros(100)
    assert calibrate.expected_error(half, values, np.arange(100) % 2 == 0) == pytest.approx(0)
    assert calibrate.expected_error(half, values, np.ones(100, bool)) == pytest.approx(0.5)
    assert calibrate.expected_error(half, values, np.arange(100) < 50) == pytest.approx(0.5)


def test_what_is_shown_are_the_best_ten_of_each_query_with_their_answers():
    table = np.tile(np.arange(12.0), (2, 1))
    answers = np.zeros((2, 12), bool)
    answers[[0, 0, 1], [11, 0, 3]] = True
    values, right = calibrate.shown(table, answers)
    assert values.tolist() == [*range(11, 1, -1)] * 2
    assert np.flatnonzero(right).tolist() == [0, 18]
    assert len(calibrate.shown(table[:, :3], np.zeros((2, 3), bool))[0]) == 6


def fitted_to(kind: str, table: np.ndarray, right: np.ndarray) -> calibrate.Fitted:
    """The scores of all queries at once."""
    return calibrate.fitted(kind, [(slice(None), table)], right)


@pytest.mark.parametrize("step", [1, 3, 5])
def test_scores_that_come_in_parts_give_the_same_curve(step):
    generator = np.random.default_rng(0)
    table, right = generator.normal(size=(24, 15)), generator.random((24, 15)) < 0.5
    parts = ((slice(start, start + step), table[start:start + step]) for start in range(0, 24, step))
    assert calibrate.fitted("text", parts, right) == fitted_to("text", table, right)


def test_no_queries_or_too_few_answers_leave_a_guess_and_say_so():
    none = fitted_to("text", np.zeros((0, 5)), np.zeros((0, 5), bool))
    assert none.curve == calibration.NONE.text and none.pairs == 0 and "not measured: no queries" in none.note
    table, first = np.random.default_rng(0).normal(size=(6, 15)), np.arange(15) == np.zeros((6, 1))
    few = fitted_to("image", table, first)
    assert "a guess" in few.note and few.curve.spread == pytest.approx(table.std(axis=1).mean()) and few.pairs == 60
    assert not none.curve.measured and not few.curve.measured and few.best_share is None
    same = np.full((6, 15), 0.7)
    assert fitted_to("text", same, first).curve.spread == 1


def test_a_curve_that_gives_the_best_right_result_little_is_warned_of():
    generator = np.random.default_rng(0)
    for share, warned, hidden in ((0.05, True, True), (0.3, True, False), (0.8, False, False)):
        table = generator.normal(0.7, 0.001, (300, 15))
        found = fitted_to("text", table, generator.random((300, 15)) < share)
        assert found.curve.measured and found.best > 0.7
        assert (bool(found.warning), found.hides_all) == (warned, hidden), share
        assert not warned or f"{found.best:.3f}" in found.warning
    separate = fitted_to("text", np.tile(np.linspace(0, 1, 15), (30, 1)), np.tile(np.arange(15) == 14, (30, 1)))
    assert separate.warning == "" and separate.best == 1.0 and separate.best_share > 0.5


@pytest.mark.parametrize("seed", range(20))
def test_the_fit_is_scikit_learns_without_scikit_learn(seed):
    """Overlapping, separate, nearly all right, nearly all wrong, few and many."""
    generator = np.random.default_rng(seed)
    count, a, b = int(generator.integers(50, 3000)), generator.uniform(-5, 60), generator.uniform(-40, 5)
    values = generator.normal(generator.uniform(0.2, 0.9), generator.uniform(0.01, 0.2), count)
    right = generator.random(count) < 1 / (1 + np.exp(-(a * values + b)))
    right[:20], right[20:40] = True, False
    if seed % 5 == 0:
        right = values > np.median(values)
    x = (values - values.mean()) / values.std()
    model = LogisticRegression(C=calibrate.WEIGHT, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(
        x[:, None], right)
    expected = [model.coef_[0, 0], model.intercept_[0]]
    assert calibrate.logistic_regression(x, right) == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert np.array_equal(calibrate.logistic_regression(x, right), calibrate.logistic_regression(x.copy(), right))


def test_the_catalog_builder_does_without_scikit_learn():
    assert [module.name for module in modules().values()
            if module.stage == "catalog_builder" and any(name.startswith("sklearn") for name in module.imports)] == []


def test_in_words_a_half_that_no_score_reaches_and_what_was_not_measured_are_said():
    known = Calibration(Curve(20.0, -25.0, 0.1), calibration.guess(0.1), "names")
    words = calibration.described(known)
    assert words["text"] == "no score means that half of the results are right: a score of 1 means 1 %"
    assert words["image"].startswith("not measured")
    assert calibration.described(KNOWN)["text"] == "half of the results with a score of 0.256 are right"
    assert "not more often right" in calibration.described(Calibration(Curve(-1, 0, 1), KNOWN.image, "names"))["text"]


# A world with a gap between texts and pictures

SHAPES, COLOURS, DIM, QUERIES = 20, 10, 64, 600


@dataclass(frozen=True)
class World:
    """200 products, one of each shape in each colour, in a catalog. Photos lie near pictures, and texts far off."""

    catalog: Catalog
    generator: np.random.Generator
    axes: np.ndarray                         # [DIM, DIM] orthonormal: all photos' part, all texts' part, the meanings
    shapes: np.ndarray                       # [SHAPES, DIM]
    colours: np.ndarray                      # [COLOURS, DIM]
    noise: float

    def meant(self, product: np.ndarray) -> np.ndarray:
        """[n] -> [n, DIM], unit length."""
        return unit(self.shapes[product // COLOURS] + self.colours[product % COLOURS])

    def noisy(self, meaning: np.ndarray) -> np.ndarray:
        """With as much else in another direction as `noise` says."""
        return unit(meaning + self.noise * unit(self.generator.normal(size=(len(meaning), DIM - 2))) @ self.axes[2:])

    def photos(self, product: np.ndarray) -> np.ndarray:
        """float32 [n, DIM]: cosines around .7 with all pictures."""
        return (math.sqrt(1 - 0.55**2) * self.axes[0] + 0.55 * self.noisy(self.meant(product))).astype(np.float32)

    def texts(self, meaning: np.ndarray) -> np.ndarray:
        """float32 [n, DIM]: cosines around .2 with all pictures."""
        common = 0.25 * self.axes[0] + math.sqrt(1 - 0.25**2) * self.axes[1]
        return (math.sqrt(1 - 0.28**2) * common + 0.28 * self.noisy(meaning)).astype(np.float32)

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """float64 [n, products]."""
        return np.stack([scores.scores(self.catalog, scores.prepared(self.catalog, vector)) for vector in vectors])

    def first(self, vector: np.ndarray) -> int:
        """The best product."""
        return search.search(self.catalog, vector, 1)[0].product

    def chosen(self) -> np.ndarray:
        """Products to ask for."""
        return self.generator.integers(0, SHAPES * COLOURS, QUERIES)

    def asked(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Queries' scores, and right answers: all of the shape in a photo, all of the colour in a text."""
        product, everything = self.chosen(), np.arange(SHAPES * COLOURS)
        if kind == "image":
            vectors, right = self.photos(product), everything // COLOURS == product[:, None] // COLOURS
        else:
            vectors = self.texts(self.colours[product % COLOURS])
            right = everything % COLOURS == product[:, None] % COLOURS
        return self.scores(vectors), right

    def calibration(self) -> Calibration:
        """From queries of its own."""
        return Calibration(*(fitted_to(kind, *self.asked(kind)).curve for kind in calibration.KINDS), "queries")


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def world(path, seed: int, noise: float = 0.7) -> World:
    generator, many = np.random.default_rng(seed), SHAPES * COLOURS
    axes = np.linalg.qr(generator.normal(size=(DIM, DIM)))[0]
    shapes, colours = (unit(generator.normal(size=(count, DIM - 2))) @ axes[2:] for count in (SHAPES, COLOURS))
    made = World(None, generator, axes, shapes, colours, noise)
    write(path, content(records=[b"{}"] * many, prices=np.zeros(many), categories=np.zeros(many),
                        owners=np.arange(many)), made.photos(np.arange(many)))
    return World(open_catalog(path), generator, axes, shapes, colours, noise)


@pytest.mark.parametrize("seed", range(3))
def test_both_kinds_get_right_shares_though_their_scores_lie_apart(tmp_path, seed):
    made = world(tmp_path / "a.catalog", seed, noise=1.2)
    fitted = {kind: fitted_to(kind, *made.asked(kind)) for kind in calibration.KINDS}
    fresh = {}
    for kind, found in fitted.items():
        table, asked = made.asked(kind)
        values, right = calibrate.shown(table, asked)
        assert 0.25 < right.mean() < 0.9                     # there is something to tell apart
        assert found.error < 0.05 and calibrate.expected_error(found.curve, values, right) < 0.05
        shares = np.array([calibration.confidence(found.curve, value) for value in values])
        assert shares.mean() == pytest.approx(right.mean(), abs=0.03)
        assert shares[right].mean() > shares[~right].mean() + 0.04
        fresh[kind] = values, right, table.mean()
    assert fresh["text"][2] == pytest.approx(0.2, abs=0.05) and fresh["image"][2] == pytest.approx(0.7, abs=0.05)
    assert fresh["text"][0].max() < fresh["image"][0].min()  # no one curve could serve both
    for kind, other in (("text", "image"), ("image", "text")):
        assert calibrate.expected_error(fitted[other].curve, *fresh[kind][:2]) > 0.5


@pytest.mark.parametrize("seed", range(3))
def test_the_slider_in_the_middle_lets_the_text_matter_where_an_equal_mix_does_not(tmp_path, seed):
    """A photo of one product, and the name of another colour: right is the photo's shape in the text's colour."""
    made = world(tmp_path / "a.catalog", seed)
    known = made.calibration()
    assert known.image.spread > 1.5 * known.text.spread
    product = made.chosen()
    colour = (product + made.generator.integers(1, COLOURS, QUERIES)) % COLOURS
    right = product // COLOURS * COLOURS + colour
    photos, texts = made.photos(product), made.texts(made.colours[colour])

    def share(weight: float) -> float:
        return float(np.mean([made.first(scores.mixed(photo, text, weight)) == answer
                              for photo, text, answer in zip(photos, texts, right, strict=True)]))

    balanced = share(calibration.slider_weight(known, 0.5))
    assert balanced > 0.5 and balanced > share(0.5) + 0.2
    assert balanced > share(0.0) + 0.2 and share(1.0) < 0.05  # neither alone can know


@pytest.mark.parametrize("seed", range(3))
def test_the_slider_in_the_middle_costs_nothing_where_text_and_picture_agree(tmp_path, seed):
    made = world(tmp_path / "a.catalog", seed, noise=1.0)
    weight, product = calibration.slider_weight(made.calibration(), 0.5), made.chosen()
    photos, texts = made.photos(product), made.texts(made.meant(product))
    found = {name: np.mean([made.first(vector) == answer for vector, answer in zip(vectors, product, strict=True)])
             for name, vectors in (("mixed", scores.mixed(photos, texts, weight)), ("photo", photos), ("text", texts))}
    assert found["mixed"] > max(found["photo"], found["text"])
