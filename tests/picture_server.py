"""A web server of the sample shop's pictures, on this machine alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

from tests.conftest import ROOT

PICTURES = ROOT / "demo" / "shop" / "pictures"
PICTURE = re.compile(r"D\d{4}-[a-d]")


class SampleShop(BaseHTTPRequestHandler):
    """Gives a picture of the sample shop for every path that holds its name."""

    def do_GET(self) -> None:
        name = PICTURE.search(unquote(self.path))
        if not name:
            self.send_error(404)
            return
        content = (PICTURES / f"{name[0]}.jpg").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def served() -> Iterator[str]:
    """The address of a server that runs within the block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SampleShop) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
