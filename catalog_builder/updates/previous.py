"""A shop's catalog of yesterday and today's products enter; their order leaves, and what else a small update needs.

What did not change stays where it was: the mean, the products' order, the categories' order. So an update is as large
as what changed. The same list over the same catalog gives the same file on every machine.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog_builder.catalog import reader
from catalog_builder.catalog.reader import Catalog
from catalog_builder.lists.products import Product


@dataclass(frozen=True, eq=False)
class Previous:
    """The catalog that the next one follows."""

    catalog: Catalog

    @property
    def digest(self) -> str:
        """64 hex digits: the next catalog's `parent`."""
        return self.catalog.metadata["sha256"]

    @property
    def offset(self) -> np.ndarray:
        """float32 [dim]: the mean, frozen, since every code hangs on it."""
        return self.catalog.offset

    def in_order(self, listed: Sequence[Product]) -> list[Product]:
        """Those that the catalog has, in its order; then the new ones, in the list's."""
        places = {self.catalog.record(place)["id"]: place for place in range(self.catalog.products)}
        return sorted(listed, key=lambda product: places.get(product.id, len(places)))

    def category_names(self, used: Iterable[str]) -> list[str]:
        """The categories that are still in use, in the catalog's order; then the new ones, in theirs."""
        wanted = dict.fromkeys(used)
        return list(dict.fromkeys([*(name for name in self.catalog.category_names if name in wanted), *wanted]))


def previous(path: Path, space: str) -> Previous:
    """Opens and verifies it. Raises InputError for a damaged catalog, or one of another embedding space."""
    catalog = reader.open_catalog(path, space)
    catalog.verify()
    return Previous(catalog)
