"""A column of prices: each cell comes out exact, or lost with its reason; never off by a factor."""

import random
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_builder.fields.currencies import marks, minor_units, point_and_three_decimals, without_thousandths
from catalog_builder.fields.price_cells import mark_of, plain
from catalog_builder.fields.prices import LARGEST_PRICE, UNIT, Price, PriceCell, PriceReading, judge
from catalog_builder.tables.table_types import Lost
from export.common.errors import InputError


def cells(*texts: object, currency: object = "") -> list[PriceCell]:
    return [PriceCell(text, currency) for text in texts]


def price(text: object, *beside: object, code: object = "", **given: str) -> Price:
    """The price of `text` in a column with the texts `beside` it."""
    column = cells(text, *beside, currency=code)
    return judge(column, **given).price(column[0])


def amount(text: object, *beside: object, **given: str) -> str:
    """In units, as an exact decimal."""
    found = price(text, *beside, **given).amount
    return "none" if found is None else f"{(Decimal(found) / UNIT).normalize():f}"


def lost(text: object, *beside: object, code: object = "", **given: str) -> Lost:
    column = cells(text, *beside, currency=code)
    with pytest.raises(Lost) as caught:
        judge(column, **given).price(column[0])
    assert "\n" not in str(caught.value)
    return caught.value


def refusal(*column: PriceCell, **given: str) -> str:
    with pytest.raises(InputError) as caught:
        judge(column, **given)
    assert not isinstance(caught.value, Lost) and "\n" not in str(caught.value)
    return str(caught.value)


# One cell.

@pytest.mark.parametrize("text, value", [
    ("12", "12"), ("12.5", "12.5"), ("12,5", "12.5"), ("0", "0"), ("007.50", "7.5"), ("1.", "1"), ("5,", "5"),
    (".5", "0.5"), (",50", "0.5"), ("0.0001", "0.0001"), (" 9.99\u00a0", "9.99"), ("12.50000", "12.5"),
    ("1.790000", "1.79"), ("1299.00", "1299"), ("1.299,00 €", "1299"), ("1,299.00", "1299"), ("1 299,00", "1299"),
    ("1\u00a0299,00", "1299"), ("1\u202f299,00", "1299"), ("1\u2009299", "1299"), ("1'299.00", "1299"),
    ("1’299.–", "1299"), ("12.-", "12"), ("12,-", "12"), ("12,--", "12"), ("12.–", "12"), ("12,—", "12"),
    ("12:-", "12"), ("1.299,-", "1299"), ("1.299.-", "1299"), ("CHF 5.–", "5"), ("1.234.567", "1234567"),
    ("₹1,23,456.78", "123456.78"), ("1,23,456", "123456"), ("12,34,56,789.5", "123456789.5"), ("１２３", "123"),
    ("￥１，２９９．００", None), ("１，２９９．５０", "1299.5"), ("١٢٫٥٠ د.إ", "12.5"), ("١٬٢٩٩٫٥", "1299.5"),
    ("१२.५०", "12.5"), ("€12,50", "12.5"), ("12.50€", "12.5"), ("EUR12.50", "12.5"), ("12.50eur", "12.5"),
    ("12,50 Euro", "12.5"), ("NT$1,299", "1299"), ("1299円", "1299"), ("1,299円～", "1299"), ("¥99起", None),
    ("12.50*", "12.5"), ("12,50 € *", "12.5"), ("&euro;12,50", "12.5"), ("12,50&nbsp;&euro;", "12.5"),
    ("\u200e€\u200e 12.50", "12.5"), ("S/.12.90", "12.9"), ("руб.50", "50"), ("15.00 GBP", "15"), ("GBP 15.00", "15"),
    ("1.8900000000000001", "1.89"), ("0.30000000000000004", "0.3"), ("922337203685477.5807", "922337203685477.5807")])
def test_a_text_is_a_price(text, value):
    if value is None:
        assert lost(text).field == "currency"
    else:
        assert amount(text) == value


