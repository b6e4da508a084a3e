"""How an artefact's weights are stored: one scheme by default, and other schemes for some weights, by their names.

A scheme is the name of a precision (fp16, int8, palette6, …). The canonical form goes into receipts and the manifest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LEAST = 1024                                 # values; a smaller tensor saves less than a scale, a table or a node costs


@dataclass(frozen=True, order=True)
class Mixture:
    """`default` for every weight of LEAST values or more, except those in `others`. Other constants stay float."""

    default: str
    others: tuple[tuple[str, str], ...] = ()             # (weight, scheme), sorted, none of them the default

    @classmethod
    def of(cls, schemes: Mapping[str, str], default: str) -> "Mixture":
        """The mixture that gives these weights these schemes."""
        return cls(default, tuple(sorted((w, s) for w, s in schemes.items() if s != default)))

    @classmethod
    def from_json(cls, kept: Mapping) -> "Mixture":
        """The mixture from the result of `json`. Raises KeyError or TypeError for anything else."""
        return cls.of(dict(kept["others"]), str(kept["default"]))

    def json(self) -> dict:
        """The canonical form: keys sorted, the default scheme never repeated."""
        return {"default": self.default, "others": dict(self.others)}

    def scheme(self, weight: str) -> str:
        """How `weight` is stored."""
        return dict(self.others).get(weight, self.default)

    def schemes(self) -> set[str]:
        """All schemes that the mixture uses."""
        return {self.default, *(scheme for _, scheme in self.others)}


def uniform(precision: "str | Mixture") -> Mixture:
    """A precision's name as a mixture of one scheme."""
    return precision if isinstance(precision, Mixture) else Mixture(precision)


@dataclass(frozen=True)
class Weight:
    """One tensor that can be compressed, as a format names it."""

    name: str
    shape: tuple[int, ...]
    values: int


def is_weight(values) -> bool:
    """Whether a constant (a NumPy array) is worth compressing and may be: masks and counters must stay exact."""
    import numpy as np

    return values.ndim >= 2 and values.size >= LEAST and len(np.unique(values.ravel()[:65536])) > 16
