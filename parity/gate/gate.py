"""The gate: dist/<model>/ enters; a verdict for every artefact leaves: passed, failed or not run, with measurements."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from export import runners
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.common import crew
from export.common.errors import InputError
from export.formats.table import ENCODERS
from parity.gate import baseline as baselines
from parity.gate import latency, metrics, pairs, pixels, stored_weights, tolerances
from parity.gate.baseline import Baseline, ShelfBaseline
from parity.gate.libraries import tokens
from parity.gate.pairs import Answers
from parity.gate.results import GPU_NOT_ASKED, GateResult, GpuVerdict, Outcome, PairResult, Verdicts, noted, replaced
from parity.gate.shelf import Embeddings, Shelf, rank

# What helps where a converter folds weights in a way that the gate does not know.
UNTWINNED = " (PRECISION=fp32,fp16 makes the float32 artefact that would tell whether a converter folded them)"


def run(dist: Dist, products: int | None, begin: Callable[[str], None], given: Shelf | None = None,
        strict: bool = False, by_gpu: Callable[[Baseline], GpuVerdict] | None = None) -> Verdicts:
    """Gates every artefact of the manifest. Raises InputError if the manifest or the weights cannot be found.

    `products`: how many of the sample shop's products to rank, None for all, 0 for none. `begin` is told what starts.
    Under `strict` an artefact that cannot run here makes the gate red. `by_gpu` judges the same files on a GPU.
    """
    begin("float32 PyTorch")
    baseline = baselines.load(dist, products, given)
    common = common_faults(dist, baseline.space)
    common += pixels.faults(dist.manifest.image, baseline.reference.spec, baseline.shelves[0].shelf.pictures)
    common += baseline.tokens.faults + tokens.pruning_faults(baseline.tokens.pruning)
    if common:
        return Verdicts([plain(artifact, "failed", common) for artifact in dist.manifest.artifacts], [],
                        list(baseline.safety.values()), green=False, tokens=baseline.tokens)
    runs = [(artifact, runtime) for artifact in dist.manifest.artifacts
            for runtime in runners.runtimes(artifact.format)]
    results: list[GateResult] = []
    answers: dict[str, Answers] = {}
    with crew.gathered() as team:
        examined = team.each(lambda run: examine(baseline, run[0], run[1], crew.THREADS), runs)
        for artifact, _ in runs:
            begin(artifact.path)
            result, embedded = next(examined)
            results.append(result)
            if embedded:
                answers.setdefault(artifact.path, Answers(artifact, embedded))
    begin("latency")
    results = timed(baseline, runs, results)
    judged = pairs.judge(baseline, list(answers.values()))
    results = noted(pairs.settled(results, judged))
    if by_gpu:
        begin("WebGPU")
    return Verdicts(results, judged, list(baseline.safety.values()), outcome(results, strict, judged),
                    by_gpu(baseline) if by_gpu else GPU_NOT_ASKED, baseline.tokens)


def timed(baseline: Baseline, runs: Sequence[tuple[Artifact, str]], results: Sequence[GateResult]) -> list[GateResult]:
    """The results, each artefact's with its latency where its own runtime ran it. Nothing else runs at that time."""
    eager = {name: latency.eager_seconds(name, part, baseline.samples(name)[:1])
             for name, part in baseline.parts.items()}

    def with_latency(result: GateResult, artifact: Artifact, runtime: str) -> GateResult:
        try:
            run = loaded(baseline, artifact, runtime, latency.THREADS)
            taken = latency.measure(run, baseline.samples(artifact.encoder)[:1], eager[artifact.encoder])
        except Exception as error:           # as in `examine`: a verdict, not a crash
            return replace(result, outcome="failed", reasons=[*result.reasons, refusal(error)])
        return replace(result, latency=taken)

    return [with_latency(result, *run) if result.closeness and run[1] != runners.INTERPRETER else result
            for run, result in zip(runs, results, strict=True)]


