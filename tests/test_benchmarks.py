"""What the benchmarks measure, without measuring: which artefacts take part, and what is said of the others."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import android_memory, costs, defaults, latency, routes, tokenizers, web_memory
from catalog_builder.apps import App
from export import runners
from export.artifacts import manifest
from export.artifacts.manifest import Artifact
from export.formats import table
from export.weights import lookup
from tests.conftest import ROOT


@pytest.fixture
def both(monkeypatch, tmp_path) -> list[Artifact]:
    """The image encoders of both routes, as their manifests name them."""
    made = [Artifact(encoder=encoder, format="tflite", precision="fp32", path=f"{encoder}-fp32.tflite", sha256="0" * 64,
                     bytes=1, peak_rss=None, inputs=[], outputs=[]) for encoder in table.ENCODERS]
    monkeypatch.setattr(routes, "Dist", lambda folder: SimpleNamespace(manifest=SimpleNamespace(artifacts=made)))
    return routes.entries(tmp_path, "demo", "image")


def test_the_artefacts_of_both_routes_are_compared(both):
    assert [entry.path for entry in both] == [f"{route}/demo/image-fp32.tflite" for route in table.ROUTES]


def test_an_artefact_that_cannot_run_is_named_and_left_out(both, monkeypatch, tmp_path, capsys):
    one = np.ones((1, 2), np.float32) / np.sqrt(2)
    answers = {tmp_path / both[0].path: runners.CouldNotRun("no runtime"), tmp_path / both[1].path: lambda given: given}
    monkeypatch.setattr(runners, "load", lambda format_, path, encoder, threads: answers[path])
    monkeypatch.setattr(latency.limits, "OtherProcesses", lambda: SimpleNamespace(cores=lambda: 0.0))
    before = torch.get_num_threads()
    try:
        found = latency.compare(tmp_path, both, lambda: one, one, threads=1)
    finally:
        torch.set_num_threads(before)
    assert capsys.readouterr().out == f"{both[0].path}: not run (no runtime)\n"
    assert list(found["rows"]) == ["eager", both[1].path] and found["rows"][both[1].path]["cosine"] == 1


def test_the_readme_says_what_the_default_export_makes_for_which_platform_and_in_how_many_seconds():
    said = defaults.table(json.loads(defaults.RESULTS.read_text(encoding="utf-8")))
    assert said in (ROOT / "README.md").read_text(encoding="utf-8"), f"README.md lacks the table:\n{said}"
    assert all(f"| {row.title} | {' | '.join(', else '.join(row.default[one]) for one in table.ENCODERS)} |" in said
               for row in table.FORMATS.values())


def test_the_readmes_table_follows_the_formats_and_the_apps(monkeypatch):
    made = {"m": {"seconds": 9.6, "artefacts": {f"coreml/{name}.mlpackage": {"seconds": 1.4, "bytes": 1}
                                               for name in ("image-fp16", "text-int8", "text-fp32")}}}
    row = replace(table.COREML, default={"image": ("fp16",), "text": ("int8", "fp32")})
    monkeypatch.setattr(defaults, "FORMATS", {"coreml": row})
    assert defaults.table(made).splitlines() == [
        "| for | format | image | text | seconds, `m` |", "|---|---|---|---|---|",
        "| catalogs, desktops, servers | Core ML | fp16 | int8, else fp32 | 1 + 3 |",
        "| | the whole export, two workers | | | 10 |"]
    monkeypatch.setattr(defaults, "APPS", (App("Watch", row, ROOT),))
    assert "| Watch | Core ML |" in defaults.table(made)
    monkeypatch.setattr(defaults, "APPS", (App("Watch", row, ROOT, precisions={"image": ("fp32",)}),))
    assert "Watch" not in defaults.table(made)
    del made["m"]["artefacts"]["coreml/text-fp32.mlpackage"]
    assert "| fp16 | int8, else fp32 | 1 + – |" in defaults.table(made)


def memory_of(image: str | None, text: str | None) -> dict:
    """What s2 keeps on an Android phone's CPU, as it was measured."""
    rows = json.loads(android_memory.RESULTS.read_text(encoding="utf-8"))["s2"]["rows"]
    return next(row for row in rows if [row.get(encoder, {}).get("precision") for encoder in table.ENCODERS]
                == [image, text])


def test_both_of_s2s_encoders_in_dynamic_int8_keep_at_most_120_mb_private():
    assert memory_of("dynamic-int8", "dynamic-int8")["private"] <= 120e6


def test_the_default_precisions_for_android_are_in_the_order_of_their_private_memory():
    for encoder in table.ENCODERS:
        kept = [memory_of(*(precision if one == encoder else None for one in table.ENCODERS))["private"]
                for precision in table.TFLITE.default[encoder]]
        assert kept == sorted(kept)
    assert memory_of("fp16", "dynamic-int8")["private"] < memory_of("fp16", "fp32")["private"]


