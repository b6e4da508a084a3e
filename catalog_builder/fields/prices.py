"""A column of prices enters; how it is written, and each cell's amount in ten-thousandths and currency, leave.

The column is judged before any cell: `1.299` is 1299 beside `12,50`, and refused where nothing tells. No price is
guessed: a cell becomes its exact amount, or it is lost with the reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal

from catalog_builder.fields.currencies import minor_units, point_and_three_decimals, without_thousandths
from catalog_builder.fields.price_cells import (
    AMBIGUOUS,
    DECIMAL_MARKS,
    PriceText,
    decimals_written,
    group_mark,
    is_empty,
    mark_of,
    parse,
)
from catalog_builder.tables.table_types import Lost, shown
from export.common.errors import InputError

UNIT = 10_000                                # a price counts ten-thousandths
DECIMALS = 4
LARGEST_PRICE = 2**63 - 1
EXACT = Context(prec=400)
LEAST_SHARE = 0.9                            # of the cells that show the decimal mark: they must agree
LONGEST_DOUBLE = 16                          # digits from which a number may be rounded to binary: 1.8900000000000001
ROUNDING = Decimal(2) ** -48                 # of a double, relative, after a few sums
MOST_NAMED = 6                               # currencies in a message
NAMES = {".": "point", ",": "comma"}
GROUPS = {".": "points", ",": "commas", " ": "blanks", "'": "apostrophes", "٬": "Arabic marks"}


@dataclass(frozen=True)
class PriceCell:
    """One row's price and currency, as the list gives them."""

    text: object                             # a text, a number, or None
    currency_text: object = ""               # "" if the list has no such column


@dataclass(frozen=True)
class Price:
    """One row's price."""

    amount: int | None                       # ten-thousandths; None for an empty cell
    currency: str                            # ISO 4217; "" where none is given
    notice: str = ""                         # one line for people; "" if there is nothing to say


@dataclass(frozen=True)
class _Style:
    """How the prices of a currency are written."""

    decimal: str                             # the decimal mark; "" if no cell shows it
    shown_by: str = ""                       # "as in '12,50'"
    thousandths: bool = False                # whether `1.299` with this decimal mark is a bit more than one


@dataclass(frozen=True)
class _Currencies:
    """What the user and the whole column say of the currency."""

    given: str                               # by the user; ""
    sure: frozenset[str]                     # codes that cells name
    column: bool                             # whether any row has a currency of its own beside the price

    def of(self, cell: PriceCell, parsed: PriceText | None) -> tuple[str, str]:
        """The row's code, or "", and a notice. Raises Lost if a sign needs more, or says otherwise than its row."""
        codes, usual = _codes(cell, parsed)
        if len(codes) == 1:
            return codes[0], ""
        if codes:
            return self._one_of(codes, usual, cell), ""
        if self.given or not parsed:
            return self.given if parsed else "", ""
        if self.column or len(self.sure) > 1:
            raise _lost_currency("the price has no currency", cell, "give the currency of each row, or --currency")
        return next(iter(self.sure), ""), f"no currency: {', '.join(self.sure)} as in other rows" if self.sure else ""

    def _one_of(self, codes: Sequence[str], usual: str, cell: PriceCell) -> str:
        if self.given in codes:
            return self.given
        if self.given and not usual:
            raise _lost_currency(f"the price is not in {self.given}, as --currency says", cell, "correct one of them")
        found = [usual] if usual else [code for code in codes if code in self.sure]
        if len(found) == 1:
            return found[0]
        possible = found or codes
        raise _lost_currency(f"the currency may be {', '.join(possible[:MOST_NAMED])}", cell,
                             f"give --currency, for example {possible[0]}")


@dataclass(frozen=True)
class PriceReading:
    """How a column is written: what `judge` found."""

    described: str                           # for people: "decimal comma, groups with points, in EUR"
    _styles: dict[str, _Style] = field(repr=False)               # by code
    _currencies: _Currencies = field(repr=False)

    def price(self, cell: PriceCell) -> Price:
        """The row's price. Raises Lost for the field `price` or `currency`."""
        parsed = parse(cell.text)
        code, notice = self._currencies.of(cell, parsed)
        if parsed is None:
            return Price(None, code, "")
        style = self._styles.get(code, _Style(""))
        least = min(_amounts(parsed, style, code, cell.text))
        scaled, rounded = _ten_thousandths(least, cell.text)
        notices = [notice, rounded, _too_fine(scaled, code)]
        return Price(scaled, code, "; ".join(filter(None, notices)))


