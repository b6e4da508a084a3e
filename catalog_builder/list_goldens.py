"""Products and photos enter; the list that an app exports of staff's products leaves: `<goldens>/overlay/export/`."""

import codecs
import hashlib
from decimal import Decimal
from pathlib import Path

from catalog_builder.lists.products import RECORD
from export.common.files import ROOT

SHOP = ROOT / "demo" / "shop" / "pictures"
PHOTOS = ("D0001-a.jpg", "D0002-a.jpg", "D0003-a.jpg")
EXPORTED = (                                 # products, and which of the photos each has
    ({"id": "n1", "name": "A \"red\" bag, new", "price": "19.9", "currency": "EUR", "category": "Bags & more"}, (0,)),
    ({"id": "007", "name": "\u9774 \U0001f45e", "price": "1.234", "currency": "EUR", "category": "a, b; c",
      "description": "two lines,\n\"quoted\"; and | a bar", "extra": {"size": "M, L", "\u00e9": ""}}, (1, 2)),
    ({"id": "\u00e91", "name": "-5 = no formula", "currency": "EUR", "extra": {"Z": "last", "size": "38"}}, (0, 2)),
    ({"id": "n2", "name": "Free", "price": "0", "currency": "EUR", "description": "a' b", "category": "A > B"}, (1,)),
    ({"id": "n3", "name": "Dear", "price": "1234567", "currency": "EUR"}, (2,)),
    ({"id": "n4", "name": "Fine", "price": "0.0001", "currency": "EUR", "extra": {"Z": "1.50"}}, (0,)))


def write(folder: Path) -> list[dict]:
    """Writes the list of products that staff added, and its pictures; returns the products."""
    (folder / "pictures").mkdir(parents=True)
    for name in PHOTOS:
        content = (SHOP / name).read_bytes()
        (folder / "pictures" / f"{hashlib.sha256(content).hexdigest()}.jpg").write_bytes(content)
    names = sorted(path.name for path in (folder / "pictures").iterdir())
    given = [new | {"pictures": [names[number] for number in numbers]} for new, numbers in EXPORTED]
    (folder / "products.csv").write_bytes(list_bytes(given))
    return given


def list_bytes(given: list[dict]) -> bytes:
    """The exported list: CSV, every field in quotation marks, in UTF-8 with a byte order mark."""
    more = sorted({key for new in given for key in new.get("extra", {})}, key=lambda key: key.encode())
    rows = [[*RECORD, "pictures", *more]]
    for new in given:
        fields = new | {"price": price_text(new.get("price")), "pictures": "|".join(
            f"pictures/{name}" for name in new["pictures"])} | new.get("extra", {})
        rows.append([fields.get(column, "") for column in rows[0]])
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return codecs.BOM_UTF8 + "".join(f"{line}\r\n" for line in lines).encode()


def price_text(price: str | None) -> str:
    """A price that can be read in one way alone: with two decimals, or with four; "" for none."""
    if price is None:
        return ""
    amount = Decimal(price)
    return f"{amount:.2f}" if amount * 100 % 1 == 0 else f"{amount:.4f}"
