"""A product enters; the record that a catalog holds of it leaves."""

import json
from dataclasses import dataclass
from pathlib import Path

from catalog_builder.fields.prices import price_text

RECORD = ("id", "name", "price", "currency", "description", "category")


@dataclass(frozen=True)
class Product:
    """One product; every text is plain and stripped."""

    line: int                            # where its first row starts, from 1; 0 in formats without lines
    row: int                             # of its first row, as a spreadsheet numbers it
    id: str
    name: str
    price: int | None                    # ten-thousandths of the currency's unit
    currency: str                        # "" where none is given
    description: str
    category: str                        # "" where none is given
    pictures: tuple[Path, ...]           # absolute and resolved, each once
    extra: dict[str, object]             # what else ships, as JSON values
    availability: str = ""               # "sold out", or "" for all else


def json_record(product: Product) -> bytes:
    """The catalog's record: compact JSON in UTF-8, the price as an exact decimal, the extra fields last."""
    price = price_text(product.price)
    fields = {name: getattr(product, name) for name in RECORD} | product.extra
    parts = [f"{_compact(name)}:{price if name == 'price' else _compact(value)}" for name, value in fields.items()]
    return ("{" + ",".join(parts) + "}").encode()


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
