"""Records enter; for each column that can be a filter, a small number a product leaves, and what the numbers mean."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

TENSORS = {"filter_values": "<u2", "filter_names": "u1"}
MOST_VALUES = 1 << 16                        # different ones of a column
Value = tuple[str, ...]                      # what a product holds in a column: several texts where it holds a list


@dataclass(frozen=True, eq=False)
class FilterColumn:
    """One column: which of `values` each product holds."""

    numbers: np.ndarray                      # uint16 [products]
    values: list[Value]

    @property
    def names(self) -> list[str]:
        """Every text of the column, each once."""
        return list(dict.fromkeys(text for value in self.values for text in value))

    def fitting(self, wanted: Collection[str]) -> np.ndarray:
        """The products that hold one of the texts: bool [products]."""
        return np.array([fits(value, wanted) for value in self.values], bool)[self.numbers]


def fits(value: Sequence[str], wanted: Collection[str]) -> bool:
    """Whether a product's texts hold one of those wanted."""
    return any(text in wanted for text in value)


def opened(tensors: Mapping[str, np.ndarray], names: Sequence[str], products: int) -> dict[str, FilterColumn]:
    """The columns of a catalog, by name. Raises ValueError for what could lead outside them."""
    columns = json.loads(tensors["filter_names"].tobytes().decode())
    if (not isinstance(columns, list) or len(columns) != len(names)
            or tensors["filter_values"].size != len(names) * products):
        raise ValueError("filter_values and filter_names that are not one for each filter")
    numbers = tensors["filter_values"].reshape(len(names), products)
    return {name: _column(numbers[place], columns[place]) for place, name in enumerate(names)}


def _column(numbers: np.ndarray, values: object) -> FilterColumn:
    if not isinstance(values, list) or not all(isinstance(value, list) and all(isinstance(text, str) for text in value)
                                               for value in values):
        raise ValueError("filter_names that are no lists of texts")
    if (numbers >= len(values)).any():
        raise ValueError("a value beyond the list of filter_names")
    return FilterColumn(numbers, [tuple(value) for value in values])


class ColumnInTheMaking:
    """One column whose values come product by product; who has none holds nothing."""

    def __init__(self, products: int):
        self._numbers: dict[Value, int] = {(): 0}
        self._of_products = np.zeros(products, np.uint32)

    def number(self, value: Value) -> int:
        """A value's number, until `finished`."""
        return self._numbers.setdefault(value, len(self._numbers))

    def put(self, products: int | np.ndarray, numbers: int | np.ndarray) -> None:
        """What products hold."""
        self._of_products[products] = numbers

    def finished(self) -> tuple[list[Value], np.ndarray]:
        """The values that products hold, in the order of their texts' bytes, and each product's: uint16 [products].

        Raises ValueError for too many different ones.
        """
        used = np.bincount(self._of_products, minlength=len(self._numbers)) > 0
        values = sorted((value for value, number in self._numbers.items() if used[number]),
                        key=lambda value: [text.encode("utf-8", "surrogatepass") for text in value])
        if len(values) > MOST_VALUES:
            raise ValueError(f"{len(values):,} different values, more than {MOST_VALUES:,}")
        rank = np.zeros(len(self._numbers), "<u2")
        rank[[self._numbers[value] for value in values]] = np.arange(len(values))
        return values, rank[self._of_products]


def tensors(columns: Sequence[ColumnInTheMaking]) -> dict[str, np.ndarray]:
    """TENSORS of the columns. Raises ValueError for a column of too many different values."""
    finished = [column.finished() for column in columns]
    listed, made = [values for values, _ in finished], [numbers for _, numbers in finished]
    names = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
    return {"filter_values": np.concatenate([np.empty(0, "<u2"), *made]),
            "filter_names": np.frombuffer(names.encode(), "u1")}
