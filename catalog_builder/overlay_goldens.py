"""Made-up products enter; a golden base, an overlay, both in one file, and searches leave: `<goldens>/overlay/`.

Everything here is made of whole numbers and exact sums, so that every machine writes the same bytes.
"""

import json
import random
from decimal import Decimal
from pathlib import Path

import numpy as np

from catalog_builder import list_goldens
from catalog_builder.builder import quantize, writer
from catalog_builder.builder.overlay_writer import CatalogOverlay, NewProduct
from catalog_builder.builder.writer import Content
from catalog_builder.catalog import calibration, overlay, scores, search
from catalog_builder.catalog.calibration import Calibration, Curve
from catalog_builder.catalog.overlay import OverlaidCatalog
from catalog_builder.catalog.reader import NO_PRICE, Catalog, CatalogError, open_catalog
from catalog_builder.catalog.search import ANY, Filter, Hit
from catalog_builder.golden_values import bits, packed, packed_bytes, unit, write_ascii
from catalog_builder.lists import products
from catalog_builder.lists.products import Product
from export.common import container

SPACE, DIM = "5" * 64, 16
KNOWN = Calibration(Curve(12.0, -6.0, 0.25), Curve(9.5, -5.25, 0.125), "queries")
NAMES = ("Bags", "Schuhe & Stiefel", "\u9774", "")
PRODUCTS = 24                                # of the base
EXTRA = {"sizes": ["S", "M", "\u5927"], "link": "https://shop.example/a?b=\"c\"", "note": "[no list]",
         "measures": {"width": 1.50, "unit": "cm", "of": ["a", {"b": None}]}, "stock": 7, "new": True, "none": None,
         "mixed": ["a", 1, 2.5, True, None, ["b", "c"], {"d": "e\n"}, ""], "empty": [], "nothing": {}}
QUERIES = 4
Step = NewProduct | str                      # what is put, or the id that is removed


def write(folder: Path) -> None:
    """Writes the folder's files."""
    folder.mkdir(parents=True)
    source = random.Random(16)
    vectors = [unit(np.array([source.randint(-9, 9) for _ in range(DIM)]) + 1) for _ in range(PRODUCTS + 12)]
    queries = [unit(np.array([source.randint(-9, 9) for _ in range(DIM)])) for _ in range(QUERIES)]
    rows = base_rows(vectors)
    base = written_base(folder / "base.catalog", rows)
    steps: dict[str, list[Step]] = {"overlay": made_steps(vectors), "only-removed": ["p03", "p00"], "empty": []}
    made = {name: taken(CatalogOverlay(base), taken_) for name, taken_ in steps.items()}
    over = {name: one.write(folder / f"{name}.catalog") for name, one in made.items()}["overlay"]
    one = written_both(folder / "both.catalog", over, np.concatenate([
        rows, *(product.vectors for product in made["overlay"].products)]))
    write_ascii(folder / "expected.json", {
        "made_by": {"command": "python -m catalog_builder.goldens"}, "quantisation": quantised(),
        "overlays": [{"file": f"{name}.catalog", "steps": [said(step) for step in taken_]}
                     for name, taken_ in steps.items()],
        "products": over.products, "rows": over.rows, "categories": over.category_names,
        "places": [{"id": each, "place": over.place(each)} for each in asked_ids(over)],
        "export": list_goldens.write(folder / "export"), "extra": extra_fields(base),
        "cases": cases(over, one, queries), "damaged": damaged(folder, base)})


def base_products() -> list[Product]:
    """The base's products; every fifth has two pictures, every seventh no price."""
    return [Product(
        line=0, row=0, id=f"p{place:02}", name=f"Product \u00e9 {place}", currency="EUR", description="",
        price=None if place % 7 == 3 else (place * 37 % 50) * 10_000 + 9_900, category=NAMES[place % len(NAMES)],
        pictures=(Path("a"),) * (2 if place % 5 == 1 else 1), extra=EXTRA if place == 5 else {})
        for place in range(PRODUCTS)]


def base_rows(vectors: list[np.ndarray]) -> np.ndarray:
    """The vectors of the base's pictures. Products 8 and 9 have the same, so that they tie."""
    return np.stack([vectors[(8 if place == 9 else place) if picture == 0 else PRODUCTS - 1 - place]
                     for place, product in enumerate(base_products()) for picture in range(len(product.pictures))])


