"""Texts: the tokenizer asset alone gives open_clip's token ids; a damaged asset is refused."""

import hashlib
import json
import random
import subprocess
import sys
from html.entities import html5
from pathlib import Path

import numpy as np
import pytest

from export.container import container_bytes, read_container
from export.errors import InputError
from export.tokenizer import Tokenizer
from export.tokenizer_asset import write_asset

# ruff: noqa: E501 (the table of texts)
# Of the libraries that requirements.lock pins. A change here changes the embedding space of every model.
ASSET_SHA256 = "217a098043f1bc8a4d6b96d59afe9dbbb705efe7145eac11423e409e5afaf14c"

HOSTILE = [
    "", " ", "\n", "a", "A", "é", "👗", "1", "'", "''", "&", "<", ";", "\x00", "\ufffd", "\u0345", "\u0301", "\x1b", "\x85",
    "a photo of a red summer dress", "A PHOTO OF A DRESS", "it's don't we're I've I'm they'll he'd", "'S 'T 'RE 'VE 'M",
    "''s 's's s's 'sa x'll", "!'s", "it\u2019s \u2018quoted\u2019 \u201cdouble\u201d \u201alow\u201b \u02bcapostrophe",
    "'\u017f \u017f \u017ft x'\u017f", "\u212a \u212b \u00b5 \u2126", "\u0130stanbul I\u0131i\u0307",
    "\u039f\u0394\u039f\u03a3 \u039f\u0394\u039f\u03a3. \u03a3 \u03a3\u03a3 a\u03a3b a\u03a3 \u03a3a 1\u03a3",
    "\u0391'\u03a3' \u0391\u00ad\u03a3\u00ad\u0391 \u0391\u0345\u03a3\u0345 \u0391:\u03a3", "STRASSE stra\u00dfe \u1e9e",
    "r\u00e9sum\u00e9", "re\u0301sume\u0301", "e\u0323\u0302 e\u0302\u0323 \u1ec7", "a\u0315\u0300\u05ae\u0300b", "\u0344 \u0958 \u1fef",
    "\u1100\u1161\u11a8 \uac00\u11a8 \ud55c\uae00 \u1112\u1161\u11ab \u1100\u1161\u11a7 \u1100\u0301\u1161", "\u09c7\u09be \u0b92\u0bd7",
    "&amp;", "&amp;amp;", "&amp;amp;amp;amp;lt;", "&lt;b&gt;", "<b>&amp;</b>", "&amp;\n<\n&amp;amp;amp;", "&AMP; &EACUTE; &eACUTE;",
    "&szlig;&SZLIG;&fjlig;&NotEqualTilde;", "&notit; &not &notin &notin; &copy2 &Copy", "&CounterClockwiseContourIntegral;",
    "&#39;&#x27;&#X27;&#59;&#x3B;&#38;#38;", "&#0;&#1;&#11;&#13;&#128;&#129;&#133;&#150;&#xD800;&#x110000;&#99999999999999999999999999;",
    "&#12ab;&#x;&#xg;&#;&#a;&;& ;&#x1F457", "&#xfdd0;x&#xffff;&#x1fffe;", "&nbsp;x&nbsp", "&gtx &ltx &quotx", "&ampamp;lt;", "&amp\u037e",
    "&" + "a" * 40 + ";", "&not" + "x" * 40, "&lt" * 30, "&\u00e9;&eacute\u00e9;", "dress&trousers &shirt=1&amp;x",
    "\x1b[31mred\x1b[0m", "\x1b[1;31mx", "\x1b[", "\x1b[3", "\x1b[3~", "\x1b[\u0663m\u0661", "\x1b\x1b[m[m", "\x1b[m" * 5,
    "\ufb01ne \ufb00 \ufb03 \ufb04 \ufb05 \ufb06 \u0132 \u0133 \u0149 \u01c4 \u01c5 \u01f1", "\u00e6 \u0153 \u00bd \u00b3 \u2167 \u24d0",
    "\uff21\uff22\uff23\u3000\uff11\uff01 \uff76\uff9e\uff8a\uff9f \uffe3 \uffe6 \uffa1\uffc2 \uff06amp;", "\uff1cb\uff1e &amp;",
    "a\tb\r\nc\rd\x0be\x0cf\x1cg\x1dh\x1ei\x1fj\u0085k\u00a0l\u1680m\u2003n\u2028o\u2029p\u202fq\u205fr\u3000s\u200bt\ufeffu",
    "\u200d\u200c\u00ad\u2060 \u061c \u202ea\u202c \u180e", "\ufff9a\ufffab\ufffb\ufffc \u206a \u007f \x07 \x9d \x81", "\x80\x91\x92\x99 C1",
    "0123456789 3.14 1,000 2\u00b2 \u0663\u0664 \u0967 \u4e00\u4e8c \u2460 \U0001d7d8", "50% $9.99 #1 @home a_b a-b a/b http://x.y/?z=1",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u270a\U0001f3fd \u2764\ufe0f 1\ufe0f\u20e3", "\U0001f457" * 40,
    "\u8d64\u3044\u30c9\u30ec\u30b9 \u7ea2\u8272\u8fde\u8863\u88d9 \ube68\uac04 \ub4dc\ub808\uc2a4", "\u0641\u0633\u062a\u0627\u0646 \u0623\u062d\u0645\u0631 \u0651\u064e",
    "\u0e0a\u0e38\u0e14\u0e40\u0e14\u0e23\u0e2a\u0e2a\u0e35\u0e41\u0e14\u0e07", "\u0932\u093e\u0932 \u092a\u094b\u0936\u093e\u0915", "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
    "\u043a\u0440\u0430\u0441\u043d\u043e\u0435 \u041f\u041b\u0410\u0422\u042c\u0415 \u0439 \u0438\u0306", "\u10a0\u1c90\u13a0\uab70 \U00010400 \U0001e900 \u2c2f",
    "<start_of_text>", "<end_of_text>", "<START_OF_TEXT>a<End_Of_Text>", "<|startoftext|>", "<\u017ftart_of_text>", "x<end_of_text>",
    "!<end_of_text>", "&lt;end_of_text&gt;", "<end_of_text", "\ud800", "\udfff\ud800", "\ud83d\udc57", "\ud83d&#1;\udc57", "\ud83d\x00\udc57",
    "x" * 3000, "1" * 200, "!" * 200, "ab " * 500, "\u0301" * 100, "e" + "\u0301\u0323" * 60, "\u03a3" * 90, "'" * 150, "&amp;" * 90,
    "&" + "amp;" * 60, "supercalifragilisticexpialidocious " * 9, "\U0010ffff\U000e0001\ue000\U000f0000",
]
FRAGMENTS = [
    "'s", "'t", "'re", "'\u017f", "<start_of_text>", "<END_OF_TEXT>", "&amp;amp;", "&lt;", "&gt", "&#39;", "&#x3b;", "&notit;", "&EACUTE;",
    "&#128;", "&#xD83D;", "&", "&#", "&;", "\x1b[31m", "\x1b[", "\r\n", "\n", "<", "don't", "r\u00e9sum\u00e9", "\u039f\u0394\u039f\u03a3", "\u037e",
    "a photo of a ", "dress", "\u017f", "\u0130", "\ufb01", "\uff21", "\u0345", "\u2019", "\u201c", "\ud83d", "\udc57", "\u1100\u1161\u11a8",
    "e\u0323\u0302", "\u3000", "\xa0", "\x85", "\x92", "\ufeff", "\u4e2d\u6587", "\u0661", "\u00b2",
]


