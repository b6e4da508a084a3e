"""A seed enters; a clean product list, and its text as exports, editors and transfers damage it, leave."""

import io
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

COLUMNS = ("id", "name", "pictures", "price", "currency", "description", "category", "stock")
ROWS = 60
WORDS = {"windows-1252": ("Käse", "Größe L", "crème brûlée", "Öl", "Pan 12\"", "Topf, rot", "Schüssel"),
         "windows-1251": ("Молоко", "Хлеб ржаной", "Платье, красное", "Рубашка 12\"", "Чай"),
         "gb18030": ("红色连衣裙", "蓝色牛仔裤, 女装", "苹果手机壳", "茶壶 12\"", "儿童运动鞋")}
TEXTS = ("", "soft", "soft, warm, and light", 'the "best" of all', "one\ntwo", "first, second,\nthird, fourth\n\nend",
         "size: 3, 4, 5", "<p>Good</p>\n<p>Cheap, too</p>", '"quoted"')
QUOTED = re.compile(r'"(?:[^"]|"")*"')
ENDS = ("\n", "\r\n", "\r")


@dataclass(frozen=True)
class DamagedList:
    """A list before and after."""

    rows: list[dict[str, str]]           # as they were
    starts: list[int]                    # the first line of each, from 1, in the damaged text too
    data: bytes
    encoding: str                        # of the data
    cut: int                             # the last whole line of a text that was cut off, else sys.maxsize


def made(seed: int, ways: Sequence[str] = (), cuts: bool = True) -> DamagedList:
    """One list, damaged in these ways or in one to three; some lists are cut off."""
    chance = random.Random(seed)
    language = chance.choice([*WORDS])
    optional = chance.sample(COLUMNS[3:], chance.randint(0, len(COLUMNS) - 3))
    columns = chance.sample([*COLUMNS[:3], *optional], 3 + len(optional))
    commas = chance.choice([0, 0, 0.05, 0.5])                # share of the prices that have the other decimal mark
    whole = [_row(chance, number, WORDS[language], commas) for number in range(ROWS)]
    rows = [{name: row[name] for name in columns} for row in whole]
    lines, starts = _written(rows, chance)
    drawn = {chance.choice([*WAYS]) for _ in range(chance.randint(1, 3))}
    after = [*starts[1:], len(lines) + 1]
    alone = [start - 1 for start, end in zip(starts, after, strict=True) if end - start == 1]
    taken: set[int] = {0}                # lines that are damaged already, or the header
    for way in ways or sorted(drawn):
        some = alone if way in ("more", "fewer") else range(len(lines))          # text in quotes holds no delimiters
        for at in chance.sample([at for at in some if at not in taken], chance.randint(1, 4)):
            lines[at] = WAYS[way](lines[at], chance)
            taken.add(at)
    text = "".join(line + _end(after, chance) for line, after in zip(lines, [*lines[1:], ""], strict=True))
    encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16", language])
    data = text.encode(encoding)
    cut = sys.maxsize
    if cuts and chance.random() < 0.2:
        data = data[:chance.randrange(len(data) // 2, len(data))]
        cut = len(io.StringIO(data.decode(encoding, "ignore"), newline="").readlines()) - 1
    return DamagedList(rows, starts, data, encoding, cut)


def _end(after: str, chance: random.Random) -> str:
    """The end of a line; before an empty line never \\r, which would join that line's \\n."""
    return chance.choice(ENDS if chance.random() < 0.2 and after.strip("\0") else ENDS[:1])


def _row(chance: random.Random, number: int, words: Sequence[str], commas: float) -> dict[str, str]:
    price = f"{chance.randint(1, 99)}{',' if chance.random() < commas else '.'}50"
    return {"id": f"P{number:03}", "name": " ".join(chance.sample(words, 2)), "price": price,
            "currency": "EUR", "description": chance.choice(TEXTS), "category": chance.choice(words),
            "pictures": f"images/{number:03}.jpg", "stock": str(chance.randint(0, 500))}


def _written(rows: Sequence[dict[str, str]], chance: random.Random) -> tuple[list[str], list[int]]:
    """The lines of a CSV file without their ends, and where each row starts."""
    style = chance.choice(["all", "needed", "careless"])
    lines, starts = [",".join(rows[0])], []
    for row in rows:
        starts.append(len(lines) + 1)
        lines += ",".join(_field(text, style) for text in row.values()).split("\n")
    return lines, starts


def _field(text: str, style: str) -> str:
    """A field with quotes around all, around those that need it, or around those that have a delimiter or a line end
    alone, as hand-made exports write it: `Pan 12"`.
    """
    needed = any(letter in text for letter in ",\n" if style == "careless") or text.startswith('"') or (
        style == "needed" and any(letter in text for letter in ',\n"'))
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if needed or style == "all" else text


def _quotes(line: str, chance: random.Random) -> str:
    """One quote more, or one less."""
    there = [at for at, letter in enumerate(line) if letter == '"']
    if there and chance.random() < 0.4:
        at = chance.choice(there)
        return line[:at] + line[at + 1:]
    starts = [0, *(at for at, letter in enumerate(line, start=1) if letter == ",")]
    at = chance.choice([chance.choice(starts), len(line), chance.randint(0, len(line))])
    return f'{line[:at]}"{line[at:]}'


def _outside(line: str) -> list[int]:
    """The delimiters of a line that stand in no quotes."""
    found, at = [], 0
    while at < len(line):
        quoted = QUOTED.match(line, at)
        at = quoted.end() if quoted else min(line.find(",", at) % (len(line) + 1), len(line))
        found += [at] if at < len(line) else []
        at += 1
    return found


def _more(line: str, chance: random.Random) -> str:
    at = chance.choice(_outside(line) or [len(line)])
    return f"{line[:at]},{line[at:]}"


def _fewer(line: str, chance: random.Random) -> str:
    places = _outside(line)
    at = chance.choice(places) if places else len(line)
    return line[:at] + line[at + 1:]


def _nuls(line: str, chance: random.Random) -> str:
    at = chance.randint(0, len(line))
    return line[:at] + "\0" * chance.randint(1, 3) + line[at:]


WAYS = {"quotes": _quotes, "more": _more, "fewer": _fewer, "nuls": _nuls, "none": lambda line, chance: line}
