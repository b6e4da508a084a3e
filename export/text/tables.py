"""The tables of the tokenizer asset, checked, in a form for look-ups.

Enters: the tensors of `tokenizer.safetensors`. Leaves: maps and sets of characters. No table comes from
Python's own Unicode data, so that platforms with different Unicode versions give the same tokens.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

CODE_POINTS = 0x110000


@dataclass(frozen=True)
class TextTables:
    """What cleaning and splitting need; FORMATS.md says what each holds."""

    letters: frozenset[str]
    numbers: frozenset[str]
    separators: frozenset[str]
    spaces: frozenset[str]
    decimals: frozenset[str]
    cased: frozenset[str]
    case_ignorable: frozenset[str]
    combining: dict[str, int]            # canonical combining class
    fold: dict[int, str]                 # by code point, as str.translate needs it; also the next two
    lower: dict[int, str]
    removed: dict[int, str]              # each maps to the empty string
    decompositions: dict[str, str]
    compositions: dict[str, str]         # two characters, in order, to one
    charrefs: dict[str, str]             # numeric character references that do not stand for themselves
    ignore_case: dict[str, str]
    html: dict[str, str]                 # HTML's names, as html.unescape knows them, most with their ";"
    html_shouted: dict[str, str]         # upper-case names that ftfy adds, with their ";"


ALL = tuple(field.name for field in fields(TextTables))
SETS = ("letters", "numbers", "separators", "spaces", "decimals", "cased", "case_ignorable")
_EMPTY = {name: frozenset if name in SETS else dict for name in ALL}


def text_tables(tensors: dict[str, np.ndarray], needed: Collection[str] = ALL) -> TextTables:
    """The tables that are needed, from the asset's tensors; the others are empty.

    Raises KeyError for one that is missing, ValueError for a damaged one.
    """
    return TextTables(**{name: _table(tensors, name) if name in needed else _EMPTY[name]() for name in ALL})


def _table(tensors: dict[str, np.ndarray], name: str) -> Any:
    if name in SETS:
        return character_set(tensors, name)
    if name == "combining":
        return _members(checked(tensors, name, "U32", (None, 3)), name)
    if name == "removed":
        return str.maketrans(dict.fromkeys(character_set(tensors, name), ""))
    if name in ("fold", "lower"):
        return str.maketrans(_character_map(tensors, name))
    if name == "compositions":
        rows = checked(tensors, name, "U32", (None, 3)).tolist()
        return {chr(first) + chr(second): chr(whole) for first, second, whole in rows}
    if name == "ignore_case":
        return {chr(other): chr(letter) for other, letter in checked(tensors, name, "U32", (None, 2)).tolist()}
    return _names(tensors, name) if name in ("html", "html_shouted") else _character_map(tensors, name)


def character_set(tensors: dict[str, np.ndarray], name: str) -> frozenset[str]:
    """The characters of a set. Raises KeyError if it is missing, ValueError for a damaged one."""
    return frozenset(_members(checked(tensors, name, "U32", (None, 2)), name))


def checked(tensors: dict[str, np.ndarray], name: str, dtype: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """The tensor, if it has that type (U8, U16, U32, F32) and shape (None: any length); else ValueError or KeyError."""
    tensor = tensors[name]
    wanted = {"U8": "u1", "U16": "<u2", "U32": "<u4", "F32": "<f4"}[dtype]
    fits = len(tensor.shape) == len(shape) and all(b in (None, a) for a, b in zip(tensor.shape, shape, strict=True))
    if tensor.dtype != np.dtype(wanted) or not fits:
        raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}, not {dtype} {list(shape)}")
    return tensor


def _members(rows: np.ndarray, name: str) -> dict[str, int]:
    """The characters of ranges (first, last) or (first, last, value), each with its value, 1 if there is none."""
    ends = rows[:, :2].astype(np.int64).reshape(-1)
    if (np.diff(ends)[::2] < 0).any() or (np.diff(ends)[1::2] <= 0).any() or (ends >= CODE_POINTS).any():
        raise ValueError(f"the ranges of {name} are out of order")
    values = rows[:, 2].tolist() if rows.shape[1] == 3 else [1] * len(rows)
    return {chr(code): value for (first, last), value in zip(rows[:, :2].tolist(), values, strict=True)
            for code in range(first, last + 1)}


def _pieces(values: list, offsets: np.ndarray, name: str) -> Iterable[list]:
    """`values` cut at `offsets`, which must rise from 0 to its length."""
    steps = np.diff(offsets.astype(np.int64))
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(values) or (steps < 0).any():
        raise ValueError(f"the offsets of {name} do not fit its {len(values)} values")
    ends = offsets.tolist()
    return (values[start:end] for start, end in zip(ends[:-1], ends[1:], strict=True))


def _strings(tensors: dict[str, np.ndarray], name: str) -> list[str]:
    """The strings in `<name>_values` (code points), cut at `<name>_offsets`."""
    values = checked(tensors, f"{name}_values", "U32", (None,)).tolist()
    offsets = checked(tensors, f"{name}_offsets", "U32", (None,))
    return ["".join(map(chr, piece)) for piece in _pieces(values, offsets, name)]


def _character_map(tensors: dict[str, np.ndarray], name: str) -> dict[str, str]:
    keys = checked(tensors, f"{name}_keys", "U32", (None,))
    if (keys[1:] <= keys[:-1]).any():
        raise ValueError(f"the keys of {name} are out of order")
    return dict(zip(map(chr, keys.tolist()), _strings(tensors, name), strict=True))


def _names(tensors: dict[str, np.ndarray], name: str) -> dict[str, str]:
    text = checked(tensors, f"{name}_names", "U8", (None,)).tobytes().decode("ascii")
    offsets = checked(tensors, f"{name}_name_offsets", "U32", (None,))
    return dict(zip(map("".join, _pieces(list(text), offsets, name)), _strings(tensors, name), strict=True))
