"""A score enters; per cent and stars leave.

Scores of text queries and of picture queries lie in different ranges, so each kind has a logistic curve of its own,
p = 1 / (1 + exp(-(a x score + b))), and a spread, which balances the slider between text and picture.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

KINDS = ("text", "image")
BEYOND = 1e100                               # larger than any real curve; within, no share is NaN and no weight 0 / 0


@dataclass(frozen=True)
class Curve:
    """One kind of query."""

    a: float                                 # slope, per unit of score
    b: float
    spread: float                            # standard deviation of a query's scores over the products


@dataclass(frozen=True)
class Calibration:
    """The curves of both kinds, and their source: "queries", "names" (made up from the products), or "none"."""

    text: Curve
    image: Curve
    source: str

    @classmethod
    def from_json(cls, kept: Any) -> "Calibration":
        """Reads what `json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        text, image = (Curve(*(_number(kept[kind][key]) for key in ("a", "b", "spread"))) for kind in KINDS)
        if min(text.spread, image.spread) < 1 / BEYOND or not isinstance(kept["source"], str):
            raise ValueError("a calibration with a spread of 0, or without a source")
        return cls(text, image, kept["source"])

    def json(self) -> dict:
        """For the catalog's metadata."""
        return asdict(self)


NONE = Calibration(Curve(10.0, -5.0, 1.0), Curve(10.0, -5.0, 1.0), "none")       # nothing measured: score .5 is 50 %


def confidence(curve: Curve, score: float) -> float:
    """The share of results with this score that are right: in [0, 1]."""
    x = curve.a * score + curve.b
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def mixed_confidence(calibration: Calibration, slider: float, text_score: float, image_score: float) -> float:
    """The confidence of a hybrid result: the slider (0: text alone, 1: picture alone) mixes the curves' exponents."""
    text, image = calibration.text, calibration.image
    x = slider * (image.a * image_score + image.b) + (1 - slider) * (text.a * text_score + text.b)
    return confidence(Curve(1, 0, 1), x)


def stars(share: float) -> int:
    """0 to 5, half to even."""
    return round(5 * share)


def slider_weight(calibration: Calibration, slider: float) -> float:
    """The picture's weight w in `w q_image + (1 - w) q_text` for the slider's place in [0, 1]."""
    picture, text = slider * calibration.text.spread, (1 - slider) * calibration.image.spread
    return picture / (picture + text)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= BEYOND:
        raise ValueError(f"a calibration that is no finite number, or beyond {BEYOND:g}")
    return float(value)


def described(calibration: Calibration) -> Mapping[str, str]:
    """For people: at which score half of the results are right, by kind."""
    return {kind: f"half of the results with a score of {-curve.b / curve.a:.3f} are right"
            for kind in KINDS if (curve := getattr(calibration, kind)).a > 0}
