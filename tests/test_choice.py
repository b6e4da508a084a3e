"""The search for the smallest precision that passes, on a made-up bench; and the command, on the demo."""

import json
import shutil

import pytest

from export.artifacts import manifest, receipts
from export.artifacts.dist import Dist
from export.formats import mixture, table
from export.formats.mixture import Weight
from parity.__main__ import main
from parity.auto import choice, precision
from parity.auto.precision import Candidate
from tests.conftest import run_module

# --- the search -----------------------------------------------------------------------------------------------------

BITS = {"palette4": 4, "int4": 4.5, "palette6": 6, "int8": 8, "dynamic-int8": 7.9, "fp16": 16, "fp32": 32}


class Fake:
    """A bench whose encoder passes as long as the harm of its weights' schemes does not exceed `allowed`."""

    def __init__(self, allowed, hurts=None, together=None, schemes=("fp32", "fp16", "int8", "palette6", "palette4")):
        self.allowed, self.hurts, self.together, self.schemes = allowed, hurts or {}, together, schemes
        self.judged = []

    def precisions(self):
        return self.schemes

    def weights(self, encoder):
        return [Weight(f"w{i}", (64, 64), 4096) for i in range(16)]

    def _sum(self, wanted, figure):
        return sum(figure(w.name, mixture.uniform(wanted).scheme(w.name)) for w in self.weights(""))

    def harm(self, encoder, wanted):
        return self._sum(wanted, lambda name, scheme: self.hurts.get(name, 1) * (16 - min(16, BITS[scheme])))

    def judge(self, encoder, wanted):
        self.judged.append((encoder, wanted))
        reasons = [] if self.harm(encoder, wanted) <= self.allowed[encoder] else ["too far"]
        size = int(self._sum(wanted, lambda _, scheme: 4096 * BITS[scheme] / 8))
        return Candidate(encoder, wanted, size, reasons)

    def judge_pair(self, image, text):
        return ["too far together"] if self.together and image.bytes + text.bytes < self.together else []


FP16, INT8 = 16 * 4096 * 2, 16 * 4096                     # bytes of one encoder
ALL = 16 * 16.0                                          # more harm than any scheme does


def test_the_smallest_that_passes_is_chosen():
    found = precision.choose(Fake({"image": 16 * 8, "text": ALL}))         # int8 does 8 a weight
    assert (found.image.precision, found.text.precision) == ("int8", "palette4")
    assert [c.reasons for c in found.tried if c.encoder == "image" and c.precision == "palette6"] == [["too far"]]


def test_it_falls_back_to_float16_alone():
    found = precision.choose(Fake({"image": 0, "text": 0}))
    assert (found.image.precision, found.text.precision) == ("fp16", "fp16")
    found = precision.choose(Fake({"image": -1, "text": -1}))
    assert found.image is None and found.bytes is None


def test_float32_stands_alone_where_float16_fails():
    class Overflows(Fake):
        def judge(self, encoder, wanted):
            return Candidate(encoder, wanted, super().judge(encoder, wanted).bytes,
                             [] if wanted == "fp32" else ["overflow"])

    found = precision.choose(Overflows({"image": ALL, "text": ALL}))
    assert (found.image.precision, found.text.precision) == ("fp32", "fp32")
    assert all(isinstance(c.precision, str) for c in found.tried)        # no compression stores a weight in float32


def test_no_chosen_one_has_failed():
    for allowed in range(0, 16 * 12, 7):
        found = precision.choose(Fake({"image": allowed, "text": allowed}, hurts={"w3": 5}))
        assert found.image.passed and found.text.passed
        assert found.image.bytes <= min(c.bytes for c in found.tried if c.encoder == "image" and c.passed)


def test_the_few_harmful_weights_alone_keep_the_larger_scheme():
    bench = Fake({"image": 16 * 8 + 10, "text": ALL}, hurts={"w5": 20})     # int8 passes but for w5
    found = precision.choose(bench)
    assert found.image.name == "mixed" and found.image.precision.default == "fp16"
    kept = {w.name for w in bench.weights("") if found.image.precision.scheme(w.name) == "fp16"}
    assert "w5" in kept and len(kept) <= 2
    assert FP16 > found.image.bytes > INT8


def test_what_has_fewer_bits_than_a_failure_is_not_made():
    bench = Fake({"image": 16 * 8, "text": 0})             # image: int8 passes, palette6 fails; text: only float16
    precision.choose(bench)
    tried = {encoder: [p for e, p in bench.judged if e == encoder and isinstance(p, str)] for encoder in bench.allowed}
    assert tried == {"image": ["fp16", "int8", "palette6"], "text": ["fp16", "int8"]}


def test_nothing_is_compressed_where_float16_fails():
    bench = Fake({"image": -1, "text": ALL})
    precision.choose(bench)
    assert [p for e, p in bench.judged if e == "image"] == ["fp16", "fp32"]


