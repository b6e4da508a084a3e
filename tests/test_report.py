"""parity.html: whole, self-contained, and honest about what failed and what is chance."""

import json
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser

import numpy as np
import pytest

from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact, Manifest
from export.common.specs import Licence
from export.formats import table
from export.formats.job import Job, jobs
from export.weights import licences, lookup
from export.weights.models import AMLR, MIT
from parity.gate import inputs, results, shelf
from parity.gate.activations import Peak, Safety
from parity.gate.metrics import Closeness
from parity.gate.results import GateResult, Latency, PairResult, Verdicts
from parity.gate.shelf import Shelf
from parity.report import page, verdicts

HOSTILE = '<script>alert("x")</script> & \'quoted\''
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Collects tags and text, and fails where they are not nested."""

    def __init__(self, content: str):
        super().__init__()
        self.open, self.tags, self.words, self.hidden = [], [], [], 0
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        optional = {"li"}
        while self.open[-1] != tag and self.open[-1] in optional:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def ranked(text: str) -> shelf.Ranking:
    pictures = inputs.samples().pictures[:12]
    given = Shelf("shop", pictures, np.arange(12), [], [text], np.array([], int), np.array([0]))
    expected = np.linspace(0.9, 0.1, 12)[None]
    return shelf.compare(expected[:, ::-1].copy(), expected, given.text_answers, given, [("text", text)])


def judged(job: Job, outcome: str = "passed", reasons=(), text: str = "a bag") -> GateResult:
    count = 43 if job.encoder == "image" else 90
    distances = [1e-7 * (i + 1) for i in range(count)]
    if outcome == "not run":
        return GateResult(job.format, job.encoder, job.precision, job.path, outcome, list(reasons))
    return GateResult(job.format, job.encoder, job.precision, job.path, outcome, list(reasons), "a runtime 1.0",
                  Closeness(count, 1 - distances[-1], 1.0, 1e-4, distances), [ranked(text)], Latency(0.01, 0.5, 1))


def dist(judged_: list[GateResult], shippable=True, licence=MIT, name="demo") -> Manifest:
    spec = replace(lookup.find("demo"), name=name, architecture="an architecture", licence=licence)
    artifacts = [Artifact(r.encoder, r.format, r.precision, r.path, "0" * 64, 150_000_000, None, [], [])
                 for r in judged_]
    return manifest.build(spec, manifest.Identity("0" * 64, 100.0, shippable), "0" * 64, artifacts, {})


JOBS = jobs("coreml,tflite,onnx", "fp32,fp16")
SAFE = [Safety("image", 12, Peak("trunk.stem", "convolution", 32.0), 2047.0, [])]
UNSAFE = Safety("text", 12, Peak("", "add", 1e9), 6.5e-5, [Peak("", "add", 1e9)])


def rendered(judged_: list[GateResult], green=True, pairs=(), **made) -> str:
    return page.render(dist(judged_, **made), Verdicts(judged_, list(pairs), SAFE, green))


@pytest.fixture(scope="module")
def green() -> str:
    return rendered([judged(job) for job in JOBS])


def test_the_page_is_well_formed_and_names_every_artefact(green):
    made = Page(green)
    assert made.open == [] and green.lstrip().startswith("<!doctype html>")
    for name in ("Core ML", "TFLite", "ONNX"):
        for encoder in table.ENCODERS:
            for precision in ("fp32", "fp16"):
                assert f"{name} {encoder} {precision}" in made.text


def test_the_page_loads_nothing_from_elsewhere(green):
    made = Page(green)
    assert not {"script", "link", "iframe", "object", "embed"} & {tag for tag, _ in made.tags}
    for tag, attributes in made.tags:
        for name in ("src", "href", "srcset", "action"):
            value = attributes.get(name) or ""
            assert value.startswith(("data:image/jpeg;base64,", "#")) or not value, (tag, value[:60])
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"@import|url\(", green)


def test_every_picture_that_is_drawn_is_in_the_page_once(green):
    tags = Page(green).tags
    defined = [a["id"] for tag, a in tags if tag == "image"]
    used = {a["href"].removeprefix("#") for tag, a in tags if tag == "use"}
    assert used and used == set(defined) and len(defined) == len(set(defined))


def test_hostile_names_and_texts_are_escaped():
    content = rendered([judged(JOBS[0], "failed", [HOSTILE], HOSTILE)], green=False, name=HOSTILE)
    assert "<script" not in content and HOSTILE in Page(content).text


def test_a_red_gate_shows_what_failed_and_why(green):
    bad = judged(JOBS[0], "failed", ["cosine 0.5 below 0.9999"])
    made = Page(rendered([bad, *(judged(job) for job in JOBS[1:])], green=False))
    assert "the gate is RED" in made.text and "11 passed, 1 failed, 0 not run" in made.text
    assert "cosine 0.5 below 0.9999" in made.text
    assert "the gate is green" in Page(green).text and "RED" not in Page(green).text


def test_what_was_not_run_is_not_called_passed():
    made = Page(rendered([judged(JOBS[0], "not run", ["no such runtime"]), *(judged(job) for job in JOBS[1:])]))
    assert "11 passed, 0 failed, 1 not run" in made.text and "no such runtime" in made.text
    assert "Not executed on this machine: Core ML image fp32. Their weights were compared" in made.text


def test_nothing_that_ran_is_still_a_page():
    made = Page(rendered([judged(job, "not run", ["no runtime"]) for job in JOBS], green=False))
    assert "0 passed, 0 failed, 12 not run" in made.text


def test_random_weights_are_marked_and_their_rankings_called_meaningless(green):
    made = Page(rendered([judged(job) for job in JOBS], shippable=False))
    assert "May not ship: random weights." in made.text and made.text.count("meaningless: random weights") == len(JOBS)
    assert "May not ship" not in Page(green).text


def test_research_only_weights_may_not_ship():
    text = Page(rendered([judged(JOBS[0])], licence=AMLR)).text
    assert "May not ship: the weights are for research only." in text and AMLR.name in text


@pytest.mark.parametrize(("licence", "says"), [
    (licences.FOREIGN, ["Licence unknown: find it out before shipping. unknown: given as CHECKPOINT=",
                        "unknown, as the licence is"]),
    (Licence("Ours", "", True, "given"), ["Ours as given", "yes, within the licence"]),
    (Licence("Ours", "", False, "given"), ["May not ship: the licence forbids commercial use, as given. Ours"]),
    (Licence("MIT", "", True, "digest"), ["MIT known by the weights’ SHA-256"]),
])
def test_the_page_says_plainly_what_is_known_of_the_licence(licence, says):
    text = Page(rendered([judged(JOBS[0])], licence=licence)).text
    assert [words for words in says if words not in text] == []


@pytest.mark.parametrize(("licence", "says"), [
    (MIT, ""), (AMLR, "commercial use: no"),
    (licences.FOREIGN, "unknown: given as CHECKPOINT= (commercial use: unknown)"),
    (Licence("[red]x", "", None), "[red]x (commercial use: unknown)")])
def test_the_gate_says_which_licence_stands_in_the_way(tmp_path, capsys, licence, says):
    made = dist([judged(JOBS[0])], licence=licence)
    manifest.write(tmp_path, made)
    verdicts.show(Dist(tmp_path), Verdicts([judged(JOBS[0])], [], SAFE, True))
    said = " ".join(capsys.readouterr().out.split())
    assert says in said and ("licence" in said) == bool(says)


def test_sizes_stand_beside_the_stores_limits(green):
    assert "300.0 150 % over" in Page(green).text and "App Store, 200 MB" in Page(green).text


def test_a_pair_that_fails_shows_its_reason():
    pair = PairResult("onnx", "fp16", "fp16", 1, "failed", ["shop: top-1 agreement 0.5"], [ranked("a bag")])
    assert "shop: top-1 agreement 0.5" in Page(rendered([judged(job) for job in JOBS], False, [pair])).text


def test_float16s_range_is_shown_for_each_encoder():
    judged_ = Verdicts([judged(JOBS[0])], [], [*SAFE, UNSAFE], True)
    text = Page(page.render(dist(judged_.results), judged_)).text
    assert "✓ passed ×2047 32 trunk.stem convolution none" in text and "✕ failed ×0 1e+09 the encoder itself" in text


def test_precisions_that_were_tried_are_shown_with_what_was_chosen_and_why():
    common = {"encoder": "image", "peak_rss": None, "recall10": 1.0, "cosine_min": 0.999, "top1": 1.0,
              "latency_over_fp16": 1.2, "path": "x", "sha256": "0"}
    found = {"bytes": 5_000_000, "fp16_bytes": 10_000_000, "pair": None, "warnings": [HOSTILE], "refused_pairs": [],
             "candidates": [common | {"precision": "int4", "bytes": 2, "outcome": "failed", "chosen": False,
                                      "reasons": ["cosine 0.1 below 0.9"], "cosine_min": 0.1},
                            common | {"precision": "int8", "bytes": 4, "outcome": "passed", "chosen": True,
                                      "reasons": []}]}
    search = {"formats": {"onnx": found}, "quality_is_meaningless": False}
    judged_ = [judged(job) for job in JOBS]
    text = Page(page.render(dist(judged_), Verdicts(judged_, [], SAFE, True), search)).text
    assert "5.00 MB for the pair, 0.50 of fp16's" in text and HOSTILE in text
    assert "cosine 0.1 below 0.9" in text and text.count("chosen") == 1


def test_verdicts_come_back_from_json_as_they_went():
    went = Verdicts([judged(JOBS[0]), judged(JOBS[1], "not run", ["why"])],
                    [PairResult("onnx", "fp16", "fp16", 1, "passed", [], [ranked("a bag")])], [*SAFE, UNSAFE], True)
    assert results.from_json(json.loads(json.dumps(asdict(went)))) == went


def test_a_failure_by_one_runtime_is_what_the_manifest_keeps(exported, tmp_path):
    import shutil

    shutil.copytree(exported, tmp_path / "demo")
    ran = [judged(Job(a.format, a.encoder, a.precision)) for a in manifest.read(tmp_path / "demo").artifacts]
    twice = [*ran, replace(ran[0], outcome="failed", reasons=["by the second"])]
    verdicts.write_verdicts(Dist(tmp_path / "demo"), twice)
    kept = manifest.read(tmp_path / "demo").artifacts
    assert [a.parity.outcome for a in kept] == ["failed"] + ["passed"] * 11
