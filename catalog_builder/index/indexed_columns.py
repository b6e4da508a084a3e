"""A catalog's metadata enters; the names of the fields that it is searched and filtered by leave. Needs no library."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from catalog_builder.index.record_texts import PRICE

COLUMNS = ("keys", "words", "filters")       # keys of the metadata


@dataclass(frozen=True)
class IndexedColumns:
    """The names of the record's fields that a catalog is searched by; none of a kind: it has no such tensors."""

    keys: tuple[str, ...] = ()               # their whole text is asked for: article numbers, barcodes, brands
    words: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()

    @staticmethod
    def of(metadata: Mapping[str, str]) -> "IndexedColumns":
        """Of a catalog's metadata. Raises ValueError for anything but lists of names."""
        return IndexedColumns(*(names_of(key, metadata[key]) if key in metadata else () for key in COLUMNS))

    def metadata(self) -> dict[str, str]:
        """Of a catalog: keys and words together, filters, or nothing."""
        kept = (COLUMNS[:2] if self.keys or self.words else ()) + (COLUMNS[2:] if self.filters else ())
        return {key: json.dumps(getattr(self, key), ensure_ascii=False, separators=(",", ":")) for key in kept}


def names_of(key: str, text: str) -> tuple[str, ...]:
    """Names of columns, each once. Raises ValueError for anything else."""
    names = json.loads(text)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f"{key} is no list of names")
    if PRICE in names:
        raise ValueError(f"{key} that name the price")
    return tuple(names)
