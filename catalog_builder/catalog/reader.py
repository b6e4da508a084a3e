"""A .catalog file enters; its arrays, mapped, leave once the structure is checked. Needs only NumPy.

FORMATS.md says what the file holds. Opening checks the whole structure: afterwards no record, row or category can point
outside the file. `verify` checks the digest, which shows whether any byte has changed.
"""

import hashlib
import json
import math
import mmap
import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from catalog_builder.catalog import first_pass
from catalog_builder.catalog.calibration import Calibration
from catalog_builder.catalog.first_pass import FirstPass
from catalog_builder.index import catalog_index
from catalog_builder.index.catalog_index import WordTables
from catalog_builder.index.filter_columns import FilterColumn
from export.common import container
from export.common.errors import InputError

FORMAT, VERSION, QUANTIZATION, METRIC = "mobileclip-catalog", "1", "int8-row-offset", "cosine"
MOST_HEADER = 1 << 20                        # bytes: a parser's memory stays small, whatever the file says
MOST_DIM = 1024                              # beyond, the integer sum of a score could overflow int32
MOST_BYTES = 2**31 - 1                       # of a tensor: what a buffer of the JVM holds
NO_PRICE = -1
UNITS = 10_000                               # prices are whole ten-thousandths of the currency's unit
REMEDY = "fetch it again, or build it again with `make catalog`"
CHUNK = 1 << 22                              # bytes hashed at a time
DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')

# What each tensor is; the letters are counts that must agree: products, rows, dim, bytes.
TENSORS = {"record_offsets": ("<u8", "P+1"), "prices": ("<i8", "P"), "scales": ("<f4", "R"), "offset": ("<f4", "D"),
           "owners": ("<u4", "R"), "categories": ("<u4", "P"), "codes": ("i1", "RD"), "records": ("u1", "B")}
THUMBNAILS = {"thumbnail_offsets": ("<u8", "P+1"), "thumbnails": ("u1", "T")}
ID_ORDER = {"id_order": ("<u4", "P")}
WORDS = {name: (dtype, name) for name, dtype in catalog_index.WORDS.items()}            # of one dimension
FILTERS = {name: (dtype, name) for name, dtype in catalog_index.FILTERS.items()}
OPTIONAL = (THUMBNAILS, ID_ORDER, WORDS, FILTERS)            # those of a group are there together, or none of them


class CatalogError(InputError):
    """A file that is no whole catalog of this version, or not the one that was asked for."""


@dataclass(frozen=True, eq=False)
class ProductThumbnails:
    """The products' small pictures (WebP), one after the other."""

    offsets: np.ndarray                      # uint64 [products + 1]
    content: np.ndarray                      # uint8


