"""An artefact enters; the names of the checkpoint's weights that the artefact lacks, or holds at another scale, leave.

In float16 the rounding of the embeddings may hide a weight that is wrong by 5 %, so the gate reads the weights back.
Converters change a weight's layout, but not the magnitude of its values: the sorted values identify a tensor.
Compressed ONNX and TFLite files are not read back: their rankings judge them.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from export import runners
from export.artifacts.manifest import Artifact
from export.formats.table import FLOAT, FORMATS
from parity.gate.baseline import Baseline
from parity.gate.tensor_values import LEAST, Values, tensors, true_values

Found = dict[int, list[Values]]              # by the number of values

SUMMED = 1e-4                                # of a norm: what the order of 25 million float32 summands changes
PIXEL_CHANNELS, WHITE = 3, np.float32(255)
SCALE = 0.01                                 # a weight's scale may differ by this share: rounding is 1e-4 in float16
# How far the sorted values may be from the true ones, relative to their norm. fp32 and fp16: five times what was
# measured on s2. Compressed: the most that a scheme of so many bits loses. This only tells another tensor from the true
# one; the rankings judge the loss itself.
RESIDUAL = {"fp32": 1e-5, "fp16": 2e-3, "int8": 0.05, "palette6": 0.2, "palette4": 0.5, "int4": 0.5, "mixed": 0.5}


@dataclass(frozen=True)
class Held:
    """What an artefact holds of the checkpoint's weights."""

    faults: list[str]                        # why they are not the checkpoint's
    unrecognised: list[str]                  # tensors that are not there as they are, nor in a folded form known here


def examine(baseline: Baseline, artifact: Artifact) -> Held:
    """Reads an artefact's weights. What no reader decodes has no faults."""
    precision = artifact.precision
    if precision not in FLOAT and not FORMATS[artifact.format].decodes:
        return Held([], [])
    constants = stored(baseline, artifact)
    if precision != "fp32" and not all(np.isfinite(one).all() for one in narrowed(constants)):
        return Held(["a constant, such as a mask, is beyond float16's range"], [])
    part, found = baseline.parts[artifact.encoder], by_size(constants)
    lacking = missing(part, found, RESIDUAL[precision], precision, baseline.weights[artifact.encoder])
    off = at_another_scale(tensors(part), lacking, found, RESIDUAL[precision])
    return Held([wrong(off)] if off else [], [name for name in lacking if name not in off])


def narrowed(constants: list[np.ndarray]) -> list[np.ndarray]:
    """The constants that were made float16. Core ML's reader widens them all; others leave what stayed float32."""
    return ([one for one in constants if one.dtype == np.float16]
            or [one for one in constants if one.dtype.kind == "f"])


def stored(baseline: Baseline, artifact: Artifact) -> list[np.ndarray]:
    """The constants of an artefact."""
    return runners.constants(artifact.format, baseline.dist.path(artifact.path))


def wrong(names: list[str]) -> str:
    """The verdict on tensors that are not the checkpoint's."""
    more = f" and {len(names) - 3} others" if len(names) > 3 else ""
    return f"weights are not the checkpoint's: {', '.join(names[:3])}{more}"


def rounded_from(constants: Iterable[np.ndarray], twin: Iterable[np.ndarray], precision: str) -> bool:
    """Whether the constants that their values can identify are those of `twin`, the same network in float32."""
    found = by_size(twin)
    return all(near_one(found, value, RESIDUAL[precision]) for values in by_size(constants).values()
               for value in values)


def missing(encoder, found: Found, residual: float, precision: str | None = None,
            known: dict[str, Values] | None = None) -> list[str]:
    """The names of the encoder's tensors that are not among `found`, folded or as they are.

    `precision`: of the tensors found, if all that is expected of them is rounding. `known`: the encoder's
    `true_values`, where they are known already.
    """
    true, white, known = tensors(encoder), white_of(encoder), known or true_values(encoder)
    marks = {value.mark for values in found.values() for value in values} if precision in FLOAT else set()
    lacking = [name for name, value in known.items() if not (marks and value.marks[str(precision)] in marks)
               and not near_one(found, value, residual) and not holds_scaled(found, true[name], residual, white)]
    return without_split(encoder, without_folded(true, lacking, found, residual), found, residual)


def without_split(encoder, lacking: list[str], found: Found, residual: float) -> list[str]:
    """`lacking` without the large depthwise convolutions that a converter split, if all their pieces are there."""
    if not lacking:
        return []
    from export.weights.depthwise import split_large

    pieces = tensors(split_large(encoder))
    return [name for name in lacking
            if not (parts := parts_of(name, pieces)) or not all(holds(found, value, residual) for value in parts)]


