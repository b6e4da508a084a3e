"""The first pass: its tensors, candidates and answers against a slow twin in whole numbers, written from FORMATS.md."""

import base64
import dataclasses
import json
import math
import os
import struct
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from catalog_builder import engines, goldens
from catalog_builder.__main__ import main
from catalog_builder.builder import quantize, writer
from catalog_builder.catalog import candidates, delta, first_pass, overlay, scores, search
from catalog_builder.catalog.first_pass import FirstPass
from catalog_builder.catalog.reader import Catalog, CatalogError, open_catalog
from catalog_builder.catalog.search import ANY, Filter, Hit
from catalog_builder.catalog.searcher import Searcher
from catalog_builder.first_pass_goldens import catalogs
from catalog_builder.updates import delta_writer
from export.common import container, files
from tests.test_search import brute, shop

FOLDER = Path(os.environ.get("GOLDENS", goldens.OUT)) / "first-pass"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="ascii"))
MANY = open_catalog(FOLDER / INDEX["catalog"])


# The slow twin.

def half_even(numerator: int, by: float) -> int:
    """A whole number over a float64, the quotient rounded to float64, then to a whole number."""
    return round(numerator / by)


def plain_rows(axes, codes, scales) -> list[tuple[list[int], float]]:
    """Each row's first_codes and first_scale, number by number."""
    made = []
    for code, scale in zip(codes.tolist(), scales.tolist(), strict=True):
        sums = [sum(a * c for a, c in zip(axis, code, strict=True)) for axis in axes.tolist()]
        factor = float(np.float32(max(map(abs, sums)) / 127))
        small = [max(-127, min(127, half_even(one, factor or 1.0))) for one in sums]
        made.append((small, float(np.float32(scale * factor))))
    return made


def plain_projected(axes, vector) -> list[int]:
    largest = max(abs(float(x)) for x in vector)
    q16 = [round(float(x) / (largest / 16383)) for x in vector]
    sums = [sum(a * q for a, q in zip(axis, q16, strict=True)) for axis in axes.tolist()]
    most = max(map(abs, sums))
    return [round(one / (most / 127)) for one in sums] if most else []


def fits(found: Catalog, product: int, where: Filter, without: int | None) -> bool:
    name, price = found.category_names[found.categories[product]], int(found.prices[product])
    asked = where.lowest is not None or where.highest is not None
    return (product != without and (where.categories is None or name in where.categories)
            and (not asked or (where.lowest or 0) <= price <= (2**63 if where.highest is None else where.highest)))


def plain_candidates(found: Catalog, vector, k: int, where: Filter = ANY, without: int | None = None):
    """The candidates, rising; None where the search is exact."""
    first = found.first_pass
    rows = [row for row in range(found.rows) if fits(found, int(found.owners[row]), where, without)]
    wanted = max(64 * k, math.ceil(Fraction(len(rows), first.of)))
    query = plain_projected(first.axes, vector)
    if 16 * wanted > len(rows) or not query:
        return None
    value = {row: float(first.scales[row]) * sum(int(c) * q for c, q in zip(first.codes[row], query, strict=True))
             for row in rows}
    chosen = sorted(sorted(rows, key=lambda row: (-value[row], row))[:wanted])
    return None if len({int(found.owners[row]) for row in chosen}) < k else chosen


def plain_search(found: Catalog, vector, k, where=ANY, threshold=-math.inf, without=None) -> list[Hit]:
    rows = plain_candidates(found, vector, k, where, without)
    if rows is None:
        return search.search(found, vector, k, where, threshold, without, exact=True)
    exact = scores.scores(found, scores.prepared(found, vector)).tolist()
    best: dict[int, int] = {}
    for row in rows:
        product = int(found.owners[row])
        best[product] = max(best.get(product, row), row, key=lambda one: (exact[one], -one))
    kept = sorted(best, key=lambda product: (-exact[best[product]], best[product]))[:k]
    hits = [max((Hit(product, row, exact[row]) for row in np.flatnonzero(found.owners == product).tolist()),
                key=lambda hit: (hit.score, -hit.row)) for product in kept]
    return [hit for hit in sorted(hits, key=lambda hit: (-hit.score, hit.row)) if hit.score >= threshold]


def projected_shop(rng, rows: int, dim: int = 6, width: int = 2, of: int = 20, crowded: int = 1, **more) -> Catalog:
    """A catalog in memory of few different codes, so that many rows tie; the first product has `crowded` rows."""
    codes = rng.integers(-2, 3, (rows, dim)) * 40
    steps = rng.integers(0, 2, rows - 1)
    steps[:crowded - 1] = 0
    owners = np.cumsum([0, *steps])
    products = owners[-1] + 1
    made = shop(codes, rng.choice([0.0, 0.25, 1.0], rows), np.zeros(dim), owners,
                prices=rng.choice([-1, 5, 9], products), categories=rng.integers(0, 3, products), **more)
    axes = rng.integers(-3, 4, (width, dim)).astype(np.int8)
    small, scales = first_pass.derived(axes, made.codes, made.scales)
    return dataclasses.replace(made, first_pass=FirstPass(axes, small, scales, of))


