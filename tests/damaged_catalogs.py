"""A catalog's bytes enter; damaged ones leave, and what Python's reader makes of each: for readers elsewhere."""

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from catalog_builder.catalog import search
from catalog_builder.catalog.reader import Catalog, CatalogError, open_catalog
from parity import goldens

SEED, TOP = 20261121, 5
IDS = ("p0", "p3", "")                       # asked for in every file that opens


def joined(header: bytes, data: bytes) -> bytes:
    """A file of any header and any data."""
    return len(header).to_bytes(8, "little") + header + data


def padded(header: object) -> bytes:
    """A header's bytes, as the writer would have them."""
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def words(source: random.Random, damaged: bytearray, start: int) -> None:
    """Some aligned numbers of the data become extremes."""
    for _ in range(source.randint(1, 4)):
        size = source.choice((1, 4, 8))
        place = start + source.randrange(max(1, (len(damaged) - start) // size)) * size
        top = 2**(8 * size)
        value = source.choice((0, 1, top // 2, top // 2 - 1, top - 1, 0x7f800000, 0x7fc00000, 0xff7fffff, 0x80000000,
                               len(damaged), source.randrange(top)))
        damaged[place:place + size] = (value % top).to_bytes(size, "little")


def digits(source: random.Random, damaged: bytearray, start: int) -> None:
    """A number in the header becomes another one of the same length; or a letter, a quote or a bracket changes."""
    kinds = (b"0123456789", b"UIF", b'"[]{},:', b"abcdefghijklmnopqrstuvwxyz")
    chosen = source.choices(kinds, (6, 2, 1, 1))[0]
    places = [i for i in range(8, start) if damaged[i] in chosen]
    place = source.choice(places)
    while source.random() < 0.8 and place in places:
        damaged[place] = source.choice(chosen)
        place += 1


def structure(source: random.Random, damaged: bytearray, start: int) -> None:
    """A value of the header becomes a hostile one; the header stays JSON, and padded."""
    header = json.loads(damaged[8:start])
    name = source.choice(list(header))
    part = header if source.random() < 0.2 else header[name]
    key = source.choice(list(part))
    hostile = (None, True, -1, 0, 1, 2**31, 2**63, 2**64, 10**30, 1.5, 1e308, "", "1", "F16", "NaN", "[[[[", "{}", [],
               {}, [0, 0], [0, 2**63], [2**64, 0], [-1, 8], [[0], [8]], ["0", "8"], {"dtype": "U8"}, "\ud800",
               "9" * 20, "0" * 64)
    action = source.random()
    if action < 0.15:
        del part[key]
    elif action < 0.3:
        part[key] = part[source.choice(list(part))]
    elif action < 0.4:
        part[source.choice(("a", "codes", "thumbnails", "__metadata__", "version", "dtype"))] = part.pop(key)
    elif action < 0.6 and isinstance(part[key], list):
        part[key] = [source.choice(hostile) if source.random() < 0.5 else side for side in part[key]]
    else:
        part[key] = source.choice(hostile)
    damaged[:start] = joined(padded(header), b"")


def mutated(source: random.Random, whole: bytes, other: bytes) -> bytes:
    """The file with one kind of damage."""
    damaged, start = bytearray(whole), 8 + int.from_bytes(whole[:8], "little")
    kind = source.randrange(12)
    span = (0, start) if source.random() < 0.3 else (start, len(whole))
    if kind == 0:
        for _ in range(source.randint(1, 8)):
            damaged[source.randrange(*span)] ^= 1 << source.randrange(8)
    elif kind == 1:
        for _ in range(source.randint(1, 8)):
            damaged[source.randrange(*span)] = source.choice((0, 255, 127, 128, 32, 34, 44, 48, 57))
    elif kind == 2:
        del damaged[source.randrange(len(damaged)):]
    elif kind == 3:
        damaged += source.randbytes(source.choice((1, 8, 64, 4096))) if source.random() < 0.5 else bytes(8)
    elif kind == 4:
        here, there = source.randrange(len(whole)), source.randrange(len(other))
        damaged = damaged[:here] + other[here if source.random() < 0.5 else there:]
    elif kind == 5:
        length = source.choice((0, 1, 2, start - 16, start, len(whole) - 8, len(whole), 2**20, 2**31, 2**32, 2**63,
                                2**64 - 1, source.getrandbits(64), source.randrange(len(whole)) // 8 * 8))
        damaged[:8] = length.to_bytes(8, "little")
    elif kind == 6:
        here, there, size = (source.randrange(len(whole)) for _ in range(3))
        damaged[here:here + size // 8] = whole[there:there + size // 8]
    elif kind == 7:
        here = source.randrange(*span)
        damaged[here:here + source.randint(1, 64)] = b"" if source.random() < 0.3 else bytes(source.randint(1, 64))
    elif kind == 8:
        structure(source, damaged, start)
    elif kind == 9:
        digits(source, damaged, start)
    else:
        words(source, damaged, start)
    return bytes(damaged)


def write(folder: Path, wholes: list[bytes], count: int) -> None:
    """Writes `count` damaged files, one after the other, and index.json: the size of each, and Python's answer."""
    folder.mkdir()
    source, path, index = random.Random(SEED), folder / "one.catalog", []
    with (folder / "files").open("wb") as files:
        for number in range(count):
            path.write_bytes(mutated(source, wholes[number % len(wholes)], wholes[(number + 1) % len(wholes)]))
            files.write(path.read_bytes())
            index.append({"size": path.stat().st_size, "answer": answer(path)})
    goldens.write_ascii(folder / "index.json", {"ids": list(IDS), "top": TOP, "files": index})


def answer(path: Path) -> dict | None:
    """The digest's verdict, the best products with their rows and bits, places of ids; None for a refused file."""
    found = or_none(lambda: open_catalog(path))
    if found is None:
        return None
    query = (np.arange(found.dim) % 5 - 1.5).astype(np.float32)
    hits = search.search(found, query, TOP)
    return {"verifies": verifies(found),
            "hits": [[hit.product, hit.row, struct.pack(">d", hit.score).hex()] for hit in hits],
            "names": [or_none(lambda hit=hit: name(found, hit.product)) for hit in hits],
            "places": [or_none(lambda asked=asked: found.place(asked)) for asked in IDS]}


def or_none(ask: Callable) -> object:
    """What is asked for; None where the file is refused."""
    try:
        return ask()
    except CatalogError:
        return None


def verifies(found: Catalog) -> bool:
    """Whether the bytes have the digest that stands in them."""
    return or_none(lambda: found.verify() or True) is not None


def name(found: Catalog, product: int) -> str:
    """The product's name where it is a text, else none."""
    own = found.record(product).get("name")
    return own if isinstance(own, str) else ""
