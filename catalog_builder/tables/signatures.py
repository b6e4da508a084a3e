"""The first bytes of a file enter; what kind of list it is leaves, or a refusal by name."""

import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from export.common.errors import InputError

HEAD = 1 << 16                           # bytes that are looked at
AS_SHEET = "open it in a spreadsheet program and save it as .xlsx or as CSV UTF-8"
THE_LIST = "give the list that names the pictures"
UNPACK = "unpack it and give the list inside"
EXPORT = "export the list as .xlsx or as CSV UTF-8"

# Where in the file, bytes, what it is, the remedy.
REFUSED = (
    (0, b"%PDF", "a PDF", EXPORT),
    (0, b"\x89PNG\r\n", "a picture (PNG)", THE_LIST),
    (0, b"\xff\xd8\xff", "a picture (JPEG)", THE_LIST),
    (0, b"GIF8", "a picture (GIF)", THE_LIST),
    (8, b"WEBP", "a picture (WebP)", THE_LIST),
    (0, b"II*\0", "a picture (TIFF)", THE_LIST),
    (0, b"MM\0*", "a picture (TIFF)", THE_LIST),
    (6, b"\0\0\0\0", "a picture (BMP)", THE_LIST),           # with b"BM" before
    (4, b"ftyp", "a picture or a video (HEIC, AVIF, MP4)", THE_LIST),
    (0, b"\x09\x08\x10\0", "an old Excel workbook (.xls)", AS_SHEET),
    (0, b"\x09\x08\x08\0", "an old Excel workbook (.xls)", AS_SHEET),
    (0, b"{\\rtf", "a document (RTF)", AS_SHEET),
    (0, b"7z\xbc\xaf", "an archive (7z)", UNPACK),
    (0, b"Rar!\x1a", "an archive (RAR)", UNPACK),
    (0, b"\xfd7zXZ\0", "a compressed file (xz)", UNPACK),
    (0, b"BZh", "a compressed file (bzip2)", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a compressed file (zstd)", UNPACK),
    (257, b"ustar", "an archive (tar)", UNPACK),
    (0, b"SQLite format 3\0", "a database (SQLite)", EXPORT),
    (0, b"ARROW1", "an Arrow file", "save it as Parquet or as CSV UTF-8"),
)
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
PAGE = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|table|meta|div)\b",
                  re.IGNORECASE | re.DOTALL)
ARCHIVE_PAGE = re.compile(r"\s*MIME-Version:", re.IGNORECASE)
XML_SHEET = "urn:schemas-microsoft-com:office:spreadsheet"
ZIPPED = (("xl/workbook.bin", "a binary Excel workbook (.xlsb)", AS_SHEET),
          ("content.xml", "an OpenDocument file (.ods)", AS_SHEET),
          ("word/", "a Word document", AS_SHEET), ("ppt/", "a presentation", EXPORT),
          ("Index/", "an Apple Numbers file", AS_SHEET), ("Index.zip", "an Apple Numbers file", AS_SHEET))


def refused(what: str, where: Path, remedy: str) -> InputError:
    """A file of a kind that is no list."""
    return InputError("no list of products", where=where, found=what, remedy=remedy,
                      expected="CSV, .xlsx, JSON, XML or Parquet")


def binary_kind(file: BinaryIO, where: Path) -> str:
    """"gzip", "workbook", "parquet", or "text" for all that may be one. Raises InputError for what is no list."""
    head = file.read(HEAD)
    file.seek(0)
    if not head:
        raise InputError("the list is empty", where=where, expected="at least one row")
    for at, mark, what, remedy in REFUSED:
        if head.startswith(mark, at) and (at != 6 or head.startswith(b"BM")):
            raise refused(what, where, remedy)
    if head.startswith(OLE):
        raise _ole(file, where)
    if head.startswith(ZIP):
        return _zip(file, where)
    return "gzip" if head.startswith(GZIP) else "parquet" if head.startswith(PARQUET) else "text"


def refuse_page(text: str, where: Path) -> None:
    """Refuses a web page, and Excel's XML of 2003."""
    start = text[:HEAD]
    if XML_SHEET in start:
        raise refused("an Excel workbook of 2003 in XML", where, AS_SHEET)
    if PAGE.match(start) or ARCHIVE_PAGE.match(start):
        raise refused("a web page (HTML)", where, f"if it shows the list as a table, {AS_SHEET}")


def _ole(file: BinaryIO, where: Path) -> InputError:
    content = file.read()
    if ENCRYPTED in content:
        return refused("an Excel workbook with a password", where, "save it without a password")
    return refused("an old Excel workbook or document (.xls, .doc)", where, AS_SHEET)


def _zip(file: BinaryIO, where: Path) -> str:
    """"workbook". Raises InputError for any other archive."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise InputError("the file is damaged", where=where, expected="an Excel workbook (.xlsx)", found=error,
                         remedy="get it again, or save it again from Excel") from error
    file.seek(0)
    for start, what, remedy in ZIPPED:
        if any(name.startswith(start) for name in names):
            raise refused(what, where, remedy)
    if any(name.startswith("xl/") for name in names):
        return "workbook"
    lists = ", ".join(name for name in names if not name.endswith("/"))[:200]
    raise refused(f"a zip archive of {lists or 'nothing'}", where, UNPACK)
