"""Catalogs are built and searched in an environment of their own, of at most 0.7 GB: no heavier package is imported."""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.conftest import ROOT

LOCK, WHOLE = ROOT / "requirements-catalog.lock", ROOT / "requirements.lock"
MOST = 0.7e9                                 # bytes
GUARD = """
import sys
from importlib.abc import MetaPathFinder
blocked = set({blocked!r})
class Guard(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{{name}} is not in the light environment", name=name)
sys.meta_path.insert(0, Guard())
from catalog_builder.__main__ import main
sys.exit(next((status for call in {calls!r} if (status := main(call))), 0))
"""


def pins(lock: Path) -> dict[str, str]:
    """The version of each distribution in a lock."""
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def outside() -> set[str]:
    """The importable names of this environment that no distribution of the light lock gives."""
    light = set(pins(LOCK))
    return {name for name, given in metadata.packages_distributions().items()
            if not {re.sub(r"[-_.]+", "-", one).lower() for one in given} & light}


def test_the_light_lock_pins_what_the_whole_lock_pins():
    light, whole = pins(LOCK), pins(WHOLE)
    assert len(light) > 10 and {name: whole.get(name) for name in light} == light
    assert not {"torch", "coremltools", "scikit-learn", "scipy"} & set(light)


def test_the_guard_keeps_a_heavy_package_out():
    assert {"torch", "sklearn", "coremltools"} <= outside() and not {"numpy", "PIL", "onnxruntime"} & outside()
    code = GUARD.format(blocked=sorted(outside()), calls=[]) .replace("sys.exit", "import sklearn; sys.exit")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 1 and "sklearn is not in the light environment" in answer.stderr


def test_building_and_searching_import_no_heavier_package(gated, tmp_path):
    dist, catalog = Path(shutil.copytree(gated[0], tmp_path / gated[0].name)), str(tmp_path / "shop.catalog")
    model = ["--dist", str(dist.parent), "--model", dist.name]
    picture = str(ROOT / "demo" / "shop" / "pictures" / "D0001-a.jpg")
    calls = [["inspect", "demo/shop/products.csv"],
             ["build", *model, "--catalog", catalog, "--queries", "demo/shop/queries.csv"],
             ["search", *model, "--catalog", catalog, "--text", "a red apple", "--image", picture],
             ["search", *model, "--catalog", catalog, "--like", "D0001"],
             ["labels", *model, "--image", picture, "--names", "grapes,lemon"],
             ["duplicates", *model, "--catalog", catalog], ["verify", *model, "--catalog", catalog],
             ["compare", "--dist", str(dist.parent), "--products", "demo/shop/products.csv"],
             ["bundle", *model, "--catalog", catalog, "--out", str(tmp_path / "bundle")]]
    code = GUARD.format(blocked=sorted(outside()), calls=calls)
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_the_light_environment_is_small():
    venv = Path(os.environ.get("CATALOG_VENV", ROOT / ".venv-catalog"))
    if not (venv / ".ready").exists():
        pytest.skip(f"no light environment in {venv}: make inspect VENV=none makes it")
    size = sum(path.lstat().st_size for path in venv.rglob("*") if path.is_file() and not path.is_symlink())
    assert size <= MOST, f"{size / 1e9:.2f} GB"