def test_a_failure_of_int4_says_nothing_of_palettes():
    class Blocks(Fake):
        def judge(self, encoder, wanted):
            found = super().judge(encoder, wanted)
            return Candidate(encoder, wanted, found.bytes, ["too far"]) if wanted == "int4" else found

    bench = Blocks({"image": ALL, "text": ALL}, schemes=("fp32", "fp16", "int8", "palette6", "int4", "palette4"))
    assert precision.choose(bench).image.precision == "palette4"


def test_a_group_that_would_save_little_is_not_divided():
    bench = Fake({"image": 16 * 10 - 1, "text": 0}, schemes=("fp16", "int8", "palette6"))  # all but one in six bits
    precision.choose(bench)
    mixed = [p for e, p in bench.judged if e == "image" and not isinstance(p, str)]
    assert len(mixed) == 3                                 # the bisection of eight groups alone


def test_the_number_of_trials_is_bounded():
    bench = Fake({"image": 70, "text": 90}, hurts={f"w{i}": i % 5 for i in range(16)})
    precision.choose(bench)
    assert len(bench.judged) <= choice.MOST_TRIALS


def test_a_pair_that_fails_together_is_passed_over():
    found = precision.choose(Fake({"image": ALL, "text": ALL}, together=INT8 + 1))     # two palettes of 4 bits fail
    assert found.refused and found.bytes > INT8
    assert all(reasons == ["too far together"] for *_, reasons in found.refused)


def test_groups_hold_every_weight_once_and_leave_a_large_one_alone():
    weights = [Weight(f"w{i}", (1,), 10_000 if i == 7 else 10) for i in range(40)]
    found = precision.groups(weights)
    assert [name for group in found for name in group] == [w.name for w in weights]
    assert ["w7"] in found and len(found) <= precision.GROUPS


# --- the command ----------------------------------------------------------------------------------------------------

CONTENT = {"model": "demo", "formats": {"onnx": {"bytes": 4_200_000, "fp16_bytes": 8_000_000, "candidates": [
    {"encoder": "image", "precision": "int8", "chosen": True},
    {"encoder": "text", "precision": "mixed", "chosen": True},
    {"encoder": "text", "precision": "fp16", "chosen": False}]}}}


def test_a_budget_that_cannot_be_met_names_the_smallest_that_passes():
    assert choice.verdict(CONTENT, None) == [] == choice.verdict(CONTENT, 4.2)
    assert choice.verdict(CONTENT, 4) == ["onnx: the budget of 4 MB cannot be met; the smallest that passes is image "
                                          "int8 and text mixed, 4.20 MB"]
    assert "no pair" in choice.verdict({"formats": {"onnx": {"bytes": None}}}, None)[0]


@pytest.mark.parametrize("budget", ["nan", "0", "-5"])
def test_a_budget_that_is_none_is_refused(budget, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("parity.__main__.wanted_products", lambda *_: 0)
    assert main(["--choose", "--budget-mb", budget, "--out", str(tmp_path)]) == 2
    assert "--budget-mb" in capsys.readouterr().err


def test_choosing_leaves_the_smallest_artefacts_and_says_what_was_tried(exported, tmp_path):
    shutil.copytree(exported, tmp_path / "demo")
    before = manifest.read(exported)
    command = ("parity", "--choose", "--formats", "onnx", "--products", "60", "--out", str(tmp_path))
    answer = run_module(*command, "--budget-mb", "1")
    assert answer.returncode == 1 and "budget of 1 MB cannot be met; the smallest that passes is" in answer.stdout
    made = manifest.read(tmp_path / "demo")
    Dist(tmp_path / "demo").check()
    left = [a for a in made.artifacts if a.format == "onnx"]
    assert [a.encoder for a in left] == ["image", "text"] and {a.precision for a in left} != {"fp16"}
    assert sum(a.bytes for a in left) < 0.55 * sum(
        a.bytes for a in before.artifacts if (a.format, a.precision) == ("onnx", "fp16"))
    assert all(a.peak_rss > 1e6 for a in left)
    assert sorted(p.name for p in (tmp_path / "demo" / "onnx").iterdir()) == [
        f"{a.encoder}-{a.precision}.onnx" for a in left]
    assert len([a for a in made.artifacts if a.format != "onnx"]) == 8
    content = json.loads((tmp_path / "demo" / choice.NAME).read_text())
    assert content["recall10_tolerance"] == 0.01 and "(within 0.01)" in answer.stdout
    kept = content["formats"]["onnx"]
    tried = {(c["encoder"], c["precision"]) for c in kept["candidates"]}
    assert {(e, p) for e in table.ENCODERS for p in ("fp16", "int8", "dynamic-int8")} <= tried
    assert sorted(c["path"] for c in kept["candidates"] if c["chosen"]) == [a.path for a in left]
    again = run_module(*command)                          # the choice stands: nothing is tried anew
    assert again.returncode == 0 and "[1/" not in again.stderr
    assert run_module("export", "--formats", "onnx", "--precision", "int8,dynamic-int8",
                      "--out", str(tmp_path / "other")).returncode == 0
    same = {p: r.sha256 for p, r in receipts.read(tmp_path / "other" / "demo").items()}
    assert all(a.sha256 == same[a.path] for a in left)  # the search makes the bytes that the exporter makes
