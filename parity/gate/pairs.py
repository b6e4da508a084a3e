"""Answers of an image and a text encoder enter; how both rank together, as an app ships them, leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from export.artifacts.manifest import Artifact
from export.formats.table import ENCODERS, FORMATS
from parity.gate import tolerances
from parity.gate.baseline import Baseline
from parity.gate.results import GateResult, PairResult
from parity.gate.shelf import Embeddings, rank


@dataclass(frozen=True)
class Answers:
    """What an artefact answered: its manifest entry and, for each shelf of the baseline, the embeddings."""

    artifact: Artifact
    found: list[Embeddings]


def combinations(artifacts: Sequence[Artifact]) -> list[tuple[Artifact, Artifact]]:
    """Image and text encoder of one format: equal precisions, default ones, a page's, or the only pair."""
    pairs = []
    for row in FORMATS.values():
        images, texts = ([a for a in artifacts if (a.format, a.encoder) == (row.name, encoder)] for encoder in ENCODERS)
        only = len(images) == len(texts) == 1
        pairs += [(image, text) for image in images for text in texts
                  if only or image.precision == text.precision
                  or any(all(one.precision in ships[one.encoder] for one in (image, text))
                         for ships in (row.default, row.browser) if ships)]
    return pairs


def settled(results: Sequence[GateResult], judged: Sequence[PairResult]) -> list[GateResult]:
    """The results; an artefact whose pair ranks wrongly fails too, if the pair passes with what takes its place."""
    return [replace(one, outcome="failed", reasons=[*one.reasons, *found])
            if (found := _reasons_of_pairs(one, judged)) else one for one in results]


def _reasons_of_pairs(result: GateResult, judged: Sequence[PairResult]) -> list[str]:
    passed, reasons = {(p.format, p.image, p.text) for p in judged if p.outcome == "passed"}, []
    for pair in judged:
        both: dict[str, str | None] = {"image": pair.image, "text": pair.text}
        own = (pair.format, both.pop(result.encoder)) == (result.format, result.precision)
        instead = both | {result.encoder: result.fallback}
        if own and pair.outcome == "failed" and (pair.format, instead["image"], instead["text"]) in passed:
            (encoder, precision), = both.items()
            reasons += [f"together with {encoder} {precision}: {reason}" for reason in pair.reasons]
    return reasons


def judge(baseline: Baseline, answers: Sequence[Answers]) -> list[PairResult]:
    """The verdicts on all pairs whose encoders both ran."""
    by_path = {a.artifact.path: a for a in answers}
    return [judge_pair(baseline, by_path[image.path], by_path[text.path])
            for image, text in combinations([a.artifact for a in answers])]


def judge_pair(baseline: Baseline, image: Answers, text: Answers) -> PairResult:
    """Ranks all shelves with both encoders. No pair with random weights fails."""
    ranked = [rank(base.shelf, Embeddings(seen.catalog, seen.picture_queries, read.text_queries),
                            base.expected)
              for base, seen, read in zip(baseline.shelves, image.found, text.found, strict=True)]
    reasons = [fault for ranking in ranked for fault in tolerances.ranking_failures(tolerances.pair(), ranking)]
    reasons = reasons if baseline.manifest.shippable else []
    return PairResult(image.artifact.format, image.artifact.precision, text.artifact.precision,
                image.artifact.bytes + text.artifact.bytes, "failed" if reasons else "passed", reasons, ranked)
