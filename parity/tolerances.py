"""tolerances.toml: measurements enter, the reasons why they fail leave (none: passed)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from parity.metrics import Closeness, Ranking

FILE = Path(__file__).with_name("tolerances.toml")


@dataclass(frozen=True)
class Tolerance:
    """What one artefact is held to."""

    cosine: float
    max_abs: float
    top1: float
    reason: str


@cache
def _table() -> dict:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def of(space: str, format_: str, precision: str, encoder: str) -> Tolerance:
    """The tolerance of one artefact, tightened to `factor` times what was measured in this very embedding space."""
    found = Tolerance(**_table()[format_][precision][encoder])
    measured = _table()["measured"].get(space, {}).get(f"{format_} {precision} {encoder}")
    if measured is None:
        return found
    return Tolerance(found.cosine, min(found.max_abs, _table()["factor"] * measured), found.top1, found.reason)


def failures(allowed: Tolerance, closeness: Closeness, ranking: Ranking | None) -> list[str]:
    """What exceeds the tolerance, in words. A measurement that is not a number fails."""
    found = []
    if not closeness.cosine_min >= allowed.cosine:
        found.append(f"cosine {closeness.cosine_min:.7f} below {allowed.cosine}")
    if not closeness.max_abs <= allowed.max_abs:
        found.append(f"max abs {closeness.max_abs:.2e} above {allowed.max_abs:.2e}")
    if ranking is not None and not ranking.top1_agreement >= allowed.top1:
        found.append(f"top-1 agreement {ranking.top1_agreement:.4f} below {allowed.top1}")
    return found
