"""The demo model, exported once a session in every format and precision: what the slow tests share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run_module(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """`python -m …` from the repository's root, as the Makefile calls it."""
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | environment)


@pytest.fixture(scope="session")
def exported(tmp_path_factory) -> Path:
    """dist/demo with twelve artefacts and no verdicts yet. Do not change it: copy it."""
    out = tmp_path_factory.mktemp("dist")
    answer = run_module("export", "--precision", "fp32,fp16", "--out", str(out))
    assert answer.returncode == 0, answer.stderr
    return out / "demo"
