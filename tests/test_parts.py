"""A list's pictures in parts, on any machines: every picture in one part, the same bytes as on one, nothing lost."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from catalog_builder.__main__ import main
from catalog_builder.builder.store import EMBEDDINGS, TABLES, VERSION, Store
from catalog_builder.machines.merge import LAST_BITS, merge
from catalog_builder.machines.parts import Part, parts_beside
from export.common.errors import InputError
from tests.conftest import ROOT
from tests.test_build import few, made, refusal


@pytest.fixture(scope="module")
def dist(gated) -> Path:
    """The demo model, its gate green."""
    folder, answer = gated
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return folder


def store(path, vectors, fault=None, engine="e"):
    """A store with these vectors by picture."""
    with closing(Store(path, engine, "")) as kept:
        for picture, vector in vectors.items():
            kept.keep(picture, vector, fault, None)
            kept.keep_file(f"{picture}.jpg", 1, 1, picture)
    return path


def test_every_picture_is_in_exactly_one_part():
    names = [f"pictures/{number}.jpg" for number in range(4000)] + ["ä/靴.png", "../x.jpg"]
    for count in (1, 2, 3, 16):
        held = [[name for name in names if Part(number, count).holds(name)] for number in range(1, count + 1)]
        assert sorted(name for part in held for name in part) == sorted(names)
        assert min(map(len, held)) > len(names) / count * 0.7


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/2", "1 / 2", "01/2", "1/100000"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(InputError, match="no part of the pictures.*3/16"):
        Part.of(text)


def test_the_parts_beside_a_store_are_those_of_its_list(tmp_path):
    for name in ("shop.1-2", "shop.2-2", "shop", "shop.x", "other.1-2", "my.shop.1-2"):
        (tmp_path / f"{name}{EMBEDDINGS}").touch()
    assert [path.name for path in parts_beside(tmp_path / f"shop{EMBEDDINGS}")] == [
        f"shop.1-2{EMBEDDINGS}", f"shop.2-2{EMBEDDINGS}"]


def test_parts_make_one_store_and_what_was_there_stays(tmp_path):
    one, two = np.float32([1, 0]), np.float32([0, 1])
    target = store(tmp_path / "all", {"a": one})
    done = merge([store(tmp_path / "1", {"b": two, "a": one}), store(tmp_path / "2", {"c": None}, "a fault")], target)
    assert (done.parts, done.pictures, done.twice) == (2, 3, 0)
    with closing(Store(target, "e", "")) as kept:
        assert kept.vectors(["b"]).tolist() == [[0, 1]] and kept.fault("c") == "a fault"
        assert kept.known_file("a.jpg", 1, 1) == "a" and kept.all_whole() == {"a", "b", "c"}


@pytest.mark.parametrize(("second", "says"), [(np.float32([0.5, 0]), "other vectors.*a.jpg"), (None, "other vectors")])
def test_two_vectors_of_one_picture_are_refused_and_nothing_changes(tmp_path, second, says):
    target = store(tmp_path / "all", {"a": np.float32([1, 0])})
    before = target.read_bytes()
    with pytest.raises(InputError, match=says):
        merge([store(tmp_path / "1", {"b": np.float32([0, 1])}),
               store(tmp_path / "2", {"a": second}, None if second is not None else "a fault")], target)
    assert target.read_bytes() == before and {path.name for path in tmp_path.iterdir()} == {"all", "1", "2"}


def test_last_bits_of_another_processor_are_counted_and_the_first_part_stays(tmp_path):
    parts = [store(tmp_path / name, {"a": np.float32([value, 0])})
             for name, value in (("1", 1), ("2", 1 - LAST_BITS / 2))]
    assert merge(parts, tmp_path / "all").twice == 1
    with closing(Store(tmp_path / "all", "e", "")) as kept:
        assert kept.vectors(["a"]).tolist() == [[1, 0]]


def test_what_is_no_store_is_refused(tmp_path):
    (tmp_path / "text").write_text("no database, but long enough to be looked at " * 100)
    with closing(sqlite3.connect(tmp_path / "old")) as db:
        db.executescript(TABLES + f"pragma user_version = {VERSION + 1};")
    for name, says in (("none", "no file of computed embeddings"), ("text", "no file of computed embeddings"),
                       ("old", "another version")):
        with pytest.raises(InputError, match=says):
            merge([tmp_path / name], tmp_path / "all")
    with pytest.raises(InputError, match="no parts to merge.*PART=1/2"):
        merge([], tmp_path / "all")
    assert not (tmp_path / "all").exists()


@pytest.mark.slow
def test_three_parts_in_any_order_one_of_them_killed_give_the_bytes_of_one_machine(dist, tmp_path, capsys):
    listed = few(tmp_path / "shop", 30, pictures=2)
    one = made(listed, dist, tmp_path / "one.catalog")
    several = tmp_path / "several.catalog"
    chance = random.Random(0)
    options = ["--products", str(listed), "--dist", str(dist.parent), "--model", dist.name]
    for number in chance.sample(range(1, 4), 3):
        part = ["embed", "--part", f"{number}/3", "--out", str(tmp_path / f"several.{number}-3{EMBEDDINGS}"), *options]
        if number == 2:
            killed(part, tmp_path / f"several.2-3{EMBEDDINGS}")
        assert main(part) == 0
    assert main(["merge", "--out", str(several.with_suffix(EMBEDDINGS)), *options]) == 0
    assert f"{one.rows} pictures of 3 parts" in capsys.readouterr().out
    assert made(listed, dist, several).computed == 0
    assert several.read_bytes() == (tmp_path / "one.catalog").read_bytes()


def killed(arguments, out):
    """Starts the command, and kills it once some vectors are kept."""
    with subprocess.Popen([sys.executable, "-m", "catalog_builder", *arguments], cwd=ROOT, stderr=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and kept_in(out) == 0:
            pass
        process.send_signal(signal.SIGKILL)


def kept_in(out) -> int:
    """How many vectors a store holds now."""
    if not out.exists():
        return 0
    with closing(sqlite3.connect(f"file:{out}?mode=ro", uri=True)) as db:
        try:
            return db.execute("select count(*) from vectors").fetchone()[0]
        except sqlite3.Error:
            return 0


def test_a_list_of_which_nothing_can_be_built_is_refused(dist, tmp_path, capsys):
    listed = few(tmp_path / "shop", 3)
    shutil.rmtree(listed.parent / "pictures")
    part = ["embed", "--part", "1/2", "--out", str(tmp_path / "x.embeddings"), "--products", str(listed),
            "--dist", str(dist.parent), "--model", dist.name]
    assert "no product is left" in refusal(part, capsys)
    assert not (tmp_path / "x.embeddings").exists()


def test_bad_parts_are_refused_in_one_line(dist, tmp_path, capsys):
    listed = few(tmp_path / "shop", 3)
    options = ["--products", str(listed), "--dist", str(dist.parent), "--model", dist.name]
    assert "no part of the pictures" in refusal(["embed", "--part", "9/3", *options], capsys)
    assert "no parts to merge" in refusal(["merge", "--out", str(tmp_path / "x.embeddings"), *options], capsys)
