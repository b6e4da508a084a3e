"""Catalogs and deltas of three days enter; statements, signed and faulty ones, and what each must come to, leave.

The private keys are made here and thrown away: a signature is random, so these files are checked, never made again.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog_builder.catalog.reader import Catalog
from catalog_builder.golden_values import packed_bytes, write_ascii
from catalog_builder.update_goldens import days
from catalog_builder.updates import statement
from catalog_builder.updates.statement import PublishedCatalog, PublishedDelta, Statement
from export.common import files

NAME = "shop"
SITE = f"{NAME}{statement.SUFFIX}"           # the statement that the site serves: wednesday's
TODAY = "2026-11-26"
EDITS = 240                                  # damaged deltas
Signer = Callable[[bytes], bytes]            # message; r then s
ABOUT = {
    "site": "a case's site serves this folder; shop.update is the case's `file`, after its `edit`",
    "edit": "{cut: bytes that stay} | {flip: place, bit: 0 to 7} | {append: how many zero bytes}",
    "serve": "the same edits, or null for a file that the site lacks, by path",
    "state": "in_force: null (the bundled base.catalog, without a statement) or the statement in force, its catalog "
             "in the state folder, and its bundle where it is of another space; highest: as the file holds it; keys: "
             "which lines of key.txt the app has; parts: by path, how many of the file's first bytes lie as its part; "
             "bundles: whether the app takes them (absent: no)",
    "expected": "answer: current | updated | failed. kind: NETWORK | REFUSED | DAMAGED. fetched: all bytes that came, "
                "the statement's and those of a delta that failed too. in_force, highest: the numbers after it. "
                "encoders: the folder here whose files are the encoders in force then (absent: the app's own)",
    "malformed": "statements/tuesday.update without its signature; the bytes `old` (base64), where they first occur, "
                 "become `new`; an empty `old` is the whole text. All are refused by the reader of the text; with 64 "
                 "bytes before them, and a check of signatures that says yes to all, update() fails with REFUSED",
    "starts": "state: which files of this folder lie in the state folder, under which names; edit: as above, by those "
              "names; bundled: the statement beside the bundled base.catalog; highest: its file's text, or null; "
              "in_force, highest_after: the numbers then; bundles, encoders: as above. What is no longer in force is "
              "deleted",
    "give_ups": "in_force, highest, bundles: the state; in_force_after, highest_after: once the app has given up",
    "damaged_deltas": "each edit: [place, byte]s to put into the delta; to apply it is refused, or gives the result",
    "today": "the day on which all this happens, but where a case says another"}


@dataclass(frozen=True)
class GoldenSite:
    """The folder of the goldens, and the two keys that sign in it."""

    folder: Path
    made: dict[str, Catalog]
    signers: tuple[Signer, Signer, Signer]   # now, next, and a stranger's

    def of(self, day: str, number: int, **changes: Any) -> Statement:
        """A day's statement with all its deltas."""
        told = Statement(
            NAME, number, days.SPACE, PublishedCatalog(**self.file(f"{day}.catalog"), digest=self.digest(day)),
            tuple(PublishedDelta(**self.file(path), base=self.digest(before))
                  for path, (before, after) in days.DELTAS.items() if after == day))
        return replace(told, **changes)

    def file(self, path: str) -> dict:
        """Path, digest and size of a file of the folder."""
        content = self.folder / path
        return {"path": path, "sha256": files.sha256(content), "bytes": content.stat().st_size}

    def digest(self, day: str) -> str:
        """The digest that stands in a day's catalog."""
        return self.made[day].metadata["sha256"]

    def signed(self, name: str, message: bytes, signer: int = 0) -> str:
        """Writes a statement; gives its path in the folder."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.signers[signer](message) + message)
        return name


def write(goldens: GoldenSite, keys: list[str], more: Callable[[GoldenSite], dict[str, list[dict]]]) -> None:
    """Writes the keys, the statements, and answers.json. `more`: what the lists end with, by their names."""
    (goldens.folder / "key.txt").write_text("".join(f"{key}\n" for key in keys), encoding="ascii")
    goldens.signed(SITE, statement.text(goldens.of("wednesday", 3)))
    goldens.signed("statements/tuesday.update", statement.text(goldens.of("tuesday", 2)))
    listed = [*good(goldens), *unsigned(goldens), *refused(goldens), *files_that_differ(goldens)]
    others = more(goldens)
    listed += others["cases"]
    if len({one["name"] for one in listed}) < len(listed):
        raise ValueError("a name twice")
    write_ascii(goldens.folder / "answers.json", {
        "made_by": {"command": "python -m catalog_builder.update_goldens"}, "about": ABOUT, "name": NAME,
        "space": days.SPACE, "today": TODAY, "cases": listed,
        "malformed": [*malformed(goldens), *others["malformed"]], "starts": [*starts(goldens), *others["starts"]],
        "give_ups": others["give_ups"], "damaged_deltas": damaged(goldens)})


def file_name(name: str) -> str:
    """A case's name as that of a file."""
    return name.replace(",", "").replace("'", "").replace(" ", "-")


