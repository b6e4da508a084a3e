"""One folder holds all that each platform's app needs; it is written whole, and over nothing of the user's."""

import json
import shutil
from dataclasses import replace

import pytest

from catalog_builder import __main__ as catalog_builder
from catalog_builder import apps, bundle
from catalog_builder.apps import Accepted, App
from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.artifacts.manifest import Identity, Verdict, WeightsFile
from export.artifacts.receipts import Receipt
from export.common import files
from export.common.errors import InputError
from export.common.specs import Licence
from export.formats.job import Job
from export.formats.table import ENCODERS, FORMATS, ONNX
from export.text.families import FAMILIES
from export.weights.lookup import find
from tests.conftest import ROOT
from tests.test_apps import catalog_of

SPACE = "ab" * 32
NOTHING = Accepted()
COMMON = {"manifest.json", "shop.catalog", "tokenizer.safetensors", "LICENSE_WEIGHTS"}
IN_EACH = {"ios": COMMON | {"image.mlpackage", "text.mlpackage"}, "android": COMMON | {"image.tflite", "text.tflite"},
           "web": COMMON | {"image.tflite", "text.tflite"}}


def made_dist(folder, **keys):
    """A gated model whose artefacts are a few bytes each."""
    entries, spec = [], find("demo")
    for job in (Job(row.name, encoder, precision) for row in FORMATS.values() for encoder in ENCODERS
                for precision in ("fp32", "fp16")):
        path = folder / job.path / "weights" if job.format == "coreml" else folder / job.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(job.path)
        receipt = Receipt("", files.sha256(folder / job.path), files.size(folder / job.path), 1.0, 1)
        entries.append(replace(manifest.artifact(spec, job, receipt), parity=Verdict("passed", [], 1.0, 0.0, 1.0)))
    (folder / manifest.TOKENIZER).write_bytes(b"tokenizer")
    (folder / "LICENSE_WEIGHTS").write_text("Use it well.")
    made = manifest.build(spec, Identity(SPACE, 1.0, True, WeightsFile("bundled", SPACE)),
                          files.sha256(folder / manifest.TOKENIZER), entries, {})
    manifest.write(folder, replace(made, **keys))
    files.write_json(folder / "parity.json", {"green": True, "space": SPACE,
                                              "results": [{"path": entry.path} for entry in entries]})
    return folder


@pytest.fixture
def scene(tmp_path):
    """A gated model, a catalog of its space, and where the bundle is to be."""
    return made_dist(tmp_path / "demo"), catalog_of(tmp_path / "night.catalog", SPACE), tmp_path / "out"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_apps_get_a_model_with_a_tokenizer_of_any_family(scene, family):
    changed(scene[0], text=replace(manifest.read(scene[0]).text, family=family))
    written(scene)
    assert all(manifest.read(scene[2] / app.part).text.family == family for app in apps.APPS)


def written(scene, **how):
    dist, catalog, out = scene
    return bundle.write(dist, catalog, how.pop("precision", None), how.pop("accepted", NOTHING), out, **how)


def changed(dist, **keys):
    manifest.write(dist, replace(manifest.read(dist), **keys))


# What it holds.

def test_each_platform_gets_its_files_and_people_a_page(scene):
    parts = written(scene)
    out = scene[2]
    assert {path.name for path in out.iterdir()} == {"README.md", "ios", "android", "web"}
    for part in parts:
        assert {path.name for path in part.folder.iterdir()} == IN_EACH[part.app.part] == set(part.sizes)
        assert part.folder == out / part.app.part and part.bytes == files.size(part.folder)
        assert (part.folder / "LICENSE_WEIGHTS").read_text() == "Use it well."
        Dist(part.folder).check()


def test_the_manifest_names_the_catalog_by_the_digest_that_stands_in_it(scene):
    for part in written(scene):
        beside = manifest.read(part.folder).catalog
        path = part.folder / beside.path
        assert path.read_bytes() == scene[1].read_bytes() and path.stat().st_size == beside.bytes
        assert f'"sha256":"{beside.digest}"'.encode() in path.read_bytes()
        assert manifest.read(part.folder).space == SPACE
    assert manifest.read(scene[0]).catalog is None


