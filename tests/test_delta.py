"""Deltas: for any edit of a shop, the older catalog and the delta give the newer one's bytes; all else is refused."""

import dataclasses
import json
import random

import numpy as np
import pytest

from catalog_builder.builder import writer
from catalog_builder.catalog import delta as deltas
from catalog_builder.catalog.reader import NO_PRICE, Catalog, CatalogError, open_catalog
from catalog_builder.index.indexed_columns import IndexedColumns
from catalog_builder.lists import products
from catalog_builder.lists.products import Product
from catalog_builder.updates import delta_writer
from catalog_builder.updates.previous import Previous
from tests.test_catalog import CALIBRATION, SPACE, mutated

INDEXED = [IndexedColumns(), IndexedColumns(keys=("id", "brand")), IndexedColumns(words=("name",)),
           IndexedColumns(filters=("brand",)),
           IndexedColumns(("id",), ("name", "brand", "sizes"), ("sizes", "category"))]
EDITS = 2_000                                # random edits of a shop, in `make soak`
FAULTS = 20_000                              # damaged deltas, in `make soak`
DIM = 12
CATEGORIES = ["Bags", "Schuhe & Stiefel", "靴", ""]
PRICES = [None, 0, 1, 10_000, 199_900, 1_234_500, 2**53 + 1]
NAMES = ["Red bag", 'q"uo,te', ',"price":7}', "靴 🥾", "{}", "back\\slash"]


def product(chance: random.Random, number: int) -> Product:
    """One with a random name, price and category."""
    return Product(line=0, row=0, id=f"p{number}", name=chance.choice(NAMES), price=chance.choice(PRICES),
                   currency="EUR", description="", category=chance.choice(CATEGORIES), pictures=(),
                   extra=chance.choice([{}, {"brand": "A"}, {"sizes": ["S", "M"]}]))


@dataclasses.dataclass(frozen=True)
class Shop:
    """Products with the vectors and the thumbnail of each."""

    products: list[Product]
    vectors: dict[str, np.ndarray]
    thumbnails: dict[str, bytes]

    def written(self, path, base: Catalog | None = None, thumbnails: bool = True,
                indexed: IndexedColumns = INDEXED[0], axes: np.ndarray | None = None) -> Catalog:
        """Its catalog, as the builder writes it. `axes`: of a first pass, int8 [width, DIM]."""
        before = Previous(base) if base else None
        listed = before.in_order(self.products) if before else self.products
        used = [one.category for one in listed]
        names = before.category_names(used) if before else list(dict.fromkeys(used))
        vectors = np.concatenate([self.vectors[one.id] for one in listed])
        made = writer.Content(
            SPACE, "demo", "EUR", names, CALIBRATION, [products.json_record(one) for one in listed],
            prices=np.array([NO_PRICE if one.price is None else one.price for one in listed]),
            categories=np.array([names.index(name) for name in used]),
            owners=np.repeat(np.arange(len(listed)), [len(self.vectors[one.id]) for one in listed]),
            thumbnails=[self.thumbnails[one.id] for one in listed] if thumbnails else None,
            ids=[one.id for one in listed], offset=before.offset if before else None,
            parent=before.digest if before else None, indexed=indexed, axes=axes)
        writer.write(path, made, vectors)
        return open_catalog(path)


def shop(chance: random.Random, count: int) -> Shop:
    """A shop of so many products."""
    made = Shop([product(chance, number) for number in range(count)], {}, {})
    for one in made.products:
        photograph(chance, made, one.id)
    return made


def photograph(chance: random.Random, of: Shop, product_id: str) -> None:
    """New pictures for a product."""
    of.vectors[product_id] = np.array([[chance.gauss(0, 1) for _ in range(DIM)]
                                       for _ in range(chance.randint(1, 3))], np.float32)
    of.thumbnails[product_id] = chance.randbytes(chance.randint(0, 9))


