"""The address of a shop's updates and its public keys enter; what a site's page must know of them leaves."""

import json
import re
from dataclasses import dataclass

from catalog_builder.updates import signing, statement
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


def read(address: str | None, public_key: str | None) -> SiteUpdates | None:
    """None where neither is given. public_key: base64, or the path of a file with one or two such lines.

    Raises InputError for what a page could not use.
    """
    if address is None and public_key is None:
        return None
    if address is None or public_key is None:
        raise InputError("updates need an address and a public key", found="one of them",
                         expected="UPDATES=the statement's address PUBLIC_KEY=file of public keys")
    keys = signing.public_keys(public_key)
    if len(keys) > MOST_KEYS:
        raise InputError("too many public keys", where=public_key, expected=f"at most {MOST_KEYS}: now, and next",
                         found=len(keys))
    return SiteUpdates(address, *_origin_and_name(address), tuple(keys))


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