def test_the_page_of_androids_memory_is_the_measurements(exported):
    kept = json.loads(android_memory.RESULTS.read_text(encoding="utf-8"))
    assert android_memory.page(kept) == android_memory.PAGE.read_text(encoding="utf-8")
    made = manifest.read(exported)
    row = android_memory.row(exported, made, [next(a for a in made.artifacts if a.path == "tflite/text-fp32.tflite")])
    assert row["text"]["precision"] == "fp32" and row["private"] > 0 and row["peak"] > 0
    assert android_memory.line(row).startswith("| – | fp32 | 13 | ")


def test_the_page_of_the_browsers_memory_is_the_measurements_and_the_least_pair_of_s2_fits():
    kept = json.loads(web_memory.RESULTS.read_text(encoding="utf-8"))
    assert web_memory.page(kept) == web_memory.PAGE.read_text(encoding="utf-8")
    rows = {tuple(row[encoder]["precision"] for encoder in table.ENCODERS): row for row in kept["s2"]["rows"]}
    assert rows[web_memory.PAIRS[0]]["peak"] == min(row["peak"] for row in rows.values()) <= web_memory.TARGET
    assert all(row["dims"] == [512, 512] and 0 < row["now"] <= row["peak"] for row in rows.values())


def test_of_several_exports_the_least_seconds_count():
    runs = [{"seconds": whole, "others": whole, "artefacts": {"a": {"seconds": one, "bytes": 3}}}
            for whole, one in ((9.0, 1.0), (7.0, 2.0))]
    assert defaults.least(runs) == {"seconds": 7.0, "others": 7.0, "artefacts": {"a": {"seconds": 1.0, "bytes": 3}}}


def test_the_readmes_table_for_shops_is_what_was_counted():
    """Each row's model is found by its tag alone, and has the licence and the costs that the row says."""
    counted = json.loads(costs.RESULTS.read_text(encoding="utf-8"))
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("### Weights that a shop may ship")[2]
    rows = re.findall(r"^\| `(\S+)` \| `(\S+)` \| (.*?) \| (.*?) \| (.*?) \| \S+ \| (\S+) \|$", section, re.MULTILINE)
    assert [row[:2] for row in rows] == sorted(
        costs.SHOPS, key=lambda shop: sum(counted[shop[0]]["parameters"].values())) and len(rows) >= 5
    for name, tag, parameters, megabytes, multiply_adds, licence in rows:
        found, both = counted[name], sum(counted[name]["parameters"].values())
        assert parameters == "{image} + {text}".format(**found["parameters"])
        assert megabytes == f"{both:.0f} / {2 * both:.0f}"
        assert multiply_adds == "{image:.1f} / {text:.1f}".format(**found["gmac"])
        spec = lookup.find(name, tag)
        assert (spec.licence.name, spec.licence.commercial_use) == (licence, True) == (
            found["licence"], found["commercial_use"])


def test_the_page_of_tokenizers_says_which_bound_a_reader_missed():
    def answer(**changes):
        return {"first_open_ms": 3.0, "open_ms": 2.0, "verify_ms": 40.0, "heap_mb": 0.5, "encode_us": 30.0} | changes

    bounds = tokenizers.BOUNDS
    assert tokenizers.verdict(answer(), bounds) == "kept"
    assert tokenizers.verdict(answer(open_ms=51, heap_mb=None), bounds) == "missed: open, memory beside the file"
    text = tokenizers.page({"tokens": 256_000, "texts": 2, "bounds": bounds, "processor": "a processor", "cores": 2,
                            "left_out": ["JVM: no mvn here"], "assets": {
        "unigram": {"Python": answer(verify_ms=None), "Swift": answer(encode_us=1500.0)}}})
    assert "| unigram | Python | 2 (3) | – | 0.5 | 30 |  |" in text and "| 1500 | missed: one query |" in text
    assert text.endswith("Left out: JVM: no mvn here.\n")


def test_a_reader_with_other_ids_ends_the_benchmark_of_tokenizers(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizers, "large_asset", lambda name: b"an asset")
    ports = {"Python": lambda *_: {"ids": [[1], [2]]}, "JVM": lambda *_: {"ids": [[1], [3]]}}
    with pytest.raises(RuntimeError, match="unigram, JVM: other ids than Python's in 1 lines, first 2"):
        tokenizers.measured("unigram", tmp_path, tmp_path / "texts", ports)
    with pytest.raises(RuntimeError, match="JVM answered 1 of 2 texts"):
        tokenizers.measured("unigram", tmp_path, tmp_path / "texts", ports | {"JVM": lambda *_: {"ids": [[1]]}})
    assert tokenizers.lines(["a", "", "a\nb", "a\u2028b", "c d"]) == ["a", "c d"]
