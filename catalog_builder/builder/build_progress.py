"""A build's steps and counts enter; a bar with rate and time left leaves on stderr, or lines without a terminal."""

import contextlib
import time
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from catalog_builder.lists.inspection import Fact

EVERY = 10.0                                 # seconds between lines


class Counter:
    """Counts what is done. It counts computed items separately, because the rate depends on these alone."""

    def __init__(self, show):
        self.done = self.computed = 0
        self._show = show

    def __call__(self, more: int, computed: bool) -> None:
        self.done += more
        self.computed += more if computed else 0
        self._show(self)


class Builds:
    """Steps and bars on stderr."""

    def __init__(self, stderr: bool = True) -> None:
        self._console = Console(stderr=stderr, highlight=False)

    def step(self, name: str) -> None:
        """Prints the step that begins now."""
        self._console.print(name, markup=False)

    def facts(self, facts: Sequence[Fact]) -> None:
        """Prints what was recognised, one line a fact."""
        width = max((len(fact.what) for fact in facts), default=0)
        for fact in facts:
            self._console.print(f"  {fact.what:{width}}  {fact.words}", markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def bar(self, name: str, total: int) -> Iterator[Counter]:
        """Yields a Counter, to be called with what is done."""
        started, last = time.monotonic(), [time.monotonic()]
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                   TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bar:
            task = bar.add_task(name, total=total, rate="")

            def show(counter: Counter) -> None:
                seconds = time.monotonic() - started
                rate = f"{counter.computed / seconds:.1f}/s" if seconds > 0.5 else ""
                bar.update(task, completed=counter.done, rate=rate)
                if not self._console.is_terminal and time.monotonic() - last[0] > EVERY:
                    last[0] = time.monotonic()
                    self._console.print(f"{name}: {counter.done} of {total}, {rate}, "
                                        f"{left(counter, total, seconds)} left", markup=False)

            counter = Counter(show)
            yield counter
        self._console.print(f"{name}: {counter.done} of {total}, {counter.computed} computed, "
                            f"{time.monotonic() - started:.1f} s", markup=False)


def left(counter: Counter, total: int, seconds: float) -> str:
    """Time left, as 1:02:03."""
    if not counter.computed:
        return "?"
    rest = round((total - counter.done) * seconds / counter.computed)
    return f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
