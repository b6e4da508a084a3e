"""Values of a product list enter, as shop systems and spreadsheets write them; texts, dates and answers leave."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from catalog_builder.fields.html_text import plain_text
from catalog_builder.tables.table_types import Lost, shown

PATH_MARKS = ">›»"
STEP = " > "                                 # between the parts of a category's path
LANGUAGE_KEYS = ("language", "language_tag", "lang", "locale", "@language")
TEXT_KEYS = ("value", "text", "@value", "name")
LANGUAGE = re.compile("[A-Za-z]{2}([-_][A-Za-z0-9]{2,8})*")
AMOUNT_KEYS = ("value", "amount", "price")
CURRENCY_KEYS = ("currency", "currencyCode", "currency_code")
SPREADSHEET_TEXT = re.compile('="(.*)"', re.DOTALL)          # keeps 00123 as it is
WHOLE_FLOAT = re.compile(r"([1-9][0-9]{0,15}|0)\.0")         # of pandas, where a column has gaps
LARGEST_WHOLE = 2**53                        # below it a double holds every integer
LARGEST_ID = 10**40
DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]+([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
                  r" ?(Z|[+-][0-9]{2}:?[0-9]{2})?)?", re.IGNORECASE)
WORD_MARKS = re.compile(r"(?<=\w)[-_](?=\w)")
LONGEST_WORD = 100                           # characters of an answer
DAY = timedelta(days=1)
IN_STOCK = frozenset((
    "in stock", "instock", "available", "true", "yes", "limited availability", "in store only", "online only",
    "auf lager", "lieferbar", "sofort lieferbar", "verfügbar", "sofort verfügbar", "vorrätig", "ja",
    "en stock", "disponible", "oui", "en existencia", "hay stock", "sí", "si", "disponibile", "em estoque",
    "disponível", "op voorraad", "na stanie", "i lager", "på lager", "в наличии",
    "有货", "有貨", "现货", "現貨", "有库存", "有庫存", "在庫あり", "在庫有り", "在庫有", "販売中", "재고 있음"))
SOLD_OUT = frozenset((
    "out of stock", "outofstock", "sold out", "soldout", "unavailable", "not available", "discontinued", "false", "no",
    "ausverkauft", "nicht auf lager", "nicht lieferbar", "nicht verfügbar", "nicht vorrätig", "vergriffen", "nein",
    "en rupture de stock", "rupture de stock", "en rupture", "épuisé", "indisponible", "non disponible", "non",
    "agotado", "sin stock", "sin existencias", "no disponible", "esaurito", "non disponibile", "esgotado",
    "sem estoque", "indisponível", "uitverkocht", "niet op voorraad", "brak", "slutsåld", "udsolgt", "utsolgt",
    "нет в наличии", "缺货", "缺貨", "无货", "無貨", "售罄", "已售罄", "售完", "已售完", "无库存", "無庫存", "停产",
    "停產", "在庫なし", "在庫無し", "売り切れ", "売切れ", "品切れ", "完売", "販売終了", "품절"))
YES = frozenset((
    "1", "1.0", "y", "yes", "true", "t", "on", "x", "✓", "✔", "j", "ja", "wahr", "o", "oui", "vrai", "s", "sí", "si",
    "sì", "sim", "vero", "verdadero", "verdadeiro", "tak", "ano", "да", "истина", "evet", "是", "真", "对", "對",
    "はい", "예", "네"))
NO = frozenset((
    "0", "0.0", "n", "no", "false", "f", "off", "nein", "falsch", "non", "faux", "falso", "não", "nao", "nee", "nej",
    "nei", "nie", "ne", "нет", "ложь", "hayır", "否", "假", "不是", "いいえ", "아니요", "아니오"))


@dataclass(frozen=True)
class TaggedText:
    """One language's text of a value that has several."""

    text: str
    notice: str                              # names the languages where none was asked for, or another; "" otherwise


