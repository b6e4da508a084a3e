"""A Parquet file enters; a table of Python values leaves."""

import contextlib
from pathlib import Path
from typing import BinaryIO

from catalog_builder.tables.headers import columns_of
from catalog_builder.tables.table_types import Lost, Table, TableRow
from export.common.errors import InputError

BATCH = 1024                             # rows in memory at a time as Arrow's
PRICE = "price"                          # a column of this name is exact text even if its numbers are binary


def read(file: BinaryIO, where: Path) -> Table:
    """The table of a file. Raises InputError if it is damaged."""
    import pyarrow
    from pyarrow import parquet

    rows: list[TableRow] = []
    try:
        source = parquet.ParquetFile(file)
        columns, repeated = columns_of(source.schema_arrow.names, lambda number: f"column {number}")
        for batch in source.iter_batches(BATCH):
            cells = [_cells(name, column) for name, column in zip(columns, batch.columns, strict=True)]
            for row in zip(*cells, strict=True):
                rows.append(TableRow(0, len(rows) + 1, dict(zip(columns, row, strict=True))))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        place = f"{where}, after row {len(rows)}" if rows else where
        raise InputError("the list is damaged", where=place, expected="a Parquet file", found=error) from error
    return Table("Parquet", (), columns, repeated, rows=rows, notices=[])


def _cells(name: str, column) -> list[object]:
    """An Arrow column as Python values: times, decimals and prices as shortest texts, other floats by those texts."""
    import pyarrow
    from pyarrow import types

    kind = column.type
    if types.is_temporal(kind) or types.is_decimal(kind) or types.is_floating(kind):
        with contextlib.suppress(pyarrow.ArrowException):        # Python may convert what Arrow cannot
            column = column.cast(pyarrow.string())
    try:
        values = column.to_pylist()
    except (ValueError, OverflowError, pyarrow.ArrowException):
        return [_cell(name, cell) for cell in column]
    if types.is_floating(kind) and name.casefold() != PRICE:
        return [float(value) if isinstance(value, str) else value for value in values]
    return values


def _cell(name: str, cell) -> object:
    """One value, or why it cannot be read."""
    try:
        return cell.as_py()
    except Exception as error:           # Arrow's converters have no common base
        return Lost(name, "the value cannot be read", found=error, remedy="write it as text in UTF-8")
