"""Encoders that can be stored in many precisions, and a judge, enter; the smallest pair that passes leaves.

Nothing here knows a format or a model: a `Judge` makes artefacts and judges them. The search tries an encoder's
precisions from float16 down. A precision with fewer bits than one that failed cannot pass, and is not made. Then it
looks for a mixture of the smallest that passes and the next smaller one, which failed: it divides the weights into a
few groups, measures the harm of each group alone, and gives the smaller scheme to as many groups as pass, the least
harmful first. Two encoders that pass alone may fail together, so the search judges pairs as well, from the smallest up.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from export.formats.mixture import Mixture, Weight
from export.formats.table import MIXED

GROUPS = 8                                   # of weights: each costs one measurement of harm
WORTH = 0.95                                 # a mixture is tried if it can be smaller than this share of what passes

# Smallest first; those of one step store a weight in about as many bits, and are tried together.
STEPS = (("palette4",), ("int4",), ("palette6",), ("int8", "dynamic-int8"), ("fp16",), ("fp32",))
BASE = "fp16"                                # what others are compared with
UNMIXED = ("int4", "fp32")                   # int4 is not worth a newer system; fp32 is no compression


@dataclass(frozen=True)
class Candidate:
    """One encoder in one precision, judged."""

    encoder: str
    precision: str | Mixture
    bytes: int
    reasons: list[str]                       # why it failed; none: it passed
    measured: dict = field(default_factory=dict)             # the judge's own figures, for the report

    @property
    def passed(self) -> bool:
        """Whether it passed alone."""
        return not self.reasons

    @property
    def name(self) -> str:
        """The precision's name."""
        return MIXED if isinstance(self.precision, Mixture) else self.precision


class Judge(Protocol):
    """Makes and judges the encoders of one format."""

    def precisions(self) -> tuple[str, ...]:
        """The precisions that the format has."""

    def weights(self, encoder: str) -> list[Weight]:
        """The weights that a mixture can name, in the order in which the encoder uses them."""

    def judge(self, encoder: str, precision: str | Mixture) -> Candidate:
        """Makes the encoder in this precision, and judges it alone."""

    def harm(self, encoder: str, mixture: Mixture) -> float:
        """How far the encoder's answers move, on a few inputs: 0 is none."""

    def judge_pair(self, image: Candidate, text: Candidate) -> list[str]:
        """Why both fail together; empty: they pass."""


@dataclass(frozen=True)
class Choice:
    """What the search found for one format."""

    image: Candidate | None                  # None: no pair passes
    text: Candidate | None
    tried: list[Candidate]
    refused: list[tuple[Candidate, Candidate, list[str]]]    # pairs that pass alone, and fail together

    @property
    def bytes(self) -> int | None:
        """The size of the pair."""
        return self.image.bytes + self.text.bytes if self.image and self.text else None


class Search:
    """The candidates of one encoder."""

    def __init__(self, judge: Judge, encoder: str):
        self.judge, self.encoder = judge, encoder
        self.tried: list[Candidate] = []
        self._steps = [found for step in STEPS if (found := [p for p in step if p in judge.precisions()])]

    def run(self) -> None:
        """Tries the base, then from the base down until a step fails, then mixtures.

        Where the base fails, only what has more bits can pass. int4 is judged for itself: palettes of as many bits are
        of another kind.
        """
        base = self._steps.index([BASE])
        if not self._judge(BASE).passed:
            self._any_passes([p for step in self._steps[base + 1:] for p in step])
            return
        for step in reversed(self._steps[:base]):
            if not self._any_passes(step) and step[0] not in UNMIXED:
                break
        self._mix()

    def _any_passes(self, step: list[str]) -> bool:
        return any([self._judge(precision).passed for precision in step])

    def passing(self) -> list[Candidate]:
        """Those that passed, the smallest first."""
        return sorted((c for c in self.tried if c.passed), key=lambda c: c.bytes)

    def _judge(self, precision: str | Mixture) -> Candidate:
        for candidate in self.tried:
            if candidate.precision == precision:
                return candidate
        self.tried.append(self.judge.judge(self.encoder, precision))
        return self.tried[-1]

    def _mix(self) -> None:
        """Looks for a mixture of the smallest scheme that passes and the next smaller one, which failed."""
        uniform = [c for c in self.tried if isinstance(c.precision, str) and c.precision not in UNMIXED]
        passing = min((c for c in uniform if c.passed), key=lambda c: c.bytes, default=None)
        if passing is None:
            return
        failed = [c for c in uniform if not c.passed and c.bytes < WORTH * passing.bytes]
        weights = self.judge.weights(self.encoder) if failed else []
        if len(weights) < 2:
            return
        smaller, default = max(failed, key=lambda c: c.bytes).name, passing.name

        def mixture(names: list[str]) -> Mixture:
            return Mixture.of(dict.fromkeys(names, smaller), default)

        def harm(names: list[str]) -> float:               # of these weights alone: the others stay in float16
            return self.judge.harm(self.encoder, Mixture.of(dict.fromkeys(names, smaller), BASE))

        ranked = rank_by_harm(groups(weights), harm)
        taken = most(len(ranked), lambda k: self._judge(mixture(joined(ranked[:k]))).passed)
        gain = passing.bytes - max(failed, key=lambda c: c.bytes).bytes
        if taken < len(ranked) and gain / GROUPS > (1 - WORTH) * passing.bytes:
            self._refine(mixture, joined(ranked[:taken]), ranked[taken])

    def _refine(self, mixture: Callable, taken: list[str], group: list[str]) -> None:
        """Adds as many weights of the first harmful group as pass, in the group's order."""
        most(len(group) if len(group) > 1 else 0, lambda k: self._judge(mixture(taken + group[:k])).passed)


def groups(weights: list[Weight]) -> list[list[str]]:
    """At most GROUPS runs of neighbours, of about equal size; a weight larger than such a run is alone in a group."""
    share = sum(weight.values for weight in weights) / GROUPS
    runs: list[list[str]] = [[]]
    filled = 0.0
    for weight in weights:
        if runs[-1] and (filled + weight.values > share) and len(runs) < GROUPS:
            runs.append([])
            filled = 0.0
        runs[-1].append(weight.name)
        filled += weight.values
    return runs


def rank_by_harm(found: list[list[str]], harm: Callable[[list[str]], float]) -> list[list[str]]:
    """The groups, the least harmful first."""
    return [group for _, _, group in sorted((harm(group), i, group) for i, group in enumerate(found))]


def joined(parts: list[list[str]]) -> list[str]:
    """All names of some groups."""
    return [name for part in parts for name in part]


def most(count: int, passes: Callable[[int], bool]) -> int:
    """The largest k below `count` that passes, by bisection. k = 0 is known to pass, k = `count` to fail."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    return low


def choose(judge: Judge) -> Choice:
    """The smallest pair of an image and a text encoder that pass alone and together."""
    image, text = searches = [Search(judge, encoder) for encoder in ("image", "text")]
    for search in searches:
        search.run()
    refused: list[tuple[Candidate, Candidate, list[str]]] = []
    pairs = [(i, t) for i in image.passing() for t in text.passing()]
    for pair in sorted(pairs, key=lambda pair: pair[0].bytes + pair[1].bytes):
        reasons = judge.judge_pair(*pair)
        if not reasons:
            return Choice(*pair, image.tried + text.tried, refused)
        refused.append((*pair, reasons))
    return Choice(None, None, image.tried + text.tried, refused)
