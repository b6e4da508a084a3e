"""Updates on a device: the golden cases, killed at every moment, a full disk, servers of each kind, swaps."""

import base64
import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import Request, urlopen

import pytest

from catalog_builder.catalog import delta, search
from catalog_builder.catalog.reader import CatalogError, open_catalog
from catalog_builder.updates import device, statement
from catalog_builder.updates.device import Device, InForce, Kind, UpdateError
from catalog_builder.updates.statement import PublishedBundle, StatementError
from export.common import files
from tests import faults
from tests.test_statement import ANSWERS, FOLDER, KEYS, TUESDAY

SITE = "shop.update"
TODAY = date.fromisoformat(ANSWERS["today"])
BLOCK = 1000                                 # bytes
BUNDLE, INSIDE = FOLDER / "bundle", len(files.files_of(FOLDER / "bundle"))


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


def put(of: Device, file: str | None, highest: int | str | None, parts: dict[str, int] | None = None) -> None:
    """An update into the state folder, as an earlier run of the app left it, and beginnings of files."""
    of.folder.mkdir(exist_ok=True)
    if file:
        told = statement.opened((FOLDER / file).read_bytes(), KEYS, of.check)
        shutil.copy(FOLDER / told.catalog.path, of.catalog(told.catalog.digest))
        shutil.copy(FOLDER / file, of.statement)
        if told.space != of.space:
            shutil.copytree(BUNDLE, encoders_of(of, BUNDLE.name))
    for path, size in (parts or {}).items():
        (of.folder / f"{files.sha256(FOLDER / path)}.part").write_bytes((FOLDER / path).read_bytes()[:size])
    if highest is not None:
        of.highest_file.write_text(str(highest))


def encoders_of(of: Device, bundle: str | None) -> Path | None:
    """Where a golden bundle's encoders lie on a device."""
    return of.folder / f"{files.sha256(FOLDER / bundle / 'manifest.json')}.bundle" if bundle else None


def has_encoders(of: Device, running: InForce, bundle: str | None) -> bool:
    """Whether a bundle's encoders are in force, each file of them and no other; None: the app's own."""
    path = encoders_of(of, bundle)
    return running.encoders == path and (path is None or files.sha256(path) == files.sha256(FOLDER / bundle))


def state(of: Device) -> tuple[int, int]:
    """The numbers that a fresh start finds: in force, and the highest."""
    return device.start(of, TODAY).number, device.highest(of)


# The goldens.