# Goldens.

def vector(case) -> np.ndarray:
    return np.frombuffer(base64.b64decode(case["vector"]), "<f4")


def asked(case):
    where = Filter(case.get("categories"), case.get("lowest"), case.get("highest"))
    return vector(case), case["k"], where, case.get("threshold", -math.inf), case.get("without")


def said(hits) -> list[dict]:
    return [{"product": hit.product, "row": hit.row, "score": struct.pack(">d", hit.score).hex()} for hit in hits]


@pytest.mark.parametrize("number", range(len(INDEX["cases"])))
def test_a_golden_search_has_the_candidates_and_score_bits_of_the_slow_twin(number):
    case = INDEX["cases"][number]
    found, k, where, threshold, without = asked(case)
    assert plain_candidates(MANY, found, k, where, without) == case["candidates"]
    assert said(search.search(MANY, found, k, where, threshold, without)) == case["hits"]
    assert said(plain_search(MANY, found, k, where, threshold, without)) == case["hits"]
    exact = said(search.search(MANY, found, k, where, threshold, without, exact=True))
    assert exact == (case["hits"] if case["exact"] is None else case["exact"])
    assert plain_projected(MANY.first_pass.axes, found) == (case["projected"] or [])


def test_the_goldens_hold_every_case():
    cases = INDEX["cases"]
    chosen = [case for case in cases if case["candidates"] is not None]
    assert {len(case["candidates"]) for case in chosen} >= {math.ceil(MANY.rows / 20), 128}      # share, and products
    cut = 0
    for case in chosen:
        values = candidates.first_scores(MANY.first_pass, np.array(case["projected"], np.int8), None)
        least = values[case["candidates"]].min()
        cut += 0 < (values[case["candidates"]] == least).sum() < (values == least).sum()
    assert cut > 2                                                   # equal rows on both sides of the last candidate
    assert any(case["exact"] for case in chosen) and any(not case["exact"] for case in chosen)
    assert any(hit["row"] not in case["candidates"] for case in chosen for hit in case["hits"])
    assert any(case["projected"] is None for case in cases)
    assert Counter(case["k"] for case in cases if case["candidates"] is None)[2]         # one product has them all
    assert any("threshold" in case and case["hits"] for case in chosen) and any("without" in case for case in chosen)
    assert any(case.get("categories") for case in chosen) and any("lowest" in case for case in chosen)


@pytest.mark.parametrize("name", INDEX["damaged"])
def test_a_damaged_first_pass_is_refused(name):
    with pytest.raises(CatalogError, match="damaged, or no catalog"):
        open_catalog(FOLDER / name)


def test_the_tensors_are_those_of_the_slow_twin():
    for name in (INDEX["catalog"], INDEX["followed"]["base"], INDEX["followed"]["result"]):
        made = open_catalog(FOLDER / name)
        made.verify()
        first = made.first_pass
        expected = plain_rows(first.axes, made.codes, made.scales)
        assert list(zip(first.codes.tolist(), first.scales.tolist(), strict=True)) == expected
    assert not first.scales.all()                                    # a row of scale 0


def test_the_golden_delta_gives_the_golden_catalog(tmp_path):
    names = INDEX["followed"]
    base, result = (open_catalog(FOLDER / names[name]) for name in ("base", "result"))
    made = delta.apply(base, delta.open_delta(FOLDER / names["delta"]), tmp_path / "made.catalog")
    assert made.path.read_bytes() == result.path.read_bytes() and made.first_pass


def test_the_committed_goldens_are_those_that_this_code_writes(tmp_path):
    goldens.PARTS["first-pass"](tmp_path / "first-pass")
    committed = goldens.OUT / "first-pass"
    for path in files.files_of(committed):
        assert (tmp_path / "first-pass" / path.relative_to(committed)).read_bytes() == path.read_bytes()


# Made at random.

@pytest.mark.parametrize("seed", range(12))
def test_searches_with_many_ties_are_those_of_the_slow_twin(seed):
    rng = np.random.default_rng(seed)
    made = projected_shop(rng, int(rng.integers(1100, 2600)), of=int(rng.integers(20, 40)),
                          crowded=int(rng.choice([1, 300])))
    two_stages = 0
    for k in (1, 1, 2, 3):
        found = rng.integers(-3, 4, made.dim).astype(np.float32) + np.float32(0.25)
        for where in (ANY, Filter({"bags", "hats"}), Filter(None, 5, None), Filter({"shoes"}, 9)):
            hits = search.search(made, found, k, where)
            assert said(hits) == said(plain_search(made, found, k, where))
            two_stages += plain_candidates(made, found, k, where) is not None
    assert two_stages


