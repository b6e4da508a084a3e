"""A file becomes a table: by what its first bytes say, in its own encoding, and no row vanishes or takes another's
fields.
"""

import codecs
import datetime
import gzip
import io
import json
import random
import re
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from catalog_builder.tables import quotes, source
from catalog_builder.tables.cells import text_of
from catalog_builder.tables.parquet_table import BATCH
from catalog_builder.tables.table_types import Lost, ReadOptions, Table
from export.common.errors import InputError
from tests import damaged_lists
from tests.conftest import ROOT

KNOWN = {"id", "name", "title", "price", "currency", "description", "category", "pictures", "stock", "image_link"}
PICTURES = ("pictures", "image_link")


def plausible(columns, fields) -> bool:
    """Whether a picture cell names a picture."""
    return any(name.lower() in PICTURES and (text.endswith(".jpg") or text.startswith("https://"))
               for name, text in zip(columns, fields, strict=True))


def options(encoding: str | None = None) -> ReadOptions:
    return ReadOptions(lambda name: name.strip().lower() in KNOWN, plausible, encoding)


def table(folder: Path, content: str | bytes, name: str = "list.csv", encoding: str | None = None) -> Table:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return source.read(folder / name, options(encoding))


def refusal(folder: Path, content: str | bytes, name: str = "list.csv", encoding: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        table(folder, content, name, encoding)
    assert "\n" not in str(caught.value) and name in str(caught.value)
    return str(caught.value)


def values(read: Table) -> list[dict[str, object]]:
    return [row.values for row in read.rows if isinstance(row.values, dict)]


def lost(read: Table) -> dict[int, str]:
    """Why each lost row is lost, by its line."""
    return {row.line: str(row.values) for row in read.rows if isinstance(row.values, Lost)}


def said(read: Table) -> list[tuple[int, str]]:
    assert all("\n" not in notice.what for notice in read.notices)
    return [(notice.line, notice.what) for notice in read.notices]


PAN = {"id": "1", "name": "Pan", "pictures": "a.jpg"}
CSV = "id,name,pictures\n1,Pan,a.jpg\n"


# The kind of a file.

@pytest.mark.parametrize("name", ["list.csv", "list.tsv", "list.txt", "list", "list.jsonl", "list.xlsx"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimited_text_is_read_whatever_its_name_and_its_delimiter(tmp_path, name, mark):
    read = table(tmp_path, CSV.replace(",", mark), name)
    assert values(read) == [PAN] and read.format == "CSV" and read.columns == ("id", "name", "pictures")
    assert len(read.notices) == (name in ("list.jsonl", "list.xlsx"))


def packed(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)


@pytest.mark.parametrize("content, what, remedy", [
    (OLE, ".xls", "save it as .xlsx or as CSV UTF-8"),
    (OLE + "EncryptedPackage".encode("utf-16-le"), "password", "save it without"),
    (b"\x09\x08\x10\0\0\6\5\0", ".xls", ".xlsx"), (b"%PDF-1.7", "PDF", ".xlsx"), (b"\x89PNG\r\n\x1a\n", "PNG", "list"),
    (b"\xff\xd8\xff\xe0", "JPEG", "list"), (b"RIFF....WEBPVP8 ", "WebP", "list"), (b"BM....\0\0\0\0", "BMP", "list"),
    (b"....ftypheic", "HEIC", "list"), (packed("list.csv"), "zip archive of list.csv", "unpack"),
    (packed("mimetype", "content.xml"), ".ods", ".xlsx"), (packed("xl/workbook.bin"), ".xlsb", ".xlsx"),
    (packed("word/document.xml"), "Word", ".xlsx"), (packed("Index/Document.iwa"), "Numbers", ".xlsx"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "unpack"), (b"\xfd7zXZ\0", "xz", "unpack"), (b"SQLite format 3\0", "SQLite", ".xlsx"),
    (b"<!DOCTYPE html><html><table>", "web page", ".xlsx"), (b"<html><body><table><tr>", "web page", ".xlsx"),
    (b'<?xml version="1.0"?><html xmlns="x">', "web page", ".xlsx"),
    (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "2003", ".xlsx"),
    (b"{\\rtf1", "RTF", ".xlsx")])
@pytest.mark.parametrize("name", ["list.csv", "list.xlsx"])
def test_what_is_no_list_is_refused_by_its_name_with_the_remedy(tmp_path, content, what, remedy, name):
    text = refusal(tmp_path, content, name)
    assert what in text.split("found")[1] and remedy in text.split("remedy")[1]


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\xef\xbb\xbf", b"\xff\xfe\n\0"])
def test_an_empty_file_is_refused(tmp_path, content):
    assert "empty" in refusal(tmp_path, content)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(InputError, match=path.name):
            source.read(path, options())


def test_a_compressed_file_is_read_as_what_it_holds(tmp_path):
    read = table(tmp_path, gzip.compress(CSV.encode()), "list.csv.gz")
    assert values(read) == [PAN] and read.details[0] == "gzip" and read.notices == []
    assert values(table(tmp_path, gzip.compress(json.dumps([PAN]).encode()), "list.json.gz")) == [PAN]
    assert said(table(tmp_path, CSV, "list.csv.gz")) == [(0, "the file is named .gz, but is not compressed")]


def test_a_compressed_file_that_is_damaged_or_a_bomb_is_refused(tmp_path):
    whole = gzip.compress(CSV.encode())
    assert "damaged" in refusal(tmp_path, whole[:-6], "list.gz")
    assert "damaged" in refusal(tmp_path, whole[:12] + b"\xff" + whole[13:], "list.gz")
    assert ".gz within a .gz" in refusal(tmp_path, gzip.compress(whole), "list.gz")
    assert "too much" in refusal(tmp_path, gzip.compress(bytes(source.FREE + 1)), "list.gz")


# Encodings.

GERMAN = "id;name;pictures\n1;Käse Größe;a.jpg\n2;Öl für Mädchen;b.jpg\n"
CHINESE = "id,name,pictures\n1,红色连衣裙,a.jpg\n2,蓝色牛仔裤 女装,b.jpg\n"


@pytest.mark.parametrize("encoding, label", [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"),
                                             ("utf-32", "UTF-32")])
@pytest.mark.parametrize("text", [GERMAN, CHINESE])
def test_utf_8_and_what_a_byte_order_mark_names_are_read(tmp_path, encoding, label, text):
    read = table(tmp_path, text.encode(encoding))
    assert read == table(tmp_path, text) or read.details[0] == label != "UTF-8"
    assert values(read) == values(table(tmp_path, text)) and read.notices == []
    big = codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    assert values(table(tmp_path, big)) == values(read)


@pytest.mark.parametrize("text, encoding, preview", [
    (GERMAN, "windows-1252", "Käse Größe"), (GERMAN, "mac-roman", "Käse Größe"), (CHINESE, "gb18030", "红色连衣裙"),
    (CHINESE, "utf-16-le", "id,name,pictures"), (CHINESE, "utf-16-be", "id,name,pictures"),
    ("id,name\n1,紅色連身裙\n", "cp950", "紅色連身裙"), ("id,name\n1,赤いドレス\n", "cp932", "赤いドレス"),
    ("id,name\n1,빨간 드레스\n2,청바지\n", "cp949", "빨간 드레스"),
    ("id,name\n1,Молоко свежее\n", "windows-1251", "Молоко"),
    ("id,name\n1,Γάλα φρέσκο\n", "windows-1253", "Γάλα"), ("id,name\n1,Żółta łódź\n", "windows-1250", "Żółta łódź"),
    ("id,name\n1,Şeker güzel İstanbul\n", "windows-1254", "Şeker"), ("id,name\n1,12 € Café\n", "iso-8859-15", "12 €")])
def test_another_encoding_is_refused_with_a_preview_and_read_if_it_is_named(tmp_path, text, encoding, preview):
    text_ = refusal(tmp_path, text.encode(encoding))
    assert f"as {encoding} '" in text_ and preview in text_ and "--encoding" in text_ and "save it as UTF-8" in text_
    assert f"line {1 if encoding.startswith('utf-16') else 2}" in text_
    assert values(table(tmp_path, text.encode(encoding), encoding=encoding)) == values(table(tmp_path, text))


def test_encodings_that_give_no_likely_text_are_not_shown(tmp_path):
    german, chinese = refusal(tmp_path, GERMAN.encode("cp1252")), refusal(tmp_path, CHINESE.encode("gb18030"))
    assert "remedy: --encoding windows-1252; or" in german and "remedy: --encoding gb18030" in chinese
    assert "as windows-1252 " not in chinese and "as cp932 " not in chinese and "as gb18030 " not in german


def test_encodings_are_told_apart_by_a_line_that_differs(tmp_path):
    text = refusal(tmp_path, "id,name\n1,Käse\n2,L’été à la plage\n".encode("cp1252"))
    assert "line 2;" in text and "line 3 as windows-1252 '2,L’été à la plage'; as windows-1250" in text


def test_a_file_that_is_utf_8_but_for_a_line_is_refused_by_that_line(tmp_path):
    many = "id,name\n" + "1,Käse\n" * 30
    text = refusal(tmp_path, many.encode() + b"2,K\xe4se\n" + many.encode())
    assert "probably UTF-8" in text and "line 32" in text and "--encoding" not in text and r"K\\xe4se" in text
    assert "cut off" in refusal(tmp_path, many.encode() + "2,Kä".encode()[:-1])
    marked = refusal(tmp_path, b"\xef\xbb\xbf" + GERMAN.encode("cp1252"))
    assert "line 2, 3" in marked and "--encoding" not in marked
    assert "cut off" in refusal(tmp_path, many.encode("utf-16")[:-1])


@pytest.mark.parametrize("encoding", ["nonsense", "base64", "hex", "\0", "", "rot13"])
def test_an_unknown_encoding_is_refused(tmp_path, encoding):
    assert "unknown encoding" in refusal(tmp_path, CSV, encoding=encoding)


def test_an_encoding_that_does_not_fit_is_refused(tmp_path):
    assert "line 4" in refusal(tmp_path, GERMAN.encode("cp1252") + b"\x81", encoding="windows-1252")
    assert "leave out --encoding" in refusal(tmp_path, GERMAN, encoding="windows-1252")
    assert "leave out --encoding" in refusal(tmp_path, CSV, encoding="utf-16")
    assert "leave out --encoding" in refusal(tmp_path, GERMAN.encode("utf-8-sig"), encoding="windows-1252")
    assert "byte order mark" in refusal(tmp_path, GERMAN.encode("utf-16"), encoding="windows-1252")


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-8-sig", "windows-1252", "ascii"])
def test_an_encoding_that_fits_changes_nothing(tmp_path, encoding):
    assert values(table(tmp_path, CSV, encoding=encoding)) == [PAN]


@pytest.mark.parametrize("name, hint", [("K\ufffdse", "U+FFFD"), ("KÃ¤se", "Ã¤ for ä"), ("Menâ€™s", "â€™ for ’"),
                                        ("Ð¥Ð»ÐµÐ±", "Ð¥ for Х"), ("çº¢è‰²", "çº¢ for 红")])
def test_a_text_that_was_damaged_before_gets_a_notice(tmp_path, name, hint):
    read = table(tmp_path, f"id,name\n1,Käse Größe\n2,{name}\n3,É»\n")
    assert values(read)[1]["name"] == name
    (line, what), = said(read)
    assert line == 3 and hint in what


def test_a_few_nuls_are_left_out_with_a_notice(tmp_path):
    read = table(tmp_path, "id,name,pictures\n1,Pan,a.jpg\n2,P\0an,b.jpg\n" + CSV[17:] * 10)
    assert values(read)[1]["name"] == "Pan" and said(read) == [(3, "NUL characters are left out")]
    assert "NULs" in refusal(tmp_path, bytes(1000) + b"x")


# The header.

@pytest.mark.parametrize("above, line", [("", 1), ("sep=;\n", 2), ('"sep=;"\r\n', 2), ("# a comment\n\n# two\n", 4)])
def test_lines_above_the_header_are_passed_over(tmp_path, above, line):
    read = table(tmp_path, above + "id;name;pictures\n1;Pan;a.jpg\n")
    assert values(read) == [PAN] and read.notices == []
    assert (read.rows[0].line, read.rows[0].row) == (line + 1, line + 1)
    assert read.details[2:] == ((f"header in line {line}",) if line > 1 else ())


def test_a_title_above_the_header_is_passed_over_with_a_notice(tmp_path):
    read = table(tmp_path, "Price list, spring\n;;\nid;name;pictures\n1;Pan;a.jpg\n")
    assert values(read) == [PAN] and read.details == ("UTF-8", "semicolon", "header in line 3")
    assert (1, "passed over, above the header: 'Price list, spring'") in said(read)


def test_a_header_of_unknown_names_is_the_first_line_with_two_fields(tmp_path):
    read = table(tmp_path, "Angebot\n\nNummer;Preis;Foto\nx;1,5;a.jpg\ny;2,5;b.jpg\n")
    assert read.columns == ("Nummer", "Preis", "Foto") and values(read)[0]["Preis"] == "1,5"


@pytest.mark.parametrize("content, columns", [
    ("image\na.jpg\nb.jpg\n", ("image",)), ("name\nPan, red\nPot\nLid\n", ("name",)), ('"name"\nPan\n', ("name",))])
def test_a_list_may_have_one_column(tmp_path, content, columns):
    read = table(tmp_path, content)
    assert read.columns == columns and read.details == ("UTF-8", "one column")
    assert [[*row.values()] for row in values(read)] == [[line] for line in content.splitlines()[1:]]


def test_a_header_with_an_open_quote_is_refused(tmp_path):
    assert "header" in refusal(tmp_path, '"id,name,pictures\n')
    assert "header" in refusal(tmp_path, '"id,name,pictures\n1,Pan,a.jpg\n')


def test_a_header_may_be_quoted_and_hold_a_line_end(tmp_path):
    read = table(tmp_path, '"id","name ","Pictures\n(jpg)"," price\t"\n1,Pan,a.jpg,2\n')
    assert read.columns == ("id", "name", "Pictures (jpg)", "price") and read.rows[0].line == 3


def test_a_repeated_column_keeps_its_values_under_another_name(tmp_path):
    read = table(tmp_path, "id,File,file,pictures,x,x,x (2)\n1,a,b,c.jpg,d,e,f\n")
    assert read.columns == ("id", "File", "file (2)", "pictures", "x", "x (3)", "x (2)")
    assert [*values(read)[0].values()] == ["1", "a", "b", "c.jpg", "d", "e", "f"]
    assert read.repeated == {"File", "file", "x"}


def test_a_header_that_comes_again_is_passed_over(tmp_path):
    read = table(tmp_path, CSV + CSV)
    assert values(read) == [PAN, PAN] and said(read) == [(3, "passed over: the header again")]


# Rows.

@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(tmp_path, end):
    read = table(tmp_path, 'id,name,pictures\n1,"Pan\n12",a.jpg\n\n2,Pan 12",b.jpg'.replace("\n", end))
    assert [(row.line, row.row) for row in read.rows] == [(2, 2), (5, 4)]
    assert values(read)[1]["name"] == 'Pan 12"' and values(read)[0]["name"] == f"Pan{end}12"


def test_what_spreadsheets_write_is_read(tmp_path):
    read = table(tmp_path, "id;name;pictures;price;;\n1;Pan;a.jpg;2;;\n;;;;;\n2;Pot;b.jpg;;;;\n3;Lid;c.jpg\n\n;;\n")
    assert [row["id"] for row in values(read)] == ["1", "2", "3"] and values(read)[2]["price"] == ""
    assert read.columns == ("id", "name", "pictures", "price") and lost(read) == {}
    assert [line for line, _ in said(read)] == [4, 5]


def test_a_delimiter_after_every_row_is_no_fault(tmp_path):
    read = table(tmp_path, "id,name,pictures\n" + "1,Pan,a.jpg,\n" * 3)
    assert values(read) == [PAN] * 3 and read.notices == []


@pytest.mark.parametrize("row", ["2,Pan, red,b.jpg", "2,Pan", "2", "2,Pan,b.jpg,x", "2,,Pan,b.jpg,"])
def test_a_row_with_another_number_of_fields_is_lost_alone(tmp_path, row):
    read = table(tmp_path, f"{CSV}{row}\n3,Lid,c.jpg\n")
    assert [*lost(read)] == [3] and "expected 3" in lost(read)[3] and [row["id"] for row in values(read)] == ["1", "3"]


def test_what_is_put_around_a_text_is_undone(tmp_path):
    texts = {'="00123"': "00123", '"=""a """"b"""': 'a "b', "'=1+1": "=1+1", "'+49": "+49", "'-x": "-x", "'@a": "@a",
             "'s": "'s", "=x": "=x", "00123": "00123", "1E5": "1E5"}
    read = table(tmp_path, "id,name\n" + "".join(f"{text},x\n" for text in texts))
    assert [row["id"] for row in values(read)] == [*texts.values()]


def test_a_text_keeps_what_is_in_its_quotes(tmp_path):
    text = 'one, "two"\nthree\r\n\n👗 שלום'
    read = table(tmp_path, f'id,name,pictures\n1,"{text.replace(chr(34), chr(34) * 2)}",a.jpg\n')
    assert values(read)[0]["name"] == text and read.notices == [] and lost(read) == {}


# Stray quotes.

SWALLOWED = 'id,name,pictures\n1,Pan,x.jpg\n2,"Best of all,a.jpg\n3,x,b.jpg\n4,y,c.jpg\n5,Pan 12",e.jpg\n6,z,f.jpg\n'


@pytest.mark.parametrize("mark", [",", "\t"])
def test_a_stray_quote_swallows_no_rows(tmp_path, mark):
    read = table(tmp_path, SWALLOWED.replace(",", mark))
    assert [row["id"] for row in values(read)] == ["1", "3", "4", "5", "6"] and values(read)[3]["name"] == 'Pan 12"'
    assert [*lost(read)] == [3] and "closes in line 6" in lost(read)[3] and "close every quote" in lost(read)[3]


@pytest.mark.parametrize("row", ['2,"Pan,a.jpg', '2,"a "ripe" pan",a.jpg', '2,Pan,"a.jpg', '"2,Pan,a.jpg'])
def test_a_quote_that_is_left_open_costs_its_own_row_alone(tmp_path, row):
    read = table(tmp_path, f"{CSV}{row}\n3,Lid,c.jpg\n4,Pot,d.jpg\n")
    assert [row["id"] for row in values(read)] == ["1", "3", "4"] and [*lost(read)] == [3]


def test_two_stray_quotes_in_neighbouring_rows_swallow_none(tmp_path):
    read = table(tmp_path, 'id,name,pictures\n2,"Best of all,a.jpg\n5,Pan 12",e.jpg\n2,Best,"a.jpg\n5,Pan 12",e.jpg\n')
    assert [row["id"] for row in values(read)] == ["5", "5"] and [*lost(read)] == [2, 4]


@pytest.mark.parametrize("text", ["one\ntwo", "first, second,\nthird, fourth\n\nend", "a, b\nc, d, e, f", "x\ny,\nz,"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_text_of_several_lines_is_no_stray_quote(tmp_path, text, place):
    row = ["1", "a.jpg"]
    row.insert(place, f'"{text}"')
    names = ["id", "pictures"]
    names.insert(place, "description")
    read = table(tmp_path, ",".join(names) + "\n" + (",".join(row) + "\n") * 3)
    assert [one["description"] for one in values(read)] == [text] * 3 and lost(read) == {}


def test_a_line_within_quotes_that_has_as_many_fields_as_a_row_gets_a_notice(tmp_path):
    read = table(tmp_path, 'id,name,pictures\n1,"soft,\nlight, warm, good\nend",a.jpg\n')
    assert len(values(read)) == 1 and [line for line, _ in said(read)] == [2]


def test_a_row_with_a_wrong_number_of_fields_takes_no_other_with_it(tmp_path):
    read = table(tmp_path, 'id,name,pictures\n2,Best,"a.jpg\n3",Pan,b.jpg\n4,Lid,c.jpg\n')
    assert [row["id"] for row in values(read)] == ["4"] and [*lost(read)] == [2, 3]


def test_the_rest_of_a_broken_row_is_no_row(tmp_path):
    rows = '"<p>Good</p>\n"<p>Cheap</p>",1,a.jpg\nsoft\nlight",2,b.jpg\nx,3,c.jpg\n'
    read = table(tmp_path, "description,id,pictures\n" + rows)
    assert [row["id"] for row in values(read)] == ["1", "3"] and [*lost(read)] == [2, 4, 5]
    assert (3, "the line may be the rest of the row before it") in said(read)


def test_quotes_after_a_backslash_are_read_with_a_notice(tmp_path):
    read = table(tmp_path, 'id,name,pictures\n1,"12\\" pan, red \\\\",a.jpg\n2,12\\" pan,b.jpg\n3,"a ""b""",c.jpg\n')
    assert [row["name"] for row in values(read)] == ['12" pan, red \\', '12\\" pan', 'a "b"']
    assert [line for line, _ in said(read)] == [2] and lost(read) == {}


def test_a_delimiter_that_is_missing_before_a_quote_gets_a_notice(tmp_path):
    read = table(tmp_path, 'id,name,pictures\n1"Pan, red",a.jpg\n2,Pan 5"x7,b.jpg\n')
    assert [line for line, _ in said(read)] == [2]


def test_a_file_that_ends_within_a_row_says_so(tmp_path):
    assert said(table(tmp_path, CSV[:-1])) == []
    (line, what), = said(table(tmp_path, CSV + "2,Pot,b.j"))
    assert line == 3 and "cut off" in what
    assert [*lost(table(tmp_path, CSV + "2,Po"))] == [3]


@pytest.mark.parametrize("line", ['x",",\n', '"x\n', 'x,"\\"a\n', '"a",b,"c\n', ',"\n'])
def test_quotes_left_open_all_over_a_list_do_not_take_forever(tmp_path, line):
    read = table(tmp_path, "id,name,pictures\n" + line * 5000)
    assert values(read) == [] and len(lost(read)) >= 2500


def test_a_row_of_very_many_lines_is_taken_for_an_open_quote(tmp_path):
    rows = [f'{count},"' + "x\n" * (count - 1) + '",a.jpg\n' for count in (quotes.MOST_LINES, quotes.MOST_LINES + 1)]
    read = table(tmp_path, "id,name,pictures\n" + "".join(rows))
    assert [row["id"] for row in values(read)] == [str(quotes.MOST_LINES)] and min(lost(read)) == quotes.MOST_LINES + 2


# Lists that are damaged at random: every row is equal, or its line is named, or the file is refused with a remedy.

def plain(row: dict[str, str]) -> dict[str, str]:
    return {name: text.replace("\r\n", "\n").replace("\r", "\n") for name, text in row.items()}


def unquoted(row: dict[str, str]) -> dict[str, str]:
    """A quote that stands inside a field is text."""
    return {name: text.replace('"', "") for name, text in row.items()}


def silent(made: damaged_lists.DamagedList, read: Table) -> list[int]:
    """The lines of rows that vanished or changed without a word."""
    words = [*lost(read).items(), *said(read)]
    named = {line for first, what in words
             for line in range(first, int((re.findall(r"to line (\d+)", what) or [first])[0]) + 1)}
    found = {row.line: plain(row.values) for row in read.rows if isinstance(row.values, dict)}
    before = dict(zip(made.starts, made.rows, strict=True))
    ends = dict(zip(made.starts, [*made.starts[1:], made.starts[-1] + 20], strict=True))
    wrong = []
    for line in sorted(before.keys() | found.keys()):
        end = ends.get(line) or next((start for start in made.starts if start > line), line + 20)
        was, now = before.get(line), found.get(line)
        same = was == now or (was is not None and now is not None and unquoted(was) == unquoted(now))
        if end - 1 <= made.cut and not same and not named & set(range(line, end)):
            wrong.append(line)
    return wrong


def outcome(folder: Path, made: damaged_lists.DamagedList, encoding: str | None = None) -> list[int]:
    """`silent`, by the remedy where the file is refused; [-1] if no remedy gives the list."""
    try:
        return silent(made, table(folder, made.data, encoding=encoding))
    except InputError as error:
        text = str(error)
    if "cut off" in text or (made.cut < sys.maxsize and "line " in text):
        return []
    found = [] if encoding else [outcome(folder, made, name) for name in re.findall(r"as ([\w-]+) '", text)]
    return [] if [] in found else [-1]


def test_no_row_of_a_damaged_list_vanishes_or_changes_without_a_word(tmp_path, repetitions):
    found = {seed: wrong for seed in range(repetitions(200)) if (wrong := outcome(tmp_path, damaged_lists.made(seed)))}
    assert found == {}


def test_a_reader_that_trusts_every_quote_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(quotes, "_swallows", lambda *_: False)
    monkeypatch.setattr(quotes, "_odd_text", lambda *_: [])
    monkeypatch.setattr(quotes, "_inside", lambda *_: [])
    assert any(outcome(tmp_path, damaged_lists.made(seed)) for seed in range(200))


def test_a_list_that_is_not_damaged_gives_no_words(tmp_path):
    for seed in range(20):
        made = damaged_lists.made(seed, ways=("none",), cuts=False)
        read = table(tmp_path, made.data, encoding=None if made.encoding.startswith("utf") else made.encoding)
        assert list(map(plain, values(read))) == made.rows and said(read) == [] == [*lost(read)]


# JSON.

def test_every_form_of_json_gives_the_same_rows(tmp_path):
    rows = [{"id": 1, "price": 1.5, "pictures": ["a.jpg"]}, {"ID ": "2", "deep": {"a": [None, True]}}]
    texts = {"a.json": json.dumps(rows), "b.json": json.dumps(rows, indent=2), "d": "\n".join(map(json.dumps, rows)),
             "c.json": json.dumps({"count": 2, "tags": ["x"], "data": {"products": rows}}, indent=1),
             "e.jsonl": "\n \n" + "\r\n".join(map(json.dumps, rows)), "f.csv": json.dumps({"items": rows})}
    for name, text in texts.items():
        read = table(tmp_path, text, name)
        assert values(read) == [{"id": 1, "price": Decimal("1.5"), "pictures": ["a.jpg"]},
                                {"id": "2", "deep": {"a": [None, True]}}], name
        assert read.columns == ("id", "price", "pictures", "deep") and [row.row for row in read.rows] == [1, 2]
        assert read.format == ("JSON Lines" if name in ("d", "e.jsonl") else "JSON")
        assert len(read.notices) == (name == "f.csv")
    assert [row.line for row in table(tmp_path, texts["b.json"], "b.json").rows] == [2, 9]


@pytest.mark.parametrize("row", ["[1]", "1", '"x"', "null", '{"id": 1, "ID": 2}', '{"a": {"b": 1, "b": 2}}',
                                 '{"a": NaN}', '{"a": [-Infinity]}', '{"\\ud800": 1}', '{"a": 1e99999999999999999999}',
                                 '{"a": ' + "9" * 5000 + "}", '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"])
@pytest.mark.parametrize("form", ["[{0},\n{1},\n{0}]", "{0}\n{1}\n{0}\n"])
def test_a_json_row_that_is_no_plain_object_is_lost_alone(tmp_path, row, form):
    read = table(tmp_path, form.replace("{0}", json.dumps(PAN)).replace("{1}", row), "list.json")
    assert values(read) == [PAN, PAN] and [*lost(read)] == [2] and "expected a JSON object" in lost(read)[2]


@pytest.mark.parametrize("line", ["{", "nonsense", "{} {}", '{"id": 1,}'])
def test_a_damaged_line_of_json_lines_is_lost_alone(tmp_path, line):
    good = json.dumps(PAN)
    assert [*lost(table(tmp_path, f"{good}\n{line}\n{good}\n", "l.jsonl"))] == [2]
    assert [*lost(table(tmp_path, f"{line}\n{good}\n", "l.jsonl"))] == [1]


@pytest.mark.parametrize("text, place", [
    ('[{"id": 1},\n{"id": 2}', "line 2, column 10"), ('[{"id": 1},\n{"id": 2,}]', "line 2, column 10"),
    ('[{"id": 1}\n{"id": 2}]', "line 2, column 1"), ('[{"id": 1},\n]', "line 2, column 1"), ("[1] x", "column 5"),
    ('{"products": [\n{"id": "x}]}', "line 2"), ("[" * 100_000, "line 1"), ('{"a": 1\n"b": 2}', "line 2, column 1")])
def test_a_damaged_document_is_refused_by_its_place(tmp_path, text, place):
    assert place in refusal(tmp_path, text, "list.json")


@pytest.mark.parametrize("text, found", [('{"a": [{"id": 1}], "b": [{"id": 2}]}', "found a, b"), ('{"a": 1}', "none"),
                                         ('{"1": {"id": 1}, "2": {"id": 2}}', "none"), ('{"products": []}', "none")])
def test_an_object_without_one_list_of_objects_is_refused(tmp_path, text, found):
    assert found in refusal(tmp_path, text, "list.json")
    assert found in refusal(tmp_path, text.replace(" ", "\n"), "list.json")


@pytest.mark.parametrize("indent", [None, 1])
def test_an_object_that_knows_more_columns_than_its_lists_is_a_row(tmp_path, indent):
    row = PAN | {"price": 2, "variants": [{"id": 2, "price": 3}], "media": [{"src": "x"}]}
    assert values(table(tmp_path, json.dumps(row, indent=indent), "list.json")) == [row]
    assert values(table(tmp_path, json.dumps({"title": "Shop", "items": [PAN]}, indent=indent), "list.json")) == [PAN]


# XML.

RSS = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>Shop</title><description>all</description>
<item><title>X</title><g:title>Pan &amp; pot</g:title><g:id>0012</g:id>
<description><![CDATA[<b>x</b> &amp;]]></description><g:additional_image_link>a.jpg</g:additional_image_link>
<g:additional_image_link>b.jpg</g:additional_image_link>
<g:shipping><g:country>DE</g:country><g:price>1 EUR</g:price></g:shipping><link href="https://y"/></item>
<item><g:id>2</g:id><title/></item>
</channel></rss>"""


def test_a_google_feed_is_read(tmp_path):
    read = table(tmp_path, RSS, "feed.xml")
    assert values(read) == [
        {"title": "Pan & pot", "id": "0012", "description": "<b>x</b> &amp;",
         "additional_image_link": ["a.jpg", "b.jpg"],
         "shipping/country": "DE", "shipping/price": "1 EUR", "link@href": "https://y"}, {"id": "2", "title": ""}]
    assert [(row.line, row.row) for row in read.rows] == [(3, 1), (7, 2)] and read.format == "XML feed"
    assert values(table(tmp_path, "\n\n" + RSS)) == values(read)
    assert table(tmp_path, "\n\n" + RSS).rows[1].line == 9


def test_an_atom_feed_is_read(tmp_path):
    read = table(tmp_path, '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">'
                 "<title>Shop</title><id>tag:0</id><entry><id>tag:1</id><g:id>1</g:id><title>Pan</title>"
                 "<summary>Good <b>pan</b>.</summary></entry></feed>", "feed.atom")
    assert values(read) == [{"id": "1", "title": "Pan", "summary": "Good pan."}]


def test_plain_xml_gives_the_repeated_element_with_the_known_columns(tmp_path):
    shop = ("<shop><categories>" + '<category id="1">A</category>' * 9 + "</categories><offers>"
            '<offer id="12" new="true"><name>Pan</name><pictures><p>a.jpg</p><p>b.jpg</p></pictures>'
            "<price>3</price></offer>"
            '<offer id="13"><name>Pot</name><image src="c.jpg" alt="x"/><id>P13</id></offer></offers></shop>')
    assert values(table(tmp_path, shop, "list.xml")) == [
        {"offer@id": "12", "new": "true", "name": "Pan", "pictures/p": ["a.jpg", "b.jpg"], "price": "3"},
        {"offer@id": "13", "name": "Pot", "image@src": "c.jpg", "image@alt": "x", "id": "P13"}]
    unknown = "<liste><stand>heute</stand>" + "<ding><titel>x</titel><bild>a.jpg</bild><bild>b.jpg</bild></ding>" * 3
    assert values(table(tmp_path, unknown + "</liste>", "list.xml")) == [{"titel": "x", "bild": ["a.jpg", "b.jpg"]}] * 3


def test_xml_is_read_in_the_encoding_that_it_declares(tmp_path):
    text = '<?xml version="1.0" encoding="{}"?><x><y><id>1</id><name>Käse 红</name></y></x>'
    for encoding in ("gb18030", "utf-8", "UTF-16"):
        assert values(table(tmp_path, text.format(encoding).encode(encoding))) == [{"id": "1", "name": "Käse 红"}]
    read = table(tmp_path, text.format("ISO-8859-1"), "list.xml")
    assert values(read) == [{"id": "1", "name": "Käse 红"}] and "declares ISO-8859-1" in said(read)[0][1]
    assert "unknown encoding" in refusal(tmp_path, text.format("nonsense").encode("gb18030"), "list.xml")


@pytest.mark.parametrize("text, what", [
    ('<!DOCTYPE x [<!ENTITY a "aaa">]><x><y><id>&a;</id></y></x>', "entity"),
    ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x><y><id>&a;</id></y></x>', "entity"),
    ('<!DOCTYPE x [<!ENTITY % a SYSTEM "https://a/b"> %a;]><x/>', "entity"),
    ("<x>\n<y><id>&nbsp;</id></y></x>", "line 2"),
    ("<x>\n<y><id>1</id></y>\n<y>", "line 3"), ("<x><y></x>", "line 1"), ("<a>" * 100, "nested"), ("<x/>", "<x>"),
    ("<x><g:id>1</g:id></x>", "prefix"), ("<x><y>1</y><y>2</y></x>", "no list")])
def test_xml_that_is_damaged_or_dangerous_or_no_list_is_refused(tmp_path, text, what):
    assert what in refusal(tmp_path, text, "list.xml")


# Workbooks.

def workbook(folder: Path, *rows: list, fill=lambda sheet: None, name: str = "list.xlsx") -> Table:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    fill(book.active)
    book.save(folder / name)
    return source.read(folder / name, options())


def test_a_workbook_gives_its_cells_as_they_are_seen(tmp_path):
    def fill(sheet):
        sheet["A3"].number_format = "00000"
        sheet["C3"].number_format = '#,##0.00 [$€-407]'

    read = workbook(tmp_path, ["ID", " Name\n", "Price", "pictures", "Day", "ID", "In"],
                    ["00123", "Pan", 1.50, "a.jpg", datetime.date(2026, 1, 2), 12.0, True],
                    [7, "l1\nl2", 19.989999999999998, "b.jpg", datetime.datetime(2026, 1, 2, 3, 4), 4006381333931,
                     False],
                    fill=fill)
    assert values(read) == [
        {"ID": "00123", "Name": "Pan", "Price": "1.5", "pictures": "a.jpg", "Day": "2026-01-02", "ID (2)": "12",
         "In": "true"},
        {"ID": "00007", "Name": "l1\nl2", "Price": "19.99 €", "pictures": "b.jpg", "Day": "2026-01-02T03:04:00",
         "ID (2)": "4006381333931", "In": "false"}]
    assert read.format == "Excel workbook" and read.details == ("sheet 'Sheet'",) and read.repeated == {"ID"}
    assert [(row.line, row.row) for row in read.rows] == [(0, 2), (0, 3)] and read.notices == []


@pytest.mark.parametrize("value, shape, text", [
    (1.5, "General", "1.5"), (12.0, "0.00", "12"), (1299, '#,##0', "1299"), (0.1 + 0.2, "General", "0.3"),
    (1e15, "General", "1000000000000000"), (1e-7, "General", "0.0000001"), (-0.0, "General", "0"), (-5, "0000", "-5"),
    (42, "0000", "0042"), (1.5, "0000", "1.5"), (0.155, "0.0%", "15.5%"), (0.1, "0%", "10%"), (2, '0" pcs"', "2"),
    (2.5, '[$€-407] #,##0.00', "2.5 €"), (2.5, '_-* #,##0.00\\ "CHF"_-', "2.5 CHF"),
    (2.5, '_("$"* #,##0.00_)', "2.5 $"),
    (2.5, '$#,##0.00;[Red]-$#,##0.00', "2.5 $"), (2.5, '"NT$"#,##0', "2.5 NT$"), (2.5, '[$kr-414] 0', "2.5 kr"),
    (2.5, "[$-409]0.00", "2.5"), (2.5, "_€0.00", "2.5"), (1234567890123456789, "General", "1234567890123456789"),
    (datetime.time(3, 4), "h:mm", "03:04:00"), ("a_x000D_\nb", "General", "a\r\nb"), (None, "General", "")])
def test_a_cell_is_a_text_by_its_value_and_its_format(value, shape, text):
    assert text_of(value, shape) == text


def test_a_workbooks_first_visible_sheet_with_content_is_read_below_its_title(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    hidden = book.create_sheet("Hidden")
    hidden.append(["id", "name"])
    hidden.sheet_state = "hidden"
    sheet = book.create_sheet("Products")
    for row in (["Price list"], [], ["id", "name", "pictures", None], ["1", "Pan", "a.jpg", None, "note"], [],
                [2, None, "b.jpg"]):
        sheet.append(row)
    book.create_sheet("Other").append(["x"])
    book.save(tmp_path / "list.csv")
    read = source.read(tmp_path / "list.csv", options())
    assert values(read) == [PAN | {"column E": "note"}, {"id": "2", "name": "", "pictures": "b.jpg", "column E": ""}]
    assert read.details == ("sheet 'Products'", "header in row 3") and [row.row for row in read.rows] == [4, 6]
    assert {notice.what for notice in read.notices} == {
        "the file is named .csv, but holds another format: read as Excel workbook", "sheets that are not read: 'Other'",
        "passed over, above the header: 'Price list'"}


def test_what_a_workbook_hides_is_told(tmp_path):
    def fill(sheet):
        sheet.row_dimensions[2].hidden = True
        sheet["B2"] = "=1+1"
        sheet["B3"] = "#N/A"
        sheet.merge_cells("A3:A4")

    read = workbook(tmp_path, ["id", "name", "pictures"], ["1", None, "a.jpg"], ["2", None, "b.jpg"], fill=fill)
    assert [row["id"] for row in values(read)] == ["1", "2"] and {row["name"] for row in values(read)} == {""}
    assert [(notice.row, notice.what.split(":")[0]) for notice in read.notices] == [
        (0, "hidden rows are read, too"), (0, "formulas without a saved result are read as empty"),
        (3, "read as empty")]


def test_a_damaged_workbook_is_refused(tmp_path, repetitions):
    rows = [[str(count), "Pan", "a.jpg"] for count in range(50)]
    workbook(tmp_path, ["id", "name", "pictures"], *rows, name="w.xlsx")
    whole, chance = (tmp_path / "w.xlsx").read_bytes(), random.Random(1)
    for content in (whole[:100], whole[:len(whole) // 2], b"PK\x03\x04", whole[:-30]):
        assert refusal(tmp_path, content, "list.xlsx")
    for _ in range(repetitions(40)):
        content = bytearray(whole)
        for _ in range(20):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            table(tmp_path, bytes(content), "list.xlsx")
        except InputError as error:
            assert "\n" not in str(error)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    workbook(tmp_path, ["id", "name"], ["1", "Pan"])
    monkeypatch.setattr("catalog_builder.tables.workbook.MOST_UNPACKED", 1000)
    assert "too large" in refusal(tmp_path, (tmp_path / "list.xlsx").read_bytes(), "list.xlsx")


def test_a_workbook_without_a_row_is_refused(tmp_path):
    with pytest.raises(InputError, match="empty"):
        workbook(tmp_path)


# Parquet.

def parquet(folder: Path, columns, names: list[str] | None = None) -> Table:
    import pyarrow
    from pyarrow import parquet as library

    made = pyarrow.table(columns) if names is None else pyarrow.Table.from_arrays(columns, names)
    library.write_table(made, folder / "list.parquet")
    return source.read(folder / "list.parquet", options())


def test_parquet_gives_python_values(tmp_path):
    import pyarrow

    read = parquet(tmp_path, {
        " ID": pyarrow.array([1, 2]), "price": pyarrow.array([1.79, None], pyarrow.float32()),
        "size": [1.5, float("inf")], "weight": pyarrow.array([1.79, 0.1], pyarrow.float32()),
        "cost": pyarrow.array([Decimal("1.7900"), None]),
        "day": [datetime.date(2026, 1, 2), None], "pictures": [["a.jpg"], None]})
    assert values(read) == [
        {"ID": 1, "price": "1.79", "size": 1.5, "weight": 1.79, "cost": "1.7900", "day": "2026-01-02",
         "pictures": ["a.jpg"]},
        {"ID": 2, "price": None, "size": float("inf"), "weight": 0.1, "cost": None, "day": None, "pictures": None}]
    assert [(row.line, row.row) for row in read.rows] == [(0, 1), (0, 2)] and read.format == "Parquet"


def test_repeated_parquet_columns_keep_their_values(tmp_path):
    import pyarrow

    read = parquet(tmp_path, [pyarrow.array([text]) for text in "abc"], ["id", "name", "ID"])
    assert values(read) == [{"id": "a", "name": "b", "ID (2)": "c"}] and read.repeated == {"id", "ID"}


def test_a_parquet_text_that_is_no_utf_8_is_lost_as_a_value(tmp_path):
    import pyarrow

    raw = pyarrow.array([b"P\xe4r", b"Pear"])
    read = parquet(tmp_path, {"id": ["1", "2"], "name": pyarrow.StringArray.from_buffers(2, *raw.buffers()[1:])})
    assert isinstance(values(read)[0]["name"], Lost) and values(read)[1]["name"] == "Pear"


def test_a_damaged_parquet_file_is_refused(tmp_path):
    read = parquet(tmp_path, {"id": list(range(2 * BATCH + 5)), "name": ["x"] * (2 * BATCH + 5)})
    assert [row.row for row in read.rows] == list(range(1, 2 * BATCH + 6))
    whole = (tmp_path / "list.parquet").read_bytes()
    for content in (b"PAR1", whole[:-9], whole[:len(whole) // 2], whole[:50] + b"\xff" * 2000 + whole[2050:]):
        assert refusal(tmp_path, content, "list.parquet")


def test_reading_a_text_imports_no_library_for_other_formats():
    code = ("import sys; from pathlib import Path; from catalog_builder.tables import source; "
            "from catalog_builder.tables.table_types import ReadOptions; "
            "asked = ReadOptions(lambda name: True, lambda columns, fields: True); "
            "source.read(Path('demo/shop/products.csv'), asked); "
            "print([m for m in ('pyarrow', 'openpyxl', 'defusedxml', 'numpy') if m in sys.modules])")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
