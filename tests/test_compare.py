"""Exported models are compared on one list: the figures are those of its own reports, and advice follows."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from catalog_builder.builder import embed, measured_on
from catalog_builder.catalog.reader import open_catalog
from catalog_builder.compare import advice, comparison, comparison_table, figures
from catalog_builder.compare.compared import Compared, Encoder, FoundShare, ShippedPair
from catalog_builder.compare.figures import CompareRequest
from catalog_builder.engines import Engine
from catalog_builder.lists import listing
from export.artifacts import manifest
from export.artifacts.dist import VERDICTS
from export.common import files
from export.common.rankings import wilson
from export.common.specs import Licence
from export.formats.table import COREML, ENCODERS, ONNX, TFLITE
from export.weights.lookup import find
from tests.conftest import ROOT, run_module
from tests.stand_in import StandIn, listed
from tests.stand_in import row as stand_in_row
from tests.test_build import refusal

FREE, UNKNOWN, RESEARCH = (Licence(f"licence {use}", "https://licence.test", use) for use in (True, None, False))
QUERIES, SHOP = 200, ROOT / "demo/shop"
RANDOM = "chance"
NOTHING_NEW = "embed the pictures: 1692 of 1692, 0 computed"
INT8_COSTS = 0.002                           # of a recall, at most


# What is made of the figures.

def row(name: str, recall: float = 0.9, licence: Licence = FREE, megabytes: float = 10, **changes) -> Compared:
    """A model whose pairs weigh so much, and find so much with either kind of query."""
    found = FoundShare(QUERIES, wilson(recall, QUERIES), wilson(min(1.0, recall + 0.05), QUERIES))
    image, text = (Encoder(f"{encoder}.tflite", int(megabytes * 5e5), 10**7, 0.0125) for encoder in ENCODERS)
    pairs = {one.name: ShippedPair(one.name, image, text, 0.998) for one in (COREML, TFLITE)}
    whole = Compared(name=name, random=False, licence=licence, scripts=("Latin",), dim=512, catalog=Path("dist") / name
                     / "compare/a.catalog", found={"text": found, "image": found}, pairs=pairs, measured_with="onnx",
                     gated_on="here", int8_passed=True, catalog_bytes=10**6)
    return replace(whole, **changes)


@pytest.mark.parametrize(("rows", "said"), [
    ([row("large", 0.9), row("small", 0.885, megabytes=5)], "Smallest.* may ship: small, recall@1 88.5 %, 5.0 MB"),
    ([row("large", 0.9), row("small", 0.875, megabytes=5)], "Smallest.* may ship: large, recall@1 90.0 %, 10.0 MB"),
    ([row("a"), row("b", 0.895, RESEARCH, 5), row("c", 0.895, UNKNOWN, 4)], "Smallest.* may ship: a,"),
    ([row("a"), row("chance", 1.0, random=True, megabytes=1)], r"Smallest.* best \(a, .* may ship: a,"),
    ([row("a", 0.8), row("best", 0.9, RESEARCH)], r"None that may ship .* best \(best, .* Best that may ship: a,"),
    ([row("a", 0.8, RESEARCH), row("b", 0.9, UNKNOWN)], "None of these models may ship as far as is known. Best: b,"),
    ([row("a"), row("desktop", 0.95, pairs={})], r"None that may ship and has a pair for a phone .*best \(desktop"),
    ([row("chance", random=True)], "Random weights only"),
])
def test_the_advice_is_the_smallest_of_the_good_ones_that_may_ship(rows, said):
    for order in (rows, rows[::-1]):
        assert re.match(said, advice.sentences(order)[0]), advice.sentences(order)


def test_the_advice_says_how_much_may_be_chance():
    said = advice.sentences([row("a", 0.5)])[1]
    assert said.startswith("By 200 queries of a kind, a recall@1 is known to within 6.9 points")
    assert len(advice.sentences([row("a", random=True)])) == 1


def test_the_table_fits_into_80_columns():
    rows = [row("MobileCLIP2-S2"), row("a-name-that-is-far-too-long-for-a-column", 1.0, UNKNOWN, 1234.5)]
    console = Console(width=80)
    with console.capture() as capture:
        console.print(comparison_table.table(rows))
    lines = [line.rstrip() for line in capture.get().splitlines()]
    assert max(map(len, lines)) <= 80 and not any("…" in line for line in lines)
    assert "a-name-that-is-far-too-long-for-a-column" in "".join(line.split()[0] for line in lines if line.split())
    assert any(line.split() == ["MobileCLIP2-S2", *["90.0", "95.0"] * 2, *["10.0"] * 2, *["12.5"] * 2, "20", "yes"]
               for line in lines)


def test_what_was_not_measured_is_a_dash_and_the_time_is_that_of_a_format_that_most_have():
    untimed = {name: replace(pair, image=replace(pair.image, seconds=None, memory=None))
               for name, pair in row("a").pairs.items()}
    assert comparison_table.costs(untimed[TFLITE.name]) == ("–", "12.5", "–") and untimed[TFLITE.name].seconds is None
    assert comparison_table.costs(None) == ("–", "–", "–")
    desktop = {ONNX.name: replace(row("a").pairs[TFLITE.name], format=ONNX.name)}
    assert comparison_table.timed([row("a"), row("b", pairs=desktop)]) == TFLITE.name
    assert comparison_table.timed([row("a", pairs=untimed | desktop)]) == ONNX.name
    assert comparison_table.percent(row("a", found={"text": row("a").found["text"]}), "image", "recall1") == "–"


def test_what_a_reader_must_know_is_marked(tmp_path):
    rows = [row("good"), row("chance", random=True), row("coarse", 0.8, UNKNOWN, int8_passed=False)]
    rows = [replace(one, catalog=tmp_path / one.catalog.relative_to("dist")) for one in rows]
    lines = list(comparison_table.notes(rows))
    assert "no phone" in lines[0] and lines[1] == "good: licence True (commercial use: yes); scripts: Latin"
    assert lines[2].endswith("random weights: its recall means nothing") and lines[3].endswith("gate allows")
    request = CompareRequest(tmp_path, [], Path("<shop>.csv"), "shop")
    made = comparison.written(request, rows)
    page, said = made.page.read_text(encoding="utf-8"), json.loads((tmp_path / "compare.json").read_text())
    assert [one["may_ship"] for one in said["models"]] == [True, False, None] and said["advice"] == made.advice
    for words in ("random weights: its recall", "licence unknown", "may ship", "&lt;shop&gt;.csv", "made up from",
                  'href="good/compare/a.html"', *said["advice"]):
        assert words in page.replace("&#39;", "'"), words
    assert "<shop>" not in page and "http-equiv" not in page and "src=" not in page


def test_a_page_that_cannot_be_drawn_leaves_the_old_one(tmp_path, monkeypatch):
    request = CompareRequest(tmp_path, [], Path("shop.csv"), "shop")
    old = comparison.written(request, [replace(row("a"), catalog=tmp_path / "a/a.catalog")]).page.read_bytes()
    with pytest.raises(AttributeError):
        comparison.comparison_page.write(tmp_path / "compare.html", request, [None], [])
    assert (tmp_path / "compare.html").read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.html", "compare.json"]


# When figures are there already.

def test_figures_are_of_another_basis_when_anything_changes_that_they_depend_on(tmp_path):
    usual = StandIn()

    def digest(model: StandIn = usual, engine: str = "onnx", **changes: str) -> str:
        path = listed(tmp_path / "shop", [stand_in_row(0, **changes), stand_in_row(1)])
        products = listing.read(path).products
        pictures = measured_on.picture_digests(path for product in products for path in product.pictures)
        return measured_on.digest(products, pictures, asked if asked.exists() else None, model, Engine(engine, None))

    asked = tmp_path / "queries.csv"
    before = digest()
    assert digest() == before and len(before) == 64
    others = [digest(name="Product 7"), digest(pictures="7.png"), digest(StandIn(space="6b" * 32)),
              digest(StandIn(text_encoder="another")), digest(engine="torch")]
    for query in ("Product 0", "Product 1"):
        asked.write_text(f"kind,query,product\ntext,{query},P0\n", encoding="utf-8")
        others.append(digest())
    for shade in (0, 1):
        Image.new("RGB", (32, 32), (shade, 0, 0)).save(tmp_path / "photo.png")
        asked.write_text("kind,query,product\npicture,photo.png,P0\n", encoding="utf-8")
        others.append(digest())
    assert len({before, *others}) == 1 + len(others)


def test_a_picture_that_cannot_be_read_has_a_place_in_the_basis(tmp_path):
    for path in (tmp_path, tmp_path / "gone.png"):
        assert measured_on.picture_digests([path]) == {path: embed.unreadable(path)}


# What is refused.

def export_of(folder: Path, green: bool | None) -> Path:
    """A model's folder with manifest and verdicts alone; None: the gate has not run."""
    spec = find("demo")
    folder.mkdir(parents=True)
    manifest.write(folder, manifest.build(spec, manifest.Identity("0" * 64, 1.0, True), "0" * 64, [], {}))
    if green is not None:
        files.write_json(folder / VERDICTS, {"green": green, "space": "0" * 64, "results": []})
    return folder


