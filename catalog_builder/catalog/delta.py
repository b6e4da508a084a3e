"""A catalog and a delta enter; the catalog that follows it leaves, byte for byte. Twin of the apps' CatalogDelta.

A delta holds what changed: products that came or have new pictures, records that changed, prices, and the places of
products that went. Everything else is copied. Nothing is decompressed, so a device needs no library for it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog_builder.catalog import first_pass, reader
from catalog_builder.catalog.first_pass import FirstPass
from catalog_builder.catalog.reader import NO_PRICE, Catalog, CatalogError
from catalog_builder.fields.prices import price_text
from catalog_builder.index import catalog_index
from export.common import container, files

FORMAT, VERSION = "mobileclip-delta", "1"
REMEDY = "fetch the whole catalog"
PRICE = b',"price":'                         # within a text of JSON, a quotation mark has a backslash before it
TENSORS = {"head": "u1", "removed": "<u4", "changed": "<u4", "row_counts": "<u4", "scales": "<f4", "codes": "i1",
           "thumbnail_lengths": "<u4", "thumbnails": "u1", "rewritten": "<u4", "record_lengths": "<u4",
           "records": "u1", "categories": "<u4", "prices": "<i8", "repriced": "<u4", "new_prices": "<i8",
           "id_places": "<u4"}


@dataclass(frozen=True, eq=False)
class Delta:
    """What makes `result` of `base`. Places of products are the result's, but for those removed."""

    base: str                                # 64 hex digits: the catalog that it is for
    result: str                              # 64 hex digits: the catalog that it makes
    tensors: Mapping[str, np.ndarray]        # as TENSORS

    def __getitem__(self, name: str) -> np.ndarray:
        return self.tensors[name]


def open_delta(path: Path) -> Delta:
    """Reads a delta. Raises CatalogError for anything else."""
    try:
        metadata, tensors = container.parsed(memoryview(path.read_bytes()), reader.MOST_HEADER)
        if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"format {metadata.get('format')!r}, version {metadata.get('version')!r}")
        for name in ("base", "result"):
            if not re.fullmatch("[0-9a-f]{64}", metadata[name]):
                raise ValueError(f"{name} is not 64 hex digits")
        for name, kind in TENSORS.items():
            if tensors[name].dtype != np.dtype(kind) or tensors[name].ndim != 1:
                raise ValueError(f"{name} is {tensors[name].dtype} {list(tensors[name].shape)}")
    except OSError as error:
        raise CatalogError("cannot open the delta", where=path, found=error.strerror, remedy=REMEDY) from None
    except container.BROKEN as error:
        wrong = f"no {error}" if isinstance(error, KeyError) else f"{error}"
        raise CatalogError("damaged, or no delta", where=path, found=wrong[:200], remedy=REMEDY) from None
    return Delta(metadata["base"], metadata["result"], {name: tensors[name] for name in TENSORS})


def apply(base: Catalog, delta: Delta, target: Path) -> Catalog:
    """Writes the catalog that follows `base`, whole or not at all, and opens it.

    Raises CatalogError if the delta is for another catalog, or damaged; `target` then stays as it was.
    """
    if delta.base != base.metadata["sha256"]:
        raise CatalogError("the delta is for another catalog", where=base.path, expected=delta.base[:16] + "…",
                           found=base.metadata["sha256"][:16] + "…", remedy=REMEDY)
    with files.whole(target) as partial:
        try:
            write_result(base, delta, partial)
            made = reader.open_catalog(partial, base.space)
            made.verify()
        except container.BROKEN as error:
            raise CatalogError("the delta is damaged", where=base.path, found=f"{error}"[:200],
                               remedy=REMEDY) from None
        if made.metadata["sha256"] != delta.result:
            raise CatalogError("the delta makes another catalog than it says", where=target, remedy=REMEDY,
                               expected=delta.result[:16] + "…", found=made.metadata["sha256"][:16] + "…")
    return reader.open_catalog(target, base.space)


