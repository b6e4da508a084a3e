"""Draws the sample shop: `python -m demo.shop`.

In: the colour-emoji font and the `emoji` package's names. Out, under `demo/shop/`: `products.csv` with its pictures
(`pictures/`), and `queries.csv` with its query pictures (`queries/`): two texts and two pictures per product, each with
the right product. Two runs give the same bytes. The seeds differ from those of the training, so no picture here was
used in training. The texts use `QUERY_TEMPLATES`, which training does not use.
"""

import argparse
import csv
import hashlib
import random
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from demo.drawing import CATALOG, QUERY, Style, draw
from demo.glyphs import Glyph, draw_glyph, list_glyphs, read_font, shop_glyphs
from demo.wording import QUERY_TEMPLATES, fill
from export.common.errors import InputError

SHOP_FOLDER = Path(__file__).parent / "shop"
CURRENCY = "EUR"
CATALOG_SEED, QUERY_SEED, TEXT_SEED = 11, 12, 13
CATALOG_QUALITY, QUERY_QUALITY = 80, 70      # JPEG
PRODUCT_FIELDS = ("id", "name", "price", "currency", "description", "category", "pictures")
QUERY_FIELDS = ("kind", "query", "product")


@dataclass(frozen=True)
class Category:
    """How a category names, describes and prices its goods."""

    name: str                                # of the product: `{name}` with capitals
    description: str                         # `{name}`, or `{a}` with its article
    price: tuple[float, float]               # lowest and highest, euros


CATEGORIES = {
    "Fruit and vegetables": Category("{name}, fresh", "Fresh from the region: {name}, picked this week.", (0.79, 4.5)),
    "Food": Category("{name}", "From our kitchen: {name}, made every morning and packed to take away.", (1.2, 14.0)),
    "Sweets and drinks": Category("{name}", "A treat for the break: {name}, served or packed as you like.",
                                  (1.5, 19.0)),
    "Animals": Category("{name}, soft toy", "Soft toy in the shape of {a}, 25 cm tall, washable at 30 degrees.",
                        (9.0, 39.0)),
    "Plants": Category("{name}", "From our own nursery: {name}, with a leaflet on care.", (2.5, 49.0)),
    "Clothing": Category("{name}", "Well cut and in all common sizes: {name}, with free returns for 30 days.",
                         (7.0, 129.0)),
    "Bags and jewellery": Category("{name}", "Elegant and made to last: {name}, in a gift box.", (6.0, 249.0)),
    "Model vehicles": Category("{name}, scale model", "Die-cast scale model of {a} with moving parts, for collectors "
                               "from 8 years.", (12.0, 89.0)),
    "Sports and games": Category("{name}", "For the club and the garden: {name}, tested by our own team.",
                                 (5.0, 79.0)),
    "Music": Category("{name}", "For beginners and bands: {name}, checked by hand, with a carrying case.",
                      (15.0, 499.0)),
    "Tools and home": Category("{name}", "For home and workshop: {name}, sturdy and easy to clean.", (2.0, 59.0)),
    "Electronics and science": Category("{name}", "For study and work: {name}, with a guarantee of two years.",
                                        (19.0, 399.0)),
    "Books and office": Category("{name}", "For the desk at home or in the office: {name}.", (0.9, 29.0)),
}

# Shop names for glyphs whose CLDR name a customer would not understand.
SHOP_NAMES = {
    "egg": "egg, free-range", "hot beverage": "cup of coffee", "bottle with popping cork": "bottle of champagne",
    "beverage box": "juice box", "cup with straw": "soft drink with straw", "tumbler glass": "glass of whisky",
    "tennis": "tennis racket and ball", "bowling": "bowling ball and pins", "field hockey": "field hockey stick",
    "ice hockey": "ice hockey stick and puck", "lacrosse": "lacrosse stick", "ping pong": "ping pong bat and ball",
    "badminton": "badminton racket and shuttlecock", "goal net": "goal with net", "bullseye": "dartboard, bullseye",
    "pool 8 ball": "pool ball number 8", "video game": "video game controller", "wood": "log of wood",
    "hourglass done": "hourglass", "thread": "spool of thread", "yarn": "ball of yarn", "chains": "chain",
    "couch and lamp": "couch with lamp", "shower": "shower head", "optical disk": "optical disc",
    "nail polish": "nail polish set", "gem stone": "gemstone", "package": "parcel box", "label": "label with string",
}