@dataclass(frozen=True)
class _Vote:
    """What one cell shows of its column's decimal mark."""

    code: str
    text: object
    parsed: PriceText
    decimal: str                             # "" if both fit, or none
    differs: bool                            # both fit, and give different amounts


def judge(cells: Sequence[PriceCell], currency: str = "", decimal: str = "") -> PriceReading:
    """How the column of `cells` is written. `currency` and `decimal` are the user's, "" where none is given.

    Raises InputError where no cell shows the decimal mark and one needs it, or where cells contradict each other.

    >>> cells = [PriceCell("1.299 €"), PriceCell("12,50 €")]
    >>> reading = judge(cells)
    >>> reading.described, reading.price(cells[0]).amount
    ('decimal comma, groups with points, in EUR', 12990000)
    """
    if decimal not in ("", *DECIMAL_MARKS):
        raise InputError("the decimal mark is unknown", expected="--decimal . or --decimal ,", found=shown(decimal))
    parsed = list(_parsed(cells))
    currencies = _Currencies(_given(currency), _sure(parsed), any(_text(cell.currency_text) for cell in cells))
    votes = list(_votes(parsed, currencies))
    codes = sorted({vote.code for vote in votes})
    given = dict.fromkeys(codes, _Style(decimal, "as --decimal says", thousandths=True))
    styles = given if decimal else _styles(votes, codes)
    return PriceReading(_described(votes, styles) if votes else _nothing(cells), styles, currencies)


# Currencies.

def _given(currency: str) -> str:
    mark = mark_of(currency)
    if currency and not (mark and mark.usual):
        raise InputError("the currency is unknown", expected="a code of ISO 4217 such as EUR", found=shown(currency),
                         where="--currency")
    return mark.usual if mark else ""


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _parsed(cells: Iterable[PriceCell]) -> Iterator[tuple[PriceCell, PriceText | None]]:
    """The cells that are prices or empty."""
    for cell in cells:
        try:
            yield cell, parse(cell.text)
        except Lost:
            continue


def _codes(cell: PriceCell, parsed: PriceText | None) -> tuple[tuple[str, ...], str]:
    """The codes that the row's signs allow, none if it has no sign; the code that a sign alone means, or "".

    Raises Lost if the currency is unknown, or if two signs contradict each other.
    """
    own = _text(cell.currency_text)
    mark = mark_of(own) if own else None
    if own and mark is None:
        raise _lost_currency("the currency is unknown, and so is the price", cell, "give ISO 4217's code, such as EUR")
    found = [*([mark] if mark else []), *(parsed.marks if parsed else ())]
    codes = [code for code in found[0].codes if all(code in other.codes for other in found)] if found else []
    if found and not codes:
        raise _lost_currency("the price names another currency than its row", cell, "correct one of them")
    return tuple(codes), next((other.usual for other in found if other.usual in codes), "")


def _sure(parsed: Iterable[tuple[PriceCell, PriceText | None]]) -> frozenset[str]:
    """The codes that rows name beyond doubt."""
    found = set()
    for cell, text in parsed:
        try:
            codes, usual = _codes(cell, text)
        except Lost:
            continue
        found |= {codes[0] if len(codes) == 1 else usual}
    return frozenset(found - {""})


def _lost_currency(what: str, cell: PriceCell, remedy: str) -> Lost:
    found = shown(cell.text) + (f", currency {shown(cell.currency_text)}" if _text(cell.currency_text) else "")
    return Lost("currency", what, found=found, remedy=remedy)


# The decimal mark.

def _votes(parsed: Iterable[tuple[PriceCell, PriceText | None]], currencies: _Currencies) -> Iterator[_Vote]:
    for cell, text in parsed:
        try:
            code, _ = currencies.of(cell, text)
        except Lost:
            continue
        if text is not None:
            yield _vote(code, cell.text, text)


