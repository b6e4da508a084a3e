"""A shop's staff on their first day: the README's commands, word for word, in a folder of their own, no exporter."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from catalog_builder.catalog.reader import open_catalog
from tests.conftest import ROOT
from tests.picture_server import served

NEEDED = ("Makefile", "requirements-catalog.lock", "export", "catalog_builder")


def commands(heading: str) -> list[str]:
    """The commands of the first block below a heading of the README, without their comments."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    return [line.partition("#")[0].strip() for line in block[1].splitlines()]


@pytest.fixture
def desk(gated, tmp_path) -> Path:
    """A folder with the sources of the catalog builder and an exported model, as somebody handed them over."""
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    shutil.copytree(gated[0], tmp_path / "dist" / "demo")
    return tmp_path


@pytest.mark.parametrize("listed", ["shopify.csv", "woocommerce.csv"])
def test_a_shops_export_becomes_a_catalog_that_answers(desk, listed):
    light = Path(os.environ.get("CATALOG_VENV", ROOT / ".venv-catalog"))
    if not (light / ".ready").exists():
        pytest.skip(f"no light environment in {light}: make inspect VENV=none makes it")
    with served() as address:
        text = (ROOT / "tests" / "lists" / listed).read_text(encoding="utf-8").replace("http://shop.test", address)
        (desk / "shop.csv").write_text(text, encoding="utf-8")
        given = os.environ | {"VENV": "none", "CATALOG_VENV": str(light), "ALLOW_PRIVATE": "1"}
        said = ""
        for command in commands("A shop's own list"):
            answer = subprocess.run(command, cwd=desk, shell=True, capture_output=True, text=True, env=given)
            assert answer.returncode == 0, f"{command}: {answer.stderr}"
            said += answer.stdout
    catalog = open_catalog(desk / "dist" / "demo" / "shop.catalog")
    assert catalog.products >= 6 and catalog.currency == "EUR" and f"of {catalog.products} products in" in said
    assert not (desk / ".venv").exists()
