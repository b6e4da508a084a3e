"""Nightly changes of a shop enter; how large the delta is, against the file and against a patch of zstd, leaves.

20,000 products with one synthetic vector of 512 numbers and a shop's texts. Out: updates.json and updates.md. The time
to apply a delta is given as a ratio to that of copying the file. Then a whole night, from the list to the signed delta:
benchmarks/nightly.py, in the environment of catalogs alone (CATALOG_VENV).
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks import limits, nightly
from benchmarks.synthetic import World
from catalog_builder.builder import writer
from catalog_builder.catalog import calibration, delta
from catalog_builder.catalog.reader import Catalog, open_catalog
from catalog_builder.index.indexed_columns import IndexedColumns
from catalog_builder.lists.products import Product, json_record
from catalog_builder.updates import delta_writer
from catalog_builder.updates.previous import Previous
from export.common import files
from export.common.files import ROOT

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "updates.json", HERE / "updates.md"
PRODUCTS, ROUNDS = 20_000, 5
MOST = {"1 % of products new, 5 % of prices": 1.2, "5 % of prices": 0.25}        # per cent of the file
INDEXED = IndexedColumns(("id",), ("name",))              # as `make catalog` does
MOST_SECONDS = 60                            # of a night
WORDS = ("linen", "cotton", "summer", "dress", "red", "blue", "green", "classic", "slim", "loose", "long", "short",
         "shirt", "jacket", "of", "for", "with", "women", "men")


@dataclass(frozen=True)
class NightlyShop:
    """Products, and which of the world's rows each has."""

    products: list[Product]
    rows: list[int]

    def written(self, path: Path, pictures: np.ndarray, base: Catalog | None) -> Catalog:
        """Its catalog; `pictures`: float32 [rows of the world, dim]."""
        row_of = {product.id: row for product, row in zip(self.products, self.rows, strict=True)}
        before = Previous(base) if base else None
        listed = before.in_order(self.products) if before else self.products
        used = [product.category for product in listed]
        names = before.category_names(used) if before else list(dict.fromkeys(used))
        places = {name: place for place, name in enumerate(names)}
        writer.write(path, writer.Content(
            "0" * 64, "synthetic", "EUR", names, calibration.NONE, [json_record(product) for product in listed],
            np.array([product.price for product in listed]), np.array([places[name] for name in used]),
            np.arange(len(listed), dtype=np.uint32), ids=[product.id for product in listed],
            offset=before.offset if before else None, parent=before.digest if before else None, indexed=INDEXED),
            pictures[[row_of[product.id] for product in listed]])
        return open_catalog(path)


def shop(chance: random.Random) -> NightlyShop:
    """A shop of PRODUCTS."""
    return NightlyShop([product(chance, number) for number in range(PRODUCTS)], list(range(PRODUCTS)))


def product(chance: random.Random, number: int) -> Product:
    """A product with a name of four words and a description of twenty."""
    return Product(line=0, row=0, id=f"A-{number:07}", name=" ".join(chance.choices(WORDS, k=4)),
                   price=chance.randrange(500, 50_000) * 100, currency="EUR", pictures=(), extra={},
                   description=" ".join(chance.choices(WORDS, k=20)), category=f"category {number % 40}")


def new_prices(chance: random.Random, of: NightlyShop, share: float) -> NightlyShop:
    """Another price for a share of the products."""
    chosen = set(chance.sample(range(len(of.products)), round(share * len(of.products))))
    return replace(of, products=[replace(one, price=chance.randrange(500, 50_000) * 100) if place in chosen else one
                                 for place, one in enumerate(of.products)])


def new_products(chance: random.Random, of: NightlyShop, share: float) -> NightlyShop:
    """A share of the products goes, and as many others come, anywhere in the list."""
    count = round(share * len(of.products))
    gone = set(chance.sample(range(len(of.products)), count))
    pairs = [pair for place, pair in enumerate(zip(of.products, of.rows, strict=True)) if place not in gone]
    for number in range(PRODUCTS, PRODUCTS + count):
        pairs.insert(chance.randrange(len(pairs)), (product(chance, number), number))
    return NightlyShop([one for one, _ in pairs], [row for _, row in pairs])


def shuffled(chance: random.Random, of: NightlyShop) -> NightlyShop:
    """The same products in another order."""
    pairs = chance.sample(list(zip(of.products, of.rows, strict=True)), len(of.products))
    return NightlyShop([one for one, _ in pairs], [row for _, row in pairs])


CHANGES: dict[str, Callable[[random.Random, NightlyShop], NightlyShop]] = {
    "nothing": lambda chance, of: of,
    "5 % of prices": lambda chance, of: new_prices(chance, of, 0.05),
    "1 % of products new": lambda chance, of: new_products(chance, of, 0.01),
    "1 % of products new, 5 % of prices": lambda chance, of: new_prices(chance, new_products(chance, of, 0.01), 0.05),
    "the list in another order": shuffled}


