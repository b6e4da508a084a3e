"""What a device's self-check wrote (proof.json) enters; the same, held to manifest and tolerances, leaves for a table.

FORMATS.md is the contract for proof.json. What the device says of passing counts for nothing: its figures are judged.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from export.artifacts.dist import VERDICTS, Dist
from export.artifacts.manifest import Artifact
from export.common import files
from export.common.command import GateRed
from export.common.errors import InputError
from export.formats.table import COREML, ENCODERS, TFLITE, Format
from parity.gate import tolerances
from parity.prove.device_goldens import Goldens

NAME, VERSION = "proof.json", 1
PROOFS = files.ROOT / "benchmarks" / "proofs"             # what README's table is made from
FIGURES = ("least_cosine", "max_abs", "load_ms", "median_ms")                # of an encoder on a compute unit
APPLE = ("cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine", "all")                # Core ML's own names


@dataclass(frozen=True)
class Platform:
    """Where a proof comes from."""

    format: Format
    units: tuple[str, ...]                   # compute units that each device must have tried
    runtime: str                             # how the runtime's name and version begin, a pattern
    emulated: tuple[str, ...] = ()           # the same for an emulator; none: there is no such thing
    compiled: bool = False                   # whether an app has its encoders in another form than dist/


PLATFORMS: Mapping[str, Platform] = {
    "mac": Platform(COREML, APPLE, r"Core ML, macOS \d"),
    "ios": Platform(COREML, APPLE, r"Core ML, (iOS|iPadOS) \d", ("cpuOnly",), compiled=True),
    "android": Platform(TFLITE, ("cpu",), r"LiteRT \d", ("cpu",))}


def read(path: Path) -> dict:
    """The content of a proof.json. Raises InputError if it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("no proof", where=path, expected=f"the {NAME} that the app's self-check wrote",
                         found=getattr(error, "strerror", None) or error) from error
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise InputError("no proof of this version", where=path, expected=f"version {VERSION}",
                         found=content.get("version") if isinstance(content, dict) else "no object")
    return content


def judged(dist: Dist, goldens: Goldens, content: dict, platform: str, where: Path) -> dict:
    """The proof with what it was held to. `where` is named in errors.

    Raises InputError where it is of another export, of another device's kind, or not whole; GateRed for a device whose
    embeddings are too far from float32 PyTorch's.
    """
    kind, made = PLATFORMS[platform], dist.manifest
    if not dist.judged().green:
        raise InputError("the gate is red: there is nothing to prove", where=dist.path(VERDICTS),
                         remedy=f"make parity MODEL={dist.folder.name}")
    if error := content.get("error"):
        raise InputError("the device could not check", where=where, found=error)
    for key, expected in (("platform", platform), ("space", made.space), ("golden", goldens.sha256)):
        if (found := _value(content, key, str, where)) != expected:
            raise InputError(f"proof of another {key}", where=where, expected=expected, found=found,
                             remedy="make apps, install, and check again with the goldens of this export")
    emulated = _value(content, "emulator", bool, where)
    names = {key: _value(content, key, str, where) for key in ("device", "system", "runtime")}
    if not names["device"] or not re.match(kind.runtime, names["runtime"]) or not re.search(r" \d", names["system"]):
        raise InputError("proof without device, system or runtime, each with its version", where=where, found=names)
    checks = {_value(check, "compute", str, where): check for check in _value(content, "checks", list, where)}
    wanted = kind.emulated if emulated else kind.units
    if missing := [unit for unit in wanted if unit not in checks] or ([] if wanted else ["a device"]):
        raise InputError("proof without a compute unit", where=where, expected=", ".join(wanted) or "no emulator",
                         found=", ".join(checks) or "none", remedy=f"check again; missing: {', '.join(missing)}")
    held = [{"compute": unit, "encoders": _encoders(dist, goldens, kind, unit, checks[unit], where)} for unit in wanted]
    return {"version": VERSION, "model": made.model, "architecture": made.architecture,
            "weights": made.weights and asdict(made.weights), "licence": made.licence.name, "space": made.space,
            "platform": platform, **names, "emulator": emulated, "golden": goldens.sha256, "checks": held}