def test_a_manifest_of_a_catalog_that_is_damaged_is_refused(scene):
    part = written(scene)[0]
    content = json.loads((part.folder / manifest.NAME).read_text())
    for wrong in ([], {}, content["catalog"] | {"digest": 1}, content["catalog"] | {"bytes": "1"}):
        files.write_json(part.folder / manifest.NAME, content | {"catalog": wrong})
        with pytest.raises(InputError, match="damaged"):
            manifest.read(part.folder)


def test_the_page_names_every_file_its_size_the_space_and_the_licence(scene):
    parts = written(scene)
    page = (scene[2] / "README.md").read_text(encoding="utf-8")
    for part in parts:
        assert all(f"| `{part.app.part}/{name}` | {size / 1e6:.2f} |" in page for name, size in part.sizes.items())
        assert f"| `{part.app.part}/` | {part.bytes / 1e6:.2f} | about what a shopper downloads |" in page
        assert part.app.guide in page and (ROOT / part.app.guide).is_file()
    licence = manifest.read(scene[0]).licence
    assert SPACE in page and f"{licence.name}, {licence.url}; commercial use: a shop may ship them." in page
    assert "Core ML, fp16, iOS 16 and up" in page and "TFLite, fp32" in page and str(ROOT) not in page


@pytest.mark.parametrize(("keys", "says"), [
    ({"licence": Licence("AMLR", "", commercial_use=False)}, "AMLR; commercial use: **a shop may not ship them**."),
    ({"licence": Licence("?", "", commercial_use=None)}, "?; commercial use: **unknown: find it out**."),
    ({"shippable": False}, "**The weights are random: not for shoppers.**")])
def test_the_page_says_what_a_shop_may_not_do(scene, keys, says):
    changed(scene[0], **keys)
    written(scene, accepted=Accepted(research=True, unknown=True))
    assert says in (scene[2] / "README.md").read_text(encoding="utf-8")


def test_a_model_without_a_licence_file_gives_none(scene):
    (scene[0] / "LICENSE_WEIGHTS").unlink()
    assert all("LICENSE_WEIGHTS" not in part.sizes for part in written(scene))


def test_the_sample_apps_get_the_same_bytes(scene, tmp_path):
    samples = [replace(app, folder=tmp_path / "samples" / app.part) for app in apps.APPS]
    filled = apps.fill(*scene[:2], None, NOTHING, samples)
    for sample, part in zip(filled, written(scene), strict=True):
        assert files.sha256(sample.folder) == files.sha256(part.folder) and sample.sizes == part.sizes


def test_two_bundles_are_the_same_bytes(scene, tmp_path):
    written(scene)
    written((*scene[:2], tmp_path / "again"))
    assert files.sha256(scene[2]) == files.sha256(tmp_path / "again")


# For which platforms.

def test_platforms_are_those_that_were_exported_or_those_that_are_named(scene):
    dist, _, out = scene
    assert [part.app.part for part in written(scene, platforms="Android, ios")] == ["ios", "android"]
    assert [part.app.part for part in written(scene, platforms="android")] == ["android"]
    assert not (out / "ios").exists()
    changed(dist, artifacts=[a for a in manifest.read(dist).artifacts if a.format == "coreml"])
    assert [part.app.part for part in written(scene)] == ["ios"]
    with pytest.raises(InputError, match="no artefacts for an app on Android.*expected tflite; found coreml"):
        written(scene, platforms="ios,android")
    with pytest.raises(InputError, match="PLATFORMS=windows.*expected ios, android, web; found windows"):
        written(scene, platforms="windows")


