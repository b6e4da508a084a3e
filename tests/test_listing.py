"""A shop's product list: every row ends as a product or in a problem with its line."""

import csv
import json
import os
import random
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from catalog_builder.fields import json_values
from catalog_builder.lists import listing, problems, products
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.listing import Listing
from catalog_builder.lists.problems import Problem
from catalog_builder.lists.products import Product
from catalog_builder.tables.parquet_table import BATCH
from export.common.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
HEADER = "id,name,price,currency,description,category,pictures\n"
GOOD = "P1,Pear,1.79,EUR,A green pear,Fruit,a.jpg\n"


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        (folder / name).write_bytes(b"picture")
    return folder


def listed(folder: Path, content: str | bytes, name: str = "list.csv", **options: object) -> Listing:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return listing.read(folder / name, ListOptions(**options))


def refusal(folder: Path, content: str | bytes, name: str = "list.csv") -> str:
    with pytest.raises(InputError) as caught:
        listed(folder, content, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def in_json(folder: Path, *rows: dict | str, **options: object) -> Listing:
    content = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    return listed(folder, content, "l.jsonl", **options)


def in_parquet(folder: Path, columns: dict, **options: object) -> Listing:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), folder / "list.parquet")
    return listing.read(folder / "list.parquet", ListOptions(**options))


def rows(ids: int = 1, **fields: object) -> dict:
    """One JSON row."""
    return {"id": f"P{ids}", "name": "Pear", "price": 1, "currency": "EUR", "description": "", "category": "",
            "pictures": "a.jpg"} | fields


def brief(given: Listing) -> list[tuple[int, str, str, str]]:
    assert all("\n" not in problem.what and problem.what for problem in given.problems)
    return [(problem.line, problem.product, problem.field, problem.skipped) for problem in given.problems]


def test_a_row_becomes_a_product(shop):
    given = listed(shop, HEADER.replace("category", " Category , Size ") + "P1, Pear ,1.79,eur,A pear,Fruit,L,"
                     "sub/c.jpg|a.jpg\n", keep=("size",))
    assert given.problems == [] and given.currency == "EUR"
    assert given.products == [Product(2, 2, "P1", "Pear", 17900, "EUR", "A pear", "Fruit",
                                      (shop / "sub/c.jpg", shop / "a.jpg"), {"Size": "L"})]


def test_the_bundled_shop_reads_without_a_problem():
    given = listing.read(ROOT / "demo/shop/products.csv")
    assert len(given.products) > 300 and given.problems == [] and given.currency == "EUR"


# The list as a whole.

@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_is_taken_from_the_header(shop, mark):
    content = (HEADER + GOOD).replace(",", mark)
    assert listed(shop, content).products == listed(shop, HEADER + GOOD).products


def test_a_tsv_is_split_at_tabs_alone(shop):
    content = "id\tname\tpictures\ta,b;c\nP1\tPear, green; ripe\ta.jpg\tx\n"
    given = listed(shop, content, "list.TSV", keep=("a,b;c",))
    assert given.products[0].name == "Pear, green; ripe" and given.products[0].extra == {"a,b;c": "x"}


@pytest.mark.parametrize("name, content", [("list.csv", HEADER + GOOD), ("list.jsonl", json.dumps(rows()))])
def test_a_byte_order_mark_is_passed_over(shop, name, content):
    assert listed(shop, content.encode("utf-8-sig"), name).products[0].id == "P1"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(shop, end):
    given = listed(shop, (HEADER + GOOD + "P2,Plum,,,,,b.jpg").replace("\n", end))
    assert [(product.id, product.line) for product in given.products] == [("P1", 2), ("P2", 3)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "gb18030", "windows-1252"])
@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_another_encoding_is_read_by_its_mark_or_by_its_name(shop, encoding, name):
    text = HEADER + GOOD.replace("Pear", "P\u00e8ar") if name.endswith("csv") else json.dumps(
        rows(name="P\u00e8ar"), ensure_ascii=False)
    if encoding in ("utf-16", "utf-32"):
        assert listed(shop, text.encode(encoding), name).products[0].name == "P\u00e8ar"
    else:
        assert "--encoding" in refusal(shop, text.encode(encoding), name)
        assert listed(shop, text.encode(encoding), name, encoding=encoding).products[0].name == "P\u00e8ar"


