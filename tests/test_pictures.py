"""Names in a list lead to the pictures in its folders: as they are, as other systems write them, by a pattern."""

import json
import os
import time
import unicodedata
from pathlib import Path

import pytest

from catalog_builder.builder import embed
from catalog_builder.pictures.picture_folders import PictureFolders
from catalog_builder.pictures.picture_kinds import extension
from catalog_builder.pictures.picture_names import names_in
from catalog_builder.pictures.picture_patterns import pictures_from
from export.common.errors import InputError

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Käse") for form in ("NFC", "NFD"))


def filled(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")
    return PictureFolders([folder])


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    filled(folder, "a.jpg", "images/b c.jpg", f"images/{COMPOSED}.JPG", "images/deep/only.png", "images/x,y.jpg",
           "left/same.jpg", "right/same.jpg", "100%.jpg", "images/photo.webp")
    return folder


# A name and its file

@pytest.mark.parametrize(("name", "path", "notice"), [
    ("a.jpg", "a.jpg", ""),
    ("./images/../a.jpg", "a.jpg", ""),
    ("100%.jpg", "100%.jpg", ""),
    ("images/b%20c.jpg", "images/b c.jpg", "matched percent-decoded"),
    ("images\\b c.jpg", "images/b c.jpg", "matched with / for \\"),
    ("/images/b c.jpg", "images/b c.jpg", "matched without what leads to the root"),
    ("C:\\images\\b c.jpg", "images/b c.jpg", "matched with / for \\ and without what leads to the root"),
    ("file:///images/b%20c.jpg", "images/b c.jpg", "matched percent-decoded and without what leads to the root"),
    (f"images/{DECOMPOSED}.JPG", f"images/{COMPOSED}.JPG", "matched in another Unicode form"),
    ("A.JPG", "a.jpg", "matched without regard to case"),
    (f"IMAGES/{DECOMPOSED.upper()}.jpg", f"images/{COMPOSED}.JPG", "matched without regard to case"),
    ("/Images%5CB%20c.jpg", "images/b c.jpg",
     "matched percent-decoded and with / for \\ and without what leads to the root and without regard to case"),
    ("only.png", "images/deep/only.png", "matched by its file name alone"),
    ("elsewhere/ONLY.PNG", "images/deep/only.png", "matched by its file name alone"),
    ("images/photo.jpg", "images/photo.webp", "matched with another extension"),
    ("photo", "images/photo.webp", "matched with another extension"),
])
def test_a_name_is_matched_by_the_first_step_that_fits(shop, name, path, notice):
    found = PictureFolders([shop]).find(name)
    assert found.path == str((shop / path).resolve()) and found.notice == notice


def test_a_name_that_fits_exactly_wins_and_needs_no_index(shop, monkeypatch):
    filled(shop, "A.JPG")
    monkeypatch.setattr("catalog_builder.pictures.picture_folders.FolderIndex", None)
    folders = PictureFolders([shop])
    for name in ("a.jpg", "A.JPG", str(shop / "a.jpg"), "images/b%20c.jpg"):
        assert folders.find(name).path.lower().endswith(("a.jpg", "b c.jpg"))


def test_the_first_folder_wins_and_a_second_one_is_searched_too(shop, tmp_path):
    filled(tmp_path / "more", "a.jpg", "A2.jpg", "images/only2.jpg")
    folders = PictureFolders([shop, tmp_path / "more"])
    assert folders.find("a.jpg").path == str(shop / "a.jpg")
    assert folders.find("a2.jpg").path == str(tmp_path / "more/A2.jpg")
    assert folders.find("only2.jpg").path == str(tmp_path / "more/images/only2.jpg")
    assert PictureFolders([shop, shop / "images"]).find("x/only.png").path == str(shop / "images/deep/only.png")


@pytest.mark.parametrize("name", ["same.jpg", "SAME.jpg", "elsewhere/same.jpg", "same.png", "same"])
def test_a_file_name_that_is_not_unique_is_refused_with_two_of_them(shop, name):
    with pytest.raises(InputError, match="several files fit.*left/same.jpg and right/same.jpg.*whole path"):
        PictureFolders([shop]).find(name)


def test_two_files_that_differ_in_case_alone_are_refused_where_neither_fits(shop):
    filled(shop, "A.jpg")
    with pytest.raises(InputError, match=r"several files fit.*A\.jpg and a\.jpg"):
        PictureFolders([shop]).find("a.JPG")


@pytest.mark.parametrize("name", ["none.jpg", "", "a\0.jpg", "x" * 5000, "images/%ff.jpg", "\udce4.jpg", ".", "images"])
def test_a_name_without_a_file_is_refused(shop, name):
    with pytest.raises(InputError, match="cannot be found|outside|no regular file"):
        PictureFolders([shop]).find(name)


def test_an_empty_file_and_a_folder_are_refused(shop):
    (shop / "empty.jpg").touch()
    os.mkfifo(shop / "pipe.jpg")
    for name, found in (("empty.jpg", "an empty file"), ("EMPTY.jpg", "an empty file"), ("images", "no regular file"),
                        ("pipe.jpg", "no regular file")):
        with pytest.raises(InputError, match=f"holds nothing.*{found}"):
            PictureFolders([shop]).find(name)


def test_nothing_outside_the_folders_is_given_by_links_or_paths(shop, tmp_path):
    filled(tmp_path, "outside.jpg", "shop2/a.jpg")
    (shop / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (shop / "up").symlink_to(tmp_path)
    folders = PictureFolders([shop])
    for name in ("link.jpg", "up/outside.jpg", "../outside.jpg", "../shop2/a.jpg", "images/../../outside.jpg", "..",
                 "up/shop2/a.jpg", "%2e%2e/outside.jpg", "..\\outside.jpg", str(tmp_path / "outside.jpg"), "/"):
        with pytest.raises(InputError, match="outside"):
            folders.find(name)
    for name in ("LINK.jpg", "up/OUTSIDE.jpg", "outside.png"):
        with pytest.raises(InputError, match="cannot be found"):
            folders.find(name)


def test_links_within_the_folders_lead_to_their_files(shop, tmp_path):
    (shop / "link.jpg").symlink_to("images/b c.jpg")
    (shop / "alias").symlink_to("images")
    (tmp_path / "door").symlink_to(shop)
    (shop / "loop").symlink_to(shop)
    (shop / "circle.jpg").symlink_to("circle.jpg")
    for folder in (shop, tmp_path / "door"):
        folders = PictureFolders([folder])
        for name in ("link.jpg", "LINK.JPG", "alias/b c.jpg", "b c.jpg", str(shop / "images/b c.jpg")):
            assert folders.find(name).path == str(shop / "images/b c.jpg"), name
        with pytest.raises(InputError, match="no regular file"):
            folders.find("circle.jpg")


def test_ten_thousand_files_are_indexed_once_and_quickly(tmp_path):
    for folder in range(10):
        (tmp_path / f"f{folder}").mkdir()
        for number in range(1000):
            os.close(os.open(tmp_path / f"f{folder}" / f"{folder * 1000 + number}.jpg", os.O_CREAT))
    (tmp_path / "f7/7007.jpg").write_bytes(b"picture")
    folders = PictureFolders([tmp_path])
    began = time.process_time()
    for _ in range(1000):
        assert folders.find("F7/7007.JPG").notice
        assert not folders.has("F7/none.jpg")
    assert time.process_time() - began < 2               # indexed each time, it would take minutes


def test_whether_a_name_has_a_file_depends_on_its_whole_path(shop):
    folders = PictureFolders([shop])
    for name in ("a.jpg", "A.JPG", "images\\b%20c.jpg", "/images/photo.webp"):
        assert folders.has(name)
    for name in ("only.png", "images/photo.jpg", "a.jpg,b.jpg", "x/a.jpg", "../shop2/a.jpg", ""):
        assert not folders.has(name)


# Patterns

ROW = {"id": "12", "Item code": "AB-7", "star": "a*b", "empty": " ", "up": "../x", "deep": "p/q"}


def test_a_pattern_is_filled_with_texts_and_their_parts():
    for pattern, parts in (("images/{id}.jpg", ("images/12.jpg",)), ("{Item code[:2]}/{Item code}.*", ("AB/AB-7.", "")),
                           ("{item code[1:3]}", ("B-",)), ("{id}*{id}*", ("12", "12", "")),
                           ("{star}*", ("a*b", "")), ("x/{deep}/{id[:9]}.png", ("x/p/q/12.png",))):
        assert pictures_from(pattern, ROW).parts == parts, pattern


@pytest.mark.parametrize(("pattern", "message"), [
    ("{sku}.jpg", "unknown column; expected one of id, Item code, star.*found 'sku'"),
    ("{id.__class__}", "unknown column"), ("{0}", "unknown column"), ("{}", "unknown column"),
    ("{id!r}", "unknown column"), ("{empty}.jpg", "needs a value.*column empty"), ("{id[5:]}.jpg", "needs a value"),
    ("images/{up}.jpg", "leaves its folder"), ("*{deep}.jpg", "leaves its folder"), ("*/{id}.jpg", "folder's name"),
    ("images/{id.jpg", "without its partner"), ("id}.jpg", "without its partner")])
def test_a_pattern_that_cannot_be_filled_is_refused(pattern, message):
    with pytest.raises(InputError, match=message):
        pictures_from(pattern, ROW)


def matched(folder, pattern, row):
    return [Path(found.path).name for found in PictureFolders([folder]).matching(pictures_from(pattern, row))]


def test_a_pattern_gives_its_pictures_in_natural_order(tmp_path):
    filled(tmp_path, *(f"images/{name}" for name in (
        "12.jpg", "12-2.jpg", "12-10.jpg", "12_a.PNG", "123.jpg", "112.jpg", "12.txt", "front-12.jpg", "AB-7.webp")))
    assert matched(tmp_path, "images/{id}*", ROW) == ["12.jpg", "12-2.jpg", "12-10.jpg", "12_a.PNG"]
    assert matched(tmp_path, "images/{id}.*", ROW) == ["12.jpg"]
    assert matched(tmp_path, "./images/*{id}.jpg", ROW) == ["12.jpg", "front-12.jpg"]
    assert matched(tmp_path, "images/*2*", ROW) == ["12.jpg", "12-2.jpg", "12-10.jpg", "12_a.PNG", "112.jpg", "123.jpg",
                                                    "front-12.jpg"]
    assert matched(tmp_path, "images/{id[:1]}2*.jpg", ROW) == ["12.jpg", "12-2.jpg", "12-10.jpg", "123.jpg"]
    assert matched(tmp_path, "Images/{id}-2.jpg", ROW) == ["12-2.jpg"]
    found = PictureFolders([tmp_path]).matching(pictures_from("IMAGES/{Item code}*", {"Item code": "ab-7"}))
    assert [Path(picture.path).name for picture in found] == ["AB-7.webp"]
    assert found[0].notice == "matched without regard to case"


def test_a_star_in_a_value_is_no_wildcard_and_a_pattern_without_a_file_is_refused(tmp_path):
    filled(tmp_path, "axb.jpg", "a*b.jpg", "a*b-2.jpg", "other/a*b-3.jpg")
    assert matched(tmp_path, "{star}*", ROW) == ["a*b.jpg", "a*b-2.jpg"]
    with pytest.raises(InputError, match=r"no picture fits the pattern.*found '12\*'"):
        matched(tmp_path, "{id}*", ROW)
    with pytest.raises(InputError, match="cannot be found"):
        matched(tmp_path, "{id}.jpg", ROW)


# Cells with several names

def split(cell, *files, **options):
    return names_in(cell, set(files).__contains__, **options)


A, B, COMMAS = "https://x.example/a.jpg", "//x.example/b", "https://x.example/w_300,h_200/a.jpg"


@pytest.mark.parametrize(("cell", "files", "names"), [
    ("", [], []), (" a.jpg ", [], ["a.jpg"]), ("no name", [], ["no name"]),
    ("a.jpg|b.jpg", [], ["a.jpg", "b.jpg"]), ("a|b", [], ["a", "b"]), ("a.jpg||", ["a.jpg"], ["a.jpg"]),
    ("a.jpg, b.jpg", ["a.jpg", "b.jpg"], ["a.jpg", "b.jpg"]), ("a.jpg,b.jpg;c", ["a.jpg", "b.jpg;c"],
                                                             ["a.jpg", "b.jpg;c"]),
    ("a.jpg;b.jpg", [], ["a.jpg", "b.jpg"]), ("a.jpg\r\nb.jpg\n", [], ["a.jpg", "b.jpg"]),
    ("x,y.jpg", ["x,y.jpg"], ["x,y.jpg"]), ("x,y.jpg,z.jpg", ["x,y.jpg", "z.jpg"], ["x,y.jpg", "z.jpg"]),
    ("x, y.jpg, z.jpg", ["x, y.jpg", "z.jpg"], ["x, y.jpg", "z.jpg"]), ("a b.jpg", [], ["a b.jpg"]),
    (f"{A} {B}", [], [A, B]), (f"{A}\t{B}", [], [f"{A}\t{B}"]), (f"{A},{B}", [], [A, B]), (f"{A}, {B}", [], [A, B]),
    (f"{A};v=1;{B}", [], [f"{A};v=1", B]), (COMMAS, [], [COMMAS]), (f"{COMMAS},{A}", [], [COMMAS, A]),
    (f"{A},{COMMAS},{B}", [], [A, COMMAS, B]), (f"{A}?size=1,2,{B}", [], [f"{A}?size=1,2", B]),
    (f"{A},b.jpg", ["b.jpg"], [A, "b.jpg"]), (f"{A}|{B}", [], [A, B]), ("a.jpg, missing.jpg", ["a.jpg"],
                                                                        ["a.jpg", "missing.jpg"]),
    (json.dumps(["a.jpg", None, "b|c.jpg"]), [], ["a.jpg", "b|c.jpg"]),
    (json.dumps([{"src": A, "alt": "x"}, {"url": B}, {"alt": "y"}, 5]), [], [A, B, '{"alt": "y"}', "5"]),
    (json.dumps({"url": A}), [], [A]), ("[1].jpg", [], ["[1].jpg"]), ("[]", [], []),
])
def test_a_cell_gives_its_names(cell, files, names):
    assert split(cell, *files) == names


def test_a_given_separator_splits_always_and_an_escaped_comma_belongs_to_its_name():
    assert split("a;b", separators=("|",)) == ["a;b"]
    assert split("a;b", separators=(";",)) == ["a", "b"]
    assert split(f"{A}|b", separators=("|",)) == [A, "b"]
    assert split(rf"{A}?x\,y, b\, c.jpg, d", separators=(", ",), escaped=True) == [f"{A}?x,y", "b, c.jpg", "d"]
    assert split(r"b\, c.jpg", separators=(", ",), escaped=True) == ["b, c.jpg"]
    assert split(r"C:\x, y", separators=(", ",)) == ["C:\\x", "y"]


# Kinds

@pytest.mark.parametrize(("head", "name"), [
    (b"<!DOCTYPE html><html>", "an HTML page"), (b"\xef\xbb\xbf \n<HTML lang=de>", "an HTML page"),
    (b"<?xml version='1.0'?>\n<!-- x --><svg>", "an SVG drawing"), (b"<svg xmlns=", "an SVG drawing"),
    (b"<?xml version='1.0'?><rss>", "XML"), (b"%PDF-1.7", "a PDF"), (b"\0\0\0\x18ftypmp42", "a video"),
    (b'{"error": 1}', "JSON"), (b"Not found", "a text"), (b"", "nothing"), (b"\x01\x02", "bytes beginning")])
def test_what_is_no_picture_is_named(head, name):
    with pytest.raises(InputError, match=f"not a picture.*found {name}"):
        extension(head)


# The store's names

def test_pictures_outside_the_lists_folder_have_names_in_the_store_and_those_inside_keep_theirs(tmp_path):
    for path, name in (("list/images/a.jpg", "images/a.jpg"), ("list/products.csv.pictures/ab.jpg",
                                                              "products.csv.pictures/ab.jpg"),
                       ("more/a.jpg", "../more/a.jpg"), ("list2/a.jpg", "../list2/a.jpg")):
        assert embed.name(tmp_path / path, tmp_path / "list") == name
