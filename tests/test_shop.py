"""A catalog is searched from Python and from the command line; what cannot be asked is one line."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog_builder import engines
from catalog_builder.__main__ import main
from catalog_builder.builder import writer
from catalog_builder.catalog.reader import UNITS, CatalogError, open_catalog
from catalog_builder.catalog.search import Filter, like, search
from catalog_builder.catalog.searcher import Result, Searcher, labels
from export.artifacts import manifest
from export.common.errors import InputError
from tests.conftest import ROOT, run_module
from tests.test_build import command, few, few_queries, made, refusal, rows_of, table

MARKED, PRICELESS = 3, 5                     # places of a product whose name holds markup, and of one without a price


@dataclass(frozen=True)
class Scene:
    """Sixty products of all categories, their catalog, and labelled queries."""

    listed: Path
    dist: Path
    out: Path
    queries: dict[str, list[dict[str, str]]]           # by kind; a picture's query is its path

    def asking(self, kind: str, place: int) -> str:
        """A query for the product in that place of the list."""
        product = rows_of(self.listed)[place]["id"]
        return next(row["query"] for row in self.queries[kind] if row["product"] == product)

    def arguments(self, name: str, *more: str) -> list[str]:
        """For the command line."""
        return [name, "--dist", str(self.dist.parent), "--model", self.dist.name, "--catalog", str(self.out), *more]


@pytest.fixture(scope="module")
def scene(gated, tmp_path_factory) -> Scene:
    folder = tmp_path_factory.mktemp("scene")
    rows = rows_of(few(folder, 60, pictures=2, step=7))
    rows[MARKED]["name"], rows[PRICELESS]["price"] = "A [red]pen[/red], [/b] new", ""
    listed = table(folder / "products.csv", rows)
    asked = few_queries(folder, listed)
    made(listed, gated[0], folder / "shop.catalog", queries=asked)
    queries = {kind: [row for row in rows_of(asked) if row["kind"] == kind] for kind in ("text", "picture")}
    for row in queries["picture"]:
        row["query"] = str(folder / row["query"])
    return Scene(listed, gated[0], folder / "shop.catalog", queries)


@pytest.fixture(scope="module")
def shop(scene) -> Searcher:
    return engines.searcher(scene.out, scene.dist)


def ids(found: list[Result]) -> list[str]:
    return [result.record["id"] for result in found]


def brief(found: list[Result]) -> list[tuple[int, float, float]]:
    return [(result.product, result.score, result.confidence) for result in found]


# Opening.

def test_a_catalog_of_another_space_is_refused(scene, tmp_path):
    space, other = manifest.read(scene.dist).space, "0123456789abcdef" * 4
    copy = tmp_path / "other.catalog"
    copy.write_bytes(scene.out.read_bytes().replace(space.encode(), other.encode()))
    writer.seal(copy)
    open_catalog(copy).verify()
    with pytest.raises(CatalogError, match=f"another embedding space.*expected {space}; found {other}"):
        engines.searcher(copy, scene.dist)


DAMAGE = {"cut short": lambda content: content[:-1], "one byte more": lambda content: content + b"\0",
          "empty": lambda content: b"", "a text": lambda content: b"id,name\n", "a header that lies":
          lambda content: b"\xff" * 8 + content[8:], "another version":
          lambda content: content.replace(b'"version":"1"', b'"version":"9"')}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_catalog_is_refused_and_named(scene, tmp_path, name):
    damaged = tmp_path / "damaged.catalog"
    damaged.write_bytes(DAMAGE[name](scene.out.read_bytes()))
    with pytest.raises(CatalogError) as caught:
        engines.searcher(damaged, scene.dist)
    assert str(damaged) in str(caught.value) and "remedy" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.catalog", "."])
def test_what_is_no_file_is_refused(scene, tmp_path, name):
    with pytest.raises(CatalogError, match="cannot open the catalog"):
        engines.searcher(tmp_path / name, scene.dist)


def test_a_model_without_a_gate_is_refused(scene, exported):
    with pytest.raises(InputError, match="the gate has not run"):
        engines.searcher(scene.out, exported)


# Finding.

@pytest.mark.parametrize("kind, least", [("text", 0.95), ("picture", 0.95)])
def test_the_right_product_is_found(scene, shop, kind, least):
    sample = scene.queries[kind][::3]
    found = [shop.find(**{kind: row["query"] if kind == "text" else Path(row["query"])}, k=1) for row in sample]
    assert len(sample) == 40
    assert np.mean([ids(one)[0] == row["product"] for one, row in zip(found, sample, strict=True)]) >= least


def test_results_come_best_first_and_carry_what_a_shop_shows(scene, shop):
    found = shop.find(text=scene.asking("text", 0), k=7)
    row = rows_of(scene.listed)[0]
    assert len(found) == 7 and len(set(ids(found))) == 7
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert {key: str(found[0].record[key]) for key in ("id", "name", "price", "currency", "category")} == {
        key: row[key] for key in ("id", "name", "price", "currency", "category")}
    assert all(0 <= one.confidence <= 1 and one.percent == round(100 * one.confidence)
               and one.stars == round(5 * one.confidence) for one in found)
    assert found[0].percent > 50 > found[6].percent


def test_a_picture_may_be_a_path_or_its_bytes(scene, shop):
    path = Path(scene.asking("picture", 2))
    assert brief(shop.find(picture=path)) == brief(shop.find(picture=path.read_bytes()))


def test_more_results_than_products_are_all_products(shop):
    assert sorted(one.product for one in shop.find(text="melon", k=1000)) == list(range(60))


def test_the_sliders_ends_are_the_text_alone_and_the_picture_alone(scene, shop):
    text, picture = scene.asking("text", 1), Path(scene.asking("picture", 30))
    assert brief(shop.find(text, picture, 0.0)) == brief(shop.find(text))
    assert brief(shop.find(text, picture, 1.0)) == brief(shop.find(picture=picture))
    assert brief(shop.find(text)) != brief(shop.find(picture=picture))


def test_in_the_sliders_middle_neither_text_nor_picture_swamps_the_other(scene, shop):
    rows = rows_of(scene.listed)
    pairs = [(i, i + 20) for i in range(20)]
    found = [ids(shop.find(scene.asking("text", a), Path(scene.asking("picture", b)), k=2)) for a, b in pairs]
    assert sum(set(one) == {rows[a]["id"], rows[b]["id"]} for one, (a, b) in zip(found, pairs, strict=True)) >= 10
    firsts = [one[0] for one in found]
    assert sum(first == rows[a]["id"] for first, (a, _) in zip(firsts, pairs, strict=True)) >= 3
    assert sum(first == rows[b]["id"] for first, (_, b) in zip(firsts, pairs, strict=True)) >= 3


def test_a_category_leaves_its_products_alone(scene, shop):
    rows = rows_of(scene.listed)
    found = shop.find(text=scene.asking("text", 0), k=60, where=Filter(["Animals", "Plants"]))
    assert set(ids(found)) == {row["id"] for row in rows if row["category"] in ("Animals", "Plants")}
    best = shop.find(text=scene.asking("text", 0), k=60)
    assert brief(found) == [one for one, kept in zip(brief(best), best, strict=True) if kept in found]


def test_a_price_range_is_inclusive_and_leaves_out_what_has_no_price(scene, shop):
    prices = {row["id"]: round(float(row["price"]) * UNITS) for row in rows_of(scene.listed) if row["price"]}
    low, high = sorted(prices.values())[10], sorted(prices.values())[40]
    found = shop.find(text="melon", k=60, where=Filter(lowest=low, highest=high))
    assert set(ids(found)) == {one for one, price in prices.items() if low <= price <= high}
    assert {low, high} <= {prices[one] for one in ids(found)}
    everything = shop.find(text="melon", k=60, where=Filter(lowest=0))
    assert len(everything) == 59 and rows_of(scene.listed)[PRICELESS]["id"] not in ids(everything)


def test_a_filter_that_nothing_fits_finds_nothing(shop):
    assert shop.find(text="melon", where=Filter(["Plants"], 10**9 * UNITS)) == []


def test_least_confidence_and_threshold_cut_the_tail(scene, shop):
    text = scene.asking("text", 4)
    found = shop.find(text, k=60)
    assert brief(shop.find(text, k=60, least_confidence=found[3].confidence)) == brief(found[:4])
    assert brief(shop.find(text, k=60, threshold=found[3].score)) == brief(found[:4])
    assert shop.find(text, k=60, threshold=1.5) == []


def test_more_like_this_goes_by_the_first_picture_and_leaves_the_product_out(scene, shop):
    product = rows_of(scene.listed)[8]["id"]
    found = shop.like(product, k=59)
    first = shop.catalog.vectors(slice(int(shop.catalog.firsts[8]), int(shop.catalog.firsts[8]) + 1))[0]
    hits = search(shop.catalog, first, 60)
    assert hits[0].product == 8 and product not in ids(found) and len(found) == 59
    assert [(one.product, one.score) for one in found] == [(hit.product, hit.score) for hit in hits[1:]]
    assert [hit.product for hit in like(shop.catalog, 8, 59)] == [one.product for one in found]
    assert brief(shop.like(product, 59, threshold=found[2].score)) == brief(found[:3])
    assert brief(shop.like(product, 59, least_confidence=found[2].confidence)) == brief(found[:3])
    near = shop.like(product, 5, Filter(["Animals"]))
    assert near and {one.record["category"] for one in near} == {"Animals"}


BAD = {"nothing asked": (dict(), "nothing to search for"), "slider 2": (dict(text="a", slider=2), "slider"),
       "slider below 0": (dict(text="a", slider=-0.1), "slider"), "no slider": (dict(text="a", slider=float("nan")),
       "slider"), "k 0": (dict(text="a", k=0), "k 0"), "no threshold": (dict(text="a", threshold=float("nan")),
       "threshold nan"), "confidence in per cent": (dict(text="a", least_confidence=50), "0 to 1"),
       "an unknown category": (dict(text="a", where=Filter(["Cars"])), "no such category.*expected Fruit.*found Cars"),
       "no picture": (dict(picture=b"no picture"), "not a picture"),
       "a missing picture": (dict(picture=Path("nowhere.jpg")), "nowhere.jpg")}


@pytest.mark.parametrize("name", BAD)
def test_bad_questions_are_refused(shop, name):
    given, words = BAD[name]
    with pytest.raises(InputError, match=words):
        shop.find(**given)


def test_an_unknown_product_is_refused(shop):
    with pytest.raises(InputError, match="no such product.*found X1"):
        shop.like("X1")
    with pytest.raises(InputError, match="least confidence"):
        shop.like("D0001", least_confidence=50)


def test_prices_in_several_currencies_are_no_filter(scene, tmp_path):
    rows = rows_of(few(tmp_path / "shop", 3))
    rows[0]["currency"] = "CHF"
    made(table(tmp_path / "shop/products.csv", rows), scene.dist, tmp_path / "a.catalog")
    mixed = engines.searcher(tmp_path / "a.catalog", scene.dist)
    assert len(mixed.find(text="melon")) == 3
    with pytest.raises(InputError, match="no filter by price.*several currencies"):
        mixed.find(text="melon", where=Filter(highest=100))


# Labels and warnings.

def test_labels_name_the_picture(scene, shop):
    names = ["grapes", "shirt", "guitar", "dog"]
    found = labels(shop.encoder, Path(scene.asking("picture", 0)), names)
    assert found[0][0] == "grapes" and found[0][1] > 0.9 and {name for name, _ in found} == set(names)
    assert sum(share for _, share in found) == pytest.approx(1)
    assert [share for _, share in found] == sorted((share for _, share in found), reverse=True)
    with pytest.raises(InputError, match="no names"):
        labels(shop.encoder, Path(scene.asking("picture", 0)), [])


def test_letters_that_the_model_was_not_trained_on_are_a_warning(shop):
    assert "Han" in shop.warning("西瓜 melon") and "Cyrillic" in shop.warning("дыня")
    assert shop.warning("Äpfel & crème brûlée 10 €!") is None


# The command line.

def answer(arguments: list[str], capsys) -> tuple[str, str]:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr()


def test_search_prints_a_table(scene, capsys):
    out, err = answer(scene.arguments("search", "--text", scene.asking("text", 0), "-k", "4"), capsys)
    row = rows_of(scene.listed)[0]
    assert "4 of 60 products" in out and "per cent" in out and err == ""
    first = next(line for line in out.splitlines() if row["id"] in line)
    assert row["name"] in first and f"{row['price']} EUR" in first and "★★★" in first and "%" in first


def test_markup_in_a_name_is_printed_as_it_stands(scene, capsys):
    out, _ = answer(scene.arguments("search", "--text", "a pen", "-k", "60"), capsys)
    assert "A [red]pen[/red], [/b] new" in out


def test_search_by_text_and_picture_for_machines(scene, shop, capsys):
    text, picture = scene.asking("text", 1), scene.asking("picture", 9)
    out, _ = answer(scene.arguments("search", "--text", text, "--image", picture, "--slider", "0.3", "--json"), capsys)
    found, expected = json.loads(out), shop.find(text, Path(picture), 0.3)
    assert found["warning"] is None
    assert found["results"] == [one.record | {"score": one.score, "percent": one.percent, "stars": one.stars}
                                for one in expected]


def test_search_takes_filters_and_thresholds(scene, capsys):
    asked = ["--text", scene.asking("text", 0), "-k", "60", "--json"]
    out, _ = answer(scene.arguments("search", *asked, "--category", "Animals", "--category", "Plants",
                                    "--price-from", "1", "--price-to", "9.95"), capsys)
    found = json.loads(out)["results"]
    assert found and {one["category"] for one in found} <= {"Animals", "Plants"}
    assert all(1 <= one["price"] <= 9.95 for one in found)
    out, _ = answer(scene.arguments("search", *asked, "--confidence", "0.5"), capsys)
    assert [one["percent"] >= 50 for one in json.loads(out)["results"]] == [True]
    out, _ = answer(scene.arguments("search", *asked, "--threshold", "2"), capsys)
    assert json.loads(out) == {"warning": None, "exact": [], "results": []}


def test_search_for_more_like_a_product(scene, shop, capsys):
    product = rows_of(scene.listed)[8]["id"]
    out, _ = answer(scene.arguments("search", "--like", product, "-k", "3", "--json"), capsys)
    assert [one["id"] for one in json.loads(out)["results"]] == ids(shop.like(product, 3))


def test_search_warns_of_letters_that_the_model_does_not_know(scene, capsys):
    out, err = answer(scene.arguments("search", "--text", "西瓜", "-k", "1"), capsys)
    assert err.startswith("catalog_builder: the query holds Han letters") and len(err.splitlines()) == 1
    out, err = answer(scene.arguments("search", "--text", "西瓜", "-k", "1", "--json"), capsys)
    assert "Han" in json.loads(out)["warning"] and err == ""


def test_labels_in_a_table_and_for_machines(scene, capsys):
    arguments = ["labels", "--dist", str(scene.dist.parent), "--model", scene.dist.name,
                 "--image", scene.asking("picture", 0), "--names", "shirt, grapes ,,[b]dog"]
    out, _ = answer(arguments, capsys)
    assert re.search(r"grapes\s*│\s*\d+\.\d %", out) and "[b]dog" in out
    out, _ = answer([*arguments, "--json"], capsys)
    found = json.loads(out)
    assert [one["name"] for one in found][0] == "grapes" and {one["name"] for one in found} == {
        "grapes", "shirt", "[b]dog"}
    assert sum(one["share"] for one in found) == pytest.approx(1)


def test_duplicates_are_named(scene, tmp_path, capsys):
    rows = rows_of(few(tmp_path / "shop", 6))
    rows.append(rows[2] | {"id": "twin"})
    with Image.open(tmp_path / "shop" / rows[4]["pictures"]) as picture:
        picture.save(tmp_path / "shop/again.jpg", quality=90)
    rows.append(rows[4] | {"id": "saved again", "pictures": "again.jpg"})
    listed, out = table(tmp_path / "shop/products.csv", rows), tmp_path / "a.catalog"
    assert main(command(listed, scene.dist, out)) == 0
    said, err = answer(["duplicates", "--catalog", str(out)], capsys)
    assert "pictures shared by several products: 1\n" in said and "pairs over 0.95: 1\n" in said
    assert "saved again" in said and "twin" not in said
    assert "compare the rows: 8 of 8" in err
    said, _ = answer(["duplicates", "--catalog", str(out), "--json"], capsys)
    group, = json.loads(said)["most_shared_pictures"]
    assert group == {"products": 2, "ids": [rows[2]["id"], "twin"]}
    pair, = json.loads(said)["near_duplicates"]
    assert (pair["first"], pair["second"]) == (rows[4]["id"], "saved again") and pair["score"] > 0.95
    page = out.with_suffix(".html").read_text()
    assert "pairs look alike by more than 0.95" in page and "Pictures that several products share: 1." in page


def test_verify_says_what_a_whole_file_is(scene, capsys):
    out, err = answer(["verify", "--catalog", str(scene.out)], capsys)
    assert "whole; 60 products, 120 pictures" in out and "calibrated from queries" in out and err == ""
    assert "text queries: half of the results" in out


def test_verify_finds_a_single_changed_bit(scene, tmp_path, capsys):
    content = bytearray(scene.out.read_bytes())
    content[-100] ^= 1
    (tmp_path / "a.catalog").write_bytes(content)
    open_catalog(tmp_path / "a.catalog")
    said = refusal(["verify", "--catalog", str(tmp_path / "a.catalog")], capsys)
    assert "the file is damaged" in said and "make catalog" in said


def test_json_alone_stands_on_stdout(scene):
    said = run_module("catalog_builder", *scene.arguments("search", "--text", "crème brûlée", "--json"))
    assert said.returncode == 0 and said.stderr == "" and len(json.loads(said.stdout)["results"]) == 10


REFUSED = {
    "no question": ([], "nothing to search for"),
    "an unknown category": (["--text", "a", "--category", "Cars"], "no such category"),
    "a bad price": (["--text", "a", "--price-to", "cheap"], "no price"),
    "a price below 0": (["--text", "a", "--price-from", "-1"], "no price"),
    "a price with too many decimals": (["--text", "a", "--price-from", "0.00001"], "no price"),
    "a price that is no number": (["--text", "a", "--price-from", "nan"], "no price"),
    "a price without end": (["--text", "a", "--price-to", "1e999999999"], "no price"),
    "an unknown id": (["--like", "X1"], "no such product"),
    "like and text": (["--like", "D0001", "--text", "a"], "--like goes with neither"),
    "k 0": (["--text", "a", "-k", "0"], "k 0"),
    "k that is no number": (["--text", "a", "-k", "many"], "invalid int value"),
    "slider 2": (["--text", "a", "--slider", "2"], "slider"),
    "confidence in per cent": (["--text", "a", "--confidence", "50"], "least confidence"),
    "a missing picture": (["--image", "nowhere.jpg"], "nowhere.jpg"),
    "no picture": (["--image", str(ROOT / "README.md")], "not a picture"),
    "an unknown model": (["--text", "a", "--model", "nowhere"], "unknown model 'nowhere'"),
    "a missing catalog": (["--text", "a", "--catalog", "nowhere.catalog"], "nowhere.catalog"),
    "a catalog that is none": (["--text", "a", "--catalog", str(ROOT / "README.md")], "README.md"),
    "an unknown option": (["--texts", "a", "b"], "unrecognized arguments")}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_searched_is_one_line_and_status_2(scene, capsys, name):
    more, words = REFUSED[name]
    assert words in refusal(scene.arguments("search", *more), capsys)


@pytest.mark.parametrize("arguments, words", [
    ([], "required: COMMAND"), (["sell"], "invalid choice"),
    (["labels", "--image", "nowhere.jpg", "--names", "a"], "nowhere.jpg"),
    (["labels", "--image", "nowhere.jpg", "--names", " , "], "no names"),
    (["duplicates", "--catalog", "nowhere.catalog"], "nowhere.catalog"),
    (["verify", "--catalog", str(ROOT)], "cannot open the catalog")])
def test_what_else_cannot_be_done_is_one_line_and_status_2(scene, capsys, arguments, words):
    where = ["--dist", str(scene.dist.parent)] if arguments[:1] == ["labels"] else []
    assert words in refusal([*arguments, *where], capsys)


# What reading needs.

def test_opening_and_searching_a_catalog_loads_no_heavy_library(scene):
    code = ("import sys; from pathlib import Path; from catalog_builder.catalog.reader import open_catalog; "
            "from catalog_builder.catalog.search import like; found = open_catalog(Path(sys.argv[1])); found.verify(); "
            "assert len(like(found, 0)) == 10 and found.record(0); print([m for m in "
            "('torch', 'onnx', 'onnxruntime', 'sklearn', 'scipy', 'PIL', 'open_clip', 'rich') if m in sys.modules])")
    said = subprocess.run([sys.executable, "-c", code, scene.out], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
