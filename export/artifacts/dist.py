"""A folder dist/<model>/ enters; what lies in it leaves, each file read, and each digest computed, once a process."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from export.artifacts import manifest, receipts
from export.artifacts.manifest import Manifest
from export.artifacts.receipts import Receipt
from export.common import files
from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.weights import checkpoint
from export.weights.checkpoint import Source
from export.weights.lookup import find

VERDICTS, SOURCE = "parity.json", "source.json"


@dataclass(frozen=True)
class Judged:
    """What parity.json says as a whole."""

    green: bool
    space: str                               # 64 hex digits
    paths: frozenset[str]                    # of the artefacts that the gate saw


class Dist:
    """An opened dist/<model>/. Whoever replaces a file in it does so here, or tells `forget`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._manifest: Manifest | None = None
        self._digests: dict[str, str | None] = {}
        self._source: tuple[ModelSpec, Source] | None = None

    @property
    def manifest(self) -> Manifest:
        """Raises InputError where it is missing, unreadable or of another version."""
        if self._manifest is None:
            self._manifest = manifest.read(self.folder)
        return self._manifest

    def write(self, made: Manifest) -> None:
        """Writes the manifest, whole or not at all."""
        manifest.write(self.folder, made)
        self._manifest = made

    def withdraw(self) -> None:
        """Removes manifest and verdicts: neither stands beside artefacts that are being replaced."""
        for name in (manifest.NAME, VERDICTS):
            files.remove(self.folder / name)
        self._manifest = None

    def path(self, name: str) -> Path:
        """Of a file or folder in it."""
        return self.folder / name

    def digest(self, name: str) -> str | None:
        """SHA-256 of a file or folder, 64 hex digits; None where there is none."""
        if name not in self._digests:
            path = self.path(name)
            self._digests[name] = files.sha256(path) if path.exists() else None
        return self._digests[name]

    def forget(self, names: Iterable[str]) -> None:
        """These files were replaced or removed."""
        for name in names:
            self._digests.pop(name, None)

    def check(self) -> None:
        """Raises InputError for the first file that is missing, or is not the one that the manifest names."""
        for name, expected in self.manifest.files():
            found = self.digest(name)
            if found is None:
                raise InputError("file of the manifest is missing", where=self.path(name), remedy="export again")
            if found != expected:
                raise InputError("file is not the one of the manifest", where=self.path(name),
                                 expected=f"sha256 {expected[:16]}…", found=f"{found[:16]}…", remedy="export again")

    def receipts(self) -> dict[str, Receipt]:
        """What made each artefact, by its path; none where there is no readable file."""
        return receipts.read(self.folder)

    def source(self) -> tuple[ModelSpec, Source]:
        """The model and its weights, as source.json names them. Raises InputError where they cannot be found."""
        if self._source is None:
            self._source = self._located()
        return self._source

    def _located(self) -> tuple[ModelSpec, Source]:
        try:
            kept = json.loads(self.path(SOURCE).read_text(encoding="utf-8"))
            spec, path = find(kept["model"], kept["pretrained"]), kept["checkpoint"]
            kind, digest = kept["kind"], kept["sha256"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError("cannot tell which weights made these artefacts", where=self.path(SOURCE), found=error,
                             remedy="export again") from error
        source = checkpoint.locate(spec, Path(path) if path else None, kind == "random")
        if source.sha256 != digest:
            raise InputError("weights are not those of the export", where=source.path, expected=f"sha256 {digest}",
                             found=source.sha256, remedy="export again")
        return spec, source

    def judged(self) -> Judged:
        """What the gate said as a whole. Raises InputError where it has not run."""
        path = self.path(VERDICTS)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            paths = frozenset(result["path"] for result in kept["results"])
            return Judged(kept["green"] is True, kept["space"], paths)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError("the gate has not run", where=path, found=error,
                             remedy=f"make parity MODEL={self.folder.name}") from None
