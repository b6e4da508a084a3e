"""An update's statement: what its text may hold, whose signature counts, and the golden cases that every port reads."""

import base64
import json
import os
import random
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from catalog_builder.updates import p256, statement
from catalog_builder.updates.statement import (
    PublishedBundle,
    PublishedCatalog,
    PublishedDelta,
    PublishedFile,
    Statement,
    StatementError,
)
from parity import goldens

FOLDER = Path(os.environ.get("GOLDENS", goldens.OUT)) / "updates"
ANSWERS = json.loads((FOLDER / "answers.json").read_text(encoding="ascii"))
KEYS = (FOLDER / "key.txt").read_text(encoding="ascii").split()
TUESDAY = (FOLDER / "statements" / "tuesday.update").read_bytes()
FLIPS = 400                                  # damaged statements, in `make soak`


def made(**changes) -> Statement:
    """A statement with everything in it."""
    file = {"path": "a/b.catalog", "sha256": "1" * 64, "bytes": 7}
    return replace(Statement("shop", 1, "5" * 64, PublishedCatalog(**file, digest="2" * 64),
                             (PublishedDelta(**file, base="3" * 64),), bundle("a/c/d", "a/e"), "2026-11-26"), **changes)


def bundle(*paths: str, manifest: str = "a/manifest.json") -> PublishedBundle:
    """A bundle with these files."""
    return PublishedBundle(manifest, "1" * 64, 7, tuple(PublishedFile(path, "1" * 64, 7) for path in paths))


def test_a_statement_reads_as_it_was_written():
    for told in (made(), made(deltas=()), made(manifest=None, not_after=None), made(number=2**53 - 1),
                 made(manifest=bundle()), made(manifest=bundle("b", "c/d", manifest="m"))):
        assert statement.parsed(statement.text(told)) == told


def test_all_that_a_statement_names_is_among_its_files():
    assert [file.path for file in made().files] == ["a/b.catalog", "a/b.catalog", "a/manifest.json", "a/c/d", "a/e"]
    assert [file.path for file in made(manifest=None).files] == ["a/b.catalog"] * 2


def test_a_bundles_files_have_paths_within_its_folder():
    told, top = bundle("a/c/d", "a/e"), bundle("b", "c/d", manifest="m")
    assert [told.inside(file) for file in told.files] == ["c/d", "e"]
    assert [top.inside(file) for file in top.files] == ["b", "c/d"]


@pytest.mark.parametrize(("paths", "problem"), [
    (["b"], "outside"), (["a"], "outside"), (["ab/c"], "outside"), (["a/b", "a/b"], "twice"),
    (["a/manifest.json"], "twice"), (["a/../a/b"], "path"), ([f"a/{number}" for number in range(101)], "1 to 100")])
def test_a_bundles_files_lie_in_its_manifests_folder_each_once(paths, problem):
    with pytest.raises(StatementError, match=problem):
        statement.text(made(manifest=bundle(*paths)))


def test_as_many_files_of_a_bundle_as_there_may_be():
    told = made(manifest=bundle(*(f"a/{number}" for number in range(100))))
    assert statement.parsed(statement.text(told)) == told


@pytest.mark.parametrize("changes", [{"name": "a b"}, {"number": 0}, {"space": "x"}, {"not_after": "today"},
                                     {"deltas": made().deltas * 2}, {"number": True}])
def test_a_statement_that_no_reader_takes_is_not_written(changes):
    with pytest.raises(StatementError):
        statement.text(made(**changes))


def test_as_many_deltas_as_there_may_be():
    many = tuple(replace(made().deltas[0], base=f"{number:064x}") for number in range(101))
    assert len(statement.parsed(statement.text(made(deltas=many[:100]))).deltas) == 100
    with pytest.raises(StatementError, match="at most 100"):
        statement.text(made(deltas=many))


def test_a_text_that_is_too_long_is_refused():
    text = statement.text(made())
    assert statement.parsed(text + b" " * (65_536 - len(text))) == made()
    with pytest.raises(StatementError, match="65,537 bytes, where 2 to 65,536"):
        statement.parsed(text + b" " * (65_537 - len(text)))


def test_its_last_day_is_not_over():
    assert [made().expired(date(2026, 11, day)) for day in (25, 26, 27)] == [False, False, True]
    assert not made(not_after=None).expired(date(2026, 11, 27))


@pytest.mark.parametrize("case", ANSWERS["malformed"], ids=lambda case: case["name"])
def test_a_golden_malformed_text_is_refused_in_one_line(case):
    old, new, text = base64.b64decode(case["old"]), base64.b64decode(case["new"]), TUESDAY[statement.SIGNATURE:]
    assert old in text
    with pytest.raises(StatementError) as caught:
        statement.parsed(text.replace(old, new, 1) if old else new)
    assert len(str(caught.value).splitlines()) == 1


