"""What a shop publishes every night: files for a static host, a number that rises, a signature, and what it keeps."""

import base64
import dataclasses
import json
import random
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from catalog_builder import update_goldens
from catalog_builder.__main__ import main
from catalog_builder.catalog.reader import Catalog, CatalogError, open_catalog
from catalog_builder.update_goldens import bundle_cases, days, overlays
from catalog_builder.updates import device, p256, publish, signing, statement
from catalog_builder.updates.device import Device, UpdateError
from catalog_builder.updates.publish import Published, PublishRequest
from catalog_builder.updates.statement import StatementError
from export.artifacts import manifest
from export.artifacts.manifest import CatalogFile
from export.common import files
from export.common.errors import InputError
from tests import faults
from tests.conftest import ROOT
from tests.test_delta import SPACE, Shop, shop
from tests.test_light import LOCK, WHOLE, pins
from tests.test_statement import FOLDER
from tests.test_updates import Folder

TODAY = date(2026, 11, 26)
PRODUCTS, REPRICED = 150, 3
needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")


@dataclasses.dataclass(frozen=True)
class Pair:
    """A key pair."""

    pem: Path
    public: str

    @property
    def command(self) -> str:
        """Signs what it gets on stdin."""
        return f"openssl dgst -sha256 -sign {self.pem}"


def openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], capture_output=True, check=True).stdout


def pair_in(path: Path) -> Pair:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path))
    return Pair(path, base64.b64encode(openssl("pkey", "-in", str(path), "-pubout", "-outform", "DER")).decode())


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Pair:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    return pair_in(tmp_path_factory.mktemp("key") / "key.pem")


@pytest.fixture(scope="module")
def nights(tmp_path_factory) -> list[Path]:
    """Catalogs of a shop on twelve nights, each over the one before: some prices change, a product comes."""
    folder, chance = tmp_path_factory.mktemp("nights"), random.Random(20)
    day, base, made = shop(chance, PRODUCTS), None, []
    for number in range(12):
        path = folder / f"{number}.catalog"
        base = day.written(path, base)
        made.append(path)
        day = later(chance, day)
    return made


def later(chance: random.Random, day: Shop) -> Shop:
    """The shop a day later."""
    changed = chance.sample(range(len(day.products)), REPRICED)
    return dataclasses.replace(day, products=[
        dataclasses.replace(one, price=chance.randrange(1, 10**6)) if place in changed else one
        for place, one in enumerate(day.products)])


def quiet(name: str) -> None:
    """Takes the name of a step."""


def published(catalog: Path, out: Path, **options) -> Published:
    return publish.publish(PublishRequest(catalog, out, TODAY, **options), quiet)


def signed(out: Path, by: Pair, **options):
    return publish.sign(out, options.pop("name", "shop"), signing.by_command(by.command),
                        options.pop("keys", [by.public]), quiet)


def app(folder: Path, bundled: Path, by: Pair) -> Device:
    return Device(folder, "shop", SPACE, bundled, [by.public], say=lambda line: None)


def fetched(of: Device, out: Path) -> device.Updated | None:
    return device.update(of, device.start(of, TODAY), Folder(out, {}), TODAY)


# Nights.

def test_every_night_a_device_of_any_of_the_last_nights_fetches_a_delta(nights, pair, tmp_path):
    out = tmp_path / "site"
    devices: list[Device] = []
    for number, night in enumerate(nights):
        done = published(night, out, keep_last=3)
        assert done.statement.number == number + 1 and len(done.statement.deltas) == min(number, 3)
        assert not done.left_out
        assert signed(out, pair) == done.statement and not done.unsigned.exists()
        for of in devices:
            made = fetched(of, out)
            assert (made.in_force.number, made.how) == (number + 1, "delta")
            assert bytes(made.in_force.catalog.content) == night.read_bytes()
        devices.append(app(tmp_path / f"app{number}", night, pair))
    late = [app(tmp_path / f"late{number}", night, pair) for number, night in enumerate(nights)]
    hows = [made and made.how for made in (fetched(of, out) for of in late)]
    assert hows == ["whole"] * 8 + ["delta"] * 3 + ["same"]