@pytest.mark.parametrize("text", [
    "from 12.50", "From: 12.50", "starting at 12.50", "as low as 12.50", "ab 12,50 €", "von 12,50",
    "à partir de 12,50 €", "À PARTIR DE 12,50", "dès 12,50", "desde 12,50", "a partir de 12,50", "da 12,50 €",
    "a partire da 12,50", "od 12,50 zł", "vanaf 12,50", "fra 12,50", "från 12,50", "alkaen 12,50", "от 12,50 ₽",
    "12.50起", "12.50 から", "12.50~", "12.50부터", "12.50 - 20.00", "12.50–20.00", "12.50 — 20.00", "€12.50-€20.00",
    "12.50 ~ 20.00", "12.50 to 20.00", "20,00 bis 12,50", "da 12,50 a 20,00", "de 12,50 à 20,00",
    "von 12,50 € bis 20,00 €", "od 12,50 do 20", "12.50〜20.00", "12.50から20.00"])
def test_from_and_a_range_count_as_the_least(text):
    assert amount(text) == "12.5"


@pytest.mark.parametrize("text", [
    "free", "Free", "FREE*", "gratis", "kostenlos", "Gratuit", "免费", "免費", "無料", "무료", "бесплатно", "zdarma"])
def test_free_is_a_price_of_nothing(text):
    assert price(text, code="EUR") == Price(0, "EUR")


@pytest.mark.parametrize("text", [
    "-5", "+5", "−5", "(5)", "1e2", "1E5", "1.2e3", "NaN", "inf", "0x10", "1_000", "ten",
    "12.50 EUR/kg", "12€50", "5 2", "12.50 20.00", "12 . 50", "12. 50", "1, 299", "1.299.5", "1,2,3", "12,345,67",
    "1.2345.678", "1299,50.00", "12⁹⁹", "12½", "12<sup>99</sup>", "12.50.-", "- 20", "20 -", "10 - 20 - 30",
    "up to 5", "bis 5", "2024-05-01", "EUR.50", "Rs .499", "12:50", "1'29", "1''299", "1 299 5", "10\n200", "1\t299",
    "free 5", "5 free", "€", "from", "*", "1.299,00.5", "٪5", "9" * 300, "0." + "0" * 190 + "1", "12,50 €uro",
    "12 krx", "1.0000" + "0" * 30 + "1"])
def test_what_is_no_price_is_lost(text):
    assert lost(text).field == "price"


@pytest.mark.parametrize("text", ["N/A", "n/a", "-", "–", "—", "TBA", "null", "on request", "auf Anfrage",
                         "sur demande"])
def test_no_price_is_said_to_be_none(text):
    assert "no price is given" in str(lost(text, code="EUR"))


@pytest.mark.parametrize("text", [None, "", "  ", "\u00a0"])
def test_an_empty_cell_is_no_price_and_no_problem(text):
    assert price(text) == Price(None, "") and price(text, code="CHF") == Price(None, "CHF")


@pytest.mark.parametrize("value, expected", [
    (1.79, "1.79"), (3, "3"), (1.299, "1.299"), (Decimal("1.7900"), "1.79"), (Decimal("1E+2"), "100"), (0, "0"),
    (1.8900000000000001, "1.89"), (0.1 + 0.2, "0.3")])
def test_a_number_has_a_point(value, expected):
    assert amount(value, "12,50", "1.299,00") == expected


@pytest.mark.parametrize("value", [
    True, [1], [12.5], {}, {"amount": 1}, b"5", 1.00001, -1, -0.01, float("nan"), float("inf"), Decimal("NaN"), 1e300,
    2**64, Decimal("1E+999999"), Decimal("1E-999999")])
def test_what_is_no_price_in_json_is_lost(value):
    assert lost(value).field == "price"


@pytest.mark.parametrize("text, kept", [
    ("1.00001", False), ("0.333333333", False), ("1.0001", True), ("922337203685477.5808", False),
    ("1.89000000001", False), ("1.89000000000003", False), ("1.89000000000000010000000001", False)])
def test_an_amount_is_exact_or_lost(text, kept):
    if kept:
        assert amount(text, code="EUR") == text
    else:
        assert lost(text, code="EUR").field == "price"


