"""A model's folder enters; what a phone's self-check is given leaves, and what `make prove` says of its answer."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from export.artifacts import manifest, shipping
from export.artifacts.dist import VERDICTS, Dist
from export.artifacts.manifest import Verdict
from export.common import files
from export.common.errors import InputError
from export.formats.table import COREML, ENCODERS, Format
from parity.prove import device_goldens, proof
from parity.prove.device_goldens import Goldens

PASSED = Verdict("passed", [], 1.0, 0.0, None)
TEXTS = ("red shoes", "藍色雨傘", "a lamp, 40 € – “new”")
PICTURES = ("one", "two")
PLATFORM = {kind.format.name: name for name, kind in proof.PLATFORMS.items() if kind.emulated}       # phones


@dataclass(frozen=True)
class Proved:
    """A folder with `goldens/`, in which a phone's tests write proofs as `<name>.json`."""

    folder: Path
    dist: Dist
    goldens: Goldens
    platform: str

    def judged(self, name: str) -> dict:
        """What `make prove` keeps of one of the proofs. Raises as parity.prove.proof does."""
        path = self.folder / f"{name}.json"
        json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)           # NaN and its like
        return proof.judged(self.dist, self.goldens, proof.read(path), self.platform, path)


def prepare(source: Path, folder: Path, format_: Format) -> Proved:
    """Made-up golden inputs for the self-check of an app with artefacts of `source`, all of which passed the gate.

    For Core ML the encoders lie beside them, with the manifest and the tokenizer of an app.
    """
    dist = passed(source, folder / source.name)
    given = folder / "goldens"
    goldens = write(dist, given)
    if format_ is COREML:
        shipped = [shipping.chosen(dist, format_, encoder) for encoder in ENCODERS]
        for artifact in shipped:
            shutil.copytree(dist.path(artifact.path), given / f"{artifact.encoder}{format_.suffix}")
        app = folder / "app"
        app.mkdir()
        named = [replace(artifact, path=artifact.encoder + format_.suffix) for artifact in shipped]
        manifest.write(app, replace(dist.manifest, artifacts=named))
        shutil.copy(dist.path(dist.manifest.tokenizer.path), app)
    return Proved(folder, dist, goldens, PLATFORM[format_.name])


def passed(source: Path, folder: Path) -> Dist:
    """A copy of dist/<model>/ that the gate has passed."""
    shutil.copytree(source, folder)
    made = manifest.read(folder)
    manifest.write(folder, made.judged({artifact.path: PASSED for artifact in made.artifacts}))
    files.write_json(folder / VERDICTS, {"green": True, "space": made.space,
                                         "results": [{"path": artifact.path} for artifact in made.artifacts]})
    return Dist(folder)


def write(dist: Dist, folder: Path) -> Goldens:
    """Golden inputs, with embeddings that no encoder gives."""
    made, draw = dist.manifest, np.random.default_rng(0)
    rows = draw.normal(size=(len(TEXTS) + len(PICTURES), made.dim))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).tolist()
    (folder / "preprocess").mkdir(parents=True)
    for name in PICTURES:
        square = draw.integers(0, 256, (made.image.height, made.image.width, 3), np.uint8)
        (folder / "preprocess" / f"{name}.out.rgb").write_bytes(square.tobytes())
    content = {"space": made.space,
               "texts": [{"text": text, "embedding": row} for text, row in zip(TEXTS, rows, strict=False)],
               "pictures": [{"preprocess": name, "embedding": row}
                            for name, row in zip(PICTURES, rows[len(TEXTS):], strict=True)]}
    path = folder / device_goldens.file_name(dist)
    path.write_text(json.dumps(content), encoding="ascii")
    return device_goldens.read(path, dist)


def refuses_others(proved: Proved) -> None:
    """The good proof is refused by an export with other golden inputs, and by one with an artefact of other bytes."""
    with pytest.raises(InputError, match="another golden"):
        replace(proved, goldens=replace(proved.goldens, sha256="ab" * 32)).judged("good")
    for encoder in ENCODERS:
        other = proved.folder / f"other-{encoder}"
        made = proved.dist.manifest
        changed = [replace(artifact, sha256="ab" * 32) if artifact.encoder == encoder else artifact
                   for artifact in made.artifacts]
        other.mkdir()
        manifest.write(other, replace(made, artifacts=changed))
        shutil.copy(proved.dist.path(VERDICTS), other)
        with pytest.raises(InputError, match=f"the device ran another {encoder} encoder"):
            replace(proved, dist=Dist(other)).judged("good")
