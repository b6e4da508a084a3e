"""Pruning a vocabulary: a smaller asset gives the same pieces for every text in the kept scripts."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from catalog_builder.catalog import scripts as queries
from export.common.container import container_bytes, parsed
from export.common.errors import InputError
from export.common.specs import SCRIPTS
from export.text import families
from export.text.assets.clip_bpe_asset import asset_bytes
from export.text.assets.pruning import UNPRUNED, inside, pruned, said_in
from export.text.tokenizer import load
from parity import goldens, hostile, lookalikes

CASES = [("siglip", ("Latin", "Han")), ("siglip", ("Cyrillic", "Greek")), ("siglip", None), ("siglip2", None),
         ("siglip2", ("Latin", "Han", "Hiragana", "Katakana")), ("siglip2", ("Arabic",)), ("siglip2", ("Latin",)),
         ("xlm-r", None), ("xlm-r", ("Latin",)), ("chinese-clip", ("Latin",)), ("chinese-clip", None)]
TEXTS = 20_000                               # random ones, in `make soak`


@pytest.fixture(scope="module")
def look_alikes(tmp_path_factory):
    """Each look-alike with the bytes of its asset."""
    made = lookalikes.made(tuple(lookalikes.MAKERS), tmp_path_factory.mktemp("look-alikes"))
    for model in made.values():
        families.write_asset(model.text, model.vocabulary.with_name("asset"), model.vocabulary)
    return {name: (model, model.vocabulary.with_name("asset").read_bytes()) for name, model in made.items()}


def opened(content, folder, name="pruned"):
    (folder / name).write_bytes(content)
    return load(folder / name)


@pytest.mark.parametrize(("name", "scripts"), CASES, ids=[f"{name}-{scripts}" for name, scripts in CASES])
def test_texts_in_the_kept_scripts_keep_their_tokens(name, scripts, look_alikes, tmp_path, repetitions):
    model, content = look_alikes[name]
    before, smaller = opened(content, tmp_path, "before"), pruned(content, scripts)
    after = opened(smaller.content, tmp_path)
    count = repetitions(TEXTS) // 4
    texts = goldens.on_phones([*hostile.HOSTILE, *hostile.SCRIPTS, *hostile.TYPED, *hostile.CLUSTERS,
                               *hostile.generate(count, seed=21), *hostile.clustered(count, seed=21),
                               *lookalikes.sentences()[::20]])
    held = [text for text in texts if scripts is None or inside(before.cleaner.cleaned(text), scripts)]
    assert len(held) > len(texts) // 4
    for text in held:
        assert after.encode(text).tolist() == smaller.ids(before.encode(text)).tolist(), ascii(text)
    assert len(smaller.kept) + (scripts is not None) <= model.text.vocabulary


@pytest.mark.parametrize(("name", "scripts"), CASES, ids=[f"{name}-{scripts}" for name, scripts in CASES])
def test_the_asset_says_what_it_was_and_keeps_all_else(name, scripts, look_alikes):
    model, content = look_alikes[name]
    smaller = pruned(content, scripts)
    (old, tensors), (new, left) = (parsed(memoryview(each)) for each in (content, smaller.content))
    assert new[UNPRUNED] == hashlib.sha256(content).hexdigest() and set(new) == {*old, UNPRUNED}
    assert new.get("unknown_score") == old.get("unknown_score") and new["steps"] == old["steps"]
    assert set(left) == set(tensors) and (np.diff(smaller.kept) > 0).all()
    text = smaller.text(model.text if scripts is None else said_in(model.text, scripts))
    assert (text.vocabulary, str(text.end_token), str(text.pad_token)) == (
        len(smaller.kept), new["end_token"], new["pad_token"])
    assert new["start_token"] == ("" if text.start_token is None else str(text.start_token))
    assert text.scripts == (model.text.scripts if scripts is None else tuple(
        name for name in SCRIPTS if name in {*scripts, "Latin"}))
    assert pruned(content, scripts).content == smaller.content


def test_a_text_outside_the_kept_scripts_gets_other_tokens(look_alikes, tmp_path):
    model, content = look_alikes["siglip2"]
    smaller, text = pruned(content, ("Latin",)), "\u7ea2\u8272"
    before, after = opened(content, tmp_path, "before"), opened(smaller.content, tmp_path)
    assert not inside(text, ("Latin",)) and inside(text, ("Han",))
    with pytest.raises(InputError, match="a token that pruning took away"):
        smaller.ids(before.encode(text))
    assert len(set(after.encode(text).tolist()) & {*range(4, 300)}) >= 3      # bytes


def test_what_the_cleaning_cannot_leave_goes_always(look_alikes):
    for name, gone, kept in (("siglip2", ("A", "Red", "a-b", ","), ("a", "\u2581a", "\u7ea2")),
                             ("siglip", ("\u0416",), ("A", ",", "\u2581a"))):     # U+2102 becomes C after the cleaning
        model, content = look_alikes[name]
        metadata, tensors = parsed(memoryview(content))
        added = [*gone, *(piece for piece in kept if piece.encode() not in tensors["pieces"].tobytes())]
        smaller = pruned(with_pieces(metadata, tensors, added))
        pieces = pieces_of(smaller.content)
        assert not {*gone} & {*pieces} and {*kept} <= {*pieces}, name


def pieces_of(content):
    _, tensors = parsed(memoryview(content))
    whole, ends = tensors["pieces"].tobytes(), tensors["piece_offsets"].tolist()
    return [whole[start:end].decode() for start, end in zip(ends, ends[1:], strict=False)]


def with_pieces(metadata, tensors, added):
    """The asset with more pieces at its end; pieces that are there already are left out."""
    pieces = pieces_of(container_bytes(metadata, tensors))
    new = [piece for piece in added if piece not in pieces]
    order = [*tensors["piece_order"].tolist(), *range(len(pieces), len(pieces) + len(new))]
    coded = [piece.encode() for piece in [*pieces, *new]]
    changed = {"pieces": np.frombuffer(b"".join(coded), np.uint8),
               "piece_offsets": np.cumsum([0, *map(len, coded)]).astype(np.uint32),
               "piece_order": np.array(sorted(order, key=coded.__getitem__), np.uint32)}
    if "scores" in tensors:
        changed["scores"] = np.append(tensors["scores"], np.full(len(new), -9, np.float32))
    return container_bytes(metadata, tensors | changed)


def test_inside_is_judged_on_the_cleaned_text(look_alikes, tmp_path):
    cleaned = opened(look_alikes["siglip"][1], tmp_path).cleaner.cleaned
    assert cleaned("\u338f \u2121") == "kg TEL" and inside(cleaned("\u338f \u2121"), ("Han",))  # Latin always stays
    assert inside("a 1,2 \u0301\u2581", ()) and not inside("\u0430", ("Greek",)) and not inside("\u13a0", SCRIPTS)
    assert queries.unknown("\u0430", ("Greek",)) == ["Cyrillic"]


@pytest.mark.parametrize("again", [False, True])
def test_what_cannot_be_pruned_is_refused(again, look_alikes):
    content = pruned(look_alikes["siglip2"][1]).content if again else asset_bytes(77)
    with pytest.raises(InputError, match="cannot be pruned.*prune the asset that the export wrote"):
        pruned(content)


def test_an_unknown_script_is_refused(look_alikes):
    with pytest.raises(InputError, match="unknown script.*found Chinese"):
        pruned(look_alikes["siglip2"][1], ("Chinese",))


def test_a_pruned_special_token_is_refused_by_the_text_side(look_alikes):
    model, content = look_alikes["siglip2"]
    with pytest.raises(InputError, match="a token that pruning took away"):
        pruned(content, ("Latin",)).text(replace(model.text, pad_token=model.text.vocabulary - 1))
