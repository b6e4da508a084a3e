"""`make prove`: what a device says is held to the export, the golden inputs and the tolerances, and kept for README."""

import json
import math
import os
import shutil
from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from benchmarks import proofs
from export import runners
from export.artifacts import manifest
from export.artifacts.dist import VERDICTS, Dist
from export.common import files
from export.common.command import GateRed
from export.common.errors import InputError
from export.formats.table import COREML, TFLITE
from parity.gate import inputs
from parity.prove import __main__ as prove
from parity.prove import adb, device_goldens, mac, proof
from tests import phones
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def proving(exported, tmp_path_factory):
    """dist/demo as the gate leaves it, and its golden inputs. Do not change them."""
    dist = phones.passed(exported, tmp_path_factory.mktemp("prove") / "demo")
    return dist, device_goldens.write(dist)


def units(dist, goldens, precision="fp32"):
    """What LiteRT of this machine says of itself, as a phone would."""
    given, expected = mac.read(dist, goldens)
    packages = [a for encoder in ("text", "image") for a in dist.manifest.find(TFLITE.name, encoder)
                if a.precision == precision]
    return [mac.figures(dist, a, given[a.encoder], expected[a.encoder], partial(runners.load, TFLITE.name))
            for a in packages]


@pytest.fixture(scope="module")
def phone(proving):
    """The proof.json of a phone on which all is well."""
    dist, goldens = proving
    return {"version": 1, "platform": "android", "device": "Maker Phone 9", "system": "Android 15", "emulator": False,
            "runtime": "LiteRT 2.3.0", "model": "demo", "space": dist.manifest.space, "golden": goldens.sha256,
            "error": None, "passed": True, "checks": [{"compute": "cpu", "error": None,
                                                       "encoders": units(dist, goldens)}]}


def judged(proving, content, tmp_path, platform="android"):
    return proof.judged(*proving, content, platform, tmp_path / "proof.json")


def test_the_goldens_are_the_gates_samples_in_the_form_that_the_apps_read(proving):
    dist, goldens = proving
    content = json.loads((goldens.folder / "embeddings-demo.json").read_text(encoding="ascii"))
    committed = json.loads((ROOT / "parity/goldens/embeddings-demo.json").read_text(encoding="ascii"))
    assert content.keys() == committed.keys() and content["space"] == committed["space"]
    assert content["made_by"]["command"] == "make prove" and len(content["pictures"]) == len(inputs.pictures())
    assert goldens.counts == {"image": len(content["pictures"]), "text": len(content["texts"])}
    for one in content["pictures"]:
        assert (goldens.folder / "preprocess" / f"{one['preprocess']}.out.rgb").stat().st_size == 3 * 64 * 64
    assert device_goldens.earlier(dist) == goldens
    common = {one["text"]: one["embedding"] for one in committed["texts"]}
    same = [(one["embedding"], common[one["text"]]) for one in content["texts"] if one["text"] in common]
    assert all(np.allclose(a, b, atol=1e-6) for a, b in same)


def test_an_iphone_is_given_the_encoders_that_its_app_holds_compiled(proving, tmp_path):
    dist, goldens = proving
    shipped = prove.encoders(dist, "ios")
    assert [(a.format, a.encoder, a.precision) for a in shipped] == [("coreml", "image", "fp16"),
                                                                    ("coreml", "text", "fp16")]
    assert prove.encoders(dist, "android") == prove.encoders(dist, "mac") == []
    assert not list(goldens.folder.glob("*.mlpackage"))
    again = device_goldens.write(dist, shipped)
    assert again == goldens
    assert {path.name: files.sha256(path) for path in goldens.folder.glob("*.mlpackage")} == {
        f"{a.encoder}.mlpackage": a.sha256 for a in shipped}
    bad = [replace(a, parity=None) if a.path == shipped[0].path else a for a in dist.manifest.artifacts]
    manifest.write(tmp_path, replace(dist.manifest, artifacts=bad))
    assert [a.precision for a in prove.encoders(Dist(tmp_path), "ios")] == ["fp32", "fp16"]


