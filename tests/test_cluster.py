"""A list's pictures on a Ray cluster: the bytes of one process, whoever is killed; nothing that others could see."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from catalog_builder import engines
from catalog_builder.builder.build_progress import Builds
from catalog_builder.builder.store import EMBEDDINGS, Store
from catalog_builder.machines import cluster, cluster_session
from catalog_builder.machines.cluster_session import LOCK, Machine, Plan, planned
from catalog_builder.machines.cluster_worker import TRIES, ClusterJob, Worker, packed, part_store
from export.common.errors import InputError
from tests.conftest import ROOT
from tests.ray_workers import DIES, KEPT
from tests.test_build import few, made, refusal
from tests.test_light import LOCK as LIGHT
from tests.test_light import WHOLE, pins

RAY_LOCK = ROOT / "requirements-ray.lock"
TOKEN = "0123456789abcdef" * 4               # of the cluster that tests join
LONG = 300                                   # seconds, on a machine that does much else
PRODUCTS, PICTURES = 30, 60
RAYS = ("gcs_server", "raylet")
AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")


# The environment.

def test_rays_lock_pins_what_the_other_locks_pin():
    ray, light, whole = pins(RAY_LOCK), pins(LIGHT), pins(WHOLE)
    assert "ray" in ray and light.items() <= ray.items()
    assert {name: whole[name] for name in ray.keys() & whole.keys()}.items() <= ray.items()
    assert "ray" not in light | whole and "://" not in RAY_LOCK.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def dist(gated) -> Path:
    """The demo model, its gate green."""
    folder, answer = gated
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return folder


def arguments(listed, dist, out, address="") -> list[str]:
    """Of `embed --ray`, with two workers."""
    return ["embed", "--ray", *([address] if address else []), "--workers", "2", "--products", str(listed),
            "--out", str(out), "--dist", str(dist.parent), "--model", dist.name]


def test_without_ray_one_line_says_how_to_get_it(dist, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    said = refusal(arguments(few(tmp_path / "shop", 3), dist, tmp_path / "x.embeddings"), capsys)
    assert "no Ray in this environment" in said and "make embed RAY=1" in said


@pytest.mark.parametrize(("more", "says"), [
    (["--ray", "--part", "1/2"], "not allowed with"), ([], "one of the arguments --part --ray is required"),
    (["--ray", "--workers", "0"], "--workers is out of range"), (["--ray", "--worker-cpus", "0"], "--worker-cpus is"),
    (["--part", "1/2", "--workers", "2"], "without --ray"), (["--ray", "ray://head:10001"], "the address of a proxy")])
def test_bad_arguments_are_refused_in_one_line(dist, tmp_path, capsys, more, says):
    options = ["--products", str(few(tmp_path / "shop", 3)), "--dist", str(dist.parent), "--model", dist.name,
               "--out", str(tmp_path / "x.embeddings")]
    assert says in refusal(["embed", *more, *options], capsys)


def test_a_list_of_which_nothing_can_be_built_is_refused_before_ray_starts(dist, tmp_path, capsys):
    listed = few(tmp_path / "shop", 3)
    shutil.rmtree(listed.parent / "pictures")
    assert "no product is left" in refusal(arguments(listed, dist, tmp_path / "x.embeddings"), capsys)
    assert {path.name for path in tmp_path.iterdir()} == {"shop"}


def test_the_address_is_the_users_or_rays_own_variable_or_none(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert (cluster.address(""), cluster.address("auto")) == (cluster_session.LOCAL, "auto")
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    assert (cluster.address(""), cluster.address("auto")) == ("head:6379", "auto")


# Who computes what.

GPUS = [Machine(16, 4), Machine(8, 4), Machine(64, 0)]        # a stand-in: no GPU was there


@pytest.mark.parametrize(("machines", "engine", "workers", "cpus", "torch", "expected"), [
    ([Machine(2, 0), Machine(3, 0)], "auto", None, None, True, Plan(5, 1, 0, "auto")),
    ([Machine(2, 0), Machine(3, 0)], "onnx", None, 2, False, Plan(2, 2, 0, "onnx")),
    ([Machine(8, 0)], "auto", 3, 2, False, Plan(3, 2, 0, "auto")),
    (GPUS, "auto", None, None, True, Plan(8, 2, 1, "cuda")),
    (GPUS, "cuda", 5, None, True, Plan(5, 2, 1, "cuda")),
    (GPUS, "auto", None, 4, True, Plan(6, 4, 1, "cuda")),
    (GPUS, "onnx", None, None, True, Plan(88, 1, 0, "onnx"))])
def test_workers_are_counted_by_gpus_where_there_are_any_and_else_by_cores(machines, engine, workers, cpus, torch,
                                                                           expected):
    assert planned(machines, engine, workers, cpus, torch) == expected


def test_gpus_without_torch_stay_unused_and_the_user_is_told():
    plan = planned(GPUS, "auto", None, None, torch=False)
    assert (plan.workers, plan.gpus, plan.engine) == (88, 0, "auto") and "no torch" in plan.note


@pytest.mark.parametrize(("engine", "workers", "cpus", "says"), [
    ("auto", 3, None, "no room.*at most 2 with 1 CPUs"), ("auto", None, 3, "no room.*at most 0"),
    ("cuda", None, None, "no GPU in the cluster.*--engine auto")])
def test_more_than_the_cluster_has_is_refused(engine, workers, cpus, says):
    with pytest.raises(InputError, match=says):
        planned([Machine(2, 0)], engine, workers, cpus, torch=True)


@pytest.mark.parametrize("engine", [name for name in engines.ENGINES if name not in ("auto", engines.EXACT.name)])
def test_an_engine_says_that_it_needs_torch(dist, monkeypatch, engine):
    monkeypatch.setattr(engines, "has_torch", lambda: False)
    with pytest.raises(InputError, match=f"the engine {engine} needs torch.*make environment"):
        engines.engine(engines.opened(dist), engine)


@pytest.mark.parametrize(("pictures", "workers"), [(0, 2), (1, 8), (60, 2), (100_000, 2), (5000, 64)])
def test_every_picture_is_in_one_part_and_all_workers_have_some(pictures, workers):
    divided = cluster.divided(list(range(pictures)), workers)
    assert [picture for part in divided for picture in part] == list(range(pictures))
    assert min(pictures, workers * cluster.EACH) <= len(divided) and max(map(len, divided), default=0) <= cluster.MOST


# A worker, without Ray.

def job(listed, dist, folder) -> ClusterJob:
    (folder / "parts").mkdir(exist_ok=True)
    return ClusterJob(model=dist, root=listed.parent.resolve(), store=folder / "all.embeddings",
                      folder=folder / "parts", engine="auto", thumbnail=None, threads=1)


def answer(worker, number, paths) -> dict:
    """What a worker answers to one part, as Ray Data gives it."""
    row = {name: np.array([value], object) for name, value in packed(number, paths).items()}
    return {name: value for name, [value] in worker(row).items()}


def test_a_worker_computes_what_nobody_has_and_counts_what_it_cannot(dist, tmp_path):
    listed = few(tmp_path / "shop", 4)
    root = listed.parent.resolve()
    good = sorted(root.glob("pictures/*.jpg"))
    bad = root / "pictures" / "靴 \n.jpg"
    bad.write_bytes(b"no picture")
    worker = Worker(job(listed, dist, tmp_path))
    assert answer(worker, 1, [*good[:2], bad]) == {
        "pictures": 3, "computed": 3, "faults": 1, "engine": worker.embedder.engine.identity, "tries": 1, "error": ""}
    cluster.take(worker.job.folder, worker.job.store, Builds())
    os.utime(good[0])                        # the same bytes
    again = answer(worker, 1, [*good, bad])
    assert (again["pictures"], again["computed"], again["faults"], again["tries"]) == (len(good) + 1, len(good) - 2, 1,
                                                                                     1)
    with closing(Store(part_store(worker.job.folder, 1), "", "")) as part:
        assert part.known_file(f"pictures/{good[0].name}", good[0].stat().st_size, good[0].stat().st_mtime_ns)


def test_a_part_whose_workers_die_ends_after_so_many_tries_and_names_its_pictures(dist, tmp_path):
    listed = few(tmp_path / "shop", 4)
    paths = sorted(listed.parent.resolve().glob("pictures/*.jpg"))
    of = job(listed, dist, tmp_path)
    for tries in range(1, TRIES + 1):
        assert Worker(of)._try(7, paths) == tries
    said = answer(Worker(of), 7, paths)["error"]
    assert f"a worker died {TRIES} times in part 7: 4 pictures from pictures/{paths[0].name} to" in said


def test_a_machine_that_does_not_see_the_folder_says_so(dist, tmp_path):
    of = job(few(tmp_path / "shop", 1), dist, tmp_path)
    shutil.rmtree(of.folder)
    assert "does not see a folder" in answer(Worker(of), 1, [tmp_path / "a.jpg"])["error"]


# Folders.

def test_what_a_killed_command_left_is_taken_and_half_a_file_is_not(tmp_path):
    with cluster.working(tmp_path / "shop.parts") as folder:
        with closing(Store(part_store(folder, 1), "e", "")) as part:
            part.keep("a", np.float32([1, 0]), None, None)
        part_store(folder, 2).touch()        # killed before its first byte
        with closing(sqlite3.connect(part_store(folder, 3))) as db:
            db.execute("create table files (path text)")
        (folder / "1.tries").write_text("..")
        cluster.take(folder, tmp_path / "shop.embeddings", Builds())
        assert [path.name for path in folder.iterdir()] == [LOCK]
    with closing(Store(tmp_path / "shop.embeddings", "e", "")) as store:
        assert store.all_whole() == {"a"}
    assert not folder.exists()


def test_a_list_is_embedded_by_one_command_at_a_time_and_what_failed_stays(tmp_path):
    with pytest.raises(InputError, match="something"), cluster.working(tmp_path / "parts") as folder:
        (folder / "1.embeddings").touch()
        again = cluster.working(tmp_path / "parts")
        with pytest.raises(InputError, match="another command is embedding this list"):
            again.__enter__()
        raise InputError("something")
    assert (folder / "1.embeddings").exists()


def test_rays_folder_goes_away_and_so_does_that_of_a_killed_command(tmp_path, monkeypatch):
    base = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    try:
        killed, others = base / "ray-killed", base / "ray-others"
        for folder in (killed, others):
            folder.mkdir()
            (folder / LOCK).touch()
        with cluster_session.held(others / LOCK), cluster_session.temporary() as folder:
            assert folder.parent == base and {path.name for path in base.iterdir()} == {"ray-others", folder.name}
        assert not folder.exists()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 9)))
        with cluster_session.temporary() as folder:
            assert folder.parent == Path("/tmp")
    finally:
        shutil.rmtree(base)


# With Ray.

@pytest.fixture(scope="module")
def python() -> Path:
    """Python of the environment that has Ray."""
    folder = Path(os.environ.get("RAY_VENV", ROOT / ".venv-ray")).absolute()
    made_of = folder / RAY_LOCK.name
    if not made_of.is_file() or made_of.read_bytes() != RAY_LOCK.read_bytes():
        pytest.skip(f"no environment with Ray in {folder}: make environment RAY=1 makes it")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def shop(dist, tmp_path_factory) -> tuple[Path, bytes]:
    """A list, and the catalog that one process makes of it."""
    folder = tmp_path_factory.mktemp("one")
    listed = few(folder / "shop", PRODUCTS, pictures=PICTURES // PRODUCTS)
    assert made(listed, dist, folder / "one.catalog").computed == PICTURES
    return listed, (folder / "one.catalog").read_bytes()


@pytest.fixture
def place():
    """A folder for temporary files with a short path, as Ray's sockets need it."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


