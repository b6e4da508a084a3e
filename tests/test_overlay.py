"""An overlay over a catalog: what its file holds, and that both together answer as one file; the ports' goldens."""

import base64
import json
import os
import random
import zlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from catalog_builder import overlay_goldens
from catalog_builder.builder import overlay_writer, quantize, writer
from catalog_builder.builder.overlay_writer import CatalogOverlay, NewProduct
from catalog_builder.catalog import calibration, overlay, scores, search
from catalog_builder.catalog.overlay import open_overlay
from catalog_builder.catalog.reader import UNITS, CatalogError, open_catalog
from catalog_builder.catalog.search import Filter
from catalog_builder.golden_values import bits, unit
from catalog_builder.lists import listing, products
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.products import Product
from catalog_builder.update_goldens import days
from catalog_builder.updates.previous import Previous
from export.common import files
from export.common.errors import InputError
from export.common.files import ROOT
from parity import goldens
from tests.test_catalog import mutated

DAMAGED = 20_000                             # damaged overlays, in `make soak`
FOLDER = Path(os.environ.get("GOLDENS", goldens.OUT)) / "overlay"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="ascii"))
BASE = open_catalog(FOLDER / "base.catalog")
BOTH = open_overlay(FOLDER / "overlay.catalog", BASE)


