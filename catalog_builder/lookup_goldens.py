"""Made-up ids enter; golden catalogs and the places of these ids leave: `<goldens>/ids/`."""

import json
from pathlib import Path

import numpy as np

from catalog_builder.builder import writer
from catalog_builder.builder.writer import Content
from catalog_builder.catalog import calibration
from catalog_builder.catalog.reader import CatalogError, open_catalog
from catalog_builder.golden_values import write_ascii
from export.common import container

# Prefixes of one another, case, accents in both normal forms, UTF-16's order against UTF-8's, signs of bytes.
IDS = ("A10", "A", "a", "A1", "A-1", "A100", "\u00c41", "caf\u00e9", "cafe\u0301", "cafe", "cafes", "\u9774",
       "\u9774-2", "\U0001f45e", "\uff5e", "\ufb01", "\x7f", "\u0080", " A", "A ", "0", "00", "z\u00df", "zss",
       "\U0010fffd", "~")
UNKNOWN = ("", "B", "A1 0", "A1000", "CAFE", "cafe\u0301s", "\u00c4", "\uff5f", "\x00", "zs", "99999")
DIM = 4


def write(folder: Path) -> None:
    """Writes the folder's files."""
    folder.mkdir(parents=True)
    whole = folder / "ordered.catalog"
    writer.write(whole, content(), np.eye(len(IDS), DIM, dtype=np.float32) + 1)
    changed(whole, folder / "older.catalog", None)
    order = open_catalog(whole).places_by_id
    changed(whole, folder / "reversed.catalog", order[::-1].copy())
    changed(whole, folder / "by-place.catalog", np.arange(len(IDS), dtype="<u4"))
    write_ascii(folder / "index.json", {
        "made_by": {"command": "python -m catalog_builder.goldens"},
        "catalogs": [places(path) for path in sorted(folder.glob("*.catalog"))], "damaged": damaged(folder, order)})


def content() -> Content:
    """A product for each id."""
    many = len(IDS)
    records = [f'{{"id":{json.dumps(one)},"name":"{place}"}}'.encode() for place, one in enumerate(IDS)]
    return Content("5" * 64, "made", "EUR", [""], calibration.NONE, records=records, prices=np.full(many, -1),
                   categories=np.zeros(many), owners=np.arange(many), ids=list(IDS))


def changed(whole: Path, target: Path, order: np.ndarray | None) -> None:
    """A copy with another order of ids, or without one; its digest is right."""
    metadata, tensors = container.parsed(memoryview(whole.read_bytes()))
    kept = {name: array for name, array in tensors.items() if name != "id_order"}
    target.write_bytes(container.container_bytes(metadata, kept | ({} if order is None else {"id_order": order})))
    writer.seal(target)


def places(path: Path) -> dict:
    """What a lookup of each id finds in the catalog."""
    made = open_catalog(path)
    return {"catalog": path.name, "places": [{"id": one, "place": made.place(one)} for one in (*IDS, *UNKNOWN)]}


def damaged(folder: Path, order: np.ndarray) -> list[str]:
    """Writes catalogs that no reader opens; returns their names."""
    (folder / "damaged").mkdir()
    twice, beyond = order.copy(), order.copy()
    twice[3], beyond[-1] = twice[4], len(IDS)
    far = order.copy()
    far[0] = 2**32 - 1
    faults = {"twice": twice, "beyond": beyond, "far": far, "short": order[:-1], "square": order.reshape(2, -1),
              "signed": order.astype("<i4"), "wide": order.astype("<u8"), "empty": order[:0]}
    for name, fault in faults.items():
        path = folder / "damaged" / f"{name}.catalog"
        changed(folder / "ordered.catalog", path, fault)
        refused(path)
    return [f"damaged/{name}.catalog" for name in faults]


def refused(path: Path) -> None:
    """Raises ValueError if the catalog opens."""
    try:
        open_catalog(path)
    except CatalogError:
        return
    raise ValueError(path)
