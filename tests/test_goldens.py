"""Golden vectors: this project's own code gives them, the references still do, and fresh ones can be made.

The folder is parity/goldens, or the one that the environment variable GOLDENS names. One that is missing fails.
"""

import json
import os
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalog_builder.goldens import PARTS
from catalog_builder.update_goldens.__main__ import NAME as UPDATES
from export.common import files
from export.common.specs import CLIP_TEXT
from export.pictures.preprocess import resize_crop
from export.pictures.resample import MOST_SHRUNK, rows_first
from export.text.families import reference_ids, write_asset
from export.text.tokenizer import encode_all, load
from export.weights import checkpoint, lookup
from parity import goldens, hostile
from parity.gate.pixels import by_pillow
from parity.gate.reference import Reference
from tests.conftest import run_module
from tests.pictures import saved

FOLDER = Path(os.environ.get("GOLDENS", goldens.OUT))


def kept(name):
    return json.loads((FOLDER / name).read_text(encoding="ascii"))


def read_rgb(path, height, width):
    return np.frombuffer(path.read_bytes(), np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize(("name", "length"), [("tokens.json", 77), ("tokens-32.json", 32)])
def test_the_tokenizer_gives_the_golden_ids(name, length, tmp_path):
    golden = kept(name)
    write_asset(replace(CLIP_TEXT, context_length=length), tmp_path / "tokenizer.safetensors")
    rows, tokenizer = golden["texts"], load(tmp_path / "tokenizer.safetensors")
    assert len(rows) >= 1 and tokenizer.context_length == length
    for row, ids in zip(rows, encode_all(tokenizer, [row["text"] for row in rows]), strict=True):
        assert ids.tolist() == row["ids"] + [0] * (length - len(row["ids"])), ascii(row["text"])


@pytest.mark.parametrize(("folder", "resize"), [("preprocess", "shortest"), ("squash", "squash")])
def test_the_preprocessing_gives_the_golden_bytes(folder, resize):
    cases = kept(f"{folder}/index.json")["cases"]
    assert len(cases) >= 1 and {case.get("resize", "shortest") for case in cases} == {resize}
    for case in cases:
        rgb = read_rgb(FOLDER / folder / f"{case['name']}.in.rgb", case["height"], case["width"])
        expected = read_rgb(FOLDER / folder / f"{case['name']}.out.rgb", case["size"], case["size"])
        settings = goldens.settings(case["size"], case["interpolation"], resize)
        np.testing.assert_array_equal(resize_crop(rgb, settings), expected, err_msg=case["name"])


def test_pytorch_gives_the_golden_embeddings_of_the_demo_model():
    golden, spec = kept("embeddings-demo.json"), lookup.find("demo")
    reference = Reference(spec, checkpoint.locate(spec))
    texts = reference.texts(reference_ids(CLIP_TEXT, [row["text"] for row in golden["texts"]]))
    squares = np.stack([read_rgb(FOLDER / "preprocess" / f"{row['preprocess']}.out.rgb", 64, 64)
                        for row in golden["pictures"]])
    for found, side in ((texts, "texts"), (reference.images(squares), "pictures")):
        assert len(found) >= 1
        assert np.abs(found - np.array([row["embedding"] for row in golden[side]])).max() < 1e-5


@pytest.mark.parametrize(("name", "counts"), [("tokens.json", {2, 3, 75, 76, 77}),
                                             ("tokens-32.json", {2, 3, 30, 31, 32})])
def test_the_committed_goldens_are_wide(name, counts):
    rows = json.loads((goldens.OUT / name).read_text())["texts"]
    texts = [row["text"] for row in rows]
    found = {len(row["ids"]) for row in rows}
    assert len(texts) >= 400 and counts <= found and max(found) == max(counts) and "" in texts
    assert {unicodedata.normalize(form, "r\u00e9sum\u00e9") for form in ("NFC", "NFD")} <= set(texts)
    joined = "".join(texts)
    for wanted in ("&amp;amp;", "\u2019", "\u200d", "\u200b", "\t", "\n", "\u8d64", "\u0641", "\u0e0a", "\U0001f457"):
        assert wanted in joined, ascii(wanted)
    assert files.size(goldens.OUT) < 5_000_000


@pytest.mark.slow
def test_two_runs_give_the_committed_bytes_and_a_seed_gives_others(tmp_path):
    assert run_module("parity.goldens", "--out", str(tmp_path / "again")).returncode == 0
    for path in files.files_of(goldens.OUT):
        name = path.relative_to(goldens.OUT)                 # the catalog builder writes PARTS and UPDATES
        if name.parts[0] not in {*PARTS, UPDATES} and not name.name.startswith("embeddings"):  # these vary by processor
            assert (tmp_path / "again" / name).read_bytes() == path.read_bytes(), name
    assert hostile.generate(20, seed=0) == hostile.generate(20, seed=0) != hostile.generate(20, seed=1)


@pytest.mark.slow
def test_own_texts_and_pictures_make_fresh_goldens(tmp_path):
    (tmp_path / "texts.txt").write_text("blue kettle\nrouge\n", encoding="utf-8")
    (tmp_path / "pictures").mkdir()
    from PIL import Image

    (tmp_path / "pictures" / "one.png").write_bytes(saved(Image.new("RGB", (90, 70), (1, 2, 3))))
    answer = run_module("parity.goldens", "--out", str(tmp_path / "fresh"), "--texts", str(tmp_path / "texts.txt"),
                        "--pictures", str(tmp_path / "pictures"))
    assert answer.returncode == 0, answer.stderr
    rows = json.loads((tmp_path / "fresh" / "tokens.json").read_text())["texts"]
    assert [row["text"] for row in rows] == ["blue kettle", "rouge"]
    assert len(json.loads((tmp_path / "fresh" / "embeddings-demo.json").read_text())["pictures"]) == 1


@pytest.mark.parametrize("arguments", [["--texts", "no/such.txt"], ["--pictures", "no/such"], ["--model", "nosuch"]])
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, arguments):
    answer = run_module("parity.goldens", "--out", str(tmp_path / "out"), *arguments)
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_squashed_goldens_cover_every_order_of_the_passes_and_the_limit():
    cases = json.loads((goldens.OUT / "squash" / "index.json").read_text())["cases"]
    shapes = [(case["height"], case["width"], case["size"]) for case in cases]
    first = [rows_first((height, width), (size, size)) for height, width, size in shapes]
    assert True in first and False in first
    assert {(height > size, width > size) for height, width, size in shapes} >= {(True, False), (False, True)}
    assert any(height == size or width == size for height, width, size in shapes)
    assert {max(height, width) / size for height, width, size in shapes} >= {1, MOST_SHRUNK}


@pytest.mark.parametrize("resize", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_a_thousand_random_pictures_and_sizes_give_pillows_bytes(interpolation, resize):
    rng, up, down = np.random.default_rng(len(interpolation)), 0, 0
    for _ in range(1000):
        rows, columns = (int(np.exp(rng.uniform(0, np.log(400)))) for _ in range(2))
        size = int(np.exp(rng.uniform(0, np.log(160))))
        if resize == "shortest" and size * max(rows, columns) > 40_000 * min(rows, columns):
            size = 8                         # Pillow computes the whole strip
        rgb = rng.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        up, down = up + (size > min(rows, columns)), down + (size < min(rows, columns))
        settings = goldens.settings(size, interpolation, resize)
        np.testing.assert_array_equal(resize_crop(rgb, settings), by_pillow(rgb, settings),
                                      err_msg=f"{rgb.shape} to {size}")
    assert up > 200 and down > 200
