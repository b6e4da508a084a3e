"""Measures the Kotlin search module on the JVM: a catalog's search against faiss, the preprocessor against Pillow.

Beside them the search with a first pass and that by two threads, against the exact search by one. Out: jvm.json and
jvm.md. One thread everywhere else. The JVM runs once per request, so that everything compared takes turns.
A ratio is the median over the rounds. The results are compared too. Run it on a quiet machine.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import limits, turns, two_stage
from benchmarks.catalog import MILLION, ROWS, TOP, FileVectors, faiss_sq8
from benchmarks.synthetic import DIM, World
from catalog_builder.builder import recall, writer
from catalog_builder.builder.quantize import Vectors
from catalog_builder.catalog import search
from catalog_builder.catalog.reader import Catalog, open_catalog
from export.common import files
from export.common.specs import Preprocessing
from export.pictures.preprocess import resize_crop

HERE = Path(__file__).parent
MODULE = HERE.parent / "android_sample" / "search"
RESULTS, PAGE = HERE / "jvm.json", HERE / "jvm.md"
WARM, ROUNDS = 40, 41                        # turns before the just-in-time compiler is done, turns that count
WIDTH, HEIGHT, SIZE = 4000, 3000, 256        # a picture of 12 megapixels, the encoder's square
MOST = {"search": 7, "million": 11, "picture": 4, "first": two_stage.MOST_RATIO, "shared": 0.55}   # the largest ratios


class Jvm:
    """A JVM that runs tools/Bench.kt. `turn` runs it once; its answer must be `expected` each time."""

    def __init__(self, classpath: str, expected: str, *arguments: object):
        self.expected = expected
        self.process = subprocess.Popen(
            ["java", "-XX:+UseSerialGC", "-Xmx1g", "-cp", classpath, "shop.mobileclip.search.tools.Bench",
             *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.asked, self.answers = turns.pipes(self.process)

    def __enter__(self) -> "Jvm":
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.close()           # the end of its input is the end of its work
        self.process.wait()
        self.answers.close()

    def turn(self) -> float:
        """Seconds by the JVM's own clock."""
        self.asked.write("\n")
        taken, _, answer = self.answers.readline().strip().partition(" ")
        if answer != self.expected:
            raise RuntimeError(f"the JVM answered {answer!r}, and Python {self.expected!r}")
        return float(taken) / 1e3            # the JVM reports milliseconds


def main() -> None:
    """Measures, and writes the results and the page."""
    missing = [tool for tool in ("java", "mvn") if not shutil.which(tool)]
    if missing:
        sys.exit(f"benchmarks: jvm not run, because there is no {' and no '.join(missing)} here")
    results: dict = {"processor": limits.processor(), "cores": os.cpu_count(), "java": java()}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        path = classpath(folder)
        results["pictures"] = {interpolation: pictures(folder, path, interpolation)
                             for interpolation in ("bilinear", "bicubic")}
        results |= searches(folder, path)
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")


def java() -> str:
    """The JVM's description of itself, one line."""
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True)
    return answer.stderr.splitlines()[-1]


def classpath(folder: Path) -> str:
    """Compiles the module and its tools. Returns the class path."""
    out = folder / "classpath"
    subprocess.run(["mvn", "-B", "-ntp", "-q", "test-compile", "dependency:build-classpath",
                    f"-Dmdep.outputFile={out}"], cwd=MODULE, check=True)
    return os.pathsep.join([str(MODULE / "target" / "classes"), str(MODULE / "target" / "test-classes"),
                            out.read_text().strip()])


