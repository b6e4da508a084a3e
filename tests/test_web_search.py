"""The browser's search modules, run by Node: their own suites, on the golden vectors and on what is written here.

What is written: new texts with the references' ids and the desktop's scripts, new pictures with Pillow's bytes, and
damaged tokenizer assets and catalogs, which JavaScript must refuse, or read as Python does.
"""

import base64
import dataclasses
import json
import os
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog_builder.builder import writer
from catalog_builder.catalog import calibration, scripts
from export.artifacts import manifest
from export.common import node as nodes
from export.common.container import container_bytes, read_container
from export.common.errors import InputError
from export.text.tokenizer import encode_all, load
from export.weights.lookup import find
from parity import goldens, token_goldens
from tests import damaged_catalogs, expected
from tests.conftest import ROOT
from tests.small_assets import few_rows, small_asset_of

WEB = ROOT / "web_sample"
FAULTS = 20_000                              # damaged tokenizer assets of each family, and catalogs, in `make soak`
MEMORY = 256                                 # MiB of heap that damaged assets may take
SECONDS = 3600                               # longer than any of these takes
ASSET_SECONDS = 20                           # for a small asset, verified or not, and some texts
FAMILIES = ("unigram", "gemma-bpe", "wordpiece")         # of version 2
LOOK_ALIKES = len(token_goldens.NAMES)
THUMBNAILS = [b"RIFF-1", b"", bytes(range(256)), b"x", b"\0\0"]
TEXTS = ["a photo of a r\u00e9d <b>dress</b> it's \u1112\u1161\u11ab e\u0323\u0302 3 \U0001f457\ud83d &#39;&#128;&#13;",
         "\x1b[31mred <start_of_text>\x00\u0345 \u039f\u03a3 &amp;amp;lt; \u0391'\u03a3' a\u03a3b\u00ad\u03a3"]
TEXTS_2 = ["ab aab \u00e9b bab\u2581a##b", "a\u00b2\u0301b \u00b2\u200b\u0301 \u2581\u2581ab_b",
           "AB ab\u4e2da\u0300b. [b]", " ab " * 9, ""]


def node(*arguments: str | Path, given: str | None = None, **environment: str) -> subprocess.CompletedProcess:
    """`node …` in the browser app's folder; the test is skipped where there is no Node, or none that is new enough."""
    try:
        program = nodes.found().node
    except InputError as lack:
        pytest.skip(f"not run, because there is {lack}")
    return subprocess.run([*program, *arguments], cwd=WEB, input=given, capture_output=True, text=True, timeout=SECONDS,
                          env=os.environ | environment)


@pytest.fixture(scope="module")
def dist(request) -> Path:
    """The folder that DIST names, or the demo model's."""
    return Path(os.environ["DIST"]).resolve() if "DIST" in os.environ else request.getfixturevalue("exported")


