"""Pixels and activation, stated in several places, enter; the model's row with what holds for this checkpoint leaves.

A row of the table or a tag states all of them. A configuration beside the checkpoint takes the place of what they
state, and so does what the user gives by hand; if these two contradict each other, they are refused.
"""

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export.common.errors import InputError
from export.common.specs import SCRIPTS, Given, ModelSpec
from export.weights.models import BUNDLED, CHINESE, S0

GELU, QUICK_GELU = "gelu", "quickgelu"
INTERPOLATIONS = ("bilinear", "bicubic")
BY_HAND = "given by hand"


@dataclass(frozen=True)
class Settings:
    """What one place states; None: not stated there."""

    origin: str                              # the place, for messages
    size: int | None = None                  # side of the square, pixels
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    interpolation: str | None = None
    resize: str | None = None
    activation: str | None = None            # GELU or QUICK_GELU
    network: dict | None = None              # open_clip's model_cfg

    def stated(self) -> dict[str, object]:
        """What stands in a table row too, by name."""
        names = ("size", "mean", "std", "interpolation", "resize", "activation")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def of_hand(given: Given) -> Settings:
    """What the user states."""
    return Settings(BY_HAND, mean=given.mean, std=given.std, interpolation=given.interpolation,
                    activation=given.activation)


def merged(file: Settings | None, hand: Settings) -> dict[str, object]:
    """What the two state together. Raises InputError if they contradict each other."""
    stated = file.stated() if file else {}
    for name, value in hand.stated().items():
        if name in stated and stated[name] != value:
            raise InputError(f"{name.upper()}= contradicts {file.origin if file else ''} beside the checkpoint",
                             expected=_words(stated[name]), found=_words(value),
                             remedy=f"leave {name.upper()}= out, or move the file away")
    return stated | hand.stated()


def applied(spec: ModelSpec, settings: Settings) -> ModelSpec:
    """`spec` with what `settings` state. Raises InputError if they are of another model."""
    if settings.size not in (None, spec.preprocessing.size):
        raise InputError(f"{settings.origin} beside the checkpoint is not of MODEL={spec.model}",
                         expected=f"{spec.preprocessing.size} px", found=f"{settings.size} px",
                         remedy="MODEL=local-dir:folder with the file and its open_clip_config.json")
    pixels: dict[str, Any] = {name: value for name, value in settings.stated().items()
                              if name not in ("size", "activation")}
    spec = replace(spec, preprocessing=replace(spec.preprocessing, **pixels))
    return spec if settings.activation is None else _activated(spec, settings.activation, settings.origin)


def _activated(spec: ModelSpec, activation: str, origin: str) -> ModelSpec:
    """The activation is a key of the space if the user gave it, or if it is not that of the row or the tag."""
    quick = activation == QUICK_GELU
    if spec.architecture in (*BUNDLED, S0, *CHINESE) and (quick != spec.quick_gelu or origin == BY_HAND):
        usual = QUICK_GELU if spec.quick_gelu else GELU
        raise InputError(f"MODEL={spec.model} has one activation", expected=usual, found=activation,
                         remedy="leave ACTIVATION= out")
    changes = origin == BY_HAND or quick != spec.quick_gelu
    return replace(spec, quick_gelu=quick, activation=activation if changes else spec.activation)


def settings_of(spec: ModelSpec) -> dict[str, object]:
    """All that a checkpoint does not hold itself, as JSON gives it back."""
    pixels = spec.preprocessing
    return {"activation": QUICK_GELU if spec.quick_gelu else GELU, "mean": list(pixels.mean), "std": list(pixels.std),
            "resize": pixels.resize, "interpolation": pixels.interpolation, "size": pixels.size}


def assumed(spec: ModelSpec, file: Settings | None, hand: Settings, row: str) -> str:
    """One line: what is taken for the pixels and activation of a checkpoint, and where that stands. `row`: its row."""
    forms = {"mean": "mean {}", "std": "std {}", "size": "{} px"}
    places: dict[str, list[str]] = {}
    for name, value in settings_of(spec).items():
        origin = next((s.origin for s in (hand, file) if s and name in s.stated()), row)
        places.setdefault(origin, []).append(forms.get(name, "{}").format(_words(value)))
    return "assumes " + "; ".join(f"{', '.join(words)} ({origin})" for origin, words in places.items())


def _words(value: object) -> str:
    return " ".join(f"{number:.4g}" for number in value) if isinstance(value, tuple | list) else str(value)


# --- what the user types ---------------------------------------------------------------------------------------------

def parsed(name: str | None, key: str | None, activation: str | None, interpolation: str | None,
           *, mean: str | None, std: str | None, scripts: str | None = None) -> Given:
    """NAME=, CHECKPOINT_KEY=, ACTIVATION=, INTERPOLATION=, MEAN=, STD= and SCRIPTS= as typed.

    Raises InputError for no values.
    """
    return Given(None if name is None else folder_name(name), key,
                 _one_of("ACTIVATION", activation, (GELU, QUICK_GELU)),
                 _three("MEAN", mean, least=-math.inf), _three("STD", std, least=0.0),
                 _one_of("INTERPOLATION", interpolation, INTERPOLATIONS), _scripts(scripts))


def folder_name(name: str) -> str:
    """A name for a folder in dist. Raises InputError for one that is a path, or hidden."""
    if not re.fullmatch(r"\w[\w.+-]{0,99}", name) or name.endswith(".partial"):
        raise InputError(f"NAME={name[:40]} is no name", expected="letters, digits, '.', '-' and '_'",
                         remedy="NAME=my-model")
    return name


def _one_of(variable: str, value: str | None, known: tuple[str, ...]) -> str | None:
    if value is not None and value.lower() not in known:
        raise InputError(f"{variable}= is unknown", expected=" or ".join(known), found=ascii(value[:40]),
                         remedy=f"{variable}={known[0]}")
    return None if value is None else value.lower()


def _three(variable: str, value: str | None, least: float) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        numbers = tuple(float(word) for word in re.split(r"[\s,]+", value.strip(" \t[]()")))
    except ValueError:
        numbers = ()
    if len(numbers) != 3 or not all(math.isfinite(n) and n > least for n in numbers):
        what = "three numbers" if least < 0 else "three numbers above 0"
        raise InputError(f"{variable}= is not {what}", expected=f"{what}, for red, green and blue from 0 to 1",
                         found=ascii(value[:60]), remedy=f"{variable}=0.5,0.5,0.5")
    return numbers


def _scripts(value: str | None) -> tuple[str, ...] | None:
    """Names of writing systems, with commas, blanks or both between them, in the order of SCRIPTS."""
    if value is None:
        return None
    words = value.replace(",", " ").lower().split()
    unknown = sorted(set(words) - {name.lower() for name in SCRIPTS})
    if unknown or not words:
        raise InputError("SCRIPTS= names no script that is known", expected=", ".join(SCRIPTS),
                         found=ascii(", ".join(unknown)[:60]) if unknown else "an empty list",
                         remedy="SCRIPTS=Latin,Han")
    return tuple(name for name in SCRIPTS if name.lower() in words)


def no_settings_for_published(given: Given, checkpoint: Path | None) -> None:
    """Raises InputError if settings are given for weights that have their own."""
    stated = of_hand(given).stated()
    if stated and checkpoint is None:
        names = " and ".join(f"{name.upper()}=" for name in stated)
        raise InputError(f"{names} without a checkpoint of your own",
                         expected="CHECKPOINT=, for published weights have their own", remedy="leave it out")
