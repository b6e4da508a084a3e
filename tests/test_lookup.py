"""A product by its id: from the catalog's order of ids, or from its records; the golden ids that the ports read."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from catalog_builder import lookup_goldens
from catalog_builder.builder import writer
from catalog_builder.catalog import reader
from catalog_builder.catalog.reader import Catalog, CatalogError, open_catalog
from export.common import files
from parity import goldens
from tests.test_catalog import RECORDS, content, fractions, refused, written

FOLDER = Path(os.environ.get("GOLDENS", goldens.OUT)) / "ids"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="ascii"))


@pytest.mark.parametrize("number", range(len(INDEX["catalogs"])))
def test_a_golden_id_has_its_place(number):
    told = INDEX["catalogs"][number]
    made = open_catalog(FOLDER / told["catalog"])
    assert {one["id"]: one["place"] for one in told["places"]} == {
        one["id"]: made.place(one["id"]) for one in told["places"]}
    assert (made.id_order is None) == (told["catalog"] == "older.catalog")


@pytest.mark.parametrize("name", INDEX["damaged"])
def test_a_golden_order_that_is_none_is_refused(name):
    with pytest.raises(CatalogError, match="id_order"):
        open_catalog(FOLDER / name)


def test_the_golden_ids_can_be_made_anew(tmp_path):
    lookup_goldens.write(tmp_path / "ids")
    for path in files.files_of(goldens.OUT / "ids"):
        assert (tmp_path / path.relative_to(goldens.OUT)).read_bytes() == path.read_bytes(), path


def test_the_golden_ids_cover_the_orders_that_differ():
    ids = lookup_goldens.IDS
    by_bytes = sorted(ids, key=lambda one: one.encode())
    assert by_bytes != sorted(ids, key=lambda one: one.encode("utf-16-be"))
    assert by_bytes != sorted(ids, key=lambda one: [(byte ^ 128) - 128 for byte in one.encode()])      # signed bytes
    told = {one["catalog"]: [place["place"] for place in one["places"]] for one in INDEX["catalogs"]}
    assert told["ordered.catalog"] == told["older.catalog"] == [*range(len(ids)), *[None] * len(lookup_goldens.UNKNOWN)]
    assert told["by-place.catalog"].count(None) > told["ordered.catalog"].count(None)


def test_an_order_that_is_wrong_never_gives_another_product():
    for told in INDEX["catalogs"]:
        made = open_catalog(FOLDER / told["catalog"])
        found = [(one["id"], one["place"]) for one in told["places"] if one["place"] is not None]
        assert all(made.record(place)["id"] == product_id for product_id, place in found)


def test_the_writer_orders_ids_as_a_reader_does(tmp_path):
    ids = [f"p{place}" for place in range(5)][::-1]
    made = open_catalog(written(tmp_path / "a.catalog", ids=ids))
    assert made.id_order.tolist() == [4, 3, 2, 1, 0]
    without = open_catalog(written(tmp_path / "b.catalog"))
    assert without.id_order is None and without.places_by_id.tolist() == [0, 1, 2, 3, 4]
    assert [without.place(f"p{place}") for place in range(6)] == [0, 1, 2, 3, 4, None]


def test_the_order_of_ids_is_all_that_the_bytes_gain(tmp_path):
    plain, ordered = written(tmp_path / "a.catalog"), written(tmp_path / "b.catalog", ids=[f"p{i}" for i in range(5)])
    (before, texts), (after, same) = (reader.container.parsed(memoryview(path.read_bytes()))[::-1]
                                      for path in (plain, ordered))
    assert {**texts, "sha256": ""} == {**same, "sha256": ""} and set(after) - set(before) == {"id_order"}
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_ids_of_another_number_than_products_are_never_written(tmp_path):
    with pytest.raises(CatalogError, match="id_order is uint32 .4."):
        written(tmp_path / "a.catalog", ids=["a", "b", "c", "d"])
    assert list(tmp_path.iterdir()) == []


def test_of_equal_ids_the_first_place_is_found(tmp_path):
    records = [b'{"id":"b"}', b'{"id":"a"}', b'{"id":"b"}', b'{"id":"a"}', b'{"id":"a"}']
    for ids in (None, ["b", "a", "b", "a", "a"]):
        made = open_catalog(written(tmp_path / f"{ids is None}.catalog", records=records, ids=ids))
        assert [made.place(one) for one in "abc"] == [1, 0, None]


def test_a_record_without_an_id_is_found_by_none(tmp_path):
    made = open_catalog(written(tmp_path / "a.catalog", records=[b"{}", b'{"id":1}', *RECORDS[2:]]))
    assert [made.place(one) for one in ("1", "p2", "p0")] == [None, 2, None]


def test_a_damaged_record_on_the_way_is_an_error_that_names_it(tmp_path):
    made = open_catalog(written(tmp_path / "a.catalog", records=[*RECORDS[:2], b"[", *RECORDS[3:]],
                                ids=[f"p{i}" for i in range(5)]))
    with pytest.raises(CatalogError, match="damaged record in .*a.catalog, product 2"):
        made.place("p4")


def test_few_records_of_many_are_parsed(tmp_path, monkeypatch):
    many = 5000
    ids = [f"{place * 7919 % many:x}" for place in range(many)]
    made = content(records=[json.dumps({"id": one}).encode() for one in ids], prices=np.zeros(many),
                   categories=np.zeros(many), owners=np.arange(many), ids=ids)
    writer.write(tmp_path / "a.catalog", made, fractions(many, 2))
    found, parsed = open_catalog(tmp_path / "a.catalog"), []
    record = Catalog.record
    monkeypatch.setattr(Catalog, "record", lambda own, product: parsed.append(product) or record(own, product))
    for place in range(0, many, 97):
        parsed.clear()
        assert found.place(ids[place]) == place
        assert len(parsed) <= 14             # 2 ** 13 > 5000, and one to compare


@pytest.mark.parametrize(("order", "says"), [
    ([0, 1, 2, 3, 3], "an id_order that does not hold each place once"), ([0, 1, 2, 3, 5], "each place once"),
    ([0, 1, 2, 3, 2**32 - 1], "each place once"), ([0, 1, 2, 3], "id_order is uint32 .4.")])
def test_an_order_that_is_no_permutation_is_refused(tmp_path, monkeypatch, order, says):
    path = written(tmp_path / "a.catalog", ids=list("abcde"))
    metadata, tensors = reader.container.parsed(memoryview(path.read_bytes()))
    path.write_bytes(reader.container.container_bytes(metadata, {**tensors, "id_order": np.array(order, "<u4")}))
    refused(path, says)