@pytest.fixture(scope="module")
def tested(dist, repetitions, tmp_path_factory) -> str:
    """What the suites print; each must pass."""
    folder = tmp_path_factory.mktemp("expected")
    node("--version")                        # before all that is written for it
    texts = expected.write(folder, find(manifest.read(dist).model).preprocessing)
    goldens.write_ascii(folder / "scripts.json", {
        "texts": [{"text": text, "scripts": scripts.unknown(text, ["Latin"])} for text in texts]})
    expected.write_look_alikes(folder, repetitions(LOOK_ALIKES * expected.FAMILY_TEXTS) // LOOK_ALIKES)
    damaged_catalogs.write(folder / "damaged", catalogs(folder), repetitions(FAULTS))
    suites = sorted(f"tests/{path.name}" for path in (WEB / "tests").glob("*.test.js")
                    if not path.name.startswith("update"))            # tests/test_web_updates.py runs these
    answer = node("--test", "--test-reporter=tap", *suites, DIST=str(dist), EXPECTED=str(folder))
    failed = re.findall(r"^not ok .*(?:\n  .*)*", answer.stdout, re.M)
    assert answer.returncode == 0, "\n".join(failed)[:4000] + answer.stderr[-4000:]
    return answer.stdout


def test_every_test_of_the_search_modules_runs_and_passes(tested, say):
    counts = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", tested, re.M)}
    say(f"web_sample/search: {counts['tests']} tests run, {counts['fail']} failed")
    assert counts["pass"] == counts["tests"] > 0 and counts["skipped"] == counts["todo"] == 0


def catalogs(folder: Path) -> list[bytes]:
    """Two catalogs of all kinds of tensors, of several rows a product, with and without small pictures."""
    records = [json.dumps({"id": f"p{place}", "name": f"Name {place} \u00e9", "price": 1.5}).encode()
               for place in range(5)]
    made = writer.Content("ab" * 32, "demo", "EUR", ["a", "b"], calibration.NONE, records,
                          prices=np.array([199_900, -1, 0, 2**53 + 1, 50_000]), categories=np.array([0, 1, 1, 0, 1]),
                          owners=np.array([0, 0, 1, 2, 2, 2, 3, 4]))
    for name, content, dim in (("plain", made, 12), ("pictures", dataclasses.replace(made, thumbnails=THUMBNAILS), 40)):
        vectors = np.random.default_rng(dim).normal(size=(8, dim)).astype(np.float32)
        writer.write(folder / f"{name}.catalog", content, vectors)
    return [(folder / f"{name}.catalog").read_bytes() for name in ("plain", "pictures")]


def test_no_byte_of_a_square_differs_from_pillows(tested, say):
    for name in ("preprocess", "squash"):
        counts = [int(count) for count in re.findall(rf"(\d+) pictures \({name}\), differing bytes: 0$", tested, re.M)]
        assert len(counts) == 2 and expected.PICTURES in counts, name
        say(f"web_sample/search: {name}: {' and '.join(map(str, counts))} pictures, 0 differing bytes")


def test_every_golden_search_has_pythons_score_bits(tested, say):
    index = json.loads((Path(os.environ.get("GOLDENS", goldens.OUT)) / "search" / "index.json").read_text("ascii"))
    assert f"# {len(index['cases'])} golden searches, differing: 0\n" in tested
    assert f"# {len(index['damaged'])} golden damaged catalogs\n" in tested
    say(f"web_sample/search: {len(index['cases'])} golden searches, the same score bits")


def test_every_golden_first_pass_and_word_gives_pythons_answers(tested, say):
    folder = Path(os.environ.get("GOLDENS", goldens.OUT))
    searches = json.loads((folder / "first-pass" / "index.json").read_text("ascii"))["cases"]
    texts = json.loads((folder / "words" / "expected.json").read_text("ascii"))["cases"]
    texts = [case for case in texts if case["catalog"] != "overlay"]         # a page lays none over a catalog
    assert f"# {len(searches)} golden searches with a first pass, differing: 0\n" in tested
    assert f"# {len(texts)} golden texts, differing: 0\n" in tested
    say(f"web_sample/search: {len(searches)} golden searches with a first pass, {len(texts)} texts that name products")


def test_the_scan_is_its_source_assembled():
    if not (WEB / "node_modules" / "wabt").is_dir():
        pytest.skip("not run, because wabt is missing; `npm ci --prefix web_sample` fetches it")
    answer = node("--test", "tests/tools/assembled.test.js")
    assert answer.returncode == 0, answer.stdout


def test_scripts_are_those_of_the_desktop(tested):
    assert re.search(r"^# \d{4,5} texts of \d{5} with the desktop's scripts$", tested, re.M)


def test_a_damaged_catalog_is_refused_or_read_as_python_reads_it(tested, repetitions, say):
    line = re.search(r"^# ((\d+) damaged catalogs: (\d+) refused, (\d+) read .*, 0 otherwise)$", tested, re.M)
    assert line and int(line[2]) == repetitions(FAULTS)
    assert min(int(line[3]), int(line[4])) > 0.05 * repetitions(FAULTS)      # damage of every depth was tried
    say(f"web_sample/search: {line[1]}")


def test_no_token_id_differs_from_open_clips(tested, say):
    for name in ("tokens.json", "tokens-32.json"):
        lines = re.findall(rf"(\d+) texts \({name}\), differing ids: 0$", tested, re.M)
        assert len(lines) == 2 and max(map(int, lines)) >= expected.TEXTS, name
        say(f"web_sample/search: {name}: {' and '.join(lines)} texts, 0 differing")


@pytest.mark.parametrize("name", list(token_goldens.NAMES))
def test_no_token_id_differs_from_the_references_of_the_other_families(name, tested, repetitions, say):
    lines = re.findall(rf"(\d+) texts \({name}\), differing ids: 0$", tested, re.M)
    assert len(lines) == 2 and repetitions(LOOK_ALIKES * expected.FAMILY_TEXTS) // LOOK_ALIKES in map(int, lines)
    say(f"web_sample/search: {name}: {' and '.join(lines)} texts, 0 differing")


def test_a_damaged_asset_is_refused_or_read_as_python_reads_it(dist, repetitions, tmp_path, say):
    tensors, good = small_asset(dist / manifest.TOKENIZER)
    try_damaged("clip-bpe", good, [*TEXTS, *texts_of(tensors)], repetitions(FAULTS), tmp_path, say)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tool_that_measures_a_tokenizer_gives_pythons_ids(family, tmp_path):
    asset, texts = goldens.OUT / token_goldens.ASSETS / f"{family}.safetensors", ["a red dress", "\u7ea2\u8272 ab"]
    (tmp_path / "texts").write_text("\n".join(texts) + "\n", encoding="utf-8")
    answer = node("tests/tools/tokenizer.js", asset, tmp_path / "texts")
    found = json.loads(answer.stdout)
    assert found["ids"] == encode_all(load(asset), texts).tolist()
    times = {name: found[name] for name in ("first_open_ms", "open_ms", "verify_ms", "encode_us")}
    assert len(found) == len(times) + 2 and all(0 < time < 1e6 for time in times.values()), times
    assert abs(found["heap_mb"]) < 10        # what a collection finds beside it may outweigh so small an asset


@pytest.mark.parametrize("family", FAMILIES)
def test_a_damaged_asset_of_version_2_is_refused_or_read_as_python_reads_it(family, repetitions, tmp_path, say):
    count = repetitions(len(FAMILIES) * FAULTS) // len(FAMILIES)
    try_damaged(family, small_asset_of(family), [*TEXTS, *TEXTS_2], count, tmp_path, say)


def try_damaged(family: str, good: bytes, texts: list[str], count: int, folder: Path, say: Callable) -> None:
    """Has Node refuse, or read, so many damaged copies; Python does the same, with the same ids."""
    assets = [good, *damaged(good, count)]
    lines = [json.dumps(texts), *(base64.b64encode(asset).decode("ascii") for asset in assets)]
    answer = node(f"--max-old-space-size={MEMORY}", "tests/answer-texts.js", given="\n".join(lines) + "\n")
    assert answer.returncode == 0, answer.stderr[-4000:]
    answers = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(answers) == len(assets) and None not in answers[0]["ids"]
    path, read, endless, unverified = folder / "tokenizer.safetensors", 0, 0, 0
    for asset, found in zip(assets, answers, strict=True):
        assert found["seconds"] < ASSET_SECONDS, asset
        path.write_bytes(asset)
        if "refused" in found:
            assert re.fullmatch(r"asset: .+", found["refused"])
            unverified += "ids" in found
            with pytest.raises(InputError):
                load(path)
            continue
        read, endless = read + 1, endless + found["ids"].count(None)
        done = [(text, ids) for text, ids in zip(texts, found["ids"], strict=True) if ids is not None]
        assert same(path, done) or has_an_empty_name(path), asset
    say(f"web_sample/search: {family}: {count} damaged tokenizer assets, {len(assets) - read} refused ({unverified} of "
        f"them read where not verified), {read - 1} read as in Python, {endless} texts without end")
    assert count * 0.05 < read < count * 0.95 and bool(unverified) == (family in FAMILIES)


def same(path: Path, done: list[tuple[str, list[int]]]) -> bool:
    """Whether Python gives the texts these ids, or has no UTF-8 for one: a table holds half of a surrogate pair."""
    tokenizer = load(path)
    for text, ids in done:
        try:
            if tokenizer.encode(text).tolist() != ids:
                return False
        except UnicodeEncodeError:
            assert holds_a_surrogate(path)
    return True


def holds_a_surrogate(path: Path) -> bool:
    """Whether a table has a code point that no text has: the ports then have three bytes, and Python none."""
    return any(((tensor >= 0xD800) & (tensor < 0xE000)).any() for name, tensor in read_container(path, "")[1].items()
               if name.endswith("_values") or name == "compositions")


def has_an_empty_name(path: Path) -> bool:
    """Whether an HTML name stands for nothing, as none does: Python then leaves the name, the ports drop it."""
    tensors = read_container(path, "")[1]
    return any((np.diff(tensors[name]) == 0).any() for name in ("html_offsets", "html_shouted_offsets")
               if name in tensors)


def damaged(good: bytes, count: int) -> Iterator[bytes]:
    """Copies: of each second, numbers of the tensors changed by one; of the others bits, bytes and whole pieces."""
    source, head = random.Random(17), 8 + int.from_bytes(good[:8], "little")
    for index in range(count):
        content = bytearray(good)
        for _ in range(source.randint(1, 3)):
            if index % 2:
                number = head + 4 * source.randrange((len(good) - head) // 4)
                content[number] = (content[number] + source.choice((1, 255))) % 256
                continue
            if not content:                  # all of it was cut away
                break
            at = source.randrange(min(head, len(content)) if source.random() < 0.5 else len(content))
            kind, length = source.randrange(8), source.randint(1, 16)
            if kind == 0:
                del content[at + 1:]
            elif kind == 1:
                del content[at:at + length]
            elif kind == 2:
                content[at:at] = bytes(length)
            elif kind == 3:
                content[at] = source.choice(b'0123456789"{}[],:\\')
            elif kind == 4:
                content[at] ^= 1 << source.randrange(8)
            elif kind == 5:
                content[at] = source.randrange(256)
            else:
                content[at:at + length] = content[(start := source.randrange(len(content))):start + length]
        yield bytes(content)


def small_asset(path: Path) -> tuple[dict[str, np.ndarray], bytes]:
    """A few rows of each table of an asset, and their file: most of its bytes matter, and it is read in no time."""
    metadata, tensors = read_container(path, "")
    small = few_rows(tensors) | {"merges": tensors["merges"][:64], "byte_ids": tensors["byte_ids"]}
    return small, container_bytes(metadata, small)


def texts_of(tensors: dict[str, np.ndarray]) -> list[str]:
    """Texts in which all that the tables speak of occurs."""
    points = [np.unique(tensors[name]) for name in (
        "letters", "numbers", "separators", "spaces", "removed", "decimals", "cased", "case_ignorable", "fold_keys",
        "lower_keys", "decompositions_keys", "compositions")]
    names = [bytes(piece).decode("ascii") for kind in ("html", "html_shouted")
             for piece in np.split(tensors[f"{kind}_names"], tensors[f"{kind}_name_offsets"][1:-1])]
    marks = "".join(f"a{chr(mark)}{chr(other)}" for mark, other, _ in tensors["combining"].tolist())
    return [*(" ".join(map(chr, some)) for some in points), "".join(f"&{name}" for name in names), marks,
            "".join(f"&#{number};" for number in tensors["charrefs_keys"])]