@dataclass(frozen=True)
class SaleDates:
    """When a sale price counts: from `start` until before `end`, in UTC; None where it is open."""

    start: datetime | None
    end: datetime | None

    def holds(self, moment: datetime) -> bool:
        """Whether the sale is on at `moment`, which has a time zone."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)


# Texts.

def id_text(value: object) -> str:
    """The id as a text; "" for an empty cell. Raises Lost if it is neither a text nor a number.

    >>> id_text('="00123"'), id_text("'00123"), id_text(12.0), id_text("12.0"), id_text("1e5"), id_text(1.5)
    ('00123', '00123', '12', '12', '1e5', '1.5')
    """
    if isinstance(value, str):
        return _id_as_written(value.strip())
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float | Decimal)):
        raise Lost("id", "the id is neither a text nor a number", found=shown(value))
    number = Decimal("NaN") if value is None else Decimal(value)
    if number.is_nan():
        return ""
    if abs(number) < (LARGEST_ID if isinstance(value, int) else LARGEST_WHOLE):
        return str(int(number)) if number == int(number) else str(value)
    raise Lost("id", "the id is too large for a number", expected="an id in quotes", found="a number of many digits")


def split_list(text: str, separator: str) -> list[str]:
    r"""The stripped, non-empty parts between separators; one behind a backslash is part of a value.

    >>> split_list(r"Pots\, pans, New, ", ",")
    ['Pots, pans', 'New']
    """
    parts = re.split(rf"(?<!\\){re.escape(separator)}", text) if separator else [text]
    return [part.strip().replace(f"\\{separator}", separator) if separator else part.strip()
            for part in parts if part.strip()]


def escaped_line_ends(text: str) -> str:
    r"""The text of a system that writes line ends as `\n`, and a real `\n` as `\\n`."""
    return re.sub(r"\\(\\n|n)", lambda escape: "\n" if escape[1] == "n" else "\\n", text)


def category(value: object, *, separator: str = "", path_mark: str = "", level: int = 0, drop: Collection[str] = (),
             deepest: bool = False) -> str:
    """The first of several categories, or the deepest, as `A > B > C`; "" if there is none.

    A list (also as JSON in a text) holds categories, and a list in it the parts of one. `separator` stands between
    categories, `path_mark` between the parts of one, beside `>`, `›` and `»`. `drop`: roots that are no category.
    `level`: at most so many parts; 0: all.

    >>> category("Default Category/Gear/Bags,Default Category/Sale", separator=",", path_mark="/",
    ...          drop=["Default Category"], deepest=True)
    'Gear > Bags'
    """
    paths = [path for item in _categories(value, separator) if (path := _without_root(_path(item, path_mark), drop))]
    if not paths:
        return ""
    chosen = max(paths, key=len) if deepest else paths[0]
    return STEP.join(chosen[:level or None])


def money(value: object) -> tuple[object, str]:
    """A price, and the currency that it names, of an object with both; any other value as it is, and "".

    >>> money({"value": "2.50", "currency": "USD"}), money("2.50")
    (('2.50', 'USD'), ('2.50', ''))
    """
    if not isinstance(value, dict) or (amount := _first(value, AMOUNT_KEYS)) is None:
        return value, ""
    return amount, str(_first(value, CURRENCY_KEYS) or "")


def tagged_text(value: object, language: str = "") -> TaggedText | None:
    """The text in `language`, else the first, of a value with texts by language; None for any other value.

    >>> tagged_text({"en": "Shirt", "de": "Hemd"}, "de").text, tagged_text("Shirt")
    ('Hemd', None)
    """
    texts = _by_language(_from_json(value))
    if not texts:
        return None
    wanted = language.replace("_", "-").casefold()
    exact = [text for tag, text in texts if wanted and tag.replace("_", "-").casefold() == wanted]
    alike = [text for tag, text in texts if wanted and _primary(tag) == _primary(wanted)]
    if exact or alike:
        return TaggedText((exact or alike)[0], "")
    names = ", ".join(dict.fromkeys(tag for tag, _ in texts))
    only_one = len({tag for tag, _ in texts}) == 1 and not wanted
    return TaggedText(texts[0][1], "" if only_one else f"{texts[0][0]} taken of the languages {names}")


# Answers.

def availability(value: object) -> str:
    """`in stock`, `sold out`, or "" where the value says neither: unknown words, orders ahead of stock."""
    text = _word(value).rpartition("schema.org/")[2]
    if re.fullmatch("-?[0-9]{1,9}(\\.0+)?", text):
        return "in stock" if float(text) > 0 else "sold out"
    return "in stock" if text in IN_STOCK else "sold out" if text in SOLD_OUT else ""


def yes_no(value: object) -> bool | None:
    """Yes or no in several languages; None where the value says neither."""
    text = _word(value)
    return True if text in YES else False if text in NO else None


# Dates.

def date_of(text: str) -> datetime | None:
    """An ISO date or time, in UTC where it names no zone; None for anything else: `1/2/24` is read in two ways."""
    match = DATE.fullmatch(text.strip())
    if not match:
        return None
    date, time, zone = match.groups()
    try:
        clock = (time or "00:00").zfill(8 if time and time.count(":") == 2 else 5)          # WooCommerce: 0:00:00
        found = datetime.fromisoformat(f"{date}T{clock}{(zone or 'Z').upper()}")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):      # the 31st of April; the year 0
        return None


def sale_dates(start: str, end: str = "") -> SaleDates:
    """The dates of a sale: two, either of them empty, or an interval `from/to`. A day at its end is part of it.

    Raises Lost for the field `price` where a date cannot be read.
    """
    if not end.strip() and "/" in start and DATE.match(start.strip()):
        start, _, end = start.partition("/")
    first, last = _date(start), _date(end)
    match = DATE.fullmatch(end.strip())
    whole_day = match is not None and match[2] is None
    try:
        return SaleDates(first, last + DAY if last and whole_day else last)
    except OverflowError:                    # the last day that there is
        return SaleDates(first, None)


def _date(text: str) -> datetime | None:
    found = date_of(text)
    if text.strip() and found is None:
        raise Lost("price", "the dates of the sale cannot be read", expected="2024-05-31 or 2024-05-31T12:00+0200",
                   found=shown(text))
    return found


# Parts.

def _id_as_written(text: str) -> str:
    """Undoes what spreadsheets and pandas do to ids."""
    if quoted := SPREADSHEET_TEXT.fullmatch(text):
        return quoted[1].replace('""', '"').strip()
    if whole := WHOLE_FLOAT.fullmatch(text):
        return whole[1]
    return text[1:].strip() if text.startswith("'") and len(text) > 1 and not text.endswith("'") else text


def _from_json(value: object) -> object:
    """What a text of JSON holds; any other value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _categories(value: object, separator: str) -> Iterator[str | Sequence[object]]:
    """Each category: a text, or the parts of its path."""
    found = _from_json(value)
    for item in found if isinstance(found, list | tuple) else [found]:
        if isinstance(item, list | tuple):
            yield item
        elif text := _name(item):
            yield from split_list(plain_text(text), separator)


