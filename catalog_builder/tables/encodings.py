"""The bytes of a text file enter; its text, decoded strictly as a whole, leaves.

A file that is no UTF-8 is refused, with a preview in the encodings that fit: nothing is guessed.
"""

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog_builder.tables.plausibility import oddness
from catalog_builder.tables.table_types import TableNotice, shown
from export.common.errors import InputError

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))    # UTF-32's begins like UTF-16's
LIKELY = ("windows-1252", "windows-1250", "windows-1251", "windows-1253", "windows-1254", "windows-1255",
          "windows-1256", "windows-1257", "iso-8859-15", "gb18030", "cp950", "cp932", "cp949", "euc-jp", "mac-roman",
          "cp850", "koi8-r", "cp874")
AS_UTF8 = "save it as UTF-8"
MOST_ODD = 0.3                           # share of odd characters above which an encoding is not shown
MOST_SHOWN = 5
FEW = 2                                  # bad lines of a file that otherwise is UTF-8, or one in a hundred others
LEAST_GOOD = 3                           # lines that show that the file otherwise is UTF-8
MANY_NULS = 20                           # one byte in so many: UTF-16 rather than text with a stray NUL
PREVIEW = 40                             # characters of a line that are shown
OTHERS = re.compile(r"[^\x00-\x7f]+")
WHOLE = "get the whole file: it was cut off"
LEFT_OUT = "leave out --encoding: the file is UTF-8"
_LATER = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xC0))
TWICE = re.compile(f"[Â-ô][{re.escape(_LATER)}]{{1,3}}")                 # UTF-8 that was read as Windows-1252


@dataclass(frozen=True)
class DecodedText:
    """A text file's content."""

    text: str                            # without a byte order mark and without NULs, line ends as they are
    encoding: str                        # for people
    notices: list[TableNotice]           # by line


def decode(data: bytes, where: Path, asked: str | None = None) -> DecodedText:
    """The text of a file. Raises InputError if a byte does not fit UTF-8, the byte order mark, or `asked`."""
    mark, marked = next(((mark, name) for mark, name in MARKS if data.startswith(mark)), (b"", ""))
    name = marked or "utf-8"
    if asked is not None:
        name = _asked(data, where, asked, marked)
    if name == "utf-8" and _many_nuls(data):
        raise _no_mark(data, where)
    try:
        text = data[len(mark):].decode(name)
    except UnicodeDecodeError as error:
        if name == "utf-8":
            raise _no_utf8(data, where, bool(marked)) from error
        line = _line(data[len(mark):][:error.start].decode(name, "ignore"))
        raise InputError(f"the list is not all {_label(name, asked)}", where=f"{where}, line {line}",
                         found=error.reason, remedy=WHOLE if _is_cut(error) else
                         f"{AS_UTF8}, or name another --encoding") from error
    text = text.removeprefix("\ufeff")
    notices = sorted(_notices(text), key=lambda notice: notice.line)
    return DecodedText(text.replace("\0", ""), _label(name, asked), notices)


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends: \\n, \\r\\n or \\r."""
    return list(io.StringIO(text, newline=""))


def _label(name: str, asked: str | None) -> str:
    return name.upper().removesuffix("-LE").removesuffix("-BE") if name.startswith("utf-") else asked or name


def _line(before: str) -> int:
    """The line, from 1, of what follows this text."""
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")


def _asked(data: bytes, where: Path, asked: str, marked: str) -> str:
    """The codec that the user asked for. Refuses one that is unknown, or that the file contradicts."""
    try:
        name = codecs.lookup(asked).name
        "".encode(asked)                 # refuses base64 and the like
    except (LookupError, ValueError) as error:
        raise InputError(f"unknown encoding {shown(asked)}", where=where, expected="a name such as windows-1252, "
                         "gb18030, cp932 or utf-16", remedy="correct --encoding, or leave it out for UTF-8") from error
    if name == "utf-8-sig":
        name = "utf-8"
    if marked:
        if not marked.startswith(name):
            raise InputError(f"the list is no {asked}", where=where, found=f"the byte order mark of {marked.upper()}",
                             remedy="leave out --encoding")
        return marked
    if name != "utf-8" and (not data.isascii() or name.startswith("utf-")) and b"\0" not in data and is_utf8(data):
        raise InputError(f"the list is no {asked}", where=where, found="UTF-8 throughout", remedy=LEFT_OUT)
    return name


def is_utf8(data: bytes) -> bool:
    """Whether all bytes are UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# Refusals.

