"""Made-up whole numbers enter; golden catalogs with a first pass leave: one of near ties, and small ones.

All numbers are whole or exact, so that every machine writes the same bytes.
"""

import json
import random
from pathlib import Path

import numpy as np

from catalog_builder.builder import writer
from catalog_builder.builder.writer import Content
from catalog_builder.catalog import calibration, first_pass
from catalog_builder.catalog.reader import Catalog, CatalogError, open_catalog
from catalog_builder.updates import delta_writer
from export.common import container

SPACE, DIM, WIDTH, OF = "5" * 64, 6, 3, 20
ROWS, CLUSTERS = 2120, 40                    # of the catalog of near ties
NAMES = ("most", "few", "many rows", "")
CROWDED, LARGE = 2, 130                      # a product with more rows than a search for two has candidates


def near_ties(path: Path) -> Catalog:
    """Writes a catalog of ROWS rows about CLUSTERS places: rows that are equal, and rows that differ by one code.

    Product CROWDED has LARGE rows of one place, three times as far out.
    """
    source = random.Random(19)
    centres = [[source.randint(-100, 100) for _ in range(DIM)] for _ in range(CLUSTERS)]
    owners = [product for product, rows in enumerate(_rows(source)) for _ in range(rows)][:ROWS]
    vectors = np.array([_near(source, centres[7 if owner == CROWDED else source.randrange(CLUSTERS)])
                        for owner in owners], np.float32) / 128
    vectors[np.array(owners) == CROWDED] *= 3
    products = owners[-1] + 1
    content = Content(
        SPACE, "made", "EUR", list(NAMES), calibration.NONE, records=[_record(place) for place in range(products)],
        prices=np.array([-1 if place % 11 == 5 else place * 1_000 for place in range(products)]),
        categories=np.array([2 if place == CROWDED else 1 if place % 19 == 3 else 3 if place % 7 == 1 else 0
                             for place in range(products)]),
        owners=np.array(owners), axes=axes(), offset=np.zeros(DIM, np.float32))
    return written(path, content, vectors)


def _rows(source: random.Random):
    """How many rows each product has."""
    for product in range(ROWS):
        yield LARGE if product == CROWDED else source.choice((1, 1, 2, 4, 9))


def _near(source: random.Random, centre: list[int]) -> list[int]:
    """The place, or one beside it; the last number is the largest, so that it alone makes the scale."""
    made = [*centre[:-1], 127]
    made[source.randrange(DIM - 1)] += source.choice((0, 0, 0, 1, -1))
    return made


def _record(place: int) -> bytes:
    return json.dumps({"id": f"p{place}", "price": None}, separators=(",", ":")).encode()


def axes() -> np.ndarray:
    """int8 [WIDTH, DIM]: of these, the sums are 0 for a query along the first dimension."""
    source = random.Random(20)
    made = np.array([[source.randint(-127, 127) for _ in range(DIM)] for _ in range(WIDTH)], np.int8)
    made[:, 0] = 0
    return made


def written(path: Path, content: Content, vectors: np.ndarray) -> Catalog:
    """Writes a catalog whose first pass has the share OF."""
    with writer.unnamed(path, content, vectors) as made:
        writer.state_first_pass(made, OF, {"text": 1.0})
    return open_catalog(path)


def small(path: Path, places: list[int], prices: list[int], parent: Catalog | None = None) -> Catalog:
    """Writes a catalog of a row for each place: a vector of that seed; 0 is the offset itself, a row of scale 0."""
    vectors = np.stack([np.zeros(DIM) if place == 0 else np.array(_numbers(place)) / 128 for place in places])
    return written(path, Content(
        SPACE, "made", "EUR", [""], calibration.NONE, records=[_record(place) for place in places],
        prices=np.array(prices), categories=np.zeros(len(places)), owners=np.arange(len(places)),
        axes=axes() if parent is None or parent.first_pass is None else parent.first_pass.axes,
        ids=[f"p{place}" for place in places], offset=np.zeros(DIM, np.float32),
        parent=None if parent is None else parent.metadata["sha256"]), vectors.astype(np.float32))


def _numbers(seed: int) -> list[int]:
    source = random.Random(seed)
    return [source.randint(-127, 127) for _ in range(DIM)]


def followed(folder: Path) -> dict[str, str]:
    """Writes a small catalog, one that follows it, and the delta between them. Their names."""
    base = small(folder / "base.catalog", [1, 2, 3, 0, 4], [10_000] * 5)
    made = small(folder / "result.catalog", [1, 3, 0, 4, 5, 6], [10_000] * 6, base)
    delta_writer.write(base, made, folder / "base-to-result.delta")
    return {"base": "base.catalog", "result": "result.catalog", "delta": "base-to-result.delta"}


def damaged(folder: Path) -> list[str]:
    """Writes catalogs that no reader opens. Their names."""
    (folder / "damaged").mkdir()
    texts, tensors = container.parsed(memoryview((folder / "base.catalog").read_bytes()))
    axis, codes, scales = (tensors[name] for name in first_pass.TENSORS)
    broken = scales.copy()
    broken[1] = np.nan
    arrays: dict[str, dict[str, np.ndarray | None]] = {
        "no-axes": {"first_axes": None}, "no-codes": {"first_codes": None}, "no-scales": {"first_scales": None},
        "scales-alone": {"first_axes": None, "first_codes": None}, "axes-short": {"first_axes": axis[:-1]},
        "axes-narrow": {"first_axes": axis[:, :-1]}, "axes-flat": {"first_axes": axis.reshape(-1)},
        "axes-none": {"first_axes": axis[:0], "first_codes": codes[:, :0]},
        "axes-unsigned": {"first_axes": axis.view("u1")}, "codes-short": {"first_codes": codes[:-1]},
        "codes-wide": {"first_codes": np.tile(codes, 2)}, "codes-flat": {"first_codes": codes.reshape(-1)},
        "codes-turned": {"first_codes": codes.reshape(codes.shape[::-1])},
        "codes-unsigned": {"first_codes": codes.view("u1")}, "codes-16": {"first_codes": codes.astype("<i2")},
        "scales-short": {"first_scales": scales[:-1]}, "scales-64": {"first_scales": scales.astype("<f8")},
        "scales-flat": {"first_scales": scales[:, None]}, "scale-nan": {"first_scales": broken},
        "scale-below-0": {"first_scales": -scales},
        "axes-many": {"first_axes": np.tile(axis, (3, 1)), "first_codes": np.tile(codes, 3)}}
    stated: dict[str, str | None] = {
        "no-share": None, "share-empty": "", "share-list": "[20]", "share-text": '{"of":"20"}', "share-none": "{}",
        "share-true": '{"of":true}', "share-half": '{"of":20.5}', "share-19": '{"of":19}', "share-1001": '{"of":1001}',
        "share-null": '{"of":null}', "share-below-0": '{"of":-20}'}
    for name in (*arrays, *stated):
        path = folder / "damaged" / f"{name}.catalog"
        said = texts | ({first_pass.KEY: stated[name]} if name in stated else {})
        path.write_bytes(container.container_bytes(
            {key: text for key, text in said.items() if text is not None},
            {key: array for key, array in (tensors | arrays.get(name, {})).items() if array is not None}))
        writer.seal(path)
        _refused(path)
    return [f"damaged/{name}.catalog" for name in (*arrays, *stated)]


def _refused(path: Path) -> None:
    """Raises ValueError if the catalog opens."""
    try:
        open_catalog(path)
    except CatalogError:
        return
    raise ValueError(path)
