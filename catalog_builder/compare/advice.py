"""The rows of a comparison enter; the sentences that a shop can act on leave. All in them comes from the rows."""

from collections.abc import Sequence

from catalog_builder.compare.compared import Compared
from export.common.console import MEGABYTE
from export.formats.table import COREML, TFLITE

WITHIN = 0.02                                # of the best recall@1, mean of the kinds: as good as the best
PHONES = (COREML.name, TFLITE.name)


def sentences(rows: Sequence[Compared]) -> list[str]:
    """What to take, and how sure that is."""
    judged = [row for row in rows if not row.random]
    if not judged:
        return ["Random weights only: nothing to choose by."]
    return [choice(judged), doubt(judged)]


def choice(rows: Sequence[Compared]) -> str:
    """The smallest model that is as good as the best and may ship, or why there is none. `rows`: not random."""
    best = max(rows, key=lambda row: row.quality)
    near = [row for row in rows if row.quality >= best.quality - WITHIN]
    limit = f"within {100 * WITHIN:g} points of the best ({best.name}, {points(best)})"
    if smallest := _smallest([row for row in near if row.may_ship]):
        return f"Smallest that is {limit} and may ship: {smallest.name}, {points(smallest)}, {_size(smallest)}."
    free = [row for row in rows if row.may_ship]
    if not free:
        return f"None of these models may ship as far as is known. Best: {best.name}, {points(best)}."
    most = max(free, key=lambda row: row.quality)
    return f"None that may ship and has a pair for a phone is {limit}. Best that may ship: {most.name}, {points(most)}."


def doubt(rows: Sequence[Compared]) -> str:
    """How large a difference may be chance."""
    shares = [one for row in rows for one in row.found.values()]
    widest = max(max(one.recall1.value - one.recall1.low, one.recall1.high - one.recall1.value) for one in shares)
    return (f"By {min(one.queries for one in shares):,} queries of a kind, a recall@1 is known to within "
            f"{100 * widest:.1f} points (95 %): smaller differences may be chance.")


def points(row: Compared) -> str:
    """A model's quality in words."""
    return f"recall@1 {100 * row.quality:.1f} %"


def _smallest(rows: Sequence[Compared]) -> Compared | None:
    sized = [(size, row) for row in rows if (size := row.size(PHONES)) is not None]
    return min(sized, key=lambda pair: pair[0])[1] if sized else None


def _size(row: Compared) -> str:
    return f"{(row.size(PHONES) or 0) / MEGABYTE:.1f} MB"
