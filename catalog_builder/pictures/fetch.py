"""The web addresses of a list's pictures enter; their files leave, in a folder, and a reason for each that is missing.

A picture gets its name when it is whole, and is then added to the index. So a process that is killed loses the pictures
that were on their way, and the next run begins where it ended.
"""

import contextlib
import fcntl
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog_builder.pictures.address_index import DIGEST, FetchedFile, IndexWriter
from catalog_builder.pictures.addresses import asked, host_of, shown_address
from catalog_builder.pictures.download import FetchOptions, Unfetched, download
from catalog_builder.pictures.host_queues import GIVE_UP, FetchJob, HostQueues
from catalog_builder.pictures.public_connections import Attempt, pools
from export.common.errors import InputError

LOCK = "lock"
PARTIAL = ".partial"
GROWTH = 4                                   # of the waits between tries
LOOK = 0.2                                   # seconds between two looks at the deadlines
LEAVE = 2.0                                  # seconds for the workers to stop
HOSTS = 32                                   # whose connections are kept

Given = Sequence[tuple[str, int]]            # an address, and its line in the list


@dataclass(frozen=True)
class FetchFailure:
    """A picture that could not be fetched."""

    line: int
    address: str                             # as it may be shown
    reason: str                              # one line


@dataclass(frozen=True)
class FetchResult:
    """What a run did. An address counts once, a failure once for each line."""

    fetched: int
    kept: int                                # there already, or not changed since
    failures: list[FetchFailure]             # by line


@dataclass(frozen=True)
class _Outcome:
    """What became of an address; without a file and a failure it has not changed."""

    address: str
    file: FetchedFile | None = None
    failure: str = ""


def fetch(addresses: Given, folder: Path, options: FetchOptions, advance: Callable[[int, bool], None]) -> FetchResult:
    """Fetches into `folder` what it does not hold yet.

    `advance` is told how many more of the different texts are done, and whether a server was asked. Raises InputError
    if another process is fetching into the folder, or if it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder), IndexWriter(folder) as index:
            _remove(folder, lambda path: path.suffix == PARTIAL)
            result = _fetched(addresses, folder, index, options, advance)
            names = {file.name for file in index.index.fetched.values()}
            _remove(folder, lambda path: DIGEST.fullmatch(path.stem) is not None and path.name not in names)
            return result
    except OSError as error:
        raise InputError("the pictures cannot be written", where=folder, found=error.strerror or error) from error


def _sorted_out(addresses: Given) -> tuple[dict[str, list[tuple[str, int]]], list[FetchFailure]]:
    """The texts and lines of each address that can be asked for, and a failure for each that cannot."""
    wanted: dict[str, list[tuple[str, int]]] = {}
    failures = []
    for text, line in addresses:
        try:
            wanted.setdefault(asked(text), []).append((text, line))
        except InputError as error:
            failures.append(FetchFailure(line, shown_address(text), str(error)))
    return wanted, failures


def _texts(given: Given) -> int:
    """How many different texts."""
    return len({text for text, _ in given})


def _fetched(addresses: Given, folder: Path, index: IndexWriter, options: FetchOptions,
             advance: Callable[[int, bool], None]) -> FetchResult:
    wanted, failures = _sorted_out(addresses)
    there = {address: file for address in wanted
             if (file := index.index.fetched.get(address)) and file.is_in(str(folder))}
    todo = [address for address in wanted if options.refresh or address not in there]
    kept, fetched = len(wanted) - len(todo), 0
    advance(_texts(addresses) - sum(_texts(wanted[address]) for address in todo), False)
    with contextlib.closing(_outcomes(todo, there, folder, options)) as outcomes:
        for outcome in outcomes:
            if outcome.file:
                index.keep(outcome.address, outcome.file)
                fetched += 1
            elif outcome.failure:
                index.fail(outcome.address, outcome.failure)
                failures += [FetchFailure(line, shown_address(text), outcome.failure)
                             for text, line in wanted[outcome.address]]
            else:
                kept += 1
            advance(_texts(wanted[outcome.address]), True)
    return FetchResult(fetched, kept, sorted(failures, key=lambda failure: failure.line))


def _outcomes(todo: list[str], there: dict[str, FetchedFile], folder: Path,
              options: FetchOptions) -> Generator[_Outcome, None, None]:
    """What became of each address, in the order in which they end. Closed early, the workers stop."""
    crew = _Crew(todo, there, folder, options)
    try:
        for _ in todo:
            yield crew.outcome()
    finally:
        crew.stop()


class _Crew:
    """The threads that fetch."""

    def __init__(self, todo: list[str], there: dict[str, FetchedFile], folder: Path, options: FetchOptions):
        self._there, self._folder, self._options = there, folder, options
        self._connections = pools(HOSTS, options.per_host)
        self._queues = HostQueues((FetchJob(address, host_of(address)) for address in todo), options.per_host)
        self._ended: queue.SimpleQueue[_Outcome | Exception] = queue.SimpleQueue()
        self._attempts: list[Attempt | None] = [None] * min(options.at_once, len(todo))
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True)
                         for number in range(len(self._attempts))]
        for thread in self._threads:
            thread.start()

    def outcome(self) -> _Outcome:
        """The next outcome. Meanwhile it ends the requests that take too long."""
        while True:
            for attempt in self._attempts:
                if attempt and not attempt.ended and time.monotonic() > attempt.deadline:
                    attempt.end()
            try:
                outcome = self._ended.get(timeout=LOOK)
            except queue.Empty:
                continue
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    def stop(self) -> None:
        """Ends all requests and threads."""
        self._queues.stop()
        for attempt in self._attempts:
            if attempt:
                attempt.end()
        until = time.monotonic() + LEAVE
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))
        self._connections.clear()

    def _work(self, number: int) -> None:
        try:
            while job := self._queues.take():
                self._try(job, number)
        except Exception as error:
            self._ended.put(error)

    def _try(self, job: FetchJob, number: int) -> None:
        attempt = Attempt(self._options.longest, self._options.allow_private)
        self._attempts[number] = attempt
        partial = self._folder / f"{number}{PARTIAL}"
        try:
            file = download(self._connections, job.address, self._there.get(job.address), partial=partial,
                            options=self._options, attempt=attempt)
        except Unfetched as error:
            self._failed(job, error)
        else:
            self._queues.done(job, fault=False)
            self._ended.put(_Outcome(job.address, file))

    def _failed(self, job: FetchJob, error: Unfetched) -> None:
        """Puts the job back for another try, or takes its failure down."""
        if error.again and job.tries + 1 < self._options.tries:
            wait = max(self._options.wait * GROWTH ** job.tries, error.wait or 0.0)
            self._queues.again(job, wait, pause_host=error.busy)
            return
        dropped = self._queues.done(job, fault=error.again)
        self._ended.put(_Outcome(job.address, failure=error.reason))
        reason = f"{job.host} was given up after {GIVE_UP} pictures without success; the last: {error.reason}"
        for other in dropped:
            self._ended.put(_Outcome(other.address, failure=reason))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process fetches into the folder. A lock ends with its process."""
    with (folder / LOCK).open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError("the pictures are being fetched already", where=folder,
                             expected="one process at a time", remedy="wait until it has ended") from error
        yield


def _remove(folder: Path, unneeded: Callable[[Path], bool]) -> None:
    """Removes the files of a folder that are not needed."""
    for path in folder.iterdir():
        if unneeded(path) and path.is_file():
            path.unlink()
