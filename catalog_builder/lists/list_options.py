"""What the user says of a product list enters; the values that reading it needs leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

KEEP, MARK, LEAVE_OUT = "keep", "mark", "leave-out"          # what to do with products that are sold out


@dataclass(frozen=True)
class ListOptions:
    """Every default is what the list itself shows."""

    preset: str = ""                         # a table of presets.toml
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)           # by field: before the preset's
    currency: str = ""                       # of prices that state none
    decimal: str = ""                        # "." or ","
    language: str = ""                       # of texts that come in several
    encoding: str | None = None
    keep: tuple[str, ...] = ()               # other columns that ship
    keys: tuple[str, ...] = ()               # columns whose whole value is asked for, beside the usual ones; they ship
    words: tuple[str, ...] = ()              # columns that are searched for words, beside the usual ones; they ship
    filters: tuple[str, ...] = ()            # columns to filter by; they ship
    pictures: tuple[Path, ...] = ()          # folders; none: the list's own
    pictures_from: str = ""                  # "images/{id}.jpg"
    category_level: int = 0                  # levels of a category's path; 0: all
    sold_out: str = KEEP
    now: datetime = field(default_factory=lambda: datetime.now(UTC))             # whether a sale price counts
