"""A product list and a gated model become one catalog file: what is kept, what is refused, and what a kill costs."""

import contextlib
import csv
import json
import mmap
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import traceback
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog_builder import engines
from catalog_builder.__main__ import main
from catalog_builder.builder import build_progress, embed, quantize
from catalog_builder.builder.build import BuildRequest, build
from catalog_builder.builder.build_progress import Builds, Counter
from catalog_builder.builder.built import Built
from catalog_builder.builder.embed import Embedder, Thumbnail
from catalog_builder.builder.recall import FirstPassRecall
from catalog_builder.builder.store import Store
from catalog_builder.catalog import delta as deltas
from catalog_builder.catalog.reader import open_catalog
from catalog_builder.engines import Engine
from catalog_builder.lists import listing, queries
from catalog_builder.updates import delta_writer
from export.artifacts import manifest
from export.common import files
from export.common.errors import InputError
from export.pictures.preprocess import MAX_PIXELS
from tests.conftest import ROOT, run_module
from tests.pictures import noise, saved

SHOP = ROOT / "demo/shop"
THUMBNAIL = Thumbnail(160, 60)
KILLS, SEED = 50, 20261121


# What the tests build from.

def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def table(path: Path, rows: list[dict[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def few(folder: Path, count: int, pictures: int = 1, step: int = 1) -> Path:
    """Each `step`th of the sample shop's products, with so many pictures, in a folder of their own."""
    rows = [row | {"pictures": "|".join(row["pictures"].split("|")[:pictures])}
            for row in rows_of(SHOP / "products.csv")[::step][:count]]
    (folder / "pictures").mkdir(parents=True)
    for name in "|".join(row["pictures"] for row in rows).split("|"):
        shutil.copy2(SHOP / name, folder / name)
    return table(folder / "products.csv", rows)


def few_queries(folder: Path, listed: Path) -> Path:
    """The sample shop's labelled queries for the products of a list, with their pictures."""
    known = {row["id"] for row in rows_of(listed)}
    rows = [row for row in rows_of(SHOP / "queries.csv") if row["product"] in known]
    (folder / "queries").mkdir(parents=True)
    for row in rows:
        if row["kind"] == "picture":
            shutil.copy2(SHOP / row["query"], folder / row["query"])
    return table(folder / "queries.csv", rows)


def made(listed: Path, dist: Path, out: Path, **options: object) -> Built:
    return build(BuildRequest(listed, dist, out, **{"thumbnail": THUMBNAIL} | options), Builds())


def command(listed: Path, dist: Path, out: Path, *more: str) -> list[str]:
    return ["build", "--products", str(listed), "--dist", str(dist.parent), "--model", dist.name, "--catalog", str(out),
            *more]


def refusal(arguments: list[str], capsys) -> str:
    """The one line that is said of bad input, with status 2."""
    capsys.readouterr()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if line.startswith("catalog_builder: ")]
    assert not out and len(said) == 1 and err.splitlines()[-1] == said[0] and "Traceback" not in err
    return said[0]


@pytest.fixture(scope="module")
def dist(gated) -> Path:
    """The demo model, its gate green."""
    folder, answer = gated
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return folder


@pytest.fixture
def changeable(dist, tmp_path) -> Path:
    """dist/<model>/ as links: a test removes what it changes, and writes it anew."""
    shutil.copytree(dist, tmp_path / "dist/demo", copy_function=os.link)
    return tmp_path / "dist/demo"


@pytest.fixture(scope="module")
def forty(dist, tmp_path_factory):
    """Forty products by the command line: the list, the catalog, and the answer."""
    folder = tmp_path_factory.mktemp("forty")
    listed, out = few(folder / "shop", 40, pictures=4), folder / "out/shop.catalog"
    return listed, out, run_module("catalog_builder", *command(listed, dist, out))


@pytest.fixture(scope="module")
def whole(dist, tmp_path_factory) -> Built:
    """The whole sample shop with its labelled queries."""
    return made(SHOP / "products.csv", dist, tmp_path_factory.mktemp("whole") / "products.catalog",
                queries=SHOP / "queries.csv")


# A list that follows another.

def test_a_list_over_the_catalog_of_before_keeps_what_did_not_change(forty, dist, tmp_path):
    listed, out, _ = forty
    rows = rows_of(listed)
    cheaper = rows[5] | {"price": "1.25"}
    today = [rows[9], *rows[20:], *rows[:5], cheaper, *rows[6:9], rows[12] | {"id": "new"}]         # 10 to 19 go
    table(listed.parent / "today.csv", today)
    base = open_catalog(out)
    paths = [tmp_path / f"{name}.catalog" for name in ("one", "two")]
    for path in paths:
        assert run_module("catalog_builder", *command(listed.parent / "today.csv", dist, path, "--base", str(out)
                                                      )).returncode == 0
    made_ = open_catalog(paths[0], base.space)
    assert [made_.record(place)["id"] for place in range(made_.products)] == [
        *(row["id"] for row in [*rows[:10], *rows[20:]]), "new"]
    assert made_.metadata["parent"] == base.metadata["sha256"] and (made_.offset == base.offset).all()
    kept = [base.place(made_.record(place)["id"]) for place in range(made_.products - 1)]
    for place, old in enumerate(kept):
        assert (made_.codes[made_.owners == place] == base.codes[base.owners == old]).all()
    delta_writer.write(base, made_, tmp_path / "a.delta")
    delta = deltas.open_delta(tmp_path / "a.delta")
    assert (delta["repriced"].tolist(), delta["changed"].tolist()) == ([5], [30])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_base_that_cannot_be_followed_is_refused(forty, dist, tmp_path, capsys):
    listed, out, _ = forty
    foreign, cut = tmp_path / "foreign.catalog", tmp_path / "cut.catalog"
    foreign.write_bytes(out.read_bytes().replace(open_catalog(out).space.encode(), b"0" * 64))
    cut.write_bytes(out.read_bytes()[:-9])
    for base, says in ((tmp_path / "none.catalog", "cannot open the catalog"), (cut, "damaged, or no catalog"),
                       (foreign, "another embedding space")):
        assert says in refusal(command(listed, dist, tmp_path / "new.catalog", "--base", str(base)), capsys)
    assert not (tmp_path / "new.catalog").exists()


# A list that is in order.

def test_a_list_becomes_a_catalog_that_opens_and_verifies(forty, dist):
    listed, out, answer = forty
    assert answer.returncode == 0, answer.stderr
    made_ = open_catalog(out, manifest.read(dist).space)
    made_.verify()
    assert (made_.products, made_.rows, made_.currency) == (40, 160, "EUR")
    assert [made_.record(i)["id"] for i in range(40)] == [row["id"] for row in rows_of(listed)]
    assert np.array_equal(made_.owners, np.repeat(np.arange(40), 4))


def test_its_vectors_are_the_pictures_in_their_order(forty, dist):
    listed, out, _ = forty
    model, found = engines.opened(dist), open_catalog(out)
    squares = [model.square(listed.parent / name) for row in rows_of(listed) for name in row["pictures"].split("|")]
    cosines = (found.vectors(slice(None)) * model.image(np.stack(squares))).sum(axis=1)
    assert cosines.min() > 0.997


def test_a_first_pass_that_is_asked_for_is_measured_and_written(dist, tmp_path):
    """Forty products are too few for candidates: the search stays exact, and misses nothing."""
    listed = few(tmp_path / "shop", 40)
    built = made(listed, dist, tmp_path / "a.catalog", first_pass=True)
    catalog = open_catalog(built.out)
    catalog.verify()
    first = catalog.first_pass
    assert first and first.of == 100 and built.first_pass and built.first_pass.passed
    assert json.loads(catalog.metadata["first_pass"]) == {"of": 100, "text": 1.0, "image": 1.0}
    figures = json.loads(built.page.with_suffix(".json").read_text(encoding="utf-8"))["first_pass"]
    assert figures["passed"] and figures["written"] and figures["shares"] == {"text": 1.0, "image": 1.0}
    assert "with a first pass, and one row of 100 scored exactly" in built.page.read_text(encoding="utf-8")
    again = open_catalog(made(listed, dist, tmp_path / "b.catalog", base=built.out).out)
    assert again.first_pass and (again.first_pass.axes == first.axes).all()              # as the one before has it
    assert (again.first_pass.codes == first.codes).all()


@pytest.mark.parametrize("asked_for", [False, True])
def test_a_first_pass_that_misses_too_much_is_left_out_or_refused(dist, tmp_path, monkeypatch, capsys, asked_for):
    listed, low = few(tmp_path / "shop", 12), FirstPassRecall(25, {"text": 300}, {"text": 0.98})
    monkeypatch.setattr("catalog_builder.builder.build.FIRST_PASS", 1)
    monkeypatch.setattr("catalog_builder.builder.recall.first_pass", lambda catalog, queries: low)
    more = ["--first-pass"] if asked_for else []
    assert main(command(listed, dist, tmp_path / "a.catalog", *more)) == (1 if asked_for else 0)
    answer = capsys.readouterr()
    assert "a search finds 0.9800 of 300 text queries' first ten (at least 0.999)" in " ".join(
        (answer.err if asked_for else answer.out).split())
    assert (tmp_path / "a.catalog").exists() != asked_for
    if not asked_for:
        assert open_catalog(tmp_path / "a.catalog").first_pass is None


def test_progress_stands_on_stderr_and_figures_on_stdout(forty):
    _, out, answer = forty
    assert re.search(r"^embed the pictures: 160 of 160, 160 computed, [0-9.]+ s$", answer.stderr, re.MULTILINE)
    assert "40 products, 160 pictures" in answer.stdout and f"shipping: {out.with_suffix('.html')}\n" in answer.stdout


def test_long_work_says_how_far_it_is_and_how_long_it_takes(monkeypatch, capsys):
    monkeypatch.setattr(build_progress, "EVERY", -1.0)
    with Builds().bar("embed the pictures", 10) as advance:
        advance(4, False)
        advance(2, True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].startswith("embed the pictures: 6 of 10") and lines[1].endswith("0:00:00 left")
    assert lines[2].startswith("embed the pictures: 6 of 10, 2 computed")
    assert build_progress.left(advance, 10, 7446.0) == "4:08:12"


def test_a_list_in_order_leaves_no_file_of_problems(forty):
    _, out, answer = forty
    assert sorted(p.name for p in out.parent.iterdir()) == [f"shop.{end}" for end in (
        "catalog", "embeddings", "html", "json")]
    assert "problem" not in answer.stdout


def test_figures_for_machines_agree_with_the_file(forty):
    _, out, _ = forty
    figures = json.loads(out.with_suffix(".json").read_text())
    assert (figures["products"], figures["rows"], figures["bytes"]) == (40, 160, out.stat().st_size)
    assert figures["problems"] == 0 and figures["skipped"] == {} and figures["space"] == open_catalog(out).space
    assert {one["kind"] for one in figures["recall"]} == {"text", "image"} and figures["calibration_from"] == "names"


def addresses(page: str) -> list[str]:
    """All that a page may load: what src, href, url() and @import name."""
    return [found for one in re.findall(r"(?:src|href)\s*=\s*[\"']?([^\"'\s>]+)|url\(([^)]*)\)|@import\s+(\S+)", page)
            for found in one if found]


def test_the_page_loads_nothing_from_anywhere(forty):
    page = forty[1].with_suffix(".html").read_text(encoding="utf-8")
    found = addresses(page)
    assert len(found) > 40 and all(one.startswith("data:image/webp;base64,") for one in found)
    assert "<script" not in page


def test_the_check_of_the_page_sees_an_address():
    assert addresses('<img src="https://a.b/c.png"><a href=//d.e>') == ["https://a.b/c.png", "//d.e"]


def test_thumbnails_are_small_webp_pictures_of_the_first_picture(forty, dist, tmp_path):
    listed, out, _ = forty
    found = open_catalog(out)
    (tmp_path / "a.webp").write_bytes(found.thumbnail(0))
    with Image.open(tmp_path / "a.webp") as small, Image.open(listed.parent / "pictures/D0001-a.jpg") as large:
        assert small.format == "WEBP" and max(small.size) == 160 < max(large.size)
    made(few(tmp_path / "shop", 3), dist, tmp_path / "none.catalog", thumbnail=None)
    assert open_catalog(tmp_path / "none.catalog").thumbnails is None


def test_a_name_with_markup_is_text_in_the_page(dist, tmp_path):
    rows = rows_of(few(tmp_path / "shop", 3))
    rows[0]["name"] = rows[0]["category"] = '<script>alert("x")</script>'
    made(table(tmp_path / "shop/products.csv", rows), dist, tmp_path / "a.catalog")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_list_that_is_a_link_finds_the_pictures_beside_the_link(dist, tmp_path):
    listed = few(tmp_path / "shop", 2)
    (tmp_path / "lists").mkdir()
    listed.rename(tmp_path / "lists/today.csv")
    listed.symlink_to(tmp_path / "lists/today.csv")
    assert made(listed, dist, tmp_path / "a.catalog").rows == 2


# The whole sample shop.

@pytest.mark.parametrize("kind", ["text", "image"])
def test_the_file_ranks_as_float32_does(whole, kind):
    figures = json.loads(whole.out.with_suffix(".json").read_text())
    recall = next(one for one in figures["recall"] if one["kind"] == kind)
    assert recall["queries"] >= 800 and figures["products"] == 423
    assert recall["top1"] >= 0.99 and recall["tolerant10"] >= 0.999 and recall["passed"]
    assert figures["calibration_from"] == "queries"


@pytest.mark.parametrize("kind, least", [("text", 0.85), ("picture", 0.92)])
def test_the_first_product_found_is_the_right_one(whole, dist, kind, least):
    shop = engines.searcher(whole.out, dist)
    sample = [row for row in rows_of(SHOP / "queries.csv") if row["kind"] == kind][::14]
    found = [shop.find(row["query"], k=1) if kind == "text" else shop.find(picture=SHOP / row["query"], k=1)
             for row in sample]
    assert len(sample) >= 60
    assert np.mean([one[0].record["id"] == row["product"] for one, row in zip(found, sample, strict=True)]) >= least


@pytest.mark.parametrize("kind", ["text", "image"])
def test_per_cent_is_the_share_that_is_right(whole, kind):
    fitted = next(one for one in whole.fitted if one.kind == kind)
    assert fitted.pairs > 8000 and fitted.error < 0.02 and fitted.note == ""


# Pictures that are not in order.

def enormous(columns: int, rows: int) -> bytes:
    """A PNG of 8 x 8 pixels whose header claims more."""
    content = saved(Image.fromarray(noise(8, 8)))
    head = b"IHDR" + struct.pack(">II", columns, rows) + content[24:29]
    return content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:]


@pytest.fixture
def faulty(tmp_path) -> Path:
    """Eight products, of which one is in order; a sound picture beside the faulty one keeps three more."""
    folder = tmp_path / "shop"
    rows = rows_of(few(folder, 8))
    (folder / "broken.jpg").write_bytes(b"this is no picture")
    (folder / "tiny.png").write_bytes(saved(Image.fromarray(noise(8, 300))))
    (folder / "enormous.png").write_bytes(enormous(12000, MAX_PIXELS // 12000 + 1))
    (folder / "bomb.png").write_bytes(enormous(60000, 60000))
    sound = (folder / "pictures/D0005-a.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(sound[:len(sound) // 2])
    rows[1]["pictures"] = "broken.jpg|pictures/D0002-a.jpg"
    for row, name in zip(rows[2:7], ("tiny", "enormous", "bomb", "truncated", "absent"), strict=True):
        row["pictures"] = f"{name}.{'jpg' if name == 'truncated' else 'png'}"
    rows[5]["pictures"] += "|pictures/D0006-a.jpg"
    rows[7]["pictures"] += "|absent.png"
    return table(folder / "products.csv", rows)


REPORTED = {("3", "D0002", "picture"): "not a picture", ("4", "D0003", "picture"): "tiny",
            ("4", "D0003", "product"): "no picture is left", ("5", "D0004", "picture"): "too large",
            ("5", "D0004", "product"): "no picture is left", ("6", "D0005", "picture"): "too large",
            ("6", "D0005", "product"): "no picture is left", ("7", "D0006", "picture"): "cut short",
            ("8", "D0007", "picture"): "cannot be found", ("8", "D0007", "product"): "no picture",
            ("9", "D0008", "picture"): "cannot be found"}


def test_faulty_pictures_are_reported_by_line_and_the_rest_is_built(faulty, dist, tmp_path, capsys):
    out = tmp_path / "a.catalog"
    assert main(command(faulty, dist, out, "--allow-loss", "50%")) == 0
    problems = {(row["line"], row["product"], row["skipped"]): row for row in rows_of(tmp_path / "a.problems.csv")}
    assert set(problems) == set(REPORTED) and {row["field"] for row in problems.values()} == {"pictures"}
    assert all(words in problems[key]["problem"] for key, words in REPORTED.items())
    found = open_catalog(out)
    assert [found.record(i)["id"] for i in range(found.products)] == ["D0001", "D0002", "D0006", "D0008"]
    assert found.rows == 4
    said = capsys.readouterr().out
    assert "11 problems in the list (4 products, 7 pictures and 0 fields are left out)" in " ".join(said.split())
    assert str(tmp_path / "a.problems.csv") in said and "no picture is left" in (tmp_path / "a.html").read_text()
    assert json.loads((tmp_path / "a.json").read_text())["skipped"] == {"picture": 7, "product": 4}


def test_strict_refuses_a_list_with_problems(faulty, dist, tmp_path, capsys):
    out = tmp_path / "a.catalog"
    said = refusal(command(faulty, dist, out, "--strict"), capsys)
    assert "11 problems" in said and str(tmp_path / "a.problems.csv") in said
    assert not out.exists() and len(rows_of(tmp_path / "a.problems.csv")) == 11


def test_a_list_that_loses_many_products_is_refused_unless_that_much_is_allowed(faulty, dist, tmp_path, capsys):
    out = tmp_path / "a.catalog"
    for most, allowed in (("1%", ()), ("49%", ("--allow-loss", "49%"))):
        said = refusal(command(faulty, dist, out, *allowed), capsys)
        assert f"4 of 8 products would be lost; expected at most {most}" in said and "--allow-loss 50%" in said
        assert str(tmp_path / "a.problems.csv") in said and not out.exists()
    assert len(rows_of(tmp_path / "a.problems.csv")) == 11
    assert main(command(faulty, dist, out, "--allow-loss", "50")) == 0
    for wrong in ("much", "101%", "-1"):
        assert "--allow-loss" in refusal(command(faulty, dist, out, f"--allow-loss={wrong}"), capsys)


def test_strict_takes_a_list_in_order(dist, tmp_path):
    assert main(command(few(tmp_path / "shop", 2), dist, tmp_path / "a.catalog", "--strict")) == 0


def test_problems_that_were_mended_leave_no_report(faulty, dist, tmp_path):
    made(faulty, dist, tmp_path / "a.catalog", allow_loss=0.5)
    table(faulty, rows_of(faulty)[:1])
    made(faulty, dist, tmp_path / "a.catalog")
    assert not (tmp_path / "a.problems.csv").exists()


def test_a_picture_that_goes_while_the_build_runs_is_a_problem(dist, tmp_path, monkeypatch):
    listed, true = few(tmp_path / "shop", 3), listing.read

    def read(path, options):
        found = true(path, options)
        (tmp_path / "shop/pictures/D0002-a.jpg").unlink()
        return found

    monkeypatch.setattr(listing, "read", read)
    built = made(listed, dist, tmp_path / "a.catalog")
    assert built.products == 2 and "cannot be opened" in built.problems[0].what and built.problems[0].line == 3


def test_a_list_without_a_sound_picture_is_refused(dist, tmp_path, capsys):
    listed = few(tmp_path / "shop", 2)
    for picture in (tmp_path / "shop/pictures").iterdir():
        picture.write_bytes(b"nothing")
    assert "no product is left" in refusal(command(listed, dist, tmp_path / "a.catalog"), capsys)
    assert not (tmp_path / "a.catalog").exists()


# A model that may not be built on.

def test_a_red_gate_is_refused(changeable, tmp_path, capsys):
    verdicts = json.loads((changeable / "parity.json").read_text())
    files.write_json(changeable / "parity.json", verdicts | {"green": False})
    said = refusal(command(few(tmp_path / "shop", 2), changeable, tmp_path / "a.catalog"), capsys)
    assert "the gate is red" in said and "make parity MODEL=demo" in said and not (tmp_path / "a.catalog").exists()


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"green": true, "results": []}', b"\xff"])
def test_a_model_without_readable_verdicts_is_refused(changeable, tmp_path, capsys, content):
    (changeable / "parity.json").unlink()
    if content is not None:
        (changeable / "parity.json").write_bytes(content)
    said = refusal(command(few(tmp_path / "shop", 2), changeable, tmp_path / "a.catalog"), capsys)
    assert "the gate has not run" in said and "make parity MODEL=demo" in said


@pytest.mark.parametrize("name", ["onnx/image-fp32.onnx", "tflite/text-fp16.tflite", manifest.TOKENIZER])
def test_an_artefact_changed_after_the_gate_is_refused(changeable, tmp_path, capsys, name):
    content = bytearray((changeable / name).read_bytes())
    content[len(content) // 2] ^= 1
    (changeable / name).unlink()
    (changeable / name).write_bytes(content)
    said = refusal(command(few(tmp_path / "shop", 2), changeable, tmp_path / "a.catalog"), capsys)
    assert name in said and "not the one of the manifest" in said


def test_an_artefact_that_the_gate_has_not_seen_is_refused(changeable, tmp_path, capsys):
    verdicts = json.loads((changeable / "parity.json").read_text())
    files.write_json(changeable / "parity.json", verdicts | {"results": verdicts["results"][1:]})
    said = refusal(command(few(tmp_path / "shop", 2), changeable, tmp_path / "a.catalog"), capsys)
    assert "has not seen" in said


def test_an_encoder_without_a_verdict_fills_no_catalog(changeable, tmp_path, capsys):
    kept = manifest.read(changeable)
    manifest.write(changeable, replace(kept, artifacts=[replace(a, parity=None) for a in kept.artifacts]))
    said = refusal(command(few(tmp_path / "shop", 2), changeable, tmp_path / "a.catalog", "--engine", "onnx"), capsys)
    assert "no float32 ONNX image encoder that passed the gate" in said


# Where the file goes.

@pytest.mark.parametrize("name", ["folder", "folder.catalog", "shop/products.csv", "a.json", "a.embeddings"])
def test_a_catalog_takes_no_other_files_place(dist, tmp_path, capsys, name):
    listed = few(tmp_path / "shop", 2)
    for folder in ("folder", "folder.catalog"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    said = refusal(command(listed, dist, tmp_path / name), capsys)
    assert ".catalog" in said and str(tmp_path / name) in said
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "folder/mine").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_one_line(dist, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    said = refusal(command(few(tmp_path / "shop", 2), dist, tmp_path / "file/a.catalog"), capsys)
    assert str(tmp_path / "file") in said


# A second run.

def test_a_second_run_computes_nothing_and_gives_the_same_bytes(dist, tmp_path):
    listed, out = few(tmp_path / "shop", 12), tmp_path / "a.catalog"
    assert made(listed, dist, out).computed == 12
    before = out.read_bytes()
    assert made(listed, dist, out).computed == 0 and out.read_bytes() == before


def test_a_store_in_another_folder_gives_the_same_bytes(dist, tmp_path):
    listed = few(tmp_path / "shop", 12, pictures=3)
    made(listed, dist, tmp_path / "1/a.catalog")
    made(listed, dist, tmp_path / "2/b.catalog")
    assert (tmp_path / "1/a.catalog").read_bytes() == (tmp_path / "2/b.catalog").read_bytes()


def test_only_what_changed_is_computed(dist, tmp_path):
    listed, out = few(tmp_path / "shop", 12), tmp_path / "a.catalog"
    made(listed, dist, out)
    before = open_catalog(out).vectors(slice(None))
    shutil.copyfile(SHOP / "pictures/D0100-a.jpg", tmp_path / "shop/pictures/D0003-a.jpg")
    shutil.copyfile(SHOP / "pictures/D0101-a.jpg", tmp_path / "shop/pictures/new.jpg")
    rows = rows_of(listed)
    table(listed, [*rows, rows[0] | {"id": "new", "pictures": "pictures/new.jpg"}])
    built = made(listed, dist, out)
    after = open_catalog(out).vectors(slice(None))
    assert built.computed == 2 and built.rows == 13
    cosines = (before * after[:12]).sum(axis=1)
    assert cosines[2] < 0.9 and np.delete(cosines, 2).min() > 0.999


def test_a_copy_of_a_known_picture_and_one_with_a_new_date_need_no_new_vector(dist, tmp_path):
    listed, out = few(tmp_path / "shop", 6), tmp_path / "a.catalog"
    made(listed, dist, out)
    shutil.copyfile(tmp_path / "shop/pictures/D0001-a.jpg", tmp_path / "shop/copy.jpg")
    os.utime(tmp_path / "shop/pictures/D0002-a.jpg", ns=(1, 1))
    rows = rows_of(listed)
    table(listed, [*rows, rows[0] | {"id": "copy", "pictures": "copy.jpg"}])
    built = made(listed, dist, out)
    found = open_catalog(out)
    assert built.computed == 0 and built.rows == 7
    assert np.array_equal(found.codes[0], found.codes[6]) and found.thumbnail(0) == found.thumbnail(6)


def test_a_picture_of_the_same_size_with_another_date_is_read_again(dist, tmp_path):
    listed, out = few(tmp_path / "shop", 4), tmp_path / "a.catalog"
    picture = tmp_path / "shop/pictures/D0001-a.jpg"
    made(listed, dist, out)
    content, other = picture.read_bytes(), (SHOP / "pictures/D0121-b.jpg").read_bytes()
    assert len(other) < len(content)
    picture.write_bytes(other.ljust(len(content), b"\0"))
    assert made(listed, dist, out).computed == 1


def test_other_thumbnails_and_another_engine_compute_all_again(dist, tmp_path):
    listed, out = few(tmp_path / "shop", 5), tmp_path / "a.catalog"
    made(listed, dist, out)
    before = out.read_bytes()
    assert made(listed, dist, out, thumbnail=Thumbnail(80, 60)).computed == 5
    assert made(listed, dist, out, engine="torch").computed == 5
    assert made(listed, dist, out).computed == 0 and out.read_bytes() == before


def test_after_an_interruption_the_next_run_goes_on(dist, tmp_path, monkeypatch, capsys):
    listed, out, true, count = few(tmp_path / "shop", 30), tmp_path / "a.catalog", embed.work, iter(range(99))

    def work(*arguments):
        if next(count) == 20:
            raise KeyboardInterrupt
        return true(*arguments)

    monkeypatch.setattr(embed, "work", work)
    assert main(command(listed, dist, out)) == 130 and "goes on from here" in capsys.readouterr().err
    assert not out.exists()
    monkeypatch.undo()
    assert 0 < made(listed, dist, out).computed < 30
    made(listed, dist, tmp_path / "other/a.catalog")
    assert out.read_bytes() == (tmp_path / "other/a.catalog").read_bytes()


@pytest.mark.parametrize("start", [0, 4096])
def test_a_damaged_store_is_one_line_with_the_remedy(dist, tmp_path, capsys, start):
    listed, out = few(tmp_path / "shop", 5), tmp_path / "a.catalog"
    made(listed, dist, out)
    before, store = out.read_bytes(), tmp_path / "a.embeddings"
    store.write_bytes(store.read_bytes()[:start] + b"\xaa" * 40000)
    said = refusal(command(listed, dist, out), capsys)
    assert str(store) in said and "remove it" in said and out.read_bytes() == before
    store.unlink()
    assert made(listed, dist, out).computed == 5 and out.read_bytes() == before


# Killed.

class Watched(Builds):
    """Writes to memory shared with the parent how far the build has come: steps, pictures, pictures known before."""

    def __init__(self, seen: mmap.mmap):
        super().__init__()
        self._seen = seen

    def step(self, name: str) -> None:
        super().step(name)
        self._seen[0] += 1

    @contextlib.contextmanager
    def bar(self, name: str, total: int):
        with super().bar(name, total) as counter:
            def show(so_far: Counter) -> None:
                self._seen[1:3] = bytes([so_far.done, so_far.done - so_far.computed])

            counter._show = show
            yield counter


def forked(listed: Path, dist: Path, out: Path, seen: mmap.mmap) -> int:
    """A child that builds, and its id. It exits with status 0 if all went well."""
    seen[:3] = bytes(3)
    if (child := os.fork()) != 0:
        return child
    status = 1
    try:
        build(BuildRequest(listed, dist, out, thumbnail=THUMBNAIL), Watched(seen))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(child: int) -> int:
    """The child's exit status, or the negative signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_builds(listed: Path, older: Path, dist: Path, folder: Path) -> dict:
    """In a process of its own: KILLS builds killed, the next going on each time, then one that is let to end.

    Where the catalog's name holds other bytes than those of `older`, or of a build that nothing interrupted, it raises.
    """
    import jinja2  # noqa: F401 (paid once, before the forks)
    import onnxruntime  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    import export.text.clip_bpe  # noqa: F401
    from catalog_builder.index import character_tables

    character_tables.built()
    true, true_codes = engines.engine, quantize.quantise
    seen, rng, place = mmap.mmap(-1, 3), random.Random(SEED), folder / "killed"
    out, calm = place / "a.catalog", folder / "calm/a.catalog"

    def slowed(model, name):
        made_ = true(model, name)
        return replace(made_, encode=lambda squares: time.sleep(0.01) or made_.encode(squares))

    def fresh() -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        shutil.copy(older, out)

    engines.engine, embed.COMMIT, queries.MOST = slowed, 0.1, 8
    quantize.quantise = lambda *block: time.sleep(0.1) or true_codes(*block)     # the file's head is written by then
    for out_ in (calm, folder / "again/a.catalog"):          # the first also warms up: the second is measured
        started = time.monotonic()
        assert ended(forked(listed, dist, out_, seen)) == 0
        span = time.monotonic() - started
    states = [older.read_bytes(), calm.read_bytes()]
    fresh()
    places, ends, left, resumed = [], 0, 0, 0
    while len(places) < KILLS:
        child = forked(listed, dist, out, seen)
        time.sleep(rng.uniform(0, span))
        os.kill(child, signal.SIGKILL)       # one that has ended is not yet waited for: its id is still its own
        status = ended(child)
        assert status in (0, -signal.SIGKILL)
        assert out.read_bytes() in states[status == 0:]
        open_catalog(out).verify()
        resumed += 0 < seen[2] < 60
        left += any("partial" in one.name for one in place.iterdir())
        if status == 0:
            ends += 1
            fresh()
        else:
            places.append((seen[0], min(seen[1], 1)))
    last = forked(listed, dist, out, seen)
    assert ended(last) == 0 and out.read_bytes() == states[1]
    engines.engine, quantize.quantise = true, true_codes
    again = made(listed, dist, out).computed
    return {"kills": len(places), "ends": ends, "left": left, "resumed": resumed, "places": sorted(set(places)),
            "again": again, "span": span, "files": sorted(one.name for one in place.iterdir())}


@pytest.mark.exhaustive
def test_fifty_builds_killed_at_random_moments_lose_nothing_but_time(dist, tmp_path):
    listed = few(tmp_path / "shop", 30, pictures=2)
    made(few(tmp_path / "older", 20), dist, tmp_path / "older.catalog")
    code = "import sys, json; from pathlib import Path; from tests import test_build; " \
           "print(json.dumps(test_build.kill_builds(*map(Path, sys.argv[1:]))))"
    answer = subprocess.run([sys.executable, "-c", code, listed, tmp_path / "older.catalog", dist, tmp_path / "kills"],
                            cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    facts = json.loads(answer.stdout)
    assert facts["kills"] == KILLS and facts["again"] == 0
    assert len(facts["places"]) >= 4, facts      # before the pictures, among them, and in steps after them
    assert facts["left"] and facts["resumed"], facts         # half a file, and half of the vectors
    assert facts["files"] == ["a.catalog", "a.embeddings", "a.html", "a.json"]


# Below the gate.

def coarse(block: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Three levels in place of 255."""
    rest = block.astype(np.float64) - offset
    scales = np.abs(rest).max(axis=1).astype(np.float32)
    return np.rint(rest / scales[:, None]).astype(np.int8), scales


def test_a_catalog_below_its_gate_is_not_written(dist, tmp_path, monkeypatch, capsys):
    listed, out = few(tmp_path / "shop", 30), tmp_path / "a.catalog"
    monkeypatch.setattr(quantize, "quantise", coarse)
    assert main(command(listed, dist, out)) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("catalog_builder: ") and "recall@10" in said and "the catalog was not written" in said
    assert sorted(one.name for one in tmp_path.iterdir() if one.name != "shop") == [
        "a.embeddings", "a.red.html", "a.red.json"]


def test_a_catalog_below_its_gate_leaves_the_old_one_as_it_was(dist, tmp_path, monkeypatch):
    listed, out = few(tmp_path / "shop", 30), tmp_path / "a.catalog"
    made(listed, dist, out)
    before = {one: one.read_bytes() for one in tmp_path.glob("a.[chj]*")}
    monkeypatch.setattr(quantize, "quantise", coarse)
    assert main(command(listed, dist, out)) == 1
    assert len(before) == 3 and all(one.read_bytes() == content for one, content in before.items())


def test_force_writes_it_and_the_page_says_so(dist, tmp_path, monkeypatch):
    listed, out = few(tmp_path / "shop", 30), tmp_path / "a.catalog"
    monkeypatch.setattr(quantize, "quantise", coarse)
    assert main(command(listed, dist, out, "--force")) == 0
    open_catalog(out).verify()
    assert "FAILED, written by --force" in out.with_suffix(".html").read_text()
    assert not all(one["passed"] for one in json.loads(out.with_suffix(".json").read_text())["recall"])


# Engines.

def test_torch_and_onnx_agree(dist):
    model = engines.opened(dist)
    squares = [model.square(SHOP / f"pictures/D00{i}-a.jpg")[None] for i in range(10, 18)]
    torch_, onnx = (engines.engine(model, name) for name in ("torch", "onnx"))
    assert torch_.identity != onnx.identity
    for square in squares:
        one, other = torch_.encode(square), onnx.encode(square)
        assert one.dtype == other.dtype == np.float32 and np.abs(one - other).max() <= 1e-5
        assert abs(np.linalg.norm(one) - 1) < 1e-5


def test_bfloat16_is_refused_where_the_processor_lacks_it(dist, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engines, "has_bfloat16", lambda: False)
    said = refusal(command(few(tmp_path / "shop", 2), dist, tmp_path / "a.catalog", "--engine", "bfloat16"), capsys)
    assert "no bfloat16 arithmetic" in said and "--engine onnx" in said


def test_what_bfloat16_loses_is_measured(dist):
    import torch

    model = engines.opened(dist)
    fast, true = (engines._eager(model, "cpu", kind) for kind in (torch.bfloat16, None))
    assert engines.bfloat16_loss(true, true, 64) > 0.999999
    assert 0.99 < engines.bfloat16_loss(fast, true, 64) < 0.999999


def test_cuda_is_refused_without_a_device(dist, tmp_path, monkeypatch, capsys):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    said = refusal(command(few(tmp_path / "shop", 2), dist, tmp_path / "a.catalog", "--engine", "cuda"), capsys)
    assert "no CUDA device" in said and "--engine onnx" in said


def test_a_driver_without_a_device_leaves_auto_with_onnx(dist, monkeypatch):
    import torch

    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "onnxruntime" in engines.engine(engines.opened(dist)).identity


def test_batches_give_the_vectors_of_single_pictures(dist, tmp_path):
    few(tmp_path / "shop", 10)
    paths = [tmp_path / f"shop/pictures/D{i:04}-a.jpg" for i in range(1, 11)]
    paths[4].write_bytes(b"no picture")
    model, lengths = engines.opened(dist), []
    single = engines.engine(model, "onnx")

    def encode(squares):
        lengths.append(len(squares))
        return np.concatenate([single.encode(square[None]) for square in squares])

    def vectors(engine):
        store, counter = Store(tmp_path / "a.embeddings", engine.identity, THUMBNAIL.kind), Counter(lambda _: None)
        embedder = Embedder(engine, model.preprocessing, THUMBNAIL)
        digests = embed.run(paths, tmp_path / "shop", embedder, store, counter)
        assert counter.done == counter.computed == 10 and "not a picture" in store.fault(digests[paths[4]])
        found = store.vectors([digests[path] for path in paths if path != paths[4]])
        store.close()
        return found

    assert np.array_equal(vectors(Engine("four", encode, batch=4)), vectors(single))
    assert set(lengths) == {4}


# Queries.

@pytest.mark.parametrize("count", [10, 11])
def test_recall_is_measured_only_where_a_product_can_be_missed(dist, tmp_path, capsys, count):
    out = tmp_path / "a.catalog"
    assert main(command(few(tmp_path / "shop", count), dist, out)) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "text" in line)
    figures = json.loads(out.with_suffix(".json").read_text())["recall"]
    page = out.with_suffix(".html").read_text()
    assert all(one["top1"] == 1.0 and one["passed"] and one["recall10_tolerance"] == 0.002 for one in figures)
    assert [one["tolerant10"] is None for one in figures] == [count == 10] * 2
    assert [one["plain10"] is None for one in figures] == [count == 10] * 2
    assert row.count("–") == (2 if count == 10 else 0)
    assert ("no product can be missed" in page) == (count == 10)


def test_the_tolerance_of_recall_stands_beside_it(forty):
    _, out, answer = forty
    name = "tolerant recall@10 (within 0.002)"
    assert name in answer.stdout and f">{name}</th>" in out.with_suffix(".html").read_text()
    assert all(one["recall10_tolerance"] == 0.002 for one in json.loads(out.with_suffix(".json").read_text())["recall"])


def test_labelled_queries_calibrate_and_those_made_up_otherwise(dist, tmp_path):
    listed, out = few(tmp_path / "shop", 25), tmp_path / "a.catalog"
    made(listed, dist, out)
    assert open_catalog(out).calibration.source == "names"
    built = made(listed, dist, out, queries=few_queries(tmp_path / "asked", listed))
    assert open_catalog(out).calibration.source == "queries"
    assert [(one.kind, one.queries) for one in built.recalls] == [("text", 50), ("image", 50)]


def test_made_up_queries_know_all_right_answers(tmp_path):
    rows = rows_of(few(tmp_path / "shop", 4))
    rows[0]["category"] = rows[1]["category"] = rows[2]["name"] = "Fruit"
    rows[3]["category"] = ""
    asked = queries.made_up(listing.read(table(tmp_path / "shop/products.csv", rows)).products)
    answers = dict(zip(asked.text.queries, asked.text.answers, strict=True))
    assert answers["Fruit"] == {0, 1, 2} and answers[rows[3]["name"]] == {3} and "" not in answers


QUERY_FAULTS = {
    "a wrong column": (b"kind,query,item\ntext,pear,D0001\n", "expected kind,query,product"),
    "a wrong kind": (b"kind,query,product\nsound,pear,D0001\n", "line 2"),
    "a row cut short": (b"kind,query,product\ntext,pear,D0001\ntext\n", "line 3"),
    "a missing picture": (b"kind,query,product\npicture,gone.jpg,D0001\n", "gone.jpg"),
    "unknown products": (b"kind,query,product\ntext,pear,X1\n", "no query is for a product of the list"),
    "no query": (b"kind,query,product\n", "no query is for a product of the list"),
    "another encoding": ("kind,query,product\ntext,Äpfel,D0001\n".encode("latin-1"), "expected CSV in UTF-8"),
    "no file": (None, "queries cannot be read"),
}


@pytest.mark.parametrize("name", QUERY_FAULTS)
def test_bad_queries_are_refused_before_the_work(dist, tmp_path, capsys, name):
    content, words = QUERY_FAULTS[name]
    if content is not None:
        (tmp_path / "queries.csv").write_bytes(content)
    arguments = command(few(tmp_path / "shop", 2), dist, tmp_path / "a.catalog", "--queries",
                        str(tmp_path / "queries.csv"))
    said = refusal(arguments, capsys)
    assert words in said and "queries.csv" in said and not list(tmp_path.glob("a.*"))


def test_a_query_picture_that_is_none_is_one_line(dist, tmp_path, capsys):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    asked = table(tmp_path / "queries.csv", [{"kind": "picture", "query": "bad.jpg", "product": "D0001"}])
    said = refusal(command(few(tmp_path / "shop", 2), dist, tmp_path / "a.catalog", "--queries", str(asked)), capsys)
    assert "bad.jpg" in said and "not a picture" in said


# Dates, and what else the command line takes.

def test_the_date_stands_in_the_file_only_where_it_was_given(dist, tmp_path, monkeypatch):
    listed = few(tmp_path / "shop", 2)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    made(listed, dist, tmp_path / "dated.catalog")
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    made(listed, dist, tmp_path / "plain.catalog")
    assert open_catalog(tmp_path / "dated.catalog").metadata["created"] == "2023-11-14T22:13:20+00:00"
    assert "created" not in open_catalog(tmp_path / "plain.catalog").metadata


def test_a_date_that_is_none_is_refused_before_the_work(dist, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    said = refusal(command(few(tmp_path / "shop", 2), dist, tmp_path / "a.catalog"), capsys)
    assert "SOURCE_DATE_EPOCH" in said and not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize("more, words", [
    (["--engine", "tpu"], "invalid choice"), (["--thumbnails", "-1"], "0 (none) to 1024"),
    (["--thumbnails", "1025"], "0 (none) to 1024"), (["--thumbnail-quality", "0"], "invalid choice"),
    (["--products", "nowhere.csv"], "nowhere.csv"), (["--model", "nowhere"], "unknown model 'nowhere'")])
def test_bad_arguments_are_one_line(dist, tmp_path, capsys, more, words):
    said = refusal(command(few(tmp_path / "shop", 2), dist, tmp_path / "a.catalog", *more), capsys)
    assert words in said


def test_a_folder_in_the_stores_place_is_refused(tmp_path):
    (tmp_path / "a.embeddings").mkdir()
    with pytest.raises(InputError, match="a.embeddings"):
        Store(tmp_path / "a.embeddings", "e", "")
