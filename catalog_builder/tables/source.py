"""A product list in any format enters; its table leaves. What a file is, its first bytes say, not its name."""

import gzip
import io
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from catalog_builder.tables import delimited, encodings, feed, json_table, parquet_table, signatures, workbook
from catalog_builder.tables.encodings import DecodedText
from catalog_builder.tables.table_types import ReadOptions, Table, TableNotice
from export.common.errors import InputError

MOST_UNPACKED = 1 << 30                  # bytes of a .gz
MOST_TIMES = 400                         # what a list shrinks to at most: zeros shrink to one in a thousand
FREE = 1 << 26                           # bytes that may come of any .gz
CHUNK = 1 << 20
NAMED = {".csv": "CSV", ".tsv": "CSV", ".xlsx": "Excel workbook", ".xlsm": "Excel workbook", ".json": "JSON",
         ".jsonl": "JSON", ".ndjson": "JSON", ".xml": "XML", ".rss": "XML", ".atom": "XML", ".parquet": "Parquet"}
LINES = (".jsonl", ".ndjson")
PACKED = (".gz", ".gzip")
DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)["']""")
XML_START = re.compile(r"<(\?xml|!--|!DOCTYPE|[A-Za-z_])", re.IGNORECASE)


def read(path: Path, options: ReadOptions) -> Table:
    """The table of a list. Raises InputError if the file cannot be read at all."""
    if not path.is_file():
        raise InputError("the list cannot be read", where=path, expected="a file",
                         found="a folder" if path.is_dir() else "no regular file" if path.exists() else "none")
    try:
        with path.open("rb") as file:
            return _named(path, _table(file, path, options))
    except OSError as error:
        raise InputError("the list cannot be read", where=path, found=error.strerror or error) from error


def _table(file: BinaryIO, path: Path, options: ReadOptions) -> Table:
    kind = signatures.binary_kind(file, path)
    if kind == "gzip":
        unpacked = io.BytesIO(_unpacked(file, path))
        kind = signatures.binary_kind(unpacked, path)
        if kind == "gzip":
            raise signatures.refused("a .gz within a .gz", path, signatures.UNPACK)
        table = _of_kind(kind, unpacked, path, options)
        return replace(table, details=("gzip", *table.details))
    return _of_kind(kind, file, path, options)


def _of_kind(kind: str, file: BinaryIO, path: Path, options: ReadOptions) -> Table:
    if kind == "text":
        return _text(file.read(), path, options)
    table = workbook.read(file, path, options) if kind == "workbook" else parquet_table.read(file, path)
    if options.encoding is None:
        return table
    return replace(table, notices=[TableNotice(0, 0, "--encoding is not needed for this format"), *table.notices])


def _unpacked(file: BinaryIO, path: Path) -> bytes:
    """What a .gz holds, within bounds."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    most = min(MOST_UNPACKED, max(FREE, size * MOST_TIMES))
    unpacked = bytearray()
    try:
        with gzip.GzipFile(fileobj=file) as source:
            while chunk := source.read(CHUNK):
                unpacked += chunk
                if len(unpacked) > most:
                    raise InputError("the .gz unpacks to too much", where=path, expected=f"at most {most} bytes",
                                     remedy="unpack it, and give the list inside")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError("the .gz is damaged", where=path, found=error, remedy="get it again") from error
    return bytes(unpacked)


def _text(data: bytes, path: Path, options: ReadOptions) -> Table:
    content = _decoded(data, path, options.encoding)
    if not content.text.strip():
        raise InputError("the list is empty", where=path, expected="at least one row")
    signatures.refuse_page(content.text, path)
    if XML_START.match(content.text.lstrip()[:20]):
        return feed.read(content, path, options.known)
    if json_table.looks_like_json(content.text):
        return json_table.read(content, path, options.known, _suffix(path) in LINES)
    return delimited.read(content, path, options)


def _decoded(data: bytes, path: Path, asked: str | None) -> DecodedText:
    """The text; XML is read in the encoding that it declares, unless it is UTF-8 anyhow."""
    declared = DECLARED.match(data)
    if asked is not None or declared is None:
        return encodings.decode(data, path, asked)
    named = declared.group(1).decode()
    if not encodings.is_utf8(data):
        return encodings.decode(data, path, named)
    content = encodings.decode(data, path)
    if data.isascii() or named.lower().replace("-", "") == "utf8":
        return content
    what = f"the XML declares {named}, but is UTF-8: read as that"
    return replace(content, notices=[TableNotice(0, 0, what), *content.notices])


def _suffix(path: Path) -> str:
    """The last suffix in small letters, without that of a compressed file."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix not in PACKED), "")


def _named(path: Path, table: Table) -> Table:
    """The table, with a notice if the file's name says another format."""
    said = NAMED.get(_suffix(path))
    packed = path.suffix.lower() in PACKED
    what = ""
    if said and not table.format.startswith(said):
        what = f"the file is named {_suffix(path)}, but holds another format: read as {table.format}"
    elif packed and "gzip" not in table.details:
        what = f"the file is named {path.suffix}, but is not compressed"
    return replace(table, notices=[TableNotice(0, 0, what), *table.notices]) if what else table