def test_what_no_statement_names_is_deleted_and_nothing_else(nights, pair, tmp_path):
    out = tmp_path / "site"
    out.mkdir()
    (out / "index.html").write_text("the shop's own")
    for night in nights[:6]:
        before = publish.in_force(out, "shop")
        done = published(night, out, keep_last=2)
        for told in (done.statement, *([before] if before else [])):
            for file in told.files:          # a device that read the older statement still finds its files
                assert files.sha256(out / file.path) == file.sha256
        signed(out, pair)
    names = {path.name for path in out.iterdir()}
    assert {"index.html", "shop.update"} < names
    assert sorted(name.split("-")[1] for name in names if name.endswith(".catalog")) == ["4", "5", "6"]
    assert {tuple(name.split("-")[1:3]) for name in names if name.endswith(".delta")} == {
        ("4", "6"), ("5", "6"), ("3", "5"), ("4", "5")}


def test_the_same_catalog_again_copies_nothing(nights, pair, tmp_path):
    out = tmp_path / "site"
    for night in (nights[0], nights[1]):
        published(night, out)
        signed(out, pair)
    of = app(tmp_path / "app", nights[0], pair)
    assert fetched(of, out).how == "delta"
    done = published(nights[1], out, valid_days=30)
    assert (done.statement.number, done.statement.not_after) == (3, "2026-12-26")
    signed(out, pair)
    assert len(list(out.glob("*.catalog"))) == 2 and fetched(of, out).how == "same"
    back = published(nights[0], out)         # going back on purpose is a higher number
    assert back.statement.number == 4
    signed(out, pair)
    assert len(list(out.glob("*.catalog"))) == 2
    assert fetched(of, out).in_force.catalog.metadata["sha256"] == back.statement.catalog.digest


def test_a_delta_over_half_of_the_file_and_a_list_in_another_order_are_left_out_with_a_word(pair, tmp_path):
    out, chance = tmp_path / "site", random.Random(3)
    day = shop(chance, 20)
    base = day.written(tmp_path / "0.catalog")
    published(tmp_path / "0.catalog", out)
    signed(out, pair)
    fewer = dataclasses.replace(day, products=day.products[1:])
    fewer.written(tmp_path / "1.catalog", base)
    moved = dataclasses.replace(day, products=day.products[::-1])
    moved.written(tmp_path / "2.catalog")
    for name, says in (("1", "too large.*half of the file"), ("2", "differ in space, mean or kind|in another order")):
        done = published(tmp_path / f"{name}.catalog", out)
        assert not done.statement.deltas and len(done.left_out) == 1
        assert re.search(says, done.left_out[0])
    assert not list(out.glob("*.delta"))


def test_a_damaged_older_catalog_gives_no_delta_and_stops_nothing(nights, pair, tmp_path):
    out = tmp_path / "site"
    for night in nights[:2]:
        published(night, out)
        signed(out, pair)
    [first] = out.glob("shop-1-*.catalog")
    first.write_bytes(first.read_bytes()[:500])
    [second] = out.glob("shop-2-*.catalog")
    flipped = bytearray(second.read_bytes())
    flipped[-1] ^= 1
    second.write_bytes(flipped)
    done = published(nights[2], out)
    assert not done.statement.deltas
    assert [line.split(":")[0] for line in done.left_out] == ["no delta from number 2", "no delta from number 1"]


# Numbers.

def test_a_statement_that_is_published_many_times_and_signed_once_keeps_its_bases(nights, pair, tmp_path):
    out = tmp_path / "site"
    for night in nights[:3]:
        published(night, out, keep_last=2)
        signed(out, pair)
    for night in nights[3:8]:
        done = published(night, out, keep_last=2)
        assert (done.statement.number, len(done.statement.deltas)) == (4, 2)
    assert len(list(out.glob("shop-4-*.catalog"))) == 1
    assert signed(out, pair) == done.statement


