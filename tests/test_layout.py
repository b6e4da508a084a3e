"""The layout holds: who imports whom, how large a folder is, names that stand once, and files named in text that exist.

Each list of exceptions says what is still otherwise. A test fails where an exception is no longer one: remove it there.
Nothing is ever added.
"""

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from export.formats.table import FORMATS
from export.text.families import FAMILIES
from tests.sources import ROOT, STAGES, TOP, Module, cycles, exists, files, modules, named, of_stages, strings

FOLDERS = {*TOP, "android_sample", "ios_sample", "web_sample"}
HEAVY = ("torch", "open_clip", "coremltools", "onnxruntime", "ai_edge_litert", "litert_torch", "tensorflow")


def differs(found: set, exceptions: set) -> str:
    """What the message of a failed comparison says: new ones, and exceptions that are gone."""
    return f"not allowed: {sorted(found - exceptions)}; no exceptions any more, remove: {sorted(exceptions - found)}"


# Imports between stages.

MAY_IMPORT = {"export": set(), "parity": {"export"}, "catalog_builder": {"export"}, "demo": {"export"},
              "benchmarks": {"export", "parity", "catalog_builder", "demo"}}


@pytest.mark.parametrize("stage", STAGES)
def test_imports_between_stages_point_upstream_only(stage):
    for module in of_stages():
        if module.stage == stage:
            assert {name.split(".")[0] for name in module.imports} & {*TOP} <= MAY_IMPORT[stage] | {stage}, module.name


FOR_OTHERS = {"common", "formats", "pictures", "text", "weights", "runners", "artifacts"}      # of export
ALSO = {"parity": {"trials", "plan"}, "catalog_builder": set()}     # plan: the versions and the code behind a verdict


def test_the_stages_meet_in_the_parts_of_export_that_are_for_others():
    found = {(module.name, modules()[name].part) for module in of_stages() if module.stage in ALSO
             for name in module.imports & modules().keys()
             if modules()[name].stage == "export" and modules()[name].part not in FOR_OTHERS | ALSO[module.stage]}
    assert found == set()


def test_every_import_of_our_own_names_what_is_there():
    wrong = [(module.name, base, name) for module in modules().values() for base, name in module.asked_for
             if base.split(".")[0] in TOP and not exists(f"{base}.{name}" if name else base)]
    assert wrong == []


# Imports within a stage: a part may import those of the lines above.

ORDER = {
    "export": [["common"], ["formats"], ["pictures", "text"], ["weights"], ["coreml", "tflite", "onnx"], ["runners"],
               ["artifacts"], ["plan"], ["conversion"], ["pipeline"], ["trials", "__main__"]],
    "parity": [["hostile", "lookalikes", "samples"], ["gate"], ["auto", "report", "basis", "gpu", "token_goldens"],
               ["goldens", "__main__"],
               ["prove"]],
    "catalog_builder": [["tables"], ["fields", "pictures", "index"], ["lists", "catalog"], ["engines", "updates"],
                        ["builder"], ["apps", "golden_values", "list_goldens"],
                        ["bundle", "compare", "machines", "vectors", "label_goldens", "lookup_goldens",
                         "overlay_goldens", "first_pass_goldens", "update_goldens", "word_goldens", "web"],
                        ["goldens", "commands", "list_arguments"], ["__main__"]]}
UPWARDS = {("export.tflite.onnx2tf_route", "onnx")}           # the second route goes through ONNX


def test_imports_within_a_stage_point_one_way():
    found = set()
    for module in of_stages():
        ranks = {part: rank for rank, parts in enumerate(ORDER.get(module.stage, [])) for part in parts}
        found |= {(module.name, to) for to in parts_of_its_stage(module) if ranks and ranks[to] >= ranks[module.part]}
    assert found == UPWARDS, differs(found, UPWARDS)


def parts_of_its_stage(module: Module) -> set[str]:
    """The other parts of its own stage that a module imports."""
    imported = (modules()[name] for name in module.imports & modules().keys())
    return {other.part for other in imported if other.stage == module.stage} - {module.part, "__init__"}


def test_every_part_of_a_stage_has_its_place_in_the_order():
    for stage, lines in ORDER.items():
        parts = {module.part for module in of_stages() if module.stage == stage} - {"__init__"}
        assert Counter(part for parts_ in lines for part in parts_) == Counter(parts), stage


NEEDED_TO_SEARCH = {"numpy", "numkong", "regex"}


def test_searching_a_catalog_needs_three_libraries():
    found = {(module.name, top) for module in of_stages() if module.name.startswith("catalog_builder.catalog.")
             for name in module.imports
             if (top := name.split(".")[0]) not in {*NEEDED_TO_SEARCH, *STAGES, *sys.stdlib_module_names}}
    assert found == set()


def test_no_modules_import_each_other_in_a_circle():
    found = {tuple(group) for group in cycles({module.name: module.imports for module in of_stages()})}
    assert found == set()


def test_a_circle_is_found_at_any_length():
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"e"}, "f": {"a"}}
    assert cycles({name: frozenset(to) for name, to in edges.items()}) == [["a", "b", "c"], ["e"]]


def test_imports_in_functions_and_for_type_checks_are_seen(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from export.common import files\n"
                    "def f():\n    from ..formats.stamp import Stamp\n    import parity.gate\n")
    found = Module("export.common.a", path).imports
    assert found == {"typing", "export.common.files", "export.formats.stamp", "parity.gate"}


# Folders and packages.

MOST_MODULES = 14
WITHOUT_DOCSTRING = {"benchmarks", "demo", "export.weights.networks"}