def test_scores_never_differ_from_the_exact_ones():
    made = projected_shop(np.random.default_rng(3), 2000)
    found = np.array([1, -2, 3, 0.5, 2, 1], np.float32)
    every = {hit.product: hit for hit in brute(made, found, k=made.products)}
    hits = search.search(made, found, 1)
    assert plain_candidates(made, found, 1) and [every[hit.product] for hit in hits] == hits


@dataclasses.dataclass(frozen=True)
class OneText:
    """An encoder that gives every text the same vector."""

    vector: np.ndarray
    scripts: tuple[str, ...] = ("Latin",)

    def text(self, texts: list[str]) -> np.ndarray:
        return np.stack([self.vector] * len(texts))


def test_the_exact_search_can_be_asked_for_in_python_and_on_the_command_line(monkeypatch, capsys):
    """Of a first pass that misleads: it knows no row from another."""
    first = MANY.first_pass
    misled = dataclasses.replace(MANY, first_pass=dataclasses.replace(first, codes=np.zeros_like(first.codes)))
    row = int(MANY.firsts[MANY.products - 2])
    vector = MANY.vectors(slice(row, row + 1))[0]
    shop, whole = (Searcher(made, OneText(vector)) for made in (misled, dataclasses.replace(MANY, first_pass=None)))
    last = MANY.record(MANY.products - 2)["id"]
    assert shop.find("bag", k=1) != shop.find("bag", k=1, exact=True) == whole.find("bag", k=1)
    assert shop.like(last, k=1) != shop.like(last, k=1, exact=True) == whole.like(last, k=1)
    monkeypatch.setattr(engines, "searcher", lambda catalog, dist: shop)
    found = {}
    for asked in (("--text", "bag"), ("--like", last)):
        for exact in ((), ("--exact",)):
            assert main(["search", "--catalog", "x", "--json", "-k", "1", *asked, *exact]) == 0
            found[asked[0], bool(exact)] = [one["id"] for one in json.loads(capsys.readouterr().out)["results"]]
    ids = {kind: [one.record["id"] for one in results] for kind, results in (
        ("--text", whole.find("bag", k=1)), ("--like", whole.like(last, k=1)))}
    assert all(found[kind, True] == ids[kind] != found[kind, False] for kind in ids)


def test_a_small_catalog_and_a_large_k_are_scored_exactly():
    first = MANY.first_pass
    assert candidates.count(first, 1023, 1) is None and candidates.count(first, 1024, 1) == 64
    assert candidates.count(dataclasses.replace(first, of=100), 1_000_000, 10) == 10_000
    assert candidates.count(dataclasses.replace(first, of=100), 100_001, 10) == 1_001
    assert candidates.count(dataclasses.replace(first, of=100), 20_000, 10) == 640
    assert candidates.count(first, 10**6, 10**6) is None


def test_the_largest_are_found_where_a_sample_misleads():
    """Every sampled place holds a large value, the others small ones and ties."""
    values = np.zeros(10_000)
    values[::candidates.SAMPLED] = 9
    values[5000:5050] = 1
    assert candidates._largest(values, 180).tolist() == sorted(
        [*range(0, 10_000, 64), *[row for row in range(5000, 5050) if row % 64][:180 - 157]])
    flat = np.ones(1000)
    assert candidates._largest(flat, 7).tolist() == list(range(7))


def test_a_file_without_a_first_pass_is_searched_exactly_and_unknown_tensors_of_old_readers_stay_unread():
    metadata, tensors = container.parsed(MANY.content)
    assert {"first_axes", "first_codes", "first_scales"} <= set(tensors) and first_pass.KEY in metadata
    bare = dataclasses.replace(MANY, first_pass=None)
    for case in INDEX["cases"]:
        assert said(search.search(bare, *asked(case))) == (case["exact"] or case["hits"])


# The writer.

def clustered(rows: int, dim: int = 48) -> np.ndarray:
    """float32 [rows, dim] about a few directions."""
    rng = np.random.default_rng(7)
    made = rng.normal(size=(rows, 6)) @ rng.normal(size=(6, dim)) + 0.2 * rng.normal(size=(rows, dim))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def content(rows: int, axes, **more) -> writer.Content:
    return writer.Content("5" * 64, "made", "EUR", [""], catalogs.calibration.NONE, records=[
        f'{{"id":"p{row}","price":null}}'.encode() for row in range(rows)], prices=np.full(rows, -1),
        categories=np.zeros(rows), owners=np.arange(rows), ids=[f"p{row}" for row in range(rows)], axes=axes, **more)


