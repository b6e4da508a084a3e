"""The catalog file: what the writer makes, the reader gives back; what is anything else, it refuses in one line."""

import dataclasses
import hashlib
import json
import os
import random
import resource
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from catalog_builder.builder import quantize, writer
from catalog_builder.builder.writer import Content
from catalog_builder.catalog import reader, search
from catalog_builder.catalog.calibration import Calibration, Curve
from catalog_builder.catalog.reader import CatalogError, open_catalog
from catalog_builder.goldens import OlderCalibration
from export.common import container
from export.common.errors import InputError
from tests.damaged_catalogs import joined, mutated, padded

SPACE, OTHER = "ab" * 32, "cd" * 32
PINNED = "be81e3eafa79848472c93f6c4d8e55db3609dea33b8fc048562c445485963ae5"
OLDER = "a70f6aed05d337fb2b256b396c97ef1adca770b154ccc7553a5ace694e6450d9"        # before `measured` was written
NAMES = ["Bags", "Schuhe & Stiefel", "靴"]
CALIBRATION = Calibration(Curve(20.5, -5.25, 0.03125), Curve(10.0, -7.5, 0.125), "queries")
OWNERS = [0, 0, 1, 2, 2, 2, 3, 4]
RECORDS = [json.dumps({"id": f"p{i}", "name": name}, ensure_ascii=False).encode()
           for i, name in enumerate(("Red bag", "Grüner Stiefel", "靴 🥾", "", "q\"uo\\te"))]
PICTURES = [b"RIFF-1", b"", bytes(range(256)), b"x", b"\0\0"]
FAULTS = 100_000                             # damaged files, in `make soak`
LEAST_FAULTS = 10_000                        # fewer scatter too much for the shares that the test asks for
MEMORY = 100e6                               # bytes that reading one may take


def fractions(rows: int, dim: int) -> np.ndarray:
    """float32 [rows, dim] of whole sixteenths: every sum of them is exact, whatever the platform."""
    row, column = np.mgrid[:rows, :dim]
    return ((row * 7 + column * 11 + row * column) % 31 - 15).astype(np.float32) / 16


def content(**changes) -> Content:
    """Five products, eight rows, three categories."""
    known = Content(SPACE, "demo", "EUR", NAMES, CALIBRATION, RECORDS,
                    prices=np.array([199_900, -1, 0, 2**53 + 1, 50_000]), categories=np.array([0, 1, 2, 0, 1]),
                    owners=np.array(OWNERS))
    return dataclasses.replace(known, **changes)


def written(path: Path, dim: int = 12, **changes) -> Path:
    """A catalog of `content`, its vectors `fractions`."""
    made = content(**changes)
    writer.write(path, made, fractions(len(made.owners), dim))
    return path


@pytest.fixture
def good(tmp_path) -> Path:
    return written(tmp_path / "shop.catalog", thumbnails=PICTURES)


def changed(path: Path, metadata: dict | None = None, **tensors: np.ndarray | None) -> Path:
    """The same file with other metadata and tensors (None: without), laid out well, with a digest that is right."""
    texts, arrays = container.parsed(memoryview(path.read_bytes()))
    both = [{name: value for name, value in (old | new).items() if value is not None}
            for old, new in ((texts, metadata or {}), (arrays, tensors))]
    path.write_bytes(container.container_bytes(*both))
    if "sha256" not in (metadata or {}):
        writer.seal(path)
    return path


def parts(whole: bytes) -> tuple[bytes, bytes]:
    """A file's header, its padding with it, and its data."""
    length = int.from_bytes(whole[:8], "little")
    return whole[8:8 + length], whole[8 + length:]


def edited(path: Path, edit) -> Path:
    """The file with another header: `edit(header)` changes the parsed one, the data stays."""
    head, data = parts(path.read_bytes())
    header = json.loads(head)
    edit(header)
    path.write_bytes(joined(padded(header), data))
    return path


def refused(path: Path, says: str, **arguments) -> None:
    with pytest.raises(CatalogError, match=says) as caught:
        open_catalog(path, **arguments)
    message = str(caught.value)
    assert len(message.splitlines()) == 1 and str(path) in message and "remedy: " in message


# What the writer makes

