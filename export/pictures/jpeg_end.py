"""A JPEG that breaks off enters; what shows whether its end marker alone is missing leaves.

A decoder fills rows that are missing with grey and says nothing. So the file is completed by the end marker alone, and
by other data before the end marker. A decoder looks at this data only where the picture's own data is not complete. So
the pixels are equal only if no pixel is missing.
"""

import re
from pathlib import Path

START, END = b"\xff\xd8\xff", b"\xff\xd9"
OTHER_DATA = tuple(bytes([byte]) * 4096 for byte in (0xAA, 0x55, 0xCC, 0x33))   # enough for the largest unit (MCU)
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
RESTARTS = range(0xD0, 0xD8)                                             # in turn
MARKER = re.compile(rb"\xff+([^\x00\xff])")
MARKER_AFTER_DATA = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")          # restart markers belong to the data
SCAN = 0xDA
FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})                       # baseline, sequential, progressive
PROGRESSIVE = frozenset({0xC2, 0xCA})
ALONE = frozenset({0x01, *RESTARTS})                                     # markers without a segment
COEFFICIENTS = range(64)


def completed(source: Path | bytes) -> list[bytes]:
    """A JPEG that ends in the data of its last scan, completed in several ways; nothing for any other file.

    The other data stands in the interval that breaks off and, behind the next restart marker, in the one that follows.
    """
    content = source.read_bytes() if isinstance(source, Path) else source
    start = _last_scan(content) if content.startswith(START) else None
    if start is None:
        return []
    content = content.rstrip(b"\xff")                                    # the first half of an end marker
    restart = b"\xff" + bytes([RESTARTS[len(RESTART.findall(content, start)) % len(RESTARTS)]])
    return [content + END, *(content + data + restart + data + END for data in OTHER_DATA)]


def _last_scan(content: bytes) -> int | None:
    """Where the data of a scan begins that the file breaks off in, if no further scan belongs to the picture."""
    missing: dict[int, set[int]] = {}                                    # component -> coefficients not yet complete
    progressive, at, marker = False, 2, MARKER
    while found := marker.search(content, at):
        kind, at, marker = found[1][0], found.end(), MARKER
        if kind in ALONE:
            continue
        segment = content[at + 2:at + int.from_bytes(content[at:at + 2], "big")]
        at += 2 + len(segment)
        if kind in FRAMES:
            progressive = kind in PROGRESSIVE
            missing = {component: set(COEFFICIENTS) for component in segment[6::3]}
        elif kind == SCAN:
            _complete(missing, segment, progressive)
            marker = MARKER_AFTER_DATA
    whole = marker is MARKER_AFTER_DATA and missing and not any(missing.values())
    return at if whole else None


def _complete(missing: dict[int, set[int]], scan: bytes, progressive: bool) -> None:
    """Takes out what a scan completes. In a progressive JPEG a scan may hold a part of the coefficients, or of bits."""
    count = scan[0] if scan else 0
    first, last, bits = scan[-3:] if len(scan) == 4 + 2 * count else (0, -1, 0)
    done = range(first, last + 1) if progressive else COEFFICIENTS
    if not progressive or bits & 15 == 0:
        for component in scan[1:1 + 2 * count:2]:
            missing.get(component, set()).difference_update(done)