@pytest.fixture(scope="module")
def asset(tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.safetensors"
    digest = write_asset(path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    return path


@pytest.fixture(scope="module")
def tokenizer(asset):
    return Tokenizer.load(asset)


@pytest.fixture(scope="module")
def reference():
    from open_clip.tokenizer import SimpleTokenizer
    return SimpleTokenizer()


def decoding_is_repaired(text):
    """Whether ftfy's fix_encoding, which the asset leaves out, changes the text."""
    import ftfy
    return ftfy.fix_text(text) != ftfy.fix_text(text, ftfy.TextFixerConfig(explain=False, fix_encoding=False))


def compare(tokenizer, reference, texts):
    """Assert equal ids wherever the asset promises them; how many texts it does not promise them for and that differ."""
    ours, theirs = tokenizer.encode(texts), reference(texts).numpy()
    differing = np.flatnonzero((ours != theirs).any(axis=1))
    wrong = [texts[index] for index in differing if not decoding_is_repaired(texts[index])]
    assert not wrong, f"{len(wrong)} texts, such as {ascii(wrong[0])}"
    return len(differing)


def test_asset_is_the_pinned_one_to_the_byte(asset):
    assert hashlib.sha256(asset.read_bytes()).hexdigest() == ASSET_SHA256
    assert asset.stat().st_size < 1_000_000
    assert [path.name for path in asset.parent.iterdir()] == [asset.name]        # nothing half-written beside it


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
    assert tokenizer("a photo").tolist() == [49406, 320, 1125, 49407] + [0] * 73
    assert tokenizer("").tolist() == [49406, 49407] + [0] * 75
    assert tokenizer("").dtype == np.int32
    assert tokenizer.encode(["", "a"]).shape == (2, 77)
    assert tokenizer.encode([]).shape == (0, 77)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_gives_open_clips_ids(tokenizer, reference, text):
    assert compare(tokenizer, reference, [text, f"a {text} b", f"x{text}x", text + text, text + "\n" + text]) <= 2


@pytest.mark.parametrize("words", [73, 74, 75, 76, 77, 78, 1000])
def test_truncation_keeps_the_end_token(tokenizer, reference, words):
    text = "dress " * words
    ids = tokenizer(text)
    np.testing.assert_array_equal(ids, reference(text).numpy()[0])
    assert ids[min(words + 1, 76)] == 49407 and (ids == 49407).sum() == 1


def test_code_points_from_all_planes_give_open_clips_ids(tokenizer, reference):
    """Every code point below U+0600 and each 61st above; all 1,114,112 were swept when this was written."""
    points = [*range(0x600), *range(0x600, 0x110000, 61)]
    texts = [" ".join(f"a{chr(point)}b" for point in points[start:start + 8]) for start in range(0, len(points), 8)]
    assert compare(tokenizer, reference, texts) < len(texts) * 0.02


def random_text(source):
    parts = []
    for _ in range(source.choice((1, 2, 3, 5, 8, 13, 30))):
        kind = source.random()
        if kind < 0.4:
            parts.append(source.choice(FRAGMENTS))
        elif kind < 0.5:
            parts.append("&" + source.choice(list(html5)[:400])[:source.randint(1, 9)])
        elif kind < 0.6:
            parts.append(source.choice(("&#", "&#x")) + str(source.randint(0, 99999)) + source.choice((";", "")))
        elif kind < 0.8:
            parts.append(chr(source.randint(0, source.choice((0x7F, 0x3FF, 0xFFFF, 0x10FFFF)))))
        else:
            parts.append(" " + "".join(source.choices("abcdefgHIJKLMN'0123.", k=source.randint(1, 9))))
    return "".join(parts)


def test_random_texts_give_open_clips_ids(tokenizer, reference):
    source = random.Random(0)
    texts = [random_text(source) for _ in range(3000)]
    assert compare(tokenizer, reference, texts) < 60             # under 2 % outside the promise


def test_a_repaired_decoding_is_the_one_known_difference(tokenizer, reference):
    text = "caf\u00c3\u00a9"
    assert decoding_is_repaired(text)
    assert tokenizer(text).tolist() != reference(text).numpy()[0].tolist()
    assert tokenizer("caf\u00e9").tolist() == reference(text).numpy()[0].tolist()


def test_only_the_asset_decides(asset):
    """Neither the libraries of the reference nor Python's Unicode data are in reach of the tokenizer."""
    code = ("import sys; from pathlib import Path; from export.tokenizer import Tokenizer\n"
            f"Tokenizer.load(Path({str(asset)!r}))('R\u00c9SUM\u00c9 &amp;')\n"
            "sys.exit(bool({'ftfy', 'regex', 'html', 'open_clip', 'torch', 'safetensors'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0
    for module in ("tokenizer", "text_clean", "text_html", "text_tables"):
        source = (Path(__file__).parents[1] / "export" / f"{module}.py").read_text(encoding="utf-8")
        for call in ("unicodedata", ".lower()", ".isspace(", ".isalpha(", ".isdigit(", ".isdecimal(", ".split()", ".strip()"):
            assert call not in source, f"{module} uses {call}"


def changed(asset, tmp_path, **changes):
    """A copy of the asset with other metadata (text), tensors (arrays), or without them (None)."""
    metadata, tensors = read_container(asset, "")
    for name, value in changes.items():
        part = metadata if name in metadata else tensors
        part.pop(name)
        if value is not None:
            part[name] = value
    path = tmp_path / "changed.safetensors"
    path.write_bytes(container_bytes(metadata, tensors))
    return path


def test_an_unchanged_copy_loads_and_is_the_same_file(asset, tmp_path):
    assert changed(asset, tmp_path).read_bytes() == asset.read_bytes()


@pytest.mark.parametrize(("changes", "says"), [
    ({"format": "mobileclip-catalog"}, "expected mobileclip-tokenizer version 1; found mobileclip-catalog version 1"),
    ({"version": "2"}, "found mobileclip-tokenizer version 2"),
    ({"merges": None}, "lacks a part in .*changed.safetensors; expected merges"),
    ({"fold_offsets": None}, "lacks a part.*expected fold_offsets"),
    ({"start_token": None}, "lacks a part.*expected start_token"),
    ({"end_token": "many"}, "damaged"),
    ({"letters": np.zeros((3, 3), np.uint32)}, "letters is uint32 .3, 3., not U32"),
    ({"letters": np.array([[5, 4]], np.uint32)}, "out of order"),
    ({"spaces": np.array([[1, 5], [5, 9]], np.uint32)}, "out of order"),
    ({"merges": np.array([[512, 0]], np.uint16)}, "a merge of tokens that do not exist yet"),
    ({"byte_ids": np.zeros(256, np.uint32)}, "byte_ids is uint32"),
    ({"lower_offsets": np.array([0, 9], np.uint32)}, "offsets of lower"),
    ({"lower_values": np.full(1434, 0x110000, np.uint32)}, "damaged"),
    ({"lower_keys": np.zeros(3, np.uint32)}, "damaged"),
    ({"html_names": np.full(16641, 200, np.uint8)}, "damaged"),
])
def test_a_foreign_or_damaged_asset_is_refused(asset, tmp_path, changes, says):
    with pytest.raises(InputError, match=says):
        Tokenizer.load(changed(asset, tmp_path, **changes))


def test_a_missing_asset_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(InputError, match="none.safetensors; found No such file.*remedy: write the asset anew"):
        Tokenizer.load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("length", [0, 7, 8, 100, 5000, 348_000])
def test_an_asset_cut_short_is_refused(asset, tmp_path, length):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(asset.read_bytes()[:length])
    with pytest.raises(InputError, match=str(path)):
        Tokenizer.load(path)


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
            Tokenizer.load(path)
        except InputError:
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("header", ["[]", "1", "null", "{", '{"a":1}', '{"__metadata__":{"format":1}}', '{"__metadata__":[]}',
                                    '{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,-1]}}', "[" * 100_000,
                                    '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}',
                                    '{"a":{"dtype":"U8","shape":"2","data_offsets":[0,2]}}',
                                    '{"a":{"dtype":["U8"],"shape":[2],"data_offsets":[0,2]}}'])
def test_hostile_headers_are_refused(tmp_path, header):
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + b"xx")
    with pytest.raises(InputError, match="hostile.safetensors"):
        Tokenizer.load(path)
