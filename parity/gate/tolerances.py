"""tolerances.toml: measurements enter, the reasons why they fail leave (none: passed)."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from export.common.rankings import named
from export.formats.table import FLOAT
from parity.gate.metrics import Closeness
from parity.gate.shelf import Ranking

FILE = Path(__file__).with_name("tolerances.toml")


@dataclass(frozen=True)
class Tolerance:
    """What one artefact is held to."""

    cosine: float
    max_abs: float
    reason: str
    top1: float
    recall10: float
    loss: float
    ranking_reason: str


@cache
def _table() -> dict:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def of(space: str, format_: str, precision: str, encoder: str) -> Tolerance:
    """The tolerance of one artefact, tightened to `factor` times what was measured in this very embedding space."""
    found = Tolerance(**_table()["ranking"] | _table()[precision if precision in FLOAT else "compressed"])
    measured = _table()["measured"].get(space, {}).get(f"{format_} {precision} {encoder}")
    return found if measured is None else replace(found, max_abs=min(found.max_abs, _table()["factor"] * measured))


@dataclass(frozen=True)
class RankingTolerance:
    """What any ranking is held to, whatever made it."""

    top1: float
    recall10: float
    loss: float
    ranking_reason: str


def pair() -> RankingTolerance:
    """The tolerance of an image and a text encoder together."""
    return RankingTolerance(**_table()["ranking"])


def failures(allowed: Tolerance, closeness: Closeness, rankings: Sequence[Ranking]) -> list[str]:
    """What exceeds the tolerance, in words. A measurement that is not a number fails."""
    found = []
    if not closeness.cosine_min >= allowed.cosine:
        found.append(f"cosine {closeness.cosine_min:.7f} below {allowed.cosine}")
    if not closeness.max_abs <= allowed.max_abs:
        found.append(f"max abs {closeness.max_abs:.2e} above {allowed.max_abs:.2e}")
    return found + [fault for ranking in rankings for fault in ranking_failures(allowed, ranking)]


def ranking_failures(allowed: Tolerance | RankingTolerance, ranking: Ranking) -> list[str]:
    """What a shopper would miss. One query decides nothing: few queries cannot show a share so fine.

    Where no answer is known (the samples, the user's own), near-duplicates and texts that mean nothing trade first
    places by chance: held to the tolerant recall alone.
    """
    one, found = 1 + 1e-9, []
    if ranking.loss is not None:
        if not (1 - ranking.top1.value) * ranking.queries <= max(one, (1 - allowed.top1) * ranking.queries):
            found.append(f"{ranking.shelf}: top-1 agreement {ranking.top1.value:.4f} below {allowed.top1}")
        if not ranking.loss.value * ranking.queries <= max(one, allowed.loss * ranking.queries):
            found.append(f"{ranking.shelf}: loss of true recall@1 {ranking.loss.value:.4f} above {allowed.loss}")
    if ranking.recall10 and not ((1 - ranking.recall10.value) * ranking.queries
                                 <= max(one, (1 - allowed.recall10) * ranking.queries)):
        found.append(f"{ranking.shelf}: {named(ranking.recall10_tolerance)} {ranking.recall10.value:.4f} "
                     f"below {allowed.recall10}")
    return found
