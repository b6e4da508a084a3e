"""A gated model enters; for each format the pair of encoders that an app would get leaves, with what they cost.

Nothing is measured here: bytes and memory are the manifest's, seconds and agreement are those of parity.json.
"""

import json

from catalog_builder.compare.compared import Encoder, ShippedPair
from catalog_builder.engines import Model
from export.artifacts import shipping
from export.artifacts.dist import VERDICTS
from export.artifacts.manifest import Artifact
from export.formats.table import ENCODERS, FORMATS, Format


def of_model(model: Model) -> tuple[dict[str, ShippedPair], str]:
    """The pairs by format, and the machine that the gate ran on."""
    gated = json.loads(model.dist.path(VERDICTS).read_text(encoding="utf-8"))
    return {row.name: _pair(model, row, gated) for row in FORMATS.values() if _complete(model, row)}, gated["platform"]


def _complete(model: Model, row: Format) -> bool:
    """Whether both encoders are there, and passed the gate."""
    return all(any(artifact.passed for artifact in model.manifest.find(row.name, encoder)) for encoder in ENCODERS)


def _pair(model: Model, row: Format, gated: dict) -> ShippedPair:
    image, text = (shipping.chosen(model.dist, row, encoder) for encoder in ENCODERS)
    return ShippedPair(row.name, _encoder(image, gated), _encoder(text, gated), _agreement(image, text, gated))


def _encoder(artifact: Artifact, gated: dict) -> Encoder:
    timed = [result["latency"]["seconds"] for result in gated["results"]
             if result["path"] == artifact.path and result["latency"]]
    return Encoder(artifact.path, artifact.bytes, artifact.peak_rss, timed[0] if timed else None)


def _agreement(image: Artifact, text: Artifact, gated: dict) -> float | None:
    """The pair's top 1 as float32 PyTorch has it, on the gate's shelf with the most queries."""
    rankings = [ranking for pair in gated["pairs"] for ranking in pair["rankings"]
                if (pair["format"], pair["image"], pair["text"]) == (image.format, image.precision, text.precision)]
    return max(rankings, key=lambda ranking: ranking["queries"])["top1"]["value"] if rankings else None