def test_the_writer_makes_tensors_block_by_block_and_states_what_was_measured(tmp_path, monkeypatch):
    vectors = clustered(300)
    axes = quantize.first_axes(vectors, quantize.mean(vectors))
    assert axes.shape == (32, 48) and axes.dtype == np.int8 and np.abs(axes).max() == 127
    assert all(axis[np.abs(axis).argmax()] > 0 for axis in axes)
    made = []
    for block in (4096, 7):
        monkeypatch.setattr(quantize, "BLOCK", block)
        with writer.unnamed(tmp_path / f"{block}.catalog", content(300, axes), vectors) as unnamed:
            writer.state_first_pass(unnamed, 50, {"text": 0.99951, "image": 1.0})
        made.append(open_catalog(tmp_path / f"{block}.catalog"))
        made[-1].verify()
    assert bytes(made[0].content) == bytes(made[1].content)
    assert json.loads(made[0].metadata["first_pass"]) == {"of": 50, "text": 0.9995, "image": 1.0}
    first = made[0].first_pass
    expected = plain_rows(first.axes, made[0].codes, made[0].scales)
    assert list(zip(first.codes.tolist(), first.scales.tolist(), strict=True)) == expected and first.of == 50


@pytest.mark.parametrize(("dim", "width"), [(8, 8), (128, 32), (256, 64), (512, 96), (768, 160), (1024, 192)])
def test_the_width_is_a_multiple_of_what_registers_hold(dim, width):
    assert quantize.first_width(dim) == width


def test_axes_of_rows_that_lie_in_a_plane_lose_nothing():
    """Two directions hold all: the first pass orders as the exact scores do."""
    rng = np.random.default_rng(1)
    flat = (rng.normal(size=(500, 2)) @ rng.normal(size=(2, 64))).astype(np.float32)
    vectors = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    offset = quantize.mean(vectors)
    codes, scales = quantize.quantise(vectors, offset)
    axes = quantize.first_axes(vectors, offset)
    small, factors = first_pass.derived(axes, codes, scales)
    exact = scales * (codes @ vectors[0])
    rough = factors * (small @ np.rint(axes @ vectors[0]))
    assert np.corrcoef(exact, rough)[0, 1] > 0.999


# Deltas and overlays.

def test_a_delta_makes_the_first_pass_of_changed_rows_and_keeps_the_others(tmp_path):
    vectors = clustered(400)
    axes = quantize.first_axes(vectors, quantize.mean(vectors[:300]))
    common = {"offset": quantize.mean(vectors[:300])}
    writer.write(tmp_path / "base.catalog", content(300, axes, **common), vectors[:300])
    base = open_catalog(tmp_path / "base.catalog")
    today = np.concatenate([vectors[:10], vectors[350:360], vectors[20:350]])            # ten replaced, fifty new
    writer.write(tmp_path / "made.catalog", content(350, axes, parent=base.metadata["sha256"], **common), today)
    made = open_catalog(tmp_path / "made.catalog")
    delta_writer.write(base, made, tmp_path / "made.delta")
    applied = delta.apply(base, delta.open_delta(tmp_path / "made.delta"), tmp_path / "applied.catalog")
    assert bytes(applied.content) == bytes(made.content)
    assert "first_codes" not in container.parsed(memoryview((tmp_path / "made.delta").read_bytes()))[1]


def test_there_is_no_delta_between_catalogs_of_other_axes(tmp_path):
    vectors = clustered(60)
    axes = quantize.first_axes(vectors, quantize.mean(vectors))
    with_, other, without = (tmp_path / name for name in ("with.catalog", "other.catalog", "without.catalog"))
    for path, chosen in ((with_, axes), (other, axes[:-1]), (without, None)):
        writer.write(path, content(60, chosen), vectors)
    for path in (other, without):
        for base, made in ((with_, path), (path, with_)):
            with pytest.raises(CatalogError, match="differ in space, mean or kind"):
                delta_writer.write(open_catalog(base), open_catalog(made), tmp_path / "no.delta")


def test_an_overlay_is_searched_over_the_candidates_of_what_is_not_gone():
    gone = np.zeros(MANY.products, bool)
    own = shop(MANY.codes[:2], MANY.scales[:2] * 2, MANY.offset)
    case = next(case for case in INDEX["cases"] if case["candidates"] and case["hits"])
    gone[case["hits"][0]["product"]] = True
    both = overlay.OverlaidCatalog(MANY, own, gone)
    hits = both.search(vector(case), 1)
    base = plain_search(MANY, vector(case), 1, without=case["hits"][0]["product"])
    mine = brute(own, vector(case), 1)
    assert said(hits) == said(sorted([*base, *(
        Hit(MANY.products + hit.product, MANY.rows + hit.row, hit.score) for hit in mine)],
        key=lambda hit: (-hit.score, hit.row))[:1])
    exact = both.search(vector(case), 1, exact=True)
    assert exact[0].score >= hits[0].score
