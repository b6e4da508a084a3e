"""Two catalogs enter, one made to follow the other; the delta between them leaves, tried before it is given away."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from catalog_builder.catalog import delta as deltas
from catalog_builder.catalog.reader import Catalog, CatalogError
from catalog_builder.index.indexed_columns import IndexedColumns
from export.common import container, files

BLOCK = 1 << 16                              # rows that are compared at a time
REMEDY = "build with BASE= the older one, or publish the whole file"


def write(base: Catalog, made: Catalog, target: Path) -> None:
    """Writes the delta, whole or not at all. Raises CatalogError where there is no small one."""
    if base.space != made.space or (base.offset != made.offset).any() or _optional(base) != _optional(made) or (
            _indexed(base) != _indexed(made)):
        raise CatalogError("no delta: the catalogs differ in space, mean or kind", where=made.path, remedy=REMEDY)
    content = container.container_bytes(
        {"format": deltas.FORMAT, "version": deltas.VERSION, "base": base.metadata["sha256"],
         "result": made.metadata["sha256"]}, _tensors(base, made))
    with files.whole(target) as partial:
        partial.write_bytes(content)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            deltas.apply(base, deltas.open_delta(partial), Path(folder) / "result.catalog")


def _optional(catalog: Catalog) -> tuple[bool, bool, bytes | None]:
    axes = None if catalog.first_pass is None else catalog.first_pass.axes.tobytes()
    return catalog.thumbnails is None, catalog.id_order is None, axes


def _indexed(catalog: Catalog) -> tuple[IndexedColumns, list[bytes]]:
    """What words, keys and filters are made by."""
    tables = catalog.words.characters.tensors().values() if catalog.words else ()
    return IndexedColumns.of(catalog.metadata), [table.tobytes() for table in tables]


def _tensors(base: Catalog, made: Catalog) -> dict[str, np.ndarray]:
    kept, removed = _matched(base, made)
    came = np.arange(len(kept), made.products)
    changed = np.concatenate([_changed(base, made, kept), came])
    repriced, rewritten = _renewed(base, made, kept)
    rewritten = np.concatenate([rewritten, came])
    rows = np.isin(made.owners, changed)
    thumbnails = [made.thumbnail(place) or b"" for place in changed.tolist()] if made.thumbnails is not None else []
    records = [made.raw(place) for place in rewritten.tolist()]
    places = np.empty(made.products, np.int64)
    places[made.places_by_id] = np.arange(made.products)
    tensors = {
        "head": made.content[:8 + int.from_bytes(made.content[:8], "little")], "removed": removed, "changed": changed,
        "row_counts": np.diff(np.append(made.firsts, made.rows))[changed], "scales": made.scales[rows],
        "codes": made.codes[rows].ravel(), "thumbnail_lengths": [*map(len, thumbnails)],
        "thumbnails": np.frombuffer(b"".join(thumbnails), "u1"), "rewritten": rewritten,
        "record_lengths": [*map(len, records)], "records": np.frombuffer(b"".join(records), "u1"),
        "categories": made.categories[rewritten], "prices": made.prices[rewritten], "repriced": repriced,
        "new_prices": made.prices[repriced], "id_places": places[came] if made.id_order is not None else []}
    return {name: np.asarray(tensor).astype(deltas.TENSORS[name]) for name, tensor in tensors.items()}


def _matched(base: Catalog, made: Catalog) -> tuple[np.ndarray, np.ndarray]:
    """Places of the base's products that stay, and of those that go. Raises CatalogError if those that stay moved."""
    before, now = ([catalog.record(place)["id"] for place in range(catalog.products)] for catalog in (base, made))
    still = set(now)
    stays = np.array([one in still for one in before])
    kept = np.flatnonzero(stays)
    if len(still) != len(now) or [before[place] for place in kept] != now[:len(kept)]:
        raise CatalogError("no delta: the products are in another order", where=made.path, remedy=REMEDY)
    return kept, np.flatnonzero(~stays)


def _changed(base: Catalog, made: Catalog, kept: np.ndarray) -> np.ndarray:
    """Places of products that stay whose rows or thumbnail are others."""
    old, new = (np.diff(np.append(catalog.firsts, catalog.rows)) for catalog in (base, made))
    alike = old[kept] == new[:len(kept)]
    pairs = np.flatnonzero(alike)
    equal = alike.copy()
    for some in _blocks(pairs, new):
        counts = new[some]
        ours, theirs = (_row_places(catalog.firsts[places], counts)
                        for catalog, places in ((made, some), (base, kept[some])))
        same = (made.codes[ours] == base.codes[theirs]).all(axis=1) & (made.scales[ours] == base.scales[theirs])
        equal[some] = np.logical_and.reduceat(same, np.cumsum(counts) - counts)
    if made.thumbnails is not None:
        equal &= np.array([made.thumbnail(place) == base.thumbnail(before)
                           for place, before in enumerate(kept.tolist())], bool)
    return np.flatnonzero(~equal)


def _blocks(places: np.ndarray, counts: np.ndarray) -> Iterator[np.ndarray]:
    """Products of about BLOCK rows at a time."""
    if len(places):
        yield from np.split(places, np.flatnonzero(np.diff(np.cumsum(counts[places]) // BLOCK)) + 1)


def _row_places(firsts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The rows of products one after the other."""
    return np.repeat(firsts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())


def _renewed(base: Catalog, made: Catalog, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of products that stay with another price alone, and of those with another record."""
    repriced: list[int] = []
    rewritten: list[int] = []
    for place, old in enumerate(kept.tolist()):
        before, now, price = base.raw(old), made.raw(place), int(made.prices[place])
        in_category = (base.category_names[base.categories[old]] == made.category_names[made.categories[place]])
        if in_category and before == now and price == base.prices[old]:
            continue
        alone = in_category and deltas.PRICE in before and deltas.priced(before, price) == now
        (repriced if alone else rewritten).append(place)
    return np.array(repriced, np.int64), np.array(rewritten, np.int64)
