"""Measurements enter; the reasons why they exceed tolerances.toml leave (none: passed)."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from export.common.rankings import named
from export.formats.table import FLOAT
from parity.gate.metrics import Closeness
from parity.gate.shelf import LanguageRanking, Ranking

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
    """The tolerance of one artefact, tightened to `factor` times what was measured in this embedding space."""
    allowed = Tolerance(**_table()["ranking"] | _table()[precision if precision in FLOAT else "compressed"])
    measured = _table()["measured"].get(space, {}).get(f"{format_} {precision} {encoder}")
    return (allowed if measured is None
            else replace(allowed, max_abs=min(allowed.max_abs, _table()["factor"] * measured)))


@dataclass(frozen=True)
class RankingTolerance:
    """What every ranking is held to, for all formats and precisions."""

    top1: float
    recall10: float
    loss: float
    ranking_reason: str


def pair() -> RankingTolerance:
    """The tolerance of an image and a text encoder together."""
    return RankingTolerance(**_table()["ranking"])


def failures(allowed: Tolerance, closeness: Closeness, rankings: Sequence[Ranking]) -> list[str]:
    """What exceeds the tolerance, in words. A measurement that is not a number fails."""
    reasons = []
    if not closeness.cosine_min >= allowed.cosine:
        reasons.append(f"cosine {closeness.cosine_min:.7f} below {allowed.cosine}")
    if not closeness.max_abs <= allowed.max_abs:
        reasons.append(f"max abs {closeness.max_abs:.2e} above {allowed.max_abs:.2e}")
    return reasons + [fault for ranking in rankings for fault in ranking_failures(allowed, ranking)]


def gpu_cosine() -> float:
    """The least cosine of a GPU's answers."""
    return _table()["webgpu"]["cosine"]


def gpu_failures(found: Closeness) -> list[str]:
    """What a GPU's answers exceed, in words. A measurement that is not a number fails."""
    least = gpu_cosine()
    return [] if found.cosine_min >= least else [f"cosine {found.cosine_min:.7f} below {least}"]


def ranking_failures(allowed: Tolerance | RankingTolerance, ranking: Ranking) -> list[str]:
    """Reasons why the ranking fails, as a whole or in a language.

    One deviating query is always allowed: of few, it already exceeds the tolerance.

    Where no answer is known (the samples, the user's own), only tolerant recall counts: near-duplicates and texts
    without meaning trade first places by chance.
    """
    return _failures(allowed, ranking.shelf, ranking.recall10_tolerance, ranking) + [
        reason for one in ranking.languages
        for reason in _failures(allowed, f"{ranking.shelf}, {one.language}", ranking.recall10_tolerance, one)]


def _failures(allowed: Tolerance | RankingTolerance, name: str, tolerance: float,
              ranking: Ranking | LanguageRanking) -> list[str]:
    one_query, reasons = 1 + 1e-9, []
    if ranking.loss is not None:
        if not (1 - ranking.top1.value) * ranking.queries <= max(one_query, (1 - allowed.top1) * ranking.queries):
            reasons.append(f"{name}: top-1 agreement {ranking.top1.value:.4f} below {allowed.top1}")
        if not ranking.loss.value * ranking.queries <= max(one_query, allowed.loss * ranking.queries):
            reasons.append(f"{name}: loss of true recall@1 {ranking.loss.value:.4f} above {allowed.loss}")
    if ranking.recall10 and not ((1 - ranking.recall10.value) * ranking.queries
                                 <= max(one_query, (1 - allowed.recall10) * ranking.queries)):
        reasons.append(f"{name}: {named(tolerance)} {ranking.recall10.value:.4f} "
                       f"below {allowed.recall10}")
    return reasons