def _name(value: object) -> str:
    """The text of a category: itself, a number, or an object's name."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("name", "title", "value") if isinstance(value.get(key), str)), None)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _path(item: str | Sequence[object], path_mark: str) -> list[str]:
    if not isinstance(item, str):
        return [part for value in item if (part := " ".join(plain_text(_name(value)).split()))]
    parts = [item]
    for mark in dict.fromkeys(f"{path_mark}{PATH_MARKS}" if len(path_mark) < 2 else (path_mark, *PATH_MARKS)):
        parts = [part for whole in parts for part in split_list(whole, mark)]
    return [" ".join(part.split()) for part in parts]


def _without_root(path: list[str], drop: Collection[str]) -> list[str]:
    return path[1:] if path and path[0] in drop else path


def _by_language(value: object) -> list[tuple[str, str]]:
    """(language, text) of a value that gives a text for each language; empty for any other value."""
    if isinstance(value, dict) and value and all(LANGUAGE.fullmatch(key) for key in value):
        pairs = list(value.items())
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        pairs = [(_first(item, LANGUAGE_KEYS), _first(item, TEXT_KEYS)) for item in value]
    else:
        return []
    texts = [(tag, text) for tag, text in pairs if isinstance(tag, str) and isinstance(text, str)]
    others = sum(text is not None for _, text in pairs) - len(texts)
    return [] if others else [(tag, text) for tag, text in texts if text.strip()]


def _first(item: Mapping[str, object], keys: Sequence[str]) -> object:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def _primary(tag: str) -> str:
    """`en` of `en_GB`."""
    return re.split("[-_]", tag.casefold())[0]


def _word(value: object) -> str:
    """A short text, a number or a truth value as one lower-case text, with blanks for `_` and `-` within it."""
    if not isinstance(value, str | bool | float) and not (isinstance(value, int) and abs(value) < LARGEST_WHOLE):
        return ""
    text = str(value)
    return WORD_MARKS.sub(" ", " ".join(text.split())).casefold() if len(text) < LONGEST_WORD else ""
