"""Products and vectors enter; a .catalog file leaves, whole or not at all, the same bytes for the same input."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog_builder.builder import quantize
from catalog_builder.builder.quantize import Vectors
from catalog_builder.catalog import calibration, first_pass, reader
from catalog_builder.catalog.calibration import Calibration
from catalog_builder.catalog.reader import Catalog, CatalogError
from catalog_builder.index import catalog_index
from catalog_builder.index.indexed_columns import IndexedColumns
from export.common import container, files

STATED = 64                                  # characters of the metadata `first_pass`


@dataclass(frozen=True)
class Content:
    """All that a catalog holds, except the vectors. Products in their order; a product's rows follow each other."""

    space: str
    model: str
    currency: str
    category_names: list[str]
    calibration: Calibration
    records: list[bytes]                     # JSON objects
    prices: np.ndarray                       # int64 [products]
    categories: np.ndarray                   # uint32 [products]
    owners: np.ndarray                       # uint32 [rows]
    thumbnails: list[bytes] | None = None
    axes: np.ndarray | None = None           # int8 [width, dim], of a first pass; None: no first pass
    ids: list[str] | None = None             # as in the records, for a lookup by id; None: no such tensor
    offset: np.ndarray | None = None         # float32 [dim]; None: the mean of the vectors
    created: str | None = None
    parent: str | None = None                # 64 hex digits: the catalog that this one follows
    indexed: IndexedColumns = IndexedColumns()           # the records' fields that are searched and filtered by


def write(target: Path, content: Content, vectors: Vectors) -> None:
    """Quantises and writes. Raises CatalogError for what the format cannot hold."""
    with unnamed(target, content, vectors):
        pass


@contextlib.contextmanager
def unnamed(target: Path, content: Content, vectors: Vectors) -> Iterator[Catalog]:
    """As `write`, but yields the finished catalog before the file gets its name. An error then keeps `target`."""
    rows, dim = vectors.shape
    small = _small_tensors(content)
    pieces = {"records": content.records}
    if content.thumbnails is not None:
        pieces["thumbnails"] = content.thumbnails
    shapes = {name: (array.dtype, array.shape) for name, array in small.items()}
    shapes |= {"scales": (np.dtype("<f4"), (rows,)), "offset": (np.dtype("<f4"), (dim,)),
               "codes": (np.dtype("i1"), (rows, dim))}
    shapes |= {name: (np.dtype("u1"), (sum(map(len, parts)),)) for name, parts in pieces.items()}
    metadata, axes = _metadata(content, rows, dim), np.empty((0, dim), "i1") if content.axes is None else content.axes
    if len(axes):
        small["first_axes"], metadata[first_pass.KEY] = axes, _stated(first_pass.MOST_OF, {})
        shapes |= {"first_axes": (axes.dtype, axes.shape), "first_codes": (axes.dtype, (rows, len(axes))),
                   "first_scales": (np.dtype("<f4"), (rows,))}
    head, starts = container.layout(metadata, shapes)
    _refuse_too_large(target, head, shapes, dim)
    with files.whole(target) as partial:
        with partial.open("w+b") as file:
            file.write(head)
            offset = quantize.mean(vectors) if content.offset is None else content.offset
            scales, first_scales = np.empty(rows, np.float32), np.empty(rows, np.float32)
            for start, block in quantize.blocks(vectors):
                some = slice(start, start + len(block))
                codes, scales[some] = quantize.quantise(block, offset)
                file.seek(starts["codes"] + start * dim)
                file.write(codes.tobytes())
                if len(axes):
                    first_codes, first_scales[some] = first_pass.derived(axes, codes, scales[some])
                    file.seek(starts["first_codes"] + start * len(axes))
                    file.write(first_codes.tobytes())
            small |= {"scales": scales, "offset": offset} | ({"first_scales": first_scales} if len(axes) else {})
            for name, array in small.items():
                file.seek(starts[name])
                file.write(container.little(array).tobytes())
            for name, parts in pieces.items():
                file.seek(starts[name])
                file.writelines(parts)
        seal(partial)
        yield reader.open_catalog(partial, content.space)


