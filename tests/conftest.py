"""What the tests share: the demo model, exported and gated once; which tests are slow; counts; STRICT=1.

STRICT=1        what could not run is a failure
REPETITIONS=n   at most so many of what is repeated with made-up input; `make soak` repeats in full
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REPETITIONS = "2000"
# Fixtures that export, gate, trace, build an app, train, or load one of Apple's networks: a test with one is slow.
SLOW = {"exported", "gated", "dist", "traced", "built", "cases", "tested", "environment", "apple", "exported_apple",
        "ground", "look_alikes", "exported_kept"}
LONGEST = ("test_android", "test_apple_artefacts", "test_export", "test_ios", "test_route")       # minutes each
VERDICTS = "parity.json"
MADE = ROOT / "dist" / "demo"                # by `make export`
for _name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"):
    os.environ.pop(_name, None)              # a test's make is a user's, and not within `make test`
OTHERS = shutil.ignore_patterns("manifest.json", "parity.*", "precision.*", "*int*", "*palette*", "*mixed*")


def run_module(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """`python -m …` from the repository's root, as the Makefile calls it."""
    return subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True,
                          env=os.environ | environment)


# Which tests there are.

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is slow and what is repeated, and puts the files with slow tests first, those of a toolchain foremost.

    A worker takes one file after the other: what a file's tests share is built once.
    """
    for item in items:
        names = set(item.fixturenames)
        if names & SLOW or any(item.iter_markers("exhaustive")) or any(item.iter_markers("soak")):
            item.add_marker(pytest.mark.slow)
        if "repetitions" in names:
            item.add_marker(pytest.mark.repeated)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, not item.path.stem.startswith(LONGEST)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """STRICT=1: what could not run is a failure."""
    report = yield
    if report.skipped and os.environ.get("STRICT") == "1":
        report.outcome, report.longrepr = "failed", f"STRICT=1, and this could not run: {report.longrepr[2]}"
    return report


# What the suites of other languages say.

@pytest.fixture
def say(record_property) -> Callable[[str], None]:
    """Has a line stand at the end of the run, whichever worker the test runs on."""
    return lambda line: record_property("said", line)


def pytest_terminal_summary(terminalreporter) -> None:
    """Prints the lines that tests said."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports if hasattr(report, "when")]
    lines = [text for report in reports if report.when == "call" for name, text in report.user_properties
             if name == "said"]
    for line in sorted(lines):
        terminalreporter.write_line(line)


# What the tests share.

@pytest.fixture(autouse=True)
def _subnormals() -> Iterator[None]:
    """No test leaves its process with subnormal numbers taken as 0: the tests after it need them."""
    yield
    assert sys.float_info.min / 2 > 0


@pytest.fixture(scope="session")
def repetitions() -> Callable[[int], int]:
    """How often to repeat what is repeated `full` times where time does not matter."""
    return lambda full: min(full, int(os.environ.get("REPETITIONS", REPETITIONS)))


@pytest.fixture(scope="session")
def kept(request) -> Path:
    """A folder that git ignores, for what is reused by all workers and by the next run."""
    return Path(request.config.cache.mkdir("kept"))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other worker or run is within, for this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def exported(kept, tmp_path_factory) -> Path:
    """dist/demo with twelve artefacts and no verdicts yet. Do not change it: copy it.

    The exporter's own receipts tell what is still good from an earlier run, or from `make export`.
    """
    folder = tmp_path_factory.mktemp("dist") / "demo"
    with alone(kept / "exported"):
        if MADE.exists() and not (kept / "exported" / "demo").exists():
            shutil.copytree(MADE, kept / "exported" / "demo", ignore=OTHERS)
        answer = run_module("export", "--precision", "fp32,fp16", "--out", str(kept / "exported"))
        assert answer.returncode == 0, answer.stderr
        shutil.copytree(kept / "exported" / "demo", folder)
    return folder


@pytest.fixture(scope="session")
def gated(exported, kept, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """dist/demo with the gate's verdicts, and what the gate said. Do not change it: copy it.

    Verdicts of an earlier run stand only where the gate itself finds that nothing they depend on has changed.
    """
    folder = tmp_path_factory.mktemp("gated") / "demo"
    shutil.copytree(exported, folder)
    with alone(kept / "gated"):
        earlier = kept / "gated" / VERDICTS
        if earlier.exists():
            shutil.copy(earlier, folder)
        answer = run_module("parity", "--if-changed", "--out", str(folder.parent))
        if (folder / VERDICTS).exists():
            shutil.copy(folder / VERDICTS, earlier)
    return folder, answer


@pytest.fixture(scope="session")
def sample_shop(kept, tmp_path_factory) -> Callable[[Path], Path]:
    """From dist/<model>/ to the catalog of the sample shop with its labelled queries. Pictures are embedded once."""
    @cache
    def build(dist: Path) -> Path:
        folder = tmp_path_factory.mktemp("shop")
        with alone(kept / "shop"):
            catalog = kept / "shop" / "shop.catalog"
            answer = run_module("catalog_builder", "build", "--dist", str(dist.parent), "--model", dist.name,
                                "--catalog", str(catalog), "--queries", "demo/shop/queries.csv")
            assert answer.returncode == 0, answer.stderr
            return Path(shutil.copy(catalog, folder))

    return build
