"""The demo model and the sample shop enter; golden searches and catalogs leave, for the ports in Swift and Kotlin.

Run `python -m catalog_builder.goldens` after `python -m parity.goldens`, since it adds to the same folder. The vectors
are float32 PyTorch's. The scores are this package's own; tests/test_search.py compares them with plain float64.
"""

import importlib.metadata
import json
import struct
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from catalog_builder import label_goldens, lookup_goldens, overlay_goldens, word_goldens
from catalog_builder.builder.writer import Content, write
from catalog_builder.catalog import calibration, scores, search
from catalog_builder.catalog.calibration import Calibration, Curve
from catalog_builder.catalog.reader import NO_PRICE, Catalog, CatalogError, open_catalog
from catalog_builder.catalog.search import ANY, Filter, Hit
from catalog_builder.first_pass_goldens import cases as first_pass_goldens
from catalog_builder.golden_values import bits, packed
from catalog_builder.lists import listing, products
from catalog_builder.lists.products import Product
from export.common import command, files
from export.common.command import CommandLine
from export.common.files import ROOT
from export.pictures.preprocess import load_rgb8, resize_crop
from export.text import families
from export.weights import checkpoint, encoders, lookup

SHOP, OUT = ROOT / "demo" / "shop" / "products.csv", ROOT / "parity" / "goldens"
PRODUCTS, TEXTS = 90, ("a red apple", "soft toy", "something to write with", "music", "", "zebra")
TEXT, IMAGE = Curve(40.0, -28.0, 0.2), Curve(25.0, -19.0, 0.12)
SIDE = 32                                    # thumbnails, in pixels


@dataclass(frozen=True)
class OlderCalibration(Calibration):
    """As builders wrote it that did not say whether a kind was measured."""

    def json(self) -> dict:
        """Without `measured`."""
        kept = super().json()
        return kept | {kind: {key: kept[kind][key] for key in ("a", "b", "spread")} for kind in calibration.KINDS}


CALIBRATION = OlderCalibration(TEXT, IMAGE, "queries")
PARTLY = {                                   # catalogs of which a kind was not measured, by their names
    "text-unmeasured": Calibration(replace(TEXT, measured=False), Curve(10.0, -5.0, 0.12), "queries"),
    "unmeasured": Calibration(calibration.guess(0.2), calibration.guess(0.12), "none"),
    "older-guess": OlderCalibration(Curve(10.0, -5.0, 0.2), IMAGE, "names"),
    "older-none": OlderCalibration(TEXT, IMAGE, "none")}


def main(arguments: list[str]) -> int:
    """Exit status: see export.common.command."""
    return command.run(lambda: work(arguments), "goldens", interrupted="nothing was written")


def work(arguments: list[str]) -> int:
    """Writes the parts of the folder that the arguments name."""
    p = CommandLine(prog="python -m catalog_builder.goldens", description="Writes golden searches and catalogs.")
    p.add_argument("--out", type=Path, default=OUT, metavar="DIR",
                   help=f"its {', '.join(PARTS)} are replaced (default: parity/goldens)")
    options = p.parse_args(arguments)
    for name, write_part in PARTS.items():
        with files.whole(options.out / name) as partial:
            write_part(partial)
        print(f"{options.out / name}: {files.size(options.out / name) / 1e6:.2f} MB")
    return command.DONE


def write_searches(folder: Path) -> None:
    """Writes searches of a part of the sample shop by the demo model."""
    listed = listing.read(SHOP).products[::5][:PRODUCTS]
    embed = encoded()
    folder.mkdir(parents=True)
    shop = written(folder / "shop.catalog", listed, embed, CALIBRATION, currency="EUR", small=True)
    few = [replace(product, category="") for product in (*listed[:6], replace(listed[0], id="TIE"))]
    mixed = written(folder / "currencies.catalog", few, embed, CALIBRATION, currency="", small=False)
    cases = [*shop_cases(shop, embed), *other_cases(mixed)]
    for name, known in PARTLY.items():
        made = written(folder / f"{name}.catalog", listed[:6], embed, known, currency="EUR", small=False)
        cases += partly_cases(made, embed)
    index = {"made_by": {"command": "python -m catalog_builder.goldens", **{
        name: importlib.metadata.version(name) for name in ("torch", "numpy", "numkong")}},
        "cases": cases, "damaged": damaged(folder)}
    text = json.dumps(index, ensure_ascii=True).replace('}, {"', '},\n{"')
    (folder / "index.json").write_text(text + "\n", encoding="ascii")