def test_the_golden_statements_are_signed_by_one_of_the_two_keys_or_by_nobody():
    for path in sorted(FOLDER.rglob("*.update")):
        content = path.read_bytes()
        by = [p256.holds(key, content[64:], content[:64]) for key in KEYS]
        strange = "foreign-key" in path.name or "signature" in path.name
        second = path.name == "second-key.update"
        assert by == ([False, False] if strange else [not second, second])


def test_nothing_is_parsed_before_the_signature_holds(monkeypatch):
    monkeypatch.setattr(statement, "parsed", lambda text: pytest.fail("parsed"))
    with pytest.raises(StatementError, match="of no known key"):
        statement.opened(TUESDAY, KEYS[1:], p256.holds)
    with pytest.raises(StatementError, match="of no known key"):
        statement.opened(TUESDAY, [], p256.holds)
    with pytest.raises(StatementError, match="65,601 bytes"):
        statement.opened(TUESDAY + bytes(65_601 - len(TUESDAY)), KEYS, p256.holds)


@pytest.mark.slow
def test_a_flipped_bit_anywhere_ends_the_signature(repetitions):
    chance = random.Random(19)
    for _ in range(repetitions(FLIPS)):
        place = chance.randrange(len(TUESDAY))
        flipped = TUESDAY[:place] + bytes([TUESDAY[place] ^ 1 << chance.randrange(8)]) + TUESDAY[place + 1:]
        assert not p256.holds(KEYS[0], flipped[64:], flipped[:64])


# Keys and signatures.

def test_a_key_that_is_none_signs_nothing():
    content, message, signature = base64.b64decode(KEYS[0]), TUESDAY[64:], TUESDAY[:64]
    assert p256.holds(KEYS[0], message, signature)
    for key in ("", "%", KEYS[0][:-4], base64.b64encode(content[:-1] + bytes([content[-1] ^ 1])).decode(),
                base64.b64encode(b"\x31" + content[1:]).decode(), base64.b64encode(content + b"\0").decode()):
        assert p256.point(key) is None and not p256.holds(key, message, signature)


@pytest.mark.parametrize("signature", [
    bytes(64), b"\xff" * 64, TUESDAY[:63], TUESDAY[:65], bytes(32) + TUESDAY[32:64], TUESDAY[:32] + bytes(32),
    (int.from_bytes(TUESDAY[:32], "big") + p256.ORDER).to_bytes(33, "big")[-32:] + TUESDAY[32:64]])
def test_a_signature_out_of_its_range_does_not_hold(signature):
    assert not p256.holds(KEYS[0], TUESDAY[64:], signature)


def test_the_sum_of_points_knows_all_its_cases():
    twice = p256._twice(p256.BASE)
    assert p256._sum(p256.BASE, p256.BASE) == twice and p256._sum(p256.INFINITY, twice) == twice
    minus = (p256.BASE[0], p256.P - p256.BASE[1], 1)
    assert p256._sum(p256.BASE, minus)[2] == 0 and p256._times(p256.BASE, p256.ORDER)[2] == 0
    assert p256._twice(p256.INFINITY) == p256.INFINITY


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_signatures_of_openssl_hold_here(tmp_path, repetitions):
    from catalog_builder.updates import signing

    def openssl(*arguments: str, given: bytes = b"") -> bytes:
        return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout

    pem = tmp_path / "key.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(pem))
    key = base64.b64encode(openssl("pkey", "-in", str(pem), "-pubout", "-outform", "DER")).decode()
    for number in range(repetitions(200)):
        message = random.Random(number).randbytes(number)
        signature = signing.raw(openssl("dgst", "-sha256", "-sign", str(pem), given=message))
        assert p256.holds(key, message, signature) and not p256.holds(key, message + b"x", signature)


@pytest.mark.parametrize("der", [
    b"", b"\x30", b"\x30\x00", b"\x30\x03\x02\x01\x01", b"\x30\x06\x02\x01\x01\x02\x01\x00",
    b"\x31\x06\x02\x01\x01\x02\x01\x01",
    b"\x30\x06\x02\x01\x01\x02\x01\x01\x00", b"\x30\x06\x02\x01\xff\x02\x01\x01", b"\x30\x09" + b"\x02\x01\x01" * 3,
    b"\x30\x05\x02\x01\x01\x02\x01", b"\x30\x81\x06\x02\x01\x01\x02\x01\x01", b"\x30\x06\x02\x01\x01\x03\x01\x01"])
def test_what_is_no_signature_in_der_is_refused(der):
    from catalog_builder.updates import signing

    assert signing.raw(b"\x30\x06\x02\x01\x01\x02\x01\x02") == bytes(31) + b"\x01" + bytes(31) + b"\x02"
    with pytest.raises(ValueError):
        signing.raw(der)
