"""All that verdicts and choices depend on enters (files, code, samples, tools, machine); a digest over it leaves."""

import hashlib
import json
import platform

from export import plan
from export.artifacts.dist import Dist
from export.common import files
from export.runners import webgpu_runner
from parity.gate import inputs
from parity.gate.shelf import Shelf

STAGE = files.ROOT / "parity"
CODE = (".py", ".toml", ".j2")


def code() -> list[tuple[str, str]]:
    """Path and digest of every source file of this stage, sub-folders included."""
    return [(path.relative_to(STAGE).as_posix(), files.sha256(path)) for path in sorted(STAGE.rglob("*"))
            if path.suffix in CODE]


def of_verdicts(dist: Dist, strict: bool, products: int | None, given: Shelf | None = None,
                webgpu: bool = False) -> str:
    """64 hex digits over all that the verdicts depend on: files as they are now, code, samples, tools, machine."""
    there = [[name, listed, dist.digest(name)] for name, listed in dist.manifest.files()]
    fallbacks = [artifact.fallback for artifact in dist.manifest.artifacts]
    browser = webgpu_runner.identity() if webgpu or strict else None
    return _digest(there, fallbacks, dist.manifest.space, strict, products, inputs.digest(given), browser)


def of_choice(dist: Dist, formats: list[str], products: int | None, given: Shelf | None) -> str:
    """64 hex digits over all that a choice of precisions depends on. The budget is left out: it judges a choice."""
    return _digest(dist.manifest.space, formats, products, inputs.digest(given))


def _digest(*parts: object) -> str:
    every = [*parts, code(), plan.code(), plan.tool_versions(), platform.platform()]
    return hashlib.sha256(json.dumps(every).encode()).hexdigest()