PARTS = {"search": write_searches, "ids": lookup_goldens.write, "overlay": overlay_goldens.write,
         "first-pass": first_pass_goldens.write, "words": word_goldens.write,
         "labels.json": label_goldens.write, "labels-sigmoid.json": label_goldens.write_sigmoid}


def encoded():
    """A function that takes an encoder's name and inputs, and returns the demo model's float32 PyTorch embeddings."""
    import torch

    spec = lookup.find("demo")
    parts = encoders.split(checkpoint.reparameterise(checkpoint.load(spec, checkpoint.locate(spec))), spec)

    def run(kind: str, given: list) -> np.ndarray:
        values = families.reference_ids(spec.text, given) if kind == "text" else np.stack([resize_crop(
            load_rgb8(path), spec.preprocessing) for path in given]).transpose(0, 3, 1, 2).astype(np.float32)
        with torch.inference_mode():
            return parts[kind](torch.from_numpy(values)).numpy()

    return run


def written(path: Path, listed: list[Product], embed, known: Calibration, currency: str, small: bool) -> Catalog:
    """A catalog of the products, with a made-up space."""
    from catalog_builder.builder.embed import Thumbnail, shrunk

    names = list(dict.fromkeys(product.category for product in listed))
    content = Content(
        space="5" * 64, model="demo", currency=currency, category_names=names, calibration=known,
        records=[products.json_record(product) for product in listed],
        prices=np.array([NO_PRICE if i % 9 == 4 else product.price for i, product in enumerate(listed)]),
        categories=np.array([names.index(product.category) for product in listed]),
        owners=np.repeat(np.arange(len(listed)), [len(product.pictures) for product in listed]),
        thumbnails=[shrunk(load_rgb8(product.pictures[0]), Thumbnail(SIDE, 40)) for product in listed]
        if small else None)
    write(path, content, embed("image", [picture for product in listed for picture in product.pictures]))
    return open_catalog(path)


def shop_cases(made: Catalog, embed) -> list[dict]:
    """Searches of the shop: both kinds, every filter, thresholds, ties, hybrids, more like this."""
    texts = embed("text", list(TEXTS))
    pictures = embed("image", sorted((SHOP.parent / "queries").glob("*.jpg"))[:6])
    several = set(made.category_names[:2])
    cases = [case(made, "text", vector, k) for vector in texts for k in (1, 10)]
    cases += [case(made, "image", vector, 10) for vector in pictures]
    cases += [case(made, "text", texts[0], 5, where) for where in (
        Filter({made.category_names[1]}), Filter(several), Filter(set()), Filter(None, 20_000, 100_000),
        Filter(None, None, 0), Filter(several, 30_000, None))]
    cases += [case(made, "text", texts[1], 1000), case(made, "text", texts[1], 10, threshold=0.6),
              case(made, "image", pictures[1], 3, without=2), case(made, "image", -pictures[2], 4),
              case(made, "text", np.eye(1, made.dim, dtype=np.float32)[0], 3),
              case(made, "text", np.full(made.dim, 1e-30, np.float32), 3)]
    cases += [hybrid_case(made, texts[2], pictures[0], slider) for slider in (0.0, 0.25, 0.5, 1.0)]
    return cases + [like_case(made, product) for product in (0, made.products - 1)]


def partly_cases(made: Catalog, embed) -> list[dict]:
    """Searches of each sort in a catalog of which a kind was not measured."""
    text, picture = embed("text", TEXTS[:1])[0], embed("image", sorted((SHOP.parent / "queries").glob("*.jpg"))[:1])[0]
    return [case(made, "text", text, 5), case(made, "image", picture, 5),
            *(hybrid_case(made, text, picture, slider) for slider in (0.0, 0.5, 1.0)), like_case(made, 0)]


def hybrid_case(made: Catalog, text: np.ndarray, picture: np.ndarray, slider: float) -> dict:
    """A search by text and picture together, and its answer."""
    weight = calibration.slider_weight(made.calibration, slider)
    hits = search.search(made, scores.mixed(picture, text, weight), 5)
    rows = np.array([hit.row for hit in hits])
    by_text, by_image = (scores.scores(made, scores.prepared(made, vector), rows) for vector in (text, picture))
    shares = [calibration.mixed_confidence(made.calibration, slider, t, i)
              for t, i in zip(by_text, by_image, strict=True)]
    return {"catalog": made.path.name, "k": 5, "hybrid": {
        "text": packed(text), "image": packed(picture), "slider": slider}} | answer(made, hits, shares)


def like_case(made: Catalog, product: int) -> dict:
    """A search for more like this product, and its answer."""
    hits = search.like(made, product, 5)
    return {"catalog": made.path.name, "k": 5, "like": product} | answer(made, hits, [
        calibration.confidence(made.calibration.image, hit.score) for hit in hits])


