"""Made-up products in several scripts enter; golden catalogs, an overlay, a delta and the answers to texts leave.

`<goldens>/words/`: what FORMATS.md says of words, keys and filters, for every reader.
"""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np

from catalog_builder.builder import writer
from catalog_builder.builder.overlay_writer import CatalogOverlay, NewProduct
from catalog_builder.builder.writer import Content
from catalog_builder.catalog import calibration, search, words
from catalog_builder.catalog.overlay import OverlaidCatalog
from catalog_builder.catalog.reader import NO_PRICE, Catalog, CatalogError, open_catalog
from catalog_builder.catalog.search import ANY, Filter
from catalog_builder.golden_values import unit, write_ascii
from catalog_builder.index import key_index, record_texts
from catalog_builder.index.characters import Characters
from catalog_builder.index.indexed_columns import IndexedColumns
from catalog_builder.lists import products
from catalog_builder.lists.products import Product
from catalog_builder.updates import delta_writer
from catalog_builder.updates.previous import Previous

SPACE, DIM = "5" * 64, 8
COLUMNS = IndexedColumns(("id", "sku", "gtin", "brand"), ("name", "brand", "tags"), ("brand", "size"))
# id, name, brand, what else the record holds.
Row = tuple[str, str, str, dict[str, object]]
LISTED: tuple[Row, ...] = (
    ("A-1", "Red running shoe", "Acme", {"sku": "AB-12.3/x", "gtin": "4006381333931", "size": ["41", "42"]}),
    ("A1", "Red shoe", "Acme", {"sku": "ab 123", "gtin": "04006381333931", "size": ["42"]}),
    ("a.2", "Shoe, red, reduced", "Acme & Sons", {"gtin": 4006381333948, "size": "42", "tags": ["sale", 7, True]}),
    ("B-7", "Trail shoe \u2013 Gro\u00df, caf\u00e9 cr\u00e8me", "L\u2019Or\u00e9al", {"gtin": "96385074"}),
    ("B-8", "Cafe\u0301 Crème GROSS", "LOREAL", {"gtin": "036000291452", "size": []}),
    ("C1", "Pi\u00f3ro \u0141\u00f3d\u017a \u017c\u00f3\u0142te", "ACME", {"sku": "\uff21\uff22\u2014\uff11\uff12"}),
    ("C2", "I\u015eIKLI L\u00c2MBA \u0130stanbul", "Nike", {"size": "one size"}),
    ("C3", "I\u015f\u0131kl\u0131 lamba", "Nike", {"tags": ["\u0130STANBUL", None, ["not"], {"no": "no"}]}),
    ("D1", "\u03a3\u0391\u039a\u039a\u0391\u03a3 \u03c3\u03ac\u03ba\u03ba\u03bf\u03c2", "Nike", {}),
    ("D2", "\u0429\u0451\u0442\u043a\u0430 \u0434\u043b\u044f \u043e\u0431\u0443\u0432\u0438",
     "\u0411\u0440\u0435\u043d\u0434", {}),
    ("E1", "\u05e0\u05b7\u05e2\u05b2\u05dc\u05b7\u05d9\u05b4\u05dd \u05d0\u05d3\u05d5\u05de\u05d5\u05ea", "", {}),
    ("E2", "\u062d\u0650\u0630\u064e\u0627\u0621 \u0623\u062d\u0645\u0640\u0640\u0631", "",
     {"sku": "\u0661\u0662\u0663-\u0664\u0665"}),
    ("E3", "\u0932\u093e\u0932 \u091c\u0942\u0924\u0947 \u0915\u093c\u0932\u092e", "", {"sku": "\u096b\u096c"}),
    ("F1", "\u0e23\u0e2d\u0e07\u0e40\u0e17\u0e49\u0e32\u0e1c\u0e49\u0e32\u0e43\u0e1a \u0e51\u0e52", "", {}),
    ("F2", "\u0e19\u0e49\u0e33\u0e2b\u0e2d\u0e21", "", {}),
    ("G1", "\u9ed2\u3044\u9774 27cm", "\u7121\u5370\u826f\u54c1", {"size": "27"}),
    ("G2", "\u7ea2\u8272\u8dd1\u978b\u7537\u6b3e\u9774\u5b50", "\u7121\u5370\u826f\u54c1", {"tags": "\u9774"}),
    ("G3", "\uff79\uff9e\uff70\uff91\u6a5f iPhone15\u30b1\u30fc\u30b9", "", {}),
    ("G4", "\u30b2\u30fc\u30e0\u6a5f \u6642\u3005 \u2167", "", {}),
    ("H1", "\ube68\uac04 \uc6b4\ub3d9\ud654", "", {"size": "\ud070 \uc0ac\uc774\uc988"}),
    ("H2", "\u1108\u1161\u11af\u1100\u1161\u11ab \u110b\u116e\u11ab\u1103\u1169\u11bc\u1112\u116a", "", {}),
    ("I1", "Gi\u00e0y Ti\u1ebfng Vi\u1ec7t", "", {"sku": "x\u00b2"}),
    ("J1", "Shoe\u00adlace \U0001f45f \u00bd l, 3,5 m\u00b2", "", {"sku": "12345678"}),
    ("00012345678905", "An id that is a barcode", "", {}),
    ("###", "An id of signs alone", "+", {}),
    ("\u9774-9", "An id in Han", "", {}),
    ("K1", " ".join(f"word{number}" for number in range(300)), "", {}),
    ("K2", "", "", {"tags": 1.50, "sku": False}),
    ("K3", "\u2460 \ufb01ne \U00020bb7\u91ce\u5bb6 \U0001d400bc", "", {"brand": ["Acme", "Nike", "Acme", ""]}))