@dataclass(frozen=True, eq=False)
class Catalog:
    """An open catalog. The arrays are views of the mapped file, little-endian, read-only."""

    path: Path
    space: str                               # 64 hex digits: the embedding space
    model: str
    currency: str                            # "" if there are several, or none: then no filter by price
    category_names: list[str]
    calibration: Calibration
    metadata: dict[str, str]                 # all keys, as the file holds them
    prices: np.ndarray                       # int64 [products], ten-thousandths, NO_PRICE for none
    categories: np.ndarray                   # uint32 [products]
    owners: np.ndarray                       # uint32 [rows], never decreasing
    firsts: np.ndarray                       # int64 [products]: the first row of each
    scales: np.ndarray                       # float32 [rows]
    offset: np.ndarray                       # float32 [dim]
    codes: np.ndarray                        # int8 [rows, dim]
    record_offsets: np.ndarray               # uint64 [products + 1]
    records: np.ndarray                      # uint8
    thumbnails: ProductThumbnails | None     # None: the file has none
    content: memoryview                      # the whole file
    first_pass: FirstPass | None = None      # None: every row is scored exactly
    id_order: np.ndarray | None = None       # uint32 [products]; None in files of older builders
    words: WordTables | None = None          # None: the file has none, and is searched by vectors alone
    filters: dict[str, FilterColumn] = field(default_factory=dict)

    @property
    def products(self) -> int:
        """The number of products."""
        return len(self.prices)

    @property
    def rows(self) -> int:
        """The number of rows, one for each picture."""
        return len(self.scales)

    @property
    def dim(self) -> int:
        """The width of the embeddings."""
        return len(self.offset)

    def record(self, product: int) -> dict:
        """The product's JSON object. Raises CatalogError for one that is damaged."""
        try:
            record = json.loads(self.raw(product).decode())          # json.loads would also read bytes as UTF-16
            if not isinstance(record, dict):
                raise ValueError("no object")
        except (ValueError, RecursionError) as error:
            raise CatalogError("damaged record", where=f"{self.path}, product {product}", found=error,
                               remedy=REMEDY) from None
        return record

    def raw(self, product: int) -> bytes:
        """The product's JSON object as it stands in the file."""
        return self.records[int(self.record_offsets[product]):int(self.record_offsets[product + 1])].tobytes()

    def place(self, product_id: str) -> int | None:
        """The place of the product with this id; None if there is none. Parses some 20 of a million records.

        Raises CatalogError for a record that is damaged.
        """
        wanted = utf8(product_id)
        at = bisect_left(self.places_by_id, wanted, key=self._id)
        if at < self.products and self._id(self.places_by_id[at]) == wanted:
            return int(self.places_by_id[at])
        return None

    @cached_property
    def places_by_id(self) -> np.ndarray:
        """The places in the order of the products' ids, uint32 [products]. Without `id_order` it parses all records."""
        return id_order(map(self._id, range(self.products))) if self.id_order is None else self.id_order

    def _id(self, product: int) -> bytes:
        own = self.record(product).get("id")
        return utf8(own) if isinstance(own, str) else b""

    def thumbnail(self, product: int) -> bytes | None:
        """The product's small picture (WebP); None if the file has none."""
        if self.thumbnails is None:
            return None
        start, end = (int(self.thumbnails.offsets[product + i]) for i in (0, 1))
        return self.thumbnails.content[start:end].tobytes() or None

    def vectors(self, rows: slice | np.ndarray) -> np.ndarray:
        """Rows as vectors again: float32 [n, dim], offset + scale x code, computed in float64."""
        return (self.offset.astype(np.float64)
                + self.scales[rows, None].astype(np.float64) * self.codes[rows]).astype(np.float32)

    def verify(self) -> None:
        """Raises CatalogError unless the file's bytes have the digest in its header. Reads the whole file."""
        if digest(self.content) != self.metadata["sha256"]:
            raise CatalogError("the file is damaged: its digest is not the one that stands in it", where=self.path,
                               expected=self.metadata["sha256"][:16] + "…", remedy=REMEDY)


def utf8(product_id: str) -> bytes:
    """What ids are compared by. Half a surrogate pair, which no builder writes, has bytes of its own."""
    return product_id.encode("utf-8", "surrogatepass")


def id_order(ids: Iterable[bytes]) -> np.ndarray:
    """The tensor `id_order`: places by ids in UTF-8, equal ids by place; uint32 [products]."""
    listed = list(ids)
    return np.array(sorted(range(len(listed)), key=listed.__getitem__), "<u4")


def open_catalog(path: Path, space: str | None = None, least: int = 1) -> Catalog:
    """Maps the file and checks its structure.

    `space`: the embedding space that the catalog must belong to. `least`: how many products and rows it must have; an
    overlay may have none. Raises CatalogError for every other file.
    """
    try:
        content = mapped(path)
    except OSError as error:
        raise CatalogError("cannot open the catalog", where=path, found=error.strerror,
                           remedy="give the path of a .catalog file; `make catalog` builds one") from None
    except ValueError as error:              # mmap refuses an empty file
        raise CatalogError("the catalog is empty", where=path, found=error, remedy=REMEDY) from None
    try:
        catalog = _checked(path, container.parsed(content, MOST_HEADER), content, least)
    except container.BROKEN as error:
        wrong = f"no {error}" if isinstance(error, KeyError) else f"{error}"
        raise CatalogError("damaged, or no catalog", where=path, found=wrong[:200], remedy=REMEDY) from None
    if space is not None and catalog.space != space:
        raise CatalogError("the catalog is of another embedding space", where=path, expected=space,
                           found=f"{catalog.space} ({catalog.model})",
                           remedy="build it again with this model's encoders")
    return catalog


