"""A folder dist/<model>/ enters; its contents leave. A process reads each file, and computes each digest, only once."""

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from export.artifacts import manifest, receipts
from export.artifacts.manifest import Manifest
from export.artifacts.receipts import Receipt
from export.common import files
from export.common.errors import InputError
from export.common.specs import Given, Licence, ModelSpec
from export.weights import checkpoint, licences
from export.weights.checkpoint import Source
from export.weights.lookup import find, folder, lasting, own_file
from export.weights.settings import aliases, stated
from export.weights.settings.aliases import LOCAL

VERDICTS, SOURCE, LICENCE = "parity.json", "source.json", "LICENSE_WEIGHTS"


def exported(out: Path, model: str, pretrained: str | None = None) -> Path:
    """dist/<model>/ of an export: `model` is that folder's name, or MODEL= as the export took it.

    Raises InputError where several exports took this MODEL=, and for a name that means no model.
    """
    named = bool(model) and "/" not in model and (out / model).is_dir()
    made = [] if named or aliases.row(model) else sorted(path.parent for path in out.glob(f"*/{SOURCE}")
                                   if took(path, lasting(model), pretrained))
    if len(made) > 1:
        names = [place.name for place in made]
        raise InputError(f"MODEL={model} was exported more than once", where=out, expected="the name of one folder",
                         found=", ".join(names), remedy=f"MODEL={names[0]}")
    return made[0] if made else folder(out, model, pretrained)


