"""SCRIPTS= from the export to an app: fewer tokens, the same space, and a gate that proves that no text changed."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from export import pipeline, plan
from export.artifacts.dist import Dist
from export.common.errors import InputError
from export.common.specs import WORLD_TEXT, Given
from export.text import tokenizer
from export.text.assets.shipped import Shipped, shipped
from export.weights import checkpoint, encoders, lookup, token_table, vocabulary_file
from export.weights.checkpoint import Source
from export.weights.settings import stated
from parity import __main__ as parity
from parity.gate import baseline, gate, inputs
from parity.gate.libraries import tokens
from parity.gate.shelf import Shelf
from parity.report import page, verdicts
from tests.conftest import run_module

KEPT = ("Latin", "Han")
HAN, KANA = "\u7ea2\u82f9\u679c", "\u308a\u3093\u3054"
NOBODY = Given()


def world(scripts=None):
    return lookup.find("demo-world", given=Given(scripts=scripts))


def vocabulary():
    spec = world()
    return vocabulary_file.located(spec, checkpoint.locate(spec))


@pytest.fixture(scope="module")
def words() -> Shipped:
    return shipped(world(KEPT), vocabulary())


@pytest.fixture(scope="module")
def exported_kept(tmp_path_factory) -> Dist:
    """demo-world with the tokens of KEPT. Do not change it: copy it."""
    request = pipeline.ExportRequest("demo-world", "onnx", "fp32", out=tmp_path_factory.mktemp("dist"),
                                     given=Given(scripts=KEPT))
    return Dist(pipeline.export(request, lambda line: None))


@pytest.fixture
def copied(exported_kept, tmp_path) -> Dist:
    return Dist(shutil.copytree(exported_kept.folder, tmp_path / "demo-world"))


# What SCRIPTS= means.

def test_scripts_are_read_in_any_case_and_order():
    def read(value):
        return stated.parsed(None, None, None, None, mean=None, std=None, scripts=value).scripts

    assert read("han, LATIN") == read("Latin Han") == KEPT and read(None) is None


@pytest.mark.parametrize(("value", "message"), [
    ("Chinese", "found 'chinese'; remedy: SCRIPTS=Latin,Han"), ("", "found an empty list"), (" ,", "an empty list")])
def test_what_is_no_script_is_refused_in_one_line(value, message, tmp_path):
    answer = run_module("export", "--model", "demo-world", "--scripts", value, "--out", str(tmp_path))
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1
    assert "SCRIPTS= names no script" in answer.stderr and message in answer.stderr


@pytest.mark.parametrize(("model", "scripts", "message"), [
    ("demo", ("Latin",), "SCRIPTS= does not go with MODEL=demo, whose tokens are CLIP's byte pairs"),
    ("demo-world", ("Latin", "Thai"), "did not learn what SCRIPTS= names.*found Thai.*remedy: SCRIPTS= with some")])
def test_a_model_that_cannot_keep_these_scripts_refuses_them(model, scripts, message):
    with pytest.raises(InputError, match=message):
        lookup.find(model, given=Given(scripts=scripts))


def test_a_vocabulary_that_its_texts_reach_whole_ships_byte_for_byte():
    """demo-world's was learnt from cleaned texts: no token goes of itself."""
    whole, every = shipped(world(), vocabulary()), shipped(world(WORLD_TEXT.scripts), vocabulary())
    assert whole.pruned is None and whole.content == whole.whole == every.content
    assert whole.text == world().text and every.text.scripts == WORLD_TEXT.scripts
    assert shipped(lookup.find("demo"), None).pruned is None


def test_a_pruned_text_side_says_what_is_left(words):
    assert words.text.scripts == KEPT and words.text.vocabulary == len(words.pruned.kept) < WORLD_TEXT.vocabulary
    assert words.text.templates["ja"] == ("{}",) and words.text.templates["de"] == WORLD_TEXT.templates["de"]
    assert words.covers([HAN, KANA, "roter Apfel", "\u338f"]) == [True, False, True, True]
    assert len(words.content) < len(words.whole) and words.sha256 != words.whole_sha256


# The export.