def test_what_is_written_opens_verifies_and_gives_everything_back(good):
    found = open_catalog(good, SPACE)
    found.verify()
    assert (found.products, found.rows, found.dim) == (5, 8, 12)
    assert (found.space, found.model, found.currency, found.category_names) == (SPACE, "demo", "EUR", NAMES)
    assert found.calibration == CALIBRATION
    assert [found.record(i) for i in range(5)] == [json.loads(record) for record in RECORDS]
    assert found.prices.tolist() == [199_900, -1, 0, 2**53 + 1, 50_000]
    assert found.categories.tolist() == [0, 1, 2, 0, 1]
    assert found.owners.tolist() == OWNERS and found.firsts.tolist() == [0, 2, 3, 6, 7]
    assert [found.thumbnail(i) for i in range(5)] == [b"RIFF-1", None, bytes(range(256)), b"x", b"\0\0"]
    assert np.abs(found.vectors(slice(None)) - fractions(8, 12)).max() < 0.01
    assert np.array_equal(found.vectors(np.array([5, 1])), found.vectors(slice(None))[[5, 1]])


def test_a_catalog_without_thumbnails_has_none(tmp_path):
    found = open_catalog(written(tmp_path / "a.catalog"))
    assert found.thumbnails is None and found.thumbnail(0) is None and "thumbnails" not in load_file(found.path)


def test_the_arrays_cannot_be_written_to(good):
    found = open_catalog(good)
    with pytest.raises(ValueError, match="read-only"):
        found.codes[0, 0] = 1


def test_the_safetensors_package_gives_the_same_arrays(good):
    found, arrays = open_catalog(good), load_file(good)
    assert set(arrays) == set(reader.TENSORS | reader.THUMBNAILS)
    small = {"thumbnail_offsets": found.thumbnails.offsets, "thumbnails": found.thumbnails.content}
    for name, own in (small | {name: getattr(found, name) for name in reader.TENSORS}).items():
        array = arrays[name]
        assert own.dtype == array.dtype and np.array_equal(own, array), name


def test_the_header_is_padded_and_the_tensors_fall_in_size(good):
    head, _ = parts(good.read_bytes())
    assert len(head) % 8 == 0 and all(isinstance(value, str) for value in json.loads(head)["__metadata__"].values())
    places = {name: entry["data_offsets"][0] for name, entry in json.loads(head).items() if name != "__metadata__"}
    assert list(places) == ["prices", "record_offsets", "thumbnail_offsets", "categories", "offset", "owners", "scales",
                            "codes", "records", "thumbnails"]
    assert list(places.values()) == sorted(places.values())


def test_two_writes_give_the_same_bytes(tmp_path):
    first, second = (written(tmp_path / name, thumbnails=PICTURES) for name in ("a.catalog", "b.catalog"))
    assert first.read_bytes() == second.read_bytes()


def test_the_bytes_of_a_small_catalog_are_pinned(good):
    """Another digest means another format: raise its version, or undo what changed the bytes."""
    assert hashlib.sha256(good.read_bytes()).hexdigest() == PINNED


def test_the_bytes_differ_from_an_older_builders_by_the_key_measured_alone(tmp_path):
    older = OlderCalibration(CALIBRATION.text, CALIBRATION.image, CALIBRATION.source)
    made = written(tmp_path / "older.catalog", thumbnails=PICTURES, calibration=older)
    assert hashlib.sha256(made.read_bytes()).hexdigest() == OLDER
    assert open_catalog(made).calibration == CALIBRATION


def test_the_time_of_making_stands_in_the_file_only_when_given(tmp_path):
    assert "created" not in open_catalog(written(tmp_path / "a.catalog")).metadata
    dated = written(tmp_path / "b.catalog", created="2026-11-20T00:00:00Z")
    assert open_catalog(dated).metadata["created"] == "2026-11-20T00:00:00Z"


def test_the_digest_is_of_the_whole_file_with_its_digits_as_zeros(good):
    whole, digits = good.read_bytes(), open_catalog(good).metadata["sha256"].encode()
    assert whole.count(digits) == 1
    assert hashlib.sha256(whole.replace(digits, b"0" * 64)).hexdigest().encode() == digits


# Quantisation