def _encoders(dist: Dist, goldens: Goldens, kind: Platform, unit: str, check: dict, where: Path) -> list[dict]:
    """The figures of one compute unit, with the tolerances."""
    if error := check.get("error"):
        raise InputError(f"the device could not check {unit}", where=where, found=error)
    found = [_encoder(dist, goldens, kind, one, f"{where}, {unit}") for one in _value(check, "encoders", list, where)]
    if lacking := {*ENCODERS} - {one["encoder"] for one in found}:
        raise InputError("proof without an encoder", where=f"{where}, {unit}", expected=" and ".join(ENCODERS),
                         found=f"no {' and no '.join(sorted(lacking))}")
    if reasons := [reason for one in found for reason in _faults(one)]:
        raise GateRed(f"{unit}: {'; '.join(reasons)}; in {where}; nothing was written")
    return found


def _encoder(dist: Dist, goldens: Goldens, kind: Platform, one: dict, where: str) -> dict:
    encoder, precision, sha256 = (_value(one, key, str, where) for key in ("encoder", "precision", "sha256"))
    artifact = _artifact(dist, kind.format, encoder, precision, sha256, where)
    if (count := _value(one, "count", int, where)) != goldens.counts[encoder]:
        raise InputError(f"proof with other golden inputs of the {encoder} encoder", where=where,
                         expected=goldens.counts[encoder], found=count)
    allowed = tolerances.of(dist.manifest.space, artifact.format, artifact.precision, encoder)
    figures = {key: _value(one, key, (int, float), where) for key in FIGURES}
    return {"encoder": encoder, "precision": precision, "sha256": sha256, "count": count, **figures,
            "allowed": {"least_cosine": allowed.cosine, "max_abs": allowed.max_abs}}


def _artifact(dist: Dist, format_: Format, encoder: str, precision: str, sha256: str, where: str) -> Artifact:
    """The artefact that the device ran. Raises InputError if the gate did not pass just these bytes."""
    of_the_export = dist.manifest.find(format_.name, encoder)
    artifact = next((a for a in of_the_export if (a.precision, a.sha256) == (precision, sha256)), None)
    if artifact is None:
        raise InputError(f"the device ran another {encoder} encoder", where=where,
                         found=f"{precision}, sha256 {sha256}",
                         expected=" or ".join(f"{a.precision}, sha256 {a.sha256}" for a in of_the_export),
                         remedy="make apps, install, and check again")
    if not artifact.passed:
        raise InputError(f"the device ran an artefact that did not pass the gate: {artifact.path}", where=where)
    return artifact


def _faults(one: dict) -> list[str]:
    """Why the figures of an encoder exceed what it is held to; a figure that is no number does."""
    name, allowed = f"{one['encoder']} {one['precision']}", one["allowed"]
    faults = []
    if not one["least_cosine"] >= allowed["least_cosine"]:
        faults.append(f"{name}: cosine {one['least_cosine']:.7f} below {allowed['least_cosine']}")
    if not one["max_abs"] <= allowed["max_abs"]:
        faults.append(f"{name}: max abs {one['max_abs']:.2e} above {allowed['max_abs']:.2e}")
    return faults


def _value(fields: Any, key: str, kind: type | tuple[type, ...], where: Path | str) -> Any:
    """The value of a key. Raises InputError if it is missing or of another type."""
    value = fields.get(key) if isinstance(fields, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
        raise InputError("proof lacks a key, or is damaged", where=where, expected=key, found=str(value)[:40],
                         remedy=f"the keys that FORMATS.md lists for {NAME}")
    return value


def keep(proof: dict, folder: Path = PROOFS) -> Path:
    """Writes a judged proof into the repository, in the place of an earlier one of the same device and model."""
    words = [proof["platform"], proof["device"], proof["model"]]
    path = folder / f"{re.sub(r'[^a-z0-9]+', '-', ' '.join(words).lower()).strip('-')}.json"
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(path, proof)
    return path