def state_first_pass(catalog: Catalog, of: int, recalls: Mapping[str, float]) -> None:
    """Writes what was measured of the first pass into the finished file: its share, and the recall by kind of query."""
    before, now = (json.dumps(text).encode() for text in (catalog.metadata[first_pass.KEY], _stated(of, recalls)))
    head = bytes(catalog.content[:8 + int.from_bytes(catalog.content[:8], "little")])
    with catalog.path.open("r+b") as file:
        file.write(head.replace(before, now, 1))
    seal(catalog.path)


def _stated(of: int, recalls: Mapping[str, float]) -> str:
    """The metadata `first_pass`, always of one length: spaces follow the JSON object."""
    shares = {kind: round(recalls[kind], 4) if kind in recalls else None for kind in calibration.KINDS}
    return json.dumps({"of": of} | shares).ljust(STATED)


def seal(path: Path) -> None:
    """Writes the file's digest into it."""
    content = reader.mapped(path)
    place, digits = reader.digest_place(content), reader.digest(content)
    content.release()
    with path.open("r+b") as file:
        file.seek(place)
        file.write(digits.encode())


def _small_tensors(content: Content) -> dict[str, np.ndarray]:
    tensors = {"record_offsets": _offsets(content.records), "prices": np.asarray(content.prices, "<i8"),
               "owners": np.asarray(content.owners, "<u4"), "categories": np.asarray(content.categories, "<u4")}
    if content.thumbnails is not None:
        tensors["thumbnail_offsets"] = _offsets(content.thumbnails)
    if content.ids is not None:
        tensors["id_order"] = reader.id_order(map(reader.utf8, content.ids))
    try:
        return tensors | catalog_index.built(content.records, len(content.records), content.indexed)
    except ValueError as error:
        raise CatalogError("a column that cannot be a filter", found=error,
                           remedy="leave it out of --filter") from None


def _offsets(parts: list[bytes]) -> np.ndarray:
    return np.cumsum([0, *map(len, parts)], dtype="<u8")


def _metadata(content: Content, rows: int, dim: int) -> dict[str, str]:
    fields = {"format": reader.FORMAT, "version": reader.VERSION, "space": content.space, "model": content.model,
              "dim": str(dim), "metric": reader.METRIC, "quantization": reader.QUANTIZATION,
              "products": str(len(content.records)), "rows": str(rows), "currency": content.currency,
              "categories": json.dumps(content.category_names, ensure_ascii=False, separators=(",", ":")),
              "calibration": json.dumps(content.calibration.json(), separators=(",", ":")), "sha256": "0" * 64,
              **content.indexed.metadata()}
    return fields | {name: text for name, text in (("created", content.created), ("parent", content.parent)) if text}


def _refuse_too_large(target: Path, head: bytes, shapes: dict, dim: int) -> None:
    if dim > reader.MOST_DIM:
        raise CatalogError("embeddings too wide for a catalog", where=target, expected=f"at most {reader.MOST_DIM}",
                           found=dim, remedy="use a model of fewer dimensions")
    if len(head) - 8 > reader.MOST_HEADER:
        raise CatalogError("too many categories", where=target, found=f"a header of {len(head):,} bytes",
                           expected=f"at most {reader.MOST_HEADER:,}", remedy="group them into fewer")
    for name, (dtype, shape) in shapes.items():
        if (size := reader.size_of(shape, dtype)) > reader.MOST_BYTES:
            raise CatalogError(f"{name} would be too large", where=target, found=f"{size:,} bytes",
                               expected=f"at most {reader.MOST_BYTES:,} (the buffers of the JVM)",
                               remedy="fewer products a catalog, or smaller thumbnails")
