"""Words, keys and filters: the golden answers, what they must find, and what damaged tensors may not do."""

import dataclasses
import itertools
import json
import os
import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from catalog_builder import word_goldens
from catalog_builder.catalog import delta, overlay, reader, search, words
from catalog_builder.catalog.reader import CatalogError, open_catalog
from catalog_builder.catalog.search import ANY, Filter
from catalog_builder.catalog.words import KEY, NamedProduct
from catalog_builder.index import (
    catalog_index,
    character_tables,
    filter_columns,
    key_index,
    record_texts,
    word_index,
)
from catalog_builder.index.characters import Characters
from catalog_builder.index.indexed_columns import IndexedColumns
from catalog_builder.index.word_index import Gathered, WordIndex
from export.common import container, files
from export.common.errors import InputError
from parity import goldens
from tests.test_catalog import changed, content, fractions, refused, written

FOLDER = Path(os.environ.get("GOLDENS", goldens.OUT)) / "words"
TOLD = json.loads((FOLDER / "expected.json").read_text(encoding="ascii"))
PRODUCTS, ASKED = 1_200, 1_000               # of a made-up shop; exact queries of it
FAULTS = 20_000                              # damaged catalogs, a quarter of them, in `make soak`
EDITS = 4_000                                # random shops, a twentieth of them, in `make soak`
LETTERS = ["a", "B", "\u00e9", "e\u0301", "\u00df", "\u0130", "9", "\uff11", "\u9774", "\u3044", "\uff79\uff9e",
           "\u1108\u1161\u11ab", "\ube68", "\u0e23", "\u0e49", " ", " ", "-", ".", "/", "\u00ad", "\U00020bb7",
           "\U0001f45e", "\u093c", "\u2167"]


@pytest.fixture(scope="module")
def opened():
    base = open_catalog(FOLDER / "base.catalog")
    return {"base": base, "next": open_catalog(FOLDER / "next.catalog"),
            "overlay": overlay.open_overlay(FOLDER / "overlay.catalog", base)}


@pytest.fixture(scope="module")
def tables():
    return Characters.of(character_tables.built())


def asked_filter(told: dict) -> Filter:
    return Filter(told.get("categories"), told.get("lowest"), told.get("highest"), told.get("columns", {}))


def group(made, text: str, where: Filter = ANY, most: int = words.MOST) -> list[NamedProduct]:
    return made.exact(text, where, most) if isinstance(made, overlay.OverlaidCatalog) else words.found(
        made, text, where, most)


# The golden answers

def test_the_goldens_can_be_made_anew(tmp_path):
    word_goldens.write(tmp_path / "words")
    committed = files.files_of(goldens.OUT / "words")
    assert committed
    for path in committed:
        assert (tmp_path / path.relative_to(goldens.OUT)).read_bytes() == path.read_bytes(), path


def test_a_golden_text_is_folded_by_the_catalogs_own_tables(opened):
    own = opened["base"].words.characters
    assert len(TOLD["folded"]) > 100
    for told in TOLD["folded"]:
        assert [dataclasses.asdict(run) for run in own.runs(told["text"])] == told["runs"], ascii(told["text"])
        assert own.key(told["text"]) == told["key"] and key_index.hash_of(told["key"]) == told["hash"]


def test_a_golden_column_has_its_texts():
    assert {len(told["texts"]) for told in TOLD["columns"]} >= {0, 1, 2}
    for told in TOLD["columns"]:
        assert record_texts.texts(record_texts.parsed(told["record"].encode()), told["column"]) == told["texts"]


def test_a_golden_text_names_its_products(opened):
    assert {one["by"] for told in TOLD["cases"] for one in told["found"]} == {"key", "words"}
    for told in TOLD["cases"]:
        made = opened[told["catalog"]]
        found = group(made, told["text"], asked_filter(told), told["most"])
        assert [{"place": one.product, "id": made.record(one.product)["id"], "by": one.by} for one in found
                ] == told["found"], (told["catalog"], ascii(told["text"]))


