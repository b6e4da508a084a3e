"""The page's folder enters; its files leave over HTTP, to this machine alone, until Ctrl-C."""

import json
import os
import signal
import sys
import webbrowser
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import unquote, urlsplit

from catalog_builder.web import web_site
from catalog_builder.web.site_updates import SiteUpdates
from catalog_builder.web.web_site import BYTES, LISTED, MODEL, REDIRECT, SOURCES, START, TYPES, UPDATE
from export.common.errors import InputError

HOST, PORT = "127.0.0.1", 8000
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
           "Cache-Control": "no-cache"}


def serve(page: Path, port: int, say: Callable[[str], None], updates: SiteUpdates | None = None) -> None:
    """Serves the page's folder, and opens the browser where there is a screen. Returns after Ctrl-C.

    port: 0 takes any that is free. Raises InputError for a port that is taken, or that is none.
    """
    with opened(page, port, updates) as server:
        address = f"http://{HOST}:{server.server_address[1]}/"
        for number in (signal.SIGINT, signal.SIGTERM):         # a shell has jobs in the background ignore the first
            signal.signal(number, interrupt)
        try:
            say(f"the shop: {address} (Ctrl-C ends it)")
            if has_screen():
                webbrowser.open(address)
            server.serve_forever()
        except KeyboardInterrupt:
            say("the preview ended")


def opened(page: Path, port: int, updates: SiteUpdates | None = None) -> ThreadingHTTPServer:
    """A server of the page's folder that listens. What updates change of the page, it changes on the way."""
    other = web_site.changed(page, updates)
    if other:
        other[LISTED.as_posix()] = json.dumps(web_site.listing(page, other)).encode()
    policy = {"Content-Security-Policy": web_site.policy(updates)}
    try:
        return PageServer((HOST, port), type("PageHandler", (Handler,), {
            "page": page.resolve(), "other": other, "headers_sent": HEADERS | policy}))
    except (OSError, OverflowError) as error:
        raise InputError(f"port {port} cannot be used", found=getattr(error, "strerror", None) or error,
                         remedy=f"PORT={PORT + 1 if port == PORT else PORT}") from error


class PageServer(ThreadingHTTPServer):
    """A server that says nothing of a browser which went away in the middle of an answer."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tells of what is an error of this server."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Ends the preview as Ctrl-C does."""
    raise KeyboardInterrupt


def has_screen() -> bool:
    """Whether a browser can open a window."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def file_of(page: Path, asked: str) -> Path | None:
    """The file that a path of an address names; None where there is none, or none that the page loads."""
    parts = unquote(urlsplit(asked).path).split("/")[1:]
    if parts[0] not in (*SOURCES, UPDATE, MODEL) or any(part.startswith(".") or "\0" in part for part in parts):
        return None
    path = page.joinpath(*parts) / START if parts[-1] == "" else page.joinpath(*parts)
    return path if path.is_file() and path.resolve().is_relative_to(page) else None


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the files of `page`, and lists no folder."""

    page: Path
    other: dict[str, bytes]                  # by path: what is served instead of the page's own file
    headers_sent: dict[str, str]
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "preview", ""

    def do_GET(self) -> None:
        """Answers with a file."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answers with what would stand before a file."""
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        asked = urlsplit(self.path).path
        name = asked[1:] + (START if asked.endswith("/") else "")
        if asked == "/":
            content, kind = REDIRECT.encode(), TYPES[".html"]
        elif name in self.other:
            content, kind = self.other[name], TYPES[Path(name).suffix]
        elif path := file_of(self.page, self.path):
            content, kind = path.read_bytes(), TYPES.get(path.suffix, BYTES)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        for name, value in {**self.headers_sent, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing: the terminal keeps the address in sight."""
