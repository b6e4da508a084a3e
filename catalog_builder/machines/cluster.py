"""A product list and a Ray cluster enter; the list's store leaves, with the vectors of all pictures.

Ray Data gives the workers a part at a time. Each part has a store of its own until all are done; then they become one.
A command that was killed leaves them, and the next one takes what they hold before it begins.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog_builder import engines
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.embed import Thumbnail
from catalog_builder.builder.store import EMBEDDINGS, VERSION, Store
from catalog_builder.lists.list_options import ListOptions
from catalog_builder.machines import cluster_session, parts
from catalog_builder.machines.cluster_session import Plan
from catalog_builder.machines.cluster_worker import ClusterJob, PartDone, Worker, packed
from catalog_builder.machines.merge import merge
from catalog_builder.machines.parts import Embedded
from export.common import files
from export.common.errors import InputError

EACH = 4                                     # parts a worker at least, so that all end at about the same time
MOST = 512                                   # pictures of a part: batches of a GPU, and not much to do again
PARTS = ".parts"                             # how the folder's name ends


@dataclass(frozen=True)
class ClusterRequest:
    """What the user asks for."""

    products: Path
    model: Path                              # dist/<model>/
    out: Path                                # the list's store
    address: str = cluster_session.LOCAL
    workers: int | None = None               # as many as there is room for
    cpus: int | None = None                  # of a worker
    options: ListOptions = field(default_factory=ListOptions)
    engine: str = "auto"
    thumbnail: Thumbnail | None = None


def embed_list(request: ClusterRequest, progress: Builds, worker: type[Worker] = Worker) -> Embedded:
    """Embeds a list's pictures on a cluster. Raises InputError if list, model or cluster cannot be used."""
    for name, given in (("--workers", request.workers), ("--worker-cpus", request.cpus)):
        if given is not None and given < 1:
            raise InputError(f"{name} is out of range", expected="1 or more", found=given)
    paths = parts.pictures(request.products, request.options, progress)
    engines.opened(request.model)            # before Ray starts
    store = request.out.resolve()
    with working(store.with_name(store.name.removesuffix(EMBEDDINGS) + PARTS)) as folder:
        take(folder, store, progress)
        progress.step("start Ray" if request.address == cluster_session.LOCAL else f"join Ray at {request.address}")
        with cluster_session.session(request.address, request.engine, request.workers, request.cpus) as plan:
            if plan.note:
                progress.step(plan.note)
            job = ClusterJob(model=request.model.resolve(), root=request.products.parent.resolve(), store=store,
                             folder=folder, engine=plan.engine, thumbnail=request.thumbnail, threads=plan.cpus)
            done = list(_embedded(paths, job, plan, progress, worker))
        if len(found := {one.engine for one in done}) > 1:
            raise InputError("workers with different engines: no catalog can have the vectors of both",
                             found=" and ".join(sorted(found)), remedy="machines of one kind, or --engine onnx")
        take(folder, store, progress)
    return Embedded(len(paths), sum(one.computed for one in done), sum(one.faults for one in done))


def divided(paths: Sequence[Path], workers: int) -> list[Sequence[Path]]:
    """The parts: each picture in one of them."""
    size = max(1, min(MOST, len(paths) // (EACH * workers)))
    return [paths[start:start + size] for start in range(0, len(paths), size)]


def _embedded(paths: Sequence[Path], job: ClusterJob, plan: Plan, progress: Builds,
              worker: type[Worker]) -> Iterator[PartDone]:
    """Runs the parts; in any order. Raises InputError for the first one that cannot be computed."""
    import ray.data
    from ray.exceptions import ActorDiedError

    rows = [packed(number, part) for number, part in enumerate(divided(paths, plan.workers), 1)]
    if not rows:                             # products without a picture
        return
    data = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        worker, fn_constructor_args=(job,), batch_size=1, num_cpus=plan.cpus, num_gpus=plan.gpus,
        # A worker that dies is started again, without end; it counts its deaths itself. One part at a time: no other
        # waits for a worker that dies.
        compute=ray.data.ActorPoolStrategy(size=min(plan.workers, len(rows)), max_tasks_in_flight_per_actor=1))
    what = f"embed with {plan.workers} workers, {plan.cpus} CPUs" + (" and a GPU" if plan.gpus else "") + " each"
    with progress.bar(what, len(paths)) as advance:
        try:
            for row in data.iter_rows():
                if error := row.pop("error"):
                    raise InputError(error)
                done = PartDone(**row)
                advance(done.computed, True)
                advance(done.pictures - done.computed, False)
                if done.tries > 1:
                    progress.step(f"a worker died and was started again; its part took {done.tries} tries")
                yield done
        except ActorDiedError as error:      # where it starts: later Ray would start it again
            raise InputError("no worker can start", found=str(error).strip().splitlines()[-1],
                             remedy="this program and its environment in a folder that all machines see under the "
                             "same path") from error


@contextlib.contextmanager
def working(folder: Path) -> Iterator[Path]:
    """The parts' folder, held alone. It goes away at the end, unless the work failed."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with cluster_session.held(folder / cluster_session.LOCK):
            yield folder
            files.remove(folder)
    except BlockingIOError as error:
        raise InputError("another command is embedding this list", where=folder, remedy="wait for its end") from error


def take(folder: Path, store: Path, progress: Builds) -> None:
    """Puts what the folder's parts hold into the store, whole or not at all; then the folder is empty."""
    held = [path for path in sorted(folder.glob(f"*{EMBEDDINGS}")) if begun(path)]
    if held:
        progress.step(f"merge {len(held)} parts")
        merge(held, store)
    with contextlib.closing(Store(store, "", "")):                   # there, before several workers look into it
        pass
    for path in folder.iterdir():
        if path.name != cluster_session.LOCK:
            path.unlink()


def begun(path: Path) -> bool:
    """Whether a part's store holds anything: a worker may have been killed while it made the file."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("pragma user_version").fetchone()[0] == VERSION
    return False


def address(given: str) -> str:
    """Where the user says that the cluster is, or Ray's own variable; LOCAL if neither does."""
    return given or os.environ.get("RAY_ADDRESS") or cluster_session.LOCAL
