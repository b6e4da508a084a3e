"""demo-world in the browser: Chromium finds in seven languages what float32 PyTorch finds."""

import csv
import json
from itertools import pairwise
from pathlib import Path

import pytest

from catalog_builder.apps import Accepted
from catalog_builder.catalog import search
from catalog_builder.catalog.reader import open_catalog
from catalog_builder.web import web_site
from export.artifacts.dist import Dist
from parity.gate.reference import Reference
from tests import test_web_app
from tests.conftest import ROOT, run_module

MODEL, OTHERS = "demo-world", {"de", "es", "fr", "ja", "ko", "zh"}        # languages beside English
SOME = 9                                     # of so many queries one is asked
TOP, TIE = 10, 1e-6                          # products of nearer scores may change places: float32 has no more digits

tools = test_web_app.tools


@pytest.fixture(scope="module")
def shop(tools, tmp_path_factory) -> tuple[Path, Path]:
    """dist/demo-world with a green gate, and the sample shop's catalog, as `make preview MODEL=demo-world` does."""
    out = tmp_path_factory.mktemp("world") / "dist"
    for stage, *options in (("export", "--formats", "tflite,onnx", "--precision", "default,fp32"), ("parity",)):
        answer = run_module(stage, "--model", MODEL, "--out", str(out), *options)
        assert answer.returncode == 0, answer.stdout + answer.stderr
    answer = run_module("catalog_builder", "build", "--dist", str(out), "--model", MODEL)
    assert answer.returncode == 0, answer.stderr
    return out / MODEL, out / MODEL / "products.catalog"


def rows(folder: str) -> list[dict[str, str]]:
    """The demo's queries: the shop's in English, the world's in other languages."""
    with (ROOT / "demo" / folder / "queries.csv").open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


@pytest.mark.slow
def test_the_page_finds_in_each_language_what_float32_pytorch_finds(shop, tmp_path, say):
    dist, catalog = shop
    web_site.write(dist, catalog, "fp32", Accepted(), tmp_path / "site")
    english = [row for row in rows("shop") if row["kind"] == "text"][::SOME]
    others = rows("world")[::SOME]
    assert english and {row["language"] for row in others} == OTHERS
    texts = [row["query"] for row in [*english, *others]]
    reference, opened = Reference(*Dist(dist).source()), open_catalog(catalog)
    vectors = reference.texts(reference.ids(texts))
    found = [(text, search.search(opened, vector, TOP + 1)) for text, vector in zip(texts, vectors, strict=True)]
    clear = [{"text": text, "ids": [opened.record(hit.product)["id"] for hit in hits[:TOP]]} for text, hits in found
             if min(one.score - other.score for one, other in pairwise(hits)) > TIE]
    assert len(clear) > 0.98 * len(texts)
    (tmp_path / "queries.json").write_text(json.dumps(clear), encoding="utf-8")
    run = test_web_app.suite("ranking", tmp_path / "site", QUERIES=tmp_path / "queries.json")
    say(f"web_sample/app: {len(clear)} queries of demo-world in {len(OTHERS) + 1} languages in {run.browser}, 0 with "
        f"other products than float32 PyTorch; {len(texts) - len(clear)} with a tie left out")
