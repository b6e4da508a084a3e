"""dist/<model>/ and golden inputs enter; what this Mac's Core ML answers on each compute unit leaves, as a proof."""

import json
import platform
import subprocess
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from export import runners
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.common.errors import InputError
from export.formats.table import COREML, ENCODERS
from export.runners import Run, coreml_runner
from export.text import tokenizer
from parity.gate import metrics
from parity.prove import device_goldens
from parity.prove.device_goldens import Goldens
from parity.prove.proof import APPLE, VERSION

# Core ML's names, and coremltools' for the same.
UNITS = dict(zip(APPLE, ("CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE", "ALL"), strict=True))
Load = Callable[..., Run]                   # coreml_runner.native, or what stands in for it


def refuse_another_system() -> None:
    """Raises InputError where this is no Mac."""
    if platform.system() != "Darwin":
        raise InputError("Core ML runs on a Mac alone", where="PLATFORM=mac", expected="macOS",
                         found=platform.system(), remedy="make prove on a Mac; or PLATFORM=android, or PLATFORM=ios")


def proof(dist: Dist, goldens: Goldens, load: Load = coreml_runner.native) -> dict:
    """The content of a proof.json: every Core ML package that passed the gate, on each compute unit."""
    inputs, expected = read(dist, goldens)
    packages = [a for encoder in ENCODERS for a in dist.manifest.find(COREML.name, encoder) if a.passed]
    checks = [{"compute": name, "error": None, "encoders": [
        figures(dist, package, inputs[package.encoder], expected[package.encoder], partial(load, units=units))
        for package in packages]}
        for name, units in UNITS.items()]
    return {"version": VERSION, "platform": "mac", "device": chip(), "system": f"macOS {platform.mac_ver()[0]}",
            "emulator": False, "runtime": runners.runtimes(COREML.name)[0], "model": dist.manifest.model,
            "space": goldens.space, "golden": goldens.sha256, "error": None, "checks": checks}


def read(dist: Dist, goldens: Goldens) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Golden inputs by encoder, as an app makes them (uint8 [N, S, S, 3], int32 [N, L]), and embeddings [N, dim]."""
    content = json.loads((goldens.folder / device_goldens.file_name(dist)).read_text(encoding="ascii"))
    texts, pictures = content["texts"], content["pictures"]
    side = dist.manifest.image.width
    squares = [np.fromfile(goldens.folder / "preprocess" / f"{one['preprocess']}.out.rgb", np.uint8)
               for one in pictures]
    words = tokenizer.load(dist.path(dist.manifest.tokenizer.path))
    ids = tokenizer.encode_all(words, [one["text"] for one in texts])
    return ({"image": np.stack(squares).reshape(-1, side, side, 3), "text": ids},
            {"image": np.array([one["embedding"] for one in pictures]),
             "text": np.array([one["embedding"] for one in texts])})


def figures(dist: Dist, package: Artifact, inputs: np.ndarray, expected: np.ndarray,
            load: Load) -> dict:
    """One encoder of a check."""
    run, loading = timed(lambda: load(dist.path(package.path), package.encoder))
    answers = [timed(partial(run, item[None])) for item in inputs]
    close = metrics.closeness(np.concatenate([answer for answer, _ in answers]), expected)
    return {"encoder": package.encoder, "precision": package.precision, "sha256": dist.digest(package.path),
            "load_ms": loading, "median_ms": median(taken for _, taken in answers), "count": len(inputs),
            "least_cosine": close.cosine_min, "max_abs": close.max_abs}


def timed(work: Callable):
    """The result, and milliseconds."""
    started = time.perf_counter()
    return work(), 1e3 * (time.perf_counter() - started)


def chip() -> str:
    """The processor's name, such as "Apple M2"."""
    answer = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
    return answer.stdout.strip() or platform.machine()
