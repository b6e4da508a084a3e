"""One cell of a price column enters; its numbers as written, and what it says of the currency, leave.

    cell   = [from] price [from] ["*"]  |  [from] price to price [from] ["*"]  |  free ["*"]
    price  = a number, with signs, codes or names of its currency before or after

A number stays as it is written, since only the whole column shows what `1.299` is: `amount` reads it both ways.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from catalog_builder.fields.currencies import CurrencyMark, marks
from catalog_builder.tables.table_types import Lost, shown

MOST_CHARACTERS = 200                        # of a price
TOO_LARGE = 2**63
FROM = (
    "from", "starting at", "starting from", "as low as", "ab", "von", "à partir de", "a partir de", "dès", "de", "des",
    "desde", "da", "a partire da", "od", "już od", "vanaf", "van", "fra", "från", "alkaen", "de la", "от", "від", "з",
    "από", "mulai dari", "dari", "từ", "เริ่มต้น", "من", "ابتداء من", "起", "起价", "起價", "최저")
NOTES = ("nur", "only", "now", "/-", "税込", "(税込)")
TO = ("-", "to", "bis", "à", "a", "al", "til", "till", "tot", "do", "до", "έως", "đến", "ถึง", "إلى", "至", "到", "まで")
FROM_OR_TO = ("~", "から", "부터")           # between two prices, or behind the least
FREE = (
    "free", "free of charge", "for free", "gratis", "kostenlos", "umsonst", "gratuit", "gratuite", "gratuito",
    "gratuita", "grátis", "zdarma", "za darmo", "darmo", "bezpłatnie", "brezplačno", "besplatno", "бесплатно",
    "безкоштовно", "безплатно", "δωρεάν", "ücretsiz", "bedava", "ingyenes", "ilmainen", "maksuton", "tasuta",
    "miễn phí", "ฟรี", "免费", "免費", "無料", "무료", "مجاني", "مجانا", "חינם")
NO_PRICE = frozenset((
    "-", "--", "---", "n/a", "na", "n.a.", "k.a.", "none", "null", "nan", "tba", "tbd", "tbc", "?", "on request",
    "price on request", "on application", "poa", "call", "call for price", "auf anfrage", "preis auf anfrage",
    "sur demande", "prix sur demande", "a consultar", "bajo pedido", "su richiesta", "op aanvraag", "sob consulta",
    "面议", "面議", "要問い合わせ", "時価"))
DECIMAL_MARKS = (".", ",")
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
TILDES = "\u301c\u223c\u02dc"
APOSTROPHES = "\u2018\u2019\u02bc\u00b4`\u2032"
BLANKS = "\u00a0\u2007\u2008\u2009\u202f"      # that stand within a number
UNSEEN = "\u200b\u200e\u200f\u2060\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e\u061c\ufeff"
FULL_WIDTH = "".join(map(chr, range(0xFF01, 0xFF5F)))
PLAIN: dict[int, int | str | None] = {
    **str.maketrans(FULL_WIDTH, "".join(chr(ord(character) - 0xFEE0) for character in FULL_WIDTH), UNSEEN),
    **str.maketrans("￡￥￦\u3000", "£¥₩ "), **dict.fromkeys(map(ord, BLANKS), " "),
    **dict.fromkeys(map(ord, DASHES), "-"), **dict.fromkeys(map(ord, TILDES), "~"),
    **dict.fromkeys(map(ord, APOSTROPHES), "'")}
ENTITY = re.compile("&(?:#[0-9]{1,7}|[A-Za-z]{2,10});")
SEVERAL_BLANKS = re.compile(r" {2,}|\s*[^\S ]\s*")           # none of them stands within a number
NUMERAL = re.compile(
    r"[.,٫]?[0-9]+(?:[.,'٬٫][0-9]+| [0-9]{3}(?![0-9]))*"
    r"(?:[.,:]-++(?![0-9])|[.,](?![-0-9]))?")
FORMS = re.compile(r"ZS?|F?N[FB]?S?|F?N[TB]NF?S?")           # Free, From, Number, To, Both from and to, Star
AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}([.,])[0-9]{3}")     # 1.299
FIRST_CJK = "\u2e80"                         # from here on words stand without blanks between them


@dataclass(frozen=True)
class PriceText:
    """What a cell says."""

    numerals: tuple[str, ...]                # one; two of a range; none where the product is free
    marks: tuple[CurrencyMark, ...]          # of the currency
    number: Decimal | None = None            # a JSON number, whose decimal point is certain

    def amounts(self, decimal: str) -> tuple[Decimal, ...] | None:
        """The cell's amounts if `decimal` is the decimal mark; None if the cell does not fit it."""
        if self.number is not None:
            return (self.number,)
        found = [amount(numeral, decimal) for numeral in self.numerals]
        fitting = tuple(value for value in found if value is not None)
        return None if len(fitting) < len(found) else fitting or (Decimal(0),)


def is_empty(value: object) -> bool:
    """Whether a cell holds nothing."""
    return value is None or isinstance(value, str) and not value.strip()


def parse(value: object) -> PriceText | None:
    """The cell's parts; None for an empty cell. Raises Lost if it is no price."""
    if is_empty(value):
        return None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return PriceText((), (), _number(value))
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        raise Lost("price", "the price is left out", expected="a number or a short text", found=shown(value))
    text = plain(value)
    kinds, numerals, found = _scan(text, value)
    if not FORMS.fullmatch(kinds):
        raise _no_price(value, text)
    return PriceText(tuple(numerals), tuple(found))


