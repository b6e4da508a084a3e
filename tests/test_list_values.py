"""Values of product lists: texts without HTML, ids, categories, languages, answers and dates as vendors write them."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_builder.fields.html_text import plain_text
from catalog_builder.fields.values import (
    availability,
    category,
    date_of,
    escaped_line_ends,
    id_text,
    sale_dates,
    split_list,
    tagged_text,
    yes_no,
)
from catalog_builder.tables.table_types import Lost

# HTML.


@pytest.mark.parametrize("text", [
    "Pan < 12 cm", "a<b", "a <b", "a<b and c>d", "AT&T", "R&D;", "R&D", "Q&A; more", "x <b and c> y", "<3 love",
    "1 << 2 >> 0", "# Title\n\n- one\n- *two*  \n<https://x.example/?a=1&b=2>", "<mailto:a@b.example>",
    "Size <large>", "<name>", "<x-box>", "https://x.example/?a=1&lt=2&copy=3", "&", "<", ">", "<>", "</>", "< p >",
    "&;", "&#;", "&#xg;", "&nosuch;", "<p", "<p <p", "  two  blanks\n\n\nthree lines ", "no\u00a0break", "尺寸<大>", "",
    "<!", "<?", "<-- no -->"])
def test_a_text_without_html_stays(text):
    assert plain_text(text) == text


@pytest.mark.parametrize("text, plain", [
    ("<p>Fresh</p>", "Fresh"), ("<P CLASS='x'>a</P>", "a"), ("a<br>b<br/>c<BR />d", "a\nb\nc\nd"), ("a<br>\nb", "a\nb"),
    ("a<br><br>b", "a\n\nb"), ("<p>a</p><p>b</p>", "a\nb"), ("<p>one\ntwo</p>\n\n<p>three</p>", "one two\nthree"),
    ("<ul><li>a</li><li>b</li></ul>c", "a\nb\nc"), ("<ul><li>a<li>b</ul>", "a\nb"),
    ("<div>a<div>b</div></div>c", "a\nb\nc"), ("<tr><td>a</td><td>b</td></tr><tr><th>c</th></tr>", "a b\nc"),
    ("<h1>T</h1>text<h6>U</h6>", "T\ntext\nU"), ("<b>S</b>hirt <i>red</i>", "Shirt red"),
    ("<b>a</b>\nline\n\nthree", "a\nline\n\nthree"), ("a  <b>b</b>\t c", "a b c"),
    ("<p>Pan < 12 cm</p>", "Pan < 12 cm"), ("<p>a<b</p>", "a<b"), ("<p>AT&T</p>", "AT&T"),
    ("<p>&nbsp;</p><p>a</p>", "a"), ("<p title='a > b' id=\"<p>\">x</p>", "x"),
    ("<p title=\"5\" wide\">x</p>", "x"), ("<a href=x>y", "y"), ("y</p></p>", "y"), ("<b><i>x</b></i>", "x"),
    ("<input disabled>x<hr noshade/>y", "x\ny"), ("<o:p></o:p>x<st1:place>y", "xy"),
    ("<img src='a.jpg' alt='b'>x", "x"), ("<!DOCTYPE html><html><body>x", "x"), ("<?xml version='1.0'?>x", "x")])
def test_tags_become_line_breaks_or_nothing(text, plain):
    assert plain_text(text) == plain


@pytest.mark.parametrize("text, plain", [
    ("AT&amp;T", "AT&T"), ("&lt;p&gt;", "<p>"), ("&amp;lt;", "&lt;"), ("&amp;amp;amp;", "&amp;amp;"),
    ("caf&eacute;", "café"), ("5&nbsp;cm", "5 cm"), ("&#8211;&#x2014;", "–—"),
    ("&#0;&#xD800;&#x110000;", "\ufffd" * 3), ("a &amp; R&D;", "a & R&D;"),
    ("Tom &amp; Jerry\n\n\n  x", "Tom & Jerry\n\n\n  x"), ("<p>&lt;b&gt;x&lt;/b&gt;</p>", "<b>x</b>"),
    ("&#8232;x", "\nx")])
def test_entities_are_decoded_once(text, plain):
    assert plain_text(text) == plain


@pytest.mark.parametrize("text, plain", [
    ("a<script>alert('<p>x</p>')</script>b", "ab"), ("<STYLE>\n.a{}</STYLE >b", "b"), ("a<script src=x />b", "ab"),
    ("a<script>var x = '<\\/script>'; y</script>b", "ab"), ("a<style>.x{}", "a"), ("a</script>b", "ab"),
    ("a<!-- <p>x</p> -->b", "ab"), ("a<!--[if mso]>x<![endif]-->b", "ab"), ("a<!-- b", "a b"), ("a<!-->b-->", "a"),
    ("<![CDATA[<p>a & b</p>]]>", "a & b"), ("a]]>b", "a]]>b"), ("<![if !x]>a<![endif]>", "a")])
def test_scripts_styles_and_comments_are_gone(text, plain):
    assert plain_text(text) == plain


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["<", ">", "/", "p", "br", "script", "style", "a", " ", "=", '"', "'", "&", "amp",
       ";", "#", "1",
                                 "!--", "-->", "![CDATA[", "]]>", "\n", "\u2028", "\u2029", "é", "</p>", "<p>"]),
                                 max_size=30))
def test_any_text_is_read_and_never_grows(parts):
    text = "".join(parts)
    plain = plain_text(text)
    assert len(plain) <= len(text) and ("<" in text or "&" in text or plain == text)


@pytest.mark.parametrize("unit", [
    "<", "<a ", "<!--", "<a =\"", "<a ='\"", "<a =\"<a ='", "<script>", "<p>", "<p> \n", "&", "&#", "&amp",
    "<![CDATA[", "]]>", "</", "<br>", "<br> ", "<!doctype ", "<?x ", "</script", "<script></scrip", "<p a=1 "])
def test_the_time_grows_with_the_length(unit):
    text = unit * ((1 << 18) // len(unit))
    start = time.perf_counter()
    plain_text(text + "<p>&")
    assert time.perf_counter() - start < 5


# Ids.

@pytest.mark.parametrize("value, text", [
    ("00123", "00123"), ("1e5", "1e5"), ("1.23E+12", "1.23E+12"), ('="00123"', "00123"), ('="a""b"', 'a"b'),
    ("'00123", "00123"), ("'x'", "'x'"), ("'", "'"), (" A-1 ", "A-1"), (7, "7"), (0, "0"), (-1, "-1"),
    (2**64, str(2**64)), (1.0, "1"), ("1.0", "1"), (1.5, "1.5"), ("1.5", "1.5"), ("1.00", "1.00"), ("01.0", "01.0"),
    (1e15, "1000000000000000"), (Decimal("12.0"), "12"), (Decimal("1.50"), "1.50"), (None, ""), ("", ""),
    (float("nan"), ""), (Decimal("NaN"), ""), ("=1+1", "=1+1"), ("٣", "٣")])
def test_an_id_is_the_text_that_the_shop_gave(value, text):
    assert id_text(value) == text


@pytest.mark.parametrize("value", [True, False, [1], {}, b"1", float("inf"), 1e300, Decimal("1E+999999"), 2**60 * 1.0])
def test_what_is_no_id_is_lost(value):
    with pytest.raises(Lost) as caught:
        id_text(value)
    assert caught.value.field == "id"


def test_an_id_too_long_to_write_is_lost():
    with pytest.raises(Lost):
        id_text(10**5000)


# Lists in one cell, and what exporters add.

@pytest.mark.parametrize("text, separator, parts", [
    ("a, b,,c ", ",", ["a", "b", "c"]), (r"a\, b, c", ",", ["a, b", "c"]), ("a|b", "|", ["a", "b"]),
    (r"A\/B/C", "/", ["A/B", "C"]), ("a, b", "", ["a, b"]), ("", ",", []), (" , ", ",", []),
    ("a||b|c", "||", ["a", "b|c"])])
def test_a_cell_is_split_at_its_separator(text, separator, parts):
    assert split_list(text, separator) == parts


@pytest.mark.parametrize("text, plain", [(r"a\nb", "a\nb"), (r"a\\nb", r"a\nb"), (r"C:\temp", r"C:\temp"),
                                         (r"\n\n", "\n\n")])
def test_escaped_line_ends_are_line_ends(text, plain):
    assert escaped_line_ends(text) == plain


# Categories.

@pytest.mark.parametrize("value, options, expected", [
    ("Fruit", {}, "Fruit"), ("Shop > Fruit, New", {"separator": ","}, "Shop > Fruit"), ("A>B >C", {}, "A > B > C"),
    ("A › B » C", {}, "A > B > C"), ("A > B > C", {"level": 2}, "A > B"), ("A", {"level": 2}, "A"),
    ("A > > B", {}, "A > B"), (r"Pots\, pans > Steel, New", {"separator": ","}, "Pots, pans > Steel"),
    ("A/B;C", {"separator": ";", "path_mark": "/"}, "A > B"), (r"A\/B/C", {"path_mark": "/"}, "A/B > C"),
    ("A/B", {}, "A/B"),
    ("Default Category/Gear/Bags,Default Category/Sale", {"separator": ",", "path_mark": "/",
    "drop": ["Default Category"],
                                                          "deepest": True}, "Gear > Bags"),
    ("Default Category,Default Category/Sale", {"separator": ",", "path_mark": "/", "drop": ["Default Category"]},
    "Sale"), ("A,B > C,D > E", {"separator": ",", "deepest": True}, "B > C"), ("Root", {"drop": ["Root"]}, ""),
    ("Men &amp; women &gt; Shirts", {}, "Men & women > Shirts"), ("<b>A</b>", {}, "A"),
    ("Food, Beverages > X", {}, "Food, Beverages > X"), (["A > B", "C"], {}, "A > B"),
    ('["A > B", "C"]', {}, "A > B"), ([["A", "B", "C"], ["D"]], {}, "A > B > C"),
    ('[["A", "B"]]', {"level": 1}, "A"), ([{"id": 1, "name": "A"}], {}, "A"), ({"name": "A > B"}, {}, "A > B"),
    (7, {}, "7"), (["A", "B > C"], {"deepest": True}, "B > C"), ("[Sale] Pans", {}, "[Sale] Pans"),
    ("A -> B", {"path_mark": "->"}, "A > B"), (None, {}, ""), ("", {}, ""), (" > ", {}, ""), ([], {}, ""),
    ([None], {}, ""), (True, {}, ""), ("[" * 100_000, {}, "[" * 100_000)])
def test_a_category_is_the_first_path(value, options, expected):
    assert category(value, **options) == expected


# Languages.

SHIRT = {"en": "Shirt", "de": "Hemd", "zh_TW": "襯衫"}
LIST = [{"language_tag": "en_IN", "value": "Shirt"}, {"language_tag": "de-DE", "value": "Hemd"}]


@pytest.mark.parametrize("value, language, text", [
    (SHIRT, "de", "Hemd"), (SHIRT, "zh-tw", "襯衫"), (SHIRT, "zh", "襯衫"), (SHIRT, "EN", "Shirt"),
    (json.dumps(SHIRT), "de", "Hemd"), (LIST, "en", "Shirt"), (LIST, "de", "Hemd"),
    (json.dumps(LIST), "de_AT", "Hemd"), ([{"lang": "en", "text": "x"}], "en", "x"),
    ([{"@language": "fr", "@value": "x"}], "fr", "x"), ({"en": "Shirt"}, "", "Shirt"),
    ({"en": None, "de": "Hemd"}, "", "Hemd")])
def test_a_text_is_taken_by_its_language(value, language, text):
    found = tagged_text(value, language)
    assert (found.text, found.notice) == (text, "")


@pytest.mark.parametrize("value, language", [(SHIRT, ""), (SHIRT, "fr"), (json.dumps(SHIRT), "")])
def test_without_its_language_the_first_is_taken_and_all_are_named(value, language):
    found = tagged_text(value, language)
    assert found.text == "Shirt" and found.notice == "en taken of the languages en, de, zh_TW"


@pytest.mark.parametrize("value", [
    "Shirt", "", None, 5, [], {}, ["a"], {"size": "L"}, {"en": 5}, [{"value": "x"}], [{"language": "en"}], "{", "[1]",
    "[" * 100_000,
    {"en": ""}, [{"language": 5, "value": "x"}], '{"a": 1}'])
def test_other_values_have_no_languages(value):
    assert tagged_text(value, "en") is None


# Answers.

@pytest.mark.parametrize("word, answer", [
    ("in_stock", "in stock"), ("in stock", "in stock"), ("IN STOCK", "in stock"), ("instock", "in stock"),
    ("1", "in stock"), (1, "in stock"), (True, "in stock"), ("true", "in stock"), ("12", "in stock"),
    ("auf Lager", "in stock"), ("en stock", "in stock"), ("disponible", "in stock"), ("有貨", "in stock"),
    ("现货", "in stock"), ("在庫あり", "in stock"), ("https://schema.org/InStock", "in stock"),
    ("http://schema.org/OutOfStock", "sold out"), ("out of stock", "sold out"), ("out_of_stock", "sold out"),
    ("outofstock", "sold out"), ("out-of-stock", "sold out"), ("0", "sold out"), (0, "sold out"),
    (False, "sold out"), ("-5", "sold out"), (-5, "sold out"), ("discontinued", "sold out"),
    ("ausverkauft", "sold out"), ("Rupture de stock", "sold out"), ("agotado", "sold out"), ("售罄", "sold out"),
    ("缺貨", "sold out"), ("売り切れ", "sold out"), ("backorder", ""), ("onbackorder", ""), ("preorder", ""), ("", ""),
    (None, ""), ("maybe", ""), ([1], ""), ("x" * 10**6, "")])
def test_availability_is_in_stock_or_sold_out_or_unknown(word, answer):
    assert availability(word) == answer


@pytest.mark.parametrize("word, answer", [
    ("Yes", True), ("TRUE", True), (True, True), (1, True), ("1", True), (1.0, True), ("y", True), ("ja", True),
    ("oui", True), ("sí", True), ("是", True), ("はい", True), (" on ", True), ("No", False), ("false", False),
    (False, False), (0, False), ("N", False), ("nein", False), ("non", False), ("否", False), ("いいえ", False),
    ("", None), (None, None), ("maybe", None), ("-1", None), (2, None), ([True], None), ({}, None), (2**99, None)])
def test_yes_and_no_are_told_in_several_languages(word, answer):
    assert yes_no(word) is answer


# Dates.

@pytest.mark.parametrize("text, moment", [
    ("2024-05-31", datetime(2024, 5, 31, tzinfo=UTC)),
    (" 2024-05-31 12:30:00 ", datetime(2024, 5, 31, 12, 30, tzinfo=UTC)),
    ("2024-05-31T12:30Z", datetime(2024, 5, 31, 12, 30, tzinfo=UTC)),
    ("2024-05-31t12:30:15.5+02:00", datetime(2024, 5, 31, 10, 30, 15, 500000, tzinfo=UTC)),
    ("2016-02-24T13:00-0800", datetime(2016, 2, 24, 21, tzinfo=UTC)), ("0001-01-01T00:00+0800", None),
    ("2024-02-30", None), ("31.05.2024", None), ("5/31/24", None), ("20240531", None), ("2024-5-31", None),
    ("0000-00-00 00:00:00", None), ("", None), ("2024-05-31T25:00", None), ("2024-05-31 12", None),
    ("２０２４-05-31", None)])
def test_a_date_is_iso_or_none(text, moment):
    assert date_of(text) == moment


def on(start: str, end: str = "") -> list[str]:
    """The days of a window in May and June on which a sale is on, at noon."""
    sale = sale_dates(start, end)
    days = [datetime(2024, 5, 29, 12, tzinfo=UTC) + timedelta(day) for day in range(5)]
    return [f"{day:%d}" for day in days if sale.holds(day)]


@pytest.mark.parametrize("start, end, days", [
    ("", "", ["29", "30", "31", "01", "02"]), ("2024-05-30", "", ["30", "31", "01", "02"]),
    ("", "2024-05-30", ["29", "30"]), ("2024-05-30", "2024-05-31", ["30", "31"]),
    ("2024-05-30 00:00:00", "2024-05-31 00:00:00", ["30"]),
    ("2024-05-30T13:00-0100/2024-06-01T15:30+0000", "", ["31", "01"]), ("2024-05-30/2024-05-31", "", ["30", "31"]),
    ("2024-05-30/", "", ["30", "31", "01", "02"]), ("9998-01-01", "9999-12-31", []), ("2024-06-01", "2024-05-30", [])])
def test_a_sale_is_on_between_its_dates(start, end, days):
    assert on(start, end) == days


@pytest.mark.parametrize("start, end", [("soon", ""), ("", "31.5.2024"), ("2024-05-30/x", ""),
                                        ("2024-05-30", "2024-02-30")])
def test_dates_that_cannot_be_read_are_lost(start, end):
    with pytest.raises(Lost, match="dates of the sale") as caught:
        sale_dates(start, end)
    assert caught.value.field == "price"
