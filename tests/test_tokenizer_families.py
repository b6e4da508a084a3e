"""The tokenizers beside CLIP's: the asset alone gives the reference's ids; a damaged asset is refused by the part.

The references run on look-alikes (parity/lookalikes.py). cn_clip's own ids are kept in tests/fixtures/cn_clip.
"""

import json
import random
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.common.container import container_bytes, read_container
from export.common.errors import InputError
from export.common.specs import CHINESE_CLIP_TEXT
from export.text import families
from export.text.assets import gemma_bpe_asset, hub_tokenizer, unigram_asset
from export.text.assets.clusters import map_tensors
from export.text.charsmap import CharacterMap, character_map
from export.text.tokenizer import encode_all, load
from parity import goldens, hostile, lookalikes, token_goldens
from tests.conftest import ROOT

MODELS = tuple(lookalikes.MAKERS)
TEXTS = 20_000                               # random ones, in `make soak`
FOLDER = goldens.OUT / token_goldens.ASSETS
CN_CLIP = Path(__file__).parent / "fixtures" / "cn_clip"


@pytest.fixture(scope="module")
def look_alikes(tmp_path_factory):
    return lookalikes.made(MODELS, tmp_path_factory.mktemp("look-alikes"))


@pytest.fixture(scope="module")
def assets(look_alikes):
    """The path of each look-alike's asset."""
    paths = {name: model.vocabulary.with_name("tokenizer.safetensors") for name, model in look_alikes.items()}
    for name, model in look_alikes.items():
        families.write_asset(model.text, paths[name], model.vocabulary)
    return paths


def promised(texts):
    return goldens.on_phones(texts)


def forms(texts):
    return [unicodedata.normalize(form, text) for text in texts for form in ("NFD", "NFKD")]


