"""A catalog and the products that a shop's staff add enter; an overlay's file leaves. Twin of the apps' CatalogOverlay.

The same products give the same bytes in every language.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from catalog_builder.builder import quantize
from catalog_builder.catalog import overlay, reader
from catalog_builder.catalog.overlay import MOST_PRODUCTS, OF_THE_BASE
from catalog_builder.catalog.reader import NO_PRICE, UNITS, Catalog, CatalogError
from catalog_builder.lists import products
from catalog_builder.lists.products import RECORD, Product
from export.common import container, files
from export.common.errors import InputError

FIELDS = ("id", "name", "currency", "description", "category")       # of a record, beside its price
COPIED = ("space", *OF_THE_BASE)             # from the base's metadata, letter by letter


@dataclass(frozen=True)
class NewProduct:
    """A product as the clerk gives it. `currency`: "" stands for the base's."""

    id: str
    name: str
    vectors: np.ndarray                      # float32 [pictures, dim], as the encoder gave them
    price: Decimal | None = None             # in the currency's unit
    currency: str = ""
    description: str = ""
    category: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    thumbnail: bytes = b""                   # WebP, or nothing


@dataclass(frozen=True)
class CatalogOverlay:
    """What lies over a base: products, in the order in which their ids came, and ids that are not found any more."""

    base: Catalog
    products: tuple[NewProduct, ...] = ()
    removed: frozenset[str] = frozenset()    # of the base

    def putting(self, new: NewProduct) -> "CatalogOverlay":
        """With this product, in the place of an older one of this id. Raises InputError for what cannot be kept."""
        made = replace(new, currency=new.currency or self.base.currency)
        _check(made, self.base)
        known = [one.id for one in self.products]
        kept = [made if one.id == made.id else one for one in self.products]
        kept += [] if made.id in known else [made]
        if len(kept) > MOST_PRODUCTS:
            raise InputError("the overlay is full", expected=f"at most {MOST_PRODUCTS:,} products",
                             remedy="add them to the shop's list, and build the catalog again")
        return replace(self, products=tuple(kept), removed=self.removed - {made.id})

    def removing(self, product_id: str) -> "CatalogOverlay":
        """Without this product, be it the overlay's or the base's or both. Raises InputError if neither has it."""
        kept = tuple(one for one in self.products if one.id != product_id)
        of_base = self.base.place(product_id) is not None
        if len(kept) == len(self.products) and not of_base:
            raise InputError("no such product", where=self.base.path, found=product_id)
        return replace(self, products=kept, removed=self.removed | ({product_id} if of_base else set()))

    def write(self, path: Path) -> overlay.OverlaidCatalog:
        """Writes the file, whole or not at all, and opens it."""
        with files.whole(path) as partial:
            partial.write_bytes(overlay_bytes(self))
            overlay.open_overlay(partial, self.base)
        return overlay.open_overlay(path, self.base)


def laid(path: Path, base: Catalog, before: Catalog | None = None) -> CatalogOverlay:
    """The overlay in a file, over this base: what has arrived in the shop's own list goes, all else stays.

    before: the base until now, where it is at hand. The rule is that of FORMATS.md, "Over a new base".
    Raises CatalogError for a file that is no whole overlay of the base's space and currency.
    """
    file = overlay.open_file(path, base.space)
    file.own.verify()
    if (file.own.currency, file.own.dim) != (base.currency, base.dim):
        raise CatalogError("an overlay of another currency or width than the base's", where=path,
                           expected=f"{base.currency or 'no currency'}, {base.dim}",
                           found=f"{file.own.currency or 'no currency'}, {file.own.dim}")
    held = [_product(file, place) for place in range(file.own.products)]
    if base.metadata["sha256"] == file.own.metadata["base"]:
        return CatalogOverlay(base, tuple(held), file.removed)
    return CatalogOverlay(base, tuple(one for one in held if not _arrived(one, base, before)),
                          frozenset(one for one in file.removed if base.place(one) is not None))


def _product(file: overlay.OverlayFile, place: int) -> NewProduct:
    own = file.own
    record, price = own.record(place), int(own.prices[place])
    return NewProduct(
        **{key: record.get(key, "") for key in FIELDS}, vectors=file.vectors[own.owners == place],
        price=None if price == NO_PRICE else Decimal(price) / UNITS, thumbnail=own.thumbnail(place) or b"",
        extra={key: value for key, value in record.items() if key not in RECORD})