TEXTS = (
    "", " ", "-", "\U0001f45f", "red", "RED SHOE", "shoe red", "red shoe lace", "red sho", "re", "r", "redu", "red x",
    "a-1", "A1", " A-1 ", "a 1", "a.2", "###", "##", "AB-12.3/x", "ab123x", "ab 12", "ab12", "4006381333931",
    "04006381333931", "4 006381 333931", "4006381333948", "96385074", "00000096385074", "036000291452",
    "0036000291452", "12345678905", "012345678905", "12345678", "400638133393", "acme", "ACME", "acme & sons",
    "acme sons", "l'or\u00e9al", "loreal", "l or\u00e9al", "cafe creme", "caf\u00e9 cr\u00e8me", "cafe\u0301",
    "gross", "gro\u00df", "lodz", "\u0142\u00f3d\u017a", "pioro zolte", "isikli lamba", "I\u015eIKLI", "istanbul",
    "\u03c3\u03b1\u03ba\u03ba\u03b1\u03c2", "\u03c3\u03ac\u03ba\u03ba\u03bf\u03c2", "\u0449\u0435\u0442\u043a\u0430",
    "\u0431\u0440\u0435\u043d\u0434", "\u05e0\u05e2\u05dc\u05d9\u05dd",
    "\u062d\u0630\u0627\u0621 \u0627\u062d\u0645\u0631", "12345", "\u0661\u0662\u0663\u0664\u0665",
    "\u0932\u093e\u0932", "\u0915\u093c\u0932\u092e", "\u0958\u0932\u092e", "56",
    "\u0e23\u0e2d\u0e07\u0e40\u0e17\u0e49\u0e32", "\u0e1c\u0e49\u0e32\u0e43\u0e1a", "\u0e19\u0e49\u0e33",
    "\u0e19\u0e4d\u0e49\u0e32", "\u9774", "\u9ed2\u3044\u9774", "\u9ed2\u9774", "\u8dd1\u978b",
    "\u7121\u5370\u826f\u54c1", "\u7121\u5370", "\u30b2\u30fc\u30e0", "\u30b1\u30fc\u30e0",
    "\uff79\uff9e\uff70\uff91", "\u6a5f", "iphone15\u30b1\u30fc\u30b9", "iphone", "\u6642\u3005", "viii", "\u2167",
    "\ube68\uac04", "\uc6b4\ub3d9", "\u1108\u1161\u11af\u1100\u1161\u11ab", "tieng viet", "ti\u1ebfng", "x2",
    "x\u00b2", "shoelace", "3,5 m2", "1 2 l", "\u9774-9", "\u9774 9", "word7", "word", "word299 word0", "1.50", "1.5",
    "7", "true", "false", "fine", "\ufb01ne", "\u91ce\u5bb6", "\U00020bb7", "bc", "not", "no", "sale", "nike", "+",
    "size", "red\u200dshoe", "red\u0000shoe", "x" * 300)
FILTERS: tuple[Filter, ...] = (
    Filter(columns={"brand": {"Acme"}}), Filter(columns={"size": {"42"}}), Filter(columns={"size": {"41", "27"}}),
    Filter(columns={"brand": {"Acme", "Nike"}, "size": {"42", "one size"}}), Filter(columns={"brand": set()}),
    Filter({"Shoes"}, None, 500_000, {"brand": {"Acme"}}))


