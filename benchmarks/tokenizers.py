"""Measures each port's tokenizer with 256,000 tokens: opening, checking, memory, one query; and compares the ids.

In: the assets of benchmarks/large_asset.py and the gate's sample texts. The ports measure themselves: tools/Bench.kt on
the JVM, search-bench in Swift, web_sample/tests/tools/tokenizer.js in Chromium. Out: tokenizers.json and tokenizers.md.
A port whose tools are missing is left out, and named. Run it on a quiet machine.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import jvm, limits, swift, web_scan
from benchmarks.large_asset import TOKENS, large_asset
from export.common import files, node
from export.common.console import MEGABYTE
from export.common.errors import InputError
from export.text import tokenizer
from parity.gate import inputs

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "tokenizers.json", HERE / "tokenizers.md"
TOOL = HERE.parent / "web_sample" / "tests" / "tools" / "tokenizer.js"
ASSETS = ("unigram", "gemma-bpe", "wordpiece")
OPENS, ENCODES = 5, 11                       # of the reference in Python, which is slower
BOUNDS = {"open_ms": 50, "verify_ms": 1000, "heap_mb": 10, "encode_us": 1000}        # of the ports, at most
TITLES = {"open_ms": "open, ms", "verify_ms": "full check, ms", "heap_mb": "memory beside the file, MB",
          "encode_us": "one query, us"}
PYTHON = "Python"
Port = Callable[[Path, Path], dict]          # an asset and a file with a text a line -> what the port's tool says


def main() -> None:
    """Measures, and writes the results and the page. Raises RuntimeError where a port gives other ids than Python."""
    results: dict = {"processor": limits.processor(), "cores": os.cpu_count(), "tokens": TOKENS, "bounds": BOUNDS}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        ports, results["left_out"] = found(folder)
        texts = folder / "texts.txt"
        asked = lines(inputs.texts())
        texts.write_text("\n".join(asked) + "\n", encoding="utf-8")
        results["texts"] = len(asked)
        results["assets"] = {asset: measured(asset, folder, texts, ports) for asset in ASSETS}
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")


def lines(texts: Sequence[str]) -> list[str]:
    """The texts that are one line in every language's reading of a file."""
    return [text for text in texts if text.splitlines() == [text]]


def found(folder: Path) -> tuple[dict[str, Port], list[str]]:
    """The ports that can run here, and why the others cannot."""
    ports: dict[str, Port] = {PYTHON: by_python}
    left_out = []
    if missing := [tool for tool in ("java", "mvn") if not shutil.which(tool)]:
        left_out.append(f"JVM: no {' and no '.join(missing)} here")
    else:
        path = jvm.classpath(folder)
        ports["JVM"] = answering("java", "-XX:+UseSerialGC", "-Xmx1g", "-cp", path,
                                 "shop.mobileclip.search.tools.Bench", "tokenizer")
    try:
        subprocess.run([swift.SWIFT, "build", "-c", "release"], check=True, stdout=subprocess.DEVNULL)
        ports["Swift"] = answering(str(swift.SWIFT), "--run", ".build/release/search-bench", "tokenizer")
    except (OSError, subprocess.CalledProcessError) as error:
        left_out.append(f"Swift: {error}")
    try:
        chromium = web_scan.found()
        ports["Chromium"] = answering(*map(str, node.found().node), str(TOOL), last=(chromium,))
    except InputError as error:
        left_out.append(f"Chromium: {error}")
    return ports, left_out


def answering(*command: str, last: tuple[str, ...] = ()) -> Port:
    """A port whose tool is a command: the asset and the texts follow it, and its answer is a line of JSON."""
    def asked(asset: Path, texts: Path) -> dict:
        answer = subprocess.run([*command, str(asset), str(texts), *last], capture_output=True, text=True, check=True)
        return json.loads(answer.stdout.strip().splitlines()[-1])

    return asked


def by_python(asset: Path, texts: Path) -> dict:
    """What the ports' tools say, of the reference. Opening makes the full check, too."""
    first, opened = milliseconds(lambda: tokenizer.load(asset)), [
        milliseconds(lambda: tokenizer.load(asset)) for _ in range(OPENS)]
    tracemalloc.start()
    known = tokenizer.load(asset)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    asked = texts.read_text(encoding="utf-8").splitlines()
    encoded = [median(milliseconds(partial(known.encode, text)) for _ in range(ENCODES)) for text in asked]
    return {"first_open_ms": first, "open_ms": median(opened), "verify_ms": None, "heap_mb": kept / MEGABYTE,
            "encode_us": 1e3 * median(encoded), "ids": [known.encode(text).tolist() for text in asked]}


def milliseconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def measured(asset: str, folder: Path, texts: Path, ports: dict[str, Port]) -> dict[str, dict]:
    """What each port needs for one asset. Raises RuntimeError where its ids are not Python's."""
    path = folder / f"{asset}.safetensors"
    path.write_bytes(large_asset(asset))
    answers = {name: port(path, texts) for name, port in ports.items()}
    expected = answers[PYTHON]["ids"]
    for name, answer in answers.items():
        if len(answer["ids"]) != len(expected):
            raise RuntimeError(f"{name} answered {len(answer['ids'])} of {len(expected)} texts of {asset}")
        if wrong := [line for line, ids in enumerate(answer["ids"], 1) if ids != expected[line - 1]]:
            raise RuntimeError(f"{asset}, {name}: other ids than Python's in {len(wrong)} lines, first {wrong[0]}")
    return {name: {key: value for key, value in answer.items() if key != "ids"} for name, answer in answers.items()}


def page(results: dict) -> str:
    """The results as Markdown."""
    out = [f"# Tokenizers of {results['tokens']:,} tokens", "", "`python -m benchmarks tokenizers` wrote this page. "
           f"Look-alikes of SigLIP's, SigLIP 2's and Chinese-CLIP's vocabularies with {results['tokens']:,} tokens "
           f"each (benchmarks/large_asset.py); {results['texts']} sample texts, whose ids are Python's in every port. "
           f"Warm medians, and the first opening of a fresh process in brackets; {results['processor']}, "
           f"{results['cores']} cores. Python's reader makes the full check when it opens, and has no bounds.", "",
           "| asset | reader | " + " | ".join(f"{title} (at most {results['bounds'][key]})"
                                              for key, title in TITLES.items()) + " | |",
           f"|---|---|{'---|' * len(TITLES)}---|"]
    for asset, answers in results["assets"].items():
        for name, answer in answers.items():
            cells = [figure(answer, key) for key in TITLES]
            out.append(f"| {asset} | {name} | {' | '.join(cells)} | "
                       f"{'' if name == PYTHON else verdict(answer, results['bounds'])} |")
    out += ["", *(f"Left out: {reason}." for reason in results["left_out"])]
    return "\n".join([*out, ""]) if results["left_out"] else "\n".join(out)


def figure(answer: dict, key: str) -> str:
    """A cell: the figure, and in brackets the first opening."""
    if answer[key] is None:
        return "–"
    first = f" ({answer['first_open_ms']:.0f})" if key == "open_ms" else ""
    return f"{answer[key]:.3g}{first}" if answer[key] < 1000 else f"{answer[key]:.0f}{first}"


def verdict(answer: dict, bounds: dict[str, float]) -> str:
    """Whether every bound was kept, and else which were missed."""
    missed = [TITLES[key].partition(",")[0] for key, most in bounds.items()
              if answer[key] is None or answer[key] > most]
    return f"missed: {', '.join(missed)}" if missed else "kept"