# Prices (euros) for products to which the digest of the name gives an absurd price.
SHOP_PRICES = {
    "battery": "3.49", "electric plug": "4.99", "floppy disk": "1.99", "optical disk": "2.49",
    "videocassette": "4.49", "abacus": "17.99", "test tube": "2.29", "thermometer": "8.99", "adhesive bandage": "2.99",
    "computer mouse": "24.95", "keyboard": "44.95", "laptop": "899.00", "desktop computer": "749.00",
    "mobile phone": "599.00", "television": "549.00", "telescope": "219.00", "bed": "329.00",
    "couch and lamp": "689.00", "bathtub": "459.00", "toilet": "189.00", "door": "239.00", "window": "279.00",
    "chair": "79.95", "tent": "149.00", "toolbox": "64.95", "ladder": "89.95", "safety pin": "0.49",
    "sewing needle": "0.99", "ring": "890.00", "gem stone": "1250.00", "lipstick": "12.99", "nail polish": "8.49",
    "socks": "5.99", "trophy": "34.95", "skis": "279.00", "violin": "349.00", "accordion": "629.00",
    "saxophone": "799.00", "bell": "14.99", "radio": "49.95", "headphone": "89.95", "framed picture": "59.95",
    "file cabinet": "119.00", "lab coat": "34.95", "bouquet": "24.95", "birthday cake": "29.95", "seedling": "1.99",
    "bread": "3.90", "croissant": "1.80", "pretzel": "1.20", "french fries": "3.90", "cookie": "1.50", "salt": "0.89",
    "soft ice cream": "2.50", "doughnut": "1.69", "butter": "2.79", "custard": "2.20", "beverage box": "1.29",
    "bottle with popping cork": "32.95", "glass of milk": "1.90", "egg": "0.39", "sushi": "11.90", "brick": "1.49",
    "maracas": "24.95", "briefs": "9.95", "balloon": "0.99", "crayon": "1.99", "pushpin": "0.99", "soap": "3.49",
    "newspaper": "2.80", "shopping bags": "3.99", "running shoe": "79.95", "goal net": "89.95", "game die": "1.99",
    "kimono": "119.00", "sari": "89.95", "coat": "119.00", "hiking boot": "109.00",
    "toothbrush": "3.99", "mirror": "49.95", "axe": "34.95", "kitchen knife": "29.95", "spoon": "3.49",
}


@dataclass(frozen=True)
class DrawnProduct:
    """One product and the glyph that it is drawn from."""

    id: str
    category: str
    glyph: Glyph


def list_products(glyphs: list[Glyph]) -> list[DrawnProduct]:
    """The shop's products, numbered in the order of the list."""
    return [DrawnProduct(f"D{number:04}", category, glyph)
            for number, (category, glyph) in enumerate(shop_glyphs(glyphs), start=1)]


def _price(product: DrawnProduct) -> str:
    """A price that looks realistic and depends only on the name; low prices are more frequent."""
    if product.glyph.name in SHOP_PRICES:
        return SHOP_PRICES[product.glyph.name]
    low, high = CATEGORIES[product.category].price
    share = int.from_bytes(hashlib.sha256(product.glyph.name.encode()).digest()[:4], "big") / 2 ** 32
    cents = round(100 * (low + (high - low) * share ** 2))
    return f"{(cents // 10 * 10 + 9) / 100:.2f}" if cents < 2000 else f"{cents // 100 + 0.95:.2f}"


def _product_row(product: DrawnProduct, pictures: Iterable[str]) -> dict[str, str]:
    category, name = CATEGORIES[product.category], SHOP_NAMES.get(product.glyph.name, product.glyph.name)
    return {"id": product.id, "name": category.name.format(name=name[0].upper() + name[1:]),
            "price": _price(product), "currency": CURRENCY, "description": fill(category.description, name),
            "category": product.category, "pictures": "|".join(pictures)}


def _text_queries(product: DrawnProduct) -> list[tuple[str, str, str]]:
    """Two sentences from two templates: with CLDR's name, and with another name if there is one."""
    chance = random.Random(f"{TEXT_SEED} {product.id}")
    names = (product.glyph.name, chance.choice(product.glyph.aliases or (product.glyph.name,)))
    templates = chance.sample(QUERY_TEMPLATES, len(names))
    return [("text", fill(template, name), product.id) for template, name in zip(templates, names, strict=True)]


def _draw_series(glyph: Image.Image, styles: Sequence[Style], seed: Sequence[int], paths: list[Path],
                 quality: int) -> None:
    """Draws one JPEG for each style and path."""
    rng = np.random.default_rng(seed)
    for style, path in zip(styles, paths, strict=True):
        draw(glyph, style, rng).save(path, quality=quality, subsampling=2, optimize=True)


def _write_csv(path: Path, fields: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(fields)
        writer.writerows(rows)


def build_shop(folder: Path) -> int:
    """Writes the shop into `folder`, whose pictures are replaced; returns the number of products."""
    font = read_font()
    products = list_products(list_glyphs(font))
    for name in ("pictures", "queries"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    rows, queries = [], []
    for number, product in enumerate(products):
        glyph = draw_glyph(font, product.glyph.character).convert("RGBa")
        pictures = [f"pictures/{product.id}-{letter}.jpg" for letter in "abcd"]
        asked = [f"queries/{product.id}-{letter}.jpg" for letter in "ab"]
        _draw_series(glyph, CATALOG, (CATALOG_SEED, number), [folder / name for name in pictures], CATALOG_QUALITY)
        _draw_series(glyph, (QUERY, QUERY), (QUERY_SEED, number), [folder / name for name in asked], QUERY_QUALITY)
        rows.append(tuple(_product_row(product, pictures)[field] for field in PRODUCT_FIELDS))
        queries += _text_queries(product) + [("picture", name, product.id) for name in asked]
    _write_csv(folder / "products.csv", PRODUCT_FIELDS, rows)
    _write_csv(folder / "queries.csv", QUERY_FIELDS, sorted(queries, key=lambda query: query[0], reverse=True))
    return len(products)


def main() -> int:
    """Reads the arguments. Exit status 0, or 2 if an input is missing."""
    parser = argparse.ArgumentParser(prog="python -m demo.shop", description="Draws the sample shop.")
    parser.add_argument("--folder", type=Path, default=SHOP_FOLDER, help="where to write (default: demo/shop)")
    arguments = parser.parse_args()
    try:
        count = build_shop(arguments.folder)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in arguments.folder.rglob("*") if path.is_file())
    print(f"{arguments.folder}: {count} products, {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