def test_a_golden_filter_leaves_its_products(opened):
    for told in TOLD["filters"]:
        hits = (opened[told["catalog"]].search(word_goldens.vector("x"), 99, asked_filter(told))
                if told["catalog"] == "overlay" else
                search.search(opened[told["catalog"]], word_goldens.vector("x"), 99, asked_filter(told)))
        assert sorted(hit.product for hit in hits) == told["places"]
    assert {name: one.names for name, one in opened["base"].filters.items()} == TOLD["names"]


def test_the_golden_delta_makes_the_words_of_the_next_catalog(opened, tmp_path):
    made = delta.apply(opened["base"], delta.open_delta(FOLDER / "next.delta"), tmp_path / "made.catalog")
    assert bytes(made.content) == (FOLDER / "next.catalog").read_bytes()


@pytest.mark.parametrize("told", TOLD["damaged"], ids=lambda told: told["name"])
def test_a_golden_fault_is_refused(told, tmp_path):
    whole, new = (FOLDER / "base.catalog").read_bytes(), bytes.fromhex(told["bytes"])
    path = tmp_path / "damaged.catalog"
    path.write_bytes(whole[:told["at"]] + new + whole[told["at"] + len(new):])
    refused(path, "damaged, or no catalog")


# Folding

def test_either_normal_form_and_case_of_every_character_is_folded_alike(tables):
    for code in itertools.chain.from_iterable(range(first, last + 1) for first, last in character_tables.FOLDED):
        one = chr(code)
        if unicodedata.category(one) in ("Cn", "Cs") or not tables.runs(one):
            continue
        for other in (unicodedata.normalize("NFC", one), unicodedata.normalize("NFD", one), one.upper(), one.lower()):
            assert tables.runs(one) == tables.runs(other), (hex(code), ascii(other))


def test_every_syllable_of_hangul_is_made_of_its_letters(tables):
    syllables = "".join(map(chr, range(0xAC00, 0xD7A4)))
    assert tables.runs(unicodedata.normalize("NFD", syllables)) == tables.runs(syllables)
    assert len(tables.runs(syllables)[0].text) == len(syllables)


def test_what_is_folded_once_stays(tables):
    for code in range(0x20000):
        for run in tables.runs("" if 0xD800 <= code < 0xE000 else chr(code)):
            assert tables.runs(run.text) == [run], hex(code)


def test_the_tables_are_small_and_those_of_the_goldens(opened):
    made = character_tables.built()
    assert sum(table.nbytes for table in made.values()) < 17_000
    assert all((made[name] == table).all() for name, table in opened["base"].words.characters.tensors().items())


@pytest.mark.parametrize(("text", "key"), [
    ("96385074", "00000096385074"), ("0 36000-29145.2", "00036000291452"), ("4006381333931", "04006381333931"),
    ("04006381333931", "04006381333931"), ("1234567", "1234567"), ("12345678901", "12345678901"),
    ("123456789012345", "123456789012345"), ("\uff19\uff16\u0663\u0668\u096b074", "00000096385074"),
    ("AB 12-3.x", "ab123x"), ("-. /", "")])
def test_a_barcode_is_a_key_of_14_digits(tables, text, key):
    assert tables.key(text) == key


# Words: against what is plain

def plain_terms(tables: Characters, texts: list[str]) -> set[str]:
    """The terms of texts, by another way."""
    made = set()
    for run in itertools.chain.from_iterable(map(tables.runs, texts)):
        pairs = {run.text[i:i + 2] for i in range(len(run.text))}       # the last of them is one character
        made |= pairs if run.by_pairs else {run.text}
    return made


def plain_group(tables: Characters, records: list[dict], columns: IndexedColumns, text: str) -> list[NamedProduct]:
    """The group of a text, by a look at every record."""
    def holding(begins: bool) -> list[int]:
        runs = tables.runs(text)
        def fits(terms: set[str]) -> bool:
            return all(
                any(one.startswith(run.text) for one in terms) if run.by_pairs and len(run.text) == 1
                else {run.text[i:i + 2] for i in range(len(run.text) - 1)} <= terms if run.by_pairs
                else any(one.startswith(run.text) for one in terms) if begins and place == len(runs) - 1
                else run.text in terms for place, run in enumerate(runs))
        every = [plain_terms(tables, record_texts.of_columns(record, columns.words)) for record in records]
        return [place for _, place in sorted((len(terms), place) for place, terms in enumerate(every)
                                             if runs and fits(terms))]

    key, last = tables.key(text), tables.runs(text)[-1:]
    by_key = [place for place, record in enumerate(records) if record["id"] == text.strip(" ")] + [
        place for place, record in enumerate(records)
        if key and key in map(tables.key, record_texts.of_columns(record, columns.keys))]
    by_words = holding(begins=False) or (
        holding(begins=True) if last and not last[0].by_pairs and len(last[0].text) > 1 else [])
    return [NamedProduct(place, KEY if place in by_key else "words")
            for place in dict.fromkeys([*by_key, *by_words])][:words.MOST]


