"""Lists damaged on purpose: every row ends as a product with its own picture, or as a problem that names it.

Or the whole file is refused with a remedy, and with that remedy the same holds. 200 lists, more in `make soak`.
"""

import random
import re
from pathlib import Path

import pytest

from catalog_builder.lists import listing
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.listing import Listing
from catalog_builder.lists.problems import Problem
from export.common.errors import InputError
from tests import damaged_lists
from tests.damaged_lists import DamagedList

LISTS, ALL = 200, 20_000
STRAY = str.maketrans("", "", '"\0')         # a quote within an unquoted text is a letter; a NUL is left out


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """A shop's folder with every picture of a damaged list."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "images").mkdir()
    for number in range(damaged_lists.ROWS):
        (folder / "images" / f"{number:03}.jpg").write_bytes(b"picture")
    return folder


def read(folder: Path, made: DamagedList) -> Listing | None:
    """The list, with the remedy of its first refusal if it is refused; None if that remedy says to mend the list."""
    path = folder / "list.csv"
    path.write_bytes(made.data)
    options: dict[str, str] = {}
    for _ in range(3):
        try:
            return listing.read(path, ListOptions(**options))
        except InputError as error:
            text = str(error)
            assert "\n" not in text and "remedy" in text, text
            if "--encoding" in text and "encoding" not in options:
                options["encoding"] = made.encoding.removesuffix("-sig")
            elif "--decimal" in text and "decimal" not in options:
                options["decimal"] = "."
            else:
                return None
    raise AssertionError("no remedy helps")


def last_line(problem: Problem) -> int:
    """The last line of a problem that speaks of several."""
    return int((re.findall(r" to line (\d+)", problem.what) or [problem.line])[0])


def price(row: dict[str, str]) -> int:
    """In ten-thousandths."""
    return round(float(row.get("price", "0").replace(",", ".")) * 10_000)


def lost_or_swapped(made: DamagedList, found: Listing, missing: set[str]) -> list[str]:
    """The rows that neither are products with their own picture nor are named by a problem."""
    products = {product.id.replace('"', ""): product for product in found.products}
    named = {line for problem in found.problems for line in range(problem.line, last_line(problem) + 1)}
    wrong = []
    for row, start, end in zip(made.rows, made.starts, [*made.starts[1:], 1 << 30], strict=True):
        product = products.get(row["id"])
        mentioned = any(start <= line < end for line in named) or start > made.cut
        if product is None and not mentioned:
            wrong.append(f"{row['id']} (line {start}) is lost")
        if product and [path.name for path in product.pictures] != [Path(row["pictures"]).name]:
            wrong.append(f"{row['id']} has the picture {product.pictures}")
        if product and product.name.translate(STRAY) != row["name"].translate(STRAY) and not mentioned:
            wrong.append(f"{row['id']} is called {product.name!r}")
        if product and product.price not in (None, price(row)) and start <= made.cut:
            wrong.append(f"{row['id']} costs {product.price}, not {row['price']}")
        if product and "price" in row and product.price is None and not mentioned:
            wrong.append(f"{row['id']} has lost its price")
        if product and row["pictures"] in missing:
            wrong.append(f"{row['id']} has a picture that is not there")
    return wrong


def check(images: Path, seeds: range) -> None:
    outcomes = {"read": 0, "refused": 0}
    for seed in seeds:
        made, chance = damaged_lists.made(seed), random.Random(seed)
        missing = set(chance.sample([row["pictures"] for row in made.rows], 30)) if seed % 4 == 0 else set()
        for name in missing:
            (images / name).unlink()
        found = read(images, made)
        for name in missing:
            (images / name).write_bytes(b"picture")
        outcomes["read" if found else "refused"] += 1
        if found:
            assert lost_or_swapped(made, found, missing) == [], seed
    assert outcomes["read"] > len(seeds) // 2, outcomes


@pytest.mark.slow
def test_no_row_is_lost_or_gets_another_ones_picture(images):
    check(images, range(LISTS))


@pytest.mark.slow
def test_no_row_of_many_more_lists_is_lost_or_gets_another_ones_picture(images, repetitions):
    check(images, range(LISTS, repetitions(ALL)))


def test_a_list_that_is_lost_or_swapped_is_noticed(images):
    made = next(made for seed in range(99)
                if (made := damaged_lists.made(seed, ["none"], cuts=False)).encoding == "utf-8")
    found = read(images, made)
    gone = Listing(found.products[1:], [], "", found.recognition)
    assert lost_or_swapped(made, gone, set())
