"""What other people get wrong between a text and its embedding, planted in assets, readers and artefacts: all found.

The ground is demo-world, which is trained (pads masked, the mean), and a small SigLIP of random weights (pads attend,
the last position, the pad is the end token).
"""

import copy
import dataclasses
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from export import onnx as converter
from export import pipeline
from export.artifacts.dist import Dist
from export.artifacts.manifest import TokenizerFile
from export.common import files
from export.common.container import container_bytes, parsed
from export.formats.stamp import Stamp
from export.text import families, frame, unigram
from export.text.assets.shipped import shipped
from export.weights import encoders, lookup
from parity import lookalikes
from parity.gate import baseline, gate
from parity.gate.libraries import tokens
from tests.test_own_siglip import own_siglip

WORLD, SIGLIP = "demo-world", "own-siglip"


@pytest.fixture(scope="module")
def small_siglip(tmp_path_factory):
    return own_siglip(tmp_path_factory.mktemp("own") / SIGLIP)


@pytest.fixture(scope="module")
def ground(small_siglip, tmp_path_factory):
    """By name: a model in ONNX and float32, and what the gate compares it with."""
    out = tmp_path_factory.mktemp("dist")
    names = {WORLD: WORLD, SIGLIP: f"local-dir:{small_siglip}"}
    dists = {name: Dist(pipeline.export(pipeline.ExportRequest(model, "onnx", "fp32", out=out), lambda line: None))
             for name, model in names.items()}
    return {name: baseline.load(dist, 0) for name, dist in dists.items()}


def text_entry(ground):
    return next(artifact for artifact in ground.manifest.artifacts if artifact.encoder == "text")


@pytest.mark.parametrize("name", [WORLD, SIGLIP])
def test_without_a_fault_nothing_is_found(ground, name):
    assert ground[name].tokens.faults == [] and ground[name].tokens.differing == 0
    assert gate.judge(ground[name], text_entry(ground[name])).outcome == "passed"


# Faults of an asset.

ASSET_FAULTS = {
    "lost prefix space": ({"space_mark": "\u2582"}, "space_mark", True),
    "wrong normal form": (lambda old: {"steps": old["steps"].replace("map", "decompose")}, "steps", True),
    "no character map": (lambda old: {"steps": old["steps"].replace(" map", "")}, "steps", True),
    "dropped end token": (lambda old: {"end_token": "2"}, "end_token", True),
    "another pad": (lambda old: {"pad_token": str(1 - int(old["pad_token"]))}, "pad_token", True),
    "unknown score off by one": (lambda old: {"unknown_score": str(float(old["unknown_score"]) + 1)},
                                 "unknown_score", False),
    "another length": ({"context_length": "16"}, "context_length", True)}


@pytest.mark.parametrize("name", [WORLD, SIGLIP])
@pytest.mark.parametrize("fault", ASSET_FAULTS)
def test_a_fault_in_the_asset_turns_the_gate_red_and_the_report_says_where(ground, name, fault, tmp_path):
    change, part, seen_in_ids = ASSET_FAULTS[fault]
    true = ground[name]
    dist = Dist(shutil.copytree(true.dist.folder, tmp_path / "dist"))
    path = dist.path(dist.manifest.tokenizer.path)
    metadata, tensors = parsed(memoryview(path.read_bytes()))
    path.write_bytes(container_bytes(metadata | (change(metadata) if callable(change) else change), tensors))
    dist.write(dataclasses.replace(dist.manifest, tokenizer=TokenizerFile(path.name, files.sha256(path))))
    verdicts = gate.run(dist, 0, lambda line: None)
    assert not verdicts.green and {one.outcome for one in verdicts.results} == {"failed"}
    found = verdicts.tokens
    assert found.faults[0] == f"tokenizer.safetensors is not what its vocabulary makes: {part}"
    assert (found.differing > 0) is seen_in_ids
    if seen_in_ids and fault != "another length":
        assert "gives other ids than the tokenizer's library" in found.faults[1] and " expected " in found.faults[1]
    assert all(set(found.faults) <= set(one.reasons) for one in verdicts.results)


# Faults of a reader, which the asset does not show.

def without_mark(true):
    def words(self, text):
        return [word.removeprefix(self.space_mark.encode()) or word for word in true(self, text)]
    return words


def left_padded(true):
    def ids(self, pieces):
        row = true(self, pieces)
        length = min(len(pieces), self.room) + self.context_length - self.room
        return np.roll(row, self.context_length - length)
    return ids


def endless(true):
    def ids(self, pieces):
        row = np.full(self.context_length, self.pad_token, np.int32)
        framed = [*([] if self.start_token is None else [self.start_token]), *pieces][:self.context_length]
        row[:len(framed)] = framed
        return row
    return ids


READERS = {"lost prefix space": (unigram.UnigramTokenizer, "words", without_mark),
           "left padding": (frame.TokenFrame, "ids", left_padded),
           "dropped end token": (frame.TokenFrame, "ids", endless)}