def edited(chance: random.Random, before: Shop, number: int) -> Shop:
    """After a day: products gone, come, repriced, renamed, photographed anew, moved in the list."""
    after = Shop([], dict(before.vectors), dict(before.thumbnails))
    for one in before.products:
        match chance.choices(["stay", "go", "price", "record", "pictures", "thumbnail"], [8, 1, 2, 1, 1, 1])[0]:
            case "go":
                continue
            case "price":
                one = dataclasses.replace(one, price=chance.choice(PRICES))
            case "record":
                one = dataclasses.replace(one, category=chance.choice(CATEGORIES), name=chance.choice(NAMES))
            case "pictures":
                photograph(chance, after, one.id)
            case "thumbnail":
                after.thumbnails[one.id] = chance.randbytes(3)
        after.products.append(one)
    for place in range(chance.choice([0, 0, 1, 3])):
        after.products.append(product(chance, 1000 * number + place + 100))
        photograph(chance, after, after.products[-1].id)
    if not after.products:
        after.products.append(before.products[0])
    chance.shuffle(after.products)
    return after


def both(tmp_path, after: Shop, base: Catalog, **options):
    made = after.written(tmp_path / "made.catalog", base, **options)
    delta_writer.write(base, made, tmp_path / "a.delta")
    return made, tmp_path / "a.delta"


@pytest.mark.slow
def test_any_edit_gives_the_same_bytes(tmp_path, repetitions):
    for number in range(repetitions(EDITS)):
        chance = random.Random(number)
        before = shop(chance, chance.randint(1, 12))
        options = {"thumbnails": chance.random() < 0.8, "indexed": INDEXED[number % len(INDEXED)]}
        base = before.written(tmp_path / "base.catalog", **options)
        made, path = both(tmp_path, edited(chance, before, number), base, **options)
        result = deltas.apply(base, deltas.open_delta(path), tmp_path / "result.catalog")
        assert bytes(result.content) == bytes(made.content), number
        assert result.metadata["parent"] == base.metadata["sha256"]


def test_words_keys_and_filters_add_nothing_to_a_delta(tmp_path):
    chance = random.Random(7)
    before = shop(chance, 30)
    after, sizes = edited(chance, before, 1), []
    for indexed in (INDEXED[0], INDEXED[-1]):
        base = before.written(tmp_path / "base.catalog", indexed=indexed)
        delta = deltas.open_delta(both(tmp_path, after, base, indexed=indexed)[1])
        sizes.append(sum(tensor.nbytes for name, tensor in delta.tensors.items() if name != "head"))
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("change", [INDEXED[1], INDEXED[2], dataclasses.replace(INDEXED[-1], filters=("sizes",))])
def test_no_delta_leads_to_other_keys_words_or_filters(tmp_path, change):
    chance = random.Random(7)
    before = shop(chance, 9)
    base = before.written(tmp_path / "base.catalog", indexed=INDEXED[-1])
    with pytest.raises(CatalogError, match="differ in space, mean or kind"):
        both(tmp_path, before, base, indexed=change)


def test_days_follow_one_another_and_what_stays_keeps_its_place(tmp_path):
    chance = random.Random(7)
    day = shop(chance, 30)
    base = day.written(tmp_path / "0.catalog")
    for number in range(1, 12):
        day = edited(chance, day, number)
        made, path = both(tmp_path, day, base)
        ids, now = ([catalog.record(place)["id"] for place in range(catalog.products)] for catalog in (base, made))
        assert [one for one in ids if one in now] == now[:sum(one in now for one in ids)]
        assert (made.offset == base.offset).all()
        base = deltas.apply(base, deltas.open_delta(path), tmp_path / f"{number}.catalog")


def test_an_update_is_as_large_as_what_changed(tmp_path):
    chance = random.Random(3)
    before = shop(chance, 2000)
    base = before.written(tmp_path / "base.catalog")
    assert (alone := both(tmp_path, before, base)[1].stat().st_size) < 4_000         # the header
    cheaper = [dataclasses.replace(one, price=8) if place % 20 == 0 else one
               for place, one in enumerate(before.products)]
    path = both(tmp_path, dataclasses.replace(before, products=cheaper), base)[1]
    assert 0 <= path.stat().st_size - alone - 100 * (4 + 8) < 200        # digits of the header
    assert len(deltas.open_delta(path)["rewritten"]) == 0