@contextmanager
def started(python, *module, **environment):
    """A process with what it says; killed at the end, if it still runs."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    with subprocess.Popen([python, "-m", *module], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=given | environment) as process:
        try:
            yield process
        finally:
            process.kill()


def kept(folder: Path) -> int:
    """How many vectors the parts hold."""
    count = 0
    for path in folder.glob(f"*{EMBEDDINGS}"):
        if cluster.begun(path):
            with closing(sqlite3.connect(path)) as db:
                count += db.execute("select count(*) from vectors").fetchone()[0]
    return count


def wait_until(true, what: str) -> None:
    """Waits for a condition, and fails if it never comes."""
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended."""
    return psutil.wait_procs(processes, timeout=0)[1]


def computed(said: str) -> int:
    return int(re.search(rf"{PICTURES} pictures, (\d+) computed\n", said)[1])


def test_a_killed_command_goes_on_and_two_workers_give_the_bytes_of_one_process(python, shop, dist, tmp_path, place):
    listed, catalog = shop
    call = arguments(listed, dist, tmp_path / "several.embeddings")
    alone = {"TMPDIR": str(place), "HOME": str(tmp_path / "home")}
    (tmp_path / "home").mkdir()
    with started(python, "tests.ray_workers", "slow", *call, **alone) as process:
        wait_until(lambda: kept(tmp_path / "several.parts") >= KEPT or process.poll() is not None, "no vector")
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        # Two of Ray's helpers, which compute nothing, look once a minute whether the others are there.
        wait_until(lambda: all(one.name() in AGENTS for one in running(family)), "a killed command's workers go on")
        for one in running(family):
            one.kill()
    before = kept(tmp_path / "several.parts")
    assert KEPT <= before < PICTURES and list(place.glob("ray-*"))
    with started(python, "catalog_builder", *call, **alone) as process:
        told, addresses, niceness = watched(process)
        said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert computed(said) == PICTURES - before and "embed with 2 workers" in errors
    assert made(listed, dist, tmp_path / "several.catalog").computed == 0
    assert (tmp_path / "several.catalog").read_bytes() == catalog
    assert told == dict.fromkeys(RAYS, "0") and niceness == {os.nice(0)}
    assert len(addresses) > 2 and {host for host, _ in addresses} <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
    assert 8265 not in {port for _, port in addresses}         # where Ray's dashboard would be
    assert not list(place.iterdir()) and not list((tmp_path / "home").iterdir())
    assert not (tmp_path / "several.parts").exists()


