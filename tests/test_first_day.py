"""First days: the README's commands, word for word, in a folder of their own.

A shop's staff have no exporter; an ML engineer has weights.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

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


@pytest.fixture
def bench(gated, tmp_path) -> Path:
    """A folder with the project, the demo's export and weights of the same network, 1 % larger in one tensor."""
    made = shutil.ignore_patterns(".*", "dist", "target", "node_modules", "__pycache__")
    shutil.copytree(ROOT, tmp_path, ignore=made, dirs_exist_ok=True)
    shutil.copytree(gated[0], tmp_path / "dist" / "demo")
    weights = load_file(ROOT / "demo" / "weights.safetensors")
    save_file(weights | {"text.text_projection": weights["text.text_projection"] * 1.01}, tmp_path / "ours.safetensors")
    return tmp_path


@pytest.mark.exhaustive
def test_an_engineers_weights_become_what_app_developers_get(bench):
    """Two of the three formats, for time."""
    given = os.environ | {"VENV": sys.prefix, "FORMATS": "coreml,onnx"}
    for command in commands("From your weights to your apps"):
        answer = subprocess.run(command, cwd=bench, shell=True, capture_output=True, text=True, env=given)
        assert answer.returncode == 0, f"{command}: {answer.stdout}{answer.stderr}"
    made = json.loads((bench / "for-the-apps" / "ios" / "manifest.json").read_text(encoding="utf-8"))
    assert (made["model"], made["licence"]["name"], made["licence"]["source"]) == ("ours", "Apache-2.0", "given")
    assert made["catalog"]["digest"] == open_catalog(bench / "for-the-apps" / "ios" / "shop.catalog").metadata["sha256"]
    assert "ours" in (bench / "dist" / "compare.html").read_text(encoding="utf-8")
