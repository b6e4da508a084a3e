"""What the checks promise of themselves: nothing is skipped unseen, counts are as asked, what is left out gets less."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.sources import ROOT, of_stages

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_runs(say, repetitions, number):
    say(f"suite/{number}: {repetitions(5000)} repetitions")

def test_cannot_run():
    pytest.skip("no toolchain")

def test_of_a_kind(exported):
    raise AssertionError("slow, and asked for")
"""


def configuration() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]


def test_no_module_and_no_line_is_left_out_of_the_type_checks():
    assert [entry["module"] for entry in configuration()["overrides"] if entry.get("ignore_errors")] == []
    ignored = [module.name for module in of_stages()
               for _ in re.findall(r"#\\s*(?:type: ignore|mypy:)", module.path.read_text(encoding="utf-8"))]
    assert ignored == []


def test_every_stage_is_type_checked():
    assert {*configuration()["files"]} == {module.stage for module in of_stages()}
    assert not configuration().get("exclude") and not configuration().get("ignore_errors")


def run(folder, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """pytest on SUITE, with what this folder's tests share."""
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", ROOT / "pyproject.toml",
               "--rootdir", folder, *arguments, folder / "test_suite.py"]
    return subprocess.run(command, cwd=ROOT, env={"PATH": "", **environment}, capture_output=True, text=True)


@pytest.mark.parametrize(("workers", "environment", "count"), [
    ("0", {}, 2000), ("0", {"REPETITIONS": "9999"}, 5000), ("2", {"REPETITIONS": "7"}, 7)])
def test_what_a_test_says_stands_at_the_end_with_the_count_that_was_asked_for(tmp_path, workers, environment, count):
    answer = run(tmp_path, "-n", workers, "--dist", "loadfile", "-m", "repeated", **environment)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert [line for line in answer.stdout.splitlines() if line.startswith("suite/")] == [
        f"suite/{number}: {count} repetitions" for number in range(4)]


@pytest.mark.parametrize(("strict", "status"), [("", 0), ("1", 1)])
def test_what_cannot_run_is_named_and_fails_where_the_run_is_strict(tmp_path, strict, status):
    answer = run(tmp_path, "-m", "not slow", STRICT=strict)
    assert answer.returncode == status and "no toolchain" in answer.stdout
    assert ("STRICT=1, and this could not run" in answer.stdout) == bool(status)
    assert "1 deselected" in answer.stdout                        # the one that exports


def test_the_changelog_and_the_project_name_the_same_version():
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == newest
