"""Updates on a device: the golden cases, killed at every moment, a full disk, servers of each kind, swaps."""

import base64
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from catalog_builder.catalog import delta
from catalog_builder.catalog.reader import CatalogError, open_catalog
from catalog_builder.updates import device, statement
from catalog_builder.updates.device import Device, Kind, UpdateError
from tests.test_statement import ANSWERS, FOLDER, KEYS, TUESDAY

SITE = "shop.update"
TODAY = date.fromisoformat(ANSWERS["today"])
BLOCK = 1000                                 # bytes


def with_edit(content: bytes, edit: dict | None) -> bytes:
    """The bytes after an edit of the goldens."""
    if not edit:
        return content
    if "cut" in edit:
        return content[:edit["cut"]]
    if "append" in edit:
        return content + bytes(edit["append"])
    place = edit["flip"]
    return content[:place] + bytes([content[place] ^ 1 << edit["bit"]]) + content[place + 1:]


class Folder:
    """A site: the files of a folder, and those that are put over them. `asked`: path and place of each request."""

    def __init__(self, folder: Path, over: dict[str, bytes | None], ranges: bool = True, block: int = BLOCK):
        self.folder, self.over, self.ranges, self.block = folder, over, ranges, block
        self.asked: list[tuple[str, int]] = []

    def __call__(self, path: str, place: int) -> tuple[int, Iterator[bytes]]:
        self.asked.append((path, place))
        content = self.over.get(path, b"") if path in self.over else (self.folder / path).read_bytes()
        if content is None:
            raise FileNotFoundError(404, "no such file", path)
        begin = place if self.ranges else 0
        return begin, (content[at:at + self.block] for at in range(begin, len(content), self.block))


def site(case: dict, **options) -> Folder:
    """What a golden case's site serves."""
    over: dict[str, bytes | None] = {SITE: with_edit((FOLDER / case["file"]).read_bytes(), case.get("edit"))}
    for path, edit in case.get("serve", {}).items():
        over[path] = None if edit is None else with_edit((FOLDER / path).read_bytes(), edit)
    return Folder(FOLDER, over, **options)


def app(tmp_path: Path, keys=(0,), bundled: str | None = None, **options) -> Device:
    """An app with the golden base in it."""
    return Device(tmp_path / "state", "shop", ANSWERS["space"], FOLDER / "base.catalog", [KEYS[key] for key in keys],
                  FOLDER / bundled if bundled else None, say=options.pop("say", lambda line: None), **options)


def put(of: Device, file: str | None, highest: int | str | None) -> None:
    """An update into the state folder, as an earlier run of the app left it."""
    of.folder.mkdir(exist_ok=True)
    if file:
        told = statement.opened((FOLDER / file).read_bytes(), KEYS, of.check)
        shutil.copy(FOLDER / told.catalog.path, of.catalog(told.catalog.digest))
        shutil.copy(FOLDER / file, of.statement)
    if highest is not None:
        of.highest_file.write_text(str(highest))


def state(of: Device) -> tuple[int, int]:
    """The numbers that a fresh start finds: in force, and the highest."""
    return device.start(of, TODAY).number, device.highest(of)


# The goldens.

@pytest.mark.parametrize("case", ANSWERS["cases"], ids=lambda case: case["name"])
def test_a_golden_statement_comes_to_what_it_must(case, tmp_path):
    of, expected = app(tmp_path, case["keys"]), case["expected"]
    put(of, case["in_force"], case["highest"])
    running = device.start(of, TODAY)
    if expected["answer"] == "failed":
        with pytest.raises(UpdateError) as caught:
            device.update(of, running, site(case), TODAY)
        assert caught.value.kind is Kind[expected["kind"]] and len(str(caught.value).splitlines()) == 1
    elif expected["answer"] == "current":
        assert device.update(of, running, site(case), TODAY) is None
    else:
        made = device.update(of, running, site(case), TODAY)
        made.in_force.catalog.verify()
        assert (made.how, made.in_force.number, made.in_force.expired) == (
            expected["how"], expected["number"], expected["expired"])
        assert made.fetched == expected.get("fetched", made.fetched)
        told = statement.opened((FOLDER / case["file"]).read_bytes(), KEYS, of.check)
        assert bytes(made.in_force.catalog.content) == (FOLDER / told.catalog.path).read_bytes()
        assert of.statement.read_bytes() == (FOLDER / case["file"]).read_bytes()
    assert state(of) == (expected["in_force"], expected["highest"])


@pytest.mark.parametrize("case", ANSWERS["malformed"], ids=lambda case: case["name"])
def test_a_golden_malformed_text_that_is_signed_is_refused(case, tmp_path):
    old, new, text = base64.b64decode(case["old"]), base64.b64decode(case["new"]), TUESDAY[64:]
    of = app(tmp_path, check=lambda key, message, signature: True)
    served = Folder(FOLDER, {SITE: bytes(64) + (text.replace(old, new, 1) if old else new)})
    with pytest.raises(UpdateError) as caught:
        device.update(of, device.start(of, TODAY), served, TODAY)
    assert caught.value.kind is Kind.REFUSED and len(served.asked) == 1


@pytest.mark.parametrize("case", ANSWERS["starts"], ids=lambda case: case["name"])
def test_a_golden_start_finds_what_is_in_force(case, tmp_path):
    said: list[str] = []
    of = app(tmp_path, case["keys"], case["bundled"], say=said.append)
    put(of, None, case["highest"])
    for name, path in case["state"].items():
        (of.folder / name).write_bytes(with_edit((FOLDER / path).read_bytes(), case["edit"].get(name)))
    assert state(of) == (case["in_force"], case["highest_after"])
    rolled_back = of.statement.name in case["state"] and not of.statement.exists()
    assert len(said) == rolled_back
    left = {path.name for path in of.folder.iterdir()} - {"highest", of.statement.name}
    assert left <= {name for name in case["state"] if name.endswith(".catalog")}
    assert not (rolled_back and left)
    assert (of.bundled.read_bytes(), state(of)) == ((FOLDER / "base.catalog").read_bytes(), (
        case["in_force"], case["highest_after"]))


@pytest.mark.parametrize("edit", ANSWERS["damaged_deltas"]["edits"])
def test_a_golden_damaged_delta_is_refused_or_gives_the_right_catalog(edit, tmp_path):
    names = ANSWERS["damaged_deltas"]
    content = bytearray((FOLDER / names["delta"]).read_bytes())
    for place, byte in edit:
        content[place] = byte
    (tmp_path / "a.delta").write_bytes(content)
    try:
        made = delta.apply(open_catalog(FOLDER / names["base"]), delta.open_delta(tmp_path / "a.delta"),
                           tmp_path / "a.catalog")
    except CatalogError:
        assert not (tmp_path / "a.catalog").exists()
    else:
        assert bytes(made.content) == (FOLDER / names["result"]).read_bytes()
