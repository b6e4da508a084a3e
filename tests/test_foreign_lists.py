"""Kinds of lists that no preset names: nested values, other spellings, joined addresses, merged cells."""

import json
from pathlib import Path

import pytest

from catalog_builder.fields.html_text import plain_text
from catalog_builder.fields.prices import PriceCell, judge
from catalog_builder.lists import listing
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.listing import Listing
from catalog_builder.pictures.picture_names import names_in
from export.common.errors import InputError

FILES = ("a.jpg", "b.jpg", "c.jpg")


@pytest.fixture
def shop(tmp_path):
    for name in FILES:
        (tmp_path / name).write_bytes(b"picture")
    return tmp_path


def read(folder: Path, name: str, content: object, **options: object) -> Listing:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    (folder / name).write_text(text, encoding="utf-8")
    return listing.read(folder / name, ListOptions(**options))


def table(folder: Path, *rows: str, **options: object) -> Listing:
    return read(folder, "list.csv", "".join(f"{row}\n" for row in rows), **options)


def names(found: Listing) -> list[list[str]]:
    return [[path.name for path in product.pictures] for product in found.products]


# JSON.

@pytest.mark.parametrize("price", [{"value": "12.50", "currency": "EUR"}, {"amount": 12.5, "currencyCode": "EUR"}])
def test_a_price_may_be_an_object_with_its_currency(shop, price):
    found = read(shop, "l.json", [{"id": "1", "name": "Pear", "price": price, "image": "a.jpg"}])
    assert [(one.price, one.currency) for one in found.products] == [(125000, "EUR")]


def test_the_least_price_of_the_offers_counts(shop):
    offers = [{"price": "4.00", "priceCurrency": "EUR"}, {"price": "3.00", "priceCurrency": "EUR"}]
    found = read(shop, "l.json", [{"sku": "1", "name": "Pear", "image": ["a.jpg"], "offers": offers}])
    assert [(one.price, one.currency) for one in found.products] == [(30000, "EUR")]


@pytest.mark.parametrize("categories, expected", [
    ([{"id": 9, "name": "Fruit"}, {"id": 10, "name": "Sale"}], "Fruit"), (["Food > Fruit", "Sale"], "Food > Fruit"),
    ([{"value": "FRUIT"}], "FRUIT"), ([19, 23], ""), ("19,23", ""), ("Food|Sale", "Food")])
def test_of_several_categories_the_first_counts_and_ids_do_not(shop, categories, expected):
    found = read(shop, "l.json", [{"sku": "1", "title": "Pear", "image": "a.jpg", "categories": categories}])
    assert [one.category for one in found.products] == [expected]
    assert not [problem for problem in found.problems if problem.field == "category"]


def test_rows_within_an_object_each_are_the_objects(shop):
    found = read(shop, "l.json", {"edges": [{"node": {"id": "1", "name": "Pear", "image": "a.jpg"}}]})
    assert [one.id for one in found.products] == ["1"]


# Columns.

def test_accents_do_not_matter_in_names_of_columns(shop):
    found = table(shop, "Reference,Designation,Categorie,image", "1,Poire,Fruits,a.jpg")
    assert [(one.id, one.name, one.category) for one in found.products] == [("1", "Poire", "Fruits")]


def test_the_namespace_of_a_feed_may_stand_before_each_column(shop):
    found = table(shop, "g:id,g:title,g:image_link,g:price", "1,Pear,a.jpg,2 EUR")
    assert [(one.id, one.name, one.price) for one in found.products] == [("1", "Pear", 20000)]


@pytest.mark.parametrize("column", ["name(en-gb)", "name-en_US", "name_en", "Name [en]", "name-en_US-ecommerce"])
def test_a_column_may_name_its_language(shop, column):
    found = table(shop, f"sku,{column},image", "1,Pear,a.jpg")
    assert [one.name for one in found.products] == ["Pear"]


def test_of_columns_in_several_languages_the_user_takes_one(shop):
    rows = "sku,name_en,name_de,image", "1,Pear,Birne,a.jpg"
    with pytest.raises(InputError, match="2 columns could be the name.*--map name=name_en"):
        table(shop, *rows)
    assert [one.name for one in table(shop, *rows, language="de").products] == ["Birne"]
    assert [one.name for one in table(shop, *rows, columns={"name": ["name_en"]}).products] == ["Pear"]


def test_an_id_is_no_language(shop):
    with pytest.raises(InputError, match="no column for the name"):
        table(shop, "product_id,image", "1,a.jpg")


def test_prices_in_two_currencies_are_refused_with_what_decides(shop):
    rows = "sku,name,price-EUR,price-USD,image", "1,Pear,2.50,3.00,a.jpg"
    with pytest.raises(InputError, match='2 columns could be the price.*--map price="price-EUR"'):
        table(shop, *rows)
    found = table(shop, *rows, columns={"price": ["price-USD"]})
    assert [(one.price, one.currency) for one in found.products] == [(30000, "USD")]


def test_drafts_of_our_own_format_are_left_out(shop):
    found = table(shop, "id,name,pictures,status", "1,Pear,a.jpg,draft", "2,Plum,b.jpg,active")
    assert [one.id for one in found.products] == ["2"] and found.recognition.left_out.total() == 1


@pytest.mark.parametrize("column", ["Hidden", "archived", "Is Draft"])
@pytest.mark.parametrize("names_", ["id,name,pictures", "sku,title,image"])
def test_what_a_column_calls_hidden_is_left_out(shop, names_, column):
    found = table(shop, f"{names_},{column}", "1,Pear,a.jpg,Yes", "2,Plum,b.jpg,No", "3,Fig,c.jpg,")
    assert [one.name for one in found.products] == ["Plum", "Fig"]


