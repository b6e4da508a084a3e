"""Formats, manifest keys and digests have one place each: no other module names them, and each is read once."""

import ast
import shutil
from collections import Counter
from dataclasses import is_dataclass
from pathlib import Path

import pytest

import export.__main__
import parity.__main__
from export.artifacts import manifest
from export.artifacts.receipts import Receipt
from export.common import files
from export.formats.job import Job
from export.formats.table import FORMATS
from export.weights.lookup import find

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("export", "parity", "catalog_builder")
OWN_FORMAT = {f"export/{name}" for name in FORMATS} | {f"export/runners/{name}_runner.py" for name in FORMATS}


def sources(but: set[str]) -> list[tuple[str, ast.Module]]:
    """Every module of the three stages outside these files and folders, by its path."""
    paths = [path for stage in STAGES for path in sorted((ROOT / stage).rglob("*.py"))]
    named = [(path.relative_to(ROOT).as_posix(), path) for path in paths]
    return [(name, ast.parse(path.read_text(encoding="utf-8"))) for name, path in named
            if not any(name == other or name.startswith(f"{other}/") for other in but)]


def test_a_formats_name_stands_in_its_row_and_its_own_modules_alone():
    named = set(FORMATS) | {row.title for row in FORMATS.values()}
    found = [(name, node.lineno, node.value) for name, tree in sources({"export/formats", *OWN_FORMAT})
             for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in named]
    assert found == []


def keys(value: object) -> set[str]:
    """The keys of nested objects."""
    if isinstance(value, list):
        return {key for one in value for key in keys(one)}
    return {key for name, one in value.items() for key in {name} | keys(one)} if isinstance(value, dict) else set()


# Modules that read other files, whose keys have the same names, and what they read.
OTHER_JSON = {
    "export/common/container.py": "safetensors headers",
    "export/coreml/__init__.py": "a Core ML package's own Manifest.json",
    "export/text/clip_bpe.py": "the tokenizer asset",
    "export/text/frame.py": "the tokenizer asset",
    "export/text/assets/gemma_bpe_asset.py": "a tokenizer.json",
    "export/text/assets/hub_tokenizer.py": "a tokenizer.json",
    "export/text/assets/unigram_asset.py": "a tokenizer.json",
    "export/weights/architectures.py": "open_clip's configurations",
    "export/weights/lookup.py": "open_clip's configurations",
    "export/weights/settings/open_clip_config.py": "open_clip's configurations",
    "export/weights/state.py": "a checkpoint's tensors",
    "parity/auto/choice.py": "precision.json",
    "parity/auto/judge.py": "precision.json",
    "parity/report/page.py": "precision.json",
    "parity/prove/device_goldens.py": "golden embeddings",
    "parity/prove/mac.py": "proof.json",
    "parity/prove/proof.py": "proof.json",
    "catalog_builder/apps.py": "a catalog's metadata",
    "catalog_builder/commands.py": "a product's record",
    "catalog_builder/compare/comparison.py": "a catalog's figures",
    "catalog_builder/compare/figures.py": "a catalog's figures",
    "catalog_builder/compare/pairs_to_ship.py": "parity.json",
    "catalog_builder/builder/catalog_page.py": "a product's record",
    "catalog_builder/builder/overlay_writer.py": "a catalog's metadata",
    "catalog_builder/catalog/reader.py": "a catalog's metadata",
    "catalog_builder/catalog/calibration.py": "a catalog's calibration",
    "catalog_builder/catalog/overlay.py": "a catalog's metadata",
    "catalog_builder/catalog/delta.py": "a catalog's metadata",
    "catalog_builder/updates/previous.py": "a catalog's metadata",
    "catalog_builder/updates/delta_writer.py": "a catalog's metadata",
    "catalog_builder/updates/device.py": "a catalog's metadata",
    "catalog_builder/updates/publish.py": "a catalog's metadata",
    "catalog_builder/updates/published_bundles.py": "a catalog's metadata",
    "catalog_builder/updates/statement.py": "an update's statement",
    "catalog_builder/update_goldens/update_cases.py": "an update's statement",
    "catalog_builder/first_pass_goldens/catalogs.py": "a catalog's metadata",
    "catalog_builder/lists/queries.py": "a list of queries",
    "parity/gate/inputs.py": "the sample shop's queries",
    "export/weights/networks/bert.py": "parts of a network",
    "export/weights/networks/chinese_clip.py": "a network's configuration",
    "parity/gate/libraries/transformers_towers.py": "a network's configuration",
}


