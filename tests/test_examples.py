"""The examples in the docstrings of the main entry points hold. Quick: none of these modules imports torch."""

import doctest
import importlib
from pathlib import Path

import pytest

from export.common.specs import CLIP_TEXT
from export.text import families

EXPORT = ("export.common.errors", "export.formats.job", "export.pictures.preprocess", "export.text.tokenizer",
          "export.weights.lookup")
FIELDS = tuple(f"catalog_builder.fields.{name}" for name in ("html_text", "price_cells", "prices", "values"))
OTHERS = (*FIELDS, "catalog_builder.pictures.addresses", "catalog_builder.pictures.picture_names",
          "catalog_builder.pictures.picture_patterns")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with dist/demo/tokenizer.safetensors, in which the examples run."""
    folder = tmp_path_factory.mktemp("examples")
    families.write_asset(CLIP_TEXT, folder / "dist" / "demo" / "tokenizer.safetensors")
    return folder


@pytest.mark.parametrize("name", [*EXPORT, *OTHERS])
def test_the_examples_of_a_module_hold(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted and not failed
