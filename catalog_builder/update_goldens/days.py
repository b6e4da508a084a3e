"""A folder enters; a made-up shop's catalogs of three days, and of two under other encoders, and their deltas leave."""

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from catalog_builder.builder import writer
from catalog_builder.builder.writer import Content
from catalog_builder.catalog.calibration import Calibration, Curve
from catalog_builder.catalog.reader import NO_PRICE, Catalog, open_catalog
from catalog_builder.golden_values import unit
from catalog_builder.lists import products
from catalog_builder.lists.products import Product
from catalog_builder.updates import delta_writer
from catalog_builder.updates.previous import Previous

SPACE, FOREIGN_SPACE, DIM, COUNT = "5" * 64, "6" * 64, 16, 24
KNOWN = Calibration(Curve(12.0, -6.0, 0.25), Curve(9.5, -5.25, 0.125), "queries")
NAMES = ("Bags", "Schuhe & Stiefel", "\u9774", "Hats")
DELTAS = {"tuesday.delta": ("base", "tuesday"), "deltas/wednesday.delta": ("tuesday", "wednesday"),
          "deltas/base-wednesday.delta": ("base", "wednesday"), "deltas/foreign-2.delta": ("foreign", "foreign-2")}


@dataclass(frozen=True)
class Stock:
    """A product of the made-up shop."""

    product: Product
    seeds: tuple[int, ...]                   # of its pictures' vectors
    thumbnail: bytes


def stock(number: int, **changes: Any) -> Stock:
    """A product with its pictures: every fifth has two, every seventh no price."""
    price = None if number % 7 == 3 else (number * 37 % 50) * 10_000 + 9_900
    made = Product(line=0, row=0, id=f"p{number:02}", name=f"Product \u00e9 {number}", price=price, currency="EUR",
                   description="", category=NAMES[number % len(NAMES)], pictures=(),
                   extra={"brand": f"b{number % 3}"} if number % 4 == 1 else {})
    seeds = (number, number + 100) if number % 5 == 1 else (number,)
    return Stock(replace(made, **changes), seeds, bytes([number]) * (number % 3))


def monday() -> list[Stock]:
    """The base."""
    return [stock(number) for number in range(COUNT)]


def tuesday() -> list[Stock]:
    """Products gone, come, photographed anew, renamed, repriced, moved to another category, in another order."""
    changed = {
        "p01": stock(1, price=120_000), "p08": stock(8, price=None), "p17": stock(17, price=19_900),
        "p07": stock(7, name="Renamed \"\\\u2028"), "p12": stock(12, category="Gloves"),
        "p05": replace(stock(5), seeds=(205, 206, 207)), "p06": replace(stock(6), thumbnail=b"RIFF-new"),
        "p20": replace(stock(20, name="All new", price=70_000, category="\u9774"), seeds=(220,), thumbnail=b"")}
    kept = [changed.get(one.product.id, one) for one in monday() if one.product.id not in ("p03", "p10", "p23")]
    return [stock(30, category="Gloves"), *kept[::-1], replace(stock(31), thumbnail=b"RIFF31"), stock(32, price=None)]


def wednesday() -> list[Stock]:
    """The day after: no hats any more, two prices cut, two products more."""
    kept = [one for one in tuesday() if one.product.category != "Hats"]
    cheaper = [replace(one, product=replace(one.product, price=990_000)) if one.product.id in ("p00", "p31") else one
               for one in kept]
    return [*cheaper, replace(stock(34), seeds=(303, 304), thumbnail=b"RIFF34"), stock(33)]


def write(folder: Path) -> dict[str, Catalog]:
    """The three days' catalogs, by their names; two of another space; and their deltas, as DELTAS names them."""
    folder.mkdir(parents=True)
    made = {"base": written(folder / "base.catalog", monday(), None)}
    made["tuesday"] = written(folder / "tuesday.catalog", tuesday(), made["base"])
    made["wednesday"] = written(folder / "wednesday.catalog", wednesday(), made["tuesday"])
    made["foreign"] = written(folder / "foreign.catalog", monday()[:2], None, FOREIGN_SPACE)
    made["foreign-2"] = written(folder / "foreign-2.catalog", [stock(0, price=990_000), stock(1)], made["foreign"],
                                FOREIGN_SPACE)
    (folder / "deltas").mkdir()
    for name, (before, after) in DELTAS.items():
        delta_writer.write(made[before], made[after], folder / name)
    return made


def written(path: Path, stocks: list[Stock], base: Catalog | None, space: str = SPACE) -> Catalog:
    """The catalog of these products, over that of the day before."""
    before, of_id = Previous(base) if base else None, {one.product.id: one for one in stocks}
    listed = before.in_order([one.product for one in stocks]) if before else [one.product for one in stocks]
    ordered, used = [of_id[one.id] for one in listed], [one.category for one in listed]
    names = before.category_names(used) if before else list(dict.fromkeys(used))
    content = Content(
        space, "made", "EUR", names, KNOWN, records=[products.json_record(one) for one in listed],
        prices=np.array([NO_PRICE if one.price is None else one.price for one in listed]),
        categories=np.array([names.index(name) for name in used]),
        owners=np.repeat(np.arange(len(ordered)), [len(one.seeds) for one in ordered]),
        thumbnails=[one.thumbnail for one in ordered], ids=[one.id for one in listed],
        offset=before.offset if before else None, parent=before.digest if before else None)
    writer.write(path, content, np.stack([vector(seed) for one in ordered for seed in one.seeds]))
    return open_catalog(path)


def vector(seed: int) -> np.ndarray:
    """float32 [DIM], unit length, the same on every machine."""
    chance = random.Random(seed)
    return unit(np.array([chance.randint(-9, 9) for _ in range(DIM)]) + 0.5)