def write_result(base: Catalog, delta: Delta, target: Path) -> None:
    """Writes the catalog that follows, not verified. Raises one of container.BROKEN for a delta that does not fit."""
    head = delta["head"].tobytes()
    metadata, shapes = container.announced(head)
    kept = _kept(base, delta)
    products = int(metadata["products"])
    _check(delta, products, products - len(kept))
    tensors = {"offset": base.offset, "prices": _prices(base, delta, kept, products),
               "categories": _categories(base, delta, kept, products, json.loads(metadata["categories"])),
               **_rows(base, delta, kept, products), **_records(base, delta, kept)}
    if base.thumbnails is not None:
        tensors |= _thumbnails(base, delta, kept)
    if base.id_order is not None:
        tensors["id_order"] = _id_order(base.id_order, delta, kept, products)
    tensors |= _index(base, delta, kept, products)
    if shapes != {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}:
        raise ValueError("tensors that are not those of the result's header")
    with target.open("wb") as file:
        file.write(head)
        for name in shapes:
            file.write(container.little(tensors[name]).tobytes())


def priced(record: bytes, price: int) -> bytes:
    """A record with another price, in ten-thousandths, or NO_PRICE. Raises ValueError for a record without one."""
    at = record.index(PRICE) + len(PRICE)
    end = min(place for place in (record.find(b",", at), record.find(b"}", at)) if place >= 0)
    return record[:at] + price_text(None if price == NO_PRICE else price).encode() + record[end:]


def _kept(base: Catalog, delta: Delta) -> np.ndarray:
    """int64: the places of the base's products that stay, ascending."""
    _rising("removed", delta["removed"], base.products)
    return np.delete(np.arange(base.products), delta["removed"].astype(np.int64))


def _check(delta: Delta, products: int, came: int) -> None:
    """Raises ValueError unless lengths and places fit; nothing large is made before."""
    for places, others in (("changed", ("row_counts",)), ("repriced", ("new_prices",)),
                           ("rewritten", ("record_lengths", "categories", "prices"))):
        _rising(places, delta[places], products)
        for name in others:
            if len(delta[name]) != len(delta[places]):
                raise ValueError(f"{len(delta[name])} {name} for {len(delta[places])} {places}")
    for name in ("changed", "rewritten"):
        if not 0 <= came <= len(delta[name]) or (delta[name][len(delta[name]) - came:] < products - came).any():
            raise ValueError(f"new products that are not {name}")
    if len(delta["thumbnail_lengths"]) not in (0, len(delta["changed"])):
        raise ValueError(f"{len(delta['thumbnail_lengths'])} thumbnails")
    for lengths, whole in (("row_counts", "scales"), ("record_lengths", "records"),
                           ("thumbnail_lengths", "thumbnails")):
        if delta[lengths].sum(dtype=np.uint64) != len(delta[whole]):
            raise ValueError(f"{lengths} that are not those of {whole}")
    if not delta["row_counts"].all():
        raise ValueError("a product without a row")
    order = delta["id_places"]
    if len(order) and (len(order) != came or order.max() >= products or len(np.unique(order)) != came):
        raise ValueError("id_places that are not one for each new product")


def _rising(name: str, places: np.ndarray, end: int) -> None:
    if len(places) and (places[-1] >= end or not (places[1:] > places[:-1]).all()):
        raise ValueError(f"{name} that do not rise to below {end}")


def _prices(base: Catalog, delta: Delta, kept: np.ndarray, products: int) -> np.ndarray:
    prices = np.empty(products, "<i8")
    prices[:len(kept)] = base.prices[kept]
    prices[delta["rewritten"]] = delta["prices"]
    prices[delta["repriced"]] = delta["new_prices"]
    return prices


def _categories(base: Catalog, delta: Delta, kept: np.ndarray, products: int, names: list[str]) -> np.ndarray:
    """uint32 [products]: an unchanged product's category has the name that it had."""
    lost, known = len(names), {name: place for place, name in enumerate(names)}
    moved = np.array([known.get(name, lost) for name in base.category_names], "<u4")
    categories = np.empty(products, "<u4")
    categories[:len(kept)] = moved[base.categories[kept]]
    categories[delta["rewritten"]] = delta["categories"]
    return categories