def watched(process) -> tuple[dict[str, str | None], set[tuple[str, int]], set[int]]:
    """What Ray's own programs are told of usage statistics, where all processes listen, and how the workers give way to
    others, until the command ends.
    """
    told: dict[str, str | None] = {}
    addresses, niceness = set(), set()
    while process.poll() is None:
        with suppress(psutil.Error):         # one that has just ended
            for one in psutil.Process(process.pid).children(recursive=True):
                if one.name() in RAYS:       # the others' environment makes room for their names
                    told[one.name()] = one.environ().get("RAY_USAGE_STATS_ENABLED")
                if one.name().startswith("ray::MapWorker"):
                    niceness.add(one.nice())
                addresses |= {(open_.laddr.ip, open_.laddr.port) for open_ in one.net_connections()
                              if open_.status == psutil.CONN_LISTEN}
        time.sleep(0.2)
    return told, addresses, niceness


@pytest.fixture(scope="module")
def head(python) -> dict[str, str]:
    """A cluster that is there, and what a command needs to join it."""
    shared = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN} | cluster_session.ALONE
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    with started(python, "tests.ray_workers", "cluster", TMPDIR=str(folder), **shared) as process:
        address = process.stdout.readline().strip()
        assert address, process.stderr.read()
        yield shared | {"RAY_ADDRESS": address}
        assert process.poll() is None        # those who joined it have left it
        process.communicate("")
    assert process.returncode == 0 and not list(folder.iterdir())
    folder.rmdir()


