"""Answers of an image and a text encoder enter; how the two rank together, as an app ships them, leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from export import plan
from parity.gate import shelf, tolerances
from parity.gate.baseline import Ground
from parity.gate.results import Pair
from parity.gate.shelf import Embeddings


@dataclass(frozen=True)
class Answers:
    """What an artefact gave: its manifest entry and, for each stock of the ground, the shelf with it in place."""

    artifact: dict
    found: list[Embeddings]


def combinations(artifacts: Sequence[dict]) -> list[tuple[dict, dict]]:
    """Image and text encoders of one format: equal precisions, and what ships (the default, or all that there is)."""
    made = []
    for format_ in plan.FORMATS:
        images, texts = ([a for a in artifacts if (a["format"], a["encoder"]) == (format_, encoder)]
                         for encoder in plan.ENCODERS)
        only = len(images) == len(texts) == 1
        default = tuple(plan.DEFAULT_PRECISION[format_, encoder] for encoder in plan.ENCODERS)
        made += [(image, text) for image in images for text in texts
                 for both in [(image["precision"], text["precision"])]
                 if only or both == default or both[0] == both[1]]
    return made


def judge(laid: Ground, answers: Sequence[Answers]) -> list[Pair]:
    """The verdicts on all pairs whose encoders both ran."""
    given = {a.artifact["path"]: a for a in answers}
    return [judge_pair(laid, given[image["path"]], given[text["path"]])
            for image, text in combinations([a.artifact for a in answers])]


def judge_pair(laid: Ground, image: Answers, text: Answers) -> Pair:
    """Ranks all shelves with both encoders. Random weights fail nothing."""
    ranked = [shelf.rank(stock.shelf, Embeddings(one.catalog, one.picture_queries, other.text_queries),
                            stock.expected)
              for stock, one, other in zip(laid.stocks, image.found, text.found, strict=True)]
    reasons = [fault for one in ranked for fault in tolerances.ranking_failures(tolerances.pair(), one)]
    reasons = reasons if laid.made["shippable"] else []
    return Pair(image.artifact["format"], image.artifact["precision"], text.artifact["precision"],
                image.artifact["bytes"] + text.artifact["bytes"], "failed" if reasons else "passed", reasons, ranked)
