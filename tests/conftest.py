"""What the tests share: the demo model, exported and gated once in every format and precision, and STRICT=1."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run_module(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """`python -m …` from the repository's root, as the Makefile calls it."""
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | environment)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """STRICT=1: what could not run is a failure."""
    report = yield
    if report.skipped and os.environ.get("STRICT") == "1":
        report.outcome, report.longrepr = "failed", f"STRICT=1, and this could not run: {report.longrepr[2]}"
    return report


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """dist/demo with twelve artefacts and no verdicts yet. Do not change it: copy it."""
    out = tmp_path_factory.mktemp("dist")
    answer = run_module("export", "--precision", "fp32,fp16", "--out", str(out))
    assert answer.returncode == 0, answer.stderr
    return out / "demo"


@pytest.fixture(scope="session")
def gated(exported, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """dist/demo with the gate's verdicts, and what the gate said. Do not change it: copy it."""
    out = tmp_path_factory.mktemp("gated")
    shutil.copytree(exported, out / "demo")
    return out / "demo", run_module("parity", "--out", str(out))
