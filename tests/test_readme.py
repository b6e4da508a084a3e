"""The READMEs' commands enter; make and the command lines take each of them, word for word, and the rest says why not.

What the commands do is in test_first_day.py and, here, the block on which model to choose.
"""

import csv
import hashlib
import importlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from export.common.errors import InputError
from tests.conftest import ROOT

READMES = ("README.md", "android_sample/README.md", "ios_sample/README.md", "CONTRIBUTING.md",
           "catalog_builder/cluster.md")
# In the place of an environment's Python: writes down what it is told to run, an argument to a line.
NOTES = """#!/bin/sh
for argument; do printf '%s\\n' "$argument"; done >> "$NOTED"
printf '\\036' >> "$NOTED"
"""
TOOLS = ("ruff", "mypy", "pytest")           # whose command lines are not ours


def commands(readme: str) -> list[str]:
    """What stands in the README's blocks of shell, and in its text with more than a target's name."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    spoken = [words for words in re.findall(r"`(make [a-z]+ [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
              if not re.search(r"[<…]|=$|= ", words)]
    return list(dict.fromkeys([line for line in lines if line.startswith("make ")] + spoken))


@pytest.fixture(scope="module")
def pretended(tmp_path_factory) -> Path:
    """An environment whose Python only writes down what it is told to run."""
    folder = tmp_path_factory.mktemp("environment")
    (folder / "bin").mkdir()
    python = folder / "bin" / "python"
    python.write_text(NOTES, encoding="utf-8")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    shutil.copy(ROOT / "requirements-ray.lock", folder)
    for marker, lock in ((".ready", "requirements.lock"), (".ready-publish", "requirements-publish.lock")):
        (folder / marker).write_text(hashlib.sha256((ROOT / lock).read_bytes()).hexdigest())
    return folder


@pytest.mark.parametrize("command", list(dict.fromkeys(command for readme in READMES for command in commands(readme))))
def test_a_command_is_one_that_make_and_the_command_lines_take(pretended, tmp_path, command):
    assert "clean" not in command.split()
    answer, told = noted(command, pretended, tmp_path)
    assert answer.returncode == 0 and (told or command == "make help"), answer.stderr
    for module, *arguments in told:
        parse(module, arguments)


@pytest.mark.parametrize("command", ["make exports", "make export WORKERS=nine", "make prove PLATFORM=windows"])
def test_a_command_that_is_none_is_seen(pretended, tmp_path, command):
    answer, told = noted(command, pretended, tmp_path)
    with pytest.raises((InputError, subprocess.CalledProcessError)):
        for module, *arguments in told:
            parse(module, arguments)
        answer.check_returncode()


def noted(command: str, pretended: Path, folder: Path) -> tuple[subprocess.CompletedProcess, list[list[str]]]:
    """make's answer in this repository, and the modules that it would run, each with its arguments."""
    given = {name: value for name, value in os.environ.items() if name not in ("STRICT", "ALL")}
    notes = folder / "noted"
    notes.touch()
    answer = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True,
                            env=given | {"VENV": str(pretended), "RAY_VENV": str(pretended), "NOTED": str(notes)})
    runs = [run.split("\n")[:-1] for run in notes.read_text(encoding="utf-8").split("\x1e") if run]
    assert all(run[0] == "-m" for run in runs)
    return answer, [run[1:] for run in runs]


def parse(module: str, arguments: list[str]) -> None:
    """Has a module's own command line take the arguments. Raises InputError if it refuses."""
    found = importlib.util.find_spec(module)
    assert found is not None, module
    if module not in TOOLS:
        inside = importlib.import_module(f"{module}.__main__" if found.submodule_search_locations else module)
        inside.parser().parse_args(arguments)


@pytest.mark.exhaustive
def test_which_model_for_my_shop(gated, tmp_path):
    """Three exports, a list and labelled queries, as the README asks."""
    made = shutil.ignore_patterns(".*", "dist", "target", "node_modules", "__pycache__")
    shutil.copytree(ROOT, tmp_path, ignore=made, dirs_exist_ok=True)
    for name in "abc":
        shutil.copytree(gated[0], tmp_path / "dist" / name)
    shop = ROOT / "demo" / "shop"
    with (shop / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:30]
    write(tmp_path / "shop.csv", rows)
    write(tmp_path / "queries.csv", [{"kind": "text", "query": row["name"], "product": row["id"]} for row in rows])
    shutil.copytree(shop / "pictures", tmp_path / "pictures")
    block = re.search(r"```sh\n(make compare MODELS=a,b,c.*?)\n", (ROOT / "README.md").read_text(encoding="utf-8"))
    answer = subprocess.run(block[1], shell=True, cwd=tmp_path, capture_output=True, text=True,
                            env=os.environ | {"VENV": sys.prefix})
    assert answer.returncode == 0, answer.stdout + answer.stderr
    page = (tmp_path / "dist" / "compare.html").read_text(encoding="utf-8")
    assert all(f">{name}<" in page for name in "abc")


def write(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
