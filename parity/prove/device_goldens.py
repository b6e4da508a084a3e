"""dist/<model>/ enters; golden inputs and float32 PyTorch's answers to them leave, in the form that the apps read.

They are the samples of the gate, so that a device's figures can be held to the gate's tolerances. Beside them lie the
encoders that an app holds in another form than dist/.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.common import files
from export.common.errors import InputError
from parity import goldens
from parity.gate import inputs

FOLDER, COMMAND = "proof", "make prove"


@dataclass(frozen=True)
class Goldens:
    """The folder that goes onto a device."""

    folder: Path
    space: str                               # 64 hex digits
    sha256: str                              # of the file with the embeddings
    counts: dict[str, int]                   # golden inputs, by encoder


def write(dist: Dist, encoders: Sequence[Artifact] = ()) -> Goldens:
    """Writes dist/<model>/proof/, whole or not at all.

    encoders: folders to be put beside the golden inputs, as `<encoder><suffix>`.
    Raises InputError if the weights are not found or are others.
    """
    spec, source = dist.source()
    shelf = inputs.samples()
    squares = inputs.squares(shelf.pictures, spec.preprocessing)
    named = {Path(name).stem: square for name, square in zip(shelf.pictures, squares, strict=True)}
    with files.whole(dist.path(FOLDER)) as partial:
        (partial / "preprocess").mkdir(parents=True)
        for name, square in named.items():
            (partial / "preprocess" / f"{name}.out.rgb").write_bytes(square.tobytes())
        path = partial / file_name(dist)
        goldens.write_embeddings(path, spec, source, goldens.on_phones(shelf.text_queries), named, COMMAND)
        for artifact in encoders:
            package = dist.path(artifact.path)
            shutil.copytree(package, partial / f"{artifact.encoder}{package.suffix}")
        written = read(path, dist)
    return Goldens(dist.path(FOLDER), written.space, written.sha256, written.counts)


def earlier(dist: Dist) -> Goldens:
    """What an earlier `write` left. Raises InputError if there is nothing, or of other weights."""
    return read(dist.path(FOLDER) / file_name(dist), dist)


def file_name(dist: Dist) -> str:
    """Of the embeddings."""
    return f"embeddings-{dist.manifest.model}.json"


def read(path: Path, dist: Dist) -> Goldens:
    """The folder of a file with embeddings. Raises InputError if it is missing, damaged, or of another space."""
    try:
        content = json.loads(path.read_text(encoding="ascii"))
        counts = {"image": len(content["pictures"]), "text": len(content["texts"])}
        space = content["space"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("no golden embeddings that a device was held to", where=path,
                         found=getattr(error, "strerror", None) or error,
                         remedy="make prove without PROOF= writes them, for the device") from error
    if space != dist.manifest.space:
        raise InputError("golden embeddings of another space", where=path, expected=dist.manifest.space, found=space,
                         remedy="make prove without PROOF= writes them anew, for the device")
    return Goldens(path.parent, space, files.sha256(path), counts)