def test_a_number_too_long_to_write_is_lost():
    assert lost(10**5000).field == lost(-10**5000).field == "price"


def test_the_rounding_of_a_double_is_told():
    assert "taken as 1.89" in price("1.8900000000000001", code="USD").notice
    assert price("1.89", code="USD").notice == price("1.890000", code="USD").notice == ""


# The column.

@pytest.mark.parametrize("text, beside, value", [
    ("1.299", "12,50", "1299"), ("1,299", "12.50", "1299"), ("1.299", "1.299,00", "1299"),
    ("1.299", "1.299.000", "1299"), ("1,299", "1,23,456", "1299"), ("1.299", "5,5", "1299"),
    ("1.299", "0.049", "1.299"), ("1,299", "1299,500", "1.299"), ("1.299-1.499", "5,5", "1299")])
def test_one_cell_decides_the_column(text, beside, value):
    assert amount(text, beside, code="EUR") == amount(text, "7", beside, None, "N/A", code="EUR") == value


@pytest.mark.parametrize("text, point, comma", [("1.299", "1.299", "1299"), ("1,299", "1299", "1.299"),
                                                ("from 1.299 €", "1.299", "1299"), ("1.299 - 2.499", "1.299", "1299")])
def test_a_column_that_shows_no_decimal_mark_is_refused_with_both_readings(text, point, comma):
    said = refusal(*cells("499", text, "12.-"))
    assert f"{point} (--decimal .) or {comma} (--decimal ,)" in said
    assert "remedy: give --decimal , or --decimal ." in said
    assert amount(text, decimal=".") == point and amount(text, decimal=",") == comma


def test_a_decimal_mark_of_the_user_decides():
    assert amount("1.299", "12,50", decimal=".") == "1.299" and amount("1.299", "12.50", decimal=",") == "1299"
    assert "as --decimal says" in str(lost("12,50", decimal="."))
    assert "--decimal" in refusal(*cells("1"), decimal=";")


@pytest.mark.parametrize("code", ["JPY", "KRW", "VND", "TWD", "INR", "IDR", "HUF", "IQD"])
def test_a_currency_without_thousandths_decides(code):
    assert amount("1,299", code=code) == amount("1.299", code=code) == amount("1,299", "12.50", code=code) == "1299"


def test_kuwait_writes_three_decimals():
    assert price("1.299", code="KWD") == Price(12990, "KWD") and amount("12.500", "1,299.000", code="KWD") == "12.5"
    for text, code in (("1,299", "KWD"), ("1.299", "TND")):
        assert "--decimal" in refusal(*cells(text, currency=code))


@pytest.mark.parametrize("text, beside", [("1.299", "12.50"), ("1,299", "12,50"), ("1.299 - 1500.00", "12.50")])
def test_thousandths_that_no_other_price_has_are_lost(text, beside):
    assert "a thousand times" in str(lost(text, beside, code="EUR"))
    assert "a thousand times" in str(lost(text, *[beside] * 20, "0.049" if beside == "12,50" else "0,049", code="EUR"))


def test_more_decimals_than_the_currency_has_are_told():
    assert price("0.0495", code="EUR") == Price(495, "EUR", "more decimals than EUR has")
    assert price("12.5", code="JPY").notice == "more decimals than JPY has"
    assert price("12.345", "0.500", code="KWD").notice == price("5.00", code="JPY").notice == ""
    assert price("0.0495").notice == ""


def test_cells_against_nine_of_ten_others_are_lost():
    column = cells(*["12.50"] * 9, "12,50", "7", currency="EUR")
    reading = judge(column)
    assert [reading.price(cell).amount for cell in column if cell.text != "12,50"] == [125000] * 9 + [70000]
    with pytest.raises(Lost, match="expected a decimal point, as in '12.50'"):
        reading.price(column[9])


def test_a_column_written_in_two_ways_is_refused():
    said = refusal(*cells(*["12.50"] * 8, "12,50"))
    assert "'12.50' (a decimal point; 8 of 9)" in said and "'12,50' (a decimal comma; 1 of 9)" in said and "90%" in said


