"""The address of a Ray cluster enters, or none; a session on it leaves, or one on this machine alone.

A session of one's own tells nobody: no usage statistics, no dashboard, every port on the loopback address and for
those who have the session's token, files in a folder that goes away with it.
"""

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from catalog_builder import engines
from export.common import progress
from export.common.errors import InputError

LOCAL = "local"                              # in the place of an address
CLIENT = "ray://"                            # begins the address of a proxy, which Ray Data does not work through
OBJECTS = 128 << 20                          # bytes for what workers and the command pass on: paths and counts
FOLDER, LOCK = "ray-", "lock"
SHORT = 24                                   # characters: sockets lie 70 below the folder, and may have some 100
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
# Without clusters Ray takes the loopback address; so it does on macOS of itself. Its workers give way to all other
# programs unless they are told not to.
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token", "RAY_worker_niceness": "0"}
TOKEN = "RAY_AUTH_TOKEN"
LOGGERS = ("ray", "ray.data")


@dataclass(frozen=True)
class Machine:
    """What a cluster's machine has for workers."""

    cpus: int
    gpus: int


@dataclass(frozen=True)
class Plan:
    """How many workers, each with what."""

    workers: int
    cpus: int
    gpus: int                                # 0 or 1
    engine: str
    note: str = ""                           # what the user must know


def planned(machines: Sequence[Machine], engine: str, workers: int | None, cpus: int | None, torch: bool) -> Plan:
    """Workers on GPUs where there are any (and this environment has `torch`), and else on all cores, one each.

    Raises InputError if the cluster has no room for them.
    """
    there = any(machine.gpus for machine in machines)
    gpu = there and (engine == "cuda" or engine == "auto" and torch)
    if engine == "cuda" and not gpu:
        raise InputError("no GPU in the cluster", remedy="--engine auto")
    of = [machine for machine in machines if machine.gpus] if gpu else machines
    cpus = cpus or (max(1, min(machine.cpus // machine.gpus for machine in of)) if gpu else 1)
    room = sum(min(machine.cpus // cpus, machine.gpus) if gpu else machine.cpus // cpus for machine in of)
    if (workers or 1) > room:
        raise InputError("the cluster has no room for the workers", expected=f"at most {room} with {cpus} CPUs each",
                         found=workers or 1, remedy="--workers, --worker-cpus")
    note = "the cluster has GPUs, which stay unused: this environment has no torch" if there and not torch else ""
    return Plan(workers or room, cpus, int(gpu), "cuda" if gpu else engine, note)


@contextlib.contextmanager
def session(address: str, engine: str, workers: int | None, cpus: int | None) -> Iterator[Plan]:
    """Joins the cluster at `address`, or starts Ray here for LOCAL. Raises InputError where that cannot be."""
    if address.startswith(CLIENT):
        raise InputError("the address of a proxy", found=address, expected="host:port, or auto",
                         remedy="run the command on one of the cluster's machines")
    os.environ.update(QUIET | (ALONE if address == LOCAL else {}))
    if address == LOCAL:                     # else Ray keeps one in the user's home
        os.environ.setdefault(TOKEN, secrets.token_hex(32))
    ray = _ray()
    with _started(ray, workers, cpus) if address == LOCAL else _joined(ray, address):
        machines = [Machine(int(node["Resources"].get("CPU", 0)), int(node["Resources"].get("GPU", 0)))
                    for node in ray.nodes() if node["Alive"]]
        yield planned(machines, engine, workers, cpus, engines.has_torch())


def _ray():
    """The library. Raises InputError if this environment has none."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InputError("no Ray in this environment", where=sys.prefix, found=error,
                         remedy="make embed RAY=1, which makes one that has it") from error
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    return ray


@contextlib.contextmanager
def _joined(ray, address: str) -> Iterator[None]:
    """The cluster stays as it is."""
    with _connected(ray, "no Ray cluster that this environment can join", address=address):
        yield


@contextlib.contextmanager
def _started(ray, workers: int | None, cpus: int | None) -> Iterator[None]:
    """As many CPUs as the workers that the user asks for need, whatever this machine has."""
    cpus = cpus or 1
    with temporary() as folder, _connected(
            ray, "Ray does not start on this machine", address=LOCAL, include_dashboard=False, _temp_dir=str(folder),
            num_cpus=workers * cpus if workers else max(cpus, os.cpu_count() or 1), object_store_memory=OBJECTS):
        yield


@contextlib.contextmanager
def _connected(ray, fault: str, address: str, **options) -> Iterator[None]:
    """What Ray itself prints is lost: its errors are raised."""
    with progress.library_output_to(Path(os.devnull)):
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
        except Exception as error:           # each step of the start has errors of its own
            said = str(error.__cause__ or error).strip().splitlines()            # the last line says why
            raise InputError(fault, where=address, found=said[-1] if said else type(error).__name__,
                             remedy="a machine of the cluster, with its versions of Python and Ray") from error
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """A folder of a short name for Ray's sockets and logs. Those that killed commands left go, too."""
    base = tempfile.gettempdir()
    base = base if len(base) <= SHORT else "/tmp"
    for left in Path(base).glob(f"{FOLDER}*/{LOCK}"):
        with contextlib.suppress(OSError), left.open("r+b") as file:             # suppressed: held, or another user's
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.parent)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=base))
    try:
        with held(folder / LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def held(lock: Path) -> Iterator[BinaryIO]:
    """Holds a lock of the system's own, which ends with this process. Raises BlockingIOError if another has it."""
    with lock.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not lock.exists() or not os.path.samestat(os.fstat(file.fileno()), lock.stat()):
            raise BlockingIOError
        yield file