def _arrived(new: NewProduct, base: Catalog, before: Catalog | None) -> bool:
    """Whether the shop's own list has a product now: it came since, or says the same."""
    place = base.place(new.id)
    if place is None:
        return False
    if before is not None and before.place(new.id) is None:
        return True
    record = base.record(place)
    return (base.prices[place] == _ten_thousandths(new.price)
            and all(record.get(key, "") == getattr(new, key) for key in FIELDS))


def overlay_bytes(made: CatalogOverlay) -> bytes:
    """The file's bytes, its digest in them."""
    content = container.container_bytes(_metadata(made), _tensors(made))
    place = reader.digest_place(memoryview(content))
    return content[:place] + reader.digest(memoryview(content)).encode() + content[place + 64:]


def _check(new: NewProduct, base: Catalog) -> None:
    if not new.id or not new.name:
        raise InputError("a product without an id or a name", found=f"id {new.id!r}, name {new.name!r}")
    if base.currency and new.currency != base.currency:
        raise InputError("another currency than the catalog's", expected=base.currency, found=new.currency)
    if new.price is not None and not (new.price.is_finite() and new.price >= 0 and new.price * UNITS % 1 == 0
                                      and new.price * UNITS < 2**63):
        raise InputError("no price", expected="at least 0, at most four decimals", found=new.price)
    if reserved := set(new.extra) & set(RECORD):
        raise InputError("an extra field with a name of the record's own", found=", ".join(sorted(reserved)))
    if (new.vectors.dtype != np.float32 or new.vectors.ndim != 2 or not len(new.vectors)
            or new.vectors.shape[1] != base.dim or not np.isfinite(new.vectors).all()):
        raise InputError("no vectors of this catalog", expected=f"finite float32 [1 or more, {base.dim}]",
                         found=f"{new.vectors.dtype} {list(new.vectors.shape)}")


def _metadata(made: CatalogOverlay) -> dict[str, str]:
    base = made.base.metadata
    return {"format": reader.FORMAT, "version": reader.VERSION, "metric": reader.METRIC,
            "quantization": reader.QUANTIZATION, "products": str(len(made.products)),
            "rows": str(sum(len(one.vectors) for one in made.products)), "categories": _compact(_names(made)),
            "base": base["sha256"], "removed": _compact(sorted(made.removed, key=reader.utf8)),
            "sha256": "0" * 64} | {key: base[key] for key in COPIED}


def _names(made: CatalogOverlay) -> list[str]:
    return list(dict.fromkeys(one.category for one in made.products))


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tensors(made: CatalogOverlay) -> dict[str, np.ndarray]:
    names, offset = _names(made), made.base.offset
    vectors = np.concatenate([np.empty((0, made.base.dim), np.float32), *(one.vectors for one in made.products)])
    codes, scales = quantize.quantise(vectors, offset)
    pieces = {"record": [_record(one) for one in made.products]}
    if any(one.thumbnail for one in made.products):
        pieces["thumbnail"] = [one.thumbnail for one in made.products]
    small = {"prices": np.array([_ten_thousandths(one.price) for one in made.products], "<i8"),
             "categories": np.array([names.index(one.category) for one in made.products], "<u4"),
             "owners": np.repeat(np.arange(len(made.products), dtype="<u4"),
                                 [len(one.vectors) for one in made.products]),
             "offset": offset, "scales": scales, "codes": codes, "vectors": vectors}
    for name, parts in pieces.items():
        small[f"{name}s"] = np.frombuffer(b"".join(parts), "u1")
        small[f"{name}_offsets"] = np.cumsum([0, *map(len, parts)], dtype="<u8")
    return small


def _ten_thousandths(price: Decimal | None) -> int:
    return NO_PRICE if price is None else int(price * UNITS)


def _record(new: NewProduct) -> bytes:
    """The record, the extra fields by their names' UTF-8 bytes."""
    extra: dict[str, object] = dict(sorted(new.extra.items(), key=lambda item: reader.utf8(item[0])))
    price = None if new.price is None else _ten_thousandths(new.price)
    return products.json_record(Product(
        line=0, row=0, id=new.id, name=new.name, price=price, currency=new.currency, description=new.description,
        category=new.category, pictures=(), extra=extra))
