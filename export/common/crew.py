"""Pieces of work enter; their results leave, in the pieces' order: several threads compute them, each on one core.

Two pieces at once keep two cores busier than two cores do one piece: much of the work is in operations that are too
small to divide, and in code that has one thread. The libraries release Python's lock while they compute.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

MEMBERS, THREADS = 2, 1                      # pieces at once (each may hold the weights once more); cores for each

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Crew:
    """Threads that compute pieces. `gathered` creates it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MEMBERS, initializer=_on_one_core)
        self._stopped = threading.Event()

    def each(self, work: Callable[[Piece], Result], pieces: Iterable[Piece]) -> Iterator[Result]:
        """The results of `work` on each piece, in order, as they come. Raises what `work` raises."""
        return self._pool.map(lambda piece: self._unless_stopped(work, piece), pieces)

    def _unless_stopped(self, work: Callable[[Piece], Result], piece: Piece) -> Result:
        if self._stopped.is_set():
            raise InterruptedError("the crew was sent home")
        return work(piece)

    def send_home(self, finished: bool) -> None:
        """Ends the threads; unless all is finished, without what has not begun."""
        if not finished:
            self._stopped.set()
        self._pool.shutdown(wait=finished, cancel_futures=not finished)


@contextlib.contextmanager
def gathered() -> Iterator[Crew]:
    """A crew for the block. What interrupts the block ends it after the pieces that run."""
    crew, finished = Crew(), False
    try:
        yield crew
        finished = True
    finally:
        crew.send_home(finished)


def _on_one_core() -> None:
    import torch

    torch.set_num_threads(THREADS)           # of this thread alone