def main() -> None:
    """Measures, and writes the results and the page."""
    pictures = World.of().pictures(range(PRODUCTS + PRODUCTS // 50))
    yesterday = shop(random.Random(0))
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        base = yesterday.written(folder / "base.catalog", pictures, None)
        rows = {change: measured(folder, base, make(random.Random(1), yesterday), pictures)
                for change, make in CHANGES.items()}
        results = {"processor": limits.processor(), "cores": os.cpu_count(), "products": PRODUCTS, "changes": rows,
                   "night": whole_night(folder / "night")}
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")


def measured(folder: Path, base: Catalog, today: NightlyShop, pictures: np.ndarray) -> dict:
    """Bytes of file, delta and patches; the time to apply the delta over that of copying the file."""
    made, alone = (today.written(folder / f"{name}.catalog", pictures, follows)
                   for name, follows in (("made", base), ("alone", None)))
    delta_writer.write(base, made, folder / "a.delta")
    opened, copies, applied = delta.open_delta(folder / "a.delta"), [], []
    for _ in range(ROUNDS):
        copies.append(seconds(lambda: shutil.copyfile(base.path, folder / "copy")))
        applied.append(seconds(lambda: delta.apply(base, opened, folder / "result.catalog")))
    if (folder / "result.catalog").read_bytes() != made.path.read_bytes():
        raise RuntimeError("the delta gave another catalog")
    whole = made.path.stat().st_size
    return {"file": whole, "delta": (folder / "a.delta").stat().st_size, "zstd": patch(base.path, made.path),
            "zstd, built without a base": patch(base.path, alone.path),
            "apply over copy": round(statistics.median(applied) / statistics.median(copies), 1),
            "apply_seconds": round(statistics.median(applied), 3)}


def whole_night(folder: Path) -> dict:
    """Seconds from the list to the signed delta, with the vectors of yesterday's products at hand."""
    folder.mkdir()
    light = Path(os.environ.get("CATALOG_VENV", ROOT / ".venv-catalog")) / "bin" / "python"
    python = str(light) if light.exists() else sys.executable

    def run(what: str) -> tuple[str, float, float]:
        """What it prints, its seconds, and those of the processor."""
        started = time.perf_counter()
        process = subprocess.Popen([python, "-m", "benchmarks.nightly", what, str(folder)], cwd=ROOT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{what} ended with {process.returncode}")
        return said, time.perf_counter() - started, usage.ru_utime + usage.ru_stime

    for what in ("yesterday", "list"):
        run(what)
    said, wall, busy = run("tonight")
    [delta_path] = (folder / "site").glob("*.delta")
    return {"light": light.exists(), "seconds": round(wall, 1), "processor_seconds": round(busy, 1),
            "steps": json.loads(said.splitlines()[-1]), "load": round(os.getloadavg()[0], 1),
            "file": (folder / "today.catalog").stat().st_size, "delta": delta_path.stat().st_size,
            "new": round(nightly.NEW * nightly.PRODUCTS)}


def patch(old: Path, new: Path) -> int | None:
    """Bytes of the patch that zstd makes; None where it is not installed."""
    if not shutil.which("zstd"):
        return None
    answer = subprocess.run(["zstd", "-19", "--long=27", f"--patch-from={old}", "-c", str(new)], capture_output=True,
                            check=True)
    return len(answer.stdout)


def seconds(run: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def page(results: dict) -> str:
    """The results for people."""
    lines = [
        "# Nightly updates", "", f"`python -m benchmarks updates` measured this ({results['processor']}, "
        f"{results['cores']} cores). A catalog of {results['products']:,} products with a vector of 512 numbers each, "
        f"and words and keys ({', '.join(INDEXED.keys)}; {', '.join(INDEXED.words)}) as `make catalog` puts them in; "
        "the next one is built over it (`BASE=`).", "",
        "The delta is not compressed, so that no device needs a library for it. What is new in a product (codes, "
        "scale, record) does not compress much either: that is the limit.", "",
        "| what changed | file, MB | delta, bytes | per cent of the file | bound | zstd -19 --patch-from | "
        "the same, built without `BASE=` | to apply and verify it, times a copy of the file |",
        "|---|---:|---:|---:|---|---:|---:|---:|"]
    for change, row in results["changes"].items():
        share, most = 100 * row["delta"] / row["file"], MOST.get(change)
        verdict = "" if most is None else f"{most} %, {'held' if share <= most else 'missed'}"
        patches = [f"{row[name]:,}" if row[name] else "not installed"
                   for name in ("zstd", "zstd, built without a base")]
        lines.append(f"| {change} | {row['file'] / 1e6:.2f} | {row['delta']:,} | {share:.2f} | {verdict} | "
                     f"{patches[0]} | {patches[1]} | {row['apply over copy']} ({row['apply_seconds']} s) |")
    night = results["night"]
    steps = ", ".join(f"{name} {duration:.1f}" for name, duration in night["steps"].items())
    verdict = "held" if night["seconds"] <= MOST_SECONDS else "missed"
    lines += [
        "", "## A whole night", "",
        f"From the list of {results['products']:,} products, 1 % of them new and 5 % with other prices, to the signed "
        f"delta: {night['seconds']} s ({steps}; bound {MOST_SECONDS} s: {verdict}), of which the processors' cores "
        f"worked {night['processor_seconds']} s, at a load of {night['load']} on {results['cores']} cores"
        + (", in the environment of catalogs alone. " if night["light"] else ", in the exporter's environment. ")
        + f"The file has {night['file'] / 1e6:.1f} MB with its small pictures, the delta {night['delta']:,} bytes. The "
        f"vectors of yesterday's products were at hand; those of the {night['new']} new ones come from a stand-in, so "
        "an encoder's time is to be added ([building.md](building.md))."]
    return "\n".join([*lines, ""])
