"""Addresses enter; workers take them, a few of one host at a time, and give back those that are to be tried again."""

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

GIVE_UP = 5                                  # pictures in a row that a host failed to give after all tries


@dataclass(frozen=True)
class FetchJob:
    """One address to be fetched."""

    address: str
    host: str
    tries: int = 0                           # made so far
    ready: float = 0.0                       # monotonic seconds; not before


@dataclass
class _Host:
    waiting: deque[FetchJob] = field(default_factory=deque)
    running: int = 0
    paused: float = 0.0                      # monotonic seconds; not before
    faults: int = 0                          # in a row

    def ready(self) -> float:
        """When its first job may begin."""
        return max(self.waiting[0].ready, self.paused)


class HostQueues:
    """The jobs of all hosts. Hosts take turns, so that a slow one does not keep the others waiting."""

    def __init__(self, jobs: Iterable[FetchJob], per_host: int):
        self._hosts: dict[str, _Host] = {}
        self._per_host, self._stopped = per_host, False
        self._changed = threading.Condition()
        for job in jobs:
            self._hosts.setdefault(job.host, _Host()).waiting.append(job)
        self._turns = deque(self._hosts)     # hosts with waiting jobs
        self._running = 0

    def take(self) -> FetchJob | None:
        """The next job; waits for one. None when all are done, or after `stop`."""
        with self._changed:
            while not self._stopped and (self._turns or self._running):
                job, ready = self._next(time.monotonic())
                if job:
                    return job
                self._changed.wait(None if ready is None else max(ready - time.monotonic(), 0.001))
        return None

    def again(self, job: FetchJob, seconds: float, pause_host: bool) -> None:
        """Puts a job back, to be tried after some seconds; `pause_host`: none of its host's before."""
        ready = time.monotonic() + seconds
        with self._changed:
            host = self._left(job)
            host.paused = max(host.paused, ready) if pause_host else host.paused
            self._add(host, FetchJob(job.address, job.host, job.tries + 1, ready))

    def done(self, job: FetchJob, fault: bool) -> list[FetchJob]:
        """Takes note that a job came to its end; `fault`: by the host's fault. Returns jobs of a host given up."""
        with self._changed:
            host = self._left(job)
            host.faults = host.faults + 1 if fault else 0
            dropped = list(host.waiting) if host.faults >= GIVE_UP else []
            if dropped:
                host.waiting.clear()
                self._turns.remove(job.host)
            return dropped

    def stop(self) -> None:
        """No job is given out any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _next(self, now: float) -> tuple[FetchJob | None, float | None]:
        """A job that may begin, or when to look again."""
        earliest = None
        for _ in range(len(self._turns)):
            name = self._turns[0]
            self._turns.rotate(-1)
            host = self._hosts[name]
            if host.running >= self._per_host:
                continue
            if (ready := host.ready()) > now:
                earliest = ready if earliest is None else min(earliest, ready)
                continue
            host.running += 1
            self._running += 1
            job = host.waiting.popleft()
            if not host.waiting:
                self._turns.remove(name)
            return job, None
        return None, earliest

    def _left(self, job: FetchJob) -> _Host:
        host = self._hosts[job.host]
        host.running -= 1
        self._running -= 1
        self._changed.notify_all()
        return host

    def _add(self, host: _Host, job: FetchJob) -> None:
        if not host.waiting:
            self._turns.append(job.host)
        host.waiting.append(job)
