"""The gate: dist/<model>/ enters; for every artefact passed, failed or not run leaves, with what was measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from export import files, manifest, pipeline, runners
from export.errors import InputError
from parity import inputs as material
from parity import metrics, tolerances
from parity.reference import Reference, token_ids

FEW_PRODUCTS = 12                            # of the sample shop, for models that need 100 ms a picture


@dataclass(frozen=True)
class Result:
    """The verdict on one artefact."""

    format: str
    encoder: str
    precision: str
    path: str
    outcome: Literal["passed", "failed", "not run"]
    reasons: list[str]                       # why failed, or why not run
    closeness: metrics.Closeness | None = None
    ranking: metrics.Ranking | None = None


@dataclass(frozen=True)
class Inputs:
    """The samples and the shop, as both the reference and the artefacts take them."""

    pictures: np.ndarray                     # uint8 [N, S, S, 3]
    ids: np.ndarray                          # int32 [N, 77]
    shop: material.Shop
    shop_pictures: np.ndarray
    shop_picture_queries: np.ndarray
    shop_text_queries: np.ndarray


@dataclass(frozen=True)
class Embeddings:
    """One encoder family's answers to the inputs (the reference's, or with parts replaced by an artefact's)."""

    catalog: np.ndarray
    picture_queries: np.ndarray
    text_queries: np.ndarray


def prepare(spec, products: int | None) -> Inputs:
    """Reads and preprocesses everything once."""
    shop = material.shop(products)
    square = spec.preprocessing
    return Inputs(material.squares(material.pictures(), square), token_ids(material.texts()), shop,
                  material.squares(shop.pictures, square), material.squares(shop.picture_queries, square),
                  token_ids(shop.text_queries))


def run(folder: Path, products: int | None, begin: Callable[[str], None]) -> list[Result]:
    """Gates every artefact of the manifest. Raises InputError where the manifest or the weights are not to be had.

    `products`: how many of the sample shop's to rank, None for all. `begin` is told what starts.
    """
    made = manifest.read(folder)
    begin("float32 PyTorch")
    spec, source = pipeline.source_of(folder)
    reference = Reference(spec, source)
    space = reference.space(made["text"]["tokenizer"]["sha256"])
    inputs = prepare(spec, products)
    expected = {"image": reference.images(inputs.pictures), "text": reference.texts(inputs.ids)}
    shop = Embeddings(reference.images(inputs.shop_pictures), reference.images(inputs.shop_picture_queries),
                      reference.texts(inputs.shop_text_queries))
    common = common_faults(folder, made, space)
    results = []
    for artifact in made["artifacts"]:
        begin(artifact["path"])
        if common:
            results.append(Result(**identity(artifact), outcome="failed", reasons=common))
        else:
            results.append(judge(folder, made, space, artifact, inputs, expected[artifact["encoder"]], shop))
    return results


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


def judge(folder: Path, made: dict, space: str, artifact: dict, inputs: Inputs, expected: np.ndarray,
          shop: Embeddings) -> Result:
    """The verdict on one artefact of the manifest `made`: its bytes, its space, then its embeddings.

    With random weights a ranking is chance: it is measured, and fails nothing.
    """
    path, names = folder / artifact["path"], identity(artifact)
    broken = identity_faults(path, space, artifact)
    if broken:
        return Result(**names, outcome="failed", reasons=broken)
    try:
        embed = runners.load(artifact["format"], path, artifact["encoder"])
        if isinstance(embed, runners.CouldNotRun):
            return Result(**names, outcome="not run", reasons=[embed.reason])
        found = embed(inputs.pictures if artifact["encoder"] == "image" else inputs.ids)
        ranking = rank(embed, artifact["encoder"], inputs, shop)
    except Exception as error:               # what a runtime refuses is a verdict, not a crash
        return Result(**names, outcome="failed", reasons=[f"it does not run: {error}".splitlines()[0][:300]])
    closeness = metrics.closeness(found, expected)
    allowed = tolerances.of(space, artifact["format"], artifact["precision"], artifact["encoder"])
    reasons = tolerances.failures(allowed, closeness, ranking if made["shippable"] else None)
    return Result(**names, outcome="failed" if reasons else "passed", reasons=reasons, closeness=closeness,
                  ranking=ranking)


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


def rank(embed: runners.Run, encoder: str, inputs: Inputs, shop: Embeddings) -> metrics.Ranking:
    """The sample shop searched by picture and by text, with one encoder replaced by the artefact.

    An image encoder embeds the catalog and the picture queries, a text encoder the text queries.
    """
    if encoder == "image":
        found = Embeddings(embed(inputs.shop_pictures), embed(inputs.shop_picture_queries), shop.text_queries)
        kinds = ("picture_queries", "text_queries")
    else:
        found = Embeddings(shop.catalog, shop.picture_queries, embed(inputs.shop_text_queries))
        kinds = ("text_queries",)
    owners = np.array(inputs.shop.owners)
    answers = {"picture_queries": inputs.shop.picture_answers, "text_queries": inputs.shop.text_answers}
    best = [np.concatenate([metrics.best_products(getattr(side, kind), side.catalog, owners) for kind in kinds])
            for side in (found, shop)]
    return metrics.ranking(best[0], best[1], np.concatenate([answers[kind] for kind in kinds]))


def outcome(results: list[Result], strict: bool) -> bool:
    """Whether the gate is green: nothing failed, something passed, and under `strict` everything ran."""
    if not results:
        raise InputError("the manifest lists no artefact", remedy="export again")
    red = {"failed", "not run"} if strict else {"failed"}
    outcomes = {result.outcome for result in results}
    return "passed" in outcomes and not outcomes & red
