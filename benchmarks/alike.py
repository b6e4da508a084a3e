"""Alike products: what they do to per cent, to the build's memory and to the gate.

In: the sample shop, and dist/demo/ in the folder that DIST names, with a green gate. Lists are made of the shop's
products: one row each, six sizes of each, with 1,500 products beside that share one "no image" picture, and 20,000
products of which about 47 show each of the shop's pictures, changed a little or more. The same texts and photos are
asked of each catalog. Out: alike.json and alike.md.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from benchmarks import limits
from catalog_builder import engines
from catalog_builder.builder import duplicates
from catalog_builder.catalog import calibration, search
from catalog_builder.catalog.reader import open_catalog
from export.common import files
from export.common.files import ROOT
from export.pictures.preprocess import load_rgb8

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "alike.json", HERE / "alike.md"
SHOP = ROOT / "demo" / "shop"
ASKED, SIZES, PLACEHOLDERS, DENSE = 300, ("XS", "S", "M", "L", "XL", "XXL"), 1_500, 20_000
SMALL = (1, 2, 8, 19, 20)                    # products
SIDE = 160                                   # pixels of the changed pictures
CUT = 0.1                                    # confidence below which apps call a result less certain
TOP = 10
BUILD = ("import resource, sys; from catalog_builder.__main__ import main; status = main(sys.argv[1:]); "
         "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(status)")


@dataclass(frozen=True)
class Change:
    """How much a picture is changed, at most."""

    turn: float                              # degrees
    side: float                              # the least share of a side that is left
    light: float                             # share


LITTLE, MORE = Change(3.0, 0.92, 0.1), Change(8.0, 0.8, 0.2)


@dataclass(frozen=True)
class MadeList:
    """A product list, and which of the shop's products each of its products is, by id; "" for none."""

    path: Path
    kinds: dict[str, str]


