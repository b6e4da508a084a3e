"""Exports as shop systems write them: each gives the right products, and neither hidden products nor costs.

tests/lists/ holds one small export a system, written after the system's documents; expected.json says what must come of
each. Their addresses begin with http://shop.test, in whose place a local server gives the sample shop's pictures.

preset       the table of presets.toml that must be recognised
products     in the list's order, pictures in theirs; a description's line breaks count, its blank lines do not
options      the least that a user must say: a currency where the list has none, a pattern where no column has pictures
tree         where the pictures lie, from the list's folder, if it names files and not addresses
absent       names of products that shoppers must not see
private      columns that must not ship; `secrets`: values that no record may hold
ordered      the header is in another language: the columns are recognised by their order
"""

import csv
import hashlib
import io
import json
import random
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from catalog_builder.__main__ import main
from catalog_builder.catalog.reader import open_catalog
from catalog_builder.lists import listing
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.listing import Listing
from catalog_builder.lists.products import Product, json_record
from tests.conftest import ROOT, run_module
from tests.picture_server import PICTURES, served

LISTS = ROOT / "tests" / "lists"
EXPECTED = json.loads((LISTS / "expected.json").read_text(encoding="utf-8"))
TABLES = [name for name in EXPECTED if name.endswith((".csv", ".tsv"))]
BY_PATTERN = [name for name in EXPECTED if "pictures_from" in EXPECTED[name].get("options", {})]     # names a column
HOST = b"http://shop.test"
BOM = "\ufeff"
SEED = 20261125


@pytest.fixture(scope="module")
def address() -> Iterator[bytes]:
    """Where the sample shop's pictures are served."""
    with served() as address:
        yield address.encode()


@pytest.fixture(scope="module")
def ready(address, tmp_path_factory):
    """From an export's name to a copy of it whose pictures are there. Do not change it: copy its folder."""
    @cache
    def prepare(name: str) -> Path:
        folder = tmp_path_factory.mktemp("list")
        copy = folder / name
        content = (LISTS / name).read_bytes()
        copy.write_bytes(content.replace(HOST, address))
        if "tree" in EXPECTED[name]:
            tree = folder / EXPECTED[name]["tree"]
            tree.mkdir(parents=True, exist_ok=True)
            for picture in {picture for product in EXPECTED[name]["products"] for picture in product["pictures"]}:
                shutil.copy2(PICTURES / picture, tree)
        if HOST in content:
            assert main(["fetch", str(copy), "--allow-private"]) == 0
        return copy

    return prepare


def rewritten(listed: Path, folder: Path, table: list[list[str]], delimiter: str) -> Path:
    """A copy of a list and its pictures, with other rows in it."""
    shutil.copytree(listed.parent, folder)
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(table)
    (folder / listed.name).write_text(text.getvalue(), encoding="utf-8")
    return folder / listed.name


def rows_of(listed: Path) -> tuple[list[list[str]], str]:
    """A list's rows, comment lines first, without columns that have no name; and its delimiter."""
    text = listed.read_text(encoding="utf-8").removeprefix(BOM)
    delimiter = max("\t;,", key=next(line for line in text.splitlines() if not line.startswith("# ref_")).count)
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    header = header_of(rows)
    named = [place for place, column in enumerate(rows[header]) if column]
    return [row if len(row) < len(named) else [row[place] for place in named] for row in rows], delimiter


def header_of(rows: list[list[str]]) -> int:
    return next(place for place, row in enumerate(rows) if not row[0].startswith("# "))


def read(listed: Path) -> Listing:
    options = EXPECTED[listed.name].get("options", {})
    return listing.read(listed, ListOptions(**options))


@cache
def digests() -> dict[str, str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path.name for path in PICTURES.iterdir()}


def shown(product: Product) -> dict[str, object]:
    """A product as expected.json has it."""
    record = json.loads(json_record(product), parse_float=str, parse_int=str)
    return {name: record[name] for name in ("id", "name", "price", "currency", "category")} | {
        "description": lines_of(record["description"]),
        "pictures": [digests()[hashlib.sha256(path.read_bytes()).hexdigest()] for path in product.pictures]}


