"""A large list, built in one go and killed at ten moments: seconds, memory, and whether the bytes are the same.

In: dist/<model>/ of MODEL (demo), in the folder that DIST names, with a green gate. Out: interrupted.json and
interrupted.md.
"""

import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import limits
from export.common import files
from export.common.files import ROOT

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "interrupted.json", HERE / "interrupted.md"
PRODUCTS = int(os.environ.get("PRODUCTS", 20_000))
SIDE, QUALITY = 128, 80                      # of the pictures, two a product
KILLS, SEED = 10, 20261125


@dataclass(frozen=True)
class Run:
    """One call of the builder."""

    seconds: float
    peak: int                                # bytes of resident memory
    status: int


def main() -> None:
    """Measures, and writes the results and the page."""
    dist = Path(os.environ.get("DIST", ROOT / "dist")).resolve()
    model = os.environ.get("MODEL", "demo")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        products = large_list(folder / "shop")
        whole = build(products, dist, model, folder / "whole.catalog")
        again = build(products, dist, model, folder / "whole.catalog")
        chance = random.Random(SEED)
        moments = [2 + chance.uniform(0.05, 0.95) * whole.seconds / KILLS for _ in range(KILLS)]
        target = folder / "killed.catalog"
        killed = [build(products, dist, model, target, stop=moment) for moment in moments]
        last = build(products, dist, model, folder / "killed.catalog")
        digests = [files.sha256(folder / f"{name}.catalog") for name in ("whole", "killed")]
        size = (folder / "whole.catalog").stat().st_size
    result = {"model": model, "products": PRODUCTS, "pictures": 2 * PRODUCTS, "processor": limits.processor(),
              "cores": os.cpu_count(), "cold": asdict(whole), "again": asdict(again), "last": asdict(last),
              "killed": [asdict(run) for run in killed], "same": digests[0] == digests[1], "bytes": size,
              "load": round(os.getloadavg()[0], 2)}
    files.write_json(RESULTS, result)
    PAGE.write_text(page(result), encoding="utf-8")


def large_list(shop: Path) -> Path:
    """PRODUCTS products with two pictures each: the sample shop's, mirrored, turned and shifted in colour."""
    (shop / "pictures").mkdir(parents=True)
    rng = np.random.default_rng(SEED)
    with (ROOT / "demo" / "shop" / "products.csv").open(encoding="utf-8", newline="") as file:
        sample = list(csv.DictReader(file))
    with (shop / "products.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(sample[0]))
        writer.writeheader()
        for i in range(PRODUCTS):
            row = sample[i % len(sample)]
            names = [changed(ROOT / "demo" / "shop" / name, shop / "pictures" / f"{i}-{j}.jpg", rng)
                     for j, name in enumerate(row["pictures"].split("|")[:2])]
            writer.writerow(row | {"id": f"P{i:05}", "name": f"{row['name']} no. {i}",
                                   "pictures": "|".join(f"pictures/{name}" for name in names)})
    return shop / "products.csv"


def changed(source: Path, target: Path, rng: np.random.Generator) -> str:
    """Writes a picture that differs a little from `source`; returns its name."""
    with Image.open(source) as opened:
        picture = opened.convert("RGB").resize((SIDE, SIDE))
    picture = picture.rotate(float(rng.uniform(-15, 15)), fillcolor=(255, 255, 255))
    factors = rng.uniform(0.7, 1.0, 3)
    Image.fromarray((np.asarray(picture) * factors).astype(np.uint8)).save(target, quality=QUALITY)
    return target.name


def build(products: Path, dist: Path, model: str, out: Path, stop: float | None = None) -> Run:
    """Runs the builder, killed with SIGKILL after `stop` seconds."""
    command = [sys.executable, "-m", "catalog_builder", "build", "--products", str(products), "--dist", str(dist),
               "--model", model, "--catalog", str(out)]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if stop is not None:
        time.sleep(stop)
        process.send_signal(signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    return Run(time.monotonic() - started, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
               os.waitstatus_to_exitcode(status))


def page(result: dict) -> str:
    """The page, in Markdown."""
    rows = [("cold, in one go", result["cold"]), ("again, nothing new", result["again"]),
            (f"after {len(result['killed'])} kills, to the end", result["last"])]
    table = "\n".join(f"| {name} | {run['seconds']:.1f} | {run['peak'] / 1e9:.2f} | {run['status']} |"
                      for name, run in rows)
    killed = ", ".join(f"{run['seconds']:.1f}" for run in result["killed"])
    same = "The two files have the same bytes." if result["same"] else "**The two files differ.**"
    head = (f"`python -m benchmarks interrupted` wrote this page: {result['products']:,} products with "
            f"{result['pictures']:,} pictures of {SIDE} pixels, model {result['model']}, {result['processor']}, "
            f"{result['cores']} cores (load {result['load']}). The catalog has {result['bytes'] / 1e6:.1f} MB. "
            f"A second build was killed with SIGKILL after {killed} seconds, and then run to the end. {same}")
    return f"""# A build that is interrupted

{head}

| run | seconds | peak memory, GB | exit status |
|---|---|---|---|
{table}
"""