def common_faults(dist: Dist, space: str) -> list[str]:
    """What is wrong with the manifest or the tokenizer, and so with every artefact; empty if nothing is."""
    tokenizer = dist.manifest.tokenizer
    faults = [] if dist.manifest.space == space else ["the manifest's embedding space is not the weights'"]
    if dist.digest(tokenizer.path) != tokenizer.sha256:
        faults.append(f"{tokenizer.path} is not the one of the manifest")
    return faults


def plain(artifact: Artifact, outcome: Outcome, reasons: list[str], runtime: str = "") -> GateResult:
    """A verdict without measurements."""
    return GateResult(artifact.format, artifact.encoder, artifact.precision, artifact.path, outcome, reasons, runtime,
                      fallback=artifact.fallback)


def judge(baseline: Baseline, artifact: Artifact) -> GateResult:
    """The verdict on one artefact (an entry of a manifest): its bytes, its space, its embeddings, its rankings.

    With random weights a ranking is chance: the gate measures the ranking, but no artefact fails by it.
    """
    return examine(baseline, artifact)[0]


def examine(baseline: Baseline, artifact: Artifact,
            runtime: str | None = None, threads: int = 2) -> tuple[GateResult, list[Embeddings] | None]:
    """As `judge`, by one of runners.runtimes (default: the first). Also the embeddings, one for each shelf, or None."""
    encoder = artifact.encoder
    broken = identity_faults(baseline.dist, baseline.space, artifact)
    if broken:
        return plain(artifact, "failed", broken), None
    runtime = runtime or runners.runtimes(artifact.format)[0]
    try:
        embed = loaded(baseline, artifact, runtime, threads)
        embedded = [answers(embed, encoder, base) for base in baseline.shelves]
        del embed                            # frees its copy of the weights
    except NotHere as error:
        return unexecuted(baseline, artifact, runtime, str(error)), None
    except Exception as error:               # what a runtime refuses is a verdict, not a crash
        return plain(artifact, "failed", [refusal(error)], runtime), None
    if not all(np.isfinite(part).all() for side in embedded for part in vars(side).values()):
        return plain(artifact, "failed", ["it answers with numbers that are not finite"], runtime), None
    judged = replace(verdict(baseline, artifact, embedded), runtime=runtime)
    return with_contents(baseline, judged, artifact), embedded


def refusal(error: Exception) -> str:
    """Why a runtime refuses an artefact, in one line."""
    return f"it does not run: {error}".splitlines()[0][:300]


def with_contents(baseline: Baseline, judged: GateResult, artifact: Artifact) -> GateResult:
    """The verdict, with what the artefact's weights, float16's range and the graph's form add to it.

    Tensors that are not recognised, perhaps because a converter folded them in a way unknown here, are a note if the
    embeddings or the artefact's float32 twin vouch for them, and else a fault.
    """
    held, notes = stored_weights.examine(baseline, artifact), judged.notes
    more = held.faults + range_faults(baseline, artifact)
    more += runners.graph_faults(artifact.format, baseline.dist.path(artifact.path))
    if held.unrecognised and judged.outcome != "not run" and not vouched(baseline, judged, artifact):
        twin = float32_twin(baseline, artifact)
        more.append(stored_weights.wrong(held.unrecognised) + ("" if twin else UNTWINNED))
    elif held.unrecognised:
        notes = [*notes, f"weights not recognised: {len(held.unrecognised)} tensors ({held.unrecognised[0]}, …)"]
    if not more:
        return replace(judged, notes=notes)
    return replace(judged, outcome="failed", reasons=judged.reasons + more, notes=notes)


def range_faults(baseline: Baseline, artifact: Artifact) -> list[str]:
    """Why the encoder's values leave float16's range; empty for float32."""
    return [] if artifact.precision == "fp32" else baseline.safety[artifact.encoder].faults()