def parts_of(name: str, pieces: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The pieces of a tensor that was split; none if it was not."""
    module = name.rpartition(".")[0]
    return [] if name in pieces else [value for piece, value in pieces.items() if piece.startswith(f"{module}.")]


def without_folded(true: dict[str, np.ndarray], lacking: list[str], found: Found,
                   residual: float) -> list[str]:
    """`lacking` without what is there in another form: a layer norm's factors inside the linear layer after it.

    W (g x + t) + b is (W g) x + (W t + b): litert-torch writes this form where there is a b. A norm that goes into some
    layers can be there as it is, too, for the others.
    """
    names = set(lacking)
    norms = [(name, f"{name.removesuffix('weight')}bias") for name in true if name.endswith("weight")
             and true[name].ndim == 1 and f"{name.removesuffix('weight')}bias" in true]
    layers = [name for name in lacking if true[name].ndim == 2 and name.endswith("weight")]
    for name in layers:                      # the norm before a layer has nearly always the most similar name
        nearest = sorted(norms, key=lambda norm: -len(os.path.commonprefix([name, norm[0]])))
        names -= next((inside for norm in nearest if (inside := folded(true, name, norm, found, residual))), set())
    for name in layers if names else []:
        for norm in norms:
            if not names.isdisjoint(norm):
                names -= folded(true, name, norm, found, residual)
    return [name for name in lacking if name in names]


def folded(true: dict[str, np.ndarray], name: str, norm: tuple[str, str], found: Found, residual: float) -> set[str]:
    """The names of a linear layer's and a norm's tensors if the norm is inside the layer; else none."""
    weight, bias, (factor, shift) = true[name], f"{name.removesuffix('weight')}bias", norm
    if true[factor].size != weight.shape[1]:
        return set()
    inside = weight * true[factor]
    if not holds(found, inside, residual) or not holds(found, weight @ true[shift] + true.get(bias, 0), residual):
        return set()
    return {name, bias, factor, shift}


def white_of(encoder) -> np.float32:
    """What divides a pixel: 255, times the standard deviation where the three channels have the same."""
    deviations = np.unique(encoder.std.numpy()) if hasattr(encoder, "std") else np.ones(1, np.float32)
    return WHITE * deviations[0] if len(deviations) == 1 else WHITE


def at_another_scale(true: dict[str, np.ndarray], lacking: list[str], found: Found, residual: float) -> list[str]:
    """The names of `lacking` tensors whose values are there, all multiplied by one number: a fault, never a fold.

    The exception is a query or a key with attention's own scale inside.
    """
    def only_there(value: Values) -> bool:
        return not any(holds({other.size: [value]}, other, residual) for other in true.values()
                       if other.size == value.flat.size)

    def is_scaled(name: str, value: Values) -> bool:
        own = Values(true[name])
        return proportional(own, value, residual) and not attention_scale(value.norm / own.norm)

    return [name for name in lacking
            if any(is_scaled(name, value) and only_there(value) for value in found.get(true[name].size, []))]


def attention_scale(factor: float) -> bool:
    """Whether queries or keys may be multiplied by `factor`: a head's width (8, 16, …) to the power -1/2 or -1/4."""
    widths = [factor ** -2, factor ** -4] if factor > 0 else []
    return any(round(width / 8) >= 1 and abs(width / (8 * round(width / 8)) - 1) <= 4 * SUMMED for width in widths)


def proportional(true: Values, other: Values, residual: float) -> bool:
    """Whether the other values are the true ones up to a factor."""
    return other.norm > 0 and float(np.linalg.norm(other.ordered / other.norm - true.ordered / true.norm)) <= residual


def holds_scaled(found: Found, value: np.ndarray, residual: float, white: np.float32) -> bool:
    """Whether `value` is a convolution of pixels, stored with their divisor inside (litert-torch does so for 2-b)."""
    return value.ndim == 4 and value.shape[1] == PIXEL_CHANNELS and holds(found, value / white, residual)


def holds(found: Found, value: np.ndarray, residual: float) -> bool:
    """Whether one of the tensors found has these values, in any order."""
    return near_one(found, Values(value), residual)


def near_one(found: Found, true: Values, residual: float) -> bool:
    """Whether one of the tensors found has these values, up to rounding."""
    if true.norm == 0:
        return True                          # a converter may leave zeros out
    return any(near(float(true.ordered @ other.ordered), true.norm, other.norm)
               and float(np.linalg.norm(other.ordered - true.ordered)) <= residual * true.norm
               for other in likely(found, true, residual))


def likely(found: Found, true: Values, residual: float) -> list[Values]:
    """The tensors with as many values and a norm that is near enough (triangle inequality): before the slow sorting."""
    return [other for other in found.get(true.flat.size, []) if abs(other.norm / true.norm - 1) <= residual + SUMMED]


def near(product: float, size: float, other: float) -> bool:
    """Whether two tensors have the same scale, from their inner product and norms: `size` true, `other` stored.

    Rounding keeps product / size² at 1, k-means keeps product / other² at 1.
    """
    return min(abs(product / size ** 2 - 1), abs(product / other ** 2 - 1)) <= SCALE


def by_size(tensors: Iterable[np.ndarray]) -> Found:
    """The values of each tensor that they can identify, by the number of values."""
    found: Found = {}
    for tensor in tensors:
        if tensor.dtype.kind == "f" and tensor.size >= LEAST:
            found.setdefault(tensor.size, []).append(Values(tensor))
    return found
