"""The golden searches, which Kotlin and Swift read too: the same products, rows and score bits."""

import base64
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from catalog_builder import goldens
from catalog_builder.catalog import calibration, scores, search
from catalog_builder.catalog.reader import CatalogError, open_catalog
from catalog_builder.catalog.search import Filter

FOLDER = Path(os.environ.get("GOLDENS", Path(__file__).parent.parent / "parity" / "goldens")) / "search"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="ascii"))


def vector(packed):
    return np.frombuffer(base64.b64decode(packed), "<f4")


def answered(made, case):
    if "like" in case:
        return search.like(made, case["like"], case["k"])
    if "hybrid" in case:
        mix = case["hybrid"]
        weight = calibration.slider_weight(made.calibration, mix["slider"])
        return search.search(made, scores.mixed(vector(mix["image"]), vector(mix["text"]), weight), case["k"])
    where = Filter(case.get("categories"), case.get("lowest"), case.get("highest"))
    return search.search(made, vector(case["vector"]), case["k"], where, case.get("threshold", -np.inf),
                         case.get("without"))


@pytest.mark.parametrize("number", range(len(INDEX["cases"])))
def test_a_golden_search_gives_the_same_products_and_score_bits(number):
    case = INDEX["cases"][number]
    made = open_catalog(FOLDER / case["catalog"])
    found = [(hit.product, made.record(hit.product)["id"], hit.row, struct.pack(">d", hit.score).hex())
             for hit in answered(made, case)]
    assert found == [(hit["product"], hit["id"], hit["row"], hit["score"]) for hit in case["hits"]]


def confidences(made, case, hits):
    known = made.calibration
    if "hybrid" in case:
        mix, rows = case["hybrid"], np.array([hit.row for hit in hits])
        text, image = (scores.scores(made, scores.prepared(made, vector(mix[kind])), rows)
                       for kind in calibration.KINDS)
        return [calibration.mixed_confidence(known, mix["slider"], t, i) for t, i in zip(text, image, strict=True)]
    return [calibration.confidence(getattr(known, case.get("kind", "image")), hit.score) for hit in hits]


@pytest.mark.parametrize("number", range(len(INDEX["cases"])))
def test_a_golden_search_gives_the_same_confidence_or_none(number):
    case = INDEX["cases"][number]
    made = open_catalog(FOLDER / case["catalog"])
    found = [None if share is None else pytest.approx(share, abs=1e-11)
             for share in confidences(made, case, answered(made, case))]
    assert [hit["confidence"] for hit in case["hits"]] == found


def test_the_golden_searches_cover_kinds_that_were_not_measured():
    told = {(case["catalog"], case.get("kind") or ("like" if "like" in case else case["hybrid"]["slider"])):
            case["hits"][0]["confidence"] is not None
            for case in INDEX["cases"] if case["catalog"] not in ("shop.catalog", "currencies.catalog")}
    asked = ("text", "image", 0.0, 0.5, 1.0, "like")
    partly = dict(zip(asked, (False, True, False, False, True, True), strict=True))
    assert told == {(f"{name}.catalog", key): known.image.measured and name != "older-none" and partly[key]
                    for name, known in goldens.PARTLY.items() for key in asked}


def test_the_golden_searches_cover_filters_ties_hybrids_and_empty_answers():
    cases = INDEX["cases"]
    for key in ("categories", "lowest", "highest", "threshold", "without", "like", "hybrid"):
        assert any(key in case for case in cases), key
    assert any(not case["hits"] for case in cases) and len(cases) >= 30
    assert any(a["score"] == b["score"] for case in cases
               for a, b in zip(case["hits"], case["hits"][1:], strict=False))


@pytest.mark.parametrize("number", range(len(INDEX["damaged"])))
def test_a_golden_damaged_catalog_is_refused_where_it_must_be(number):
    case = INDEX["damaged"][number]
    if not case["opens"]:
        with pytest.raises(CatalogError):
            open_catalog(FOLDER / case["file"])
    elif not case["verifies"]:
        with pytest.raises(CatalogError, match="digest"):
            open_catalog(FOLDER / case["file"]).verify()
    else:
        open_catalog(FOLDER / case["file"]).verify()


@pytest.mark.slow
def test_the_golden_searches_can_be_made_anew(tmp_path):
    """Other processors sum in another order: scores may differ in their last bits, cases and damage may not."""
    assert goldens.main(["--out", str(tmp_path / "again")]) == 0
    again = json.loads((tmp_path / "again" / "search" / "index.json").read_text(encoding="ascii"))
    committed = json.loads((goldens.OUT / "search" / "index.json").read_text(encoding="ascii"))
    for key, leave in (("cases", ("vector", "hybrid", "hits")), ("damaged", ())):
        stripped = [[{name: value for name, value in case.items() if name not in leave} for case in made[key]]
                    for made in (again, committed)]
        assert stripped[0] == stripped[1]
    first = [[struct.unpack(">d", bytes.fromhex(hit["score"]))[0] for case in made["cases"] for hit in case["hits"][:1]]
             for made in (again, committed)]
    assert len(first[0]) > 30 and first[0] == pytest.approx(first[1], abs=1e-3)