def test_codes_offset_and_error_keep_to_the_format(tmp_path, monkeypatch):
    monkeypatch.setattr(quantize, "BLOCK", 64)               # several blocks, the last one short
    vectors = np.random.default_rng(1).normal(size=(300, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = content(records=[b"{}"] * 300, prices=np.zeros(300), categories=np.zeros(300), owners=np.arange(300))
    writer.write(tmp_path / "a.catalog", made, vectors)
    found = open_catalog(tmp_path / "a.catalog")
    assert np.abs(found.codes.astype(int)).max(axis=1).tolist() == [127] * 300
    assert np.array_equal(found.offset, vectors.astype(np.float64).mean(axis=0).astype(np.float32))
    error = np.abs(found.vectors(slice(None)).astype(np.float64) - vectors)
    assert (error <= found.scales[:, None] * 0.5 + np.spacing(np.abs(vectors).max())).all()
    assert error.max() > found.scales.max() * 0.45           # the bound is near: it would see twice the error


def test_a_row_equal_to_the_offset_has_no_scale_and_comes_back_exactly(tmp_path):
    vectors = np.array([[0.25, -0.5], [0.5, -1], [0, 0]], np.float32)
    made = content(records=[b"{}"] * 3, prices=np.zeros(3), categories=np.zeros(3), owners=np.arange(3))
    writer.write(tmp_path / "a.catalog", made, vectors)
    found = open_catalog(tmp_path / "a.catalog")
    assert found.offset.tolist() == [0.25, -0.5] and found.scales[0] == 0 and not found.codes[0].any()
    assert np.array_equal(found.vectors(slice(0, 1)), vectors[:1])


def test_a_catalog_of_one_picture_is_all_offset(tmp_path):
    made = content(records=[b"{}"], prices=np.zeros(1), categories=np.zeros(1), owners=np.zeros(1))
    writer.write(tmp_path / "a.catalog", made, fractions(1, 12))
    found = open_catalog(tmp_path / "a.catalog")
    assert found.scales.tolist() == [0] and np.array_equal(found.vectors(slice(None)), fractions(1, 12))


# What the writer refuses

@pytest.mark.parametrize("thumbnails", [None, PICTURES])
def test_a_tensor_beyond_the_limit_is_refused_by_name(tmp_path, monkeypatch, thumbnails):
    largest = "thumbnails" if thumbnails else "records"
    size = sum(map(len, thumbnails or RECORDS))
    monkeypatch.setattr(reader, "MOST_BYTES", size)
    written(tmp_path / "a.catalog", thumbnails=thumbnails)
    monkeypatch.setattr(reader, "MOST_BYTES", size - 1)
    with pytest.raises(CatalogError, match=f"^{largest} would be too large.*found {size} bytes"):
        written(tmp_path / "b.catalog", thumbnails=thumbnails)
    assert [path.name for path in tmp_path.iterdir()] == ["a.catalog"]


def test_the_limit_of_a_tensor_is_a_buffer_of_the_jvm():
    assert reader.MOST_BYTES == 2**31 - 1 and reader.size_of((2**21, 1024), "i1") > reader.MOST_BYTES


def test_1024_dimensions_are_written_and_1025_refused(tmp_path):
    assert open_catalog(written(tmp_path / "a.catalog", dim=1024)).dim == 1024
    with pytest.raises(CatalogError, match="expected at most 1024; found 1025"):
        written(tmp_path / "b.catalog", dim=1025)


def test_categories_that_overfill_the_header_are_refused(tmp_path):
    with pytest.raises(CatalogError, match="too many categories.*expected at most 1,048,576; found a header of 1,08"):
        written(tmp_path / "a.catalog", category_names=[f"{i:080}" for i in range(12_700)])


@pytest.mark.parametrize("changes", [
    {"owners": np.array([0, 0, 1, 2, 2, 2, 3, 3])}, {"categories": np.array([0, 1, 2, 0, 3])}, {"space": "short"},
    {"prices": np.array([0, 0, 0, 0, -2])}, {"thumbnails": PICTURES[1:]}, {"records": []},
])
def test_what_the_reader_would_refuse_is_never_written(tmp_path, changes):
    target = tmp_path / "a.catalog"
    target.write_bytes(b"old")
    with pytest.raises(CatalogError), np.errstate(all="ignore"):
        written(target, **changes)
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_vectors_that_are_no_numbers_are_never_written(tmp_path):
    vectors = fractions(8, 12)
    vectors[3, 3] = np.nan
    with pytest.raises(CatalogError, match="no finite number"), np.errstate(all="ignore"):
        writer.write(tmp_path / "a.catalog", content(), vectors)
    assert list(tmp_path.iterdir()) == []


def test_a_red_check_leaves_the_old_catalog_and_no_partial_file(good):
    before, seen = good.read_bytes(), []
    with pytest.raises(KeyError, match="red"), writer.unnamed(good, content(), fractions(8, 12)) as found:
        found.verify()                       # the check sees the finished file
        seen.append(found.rows)
        raise KeyError("red")
    assert seen == [8] and good.read_bytes() == before and list(good.parent.iterdir()) == [good]
    writer.write(good, content(), fractions(8, 12))
    assert good.read_bytes() != before


# What the reader passes over

def test_unknown_tensors_and_keys_are_passed_over(good):
    changed(good, {"zz_new": "1", "a_new": "{}"}, zz_new=np.zeros((2, 3), np.float64), a_new=np.zeros(0, np.uint16))
    found = open_catalog(good)
    found.verify()
    assert found.record(1)["name"] == "Grüner Stiefel" and found.metadata["zz_new"] == "1"


@pytest.mark.parametrize("kind", ["F16", "BF16", "F8_E4M3", "BOOL", "F4", "a type of 2031", ""])
def test_unknown_tensors_of_unknown_types_are_passed_over(good, kind):
    head, data = parts(good.read_bytes())
    header = json.loads(head)
    header["new"] = {"dtype": kind, "shape": [3, 2], "data_offsets": [len(data), len(data) + 12]}
    good.write_bytes(joined(padded(header), data + bytes(12)))
    writer.seal(good)
    found = open_catalog(good)
    found.verify()
    assert [found.thumbnail(i) for i in range(5)] == [picture or None for picture in PICTURES]


@pytest.mark.parametrize(("name", "kind"), [("codes", "BF16"), ("scales", "I32"), ("owners", "F32"), ("records", "I8"),
                                            ("prices", "U64"), ("record_offsets", "I64"), ("thumbnails", "BOOL")])
def test_known_tensors_of_another_type_are_refused_by_name(good, name, kind):
    refused(edited(good, lambda header: header[name].update(dtype=kind)), name)


# What the reader refuses

@pytest.mark.parametrize(("key", "known"), [("format", "mobileclip-catalog"), ("version", "1"), ("metric", "cosine"),
                                            ("quantization", "int8-row-offset")])
@pytest.mark.parametrize("value", ["2", "", "mobileclip-tokenizer", "a\nb\x1b", "x" * 100_000, None])
def test_another_kind_of_file_is_refused_naming_both(good, key, known, value):
    shown = "None" if value is None else " ".join(value[:80].split())
    refused(changed(good, {key: value}), f"unknown {key} in .*; expected {known}; found {shown}; remedy: use the rel")


def test_another_space_is_refused_naming_both(good):
    assert open_catalog(good, SPACE).space == SPACE
    refused(good, rf"another embedding space in .*expected {OTHER}; found {SPACE} \(demo\)", space=OTHER)


@pytest.mark.parametrize(("key", "value", "says"), [
    *[(key, value, key) for key in ("products", "rows", "dim")
      for value in ("0", "-5", "05", "5.0", "5e0", " 5", "٥", "", "99999999999", "9" * 5000, None)],
    ("products", "6", "record_offsets is uint64"), ("products", "4", "record_offsets is uint64"),
    ("rows", "7", "scales is float32"), ("rows", "4294967303", "scales is float32"),
    ("dim", "11", "offset is float32"), ("dim", "1025", "1025 dimensions, more than 1024"),
    *[(key, value, "hex digits") for key in ("space", "sha256") for value in ("", "ab" * 31, "AB" * 32, "gh" * 32)],
    ("space", None, "space"), ("model", None, "model"), ("currency", None, "currency"), ("sha256", None, "sha256"),
    ("categories", None, "categories"), ("calibration", None, "calibration"),
    ("categories", "{}", "categories is no list"), ("categories", '["a",1,"c"]', "categories is no list"),
    ("categories", '["a","b"]', "a category beyond"), ("categories", "[]", "a category beyond"),
    ("categories", "[", "Expecting"), ("categories", "[" * 100_000, "recursion"),
    ("calibration", "null", "damaged"), ("calibration", "[]", "damaged"), ("calibration", "{}", "no 'text'"),
    ("calibration", "", "Expecting"),
    *[("calibration", json.dumps(CALIBRATION.json()).replace("0.03125", value), says) for value, says in
      (("NaN", "no finite number"), ("-Infinity", "no finite number"), ("1e999", "no finite number"),
       ("1" + "0" * 400, "no finite number"), ("null", "no finite number"), ("0", "a spread of 0"))],
    ("calibration", "[" * 100_000, "recursion"), ("calibration", '{"text":{"a":' + "9" * 5000 + "}}", "digits"),
])
def test_metadata_that_is_not_right_is_refused(good, key, value, says):
    refused(changed(good, {key: value}), says)


def test_metadata_that_is_not_text_is_refused(good):
    for value in (1, None, [], {}, 1.5, True):
        refused(edited(good, lambda header, value=value: header["__metadata__"].update(new=value)), "not text")


@pytest.mark.parametrize(("tensors", "says"), [
    *[({name: None}, name) for name in reader.TENSORS | reader.THUMBNAILS],
    ({"owners": [0, 0, 1, 2, 1, 2, 3, 4]}, "owners that do not rise"),
    ({"owners": [0, 0, 1, 3, 3, 3, 4, 4]}, "owners that do not rise"),
    ({"owners": [1, 1, 1, 2, 2, 2, 3, 4]}, "owners that do not rise"),
    ({"owners": [0, 0, 1, 2, 2, 2, 3, 3]}, "owners that do not rise"),
    ({"owners": [0, 1, 2, 3, 4, 5, 6, 7]}, "owners that do not rise"),
    ({"owners": [0, 0, 1, 2, 2, 2, 3, 2**32 - 1]}, "owners that do not rise"),
    ({"owners": [2**32 - 1, 0, 1, 2, 2, 2, 3, 4]}, "owners that do not rise"),
    ({"owners": [0, 0, 1, 2, 2, 3, 4]}, "owners is uint32 .7."),
    ({"categories": [0, 1, 2, 0, 3]}, "a category beyond"), ({"categories": [0, 1, 2, 0, 2**32 - 1]}, "a category bey"),
    ({"categories": [0, 1, 2, 0]}, "categories is uint32 .4."),
    *[({"scales": [0.1] * 7 + [value]}, "a scale that is no finite number")
      for value in (np.nan, np.inf, -np.inf, -1e-30)],
    ({"scales": [[0.1]] * 8}, "scales is float32 .8, 1."),
    *[({"offset": [0.1] * 11 + [value]}, "an offset that is no finite number") for value in (np.nan, np.inf, -np.inf)],
    ({"prices": [0, 0, 0, 0, -2]}, "a price below 0"), ({"prices": [-2**63, 0, 0, 0, 0]}, "a price below 0"),
    ({"codes": np.zeros((8, 11))}, "codes is int8 .8, 11."), ({"codes": np.zeros((12, 8))}, "codes is int8 .12, 8."),
    ({"codes": np.zeros(96)}, "codes is int8 .96."),
    *[({name: offsets}, f"{name} that do not rise from 0 to the size") for name, end in
      (("record_offsets", sum(map(len, RECORDS))), ("thumbnail_offsets", sum(map(len, PICTURES)))) for offsets in
      ([0, 9, 5, 30, 40, end], [0, 9, 15, 30, 40, end + 1], [0, 9, 15, 30, 40, end - 1], [1, 9, 15, 30, 40, end],
       [0, 9, 15, 30, end + 1, end], [0, 9, 2**63, 30, 40, end], [0, 9, 15, 30, 2**64 - 1, end],
       [2**63, 2**63, 2**63, 2**63, 2**63, 2**63 + end], [2**64 - 1, 9, 15, 30, 40, end], [0] * 6)],
    ({"record_offsets": [0, 9, 15]}, "record_offsets is uint64 .3."), ({"records": [[1], [2]]}, "records is uint8"),
    ({"records": np.zeros(0)}, "record_offsets that do not rise"),
])
def test_tensors_that_do_not_agree_are_refused(good, tensors, says):
    kinds = {name: kind for name, (kind, _) in (reader.TENSORS | reader.THUMBNAILS).items()}
    refused(changed(good, **{name: None if values is None else np.array(values, kinds[name])
                             for name, values in tensors.items()}), says)


def test_records_of_no_dimension_are_refused(tmp_path):
    """One byte of shape []: it has a size, and no part of it can be cut out."""
    path = written(tmp_path / "a.catalog", records=[b"7"], prices=np.zeros(1), categories=np.zeros(1),
                   owners=np.zeros(1))
    assert open_catalog(path).records.shape == (1,)
    refused(edited(path, lambda header: header["records"].update(shape=[])), r"records is uint8 \[\]")


def first_tensor(header: dict) -> dict:
    return min((entry for name, entry in header.items() if name != "__metadata__"),
               key=lambda entry: entry["data_offsets"])


@pytest.mark.parametrize("edit", [
    lambda h: h["codes"].update(shape=[8, 13]), lambda h: h["codes"].update(shape=[8]),
    lambda h: h["codes"].update(shape=[8, 12, 1]), lambda h: h["codes"].update(shape=[-8, -12]),
    lambda h: h["codes"].update(shape=[8.0, 12]), lambda h: h["codes"].update(shape=[True, 96]),
    lambda h: h["codes"].update(shape=None), lambda h: h["codes"].update(shape="812"),
    lambda h: h["codes"].update(shape={}), lambda h: h["codes"].update(shape=[10**30, 10**30]),
    lambda h: h["codes"].update(shape=[0, 10**30]), lambda h: h["codes"].update(shape=[2**32, 2**32]),
    lambda h: h["codes"].update(shape=[1] * 100), lambda h: h["codes"].update(shape=[10**4000]),
    lambda h: h["codes"].pop("shape"), lambda h: h["codes"].pop("dtype"), lambda h: h["codes"].pop("data_offsets"),
    lambda h: h["codes"].update(dtype=["I8"]), lambda h: h["codes"].update(dtype=None),
    lambda h: h["codes"].update(dtype={"I8": 1}), lambda h: h["codes"].update(data_offsets=[0, 10**4000]),
    lambda h: h["codes"].update(data_offsets=[-96, 0]), lambda h: h["codes"].update(data_offsets=[0.5, 96.5]),
    lambda h: h["codes"].update(data_offsets="09"), lambda h: h["codes"].update(data_offsets=[1]),
    lambda h: h["codes"].update(data_offsets=[1, 2, 3]), lambda h: h["codes"].update(data_offsets=[None, None]),
    lambda h: h["codes"].update(data_offsets={"0": 1, "1": 2}), lambda h: h["codes"].update(data_offsets=[2**63] * 2),
    lambda h: h["codes"].update(data_offsets=list(reversed(h["codes"]["data_offsets"]))),
    lambda h: h["codes"].update(data_offsets=h["records"]["data_offsets"]),            # an overlap
    lambda h: h.update(codes=[]), lambda h: h.update(codes=None), lambda h: h.update(codes="I8"),
    lambda h: h.update(again=dict(h["codes"])),
    lambda h: h.update(new={"dtype": "BF16", "shape": [2], "data_offsets": [0, 2**40]}),
    lambda h: h.update(new={"dtype": "BF16", "shape": [-2], "data_offsets": [0, 0]}),
    lambda h: first_tensor(h).update(data_offsets=[8, first_tensor(h)["data_offsets"][1]]),
    lambda h: h.update(__metadata__=[]), lambda h: h.update(__metadata__=None),
    lambda h: h.update(__metadata__="format"),
])
def test_a_header_that_does_not_fit_the_data_is_refused(good, edit):
    refused(edited(good, edit), "damaged, or no catalog")


def test_bytes_between_or_behind_the_tensors_are_refused(good):
    whole = good.read_bytes()
    good.write_bytes(whole + b"\0")
    refused(good, "1 bytes that belong to no tensor")
    head, data = parts(whole)
    header = json.loads(head)
    for name, entry in header.items():       # eight bytes between the tensors of four bytes and those of one
        if name in ("codes", "records", "thumbnails"):
            entry["data_offsets"] = [place + 8 for place in entry["data_offsets"]]
    cut = json.loads(head)["codes"]["data_offsets"][0]
    good.write_bytes(joined(padded(header), data[:cut] + bytes(8) + data[cut:]))
    refused(good, "codes does not fit")


def test_misaligned_tensors_are_refused(good):
    """One byte before all of them; then a header that is not padded to eight bytes."""
    whole = good.read_bytes()
    head, data = parts(whole)
    header = json.loads(head)
    for name, entry in header.items():
        if name != "__metadata__":
            entry["data_offsets"] = [place + 1 for place in entry["data_offsets"]]
    header["a"] = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
    good.write_bytes(joined(padded(header), b"\0" + data))
    refused(good, "does not fit: bytes 1 to")
    good.write_bytes(joined(head + b" ", data))
    refused(good, "no multiple of 8")


@pytest.mark.parametrize("length", [0, 1, 2, 2**20 + 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1])
def test_a_hostile_header_length_is_refused(good, length):
    good.write_bytes(length.to_bytes(8, "little") + good.read_bytes()[8:])
    refused(good, "a header of .* bytes")


def test_a_header_longer_than_the_file_is_refused_with_both_lengths(good):
    head, data = parts(good.read_bytes())
    good.write_bytes((len(head) + len(data) + 1).to_bytes(8, "little") + head + data)
    refused(good, f"a header of {len(head) + len(data) + 1:,} bytes in a file of {8 + len(head) + len(data):,}")


def test_a_header_over_a_mebibyte_is_refused_before_it_is_parsed(good):
    head, data = parts(good.read_bytes())
    good.write_bytes(joined(head.ljust(2**20), data))
    assert open_catalog(good).rows == 8
    good.write_bytes(joined(head.ljust(2**20 + 8), data))
    refused(good, "a header of 1,048,584 bytes, more than 1,048,576")
    good.write_bytes(joined(b"{" * (2**20 + 8), data))
    refused(good, "more than 1,048,576")


@pytest.mark.parametrize("header", [
    b"{", b"}", b"[]", b"null", b"1", b'"text"', b"true", b"NaN", b"{}{}", b"\xff" * 8, b"\0" * 8, b" " * 16, b"{]",
    b'{"a":1}', b'{"a":{}}', b'{"__metadata__":{"format":1}}', "{\"a\":1}".encode("utf-16"), b'\xef\xbb\xbf{}',
    b"[" * 100_000, b'{"a":' * 100_000, b'{"__metadata__":{"a":"' + b"\\ud800" * 100 + b'"}}',
    b'{"a":' + b"9" * 100_000 + b"}", b'{"a":1e999}', b'{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,' +
    b"9" * 4000 + b"]}}",
])
def test_a_header_that_is_no_catalogs_is_refused(tmp_path, header):
    path = tmp_path / "hostile.catalog"
    path.write_bytes(joined(padded(header), bytes(64)))
    refused(path, "damaged, or no catalog")


@pytest.mark.parametrize("entry", [b'"dim":"12"', b'"shape":[8,12]', b'"offset":{"dtype":"F32"'])
def test_a_name_twice_in_the_header_is_refused(good, entry):
    head, data = parts(good.read_bytes())
    assert head.count(entry) == 1
    again = entry + (b"}," if b"{" in entry else b",") + entry
    good.write_bytes(joined(padded(head.rstrip().replace(entry, again)), data))
    refused(good, "a name twice in the header")


def test_the_header_has_one_digest_as_the_writer_spells_it(good):
    """A reader finds its place without a parser: another digest, or the same one spelt otherwise, is refused."""
    head, data = parts(good.read_bytes())
    digits = json.loads(head)["__metadata__"]["sha256"].encode()
    entry = b'{"sha256":"' + digits + b'","dtype":"U8"'
    good.write_bytes(joined(padded(head.rstrip().replace(b'{"dtype":"U8"', entry, 1)), data))
    refused(good, "2 digests in the header")
    for spelt in (b'"sha256": "' + digits, b'"\\u0073ha256":"' + digits,
                  b'"sha256":"\\u%04x' % digits[0] + digits[1:]):
        good.write_bytes(joined(padded(head.rstrip().replace(b'"sha256":"' + digits, spelt)), data))
        refused(good, "0 digests in the header")


@pytest.mark.parametrize("size", range(17))
def test_files_of_a_few_bytes_are_refused(good, size):
    for few in (good.read_bytes()[:size], bytes(size), b"\xff" * size):
        good.write_bytes(few)
        refused(good, "the catalog is empty" if size == 0 else "a header of")


def test_every_shorter_file_is_refused(good):
    whole = good.read_bytes()
    for size in range(17, len(whole), 13):
        good.write_bytes(whole[:size])
        refused(good, "damaged, or no catalog")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    refused(tmp_path / "none.catalog", "cannot open the catalog in .*found No such file")
    refused(tmp_path, "cannot open the catalog in .*found Is a directory")


def test_records_that_are_no_objects_in_utf_8_are_refused_with_their_place(tmp_path):
    damaged = [b"", b"[]", b"null", b"{", b"{}{}", b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}',
               '{"a":1}'.encode("utf-16-le"), b"\xef\xbb\xbf{}", b'{"a":' * 50_000, b'{"a":' + b"9" * 5000 + b"}"]
    many = len(damaged)
    found = open_catalog(written(tmp_path / "a.catalog", records=[*damaged, b"{}"], prices=np.zeros(many + 1),
                                 categories=np.zeros(many + 1), owners=np.arange(many + 1)))
    for product in range(many):
        with pytest.raises(CatalogError, match=f"damaged record in .*a.catalog, product {product}; found .") as caught:
            found.record(product)
        assert len(str(caught.value).splitlines()) == 1
    assert found.record(many) == {}


# The digest

def verifies(found: reader.Catalog) -> bool:
    """Whether the digest is right."""
    try:
        found.verify()
    except CatalogError:
        return False
    return True


def caught(path: Path) -> bool:
    """Whether opening or the digest refuses the file."""
    try:
        return not verifies(open_catalog(path))
    except CatalogError:
        return True


@pytest.fixture
def quick():
    """A folder in memory, where the system has one."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as folder:
        yield Path(folder)


def test_one_flipped_bit_in_any_byte_is_caught(quick):
    path = written(quick / "a.catalog", thumbnails=PICTURES)
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert caught(path), place
    path.write_bytes(whole)
    assert not caught(path)


@pytest.mark.parametrize("part", ["codes", "records", "thumbnails", "scales", "offset", "prices"])
def test_damage_that_the_structure_bears_is_caught_by_the_digest(good, part):
    whole = bytearray(good.read_bytes())
    head, data = parts(bytes(whole))
    start, end = json.loads(head)[part]["data_offsets"]
    whole[len(whole) - len(data) + (start + end) // 2 // 8 * 8] ^= 1
    good.write_bytes(whole)
    found = open_catalog(good)
    with pytest.raises(CatalogError, match="the file is damaged: its digest is not the one that stands in it"):
        found.verify()


def test_another_padding_is_caught(tmp_path):
    for model in ("demo", "demo1", "demo22", "demo333"):     # one of them at least needs padding
        path = written(tmp_path / f"{model}.catalog", model=model)
        head, data = parts(path.read_bytes())
        path.write_bytes(joined(head[:len(head.rstrip())].ljust(len(head), b"\n"), data))
        assert open_catalog(path).rows == 8 and caught(path) == head.endswith(b" ")
    path.write_bytes(joined(head + b" " * 8, data))
    assert open_catalog(path).rows == 8 and caught(path)


def test_changed_digits_are_caught(good):
    whole = good.read_bytes()
    place = reader.digest_place(memoryview(whole))
    for i in range(64):
        for digit in b"0f" if whole[place + i] not in b"0f" else b"73":
            good.write_bytes(whole[:place + i] + bytes([digit]) + whole[place + i + 1:])
            with pytest.raises(CatalogError, match="its digest is not the one"):
                open_catalog(good).verify()
    good.write_bytes(whole[:place] + whole[place:place + 64].upper() + whole[place + 64:])
    refused(good, "damaged, or no catalog")


def test_a_damage_sealed_anew_passes_since_the_digest_is_no_signature(good):
    whole = bytearray(good.read_bytes())
    whole[-1] ^= 1
    good.write_bytes(whole)
    writer.seal(good)
    assert not caught(good)


# Damaged files by the thousand

def everything(found: reader.Catalog) -> list:
    """All that a reader can be asked for: records, pictures, vectors, searches. Its refusals are answers, too."""
    query = np.linspace(-1, 1, found.dim + 1, dtype=np.float32)[1:]
    asked = [lambda: [found.thumbnail(product) for product in range(found.products)],
             lambda: found.vectors(slice(None)).tobytes(), lambda: search.search(found, query, 3),
             lambda: search.search(found, query, 3, search.Filter(found.category_names[:1], 0, 10**6)),
             lambda: search.like(found, found.products - 1),
             *[lambda product=product: found.record(product) for product in range(found.products)]]
    said = []
    with np.errstate(over="ignore"):         # a damaged scale or offset may be as large as float32 holds
        for ask in asked:
            try:
                said.append(ask())
            except InputError as error:
                said.append(str(error))
                assert len(said[-1].splitlines()) == 1
    return said


def memory_peak() -> int:
    """Bytes, of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.slow
def test_damaged_files_are_refused_or_read_and_never_pass_as_whole(quick, repetitions):
    """Opened, and then used whether or not the digest is right; the memory of every tenth is traced."""
    plain = content(category_names=["a", "b"], categories=np.array([0, 1, 1, 0, 1]))
    writer.write(quick / "plain.catalog", plain, fractions(8, 12))
    written(quick / "pictures.catalog", dim=20, thumbnails=PICTURES)
    expected = {path.read_bytes(): everything(open_catalog(path)) for path in sorted(quick.iterdir())}
    wholes, path, source, before = list(expected), quick / "damaged.catalog", random.Random(20261121), memory_peak()
    opened, unharmed, faults = 0, 0, max(repetitions(FAULTS), LEAST_FAULTS)
    for i in range(faults):
        damaged = mutated(source, wholes[i % 2], wholes[1 - i % 2])
        path.write_bytes(damaged)
        if i % 10 == 0:
            tracemalloc.start()
        try:
            found = open_catalog(path)
        except CatalogError as error:
            assert len(str(error).splitlines()) == 1
        else:
            said, passes = everything(found), verifies(found)
            assert passes == (damaged in expected)
            assert not passes or said == expected[damaged]
            opened, unharmed = opened + 1, unharmed + passes
        if i % 10 == 0:
            assert tracemalloc.get_traced_memory()[1] < MEMORY
            tracemalloc.stop()
    assert memory_peak() - before < MEMORY
    assert 0.2 < opened / faults < 0.6 and 0 < unharmed / faults < 0.05      # damage of every depth was tried