def arguments(dist: Path, *more: str) -> list[str]:
    return ["compare", "--dist", str(dist), *more]


def test_models_that_cannot_be_compared_are_refused_in_one_line(tmp_path, capsys):
    for name, green in (("red", False), ("unjudged", None), ("gone", True)):
        export_of(tmp_path / name, green)
    for names, said in {"red": "the gate is red.*remedy: make parity MODEL=red",
                        "unjudged": "the gate has not run.*remedy: make parity MODEL=unjudged",
                        "gone": "file of the manifest is missing.*remedy: export again",
                        "s2": "no manifest.*remedy: run `make export MODEL=s2` first",
                        "red,gone,red": "red twice.*found red and red; remedy: name each model once",
                        "no/model": "no/model"}.items():
        assert re.search(said, refusal(arguments(tmp_path, "--models", names), capsys)), names
    assert re.search("gone", refusal(arguments(tmp_path), capsys))             # without names: every export
    assert not list(tmp_path.glob("compare.*"))


def test_without_an_export_the_remedy_is_named(tmp_path, capsys):
    assert "no exported model in" in refusal(arguments(tmp_path), capsys)
    assert "remedy: make export" in refusal(arguments(tmp_path / "none"), capsys)


def test_damaged_figures_are_named_and_missing_ones_are_none(tmp_path):
    assert figures.read(tmp_path / "a.catalog") == {}
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(figures.InputError, match=r"damaged in .*a\.json.*remedy: remove the file"):
        figures.read(tmp_path / "a.catalog")