def test_missing_columns_are_named_with_those_found(shop):
    text = refusal(shop, "id,title,price\n1,x,2\n")
    assert "no column for the pictures" in text and "found id, title, price" in text
    assert "--map pictures=COLUMN" in text and "--pictures-from" in text
    assert "no column for the name" in refusal(shop, "id,pictures\n1,a.jpg\n")


def test_absent_optional_columns_are_one_notice_each(shop):
    expected = [(0, "", name, "") for name in ("price", "description", "category")]
    assert brief(listed(shop, "id,name,pictures\nP1,Pear,a.jpg\n")) == expected
    assert brief(in_json(shop, {"id": "P1", "name": "Pear", "pictures": "a.jpg"})) == expected


def test_a_column_twice_is_refused_only_if_it_is_used(shop):
    assert "found id" in refusal(shop, HEADER.replace("\n", ",ID\n") + GOOD.replace("\n", ",x\n"))
    given = listed(shop, HEADER.replace("\n", ",Size, size\n") + GOOD.replace("\n", ",L,M\n"))
    assert given.products[0].id == "P1" and given.problems == []


def test_a_header_that_is_no_utf_8_or_no_csv_is_refused(shop):
    assert "save it as UTF-8" in refusal(shop, HEADER.encode().replace(b"name", b"n\xe4me"))
    assert "header" in refusal(shop, '"id,name,pictures\n')


@pytest.mark.parametrize("name, content", [("l.csv", ""), ("l.csv", HEADER), ("l.csv", HEADER + "\n\n"),
                                           ("l.jsonl", ""), ("l.ndjson", "\n \n")])
def test_an_empty_list_is_refused(shop, name, content):
    assert refusal(shop, content, name)


def test_a_path_that_is_no_list_is_refused(shop):
    (shop / "folder.csv").mkdir()
    for name in ("none.csv", "folder.csv", "a.jpg", "sub"):
        with pytest.raises(InputError, match=name):
            listing.read(shop / name)


# Rows.

def test_line_numbers_are_those_where_rows_start(shop):
    given = listed(shop, HEADER + 'P1,Pear,,,"one\ntwo\r\nthree",,a.jpg\n\nP2,Plum,,,,,b.jpg\n')
    assert [(product.id, product.line) for product in given.products] == [("P1", 2), ("P2", 6)]
    assert given.products[0].description == "one\ntwo\nthree" and given.problems == []


@pytest.mark.parametrize("row", ["P2,Plum,,,,b.jpg\n", "P2,Plum,,,,,b.jpg,x\n", "P2\n"])
def test_a_row_with_another_number_of_fields_is_skipped(shop, row):
    given = listed(shop, HEADER + row + GOOD)
    assert [problem for problem in brief(given) if problem[3]] == [(2, "", "", "product")] and len(given.products) == 1
    assert "expected 7" in given.problems[0].what


@pytest.mark.parametrize("row", ['P2,Plum,,,"swallows all,,b.jpg\n', 'P2,Plum,,,"a "ripe" plum",,b.jpg\n'])
def test_a_stray_quote_costs_its_own_row_alone(shop, row):
    given = listed(shop, HEADER + GOOD + row + "P3,Fig,,,,,b.jpg\nP4,Kiwi,,,,,b.jpg\n")
    assert [product.id for product in given.products] == ["P1", "P3", "P4"]
    assert brief(given) == [(3, "", "", "product")] and "quote" in given.problems[0].what


def test_quotes_left_open_all_over_a_list_do_not_take_forever(shop):
    given = listed(shop, "id,name,pictures\n" + 'x",",\n' * 3000)
    assert [line for line, *_, skipped in brief(given) if skipped == "product"] == list(range(2, 3002))


