"""A product list and dist/<model>/ enter; a Parquet file with every picture's vector leaves, for search on a server.

The vectors are the float32 ones that a catalog is made from, so that they rank as PyTorch does. Every vector database
takes such a file; vectors.md shows one at work.
"""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from catalog_builder.builder import build
from catalog_builder.builder.build import BuildRequest
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.built import EmbeddedProducts
from catalog_builder.builder.quantize import blocks
from catalog_builder.catalog import reader
from catalog_builder.engines import Model
from catalog_builder.fields.prices import DECIMALS
from catalog_builder.lists import products
from export.common import files
from export.common.errors import InputError

SUFFIX = ".parquet"
DIGITS = 19                                  # of a price: those of an int64


@dataclass(frozen=True)
class Written:
    """What the file holds."""

    products: int
    rows: int
    computed: int                            # pictures that were not known from an earlier run


def write(request: BuildRequest, out: Path, progress: Builds) -> Written:
    """Writes the file, whole or not at all. The problems of the list stand beside the catalog, as after a build.

    Raises InputError for a list or a model that cannot be used, and another name than one in .parquet.
    """
    if out.suffix != SUFFIX:
        raise InputError("no name for the vectors", expected=f"a file that ends in {SUFFIX}", found=out)
    with build.begun(request, progress) as task:
        shelf = build.embed_products(task)
        progress.step("write the vectors")
        with files.whole(out) as partial:
            _write(partial, task.model, task.listing.currency, shelf)
        return Written(len(shelf.products), len(shelf.pictures), shelf.computed)


def _write(path: Path, model: Model, currency: str, shelf: EmbeddedProducts) -> None:
    """A row for each picture, products in their order."""
    import pyarrow
    from pyarrow import parquet

    dim = model.manifest.dim
    about = {"space": model.space, "model": model.manifest.model, "metric": reader.METRIC, "currency": currency}
    schema = pyarrow.schema([
        ("product", pyarrow.string()), ("row", pyarrow.int64()), ("vector", pyarrow.list_(pyarrow.float32(), dim)),
        ("name", pyarrow.string()), ("price", pyarrow.decimal128(DIGITS, DECIMALS)), ("currency", pyarrow.string()),
        ("category", pyarrow.string()), ("record", pyarrow.string())], metadata=about)
    with parquet.ParquetWriter(path, schema) as file:
        for start, block in blocks(shelf.vectors):
            of = [shelf.products[owner] for owner in shelf.owners[start:start + len(block)]]
            file.write_table(pyarrow.table({
                "product": [one.id for one in of], "row": range(start, start + len(block)),
                "vector": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(block.ravel()), dim),
                "name": [one.name for one in of], "price": [_decimal(one.price) for one in of],
                "currency": [one.currency for one in of], "category": [one.category for one in of],
                "record": [products.json_record(one).decode() for one in of]}, schema))


def _decimal(price: int | None) -> Decimal | None:
    return None if price is None else Decimal(price).scaleb(-DECIMALS)