def many(count, seed):
    """Random texts, names in many languages, their other forms, and repetitions."""
    half = count // 2
    names = random.Random(seed).sample(lookalikes.sentences(), min(half, 2000))
    repeated = [name[:3] * (1 + place % 40) for place, name in enumerate(names[:200])]
    return promised([*hostile.generate(half, seed), *hostile.clustered(half, seed), *names, *forms(names[:half // 4]),
                     *repeated])


def differing(ours, theirs, texts):
    return [ascii(texts[index]) for index in np.flatnonzero((ours != theirs).any(axis=1))]


# Equal ids.

@pytest.mark.parametrize("name", MODELS)
def test_hand_made_texts_give_the_references_ids(name, look_alikes, assets):
    text, tokenizer = look_alikes[name].text, load(assets[name])
    texts = promised([*hostile.listed(text.context_length), *hostile.CLUSTERS, *forms(hostile.SCRIPTS + hostile.TYPED)])
    theirs = families.reference_ids(text, texts, look_alikes[name].vocabulary)
    assert differing(encode_all(tokenizer, texts), theirs, texts) == []
    assert (theirs == text.end_token).any(axis=1).all() and len(texts) > 300


@pytest.mark.parametrize("name", MODELS)
def test_random_texts_give_the_references_ids(name, look_alikes, assets, repetitions):
    texts = many(repetitions(TEXTS), seed=11)
    theirs = families.reference_ids(look_alikes[name].text, texts, look_alikes[name].vocabulary)
    assert differing(encode_all(load(assets[name]), texts), theirs, texts) == []


@pytest.mark.parametrize(("name", "wrapper", "options", "clean"), [
    ("siglip", "T5Tokenizer", {"extra_ids": 0, "pad_token": "</s>"}, "canonicalize"),
    ("xlm-r", "XLMRobertaTokenizer", {}, "whitespace"),
    ("siglip2", "GemmaTokenizer", {"padding_side": "right", "add_bos_token": False, "add_eos_token": True},
     "canonicalize")])
def test_the_ids_are_those_of_open_clips_tokenizer(name, wrapper, options, clean, look_alikes, assets, tmp_path):
    """The reference in export/text/assets is put together from `tokenizers` alone; this one is open_clip's own."""
    import open_clip.tokenizer
    import transformers

    model, kind = json.loads(look_alikes[name].vocabulary.read_text())["model"], getattr(transformers, wrapper)
    if name == "siglip2":
        made = kind(vocab=model["vocab"], merges=[tuple(merge) for merge in model["merges"]], **options)
    else:
        made = kind(vocab=[tuple(row) for row in model["vocab"]],
                    _spm_precompiled_charsmap=lookalikes.unigram_model()[1], **options)
    made.save_pretrained(tmp_path)
    text = look_alikes[name].text
    theirs = open_clip.tokenizer.HFTokenizer(str(tmp_path), context_length=text.context_length, clean=clean)
    texts = promised([*hostile.listed(text.context_length), *hostile.CLUSTERS, *hostile.generate(300, seed=4),
                      *lookalikes.sentences()[::50]])
    texts = [typed for typed in texts if not exempt(name, typed, model)]
    assert differing(encode_all(load(assets[name]), texts), theirs(texts).numpy(), texts) == []


def exempt(name, typed, model) -> bool:
    """Whether FORMATS.md names the text as an exception: typed special tokens, which SigLIP's cleaning takes apart."""
    return name == "xlm-r" and any(special in typed for special in ("<s>", "</s>", "<pad>", "<unk>", "<mask>"))


def test_byte_pairs_are_those_of_sentencepiece(look_alikes, assets):
    import sentencepiece

    theirs = sentencepiece.SentencePieceProcessor(model_proto=lookalikes.bpe_model().SerializeToString())
    text, tokenizer = look_alikes["siglip2"].text, load(assets["siglip2"])
    texts = promised([*hostile.listed(text.context_length), *hostile.CLUSTERS, *hostile.generate(300, seed=5)])
    for typed in texts:
        tokens = theirs.encode(tokenizer.cleaner.cleaned(typed))
        assert tokenizer.encode(typed).tolist() == tokenizer.frame.ids(tokens).tolist(), ascii(typed)


def test_wordpiece_gives_cn_clips_own_ids():
    """Kept from cn_clip 1.6.0's FullTokenizer with the vocabulary beside: tests/fixtures/cn_clip/README.md."""
    kept = json.loads((CN_CLIP / "ids.json").read_text())
    text = replace(CHINESE_CLIP_TEXT, **kept["text"])
    texts = [row["text"] for row in kept["texts"]]
    wanted = np.array([row["ids"] + [0] * (52 - len(row["ids"])) for row in kept["texts"]])
    assert differing(families.reference_ids(text, texts, CN_CLIP / "vocab.txt"), wanted, texts) == []
    golden = json.loads((goldens.OUT / "tokens-wordpiece.json").read_text())
    tokenizer = load(goldens.OUT / golden["asset"])
    assert differing(encode_all(tokenizer, texts), wanted, texts) == [] and len(texts) > 600


# What the contract excepts.

@pytest.mark.parametrize("typed", ["<s>", "a <mask> b", "x</s>", "<unk>", "<pad>"])
def test_a_typed_special_token_stays_text(typed, look_alikes, assets):
    """transformers makes a special token of it; here a name in a product's text never becomes one."""
    tokenizer = load(assets["xlm-r"])
    special = {0, 1, 2, look_alikes["xlm-r"].text.vocabulary - 1}
    row = tokenizer.encode(typed).tolist()
    tokens = row[1:row.index(2)]
    assert tokens and not special & set(tokens)


def test_typed_marks_of_a_space_are_cut_as_spaces_in_unigram(look_alikes, assets):
    tokenizer = load(assets["siglip"])
    assert tokenizer.encode("red\u2581dress").tolist() == tokenizer.encode("red dress").tolist()


def test_a_typed_run_of_marks_is_gemmas_one_exception(look_alikes, assets):
    """Gemma's file lists runs of the mark as tokens, found before all merges; readers have no such step."""
    tokenizer, marks = load(assets["siglip2"]), "\u2581\u2581"
    from tokenizers import AddedToken, Tokenizer

    other = Tokenizer.from_file(str(look_alikes["siglip2"].vocabulary))
    assert other.encode("a" + marks + "b", add_special_tokens=False).ids == [
        token for token in tokenizer.encode("a" + marks + "b").tolist() if token > 1]
    other.add_tokens([AddedToken(marks, normalized=False)])
    assert other.encode("a" + marks + "b", add_special_tokens=False).ids != [
        token for token in tokenizer.encode("a" + marks + "b").tolist() if token > 1]


def test_a_surrogate_without_its_pair_is_a_replacement_character(assets):
    for name in MODELS:
        tokenizer = load(assets[name])
        assert tokenizer.encode("a\ud83db").tolist() == tokenizer.encode("a\ufffdb").tolist()
        assert tokenizer.encode("\ud83d\udc57").tolist() == tokenizer.encode("\U0001f457").tolist()


# Rows.

@pytest.mark.parametrize("name", MODELS)
def test_a_row_is_int32_with_the_end_token_and_pads_on_the_right(name, look_alikes, assets):
    text, tokenizer = look_alikes[name].text, load(assets[name])
    empty, short, long = (tokenizer.encode(typed) for typed in ("", "a", "a " * 300))
    start = [] if text.start_token is None else [text.start_token]
    assert empty.tolist() == [*start, text.end_token] + [text.pad_token] * (text.context_length - 1 - len(start))
    assert short.dtype == np.int32 and short.shape == (text.context_length,) and tokenizer.context_length == len(short)
    assert short[len(start) + 1:].tolist() == [text.end_token] + [text.pad_token] * (len(short) - len(start) - 2)
    assert long[-1] == text.end_token and text.pad_token not in long[:-1] and encode_all(tokenizer, []).shape[0] == 0


@pytest.mark.parametrize("family", list(token_goldens.NAMES))
def test_the_golden_assets_give_the_golden_ids(family):
    golden = json.loads((goldens.OUT / f"tokens-{family}.json").read_text(encoding="ascii"))
    path = goldens.OUT / golden["asset"]
    tokenizer, length = load(path), golden["context_length"]
    assert path.stat().st_size < 600_000 and tokenizer.context_length == length and len(golden["texts"]) > 300
    for row in golden["texts"]:
        ids = row["ids"] + [golden["pad_token"]] * (length - len(row["ids"]))
        assert tokenizer.encode(row["text"]).tolist() == ids, ascii(row["text"])


@pytest.mark.parametrize("family", list(token_goldens.NAMES))
def test_the_golden_texts_are_wide(family):
    golden = json.loads((goldens.OUT / f"tokens-{family}.json").read_text(encoding="ascii"))
    texts, length = [row["text"] for row in golden["texts"]], golden["context_length"]
    for wanted in ("", "a", "\u00b2\u0301", "\u200b", "\u2581", "a\tb", "x" * 201, "a_b__c", "[CLS] [UNK] [MASK]",
                   "\u0391'\u03a3' \u0391\u00ad\u03a3\u00ad\u0391 \u0391\u0345\u03a3\u0345 \u0391:\u03a3"):
        assert wanted in texts or wanted in "".join(texts), ascii(wanted)
    counts = {len(row["ids"]) for row in golden["texts"]}
    assert {length - 1, length} <= counts and max(counts) == length
    repeated = [row["ids"] for row in golden["texts"] if row["text"] and not row["text"].replace("a ", "").strip("a")]
    assert {length - 1, length} <= {len(ids) for ids in repeated}


# Damaged assets, and vocabularies that cannot be kept.

ROWS = json.loads((FOLDER / "index.json").read_text(encoding="ascii"))["damaged"]


@pytest.mark.parametrize("row", ROWS, ids=[row["file"] for row in ROWS])
def test_a_damaged_asset_is_refused_by_the_part(row):
    path = FOLDER / row["file"]
    if row["opens"]:
        assert load(path).encode("a\u00e9 ab").dtype == np.int32
        return
    with pytest.raises(InputError) as caught:
        load(path)
    said = str(caught.value)
    assert row["part"] in said.replace(str(path), "") and "\n" not in said and "remedy" in said


def test_every_family_has_a_whole_asset_and_faults_of_its_own():
    files = [row["file"].removeprefix("damaged/").removesuffix(".safetensors") for row in ROWS]
    for family in ("unigram", "gemma-bpe", "wordpiece"):
        assert f"{family}-whole" in files and sum(file.startswith(family) for file in files) > 16
    assert {(FOLDER / row["file"]).name for row in ROWS} == {path.name for path in (FOLDER / "damaged").iterdir()}


@pytest.mark.parametrize("family", ["unigram", "gemma-bpe", "wordpiece"])
def test_made_up_damage_gives_ids_or_the_one_error(family, tmp_path, repetitions):
    whole = (FOLDER / "damaged" / f"{family}-whole.safetensors").read_bytes()
    source, path, refused = random.Random(2), tmp_path / "damaged.safetensors", 0
    for _ in range(count := repetitions(20_000) // 4):
        content = bytearray(whole)
        for _ in range(source.randint(1, 3)):
            content[source.randrange(len(content))] = source.randrange(256)
        path.write_bytes(content)
        try:
            assert load(path).encode("a\u00b2\u0301b \u00e9\u2581ab x").dtype == np.int32
        except InputError:
            refused += 1
    assert refused > count // 10


def test_no_walk_in_a_damaged_map_leaves_it(repetitions):
    """Every map that opens answers every text: units changed at random, 240,007 bytes of nmt_nfkc among them."""
    whole, source = token_goldens.small_map(), random.Random(3)
    sets = {name: np.zeros((0, 2), np.uint32) for name in ("extends", "prepends", "unmarked")}
    opened = 0
    for _ in range(repetitions(20_000)):
        units = whole["charsmap_units"].copy()
        for _ in range(source.randint(1, 4)):
            units[source.randrange(256)] = source.choice((source.getrandbits(32), source.getrandbits(18), 1 << 31))
        try:
            made = character_map({"charsmap_units": units, "charsmap_text": whole["charsmap_text"], **sets})
        except ValueError:
            continue
        opened += 1
        assert isinstance(made, CharacterMap) and isinstance(made.applied("\u00b2\u0301ab\u00e9\u4e00\U0001f457"), str)
    assert opened > 20


def test_the_real_map_passes_the_checks_and_is_asked_by_its_clusters():
    tensors = map_tensors(lookalikes.unigram_model()[1])
    made = character_map(tensors)
    assert made.applied("\u00b2") == made.applied("\u00b2\u0301") == "2" and made.applied("\u00b2\u0301\u0301") != "2"
    assert {name: len(tensors[name]) for name in ("extends", "prepends", "unmarked")} == {
        "extends": 334, "prepends": 15, "unmarked": 17}
    with pytest.raises(InputError, match="lacks a key that shows which characters are one cluster"):
        map_tensors(_map_without_keys())


def _map_without_keys() -> bytes:
    return (1024).to_bytes(4, "little") + bytes(1024) + b"\0"


def changed_vocabulary(look_alikes, name, tmp_path, change):
    content = json.loads(look_alikes[name].vocabulary.read_text())
    change(content)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(("name", "change", "says"), [
    ("siglip", lambda c: c["model"]["vocab"][9].__setitem__(1, -1.1), "cannot be kept exactly.*scores of 32 bits"),
    ("siglip", lambda c: c["model"].update(byte_fallback=True), "cannot be kept exactly"),
    ("siglip", lambda c: c["model"]["vocab"].append(["longer", -3.0]), "more tokens than the text encoder"),
    ("siglip", lambda c: c["model"]["vocab"][9].__setitem__(0, c["model"]["vocab"][8][0]), "a piece twice"),
    ("siglip", lambda c: c.update(normalizer={"type": "NFKC"}), "normalises otherwise.*found .'NFKC'"),
    ("siglip", lambda c: c.update(normalizer=None), "normalises otherwise"),
    ("siglip", lambda c: c.update(model={"type": "BPE"}), "another kind.*expected Unigram; found BPE"),
    ("siglip", lambda c: c.pop("model"), "not a tokenizer.json"),
    ("siglip2", lambda c: c["model"]["merges"].reverse(), "merges do not follow from the order"),
    ("siglip2", lambda c: c["model"]["merges"].pop(40), "merges do not follow from the order"),
    ("siglip2", lambda c: c["model"].update(byte_fallback=False), "not a tokenizer such as Gemma's"),
    ("siglip2", lambda c: c.update(normalizer={"type": "Prepend", "prepend": "x"}), "not a tokenizer such as Gemma's"),
    ("siglip2", lambda c: c["model"]["vocab"].pop("<0x41>"), "lacks a byte.*expected <0x41>"),
])
def test_a_vocabulary_that_cannot_be_kept_is_refused(name, change, says, look_alikes, tmp_path):
    path = changed_vocabulary(look_alikes, name, tmp_path, change)
    with pytest.raises(InputError, match=says):
        families.write_asset(look_alikes[name].text, tmp_path / "asset", path)
    assert not (tmp_path / "asset").exists()


@pytest.mark.parametrize("name", MODELS)
def test_a_missing_vocabulary_is_refused(name, look_alikes, tmp_path):
    for path in (None, tmp_path / "none"):
        with pytest.raises(InputError, match="vocabulary.*remedy: take the"):
            families.write_asset(look_alikes[name].text, tmp_path / "asset", path)


def test_special_tokens_beyond_the_encoders_table_are_left_out(look_alikes, tmp_path):
    def longer(content):
        content["model"]["vocab"] += [[f"<extra_id_{place}>", 0.0] for place in range(3)]
        content["added_tokens"] += [{"content": f"<extra_id_{place}>", "id": 0, "special": True} for place in range(3)]

    path = changed_vocabulary(look_alikes, "siglip", tmp_path, longer)
    text, own = look_alikes["siglip"].text, look_alikes["siglip"].vocabulary
    assert unigram_asset.asset_bytes(text, path) == unigram_asset.asset_bytes(text, own)


# The files.

@pytest.mark.parametrize("name", MODELS)
def test_an_asset_is_the_same_bytes_again_and_opens_with_the_safetensors_package(name, look_alikes, assets):
    from safetensors import safe_open

    again = assets[name].with_name("again")
    families.write_asset(look_alikes[name].text, again, look_alikes[name].vocabulary)
    assert again.read_bytes() == assets[name].read_bytes()
    metadata, tensors = read_container(again, "")
    assert container_bytes(metadata, tensors) == again.read_bytes()
    with safe_open(again, "numpy") as file:
        assert file.metadata() == metadata and set(file.keys()) == set(tensors)


def test_an_asset_holds_no_table_that_no_step_reads(assets):
    parts = {name: set(read_container(path, "")[1]) for name, path in assets.items()}
    assert not {part for part in parts["chinese-clip"] if part.startswith(("html", "charrefs", "fold", "charsmap"))}
    assert not {part for part in parts["xlm-r"] if part.startswith(("lower", "struck"))} and "spaces" in parts["xlm-r"]
    assert "charsmap_units" not in parts["siglip2"] and "scores" not in parts["siglip2"]
    assert "merges" not in set().union(*parts.values())


def test_only_the_asset_decides(assets):
    """Neither the references nor Python's Unicode data are in reach of the readers."""
    paths = [str(path) for path in assets.values()]
    code = ("import sys; from pathlib import Path; from export.text.tokenizer import load\n"
            f"for path in {paths!r}: load(Path(path)).encode('R\u00c9SUM\u00c9 &amp;')\n"
            "sys.exit(bool({'ftfy', 'regex', 'html', 'open_clip', 'torch', 'tokenizers', 'transformers', "
            "'sentencepiece'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
    for module in ("unigram", "gemma_bpe", "wordpiece", "vocabulary", "charsmap", "cleaning"):
        source = (ROOT / "export" / "text" / f"{module}.py").read_text(encoding="utf-8")
        for call in ("unicodedata", ".lower()", ".isspace(", ".isalpha(", ".split()", ".strip()"):
            assert call not in source, f"{module} uses {call}"


def test_merges_of_a_piece_that_can_be_made_in_two_ways_are_all_there(look_alikes):
    content = json.loads(look_alikes["siglip2"].vocabulary.read_text())
    made = gemma_bpe_asset.merged(content, content["model"]["vocab"], None)
    assert len(made) > 700 and len(content["model"]["merges"]) > len(made)
    assert hub_tokenizer.specials(content) == {"<pad>", "<eos>", "<bos>", "<unk>"}
