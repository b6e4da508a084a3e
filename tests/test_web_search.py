"""The browser's search modules, run by Node: their own suites, on the golden vectors and on what is written here.

What is written: new texts with open_clip's ids, new pictures with Pillow's bytes, and damaged tokenizer assets, which
JavaScript must refuse, or read as Python does.
"""

import base64
import json
import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from export.artifacts import manifest
from export.common import node as nodes
from export.common.container import container_bytes, read_container
from export.common.errors import InputError
from export.text.tokenizer import encode_all, load
from export.weights.lookup import find
from tests import expected
from tests.conftest import ROOT

WEB = ROOT / "web_sample"
FAULTS = 20_000                              # damaged tokenizer assets, in `make soak`
MEMORY = 256                                 # MiB of heap that damaged assets may take
SECONDS = 3600                               # longer than any of these takes
TEXTS = ["a photo of a r\u00e9d <b>dress</b> it's \u1112\u1161\u11ab e\u0323\u0302 3 \U0001f457\ud83d &#39;&#128;&#13;",
         "\x1b[31mred <start_of_text>\x00\u0345 \u039f\u03a3 &amp;amp;lt; \u0391'\u03a3' a\u03a3b\u00ad\u03a3"]


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
def tested(dist, tmp_path_factory) -> str:
    """What the suites print; each must pass."""
    folder = tmp_path_factory.mktemp("expected")
    expected.write(folder, find(manifest.read(dist).model).preprocessing)
    suites = sorted(f"tests/{path.name}" for path in (WEB / "tests").glob("*.test.js"))
    answer = node("--test", "--test-reporter=tap", *suites, DIST=str(dist), EXPECTED=str(folder))
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-4000:]
    return answer.stdout


def test_every_test_of_the_search_modules_runs_and_passes(tested, say):
    counts = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", tested, re.M)}
    say(f"web_sample/search: {counts['tests']} tests run, {counts['fail']} failed")
    assert counts["pass"] == counts["tests"] > 0 and counts["skipped"] == counts["todo"] == 0


def test_no_token_id_differs_from_open_clips(tested, say):
    for name in ("tokens.json", "tokens-32.json"):
        lines = re.findall(rf"(\d+) texts \({name}\), differing ids: 0$", tested, re.M)
        assert len(lines) == 2 and max(map(int, lines)) >= expected.TEXTS, name
        say(f"web_sample/search: {name}: {' and '.join(lines)} texts, 0 differing")


def test_a_damaged_asset_is_refused_or_read_as_python_reads_it(dist, repetitions, tmp_path, say):
    tensors, good = small_asset(dist / manifest.TOKENIZER)
    count, texts = repetitions(FAULTS), [*TEXTS, *texts_of(tensors)]
    assets = [good, *damaged(good, count)]
    lines = [json.dumps(texts), *(base64.b64encode(asset).decode("ascii") for asset in assets)]
    answer = node(f"--max-old-space-size={MEMORY}", "tests/answer-texts.js", given="\n".join(lines) + "\n")
    assert answer.returncode == 0, answer.stderr[-4000:]
    answers = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(answers) == len(assets) and None not in answers[0]["ids"]
    path, read, endless = tmp_path / "tokenizer.safetensors", 0, 0
    for asset, found in zip(assets, answers, strict=True):
        if "refused" in found:
            assert re.fullmatch(r"asset: .+", found["refused"])
            continue
        path.write_bytes(asset)
        read, endless = read + 1, endless + found["ids"].count(None)
        done = [(text, ids) for text, ids in zip(texts, found["ids"], strict=True) if ids is not None]
        same = encode_all(load(path), [text for text, _ in done]).tolist() == [ids for _, ids in done]
        assert same or has_an_empty_name(path), asset
    say(f"web_sample/search: {count} damaged tokenizer assets, {len(assets) - read} refused, {read - 1} read as in "
        f"Python, {endless} texts without end")
    assert count * 0.05 < read < count * 0.95


def has_an_empty_name(path: Path) -> bool:
    """Whether an HTML name stands for nothing, as none does: Python then leaves the name, the ports drop it."""
    tensors = read_container(path, "")[1]
    return any((np.diff(tensors[name]) == 0).any() for name in ("html_offsets", "html_shouted_offsets"))


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
    small = {name: tensors[name][:16] for name in (
        "letters", "numbers", "separators", "ignore_case", "spaces", "removed", "decimals", "combining", "cased",
        "case_ignorable", "compositions")}
    small |= {"merges": tensors["merges"][:64], "byte_ids": tensors["byte_ids"]}
    for name in ("fold", "lower", "decompositions", "charrefs", "html", "html_shouted"):
        wanted = range(0, len(tensors[f"{name}_offsets"]) - 1, 7)[:24]
        if f"{name}_keys" in tensors:
            small[f"{name}_keys"] = tensors[f"{name}_keys"][wanted]
        else:
            small |= cut(tensors, f"{name}_names", f"{name}_name_offsets", wanted)
        small |= cut(tensors, f"{name}_values", f"{name}_offsets", wanted)
    return small, container_bytes(metadata, small)


def cut(tensors: dict[str, np.ndarray], values: str, offsets: str, wanted: range) -> dict[str, np.ndarray]:
    """The wanted ones of the pieces of `values`, and their offsets."""
    kept = [piece for index, piece in enumerate(np.split(tensors[values], tensors[offsets][1:-1])) if index in wanted]
    return {values: np.concatenate(kept), offsets: np.cumsum([0, *map(len, kept)]).astype(np.uint32)}


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