def write(folder: Path) -> None:
    """Writes the folder's files."""
    folder.mkdir(parents=True)
    base = written(folder / "base.catalog", listed(LISTED), None)
    after = written(folder / "next.catalog", listed(changed()), base)
    delta_writer.write(base, after, folder / "next.delta")
    over = overlaid(base).write(folder / "overlay.catalog")
    whole: dict[str, Catalog | OverlaidCatalog] = {"base": base, "next": after, "overlay": over}
    tables = tables_of(base)
    write_ascii(folder / "expected.json", {
        "made_by": {"command": "python -m catalog_builder.goldens"},
        "folded": [{"text": text, "runs": [{"text": run.text, "by_pairs": run.by_pairs} for run in tables.runs(text)],
                    "key": (key := tables.key(text)), "hash": key_index.hash_of(key)} for text in folded_texts()],
        "columns": [{"record": base.raw(place).decode(), "column": column,
                     "texts": record_texts.texts(record_texts.parsed(base.raw(place)), column)}
                    for place in (0, 2, 7, 27, 28)
                    for column in ("id", "sku", "gtin", "brand", "tags", "size", "none")],
        "cases": [case(name, made, text) for name, made in whole.items() for text in TEXTS]
        + [case(name, made, text, where, most) for name, made in whole.items() for where in FILTERS
           for text, most in (("shoe", 10), ("acme", 10), ("A-1", 1))]
        + [case("base", base, "shoe", ANY, most) for most in (0, 1, 2)],
        "filters": [{"catalog": name, **asked(where), "places": fitting(made, where)}
                    for name, made in whole.items() for where in FILTERS],
        "names": {column: one.names for column, one in base.filters.items()},
        "damaged": damaged(base)})


def listed(rows: tuple[Row, ...]) -> list[Product]:
    """The products."""
    return [Product(line=0, row=0, id=product_id, name=name, price=(place * 37 % 90 + 1) * 10_000, currency="EUR",
                    description="", category="Shoes" if place % 3 else "", pictures=(),
                    extra=({"brand": brand} if brand else {}) | extra)
            for place, (product_id, name, brand, extra) in enumerate(rows)]


def changed() -> tuple[Row, ...]:
    """A day later: products gone, renamed, of another brand or size, and new."""
    stay = [row for row in LISTED if row[0] not in ("A1", "G2", "K1")]
    edited: dict[str, Row] = {
        "B-7": ("B-7", "Trail shoe", "Acme", {"gtin": "96385074", "size": ["44"]}),
        "F2": ("F2", "\u0e19\u0e49\u0e33", "", {"size": "27"})}
    return (*(edited.get(row[0], row) for row in stay),
            ("N1", "New red shoe \u8dd1\u978b", "Zeta", {"sku": "AB12", "size": "42"}),
            ("N2", "Word7 anew", "", {"size": ["41", "42"]}))


def written(path: Path, made: list[Product], base: Catalog | None) -> Catalog:
    """A catalog, over its base if there is one. Each product's vector hangs on its id alone."""
    before = Previous(base) if base else None
    ordered = before.in_order(made) if before else made
    names = (before.category_names(one.category for one in ordered) if before
             else list(dict.fromkeys(one.category for one in ordered)))
    writer.write(path, Content(
        SPACE, "made", "EUR", names, calibration.NONE, records=[products.json_record(one) for one in ordered],
        prices=np.array([NO_PRICE if one.price is None else one.price for one in ordered]),
        categories=np.array([names.index(one.category) for one in ordered]), owners=np.arange(len(ordered)),
        ids=[one.id for one in ordered], offset=before.offset if before else None,
        parent=before.digest if before else None, indexed=COLUMNS), np.stack([vector(one.id) for one in ordered]))
    return open_catalog(path)


def vector(text: str) -> np.ndarray:
    """float32 [DIM] of a text's bytes."""
    total = sum((place + 3) * byte for place, byte in enumerate(text.encode()))
    return unit(np.array([1 + total * (d + 2) % 11 for d in range(DIM)]))


def overlaid(base: Catalog) -> CatalogOverlay:
    """The base with products that the staff added, replaced and removed."""
    made = CatalogOverlay(base)
    for product_id, name, extra in (
            ("S1", "Red shoe from the floor", {"brand": "Acme", "sku": "S 1/7", "size": "43"}),
            ("A-1", "Blue boot", {"brand": "Floor", "gtin": "4006381333931"}),
            ("S2", "\u9774 red reducer", {"tags": "sale"}), ("a1", "An id that another differs from by its case", {})):
        made = made.putting(NewProduct(product_id, name, vector(product_id)[None], Decimal("9.9"), category="Shoes",
                                       extra=extra))
    return made.removing("B-8").removing("G1")


def tables_of(made: Catalog) -> Characters:
    """The tables of a catalog that has them."""
    if made.words is None:
        raise ValueError(made.path)
    return made.words.characters


def folded_texts() -> list[str]:
    """Every text that is asked or listed."""
    names = [text for row in LISTED for text in (row[0], row[1], row[2])]
    return list(dict.fromkeys([*TEXTS, *names]))