def _no_utf8(data: bytes, where: Path, marked: bool) -> InputError:
    """Why the file cannot be read: names the first bad line, and shows one in the encodings that fit the whole file,
    unless it is `marked` as UTF-8, or is UTF-8 in all but a few lines.
    """
    lines = data.splitlines()
    bad = [number for number, line in enumerate(lines, start=1) if not is_utf8(line)]
    good = sum(not line.isascii() and is_utf8(line) for line in lines)
    if marked or (good >= LEAST_GOOD and len(bad) <= max(FEW, good // 100)):
        return _damaged(lines, bad, where)
    texts = _candidates(data)
    if not texts:
        return InputError("the list is no UTF-8", where=f"{where}, line {bad[0]}", expected="text in UTF-8",
                          found=_bytes(lines[bad[0] - 1]), remedy=f"{AS_UTF8}, or name its --encoding")
    number, previews = _telling({name: lines_of(text) for name, text in texts.items()}, bad)
    found = "; ".join(f"as {name} {shown(preview)}" for name, preview in previews.items())
    there = "" if number == bad[0] else f"line {number} "
    either = "" if len(texts) == 1 else ", or the one whose text is right"
    return InputError("the list is no UTF-8", where=f"{where}, line {bad[0]}", expected="text in UTF-8",
                      found=there + found, remedy=f"--encoding {next(iter(texts))}{either}; or {AS_UTF8}")


def _no_mark(data: bytes, where: Path) -> InputError:
    """Why a file with many NULs is refused: UTF-16 without a byte order mark, if it can be read as that."""
    name = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
    try:
        text = data.decode(name)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or oddness(text, name) > MOST_ODD:
        return InputError("the list is no text", where=where, expected="text in UTF-8", found=f"{data.count(0)} NULs",
                          remedy=AS_UTF8)
    return InputError("the list is no UTF-8", where=f"{where}, line 1", expected="text in UTF-8",
                      found=f"as {name} {shown(text[:PREVIEW].split(chr(10))[0].strip())}",
                      remedy=f"--encoding {name}, or {AS_UTF8}")


def _many_nuls(data: bytes) -> bool:
    return data.count(0) * MANY_NULS > len(data)


def _damaged(lines: list[bytes], bad: list[int], where: Path) -> InputError:
    """Why a file is refused that is UTF-8 in all but a few lines."""
    named = ", ".join(map(str, bad[:5])) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    cut = bad == [len(lines)] and _is_cut(_fault(lines[-1]))
    return InputError("the list is probably UTF-8, but not all of it", where=f"{where}, line {named}",
                      expected="UTF-8, as in the other lines", found=_bytes(lines[bad[0] - 1]),
                      remedy=WHOLE if cut else "write these lines anew in UTF-8")


def _is_cut(error: UnicodeDecodeError) -> bool:
    """Whether the bytes end within a character."""
    return error.reason.startswith(("unexpected end", "incomplete", "truncated"))


def _bytes(line: bytes) -> str:
    """The part of a line around its first byte that is no UTF-8."""
    before = line[:_fault(line).start].decode()
    text = before[-PREVIEW // 2:] + line[len(before.encode()):].decode("utf-8", "backslashreplace")
    return shown(text[:PREVIEW])


def _fault(line: bytes) -> UnicodeDecodeError:
    """What is wrong with a line that is no UTF-8."""
    try:
        raise ValueError(f"valid UTF-8: {line.decode()}")
    except UnicodeDecodeError as error:
        return error


def _candidates(data: bytes) -> dict[str, str]:
    """The text by encoding, the likeliest first, of those that decode all bytes to something that people write."""
    found: dict[str, tuple[float, str]] = {}             # by text, so that each is there once
    for name in LIKELY:
        try:
            text = codecs.getincrementaldecoder(name)().decode(data).replace("\0", "")    # may end within a character
        except UnicodeDecodeError:
            continue
        odd = oddness(text, codecs.lookup(name).name)
        if odd <= MOST_ODD:
            found.setdefault(text, (odd, name))
    best = sorted(found.items(), key=lambda one: one[1][0])[:MOST_SHOWN]
    return {name: text for text, (_, name) in best}


def _telling(texts: dict[str, list[str]], bad: list[int]) -> tuple[int, dict[str, str]]:
    """The first bad line that tells most of the encodings apart, and what it says in each."""
    best: tuple[int, dict[str, str]] = (0, {})
    for number in bad:
        seen = {name: _around(lines[number - 1]) for name, lines in texts.items() if number <= len(lines)}
        if len(set(seen.values())) > len(set(best[1].values())):
            best = number, seen
        if len(set(best[1].values())) == len(texts):
            break
    return best


def _around(line: str) -> str:
    """The part of a line around its first character that is not ASCII."""
    other = OTHERS.search(line)
    at = max(0, other.start() - PREVIEW // 2) if other else 0
    return line[at:at + PREVIEW].strip()


# What was damaged before.

def _notices(text: str) -> Iterator[TableNotice]:
    """Lines with NULs, with replacement characters, and with UTF-8 that was once read as Windows-1252."""
    suspect = [("\0" in text, _nul), ("\ufffd" in text, _replaced), (bool(TWICE.search(text)), _read_twice)]
    wanted = [check for there, check in suspect if there]
    if wanted:
        for number, line in enumerate(lines_of(text), start=1):
            yield from (TableNotice(number, 0, what) for check in wanted if (what := check(line)))


def _nul(line: str) -> str:
    return "NUL characters are left out" if "\0" in line else ""


def _replaced(line: str) -> str:
    what = "characters were lost before this file was written (U+FFFD): export the list again"
    return what if "\ufffd" in line else ""


def _read_twice(line: str) -> str:
    for run in TWICE.findall(line):
        was = _once(run)
        if was:
            return f"letters look wrongly decoded before this file was written ({run} for {was}): export the list again"
    return ""


def _once(run: str) -> str:
    """The letter that a run was before UTF-8 was read as Windows-1252; "" if it was none."""
    raw = b"".join(letter.encode("latin-1" if letter < "\u0100" else "cp1252") for letter in run)
    for end in range(2, len(raw) + 1):
        if is_utf8(raw[:end]):
            was = raw[:end].decode()
            return was if end > 2 or not "\u0250" <= was <= "\u036f" and was <= "\u04ff" else ""
    return ""