def _vote(code: str, text: object, parsed: PriceText) -> _Vote:
    readings = {mark: parsed.amounts(mark) for mark in DECIMAL_MARKS}
    fitting = [mark for mark, amounts in readings.items() if amounts is not None]
    differs = len(fitting) == 2 and readings["."] != readings[","]
    by_currency = _by_minor_units(code, parsed) if differs else ""
    return _Vote(code, text, parsed, by_currency or (fitting[0] if len(fitting) == 1 else ""), differs)


def _by_minor_units(code: str, parsed: PriceText) -> str:
    """The decimal mark of `1,299` as its currency's decimals show it; "" if they do not."""
    written = {match[1] for match in map(AMBIGUOUS.fullmatch, parsed.numerals) if match}
    if len(written) > 1:
        return ""
    mark = written.pop()
    if code in without_thousandths():
        return "," if mark == "." else "."
    return mark if code in point_and_three_decimals() and mark == "." else ""


def _styles(votes: list[_Vote], codes: Sequence[str]) -> dict[str, _Style]:
    """The style of each currency: that of the whole column if no cell contradicts, else its own."""
    whole = _style(votes)
    if whole is None:
        return {code: _own_style([vote for vote in votes if vote.code == code], len(codes) > 1) for code in codes}
    doubtful = next((vote for vote in votes if vote.differs), None)
    if doubtful and not whole.decimal:
        raise _undecided(doubtful)
    return dict.fromkeys(codes, whole)


def _style(votes: list[_Vote]) -> _Style | None:
    """The style of votes that agree; None if they do not."""
    deciding = [vote for vote in votes if vote.decimal]
    if len({vote.decimal for vote in deciding}) > 1:
        return None
    if not deciding:
        return _Style("")
    decimal = deciding[0].decimal
    fine = any(_is_fine(numeral, decimal) for vote in deciding for numeral in vote.parsed.numerals)
    return _Style(decimal, f"as in {shown(deciding[0].text)}", fine)


def _is_fine(numeral: str, decimal: str) -> bool:
    """Whether it has thousandths beyond doubt: `0,049`, `1299.500`."""
    decimals = decimals_written(numeral, decimal)
    return not AMBIGUOUS.fullmatch(numeral) and (len(decimals) == 3 or len(decimals.rstrip("0")) > 2)


def _own_style(votes: list[_Vote], several: bool) -> _Style:
    """The style that nine of ten deciding votes of one currency share. Raises InputError if there is none."""
    counts = Counter(vote.decimal for vote in votes if vote.decimal)
    if not counts:
        return _Style("")
    (decimal, most), *_ = counts.most_common(1)
    if most < LEAST_SHARE * counts.total():
        raise _contradicting(votes, counts, several)
    example = next(vote for vote in votes if vote.decimal == decimal)
    unanimous = _style(votes)
    return unanimous or _Style(decimal, f"as in {shown(example.text)}")


def _undecided(vote: _Vote) -> InputError:
    readings = [f"{_plain(min(vote.parsed.amounts(mark) or ()))} (--decimal {mark})" for mark in (".", ",")]
    return InputError("no price shows which mark is the decimal mark", where="the column of prices",
                      expected="one price such as 12,50 or 12.50", found=f"{shown(vote.text)}: {' or '.join(readings)}",
                      remedy="give --decimal , or --decimal .")


def _contradicting(votes: list[_Vote], counts: Counter[str], several: bool) -> InputError:
    examples = {mark: next(vote for vote in votes if vote.decimal == mark) for mark in counts}
    found = [f"{shown(examples[mark].text)} (a decimal {NAMES[mark]}; {count} of {counts.total()})"
             for mark, count in counts.most_common()]
    code = votes[0].code
    return InputError("the prices are written in two ways", found=" and ".join(found),
                      where=f"the column of prices{f', {code}' if several and code else ''}",
                      expected=f"{LEAST_SHARE:.0%} with one decimal mark",
                      remedy="correct them, or give --decimal , or --decimal . to leave out the others")


# Amounts.

