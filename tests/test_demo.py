"""The bundled demo model and the sample shop, as they lie in the repository."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

from demo import glyphs as artwork
from demo.drawing import QUERY, TRAINING, draw
from demo.evaluate import WEIGHTS, load_demo, measure
from demo.shop import CURRENCY, PRODUCT_FIELDS, SHOP_FOLDER, build_shop
from demo.train import encode_short_text
from demo.wording import QUERY_TEMPLATES, TRAINING_TEMPLATES, fill
from export.common.errors import InputError
from export.weights.checkpoint import reparameterise
from export.weights.networks.demo import build_demo

MEGABYTES_ALLOWED = 10
FIRST_TEXT, FIRST_FIVE_TEXT, FIRST_PICTURE = 0.85, 0.97, 0.92      # recall that the shop must show


@pytest.fixture(scope="module")
def model():
    return load_demo()


@pytest.fixture(scope="module")
def products() -> list[dict[str, str]]:
    with (SHOP_FOLDER / "products.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def queries() -> list[dict[str, str]]:
    with (SHOP_FOLDER / "queries.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_weights_have_exactly_the_networks_keys():
    build_demo().load_state_dict(load_file(WEIGHTS), strict=True)


def test_weights_are_small_and_half_precision():
    assert WEIGHTS.stat().st_size <= MEGABYTES_ALLOWED * 1_000_000
    with safe_open(WEIGHTS, framework="numpy") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 (not a dictionary)
    assert kinds == {"F16", "I64"}


def test_every_weight_is_finite():
    assert all(torch.isfinite(value).all() for value in load_file(WEIGHTS).values())


def test_network_has_both_kinds_of_stages(model):
    kinds = {type(module).__name__ for module in model.visual.modules()}
    assert {"RepMixerBlock", "AttentionBlock", "MobileOneBlock"} <= kinds


def test_network_reparameterises_to_the_same_function(model):
    pixels = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        change = (model.encode_image(pixels) - reparameterise(model).encode_image(pixels)).abs().max()
    assert change < 1e-5


def test_short_text_of_the_training_equals_the_whole_context(model):
    ids = torch.zeros(2, 77, dtype=torch.long)
    ids[:, :5] = torch.tensor([[49406, 320, 3055, 49407, 0], [49406, 1929, 0, 0, 0]])
    ids[1, 2] = 49407
    with torch.inference_mode():
        whole, short = model.encode_text(ids), encode_short_text(model, ids[:, :32])
    torch.testing.assert_close(whole, short, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_recall_on_the_shop_meets_the_targets(model):
    recall = measure(model)
    assert recall.texts >= 500
    assert recall.pictures >= 500
    assert recall.text_at_1 >= FIRST_TEXT
    assert recall.text_at_5 >= FIRST_FIVE_TEXT
    assert recall.picture_at_1 >= FIRST_PICTURE


def test_products_are_well_formed(products):
    assert len(products) >= 300
    assert len({row["id"] for row in products}) == len(products)
    assert len({row["name"] for row in products}) == len(products)
    for row in products:
        assert tuple(row) == PRODUCT_FIELDS
        assert all(row.values()), row
        assert row["currency"] == CURRENCY
        assert float(row["price"]) > 0
    assert len({row["category"] for row in products}) >= 12


def test_every_product_has_two_readable_pictures_or_more(products):
    for row in products:
        names = row["pictures"].split("|")
        assert len(set(names)) == len(names) >= 2
        for name in names:
            assert not Path(name).is_absolute()
            with Image.open(SHOP_FOLDER / name) as picture:
                assert (picture.format, picture.mode) == ("JPEG", "RGB")


def test_pictures_are_small_and_not_all_square(products):
    names = [name for row in products for name in row["pictures"].split("|")]
    assert all((SHOP_FOLDER / name).stat().st_size < 32_000 for name in names)
    assert sum(path.stat().st_size for path in SHOP_FOLDER.rglob("*") if path.is_file()) <= 10_000_000
    sizes = []
    for name in names[:50]:
        with Image.open(SHOP_FOLDER / name) as picture:
            sizes.append(picture.size)
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)


def test_every_query_has_an_answer_and_every_kind_five_hundred(products, queries):
    assert {row["product"] for row in queries} == {row["id"] for row in products}
    counts = Counter(row["kind"] for row in queries)
    assert set(counts) == {"text", "picture"}
    assert min(counts.values()) >= 500
    assert all((SHOP_FOLDER / row["query"]).is_file() for row in queries if row["kind"] == "picture")


def test_no_query_picture_is_a_catalog_picture(products, queries):
    def digest(name: str) -> bytes:
        return hashlib.sha256((SHOP_FOLDER / name).read_bytes()).digest()

    shown = {digest(name) for row in products for name in row["pictures"].split("|")}
    asked = [digest(row["query"]) for row in queries if row["kind"] == "picture"]
    assert len(set(asked)) == len(asked)
    assert not shown & set(asked)


def test_query_wordings_are_never_trained_on():
    assert not set(QUERY_TEMPLATES) & set(TRAINING_TEMPLATES)
    for name in ("red apple", "jeans"):
        trained = {fill(template, name).lower() for template in TRAINING_TEMPLATES}
        assert not trained & {fill(template, name).lower() for template in QUERY_TEMPLATES}


def test_same_seed_draws_the_same_picture_and_another_seed_another():
    glyph = Image.new("RGBA", (136, 136), (200, 40, 40, 255)).convert("RGBa")
    pictures = [draw(glyph, QUERY, np.random.default_rng(seed)).tobytes() for seed in (5, 5, 6)]
    assert pictures[0] == pictures[1] != pictures[2]
    assert min(draw(glyph, TRAINING, np.random.default_rng(1)).size) >= 64


def test_missing_font_names_the_package_to_install(tmp_path):
    with pytest.raises(InputError, match="apt-get install fonts-noto-color-emoji"):
        artwork.read_font(tmp_path / "NotoColorEmoji.ttf")


@pytest.mark.skipif(not artwork.FONT.is_file(), reason="could not run, because fonts-noto-color-emoji is not installed")
def test_shop_is_drawn_again_to_the_same_bytes(tmp_path, monkeypatch):
    few = {"Food": artwork.SHOP["Fruit and vegetables"][:3]}
    monkeypatch.setattr(artwork, "SHOP", few)
    folders = [tmp_path / "first", tmp_path / "second"]
    assert [build_shop(folder) for folder in folders] == [3, 3]
    files = [{path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
             for folder in folders]
    assert files[0] == files[1]
