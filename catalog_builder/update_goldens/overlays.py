"""Catalogs of three days enter; what a clerk laid over the first, and what stays of it over the others, leave."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from catalog_builder.builder import overlay_writer
from catalog_builder.builder.overlay_writer import CatalogOverlay, NewProduct
from catalog_builder.catalog.reader import UNITS, Catalog, open_catalog
from catalog_builder.golden_values import write_ascii
from catalog_builder.lists.products import Product
from catalog_builder.update_goldens import days

NAME = "overlay"                             # of the folder
MOVES = (                                    # over, the base until now if it is at hand, the new base; by their names
    ("base", "base", "tuesday"), ("base", None, "tuesday"), ("base", None, "fresh"),
    ("base-base-tuesday", "tuesday", "wednesday"))
ABOUT = ("`overlay` lies over a base; laid over `to` it is `gives`, byte for byte. `before`: the base until now, null "
         "where it is not at hand. `products` stay, in this order, and `removed`")


def write(folder: Path, made: dict[str, Catalog]) -> None:
    """Writes the overlays, a base without a parent (so with another offset), and answers.json."""
    folder.mkdir()
    fresh = folder / "fresh.catalog"
    days.written(fresh, [one for one in days.wednesday() if one.product.id in ("p02", "p04", "p31", "p32")], None)
    bases = made | {"fresh": open_catalog(fresh)}
    first = CatalogOverlay(made["base"])
    for new in clerks():
        first = first.putting(new)
    for gone in ("p03", "p02", "p23"):
        first = first.removing(gone)
    first.write(folder / "base.catalog")
    cases = []
    for over, before, to in MOVES:
        laid = overlay_writer.laid(folder / f"{over}.catalog", bases[to], bases[before] if before else None)
        name = "-".join(part for part in (over, before, to) if part)
        laid.write(folder / f"{name}.catalog")
        path = f"{NAME}/fresh.catalog" if to == "fresh" else f"{to}.catalog"
        cases.append({"overlay": f"{NAME}/{over}.catalog", "before": before and f"{before}.catalog", "to": path,
                      "gives": f"{NAME}/{name}.catalog", "products": [one.id for one in laid.products],
                      "removed": sorted(laid.removed)})
    write_ascii(folder / "answers.json", {
        "made_by": {"command": "python -m catalog_builder.update_goldens"}, "about": ABOUT, "cases": cases})


def clerks() -> list[NewProduct]:
    """What a clerk added. Its name says what becomes of it on tuesday."""
    def new(product_id: str, name: str, seed: int, price: str | None = "5", **more: Any) -> NewProduct:
        return NewProduct(product_id, name, days.vector(seed)[None], None if price is None else Decimal(price), **more)

    [arrived] = [one.product for one in days.tuesday() if one.product.id == "p31"]
    [corrected] = [one.product for one in days.tuesday() if one.product.id == "p08"]
    return [
        new("c1", "Nobody else has it", 401, "19.9", thumbnail=b"RIFFc1", extra={"shelf": "7", "\u00e9": ""}),
        new("p30", "Came with other fields: goes where the old base is at hand", 402, category="Gloves"),
        new("p31", arrived.name, 403, priced(arrived), category=arrived.category),
        new("p04", "Replaces: stays", 404, None, description="two\nlines"),
        new("p08", corrected.name, 405, priced(corrected), category=corrected.category),
        new("p12", "Product \u00e9 12", 406, priced(days.stock(12).product), category="Bags"),
        new("p10", "The shop's own has gone: stays", 407, "1.2345")]


def priced(product: Product) -> str | None:
    """A product's price as a clerk types it."""
    return None if product.price is None else str(Decimal(product.price) / UNITS)