def _rows(base: Catalog, delta: Delta, kept: np.ndarray, products: int) -> dict[str, np.ndarray]:
    """Owners, scales and codes: the base's rows of products that did not change, and the delta's."""
    changed = np.zeros(products, bool)
    changed[delta["changed"]] = True
    counts = np.empty(products, np.int64)
    counts[:len(kept)] = np.diff(np.append(base.firsts, base.rows))[kept]
    counts[delta["changed"]] = delta["row_counts"]
    stays = np.zeros(base.products, bool)
    stays[kept[~changed[:len(kept)]]] = True
    old, new = stays[base.owners], np.repeat(changed, counts)
    scales, codes = np.empty(len(new), "<f4"), np.empty((len(new), base.dim), "i1")
    scales[~new], codes[~new] = base.scales[old], base.codes[old]
    scales[new], codes[new] = delta["scales"], delta["codes"].reshape(-1, base.dim)
    return {"owners": np.repeat(np.arange(products, dtype="<u4"), counts), "scales": scales, "codes": codes,
            **_first_pass(base.first_pass, old, new, codes, scales)}


def _first_pass(base: FirstPass | None, old: np.ndarray, new: np.ndarray, codes: np.ndarray,
                scales: np.ndarray) -> dict[str, np.ndarray]:
    """The base's axes and rows, and the delta's rows on these axes. `old`, `new`: bool, of the base's and all rows."""
    if base is None:
        return {}
    first_codes, first_scales = np.empty((len(new), len(base.axes)), "i1"), np.empty(len(new), "<f4")
    first_codes[~new], first_scales[~new] = base.codes[old], base.scales[old]
    first_codes[new], first_scales[new] = first_pass.derived(base.axes, codes[new], scales[new])
    return {"first_axes": base.axes, "first_codes": first_codes, "first_scales": first_scales}


def _records(base: Catalog, delta: Delta, kept: np.ndarray) -> dict[str, np.ndarray]:
    given = _cut(delta["records"], delta["record_lengths"], delta["rewritten"])
    prices = dict(zip(delta["repriced"].tolist(), delta["new_prices"].tolist(), strict=True))
    pieces = [given[place] if place in given else
              priced(base.raw(old), prices[place]) if place in prices else base.raw(old)
              for place, old in enumerate(kept.tolist())]
    return _joined("record", pieces + [given[place] for place in sorted(given) if place >= len(kept)])


def _thumbnails(base: Catalog, delta: Delta, kept: np.ndarray) -> dict[str, np.ndarray]:
    given = _cut(delta["thumbnails"], delta["thumbnail_lengths"], delta["changed"])
    pieces = [given[place] if place in given else base.thumbnail(old) or b"" for place, old in enumerate(kept.tolist())]
    return _joined("thumbnail", pieces + [given[place] for place in sorted(given) if place >= len(kept)])


def _index(base: Catalog, delta: Delta, kept: np.ndarray, products: int) -> dict[str, np.ndarray]:
    """The words, keys and filters, of which the delta holds nothing: they follow from the records."""
    moved = np.full(base.products, -1, np.int64)
    moved[kept] = np.arange(len(kept))
    moved[kept[delta["rewritten"][:np.searchsorted(delta["rewritten"], len(kept))]]] = -1
    return catalog_index.followed(base.words, base.filters, moved, products,
                                  _cut(delta["records"], delta["record_lengths"], delta["rewritten"]))


def _cut(whole: np.ndarray, lengths: np.ndarray, places: np.ndarray) -> dict[int, bytes]:
    """The piece of each place."""
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    return {place: whole[end - length:end].tobytes()
            for place, length, end in zip(places.tolist(), lengths.tolist(), ends, strict=True)}


def _joined(name: str, pieces: list[bytes]) -> dict[str, np.ndarray]:
    return {f"{name}s": np.frombuffer(b"".join(pieces), "u1"),
            f"{name}_offsets": np.cumsum([0, *map(len, pieces)], dtype="<u8")}


def _id_order(order: np.ndarray, delta: Delta, kept: np.ndarray, products: int) -> np.ndarray:
    """The base's order without what went, and the new products at their places in it."""
    places = np.full(len(order), products, "<u4")
    places[kept] = np.arange(len(kept))
    moved, made = places[order], np.empty(products, "<u4")
    is_new = np.zeros(products, bool)
    is_new[delta["id_places"]] = True
    made[~is_new] = moved[moved < products]
    made[delta["id_places"]] = np.arange(len(kept), products)
    return made