def case(name: str, file: str, expected: dict, in_force: str | None = None, highest: int = 0, **more: Any) -> dict:
    """One case as the file holds it."""
    return {"name": name, "file": file, "in_force": in_force, "highest": highest, "keys": [0], **more,
            "expected": expected}


def updated(goldens: GoldenSite, file: str, number: int, how: str, *paths: str, expired: bool = False) -> dict:
    """That an update came. `paths`: what was fetched beside the statement."""
    fetched = sum((goldens.folder / path).stat().st_size for path in (file, *paths))
    return {"answer": "updated", "how": how, "number": number, "fetched": fetched, "expired": expired,
            "in_force": number, "highest": number}


def failed(kind: str, in_force: int = 0, highest: int = 0) -> dict:
    """That none came."""
    return {"answer": "failed", "kind": kind, "in_force": in_force, "highest": highest}


TUESDAY = "statements/tuesday.update"


def good(goldens: GoldenSite) -> Iterator[dict]:
    """What is taken, and what there is nothing to do for."""
    base_delta, small = "deltas/base-wednesday.delta", "deltas/wednesday.delta"
    yield case("delta", TUESDAY, updated(goldens, TUESDAY, 2, "delta", "tuesday.delta"))
    yield case("delta from the bundled catalog", SITE, updated(goldens, SITE, 3, "delta", base_delta))
    yield case("delta from yesterday", SITE, updated(goldens, SITE, 3, "delta", small), TUESDAY, 2)
    yield case("current", SITE, {"answer": "current", "in_force": 3, "highest": 3}, SITE, 3)

    def made(name: str, told: Statement, expected: Callable[[str], dict], signer: int = 0, **state: Any) -> dict:
        file = goldens.signed(f"statements/{file_name(name)}.update", statement.text(told), signer)
        return case(name, file, expected(file), **state)

    tuesday, wednesday = goldens.of("tuesday", 2), goldens.of("wednesday", 3)
    yield made("whole", replace(wednesday, deltas=()), lambda file: updated(
        goldens, file, 3, "whole", "wednesday.catalog"))
    yield made("delta for others alone", replace(wednesday, deltas=tuple(
        delta for delta in wednesday.deltas if delta.base == goldens.digest("tuesday"))), lambda file: updated(
            goldens, file, 3, "whole", "wednesday.catalog"))
    yield made("same catalog", goldens.of("wednesday", 4), lambda file: updated(goldens, file, 4, "same"),
               in_force=SITE, highest=3)
    yield made("same as the bundled", goldens.of("base", 1), lambda file: updated(goldens, file, 1, "same"))
    yield made("same number, other content", replace(tuesday, number=3), lambda _: {
        "answer": "current", "in_force": 3, "highest": 3}, in_force=SITE, highest=3)
    yield case("the highest again, after a rollback", SITE, updated(goldens, SITE, 3, "delta", base_delta), None, 3)
    yield made("back on purpose", goldens.of("base", 5), lambda file: updated(
        goldens, file, 5, "whole", "base.catalog"), in_force=SITE, highest=3)
    yield made("largest number", replace(tuesday, number=statement.MOST_NUMBER), lambda file: updated(
        goldens, file, statement.MOST_NUMBER, "delta", "tuesday.delta"))
    yield made("expired", replace(tuesday, not_after="2026-11-25"), lambda file: updated(
        goldens, file, 2, "delta", "tuesday.delta", expired=True))
    yield made("last day", replace(tuesday, not_after=TODAY), lambda file: updated(
        goldens, file, 2, "delta", "tuesday.delta"))
    second = made("second key", tuesday, lambda file: updated(goldens, file, 2, "delta", "tuesday.delta"), signer=1)
    yield second | {"keys": [0, 1]}
    yield second | {"name": "second key, unknown to the app", "expected": failed("REFUSED")}
    text = json.loads(statement.text(tuesday))
    for name, changes in (("unknown keys", {"new": {"a": [1.5, None, True]}, "catalog": text["catalog"] | {"x": []}}),
                          ("nulls", {"manifest": None, "not_after": None}), ("deep", {"x": nested(99)})):
        file = goldens.signed(f"statements/{file_name(name)}.update", json.dumps(text | changes).encode())
        yield case(name, file, updated(goldens, file, 2, "delta", "tuesday.delta"))
    file = goldens.signed("statements/spaced.update", b"\r\n\t " + json.dumps(text, indent=1).encode() + b" \n")
    yield case("white space", file, updated(goldens, file, 2, "delta", "tuesday.delta"))


