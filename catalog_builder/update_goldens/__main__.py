"""`python -m catalog_builder.update_goldens`: a folder enters; the golden updates leave in it, with keys of their own.

Needs the package `cryptography`. The keys are thrown away, so another run gives other signatures.
"""

import sys
from pathlib import Path

from catalog_builder.update_goldens import bundle_cases, days, overlays, update_cases
from catalog_builder.updates import signing
from export.common import command, files
from export.common.command import CommandLine
from export.common.files import ROOT

OUT = ROOT / "parity" / "goldens"
NAME = "updates"                             # of the folder in it


def main(arguments: list[str]) -> int:
    """Exit status: see export.common.command."""
    return command.run(lambda: work(arguments), "goldens", interrupted="nothing was written")


def work(arguments: list[str]) -> int:
    """Writes the folder."""
    p = CommandLine(prog="python -m catalog_builder.update_goldens", description="Writes golden updates, signed anew.")
    p.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="(default: parity/goldens)")
    folder = p.parse_args(arguments).out / NAME
    keys = [signing.new_key() for _ in range(3)]
    with files.whole(folder) as partial:
        made = days.write(partial)
        overlays.write(partial / overlays.NAME, made)
        bundle_cases.write_bundle(partial)
        now, following, stranger = (signing.signer(key) for key in keys)
        update_cases.write(update_cases.GoldenSite(partial, made, (now, following, stranger)),
                           [signing.public_half(key) for key in keys[:2]], bundle_cases.listed)
    print(f"{folder}: {files.size(folder) / 1e6:.2f} MB")
    return command.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