def test_each_currency_has_its_own_decimal_mark_if_the_column_has_two():
    euros, dollars = cells("12,50", "1.299", currency="EUR"), cells("12.50", "1,299", currency="USD")
    column = [*euros, *dollars, *cells("5", currency="CHF")]
    reading = judge(column)
    assert [reading.price(cell).amount for cell in column] == [125000, 12990000, 125000, 12990000, 50000]
    assert reading.described == ("CHF: plain numbers; EUR: decimal comma, groups with points; "
                                 "USD: decimal point, groups with commas")
    column += cells("1.299", currency="GBP")
    with pytest.raises(Lost, match="does not fit"):
        judge(column).price(column[-1])
    assert ", EUR; expected 90%" in refusal(*column, *cells("12.50", currency="EUR"))


def test_the_whole_column_decides_for_a_currency_that_shows_nothing():
    column = [*cells("12,50", currency="EUR"), *cells("1.299", currency="USD")]
    assert judge(column).price(column[1]).amount == 12990000


@pytest.mark.parametrize("texts, said", [
    (["1.299,00 €", "12,50"], "decimal comma, groups with points, in EUR"), (["12.50"], "decimal point, no currency"),
    (["1 299 CHF", "5.–"], "plain numbers, groups with blanks, in CHF"), ([None, " "], "no prices"), ([], "no prices"),
    (["$5", "N/A"], "no price can be read"), (["1'299.00 CHF", "1,299.00 CHF"],
                                              "decimal point, groups with apostrophes and commas, in CHF")])
def test_a_reading_describes_itself(texts, said):
    assert judge(cells(*texts)).described == said


# Currencies.

@pytest.mark.parametrize("text, code", [
    ("€5", "EUR"), ("£5", "GBP"), ("₹5", "INR"), ("NT$5", "TWD"), ("nt$ 5", "TWD"), ("HK$5", "HKD"), ("US$ 5", "USD"),
    ("A$5", "AUD"), ("C$5", "CAD"), ("S$5", "SGD"), ("R$ 5", "BRL"), ("CHF 5", "CHF"), ("₩5", "KRW"), ("5 ₽", "RUB"),
    ("5 руб.", "RUB"), ("5 zł", "PLN"), ("5 Kč", "CZK"), ("฿5", "THB"), ("5 ₫", "VND"), ("₺5", "TRY"), ("₱5", "PHP"),
    ("5 ₪", "ILS"), ("5 Ft", "HUF"), ("5 lei", "RON"), ("RMB 5", "CNY"), ("CN¥5", "CNY"), ("5円", "JPY"),
    ("5圆", "CNY"), ("RM5", "MYR"), ("R 5", "ZAR"), ("Rp 5", "IDR"), ("5 грн", "UAH"), ("5 Yen", "JPY"),
    ("新台幣5", "TWD"), ("SFr. 5", "CHF"), ("$5 USD", "USD"), ("¥5 RMB", "CNY"), ("kr 5 SEK", "SEK"), ("5", "")])
def test_a_sign_names_the_currency(text, code):
    assert price(text) == Price(50000, code)


@pytest.mark.parametrize("text, code", [("$5", "CAD"), ("¥5", "CNY"), ("5 kr", "NOK"), ("5 kr.", "DKK"),
                                        ("Rs. 5", "PKR"), ("Rs.5", "INR"), ("£5", "EGP"), ("5元", "TWD"),
                                        ("5 Fr.", "CHF")])
def test_the_list_says_what_a_shared_sign_means(text, code):
    assert price(text, code=code).currency == price(text, currency=code).currency == code
    assert price(text, PriceCell("x").text, f"7 {code}").currency == (code if text[0] != "£" else "GBP")


@pytest.mark.parametrize("text", ["$5", "¥5", "5 kr", "Rs. 5", "5元"])
def test_a_shared_sign_alone_costs_the_price(text):
    assert lost(text).field == "currency" and "give --currency" in str(lost(text))


def test_a_shared_sign_beside_two_of_its_currencies_costs_the_price():
    assert lost("$5", "5 USD", "5 CAD").field == "currency"