# Three exported models and the sample shop.

@pytest.fixture(scope="module")
def scene(gated, tmp_path_factory) -> tuple[Path, dict, str]:
    """dist/ with the demo model, the same with other files and an unknown licence, and random weights.

    With what compare.json holds, and what was said.
    """
    dist = tmp_path_factory.mktemp("compare")
    shutil.copytree(gated[0], dist / "demo")
    shutil.copytree(gated[0], dist / "half")
    made = manifest.read(dist / "half")
    kept = [one for one in made.artifacts if (one.format, one.precision) in {("tflite", "fp16"), ("onnx", "fp32")}]
    manifest.write(dist / "half", replace(made, artifacts=kept, licence=UNKNOWN))
    for stage in (("export", "--name", RANDOM, "--weights", "random", "--formats", "onnx", "--precision", "fp32"),
                  ("parity", "--model", RANDOM)):
        answer = run_module(*stage, "--out", str(dist))
        assert answer.returncode == 0, answer.stdout + answer.stderr
    said = compared(dist, "--models", f"demo, {RANDOM} half")
    return dist, json.loads((dist / "compare.json").read_text(encoding="utf-8")), said


def compared(dist: Path, *more: str) -> str:
    """What `compare` says of the sample shop."""
    answer = run_module("catalog_builder", *arguments(dist, "--queries", str(SHOP / "queries.csv"), *more))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout + answer.stderr


def model_of(found: dict, name: str) -> dict:
    return next(one for one in found["models"] if one["name"] == name)


def test_three_models_stand_in_one_table_and_one_page(scene):
    dist, found, said = scene
    assert [one["name"] for one in found["models"]] == ["demo", RANDOM, "half"]
    assert [one["may_ship"] for one in found["models"]] == [True, False, None]
    assert [sorted(one["pairs"]) for one in found["models"]] == [
        ["coreml", "onnx", "tflite"], ["onnx"], ["onnx", "tflite"]]
    page = (dist / "compare.html").read_text(encoding="utf-8")
    for name in ("demo", RANDOM, "half"):
        assert f"<th>{name}" in page and f'href="{name}/compare/products.html"' in page
        assert (dist / name / "compare/products.html").exists()
    assert "random weights: its recall means nothing" in said and page.count("random weights: its recall") == 1
    assert "may ship: demo" in " ".join(said.split()) and found["advice"][0] in page.replace("&#34;", '"')


