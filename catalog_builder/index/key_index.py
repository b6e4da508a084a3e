"""Records enter; the tensors by which a catalog finds article numbers, barcodes and brands leave.

They hold a hash of each key, and the product. Whoever looks a key up reads the product's record, and so is never given
a wrong one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalog_builder.index import record_texts
from catalog_builder.index.characters import Characters

TENSORS = {"key_hashes": "<u4", "key_products": "<u4"}
START, FACTOR = 2166136261, 16777619         # FNV-1a of 32 bits


@dataclass(frozen=True, eq=False)
class KeyIndex:
    """The tensors of a catalog, whose structure `of` has found right."""

    hashes: np.ndarray                       # uint32 [n], never falling
    products: np.ndarray                     # uint32 [n], rising where the hash is the same

    @staticmethod
    def of(tensors: Mapping[str, np.ndarray], products: int) -> "KeyIndex":
        """Of a catalog's tensors. Raises ValueError for what could lead outside them."""
        made = KeyIndex(tensors["key_hashes"], tensors["key_products"])
        if len(made.hashes) != len(made.products) or (made.products >= products).any():
            raise ValueError("key_products that are not a product for each key")
        steps, same = made.hashes[1:] >= made.hashes[:-1], made.hashes[1:] == made.hashes[:-1]
        if not steps.all() or (same & (made.products[1:] <= made.products[:-1])).any():
            raise ValueError("key_hashes that do not rise")
        return made

    def candidates(self, key: str) -> list[int]:
        """The products that may have this key, in their order."""
        hashed = np.uint32(hash_of(key))
        start, end = (int(np.searchsorted(self.hashes, hashed, side)) for side in ("left", "right"))
        return self.products[start:end].tolist()


def keys_of(record: Mapping[str, object], columns: Sequence[str], characters: Characters) -> set[str]:
    """A product's keys."""
    return {key for text in record_texts.of_columns(record, columns) if (key := characters.key(text))}


def hash_of(key: str) -> int:
    """FNV-1a over the UTF-8 bytes: 32 bits."""
    hashed = START
    for byte in key.encode():
        hashed = (hashed ^ byte) * FACTOR & 0xFFFFFFFF
    return hashed


def pairs_of(product: int, keys: Iterable[str]) -> set[int]:
    """What a product adds: hash, then product in the lower 32 bits."""
    return {hash_of(key) << 32 | product for key in keys}


def tensors(pairs: np.ndarray) -> dict[str, np.ndarray]:
    """TENSORS of pairs in any order, uint64 [n]."""
    ordered = np.sort(pairs)
    return {"key_hashes": (ordered >> np.uint64(32)).astype("<u4"),
            "key_products": (ordered & np.uint64(0xFFFFFFFF)).astype("<u4")}
