"""What `make prove` kept in benchmarks/proofs/ enters; README's table of the hardware it was proved on leaves.

Nothing is measured here, and an empty folder is a table that says so.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from export.formats.table import ENCODERS
from parity.prove.proof import PROOFS

HERE = Path(__file__).parent
PAGE = HERE / "proofs.md"
HEAD = ("device", "system, runtime", "model, weights", "compute unit", *ENCODERS)


def main() -> None:
    """Writes proofs.md, and prints the table for README.md."""
    made = table(read())
    PAGE.write_text(page(made), encoding="utf-8")
    print(made)


def read(folder: Path = PROOFS) -> list[dict]:
    """The proofs, by file name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def table(proofs: Iterable[dict]) -> str:
    """A row for each compute unit of each proof, as Markdown."""
    rows = [row(proof, check) for proof in proofs for check in proof["checks"]]
    rows = rows or [["none yet", *[""] * (len(HEAD) - 1)]]
    return "\n".join([_line(HEAD), "|" + "---|" * len(HEAD), *map(_line, rows)])


def row(proof: dict, check: dict) -> list[str]:
    """The cells of one compute unit."""
    device = f"{proof['device']} (emulator)" if proof["emulator"] else proof["device"]
    weights = proof["weights"]["kind"] if proof["weights"] else "unknown"
    cells = [device, f"{proof['system']}, {proof['runtime']}", f"`{proof['model']}`, {weights}", check["compute"]]
    return cells + ["; ".join(figures(one) for one in check["encoders"] if one["encoder"] == encoder)
                    for encoder in ENCODERS]


def figures(one: dict) -> str:
    """An encoder's precision, least cosine to float32 PyTorch and time for one input."""
    return f"{one['precision']}: {one['least_cosine']:.7f}, {one['median_ms']:.1f} ms"


def _line(cells: Iterable[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def page(made: str) -> str:
    """The table, and what it is, as Markdown."""
    return "\n".join(["# Proved on hardware", "", "`make prove` filled `benchmarks/proofs/`, and `python -m benchmarks "
                      "proofs` wrote this page: of each encoder its precision, the least cosine to float32 PyTorch "
                      "over the gate's samples, and the median time of one input.", "", made, ""])
