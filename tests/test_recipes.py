"""The recipes of CONTRIBUTING.md, tried on toys in a copy of the repository: what is edited, and what is new."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOYS = ROOT / "tests" / "fixtures"
pytestmark = pytest.mark.slow                # each exports and gates a toy
STAGES = ("export", "parity", "catalog_builder", "demo")


@pytest.fixture
def copy(tmp_path) -> Path:
    """The stages alone."""
    for stage in STAGES:
        shutil.copytree(ROOT / stage, tmp_path / stage, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "LICENSE", tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    """One edit of an existing file, where `old` stands once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(copy: Path, *arguments: str) -> str:
    """`python -m …` in the copy; what it prints."""
    answer = subprocess.run([sys.executable, "-m", *arguments], cwd=copy, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout


def test_a_new_format_takes_one_edited_file_and_two_new_ones(copy):
    (copy / "export" / "torchscript").mkdir()
    shutil.copy(TOYS / "toy_format" / "converter.py", copy / "export" / "torchscript" / "__init__.py")
    shutil.copy(TOYS / "toy_format" / "runner.py", copy / "export" / "runners" / "torchscript_runner.py")
    edit(copy / "export" / "formats" / "table.py", "(COREML, TFLITE, ONNX)", """(COREML, TFLITE, ONNX, Format(
    "torchscript", "TorchScript", ".pt", (), {"image": ("fp32",), "text": ("fp32",)},
    {"torch.jit": "export.torchscript"}, "export.runners.torchscript_runner", "torch", "torch", ("torch",),
    {"image": 7, "text": 8}, batch=1, layout="NCHW", pixel="float32", queries=True))""")
    run(copy, "export", "--formats", "torchscript")
    said = run(copy, "parity", "--products", "24")
    assert "gate: green" in said
    made = json.loads((copy / "dist" / "demo" / "manifest.json").read_text())
    assert [(a["path"], a["parity"]["outcome"]) for a in made["artifacts"]] == [
        ("torchscript/image-fp32.pt", "passed"), ("torchscript/text-fp32.pt", "passed")]
    assert "TorchScript" in (copy / "dist" / "demo" / "parity.html").read_text()
    assert "nothing changed" in run(copy, "export", "--formats", "torchscript")


def test_a_new_tokenizer_family_takes_two_edited_files_and_two_new_ones_in_python(copy):
    shutil.copy(TOYS / "toy_family" / "reader.py", copy / "export" / "text" / "letters.py")
    shutil.copy(TOYS / "toy_family" / "writer.py", copy / "export" / "text" / "assets" / "letters_asset.py")
    last = '"export.text.assets.clip_bpe_asset"),\n'
    edit(copy / "export" / "text" / "families.py", last, last + '''
    Family("letters", "the alphabet", "export.text.letters", "export.text.assets.letters_asset"),
''')
    edit(copy / "export" / "weights" / "models.py", '(0.7, 3.3), MIT),', '''(0.7, 3.3), MIT),
    ModelSpec("toy", DEMO, None, None, "demo/weights.safetensors", _plain(64), 128, (0.7, 3.3), MIT,
              text=TextSpec(family="letters", start_token=None)),''')
    edit(copy / "export" / "weights" / "models.py", "Licence, ModelSpec, Preprocessing",
         "Licence, ModelSpec, Preprocessing, TextSpec")
    run(copy, "export", "--model", "toy", "--formats", "onnx")
    assert "gate: green" in run(copy, "parity", "--model", "toy", "--products", "24")
    made = json.loads((copy / "dist" / "toy" / "manifest.json").read_text())
    assert made["text"]["family"] == "letters" and made["text"]["start_token"] is None
    (copy / "ask.py").write_text("""
from pathlib import Path
from export.text import tokenizer
print(tokenizer.load(Path("dist/toy/tokenizer.safetensors")).encode("a Bad").tolist()[:5])
""")
    assert run(copy, "ask").strip() == "[320, 320, 323, 49407, 0]"