def test_the_web_gets_no_fp16_and_is_left_out_with_a_line_unless_it_is_named(scene, capsys):
    dist, _, out = scene

    def precisions():
        return [a.precision for a in manifest.read(out / "web").artifacts]

    assert [part.app.part for part in written(scene)] == ["ios", "android", "web"] and precisions() == ["fp32", "fp32"]
    changed(dist, artifacts=[a for a in manifest.read(dist).artifacts if a.path != "tflite/image-fp32.tflite"])
    assert [part.app.part for part in written(scene, precision="fp16")] == ["ios", "android"]
    assert [part.app.part for part in written(scene)] == ["ios", "android"]
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("Web is left out: no tflite image encoder") and "found none" in said
    assert said.endswith("remedy: make export MODEL=demo FORMATS=tflite PRECISION=fp32")
    with pytest.raises(InputError, match="expected fp32 or int8 or dynamic-int8; found none"):
        written(scene, platforms="web")


def test_another_platform_is_a_part_of_its_own(scene):
    desktop = App("Desktop", ONNX, scene[2])
    parts = [part.app.part for part in written(scene, known=(*apps.APPS, desktop))]
    assert parts == ["ios", "android", "web", "desktop"]


# What is refused, before anything is written.

def test_nothing_is_written_where_something_is_wrong(scene):
    dist, catalog, out = scene
    written(scene)
    before = files.sha256(out)
    damaged, other = (catalog.with_name(name) for name in ("damaged.catalog", "other.catalog"))
    damaged.write_bytes(catalog.read_bytes()[:-1] + b"\x07")
    wrong = [(damaged, None, "digest"), (catalog_of(other, "cd" * 32), None, "another embedding space"),
             (dist / "no.catalog", None, "no.catalog"), (catalog, "int8", "no coreml image encoder.*expected int8")]
    for path, precision, says in wrong:
        with pytest.raises(InputError, match=says):
            written((dist, path, out), precision=precision)
    files.write_json(dist / "parity.json", json.loads((dist / "parity.json").read_text()) | {"green": False})
    with pytest.raises(InputError, match="gate is red"):
        written(scene)
    assert before == files.sha256(out)


@pytest.mark.parametrize(("keys", "enough", "says"), [
    ({"shippable": False}, Accepted(research=True), "random weights"),
    ({"licence": Licence("AMLR", "", commercial_use=False)}, Accepted(research=True), "forbids.*AMLR"),
    ({"licence": Licence("?", "", commercial_use=None)}, Accepted(unknown=True), "licence of the weights is unknown")])
def test_weights_that_a_shop_may_not_ship_need_a_word_of_their_own(scene, keys, enough, says):
    changed(scene[0], **keys)
    for accepted in {NOTHING, Accepted(research=True), Accepted(unknown=True)} - {enough}:
        with pytest.raises(InputError, match=says):
            written(scene, accepted=accepted)
    assert not scene[2].exists() and len(written(scene, accepted=enough)) == 3


# What is replaced.

def test_an_earlier_bundle_is_replaced_as_a_whole(scene):
    written(scene)
    (scene[2] / ".DS_Store").write_text("a Mac's")
    night = catalog_of(scene[1].with_name("next.catalog"), SPACE, "USD")
    written((scene[0], night, scene[2]), platforms="ios")
    assert {path.name for path in scene[2].iterdir()} == {"README.md", "ios"}
    assert (scene[2] / "ios" / "shop.catalog").read_bytes() == night.read_bytes() != scene[1].read_bytes()


@pytest.mark.parametrize("name", ["notes.txt", "ios/notes.txt", "android/image.tflite.bak", "tv/index.html"])
def test_a_bundle_that_somebody_put_a_file_into_is_left_alone(scene, name):
    written(scene)
    (scene[2] / name).parent.mkdir(exist_ok=True)
    (scene[2] / name).write_text("mine")
    before = files.sha256(scene[2])
    with pytest.raises(InputError, match=f"not of a bundle.*found {name.removesuffix('/index.html')}; remedy: OUT="):
        written(scene)
    assert before == files.sha256(scene[2])


@pytest.mark.parametrize(("name", "content", "found"), [
    ("README.md", "# My app\n", "README.md"), ("ios/manifest.json", '{"name": "my web app"}', "ios/manifest.json"),
    ("android/text.tflite", "a model of mine", "android/text.tflite"), ("ios", "a file", "ios/ios")])