def test_a_worker_that_is_killed_loses_nothing(python, head, shop, dist, tmp_path):
    listed, catalog = shop
    call = arguments(listed, dist, tmp_path / "several.embeddings")
    with started(python, "tests.ray_workers", "dies-once", *call, **head) as process:
        said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert computed(said) == PICTURES - KEPT and "a worker died and was started again" in errors
    assert f"join Ray at {head['RAY_ADDRESS']}" in errors and "raylet" not in said + errors
    assert made(listed, dist, tmp_path / "several.catalog").computed == 0
    assert (tmp_path / "several.catalog").read_bytes() == catalog


def test_a_worker_that_dies_again_and_again_ends_the_command_which_then_goes_on(python, head, shop, dist, tmp_path):
    listed, catalog = shop
    address = head["RAY_ADDRESS"]
    without = {name: value for name, value in head.items() if name != "RAY_ADDRESS"}
    call = arguments(listed, dist, tmp_path / "several.embeddings", address)
    with started(python, "tests.ray_workers", "dies-always", *call, **without) as process:
        said, errors = process.communicate()
    last = errors.splitlines()[-1]
    assert process.returncode == 2 and not said and "raylet" not in errors
    assert f"catalog_builder: a worker died {TRIES} times in part {DIES}: " in last
    before = kept(tmp_path / "several.parts")
    assert 0 < before < PICTURES
    with started(python, "catalog_builder", *call, **without) as process:
        said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert computed(said) == PICTURES - before
    assert made(listed, dist, tmp_path / "several.catalog").computed == 0
    assert (tmp_path / "several.catalog").read_bytes() == catalog


def test_a_cluster_that_cannot_be_joined_and_one_without_this_program_are_named(python, head, shop, dist, tmp_path):
    call = arguments(shop[0], dist, tmp_path / "several.embeddings")
    hidden = "import sys; sys.path.remove(''); from catalog_builder.__main__ import main; sys.exit(main(sys.argv[1:]))"
    for more, says in (({"RAY_AUTH_TOKEN": TOKEN[::-1], "RAY_NUM_REDIS_GET_RETRIES": "1"},
                        "no Ray cluster that this environment can join.*oken"),
                       ({}, "no worker can start.*No module named 'catalog_builder'")):
        done = subprocess.run([python, "-c", hidden, *call], cwd=tmp_path, capture_output=True, text=True,
                              env=os.environ | head | {"PYTHONPATH": str(ROOT)} | more)
        assert done.returncode == 2 and re.search(says, done.stderr.splitlines()[-1]), done.stderr
