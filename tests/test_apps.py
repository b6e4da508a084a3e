"""Encoders, tokenizer and catalog go to where the sample apps look for them, or nothing does."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from catalog_builder import apps
from catalog_builder.apps import Accepted, App, fill
from catalog_builder.builder import writer
from catalog_builder.catalog import calibration
from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.common import files
from export.common.errors import InputError
from export.common.specs import Licence
from export.formats.table import COREML, ONNX, TFLITE
from tests.conftest import ROOT, run_module

NOTHING = Accepted()


def catalog_of(path, space, currency="EUR"):
    content = writer.Content(space, "demo", currency, ["a"], calibration.NONE, [b'{"id":"1"}'], np.zeros(1, np.int64),
                             np.zeros(1, np.uint32), np.zeros(1, np.uint32))
    writer.write(path, content, np.eye(1, 128, dtype=np.float32))
    return path


@pytest.fixture
def scene(gated, tmp_path):
    """dist/demo, a catalog of its space, and two apps' folders that are not there yet."""
    shutil.copytree(gated[0], tmp_path / "demo")
    catalog = catalog_of(tmp_path / "a.catalog", manifest.read(gated[0]).space)
    both = App("iOS", COREML, tmp_path / "ios"), App("Android", TFLITE, tmp_path / "android")
    return tmp_path / "demo", catalog, both


def changed(dist, **keys):
    made = manifest.read(dist)
    manifest.write(dist, replace(made, **keys))


def test_each_app_gets_its_files_under_fixed_names(scene):
    dist, catalog, both = scene
    filled = fill(dist, catalog, None, NOTHING, both)
    common = ["LICENSE_WEIGHTS", "manifest.json", "shop.catalog", "tokenizer.safetensors"]
    assert [sorted(one.sizes) for one in filled] == [sorted([*common, f"image{suffix}", f"text{suffix}"])
                                                     for suffix in (".mlpackage", ".tflite")]
    for app in both:
        made = manifest.read(app.folder)
        Dist(app.folder).check()
        assert {a.path for a in made.artifacts} == {path.name for path in app.folder.iterdir()} & {
            "image.mlpackage", "text.mlpackage", "image.tflite", "text.tflite"}
        assert made.space == manifest.read(dist).space
        assert (app.folder / "shop.catalog").read_bytes() == catalog.read_bytes()


def test_the_precision_is_the_default_one_the_named_one_or_the_smallest_that_passed(scene):
    dist, catalog, both = scene

    def precisions(named):
        fill(dist, catalog, named, NOTHING, both)
        return [[a.precision for a in manifest.read(app.folder).artifacts] for app in both]

    assert precisions(None) == [["fp16", "fp16"], ["fp16", "fp32"]]
    assert precisions("fp32") == [["fp32", "fp32"], ["fp32", "fp32"]]
    changed(dist, artifacts=[a for a in manifest.read(dist).artifacts if "text-fp32.tflite" not in a.path])
    assert precisions(None) == [["fp16", "fp16"], ["fp16", "fp16"]]
    with pytest.raises(InputError, match="no coreml image encoder.*expected int8; found fp16, fp32|fp32, fp16"):
        fill(dist, catalog, "int8", NOTHING, both)


RESEARCH, UNKNOWN = Accepted(research=True), Accepted(unknown=True)


@pytest.mark.parametrize(("keys", "says", "enough"), [
    ({"shippable": False}, "random weights.*ACCEPT_RESEARCH_LICENCE=1", RESEARCH),
    ({"shippable": False, "licence": Licence("?", "", commercial_use=None)}, "random weights", RESEARCH),
    ({"licence": Licence("AMLR", "", commercial_use=False)}, "forbids.*AMLR.*ACCEPT_RESEARCH_LICENCE=1", RESEARCH),
    ({"licence": Licence("no name", "https://a.card", commercial_use=None)},
     "no name.*read the model card https://a.card, .*COMMERCIAL_USE=yes; or ACCEPT_UNKNOWN_LICENCE=1", UNKNOWN),
])
def test_weights_that_a_shop_may_not_ship_need_a_word_of_their_own(scene, keys, says, enough):
    dist, catalog, both = scene
    changed(dist, **keys)
    for accepted in {NOTHING, RESEARCH, UNKNOWN} - {enough}:
        with pytest.raises(InputError, match=says):
            fill(dist, catalog, None, accepted, both)
    assert not both[0].folder.exists()
    assert len(fill(dist, catalog, None, enough, both)) == 2


def test_nothing_changes_where_something_is_wrong(scene):
    dist, catalog, both = scene
    fill(dist, catalog, None, NOTHING, both)
    before = [files.sha256(app.folder) for app in both]
    other = catalog_of(catalog.with_name("other.catalog"), "ab" * 32)
    damaged = catalog.with_name("damaged.catalog")
    damaged.write_bytes(catalog.read_bytes()[:-1] + b"\x07")
    for wrong, says in ((other, "another embedding space"), (damaged, "digest"), (dist / "no.catalog", "no.catalog")):
        with pytest.raises(InputError, match=says):
            fill(dist, wrong, None, NOTHING, both)
    verdicts = json.loads((dist / "parity.json").read_text())
    files.write_json(dist / "parity.json", verdicts | {"green": False})
    with pytest.raises(InputError, match="gate is red"):
        fill(dist, catalog, None, NOTHING, both)
    assert before == [files.sha256(app.folder) for app in both]


def test_an_app_without_artefacts_is_left_out(scene):
    dist, catalog, both = scene
    changed(dist, artifacts=[a for a in manifest.read(dist).artifacts if a.format == "tflite"])
    assert [one.app.name for one in fill(dist, catalog, None, NOTHING, both)] == ["Android"]
    changed(dist, artifacts=[])
    with pytest.raises(InputError, match="no artefacts for an app"):
        fill(dist, catalog, None, NOTHING, both)


def test_the_command_line_answers_in_one_line(tmp_path):
    answer = run_module("catalog_builder", "apps", "--dist", str(tmp_path))
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1)
    assert "make export" in answer.stderr


def test_the_apps_folders_are_ignored_by_git():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert all(f"/{app.folder.relative_to(ROOT).as_posix()}/" in ignored for app in apps.APPS)


def test_another_platform_takes_one_row(scene):
    dist, catalog, both = scene
    third = App("Desktop", ONNX, both[0].folder.parent / "desktop")
    assert [one.app.name for one in fill(dist, catalog, None, NOTHING, (*both, third))] == ["iOS", "Android", "Desktop"]
    assert [artifact.path for artifact in manifest.read(third.folder).artifacts] == ["image.onnx", "text.onnx"]
    Dist(third.folder).check()
