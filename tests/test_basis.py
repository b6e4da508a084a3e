"""Verdicts hold for the code that gave them: an edit in any file that they depend on, at any depth, ends them."""

import shutil
import subprocess
import sys

from tests.sources import ROOT

SOURCES = {"export": (".py",), "parity": (".py", ".toml", ".j2")}
EDITS = """
import functools
from pathlib import Path
from export import plan
from parity import basis

plan.tool_versions = functools.cache(plan.tool_versions)       # slow, and not what is edited
before = basis._digest()
for name in Path("edited").read_text().splitlines():
    path = Path(name)
    content = path.read_bytes()
    path.write_bytes(content + b"\\n")
    print(basis._digest() != before, name)
    path.write_bytes(content)
deep = Path("parity/a/b/c/new.py")
deep.parent.mkdir(parents=True)
deep.touch()
print(basis._digest() != before, "a new file")
deep.unlink()
Path("parity/notes.md").touch()
print(basis._digest() == before, "a file that is no code")
"""


def test_an_edit_in_any_file_that_a_verdict_depends_on_changes_the_digest(tmp_path):
    names = []
    for stage, suffixes in SOURCES.items():
        for path in sorted((ROOT / stage).rglob("*")):
            if path.suffix in suffixes:
                names.append(path.relative_to(ROOT).as_posix())
                (tmp_path / names[-1]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, tmp_path / names[-1])
    assert {name.count("/") for name in names if name.startswith("parity/")} >= {1, 2}
    assert {name.count("/") for name in names if name.startswith("export/")} >= {1, 2, 3}
    (tmp_path / "edited").write_text("\n".join(names))
    answer = subprocess.run([sys.executable, "-c", EDITS], cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    said = answer.stdout.splitlines()
    assert len(said) == len(names) + 2 and [line for line in said if not line.startswith("True ")] == []