def test_a_folder_of_the_users_own_that_looks_alike_is_left_alone(scene, name, content, found):
    path = scene[2] / name
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(InputError, match=f"found {found}"):
        written(scene)
    assert path.read_text() == content and [one for one in scene[2].rglob("*") if one.is_file()] == [path]


def test_a_file_in_the_bundles_place_and_the_models_own_folder_are_left_alone(scene):
    scene[2].write_text("mine")
    for out in (scene[2], scene[0]):
        with pytest.raises(InputError, match="holds what is not of a bundle"):
            written((*scene[:2], out))
    assert scene[2].read_text() == "mine" and Dist(scene[0]).check() is None


def test_an_empty_folder_is_filled_and_a_link_is_followed(scene, tmp_path):
    scene[2].mkdir()
    assert len(written(scene)) == 3
    link = tmp_path / "link"
    link.symlink_to(scene[2])
    written((*scene[:2], link), platforms="ios")
    assert link.is_symlink() and not (scene[2] / "android").exists()


def test_the_sample_apps_folder_is_not_replaced_where_it_holds_more(scene, tmp_path):
    samples = [replace(app, folder=tmp_path / "samples" / app.part) for app in apps.APPS]
    apps.fill(*scene[:2], None, NOTHING, samples)
    apps.fill(*scene[:2], None, NOTHING, samples)
    (samples[1].folder / "fonts.txt").write_text("mine")
    before = files.sha256(tmp_path / "samples")
    with pytest.raises(InputError, match="did not put there.*found fonts.txt"):
        apps.fill(*scene[:2], None, NOTHING, samples)
    assert before == files.sha256(tmp_path / "samples")


def test_an_interrupted_run_leaves_the_old_bundle_and_the_next_one_is_whole(scene, monkeypatch):
    written(scene)
    before, put = files.sha256(scene[2]), apps.put
    night = catalog_of(scene[1].with_name("next.catalog"), SPACE, "USD")

    def interrupted(folder, choice, app):
        put(folder, choice, app)
        if app.part == "android":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(apps, "put", interrupted)
        written((scene[0], night, scene[2]))
    assert before == files.sha256(scene[2])
    assert not [path for path in scene[2].parent.iterdir() if "partial" in path.name or "old" in path.name]
    written((scene[0], night, scene[2]))
    assert before != files.sha256(scene[2])


# The command.

def called(scene, *more):
    dist, catalog, _ = scene
    return catalog_builder.main(["bundle", "--dist", str(dist.parent), "--model", dist.name, "--catalog", str(catalog),
                                 *more])


def test_the_command_says_what_a_shopper_downloads_on_each_platform(scene, capsys):
    assert called(scene) == 0
    said = capsys.readouterr().out
    folder = scene[0] / "bundle"
    for part, name in (("ios", "iOS"), ("android", "Android"), ("web", "Web")):
        assert f"{name}: {folder / part}" in said
        assert f"about what a shopper downloads │ {files.size(folder / part) / 1e6:.2f}" in said
    assert str(folder / "README.md") in said


def test_the_command_refuses_in_one_line(scene, capsys):
    scene[2].mkdir()
    (scene[2] / "mine.txt").write_text("mine")
    assert called(scene, "--out", str(scene[2])) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "found mine.txt; remedy: OUT=another folder" in said


def test_several_catalogs_are_refused_with_a_remedy_that_works(scene, capsys):
    dist, catalog, _ = scene
    for name in ("a.catalog", "b.catalog"):
        shutil.copy(catalog, dist / name)
    common = ["bundle", "--dist", str(dist.parent), "--model", dist.name]
    assert catalog_builder.main(common) == 2
    remedy = capsys.readouterr().err.rpartition("make bundle MODEL=demo CATALOG=")[2].strip()
    assert catalog_builder.main([*common, "--catalog", remedy]) == 0


def test_a_full_or_read_only_disk_is_told_with_the_option_that_helps(scene, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(apps, "put", full)
    assert called(scene) == 2
    assert "No space left on device; remedy: choose another --out" in capsys.readouterr().err