@pytest.mark.slow
def test_the_group_of_any_text_is_that_of_a_look_at_every_record(tables, tmp_path, repetitions):
    columns = IndexedColumns(("id", "sku"), ("name", "tags"), ())
    for number in range(repetitions(EDITS) // 20):
        chance = random.Random(number)

        def text(most: int, chance: random.Random = chance) -> str:
            return "".join(chance.choices(LETTERS, k=chance.randint(0, most)))

        ids = list(dict.fromkeys(text(3) or "-" for _ in range(chance.randint(1, 25))))
        records = [{"id": one, "name": text(12), "sku": text(3), "tags": [text(4), text(4)]} for one in ids]
        path = tmp_path / "a.catalog"
        written(path, records=[json.dumps(one, ensure_ascii=bool(number % 2)).encode() for one in records], ids=ids,
                prices=np.zeros(len(ids)), categories=np.zeros(len(ids)), owners=np.arange(len(ids)), indexed=columns)
        made = open_catalog(path)
        for asked in [*(text(5) for _ in range(20)), *ids, *(one["name"] for one in records)]:
            assert words.found(made, asked) == plain_group(tables, records, columns, asked), (number, ascii(asked))


def test_postings_of_any_width_come_back():
    chance = random.Random(3)
    products = 2**31
    pairs = {f"t{term:03}": sorted(chance.sample(range(products), 40)) for term in range(50)} | {
        "first": [0], "last": [products - 1], "both": [0, 1, 127, 128, 129, 2**21 + 128, products - 1]}
    gathered = Gathered()
    for term, places in pairs.items():
        for place in chance.sample(places, len(places)):
            gathered.add(place, [term])
    made = gathered.tensors(np.empty(0, np.int64), np.empty(0, np.int64))
    index = WordIndex(*made.values(), counts=np.empty(0, "u1"))
    assert [index.term(at).decode() for at in range(index.terms)] == sorted(pairs)
    assert {term: index.products(index.range_of(term, False)).tolist() for term in pairs} == pairs
    begin = index.products(index.range_of("t0", True)).tolist()
    assert sorted(begin) == sorted(itertools.chain.from_iterable(places for term, places in pairs.items()
                                                                 if term.startswith("t0")))
    assert not index.range_of("zz", True) and not index.range_of("t", False)


def test_blocks_of_postings_are_read_as_a_whole_would_be(monkeypatch, opened):
    index, products = opened["base"].words.words, opened["base"].products
    whole = index.everything(products)
    monkeypatch.setattr(word_index, "BLOCK", 7)
    assert all((one == other).all() for one, other in zip(index.everything(products), whole, strict=True))


# What the issue asks

def made_up_shop(chance: random.Random) -> tuple[list[dict], IndexedColumns]:
    """Records with article numbers, barcodes and brands, all of them words of names somewhere, too."""
    brands = [start + end for start in ("Ac", "Zor", "Nor", "L'", "\u00c5", "\u7121")
              for end in ("me", "\u00f6n", "\u5370", "-X", "")]
    kinds = ("shoe", "bag", "\u9774", "red bag")
    numbers = chance.sample(range(10**11, 10**12), PRODUCTS)
    records = [{"id": f"{chance.choice('ABC')}-{place:05}.{chance.randint(0, 9)}",
                "name": f"{chance.choice(brands)} {chance.choice(kinds)} like "
                        f"{chance.choice(brands)} {chance.randint(0, 99)}",
                "brand": chance.choice(brands), "ean": str(number) + check_digit(str(number))}
               for place, number in enumerate(numbers)]
    return records, IndexedColumns(("id", "ean", "brand"), ("name", "brand"), ("brand",))


def check_digit(digits: str) -> str:
    total = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def test_exact_queries_find_their_product_first_and_leave_the_vector_results(tmp_path):
    chance = random.Random(19)
    records, columns = made_up_shop(chance)
    options = {"records": [json.dumps(one, ensure_ascii=False).encode() for one in records],
               "prices": np.zeros(PRODUCTS), "categories": np.zeros(PRODUCTS), "owners": np.arange(PRODUCTS),
               "ids": [one["id"] for one in records]}
    made = open_catalog(written(tmp_path / "words.catalog", indexed=columns, **options))
    without = open_catalog(written(tmp_path / "without.catalog", **options))
    right = 0
    for number in range(ASKED):
        record, column = chance.choice(records), ("id", "ean", "brand")[number % 3]
        asked = chance.choice([str.upper, str.lower, str])(record[column])
        first = words.found(made, asked)[0]
        right += first.by == KEY and made.record(first.product)[column] == record[column]
    assert right == ASKED
    for vector in fractions(50, made.dim) + np.float32(0.01):
        assert search.search(made, vector) == search.search(without, vector)


def test_a_product_of_the_group_stands_among_the_vector_results_too(opened):
    base = opened["base"]
    place = base.place("A-1")
    named = [one.product for one in words.found(base, "A-1")]
    hits = search.search(base, word_goldens.vector("A-1"), 3)
    assert place in named and hits[0].product == place


def test_an_overlay_gives_what_one_file_of_both_gives(opened, tmp_path):
    over = opened["overlay"]
    places = [place for place in range(over.products) if place >= len(over.gone) or not over.gone[place]]
    path = written(tmp_path / "both.catalog", records=[over.raw(place) for place in places],
                   ids=[over.record(place)["id"] for place in places], prices=np.zeros(len(places)),
                   categories=np.zeros(len(places)), owners=np.arange(len(places)), indexed=word_goldens.COLUMNS)
    one = open_catalog(path)
    for text in word_goldens.TEXTS:
        for where in (ANY, Filter(columns={"brand": ["Acme"]}), Filter(columns={"size": ["42", "43"]})):
            found = [(places[hit.product], hit.by) for hit in words.found(one, text, where)]
            assert [(hit.product, hit.by) for hit in over.exact(text, where)] == found, ascii(text)
    assert over.filter_names("size") == [*opened["base"].filters["size"].names, "43"]


# What is refused

def test_a_catalog_without_words_names_nothing_and_has_no_filter(tmp_path):
    made = open_catalog(written(tmp_path / "a.catalog"))
    assert made.words is None and made.filters == {} and words.found(made, "Red bag") == []
    assert not set(container.parsed(made.content)[1]) & {*reader.WORDS, *reader.FILTERS}
    with pytest.raises(InputError, match="no such filter.*built with --filter.*brand"):
        search.search(made, fractions(2, made.dim)[1], where=Filter(columns={"brand": ["Acme"]}))


def test_an_unknown_text_or_column_of_a_filter_is_refused(opened):
    for made in (opened["base"], opened["overlay"]):
        for columns, says in (({"brand": ["Acmee"]}, "no such.*Acme"), ({"colour": ["red"]},
                                                                              "no such filter.*brand, size.*colour")):
            with pytest.raises(InputError, match=says):
                group(made, "shoe", Filter(columns=columns))


def test_a_column_of_too_many_values_is_no_filter(tmp_path, monkeypatch):
    assert np.iinfo(filter_columns.TENSORS["filter_values"]).max + 1 == filter_columns.MOST_VALUES
    monkeypatch.setattr(filter_columns, "MOST_VALUES", 5)
    written(tmp_path / "a.catalog", indexed=IndexedColumns(filters=("id",)))
    monkeypatch.setattr(filter_columns, "MOST_VALUES", 4)
    with pytest.raises(CatalogError, match="cannot be a filter.*5 different values, more than 4.*--filter"):
        written(tmp_path / "b.catalog", indexed=IndexedColumns(filters=("id",)))
    assert not (tmp_path / "b.catalog").exists()


@pytest.mark.parametrize(("metadata", "says"), [
    ({"keys": "sku"}, "damaged"), ({"keys": "[7]"}, "keys is no list"), ({"words": None}, "no 'words'"),
    ({"words": '["name","name"]'}, "words is no list"), ({"words": '["price"]'}, "price"),
    ({"filters": '["brand"]'}, "one for each filter")])
def test_columns_that_are_none_are_refused(tmp_path, metadata, says):
    path = tmp_path / "a.catalog"
    path.write_bytes((FOLDER / "base.catalog").read_bytes())
    refused(changed(path, metadata), says)


@pytest.mark.parametrize("name", [*reader.WORDS, *reader.FILTERS])
def test_a_tensor_alone_or_missing_or_of_another_shape_is_refused(tmp_path, name):
    whole = (FOLDER / "base.catalog").read_bytes()
    tensor = container.parsed(memoryview(whole))[1][name]
    for number, fault in enumerate((None, tensor[:0].reshape(0, 1), tensor.astype("<f4"), tensor[1:])):
        path = tmp_path / f"{number}.catalog"
        path.write_bytes(whole)
        refused(changed(path, **{name: fault}), "damaged, or no catalog")


@pytest.mark.slow
def test_damaged_tensors_are_refused_or_lead_nowhere_else(tmp_path, repetitions):
    whole, path = (FOLDER / "base.catalog").read_bytes(), tmp_path / "damaged.catalog"
    header = json.loads(whole[8:8 + int.from_bytes(whole[:8], "little")])
    data = len(whole) - max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
    opens = 0
    for number in range(repetitions(FAULTS) // 4):
        chance = random.Random(number)
        name = chance.choice([*reader.WORDS, *reader.FILTERS])
        content = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            at = data + chance.randrange(*header[name]["data_offsets"])
            content[at] = chance.choice([0, 1, 127, 128, 255, content[at] ^ 1 << chance.randrange(8)])
        path.write_bytes(content)
        try:
            made = open_catalog(path)
        except CatalogError:
            continue
        opens += 1
        for text in chance.sample(word_goldens.TEXTS, 20):
            assert all(0 <= one.product < made.products for one in words.found(made, text))
        assert all(len(one.fitting({"Acme", "42"})) == made.products for one in made.filters.values())
    assert 0 < opens < repetitions(FAULTS) // 4


def test_a_wrong_hash_misses_a_product_but_gives_no_other(tmp_path):
    whole = (FOLDER / "base.catalog").read_bytes()
    path = tmp_path / "a.catalog"
    path.write_bytes(whole)
    made = open_catalog(changed(path, key_hashes=np.full(29, key_index.hash_of("acme"), "<u4"),
                                key_products=np.arange(29, dtype="<u4")))
    found = [one for one in words.found(made, "acme") if one.by == KEY]
    assert found and all("Acme" in str(made.record(one.product)["brand"]).title() for one in found)


def test_a_record_that_cannot_be_read_is_named(tmp_path):
    made = content(indexed=IndexedColumns(("id",), ("name",), ()))
    path = written(tmp_path / "a.catalog", indexed=made.indexed)
    damaged = path.read_bytes().replace(b'{"id": "p3"', b'["id": "p3"')
    path.write_bytes(damaged)
    with pytest.raises(CatalogError, match="damaged record.*product 3"):
        words.found(open_catalog(path), "P.3")


def test_an_index_is_the_same_however_it_came_about(opened):
    """Edited from nothing, from itself, and from another catalog."""
    for made in (opened["base"], opened["next"]):
        tensors = container.parsed(made.content)[1]
        names = [*reader.WORDS, *reader.FILTERS]
        raw = {place: made.raw(place) for place in range(made.products)}
        anew = catalog_index.built(raw.values(), made.products, word_goldens.COLUMNS)
        itself = catalog_index.followed(made.words, made.filters, np.arange(made.products), made.products, {})
        other = catalog_index.followed(opened["base"].words, opened["base"].filters,
                                       np.full(opened["base"].products, -1), made.products, raw)
        for found in (anew, itself, other):
            assert {name: (array.dtype, array.tolist()) for name, array in found.items()} == {
                name: (tensors[name].dtype, tensors[name].tolist()) for name in names}