def other_cases(made: Catalog) -> list[dict]:
    """The first and the last product have the same pictures, so that their scores tie."""
    return [case(made, "image", made.vectors(slice(row, row + 1))[0], 3) for row in (0, made.rows - 1)]


def case(made: Catalog, kind: str, vector: np.ndarray, k: int, where: Filter = ANY, threshold: float | None = None,
         without: int | None = None) -> dict:
    """One search and its answer."""
    hits = search.search(made, vector, k, where, threshold=-np.inf if threshold is None else threshold, without=without)
    curve = getattr(made.calibration, kind)
    asked = {"catalog": made.path.name, "kind": kind, "vector": packed(vector), "k": k,
             "categories": None if where.categories is None else sorted(where.categories), "lowest": where.lowest,
             "highest": where.highest, "threshold": threshold, "without": without}
    return {key: value for key, value in asked.items() if value is not None} | answer(
        made, hits, [calibration.confidence(curve, hit.score) for hit in hits])


def answer(made: Catalog, hits: list[Hit], shares: list[float | None]) -> dict:
    """The hits of a case; a confidence of null where a kind was not measured."""
    return {"hits": [{"product": hit.product, "id": made.record(hit.product)["id"], "row": hit.row,
                      "score": bits(hit.score),
                      "confidence": None if share is None else round(share, 12)}
                     for hit, share in zip(hits, shares, strict=True)]}


def damaged(folder: Path) -> list[dict]:
    """Writes copies of a small catalog with one fault each; returns whether a reader must open and verify each copy."""
    (folder / "damaged").mkdir()
    whole, copies = (folder / "currencies.catalog").read_bytes(), []
    length = int.from_bytes(whole[:8], "little")
    header = whole[8:8 + length]

    def other(name: str, content: bytes) -> None:
        path = folder / "damaged" / f"{name}.catalog"
        path.write_bytes(content)
        opens, verifies = stands(path)
        copies.append({"file": f"damaged/{path.name}", "opens": opens, "verifies": verifies})

    def edited(name: str, old: bytes, new: bytes) -> None:
        if len(old) != len(new) or header.count(old) < 1:
            raise ValueError(name)
        other(name, whole[:8] + header.replace(old, new, 1) + whole[8 + length:])

    def changed(name: str, tensor: str, value: bytes, at: int = 0) -> None:
        start = 8 + length + json.loads(header)[tensor]["data_offsets"][0] + at
        other(name, whole[:start] + value + whole[start + len(value):])

    other("whole", whole)
    other("empty", b"")
    other("cut-header", whole[:length // 2])
    other("cut-data", whole[:-1])
    other("longer", whole + b"\0")
    other("huge-header", (2**63).to_bytes(8, "little") + whole[8:])
    other("not-json", whole[:8] + b"x" * length + whole[8 + length:])
    edited("version", b'"version":"1"', b'"version":"2"')
    edited("quantization", b"int8-row-offset", b"int8-row-offsex")
    edited("dtype", b'"dtype":"I8"', b'"dtype":"U8"')
    edited("space", b'"space":"55', b'"space":"5g')
    edited("twice", b'"metric"', b'"format"')
    edited("digest-name", b'"sha256"', b'"sha257"')
    changed("nan-scale", "scales", struct.pack("<f", float("nan")))
    changed("negative-scale", "scales", struct.pack("<f", -1))
    changed("infinite-offset", "offset", struct.pack("<f", float("inf")))
    changed("owner-jumps", "owners", struct.pack("<I", 3), 4)
    changed("owner-beyond", "owners", struct.pack("<I", 2**32 - 1), 4 * (made_rows(header) - 1))
    changed("category-beyond", "categories", struct.pack("<I", 9))
    changed("record-beyond", "record_offsets", struct.pack("<Q", 2**63), 8)
    changed("price-below", "prices", struct.pack("<q", -2))
    changed("code-flipped", "codes", b"\x55")
    changed("record-flipped", "records", b"[")
    partly = (folder / "unmeasured.catalog").read_bytes()
    for name, value in (("measured-number", b"    1"), ("measured-null", b" null"), ("measured-text", rb'\"n\"')):
        other(name, partly.replace(b"false", value, 1))
    return copies


def made_rows(header: bytes) -> int:
    """Rows of the catalog with this header."""
    return int(json.loads(header)["__metadata__"]["rows"])


def stands(path: Path) -> tuple[bool, bool]:
    """Whether a file opens, and whether its digest is right."""
    try:
        made = open_catalog(path)
    except CatalogError:
        return False, False
    try:
        made.verify()
    except CatalogError:
        return True, False
    return True, True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