@pytest.mark.parametrize("text, code", [("€5", "USD"), ("5 EUR", "USD"), ("$5", "EUR"), ("NT$5", "USD"), ("€5", "$"),
                                        ("$5 EUR", ""), ("$5 - €10", "")])
def test_a_sign_against_its_row_costs_the_price(text, code):
    assert lost(text, code=code).field == "currency" and "another currency" in str(lost(text, code=code))


def test_a_sign_against_the_user_is_its_own_unless_it_is_shared():
    assert price("€5", currency="USD").currency == "EUR"
    assert "as --currency says" in str(lost("$5", currency="EUR"))


@pytest.mark.parametrize("text, code", [("eur", "EUR"), (" EUR ", "EUR"), ("€", "EUR"), ("Euro", "EUR"), ("RMB", "CNY"),
                                        ("NT$", "TWD"), ("NTD", "TWD"), ("ＵＳＤ", "USD"), ("US Dollar", "USD"),
                                        ("人民币", "CNY")])
def test_the_currency_column_takes_codes_signs_and_names(text, code):
    assert price("5", code=text).currency == price("5", currency=text).currency == code


@pytest.mark.parametrize("text", ["ABC", "XXX", "XAU", "E1R", "ſſſ", "EU", "DEM", "HRK", "1", 5, True, "EUR USD"])
def test_another_currency_costs_the_price(text):
    assert lost("5", code=text).field == "currency"


@pytest.mark.parametrize("code", ["ABC", "$", "kr", "x" * 300])
def test_a_currency_that_the_user_cannot_mean_is_refused(code):
    assert "--currency" in refusal(*cells("5"), currency=code)


def test_a_price_without_a_currency_is_lost_where_rows_have_one():
    column = [PriceCell("5", "EUR"), PriceCell("5", "")]
    with pytest.raises(Lost, match="no currency") as caught:
        judge(column).price(column[1])
    assert caught.value.field == "currency" and judge(column, "USD").price(column[1]).currency == "USD"


def test_a_price_without_a_currency_takes_that_of_the_other_prices_and_says_so():
    assert price("5", "7 €") == Price(50000, "EUR", "no currency: EUR as in other rows")
    assert lost("5", "7 €", "7 USD").field == "currency" and price("5", "7 €", currency="EUR").notice == ""


def test_rows_may_have_several_currencies():
    column = [PriceCell("5", "EUR"), PriceCell("5 USD", ""), PriceCell("£5", "")]
    assert [judge(column).price(cell).currency for cell in column] == ["EUR", "USD", "GBP"]