def mark_of(text: str) -> CurrencyMark | None:
    """What a whole text such as `eur`, `NT$` or `Euro` says of the currency; None if it is none."""
    return marks().get(plain(text))


def plain(text: str) -> str:
    """In lower case, with ASCII digits, `-` for any dash, `'` for any apostrophe and blanks for their kin."""
    if "&" in text:
        text = ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if not text.isascii():
        text = "".join(_digit(character) for character in text.translate(PLAIN))
    return SEVERAL_BLANKS.sub("\t", text.strip()).casefold()


def amount(numeral: str, decimal: str) -> Decimal | None:
    """The number if `decimal` is the decimal mark; None if it cannot be.

    >>> amount("1.299", "."), amount("1.299", ","), amount("12,50", ".")
    (Decimal('1.299'), Decimal('1299'), None)
    """
    match = _pattern(decimal).fullmatch(numeral)
    if not match:
        return None
    whole = "".join(filter(str.isdigit, match["whole"] or "0"))
    decimals = match["decimals"] or match["alone"]
    return Decimal(f"{whole}.{decimals}" if decimals else whole)


def decimals_written(numeral: str, decimal: str) -> str:
    """The digits behind the decimal mark, where the numeral fits."""
    match = _pattern(decimal).fullmatch(numeral)
    return (match["decimals"] or match["alone"] or "") if match else ""


def group_mark(numeral: str, decimal: str) -> str:
    """The mark between its groups of digits, where the numeral fits; "" if there is none."""
    match = _pattern(decimal).fullmatch(numeral)
    return (match["group"] or match["indian"] and "," or "") if match else ""


@cache
def _pattern(decimal: str) -> re.Pattern[str]:
    """A numeral with this decimal mark; the other one of `.` and `,` may stand between groups."""
    other = "," if decimal == "." else "."
    indian = "(?P<indian>[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})" if other == "," else "(?P<indian>(?!))"
    groups = f"[1-9][0-9]{{0,2}}(?P<group>[{other}' ٬])[0-9]{{3}}(?:(?P=group)[0-9]{{3}})*"
    tail = rf"(?:[{decimal}٫](?P<decimals>[0-9]+)|[.,:]-+|(?!(?P=group))[.,])?"
    return re.compile(rf"(?P<whole>[0-9]+|{indian}|{groups}){tail}|[{decimal}٫](?P<alone>[0-9]+)")


def _digit(character: str) -> str:
    """Decimal digits of any script as ASCII; raised digits stay, since `12⁹⁹` is not 1299."""
    return str(unicodedata.decimal(character)) if unicodedata.category(character) == "Nd" else character


def _number(value: float | Decimal) -> Decimal:
    if isinstance(value, int) and abs(value) >= TOO_LARGE:                       # Python may refuse to write it
        raise Lost("price", "the price is left out", expected="a price", found="a number of many digits")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or number < 0:
        raise Lost("price", "the price is left out", expected="a number from 0", found=shown(value))
    return number


def _scan(text: str, value: str) -> tuple[str, list[str], list[CurrencyMark]]:
    """The kinds of the cell's parts in their order, currencies left out; its numerals; its currencies."""
    position, kinds, numerals, found = 0, "", [], []
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        phrase = _phrase(text, position)
        numeral = None if phrase else _numeral(text, position)
        if not phrase and not numeral:
            raise _no_price(value, text)
        position += len(phrase or numeral or "")
        meaning = _phrases().get(phrase, "N")
        if isinstance(meaning, CurrencyMark):
            found.append(meaning)
        else:
            kinds += meaning
        if numeral:
            numerals.append(numeral)
    return kinds, numerals, found


def _numeral(text: str, position: int) -> str:
    """The number that begins here, or "". No mark may begin it behind a word: `EUR.50`, `Rs .499`."""
    match = NUMERAL.match(text, position)
    behind = text[:position].rstrip()
    if not match or text[position] in ".,٫" and behind and (behind[-1].isalnum() or behind[-1] in ".,"):
        return ""
    return match[0]


def _phrase(text: str, position: int) -> str:
    """The longest known phrase that begins here and does not end within a word, or ""."""
    for phrase in _by_first().get(text[position], ()):
        end = position + len(phrase)
        if text.startswith(phrase, position) and not (_spaced(phrase[-1]) and _spaced(text[end:end + 1])):
            return phrase
    return ""


def _spaced(character: str) -> bool:
    """Whether it is a letter of a script that puts blanks between words."""
    return character.isalpha() and character < FIRST_CJK


@cache
def _phrases() -> dict[str, CurrencyMark | str]:
    """What may stand beside a number -> its kind, as in FORMS, or the currency."""
    found: dict[str, CurrencyMark | str] = dict(marks())
    for kind, phrases in (("F", (*FROM, *NOTES)), ("T", TO), ("B", FROM_OR_TO), ("Z", FREE),
                          ("S", ("*", "**", "***"))):
        found |= {plain(phrase): kind for phrase in phrases}
    return found | {f"{phrase}:": "F" for phrase in map(plain, FROM)}


@cache
def _by_first() -> dict[str, list[str]]:
    """The phrases by their first character, the longest first."""
    found: dict[str, list[str]] = {}
    for phrase in sorted(_phrases(), key=len, reverse=True):
        found.setdefault(phrase[0], []).append(phrase)
    return found


def _no_price(value: str, text: str) -> Lost:
    if text in NO_PRICE:
        return Lost("price", "no price is given", expected="a number", found=shown(value))
    return Lost("price", "the price is left out", found=shown(value), expected="one price, a range, or `free`",
                remedy="write it as 1234.5, with the currency before or after")
