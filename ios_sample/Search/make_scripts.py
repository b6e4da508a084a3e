"""The desktop search's script tables enter; Sources/MobileCLIPSearch/ScriptRanges.swift leaves, for Scripts.swift.

Foundation has no script property. From the repository's root: `python ios_sample/Search/make_scripts.py`.
"""

import importlib.metadata
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE / "Sources" / "MobileCLIPSearch" / "ScriptRanges.swift"
HEAD = "// Written by make_scripts.py from regex {version}: the letters of each script, code points and ranges of them."


def source() -> str:
    """The Swift file."""
    sys.path.insert(0, str(HERE.parents[1]))
    from catalog_builder.catalog import scripts

    ranges = defaultdict(list)               # script: [first, last] of its letters
    for point in range(sys.maxunicode + 1):
        for script in scripts.unknown(chr(point), []):
            if ranges[script] and ranges[script][-1][1] == point - 1:
                ranges[script][-1][1] = point
            else:
                ranges[script].append([point, point])
    lines = [f"    {script}: {part}" for script in (*scripts.SCRIPTS, "another script") for part in textwrap.wrap(
        " ".join(f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in ranges[script]), 98 - len(script))]
    head = HEAD.format(version=importlib.metadata.version("regex"))
    return "\n".join([head, 'let scriptRanges = """', *lines, '    """', ""])


if __name__ == "__main__":
    OUT.write_text(source(), encoding="ascii")