def written_base(path: Path, rows: np.ndarray) -> Catalog:
    """The base."""
    listed = base_products()
    writer.write(path, Content(
        SPACE, "made", "EUR", list(NAMES), KNOWN, records=[products.json_record(product) for product in listed],
        prices=np.array([NO_PRICE if product.price is None else product.price for product in listed]),
        categories=np.array([NAMES.index(product.category) for product in listed]),
        owners=np.repeat(np.arange(PRODUCTS), [len(product.pictures) for product in listed]),
        thumbnails=[bytes([place]) * (place % 3) for place in range(PRODUCTS)],
        ids=[product.id for product in listed]), rows)
    return open_catalog(path)


def made_steps(vectors: list[np.ndarray]) -> list[Step]:
    """What the clerk does. Ties with the base, replaces, corrects, brings back."""
    def rows(*numbers: int) -> np.ndarray:
        return np.stack([vectors[number] for number in numbers])

    return [
        NewProduct("n1", "New n1", rows(24), Decimal("19.9"), category="Bags", thumbnail=b"RIFF1"),
        NewProduct("p04", "Replaces p04\t\u2028\U0001f45e", rows(25, 26), Decimal("0"), category="Hats \"\\/\x1f"),
        NewProduct("n2", "Ties with p08", rows(8), category="\u9774", thumbnail=b"RIFF2",
                   extra={"z": "", "\uff5e": "b", "\U0001f45e": "c", "a": "x\r\n\"\\\x7f\b\f"}),
        "p06", "p12", NewProduct("n3", "Goes again", rows(27)), "n3",
        NewProduct("p12", "Back again", rows(28), Decimal("123.4567")), "p06",
        NewProduct("p10", "Goes with the base's", rows(29)), "p10",
        NewProduct("\u00e91", "New \u00e91", rows(30, 8), description="two pictures"),
        NewProduct("n1", "Corrected n1", rows(31), Decimal("20.50"), "EUR", category="Schuhe & Stiefel"),
        NewProduct("p09", "Replaces a tie", rows(9), Decimal("7"), category="Hats \"\\/\x1f")]


def taken(made: CatalogOverlay, steps: list[Step]) -> CatalogOverlay:
    """The overlay after these steps."""
    for step in steps:
        made = made.removing(step) if isinstance(step, str) else made.putting(step)
    return made


def said(step: Step) -> dict:
    """A step as the golden file holds it; what a product has not is left out."""
    if isinstance(step, str):
        return {"remove": step}
    new = step
    fields = {"id": new.id, "name": new.name, "vectors": [packed(vector) for vector in new.vectors],
              "price": None if new.price is None else str(new.price), "currency": new.currency,
              "description": new.description, "category": new.category, "extra": dict(new.extra),
              "thumbnail": packed_bytes(new.thumbnail)}
    return {"put": {key: value for key, value in fields.items() if value}}


def written_both(path: Path, both: OverlaidCatalog, rows: np.ndarray) -> Catalog:
    """One file of the products that can be found, in their order, with the base's offset. `rows`: all vectors."""
    places = [place for place in range(both.products) if place >= len(both.gone) or not both.gone[place]]
    own, names = places_of_rows(both), both.category_names
    found = [both.record(place) for place in places]
    prices = np.concatenate([both.base.prices, both.own.prices])
    writer.write(path, Content(
        SPACE, "made", "EUR", names, KNOWN, records=[both.raw(place) for place in places], prices=prices[places],
        categories=np.array([names.index(record["category"]) for record in found]),
        owners=np.repeat(np.arange(len(places)), [(own == place).sum() for place in places]),
        thumbnails=[both.thumbnail(place) or b"" for place in places], ids=[record["id"] for record in found],
        offset=both.base.offset), rows[np.isin(own, places)])
    return open_catalog(path)


def places_of_rows(both: OverlaidCatalog) -> np.ndarray:
    """The place of each row's product, over both files: int64 [rows]."""
    return np.concatenate([both.base.owners.astype(np.int64), both.own.owners.astype(np.int64) + both.base.products])


def quantised() -> list[dict]:
    """Vectors that are hard to round, with an offset, their codes and their scale."""
    source = random.Random(17)
    hard = [np.zeros(DIM), np.full(DIM, 0.5), np.eye(1, DIM)[0], -np.eye(1, DIM)[0],
            np.array([1.27, *(0.005 * (2 * i + 1) for i in range(DIM - 1))]),           # near halves
            np.array([127.0, *(i + 0.5 for i in range(-8, 7))]), np.array([-254.0, *(i * 1.0 for i in range(1, DIM))]),
            np.full(DIM, 1e-30), np.array([1e-45, *[0.0] * (DIM - 1)]), np.array([3e38, -3e38, *[1e37] * (DIM - 2)]),
            *(np.array([source.gauss(0, 0.25) for _ in range(DIM)]) for _ in range(20))]
    offsets = [np.zeros(DIM, np.float32), np.array([(i * 7 % 11 - 5) / 32 for i in range(DIM)], np.float32)]
    return [quantised_case(vector.astype(np.float32), offset) for offset in offsets for vector in hard] + [
        quantised_case(offsets[1], offsets[1])]


