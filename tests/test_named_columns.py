"""The columns that a shop names for keys, words and filters: from the list and the command line to the search."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from catalog_builder import commands, engines, list_arguments
from catalog_builder.__main__ import main
from catalog_builder.catalog.reader import open_catalog
from catalog_builder.catalog.search import Filter
from catalog_builder.catalog.searcher import Searcher
from catalog_builder.index.indexed_columns import IndexedColumns
from catalog_builder.lists import indexed, inspection, listing
from catalog_builder.lists.list_options import ListOptions
from export.common.command import BAD_INPUT, CommandLine
from export.common.errors import InputError
from tests.test_catalog import written

WORDS = Path(__file__).resolve().parent.parent / "parity" / "goldens" / "words"
HEADER = "id,name,price,currency,description,category,pictures,Brand,EAN,Colour\n"
ROWS = ("P1,Pear,1.79,EUR,Green,Fruit,a.jpg,Acme,4006381333931,red\n"
        "P2,Plum,1.99,EUR,Blue,Fruit,a.jpg,Zeta,96385074,blue\n"
        "P3,Fig,2.99,EUR,Blue,Fruit,a.jpg,Acme,036000291452,\n")


@pytest.fixture
def read(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"picture")

    def run(content: str = HEADER + ROWS, name: str = "list.csv", **options: object) -> listing.Listing:
        (tmp_path / name).write_text(content)
        return listing.read(tmp_path / name, ListOptions(**options))

    return run


@pytest.mark.parametrize(("options", "keys", "words", "filters", "kept"), [
    ({}, ["id"], ["name"], [], []),
    ({"keep": ("Brand", "Colour", "EAN")}, ["id", "EAN", "Brand"], ["name", "Brand"], [], ["Brand", "Colour", "EAN"]),
    ({"keys": ("ean", "colour")}, ["id", "EAN", "Colour"], ["name"], [], ["EAN", "Colour"]),
    ({"words": ("description", "Colour")}, ["id"], ["name", "description", "Colour"], [], ["Colour"]),
    ({"filters": ("brand", "category", "colour")}, ["id", "Brand"], ["name", "Brand"], ["Brand", "category", "Colour"],
     ["Brand", "Colour"]),
    ({"keys": ("none",), "words": ("none",), "keep": ("Brand",)}, [], [], [], ["Brand"]),
    ({"keys": ("none",), "filters": ("EAN",)}, [], ["name"], ["EAN"], ["EAN"])])
def test_named_columns_ship_and_the_usual_ones_count_where_they_ship(read, options, keys, words, filters, kept):
    seen = read(**options).recognition
    assert seen.indexed == IndexedColumns(tuple(keys), tuple(words), tuple(filters)) and list(seen.kept) == kept
    assert read(**options).products[0].extra == {name: {"Brand": "Acme", "EAN": "4006381333931", "Colour": "red"}[name]
                                                 for name in kept}


def test_a_column_that_is_the_records_own_field_ships_once(read):
    content = HEADER.replace("id,name", "SKU,Title") + ROWS
    seen = read(content, keys=("sku",), words=("title",), columns={"id": ["SKU"], "name": ["Title"]}).recognition
    assert (seen.indexed.keys, seen.indexed.words, seen.kept) == (("id",), ("name",), ())


def test_a_product_of_several_rows_has_what_all_of_them_hold_where_it_is_searched_by(read):
    content = ("id,name,price,currency,pictures,group,Size,EAN,Note\n"
               "1,Shoe,9,EUR,a.jpg,G,41,4006381333931,first\n2,Shoe,9,EUR,a.jpg,G,42,96385074,second\n"
               "3,Shoe,9,EUR,a.jpg,G,42,,\n4,Boot,9,EUR,a.jpg,H,41,,\n5,Boot,9,EUR,a.jpg,H,41,,\n")
    made = read(content, columns={"group": ["group"]}, filters=("Size",), keys=("EAN",), keep=("Note",)).products
    assert [one.extra for one in made] == [
        {"Note": "first", "EAN": ["4006381333931", "96385074"], "Size": ["41", "42"]}, {"Size": "41"}]
    lists = json.dumps([{"id": 1, "name": "x", "pictures": "a.jpg", "g": 1, "size": ["S", "M"]},
                        {"id": 2, "name": "x", "pictures": "a.jpg", "g": 1, "size": ["M", "L"]}])
    assert read(lists, "l.json", columns={"group": ["g"]}, filters=("size",)).products[0].extra == {
        "size": ["S", "M", "L"]}


@pytest.mark.parametrize(("options", "says"), [
    ({"keys": ("Nothing",)}, "no column Nothing in --keys; expected id, name"),
    ({"words": ("Nothing",)}, "no column Nothing in --words"),
    ({"filters": ("Nothing",)}, "no column Nothing in --filter"),
    ({"filters": ("price",)}, "the price is no column for this in --filter.*apps filter by price")])
def test_what_cannot_be_searched_by_is_refused(read, options, says):
    with pytest.raises(InputError, match=says):
        read(**options)


def test_an_inspection_names_what_products_are_found_by_and_columns_of_barcodes(read):
    said = {fact.what: fact.words for fact in inspection.facts(read(filters=("Brand",), words=("description",)))}
    assert said["found by"] == "whole id, Brand; words of name, Brand, description; filters Brand"
    assert said["barcodes"] == "EAN: 3 of 3; --keys EAN lets customers find them"
    said = {fact.what: fact.words for fact in inspection.facts(read(keep=("EAN",), words=("none",)))}
    assert said["found by"] == "whole id, EAN" and "barcodes" not in said
    assert "found by" not in {fact.what for fact in inspection.facts(read(keys=("none",), words=("none",)))}


@pytest.mark.parametrize(("text", "right"), [
    ("4006381333931", True), ("96385074", True), ("036000291452", True), ("04006381333931", True),
    ("4006381333932", False), ("96385073", False), ("123", False), ("400638133393", False), ("", False),
    ("1234567x", False)])
def test_a_barcode_has_a_check_digit(text, right):
    assert indexed.is_barcode(text) == right


def test_the_command_line_names_columns_and_asks_for_texts():
    parser = CommandLine()
    list_arguments.add(parser)
    given = list_arguments.options(parser.parse_args(
        ["--keys", 'sku,"a, b"', "--words", "none", "--filter", "brand,size"]))
    assert (given.keys, given.words, given.filters) == (("sku", "a, b"), ("none",), ("brand", "size"))
    assert list_arguments.asked_filters(["brand=Acme", 'size=M|L,"colour=red, dark"']) == {
        "brand": ["Acme"], "size": ["M", "L"], "colour": ["red, dark"]}


@dataclass(frozen=True)
class OneVector:
    """An encoder that gives every text the same vector."""

    dim: int
    scripts: tuple[str, ...] = ("Latin",)

    def text(self, texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), self.dim), np.float32)


@pytest.fixture
def shop(monkeypatch):
    made = open_catalog(WORDS / "base.catalog")
    monkeypatch.setattr(engines, "searcher", lambda catalog, dist: Searcher(made, OneVector(made.dim)))
    return made


def asked(capsys, *given: str) -> dict:
    assert main(["search", "--catalog", str(WORDS / "base.catalog"), "--json", *given]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_search_shows_the_group_above_and_leaves_the_results(shop, capsys):
    plain, exact = asked(capsys, "--text", "zzz"), asked(capsys, "--text", "ACME")
    assert plain["exact"] == [] and exact["results"] == plain["results"] and len(plain["results"]) == 10
    assert [(one["id"], one["by"]) for one in exact["exact"]] == [
        ("A-1", "key"), ("A1", "key"), ("C1", "key"), ("K3", "key"), ("a.2", "words")]
    assert main(["search", "--catalog", "x", "--text", "4006381333948"]) == 0
    out = capsys.readouterr().out
    assert out.index("named exactly") < out.index("Shoe, red, reduced") < out.index("10 of ")


def test_a_search_filters_by_columns_whatever_their_case(shop, capsys):
    found = asked(capsys, "--text", "shoe", "--filter", "BRAND=acme|nike", "--filter", "Size=42|ONE SIZE")
    assert {one["id"] for one in found["results"]} == {"A-1", "A1", "C2"}
    assert [one["id"] for one in found["exact"]] == ["A1", "A-1"]


@pytest.mark.parametrize(("text", "says"), [
    ("brand", "no filter in --filter; expected COLUMN=TEXT"), ("=x", "no filter in --filter"), ("brand=", "no filter"),
    ("colour=red", "no such filter"), ("brand=Acmee", "no such brand")])
def test_a_filter_that_cannot_be_asked_is_one_line(shop, capsys, text, says):
    assert main(["search", "--catalog", "x", "--text", "shoe", "--filter", text]) == BAD_INPUT
    err = capsys.readouterr().err
    assert says in err and err.count("\n") == 1


def test_names_are_written_as_the_catalog_does(shop, tmp_path):
    where = commands.written(Filter(["shoes"], 1, 2, {"BRAND": ["acme", "Nothing"], "none": ["x"]}), shop)
    assert where == Filter(["Shoes"], 1, 2, {"brand": ["Acme", "Nothing"], "none": ["x"]})
    assert commands.written(Filter(), shop) == Filter()
    assert commands.written(Filter([]), open_catalog(written(tmp_path / "a.catalog"))) == Filter([])
