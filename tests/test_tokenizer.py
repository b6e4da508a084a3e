"""Texts: the tokenizer asset alone gives open_clip's token ids; a damaged asset is refused."""

import hashlib
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from export.common.container import container_bytes, read_container
from export.common.errors import InputError
from export.common.specs import CLIP_TEXT
from export.text.families import write_asset
from export.text.tokenizer import encode_all, load
from parity import hostile
from parity.hostile import HOSTILE, decoding_is_repaired

# Of the libraries that requirements.lock pins. A change here changes the embedding space of every model.
ASSET_SHA256 = "217a098043f1bc8a4d6b96d59afe9dbbb705efe7145eac11423e409e5afaf14c"
SHORT = 32                                   # PE-Core's context
TEXTS = 10_000                               # random ones, in `make soak`


@pytest.fixture(scope="module")
def asset(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.safetensors"
    digest = write_asset(CLIP_TEXT, path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    return path


@pytest.fixture(scope="module")
def tokenizer(asset):
    return load(asset)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    path = tmp_path_factory.mktemp("short") / "tokenizer.safetensors"
    write_asset(replace(CLIP_TEXT, context_length=SHORT), path)
    return path


@pytest.fixture(scope="module")
def reference():
    from open_clip.tokenizer import SimpleTokenizer
    return SimpleTokenizer()


def compare(tokenizer, reference, texts):
    """Assert equal ids wherever the asset promises them; how many texts differ for which it does not."""
    ours, theirs = encode_all(tokenizer, texts), reference(texts).numpy()
    differing = np.flatnonzero((ours != theirs).any(axis=1))
    wrong = [texts[index] for index in differing if not decoding_is_repaired(texts[index])]
    assert not wrong, f"{len(wrong)} texts, such as {ascii(wrong[0])}"
    return len(differing)


def test_asset_is_the_pinned_one_to_the_byte(asset):
    assert hashlib.sha256(asset.read_bytes()).hexdigest() == ASSET_SHA256
    assert asset.stat().st_size < 1_000_000
    assert [path.name for path in asset.parent.iterdir()] == [asset.name]        # nothing half-written beside it


def test_the_asset_of_another_context_length_differs_in_that_number_alone(asset, short):
    length, other = b'"context_length":"77"', b'"context_length":"32"'
    assert asset.read_bytes().count(length) == 1
    assert short.read_bytes() == asset.read_bytes().replace(length, other)


def test_asset_opens_with_the_safetensors_package(asset):
    from safetensors import safe_open
    with safe_open(asset, "numpy") as file:
        metadata, tensors = read_container(asset, "")
        assert file.metadata() == metadata
        assert set(file.keys()) == set(tensors)
        for name, tensor in tensors.items():
            np.testing.assert_array_equal(file.get_tensor(name), tensor)


def test_tensors_lie_aligned_for_a_mapped_file(asset):
    content = asset.read_bytes()
    length = int.from_bytes(content[:8], "little")
    sizes = {"U32": 4, "U16": 2, "U8": 1}
    for name, entry in json.loads(content[8:8 + length]).items():
        if name != "__metadata__":
            assert (8 + length + entry["data_offsets"][0]) % sizes[entry["dtype"]] == 0, name


def test_ids_are_int32_of_77_with_start_end_and_padding(tokenizer):
    assert tokenizer.encode("a photo").tolist() == [49406, 320, 1125, 49407] + [0] * 73
    assert tokenizer.encode("").tolist() == [49406, 49407] + [0] * 75
    assert tokenizer.encode("").dtype == np.int32
    assert encode_all(tokenizer, ["", "a"]).shape == (2, 77)
    assert encode_all(tokenizer, []).shape == (0, 77)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_gives_open_clips_ids(tokenizer, reference, text):
    assert compare(tokenizer, reference, [text, f"a {text} b", f"x{text}x", text + text, text + "\n" + text]) <= 2


@pytest.mark.parametrize("words", [73, 74, 75, 76, 77, 78, 1000])
def test_truncation_keeps_the_end_token(tokenizer, reference, words):
    text = "dress " * words
    ids = tokenizer.encode(text)
    np.testing.assert_array_equal(ids, reference(text).numpy()[0])
    assert ids[min(words + 1, 76)] == 49407 and (ids == 49407).sum() == 1


@pytest.mark.parametrize("words", [0, 1, 28, 29, 30, 31, 32, 33, 1000])
def test_a_short_context_is_cut_as_open_clip_cuts_pe_cores(short, words):
    import open_clip

    reference, text = open_clip.get_tokenizer("PE-Core-T-16-384"), "dress " * words
    ids = load(short).encode(text)
    assert ids.shape == (SHORT,) and ids.dtype == np.int32
    np.testing.assert_array_equal(ids, reference(text).numpy()[0])
    assert ids[min(words + 1, SHORT - 1)] == 49407 and (ids == 49407).sum() == 1


def test_hostile_and_random_texts_give_open_clips_ids_in_a_short_context(short, repetitions):
    import open_clip

    reference = open_clip.get_tokenizer("PE-Core-S-16-384")
    texts = [text for text in hostile.listed(SHORT) if not decoding_is_repaired(text)]
    assert compare(load(short), reference, [*texts, *hostile.generate(repetitions(TEXTS), seed=7)]) == 0


def test_code_points_from_all_planes_give_open_clips_ids(tokenizer, reference):
    """Every code point below U+0600 and each 61st above; all 1,114,112 were swept when this was written."""
    points = [*range(0x600), *range(0x600, 0x110000, 61)]
    texts = [" ".join(f"a{chr(point)}b" for point in points[start:start + 8]) for start in range(0, len(points), 8)]
    assert compare(tokenizer, reference, texts) < len(texts) * 0.02


def test_random_texts_give_open_clips_ids(tokenizer, reference, repetitions):
    assert compare(tokenizer, reference, hostile.generate(repetitions(TEXTS))) == 0


def test_a_repaired_decoding_is_the_one_known_difference(tokenizer, reference):
    text = "caf\u00c3\u00a9"
    assert decoding_is_repaired(text)
    assert tokenizer.encode(text).tolist() != reference(text).numpy()[0].tolist()
    assert tokenizer.encode("caf\u00e9").tolist() == reference(text).numpy()[0].tolist()


def test_only_the_asset_decides(asset):
    """Neither the libraries of the reference nor Python's Unicode data are in reach of the tokenizer."""
    code = ("import sys; from pathlib import Path; from export.text.tokenizer import load\n"
            f"load(Path({str(asset)!r})).encode('R\u00c9SUM\u00c9 &amp;')\n"
            "sys.exit(bool({'ftfy', 'regex', 'html', 'open_clip', 'torch', 'safetensors'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0
    for module in ("clip_bpe", "clean", "entities", "tables"):
        source = (Path(__file__).parents[1] / "export" / "text" / f"{module}.py").read_text(encoding="utf-8")
        for call in ("unicodedata", ".lower()", ".isspace(", ".isalpha(", ".isdigit(", ".isdecimal(", ".split()",
                     ".strip()"):
            assert call not in source, f"{module} uses {call}"


def changed(asset, tmp_path, **changes):
    """A copy of the asset with other metadata (text), tensors (arrays), or without them (None)."""
    metadata, tensors = read_container(asset, "")
    for name, value in changes.items():
        part = metadata if name in metadata or isinstance(value, str) else tensors
        part.pop(name, None)
        if value is not None:
            part[name] = value
    path = tmp_path / "changed.safetensors"
    path.write_bytes(container_bytes(metadata, tensors))
    return path


def test_an_unchanged_copy_loads_and_is_the_same_file(asset, tmp_path):
    assert changed(asset, tmp_path).read_bytes() == asset.read_bytes()


@pytest.mark.parametrize(("changes", "says"), [
    ({"format": "mobileclip-catalog"}, "expected mobileclip-tokenizer version 1 or 2; found mobileclip-catalog "),
    ({"version": "3"}, "found mobileclip-tokenizer version 3"),
    ({"version": "2"}, "family that this program does not know.*expected clip-bpe, unigram, .*; found none"),
    ({"version": "2", "family": "letters"}, "family that this program does not know.*found letters"),
    ({"version": "2", "family": "unigram"}, "lacks a part in .*changed.safetensors; expected pieces"),
    ({"merges": None}, "lacks a part in .*changed.safetensors; expected merges"),
    ({"fold_offsets": None}, "lacks a part.*expected fold_offsets"),
    ({"start_token": None}, "lacks a part.*expected start_token"),
    ({"end_token": "many"}, "damaged"),
    ({"letters": np.zeros((3, 3), np.uint32)}, "letters is uint32 .3, 3., not U32"),
    ({"letters": np.array([[5, 4]], np.uint32)}, "out of order"),
    ({"spaces": np.array([[1, 5], [5, 9]], np.uint32)}, "out of order"),
    ({"merges": np.array([[512, 0]], np.uint16)}, "a merge of tokens that do not exist yet"),
    ({"byte_ids": np.zeros(256, np.uint32)}, "byte_ids is uint32"),
    ({"byte_ids": np.arange(1, 257, dtype=np.uint16)}, "a byte's token of 256, expected below 256"),
    ({"lower_offsets": np.array([0, 9], np.uint32)}, "offsets of lower"),
    ({"lower_values": np.full(1434, 0x110000, np.uint32)}, "damaged"),
    ({"lower_keys": np.zeros(3, np.uint32)}, "the keys of lower are out of order"),
    ({"lower_keys": np.array([66, 65], np.uint32)}, "the keys of lower are out of order"),
    ({"html_names": np.full(16641, 200, np.uint8)}, "damaged"),
])
def test_a_foreign_or_damaged_asset_is_refused(asset, tmp_path, changes, says):
    with pytest.raises(InputError, match=says):
        load(changed(asset, tmp_path, **changes))


def test_a_missing_asset_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match="none.safetensors; found No such file.*remedy: write the asset anew"):
        load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("length", [0, 7, 8, 100, 5000, 348_000])
def test_an_asset_cut_short_is_refused(asset, tmp_path, length):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(asset.read_bytes()[:length])
    with pytest.raises(InputError, match=str(path)):
        load(path)


def test_damaged_headers_never_give_anything_but_the_one_error(asset, tmp_path):
    content = asset.read_bytes()
    header = int.from_bytes(content[:8], "little")
    source = random.Random(0)
    path = tmp_path / "damaged.safetensors"
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        damaged[source.randrange(8 + header)] = source.randrange(256)
        path.write_bytes(damaged)
        try:
            load(path)
        except InputError:
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("header", ["[]", "1", "null", "{", '{"a":1}', '{"__metadata__":{"format":1}}',
                                    '{"__metadata__":[]}',
                                    '{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,-1]}}', "[" * 100_000,
                                    '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}',
                                    '{"a":{"dtype":"U8","shape":"2","data_offsets":[0,2]}}',
                                    '{"a":{"dtype":["U8"],"shape":[2],"data_offsets":[0,2]}}'])
def test_hostile_headers_are_refused(tmp_path, header):
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + b"xx")
    with pytest.raises(InputError, match="hostile.safetensors"):
        load(path)
