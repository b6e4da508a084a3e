"""The gate: dist/<model>/ enters; for every artefact passed, failed or not run leaves, with what was measured."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from export import runners
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.common.errors import InputError
from parity.gate import baseline as baselines
from parity.gate import latency, metrics, pairs, pixels, stored_weights, tolerances
from parity.gate.baseline import Baseline, ShelfBaseline
from parity.gate.pairs import Answers
from parity.gate.results import GateResult, Outcome, PairResult, Verdicts
from parity.gate.shelf import Embeddings, Shelf, rank


def run(dist: Dist, products: int | None, begin: Callable[[str], None], given: Shelf | None = None,
        strict: bool = False) -> Verdicts:
    """Gates every artefact of the manifest. Raises InputError if the manifest or the weights cannot be found.

    `products`: how many of the sample shop's to rank, None for all, 0 for none. `begin` is told what starts. Under
    `strict` an artefact that cannot run here makes the gate red.
    """
    begin("float32 PyTorch")
    baseline = baselines.load(dist, products, given)
    common = common_faults(dist, baseline.space)
    common += pixels.faults(dist.manifest.image, baseline.reference.spec, baseline.shelves[0].shelf.pictures)
    results: list[GateResult] = []
    answers: list[Answers] = []
    for artifact in dist.manifest.artifacts:
        begin(artifact.path)
        if common:
            results.append(plain(artifact, "failed", common))
            continue
        for runtime in runners.runtimes(artifact.format):
            result, found = examine(baseline, artifact, runtime)
            results.append(result)
            if found and artifact.path not in [answer.artifact.path for answer in answers]:
                answers.append(Answers(artifact, found))
    judged = pairs.judge(baseline, answers)
    return Verdicts(results, judged, list(baseline.safety.values()), outcome(results, strict, judged))


def common_faults(dist: Dist, space: str) -> list[str]:
    """What is wrong with the manifest or the tokenizer, and so with every artefact; none if nothing is."""
    tokenizer = dist.manifest.tokenizer
    faults = [] if dist.manifest.space == space else ["the manifest's embedding space is not the weights'"]
    if dist.digest(tokenizer.path) != tokenizer.sha256:
        faults.append(f"{tokenizer.path} is not the one of the manifest")
    return faults


def plain(artifact: Artifact, outcome: Outcome, reasons: list[str], runtime: str = "") -> GateResult:
    """A verdict without measurements."""
    return GateResult(artifact.format, artifact.encoder, artifact.precision, artifact.path, outcome, reasons, runtime)


def judge(baseline: Baseline, artifact: Artifact) -> GateResult:
    """The verdict on one artefact (an entry of a manifest): its bytes, its space, its embeddings, its rankings.

    With random weights a ranking is chance: it is measured, and fails nothing.
    """
    return examine(baseline, artifact)[0]


def examine(baseline: Baseline, artifact: Artifact,
            runtime: str | None = None) -> tuple[GateResult, list[Embeddings] | None]:
    """As `judge`, by one of runners.runtimes, with the answers, one for each shelf; None where there are none."""
    encoder = artifact.encoder
    broken = identity_faults(baseline.dist, baseline.space, artifact)
    if broken:
        return plain(artifact, "failed", broken), None
    runtime = runtime or runners.runtimes(artifact.format)[0]
    try:
        embed = loaded(baseline, artifact, runtime)
        found = [answers(embed, encoder, base) for base in baseline.shelves]
        del embed                            # one copy of the weights at a time
        taken = None if runtime == runners.INTERPRETER else latency.measure(
            loaded(baseline, artifact, runtime, latency.THREADS), baseline.samples(encoder)[:1],
            baseline.eager_seconds[encoder])
    except NotHere as error:
        return plain(artifact, "not run", [str(error)], runtime), None
    except Exception as error:               # what a runtime refuses is a verdict, not a crash
        return plain(artifact, "failed", [f"it does not run: {error}".splitlines()[0][:300]], runtime), None
    if not all(np.isfinite(part).all() for one in found for part in vars(one).values()):
        return plain(artifact, "failed", ["it answers with numbers that are not finite"], runtime), None
    judged = replace(verdict(baseline, artifact, found), runtime=runtime, latency=taken)
    more = stored_weights.faults(baseline, artifact)
    if artifact.precision != "fp32":
        more += baseline.safety[encoder].faults()
    return replace(judged, outcome="failed", reasons=judged.reasons + more) if more else judged, found


class NotHere(Exception):
    """This machine cannot run the artefact."""


def loaded(baseline: Baseline, artifact: Artifact, runtime: str, threads: int = 2) -> runners.Run:
    """The artefact, ready to run. Raises NotHere where this machine cannot run it."""
    run = runners.load(artifact.format, baseline.dist.path(artifact.path), artifact.encoder, threads, runtime)
    if isinstance(run, runners.CouldNotRun):
        raise NotHere(run.reason)
    return run


def verdict(baseline: Baseline, artifact: Artifact, found: list[Embeddings]) -> GateResult:
    """The verdict on an artefact that gave `found`, one for each shelf of the baseline."""
    encoder = artifact.encoder
    closeness = metrics.closeness(found[0].catalog if encoder == "image" else found[0].text_queries,
                                  baseline.expected(encoder))
    kinds = ("picture", "text") if encoder == "image" else ("text",)
    ranked = [rank(base.shelf, one, base.expected, kinds)
              for base, one in zip(baseline.shelves, found, strict=True)]
    allowed = tolerances.of(baseline.space, artifact.format, artifact.precision, encoder)
    reasons = tolerances.failures(allowed, closeness, ranked if baseline.manifest.shippable else [])
    return replace(plain(artifact, "failed" if reasons else "passed", reasons), closeness=closeness, rankings=ranked)


def answers(embed: runners.Run, encoder: str, base: ShelfBaseline) -> Embeddings:
    """One shelf, with one encoder replaced by the artefact.

    An image encoder embeds the catalog and the picture queries, a text encoder the text queries.
    """
    if encoder == "text":
        return Embeddings(base.expected.catalog, base.expected.picture_queries, embed(base.ids))
    catalog = embed(base.pictures)
    queries = catalog if base.shelf.own else embed(base.picture_queries)
    return Embeddings(catalog, queries, base.expected.text_queries)


def identity_faults(dist: Dist, space: str, artifact: Artifact) -> list[str]:
    """Why the artefact is not the one that the manifest and the weights name; none if it is."""
    found = dist.digest(artifact.path)
    if found is None:
        return ["missing"]
    if found != artifact.sha256:
        return ["its bytes are not those of the manifest (sha256)"]
    try:
        stamped = runners.metadata(artifact.format, dist.path(artifact.path)).get("space")
    except Exception as error:               # an unreadable artefact is a verdict, not a crash
        return [f"its metadata cannot be read: {error}"]
    return [] if stamped == space else [f"embedding space {str(stamped)[:16]}… is not the weights' {space[:16]}…"]


def outcome(results: Sequence[GateResult], strict: bool, judged: Sequence[PairResult] = ()) -> bool:
    """Whether the gate is green: nothing failed, something passed, and under `strict` everything ran."""
    if not results:
        raise InputError("the manifest lists no artefact", remedy="export again")
    red = {"failed", "not run"} if strict else {"failed"}
    outcomes = {result.outcome for result in results}
    return "passed" in outcomes and not (outcomes | {pair.outcome for pair in judged}) & red