@pytest.mark.parametrize("name", [WORLD, SIGLIP])
@pytest.mark.parametrize("fault", READERS)
def test_a_fault_in_the_reader_turns_the_gate_red(ground, name, fault, monkeypatch):
    owner, method, wrong = READERS[fault]
    monkeypatch.setattr(owner, method, wrong(getattr(owner, method)))
    verdicts = gate.run(ground[name].dist, 0, lambda line: None)
    assert not verdicts.green and verdicts.tokens.differing > 0
    assert "gives other ids than the tokenizer's library" in verdicts.results[0].reasons[0]


@pytest.mark.parametrize("name", lookalikes.MAKERS)
@pytest.mark.parametrize("fault", ["left padding", "dropped end token"])
def test_every_family_is_compared_with_its_library(name, fault, monkeypatch, tmp_path):
    model = lookalikes.MAKERS[name](tmp_path / name)
    words = shipped(dataclasses.replace(lookup.find(WORLD), text=model.text), model.vocabulary)
    (tmp_path / "asset").write_bytes(words.content)
    dist = SimpleNamespace(path=lambda path: tmp_path / path, manifest=SimpleNamespace(
        tokenizer=TokenizerFile("asset", words.sha256)))
    reference = SimpleNamespace(words=words, ids=lambda texts: families.reference_ids(
        model.text, texts, model.vocabulary))
    texts = tokens.texts_of([])
    assert tokens.compared(dist, reference, texts).faults == []
    owner, method, wrong = READERS[fault]
    monkeypatch.setattr(owner, method, wrong(getattr(owner, method)))
    found = tokens.compared(dist, reference, texts)
    assert found.differing > 0 and found.faults[0].startswith("asset gives other ids than the tokenizer's library")


# Faults of an app before the encoder: the artefact is right, and gets other ids.

def moved(row, spec):
    length = int(np.flatnonzero(row != spec.pad_token).max(initial=-1)) + 1
    return np.roll(row, len(row) - length)


def unended(row, spec):
    changed = row.copy()
    changed[np.flatnonzero(row == spec.end_token)[:1]] = spec.pad_token
    return changed


def another_pad(row, spec):
    return np.where(row == spec.pad_token, 1 - spec.pad_token, row).astype(row.dtype)


IDS_FAULTS = {(WORLD, "left padding"): moved, (SIGLIP, "left padding"): moved,
              (WORLD, "dropped end token"): unended, (WORLD, "another pad"): another_pad,
              (SIGLIP, "another pad"): another_pad}


@pytest.mark.parametrize(("name", "fault"), IDS_FAULTS)
def test_wrong_ids_turn_the_artefact_red(ground, name, fault, monkeypatch):
    true, spec, change = gate.loaded, ground[name].manifest.text, IDS_FAULTS[name, fault]

    def faulty(*arguments):
        run = true(*arguments)
        return lambda ids: run(np.stack([change(row, spec) for row in ids]))

    monkeypatch.setattr(gate, "loaded", faulty)
    result = gate.judge(ground[name], text_entry(ground[name]))
    assert result.outcome == "failed" and re.search("cosine|not finite", result.reasons[0]), result


# Faults of the encoder.

def at_first_end(part):
    length = part.text.positional_embedding.shape[0]
    part.register_buffer("earlier", torch.ones(length, length).triu(1), persistent=False)
    part.pooling = "end"


def pads_as_keys(part):
    part.features = lambda ids: part.text.features(ids, None)


def tanh_modules(part):
    for module in part.modules():
        if isinstance(module, torch.nn.GELU):
            module.approximate = "tanh"


def first_pooled(part):
    part.pooling = "first"


ENCODER_FAULTS = {(SIGLIP, "the end token's features for the last position's"): at_first_end,
                  (SIGLIP, "tanh GELU for erf"): tanh_modules,
                  (WORLD, "pads unmasked"): pads_as_keys, (WORLD, "the first token's features"): first_pooled,
                  (WORLD, "tanh GELU for erf"): None, (WORLD, "no fault"): lambda part: None,
                  (SIGLIP, "no fault"): lambda part: None}


@pytest.mark.parametrize(("name", "fault"), ENCODER_FAULTS)
def test_a_fault_in_the_text_encoder_turns_it_red(ground, name, fault, monkeypatch):
    true = ground[name]
    part, change = copy.deepcopy(true.parts["text"]), ENCODER_FAULTS[name, fault]
    if change is None:                       # BERT's GELU is a function
        gelu = torch.nn.functional.gelu
        monkeypatch.setattr(torch.nn.functional, "gelu", lambda x: gelu(x, approximate="tanh"))
    else:
        change(part)
    artifact, spec = text_entry(true), dataclasses.replace(true.reference.spec, text=true.manifest.text)
    path = true.dist.path("onnx/planted-text.onnx")
    traced = converter.trace(part.eval(), "text", encoders.example("text", spec))
    with files.whole(path) as partial:
        converter.write(traced, "fp32", Stamp(name, "text", true.space, "MIT", "an input"), partial)
    true.dist.forget(["onnx/planted-text.onnx"])
    result = gate.judge(true, dataclasses.replace(artifact, path="onnx/planted-text.onnx", sha256=files.sha256(path)))
    assert result.outcome == ("passed" if fault == "no fault" else "failed"), result.reasons
    if fault != "no fault":
        assert "max abs" in result.reasons[0] or "cosine" in result.reasons[0]