def searches(folder: Path, path: str) -> dict:
    """All searches in the same rounds: of ROWS and MILLION rows, exact, by a first pass, by two threads; and faiss."""
    world = World.of()
    vectors = world.pictures(range(ROWS))
    query = vectors[7].copy()
    query.tofile(folder / "query.f32")
    index, raw = faiss_sq8(vectors), folder / "million.f32"
    world.write(raw, MILLION)
    some, million = built(folder / "some.catalog", vectors), built(folder / "million.catalog", FileVectors(raw))

    def jvm(catalog: Catalog, how: str) -> Jvm:
        hits = search.search(catalog, query, TOP, exact=how != "first")
        return Jvm(path, ",".join(str(hit.product) for hit in hits), "search", catalog.path, folder / "query.f32", TOP,
                   how)

    with contextlib.ExitStack() as opened:
        asked = {name: opened.enter_context(jvm(catalog, how)).turn for name, catalog, how in (
            ("this module", some, "exact"), ("two threads", some, "shared"), ("first pass", some, "first"),
            ("a million rows", million, "exact"), ("a million rows, first pass", million, "first"))}
        asked["faiss SQ8"] = turns.timed(lambda: index.search(query[None], TOP))
        taken = turns.taken(asked, WARM, ROUNDS)
    return {"search": compared(taken, "this module", "faiss SQ8", MOST["search"]),
            "million": compared(taken, "a million rows", "this module", MOST["million"]),
            "shared": compared(taken, "two threads", "this module", MOST["shared"]),
            "first": compared(taken, "first pass", "this module", MOST["first"]),
            "first of a million": compared(taken, "a million rows, first pass", "a million rows", MOST["first"])}


def built(path: Path, vectors: Vectors) -> Catalog:
    """A catalog with a first pass; one row of SHARES[0] is scored exactly, as in two_stage."""
    two_stage.built(path, vectors)
    writer.state_first_pass(open_catalog(path), recall.SHARES[0], {})
    return open_catalog(path)


def pictures(folder: Path, path: str, interpolation: str) -> dict:
    """Preprocessing of a smooth picture with noise, against Pillow's resize of the picture (without the crop)."""
    from PIL import Image

    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.default_rng(0).integers(-20, 20, (HEIGHT, WIDTH, 3))
    rgb = (120 + 100 * np.sin(x / 300 + y / 200)[..., None] + noise).clip(0, 255).astype(np.uint8)
    rgb.tofile(folder / "picture.rgb")
    square = resize_crop(rgb, Preprocessing(SIZE, (0.0,) * 3, (1.0,) * 3, interpolation))
    picture, kind = Image.fromarray(rgb), Image.Resampling[interpolation.upper()]
    size = (SIZE * WIDTH // HEIGHT, SIZE)
    with Jvm(path, hashlib.sha256(square.tobytes()).hexdigest(), "picture", folder / "picture.rgb", WIDTH, HEIGHT, SIZE,
             interpolation) as jvm:
        taken = turns.taken({"this module": jvm.turn, "Pillow": turns.timed(lambda: picture.resize(size, kind))},
                            WARM, ROUNDS)
    return compared(taken, "this module", "Pillow", MOST["picture"])


def compared(taken: dict[str, list[float]], name: str, base: str, most: float) -> dict:
    """Medians, and the median of the rounds' ratios."""
    return {"name": name, "base": base, "ms": turns.milliseconds(taken[name]), "most": most,
            "base_ms": turns.milliseconds(taken[base]), "ratio": turns.ratio(taken[name], taken[base])}


def page(results: dict) -> str:
    """The results as Markdown."""
    rows = {f"exact search, {ROWS:,} x {DIM}, top {TOP}": results["search"],
            f"exact search, {MILLION:,} x {DIM}, top {TOP}": results["million"],
            f"exact search by two threads, {ROWS:,} rows": results["shared"],
            f"search with a first pass, {ROWS:,} rows": results["first"],
            f"search with a first pass, {MILLION:,} rows": results["first of a million"],
            **{f"{WIDTH} x {HEIGHT} to {SIZE} x {SIZE}, {name}": row for name, row in results["pictures"].items()}}
    lines = ["# The Kotlin search module on the JVM", "", "`python -m benchmarks jvm` wrote this page. One thread, "
             f"warm, {results['java']}; {results['processor']}, {results['cores']} cores. Ratios are medians over "
             f"{ROUNDS} rounds in which all took turns; the module's answers were Python's in every one.", "",
             "| | ms | against | ms | ratio | at most | |", "|---|---|---|---|---|---|---|"]
    lines += [f"| {what} | {row['ms']:.2f} | {row['base']} | {row['base_ms']:.2f} | {row['ratio']:.2f} | "
              f"{row['most']} | {'kept' if row['ratio'] <= row['most'] else 'missed'} |" for what, row in rows.items()]
    return "\n".join([*lines, ""])
