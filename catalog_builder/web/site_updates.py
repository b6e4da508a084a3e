"""The address of a shop's updates and a file of public keys enter; what a site's page must know of them leaves."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from catalog_builder.updates import p256, statement
from export.common.errors import InputError

VERSION = 1                                  # of updates.json
NAME = "updates.json"
MOST_KEYS = 2                                # now, next
LOCAL = r"http://(?:localhost|127\.0\.0\.1)"     # which browsers take for safe
ADDRESS = re.compile(rf"((?:https://[a-z0-9][a-z0-9.-]*|{LOCAL})(?::[0-9]{{1,5}})?)?((?:/{statement.PART.pattern})+)")


@dataclass(frozen=True)
class SiteUpdates:
    """Where a page finds what the shop publishes, and who may sign it."""

    address: str                             # of the statement: absolute, or from the root of the site's own host
    origin: str                              # https://host:port; empty for the site's own
    name: str                                # the catalog's
    keys: tuple[str, ...]                    # base64 of each SubjectPublicKeyInfo

    @property
    def settings(self) -> bytes:
        """updates.json."""
        told = {"version": VERSION, "address": self.address, "name": self.name, "keys": list(self.keys)}
        return json.dumps(told, indent=1).encode() + b"\n"


def read(address: str | None, keys: Path | None) -> SiteUpdates | None:
    """None where neither is given. Raises InputError for what a page could not use."""
    if address is None and keys is None:
        return None
    if address is None or keys is None:
        raise InputError("updates need an address and a key", found="one of them",
                         expected="UPDATES=the statement's address UPDATE_KEY=file of public keys")
    return SiteUpdates(address, *_origin_and_name(address), _keys(keys))


def _origin_and_name(address: str) -> tuple[str, str]:
    found = ADDRESS.fullmatch(address)
    path = found[2] if found else ""
    stem = path.rpartition("/")[2].removesuffix(statement.SUFFIX)
    is_plain = path.endswith(statement.SUFFIX) and not {".", ".."} & set(path.split("/"))
    if not found or not is_plain or not statement.NAME.fullmatch(stem):
        raise InputError("not the address of a statement", found=address,
                         expected=f"https://host/folder/shop{statement.SUFFIX}, or /folder/shop{statement.SUFFIX} of "
                         "the site's own host")
    return found[1] or "", stem


def _keys(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="ascii").split()
    except (OSError, ValueError) as error:
        raise InputError("cannot read the public keys", where=path, found=error,
                         remedy="UPDATE_KEY=another file") from None
    if not 1 <= len(lines) <= MOST_KEYS or not all(map(p256.point, lines)):
        raise InputError("not a file of public keys", where=path, found=f"{len(lines)} words",
                         expected=f"1 or {MOST_KEYS} lines, each the base64 of a P-256 SubjectPublicKeyInfo")
    return tuple(lines)
