"""Measures the Swift package: search against faiss SQ8, a million rows, a 12-megapixel picture against Pillow.

Out: swift.json and swift.md. One thread everywhere. Everything compared takes turns. A ratio is the median over the
rounds. search-bench itself times a turn in Swift, and its answers are compared first. Run it on a quiet machine.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import limits, turns
from benchmarks.catalog import MILLION, ROWS, TOP, FileVectors, built, faiss_sq8
from benchmarks.synthetic import DIM, World
from catalog_builder.catalog import search
from catalog_builder.catalog.reader import Catalog
from export.common import files
from export.common.errors import InputError

HERE = Path(__file__).parent
SWIFT = HERE.parent / ".ci" / "swift"
RESULTS, PAGE = HERE / "swift.json", HERE / "swift.md"
ROUNDS, WARM = 41, 3
PICTURE, SQUARE, INTERPOLATION = (3000, 4000), 256, "bilinear"       # rows, columns
TARGETS = {"search": 3, "million": 11, "picture": 3}                 # the largest ratios allowed


class Bench:
    """A search-bench process. A call runs the search or the preprocessor once and returns its seconds."""

    def __init__(self, *arguments: object):
        self.process = subprocess.Popen([SWIFT, "--run", ".build/release/search-bench", *map(str, arguments)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.asked, self.answers = turns.pipes(self.process)

    def __call__(self) -> float:
        print(file=self.asked, flush=True)
        return int(self.answers.readline()) / 1e9

    def __enter__(self) -> "Bench":
        self()                               # so that the answer is written
        return self

    def __exit__(self, *_: object) -> None:
        self.asked.close()
        self.process.wait()


def main() -> None:
    """Measures, and writes the results and the page."""
    subprocess.run([SWIFT, "build", "-c", "release"], check=True, stdout=subprocess.DEVNULL)
    results = {"processor": limits.processor(), "cores": os.cpu_count(), "targets": TARGETS}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder, world = Path(name), World.of()
        raw = folder / "million.f32"
        world.write(raw, MILLION)
        vectors = FileVectors(raw)
        some = built(folder / "some.catalog", vectors[:ROWS])
        many = built(folder / "many.catalog", vectors)
        results |= searched(folder, some, many, vectors[:ROWS])
        results["picture"] = pictures(folder)
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")


def searched(folder: Path, some: Catalog, many: Catalog, vectors: np.ndarray) -> dict:
    """A search of ROWS rows against faiss, and of a million rows against ROWS."""
    sq8 = faiss_sq8(vectors)
    query = vectors[7].copy()
    query.tofile(folder / "query.f32")

    def bench(catalog: Catalog) -> Bench:
        return Bench("search", catalog.path, folder / "query.f32", catalog.path.with_suffix(".found"))

    with bench(some) as small, bench(many) as large:
        for catalog in (some, many):
            answer = [int(line) for line in catalog.path.with_suffix(".found").read_text().split()]
            assert answer == [hit.product for hit in search.search(catalog, query, TOP)], "Swift finds other products"
        taken = turns.taken({"swift": small, "faiss SQ8": turns.timed(lambda: sq8.search(query[None], TOP)),
                             "million": large}, WARM, ROUNDS)
    return {"search": compared(taken["swift"], taken["faiss SQ8"]),
            "million": compared(taken["million"], taken["swift"])}


def first_pass(catalog: Catalog, query: np.ndarray) -> dict:
    """A search with the catalog's first pass over the exact one. Raises InputError where Swift cannot be built."""
    made = subprocess.run([SWIFT, "build", "-c", "release"], capture_output=True, text=True)
    if made.returncode:
        raise InputError("search-bench cannot be built", found=(made.stderr or made.stdout).strip().splitlines()[-1],
                         remedy="see .ci/swift")
    folder = catalog.path.parent
    query.tofile(folder / "query.f32")

    def bench(how: str) -> Bench:
        return Bench(how, catalog.path, folder / "query.f32", folder / f"{how}.found")

    with bench("search") as two, bench("exact") as full:
        for how in ("search", "exact"):
            answer = [int(line) for line in (folder / f"{how}.found").read_text().split()]
            expected = [hit.product for hit in search.search(catalog, query, TOP, exact=how == "exact")]
            assert answer == expected, "Swift finds other products"
        taken = turns.taken({"two": two, "full": full}, WARM, ROUNDS)
    return {"version": version(), "rows": catalog.rows, "ms": turns.milliseconds(taken["two"]),
            "full_ms": turns.milliseconds(taken["full"]), "ratio": turns.ratio(taken["two"], taken["full"])}


def version() -> str:
    """Swift's own."""
    answer = subprocess.run([SWIFT, "--version"], capture_output=True, text=True, check=True)
    return answer.stdout.partition("Swift version ")[2].split(" ")[0]


def pictures(folder: Path) -> dict:
    """A picture of 12 megapixels through the preprocessor, against open_clip's transform by Pillow."""
    from open_clip.transform import image_transform

    rng, (rows, columns) = np.random.default_rng(1), PICTURE
    rgb = rng.integers(0, 256, (rows, columns, 3), np.uint8)
    rgb.tofile(folder / "picture.rgb")
    steps = image_transform(SQUARE, is_train=False, interpolation=INTERPOLATION, resize_mode="shortest").transforms[:2]
    picture, out = Image.fromarray(rgb), folder / "square.rgb"

    def by_pillow() -> Image.Image:
        return steps[1](steps[0](picture))

    with Bench("pixels", folder / "picture.rgb", columns, rows, SQUARE, INTERPOLATION, out) as bench:
        assert out.read_bytes() == by_pillow().tobytes(), "Swift makes other pixels"
        taken = turns.taken({"swift": bench, "Pillow": turns.timed(by_pillow)}, WARM, ROUNDS)
    return compared(taken["swift"], taken["Pillow"])


def compared(ours: list[float], theirs: list[float]) -> dict:
    """Median milliseconds of both, and the median of the rounds' ratios."""
    return {"ms": turns.milliseconds(ours), "other_ms": turns.milliseconds(theirs), "ratio": turns.ratio(ours, theirs)}


def page(results: dict) -> str:
    """The results as Markdown."""
    rows = {"search": f"search, {ROWS:,} x {DIM}, top {TOP}: against faiss SQ8",
            "million": f"search, {MILLION:,} x {DIM}: against {ROWS:,}",
            "picture": f"{PICTURE[0] * PICTURE[1] / 1e6:.0f} megapixels to {SQUARE} x {SQUARE}: against Pillow"}
    lines = ["# The Swift package", "", "`python -m benchmarks swift` wrote this page. Release build, one thread, "
             f"{results['processor']}, {results['cores']} cores; {ROUNDS} rounds in turns.", "",
             "| | ms | the other's ms | ratio | at most |", "|---|---|---|---|---|"]
    lines += [f"| {text} | {results[key]['ms']:.2f} | {results[key]['other_ms']:.2f} | {results[key]['ratio']:.2f} | "
              f"{results['targets'][key]} |" for key, text in rows.items()]
    return "\n".join([*lines, ""])
