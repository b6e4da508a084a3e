"""What the gate measured enters; verdicts on artefacts and on pairs leave. parity.json keeps them, and is read here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from export.common.rankings import Estimate
from parity.gate.activations import Peak, Safety
from parity.gate.libraries.tokens import Pruning, TokenCheck
from parity.gate.metrics import Closeness
from parity.gate.shelf import Disagreement, LanguageRanking, Neighbour, Ranking

Outcome = Literal["passed", "failed", "not run"]


@dataclass(frozen=True)
class Latency:
    """The time of one picture or one text, the fastest of a few runs. The ratio tells more than the seconds."""

    seconds: float
    ratio: float                             # over eager float32 PyTorch, reparameterised, in the same run
    threads: int


@dataclass(frozen=True)
class GateResult:
    """The verdict on one artefact."""

    format: str
    encoder: str
    precision: str
    path: str
    outcome: Outcome
    reasons: list[str]                       # why failed, or why not run
    runtime: str = ""                        # what ran it
    closeness: Closeness | None = None
    rankings: list[Ranking] = field(default_factory=list)    # one for each shelf
    latency: Latency | None = None           # also None if an interpreter stands in for the runtime
    notes: list[str] = field(default_factory=list)           # what a reader should know, and no fault
    fallback: str | None = None              # as in the manifest


@dataclass(frozen=True)
class PairResult:
    """The verdict on an image and a text encoder of one format together, as an app ships them."""

    format: str
    image: str                               # precisions
    text: str
    bytes: int
    outcome: Outcome
    reasons: list[str]
    rankings: list[Ranking]


@dataclass(frozen=True)
class GpuResult:
    """How near a GPU's answers to a file are: the worst of all turns."""

    path: str
    inputs: int
    cosine_min: float
    max_abs: float
    reasons: list[str]                       # why failed


@dataclass(frozen=True)
class GpuVerdict:
    """What WebGPU made of the float32 TFLite files: no part of the gate's own outcome."""

    outcome: Outcome
    reasons: list[str] = field(default_factory=list)         # why not run
    adapter: str = ""
    browser: str = ""                        # Chromium's version
    turns: int = 0                           # how often each input was asked
    results: list[GpuResult] = field(default_factory=list)


GPU_NOT_ASKED = GpuVerdict("not run", ["WEBGPU=1 or STRICT=1 runs it"])


@dataclass(frozen=True)
class Verdicts:
    """All that one run of the gate found."""

    results: list[GateResult]
    pairs: list[PairResult]
    safety: list[Safety]                     # each encoder against float16's range
    green: bool
    webgpu: GpuVerdict = GPU_NOT_ASKED
    tokens: TokenCheck | None = None         # None: not compared


def replaced(result: GateResult, results: Sequence[GateResult]) -> bool:
    """Whether an artefact failed, and another precision of the same encoder passed that ships in its place."""
    others = [other.outcome for other in results
              if (other.format, other.encoder, other.precision) == (result.format, result.encoder, result.fallback)]
    return result.outcome == "failed" and "passed" in others and "failed" not in others


def noted(results: Sequence[GateResult]) -> list[GateResult]:
    """The results; a note on each that was replaced says what ships."""
    return [replace(one, notes=[*one.notes, f"{one.fallback} ships in its place"]) if replaced(one, results) else one
            for one in results]


def telling(rankings: Sequence[Ranking]) -> Ranking | None:
    """The ranking that tells most: the shop's, with known answers, or else the user's own, or else the samples'."""
    return max(rankings, key=lambda ranking: ("samples", "given", "shop").index(ranking.shelf), default=None)


def from_json(kept: dict) -> Verdicts:
    """The verdicts that parity.json holds. Raises KeyError or TypeError for another layout."""
    return Verdicts([_result(fields) for fields in kept["results"]],
                    [PairResult(**fields | {"rankings": [_ranking(one) for one in fields["rankings"]]})
                     for fields in kept["pairs"]],
                    [_safety(fields) for fields in kept["safety"]], kept["green"], _webgpu(kept["webgpu"]),
                    _tokens(kept["tokens"]))


def _safety(fields: dict) -> Safety:
    return Safety(**fields | {"peak": Peak(**fields["peak"]), "near": [Peak(**one) for one in fields["near"]]})


def _tokens(fields: dict | None) -> TokenCheck | None:
    if fields is None:
        return None
    return TokenCheck(**fields | {"pruning": fields["pruning"] and Pruning(**fields["pruning"])})


def _webgpu(fields: dict) -> GpuVerdict:
    return GpuVerdict(**fields | {"results": [GpuResult(**one) for one in fields["results"]]})


def _result(fields: dict) -> GateResult:
    return GateResult(**fields | {"closeness": fields["closeness"] and Closeness(**fields["closeness"]),
                              "rankings": [_ranking(one) for one in fields["rankings"]],
                              "latency": fields["latency"] and Latency(**fields["latency"])})


def _ranking(fields: dict) -> Ranking:
    worst = [Disagreement(**query | {side: [Neighbour(**hit) for hit in query[side]] for side in ("expected", "found")})
             for query in fields["worst"]]
    return Ranking(**fields | _estimates(fields) | {"worst": worst, "languages": [
        LanguageRanking(**one | _estimates(one)) for one in fields["languages"]]})


def _estimates(fields: dict) -> dict[str, Estimate | None]:
    return {key: fields[key] and Estimate(**fields[key]) for key in ("top1", "recall10", "loss")}