def case(name: str, made: Catalog | OverlaidCatalog, text: str, where: Filter = ANY, most: int = words.MOST) -> dict:
    """A text, and the group that it names."""
    found = made.exact(text, where, most) if isinstance(made, OverlaidCatalog) else words.found(made, text, where, most)
    return {"catalog": name, "text": text, **asked(where), "most": most, "found": [
        {"place": one.product, "id": made.record(one.product)["id"], "by": one.by} for one in found]}


def asked(where: Filter) -> dict:
    """A filter, without what it does not ask."""
    columns = {name: sorted(texts) for name, texts in where.columns.items()}
    every = {"categories": None if where.categories is None else sorted(where.categories), "lowest": where.lowest,
             "highest": where.highest, "columns": columns or None}
    return {key: value for key, value in every.items() if value is not None}


def fitting(made: Catalog | OverlaidCatalog, where: Filter) -> list[int]:
    """The places of all products that fit, found by a search for as many as there are."""
    if isinstance(made, OverlaidCatalog):
        return sorted(hit.product for hit in made.search(vector("x"), made.products, where))
    return sorted(hit.product for hit in search.search(made, vector("x"), made.products, where))


def damaged(base: Catalog) -> list[dict]:
    """Edits of base.catalog after which no reader opens it: where, and other bytes, hex. The digest is left."""
    content = bytes(base.content)
    header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
    data = 8 + int.from_bytes(content[:8], "little")

    def at(tensor: str, index: int, size: int) -> int:
        start, end = header[tensor]["data_offsets"]
        return data + (start + index * size if index >= 0 else end + index * size)

    def named(old: str, new: str) -> tuple[int, bytes]:
        if len(old) != len(new):
            raise ValueError(old)
        return content.index(old.encode(), 8, data), new.encode()

    four = (2**32 - 1).to_bytes(4, "little")
    edits: dict[str, tuple[int, bytes]] = {
        "folds-fall": (at("word_folds", 3, 4), bytes(4)), "folds-beyond": (at("word_folds", -2, 4), four),
        "fold-to-nothing": (at("word_folds", 2, 4), (0xD800).to_bytes(4, "little")),
        "fold-of-unknown-kind": (at("word_folds", 5, 4), (3 << 24).to_bytes(4, "little")),
        "fold-to-text-beyond": (at("word_folds", 2, 4), (2 << 24 | 0xFFFFFF).to_bytes(4, "little")),
        "fold-text-too-long": (at("word_fold_texts", 0, 4), four),
        "fold-text-surrogate": (at("word_fold_texts", -1, 4), (0xDFFF).to_bytes(4, "little")),
        "letters-fall": (at("word_letters", 3, 4), bytes(4)),
        "letters-of-kind-3": (at("word_letters", 2, 4), b"\3\0\0\0"),
        "hashes-fall": (at("key_hashes", 0, 4), four), "key-beyond": (at("key_products", 0, 4), four),
        "word-offset-not-0": (at("word_offsets", 0, 4), b"\1\0\0\0"),
        "word-offset-beyond": (at("word_offsets", -1, 4), four),
        "word-offset-jumps": (at("word_offsets", 1, 4), four), "word-empty": (at("word_offsets", 1, 4), bytes(4)),
        "posting-offset-beyond": (at("word_posting_offsets", -1, 4), four),
        "posting-offset-jumps": (at("word_posting_offsets", 1, 4), four),
        "posting-beyond": (at("word_postings", 0, 1), b"\x7f"),
        "posting-unfinished": (at("word_postings", -1, 1), b"\x80"),
        "posting-of-six-bytes": (at("word_postings", 0, 1), b"\x80\x80\x80\x80\x80\x00"),
        "filter-value-beyond": (at("filter_values", 0, 2), b"\xff\xff"),
        "filter-names-no-json": (at("filter_names", 0, 1), b"x"),
        "filter-names-no-texts": (at("filter_names", 2, 1), b"7"),
        "no-counts": named('"word_counts"', '"word_countz"'), "no-keys": named('"keys":', '"kexs":'),
        "no-filters": named('"filters":', '"filterz":'),
        "signed-hashes": named('"key_hashes":{"dtype":"U32"', '"key_hashes":{"dtype":"I32"')}
    for name, (place, new) in edits.items():
        refused(name, base.path.with_name("damaged.catalog"), content[:place] + new + content[place + len(new):])
    return [{"name": name, "at": place, "bytes": new.hex()} for name, (place, new) in edits.items()]


def refused(name: str, path: Path, content: bytes) -> None:
    """Raises ValueError if the content opens as a catalog."""
    path.write_bytes(content)
    try:
        open_catalog(path)
    except CatalogError:
        return
    finally:
        path.unlink()
    raise ValueError(name)
