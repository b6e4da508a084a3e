"""The gate: dist/<model>/ enters; for every artefact passed, failed or not run leaves, with what was measured."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from export import runners
from export.artifacts import manifest
from export.common import files
from export.common.errors import InputError
from export.runners.coreml_runner import INTERPRETER
from parity.gate import latency, metrics, pairs, pixels, shelf, stored_weights, tolerances
from parity.gate.baseline import FEW_PRODUCTS, Ground, Stock, ground, usual_products
from parity.gate.pairs import Answers
from parity.gate.results import Pair, Result, Verdicts
from parity.gate.shelf import Embeddings, Shelf

__all__ = ["FEW_PRODUCTS", "Ground", "Result", "Verdicts", "ground", "judge", "outcome", "run", "usual_products"]


def run(folder: Path, products: int | None, begin: Callable[[str], None], given: Shelf | None = None,
        strict: bool = False) -> Verdicts:
    """Gates every artefact of the manifest. Raises InputError where the manifest or the weights are not to be had.

    `products`: how many of the sample shop's to rank, None for all, 0 for none. `begin` is told what starts. Under
    `strict` an artefact that cannot run here makes the gate red.
    """
    begin("float32 PyTorch")
    laid = ground(folder, products, given)
    common = common_faults(folder, laid.made, laid.space)
    common += pixels.faults(laid.made, laid.reference.spec, laid.stocks[0].shelf.pictures)
    results, answers = [], []
    for artifact in laid.made["artifacts"]:
        begin(artifact["path"])
        if common:
            results.append(Result(**identity(artifact), outcome="failed", reasons=common))
            continue
        for runtime in runners.runtimes(artifact["format"]):
            result, found = examine(laid, artifact, runtime)
            results.append(result)
            if found and artifact["path"] not in [answer.artifact["path"] for answer in answers]:
                answers.append(Answers(artifact, found))
    judged = pairs.judge(laid, answers)
    return Verdicts(results, judged, list(laid.safety.values()), outcome(results, strict, judged))


def common_faults(folder: Path, made: dict, space: str) -> list[str]:
    """What is wrong with the manifest or the tokenizer, and so with every artefact; none if nothing is."""
    faults = [] if made["space"] == space else ["the manifest's embedding space is not the weights'"]
    tokenizer = folder / manifest.TOKENIZER
    if not tokenizer.exists() or files.sha256(tokenizer) != manifest.tokenizer(made):
        faults.append(f"{manifest.TOKENIZER} is not the one of the manifest")
    return faults


def identity(artifact: dict) -> dict:
    """The fields that name an artefact."""
    return {key: artifact[key] for key in ("format", "encoder", "precision", "path")}


def judge(laid: Ground, artifact: dict) -> Result:
    """The verdict on one artefact (an entry of a manifest): its bytes, its space, its embeddings, its rankings.

    With random weights a ranking is chance: it is measured, and fails nothing.
    """
    return examine(laid, artifact)[0]


def examine(laid: Ground, artifact: dict, runtime: str | None = None) -> tuple[Result, list[Embeddings] | None]:
    """As `judge`, by one of runners.runtimes, with the answers, one for each stock; None where there are none."""
    path, names, encoder = laid.folder / artifact["path"], identity(artifact), artifact["encoder"]
    broken = identity_faults(path, laid.space, artifact)
    if broken:
        return Result(**names, outcome="failed", reasons=broken), None
    names["runtime"] = runtime or runners.runtimes(artifact["format"])[0]
    try:
        embed = runners.load(artifact["format"], path, encoder, runtime=names["runtime"])
        if isinstance(embed, runners.CouldNotRun):
            return Result(**names, outcome="not run", reasons=[embed.reason]), None
        found = [answers(embed, encoder, stock) for stock in laid.stocks]
        del embed                            # one copy of the weights at a time
        taken = None if names["runtime"] == INTERPRETER else latency.measure(
            runners.load(artifact["format"], path, encoder, latency.THREADS, names["runtime"]),
            laid.samples(encoder)[:1], laid.eager_seconds[encoder])
    except Exception as error:               # what a runtime refuses is a verdict, not a crash
        return Result(**names, outcome="failed", reasons=[f"it does not run: {error}".splitlines()[0][:300]]), None
    if not all(np.isfinite(part).all() for one in found for part in vars(one).values()):
        return Result(**names, outcome="failed", reasons=["it answers with values that are no finite numbers"]), None
    judged = replace(verdict(laid, artifact, found), **names, latency=taken)
    more = stored_weights.faults(laid, artifact)
    if artifact["precision"] != "fp32":
        more += laid.safety[encoder].faults()
    return replace(judged, outcome="failed", reasons=judged.reasons + more) if more else judged, found


def verdict(laid: Ground, artifact: dict, found: list[Embeddings]) -> Result:
    """The verdict on an artefact that gave `found`, one for each of the ground's stocks."""
    encoder = artifact["encoder"]
    closeness = metrics.closeness(found[0].catalog if encoder == "image" else found[0].text_queries,
                                  laid.expected(encoder))
    kinds = ("picture", "text") if encoder == "image" else ("text",)
    ranked = [shelf.rank(stock.shelf, one, stock.expected, kinds)
              for stock, one in zip(laid.stocks, found, strict=True)]
    allowed = tolerances.of(laid.space, artifact["format"], artifact["precision"], encoder)
    reasons = tolerances.failures(allowed, closeness, ranked if laid.made["shippable"] else [])
    return Result(**identity(artifact), outcome="failed" if reasons else "passed", reasons=reasons,
                  closeness=closeness, rankings=ranked)


def answers(embed: runners.Run, encoder: str, stock: Stock) -> Embeddings:
    """One shelf, with one encoder replaced by the artefact.

    An image encoder embeds the catalog and the picture queries, a text encoder the text queries.
    """
    if encoder == "text":
        return Embeddings(stock.expected.catalog, stock.expected.picture_queries, embed(stock.ids))
    catalog = embed(stock.pictures)
    queries = catalog if stock.shelf.own else embed(stock.picture_queries)
    return Embeddings(catalog, queries, stock.expected.text_queries)


def identity_faults(path: Path, space: str, artifact: dict) -> list[str]:
    """Why the artefact is not the one that the manifest and the weights name; none if it is."""
    if not path.exists():
        return ["missing"]
    if files.sha256(path) != artifact["sha256"]:
        return ["its bytes are not those of the manifest (sha256)"]
    try:
        stamped = runners.metadata(artifact["format"], path).get("space")
    except Exception as error:               # an unreadable artefact is a verdict, not a crash
        return [f"its metadata cannot be read: {error}"]
    return [] if stamped == space else [f"embedding space {str(stamped)[:16]}… is not the weights' {space[:16]}…"]


def outcome(results: Sequence[Result], strict: bool, judged: Sequence[Pair] = ()) -> bool:
    """Whether the gate is green: nothing failed, something passed, and under `strict` everything ran."""
    if not results:
        raise InputError("the manifest lists no artefact", remedy="export again")
    red = {"failed", "not run"} if strict else {"failed"}
    outcomes = {result.outcome for result in results}
    return "passed" in outcomes and not (outcomes | {pair.outcome for pair in judged}) & red
