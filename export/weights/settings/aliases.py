"""A name as people write it enters; the name of the row in the table, of open_clip, or of a folder in dist leaves.

    >>> row("MobileCLIP-S0"), row("mobileclip_blt"), row("apple/MobileCLIP-S2-OpenCLIP")
    ('s0', 'blt', 's2')
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from export.common.errors import InputError
from export.weights.models import BUNDLED, CHINESE, TABLE
from export.weights.settings.stated import folder_name

LOCAL, HUB = "local-dir:", "hf-hub:"         # open_clip's spelling


def row(name: str) -> str | None:
    """The name of the table's row that `name` means: in any case, Apple's file names, architectures, hub names.

    None for a name that means no row, or several: MobileCLIP-B is `b` and `blt`.
    """
    plain = name.lower().removeprefix(HUB).removesuffix(".pt")
    if "/" in plain:
        return _repositories().get(plain.removesuffix("-openclip"))
    files = _files()
    if "_" in plain:                         # as Apple's files are called
        return files.get(_plain(plain))
    counts = Counter(spec.architecture.lower() for spec in TABLE.values())
    single = {spec.architecture.lower(): spec.name for spec in TABLE.values() if counts[spec.architecture.lower()] == 1}
    return ({key: name for key, name in files.items() if counts[key] < 2} | single | {n: n for n in TABLE}).get(plain)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _repositories() -> dict[str, str]:
    return {spec.hub.lower().removesuffix("-openclip"): spec.name for spec in TABLE.values() if spec.hub}


def _files() -> dict[str, str]:
    """mobileclip-s0, mobileclip-blt, mobileclip2-b, and so on."""
    return {f"mobileclip2-{name[2:]}" if name.startswith("2-") else f"mobileclip-{name}": name
            for name, spec in TABLE.items() if spec.architecture not in (*BUNDLED, *CHINESE)}


def known(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `name` is in another case, or with `_` for `-`."""
    by_plain = {_plain(one): one for one in names}
    return by_plain.get(_plain(name))


def folder(model: str) -> str | None:
    """The folder in dist of a model that is described by its own file: the last part of its path; None for others.

    Raises InputError for a last part that is no name.
    """
    if not model.startswith((LOCAL, HUB)):
        return None
    place = model.partition(":")[2]
    last = Path(place).expanduser().resolve().name if model.startswith(LOCAL) else place.rpartition("/")[2]
    try:
        return folder_name(last)
    except InputError as error:
        raise InputError(f"MODEL={model} gives no name for a folder in dist", found=repr(last[:40]),
                         remedy="NAME=my-model") from error