NAME_THE_FILE = ("catalog_builder/apps.py", "catalog_builder/bundle.py", "catalog_builder/compare/exported.py",
                 "catalog_builder/updates/update_encoders.py", "catalog_builder/updates/published_bundles.py",
                 "catalog_builder/web/lacking.py")


def test_only_its_own_module_reads_the_manifest_and_all_others_get_a_type_without_keys():
    for name, tree in sources({"export/artifacts"}):
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.Constant) and node.value == manifest.NAME), (name, node.lineno)
            assert not (isinstance(node, ast.Attribute) and ast.unparse(node) == "manifest.NAME"
                        and name not in NAME_THE_FILE), (name, node.lineno)
            assert not (name in NAME_THE_FILE and isinstance(node, ast.Attribute) and node.attr == "loads"), name
    types = [kind for kind in vars(manifest).values() if is_dataclass(kind)]
    assert {manifest.Manifest, manifest.Artifact, manifest.Verdict} <= set(types)
    assert not any(hasattr(kind, "__getitem__") or hasattr(kind, "get") for kind in types)


def test_what_looks_like_a_key_of_the_manifest_belongs_to_another_file():
    spec = find("demo")
    job, receipt = Job("tflite", "image", "fp16"), Receipt("", "", 1, 1.0, 1)
    identity = manifest.Identity("", 1.0, True, manifest.WeightsFile("hub", ""))
    made = manifest.build(spec, identity, "", [manifest.artifact(spec, job, receipt)], {})
    known = keys(made.json()) - {"image", "text"}            # these two name the encoders everywhere
    found = {name for name, tree in sources({"export/artifacts"}) for node in ast.walk(tree)
             if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in known}
    assert found == set(OTHER_JSON)


@pytest.fixture
def counted(gated, tmp_path, monkeypatch):
    """A gated dist/demo, and how often this process reads its manifest and hashes each of its files."""
    shutil.copytree(gated[0], tmp_path / "demo")
    reads, digests = Counter(), Counter()
    read, sha256 = manifest.read, files.sha256

    def counted_read(folder):
        reads[folder.name] += 1
        return read(folder)

    def counted_digest(path):
        digests[path] += 1
        return sha256(path)

    monkeypatch.setattr(manifest, "read", counted_read)
    monkeypatch.setattr(files, "sha256", counted_digest)
    return tmp_path, reads, digests


def assert_once(out: Path, reads: Counter, digests: Counter) -> None:
    artefacts = [out / "demo" / artifact.path for artifact in manifest.read(out / "demo").artifacts]
    assert reads["demo"] == 2                                # the second is the line above
    assert [digests[path] for path in artefacts] == [1] * len(artefacts)


def test_an_unchanged_export_reads_the_manifest_and_hashes_each_artefact_once(counted, capsys):
    out, reads, digests = counted
    assert export.__main__.main(["--precision", "fp32,fp16", "--out", str(out)]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert_once(out, reads, digests)


def test_an_unchanged_gate_reads_the_manifest_and_hashes_each_artefact_once(counted, capsys):
    out, reads, digests = counted
    assert parity.__main__.main(["--if-changed", "--out", str(out)]) == 0
    assert "gate: green" in capsys.readouterr().out
    assert_once(out, reads, digests)
