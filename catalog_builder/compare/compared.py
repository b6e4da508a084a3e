"""What one exported model costs and finds enters; a row of the comparison leaves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import TypeVar

from export.common.rankings import Estimate
from export.common.specs import Licence

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Encoder:
    """One encoder of the pair that an app would get."""

    path: str                                # in dist/<model>/
    bytes: int
    memory: int | None                       # bytes, see export.runners.memory; None if it could not run
    seconds: float | None                    # of one input, by the gate; None if an interpreter ran it


@dataclass(frozen=True)
class ShippedPair:
    """The image and the text encoder of one format that an app would get."""

    format: str
    image: Encoder
    text: Encoder
    top1: float | None                       # agreement with float32 PyTorch, the pair's, by the gate

    @property
    def bytes(self) -> int:
        """Of both files."""
        return self.image.bytes + self.text.bytes

    @property
    def memory(self) -> int | None:
        """Bytes with both encoders loaded; None if either was not measured."""
        return _sum(self.image.memory, self.text.memory)

    @property
    def seconds(self) -> float | None:
        """Of a picture and a text, one after the other; None if either was not measured."""
        return _sum(self.image.seconds, self.text.seconds)

    def json(self) -> dict:
        """For machines."""
        return {**asdict(self), "bytes": self.bytes, "memory": self.memory, "seconds": self.seconds}


def _sum(a: Number | None, b: Number | None) -> Number | None:
    return None if a is None or b is None else a + b


@dataclass(frozen=True)
class FoundShare:
    """What searches of the model's catalog found, for one kind of query."""

    queries: int
    recall1: Estimate                        # true recall: a product asked for is the first
    recall10: Estimate                       # or among the first ten


@dataclass(frozen=True)
class Compared:
    """One model."""

    name: str                                # of its folder in dist/
    random: bool                             # random weights: quality means nothing
    licence: Licence
    scripts: Sequence[str]
    dim: int
    found: Mapping[str, FoundShare]               # "text" and "image", those that were asked
    pairs: Mapping[str, ShippedPair]         # by format
    measured_with: str                       # what computed the vectors
    gated_on: str                            # the machine of seconds and memory
    int8_passed: bool                        # whether the catalog passed its own gate
    catalog: Path
    catalog_bytes: int

    @property
    def may_ship(self) -> bool | None:
        """Whether a shop may ship the weights; None if nobody knows."""
        return False if self.random else self.licence.commercial_use

    @property
    def quality(self) -> float:
        """Mean of true recall@1 over the kinds of queries."""
        return mean(one.recall1.value for one in self.found.values())

    def size(self, phones: Sequence[str]) -> int | None:
        """Bytes of the larger pair of the phones' formats; None if there is no such pair."""
        return max((pair.bytes for name, pair in self.pairs.items() if name in phones), default=None)

    def json(self) -> dict:
        """For machines."""
        return {"name": self.name, "may_ship": self.may_ship, "random_weights": self.random,
                "licence": asdict(self.licence), "scripts": list(self.scripts), "dim": self.dim,
                "found": {kind: asdict(one) for kind, one in self.found.items()},
                "pairs": {name: pair.json() for name, pair in self.pairs.items()},
                "measured_with": self.measured_with, "gated_on": self.gated_on, "int8_passed": self.int8_passed,
                "catalog": self.catalog.as_posix(), "catalog_bytes": self.catalog_bytes}
