"""Vectors for a server: what a Parquet file holds, and that the example of vectors.md runs and ranks as they do."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from catalog_builder.__main__ import main
from catalog_builder.builder import quantize
from catalog_builder.catalog.reader import open_catalog
from export.artifacts import manifest
from tests.conftest import ROOT
from tests.test_build import few, made, refusal, rows_of

PAGE = ROOT / "catalog_builder/vectors.md"


@pytest.fixture(scope="module")
def scene(gated, tmp_path_factory):
    """A list, the model, its catalog and its Parquet file."""
    dist, answer = gated
    assert answer.returncode == 0, answer.stdout + answer.stderr
    folder = tmp_path_factory.mktemp("vectors")
    listed = few(folder / "shop", 30, pictures=2)
    options = ["--products", str(listed), "--dist", str(dist.parent), "--model", dist.name,
               "--catalog", str(folder / "shop.catalog")]
    assert main(["vectors", "--out", str(folder / "shop.parquet"), *options]) == 0
    built = made(listed, dist, folder / "shop.catalog")
    assert built.computed == 0               # both use what the other computed
    return listed, dist, open_catalog(folder / "shop.catalog"), folder / "shop.parquet", options


def test_each_picture_has_a_row_with_the_vector_that_the_catalog_quantises(scene):
    listed, dist, catalog, path, _ = scene
    table = parquet.read_table(path)
    vectors = np.stack(table["vector"].to_numpy())
    assert vectors.dtype == np.float32 and vectors.shape == (catalog.rows, catalog.dim)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5
    assert np.abs(vectors - catalog.vectors(slice(None))).max() <= catalog.scales.max() / 2 * 1.001
    about = {name.decode(): text.decode() for name, text in table.schema.metadata.items()}
    assert about["space"] == manifest.read(dist).space and about["metric"] == "cosine"
    assert table["row"].to_pylist() == list(range(catalog.rows))
    assert table["record"].to_pylist() == [catalog.raw(owner).decode() for owner in catalog.owners]
    given = {row["id"]: row for row in rows_of(listed)}
    for row in table.to_pylist():
        assert (row["name"], row["category"]) == (given[row["product"]]["name"], given[row["product"]]["category"])
        assert row["price"] == Decimal(given[row["product"]]["price"])
        assert json.loads(row["record"])["id"] == row["product"]


def test_the_example_of_the_page_runs_and_ranks_as_the_vectors_do(scene):
    _, _, _, path, _ = scene
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    answer = subprocess.run([sys.executable, "-c", example], cwd=path.parent, capture_output=True, text=True,
                            check=True)
    table = parquet.read_table(path)
    vectors, products = np.stack(table["vector"].to_numpy()), table["product"].to_pylist()
    order = np.argsort(-(vectors @ vectors[0]), kind="stable")
    expected = list(dict.fromkeys(products[row] for row in order))[:10]
    assert [line.split()[0] for line in answer.stdout.splitlines()[1:]] == expected


def test_rows_that_are_written_block_by_block_are_the_same(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(quantize, "BLOCK", 7)
    assert main(["vectors", "--out", str(tmp_path / "blocks.parquet"), *scene[4]]) == 0
    assert parquet.read_table(tmp_path / "blocks.parquet").equals(parquet.read_table(scene[3]))


def test_another_ending_is_refused(scene, tmp_path, capsys):
    assert "no name for the vectors" in refusal(["vectors", "--out", str(tmp_path / "a.csv"), *scene[4]], capsys)
    assert not list(Path(tmp_path).iterdir())
