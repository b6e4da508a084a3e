"""Golden catalogs enter; queries with their candidates and answers leave: `<goldens>/first-pass/`."""

import random
from pathlib import Path

import numpy as np

from catalog_builder.catalog import candidates, scores, search
from catalog_builder.catalog.reader import Catalog
from catalog_builder.catalog.search import ANY, Filter, Hit
from catalog_builder.first_pass_goldens import catalogs
from catalog_builder.first_pass_goldens.catalogs import CROWDED, DIM
from catalog_builder.golden_values import bits, packed, write_ascii

MANY = "near-ties.catalog"


def write(folder: Path) -> None:
    """Writes the folder's files."""
    folder.mkdir(parents=True)
    made = catalogs.near_ties(folder / MANY)
    write_ascii(folder / "index.json", {
        "made_by": {"command": "python -m catalog_builder.goldens"}, "catalog": MANY, "cases": cases(made),
        "followed": catalogs.followed(folder), "damaged": catalogs.damaged(folder)})


def cases(made: Catalog) -> list[dict]:
    """Searches with and without candidates: shares, filters, ties, a product of many rows, thresholds, bad guesses."""
    source = random.Random(21)
    asked = [np.array([source.randint(-40, 40) for _ in range(DIM)], np.float32) / 64 for _ in range(6)]
    crowded = made.vectors(made.firsts[CROWDED:CROWDED + 1])[0]
    along = np.eye(1, DIM, dtype=np.float32)[0]                      # no part of it lies on the axes
    found = [case(made, vector, k) for vector in asked[:4] for k in (1, 2)]
    found += [case(made, asked[4], k) for k in (3, 10)]
    found += [case(made, asked[5], 1, where) for where in (
        Filter({"most", "", "few", "many rows"}), Filter({"most", ""}), Filter({"few"}), Filter(None, 100_000, None),
        Filter(None, 400_000, None), Filter(set()))]
    found += [case(made, crowded, k) for k in (1, 2)] + [case(made, -crowded, 1), case(made, along, 1)]
    best = search.search(made, asked[0], 1)[0]
    found += [case(made, asked[0], 1, without=best.product), case(made, asked[0], 1, threshold=best.score),
              case(made, asked[0], 1, threshold=float(np.nextafter(best.score, 99))),
              case(made, asked[2] * np.float32(1e-30), 2), case(made, asked[3] * np.float32(1e30), 2)]
    return found


def case(made: Catalog, vector: np.ndarray, k: int, where: Filter = ANY, threshold: float | None = None,
         without: int | None = None) -> dict:
    """One search: its candidates, null where it is exact; its answer; the exact one where it differs."""
    chosen = search.fitting(made, where)
    if without is not None:
        chosen = np.ones(made.products, bool) if chosen is None else chosen
        chosen[without] = False
    fitting = None if chosen is None else np.flatnonzero(chosen[made.owners])
    query = scores.prepared(made, vector)
    if made.first_pass is None:
        raise ValueError(made.path)
    small = candidates.projected(made.first_pass, query)
    rows = candidates.rows(made.first_pass, query, k, fitting)
    if rows is not None and len(np.unique(made.owners[rows])) < k:
        rows = None
    hits, exact = (search.search(made, vector, k, where, -np.inf if threshold is None else threshold, without=without,
                                 exact=plainly)
                   for plainly in (False, True))
    asked = {"vector": packed(vector), "k": k, "lowest": where.lowest, "highest": where.highest,
             "categories": None if where.categories is None else sorted(where.categories), "threshold": threshold,
             "without": without}
    return {key: value for key, value in asked.items() if value is not None} | {
        "projected": None if small is None else small.tolist(),
        "candidates": None if rows is None else rows.tolist(),
        "hits": [said(hit) for hit in hits], "exact": None if exact == hits else [said(hit) for hit in exact]}


def said(hit: Hit) -> dict:
    """A product that was found."""
    return {"product": hit.product, "row": hit.row, "score": bits(hit.score)}
