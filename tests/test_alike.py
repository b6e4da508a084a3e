"""Alike products, placeholders and small shops: what counts as right, what is measured, and what a shopper then sees.

The encoders are stand-ins, whose text scores lie between 0.15 and 0.35 as a real CLIP model's do.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from catalog_builder.__main__ import main
from catalog_builder.builder import answers, build, quantize
from catalog_builder.builder.build import BuildRequest
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.built import Built
from catalog_builder.builder.embed import Thumbnail
from catalog_builder.catalog import calibration
from catalog_builder.catalog.reader import open_catalog
from catalog_builder.catalog.searcher import Searcher
from catalog_builder.lists import queries
from catalog_builder.lists.products import Product
from catalog_builder.lists.queries import Asked
from tests import stand_in
from tests.conftest import ROOT
from tests.stand_in import StandIn, listed, one_row, placeholders, row, sizes
from tests.test_build import coarse, rows_of, table

pytestmark = pytest.mark.slow                # each builds catalogs of hundreds of products
CUT = 0.1                                    # below this confidence, the apps show a result apart from the matches
MANY = 300                                   # products


@pytest.fixture
def model(monkeypatch) -> StandIn:
    return stand_in.install(monkeypatch)


def made(folder: Path, rows: list[dict[str, str]], **options: object) -> Built:
    request = BuildRequest(listed(folder / "shop", rows), folder, folder / "a.catalog", **options)
    return build.build(request, Builds())


def shop(built: Built, model: StandIn) -> Searcher:
    return Searcher(open_catalog(built.out, model.space), model)


def figures(built: Built) -> dict:
    return json.loads(built.out.with_suffix(".json").read_text())


# Which products are right.

def right_by_hand(asked: Asked, owners, pictures, vectors) -> list[set[int]]:
    found = []
    for wanted in asked.answers:
        rows = [i for i, owner in enumerate(owners) if owner in wanted]
        near = [i for i in range(len(owners)) for j in rows if pictures[i] == pictures[j]
                or (len(wanted) <= 10 and float(vectors[i] @ vectors[j]) >= 0.95)]
        found.append(set(wanted) | {int(owners[i]) for i in near})
    return found


@pytest.mark.parametrize(("block", "at_a_time"), [(1, 1), (7, 5), (4096, 1024)])
def test_right_are_the_products_asked_for_those_with_their_pictures_and_those_alike(monkeypatch, block, at_a_time):
    """Pictures of several products, several of one product, blocks that end within a product."""
    monkeypatch.setattr(quantize, "BLOCK", block)
    monkeypatch.setattr(answers, "AT_A_TIME", at_a_time)
    generator = np.random.default_rng(2)
    owners = np.sort(np.r_[np.arange(30), generator.integers(0, 30, 30)]).astype(np.uint32)
    kinds = generator.normal(size=(12, 8))
    vectors = kinds[generator.integers(0, 12, 60)] + generator.normal(size=(60, 8)) * 0.3
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    pictures = [f"picture {i}" for i in generator.integers(0, 50, 60)]
    asked = Asked([], [frozenset([0]), frozenset([3, 7]), frozenset(range(10)), frozenset(range(11)), frozenset([29]),
                       frozenset([3])])
    found = answers.right(asked, owners, pictures, vectors)
    expected = right_by_hand(asked, owners, pictures, vectors)
    assert [set(np.flatnonzero(one).tolist()) for one in found] == expected
    assert len(expected[0] | expected[4]) > 2 and found.shape == (6, 30)


def test_a_picture_in_common_makes_right_and_no_more_than_that():
    vectors = np.eye(4, dtype=np.float32)[[0, 1, 1, 2, 3]]
    found = answers.right(Asked([], [frozenset([0])]), np.array([0, 0, 1, 1, 2]), ["a", "b", "b", "c", "d"], vectors)
    assert found.tolist() == [[True, True, False]]
    assert answers.right(Asked([], []), np.array([0]), ["a"], vectors[:1]).shape == (0, 1)
    asked = answers.asked_for(Asked([], [frozenset([0]), frozenset([2])]), np.array([0, 0, 1, 1, 2]), list("abbcd"))
    assert asked.tolist() == [[True, True, False], [False, False, True]]


# Which products are asked for.

def products_of(names: list[str]) -> list[Product]:
    return [Product(i, i, str(i), str(i), None, "", "", "", tuple(map(Path, name.split("|"))), {})
            for i, name in enumerate(names)]


def test_of_products_with_the_same_pictures_the_first_is_asked_for():
    shirts = products_of(["a", "none", "a", "b|none", "none", "none|b", "c"])
    assert queries.to_ask_for(shirts) == [0, 1, 3, 5, 6]
    assert queries.to_ask_for(shirts, [frozenset(map(str, one.pictures)) for one in shirts]) == [0, 1, 3, 6]
    assert queries.to_ask_for(shirts, ["x"] * 7) == [0]
    assert len(queries.to_ask_for(products_of([str(i) for i in range(1000)]))) == queries.MOST


# What a shopper sees.

def above_the_cut(searcher: Searcher, model: StandIn, folder: Path, count: int) -> dict[str, float]:
    """Shares of the queries, by text and by picture, whose product is among the matches."""
    found = {"text": 0, "picture": 0}
    for number in range(count):
        asked = {"text": f"Product {number}", "picture": folder / "shop" / f"{number}.png"}
        for kind, given in asked.items():
            results = searcher.find(**{kind: given}, k=10, least_confidence=CUT)
            found[kind] += any(re.match(rf"P{number}\b", one.record["id"]) is not None for one in results)
    return {kind: right / count for kind, right in found.items()}


def test_sizes_and_placeholders_hide_nothing_that_one_row_a_product_shows(model, tmp_path):
    shares = {}
    for name, rows in {"one": one_row(MANY), "sizes": sizes(MANY), "placeholders": placeholders(MANY, 1500)}.items():
        built = made(tmp_path / name, rows)
        assert all(one.curve.measured and not one.warning for one in built.fitted)
        shares[name] = above_the_cut(shop(built, model), model, tmp_path / name, MANY)
    for kind in ("text", "picture"):
        assert shares["one"][kind] >= 0.95
        for name in ("sizes", "placeholders"):
            assert shares[name][kind] >= 0.95 and abs(shares[name][kind] - shares["one"][kind]) <= 0.017, shares


def test_without_the_alike_products_as_right_answers_nothing_of_this_would_hold(model, tmp_path, monkeypatch):
    """The fault that the right answers mend: one of six alike products counts as right."""
    monkeypatch.setattr(answers, "right", lambda asked, owners, pictures, vectors: np.stack([
        np.isin(np.arange(int(owners[-1]) + 1), list(wanted)) for wanted in asked.answers]))
    built = made(tmp_path, sizes(MANY))
    shown = shop(built, model).find(text="Product 7", k=1)
    assert shown[0].record["id"].startswith("P7-") and shown[0].confidence < 0.3


@pytest.mark.parametrize("count", [1, 2, 8, 19, 20])
def test_a_small_shop_builds_and_the_apps_show_its_products(model, tmp_path, count, capsys):
    built = made(tmp_path, one_row(count))
    searcher = shop(built, model)
    known = searcher.catalog.calibration
    measured = {kind: getattr(known, kind).measured for kind in calibration.KINDS}
    assert measured == {"text": count >= 19, "image": count >= 20}
    assert known.source == ("names" if count >= 19 else "none")
    assert all(0.15 < one.score < 0.35 for number in range(count) for one in searcher.find(text=f"Product {number}"))
    assert above_the_cut(searcher, model, tmp_path, count) == {"text": 1.0, "picture": 1.0}
    for kind, asked in (("text", {"text": "Product 0"}), ("image", {"picture": tmp_path / "shop/0.png"})):
        results = searcher.find(**asked, least_confidence=1.0 if not measured[kind] else 0.0)
        assert len(results) == min(count, 10)
        assert [(one.confidence is None, one.percent is None, one.stars is None) for one in results] == [
            (not measured[kind],) * 3] * len(results)
    hybrid = searcher.find("Product 0", tmp_path / "shop/0.png", least_confidence=0.0 if all(measured.values()) else 1)
    assert len(hybrid) == min(count, 10) and (hybrid[0].stars is None) == (not all(measured.values()))
    assert [one.stars is None for one in searcher.like("P0", least_confidence=0.0)] == [
        not measured["image"]] * min(count - 1, 10)


@pytest.mark.parametrize("count", [8, 300])
def test_search_and_page_show_per_cent_only_where_it_was_measured(model, tmp_path, capsys, count):
    built = made(tmp_path, one_row(count), thumbnail=Thumbnail(32, 40))
    page = built.page.read_text(encoding="utf-8")
    cards = re.findall(r'<small title="score [0-9.-]+">([^<]*)', page)
    assert len(cards) > 50 and all(bool(re.match(r"\d+ % ?", one)) == (count == 300) for one in cards)
    assert ("not measured" in page) == (count == 8)
    capsys.readouterr()
    assert main(["search", "--catalog", str(built.out), "--text", "Product 3", "--confidence", "0.1"]) == 0
    said = capsys.readouterr().out
    assert ("★" in said and "%" in said) == (count == 300) and "P3" in said
    assert main(["search", "--catalog", str(built.out), "--text", "Product 3", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert all((one["percent"] is None) == (one["stars"] is None) == (count == 8) for one in results)
    assert main(["verify", "--catalog", str(built.out)]) == 0
    assert ("text queries: not measured" in capsys.readouterr().out) == (count == 8)


def test_the_wall_ticks_what_the_calibration_counts_as_right(model, tmp_path):
    built = made(tmp_path, sizes(30))
    page = built.page.read_text(encoding="utf-8")
    queries_of_pictures = page.split('<div class="query">')[1:][build.catalog_page.WALL:][:build.catalog_page.WALL]
    assert [one.count('class="tick"') for one in queries_of_pictures] == [5] * build.catalog_page.WALL


# What the build and the page say.

def labelled(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return table(folder / "queries.csv", [dict(zip(("kind", "query", "product"), one, strict=True)) for one in rows])


@pytest.mark.parametrize("kind", ["text", "picture"])
def test_a_kind_that_the_labelled_queries_lack_takes_its_spread_from_made_up_ones(model, tmp_path, kind):
    plain = {one.kind: one.curve for one in made(tmp_path / "plain", one_row(60)).fitted}
    asked = [(kind, f"Product {i}" if kind == "text" else f"../shop/{i}.png", f"P{i}") for i in range(60)]
    built = made(tmp_path / "b", one_row(60), queries=labelled(tmp_path / "b/asked", asked))
    fitted = {one.kind: one for one in built.fitted}
    present, absent = ("text", "image") if kind == "text" else ("image", "text")
    assert fitted[present].curve.measured and open_catalog(built.out).calibration.source == "queries"
    assert fitted[absent].curve == calibration.guess(plain[absent].spread) and fitted[absent].pairs == 0
    assert "no queries of this kind" in fitted[absent].note and "no queries of this kind" in built.page.read_text()
    weight = calibration.slider_weight(open_catalog(built.out).calibration, 0.5)
    assert weight == pytest.approx(plain["text"].spread / (plain["text"].spread + plain["image"].spread), rel=0.2)


def test_a_curve_that_hides_every_match_is_said_on_the_terminal_and_on_the_page(model, tmp_path, capsys):
    """Labels that name any product but the right one."""
    generator = np.random.default_rng(0)
    rows = [("text", f"Product {i}", f"P{(i + generator.integers(1, 60)) % 60}") for i in range(60)]
    asked = labelled(tmp_path / "asked", rows + [("text", f"Product {i} ", f"P{(i + 7) % 60}") for i in range(60)]
                     + [("text", f" Product {i}", f"P{(i + 11) % 60}") for i in range(60)])
    path = listed(tmp_path / "shop", one_row(60))
    assert main(["build", "--products", str(path), "--catalog", str(tmp_path / "a.catalog"), "--queries",
                 str(asked)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(r"text queries: the best right result seen has a score of 0\.\d+, and counts as \d %", said)
    assert "would show no result among the matches" in said
    assert "image queries: not measured" in said
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert re.search(r"Warning</span> text queries: the best right result seen", page)


def test_shared_pictures_are_one_group_and_a_notice_of_the_list(model, tmp_path):
    built = made(tmp_path, placeholders(30, 1500) + [row(5, id="twin")])
    notices = [(one.line, one.product, one.field, one.skipped, one.what) for one in built.problems if not one.line]
    shared = [one for one in notices if "share" in one[4]]
    assert [one[:4] for one in shared] == [(0, "", "pictures", "")] * 2
    assert shared[0][4].startswith("1,500 products share no-image.png") and shared[1][4].startswith(
        "2 products share 5.png")
    assert shared[0][4] in [one["problem"] for one in rows_of(tmp_path / "a.problems.csv")]
    found = figures(built)
    assert found["shared_pictures"] == 2 and found["near_duplicate_pairs"] == 0 == len(found["near_duplicates"])
    assert found["most_shared_pictures"][0]["products"] == 1500 and len(found["most_shared_pictures"][0]["ids"]) == 20
    assert found["most_shared_pictures"][1]["ids"] == ["P5", "twin"]
    assert "1,500 products" in built.page.read_text(encoding="utf-8")
    assert built.out.with_suffix(".json").stat().st_size < 20_000


def test_the_most_shared_pictures_are_listed_and_the_rest_is_counted(model, tmp_path):
    built = made(tmp_path, sizes(50))
    notices = [one.what for one in built.problems if "products share" in one.what]
    assert len(notices) == 21 and all(one.startswith("6 products share") for one in notices[:20])
    assert notices[20] == "more pictures that several products share: 30"


def test_figures_stay_small_and_give_the_true_counts(model, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "MOST_PAIRS", 3)
    monkeypatch.setattr(build, "MOST_GROUPS", 2)
    monkeypatch.setattr(build.duplicates.find, "__defaults__", (0.1, *build.duplicates.find.__defaults__[1:]))
    found = figures(made(tmp_path, sizes(8)))
    assert found["shared_pictures"] == 8 and len(found["most_shared_pictures"]) == 2
    assert found["near_duplicate_pairs"] > 3 == len(found["near_duplicates"])


def test_the_command_lists_groups_and_pairs_up_to_k(model, tmp_path, capsys):
    built = made(tmp_path, sizes(25))
    arguments = ["duplicates", "--catalog", str(built.out), "--over", "0.3"]
    capsys.readouterr()
    assert main([*arguments, "--json", "-k", "100000"]) == 0
    everything = json.loads(capsys.readouterr().out)
    pairs, groups = everything["near_duplicate_pairs"], everything["shared_pictures"]
    assert pairs == len(everything["near_duplicates"]) > 40 and groups == len(everything["most_shared_pictures"]) == 25
    assert all(one["products"] == len(one["ids"]) == 6 for one in everything["most_shared_pictures"])
    for more, most in (([], 20), (["-k", "2"], 2)):
        assert main([*arguments, "--json", *more]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["near_duplicates"] == everything["near_duplicates"][:most]
        assert len(found["most_shared_pictures"]) == most and found["near_duplicate_pairs"] == pairs
        assert main([*arguments, *more]) == 0
        said = capsys.readouterr().out
        assert f"pictures shared by several products: 25; the first {most}" in said
        assert f"pairs over 0.3: {pairs}; the first {most}" in said and said.count("│ Product") == 3 * most
    assert main([*arguments, "-k", "-1"]) == 2


# The gate.

def test_below_the_gate_the_page_is_written_and_the_catalog_is_not(model, tmp_path, monkeypatch, capsys):
    path, out = listed(tmp_path / "shop", one_row(40)), tmp_path / "a.catalog"
    arguments = ["build", "--products", str(path), "--catalog", str(out)]
    with monkeypatch.context() as patch:
        patch.setattr(quantize, "quantise", coarse)
        assert main(arguments) == 1
        said = capsys.readouterr().err.splitlines()[-1]
        assert "the catalog was not written" in said and str(tmp_path / "a.red.html") in said
        assert not out.exists() and not out.with_suffix(".html").exists()
        page = (tmp_path / "a.red.html").read_text(encoding="utf-8")
        assert "The catalog was not written" in page and "FAILED, not written" in page
        kept = json.loads((tmp_path / "a.red.json").read_text())
        assert kept["written"] is False and "failed" in {one["verdict"] for one in kept["recall"]}
        assert main([*arguments, "--force"]) == 0
        assert "FAILED, written by --force" in out.with_suffix(".html").read_text(encoding="utf-8")
    assert main(arguments) == 0
    assert not list(tmp_path.glob("a.red.*"))
    assert "was not written" not in out.with_suffix(".html").read_text(encoding="utf-8")


def test_one_flip_of_few_queries_is_no_red_gate_and_says_so(model, tmp_path, monkeypatch, capsys):
    """Eight products: one wrong first result beyond the tolerance."""
    true = build.recall.shown

    def flipped(catalog, asked):
        products = true(catalog, asked)
        products[0, :2] = products[0, 1::-1]
        return products

    monkeypatch.setattr(build.recall, "shown", flipped)
    path, out = listed(tmp_path / "shop", one_row(8)), tmp_path / "a.catalog"
    assert main(["build", "--products", str(path), "--catalog", str(out)]) == 0
    assert "too few queries to judge" in capsys.readouterr().out
    assert "too few queries to judge" in out.with_suffix(".html").read_text(encoding="utf-8")
    open_catalog(out).verify()


# Memory.

# Prints kilobytes. Linux's getrusage would count the memory of the process that started this one.
MEASURED = """
import re, resource, sys
from pathlib import Path
from types import SimpleNamespace
from tests import stand_in, test_alike
stand_in.install(SimpleNamespace(setattr=setattr))
test_alike.made(Path(sys.argv[1]), stand_in.placeholders(30, int(sys.argv[2])))
status = Path("/proc/self/status")
print(re.search("VmHWM:[^0-9]+([0-9]+)", status.read_text())[1] if status.exists() else
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.parametrize("count", [1500, pytest.param(20_000, marks=pytest.mark.slow)])
def test_products_that_share_one_picture_need_little_memory(tmp_path, count):
    answer = subprocess.run([sys.executable, "-c", MEASURED, str(tmp_path), str(count)], cwd=ROOT, capture_output=True,
                            text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert int(answer.stdout.split()[-1]) * 1024 < 1.5e9
    assert (tmp_path / "a.json").stat().st_size < 2e6
