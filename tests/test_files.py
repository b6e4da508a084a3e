"""Whole files or none, and digests that see every byte."""

import pytest

from export.common import files


def folder_with(path, **contents):
    for name, text in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(KeyError), files.whole(target) as partial:
        partial.write_bytes(b"half")
        raise KeyError
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole(tmp_path):
    target = folder_with(tmp_path / "package", stale="x")
    with files.whole(target) as partial:
        partial.mkdir()
        (partial / "fresh").write_text("y")
    assert [p.name for p in target.iterdir()] == ["fresh"]


def test_a_folder_that_cannot_be_replaced_stays_and_a_folder_is_never_half_there(tmp_path, monkeypatch):
    target, seen = folder_with(tmp_path / "package", stale="x"), []

    def fails(path, to):
        seen.append((path.name, sorted(p.name for p in tmp_path.iterdir())))
        if path.name == "package.partial":
            raise OSError(5, "Input/output error")
        return rename(path, to)

    rename = type(target).rename
    monkeypatch.setattr(type(target), "rename", fails)
    with pytest.raises(OSError, match="Input/output"), files.whole(target) as partial:
        folder_with(partial, fresh="y")
    assert [p.name for p in target.iterdir()] == ["stale"] and list(tmp_path.iterdir()) == [target]
    moved = ["package.old", "package.partial"]
    assert seen == [("package", ["package", "package.partial"]), ("package.partial", moved), ("package.old", moved)]


def test_remains_of_an_interrupted_run_do_not_get_into_the_next(tmp_path):
    target = tmp_path / "package.mlpackage"
    folder_with(tmp_path / "package.partial.mlpackage", left="x")
    with files.whole(target) as partial:
        partial.mkdir()
    assert list(tmp_path.iterdir()) == [target] and not list(target.iterdir())


def test_digest_of_a_folder_sees_names_and_bytes(tmp_path):
    one = files.sha256(folder_with(tmp_path / "1", a="x", b="y"))
    assert one == files.sha256(folder_with(tmp_path / "2", b="y", a="x"))
    assert one != files.sha256(folder_with(tmp_path / "3", a="x", b="z"))
    assert one != files.sha256(folder_with(tmp_path / "4", a="x", c="y"))


def test_size_of_a_folder_is_that_of_its_files(tmp_path):
    assert files.size(folder_with(tmp_path / "1", a="xx", b="yyy")) == 5
