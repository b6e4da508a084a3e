"""The licence follows the weights: it is known, or said by the user, or unknown, and artefacts and apps say so."""

import importlib
import json
import re
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from catalog_builder.builder import build
from catalog_builder.builder.build import BuildRequest
from catalog_builder.builder.build_progress import Builds
from export import conversion, pipeline, plan, runners
from export.artifacts import manifest, shipping
from export.artifacts.dist import SOURCE, Dist
from export.artifacts.shipping import Accepted
from export.common import files
from export.common.errors import InputError
from export.common.specs import Licence
from export.formats.job import Job
from export.formats.table import FORMATS
from export.weights import architectures, checkpoint, encoders, licences, lookup
from export.weights.architectures import APACHE, CC_BY_NC, LICENCES
from export.weights.models import AMLR, MIT
from tests import stand_in
from tests.conftest import ROOT, run_module

BUNDLED = ROOT / "demo" / "weights.safetensors"
OURS = Licence("Ours 1.0", "https://ours.example", True, licences.GIVEN)
ROWS = {"demo": ("demo", None), "a row that forbids": ("2-s0", None), "a tag that permits": ("ViT-B-32-256",
        "datacomp_s34b_b86k"), "a tag that forbids": ("ViT-B-32", "metaclip_400m"),
        "a tag of which nothing is known": ("ViT-B-32", "openai")}


@pytest.fixture
def foreign(tmp_path):
    """The demo's weights with noise."""
    noise = torch.Generator().manual_seed(0)
    tensors = {key: value + 1e-3 * torch.rand(value.shape, generator=noise) if value.is_floating_point() else value
               for key, value in load_file(BUNDLED).items()}
    save_file(tensors, tmp_path / "foreign.safetensors")
    return tmp_path / "foreign.safetensors"


def row(name):
    return lookup.find(*ROWS[name])


def kind(source, sha256="ab" * 32):
    return checkpoint.Source(source, None, sha256)


# Whose the weights are.

@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("source", ["bundled", "hub", "random"])
def test_weights_of_the_row_have_the_rows_licence(name, source):
    spec = row(name)
    assert licences.of_weights(spec, kind(source)) == spec and spec.licence.source == "row"


@pytest.mark.parametrize(("name", "use"), [*zip(ROWS, (None, False, None, False, None), strict=True)])
def test_a_file_keeps_a_prohibition_and_gets_no_permission(name, use, foreign):
    spec = row(name)
    found = licences.of_weights(spec, checkpoint.locate(spec, foreign)).licence
    assert found.commercial_use is use
    assert found == (spec.licence if use is False else licences.FOREIGN) and found.name.startswith("unknown") == (
        use is None)


def test_a_known_release_keeps_its_licence_and_its_text_whatever_the_file_is_called(tmp_path):
    copied = tmp_path / "mine.pt"
    copied.write_bytes(BUNDLED.read_bytes())
    spec = row("demo")
    source = checkpoint.locate(spec, copied)
    found = licences.of_weights(spec, source)
    assert found.licence == replace(MIT, source="digest")
    assert licences.text(found, source, None) == checkpoint.licence_text(spec, checkpoint.locate(spec))


def test_the_table_of_digests_holds_the_demos_weights():
    assert files.sha256(BUNDLED) in licences.RELEASES
    assert all(re.fullmatch("[0-9a-f]{64}", digest) and (ROOT / release.file).is_file()
               for digest, release in licences.RELEASES.items())


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("use", [True, False])
def test_what_the_user_says_counts_before_all_that_is_known(name, use):
    said = replace(OURS, commercial_use=use)
    for source in (kind("file"), kind("hub"), kind("bundled"), kind("file", next(iter(licences.RELEASES)))):
        assert licences.of_weights(row(name), source, said).licence == said


def test_cards_are_those_of_hub_repositories_that_open_clip_names():
    named = {"/".join(tag["hf_hub"].split("/")[:2])
             for tags in architectures._pretrained_list().values() for tag in tags.values()}
    assert {name for name in LICENCES if not name.startswith("Marqo/")} <= named      # Marqo's are for hf-hub: alone
    assert {LICENCES[f"timm/PE-Core-{size}"] for size in ("T-16-384", "S-16-384", "B-16")} == {APACHE}
    for model, tag, licence in (("ViT-B-16", "datacomp_xl_s13b_b90k", MIT), ("ViT-L-14", "dfn2b", AMLR),
                                ("ViT-B-16", "metaclip_400m", CC_BY_NC)):
        assert lookup.find(model, tag).licence == licence