def test_what_a_feed_calls_archived_is_left_out(shop):
    found = table(shop, "id,title,image_link,status", "1,Pear,a.jpg,archived", "2,Plum,b.jpg,active")
    assert [one.id for one in found.products] == ["2"]


def test_a_systems_own_dates_and_its_word_for_no_picture(shop):
    header = "sku,product_type,name,price,special_price,special_price_from_date,base_image,additional_images"
    found = table(shop, header, '1,simple,Pear,4.00,3.00,"1/14/21, 12:00 AM",no_selection,a.jpg', currency="EUR")
    assert [one.price for one in found.products] == [30000] and names(found) == [["a.jpg"]]
    assert not [problem for problem in found.problems if problem.line]


# Pictures.

@pytest.mark.parametrize("between", [";", "|", ", ", " ; ", "\n", "\\n"])
@pytest.mark.parametrize("separators", [(), (",",), ("|", ",")])
def test_several_addresses_are_several_names_whatever_is_between(between, separators):
    addresses = ["http://shop.test/w_3,h_2/a.jpg", "https://shop.test/b.jpg?v=1;2"]
    assert names_in(between.join(addresses), lambda name: False, separators) == addresses


def test_a_list_that_python_wrote_is_a_list():
    assert names_in("['a.jpg', \"b,c.jpg\"]", lambda name: False) == ["a.jpg", "b,c.jpg"]


def test_pictures_with_places_come_in_their_order():
    cell = json.dumps([{"src": "b.jpg", "position": 2}, {"src": "a.jpg", "position": 1}])
    assert names_in(cell, lambda name: False) == ["a.jpg", "b.jpg"]


def test_a_pattern_may_be_an_address(shop):
    found = table(shop, "sku,name", "1,Pear", "2,Plum", pictures_from="https://shop.test/{sku}.jpg")
    assert found.recognition.addresses == {"https://shop.test/1.jpg": 2, "https://shop.test/2.jpg": 3}
    assert all("python -m catalog_builder fetch" in problem.what for problem in found.problems if problem.line)


def test_a_servers_path_finds_the_file_whose_folders_it_shares(shop):
    for folder in ("media/one", "media/two"):
        (shop / folder).mkdir(parents=True)
        (shop / folder / "d.jpg").write_bytes(b"picture")
    found = table(shop, "sku,name,image", "1,Pear,/var/www/media/two/d.jpg", "2,Plum,media/two/d.jpg?v=3",
                  "3,Fig,d.jpg")
    assert [[str(path.parent.name) for path in one.pictures] for one in found.products] == [["two"], ["two"]]
    assert "several files fit" in str(found.problems)


# Values.

@pytest.mark.parametrize("text, amount, currency", [
    ("₹1,23,456/-", 1234560000, "INR"), ("nur 5,00 €", 50000, "EUR"), ("¥1,980（税込）", 19800000, "JPY"),
    ("税込 1,980円", 19800000, "JPY"), ("20 RUR", 200000, "RUB")])
def test_notes_beside_a_price(text, amount, currency):
    cell = PriceCell(text)
    price = judge([cell], currency if "¥" in text or "円" in text else "").price(cell)
    assert (price.amount, price.currency) == (amount, currency)


def test_html_that_was_escaped_once_too_often_becomes_text():
    assert plain_text("&lt;p&gt;Pans &amp;amp; &lt;b&gt;pots&lt;/b&gt;&lt;/p&gt;") == "Pans & pots"
    assert plain_text("5 &lt;p&gt; 6") == "5 <p> 6"


def test_quotes_after_a_blank_are_quotes(shop):
    found = table(shop, "sku, name, image", '1, "Pear ""big""", "a.jpg"')
    assert [one.name for one in found.products] == ['Pear "big"'] and names(found) == [["a.jpg"]]


def test_an_attribute_beside_a_text_is_read(shop):
    found = read(shop, "l.xml", '<shop><item sku="1"><name>Pear</name><price currency="EUR">2</price>'
                 "<images><image>a.jpg</image><image>b.jpg</image></images></item></shop>")
    assert [(one.price, one.currency) for one in found.products] == [(20000, "EUR")]
    assert names(found) == [["a.jpg", "b.jpg"]]


# Workbooks.

def test_cells_that_are_merged_downwards_all_hold_the_first_ones_text(shop):
    import openpyxl

    book = openpyxl.Workbook()
    for row in (("List of 2024",), ("sku", "name", "category", "image"), ("1", "Pear", "Fruit", "a.jpg"),
                ("2", "Plum", None, "b.jpg"), ("3", "Pan", None, "c.jpg")):
        book.active.append(row)
    book.active.merge_cells("A1:D1")
    book.active.merge_cells("C3:C4")
    book.save(shop / "l.xlsx")
    found = listing.read(shop / "l.xlsx")
    assert [one.category for one in found.products] == ["Fruit", "Fruit", ""]


def test_the_sheet_with_known_columns_is_read(shop):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(("Read me first",))
    for row in (("sku", "name", "image"), ("1", "Pear", "a.jpg")):
        (book["Products"] if "Products" in book else book.create_sheet("Products")).append(row)
    book.save(shop / "l.xlsx")
    found = listing.read(shop / "l.xlsx")
    assert [one.id for one in found.products] == ["1"]
    assert "sheets that are not read: 'Sheet'" in str(found.problems)
