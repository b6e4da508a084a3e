"""The command line's words about a product list enter; ListOptions leave. `build`, `inspect` and `fetch` share them."""

import csv
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime

from catalog_builder.lists import presets
from catalog_builder.lists.list_options import KEEP, LEAVE_OUT, MARK, ListOptions
from export.artifacts import manifest
from export.common import command
from export.common.errors import InputError

PAIR = re.compile(r'\s*(\w+)\s*=\s*("[^"]*"|[^,"]*)\s*(?:,|$)')


def add(parser: ArgumentParser) -> None:
    """The options that say how to read a list."""
    group = parser.add_argument_group("the list", "what the list itself does not show")
    group.add_argument("--preset", default="", metavar="NAME", help=", ".join(presets.presets()))
    group.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN,…",
                       help='columns by field, as name=Title,price="Sale price|Regular price"; fields: '
                       + ", ".join(presets.MAPPABLE))
    group.add_argument("--group", metavar="COLUMN", help="rows with the same value in it are one product")
    group.add_argument("--currency", default="", metavar="EUR", help="of prices that state none")
    group.add_argument("--decimal", default="", choices=(".", ","), help="where the prices may mean two things")
    group.add_argument("--language", default="", metavar="en", help="of texts that come in several languages")
    group.add_argument("--encoding", metavar="NAME", help="of a text that is no UTF-8, such as windows-1252")
    group.add_argument("--keep", default="", metavar="COLUMN,…", help="other columns that ship to every phone")
    group.add_argument("--keys", default="", metavar="COLUMN,…", help="columns whose whole value finds a product, such "
                       "as sku,gtin,model; they ship (besides: the id, and of --keep barcodes, article numbers, brand)")
    group.add_argument("--words", default="", metavar="COLUMN,…", help="columns whose words find a product; they ship "
                       "(besides: the name, and of --keep the brand); none: no search for words")
    group.add_argument("--filter", default="", metavar="COLUMN,…", help="columns to filter by, such as brand,size; "
                       "they ship")
    group.add_argument("--pictures", type=command.path, action="append", default=[], metavar="FOLDER",
                       help="where the pictures are; may be repeated (default: the list's folder)")
    group.add_argument("--pictures-from", default="", metavar="PATTERN", help='such as "images/{id}.jpg"')
    group.add_argument("--category-level", type=int, default=0, metavar="N", help="levels of a category's path")
    group.add_argument("--sold-out", choices=(KEEP, MARK, LEAVE_OUT), default=KEEP, help="default: %(default)s")


def options(given: Namespace) -> ListOptions:
    """What the user said. Raises InputError for what cannot be meant."""
    columns = mapped(given.map) | ({"group": [given.group]} if given.group else {})
    if given.currency and not re.fullmatch("[A-Za-z]{3}", given.currency):
        raise InputError("no currency", where="--currency", expected="ISO 4217's code, such as EUR",
                         found=given.currency)
    for folder in given.pictures:
        if not folder.is_dir():
            raise InputError("no folder of pictures", where="--pictures", found=folder)
    if given.category_level < 0:
        raise InputError("no number of levels", where="--category-level", expected="0 (all) or more",
                         found=given.category_level)
    built = manifest.created()
    return ListOptions(
        preset=given.preset, columns=columns, currency=given.currency.upper(), decimal=given.decimal,
        language=given.language, encoding=given.encoding, keep=_names(given.keep, "--keep"),
        keys=_names(given.keys, "--keys"), words=_names(given.words, "--words"),
        filters=_names(given.filter, "--filter"),
        pictures=tuple(given.pictures), pictures_from=given.pictures_from,
        category_level=given.category_level, sold_out=given.sold_out,
        now=datetime.fromisoformat(built) if built else datetime.now(UTC))


def mapped(given: Sequence[str]) -> dict[str, Sequence[str]]:
    """The columns by field of `--map name=Title,price="Sale price|Regular price"`."""
    columns: dict[str, Sequence[str]] = {}
    for text in given:
        place = 0
        while place < len(text):
            pair = PAIR.match(text, place)
            if not pair or pair[1] not in presets.MAPPABLE or not pair[2].strip('" '):
                raise InputError("a column cannot be mapped", where="--map", found=text[place:],
                                 expected=f"FIELD=COLUMN, the field one of {', '.join(presets.MAPPABLE)}")
            columns[pair[1]] = [name.strip() for name in pair[2].strip('"').split("|")]
            place = pair.end()
    return columns


def asked_filters(given: Sequence[str]) -> dict[str, Sequence[str]]:
    """The texts by column of `--filter brand=Acme,"size=M|L"`. Raises InputError for anything else."""
    columns: dict[str, Sequence[str]] = {}
    for text in given:
        for pair in _names(text, "--filter"):
            column, mark, texts = pair.partition("=")
            if not mark or not column.strip() or not texts.strip():
                raise InputError("no filter", where="--filter", expected="COLUMN=TEXT, or COLUMN=TEXT|TEXT", found=pair)
            columns[column.strip()] = [one.strip() for one in texts.split("|")]
    return columns


def share(text: str) -> float:
    """50% or 50 as 0.5. Raises InputError for anything but 0 to 100."""
    number = text.strip().removesuffix("%")
    if not re.fullmatch(r"\d{1,3}(\.\d+)?", number) or float(number) > 100:
        raise InputError("no share", where="--allow-loss", expected="a share such as 50%", found=text)
    return float(number) / 100


def _names(text: str, option: str) -> tuple[str, ...]:
    """Names between commas, in quotes where they hold one, each once."""
    try:
        names = next(csv.reader([text], skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise InputError("the columns cannot be read", where=option, found=text,
                         expected='COLUMN,"Column, with a comma"') from error
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