def took(note: Path, model: str, pretrained: str | None) -> bool:
    """Whether the export whose source.json is `note` took this MODEL= and, if one is given, this PRETRAINED=."""
    try:
        kept = json.loads(note.read_text(encoding="utf-8"))
        return kept["model"] == model and pretrained in (None, kept["pretrained"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


@dataclass(frozen=True)
class Judged:
    """The outcome of the gate for the whole folder, from parity.json."""

    green: bool
    space: str                               # 64 hex digits
    paths: frozenset[str]                    # of the artefacts that the gate saw


class Dist:
    """An opened dist/<model>/. Code that replaces a file in the folder does so here, or calls `forget`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._manifest: Manifest | None = None
        self._digests: dict[str, str | None] = {}
        self._source: tuple[ModelSpec, Source] | None = None

    @property
    def manifest(self) -> Manifest:
        """The manifest. Raises InputError if it is missing, unreadable or of another version."""
        if self._manifest is None:
            self._manifest = manifest.read(self.folder)
        return self._manifest

    def write(self, new: Manifest) -> None:
        """Writes the manifest, whole or not at all."""
        manifest.write(self.folder, new)
        self._manifest = new

    def withdraw(self) -> None:
        """Removes manifest and verdicts, because both are wrong while artefacts are being replaced."""
        for name in (manifest.NAME, VERDICTS):
            files.remove(self.folder / name)
        self._manifest = None

    def path(self, name: str) -> Path:
        """The path of a file or folder in dist/<model>/."""
        return self.folder / name

    def digest(self, name: str) -> str | None:
        """SHA-256 of a file or folder, 64 hex digits; None if it is missing."""
        if name not in self._digests:
            path = self.path(name)
            self._digests[name] = files.sha256(path) if path.exists() else None
        return self._digests[name]

    def forget(self, names: Iterable[str]) -> None:
        """Drops the stored digests of files that were replaced or removed."""
        for name in names:
            self._digests.pop(name, None)

    def check(self) -> None:
        """Raises InputError for the first file that is missing, or whose digest is not that of the manifest."""
        for name, expected in self.manifest.files():
            digest = self.digest(name)
            if digest is None:
                raise InputError("file of the manifest is missing", where=self.path(name), remedy="export again")
            if digest != expected:
                raise InputError("file is not the one of the manifest", where=self.path(name),
                                 expected=f"sha256 {expected[:16]}…", found=f"{digest[:16]}…", remedy="export again")

    def receipts(self) -> dict[str, Receipt]:
        """The receipt of each artefact, by the artefact's path; empty if there is no readable file."""
        return receipts.read(self.folder)

    def source(self) -> tuple[ModelSpec, Source]:
        """The model and its weights, as source.json names them. Raises InputError if they cannot be found."""
        if self._source is None:
            self._source = self._located()
        return self._source

    def note(self) -> dict:
        """What source.json says. Raises InputError if it is missing or damaged."""
        try:
            kept = json.loads(self.path(SOURCE).read_text(encoding="utf-8"))
            licence_given(kept)
            return kept | {key: kept[key] for key in ("model", "pretrained", "kind", "sha256", "checkpoint")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError("cannot tell which weights made these artefacts", where=self.path(SOURCE), found=error,
                             remedy="export again") from error

    def command(self, **changes: str) -> str:
        """The `make export` that made this folder, with `changes` to its variables: for remedies."""
        try:
            variables = said(self.note())
        except InputError:
            variables = {"MODEL": self.folder.name}
        if "LICENCE" in variables and self.path(LICENCE).is_file():
            variables["LICENCE_FILE"] = str(self.path(LICENCE))
        return " ".join(["make export", *(f"{name}={shlex.quote(value)}"
                                          for name, value in (variables | changes).items())])

    def model(self) -> ModelSpec:
        """The model that source.json names; its weights are not looked for."""
        return self._model(self.note())

    def _model(self, kept: dict) -> ModelSpec:
        checkpoint_ = Path(kept["checkpoint"]) if kept["checkpoint"] else None
        try:
            return find(kept["model"], kept["pretrained"], checkpoint_, given(kept))
        except InputError as error:
            if checkpoint_ is None or not checkpoint_.exists() or not kept.get("assumed"):
                raise
            raise InputError("the export had a configuration beside the checkpoint that is not there now",
                             where=checkpoint_.parent, remedy="put it back, or export again") from error

    def _located(self) -> tuple[ModelSpec, Source]:
        return self._found(self.note())

    def _found(self, kept: dict) -> tuple[ModelSpec, Source]:
        """The model and the weights that a note names. Raises InputError if they are not those of the export."""
        spec, random = self._model(kept), kept["kind"] == "random"
        path = own_file(kept["model"], Path(kept["checkpoint"]) if kept["checkpoint"] else None, random)
        source = checkpoint.locate(spec, path, random, given(kept).checkpoint_key)
        if source.sha256 != kept["sha256"]:
            raise InputError("weights are not those of the export", where=source.path, found=source.sha256,
                             expected=f"sha256 {kept['sha256']}", remedy="export again")
        if kept.get("assumed", now := stated.settings_of(spec)) != now:
            raise InputError("pixels or activation are not those of the export", where=self.path(SOURCE),
                             expected=kept["assumed"], found=now,
                             remedy="put the configuration back beside the checkpoint, or export again")
        return licences.of_weights(spec, source, licence_given(kept)), source

    def move_checkpoint(self, path: Path) -> None:
        """Has source.json name another place of the same checkpoint, or of the folder of `local-dir:`.

        Raises InputError if its digest is another.
        """
        kept, place = self.note(), str(path.resolve())
        alone = kept["checkpoint"] is None and kept["model"].startswith(LOCAL)
        moved = kept | ({"model": f"{LOCAL}{place}"} if alone else {"checkpoint": place})
        self._source = self._found(moved)
        files.write_json(self.path(SOURCE), moved)

    def judged(self) -> Judged:
        """The outcome of the gate for the whole folder. Raises InputError if the gate has not run."""
        path = self.path(VERDICTS)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            paths = frozenset(result["path"] for result in kept["results"])
            return Judged(kept["green"] is True, kept["space"], paths)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError("the gate has not run", where=path, found=error,
                             remedy=f"make parity MODEL={self.folder.name}") from None


def licence_given(kept: dict) -> Licence | None:
    """The licence that the user gave, by source.json. Raises TypeError for one that is none."""
    return Licence(**kept["licence"]) if kept.get("licence") else None


def said(kept: dict) -> dict[str, str]:
    """The variables of `make export` by source.json."""
    by_hand = {name.upper(): " ".join(map(str, value)) if isinstance(value, tuple) else value
               for name, value in given(kept).json().items()}
    licence = licence_given(kept)
    terms = {"LICENCE": licence.name, "COMMERCIAL_USE": "yes" if licence.commercial_use else "no",
             "LICENCE_URL": licence.url} if licence else {}
    variables = {"MODEL": kept["model"], "PRETRAINED": kept["pretrained"], "CHECKPOINT": kept["checkpoint"],
                 "WEIGHTS": "random" if kept["kind"] == "random" else None, **by_hand, **terms}
    return {name: value for name, value in variables.items() if value}


def given(kept: dict) -> Given:
    """What source.json says was given by hand."""
    said: dict[str, Any] = {field.name: kept.get(field.name) for field in fields(Given)}
    said |= {name: tuple(value) for name, value in said.items() if isinstance(value, list)}
    return Given(**said)