def quantised_case(vector: np.ndarray, offset: np.ndarray) -> dict:
    """One vector's codes and scale."""
    codes, scales = quantize.quantise(vector[None], offset)
    return {"vector": packed(vector), "offset": packed(offset), "codes": codes[0].tolist(), "scale": packed(scales)}


def asked_ids(both: OverlaidCatalog) -> list[str]:
    """Every id that was ever there, and two that were not."""
    known = [both.record(place)["id"] for place in range(both.products)]
    return [*dict.fromkeys(known), "n3", "e\u03011"]


def extra_fields(base: Catalog) -> list[dict]:
    """What `extra` and `list` give of each field of a record: texts; lists and objects as they are written."""
    place = base.place("p05")
    return [{"place": place, "key": key, "text": extra_text(value), "list": extra_list(value)}
            for key, value in EXTRA.items()]


def extra_text(value: object) -> str | None:
    """A field as a text; None where it is null."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def extra_list(value: object) -> list[str]:
    """A field as a list of texts, null left out."""
    texts = [extra_text(item) for item in (value if isinstance(value, list) else [value])]
    return [text for text in texts if text is not None]


def cases(both: OverlaidCatalog, one: Catalog, queries: list[np.ndarray]) -> list[dict]:
    """Searches of each sort, by text, picture and both, with filters; ties; products like one of either file."""
    tie = both.base.vectors(slice(8, 12))[2]
    asked = [("text", queries[0], 10, ANY), ("image", queries[1], 5, ANY), ("image", queries[2], 100, ANY),
             ("image", tie, 6, ANY), ("text", queries[3], 1, ANY),
             *[("text", queries[1], 8, where) for where in (
                 Filter({"Bags"}), Filter({"Hats \"\\/\x1f"}), Filter({"", "\u9774"}), Filter(set()),
                 Filter(None, 0, 200_000), Filter(None, 199_000, None), Filter({"Bags", "Schuhe & Stiefel"}, 1, None))]]
    made = [case(both, one, kind, vector, k=k, where=where) for kind, vector, k, where in asked]
    made.append(case(both, one, "image", queries[0], k=10, threshold=0.05))
    made += [hybrid_case(both, one, queries[2], queries[3], slider) for slider in (0.0, 0.25, 0.5, 1.0)]
    return made + [like_case(both, one, product_id) for product_id in ("p08", "n2", "p04", "\u00e91", "p11")]


def case(both: OverlaidCatalog, one: Catalog, kind: str, vector: np.ndarray, *, k: int, where: Filter = ANY,
         threshold: float | None = None) -> dict:
    """One search and its answer."""
    least = -np.inf if threshold is None else threshold
    hits = both.search(vector, k, where, least)
    held(both, hits, one, search.search(one, vector, k, where, least))
    curve = getattr(KNOWN, kind)
    asked = {"kind": kind, "vector": packed(vector), "k": k, "lowest": where.lowest, "highest": where.highest,
             "categories": None if where.categories is None else sorted(where.categories), "threshold": threshold}
    return {key: value for key, value in asked.items() if value is not None} | answer(
        both, hits, [calibration.confidence(curve, hit.score) for hit in hits])


def hybrid_case(both: OverlaidCatalog, one: Catalog, text: np.ndarray, picture: np.ndarray, slider: float) -> dict:
    """A search by text and picture together, and its answer."""
    vector = scores.mixed(picture, text, calibration.slider_weight(KNOWN, slider))
    hits = both.search(vector, 6)
    held(both, hits, one, search.search(one, vector, 6))
    by_text, by_image = (both.scores(vector, np.array([hit.row for hit in hits])) for vector in (text, picture))
    shares = [calibration.mixed_confidence(KNOWN, slider, t, i) for t, i in zip(by_text, by_image, strict=True)]
    return {"k": 6, "hybrid": {"text": packed(text), "image": packed(picture), "slider": slider}} | answer(
        both, hits, shares)


def like_case(both: OverlaidCatalog, one: Catalog, product_id: str) -> dict:
    """A search for more like this product, and its answer."""
    product, in_one = both.place(product_id), one.place(product_id)
    if product is None or in_one is None:
        raise ValueError(product_id)
    hits = both.like(product, 5)
    held(both, hits, one, search.like(one, in_one, 5))
    return {"k": 5, "like": product} | answer(both, hits, [
        calibration.confidence(KNOWN.image, hit.score) for hit in hits])


def held(both: OverlaidCatalog, hits: list[Hit], one: Catalog, in_one: list[Hit]) -> None:
    """Raises ValueError unless both files together give the ids and the score bits that one file gives."""
    first = [(both.record(hit.product)["id"], bits(hit.score)) for hit in hits]
    if first != [(one.record(hit.product)["id"], bits(hit.score)) for hit in in_one]:
        raise ValueError(first)


def answer(both: OverlaidCatalog, hits: list[Hit], shares: list[float | None]) -> dict:
    """The hits of a case, counted over both files."""
    return {"hits": [{"product": hit.product, "id": both.record(hit.product)["id"], "row": hit.row,
                      "score": bits(hit.score), "confidence": None if share is None else round(share, 12)}
                     for hit, share in zip(hits, shares, strict=True)]}


def damaged(folder: Path, base: Catalog) -> list[dict]:
    """Writes overlays with one fault each; returns whether a reader must open and verify each."""
    (folder / "damaged").mkdir()
    whole = (folder / "overlay.catalog").read_bytes()
    texts, tensors = container.parsed(memoryview(whole))
    vectors, offset = tensors["vectors"], tensors["offset"]
    nan, other = vectors.copy(), offset.copy()
    nan[1, 2], other[0] = np.nan, np.nextafter(offset[0], np.float32(9))
    metadata: dict[str, dict[str, str | None]] = {
        "no-base": {"base": None}, "other-base": {"base": "0" * 64}, "short-base": {"base": texts["base"][:-1]},
        "other-space": {"space": "6" * 64}, "other-currency": {"currency": "USD"}, "other-model": {"model": "else"},
        "other-calibration": {"calibration": texts["calibration"].replace("9.5", "9.25")},
        "no-removed": {"removed": None}, "removed-text": {"removed": "p06"}, "removed-object": {"removed": "{}"},
        "removed-number": {"removed": "[6]"}, "other-version": {"version": "2"}}
    arrays: dict[str, dict[str, np.ndarray | None]] = {
        "no-vectors": {"vectors": None}, "short-vectors": {"vectors": vectors[:-1]}, "nan-vectors": {"vectors": nan},
        "flat-vectors": {"vectors": vectors.reshape(-1)}, "other-vectors": {"vectors": vectors.astype("<f8")},
        "other-offset": {"offset": other}, "id-twice": records_changed(tensors, b'"id":"n2"', b'"id":"n1"'),
        "id-empty": records_changed(tensors, b'"id":"n2","name":"', b'"id":"","name":"  '),
        "record-damaged": records_changed(tensors, b'{"id":"n2"', b'["id":"n2"')}
    for name in (*metadata, *arrays):
        path = folder / "damaged" / f"{name}.catalog"
        path.write_bytes(container.container_bytes(
            {key: value for key, value in {**texts, **metadata.get(name, {})}.items() if value is not None},
            {key: array for key, array in {**tensors, **arrays.get(name, {})}.items() if array is not None}))
        writer.seal(path)
    (folder / "damaged" / "cut.catalog").write_bytes(whole[:-1])
    flipped = bytearray(whole)
    flipped[8 + int.from_bytes(whole[:8], "little") + 8] ^= 1            # in the first price
    (folder / "damaged" / "flipped.catalog").write_bytes(flipped)
    return [{"file": f"damaged/{path.name}"} | stands(path, base)
            for path in sorted((folder / "damaged").glob("*.catalog"))]


def records_changed(tensors: dict[str, np.ndarray], old: bytes, new: bytes) -> dict[str, np.ndarray | None]:
    """The records with other bytes in one place, as many."""
    content = tensors["records"].tobytes()
    if len(old) != len(new) or content.count(old) != 1:
        raise ValueError(old)
    return {"records": np.frombuffer(content.replace(old, new), "u1")}


def stands(path: Path, base: Catalog) -> dict[str, bool]:
    """Whether a reader must open the overlay, and whether its digest is right."""
    try:
        made = overlay.open_overlay(path, base)
    except CatalogError:
        return {"opens": False, "verifies": False}
    try:
        made.own.verify()
    except CatalogError:
        return {"opens": True, "verifies": False}
    return {"opens": True, "verifies": True}