def test_the_space_is_that_of_the_whole_vocabulary(exported_kept, words):
    spec = world()
    model = checkpoint.load(spec, checkpoint.locate(spec))
    whole = checkpoint.space(model, spec.preprocessing, words.whole_sha256)
    assert exported_kept.manifest.space == whole == baseline.Reference(spec, checkpoint.locate(spec)).space


def test_manifest_and_asset_follow(exported_kept, words):
    made = exported_kept.manifest
    assert made.text == words.text and exported_kept.digest(made.tokenizer.path) == words.sha256
    assert [a.inputs[0].range for a in made.artifacts if a.encoder == "text"] == [[0, len(words.pruned.kept) - 1]]
    asset = tokenizer.load(exported_kept.path(made.tokenizer.path))
    assert len(asset.vocabulary) == made.text.vocabulary
    assert exported_kept.note()["scripts"] == list(KEPT) and exported_kept.model().keep == KEPT
    assert "SCRIPTS='Latin Han'" in exported_kept.command()


def test_a_second_export_makes_nothing_and_one_with_other_scripts_makes_all(copied):
    said: list[str] = []
    request = pipeline.ExportRequest("demo-world", "onnx", "fp32", out=copied.folder.parent, given=Given(scripts=KEPT))
    pipeline.export(request, said.append)
    assert any("nothing changed: 2 artefacts" in line for line in said)
    before, source = copied.manifest, checkpoint.locate(world())
    (copied.folder / "shop.catalog").write_bytes(b"of the same space, so it stays good")
    pipeline.export(dataclasses.replace(request, given=NOBODY), said.append)
    after = Dist(copied.folder).manifest
    assert after.space == before.space and after.text.vocabulary == WORLD_TEXT.vocabulary
    assert len({plan.base_recipe(world(scripts), source) for scripts in (None, KEPT, ("Latin",))}) == 3


def test_a_search_for_precisions_starts_from_the_pruned_table(copied):
    assert parity.main(["--choose", "--model", "demo-world", "--formats", "onnx", "--products", "0", "--out",
                        str(copied.folder.parent)]) == 0
    chosen = Dist(copied.folder)
    assert chosen.manifest.text == copied.manifest.text and "int8" in {a.precision for a in chosen.manifest.artifacts}
    said: list[str] = []                     # its artefacts are of the export's own recipe
    request = pipeline.ExportRequest("demo-world", "onnx", "auto", out=copied.folder.parent, given=Given(scripts=KEPT))
    pipeline.export(request, said.append)
    assert any("nothing changed" in line for line in said)


# The gate.

def test_a_model_is_asked_in_the_languages_that_it_learned():
    asked = inputs.shop(12, asked_in=inputs.languages(WORLD_TEXT))
    assert set(asked.languages) == set(WORLD_TEXT.templates) and len(asked.languages) == len(asked.text_queries)
    assert asked.languages.count("de") == 12 and asked.languages.count("zh") == 24       # both scripts
    assert inputs.languages(lookup.find("demo").text) == [] and inputs.shop(12).languages == []
    assert inputs.shop(12).text_queries == [text for text, language in zip(
        asked.text_queries, asked.languages, strict=True) if language == inputs.ENGLISH]


@pytest.fixture(scope="module")
def judged(exported_kept):
    return gate.run(exported_kept, 12, lambda name: None)


def test_the_gate_proves_that_no_text_inside_the_scripts_changed(judged, words):
    assert judged.green and {result.outcome for result in judged.results} == {"passed"}
    found = judged.tokens
    assert found.differing == 0 and found.texts > 200 and found.faults == []
    assert found.pruning.largest_difference == 0.0 and found.pruning.embedded > 50
    assert (found.pruning.tokens_before, found.pruning.tokens) == (WORLD_TEXT.vocabulary, words.text.vocabulary)
    assert found.pruning.table_bytes * WORLD_TEXT.vocabulary == found.pruning.table_bytes_before * found.pruning.tokens
    assert (found.pruning.asset_bytes_before, found.pruning.asset_bytes) == (len(words.whole), len(words.content))


def test_texts_outside_the_scripts_are_asked_of_nobody(judged):
    outside = judged.tokens.pruning.outside
    asked = [text for text in inputs.texts() if text not in outside]
    assert any("\u30cf" in text for text in outside) and not any("\u30cf" in text for text in asked)
    texts = [result.closeness.inputs for result in judged.results if result.encoder == "text"]
    assert texts == [len(asked)]


