"""FORMATS.md is the contract: its tables name what the code writes and reads, no more and no less."""

import ast
import csv
import inspect
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args

import numpy as np

from catalog_builder import apps
from catalog_builder.builder import build
from catalog_builder.catalog import first_pass, reader
from catalog_builder.lists import problems
from catalog_builder.pictures.address_index import FetchedFile
from export.artifacts import manifest
from export.artifacts.receipts import Receipt
from export.common import container
from export.common.container import parsed
from export.common.specs import CHINESE_CLIP_TEXT, SIGLIP2_TEXT, SIGLIP_TEXT, XLM_R_TEXT, Given, Licence
from export.formats.job import Job
from export.formats.mixture import Mixture
from export.formats.table import ENCODERS, FORMATS, MIXED
from export.text import families
from export.text.assets.clip_bpe_asset import asset_bytes
from export.text.assets.pruning import UNPRUNED
from export.text.assets.version2 import SUFFIXES
from export.text.cleaning import BY_TABLES, DROPPED, ISOLATED, STEPS
from export.weights import licences
from export.weights.checkpoint import Source, canonical
from export.weights.lookup import find
from parity.gate.results import GateResult

GOLDENS = Path(__file__).resolve().parent.parent / "parity" / "goldens"
TEXT = (Path(__file__).resolve().parent.parent / "FORMATS.md").read_text(encoding="utf-8")


def table(heading: str, column: str) -> list[list[str]]:
    """The rows of the table whose header starts with `column`, in the section `heading`."""
    section = TEXT[TEXT.index(f"{heading}\n"):]
    section = section[section.index(f"| {column} |"):]
    lines = section[:section.index("\n\n")].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names(heading: str, column: str) -> set[str]:
    """The names in the first column; `.x` stands for the sibling of the name before it."""
    found: list[str] = []
    for row in table(heading, column):
        for name in re.findall(r"`([^`]+)`", row[0]):
            found.append(found[-1].rpartition(".")[0] + name if name.startswith(".") else name)
    return set(found)


def made() -> manifest.Manifest:
    """A manifest in which every optional key has a value."""
    spec = find("demo")
    receipt = Receipt("", "", 1, 1.0, 1)
    entries = [manifest.artifact(spec, job, replace(receipt, fallback=job.fallback)) for job in (
        Job("coreml", "image", MIXED, Mixture("int8")), Job("tflite", "text", "dynamic-int8", fallback="fp32"))]
    text = replace(spec.text, family="another", pooling="last", mask="none", steps=("spaces",), vocabulary=50_000)
    whole = manifest.build(spec, manifest.Identity("", 1.0, True, manifest.WeightsFile("hub", "")), "", entries, {})
    return replace(whole, created="a time", text=text, catalog=manifest.CatalogFile("shop.catalog", "", 1),
                   logit_bias=-10.0, labels="sigmoid")


def paths(value: dict, within: str = "") -> set[str]:
    """The keys of nested objects, joined by points."""
    return {path for key, one in value.items() for path in (
        paths(one, f"{within}{key}.") if isinstance(one, dict) and key in ("embedding", "image", "text")
        else {f"{within}{key}"})}


def test_words_and_filters_have_the_tensors_of_the_tables():
    for heading, known in (("### Words and keys", reader.WORDS), ("### Filters by a field", reader.FILTERS)):
        assert {name.strip("`"): container.DTYPES[kind] for name, kind, *_ in table(heading, "tensor")} == {
            name: np.dtype(kind) for name, (kind, _) in known.items()}


def test_what_stands_beside_a_list_and_a_catalog_has_the_names_of_the_tables(tmp_path):
    heading = "## Beside a list and a catalog"
    problems.write_problems(tmp_path / "a.csv", [problems.Problem(0, "", "", "a notice", problems.NOTICE)])
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        assert names(heading, "column") == set(next(csv.reader(file)))
    source = ast.parse(inspect.getsource(build.figures))
    keys = next(node.value.keys for node in ast.walk(source) if isinstance(node, ast.Return))
    assert names(heading, "key") == {key.value for key in keys}
    index = TEXT[TEXT.index("`<list>.pictures/`"):]
    listed = re.findall(r"`([a-z0-9]+)`", "".join(line.split(" | ")[0] for line in index.split("\n\n")[1].splitlines()))
    assert set(listed) == {"address", "failed", *(one.name for one in fields(FetchedFile))}


def test_the_manifests_keys_are_those_of_the_table():
    assert names("## manifest.json", "key") == paths(made().json())


def test_a_licences_keys_and_sources_and_the_weights_keys_and_kinds_are_those_of_the_text():
    rows = {row[0].strip("`"): row[1] for row in table("## manifest.json", "key")}
    listed = {name: set(re.findall(r"`([a-z0-9_]+)`", rows[name])) for name in ("licence", "weights")}
    assert listed["licence"] == {field.name for field in fields(Licence)}
    kinds = {field.type for field in fields(Source) if field.name == "kind"}
    assert listed["weights"] - {*get_args(*kinds)} == {field.name for field in fields(manifest.WeightsFile)}
    assert {*get_args(*kinds)} <= listed["weights"]
    assert names("### The licence of the weights", "source") == {Licence.source, licences.DIGEST, licences.GIVEN}


def test_the_keys_of_an_apps_catalog_are_those_of_the_text():
    [row] = [row for row in table("## manifest.json", "key") if row[0] == "`catalog`"]
    assert set(re.findall(r"`([a-z0-9_]+)`", row[1])) == {field.name for field in fields(manifest.CatalogFile)}


