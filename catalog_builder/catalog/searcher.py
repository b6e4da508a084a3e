"""A catalog and an encoder enter; answers to texts and pictures leave. The Python API of a shop's search.

    from catalog_builder import engines

    shop = engines.searcher(Path("dist/demo/products.catalog"), Path("dist/demo"))
    for result in shop.find(text="a red apple", k=3):
        print(result.record["name"], result.percent)
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from catalog_builder.catalog import calibration, scores, scripts, search, words, zero_shot
from catalog_builder.catalog.reader import Catalog
from catalog_builder.catalog.search import ANY, Filter, Hit
from export.common.errors import InputError


@dataclass(frozen=True)
class Result:
    """One product of an answer; answers are sorted, best first."""

    product: int                             # position in the catalog
    record: dict                             # id, name, price, currency, description, category, extra fields
    score: float
    confidence: float | None                 # the share of results with such a score that are right; None: not measured

    @property
    def percent(self) -> int | None:
        """For people; never a raw cosine. None where the kind of query was not measured."""
        return None if self.confidence is None else round(100 * self.confidence)

    @property
    def stars(self) -> int | None:
        """0 to 5; None where the kind of query was not measured."""
        return None if self.confidence is None else calibration.stars(self.confidence)


@dataclass(frozen=True)
class ExactResult:
    """One product of the group above an answer: the text names it."""

    product: int                             # position in the catalog
    record: dict                             # as a result's
    by: str                                  # "key" or "words"


class QueryEncoder(Protocol):
    """The image and the text encoder of one model, whatever runs them: catalog_builder.engines.Model is one."""

    @property
    def templates(self) -> Sequence[str]:
        """Prompts to put a label into, `{}` its place."""

    @property
    def scripts(self) -> Collection[str]:
        """The writing systems that the model knows."""

    @property
    def logit_scale(self) -> float:
        """The factor on a cosine before the shares of labels."""

    @property
    def logit_bias(self) -> float | None:
        """What is added to the scaled cosine before a sigmoid; None: the model has none."""

    @property
    def shares(self) -> str:
        """What shares labels are given: `softmax` or `sigmoid`."""

    @property
    def text(self) -> Callable[[list[str]], np.ndarray]:
        """Texts -> float32 [N, dim]."""

    @property
    def image(self) -> Callable[[np.ndarray], np.ndarray]:
        """Squares, uint8 [N, S, S, 3] -> float32 [N, dim]."""

    def square(self, picture: Path | bytes) -> np.ndarray:
        """Any picture as uint8 [S, S, 3]. Raises InputError for what is no picture."""


@dataclass(frozen=True)
class Searcher:
    """An open catalog and the encoders of its embedding space. `catalog_builder.engines.searcher` opens both."""

    catalog: Catalog
    encoder: QueryEncoder

    def find(self, text: str | None = None, picture: Path | bytes | None = None, slider: float = 0.5, k: int = 10,
             where: Filter = ANY, threshold: float = -np.inf, least_confidence: float = 0.0,
             exact: bool = False) -> list[Result]:
        """By text, by picture, or by both: `slider` 0 is the text alone, 1 the picture alone.

        `threshold` is of the score, `least_confidence` of the calibrated share; where that was not measured, it hides
        nothing. `exact`: every row is scored, also where the catalog has a first pass. Raises InputError for bad input.
        """
        if text is None and picture is None:
            raise InputError("nothing to search for", expected="a text, a picture or both")
        if not 0 <= slider <= 1:
            raise InputError("the slider is out of its range", expected="0 (text) to 1 (picture)", found=slider)
        _check_share(least_confidence)
        parts = self._encoded(text, picture)
        vector = next(iter(parts.values())) if len(parts) == 1 else scores.mixed(
            parts["image"], parts["text"], calibration.slider_weight(self.catalog.calibration, slider))
        hits = search.search(self.catalog, vector, k, where, threshold, exact=exact)
        return self._results(hits, self._confidences(hits, parts, slider), least_confidence)

    def exact(self, text: str, where: Filter = ANY, most: int = words.MOST) -> list[ExactResult]:
        """The products that a text names: by an article number, a barcode, a brand, or by all its words.

        They are shown as a group above the results of `find`, which stay as they are: a product may stand in both.
        Takes no encoder. Raises InputError for bad input.
        """
        return [ExactResult(one.product, self.catalog.record(one.product), one.by)
                for one in words.found(self.catalog, text, where, most)]

    def like(self, product_id: str, k: int = 10, where: Filter = ANY, threshold: float = -np.inf,
             least_confidence: float = 0.0, exact: bool = False) -> list[Result]:
        """More like this product, which is left out."""
        _check_share(least_confidence)
        hits = search.like(self.catalog, self.position(product_id), k, where, threshold, exact=exact)
        shares = [calibration.confidence(self.catalog.calibration.image, hit.score) for hit in hits]
        return self._results(hits, shares, least_confidence)

    def position(self, product_id: str) -> int:
        """A product's position in the catalog. Raises InputError for an unknown id."""
        product = self.catalog.place(product_id)
        if product is None:
            raise InputError("no such product", where=self.catalog.path, found=product_id)
        return product

    def warning(self, text: str) -> str | None:
        """What the user should know about a text in a script that the model was not trained on; None if nothing."""
        return scripts.warning(text, self.encoder.scripts)

    def _encoded(self, text: str | None, picture: Path | bytes | None) -> dict[str, np.ndarray]:
        """What is given of "text" and "image": float32 [dim] each."""
        parts = {}
        if text is not None:
            parts["text"] = self.encoder.text([text])[0]
        if picture is not None:
            parts["image"] = self.encoder.image(self.encoder.square(picture)[None])[0]
        return parts

    def _confidences(self, hits: list[Hit], parts: dict[str, np.ndarray], slider: float) -> list[float | None]:
        known, rows = self.catalog.calibration, np.array([hit.row for hit in hits], np.int64)
        if len(parts) == 1:
            curve = known.text if "text" in parts else known.image
            return [calibration.confidence(curve, hit.score) for hit in hits]
        text, image = (scores.scores(self.catalog, scores.prepared(self.catalog, parts[kind]), rows)
                       for kind in calibration.KINDS)
        return [calibration.mixed_confidence(known, slider, t, i) for t, i in zip(text, image, strict=True)]

    def _results(self, hits: list[Hit], shares: list[float | None], least: float) -> list[Result]:
        return [Result(hit.product, self.catalog.record(hit.product), hit.score, share)
                for hit, share in zip(hits, shares, strict=True) if share is None or share >= least]


def _check_share(least: float) -> None:
    if not 0 <= least <= 1:
        raise InputError("the least confidence is out of its range", expected="a share, 0 to 1", found=least)


def labels(encoder: QueryEncoder, picture: Path | bytes, names: Collection[str]) -> list[tuple[str, float]]:
    """Zero-shot: which of the names fit a picture, best first, by the model's own logit scale.

    The shares sum to 1, or, of a model that was trained on a sigmoid, each name has its own.
    """
    if not names:
        raise InputError("no names to choose from", expected="one or more")
    templates = encoder.templates
    prompts = encoder.text([template.replace("{}", name) for name in names for template in templates])
    shares = zero_shot.probabilities(prompts.reshape(len(names), len(templates), -1),
                                     encoder.image(encoder.square(picture)[None])[0], encoder.logit_scale,
                                     encoder.logit_bias, encoder.shares)
    return sorted(zip(names, shares, strict=True), key=lambda pair: -pair[1])