def test_a_good_proof_is_kept_and_shown_in_the_table(proving, phone, tmp_path):
    path = proof.keep(judged(proving, phone, tmp_path), tmp_path / "proofs")
    assert path.name == "android-maker-phone-9-demo.json"
    kept = json.loads(path.read_text())
    assert "passed" not in kept and kept["weights"]["kind"] == "bundled" and kept["system"] == "Android 15"
    assert kept["checks"][0]["encoders"][0]["allowed"] == {"least_cosine": 0.999999, "max_abs": 1e-5}
    shown = proofs.table(proofs.read(tmp_path / "proofs")).splitlines()
    assert len(shown) == 3 and shown[2].startswith(
        "| Maker Phone 9 | Android 15, LiteRT 2.3.0 | `demo`, bundled | cpu | fp32: 1.0000000, ")
    assert proof.keep(kept, tmp_path / "proofs") == path and len(proofs.read(tmp_path / "proofs")) == 1


def test_an_emulator_says_that_it_is_one(proving, phone, tmp_path):
    assert "(emulator)" in proofs.table([judged(proving, phone | {"emulator": True}, tmp_path)])


def first(content):
    return content["checks"][0]["encoders"][0]


REFUSED = {
    "another space": (lambda c: c.update(space="ab" * 32), "another space"),
    "other goldens": (lambda c: c.update(golden="ab" * 32), "another golden"),
    "another platform": (lambda c: c.update(platform="ios"), "another platform"),
    "other bytes": (lambda c: first(c).update(sha256="ab" * 32), "ran another text encoder"),
    "another precision": (lambda c: first(c).update(precision="fp16"), "ran another text encoder"),
    "fewer inputs": (lambda c: first(c).update(count=3), "other golden inputs"),
    "no compute unit": (lambda c: c.update(checks=[]), "without a compute unit.*missing: cpu"),
    "another compute unit": (lambda c: c["checks"][0].update(compute="gpu"), "without a compute unit.*found gpu"),
    "no image encoder": (lambda c: c["checks"][0]["encoders"].pop(), "without an encoder.*no image"),
    "a unit's error": (lambda c: c["checks"][0].update(error="no memory"), "could not check cpu.*no memory"),
    "an error": (lambda c: c.update(error="no library"), "could not check.*no library"),
    "a runtime without version": (lambda c: c.update(runtime="LiteRT"), "each with its version"),
    "a system without version": (lambda c: c.update(system="Android"), "each with its version"),
    "no device": (lambda c: c.update(device=""), "each with its version"),
    "no figure": (lambda c: first(c).pop("max_abs"), "lacks a key.*max_abs"),
    "a figure that is a word": (lambda c: first(c).update(least_cosine="1.0"), "lacks a key.*least_cosine"),
    "a figure that is true": (lambda c: first(c).update(least_cosine=True), "lacks a key.*least_cosine"),
    "checks that are none": (lambda c: c.update(checks=[3]), "lacks a key.*compute"),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_proof_of_something_else_is_refused(proving, phone, tmp_path, wrong):
    change, says = REFUSED[wrong]
    content = deepcopy(phone)
    change(content)
    with pytest.raises(InputError, match=says):
        judged(proving, content, tmp_path)


@pytest.mark.parametrize(("key", "value", "says"), [
    ("least_cosine", 0.9, "cosine 0.9000000 below"), ("max_abs", 0.1, "max abs 1.00e-01 above"),
    ("least_cosine", math.nan, "cosine nan"), ("max_abs", math.nan, "max abs nan"),
    ("max_abs", math.inf, "max abs inf above")])
def test_a_value_off_is_red_whatever_the_device_says(proving, phone, tmp_path, key, value, says):
    content = deepcopy(phone)
    first(content).update({key: value, "passed": True})
    with pytest.raises(GateRed, match=f"cpu: text fp32: {says}"):
        judged(proving, content, tmp_path)


def test_what_the_gate_did_not_pass_proves_nothing(proving, phone, tmp_path):
    dist, goldens = proving
    other = tmp_path / "demo"
    shutil.copytree(dist.folder, other)
    bad = [replace(a, parity=replace(phones.PASSED, outcome="failed")) if a.path == "tflite/text-fp32.tflite" else a
           for a in dist.manifest.artifacts]
    manifest.write(other, replace(dist.manifest, artifacts=bad))
    with pytest.raises(InputError, match="did not pass the gate: tflite/text-fp32.tflite"):
        judged((Dist(other), goldens), phone, tmp_path)
    files.write_json(other / VERDICTS, json.loads((other / VERDICTS).read_text()) | {"green": False})
    with pytest.raises(InputError, match="the gate is red"):
        judged((Dist(other), goldens), phone, tmp_path)


# Apple's compute units, with what answers in Core ML's place.

@pytest.fixture
def macs(proving, monkeypatch):
    """What mac.proof needs of a Mac, and loads that answer as float32 PyTorch does, by compute unit."""
    dist, goldens = proving
    given, expected = mac.read(dist, goldens)
    answers = {item.tobytes(): row.astype(np.float32) for encoder in given
               for item, row in zip(given[encoder], expected[encoder], strict=True)}
    loaded = []
    monkeypatch.setattr(mac, "chip", lambda: "Apple M0")
    monkeypatch.setattr(mac.platform, "mac_ver", lambda: ("26.1", None, None))
    monkeypatch.setattr(mac.runners, "runtimes", lambda _: ["Core ML, macOS 26.1"])

    def load(path, encoder, units):
        loaded.append(units)
        return lambda batch: np.stack([answers[item.tobytes()] for item in batch])

    return load, loaded


def test_a_mac_runs_every_package_on_each_compute_unit(proving, macs, tmp_path):
    load, loaded = macs
    content = mac.proof(*proving, load=load)
    assert dict.fromkeys(loaded) == dict.fromkeys(("CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE", "ALL"))
    held = judged(proving, content, tmp_path, "mac")
    assert [check["compute"] for check in held["checks"]] == ["cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine", "all"]
    assert all(len(check["encoders"]) == 4 for check in held["checks"])
    assert proofs.table([held]).count("Apple M0") == 4
    assert {one["sha256"] for one in held["checks"][0]["encoders"]} == {
        a.sha256 for a in proving[0].manifest.artifacts if a.format == COREML.name}


@pytest.mark.parametrize("unit", proof.APPLE)
def test_a_phone_of_apples_must_have_tried_each_compute_unit(proving, macs, tmp_path, unit):
    content = mac.proof(*proving, load=macs[0]) | {"platform": "ios", "system": "iOS 26.1",
                                                   "runtime": "Core ML, iOS 26.1", "device": "iPhone17,1"}
    assert judged(proving, content, tmp_path, "ios")["platform"] == "ios"
    content["checks"] = [check for check in content["checks"] if check["compute"] != unit]
    with pytest.raises(InputError, match=f"without a compute unit.*missing: {unit}$"):
        judged(proving, content, tmp_path, "ios")
    simulator = content | {"emulator": True}
    if unit == "cpuOnly":
        with pytest.raises(InputError, match="missing: cpuOnly"):
            judged(proving, simulator, tmp_path, "ios")
    else:
        assert [c["compute"] for c in judged(proving, simulator, tmp_path, "ios")["checks"]] == ["cpuOnly"]


# The command.

def run(proving, tmp_path, *arguments):
    return prove.main(["--out", str(proving[0].folder.parent), "--keep", str(tmp_path / "proofs"), *arguments])


def test_a_devices_file_is_taken_from_the_command_line(proving, phone, tmp_path, capsys):
    path = tmp_path / "from the phone.json"
    path.write_text(json.dumps(phone))
    assert run(proving, tmp_path, "--platform", "android", "--proof", str(path)) == 0
    assert "proved: " in capsys.readouterr().out and len(proofs.read(tmp_path / "proofs")) == 1
    off = deepcopy(phone)
    first(off)["least_cosine"] = 0.5
    path.write_text(json.dumps(off))
    assert run(proving, tmp_path, "--platform", "android", "--proof", str(path)) == 1
    for content in ("{", "[]", '{"version": 2}'):
        path.write_text(content)
        assert run(proving, tmp_path, "--platform", "android", "--proof", str(path)) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4 and "nothing was written" in said[0] and all("no proof" in line for line in said[1:])


@pytest.mark.parametrize(("platform", "missing", "steps"), [
    ("mac", "Core ML runs on a Mac alone", 0), ("android", "adb that reaches one device, or PROOF=", 5),
    ("ios", "PROOF=the proof.json of a device", 5)])
def test_without_a_device_one_line_says_what_is_missing(proving, tmp_path, capsys, monkeypatch, platform, missing,
                                                        steps):
    monkeypatch.setattr(adb.shutil, "which", lambda _: None)
    monkeypatch.setattr(mac.platform, "system", lambda: "Linux")
    monkeypatch.setattr(device_goldens, "write", lambda *_: proving[1])
    assert run(proving, tmp_path, "--platform", platform) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1 and missing in said.err and not (tmp_path / "proofs").exists()
    assert sum(line[:3] in ("1. ", "2. ", "3. ", "4. ", "5. ") for line in said.out.splitlines()) == steps


ADB = """#!/bin/sh
case "$1 $2" in
"get-state ") echo device;;
"push "*) cp -r "$2" "$DEVICE/";;
"shell rm") rm -f "$DEVICE/proof.json";;
"shell am") test -e "$DEVICE/installed" || { echo 'Error type 3'; exit 0; }
            if test -e "$DEVICE/answer.json"; then cp "$DEVICE/answer.json" "$DEVICE/proof.json"; fi;;
"pull "*) test -e "$DEVICE/proof.json" && cp "$DEVICE/proof.json" "$3";;
esac
"""


@pytest.fixture
def device(tmp_path, monkeypatch):
    """A folder in a phone's place, and an adb that reaches it."""
    for name in ("bin", "device"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin/adb").write_text(ADB)
    (tmp_path / "bin/adb").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("DEVICE", str(tmp_path / "device"))
    return tmp_path / "device"


def test_adb_gives_the_goldens_to_the_app_and_takes_its_proof(proving, phone, device, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(device_goldens, "write", lambda *_: proving[1])
    (device / "answer.json").write_text(json.dumps(phone))
    (device / "proof.json").write_text("an old one")
    assert run(proving, tmp_path, "--platform", "android") == 2
    assert "adb shell failed" in (said := capsys.readouterr().err) and "Error type 3; remedy: install the app" in said
    (device / "installed").touch()
    assert run(proving, tmp_path, "--platform", "android") == 0
    assert (device / "embeddings-demo.json").read_bytes() == (proving[1].folder / "embeddings-demo.json").read_bytes()
    assert [one["device"] for one in proofs.read(tmp_path / "proofs")] == ["Maker Phone 9"]


def test_an_app_that_writes_nothing_is_named(proving, device, tmp_path):
    (device / "installed").touch()
    with pytest.raises(InputError, match="the app wrote no proof"):
        adb.fetch(proving[1].folder, tmp_path, longest=0.0, pause=0.0)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"pictures": [], "texts": []}',
                                     '{"pictures": [], "texts": [], "space": "another"}'])
def test_goldens_that_are_not_there_or_of_other_weights_are_named(proving, tmp_path, content):
    shutil.copytree(proving[0].folder, tmp_path / "demo", ignore=shutil.ignore_patterns("proof"))
    (tmp_path / "demo/proof").mkdir()
    if content is not None:
        (tmp_path / "demo/proof/embeddings-demo.json").write_text(content)
    with pytest.raises(InputError, match="golden embeddings.*make prove without PROOF="):
        device_goldens.earlier(Dist(tmp_path / "demo"))


def test_the_readme_shows_what_was_proved_or_that_nothing_was():
    assert "| none yet |" in proofs.table([])
    assert (made := proofs.table(proofs.read())) in (ROOT / "README.md").read_text(encoding="utf-8"), f"lacks:\n{made}"