def test_an_apps_files_are_those_of_the_table():
    rows = [re.findall(r"`([^`]+)`", row[0]) for row in table("### In an app", "file")]
    assert {row[0] for row in rows if len(row) == 1} == {*apps.FILES} - {*apps.ENCODER_FILES}
    [(*encoders, coreml, tflite)] = [row for row in rows if len(row) > 1]
    assert [*encoders] == [*ENCODERS] and {coreml, tflite} == {app.format.suffix for app in apps.APPS}


def test_an_artifacts_keys_are_those_of_the_table():
    written = {key for artifact in made().artifacts for key in artifact.json()}
    assert names("One of `artifacts`:", "key") == written


def test_a_verdicts_keys_stand_beside_parity():
    [row] = [row for row in table("One of `artifacts`:", "key") if row[0] == "`parity`"]
    listed = set(re.findall(r"`([a-z0-9_]+)`", row[1])) - {"passed", "failed"}
    assert listed == {field.name for field in fields(manifest.Verdict)}


def test_the_precisions_are_those_of_the_formats():
    listed = {name: set(row[1].split(", ")) for row in table("One of `artifacts`:", "precision")
              for name in re.findall(r"`([^`]+)`", row[0])}
    known = dict.fromkeys(name for row in FORMATS.values() for name in (*row.precisions, MIXED))
    assert listed == {name: {row.name for row in FORMATS.values() if name in (*row.precisions, MIXED)}
                      for name in known}


def test_a_results_keys_are_those_of_the_table():
    assert names("## parity.json", "key") == {field.name for field in fields(GateResult)}


def test_a_catalogs_tensors_are_those_of_the_table():
    kinds = {"<u8": "U64", "<i8": "I64", "<f4": "F32", "<u4": "U32", "i1": "I8", "u1": "U8"}
    rows = table("## name.catalog", "tensor")
    assert {row[0].strip("`"): row[1] for row in rows} == {
        name: kinds[dtype] for name, (dtype, _) in (reader.TENSORS | reader.THUMBNAILS | reader.ID_ORDER).items()} | {
        name: kinds[dtype] for name, dtype in first_pass.TENSORS.items()}


def test_an_overlays_keys_and_tensors_are_those_of_the_tables():
    files_ = (GOLDENS / "overlay" / f"{name}.catalog" for name in ("base", "overlay"))
    (before, old), (after, new) = (parsed(memoryview(path.read_bytes())) for path in files_)
    assert names("### The overlay's file", "key") == set(after) - set(before)
    assert names("### The overlay's file", "tensor") == set(new) - set(old)
    assert set(old) - set(new) == {"id_order"} and set(before) <= set(after)


def test_a_tokenizers_tensors_and_metadata_are_those_of_the_tables():
    metadata, tensors = parsed(memoryview(asset_bytes(77)))
    assert names("### The file", "key") == set(metadata)
    maps = {name.removesuffix("_keys") for name in tensors if name.endswith("_keys")}
    whole = {name for name in tensors if not any(
        name == f"{one}{end}" for one in maps for end in ("_keys", "_offsets", "_values"))} | maps
    listed = names("### The file", "tensor")
    shouted = {name for name in whole if name.startswith("html_shouted")}
    assert listed - {"html_shouted_…"} == whole - shouted and len(shouted) == 4


ASSETS = ("unigram", "unigram-cased", "gemma-bpe", "wordpiece")


def test_the_tensors_and_metadata_of_version_2_are_those_of_the_tables():
    parts = [parsed(memoryview((GOLDENS / "tokenizers" / f"{name}.safetensors").read_bytes())) for name in ASSETS]
    assert names("### The file of version 2", "key") == {key for metadata, _ in parts for key in metadata} | {UNPRUNED}
    first = names("### The file", "tensor")
    tables = {name for _, tensors in parts for name in tensors if not any(
        name == f"{table}{end}" for table in {*first, "html_shouted"} for end in SUFFIXES)}
    assert names("### The file of version 2", "tensor") == tables
    for metadata, tensors in parts:
        rows = {name: row for row in table("### The file of version 2", "tensor")
                for name in re.findall(r"`([^`]+)`", row[0])}
        here = {name for name in tables & set(tensors)}
        for name in ("pieces", "piece_order", "scores", "byte_tokens", "breaks"):
            assert (name in here) == (rows[name][2] == "all" or metadata["family"] in rows[name][2].split(", ")), name


def test_the_cleaning_steps_and_what_they_read_are_those_of_the_table():
    rows = {row[0].strip("`"): {name.strip("\u2026") for name in re.findall(r"`([^`]+)`", row[1])}
            for row in table("### Cleaning", "step")}
    assert set(rows) == set(STEPS)
    assert {step: rows[step] for step in BY_TABLES} == {step: set(reads) for step, (_, reads) in BY_TABLES.items()}
    assert all(rows[step] == {name} for step, name in {**DROPPED, **ISOLATED}.items())


def test_the_models_steps_are_those_of_the_table():
    listed = {row[0]: row[1].strip("`").split(" ") for row in table("### Cleaning", "model")}
    assert listed == {"SigLIP": [*SIGLIP_TEXT.steps], "SigLIP 2": [*SIGLIP2_TEXT.steps], "XLM-R": [*XLM_R_TEXT.steps],
                      "Chinese-CLIP": [*CHINESE_CLIP_TEXT.steps]}


def test_the_families_are_those_of_the_table():
    assert names("## tokenizer.safetensors, version 2", "family") | {families.FIRST} == set(families.FAMILIES)


def test_what_is_given_by_hand_has_the_keys_of_the_table():
    assert names("### The embedding space", "key") == {field.name for field in fields(Given)}
    rows = {row[0]: row for row in table("### The embedding space", "key")}
    assert rows["`activation`"][2].startswith("yes") and '"activation":"quickgelu"' in rows["`activation`"][2]
    assert canonical(find("demo").preprocessing, "quickgelu").startswith('{"activation":"quickgelu",')