def main() -> None:
    """Measures, and writes the results and the page."""
    shop, dist = rows_of(SHOP / "products.csv"), Path(os.environ.get("DIST", "dist")) / "demo"
    chosen = shop[:ASKED]
    texts, pictures = asked(dist, chosen)
    results: dict = {"processor": limits.processor(), "cores": os.cpu_count(), "lists": {}, "small": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name, make in LISTS.items():
            made = make(Path(folder) / str(len(results["lists"])), chosen, shop)
            results["lists"][name] = built(made, dist) | answered(made, chosen, texts, pictures)
        for count in SMALL:
            made = one_row(Path(folder) / f"small-{count}", chosen[:count], shop)
            results["small"][str(count)] = built(made, dist) | answered(
                made, chosen[:count], texts[:count], pictures[:count])
        results["shop_pairs"] = shop_pairs(one_row(Path(folder) / "shop", shop, shop), dist)
    files.write_json(RESULTS, results)
    PAGE.write_text(page(results), encoding="utf-8")


def asked(dist: Path, chosen: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """A labelled text and a labelled photo for each product: float32 [ASKED, dim] each."""
    model = engines.opened(dist)
    known = {(row["kind"], row["product"]): row["query"] for row in rows_of(SHOP / "queries.csv")}
    texts = model.text([known["text", row["id"]] for row in chosen])
    return texts, np.concatenate([model.image(model.square(SHOP / known["picture", row["id"]])[None])
                                  for row in chosen])


# The lists.

def one_row(folder: Path, chosen: list[dict], shop: list[dict]) -> MadeList:
    """One row a product."""
    return written(folder, [row | {"kind": row["id"]} for row in chosen])


def sizes(folder: Path, chosen: list[dict], shop: list[dict]) -> MadeList:
    """One row a size, all with the product's pictures."""
    return written(folder, [row | {"kind": row["id"], "id": f"{row['id']}-{size}", "name": f"{row['name']} - {size}"}
                            for row in chosen for size in SIZES])


def placeholders(folder: Path, chosen: list[dict], shop: list[dict]) -> MadeList:
    """One row a product, and PLACEHOLDERS products with one picture."""
    return written(folder, [row | {"kind": row["id"]} for row in chosen] + without_picture(shop, PLACEHOLDERS))


def only_placeholders(folder: Path, chosen: list[dict], shop: list[dict]) -> MadeList:
    """DENSE products with one picture."""
    return written(folder, without_picture(shop, DENSE))


def dense(folder: Path, chosen: list[dict], shop: list[dict], change: Change) -> MadeList:
    """DENSE products, each with one picture: a first picture of the shop, changed."""
    (folder / "changed").mkdir(parents=True)
    rng, rows, pictures = np.random.default_rng(0), [], {}
    for i in range(DENSE):
        row = shop[i % len(shop)]
        if row["id"] not in pictures:
            pictures[row["id"]] = Image.fromarray(load_rgb8(SHOP / row["pictures"].split("|")[0]))
        name = f"changed/{i}.jpg"
        changed(pictures[row["id"]], change, rng).save(folder / name, quality=85)
        rows.append(row | {"kind": row["id"], "id": f"N{i}", "name": f"{row['name']} no. {i}", "pictures": name})
    return written(folder, rows)


LISTS: dict[str, Callable[[Path, list[dict], list[dict]], MadeList]] = {
    "one row a product": one_row, "six sizes of each": sizes, f"{PLACEHOLDERS:,} placeholders beside": placeholders,
    f"{DENSE:,}, changed little": partial(dense, change=LITTLE),
    f"{DENSE:,}, changed more": partial(dense, change=MORE), f"{DENSE:,} placeholders": only_placeholders}


def without_picture(shop: list[dict], count: int) -> list[dict]:
    """Rows of products whose picture says that there is none."""
    return [shop[i % len(shop)] | {"kind": "", "id": f"P{i}", "name": f"{shop[i % len(shop)]['name']} no. {i}",
                                   "pictures": "no-image.png"} for i in range(count)]


def changed(picture: Image.Image, change: Change, rng: np.random.Generator) -> Image.Image:
    """Turned, cut and lit otherwise."""
    turned = picture.rotate(rng.uniform(-change.turn, change.turn), Image.Resampling.BILINEAR,
                            fillcolor=picture.getpixel((0, 0)))
    width, height = (round(side * rng.uniform(change.side, 1)) for side in picture.size)
    left, top = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(picture.size, (width, height),
                                                                               strict=True))
    cut = turned.crop((left, top, left + width, top + height))
    cut.thumbnail((SIDE, SIDE))
    return ImageEnhance.Brightness(cut).enhance(rng.uniform(1 - change.light, 1 + change.light))


def written(folder: Path, rows: list[dict]) -> MadeList:
    """The list, with links to the shop's pictures beside it."""
    (folder / "pictures").mkdir(parents=True)
    for name in {name for row in rows for name in row["pictures"].split("|") if name.startswith("pictures/")}:
        os.link(SHOP / name, folder / name)
    sign = Image.new("RGB", (SIDE, SIDE), (238, 238, 238))
    sign.paste((170, 170, 170), (SIDE // 4, SIDE // 4, 3 * SIDE // 4, 3 * SIDE // 4))
    sign.save(folder / "no-image.png")
    with (folder / "products.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name != "kind"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return MadeList(folder / "products.csv", {row["id"]: row["kind"] for row in rows})


def rows_of(path: Path) -> list[dict]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# What is measured.

def built(made: MadeList, dist: Path) -> dict:
    """Builds a catalog in a process of its own: status, peak memory, and what its figures say."""
    out = made.path.with_suffix(".catalog")
    answer = subprocess.run(
        [sys.executable, "-c", BUILD, "build", "--products", str(made.path), "--dist", str(dist.parent), "--model",
         dist.name, "--catalog", str(out)], cwd=ROOT, capture_output=True, text=True, check=False)
    figures = out.with_suffix(".json")
    known = json.loads(figures.read_text(encoding="utf-8"))
    return {"status": answer.returncode, "peak_bytes": int(answer.stderr.split()[-1]) * 1024,
            "json_bytes": figures.stat().st_size, "products": known["products"],
            "near_duplicate_pairs": known["near_duplicate_pairs"], "shared_pictures": known["shared_pictures"],
            "recall": {one["kind"]: {key: one[key] for key in ("queries", "top1", "tolerant10", "verdict")}
                       for one in known["recall"]},
            "calibration": {one["kind"]: {"measured": one["curve"]["measured"], "answers": one["answers"]}
                            for one in known["calibration"]}}


def answered(made: MadeList, chosen: list[dict], texts: np.ndarray, pictures: np.ndarray) -> dict:
    """For texts and photos: queries whose first result is right, and queries with a right result above the cut."""
    catalog = open_catalog(made.path.with_suffix(".catalog"))
    kinds = [made.kinds[catalog.record(i)["id"]] for i in range(catalog.products)]
    answers = {}
    for kind, vectors in (("text", texts), ("image", pictures)):
        first = above = 0
        for row, vector in zip(chosen, vectors, strict=True):
            hits = search.search(catalog, vector, TOP)
            right = [hit for hit in hits if kinds[hit.product] == row["id"]]
            share = calibration.confidence(getattr(catalog.calibration, kind), right[0].score) if right else 0.0
            first += bool(right) and right[0] == hits[0]
            above += share is None or share >= CUT
        answers[kind] = {"asked": len(vectors), "first": first, "above": above}
    return {"answers": answers if any(kinds) else None}


def shop_pairs(made: MadeList, dist: Path) -> dict:
    """How many pairs of the whole shop's products are over the limit, of how many."""
    built(made, dist)
    catalog = open_catalog(made.path.with_suffix(".catalog"))
    return {"over": duplicates.find(catalog).count, "pairs": catalog.products * (catalog.products - 1) // 2}


def page(results: dict) -> str:
    """The results as Markdown."""
    pairs = results["shop_pairs"]
    lines = ["# Alike products", "", "`python -m benchmarks alike` wrote this page: the demo model, the sample shop, "
             f"{results['processor']}, {results['cores']} cores. Asked of each catalog: {ASKED} texts and {ASKED} "
             "photos, one of each for each product, from the shop's labelled queries, which the catalogs have not "
             "seen. Right is the product itself, in any size; of a list whose pictures are changed, any product with "
             f"this picture. \"Above the cut\": the best right result among the first {TOP} has a confidence of {CUT} "
             "or more, or its kind of query was not measured, so that an app shows it among the matches. Pairs of "
             "values are of texts and of photos.", "", *lists_table(results["lists"]), "",
             f"Of the sample shop's {pairs['pairs']:,} pairs of products, {pairs['over']} have pictures with a cosine "
             f"over {duplicates.ALIKE}.", "", "## The gate, and what looks alike", "", *gate_table(results["lists"]),
             "", "## Small shops", "", *small_table(results["small"]), ""]
    return "\n".join(lines)


def lists_table(lists: dict) -> list[str]:
    """What a shopper sees, and what the build needs."""
    lines = ["| list | products | first is right | above the cut | right products a query | measured | peak memory | "
             "figures (JSON) |", "|---|---|---|---|---|---|---|---|"]
    for name, one in lists.items():
        answers = one["answers"]
        found = [f"{answers['text'][key]} / {answers['image'][key]} of {answers['text']['asked']}" if answers else "–"
                 for key in ("first", "above")]
        lines.append(f"| {name} | {one['products']:,} | {' | '.join(found)} | "
                     + pair(one["calibration"], lambda kind: f"{kind['answers']:,.1f}") + f" | {measured(one)} | "
                     f"{one['peak_bytes'] / 1e9:.2f} GB | {one['json_bytes'] / 1e3:.1f} kB |")
    return lines


def gate_table(lists: dict) -> list[str]:
    """Both measures of the gate, shared pictures and near-duplicates."""
    lines = ["| list | queries | top 1 | tolerant recall@10 | verdict | shared pictures | pairs over the limit |",
             "|---|---|---|---|---|---|---|"]
    for name, one in lists.items():
        compared = one["near_duplicate_pairs"]
        lines.append(f"| {name} | " + " | ".join(pair(one["recall"], shown) for shown in (
            lambda kind: kind["queries"], lambda kind: f"{kind['top1']:.4f}",
            lambda kind: "–" if kind["tolerant10"] is None else f"{kind['tolerant10']:.4f}",
            lambda kind: kind["verdict"])) + f" | {one['shared_pictures']:,} | "
            + ("not compared" if compared is None else f"{compared:,}") + " |")
    return lines


def small_table(small: dict) -> list[str]:
    """Shops of few products."""
    lines = ["| products | exit status | measured | verdict | above the cut |", "|---|---|---|---|---|"]
    lines += [f"| {count} | {one['status']} | {measured(one)} | {pair(one['recall'], lambda kind: kind['verdict'])} | "
              f"{pair(one['answers'], lambda kind: kind['above'])} of {count} |" for count, one in small.items()]
    return lines


def measured(one: dict) -> str:
    """Whether texts and photos were measured."""
    return pair(one["calibration"], lambda kind: "yes" if kind["measured"] else "no")


def pair(kinds: dict, shown: Callable[[dict], object]) -> str:
    """The values of texts and of photos."""
    return f"{shown(kinds['text'])} / {shown(kinds['image'])}"