def vouched(baseline: Baseline, judged: GateResult, artifact: Artifact) -> bool:
    """Whether an artefact is right although some of its weights are not recognised.

    In float32 the embeddings tell: they agree to 1e-5 (tolerances.toml). With fewer bits, rounding hides a weight that
    is 5 % off, so every constant must be one of the same format's float32 artefact, rounded, and that must have passed.
    """
    if artifact.precision == "fp32":
        return judged.outcome == "passed"
    twin = float32_twin(baseline, artifact)
    return (twin is not None and judge(baseline, twin).outcome == "passed"
            and stored_weights.rounded_from(stored_weights.stored(baseline, artifact),
                                            stored_weights.stored(baseline, twin), artifact.precision))


def float32_twin(baseline: Baseline, artifact: Artifact) -> Artifact | None:
    """The same encoder in the same format in float32, if it was exported."""
    return next((one for one in baseline.manifest.artifacts if one.precision == "fp32"
                 and (one.format, one.encoder) == (artifact.format, artifact.encoder)), None)


def unexecuted(baseline: Baseline, artifact: Artifact, runtime: str, reason: str) -> GateResult:
    """The verdict on an artefact that cannot run here: its weights and its range are still looked at."""
    try:
        return with_contents(baseline, plain(artifact, "not run", [reason], runtime), artifact)
    except ImportError:                      # the library that runs the artefact also reads its weights
        return plain(artifact, "not run", [reason], runtime)


class NotHere(Exception):
    """This machine cannot run the artefact."""


def loaded(baseline: Baseline, artifact: Artifact, runtime: str, threads: int = 2) -> runners.Run:
    """The artefact, ready to run. Raises NotHere if this machine cannot run it."""
    run = runners.load(artifact.format, baseline.dist.path(artifact.path), artifact.encoder, threads, runtime)
    if isinstance(run, runners.CouldNotRun):
        raise NotHere(run.reason)
    return run


def verdict(baseline: Baseline, artifact: Artifact, found: list[Embeddings]) -> GateResult:
    """The verdict on an artefact whose embeddings are `found`, one for each shelf of the baseline."""
    encoder = artifact.encoder
    closeness = metrics.closeness(found[0].catalog if encoder == "image" else found[0].text_queries,
                                  baseline.expected(encoder))
    kinds = ("picture", "text") if encoder == "image" else ("text",)
    ranked = [rank(base.shelf, side, base.expected, kinds)
              for base, side in zip(baseline.shelves, found, strict=True)]
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
    """Why the artefact is not the one that the manifest and the weights name; empty if it is."""
    digest = dist.digest(artifact.path)
    if digest is None:
        return ["missing"]
    if digest != artifact.sha256:
        return ["its bytes are not those of the manifest (sha256)"]
    try:
        stamped = runners.metadata(artifact.format, dist.path(artifact.path)).get("space")
    except Exception as error:               # an unreadable artefact is a verdict, not a crash
        return [f"its metadata cannot be read: {error}"]
    return [] if stamped == space else [f"embedding space {str(stamped)[:16]}… is not the weights' {space[:16]}…"]


def outcome(results: Sequence[GateResult], strict: bool, judged: Sequence[PairResult] = ()) -> bool:
    """Whether the gate is green: something passed, under `strict` everything ran, and nothing failed that may ship.

    What another precision takes the place of does not ship, and neither do its pairs.
    """
    if not results:
        raise InputError("the manifest lists no artefact", remedy="export again")
    red = {"failed", "not run"} if strict else {"failed"}
    gone = {(r.format, r.encoder, r.precision) for r in results if replaced(r, results)}
    outcomes = {r.outcome for r in results if (r.format, r.encoder, r.precision) not in gone}
    outcomes |= {pair.outcome for pair in judged
                 if not {(pair.format, encoder, getattr(pair, encoder)) for encoder in ENCODERS} & gone}
    return "passed" in outcomes and not outcomes & red
