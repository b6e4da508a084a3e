"""What a command leaves behind: its exit status, and one line on stderr where it failed."""

import ast
import errno
import importlib
import os
import subprocess
import sys
import tempfile

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


def test_an_error_that_nobody_expected_is_one_line_with_its_log_and_no_red_gate(tmp_path, monkeypatch, capsys):
    made = tempfile.mkstemp
    monkeypatch.setattr(tempfile, "mkstemp", lambda **options: made(dir=tmp_path, **options))
    assert command.run(fails(ZeroDivisionError("by\nzero")), "parity", "nothing was written") == command.UNEXPECTED == 3
    out, err = capsys.readouterr()
    [log] = tmp_path.iterdir()
    assert (out, err) == ("", f"parity: unexpected ZeroDivisionError: by zero; remedy: report it with the log {log}\n")
    assert "Traceback" in log.read_text() and "in work" in log.read_text()


def test_a_log_that_cannot_be_written_leaves_one_line_too(monkeypatch, capsys):
    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    assert command.run(fails(KeyError("x")), "parity", "nothing was written") == command.UNEXPECTED
    assert capsys.readouterr().err == (
        "parity: unexpected KeyError: 'x'; remedy: report it with the log (none: No space left on device)\n")


def test_the_log_of_the_work_itself_has_the_traceback_where_there_is_one(tmp_path):
    code = ("import sys; from pathlib import Path\n"
            "from export.common import command; from export.common.progress import library_output_to\n"
            "def work():\n"
            "    with library_output_to(Path(sys.argv[1])):\n"
            "        raise RuntimeError('[enforce fail at inline_container.cc:1]')\n"
            "sys.exit(command.run(work, 'export', ''))")
    log = tmp_path / "export.log"
    answer = subprocess.run([sys.executable, "-c", code, str(log)], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == command.UNEXPECTED and answer.stderr == (
        "export: unexpected RuntimeError: [enforce fail at inline_container.cc:1]; "
        f"remedy: report it with the log {log}\n")
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_a_terminal_cannot_show_is_printed_as_its_number(stream):
    code = ("import sys; from export.common import command\n"
            f"def work(): print('größe 图', file=sys.{stream}); return 0\n"
            "sys.exit(command.run(work, 'export', ''))")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True,
                            env=os.environ | {"PYTHONIOENCODING": "ascii:strict"})
    assert answer.returncode == 0, answer.stderr
    assert getattr(answer, stream).strip() == rb"gr\xf6\xdfe \u56fe"


def test_steps_are_shown_on_a_terminal_without_their_characters():
    code = "from export.common.progress import Steps\nwith Steps(1) as steps: steps.begin('gr\\u00f6\\u00dfe')"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, env=os.environ | {
        "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
    assert answer.returncode == 0 and answer.stderr.strip() == rb"[1/1] gr\xf6\xdfe", answer.stderr


@pytest.mark.parametrize("text, found", [("~/a.pt", "{home}/a.pt"), ("~", "{home}"), ("a/~.pt", "a/~.pt"),
                                         ("~no-such-user/a.pt", "~no-such-user/a.pt"), ("/a b", "/a b")])
def test_a_tilde_that_no_shell_has_seen_is_the_home(text, found, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(command.path(text)) == found.format(home=tmp_path)


def test_every_path_of_a_command_line_may_begin_with_a_tilde():
    sources = [ROOT / stage / name for stage, name in (
        ("export", "__main__.py"), ("parity", "__main__.py"), ("catalog_builder", "__main__.py"),
        ("catalog_builder", "list_arguments.py"))]
    assert not [path for path in sources if "type=Path" in path.read_text()]


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