def test_a_number_rises_or_is_refused(nights, pair, tmp_path):
    out = tmp_path / "site"
    assert published(nights[0], out, number=412).statement.number == 412
    signed(out, pair)
    for number in (412, 411, 0, 2**53):
        with pytest.raises(InputError, match="does not rise.*expected 413 or more"):
            published(nights[1], out, number=number)
    assert published(nights[1], out).statement.number == 413
    assert published(nights[2], out).statement.number == 413       # the other was never signed
    signed(out, pair)
    published(nights[3], out)
    replayed = out / "shop.update.unsigned"
    replayed.write_bytes(statement.text(dataclasses.replace(statement.parsed(replayed.read_bytes()), number=413)))
    with pytest.raises(InputError, match="does not rise.*expected more than 413; found 413"):
        signed(out, pair)


@pytest.mark.parametrize(("options", "says"), [
    ({"name": "a b"}, "no name of an update"), ({"name": "../shop"}, "no name"), ({"keep_last": -1}, "older catalogs"),
    ({"keep_last": 101}, "expected 0 to 100"), ({"valid_days": -1}, "days"), ({"valid_days": 10**9}, "days")])
def test_what_cannot_be_published_is_refused_in_one_line_before_anything_is_written(options, says, nights, tmp_path):
    with pytest.raises(InputError, match=says) as caught:
        published(nights[0], tmp_path / "site", **options)
    assert len(str(caught.value).splitlines()) == 1 and not (tmp_path / "site").exists()


