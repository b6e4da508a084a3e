"""The browser app's modules have types, in JSDoc, and TypeScript's compiler finds no fault in them."""

import json
import subprocess

import pytest

from export.common import node
from export.common.errors import InputError
from tests.conftest import ROOT

WEB = ROOT / "web_sample"
SCRIPTS = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["scripts"]
PROJECTS = [call.split("-p ")[1] for call in SCRIPTS["types"].split(" && ")]


def tsc(*arguments: str) -> subprocess.CompletedProcess:
    """TypeScript's compiler in the app's folder; the test is skipped where it is missing."""
    try:
        if lack := node.lacks(WEB, development=True):
            pytest.skip(f"not run, because there is no {lack} in web_sample/node_modules: make npm fetches it")
        program = node.found().node
    except InputError as lack:
        pytest.skip(f"not run, because there is {lack}")
    return subprocess.run([*program, "node_modules/typescript/bin/tsc", *arguments], cwd=WEB, capture_output=True,
                          text=True, env=node.environment())


@pytest.mark.parametrize("project", PROJECTS)
def test_no_module_has_a_fault_of_types(project):
    answer = tsc("-p", project)
    assert answer.returncode == 0, answer.stdout


def test_every_module_is_in_one_of_the_projects():
    seen = {line for project in PROJECTS for line in tsc("-p", project, "--listFilesOnly").stdout.splitlines()}
    folders = ("search", "runtimes", "shop", "update", "app", "tests")
    written = {str(path) for folder in folders for path in (WEB / folder).rglob("*.js")}
    assert len(written) > 30 and written - seen == set()


def test_a_fault_is_found(tmp_path):
    (tmp_path / "a.js").write_text("/** @param {string} text */\nexport const length = (text) => text.lenght;\n")
    (tmp_path / "tsconfig.json").write_text(json.dumps({"extends": str(WEB / "tsconfig.json"), "include": ["*.js"]}))
    answer = tsc("-p", str(tmp_path))
    assert answer.returncode and "'lenght' does not exist" in answer.stdout