# What the user says.

def test_name_and_use_and_the_rest_become_a_licence(tmp_path):
    (tmp_path / "terms").write_text("Our terms, §1", encoding="utf-8")
    assert licences.given(None, None, None, None) is None
    assert licences.given(" Ours 1.0 ", "https://ours.example", "YES", tmp_path / "terms") == licences.GivenLicence(
        OURS, "Our terms, §1")
    assert licences.given("x", None, "no", None) == licences.GivenLicence(Licence("x", "", False, "given"), None)


@pytest.mark.parametrize(("arguments", "says"), [
    (["--licence", "MIT"], "LICENCE= and COMMERCIAL_USE= go together.*yes|no; found LICENCE="),
    (["--commercial-use", "yes"], "go together.*found COMMERCIAL_USE="),
    (["--licence-url", "https://a", "--licence-file", "b"], "go together.*found LICENCE_URL= and LICENCE_FILE="),
    (["--licence", " ", "--commercial-use", "no"], "LICENCE= is no name"),
    (["--licence", "a\nb", "--commercial-use", "no"], "LICENCE= is no name.*LICENCE_FILE= takes the whole text"),
    (["--licence", "a" * 201, "--commercial-use", "no"], "LICENCE= is no name"),
    (["--licence", "MIT", "--commercial-use", "perhaps"], "COMMERCIAL_USE= is neither yes nor no.*found 'perhaps'"),
    (["--licence", "MIT", "--commercial-use", "no", "--licence-url", "a"], "LICENCE_URL= is no address"),
    (["--licence", "MIT", "--commercial-use", "no", "--licence-file", "/no/such"], "LICENCE_FILE= cannot.*/no/such"),
    (["--licence", "MIT", "--commercial-use", "no", "--licence-file", str(BUNDLED)], "LICENCE_FILE= is no text"),
])
def test_half_a_licence_or_none_is_refused_in_one_line(arguments, says, capsys):
    from export.__main__ import main
    assert main(arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.search(says, line)


# What the terminal says.

def notices(name, source, said=None, dist=None):
    spec, dist = row(name), dist or Dist(ROOT / "no such folder")
    return pipeline.licence_notices(spec, licences.of_weights(spec, source, said), source, dist)


@pytest.mark.parametrize(("name", "source", "said", "expected"), [
    ("demo", kind("bundled"), None, [r"weights under MIT \(commercial use permitted\); https"]),
    ("demo", kind("file"), None, ["unknown: given as CHECKPOINT=; no app gets them before you say LICENCE="]),
    ("a tag of which nothing is known", kind("hub"), None, ["unknown; see the model card https://.*openai; no app"]),
    ("a row that forbids", kind("hub"), None, ["RESEARCH ONLY.*LICENSE_MODELS$"]),
    ("a row that forbids", kind("file"), None, ["RESEARCH ONLY.*for weights of your own LICENCE="]),
    ("demo", kind("file", next(iter(licences.RELEASES))), None, ["MIT .*permitted, known by their SHA-256"]),
    ("demo", kind("file"), OURS, ["Ours 1.0 .commercial use permitted, as given"]),
    ("a row that forbids", kind("file"), OURS, ["Ours 1.0 .*as given", "LICENCE= takes the place of Apple.*use: no"]),
    ("demo", kind("bundled"), replace(OURS, commercial_use=False), ["NO COMMERCIAL USE", "takes the place of MIT"]),
    ("demo", kind("random", None), None, ["random weights.*must not ship"]),
])
def test_the_terminal_says_what_is_known_of_the_licence(name, source, said, expected):
    found = notices(name, source, said)
    assert len(found) == len(expected)
    assert all(re.search(words, line) for words, line in zip(expected, found, strict=True)), found


# What the manifest, the stamps, the recipe and source.json carry.

def test_the_manifest_says_the_licence_its_source_and_whose_weights():
    source = kind("file")
    spec = licences.of_weights(row("demo"), source)
    made = manifest.build(spec, manifest.Identity("", 1.0, True, pipeline.origin(source)), "", [], {})
    assert made.json()["licence"] == {"name": "unknown: given as CHECKPOINT=", "url": "", "commercial_use": None,
                                      "source": "row"}
    assert made.json()["weights"] == {"kind": "file", "sha256": "ab" * 32}


def test_a_manifest_of_an_earlier_release_is_still_read(tmp_path):
    made = manifest.build(row("demo"), manifest.Identity("", 1.0, True, pipeline.origin(kind("hub"))), "", [], {})
    earlier = made.json()
    del earlier["weights"], earlier["licence"]["source"]
    files.write_json(tmp_path / manifest.NAME, earlier)
    assert manifest.read(tmp_path) == replace(made, weights=None, artifacts=[])
    files.write_json(tmp_path / manifest.NAME, made.json() | {"weights": "hub"})
    with pytest.raises(InputError, match="lacks keys, or is damaged"):
        manifest.read(tmp_path)


class Constant(torch.nn.Module):
    """An encoder that is quick to convert."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(49408, 4)

    def forward(self, ids):
        return torch.nn.functional.normalize(self.table(ids).sum(1), dim=-1)


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
def test_each_formats_own_metadata_names_the_licence(format_, tmp_path):
    spec, job = row("demo"), Job(format_, "text", "fp32")
    converter = importlib.import_module(job.converter)
    traced = converter.trace(Constant().eval(), "text", encoders.example("text", spec))
    for number, licence in enumerate((licences.FOREIGN, replace(OURS, name='Ours "ü" <1>'))):
        path = tmp_path / f"{number}{FORMATS[format_].suffix}"
        stamp = conversion.stamp(replace(spec, licence=licence), "text", "ab" * 32)
        converter.write(traced, "fp32", stamp, path)
        assert runners.metadata(format_, path)["licence"] == licence.name


def test_a_changed_licence_makes_the_artefacts_anew_and_is_told(tmp_path):
    source = kind("file")
    specs = [licences.of_weights(row("demo"), source, said)
             for said in (None, OURS, replace(OURS, commercial_use=False), replace(OURS, url=""))]
    assert len({plan.base_recipe(spec, source) for spec in specs}) == len(specs)
    made = manifest.build(specs[0], manifest.Identity("", 1.0, True, pipeline.origin(source)), "", [], {})
    manifest.write(tmp_path, made)
    told = notices("demo", source, OURS, Dist(tmp_path))
    assert [line for line in told if "made again" in line] == [
        "the licence was unknown: given as CHECKPOINT= (commercial use: unknown) and is now Ours 1.0 "
        "(commercial use: yes): the artefacts carry it, and are made again"]
    assert not [line for other in (kind("file", "cd" * 32), kind("bundled"))
                for line in notices("demo", other, OURS, Dist(tmp_path)) if "made again" in line]
    assert len(notices("demo", source, None, Dist(tmp_path))) == 1


def test_the_gate_and_the_engines_find_the_same_row_and_recipe(foreign, tmp_path):
    for said in (None, licences.GivenLicence(OURS, None)):
        request = pipeline.ExportRequest("demo", checkpoint=foreign, licence=said)
        spec = row("demo")
        source = checkpoint.locate(spec, foreign)
        files.write_json(tmp_path / SOURCE, pipeline.describe(request, source, spec))
        assert Dist(tmp_path).source() == (licences.of_weights(spec, source, said and said.licence), source)
    kept = json.loads((tmp_path / SOURCE).read_text())
    assert kept["licence"] == asdict(OURS)
    files.write_json(tmp_path / SOURCE, kept | {"licence": {"nam": 1}})
    with pytest.raises(InputError, match="cannot tell which weights"):
        Dist(tmp_path).source()


def test_the_text_of_the_licence_follows_what_is_given(tmp_path):
    dist, path = Dist(tmp_path), tmp_path / pipeline.LICENCE
    spec, source = row("demo"), kind("file")
    pipeline.keep_licence(dist, licences.text(spec, source, licences.GivenLicence(OURS, "our\nterms")))
    assert path.read_bytes() == b"our\nterms"
    before = path.stat().st_mtime_ns
    pipeline.keep_licence(dist, "our\nterms")
    assert path.stat().st_mtime_ns == before
    pipeline.keep_licence(dist, licences.text(spec, source, licences.GivenLicence(OURS, None)))
    assert not path.exists()


@pytest.mark.parametrize(("licence", "mark", "words"), [
    (MIT, None, "Weights: MIT (commercial use: yes)."),
    (AMLR, "May not ship", "forbids commercial use: Apple"),
    (licences.FOREIGN, "Licence unknown", "unknown: given as CHECKPOINT=")])
def test_a_catalogs_page_says_what_stands_in_the_way_of_shipping(licence, mark, words, tmp_path, monkeypatch):
    stand_in.install(monkeypatch, licence)
    listed = stand_in.listed(tmp_path / "shop", stand_in.one_row(4))
    built = build.build(BuildRequest(listed, tmp_path, tmp_path / "a.catalog"), Builds())
    page = built.page.read_text(encoding="utf-8")
    assert words in page
    assert [known for known in ("May not ship", "Licence unknown") if known in page] == ([mark] if mark else [])


# From a file to an app.

@pytest.mark.slow
@pytest.mark.exhaustive
def test_foreign_weights_are_unknown_until_the_user_says_whose_they_are(foreign, tmp_path):
    """Exported as ONNX in float32; what apps get is asked of the function that every way to ship calls."""
    terms = tmp_path / "terms"
    terms.write_text("terms")

    def exported(*arguments):
        answer = run_module("export", "--checkpoint", str(foreign), "--formats", "onnx", "--precision", "fp32",
                            "--out", str(tmp_path), *arguments)
        assert answer.returncode == 0, answer.stderr
        made = manifest.read(tmp_path / "demo")
        stamps = {runners.metadata("onnx", tmp_path / "demo" / a.path)["licence"] for a in made.artifacts}
        return made, stamps, (tmp_path / "demo" / pipeline.LICENCE), answer.stdout

    made, stamps, text, said = exported()
    assert (made.licence, stamps, made.shippable) == (licences.FOREIGN, {licences.FOREIGN.name}, True)
    assert made.weights == manifest.WeightsFile("file", files.sha256(foreign))
    assert not text.exists() and "licence of the weights unknown: given as CHECKPOINT=" in said
    with pytest.raises(InputError, match="unknown.*LICENCE=its name COMMERCIAL_USE=yes; or ACCEPT_UNKNOWN"):
        shipping.refuse_what_may_not_ship(made, tmp_path, Accepted())
    shipping.refuse_what_may_not_ship(made, tmp_path, Accepted(unknown=True))

    made, stamps, text, said = exported("--licence", "Ours 1.0", "--commercial-use", "yes", "--licence-url",
                                        OURS.url, "--licence-file", str(terms))
    assert (made.licence, stamps, text.read_text()) == (OURS, {"Ours 1.0"}, "terms") and "are made again" in said
    shipping.refuse_what_may_not_ship(made, tmp_path, Accepted())
    terms.write_text("other terms")
    given = exported("--licence", "Ours 1.0", "--commercial-use", "yes", "--licence-url", OURS.url, "--licence-file",
                     str(terms))
    assert "nothing changed" in given[3] and text.read_text() == "other terms"
    assert Dist(tmp_path / "demo").source()[0].licence == OURS


@pytest.mark.parametrize(("licence", "shippable", "needs"), [
    (MIT, True, None), (OURS, True, None), (replace(MIT, source="digest"), True, None), (AMLR, True, "research"),
    (replace(OURS, commercial_use=False), True, "research"), (licences.FOREIGN, True, "unknown"),
    (MIT, False, "research"), (licences.FOREIGN, False, "research")])
def test_every_way_to_ship_asks_one_function(licence, shippable, needs, tmp_path):
    made = manifest.build(replace(row("demo"), licence=licence), manifest.Identity("", 1.0, shippable), "", [], {})
    for accepted in (Accepted(), Accepted(research=True), Accepted(unknown=True), Accepted(True, True)):
        if needs is None or getattr(accepted, needs):
            shipping.refuse_what_may_not_ship(made, tmp_path, accepted)
        else:
            with pytest.raises(InputError, match=f"ACCEPT_{needs.upper()}_LICENCE=1"):
                shipping.refuse_what_may_not_ship(made, tmp_path, accepted)


def test_the_demo_says_that_its_row_permits_it(exported):
    made = manifest.read(exported)
    assert made.licence == MIT and made.licence.source == "row"
    assert made.weights == manifest.WeightsFile("bundled", files.sha256(BUNDLED))
