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
    measured: bool = True                    # False: a and b are a guess, and no score becomes per cent


GUESS = (10.0, -5.0)                         # a and b of a kind that was not measured: a score of .5 is 50 %


@dataclass(frozen=True)
class Calibration:
    """The curves of both kinds, and their source: "queries", "names" (made up from the products), or "none"."""

    text: Curve
    image: Curve
    source: str

    @classmethod
    def from_json(cls, kept: Any) -> "Calibration":
        """Reads what `json` wrote, older files too. Raises ValueError, KeyError or TypeError for anything else."""
        text, image = (_curve(kept[kind], kept["source"]) for kind in KINDS)
        if min(text.spread, image.spread) < 1 / BEYOND or not isinstance(kept["source"], str):
            raise ValueError("a calibration with a spread of 0, or without a source")
        return cls(text, image, kept["source"])

    def json(self) -> dict:
        """For the catalog's metadata."""
        return asdict(self)


def guess(spread: float) -> Curve:
    """The curve of a kind that was not measured."""
    return Curve(*GUESS, spread, measured=False)


NONE = Calibration(guess(1.0), guess(1.0), "none")


def confidence(curve: Curve, score: float) -> float | None:
    """The share of results with this score that are right, in [0, 1]; None where the kind was not measured."""
    return logistic(curve.a * score + curve.b) if curve.measured else None


def mixed_confidence(calibration: Calibration, slider: float, text_score: float, image_score: float) -> float | None:
    """The confidence of a hybrid result: the slider (0: text alone, 1: picture alone) mixes the curves' exponents.

    None where a kind was not measured that the slider does not leave out.
    """
    text, image = calibration.text, calibration.image
    if not (text.measured or slider == 1) or not (image.measured or slider == 0):
        return None
    return logistic(slider * (image.a * image_score + image.b) + (1 - slider) * (text.a * text_score + text.b))


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def stars(share: float) -> int:
    """0 to 5, half to even."""
    return round(5 * share)


def slider_weight(calibration: Calibration, slider: float) -> float:
    """The picture's weight w in `w q_image + (1 - w) q_text` for the slider's place in [0, 1]."""
    picture, text = slider * calibration.text.spread, (1 - slider) * calibration.image.spread
    return picture / (picture + text)


def _curve(kept: Any, source: object) -> Curve:
    """One kind's curve. Files of older builders do not say whether it was measured: their guess was always GUESS."""
    a, b, spread = (_number(kept[key]) for key in ("a", "b", "spread"))
    measured = kept.get("measured", (a, b) != GUESS and source != "none")
    if not isinstance(measured, bool):
        raise ValueError(f"a calibration whose `measured` is {str(measured)[:20]!r}, neither true nor false")
    return Curve(a, b, spread, measured)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= BEYOND:
        raise ValueError(f"a calibration that is no finite number, or beyond {BEYOND:g}")
    return float(value)


def described(calibration: Calibration) -> Mapping[str, str]:
    """For people: at which score half of the results are right, by kind."""
    return {kind: f"half of the results with a score of {-curve.b / curve.a:.3f} are right"
            for kind in KINDS if (curve := getattr(calibration, kind)).a > 0}
