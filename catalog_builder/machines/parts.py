"""A product list and a part such as 3/16 enter; a store with the vectors of that part's pictures leaves.

Each machine embeds its part, in any order and at any time; one that was killed goes on. `merge` puts the stores
together, and a build over the merged store computes nothing. The catalog has the bytes that one machine gives.
"""

import contextlib
import hashlib
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from catalog_builder import engines
from catalog_builder.builder import embed
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.embed import Embedder, Thumbnail
from catalog_builder.builder.store import EMBEDDINGS, Store
from catalog_builder.lists import inspection, listing
from catalog_builder.lists.list_options import ListOptions
from export.common.errors import InputError


@dataclass(frozen=True)
class Part:
    """Which share of the pictures: `number` of `count`, from 1 on."""

    number: int
    count: int

    @classmethod
    def of(cls, text: str) -> "Part":
        """The part that a text such as 3/16 names. Raises InputError for any other."""
        found = re.fullmatch(r"([1-9][0-9]{0,4})/([1-9][0-9]{0,4})", text)
        if not found or int(found[1]) > int(found[2]):
            raise InputError("no part of the pictures", expected="such as 3/16: the third of sixteen", found=text)
        return cls(int(found[1]), int(found[2]))

    def holds(self, name: str) -> bool:
        """Whether a picture of this name, relative to the list's folder, is of this part: by the name's SHA-256."""
        return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()) % self.count == \
            self.number - 1

    def beside(self, store: Path) -> Path:
        """Where the part's vectors lie: shop.3-16.embeddings beside shop.embeddings."""
        return store.with_name(f"{store.name.removesuffix(EMBEDDINGS)}.{self.number}-{self.count}{EMBEDDINGS}")


def parts_beside(store: Path) -> list[Path]:
    """The parts that lie beside a store, by their names."""
    name = re.escape(store.name.removesuffix(EMBEDDINGS))
    return sorted(path for path in store.parent.glob(f"*{EMBEDDINGS}")
                  if re.fullmatch(rf"{name}\.[0-9]+-[0-9]+{re.escape(EMBEDDINGS)}", path.name))


@dataclass(frozen=True)
class PartRequest:
    """What the user asks for."""

    products: Path
    model: Path                              # dist/<model>/
    out: Path                                # the part's store
    part: Part
    options: ListOptions = field(default_factory=ListOptions)
    engine: str = "auto"
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True)
class Embedded:
    """A part that is done."""

    pictures: int
    computed: int                            # not known from an earlier run
    faults: int                              # pictures without a vector


def embed_part(request: PartRequest, progress: Builds) -> Embedded:
    """Embeds the pictures of one part. Raises InputError if the list or the model cannot be used."""
    root = request.products.parent.resolve()
    paths = [path for path in pictures(request.products, request.options, progress)
             if request.part.holds(embed.name(path, root))]
    model = engines.opened(request.model)
    engine = engines.engine(model, request.engine)
    store = Store(request.out, engine.identity, request.thumbnail.kind if request.thumbnail else "")
    with contextlib.closing(store):
        try:
            with progress.bar(f"embed part {request.part.number} of {request.part.count}", len(paths)) as advance:
                embedder = Embedder(engine, model.preprocessing, request.thumbnail)
                digests = embed.run(paths, root, embedder, store, advance)
            return Embedded(len(paths), advance.computed, faults(store, digests.values()))
        except sqlite3.Error as error:
            raise store.unusable(error) from error


def pictures(products: Path, options: ListOptions, progress: Builds) -> list[Path]:
    """The files of a list's pictures, absolute, each once. Raises InputError if the list has no product."""
    progress.step("read the product list")
    read = listing.read(products, options)
    progress.facts(inspection.facts(read))
    if not read.products:                    # else the build judges how many are lost
        raise InputError(f"{inspection.refusal(0, read.problems, 1.0)}", where=products)
    return list(dict.fromkeys(path for product in read.products for path in product.pictures))


def faults(store: Store, digests: Iterable[str]) -> int:
    """How many of these pictures have no vector."""
    return sum(store.fault(digest) is not None for digest in digests)