def _amounts(parsed: PriceText, style: _Style, code: str, text: object) -> tuple[Decimal, ...]:
    """The cell's amounts in the column's style. Raises Lost if the cell does not fit it."""
    readings = {mark: parsed.amounts(mark) for mark in DECIMAL_MARKS}
    amounts = readings[style.decimal or "."]
    if amounts is None or not style.decimal and readings["."] != readings[","]:
        expected = f"a decimal {NAMES[style.decimal]}, {style.shown_by}" if style.decimal else "12.50 or 12,50"
        raise Lost("price", "the price does not fit the column", expected=expected, found=shown(text),
                   remedy="write all prices in one way")
    certain = style.thousandths or style.decimal == "." and code in point_and_three_decimals()
    if not certain and any(_may_be_thousands(numeral, style.decimal) for numeral in parsed.numerals):
        raise Lost("price", "the price may be a thousand times as high", found=shown(text),
                   expected=f"at most two decimals, {style.shown_by}",
                   remedy=f"write it with two decimals, or give --decimal {style.decimal}")
    return amounts


def _may_be_thousands(numeral: str, decimal: str) -> bool:
    """Whether the three decimals of `1.299` may be a group."""
    return bool(AMBIGUOUS.fullmatch(numeral)) and decimals_written(numeral, decimal) != ""


def _ten_thousandths(value: Decimal, text: object) -> tuple[int, str]:
    """The amount, and a notice if a double's rounding was undone. Raises Lost if it is not exact, or too large."""
    if value <= LARGEST_PRICE:
        scaled = value.scaleb(DECIMALS, EXACT)
        nearest = scaled.to_integral_value()
        exact = scaled == nearest
        if nearest <= LARGEST_PRICE and (exact or _is_rounding(value, scaled - nearest, scaled)):
            return int(nearest), "" if exact else f"{shown(text)} taken as {_plain(nearest.scaleb(-DECIMALS, EXACT))}"
    raise Lost("price", "the price is left out", found=shown(text),
               expected=f"0 to {LARGEST_PRICE // UNIT}, with at most {DECIMALS} decimals")


def _is_rounding(value: Decimal, difference: Decimal, scaled: Decimal) -> bool:
    """Whether the digits are those of a double that stands for a shorter number."""
    return (len(value.as_tuple().digits) >= LONGEST_DOUBLE and Decimal(repr(float(value))) == value
            and abs(difference) <= ROUNDING * scaled)


def _too_fine(scaled: int, code: str) -> str:
    """A notice if the amount has more decimals than its currency."""
    decimals = minor_units().get(code, DECIMALS)
    return f"more decimals than {code} has" if scaled % 10 ** max(0, DECIMALS - decimals) else ""


def price_text(price: int | None) -> str:
    """Ten-thousandths as they stand in a catalog's record: the shortest decimal, or null."""
    if price is None:
        return "null"
    units, rest = divmod(price, UNIT)
    return f"{units}.{rest:0{DECIMALS}}".rstrip("0").rstrip(".")


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


# For people.

def _nothing(cells: Sequence[PriceCell]) -> str:
    return "no prices" if all(is_empty(cell.text) for cell in cells) else "no price can be read"


def _described(votes: list[_Vote], styles: dict[str, _Style]) -> str:
    """How the column is written; one part for each currency if they differ."""
    if len({style.decimal for style in styles.values()}) == 1:
        named = ", ".join(filter(None, styles))
        return f"{_way(votes, next(iter(styles.values())))}, {f'in {named}' if named else 'no currency'}"
    return "; ".join(f"{code or 'no currency'}: {_way([vote for vote in votes if vote.code == code], style)}"
                     for code, style in styles.items())


def _way(votes: list[_Vote], style: _Style) -> str:
    """`decimal comma, groups with points`."""
    numerals = [numeral for vote in votes for numeral in vote.parsed.numerals]
    groups = sorted({GROUPS[mark] for numeral in numerals if (mark := group_mark(numeral, style.decimal or "."))})
    first = f"decimal {NAMES[style.decimal]}" if style.decimal else "plain numbers"
    return f"{first}, groups with {' and '.join(groups)}" if groups else first