def test_a_row_of_very_many_lines_is_taken_for_an_open_quote(shop):
    rows_of = [f'P{count},Pear,,,"' + "x\n" * (count - 1) + '",,a.jpg\n' for count in (1000, 1001)]
    given = listed(shop, HEADER + "".join(rows_of))
    assert [product.id for product in given.products] == ["P1000"]
    assert brief(given)[0] == (1002, "", "", "product")


@pytest.mark.parametrize("column", ["name", "description", "size"])
def test_a_huge_field_is_a_problem_and_one_of_the_limit_is_none(shop, column):
    most = json_values.MOST_FIELD
    before = csv.field_size_limit(100_000)
    header = HEADER.replace("\n", ",size\n")
    row = dict.fromkeys(header.strip().split(","), "") | {"id": "P2", "name": "x", "pictures": "a.jpg"}
    given = listed(shop, header + GOOD.replace("\n", ",\n") + "".join(
        ",".join((row | {"id": f"L{length}", column: "x" * length}).values()) + "\n" for length in (most, most + 1)),
        keep=("size",))
    assert [product.id for product in given.products] == ["P1", f"L{most}"]
    assert brief(given) == [(4, f"L{most + 1}", column, "product")]
    assert csv.field_size_limit(before) == 100_000


def test_a_huge_json_text_is_a_problem(shop):
    huge = "x" * (json_values.MOST_FIELD + 1)
    given = in_json(shop, rows(1), rows(2, description=huge), rows(3, size=[huge]), keep=("size",))
    assert brief(given) == [(2, "P2", "description", "product"), (3, "P3", "size", "product")]


def test_a_value_is_nested_as_deeply_as_every_reader_takes_it(shop):
    def nested(depth: int) -> object:
        return {"in": [nested(depth - 2)]} if depth else 1

    most = json_values.MOST_NESTED
    given = in_json(shop, rows(1, size=nested(most)), rows(2, size=[nested(most)]), rows(3, size=nested(600)),
                    keep=("size",))
    assert [product.extra["size"] for product in given.products] == [nested(most)]
    assert brief(given) == [(2, "P2", "size", "product"), (3, "P3", "size", "product")]


# JSON Lines.

def test_json_lines_give_the_same_products(shop):
    given = in_json(shop, "", {"ID": 7, "Name": "Pear", "price": 1.79, "Size": {"cm": [3, 1.5, None, True]},
                                 "pictures": ["a.jpg", "sub/c.jpg"], "currency": "EUR", "category": None}, " ",
                    keep=("Size",))
    assert given.products == [Product(2, 1, "7", "Pear", 17900, "EUR", "", "", (shop / "a.jpg", shop / "sub/c.jpg"),
                                        {"Size": {"cm": [3, 1.5, None, True]}})]
    assert brief(given) == [(0, "", "description", "")]


@pytest.mark.parametrize("line", ["[1]", "1", '"x"', "null", "{", "nonsense", "{} {}"])
def test_a_line_that_is_no_object_is_skipped(shop, line):
    given = in_json(shop, rows(1), line, rows(3))
    assert [product.id for product in given.products] == ["P1", "P3"]
    assert brief(given) == [(2, "", "", "product")] and "expected a JSON object" in given.problems[0].what


@pytest.mark.parametrize("pair", [
    '"id": "P3"', '"ID": "P3"', '"a": {"b": 1, "b": 2}', '"a": NaN', '"a": -Infinity', '"a": [Infinity]',
    '"\\ud800": 1', '"a": 1e99999999999999999999', '"a": ' + "9" * 5000, '"a": ' + "[" * 100_000])
def test_an_object_that_is_not_plain_json_is_skipped(shop, pair):
    given = in_json(shop, rows(1), json.dumps(rows(2))[:-1] + f", {pair}}}", rows(3))
    assert [product.id for product in given.products] == ["P1", "P3"]
    assert [(problem.line, problem.skipped) for problem in given.problems] == [(2, "product")]


@pytest.mark.parametrize("value", ["\ud800", ["x", {"deep": "\udfff"}], {"\udc80": 1}])
def test_half_a_surrogate_pair_is_skipped_since_it_is_no_utf_8(shop, value):
    assert brief(in_json(shop, rows(1), rows(2, extra=value), keep=("extra",))) == [(2, "P2", "extra", "product")]


