"""A web server of what a device's fetch can meet, on this machine alone: ranges, redirects, ends before the end."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGE = bytes(place % 251 for place in range(5_000_000))
SMALL = LARGE[:1_000]
WAIT = 5                                     # seconds that a slow answer takes, unless the server ends before


class Site(BaseHTTPRequestHandler):
    """Answers by the path's name; any other is 404."""

    ended: threading.Event

    def do_GET(self) -> None:
        match self.path.strip("/"):
            case "large":
                self._ranged(LARGE)
            case "without-ranges":
                self._whole(SMALL)
            case "cut":
                self._headers(200, len(SMALL))
                self.wfile.write(SMALL[:500])
            case "slow":
                self._headers(200, len(SMALL))
                self.wfile.write(SMALL[:500])
                self.wfile.flush()
                self.ended.wait(WAIT)
            case "moved":
                self._redirect("/without-ranges")
            case "elsewhere":
                self._redirect(f"http://localhost:{self.server.server_port}/without-ranges")
            case "elsewhere-port":
                self._redirect("http://127.0.0.1:9/without-ranges")
            case _:
                self.send_error(404)

    def _ranged(self, content: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked is None:
            self._whole(content)
            return
        start = int(asked[1])
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:])

    def _whole(self, content: bytes) -> None:
        self._headers(200, len(content))
        self.wfile.write(content)

    def _headers(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def served() -> Iterator[str]:
    """The address of a server that runs within the block."""
    ended = threading.Event()
    handler = type("Served", (Site,), {"ended": ended})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            ended.set()
            server.shutdown()
            thread.join()