def test_the_report_says_what_was_saved(copied, judged, capsys):
    verdicts.write(copied, judged, "basis")
    assert verdicts.read(copied, "basis") == judged
    html = page.render(copied.manifest, judged)
    one = judged.tokens.pruning
    for number in (f">{one.tokens}<", f"{one.table_bytes / 1e6:.2f}", f"{one.asset_bytes / 1e6:.2f}"):
        assert number in html
    verdicts.show(copied, judged)
    said = capsys.readouterr().out
    assert f"{one.tokens_before} -> {one.tokens} tokens" in said and "Latin, Han" in said
    assert json.loads((copied.folder / verdicts.NAME).read_text())["tokens"]["pruning"]["largest_difference"] == 0


def test_the_report_ranks_each_language_and_none_outside_the_scripts(copied, judged):
    pair, languages = page.by_language(judged)[0]
    assert {"en", "zh", "de", "es", "fr"} <= {one.language for one in languages} and "ko" not in {
        one.language for one in languages}
    assert all(one.recall_at_1_reference == one.recall_at_1 and one.top1.value == 1 for one in languages)
    html = page.render(copied.manifest, judged)
    assert "<h2>Language by language</h2>" in html and "<td>zh</td>" in html
    assert "Language by language" not in page.render(copied.manifest, dataclasses.replace(judged, pairs=[]))


def test_own_texts_outside_the_scripts_are_left_out_and_without_any_left_refused(exported_kept):
    unknown = np.full(2, -1)
    own = Shelf("given", inputs.samples().pictures[:2], np.arange(2), [], ["red", KANA], unknown[:0], unknown)
    own = dataclasses.replace(own, picture_queries=own.pictures, picture_answers=unknown, own=True)
    assert baseline.load(exported_kept, 0, own).shelves[1].shelf.text_queries == ["red"]
    with pytest.raises(InputError, match="no text in the scripts that the export kept"):
        baseline.load(exported_kept, 0, dataclasses.replace(own, text_queries=[KANA, KANA]))


def test_a_row_that_is_not_the_tokens_own_turns_the_gate_red(exported_kept, monkeypatch, words):
    def shifted(text, kept):
        return token_table.with_rows(text, np.roll(kept, 1))

    spec = world(KEPT)
    model = checkpoint.load(spec, checkpoint.locate(spec))
    ids = baseline.Reference(spec, checkpoint.locate(spec)).ids(["red apple", HAN])
    whole = encoders.text_encoder(model.text, world().text)
    faulty = encoders.text_encoder(shifted(model.text, words.pruned.kept), words.text)
    found = tokens.proved(words, whole, faulty, ids, [])
    assert found.largest_difference > 0 and "changes embeddings by up to" in tokens.pruning_faults(found)[0]
    monkeypatch.setattr("parity.gate.libraries.tokens.proved", lambda *arguments: found)
    result = gate.run(exported_kept, 0, lambda name: None)
    assert not result.green and all("changes embeddings" in one.reasons[0] for one in result.results)


def test_a_copy_with_fewer_rows_shares_the_rest_and_leaves_the_first_as_it_was():
    spec = world()
    model = checkpoint.load(spec, checkpoint.locate(spec))
    before = {name: value.clone() for name, value in model.text.state_dict().items()}
    smaller = token_table.with_rows(model.text, np.array([0, 1, 5]))
    assert token_table.table_of(smaller).weight.tolist() == token_table.table_of(model.text).weight[[0, 1, 5]].tolist()
    own = dict(model.text.named_parameters())
    assert {name for name, value in smaller.named_parameters() if value is not own[name]} == {
        "bert.embeddings.word_embeddings.weight"}
    assert all(torch.equal(value, before[name]) for name, value in model.text.state_dict().items())
    with pytest.raises(InputError, match="no table of tokens"):
        token_table.table_of(torch.nn.Linear(2, 2))


def test_random_weights_are_pruned_too():
    spec = world(("Latin",))
    reference = baseline.Reference(spec, Source("random", None, None))
    whole, parts = baseline.encoders_of(reference)
    ids = reference.ids(["red apple", "roter Apfel"])
    assert tokens.proved(reference.words, whole, parts["text"], ids, []).largest_difference == 0
