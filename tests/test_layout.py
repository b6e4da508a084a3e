"""Imports point upstream only, and the stages' generic names shadow nobody."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STAGES = {"export", "parity", "catalog_builder", "demo", "benchmarks", "tests"}
MAY_IMPORT = {"export": set(), "parity": {"export"}, "catalog_builder": {"export"}, "demo": {"export"}}
HEAVY = ("torch", "open_clip", "coremltools", "onnxruntime", "ai_edge_litert", "litert_torch", "tensorflow")


def stages_imported_by(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found & STAGES


@pytest.mark.parametrize("stage", sorted(MAY_IMPORT))
def test_imports_point_upstream_only(stage):
    for file in (ROOT / stage).rglob("*.py"):
        assert stages_imported_by(file) <= MAY_IMPORT[stage] | {stage}, file


def test_import_onnx_is_the_real_one():
    import onnx

    assert Path(onnx.__file__).parent.parent.name == "site-packages"


def test_planning_an_export_and_reading_a_manifest_import_no_heavy_library():
    code = ("import sys, export.plan, export.artifacts.manifest, export.pipeline; "
            f"print([m for m in {HEAVY} if m in sys.modules])")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_every_folder_of_a_stage_is_a_package():
    for stage in MAY_IMPORT:
        folders = {file.parent for file in (ROOT / stage).rglob("*.py")}
        assert all((folder / "__init__.py").exists() for folder in folders), stage