@pytest.mark.parametrize("case", ANSWERS["cases"], ids=lambda case: case["name"])
def test_a_golden_statement_comes_to_what_it_must(case, tmp_path):
    of, expected = app(tmp_path, case["keys"], takes_bundles=case.get("bundles", False)), case["expected"]
    put(of, case["in_force"], case["highest"], case.get("parts"))
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
        assert has_encoders(of, made.in_force, expected.get("encoders"))
        assert (made.how, made.in_force.number, made.in_force.expired) == (
            expected["how"], expected["number"], expected["expired"])
        assert made.fetched == expected.get("fetched", made.fetched)
        told = statement.opened((FOLDER / case["file"]).read_bytes(), KEYS, of.check)
        assert bytes(made.in_force.catalog.content) == (FOLDER / told.catalog.path).read_bytes()
        assert of.statement.read_bytes() == (FOLDER / case["file"]).read_bytes()
    assert state(of) == (expected["in_force"], expected["highest"])
    assert has_encoders(of, device.start(of, TODAY), expected.get("encoders"))


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
    of = app(tmp_path, case["keys"], case["bundled"], say=said.append, takes_bundles=case.get("bundles", False))
    put(of, None, case["highest"])
    for name, path in case["state"].items():
        (of.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (of.folder / name).write_bytes(with_edit((FOLDER / path).read_bytes(), case["edit"].get(name)))
    assert state(of) == (case["in_force"], case["highest_after"])
    rolled_back = of.statement.name in case["state"] and not of.statement.exists()
    assert len(said) == rolled_back
    running = device.start(of, TODAY)
    assert has_encoders(of, running, case.get("encoders"))
    left = {path.name for path in of.folder.iterdir()} - {"highest", of.statement.name}
    assert left <= {name for name in case["state"] if name.endswith(".catalog")} | (
        {running.encoders.name} if running.encoders else set())
    assert not (rolled_back and left)
    assert (of.bundled.read_bytes(), state(of)) == ((FOLDER / "base.catalog").read_bytes(), (
        case["in_force"], case["highest_after"]))


@pytest.mark.parametrize("case", ANSWERS["give_ups"], ids=lambda case: case["name"])
def test_a_golden_update_that_is_given_up_leaves_the_apps_own(case, tmp_path):
    said: list[str] = []
    of = app(tmp_path, takes_bundles=case["bundles"], say=said.append)
    put(of, case["in_force"], case["highest"])
    running = device.start(of, TODAY)
    assert running.encoders and not said
    running = device.roll_back(of, running, "no such operator", TODAY)
    assert (running.number, running.encoders) == (case["in_force_after"], None)
    assert state(of) == (case["in_force_after"], case["highest_after"])
    assert [path.name for path in of.folder.iterdir()] == ["highest"]
    assert len(said) == 1 and "no such operator" in said[0]


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


# Killed, and without room.

WEDNESDAY, NIGHT = {"file": SITE}, "statements/bundle.update"
HIGHEST = {None: None, "statements/tuesday.update": 2, SITE: 3, NIGHT: 4}
WAYS = {"delta": (WEDNESDAY, "statements/tuesday.update"), "whole": ({"file": "statements/whole.update"}, None),
        "whole after a delta": (WEDNESDAY | {"serve": {"deltas/base-wednesday.delta": {"flip": 500, "bit": 1}}}, None),
        "same": ({"file": "statements/same-catalog.update"}, SITE),
        "bundle": ({"file": NIGHT}, "statements/tuesday.update"),
        "bundle, the night after": ({"file": "statements/bundle-the-night-after.update"}, NIGHT),
        "back": ({"file": "statements/back-to-the-apps-own-encoders.update"}, NIGHT)}


def fresh(tmp_path: Path, way: str, number: int) -> tuple[Device, dict]:
    """An app before an update, in a folder of its own."""
    case, in_force = WAYS[way]
    folder = tmp_path / str(number)
    folder.mkdir()
    of = app(folder, takes_bundles=True)
    put(of, in_force, HIGHEST[in_force])
    return of, case


def blocks_of(served: Folder, moment) -> device.Fetch:
    """A site that counts each block as a moment."""
    def fetch(path: str, place: int) -> tuple[int, Iterator[bytes]]:
        start, blocks = served(path, place)

        def counted() -> Iterator[bytes]:
            for block in blocks:
                moment()
                yield block
        return start, counted()

    return fetch


def updating(of: Device, case: dict):
    def work(moment) -> None:
        device.update(of, device.start(of, TODAY), blocks_of(site(case, block=100), moment), TODAY)

    return work


def stands(of: Device, case: dict, before: int) -> None:
    """A start finds the old catalog or the new one, whole, with its encoders; then an update gives the new one."""
    new = statement.opened((FOLDER / case["file"]).read_bytes(), KEYS, of.check)
    running = device.start(of, TODAY)
    running.catalog.verify()
    assert running.number in (before, new.number) and device.highest(of) >= running.number
    assert has_encoders(of, running, BUNDLE.name if running.catalog.space != of.space else None)
    made = device.update(of, running, site(case), TODAY)
    assert (made is None) == (running.number == new.number)
    running = device.start(of, TODAY)
    assert (running.number, device.highest(of)) == (new.number, new.number)
    assert bytes(running.catalog.content) == (FOLDER / new.catalog.path).read_bytes()
    assert has_encoders(of, running, BUNDLE.name if new.space != of.space else None)
    names = {path.name for path in of.folder.iterdir()}
    assert names == {of.statement.name, "highest", of.catalog(new.catalog.digest).name} | (
        {running.encoders.name} if running.encoders else set())


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_killed_at_any_moment_the_old_catalog_is_in_force_or_the_new_one(way, tmp_path):
    of, case = fresh(tmp_path, way, 0)
    before = device.start(of, TODAY).number
    count = faults.moments(updating(of, case), of.folder)
    assert count >= (20 if way == "same" else 50)
    for moment in range(1, count + 1):
        of, case = fresh(tmp_path, way, moment)
        faults.killed(updating(of, case), of.folder, moment)
        stands(of, case, before)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_on_a_full_disk_the_old_catalog_is_searched_and_a_later_update_comes(way, tmp_path):
    of, case = fresh(tmp_path, way, 0)
    count = faults.moments(updating(of, case), of.folder)
    for moment in range(1, count + 1):
        of, case = fresh(tmp_path, way, moment)

        def work(room, of=of, case=case) -> None:
            running = device.start(of, TODAY)
            try:
                device.update(of, running, site(case), TODAY)
            except UpdateError as error:
                assert error.kind in (Kind.DISK, Kind.DAMAGED), error
            running.catalog.verify()
            assert search.search(running.catalog, running.catalog.vectors(slice(0, 1))[0], 3)
            room()
            stands(of, case, device.start(of, TODAY).number)

        faults.full(work, of.folder, moment)


@pytest.mark.parametrize("way", ["delta", "whole", "whole after a delta"])
@pytest.mark.parametrize("size", [0, 1, 300, 819, 3000, 5000])
def test_a_write_that_finds_no_room_is_a_fault_of_the_disk(way, size, tmp_path):
    of, case = fresh(tmp_path, way, size)

    def work(room) -> None:
        running = device.start(of, TODAY)
        with pytest.raises(UpdateError) as caught:
            device.update(of, running, site(case), TODAY)
        assert caught.value.kind is Kind.DISK
        running.catalog.verify()
        assert state(of)[0] == running.number
        room()
        stands(of, case, running.number)

    faults.limited(work, size)


def test_killed_at_the_start_the_next_start_finds_the_same(tmp_path):
    def left(number: int) -> Device:
        of = app(tmp_path / str(number))
        of.folder.parent.mkdir()
        put(of, "statements/tuesday.update", 1)
        for name in (of.catalog("0" * 64).name, f"{'1' * 64}.made", f"{'2' * 64}.part", "shop.partial.update"):
            (of.folder / name).write_bytes(b"left")
        return of

    of = left(0)
    count = faults.moments(lambda moment: device.start(of, TODAY) and None, of.folder)
    assert count > 5
    for moment in range(1, count + 1):
        of = left(moment)
        faults.killed(lambda moment, of=of: device.start(of, TODAY) and None, of.folder, moment)
        assert state(of) == (2, 2)
        assert {path.suffix for path in of.folder.iterdir()} == {".update", ".catalog", ".part", ""}
        assert len(list(of.folder.iterdir())) == 4


def test_a_folder_that_cannot_be_written_leaves_the_bundled_catalog(tmp_path):
    (tmp_path / "state").write_bytes(b"a file where the folder should be")
    said: list[str] = []
    of = app(tmp_path, say=said.append)
    running = device.start(of, TODAY)
    assert running.number == 0 and len(said) == 1
    with pytest.raises(UpdateError) as caught:
        device.update(of, running, site(WEDNESDAY), TODAY)
    assert caught.value.kind is Kind.DISK


# Networks.

class Host(BaseHTTPRequestHandler):
    """Serves the goldens, with Range or without; every third answer ends early."""

    ranges, asked = True, 0

    def do_GET(self) -> None:
        content = (FOLDER / self.path.lstrip("/")).read_bytes()
        place = int((self.headers["Range"] or "bytes=0-")[6:-1]) if self.ranges else 0
        type(self).asked += 1
        rest = content[place:]
        self.send_response(206 if place else 200)
        if place:
            self.send_header("Content-Range", f"bytes {place}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest if self.asked % 3 else rest[:len(rest) * 2 // 3])

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal."""


def over_http(address: str, came: list[int]) -> device.Fetch:
    def fetch(path: str, place: int) -> tuple[int, Iterator[bytes]]:
        asked = Request(f"{address}/{path}", headers={"Range": f"bytes={place}-"} if place else {})
        answer = urlopen(asked, timeout=10)
        start = int(answer.headers["Content-Range"].split()[1].split("-")[0]) if answer.status == 206 else 0

        def blocks() -> Iterator[bytes]:
            with answer:
                while block := answer.read(512):
                    came.append(len(block))
                    yield block
        return start, blocks()

    return fetch


@pytest.mark.parametrize("ranges", [True, False])
def test_over_a_network_that_breaks_off_the_update_comes_in_the_end(ranges, tmp_path):
    handler = type("Handler", (Host,), {"ranges": ranges, "asked": 1})
    of, came, tries = app(tmp_path), [], 0
    (tmp_path / "state").mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            running, made = device.start(of, TODAY), None
            fetch = over_http(f"http://127.0.0.1:{server.server_port}", came)
            while made is None:
                tries += 1
                with suppress(UpdateError):
                    made = device.update(of, running, fetch, TODAY)
                assert tries < 9
        finally:
            server.shutdown()
            thread.join()
    made.in_force.catalog.verify()
    told = statement.opened((FOLDER / SITE).read_bytes(), KEYS, of.check)
    assert made.how == "delta" and tries > 1
    delta_bytes, size = told.delta_from(running.catalog.metadata["sha256"]).bytes, (FOLDER / SITE).stat().st_size
    whole = size * tries + delta_bytes
    assert (sum(came) <= whole) if ranges else (sum(came) > whole - size)


def test_a_download_goes_on_from_where_it_stopped(tmp_path):
    case, of = {"file": "statements/whole.update"}, app(tmp_path)
    running, content = device.start(of, TODAY), (FOLDER / "wednesday.catalog").read_bytes()
    with pytest.raises(UpdateError):
        device.update(of, running, site(case | {"serve": {"wednesday.catalog": {"cut": 3000}}}), TODAY)
    again = site(case)
    made = device.update(of, device.start(of, TODAY), again, TODAY)
    assert again.asked == [(SITE, 0), ("wednesday.catalog", 3000)]
    assert made.fetched == (FOLDER / case["file"]).stat().st_size + len(content) - 3000


@pytest.mark.parametrize(("part", "asked"), [(b"x" * 6000, 0), (b"x" * 100, 100)])
def test_a_part_that_is_not_the_files_beginning_is_thrown_away(part, asked, tmp_path):
    case, of = {"file": "statements/whole.update"}, app(tmp_path)
    running = device.start(of, TODAY)
    told = statement.opened((FOLDER / case["file"]).read_bytes(), KEYS, of.check)
    (of.folder / f"{told.catalog.sha256}.part").write_bytes(part)
    first = site(case)
    if asked:
        with pytest.raises(UpdateError, match="other bytes") as caught:
            device.update(of, running, first, TODAY)
        assert caught.value.kind is Kind.DAMAGED
    else:
        device.update(of, running, first, TODAY)
    assert first.asked[1] == ("wednesday.catalog", asked)
    stands(of, case, 0)


def test_a_server_that_begins_elsewhere_is_a_fault_of_the_network(tmp_path):
    of = app(tmp_path)
    with pytest.raises(UpdateError, match="another part") as caught:
        device.update(of, device.start(of, TODAY), lambda path, place: (
            0 if path == SITE else place + 1, site(WEDNESDAY)(path, place)[1]), TODAY)
    assert caught.value.kind is Kind.NETWORK


# Bundles.

def bundle_app(tmp_path: Path, in_force: str | None = None, **options) -> tuple[Device, InForce]:
    """An app that takes bundles, and what is in force."""
    of = app(tmp_path, takes_bundles=True, **options)
    put(of, in_force, HIGHEST[in_force])
    return of, device.start(of, TODAY)


def bundle() -> PublishedBundle:
    """That of the golden statement."""
    told = statement.parsed((FOLDER / NIGHT).read_bytes()[64:]).manifest
    assert told is not None
    return told


def of_bundle(served: Folder) -> list[tuple[str, int]]:
    """What was asked of the bundle: paths in its folder, and places."""
    return [(path.removeprefix("bundle/"), place) for path, place in served.asked if path.startswith("bundle/")]


def fails(of: Device, running: InForce, kind: Kind, serve: dict, file: str = NIGHT) -> Folder:
    """An update that does not come."""
    served = site({"file": file, "serve": serve}, block=7)
    with pytest.raises(UpdateError) as caught:
        device.update(of, running, served, TODAY)
    assert caught.value.kind is kind
    return served


def test_a_bundle_goes_on_file_by_file_from_where_it_stopped(tmp_path):
    of, running = bundle_app(tmp_path)
    names = ["manifest.json", *(bundle().inside(file) for file in bundle().files)]
    third = bundle().files[2]
    for there, cut in ((0, 70), (70, 110)):
        served = fails(of, running, Kind.NETWORK, {third.path: {"cut": cut}})
        assert of_bundle(served) == [*((name, 0) for name in names[:3] if not there), (names[3], there)]
        running = device.start(of, TODAY)                    # which keeps what came
    made = device.update(of, running, last := site({"file": NIGHT}), TODAY)
    assert of_bundle(last) == [(names[3], 110), (names[4], 0), (names[5], 0)]
    assert has_encoders(of, made.in_force, BUNDLE.name)
    assert made.fetched == files.size(FOLDER / NIGHT) + files.size(FOLDER / "foreign.catalog") + (
        third.bytes - 110) + sum(file.bytes for file in bundle().files[3:])


def test_no_catalog_is_fetched_after_a_bundle_of_another_space(tmp_path):
    of, running = bundle_app(tmp_path)
    served = fails(of, running, Kind.DAMAGED, {}, "statements/bundle-of-a-third-space.update")
    assert len(of_bundle(served)) == INSIDE and served.asked[-1][0].startswith("bundle/")


def test_a_damaged_file_of_a_bundle_costs_itself_alone(tmp_path):
    of, running = bundle_app(tmp_path)
    fails(of, running, Kind.DAMAGED, {bundle().files[2].path: {"flip": 5, "bit": 1}})
    assert not list(of.folder.glob("*[!e].part"))
    made = device.update(of, device.start(of, TODAY), last := site({"file": NIGHT}), TODAY)
    assert len(of_bundle(last)) == INSIDE - 3 and has_encoders(of, made.in_force, BUNDLE.name)


def test_a_file_that_changed_while_its_bundle_was_fetched_costs_the_whole_bundle(tmp_path):
    of, running = bundle_app(tmp_path)
    fails(of, running, Kind.NETWORK, {bundle().files[2].path: None})
    path = of.folder / f"{bundle().sha256}.bundle.part" / bundle().inside(bundle().files[1])
    path.write_bytes(path.read_bytes().swapcase())
    last = fails(of, running, Kind.DAMAGED, {})
    assert len(of_bundle(last)) == INSIDE - 3 and not list(of.folder.glob("*.part"))
    made = device.update(of, running, last := site({"file": NIGHT}), TODAY)
    assert len(of_bundle(last)) == INSIDE and has_encoders(of, made.in_force, BUNDLE.name)


def test_nothing_of_a_bundle_that_is_there_is_fetched_again(tmp_path):
    of, running = bundle_app(tmp_path)
    fails(of, running, Kind.NETWORK, {"foreign.catalog": None})
    made = device.update(of, running, first := site({"file": NIGHT}), TODAY)
    night = {"file": "statements/bundle-the-night-after.update"}
    after = device.update(of, made.in_force, second := site(night), TODAY)
    assert of_bundle(first) == of_bundle(second) == []
    assert (made.how, after.how) == ("whole", "delta") and has_encoders(of, after.in_force, BUNDLE.name)
    assert after.in_force.catalog.space == made.in_force.catalog.space != of.space


def test_a_bundle_that_is_there_and_not_whole_is_fetched_anew(tmp_path):
    of, running = bundle_app(tmp_path)
    fails(of, running, Kind.NETWORK, {"foreign.catalog": None})
    (encoders_of(of, BUNDLE.name) / "text.tflite").write_bytes(b"short")
    made = device.update(of, running, served := site({"file": NIGHT}), TODAY)
    assert len(of_bundle(served)) == INSIDE and has_encoders(of, made.in_force, BUNDLE.name)


@pytest.mark.parametrize("takes", [True, False])
def test_an_app_of_the_statements_space_fetches_nothing_of_its_bundle(takes, tmp_path):
    of = app(tmp_path, takes_bundles=takes)
    served = site({"file": "statements/own-space-with-a-bundle.update"})
    made = device.update(of, device.start(of, TODAY), served, TODAY)
    assert served.asked == [(SITE, 0), ("tuesday.delta", 0)] and made.in_force.encoders is None
    assert not list(of.folder.glob("*.bundle*"))


def test_the_running_encoders_stay_until_the_next_start(tmp_path):
    of, running = bundle_app(tmp_path, NIGHT)
    made = device.update(of, running, site({"file": "statements/back-to-the-apps-own-encoders.update"}), TODAY)
    assert has_encoders(of, running, BUNDLE.name) and made.in_force.encoders is None
    assert device.start(of, TODAY).encoders is None and not encoders_of(of, BUNDLE.name).exists()


@pytest.mark.parametrize("file", [NIGHT, "statements/bundle-the-night-after.update"])
def test_what_a_download_left_of_another_bundle_goes_when_there_is_nothing_to_do_or_all_is_done(file, tmp_path):
    of, running = bundle_app(tmp_path, NIGHT)
    left = of.folder / f"{'3' * 64}.bundle.part"
    (left / "inner").mkdir(parents=True)
    (left / "inner" / "a").write_bytes(b"left")
    assert device.start(of, TODAY) and left.exists()
    assert (device.update(of, running, site({"file": file}), TODAY) is None) == (file == NIGHT)
    assert not left.exists()


def test_a_delta_from_a_catalog_of_another_space_is_not_fetched(tmp_path):
    of, running = bundle_app(tmp_path, check=lambda key, message, signature: True)
    told = statement.parsed((FOLDER / NIGHT).read_bytes()[64:])
    small = statement.parsed(TUESDAY[64:]).deltas
    served = Folder(FOLDER, {SITE: bytes(64) + statement.text(dataclasses.replace(told, deltas=small))})
    assert device.update(of, running, served, TODAY).how == "whole"
    assert small[0].base == running.catalog.metadata["sha256"]
    assert small[0].path not in [path for path, _ in served.asked]


def test_the_statement_beside_the_apps_own_catalog_is_of_the_apps_own_space(tmp_path):
    of = app(tmp_path, bundled="statements/bundle-with-the-running-catalog.update", takes_bundles=True)
    with pytest.raises(StatementError, match="beside the bundled catalog"):
        device.start(of, TODAY)


def test_killed_while_it_is_given_up_the_update_is_in_force_or_the_apps_own(tmp_path):
    def work(of: Device):
        return lambda moment: device.roll_back(of, device.start(of, TODAY), "no such operator", TODAY) and None

    folder = tmp_path / "0"
    folder.mkdir()
    of = bundle_app(folder, NIGHT)[0]
    count = faults.moments(work(of), of.folder)
    assert count > 20
    found = set()
    for moment in range(1, count + 1):
        (tmp_path / str(moment)).mkdir()
        of = bundle_app(tmp_path / str(moment), NIGHT)[0]
        faults.killed(work(of), of.folder, moment)
        running = device.start(of, TODAY)
        assert has_encoders(of, running, BUNDLE.name if running.number else None)
        found.add((running.number, device.highest(of)))
    assert found == {(4, 4), (0, 4), (0, 5)}


def test_a_statement_that_cannot_be_deleted_is_a_fault_of_the_disk(tmp_path):
    of, running = bundle_app(tmp_path, NIGHT)
    of.statement.unlink()
    of.statement.mkdir()
    with pytest.raises(UpdateError) as caught:
        device.roll_back(of, running, "no such operator", TODAY)
    assert caught.value.kind is Kind.DISK


# Swaps.

@pytest.mark.slow
def test_each_search_during_swaps_is_answered_by_one_version_wholly(tmp_path, repetitions):
    days = [open_catalog(FOLDER / f"{day}.catalog") for day in ("base", "tuesday", "wednesday")]
    asked = days[0].vectors(slice(3, 4))[0]

    def answer(catalog) -> list:
        return [(catalog.record(hit.product), hit.score) for hit in search.search(catalog, asked, 50)]

    expected, of = [answer(catalog) for catalog in days], app(tmp_path)
    assert expected[0] != expected[1] != expected[2] != expected[0]
    running, searches, wrong = [device.start(of, TODAY)], [0], []

    def searching() -> None:
        while searches[0] < repetitions(10_000):
            found = answer(running[0].catalog)
            searches[0] += 1
            if found not in expected:
                wrong.append(found)

    threads = [Thread(target=searching) for _ in range(2)]
    for thread in threads:
        thread.start()
    swaps = 0
    while any(thread.is_alive() for thread in threads):
        shutil.rmtree(of.folder)                 # as a new app; what is mapped stays
        running[0] = device.start(of, TODAY)
        for case in ({"file": "statements/tuesday.update"}, WEDNESDAY):
            running[0] = device.update(of, running[0], site(case), TODAY).in_force
            device.start(of, TODAY)
            swaps += 1
    assert not wrong and swaps > 2 and searches[0] >= repetitions(10_000)