def nested(levels: int) -> list:
    """So many lists within one another."""
    made: list = []
    for _ in range(levels - 1):
        made = [made]
    return made


def unsigned(goldens: GoldenSite) -> Iterator[dict]:
    """Faults that need no signature of their own."""
    whole, no = (goldens.folder / SITE).stat().st_size, failed("REFUSED")
    edits: dict[str, dict] = {
        "empty": {"cut": 0}, "cut within the signature": {"cut": 63}, "cut after the signature": {"cut": 64},
        "cut after a byte": {"cut": 65}, "cut within": {"cut": whole // 2}, "cut at the end": {"cut": whole - 1},
        "longer": {"append": 1}, "longer than any": {"append": statement.MOST},
        "flipped in r": {"flip": 3, "bit": 0}, "flipped in s": {"flip": 40, "bit": 7},
        "flipped in the text": {"flip": 64 + 30, "bit": 1}, "flipped at the end": {"flip": whole - 1, "bit": 2}}
    for name, edit in edits.items():
        yield case(name, SITE, no, edit=edit)
    yield case("flipped, while another is in force", SITE, failed("REFUSED", 2, 2), TUESDAY, 2,
               edit={"flip": 70, "bit": 0})
    yield case("replayed", TUESDAY, failed("REFUSED", 3, 3), SITE, 3)
    yield case("older than the highest", TUESDAY, failed("REFUSED", 0, 3), None, 3)
    yield case("no statement", SITE, failed("NETWORK"), serve={SITE: None})
    for name, signature in (("zeros", bytes(64)), ("r beyond the order", b"\xff" * 32 + bytes(31) + b"\x01")):
        path = goldens.folder / f"statements/signature-{file_name(name)}.update"
        path.write_bytes(signature + statement.text(goldens.of("tuesday", 2)))
        yield case(f"signature: {name}", f"statements/{path.name}", no)


def refused(goldens: GoldenSite) -> Iterator[dict]:
    """Well-formed statements that an app does not take."""
    tuesday = goldens.of("tuesday", 2)
    for name, told, signer in (
            ("foreign key", tuesday, 2), ("foreign name", replace(tuesday, name="shoes"), 0),
            ("name in capitals", replace(tuesday, name="Shop"), 0),
            ("foreign space", replace(tuesday, space=days.FOREIGN_SPACE), 0)):
        file = goldens.signed(f"statements/{file_name(name)}.update", statement.text(told), signer)
        yield case(name, file, failed("REFUSED"))


def malformed(goldens: GoldenSite) -> Iterator[dict]:
    """Texts that are no statement, as changes of tuesday's text: old and new bytes, the first time that they occur."""
    text = statement.text(goldens.of("tuesday", 2))
    told = json.loads(text)
    path, digest, delta = told["catalog"]["path"], told["catalog"]["digest"], json.dumps(
        told["deltas"][0], separators=(",", ":")).encode()
    end = {"text after the end": b"}{}", "not UTF-8": b',"x":"\xff"}', "a name twice": b',"number":2}',
           "a name twice, deeper": b',"x":{"a":1,"a":1}}', "a name twice by an escape": b',"numbe\\u0072":2}',
           "NaN": b',"x":NaN}', "a comma too many": b",}", "a comment": b"/**/}",
           "too deep": b',"x":' + b"[" * 100 + b"]" * 100 + b"}", "manifest as a text": b',"manifest":"manifest.json"}',
           "no such month": b',"not_after":"2026-13-01"}', "no such day": b',"not_after":"2026-02-30"}',
           "a short date": b',"not_after":"2026-1-1"}', "a time": b',"not_after":"2026-11-26T00:00:00Z"}',
           "a date as a number": b',"not_after":20261126}', "cut": b""}
    changes = {name: (b"}]}", b"}]" + new) for name, new in end.items()}
    numbers = {"0": b"0", "below 0": b"-1", "with a part": b"2.5", "too large": b"9007199254740992",
               "as a text": b'"2"', "true": b"true", "null": b"null", "with a zero before it": b"02"}
    changes |= {f"number {name}": (b'"number":2', b'"number":' + new) for name, new in numbers.items()}
    names = {"with a slash": b"a/b", "empty": b"", "that begins with a dot": b".shop", "too long": b"s" * 65}
    changes |= {f"name {name}": (b'"name":"shop"', b'"name":"' + new + b'"') for name, new in names.items()}
    paths = ["", "/a.catalog", "../a.catalog", "a/../b.catalog", "a//b.catalog", "a/./b", "a/", "https://x.example/a",
             "a b", "a%2e", "a\\\\b", "a?b", "\u00e9", "a\\n", "x" * 513]
    changes |= {f"path {number}": (json.dumps(path).encode(), f'"{new}"'.encode()) for number, new in enumerate(paths)}
    changes |= {
        "byte order mark": (b"{", b"\xef\xbb\xbf{"), "another format": (b"mobileclip-update", b"mobileclip-delta"),
        "another version": (b'"version":1', b'"version":2'), "version as a text": (b'"version":1', b'"version":"1"'),
        "space in capitals": (days.SPACE.encode(), b"A" * 64), "short space": (days.SPACE.encode(), b"5" * 63),
        "digest in capitals": (digest.encode(), digest.upper().encode()), "deltas null": (b"[" + delta + b"]", b"null"),
        "deltas as an object": (b"[" + delta + b"]", b"{}"), "a base twice": (delta, delta + b"," + delta),
        "a delta as a text": (delta, b'"tuesday.delta"'), "no bytes": (b'"bytes":', b'"bytes":0,"x":'),
        "bytes as a text": (b'"bytes":', b'"bytes":"5","x":'), "catalog null": (b'"catalog":', b'"catalog":null,"x":')}
    changes |= {f"without {key}": (f'"{key}":'.encode(), f'"un{key}":'.encode()) for key in (*told, "digest", "base")}
    changes |= {"an empty object": (text, b"{}"), "a list": (text, b"[]"), "two spaces": (text, b"  ")}
    for name, (old, new) in changes.items():
        if old not in text:
            raise ValueError(name)
        yield {"name": name, "old": packed_bytes(b"" if old == text else old), "new": packed_bytes(new)}


def files_that_differ(goldens: GoldenSite) -> Iterator[dict]:
    """Signed statements whose files are not what they say."""
    wednesday, whole = goldens.of("wednesday", 3), "wednesday.catalog"
    alone, size = replace(wednesday, deltas=()), wednesday.catalog.bytes
    small, delta = "tuesday.delta", goldens.of("tuesday", 2).deltas[0]

    def made(name: str, told: Statement, expected: Callable[[str], dict], **more: Any) -> dict:
        file = goldens.signed(f"statements/{file_name(name)}.update", statement.text(told))
        return case(name, file, expected(file), **more)

    file = "statements/whole.update"
    for name, edit, kind in (("catalog flipped", {"flip": size // 2, "bit": 3}, "DAMAGED"),
                             ("catalog cut", {"cut": size - 5}, "NETWORK"), ("catalog lacks", None, "NETWORK"),
                             ("catalog longer", {"append": 1}, "DAMAGED")):
        yield case(name, file, failed(kind), serve={whole: edit})
    for name, edit, length in (("delta flipped", {"flip": 400, "bit": 0}, delta.bytes),
                               ("delta longer", {"append": 1}, None)):
        expected = updated(goldens, TUESDAY, 2, "whole", "tuesday.catalog")
        if length is None:
            del expected["fetched"]          # how much comes of a file that is too long is the reader's affair
        else:
            expected["fetched"] += length
        yield case(name, TUESDAY, expected, serve={small: edit})
    yield case("delta cut", TUESDAY, failed("NETWORK"), serve={small: {"cut": delta.bytes - 1}})
    yield case("delta lacks", TUESDAY, failed("NETWORK"), serve={small: None})
    yield made("bytes too few", replace(alone, catalog=replace(alone.catalog, bytes=size - 1)),
               lambda _: failed("DAMAGED"))
    yield made("bytes too many", replace(alone, catalog=replace(alone.catalog, bytes=size + 1)),
               lambda _: failed("NETWORK"))
    yield made("another sha256", replace(alone, catalog=replace(alone.catalog, sha256="b" * 64)),
               lambda _: failed("DAMAGED"))
    yield made("another digest", replace(alone, catalog=replace(alone.catalog, digest=goldens.digest("tuesday"))),
               lambda _: failed("DAMAGED"))
    def instead_of(wrong: PublishedDelta) -> Callable[[str], dict]:
        return lambda file: updated(goldens, file, 3, "whole", *(whole, wrong.path))

    yield made("catalog of another space", replace(alone, catalog=goldens.of("foreign", 3).catalog),
               lambda _: failed("DAMAGED"))
    yield made("no catalog at all", replace(alone, catalog=replace(
        alone.catalog, **goldens.file("key.txt"))), lambda _: failed("DAMAGED"))
    base_delta = PublishedDelta(**goldens.file("deltas/wednesday.delta"), base=goldens.digest("base"))
    for name, wrong in (("delta onto another base", base_delta),
                        ("delta to another day", replace(base_delta, **goldens.file(small))),
                        ("delta that is a catalog", replace(base_delta, **goldens.file("foreign.catalog")))):
        yield made(name, replace(wednesday, deltas=(wrong,)), instead_of(wrong))
    swapped = replace(wednesday.catalog, sha256=goldens.of("tuesday", 2).catalog.sha256)
    yield made("delta right, sha256 of another", replace(wednesday, catalog=swapped), lambda _: failed("DAMAGED"))


def starts(goldens: GoldenSite) -> list[dict]:
    """What lies in the state folder at a start, and which number is then in force. 0: the bundled base.catalog."""
    catalog, told = f"{goldens.digest('tuesday')}.catalog", SITE
    state, flip = {told: TUESDAY, catalog: "tuesday.catalog"}, {"flip": 300, "bit": 0}

    def start(name: str, in_force: int, given: dict, highest: str | None = None, after: int | None = None,
              **more: Any) -> dict:
        return {"name": name, "state": given, "edit": {}, "keys": [0], "bundled": None, "highest": highest, **more,
                "in_force": in_force, "highest_after": in_force if after is None else after}

    bundled = "statements/back-on-purpose.update"
    return [
        start("nothing", 0, {}), start("whole", 2, state, "2"), start("killed before highest", 2, state, "1"),
        start("highest above", 2, state, "7", 7), start("highest is no number", 2, state, "x"),
        start("highest alone", 0, {}, "7", 7),
        start("the catalog lacks", 0, {told: TUESDAY}, "2", 2),
        start("the statement lacks", 0, {catalog: "tuesday.catalog"}),
        start("the statement flipped", 0, state, edit={told: flip}),
        start("the statement cut", 0, state, edit={told: {"cut": 200}}),
        start("the catalog cut", 0, state, edit={catalog: {"cut": 900}}),
        start("the catalog empty", 0, state, edit={catalog: {"cut": 0}}),
        start("another catalog under its name", 0, state | {catalog: "wednesday.catalog"}),
        start("a key that is no longer the app's", 0, state, keys=[1]),
        start("another name", 0, state | {told: "statements/foreign-name.update"}),
        start("another space", 0, state | {told: "statements/foreign-space.update"}),
        start("the bundled catalog under a statement", 1, {told: "statements/same-as-the-bundled.update"}),
        start("bundled statement below", 2, state, bundled="statements/same-as-the-bundled.update"),
        start("bundled statement above", 5, state, "2", bundled=bundled),
        start("bundled statement alone", 5, {}, bundled=bundled),
        start("expired", 2, state | {told: "statements/expired.update"})]


def damaged(goldens: GoldenSite) -> dict:
    """Places in a delta, and bytes to put there: refused, or the right catalog."""
    chance, whole = random.Random(19), (goldens.folder / "tuesday.delta").read_bytes()
    places = [*range(8), *(chance.randrange(8, 908) for _ in range(40)),             # length, header
              *(chance.randrange(len(whole)) for _ in range(EDITS - 48))]
    edits = [[[place, chance.choice([0, 255, whole[place] ^ (1 << chance.randrange(8))])]] for place in places]
    return {"delta": "tuesday.delta", "base": "base.catalog", "result": "tuesday.catalog",
            "edits": [edit for edit in edits if any(whole[place] != byte for place, byte in edit)]}