def mapped(path: Path) -> memoryview:
    """The file's bytes, mapped. Raises OSError, and ValueError for an empty file."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _checked(path: Path, parts: tuple[dict[str, str], dict[str, np.ndarray]], content: memoryview,
             least: int) -> Catalog:
    """The catalog. Raises one of container.BROKEN if parts disagree, CatalogError for another kind or version."""
    metadata, tensors = parts
    for key, known in (("format", FORMAT), ("version", VERSION), ("quantization", QUANTIZATION), ("metric", METRIC)):
        if metadata.get(key) != known:
            raise CatalogError(f"unknown {key}", where=path, expected=known, found=str(metadata.get(key))[:80],
                               remedy="use the release that wrote it, or build it again with `make catalog`")
    products, rows = (_count(metadata, key, least) for key in ("products", "rows"))
    dim = _count(metadata, "dim", 1)
    if dim > MOST_DIM:
        raise ValueError(f"{dim} dimensions, more than {MOST_DIM}")
    if not all(re.fullmatch("[0-9a-f]{64}", metadata[key]) for key in ("space", "sha256")):
        raise ValueError("space or sha256 is not 64 hex digits")
    digest_place(content)
    kinds = TENSORS | {name: kind for group in OPTIONAL if set(group) & set(tensors) for name, kind in group.items()}
    shapes = {"P": (products,), "P+1": (products + 1,), "R": (rows,), "D": (dim,), "RD": (rows, dim)}
    for name, (dtype, shape) in kinds.items():
        if tensors[name].dtype != np.dtype(dtype) or tensors[name].shape != shapes.get(shape, (tensors[name].size,)):
            raise ValueError(f"{name} is {tensors[name].dtype} {list(tensors[name].shape)}")
    names = json.loads(metadata["categories"])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("categories is no list of names")
    _check_values(tensors, len(names))
    return Catalog(
        path=path, space=metadata["space"], model=metadata["model"], currency=metadata["currency"],
        category_names=names, calibration=Calibration.from_json(json.loads(metadata["calibration"])), metadata=metadata,
        content=content, first_pass=first_pass.opened(metadata, tensors, rows, dim),
        firsts=np.flatnonzero(np.diff(tensors["owners"].astype(np.int64), prepend=-1)),
        thumbnails=_thumbnails(tensors), id_order=tensors.get("id_order"),
        words=catalog_index.opened_words(metadata, tensors, products),
        filters=catalog_index.opened_filters(metadata, tensors, products), **{name: tensors[name] for name in TENSORS})


def _thumbnails(tensors: dict[str, np.ndarray]) -> ProductThumbnails | None:
    if not set(THUMBNAILS) <= set(tensors):
        return None
    return ProductThumbnails(tensors["thumbnail_offsets"], tensors["thumbnails"])


def _count(metadata: dict[str, str], key: str, least: int) -> int:
    if not re.fullmatch("0|[1-9][0-9]{0,9}", metadata[key]) or int(metadata[key]) < least:
        raise ValueError(f"{key} is {metadata[key][:20]!r}, no count")
    return int(metadata[key])


def _check_values(tensors: dict[str, np.ndarray], names: int) -> None:
    owners = np.concatenate([[-1], tensors["owners"].astype(np.int64)])
    steps = np.diff(owners)
    if not ((steps == 0) | (steps == 1)).all() or not steps[:1].all() or owners[-1] != len(tensors["prices"]) - 1:
        raise ValueError("owners that do not rise from product to product")
    for offsets, pieces in (("record_offsets", "records"), ("thumbnail_offsets", "thumbnails")):
        if offsets in tensors:
            ends = tensors[offsets]
            if ends[0] != 0 or ends[-1] != tensors[pieces].size or not (ends[1:] >= ends[:-1]).all():
                raise ValueError(f"{offsets} that do not rise from 0 to the size of {pieces}")
    if not (tensors["categories"] < names).all():
        raise ValueError("a category beyond the list of names")
    if not (tensors["prices"] >= NO_PRICE).all():
        raise ValueError("a price below 0")
    if not (np.isfinite(tensors["scales"]).all() and (tensors["scales"] >= 0).all()):
        raise ValueError("a scale that is no finite number, or below 0")
    if not np.isfinite(tensors["offset"]).all():
        raise ValueError("an offset that is no finite number")
    if "id_order" in tensors and not _is_permutation(tensors["id_order"]):
        raise ValueError("an id_order that does not hold each place once")


def _is_permutation(order: np.ndarray) -> bool:
    met = np.zeros(len(order), bool)
    met[order[order < len(order)]] = True
    return bool(met.all())


def digest_place(content: memoryview) -> int:
    """Where the 64 digits of sha256 start in the file. Raises ValueError unless the header holds them exactly once."""
    header = bytes(content[8:8 + int.from_bytes(content[:8], "little")])
    places = list(DIGEST.finditer(header))
    if len(places) != 1:
        raise ValueError(f"{len(places)} digests in the header, where one is expected")
    return 8 + places[0].start(1)


def digest(content: memoryview) -> str:
    """SHA-256 over the whole file, the 64 digits of its own digest read as zeros."""
    place, hashed = digest_place(content), hashlib.sha256()
    hashed.update(content[:place])
    hashed.update(b"0" * 64)
    for start in range(place + 64, len(content), CHUNK):
        hashed.update(content[start:start + CHUNK])
    return hashed.hexdigest()


def size_of(shape: tuple[int, ...], dtype: str) -> int:
    """Bytes of a tensor."""
    return math.prod(shape) * np.dtype(dtype).itemsize
