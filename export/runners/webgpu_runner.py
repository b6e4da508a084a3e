"""TFLite files and inputs enter; embeddings leave, by LiteRT.js under WebGPU in headless Chromium.

Chromium's software adapter stands in for a GPU: LiteRT's own GPU code runs, not a phone's driver, and not fast.
In: Node, Chromium (CHROMIUM= names it), and the packages of web_sample/.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.common import files, node
from export.common.errors import InputError

RUNNER = Path(__file__).parent / "webgpu" / "run.mjs"
PACKAGES = files.ROOT / "web_sample"
SECONDS = 300                                # for a file, unless the caller has less
START = 120                                  # for Chromium and LiteRT.js to start


@dataclass(frozen=True, eq=False)
class GpuJob:
    """A file, and its inputs: uint8 [N, S, S, 3] or int32 [N, L]."""

    path: Path
    inputs: np.ndarray


@dataclass(frozen=True, eq=False)
class GpuAnswers:
    """What Chromium answered: for each file float32 [turn, n, dim], of its first n inputs."""

    adapter: str
    browser: str                             # its version
    embeddings: list[np.ndarray]


def lacks() -> InputError | None:
    """Why this machine cannot run files so; None if it can."""
    try:
        node.found()
        if package := node.lacks(PACKAGES, development=True):
            return InputError("LiteRT.js and playwright-core are missing", found=f"no {package}", remedy="make npm")
    except InputError as error:
        return error
    if chromium():
        return None
    return InputError("Chromium is missing", remedy="apt-get install chromium, or CHROMIUM=its path")


def chromium() -> str | None:
    """The path of Chromium; None if there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def identity() -> str:
    """What the answers depend on, besides the files: the driver, the packages and the browser that are there now."""
    browser = chromium()
    there = [files.sha256(path) for path in (RUNNER, PACKAGES / node.LOCK) if path.is_file()]
    return " ".join([*there, browser or "", str(browser and Path(browser).exists()), str(lacks() or "")])


def run(asked: Sequence[GpuJob], turns: int, seconds: float = SECONDS) -> GpuAnswers:
    """Every file's answers to its inputs, one by one, in turn, `turns` times.

    seconds: for a file; where all inputs would take longer, the first ones are asked. Raises InputError if this machine
    cannot run the files.
    """
    if lack := lacks():
        raise lack
    job = {"chromium": chromium(), "packages": str(PACKAGES), "turns": turns, "seconds": seconds,
           "models": [
        {"path": str(one.path.resolve()), "inputs": [
               {"type": "int32" if one.inputs.ndim == 2 else "float32", "shape": [1, *row.shape],
                "values": row.reshape(-1).tolist()} for row in one.inputs]} for one in asked]}
    most = START + 2 * seconds * len(asked)
    try:
        answer = subprocess.run([*node.found().node, str(RUNNER)], input=json.dumps(job), capture_output=True,
                                text=True, timeout=most)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"Chromium has not answered after {most:.0f} s") from error
    if answer.returncode:
        raise InputError("Chromium cannot run the files", found=answer.stderr[-500:])
    said = json.loads(answer.stdout)
    return GpuAnswers(said["adapter"], said["browser"],
                      [np.array(model["answers"], np.float32) for model in said["models"]])
