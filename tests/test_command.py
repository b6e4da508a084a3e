"""What a command leaves behind: its exit status, and one line on stderr where it failed."""

import ast
import importlib

import pytest

from export.common import command
from export.common.command import CommandLine, GateRed
from export.common.errors import InputError
from tests.conftest import ROOT

POSITIONAL = 5                               # more arguments than that are told apart by their names


def fails(error: BaseException):
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize("status", [command.DONE, command.GATE_RED])
def test_a_command_that_ends_says_nothing_and_gives_its_own_status(status, capsys):
    assert command.run(lambda: status, "parity", "nothing was written") == status
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("error, status, line", [
    (GateRed("recall@10 0.5"), 1, "parity: recall@10 0.5"),
    (InputError("no model", found="x"), 2, "parity: no model; found x"),
    (OSError(30, "Read-only file system", "/dist"), 2,
     "parity: Read-only file system; found /dist; remedy: choose another --catalog"),
    (OSError(28, "No space left on device"), 2,
     "parity: No space left on device; remedy: choose another --catalog"),
    (KeyboardInterrupt(), 130, "parity: interrupted; nothing was written")])
def test_each_failure_is_one_line_and_a_status(error, status, line, capsys):
    assert command.run(fails(error), "parity", "nothing was written", "--catalog") == status
    assert capsys.readouterr() == ("", line + "\n")


def test_an_error_of_the_programs_own_is_no_status():
    with pytest.raises(ZeroDivisionError):
        command.run(fails(ZeroDivisionError()), "parity", "nothing was written")


def test_a_bad_command_line_is_bad_input():
    with pytest.raises(InputError, match="in the command line; remedy: see python -m x --help"):
        CommandLine(prog="python -m x").parse_args(["--unknown"])


@pytest.mark.parametrize("module", [
    "export.__main__", "parity.__main__", "parity.goldens", "catalog_builder.__main__", "catalog_builder.goldens"])
def test_every_command_ends_here(module, monkeypatch, capsys):
    """All their failures take the same way: here Ctrl-C, before the arguments are read."""
    def interrupt(parser, arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(CommandLine, "parse_args", interrupt)
    assert importlib.import_module(module).main([]) == command.INTERRUPTED
    name = "goldens" if "goldens" in module else module.split(".")[0]
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and err.startswith(f"{name}: interrupted; ")


def many_positional(source: str) -> list[int]:
    """The lines of calls with more positional arguments than POSITIONAL."""
    return [node.lineno for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call) and len(node.args) > POSITIONAL]


def test_the_check_of_positional_arguments_sees_one_too_many():
    assert many_positional("f(1, 2, 3, 4, 5, 6)\nf(1, 2, 3, 4, *rest, six=6)") == [1]


def test_no_call_of_the_catalog_builder_or_of_a_command_has_more_than_five_positional_arguments():
    sources = [*(ROOT / "catalog_builder").rglob("*.py"), *(ROOT / "export/common").rglob("*.py"),
               *(ROOT / stage / "__main__.py" for stage in ("export", "parity")), ROOT / "parity/goldens.py",
               ROOT / "parity/gate/shelf.py", ROOT / "demo/evaluate.py"]
    assert {path: lines for path in sources if (lines := many_positional(path.read_text(encoding="utf-8")))} == {}