@pytest.mark.parametrize("key", ["id", "name", "pictures"])
def test_a_missing_required_key_is_a_problem_of_its_line(shop, key):
    row = rows(2)
    del row[key]
    given = in_json(shop, rows(1), row)
    assert [(problem.line, problem.field, problem.skipped) for problem in given.problems] == [(2, key, "product")]


@pytest.mark.parametrize("value", [True, [1], {}, None, ""])
def test_an_id_is_a_text_or_a_whole_number(shop, value):
    assert [(p.field, p.skipped) for p in in_json(shop, rows(1), rows(2, id=value)).problems] == [("id", "product")]


def test_a_text_of_another_type_is_left_out_and_a_name_of_another_type_skipped(shop):
    given = in_json(shop, rows(1, category=3), rows(2, description=[]), rows(3, name=7))
    assert [(product.id, product.category, product.description) for product in given.products] == [
        ("P1", "", ""), ("P2", "", "")]
    assert brief(given) == [(1, "P1", "category", "field"), (2, "P2", "description", "field"),
                              (3, "P3", "name", "product")]


def test_a_number_too_long_for_a_double_is_kept_as_text(shop):
    line = json.dumps(rows())[:-1] + ', "short": 0.1, "long": 1234567890123456789.25, "vast": 1e999}'
    product, = in_json(shop, line, keep=("short", "long", "vast")).products
    assert product.extra == {"short": 0.1, "long": "1234567890123456789.25", "vast": "1E+999"}


# Parquet.

def test_parquet_gives_the_same_products(shop):
    import pyarrow

    given = in_parquet(shop, {
        "ID": pyarrow.array([1, 2]), "name": pyarrow.array(["Pear", "Plum"]).dictionary_encode(),
        "price": pyarrow.array([Decimal("1.7900"), None]), "currency": ["EUR", None], "description": ["x", None],
        "category": pyarrow.array(["Fruit", "Fruit"], pyarrow.large_string()),
        "pictures": [["a.jpg", "sub/c.jpg"], ["b.jpg"]], "Size": [1.5, float("nan")]}, keep=("Size",))
    assert given.problems == [] and given.currency == "EUR"
    assert given.products == [
        Product(0, 1, "1", "Pear", 17900, "EUR", "x", "Fruit", (shop / "a.jpg", shop / "sub/c.jpg"), {"Size": 1.5}),
        Product(0, 2, "2", "Plum", None, "", "", "Fruit", (shop / "b.jpg",), {"Size": None})]


@pytest.mark.parametrize("kind", ["float32", "float64", "string", "decimal128"])
def test_a_parquet_price_is_exact_in_any_type(shop, kind):
    import pyarrow

    kind = pyarrow.decimal128(9, 4) if kind == "decimal128" else getattr(pyarrow, kind)()
    price = pyarrow.array(["1.79", "0.0001"]).cast(kind)
    given = in_parquet(shop, {"id": ["1", "2"], "name": ["x", "y"], "pictures": ["a.jpg", "a.jpg"], "price": price})
    assert [product.price for product in given.products] == [17900, 1]


def test_a_parquet_price_that_is_no_number_is_reported(shop):
    given = in_parquet(shop, {"id": ["1", "2"], "name": ["x", "y"], "pictures": ["a.jpg"] * 2, "category": [""] * 2,
                                "description": [""] * 2, "currency": ["EUR"] * 2,
                                "price": [float("nan"), float("inf")]})
    assert [(p.row, p.product, p.field, p.skipped) for p in given.problems] == [
        (1, "1", "price", "field"), (2, "2", "price", "field")]


