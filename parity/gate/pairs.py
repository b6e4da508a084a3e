"""Answers of an image and a text encoder enter; how the two rank together, as an app ships them, leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from export.artifacts.manifest import Artifact
from export.formats.table import ENCODERS, FORMATS
from parity.gate import tolerances
from parity.gate.baseline import Baseline
from parity.gate.results import PairResult
from parity.gate.shelf import Embeddings, rank


@dataclass(frozen=True)
class Answers:
    """What an artefact gave: its manifest entry and, for each shelf of the baseline, the embeddings."""

    artifact: Artifact
    found: list[Embeddings]


def combinations(artifacts: Sequence[Artifact]) -> list[tuple[Artifact, Artifact]]:
    """Image and text encoders of one format: equal precisions, and what ships (the default, or all that there is)."""
    pairs = []
    for row in FORMATS.values():
        images, texts = ([a for a in artifacts if (a.format, a.encoder) == (row.name, encoder)] for encoder in ENCODERS)
        only = len(images) == len(texts) == 1
        default = tuple(row.default[encoder] for encoder in ENCODERS)
        pairs += [(image, text) for image in images for text in texts
                  for both in [(image.precision, text.precision)]
                  if only or both == default or both[0] == both[1]]
    return pairs


def judge(baseline: Baseline, answers: Sequence[Answers]) -> list[PairResult]:
    """The verdicts on all pairs whose encoders both ran."""
    given = {a.artifact.path: a for a in answers}
    return [judge_pair(baseline, given[image.path], given[text.path])
            for image, text in combinations([a.artifact for a in answers])]


def judge_pair(baseline: Baseline, image: Answers, text: Answers) -> PairResult:
    """Ranks all shelves with both encoders. Random weights fail nothing."""
    ranked = [rank(base.shelf, Embeddings(one.catalog, one.picture_queries, other.text_queries),
                            base.expected)
              for base, one, other in zip(baseline.shelves, image.found, text.found, strict=True)]
    reasons = [fault for one in ranked for fault in tolerances.ranking_failures(tolerances.pair(), one)]
    reasons = reasons if baseline.manifest.shippable else []
    return PairResult(image.artifact.format, image.artifact.precision, text.artifact.precision,
                image.artifact.bytes + text.artifact.bytes, "failed" if reasons else "passed", reasons, ranked)