def test_recall_is_that_of_the_models_own_reports(scene):
    """By the catalog's report exactly, and by the gate's as nearly as int8 allows."""
    dist, found, _ = scene
    answer = run_module("catalog_builder", "build", "--dist", str(dist), "--model", "demo", "--queries",
                        str(SHOP / "queries.csv"))
    assert answer.returncode == 0 and NOTHING_NEW in answer.stderr
    report = json.loads((dist / "demo/products.json").read_text(encoding="utf-8"))
    demo = model_of(found, "demo")
    assert demo["found"] == {one["kind"]: {"queries": one["queries"], "recall1": one["found1"],
                                           "recall10": one["found10"]} for one in report["recall"]}
    page = (dist / "demo/products.html").read_text(encoding="utf-8")
    for kind, one in demo["found"].items():
        assert f"{kind} queries: a product asked for is first for {100 * one['recall1']['value']:.1f} %" in page
    gate = json.loads((dist / "demo" / VERDICTS).read_text(encoding="utf-8"))
    shops = {result["encoder"]: next(one for one in result["rankings"] if one["shelf"] == "shop")
             for result in gate["results"] if result["format"] == ONNX.name and result["precision"] == "fp32"}
    text, image = (demo["found"][kind] for kind in ("text", "image"))
    assert text["queries"] == image["queries"] == shops["text"]["queries"] == shops["image"]["queries"] / 2
    assert text["recall1"]["value"] == pytest.approx(shops["text"]["recall_at_1"], abs=INT8_COSTS)
    both = (text["recall1"]["value"] + image["recall1"]["value"]) / 2
    assert both == pytest.approx(shops["image"]["recall_at_1"], abs=INT8_COSTS)


def test_bytes_seconds_and_memory_are_those_of_manifest_and_gate(scene):
    dist, found, _ = scene
    gate = json.loads((dist / "demo" / VERDICTS).read_text(encoding="utf-8"))
    seconds = {one["path"]: one["latency"] and one["latency"]["seconds"] for one in gate["results"]}
    made = {one.path: one for one in manifest.read(dist / "demo").artifacts}
    for row_ in (COREML, TFLITE, ONNX):
        pair = model_of(found, "demo")["pairs"][row_.name]
        for encoder in ENCODERS:
            path = f"{row_.name}/{encoder}-{row_.default[encoder][-1]}{row_.suffix}"
            assert pair[encoder] == {"path": path, "bytes": made[path].bytes, "memory": made[path].peak_rss,
                                     "seconds": seconds[path]}
        judged = next(one for one in gate["pairs"] if (one["format"], one["image"], one["text"]) == (
            row_.name, *(row_.default[encoder][-1] for encoder in ENCODERS)))
        assert pair["bytes"] == judged["bytes"]
        assert pair["top1"] in [one["top1"]["value"] for one in judged["rankings"] if one["shelf"] == "shop"]
    assert model_of(found, "half")["pairs"]["tflite"]["text"]["path"] == "tflite/text-fp16.tflite"


def test_a_second_comparison_measures_nothing_and_says_the_same(scene):
    dist, found, _ = scene
    before = {path: path.stat().st_mtime_ns for path in dist.glob("*/compare/*")}
    said = compared(dist, "--models", f"demo,{RANDOM},half")
    assert said.count("measured already: ") == 3 and "embed the pictures" not in said
    assert {path: path.stat().st_mtime_ns for path in dist.glob("*/compare/*")} == before
    again = json.loads((dist / "compare.json").read_text(encoding="utf-8"))
    assert [one["found"] for one in again["models"]] == [one["found"] for one in found["models"]]


def test_other_queries_are_measured_anew_and_the_shops_own_catalog_stays(scene, tmp_path):
    dist = tmp_path / "dist"
    shutil.copytree(scene[0] / "demo", dist / "demo")
    own = dist / "demo/products.catalog"
    shutil.copy(dist / "demo/compare/products.catalog", own)
    before = own.read_bytes()
    lines = (SHOP / "queries.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:101]) + "\n", encoding="utf-8")
    answer = run_module("catalog_builder", *arguments(dist, "--queries", str(tmp_path / "few.csv")))
    assert answer.returncode == 0 and "measured already" not in answer.stderr, answer.stderr
    assert NOTHING_NEW in answer.stderr and own.read_bytes() == before
    found = model_of(json.loads((dist / "compare.json").read_text(encoding="utf-8")), "demo")["found"]
    assert {kind: one["queries"] for kind, one in found.items()} == {"text": 100}
    open_catalog(dist / "demo/compare/products.catalog").verify()


def test_queries_for_no_product_of_the_list_are_refused(scene, tmp_path, capsys):
    (tmp_path / "other.csv").write_text("kind,query,product\ntext,a shoe,X1\n", encoding="utf-8")
    said = refusal(arguments(scene[0], "--queries", str(tmp_path / "other.csv")), capsys)
    assert "no query is for a product of the list" in said
