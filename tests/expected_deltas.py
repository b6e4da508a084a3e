"""Random edits of a shop enter; its older catalog, the delta and the newer one leave, for a port to compare its own by.

Beside them, damaged copies of one of the deltas: a port refuses each, or makes the right catalog.
"""

import random
from collections.abc import Callable
from pathlib import Path

from catalog_builder.updates import delta_writer
from tests.damaged_catalogs import mutated
from tests.test_delta import edited, shop

EDITS, FAULTS = 2_000, 2_000                 # in `make soak`
LARGE = 3_000                                # products: some blocks of what a port writes at a time


def counts(repetitions: Callable[[int], int]) -> tuple[int, int]:
    """How many random deltas and how many damaged ones: 50 and 200, where `make soak` does not ask for all."""
    return repetitions(EDITS * 40) // 40, repetitions(FAULTS * 10) // 10


def write(folder: Path, repetitions: Callable[[int], int]) -> None:
    """<number>.base, .delta and .made of each edit; damaged/<number>.delta of the first edit's."""
    edits, faults = counts(repetitions)
    folder.mkdir()
    for number in range(edits):
        chance = random.Random(f"ports {number}")
        before = shop(chance, LARGE if number == 1 else chance.randint(1, 40))
        thumbnails = number == 0 or chance.random() < 0.8
        base = before.written(folder / f"{number}.base", thumbnails=thumbnails)
        made = edited(chance, before, number).written(folder / f"{number}.made", base, thumbnails=thumbnails)
        delta_writer.write(base, made, folder / f"{number}.delta")
    whole, base = (folder / "0.delta").read_bytes(), (folder / "0.base").read_bytes()
    (folder / "damaged").mkdir()
    for number in range(faults):
        (folder / "damaged" / f"{number}.delta").write_bytes(mutated(random.Random(number), whole, base))
