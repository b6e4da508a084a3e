"""A gated model, a list and queries enter; the figures of its catalog leave: those that are there, or of a new catalog.

A new catalog is built in dist/<model>/compare/, so that the shop's own stays. The embeddings are kept where `build`
looks for them: a catalog of this list embeds no picture again.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from catalog_builder import engines
from catalog_builder.builder import build as builder
from catalog_builder.builder import measured_on
from catalog_builder.builder.build import SUFFIX, BuildRequest
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.embed import Thumbnail
from catalog_builder.compare.compared import FoundShare
from catalog_builder.engines import Engine, Model
from catalog_builder.lists.inspection import Fact
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.lists.products import Product
from export.common.errors import InputError
from export.common.rankings import Estimate

FOLDER = "compare"                           # in dist/<model>/
DIGEST = re.compile(r" ?\b[0-9a-f]{64}\b")


@dataclass(frozen=True)
class CompareRequest:
    """What the user asks for."""

    dist: Path
    models: Sequence[str]                    # none: every export
    products: Path
    name: str                                # of the list
    queries: Path | None = None
    options: ListOptions = field(default_factory=ListOptions)
    allow_loss: float = 0.0
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True)
class CompareTask:
    """A running comparison: what was asked for, and the products that every model is measured on."""

    request: CompareRequest
    products: list[Product]

    @cached_property
    def pictures(self) -> dict[Path, str]:
        """The digest of each picture of the list."""
        return measured_on.picture_digests(path for product in self.products for path in product.pictures)

    def digest(self, model: Model, engine: Engine) -> str:
        """See catalog_builder.builder.measured_on."""
        return measured_on.digest(self.products, self.pictures, self.request.queries, model, engine)


@dataclass(frozen=True)
class CatalogFigures:
    """What <catalog>.json holds of a catalog of this list and these queries."""

    catalog: Path
    content: dict
    reused: bool

    @property
    def found(self) -> dict[str, FoundShare]:
        """True recall by kind of query."""
        return {one["kind"]: FoundShare(one["queries"], Estimate(**one["found1"]), Estimate(**one["found10"]))
                for one in self.content["recall"]}

    @property
    def passed(self) -> bool:
        """Whether the catalog passed its own gate."""
        return all(one["passed"] for one in self.content["recall"])

    @property
    def engine(self) -> str:
        """What computed the vectors, without digests."""
        return DIGEST.sub("", self.content["engine"]).strip()


class Quiet(Builds):
    """A build's progress without the facts of the list, which are the same for every model."""

    def facts(self, facts: Sequence[Fact]) -> None:
        """Prints nothing."""


def measured(model: Model, task: CompareTask) -> CatalogFigures:
    """The figures of the model's catalog. Raises InputError if none can be built."""
    there = kept(model, task)
    if there:
        return there
    request, place = task.request, model.dist.folder
    out = place / FOLDER / f"{request.name}{SUFFIX}"
    builder.build(BuildRequest(
        products=request.products, model=place, out=out, queries=request.queries, options=request.options,
        allow_loss=request.allow_loss, force=True, thumbnail=request.thumbnail,
        embeddings=place / f"{request.name}.embeddings"), Quiet())
    return CatalogFigures(out, read(out), reused=False)


def kept(model: Model, task: CompareTask) -> CatalogFigures | None:
    """The figures of a catalog that was built of this very list and these queries, if there is one."""
    place = model.dist.folder
    there = {path: read(path) for path in sorted([*place.glob(f"*{SUFFIX}"), *(place / FOLDER).glob(f"*{SUFFIX}")])}
    known = {path: content for path, content in there.items() if "measured_on" in content}
    if not known:
        return None
    wanted = task.digest(model, engines.engine(model))
    return next((CatalogFigures(path, content, reused=True) for path, content in known.items()
                 if content["measured_on"] == wanted), None)


def read(catalog: Path) -> dict:
    """What stands beside a catalog; {} if nothing does. Raises InputError for what is not JSON."""
    path = catalog.with_suffix(".json")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError("the figures of a catalog are damaged", where=path, found=error,
                         remedy="remove the file, or build the catalog again") from error