def test_no_folder_holds_many_modules():
    counts = Counter(module.path.parent for module in of_stages() if module.path.name != "__init__.py")
    assert {path.relative_to(ROOT).as_posix(): count for path, count in counts.items()
            if count > MOST_MODULES and path.relative_to(ROOT).parts[0] in ORDER} == {}


def test_every_folder_with_code_is_a_package_that_says_what_it_is():
    for module in of_stages():
        assert (module.path.parent / "__init__.py").exists(), module.name
    found = {module.name for module in of_stages()
             if module.path.name == "__init__.py" and not ast.get_docstring(module.tree)}
    assert found == WITHOUT_DOCSTRING, differs(found, WITHOUT_DOCSTRING)


def test_import_onnx_is_the_real_one():
    import onnx

    assert Path(onnx.__file__).parent.parent.name == "site-packages"


def test_planning_an_export_and_reading_a_manifest_import_no_heavy_library():
    code = ("import sys, export.plan, export.artifacts.manifest, export.pipeline; "
            f"print([m for m in {HEAVY} if m in sys.modules])")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


# Names that stand once.

SHARED = ("__init__", "__main__", "goldens")
SAME_MODULES = {"compress", "latency", "models"}      # one a converter; benchmarks are called after what they measure


def twice(named_: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Those of the (name, place) that have several places."""
    places = defaultdict(list)
    for name, place in named_:
        places[name].append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def test_no_two_modules_have_the_same_name():
    found = twice([(module.path.stem, module.name) for module in of_stages() if module.path.stem not in SHARED])
    assert set(found) == SAME_MODULES, f"{differs(set(found), SAME_MODULES)}; {found}"


def test_no_two_public_classes_have_the_same_name():
    found = twice([(name, module.name) for module in of_stages() for name in module.public_classes])
    assert found == {}


# What text names.

OLD_NAMES = {"CHANGELOG.md", "tests.test_recipes"}     # what was, and what a recipe would make
TEXTS = (".md", ".kt", ".kts", ".swift", ".xml", ".yml", ".toml", ".j2", "NOTICE", "Makefile", "run", "swift")
PYTHON_FILE = re.compile(r"(?<![\w./*>-])[A-Za-z_][\w./-]*(?:\.py\b|/(?=`))")     # or a folder, in backticks
LEAST_FILES = 50
GONE = {
    ("tests/test_basis.py", "parity/a/b/c/new.py")}            # which the test makes


def python_files_named(text: str, path: Path) -> list[Path]:
    """The Python files that a text at `path` names.

    A bare name stands for a file in the folder named before it on its line, or beside the file named before it or,
    without either, beside the text or above it. In Python only names that begin with a folder of this repository
    count: others are a library's.
    """
    named_ = []
    for line in text.splitlines():
        beside = None
        for name in PYTHON_FILE.findall(line):
            if name.endswith("/"):
                beside = ROOT / name
                continue
            if "/" in name and name.split("/")[0] in FOLDERS:
                named_.append(ROOT / name)
            elif path.suffix != ".py":
                folders = [beside] if beside else [*path.parents][:-len(ROOT.parents)]
                places = [folder / name for folder in folders]
                named_.append(next((place for place in places if place.is_file()), places[0]))
            else:
                continue
            beside = named_[-1].parent
    return named_


def test_python_files_that_text_names_exist():
    texts = [path for path in files(*TEXTS, ".py") if path != Path(__file__)]          # whose examples are made up
    named_ = {(path.relative_to(ROOT).as_posix(), file.relative_to(ROOT).as_posix())
              for path in texts for file in python_files_named(path.read_text(encoding="utf-8"), path)}
    assert len(named_) > LEAST_FILES
    found = {(path, file) for path, file in named_ if not (ROOT / file).is_file()}
    assert found == GONE, differs(found, GONE)


def test_a_python_file_is_sought_beside_the_one_before_it_or_beside_the_text():
    assert python_files_named("`export/plan.py` `pipeline.py`, and\n`drawing.py`", ROOT / "demo/README.md") == [
        ROOT / "export/plan.py", ROOT / "export/pipeline.py", ROOT / "demo/drawing.py"]
    assert python_files_named("timm/models/x.py, demo/train.py", ROOT / "export/a.py") == [ROOT / "demo/train.py"]


NO_MODULES = {("export.tflite", "export.tflite.depthwise")}        # part of the tensors' names in TFLite files


def test_modules_that_strings_name_exist():
    said = {(module.name, name) for module in modules().values() if module.path != Path(__file__)
            for text in strings(module) for name in named(text)}
    said |= {(path.relative_to(ROOT).as_posix(), name)
             for path in files(*TEXTS) for name in named(path.read_text(encoding="utf-8"))}
    found = {(place, name) for place, name in said if not exists(name) and place not in OLD_NAMES}
    assert len(said) > 30 and found == NO_MODULES, differs(found, NO_MODULES)


def test_modules_whose_names_are_put_together_import():
    for row in FORMATS.values():
        for name in row.routes.values():
            assert {"trace", "weights", "write"} <= vars(importlib.import_module(name)).keys(), name
        runner = vars(importlib.import_module(row.runner)).keys()
        assert {"runtimes", "load", "metadata", "constants"} <= runner, row.runner
        importlib.import_module(row.runtime)
    for family in FAMILIES.values():
        assert "read" in vars(importlib.import_module(family.reader)), family.reader
        assert {"write_asset", "reference_ids"} <= vars(importlib.import_module(family.writer)).keys(), family.writer