def wanted(product: dict) -> dict[str, object]:
    """A product of expected.json, its price written as a record writes it."""
    price = product["price"]
    return product | {"description": lines_of(product["description"]),
                      "price": price.rstrip("0").rstrip(".") if "." in price else price}


def lines_of(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def check(name: str, found: Listing) -> None:
    """Nothing was lost, and the products are the expected ones."""
    assert [problem for problem in found.problems if problem.skipped] == []
    assert [shown(product) for product in found.products] == [wanted(product) for product in EXPECTED[name]["products"]]
    assert found.recognition.columns.preset.key == EXPECTED[name]["preset"]


def test_every_export_is_expected_and_every_expectation_has_its_export():
    assert {path.name for path in LISTS.iterdir()} == {*EXPECTED, "expected.json"}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_gives_the_right_products(name, ready):
    check(name, read(ready(name)))


@pytest.mark.parametrize("name", EXPECTED)
def test_what_shoppers_must_not_see_does_not_ship(name, ready):
    expected, found = EXPECTED[name], read(ready(name))
    assert {*expected.get("private", ())} <= {*found.recognition.not_shipped}
    records = "\n".join(json_record(product).decode() for product in found.products)
    for secret in (*expected.get("absent", ()), *expected.get("secrets", ())):
        assert secret not in records


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TABLES if not EXPECTED[name].get("ordered")])
def test_the_order_of_the_columns_does_not_matter(name, ready, tmp_path):
    rows, delimiter = rows_of(ready(name))
    header = header_of(rows)
    order = list(range(len(rows[header])))
    random.Random(SEED).shuffle(order)
    shuffled = [[row[place] for place in order] if len(row) == len(order) else row for row in rows]
    check(name, read(rewritten(ready(name), tmp_path / "list", shuffled, delimiter)))


@pytest.mark.slow
@pytest.mark.parametrize("change", [str.upper, str.lower, lambda text: f" {text} "], ids=["upper", "lower", "blanks"])
@pytest.mark.parametrize("name", [name for name in TABLES if name not in BY_PATTERN])
def test_case_and_outer_blanks_of_the_columns_do_not_matter(name, change, ready, tmp_path):
    rows, delimiter = rows_of(ready(name))
    header = header_of(rows)
    rows[header] = [change(column) for column in rows[header]]
    check(name, read(rewritten(ready(name), tmp_path / "list", rows, delimiter)))


@pytest.mark.parametrize("name", ["shopify.csv", "woocommerce.csv"])
def test_one_fetch_and_one_build_make_a_catalog_of_an_export(name, gated, ready, tmp_path):
    dist, gate = gated
    assert gate.returncode == 0, gate.stdout + gate.stderr
    listed = tmp_path / name
    shutil.copy2(ready(name), listed)
    answer = run_module("catalog_builder", "fetch", str(listed), "--allow-private")
    assert answer.returncode == 0, answer.stderr
    out = tmp_path / "shop.catalog"
    answer = run_module("catalog_builder", "build", "--products", str(listed), "--currency", "EUR", "--dist",
                        str(dist.parent), "--model", dist.name, "--catalog", str(out))
    assert answer.returncode == 0, answer.stderr
    catalog = open_catalog(out)
    records = [catalog.record(product) for product in range(catalog.products)]
    expected = EXPECTED[name]["products"]
    fields = ("id", "name", "currency", "category")
    assert [[record[key] for key in fields] for record in records] == [[one[key] for key in fields] for one in expected]
    assert [float(record["price"]) for record in records] == [float(one["price"]) for one in expected]
    assert [lines_of(record["description"]) for record in records] == [lines_of(one["description"]) for one in expected]
    assert catalog.rows == sum(len(one["pictures"]) for one in expected)
    content = out.read_bytes()
    for secret in (*EXPECTED[name]["secrets"], *EXPECTED[name]["absent"]):
        assert secret.encode() not in content