def test_a_damaged_catalog_is_not_published(nights, tmp_path):
    flipped = bytearray(nights[0].read_bytes())
    flipped[-1] ^= 1
    (tmp_path / "a.catalog").write_bytes(flipped)
    with pytest.raises(CatalogError, match="damaged"):
        published(tmp_path / "a.catalog", tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_foreign_or_damaged_statement_in_the_folder_is_refused_by_name(nights, pair, tmp_path):
    out = tmp_path / "site"
    published(nights[0], out)
    signed(out, pair)
    path = out / "shop.update"
    whole = path.read_bytes()
    with pytest.raises(StatementError, match=f"of no known key.*{path}"):
        published(nights[1], out, public_keys=[pair_in(tmp_path / "other.pem").public])
    path.write_bytes(whole[:100])
    with pytest.raises(StatementError, match=f"no statement of an update.*{path}"):
        published(nights[1], out)
    shutil.copy(FOLDER / "statements" / "foreign-name.update", path)
    with pytest.raises(StatementError, match="of another name.*expected shop; found shoes"):
        published(nights[1], out)


# Signing.

def test_what_was_changed_since_is_not_signed(nights, pair, tmp_path):
    out = tmp_path / "site"
    published(nights[0], out)
    signed(out, pair)
    published(nights[1], out)
    for path in (next(out.glob("*.delta")), next(out.glob("shop-2-*.catalog"))):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(InputError, match=f"not what the statement says in {path}"):
            signed(out, pair)
        path.write_bytes(whole)
    assert publish.in_force(out, "shop").number == 1
    base = next(out.glob("shop-1-*.catalog"))
    base.rename(base.with_suffix(".away"))
    with pytest.raises(InputError, match="a delta from a catalog that is not there"):
        signed(out, pair)
    base.with_suffix(".away").rename(base)
    assert signed(out, pair).number == 2


def test_another_key_than_the_apps_signs_nothing(nights, pair, tmp_path):
    out, other = tmp_path / "site", pair_in(tmp_path / "other.pem")
    published(nights[0], out)
    with pytest.raises(StatementError, match="of no known key"):
        signed(out, other, keys=[pair.public])
    assert not (out / "shop.update").exists() and (out / "shop.update.unsigned").exists()
    signed(out, other, keys=[pair.public, other.public])


def test_a_second_key_takes_over(nights, pair, tmp_path):
    """An app of now and next takes what either signs; so the key changes without a day on which nothing comes."""
    out, following = tmp_path / "site", pair_in(tmp_path / "next.pem")
    of = dataclasses.replace(app(tmp_path / "app", nights[0], pair), keys=[pair.public, following.public])
    for night, by in ((nights[1], pair), (nights[2], following)):
        published(night, out)
        signed(out, by, keys=of.keys)
        assert fetched(of, out).in_force.catalog.path.exists()
    stale = app(tmp_path / "stale", nights[0], pair)
    with pytest.raises(device.UpdateError, match="of no known key"):
        fetched(stale, out)


@pytest.mark.parametrize(("command", "says"), [
    ("false", "the signing command failed in false; found 1"), ("cat", "answered no signature"),
    ("no-such-command", "does not run"), ("'", "does not run"),
    ("sh -c 'echo what is wrong >&2; exit 3'", "failed in .*; found what is wrong")])
def test_a_command_that_does_not_sign_is_one_line(command, says):
    with pytest.raises(InputError, match=says) as caught:
        signing.by_command(command)(b"message")
    assert len(str(caught.value).splitlines()) == 1


def test_a_command_may_answer_64_bytes(pair, tmp_path):
    raw = signing.by_command(pair.command)(b"message")
    (tmp_path / "signature").write_bytes(raw)
    assert signing.by_command(f"cat {tmp_path / 'signature'}")(b"message") == raw
    assert p256.holds(pair.public, b"message", raw)


# Kills.

@pytest.mark.slow
@pytest.mark.parametrize("bundled", [False, True])
def test_killed_at_any_moment_a_site_has_the_old_statement_whole_or_the_new_one(bundled, nights, pair, tmp_path):
    before, bundle = tmp_path / "before", part_of(tmp_path / "part", nights[1]) if bundled else None
    published(nights[0], before)
    signed(before, pair)
    message = []

    def at(moment: int) -> Path:
        out = tmp_path / f"site{moment}"
        shutil.copytree(before, out)
        return out

    def work(out: Path) -> Callable:
        def run(_) -> None:
            published(nights[1], out, bundle=bundle)
            publish.sign(out, "shop", lambda text: message[0] if message else signing.by_command(pair.command)(text),
                         [pair.public], quiet)
        return run

    out = at(0)
    count = faults.moments(work(out), out)
    message.append((out / "shop.update").read_bytes()[:64])
    assert count > (50 if bundled else 20)
    for moment in range(1, count + 1):
        out = at(moment)
        faults.killed(work(out), out, moment)
        told = publish.in_force(out, "shop", [pair.public])
        publish.check(out, told)
        assert told.number in (1, 2)
        made = fetched(app(tmp_path / f"app{moment}", nights[0], pair), out)
        assert made.in_force.number == told.number and made.how == ("same" if told.number == 1 else "delta")
        if told.number == 1:
            work(out)(None)
        assert publish.in_force(out, "shop", [pair.public]).number == 2


# Bundles.

def part_of(folder: Path, night: Path) -> Path:
    """A platform's part of a made-up bundle, with an encoder that is a folder; its catalog is this night's."""
    shutil.copytree(FOLDER / "bundle", folder)
    shutil.copyfile(night, folder / "shop.catalog")
    catalog = open_catalog(night)
    beside = CatalogFile("shop.catalog", catalog.metadata["sha256"], len(catalog.content))
    manifest.write(folder, dataclasses.replace(manifest.read(folder), space=catalog.space, catalog=beside))
    return folder


def bundle_site(folder: Path, night: Path, by: Pair) -> tuple[Path, Published]:
    """A site with a catalog of other encoders, then a night's with a bundle, in force."""
    out = folder / "site"
    published(FOLDER / "base.catalog", out)
    signed(out, by)
    done = published(night, out, bundle=part_of(folder / "part", night))
    signed(out, by)
    return out, done


def other_app(folder: Path, by: Pair, takes: bool = True) -> Device:
    """An app whose own encoders are of another space than the nights'."""
    return Device(folder, "shop", days.SPACE, FOLDER / "base.catalog", [by.public], say=lambda line: None,
                  takes_bundles=takes)


def test_a_bundle_and_the_nights_after_it_reach_an_app_of_other_encoders(nights, pair, tmp_path):
    out, done = bundle_site(tmp_path, nights[0], pair)
    told, part = done.statement, tmp_path / "part"
    assert not told.deltas and not done.left_out              # the older catalog is of another space
    assert [told.manifest.inside(file) for file in told.manifest.files] == [
        "tokenizer.safetensors", "image.mlpackage/Data/weights/weight.bin", "image.mlpackage/Manifest.json",
        "text.tflite", "LICENSE_WEIGHTS"]
    of = other_app(tmp_path / "app", pair)
    running = fetched(of, out).in_force
    (part / "shop.catalog").unlink()
    assert files.sha256(running.encoders) == files.sha256(part)
    for number, night in enumerate(nights[1:4], 3):
        after = published(night, out)
        assert after.statement.manifest == told.manifest and not after.left_out
        assert len(after.statement.deltas) == number - 2      # from each of the same space, and no other
        signed(out, pair)
        served = Folder(out, {})
        made = device.update(of, running, served, TODAY)
        assert made.how == "delta" and not [path for path, _ in served.asked if "bundle" in path]
        assert (made.in_force.number, made.in_force.encoders) == (number, running.encoders)
        running = made.in_force
    assert device.start(of, TODAY).number == 5
    own = app(tmp_path / "own", nights[0], pair)              # of the nights' own space: it needs no bundle
    assert (fetched(own, out).in_force.encoders, list(own.folder.glob("*.bundle*"))) == (None, [])
    with pytest.raises(UpdateError, match="which this app does not take"):
        fetched(other_app(tmp_path / "strict", pair, takes=False), out)


def test_a_bundle_that_is_left_out_goes_with_the_statement_that_named_it(nights, pair, tmp_path):
    out, done = bundle_site(tmp_path, nights[0], pair)
    folder = (out / done.statement.manifest.path).parent
    assert published(nights[1], out, carry_on=False).statement.manifest is None
    signed(out, pair)
    assert folder.is_dir()                                   # a device that read the older statement still finds it
    assert published(nights[2], out).statement.manifest is None and not folder.exists()


def test_a_catalog_of_another_space_than_the_bundles_goes_without_it_and_with_a_word(nights, pair, tmp_path):
    out, _ = bundle_site(tmp_path, nights[0], pair)
    done = published(FOLDER / "base.catalog", out)
    assert done.statement.manifest is None and done.statement.space == days.SPACE
    assert any(line.startswith("no encoders: the catalog is of another") for line in done.left_out)


def test_a_manifest_of_an_earlier_version_gets_its_files_the_night_after(nights, pair, tmp_path):
    out, done = bundle_site(tmp_path, nights[0], pair)
    told = dataclasses.replace(done.statement, manifest=dataclasses.replace(done.statement.manifest, files=()))
    with pytest.raises(InputError, match="a file of the bundle that the statement does not name"):
        publish.check(out, told)
    (out / "shop.update").write_bytes(bytes(64) + statement.text(told))
    assert published(nights[1], out).statement.manifest == done.statement.manifest


def test_a_bundle_that_changed_in_the_folder_is_not_published_again(nights, pair, tmp_path):
    out, done = bundle_site(tmp_path, nights[0], pair)
    for file in (*done.statement.manifest.files, done.statement.manifest):
        path = out / file.path
        content = path.read_bytes()
        path.write_bytes(content.swapcase())
        with pytest.raises(InputError, match="not what the statement says"):
            published(nights[1], out)
        path.unlink()
        with pytest.raises(InputError, match="not what the statement says"):
            publish.check(out, done.statement)
        path.write_bytes(content)
    publish.check(out, done.statement)
    with pytest.raises(InputError, match="a bundle of another embedding space"):
        publish.check(out, dataclasses.replace(
            done.statement, space=days.SPACE, deltas=(), catalog=publish.PublishedCatalog(
                **publish.file_in(out, next(out.glob("shop-1-*.catalog"))),
                digest=open_catalog(FOLDER / "base.catalog").metadata["sha256"])))


def test_a_bundle_of_another_night_or_a_damaged_one_is_refused(nights, tmp_path):
    part = part_of(tmp_path / "part", nights[0])
    with pytest.raises(InputError, match="a bundle of another catalog.*remedy: make bundle"):
        published(nights[1], tmp_path / "site", bundle=part)
    (part / "image.mlpackage" / "more").write_bytes(b"x")
    with pytest.raises(InputError, match="a damaged bundle"):
        published(nights[0], tmp_path / "site", bundle=part)
    assert not (tmp_path / "site").exists()


def test_the_command_takes_a_bundle_carries_it_on_and_leaves_it_out(nights, pair, tmp_path, capsys):
    out, part = tmp_path / "site", part_of(tmp_path / "part", nights[0])
    size = sum(files.size(path) for path in part.iterdir() if path.name != "shop.catalog")
    for number, (options, named) in enumerate(((["--bundle", str(part)], True), ([], True),
                                               (["--bundle", "none"], False), ([], False))):
        assert main(["publish", "--out", str(out), "--catalog", str(nights[number]), *options]) == 0
        said = capsys.readouterr().out.replace("\n", " ")
        assert (f"6 files, {size:,} bytes" in said) == named
        signed(out, pair)
        assert bool(publish.in_force(out, "shop").manifest) == named


@pytest.fixture(scope="module")
def part(gated, tmp_path_factory) -> Path:
    """The web's part of a bundle of the demo, with a small catalog of its space."""
    folder = tmp_path_factory.mktemp("bundle")
    space = json.loads((gated[0] / "manifest.json").read_text())["space"]
    content = days.written(folder / "a.catalog", days.monday(), None, space)
    assert main(["bundle", "--dist", str(gated[0].parent), "--catalog", str(content.path), "--platforms", "web",
                 "--out", str(folder / "bundle")]) == 0
    return folder / "bundle" / "web"


def test_new_encoders_come_with_their_catalog(part, pair, tmp_path):
    out = tmp_path / "site"
    published(FOLDER / "base.catalog", out)
    signed(out, pair)
    done = published(part / "shop.catalog", out, bundle=part)
    told = done.statement
    assert not told.deltas and not done.left_out              # the older catalog is of another space
    folder = (out / told.manifest.path).parent
    assert {path.name for path in folder.iterdir()} == {path.name for path in part.iterdir()} - {"shop.catalog"}
    assert {"LICENSE_WEIGHTS", "text.tflite"} < {told.manifest.inside(file) for file in told.manifest.files}
    assert (folder / "manifest.json").read_bytes() == (part / "manifest.json").read_bytes()
    signed(out, pair)
    (folder / "text.tflite").write_bytes(b"other")
    with pytest.raises(InputError, match="not what the statement says"):
        publish.check(out, told)
    with pytest.raises(InputError, match="a bundle of another catalog.*remedy: make bundle"):
        published(FOLDER / "base.catalog", out, bundle=part)


# The commands.

@pytest.mark.parametrize("text", ["", "x", "no-such-file"])
def test_what_is_no_public_key_is_refused(text, tmp_path):
    with pytest.raises(InputError, match="no public key"):
        signing.public_keys(text)
    assert len(signing.public_keys(str(FOLDER / "key.txt"))) == 2


def test_the_commands_publish_and_sign(nights, pair, tmp_path, capfd):
    out = tmp_path / "site"
    publishing = ["publish", "--out", str(out), "--name", "kiosk", "--public-key", pair.public, "--valid-days", "7"]
    for night in nights[:2]:
        assert main([*publishing, "--catalog", str(night)]) == 0
        assert main(["sign", "--out", str(out), "--name", "kiosk", "--command", pair.command,
                     "--public-key", pair.public]) == 0
    said = capfd.readouterr()
    assert "kiosk, number 2, prices until " in said.out and "[2/3] delta from number 1" in said.err
    assert f"in force: {out / 'kiosk.update'}, number 2" in said.out
    assert main(["sign", "--out", str(out), "--name", "kiosk", "--command", pair.command]) == 2
    assert main(["sign", "--out", str(out)]) == 2
    assert main(["publish", "--out", str(out), "--catalog", str(tmp_path / "none")]) == 2
    for line in capfd.readouterr().err.splitlines():
        assert line.startswith(("catalog_builder: ", "["))


def test_a_command_without_a_public_key_says_that_nothing_was_checked(nights, pair, tmp_path, capsys):
    published(nights[0], tmp_path / "site")
    assert main(["sign", "--out", str(tmp_path / "site"), "--command", pair.command]) == 0
    assert "was not checked" in capsys.readouterr().out


def test_a_key_file_signs_and_is_never_written_over(nights, tmp_path, capsys):
    pytest.importorskip("cryptography", reason="make key installs it")
    key, out = tmp_path / "keys" / "key.pem", tmp_path / "site"
    assert main(["key", str(key)]) == 0
    public, whole = capsys.readouterr().out.strip(), key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and p256.point(public)
    assert main(["key", str(key)]) == 2 and key.read_bytes() == whole
    assert "never written over" in capsys.readouterr().err
    assert main(["key", "--public", str(key)]) == 0 and capsys.readouterr().out.strip() == public
    published(nights[0], out)
    assert main(["sign", "--out", str(out), "--key", str(key)]) == 0
    assert publish.in_force(out, "shop", [public]).number == 1
    for content in (b"", b"-----BEGIN PRIVATE KEY-----", whole[:100]):
        (tmp_path / "bad.pem").write_bytes(content)
        assert main(["sign", "--out", str(out), "--key", str(tmp_path / "bad.pem")]) == 2
    assert main(["sign", "--out", str(out), "--key", str(tmp_path / "none.pem")]) == 2
    assert all(line.startswith("catalog_builder: ") for line in capsys.readouterr().err.splitlines()
               if not line.startswith("["))


@needs_openssl
def test_a_key_of_another_curve_or_kind_is_refused(tmp_path):
    pytest.importorskip("cryptography", reason="make key installs it")
    for number, arguments in enumerate((("EC", "-pkeyopt", "ec_paramgen_curve:P-384"), ("ED25519",))):
        path = tmp_path / f"{number}.pem"
        openssl("genpkey", "-algorithm", *arguments, "-out", str(path))
        with pytest.raises(InputError, match="no key that the apps know"):
            signing.read_key(path)
    locked = tmp_path / "locked.pem"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", "pass:x", "-out",
            str(locked))
    with pytest.raises(InputError, match="no key in .*without a password"):
        signing.read_key(locked)


def test_without_the_package_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(InputError, match="cryptography is not there.*remedy: make key"):
        signing.new_key()


def test_the_signing_lock_clashes_with_neither_environment_and_names_no_address():
    lock = ROOT / "requirements-publish.lock"
    own = pins(lock)
    assert set(own) == {"cryptography", "cffi", "pycparser"}
    assert all(pins(other).get(name, version) == version for other in (LOCK, WHOLE) for name, version in own.items())
    assert "http" not in lock.read_text() and f'"cryptography=={own["cryptography"]}"' in (
        ROOT / "pyproject.toml").read_text()


# The goldens.

def test_the_goldens_but_for_their_signatures_can_be_made_anew(tmp_path):
    made: dict[str, Catalog] = days.write(tmp_path / "updates")
    overlays.write(tmp_path / "updates" / overlays.NAME, made)
    bundle_cases.write_bundle(tmp_path / "updates")
    paths = files.files_of(tmp_path / "updates")
    assert len(paths) > 12 and update_goldens.__doc__
    for path in paths:
        assert path.read_bytes() == (FOLDER / path.relative_to(tmp_path / "updates")).read_bytes(), path
    assert open_catalog(FOLDER / "base.catalog").products == days.COUNT
