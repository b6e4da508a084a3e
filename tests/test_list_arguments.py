"""What the command line says of a list: each option that cannot be meant is refused in one line, before any row."""

import os

import pytest

from catalog_builder import list_arguments
from catalog_builder.__main__ import main
from catalog_builder.lists.list_options import ListOptions
from export.common.command import BAD_INPUT, CommandLine
from tests.conftest import ROOT

SHOP = str(ROOT / "demo" / "shop" / "products.csv")


def options(*given: str) -> ListOptions:
    parser = CommandLine()
    list_arguments.add(parser)
    return list_arguments.options(parser.parse_args(given))


@pytest.mark.parametrize(("given", "columns"), [
    (["--map", "name=Title"], {"name": ["Title"]}),
    (["--map", 'name=Title, price="Sale price|Price, net"'],
     {"name": ["Title"], "price": ["Sale price", "Price, net"]}),
    (["--map", "name=Title", "--map", "id=No.", "--group", "Model"],
     {"name": ["Title"], "id": ["No."], "group": ["Model"]})])
def test_columns_are_mapped(given, columns):
    assert options(*given).columns == columns


def test_kept_columns_are_named_once_and_may_hold_a_comma():
    assert options("--keep", 'Size, "Colour, main",Size,').keep == ("Size", "Colour, main")


@pytest.mark.parametrize(("given", "said"), [
    (["--map", 'name="Title'], "a column cannot be mapped in --map"), (["--map", "name"], "expected FIELD=COLUMN"),
    (["--map", "cost=Price"], "the field one of id, name"),
    (["--map", "name=Nothing"], "no column Nothing in --map name; expected id, name, price"),
    (["--group", "Nothing"], "no column Nothing in --group; expected id, name, price"),
    (["--keep", "Nothing"], "no column Nothing in --keep; expected id, name, price"),
    (["--keep", '"a"b'], "the columns cannot be read in --keep"), (["--keep", "a\nb"], "cannot be read in --keep"),
    (["--preset", "nothing"], "no such preset in --preset"), (["--currency", "EURO"], "no currency in --currency"),
    (["--currency", "ABC"], "the currency is unknown in --currency"), (["--encoding", "nothing"], "unknown encoding"),
    (["--pictures", SHOP], "no folder of pictures in --pictures"),
    (["--pictures-from", "x/{nothing}.jpg"], "names an unknown column; expected one of id, name"),
    (["--pictures-from", "x/{id.jpg"], "a brace without its partner"),
    (["--category-level", "-1"], "no number of levels in --category-level")])
def test_what_cannot_be_meant_is_one_line_and_bad_input(given, said, capsys):
    assert main(["inspect", SHOP, *given]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1


def test_a_folder_or_a_pipe_is_no_list(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.csv")
    for path, said in ((tmp_path, "found a folder"), (tmp_path / "pipe.csv", "found no regular file"),
                       (tmp_path / "none.csv", "found none")):
        assert main(["inspect", str(path)]) == BAD_INPUT
        assert f"the list cannot be read in {path}; expected a file; {said}" in capsys.readouterr().err