def vector(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def product(given: dict) -> NewProduct:
    """A product of the golden steps."""
    rest = {key: value for key, value in given.items() if key not in ("vectors", "price", "thumbnail")}
    return NewProduct(**rest, vectors=np.stack([vector(one) for one in given["vectors"]]),
                      price=Decimal(given["price"]) if "price" in given else None,
                      thumbnail=base64.b64decode(given.get("thumbnail", "")))


def new(product_id: str = "x", **changes) -> NewProduct:
    """A product that can be put."""
    return replace(NewProduct(product_id, "A name", np.eye(1, BASE.dim, dtype=np.float32)), **changes)


# The goldens.

@pytest.mark.parametrize("number", range(len(EXPECTED["overlays"])))
def test_the_golden_steps_give_the_golden_bytes(number, tmp_path):
    told = EXPECTED["overlays"][number]
    made = CatalogOverlay(BASE)
    for step in told["steps"]:
        made = made.putting(product(step["put"])) if "put" in step else made.removing(step["remove"])
    made.write(tmp_path / told["file"])
    assert (tmp_path / told["file"]).read_bytes() == (FOLDER / told["file"]).read_bytes()


@pytest.mark.parametrize("case", EXPECTED["quantisation"])
def test_a_golden_vector_has_its_codes_and_its_scale(case):
    codes, scales = quantize.quantise(vector(case["vector"])[None], vector(case["offset"]))
    assert codes[0].tolist() == case["codes"] and scales.tobytes() == vector(case["scale"]).tobytes()


def hits_of(case: dict) -> list[search.Hit]:
    if "like" in case:
        return BOTH.like(case["like"], case["k"])
    if "hybrid" in case:
        mix = case["hybrid"]
        weight = calibration.slider_weight(BASE.calibration, mix["slider"])
        return BOTH.search(scores.mixed(vector(mix["image"]), vector(mix["text"]), weight), case["k"])
    where = Filter(case.get("categories"), case.get("lowest"), case.get("highest"))
    return BOTH.search(vector(case["vector"]), case["k"], where, case.get("threshold", -np.inf))


@pytest.mark.parametrize("case", EXPECTED["cases"])
def test_a_golden_search_finds_its_products(case):
    found = [(hit.product, BOTH.record(hit.product)["id"], hit.row, bits(hit.score)) for hit in hits_of(case)]
    assert found == [(hit["product"], hit["id"], hit["row"], hit["score"]) for hit in case["hits"]]


def test_the_goldens_cover_ties_filters_and_hits_of_both_files():
    cases = EXPECTED["cases"]
    for key in ("categories", "lowest", "highest", "threshold", "like", "hybrid"):
        assert any(key in case for case in cases), key
    pairs = [(a, b) for case in cases for a, b in zip(case["hits"], case["hits"][1:], strict=False)]
    assert any(a["score"] == b["score"] and a["product"] < BASE.products <= b["product"] for a, b in pairs)
    assert any(a["product"] >= BASE.products > b["product"] for a, b in pairs)
    assert any(not case["hits"] for case in cases)
    assert {hit["id"] for case in cases for hit in case["hits"]} & {"p06", "p10"} == set()


def test_the_golden_places_are_those_of_both_files():
    assert {one["id"]: one["place"] for one in EXPECTED["places"]} == {
        one["id"]: BOTH.place(one["id"]) for one in EXPECTED["places"]}
    assert EXPECTED["categories"] == BOTH.category_names
    assert (EXPECTED["products"], EXPECTED["rows"]) == (BOTH.products, BOTH.rows)


@pytest.mark.parametrize("case", EXPECTED["damaged"])
def test_a_golden_damaged_overlay_is_refused_where_it_must_be(case):
    path = FOLDER / case["file"]
    if not case["opens"]:
        with pytest.raises(CatalogError) as caught:
            open_overlay(path, BASE)
        assert str(path) in str(caught.value) and len(str(caught.value).splitlines()) == 1
    else:
        with pytest.raises(CatalogError, match="digest"):
            open_overlay(path, BASE).own.verify()


@pytest.mark.slow
def test_damaged_overlays_are_refused_in_one_line_or_answer(tmp_path, repetitions):
    """What opens is then searched: no place, row or record may lie outside."""
    wholes = [(FOLDER / f"{name}.catalog").read_bytes() for name in ("overlay", "only-removed")]
    path, source, opened = tmp_path / "damaged.catalog", random.Random(20261126), 0
    asked = np.linspace(-1, 1, BASE.dim + 1, dtype=np.float32)[1:]
    for number in range(repetitions(DAMAGED)):
        path.write_bytes(mutated(source, wholes[number % 2], wholes[1 - number % 2]))
        try:
            made = open_overlay(path, BASE)
        except CatalogError as error:
            assert len(str(error).splitlines()) == 1
            continue
        with np.errstate(over="ignore"):
            made.search(asked, 5)
        assert len([made.thumbnail(place) for place in range(made.products)]) >= BASE.products
        assert made.place("nobody") is None
        opened += 1
    assert opened


def test_the_goldens_can_be_made_anew(tmp_path):
    overlay_goldens.write(tmp_path / "overlay")
    for path in files.files_of(goldens.OUT / "overlay"):
        assert (tmp_path / path.relative_to(goldens.OUT)).read_bytes() == path.read_bytes(), path


# Both together, and one file of both.

def test_both_files_answer_as_one_file_of_both():
    one, source = open_catalog(FOLDER / "both.catalog"), np.random.default_rng(3)
    wheres = [Filter(), Filter({"Bags"}), Filter({"Hats \"\\/\x1f", ""}), Filter(None, 1, 250_000), Filter({"Bags"}, 0)]
    for number in range(200):
        asked = unit(source.integers(-9, 10, BASE.dim) + 0.5)
        k, where, least = 1 + number % 30, wheres[number % 5], -np.inf if number % 3 else 0.1
        together, alone = BOTH.search(asked, k, where, least), search.search(one, asked, k, where, least)
        assert ([(BOTH.record(hit.product), bits(hit.score)) for hit in together]
                == [(one.record(hit.product), bits(hit.score)) for hit in alone])


def test_places_and_rows_count_over_both_files():
    assert BOTH.products == BASE.products + BOTH.own.products and BOTH.rows == BASE.rows + BOTH.own.rows
    last = BOTH.products - 1
    assert BOTH.record(last) == BOTH.own.record(BOTH.own.products - 1) and BOTH.record(0) == BASE.record(0)
    assert BOTH.raw(last) == BOTH.own.raw(BOTH.own.products - 1)
    assert BOTH.thumbnail(BOTH.place("n2")) == b"RIFF2" and BOTH.thumbnail(2) == BASE.thumbnail(2)


def test_what_is_gone_keeps_its_place_and_is_not_found():
    for product_id in ("p04", "p06"):
        place = BASE.place(product_id)
        assert BOTH.record(place)["id"] == product_id and BOTH.place(product_id) != place
        assert all(hit.product != place for hit in BOTH.search(BASE.vectors(slice(0, 1))[0], 1000))
    with pytest.raises(InputError, match="no such category"):
        BOTH.search(BASE.vectors(slice(0, 1))[0], where=Filter({"Shoes"}))


def test_an_overlay_without_products_takes_away_alone():
    made = open_overlay(FOLDER / "only-removed.catalog", BASE)
    assert (made.products, made.place("p03"), made.place("p00"), made.place("p01")) == (BASE.products, None, None, 1)
    asked = BASE.vectors(slice(0, 1))[0]
    assert [hit.product for hit in made.search(asked, 100)] == [
        hit.product for hit in search.search(BASE, asked, 100) if hit.product not in (0, 3)]
    with pytest.raises(CatalogError, match="products is '0'"):
        open_catalog(FOLDER / "only-removed.catalog")


def test_an_empty_overlay_changes_nothing():
    made, asked = open_overlay(FOLDER / "empty.catalog", BASE), BASE.vectors(slice(0, 1))[0]
    assert made.search(asked, 9) == search.search(BASE, asked, 9) and made.category_names == BASE.category_names


# The exported list.

def test_the_exported_list_is_read_as_it_is():
    read = listing.read(FOLDER / "export" / "products.csv", ListOptions(keep=("size", "Z", "\u00e9")))
    told = [(one["id"], one["name"], Decimal(one["price"]) * UNITS if "price" in one else None, one["currency"],
             one.get("description", ""), one.get("category", ""), one["pictures"],
             {key: value for key, value in one.get("extra", {}).items() if value}) for one in EXPECTED["export"]]
    assert told == [(one.id, one.name, one.price, one.currency, one.description, one.category,
                     [path.name for path in one.pictures], one.extra) for one in read.products]
    assert {(problem.what, problem.skipped) for problem in read.problems} == {("more decimals than EUR has", "")}
    assert all(path.parent == FOLDER.resolve() / "export" / "pictures" for one in read.products
               for path in one.pictures)


def test_the_exported_list_begins_with_the_sample_shops_columns():
    header = (FOLDER / "export" / "products.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    columns = "id,name,price,currency,description,category,pictures"
    assert header.replace('"', "") == f"{columns},Z,size,\u00e9"
    assert (ROOT / "demo" / "shop" / "products.csv").read_text().splitlines()[0] == columns


# Values.

def test_a_product_put_again_keeps_its_place_and_one_that_comes_back_is_no_longer_removed():
    made = CatalogOverlay(BASE).putting(new("a")).putting(new("b")).putting(new("a", name="Again"))
    assert [(one.id, one.name) for one in made.products] == [("a", "Again"), ("b", "A name")]
    gone = made.removing("p01").removing("a")
    assert ([one.id for one in gone.products], gone.removed) == (["b"], {"p01"})
    assert gone.putting(new("p01")).removed == frozenset() and gone.removed == {"p01"}
    assert made.products[0].currency == "EUR"


@pytest.mark.parametrize(("changes", "says"), [
    ({"id": ""}, "without an id or a name"), ({"name": ""}, "without an id or a name"),
    ({"currency": "USD"}, "another currency than the catalog's; expected EUR; found USD"),
    ({"price": Decimal("-1")}, "no price"), ({"price": Decimal("1.23456")}, "no price"),
    ({"price": Decimal("nan")}, "no price"), ({"price": Decimal("1e15")}, "no price"),
    ({"extra": {"id": "y"}}, "a name of the record's own"), ({"vectors": np.ones((1, 3), np.float32)}, "no vectors"),
    ({"vectors": np.ones((0, 16), np.float32)}, "no vectors"), ({"vectors": np.ones((1, 16))}, "no vectors"),
    ({"vectors": np.full((1, 16), np.nan, np.float32)}, "no vectors")])
def test_a_product_that_cannot_be_kept_is_refused_in_one_line(changes, says):
    with pytest.raises(InputError, match=says) as caught:
        CatalogOverlay(BASE).putting(new(**changes))
    assert len(str(caught.value).splitlines()) == 1


def test_a_catalog_of_several_currencies_takes_products_of_any(tmp_path):
    mixed = open_catalog(goldens.OUT / "search" / "currencies.catalog")
    made = CatalogOverlay(mixed).putting(new(currency="USD", vectors=np.ones((1, mixed.dim), np.float32)))
    assert made.write(tmp_path / "a.catalog").record(mixed.products)["currency"] == "USD"


def test_an_id_that_neither_has_cannot_be_removed():
    with pytest.raises(InputError, match="no such product"):
        CatalogOverlay(BASE).removing("nobody")


def test_an_overlay_is_full_at_its_limit(tmp_path, monkeypatch):
    assert overlay.MOST_PRODUCTS == 5_000
    full = CatalogOverlay(BASE, tuple(new(str(number)) for number in range(5_000)))
    assert full.putting(new("7", name="Again")).write(tmp_path / "a.catalog").own.products == 5_000
    with pytest.raises(InputError, match="the overlay is full; expected at most 5,000 products"):
        full.putting(new("one more"))
    (tmp_path / "b.catalog").write_bytes(overlay_writer.overlay_bytes(replace(full, products=(
        *full.products, new("one more")))))
    with pytest.raises(CatalogError, match="5,001 products, more than 5,000"):
        open_overlay(tmp_path / "b.catalog", BASE)


def test_a_failed_write_leaves_the_overlay_that_was_there(tmp_path):
    made = CatalogOverlay(BASE).putting(new("a"))
    before = made.write(tmp_path / "a.catalog").own.content.tobytes()
    with pytest.raises(CatalogError, match="an id twice"):
        replace(made, products=made.products * 2).write(tmp_path / "a.catalog")
    assert (tmp_path / "a.catalog").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_another_base_is_refused_by_both_digests():
    with pytest.raises(CatalogError, match="lies over another catalog.*expected [0-9a-f]{64}; found [0-9a-f]{64}"):
        open_overlay(FOLDER / "overlay.catalog", open_catalog(FOLDER / "both.catalog"))
    with pytest.raises(CatalogError, match="a catalog, but no overlay"):
        open_overlay(FOLDER / "both.catalog", BASE)


# Over a new base.

UPDATES = FOLDER.parent / "updates"
MOVED = json.loads((UPDATES / "overlay" / "answers.json").read_text(encoding="ascii"))["cases"]


@pytest.mark.parametrize("case", MOVED, ids=lambda case: case["gives"])
def test_over_a_new_base_what_has_arrived_goes_and_the_rest_has_the_golden_bytes(case, tmp_path):
    before = open_catalog(UPDATES / case["before"]) if case["before"] else None
    laid = overlay_writer.laid(UPDATES / case["overlay"], open_catalog(UPDATES / case["to"]), before)
    assert ([one.id for one in laid.products], sorted(laid.removed)) == (case["products"], case["removed"])
    laid.write(tmp_path / "a.catalog")
    assert (tmp_path / "a.catalog").read_bytes() == (UPDATES / case["gives"]).read_bytes()


def test_over_its_own_base_an_overlay_stays_as_it_is(tmp_path):
    path = UPDATES / "overlay" / "base.catalog"
    laid = overlay_writer.laid(path, open_catalog(UPDATES / "base.catalog"), open_catalog(UPDATES / "base.catalog"))
    laid.write(tmp_path / "a.catalog")
    assert (tmp_path / "a.catalog").read_bytes() == path.read_bytes()


def test_an_overlay_of_another_space_or_currency_or_a_damaged_one_is_laid_over_nothing(tmp_path):
    base, path = open_catalog(UPDATES / "base.catalog"), UPDATES / "overlay" / "base.catalog"
    with pytest.raises(CatalogError, match="another embedding space"):
        overlay_writer.laid(path, open_catalog(UPDATES / "foreign.catalog"))
    with pytest.raises(CatalogError, match="another currency or width.*expected USD, 16; found EUR, 16"):
        overlay_writer.laid(path, replace(base, currency="USD"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    (tmp_path / "a.catalog").write_bytes(content)
    with pytest.raises(CatalogError, match="the file is damaged"):
        overlay_writer.laid(tmp_path / "a.catalog", base)


@pytest.mark.parametrize("at_hand", [True, False])
def test_a_hundred_products_over_ten_updates_none_lost_and_none_twice(at_hand, tmp_path):
    """Each day the shop's list takes seven of them, four word for word, three with other texts."""
    chance, path = random.Random(100), tmp_path / "overlay.catalog"
    shop = {f"s{number}": named(f"s{number}", f"Of the shop {number}") for number in range(20)}
    base = stocked(tmp_path / "0.catalog", shop, None)
    made = CatalogOverlay(base)
    for number in range(100):
        vectors = np.array([[chance.gauss(0, 1) for _ in range(base.dim)]], np.float32)
        made = made.putting(NewProduct(f"c{number}", f"A clerk's {number}", vectors, Decimal(number), category="Bags"))
    made = made.removing("s3")
    made.write(path)
    waiting = {one.id: one for one in made.products}
    for day in range(1, 11):
        taken = chance.sample(sorted(waiting), 7)
        shop |= {one: named(one, waiting[one].name if one in taken[:4] else "Renamed", waiting[one].price)
                 for one in taken}
        del shop[f"s{day + 4}"]
        base, before = stocked(tmp_path / f"{day}.catalog", shop, base), base
        both = overlay_writer.laid(path, base, before if at_hand else None).write(path)
        for one in taken if at_hand else taken[:4]:
            del waiting[one]
        places = [both.place(f"c{number}") for number in range(100)]
        assert None not in places and len(set(places)) == 100
        found = [both.record(hit.product)["id"] for hit in both.search(base.vectors(slice(0, 1))[0], 1000)]
        assert len(found) == len(set(found))
        assert set(found) == {f"c{number}" for number in range(100)} | shop.keys() - {"s3"}
        assert {both.own.record(place)["id"] for place in range(both.own.products)} == waiting.keys()
        kept = overlay_writer.laid(path, base).products
        assert all((one.vectors == waiting[one.id].vectors).all() for one in kept)


def named(product_id: str, name: str, price: Decimal = Decimal(1)) -> Product:
    """A product of the shop's list."""
    return Product(line=0, row=0, id=product_id, name=name, price=int(price * UNITS), currency="EUR", description="",
                   category="Bags", pictures=(), extra={})


def stocked(path: Path, shop: dict[str, Product], base) -> object:
    """The shop's catalog, built over that of the day before but for every third day."""
    follows = Previous(base) if base and int(path.stem) % 3 else None
    listed = follows.in_order(list(shop.values())) if follows else list(shop.values())
    vectors = np.stack([days.vector(zlib.crc32(one.id.encode())) for one in listed])
    writer.write(path, writer.Content(
        days.SPACE, "made", "EUR", ["Bags"], days.KNOWN, [products.json_record(one) for one in listed],
        np.array([one.price for one in listed]), np.zeros(len(listed), np.uint32), np.arange(len(listed)),
        ids=[one.id for one in listed], offset=follows.offset if follows else None,
        parent=follows.digest if follows else None), vectors)
    return open_catalog(path)
