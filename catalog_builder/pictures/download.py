"""One address enters; its picture leaves in a file with a digest for a name, or the reason why it cannot be had."""

import email.utils
import hashlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import responses
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin

from urllib3 import PoolManager, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.response import BaseHTTPResponse

from catalog_builder.pictures.address_index import FetchedFile
from catalog_builder.pictures.addresses import asked
from catalog_builder.pictures.picture_kinds import HEAD, extension
from catalog_builder.pictures.public_connections import Attempt, working
from export.common.errors import InputError

HEADERS = {"User-Agent": "mobileclip-in-a-shop (python -m catalog_builder fetch)",
           "Accept": "image/jpeg, image/png, image/webp, image/*;q=0.8, */*;q=0.5"}
MOVED = (301, 302, 303, 307, 308)
MOST_MOVES = 5
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # statuses that another try may change
BUSY = (429, 503)                            # of these the whole host is left alone for a while
NOT_MODIFIED = 304
CHUNK = 1 << 16                              # bytes


@dataclass(frozen=True)
class FetchOptions:
    """How pictures are fetched."""

    refresh: bool = False                    # ask the server whether a picture that is there has changed
    allow_private: bool = False              # also from hosts in private networks
    at_once: int = 8
    per_host: int = 4                        # at once
    tries: int = 3
    wait: float = 1.0                        # seconds before the second try; four times as long before each further one
    longest_wait: float = 60.0               # seconds, of what a server asks for
    timeout: float = 30.0                    # seconds without any data
    longest: float = 120.0                   # seconds for a picture
    most_bytes: int = 50_000_000             # of a picture


class Unfetched(Exception):
    """Why one try gave no picture."""

    def __init__(self, reason: str, again: bool = False, wait: float | None = None, busy: bool = False):
        super().__init__(reason)
        self.reason = " ".join(reason.split())
        self.again = again                   # another try may help
        self.wait = wait                     # seconds that the server asks for
        self.busy = busy                     # the whole host asks for it


def download(connections: PoolManager, address: str, known: FetchedFile | None, *, partial: Path,
             options: FetchOptions, attempt: Attempt) -> FetchedFile | None:
    """Fetches an address, by way of `partial`, into the folder that `partial` lies in; None if `known` is still right.

    Raises Unfetched, and OSError if the file cannot be written.
    """
    try:
        with working(attempt):
            return _downloaded(connections, address, known, partial=partial, options=options, attempt=attempt)
    except (InputError, HTTPError) as error:
        raise _ended(options) if attempt.ended else _reason(error, options) from error
    finally:
        partial.unlink(missing_ok=True)


def _downloaded(connections: PoolManager, address: str, known: FetchedFile | None, *, partial: Path,
                options: FetchOptions, attempt: Attempt) -> FetchedFile | None:
    response = _answer(connections, address, _conditions(known), options)
    try:
        if known and response.status == NOT_MODIFIED:
            return None
        if response.status != 200:
            raise _refused(response, options)
        with partial.open("wb") as file:
            digest, size, suffix = _received(response, file, options)
        if attempt.ended:                    # what looks like the end of the data may not be it
            raise _ended(options)
    finally:
        response.close()                     # which keeps a connection whose answer was read to its end
    fetched = FetchedFile(digest, suffix, size, response.headers.get("ETag", ""),
                          response.headers.get("Last-Modified", ""))
    partial.replace(partial.with_name(fetched.name))
    return fetched


def _answer(connections: PoolManager, address: str, conditions: dict[str, str],
            options: FetchOptions) -> BaseHTTPResponse:
    """The answer's head, after at most MOST_MOVES redirects."""
    for _ in range(MOST_MOVES + 1):
        response = connections.request(
            "GET", address, headers=HEADERS | conditions, redirect=False, retries=False, preload_content=False,
            timeout=Timeout(connect=options.timeout, read=options.timeout))
        place = response.headers.get("Location")
        if response.status not in MOVED or not place:
            return response
        response.close()
        address = asked(urljoin(address, _utf8(place)))
    raise Unfetched(f"more than {MOST_MOVES} redirects")


def _utf8(header: str) -> str:
    """A header's text, which comes decoded as Latin-1, as UTF-8 where it is that."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _conditions(known: FetchedFile | None) -> dict[str, str]:
    pairs = {"If-None-Match": known.etag, "If-Modified-Since": known.modified} if known else {}
    return {name: value for name, value in pairs.items() if value}


def _received(response: BaseHTTPResponse, file: BinaryIO, options: FetchOptions) -> tuple[str, int, str]:
    """Writes the picture; its digest, size and extension. What is no picture is left after its first bytes."""
    promised = response.headers.get("Content-Length", "")
    if promised.isascii() and promised.isdigit() and int(promised[:20]) > options.most_bytes:
        raise _large(options)
    chunks = _chunks(response)
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    suffix = extension(head[:HEAD])
    digest, size = hashlib.sha256(), 0
    for chunk in itertools.chain([head], chunks):
        size += len(chunk)
        if size > options.most_bytes:
            raise _large(options)
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest(), size, suffix


def _chunks(response: BaseHTTPResponse) -> Iterator[bytes]:
    """What arrives, as soon as it arrives."""
    while chunk := response.read1(CHUNK, decode_content=True):
        yield chunk


def _refused(response: BaseHTTPResponse, options: FetchOptions) -> Unfetched:
    status = response.status
    reason = f"the server answers {status} {responses.get(status, '')}"
    return Unfetched(reason, status in AGAIN, _asked_wait(response.headers.get("Retry-After", ""), options),
                     status in BUSY)


def _asked_wait(text: str, options: FetchOptions) -> float | None:
    """Seconds that a server asks to wait: given as such, or as a date; None where it asks for nothing."""
    try:
        seconds = float(text) if text.isdigit() else email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), options.longest_wait)


def _large(options: FetchOptions) -> Unfetched:
    return Unfetched(f"the picture is too large; expected at most {options.most_bytes:,} bytes")


def _ended(options: FetchOptions) -> Unfetched:
    return Unfetched(f"not finished after {options.longest:g} s", again=True)


def _reason(error: InputError | HTTPError, options: FetchOptions) -> Unfetched:
    """What went wrong, for people."""
    if isinstance(error, InputError):
        return Unfetched(str(error))
    if isinstance(error, NameResolutionError):
        return Unfetched("the host has no address", again=True)
    if isinstance(error, NewConnectionError):                # before its base
        return Unfetched("the host takes no connection", again=True)
    if isinstance(error, ConnectTimeoutError):
        return Unfetched(f"no connection within {options.timeout:g} s", again=True)
    if isinstance(error, ReadTimeoutError):
        return Unfetched(f"no data for {options.timeout:g} s", again=True)
    if isinstance(error, SSLError):
        return Unfetched(f"no secure connection: {error}", again="CERTIFICATE" not in str(error))
    if isinstance(error, ProtocolError):
        return Unfetched("the connection broke", again=True)
    return Unfetched(f"no answer that can be read: {error}")