def test_the_table_of_currencies_is_whole():
    codes = minor_units()
    assert len(codes) == 164 and all(len(code) == 3 and code.isupper() for code in codes)
    assert {code: codes[code] for code in ("EUR", "JPY", "KWD", "CLF")} == {"EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4}
    assert {code for mark in marks().values() for code in mark.codes} == codes.keys()
    assert point_and_three_decimals() | without_thousandths() <= codes.keys()
    assert {text for text in marks() if plain(text) != text} == set()
    assert [code for code in codes if code not in mark_of(code).codes] == []


# Properties: never off by a factor.

STYLES = {                                   # decimal mark, mark between groups
    "English": (".", ","), "plain": (".", ""), "German": (",", "."), "French": (",", "\u202f"), "Polish": (",",
    "\u00a0"), "Swiss": (".", "'"), "Swiss typeset": (".", "’"), "plain comma": (",", ""), "Indian": (".", ",")}
ODD = "0123456789.,'’ -–~*$€£¥krKRabfromeEtoNT\u00a0１٢٫٬&;起円"
SIGNS = [("", ""), ("€", ""), ("", " €"), ("EUR ", ""), ("from ", ""), ("", "*"), ("ab ", " EUR")]


def written(units: int, decimals: str, style: str) -> str:
    """The amount as the style writes it."""
    decimal, group = STYLES[style]
    digits = str(units)
    if group:
        head, last = digits[:-3], digits[-3:]
        size = 2 if style == "Indian" else 3
        parts = [head[max(0, end - size):end] for end in range(len(head), 0, -size)][::-1]
        digits = group.join([*parts, last])
    return digits + (decimal + decimals if decimals else "")


AMOUNT = st.tuples(st.one_of(st.integers(0, 99), st.integers(100, 99_999), st.integers(0, 10**9)),
                   st.sampled_from(["", "", "5", "50", "99", "00", "05"]))
STYLE = st.sampled_from(list(STYLES))
COLUMN = st.lists(st.tuples(AMOUNT, st.sampled_from(SIGNS)), min_size=1, max_size=12)


def ten_thousandths(units: int, decimals: str) -> int:
    return units * UNIT + int((decimals + "0000")[:4])


def read(reading: PriceReading, cell: PriceCell) -> int | None:
    try:
        return reading.price(cell).amount
    except Lost:
        return None


@pytest.mark.parametrize("style", STYLES)
@settings(max_examples=60, deadline=None)
@given(column=COLUMN, deciding=AMOUNT.filter(lambda amount: len(amount[1]) == 2))
def test_a_column_with_a_deciding_cell_is_read_exactly(style, column, deciding):
    column = [*column, (deciding, ("", ""))]
    texts = [before + written(*amount, style) + after for amount, (before, after) in column]
    row = cells(*texts, currency="EUR")
    reading = judge(row)
    assert [reading.price(cell).amount for cell in row] == [ten_thousandths(*amount) for amount, _ in column]


@settings(max_examples=300, deadline=None)
@given(column=st.lists(st.tuples(AMOUNT, st.sampled_from(SIGNS), STYLE), min_size=1, max_size=12),
       majority=st.sampled_from([0, 0, 15, 60]), style=STYLE,
       code=st.sampled_from(["EUR", "USD", "", "JPY", "TWD"]))
def test_a_column_of_several_styles_gives_no_wrong_amount(column, majority, style, code):
    """Some style has a majority or not: each cell is exact or lost, or the column is refused."""
    column = [*column, *[((12, "50"), ("", ""), style)] * majority]
    signs = code in ("EUR", "")
    row = cells(*[(before if signs else "") + written(*amount, own) + (after if signs else "")
                  for amount, (before, after), own in column], currency=code)
    try:
        reading = judge(row)
    except InputError:
        return
    for cell, (amount, *_) in zip(row, column, strict=True):
        assert read(reading, cell) in (None, ten_thousandths(*amount)), cell


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(0, 10**9), min_size=1, max_size=12),
       style=st.sampled_from(["English", "German", "Swiss"]))
def test_three_decimals_of_kuwait_are_exact_or_lost(values, style):
    texts = [written(value // 1000, f"{value % 1000:03}", style) for value in values]
    row = cells(*texts, currency="KWD")
    try:
        reading = judge(row)
    except InputError:
        assert style == "German"
        return
    assert all(read(reading, cell) in (None, value * 10) for cell, value in zip(row, values, strict=True))
    assert style == "German" or [read(reading, cell) for cell in row] == [value * 10 for value in values]


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(st.text(st.sampled_from(ODD), max_size=14), max_size=6),
       code=st.sampled_from(["", "EUR", "KWD", "JPY", "?"]))
def test_any_text_is_a_price_or_lost_or_refused(texts, code):
    row = cells(*texts, currency=code)
    try:
        reading = judge(row)
    except InputError:
        return
    assert all(0 <= (read(reading, cell) or 0) <= LARGEST_PRICE for cell in row)


def test_long_and_hostile_columns_are_fast():
    rng = random.Random(5)
    hostile = ["1." * 100, "1 " * 100, "," * 200, "from " * 40, "9" * 200, "&euro;" * 33, "x" * 10**6, "1.-" * 66]
    row = cells(*[f"ab {written(rng.randrange(10**6), '50', 'German')} €" for _ in range(5000)], *hostile * 20)
    start = time.perf_counter()
    reading = judge(row)
    assert sum(read(reading, cell) is not None for cell in row) == 5000
    assert time.perf_counter() - start < 10