@pytest.mark.parametrize(("record", "price", "expected"), [
    (b'{"id":"a","name":"b","price":1.5,"currency":""}', 20_000, b'{"id":"a","name":"b","price":2,"currency":""}'),
    (b'{"id":"a","name":"b","price":null,"x":1}', 1, b'{"id":"a","name":"b","price":0.0001,"x":1}'),
    (b'{"id":",\\"price\\":7","name":"b","price":7}', NO_PRICE, b'{"id":",\\"price\\":7","name":"b","price":null}')])
def test_a_price_is_put_into_a_record(record, price, expected):
    assert deltas.priced(record, price) == expected
    json.loads(expected)


def test_a_delta_is_for_one_catalog_alone(tmp_path):
    chance = random.Random(5)
    before = shop(chance, 9)
    base = before.written(tmp_path / "base.catalog")
    path = both(tmp_path, edited(chance, before, 1), base)[1]
    other = edited(chance, before, 2).written(tmp_path / "other.catalog")
    target = tmp_path / "result.catalog"
    target.write_bytes(b"kept")
    with pytest.raises(CatalogError, match="for another catalog"):
        deltas.apply(other, deltas.open_delta(path), target)
    assert target.read_bytes() == b"kept" and {one.name for one in tmp_path.iterdir()} == {
        "base.catalog", "made.catalog", "other.catalog", "a.delta", "result.catalog"}


def test_without_a_base_there_is_no_delta(tmp_path):
    chance = random.Random(5)
    before = shop(chance, 9)
    base = before.written(tmp_path / "base.catalog")
    with pytest.raises(CatalogError, match="differ in space, mean or kind.*BASE="):
        delta_writer.write(base, edited(chance, before, 1).written(tmp_path / "made.catalog"), tmp_path / "a.delta")
    moved = dataclasses.replace(before, products=before.products[::-1])
    other = writer.Content(**{field.name: getattr(made, field.name) for made in [content_of(moved)]
                              for field in dataclasses.fields(made)} | {"offset": base.offset})
    writer.write(tmp_path / "moved.catalog", other, np.concatenate([before.vectors[one.id] for one in moved.products]))
    with pytest.raises(CatalogError, match="another order"):
        delta_writer.write(base, open_catalog(tmp_path / "moved.catalog"), tmp_path / "a.delta")
    assert not (tmp_path / "a.delta").exists()


def content_of(made: Shop) -> writer.Content:
    """All but the vectors, in the list's order."""
    return writer.Content(
        SPACE, "demo", "EUR", ["x"], CALIBRATION, [products.json_record(one) for one in made.products],
        prices=np.zeros(len(made.products), np.int64), categories=np.zeros(len(made.products), np.int64),
        owners=np.repeat(np.arange(len(made.products)), [len(made.vectors[one.id]) for one in made.products]),
        thumbnails=[made.thumbnails[one.id] for one in made.products], ids=[one.id for one in made.products])


@pytest.mark.slow
def test_a_damaged_delta_never_gives_a_catalog(tmp_path, repetitions):
    chance = random.Random(11)
    before = shop(chance, 12)
    base = before.written(tmp_path / "base.catalog")
    made, path = both(tmp_path, edited(chance, before, 1), base)
    whole, damaged, target = path.read_bytes(), tmp_path / "damaged.delta", tmp_path / "result.catalog"
    refused = 0
    for number in range(repetitions(FAULTS)):
        damaged.write_bytes(mutated(random.Random(number), whole, base.path.read_bytes()))
        try:
            result = deltas.apply(base, deltas.open_delta(damaged), target)
        except CatalogError:
            refused += 1
            assert not target.exists(), number
        else:
            assert bytes(result.content) == bytes(made.content)
            target.unlink()
    assert refused