def test_parquet_values_that_json_lacks_become_texts(shop):
    import pyarrow

    given = in_parquet(shop, {
        "id": ["1"], "name": ["x"], "pictures": ["a.jpg"], "day": [date(2026, 1, 2)],
        "time": [datetime(2026, 1, 2, 3, 4)], "fine": pyarrow.array([1_000_000_001], pyarrow.timestamp("ns")),
        "weight": [Decimal("1.10")], "deep": [{"day": date(2026, 1, 2), "all": [float("inf"), 1.0]}], "raw": [b"text"]},
        keep=("day", "time", "fine", "weight", "deep", "raw"))
    assert given.products[0].extra == {
        "day": "2026-01-02", "time": "2026-01-02 03:04:00.000000", "fine": "1970-01-01 00:00:01.000000001",
        "weight": "1.10", "deep": {"day": "2026-01-02", "all": [None, 1.0]}, "raw": "text"}
    json.loads(products.json_record(given.products[0]))


def test_lists_and_objects_that_are_kept_stay_such_in_the_record(shop):
    import pyarrow

    nested = {"sizes": ["S", "M"], "links": [{"url": "a"}, {"url": "b"}], "measures": {"w": 1.5, "of": [1, None]}}
    for given in (in_json(shop, rows(1) | nested, keep=(*nested,)),
                  listed(shop, json.dumps([rows(1) | nested]), "list.json", keep=(*nested,)),
                  in_parquet(shop, {name: [cell] for name, cell in (rows(1) | nested).items()}, keep=(*nested,))):
        record = products.json_record(given.products[0]).decode()
        assert record.endswith(
            ',"sizes":["S","M"],"links":[{"url":"a"},{"url":"b"}],"measures":{"w":1.5,"of":[1,null]}}')
    pairs = pyarrow.array([[("red", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int8()))
    given = in_parquet(shop, {"id": ["1"], "name": ["x"], "pictures": ["a.jpg"], "stock": pairs}, keep=("stock",))
    assert products.json_record(given.products[0]).endswith(b'"stock":[["red",1]]}')


def test_a_parquet_text_that_is_no_utf_8_leaves_the_others_alone(shop):
    import pyarrow

    raw = pyarrow.array([b"P\xe4r", b"Pear"])
    text = pyarrow.StringArray.from_buffers(2, *raw.buffers()[1:])
    for column in (raw, text):
        given = in_parquet(shop, {"id": ["1", "2"], "name": column, "pictures": ["a.jpg"] * 2})
        assert [product.id for product in given.products] == ["2"]
        assert [(p.row, p.product, p.field) for p in given.problems if p.skipped == "product"] == [(1, "1", "name")]


def test_parquet_rows_count_on_over_batches(shop):
    count = 2 * BATCH + 5
    given = in_parquet(shop, {"id": list(range(count)), "name": ["x"] * count, "pictures": ["a.jpg"] * count})
    assert [product.row for product in given.products] == list(range(1, count + 1))


def test_a_damaged_parquet_file_is_refused(shop):
    in_parquet(shop, {"id": list(range(5000)), "name": ["x"] * 5000, "pictures": ["a.jpg"] * 5000})
    whole = (shop / "list.parquet").read_bytes()
    hole = whole[:50] + b"\xff" * 2000 + whole[2050:]
    for content in (b"", b"PAR1", b"not Parquet", whole[:-9], whole[:len(whole) // 2], hole):
        assert refusal(shop, content, "list.parquet")


def test_missing_and_repeated_parquet_columns_are_refused(shop):
    import pyarrow
    from pyarrow import parquet

    with pytest.raises(InputError, match="no column for the name"):
        in_parquet(shop, {"id": ["1"]})
    parquet.write_table(pyarrow.Table.from_arrays([pyarrow.array(["1"])] * 4, ["id", "name", "pictures", "ID"]),
                        shop / "twice.parquet")
    with pytest.raises(InputError, match="twice"):
        listing.read(shop / "twice.parquet")
    with pytest.raises(InputError, match="no products"):
        in_parquet(shop, {"id": pyarrow.array([], pyarrow.string()), "name": [], "pictures": []})


# Fields.

def test_the_second_of_an_id_is_skipped_and_names_the_first(shop):
    given = listed(shop, HEADER + GOOD + "P2,Plum,,,,,none.jpg\n P1 ,Fig,,,,,b.jpg\nP2,Plum,,,,,b.jpg\n")
    assert [product.name for product in given.products] == ["Pear"]
    assert brief(given)[2:] == [(4, "P1", "id", "product"), (5, "P2", "id", "product")]
    assert "line 2" in given.problems[2].what and "line 3" in given.problems[3].what


@pytest.mark.parametrize("row, column", [(" ,Pear,,,,,a.jpg\n", "id"), ("P2,\t,,,,,a.jpg\n", "name")])
def test_an_empty_id_or_name_skips_the_product(shop, row, column):
    given = listed(shop, HEADER + row + GOOD)
    assert [(problem.line, problem.field, problem.skipped) for problem in given.problems] == [(2, column, "product")]


def test_control_characters_are_removed_with_a_notice(shop):
    given = in_json(shop, rows(name="Pe\x07ar\x85", description="one\ttwo\nthree\r\nfour", size=["\x1bL"]),
                    keep=("size",))
    product, = given.products
    assert (product.name, product.description, product.extra) == ("Pear", "one\ttwo\nthree\nfour", {"size": ["L"]})
    assert brief(given) == [(1, "P1", "name", ""), (1, "P1", "size", "")]


@pytest.mark.parametrize("text, price", [
    ("12", 120000), ("12.5", 125000), (" 3.20 ", 32000), ("0", 0), ("007.50", 75000), (".5", 5000), ("1.230000", 12300),
    ("1.50 EUR", 15000), ("\u20ac2", 20000), ('"1,299.00"', 12990000), ("1 299", 12990000), ("", None), ("  ", None)])
def test_a_price_is_exact(shop, text, price):
    given = listed(shop, HEADER + f"P1,Pear,{text},EUR,,,a.jpg\n")
    assert given.products[0].price == price and given.problems == []


@pytest.mark.parametrize("text", [
    "1.23456", "-1", "-0.5", "NaN", "inf", "922337203685477.5808", "1e30", "1e999999999", "1_000", "0x10", "ten",
    "1.0000" + "0" * 30 + "1", "9" * 10000])
def test_what_is_no_price_is_left_out_and_the_product_stays(shop, text):
    given = listed(shop, HEADER + f"P1,Pear,{text},EUR,,,a.jpg\n")
    assert given.products[0].price is None and brief(given) == [(2, "P1", "price", "field")]


@pytest.mark.parametrize("value, price", [(1.79, 17900), (3, 30000), ("2.5", 25000), (None, None)])
def test_a_json_price_is_a_number_or_a_text(shop, value, price):
    assert in_json(shop, rows(price=value)).products[0].price == price


@pytest.mark.parametrize("value", [True, {}, 1.00001, -1])
def test_a_json_price_of_another_kind_is_left_out(shop, value):
    assert brief(in_json(shop, rows(price=value))) == [(1, "P1", "price", "field")]


@pytest.mark.parametrize("code", ["E1R", "ſſſ", "EU", "ABC", "$"])
def test_a_wrong_currency_costs_the_price(shop, code):
    given = listed(shop, HEADER + f"P1,Pear,2,{code},,,a.jpg\n")
    assert (given.products[0].price, given.products[0].currency, given.currency) == (None, "", "")
    assert brief(given) == [(2, "P1", "currency", "field")]


def test_a_price_without_a_currency_is_left_out_where_the_list_has_currencies(shop):
    given = listed(shop, HEADER + GOOD + "P2,Plum,2,,,,a.jpg\n")
    assert [product.price for product in given.products] == [17900, None]
    assert brief(given) == [(3, "P2", "currency", "field")] and given.currency == "EUR"


def test_a_list_without_a_currency_column_keeps_its_prices(shop):
    given = listed(shop, "id,name,pictures,price\nP1,Pear,a.jpg,2\n")
    assert (given.products[0].price, given.products[0].currency, given.currency) == (20000, "", "")
    assert (0, "", "currency", "") in brief(given)
    stated = listed(shop, "id,name,pictures,price\nP1,Pear,a.jpg,2\n", currency="CHF")
    assert (stated.products[0].currency, stated.currency) == ("CHF", "CHF")


def test_several_currencies_are_one_notice(shop):
    given = listed(shop, HEADER + GOOD + "P2,Plum,2,USD,,,a.jpg\nP3,Fig,2,USD,,,a.jpg\nP4,Fig,,CHF,,,a.jpg\n")
    assert brief(given) == [(0, "", "currency", "")] and given.currency == ""
    assert "EUR, USD:" in given.problems[0].what and "price filters" in given.problems[0].what


# Pictures.

def test_pictures_outside_the_folder_are_refused_even_through_links(shop):
    outside = shop.parent / "outside.jpg"
    outside.write_bytes(b"secret")
    (shop / "link.jpg").symlink_to(outside)
    (shop / "up").symlink_to(shop.parent)
    sibling = shop.parent / "shop2"
    sibling.mkdir()
    (sibling / "a.jpg").write_bytes(b"x")
    names = ["link.jpg", "up/outside.jpg", "../outside.jpg", "sub/../../outside.jpg", str(outside), "..", "/"]
    given = in_json(shop, rows(pictures=[*names, "a.jpg"]))
    assert given.products[0].pictures == (shop / "a.jpg",)
    assert brief(given) == [(1, "P1", "pictures", "picture")] * len(names)
    assert all("outside" in problem.what for problem in given.problems)


def test_links_that_stay_inside_are_followed(shop):
    (shop / "link.jpg").symlink_to("sub/c.jpg")
    (shop.parent / "door").symlink_to(shop)
    given = listed(shop.parent / "door", HEADER + "P1,Pear,,,,,link.jpg|sub/../a.jpg\n")
    assert given.products[0].pictures == (shop / "sub/c.jpg", shop / "a.jpg")


def test_what_is_no_picture_file_is_reported(shop):
    (shop / "empty.jpg").touch()
    os.mkfifo(shop / "pipe.jpg")
    (shop / "loop.jpg").symlink_to("loop.jpg")
    names = ["none.jpg", "sub", "sub/", ".", "empty.jpg", "pipe.jpg", "loop.jpg", "a\0.jpg", "x" * 5000, 7, ["a.jpg"]]
    given = in_json(shop, rows(pictures=[*names, "b.jpg"]))
    assert given.products[0].pictures == (shop / "b.jpg",)
    assert brief(given) == [(1, "P1", "pictures", "picture")] * len(names)


def test_a_repeated_picture_counts_once_under_any_name(shop):
    given = listed(shop, HEADER + "P1,Pear,,,,,a.jpg||b.jpg|sub/../a.jpg|\n")
    assert given.products[0].pictures == (shop / "a.jpg", shop / "b.jpg") and given.problems == []


@pytest.mark.parametrize("value", ["", "|", "none.jpg", [], None, 5, {"a": 1}])
def test_a_product_without_pictures_is_skipped(shop, value):
    given = in_json(shop, rows(1), rows(2, pictures=value))
    assert len(given.products) == 1 and brief(given)[-1] == (2, "P2", "pictures", "product")


# Nothing is dropped in silence.

def test_every_row_of_a_nasty_list_is_a_product_or_a_problem(shop):
    nasty = [b"P1,Pear,1,EUR,,,a.jpg\n", b"P1,again,1,EUR,,,a.jpg\n", b",x,,,,,a.jpg\n", b"P2\n",
             b"P3,a,b,c,d,e,f,g,h\n", b'P5,"open,,,,,a.jpg\n', b'P6,"a"b,,,,,a.jpg\n',
             b"P7,x,1;5,eur,,,a.jpg\n",
             b"P8,x,,,,,../x\n", b'P9,"two\nlines",,,,,a.jpg\n', b"P10,x\x01,,,,,a.jpg|b.jpg\n",
             b'P11,"""quoted""",,,,,a.jpg\n', b"P12,x,1,XX,,,a.jpg\r\n", b"=1+1,x,,,,,a.jpg\n",
             b'P13,"open again,,,,,a.jpg']
    for seed in range(50):
        random.Random(seed).shuffle(nasty)
        nasty.sort(key=lambda row: not row.endswith(b"\n"))         # the last one alone has no line end
        starts, line = [], 2
        for row in nasty:
            starts.append(line)
            line += row.count(b"\n")
        given = listed(shop, HEADER.encode() + b"".join(nasty))
        lost = [problem.line for problem in given.problems if problem.skipped == "product"]
        kept = [product.line for product in given.products]
        assert len({*lost, *kept}) == len(lost) + len(kept) and {*starts} <= {*lost, *kept}


def test_every_line_of_damaged_json_is_a_product_or_a_problem(shop):
    good = [json.dumps(rows(number, size=1.5)).encode() for number in range(200)]
    chance = random.Random(7)
    damaged = []
    for row in good:
        bytes_of = bytearray(row)
        for _ in range(chance.randrange(4)):
            bytes_of[chance.randrange(len(row))] = chance.choice([*range(1, 10), *range(14, 256)])
        damaged.append(bytes(bytes_of).replace(b"\n", b" "))
    given = listed(shop, b"\n".join(damaged), "list.jsonl", encoding="iso-8859-1")
    lost = [problem.line for problem in given.problems if problem.skipped == "product"]
    assert sorted([*lost, *(product.line for product in given.products)]) == list(range(1, 201))
    assert len(lost) > 20 and len(given.products) > 20
    assert all(json.loads(products.json_record(product)) for product in given.products)


# What leaves.

def test_problems_are_written_as_csv_and_an_old_file_goes(tmp_path):
    target = tmp_path / "out" / "problems.csv"
    problems.write_problems(target, [])
    problems.write_problems(target, [Problem(3, 'P"1', "price", "bad, very", "field"), Problem(0, "", "x", "ä", "")])
    assert target.read_bytes().startswith(b"\xef\xbb\xbf") and target.read_text(encoding="utf-8-sig") == (
        'line,row,product,field,problem,skipped\n3,0,"P""1",price,"bad, very",field\n0,0,,x,ä,\n')
    problems.write_problems(target, [])
    assert not target.exists()


def test_problems_of_a_broken_id_can_be_written(shop, tmp_path):
    given = in_json(shop, rows(id="a\ud800\n\x1bb", name=""))
    problems.write_problems(tmp_path / "problems.csv", given.problems)
    assert brief(given) == [(1, "a b", "id", "product")]


@pytest.mark.parametrize("price, text", [(17900, "1.79"), (120000, "12"), (1, "0.0001"), (0, "0"), (None, "null"),
                                         (1000000, "100"), (2**63 - 1, "922337203685477.5807")])
def test_the_record_is_compact_json_with_an_exact_price(price, text):
    product = Product(2, 2, "P1", "Pär", price, "EUR", 'a "b"', "", (Path("/x"),), {"Size": "", "n": [1, None]})
    assert products.json_record(product).decode() == (
        f'{{"id":"P1","name":"Pär","price":{text},"currency":"EUR","description":"a \\"b\\"","category":"",'
        '"Size":"","n":[1,null]}')


def test_extra_columns_cannot_take_the_place_of_ours(shop):
    product, = listed(shop, "Id,NAME,Pictures,PRICE,Colour, colour tone \n1,x,a.jpg,3,red,\n",
                      keep=("colour", "Colour Tone")).products
    assert product.extra == {"Colour": "red"} and product.price == 30000


def test_reading_a_list_imports_neither_pyarrow_nor_a_framework():
    code = ("import sys; from pathlib import Path; from catalog_builder.lists import listing; "
            "listing.read(Path('demo/shop/products.csv')); "
            "print([m for m in ('pyarrow', 'torch', 'numpy') if m in sys.modules])")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_a_product_without_a_price_keeps_its_currency_and_a_number_may_be_a_category(shop):
    given = listed(shop, HEADER + "P1,Pear,,EUR,,2024,a.jpg\nP2,Plum,a lot,eur,,,b.jpg\n")
    assert [(product.price, product.currency, product.category) for product in given.products] == [
        (None, "EUR", "2024"), (None, "EUR", "")]
