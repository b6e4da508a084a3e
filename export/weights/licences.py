"""A row of the table, its weights, and what the user says of them enter; the licence of these very weights leaves.

A licence belongs to weights, not to a name. Weights from the hub, or of this repository, are what the row says.
A file given as CHECKPOINT= is a known release only if its SHA-256 says so. Any other file may be anybody's. It keeps a
row's prohibition, because it is most likely a copy of what the row names. It does not get a row's permission.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from export.common import files
from export.common.errors import InputError
from export.common.specs import Licence, ModelSpec
from export.weights import checkpoint
from export.weights.checkpoint import Source
from export.weights.models import DEMO, TABLE

DIGEST, GIVEN = "digest", "given"            # of Licence.source, beside "row"
OF_THE_ROW = ("hub", "bundled", "random")    # kinds of weights that are what the row names
FOREIGN = Licence("unknown: given as CHECKPOINT=", "", commercial_use=None)
SAID = 'LICENCE="name" COMMERCIAL_USE=yes|no'
MOST_NAME = 200                              # characters: every artefact carries the name


@dataclass(frozen=True)
class Release:
    """Published weights."""

    licence: Licence
    file: str                                # the licence's text, in this repository


# By the SHA-256 of the weights' file.
RELEASES = {"a0c99df32eeff2ef7647528afb54cceb0b6058ccab0dd341914f473391dcc303": Release(TABLE[DEMO].licence, "LICENSE")}


@dataclass(frozen=True)
class GivenLicence:
    """What the user says of the weights."""

    licence: Licence
    text: str | None                         # of LICENCE_FILE=


def of_weights(spec: ModelSpec, source: Source, given: Licence | None = None) -> ModelSpec:
    """`spec` with the licence of the weights at `source`. What the user gives counts before all that is known."""
    return replace(spec, licence=given or _known(spec.licence, source))


def _known(row: Licence, source: Source) -> Licence:
    if source.kind in OF_THE_ROW:
        return row
    if source.sha256 in RELEASES:
        return replace(RELEASES[source.sha256].licence, source=DIGEST)
    return row if row.commercial_use is False else FOREIGN


def text(spec: ModelSpec, source: Source, given: GivenLicence | None) -> str | None:
    """The licence's text: the user's file, a known release's, or what came with the weights; None if there is none."""
    if given is not None and given.text is not None:
        return given.text
    if source.kind not in OF_THE_ROW and source.sha256 in RELEASES:
        return (files.ROOT / RELEASES[source.sha256].file).read_text(encoding="utf-8")
    return checkpoint.licence_text(spec, source)


def given(name: str | None, url: str | None, commercial_use: str | None, file: Path | None) -> GivenLicence | None:
    """What LICENCE=, LICENCE_URL=, COMMERCIAL_USE= and LICENCE_FILE= say; None if there is none of them.

    Raises InputError if LICENCE= or COMMERCIAL_USE= is missing, or a value cannot be taken.
    """
    said = {"LICENCE=": name, "LICENCE_URL=": url, "COMMERCIAL_USE=": commercial_use, "LICENCE_FILE=": file}
    found = [variable for variable, value in said.items() if value is not None]
    if not found:
        return None
    if name is None or commercial_use is None:
        raise InputError("LICENCE= and COMMERCIAL_USE= go together", expected=SAID, found=" and ".join(found),
                         remedy="read the licence, and give both")
    licence = Licence(_name(name), _address(url), _permits(commercial_use), GIVEN)
    return GivenLicence(licence, None if file is None else _text(file.expanduser()))


def _name(value: str) -> str:
    name = value.strip()
    if not name or not name.isprintable() or len(name) > MOST_NAME:
        raise InputError("LICENCE= is no name", expected=f"one line of 1 to {MOST_NAME} characters, such as Apache-2.0",
                         found=ascii(value[:40]), remedy="LICENCE_FILE= takes the whole text")
    return name


def _address(value: str | None) -> str:
    if value is None:
        return ""
    if not value.startswith(("https://", "http://")) or not value.isprintable() or " " in value:
        raise InputError("LICENCE_URL= is no address", expected="https://…", found=ascii(value[:40]),
                         remedy="leave LICENCE_URL= out, or give the whole address")
    return value


def _permits(value: str) -> bool:
    known = {"yes": True, "no": False}
    if value.lower() not in known:
        raise InputError("COMMERCIAL_USE= is neither yes nor no", expected="yes or no", found=ascii(value[:40]),
                         remedy="leave LICENCE= and COMMERCIAL_USE= out while you do not know")
    return known[value.lower()]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError("LICENCE_FILE= cannot be read", where=path, found=error.strerror,
                         remedy="LICENCE_FILE=path of the licence's text") from error
    except UnicodeDecodeError as error:
        raise InputError("LICENCE_FILE= is no text", where=path, expected="UTF-8", found="other bytes",
                         remedy="save it as UTF-8") from error
