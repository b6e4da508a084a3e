"""Pictures are fetched from a server that is slow, lies, moves or breaks off; what was fetched outlives any end."""

import gzip
import hashlib
import http.server
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from PIL import Image

from catalog_builder.pictures import fetch as fetching
from catalog_builder.pictures import public_connections
from catalog_builder.pictures.address_index import NAME, IndexWriter, read_index
from catalog_builder.pictures.addresses import asked, is_address, shown_address
from catalog_builder.pictures.download import FetchOptions
from catalog_builder.pictures.fetch import fetch
from catalog_builder.pictures.fetched import FetchedPictures, folder_of
from catalog_builder.pictures.host_queues import GIVE_UP
from catalog_builder.pictures.public_connections import is_public
from export.common.errors import InputError
from tests.pictures import noise, saved

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = FetchOptions(allow_private=True, wait=0.01, timeout=1.0, longest=1.5, most_bytes=200_000)


def picture(seed, kind="JPEG"):
    return saved(Image.fromarray(noise(20, 20, seed=seed % 1000)), kind) + str(seed).encode()


class Server(http.server.ThreadingHTTPServer):
    """Answers by path, and takes note of what it was asked."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict]] = []
        self.now = self.most = self.connections = 0
        self.lock = threading.Lock()
        self.version = 1
        self.gate = threading.Event()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, *_):
        """The client left, as it should."""

    @property
    def root(self):
        return f"http://127.0.0.1:{self.server_port}"

    def paths(self):
        return Counter(path for path, _ in self.asked)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_):
        pass

    def do_GET(self):
        with self.server.lock:
            self.server.asked.append((self.path, dict(self.headers)))
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            name, _, rest = self.path.lstrip("/").partition("/")
            getattr(self, f"do_{name}")(rest.partition("?")[0])
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with self.server.lock:
                self.server.now -= 1

    def answer(self, body=b"", status=200, length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def times(self):
        """How often this path has been asked for, this time included."""
        return self.server.paths()[self.path]

    def do_ok(self, rest):
        self.answer(picture(int(re.findall("[0-9]+", rest)[0])))

    def do_kind(self, rest):
        self.answer(picture(1, rest))

    def do_same(self, rest):
        self.answer(picture(7))

    def do_slow(self, rest):
        time.sleep(0.1)
        self.do_ok(rest)

    def do_gated(self, rest):
        """From the thirtieth picture on only when the gate is open."""
        if int(rest.partition(".")[0]) >= 30:
            self.server.gate.wait(30)
        self.do_ok(rest)

    def do_status(self, rest):
        self.answer(b"<html>no</html>", int(rest))

    def do_later(self, rest):
        """Right at the third time."""
        if self.times() < 3:
            self.answer(b"busy", 503, Retry_After=rest.replace("_", " ").replace("-", ",")) if rest else self.hang_up()
        else:
            self.answer(picture(3))

    def do_body(self, rest):
        self.answer({"html": b"<!DOCTYPE html><p>no", "svg": b"<svg xmlns='x'/>", "pdf": b"%PDF-1.4", "empty": b"",
                     "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50)}[rest])

    def do_promise(self, rest):
        self.answer(picture(1), length=300_000)

    def do_endless(self, rest):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        body = picture(1) + bytes(20_000)
        while True:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))

    def do_short(self, rest):
        self.answer(picture(1), length=len(picture(1)) + 10)
        self.hang_up()

    def do_drip(self, rest):
        """A byte now and then, of the head or of the body."""
        if rest == "body":
            self.send_response(200)
            self.end_headers()
        for byte in (b"HTTP/1.1 200 OK\r\nX: " if rest == "head" else b"") + picture(1) * 50:
            self.wfile.write(bytes([byte]))
            time.sleep(0.05)

    def do_silent(self, rest):
        time.sleep(3)
        self.hang_up()

    def do_move(self, rest):
        left = int(rest)
        self.answer(b"x" * 100, 302, Location=f"/move/{left - 1}" if left else "/ok/5.jpg#there")

    def do_lead(self, rest):
        self.answer(b"", 301, Location={"file": "file:///etc/passwd", "private": "http://127.0.0.2/a.jpg",
                                        "password": "//anna:secret@127.0.0.1/a.jpg", "ftp": "ftp://a/b",
                                        "blank": "/ok/5 ä.jpg".encode().decode("latin-1")}[rest])

    def do_gzip(self, rest):
        self.answer(gzip.compress(picture(9)), Content_Encoding="gzip")

    def do_bomb(self, rest):
        self.answer(gzip.compress(picture(9) + bytes(50_000_000)), Content_Encoding="gzip")

    def do_tagged(self, rest):
        tag, date = f'"v{self.server.version}"', formatdate(1e9, usegmt=True)
        matches = {"etag": self.headers.get("If-None-Match") == tag and self.server.version == 1,
                   "date": self.headers.get("If-Modified-Since") == date and self.server.version == 1, "none": False}
        if matches[rest]:
            self.answer(status=304)
        else:
            self.answer(picture(self.server.version), **({"ETag": tag} if rest == "etag" else {"Last_Modified": date}
                                                        if rest == "date" else {}))

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def products(tmp_path):
    return tmp_path / "my products.csv"


def run(products, addresses, options=OPTIONS):
    """Fetches; also how far `advance` came, with and without asking."""
    told = Counter()

    def advance(more, computed):
        told[computed] += more
    given = [(address, line) for line, address in enumerate(addresses, 2)]
    result = fetch(given, folder_of(products), options, advance)
    assert told.total() == len(set(addresses))
    return result, +told


def names(products):
    """The files that have a digest for a name; each has the right one, and no part of a picture is left."""
    found = [path for path in folder_of(products).iterdir() if path.name not in ("lock", NAME)]
    for path in found:
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
    return sorted(path.name for path in found)


# What is fetched

def test_pictures_are_fetched_once_with_their_kinds_suffix_and_found_again(server, products):
    kinds = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "AVIF": ".avif", "TIFF": ".tif",
             "BMP": ".bmp", "JPEG2000": ".jp2"}
    addresses = [f"{server.root}/kind/{kind}?file=a.html" for kind in kinds]
    result, told = run(products, addresses)
    assert (result.fetched, result.kept, result.failures) == (len(kinds), 0, []) and told == {True: len(kinds)}
    fetched = FetchedPictures(products)
    for address, (kind, suffix) in zip(addresses, kinds.items(), strict=True):
        path = Path(fetched.find(address))
        assert path.suffix == suffix and path.read_bytes() == picture(1, kind) and path.is_absolute()
    result, told = run(products, addresses)
    assert (result.fetched, result.kept) == (0, len(kinds)) and told == {False: len(kinds)}
    assert len(server.asked) == len(kinds) and len(names(products)) == len(kinds)


def test_an_address_counts_once_however_it_is_written_and_the_same_bytes_share_a_file(server, products):
    address = f"{server.root}/same/K%C3%A4se%201.jpg"
    written = [address, f"{server.root}/same/Käse 1.jpg#top", f" HTTP://127.0.0.1:{server.server_port}/same/Käse%201.jpg"]
    result, _ = run(products, [*written, f"{address}?v=1", f"{address}?v=2", address])
    assert (result.fetched, result.kept) == (3, 0)
    assert server.paths() == {"/same/K%C3%A4se%201.jpg": 1, "/same/K%C3%A4se%201.jpg?v=1": 1,
                              "/same/K%C3%A4se%201.jpg?v=2": 1}
    assert len(names(products)) == 1
    assert len({FetchedPictures(products).find(text) for text in written}) == 1


def test_a_picture_may_be_compressed_moved_or_at_an_address_that_holds_blanks(server, products):
    result, _ = run(products, [f"{server.root}/{path}" for path in ("gzip/1", "move/4", "move/0", "lead/blank")])
    assert (result.fetched, result.failures) == (4, [])
    assert Path(FetchedPictures(products).find(f"{server.root}/gzip/1")).read_bytes() == picture(9)
    assert server.paths()["/ok/5%20%C3%A4.jpg"] == 1 and server.paths()["/ok/5.jpg"] == 2


def test_a_heic_photo_is_kept_under_its_own_name(server, products):
    run(products, [f"{server.root}/body/heic"])
    assert [Path(name).suffix for name in names(products)] == [".heic"]


def test_a_host_is_asked_politely(server, products):
    result, _ = run(products, [f"{server.root}/slow/{n}.jpg" for n in range(16)])
    assert result.fetched == 16 and 2 <= server.most <= OPTIONS.per_host
    assert server.connections <= OPTIONS.per_host                        # kept from one picture to the next
    assert all("mobileclip-in-a-shop" in headers["User-Agent"] for _, headers in server.asked)


# What fails

FAILING = {
    "status/404": "the server answers 404 Not Found", "status/403": "403 Forbidden", "status/500": "500 Internal",
    "body/html": "found an HTML page", "body/svg": "found an SVG drawing", "body/pdf": "found a PDF",
    "body/empty": "found nothing", "promise/1": "too large; expected at most 200,000 bytes", "endless/1": "too large",
    "bomb/1": "too large", "short/1": "the connection broke", "drip/head": "not finished after 1.5 s",
    "drip/body": "not finished after 1.5 s", "silent/1": "no data for 1 s", "move/5": "more than 5 redirects",
    "lead/file": "expected http:// or https://", "lead/ftp": "expected http:// or https://",
    "lead/password": "holds a name or password"}


def test_each_failure_has_its_line_and_reason_and_the_rest_is_fetched(server, products):
    addresses = [f"{server.root}/{path}" for path in FAILING]
    good = [f"{server.root}/ok/{n}.jpg" for n in range(8)]
    result, told = run(products, [*addresses, *good], replace(OPTIONS, tries=1, at_once=16, per_host=16))
    assert (result.fetched, result.kept) == (8, 0) and told == {True: 8 + len(FAILING)}
    for line, (failure, (path, reason)) in enumerate(zip(result.failures, FAILING.items(), strict=True), 2):
        assert (failure.line, failure.address) == (line, f"{server.root}/{path}") and reason in failure.reason
        assert "secret" not in failure.reason and "\n" not in failure.reason
    fetched = FetchedPictures(products)
    with pytest.raises(InputError, match="could not be fetched.*404 Not Found; remedy: python -m catalog_builder fetch "
                                         f"'{products}'"):
        fetched.find(addresses[0])
    with pytest.raises(InputError, match="has not been fetched yet.*remedy: python -m catalog_builder fetch"):
        fetched.find(f"{server.root}/ok/99.jpg")
    assert len(names(products)) == 8


@pytest.mark.parametrize(("path", "tries"), [("status/404", 1), ("status/500", 3), ("body/html", 1), ("short/1", 3)])
def test_only_what_may_change_is_tried_again(server, products, path, tries):
    run(products, [f"{server.root}/{path}"])
    assert server.paths() == {f"/{path}": tries}


@pytest.mark.parametrize("after", ["", "0", formatdate(1e9, usegmt=True).replace(" ", "_").replace(",", "-")])
def test_a_picture_that_comes_at_the_third_try_is_fetched(server, products, after):
    result, _ = run(products, [f"{server.root}/later/{after}"])
    assert (result.fetched, result.failures) == (1, [])


def test_a_server_may_ask_for_a_longer_wait_which_is_bounded_and_counts_for_its_host(server, products):
    began = time.monotonic()
    addresses = [f"{server.root}/later/9999?{n}" for n in range(2)]
    result, _ = run(products, addresses, replace(OPTIONS, longest_wait=0.4, per_host=1))
    assert result.fetched == 2 and 0.8 <= time.monotonic() - began < 5


def test_waits_between_tries_grow(server, products):
    began = time.monotonic()
    run(products, [f"{server.root}/status/500"], replace(OPTIONS, wait=0.1))
    assert time.monotonic() - began >= 0.1 + 0.4


def test_a_host_that_never_answers_is_given_up_and_does_not_stop_another(server, products):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        closed = deaf.getsockname()[1]
    addresses = [f"http://localhost:{closed}/{n}.jpg" for n in range(200)]
    result, _ = run(products, [*addresses, *(f"{server.root}/ok/{n}.jpg" for n in range(20))])
    assert result.fetched == 20 and len(result.failures) == 200
    reasons = Counter(failure.reason for failure in result.failures)
    assert 0 < reasons["the host takes no connection"] < GIVE_UP + 2 * OPTIONS.per_host
    assert f"localhost was given up after {GIVE_UP} pictures without success" in max(reasons, key=reasons.__getitem__)


def test_the_same_failure_is_told_for_each_of_its_lines(server, products):
    address = f"{server.root}/status/404"
    result, _ = run(products, [address, f"{server.root}/ok/1.jpg", address])
    assert [failure.line for failure in result.failures] == [2, 4] and server.paths()["/status/404"] == 1


def test_an_index_that_cannot_be_read_is_one_line(products):
    folder_of(products).write_bytes(b"")
    with pytest.raises(InputError, match="index of fetched pictures cannot be read.*Not a directory; remedy: remove "):
        FetchedPictures(products)


def test_a_folder_that_cannot_be_written_is_one_line(server, tmp_path):
    (tmp_path / "a.csv.pictures").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be written.*a.csv.pictures.*File exists"):
        run(tmp_path / "a.csv", [f"{server.root}/ok/1.jpg"])


def test_a_full_disk_ends_the_run_with_one_line(server, products, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match="cannot be written.*No space left"):
        run(products, [f"{server.root}/ok/{n}.jpg" for n in range(20)])
    assert names(products) == []


# Addresses

@pytest.mark.parametrize(("text", "expected"), [
    ("https://a.example/b.jpg", True), ("HTTP://a.example/b.jpg", True), (" //cdn.a.example/b.jpg", True),
    ("images/b.jpg", False), ("//images/b.jpg", False), ("ftp://a.example/b", False), ("https://", False),
    ("http:/a/b.jpg", False), ("file:///a.jpg", False), ("//a.example", False)])
def test_what_is_an_address(text, expected):
    assert is_address(text) is expected


@pytest.mark.parametrize(("text", "address"), [
    ("//cdn.Example/a.jpg", "https://cdn.example/a.jpg"), ("http://a.example", "http://a.example/"),
    ("https://a.example:443/ä b.jpg?q=ö&x=[1]#f", "https://a.example:443/%C3%A4%20b.jpg?q=%C3%B6&x=[1]"),
    ("https://a.example/100%.jpg", "https://a.example/100%25.jpg"),
    ("https://a.example/w_1,h_2/a%2Fb.jpg", "https://a.example/w_1,h_2/a%2Fb.jpg"),
    ("https://bücher.example/a.jpg", "https://xn--bcher-kva.example/a.jpg"), ("http://[::1]:8/a", "http://[::1]:8/a")])
def test_an_address_is_asked_for_in_ascii(text, address):
    assert asked(text) == address and asked(address) == address


@pytest.mark.parametrize("text", [
    "https://anna:secret@a.example/b.jpg", "http://a.example\\@b.example/c", "https://anna@a.example/", "ftp://a/b",
    "http://a.example:99999/", "http://a.example:x/", "http://[1/", "http://a\0.example/", "http:///a.jpg",
    "https://a.example/" + "x" * 9000, "https://a.example/\ud800.jpg", "javascript:alert(1)", "https://ä" + "x" * 70])
def test_an_address_that_cannot_be_asked_for_is_a_failure_without_its_password(products, text):
    with pytest.raises(InputError):
        asked(text)
    result, _ = run(products, [text])
    assert len(result.failures) == 1 and "secret" not in str(result.failures) and len(str(result.failures)) < 1000
    assert "secret" not in shown_address(text)


# Private networks

@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1",
                                  "127.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "169.254.169.254",
                                  "10.0.0.1", "[fe80::1]", "0.0.0.0", "[64:ff9b::7f00:1]"])
def test_a_private_host_is_refused_whatever_it_is_called(server, products, host):
    result, _ = run(products, [f"http://{host}:{server.server_port}/ok/1.jpg"], replace(OPTIONS, allow_private=False))
    assert "private network" in result.failures[0].reason or "no address" in result.failures[0].reason
    assert result.fetched == 0 and server.asked == []


def test_a_name_that_leads_into_a_private_network_is_refused_and_resolved_once(server, products, monkeypatch):
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **_: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(answers)])
    connected = []

    def connect(address, *_):
        connected.append(address)
        raise ConnectionRefusedError(111, "refused")
    monkeypatch.setattr(public_connections, "create_connection", connect)
    options = replace(OPTIONS, allow_private=False, tries=1)
    for _ in range(2):
        result, _ = run(products, [f"http://shop.example:{server.server_port}/ok/1.jpg"], options)
        assert result.fetched == 0
    assert connected == [("93.184.216.34", server.server_port)]
    assert "private network" in result.failures[0].reason


def test_a_redirect_into_a_private_network_is_refused(server, products, monkeypatch):
    monkeypatch.setattr(public_connections, "is_public", lambda address: address == "127.0.0.1" or is_public(address))
    result, _ = run(products, [f"{server.root}/lead/private", f"{server.root}/ok/1.jpg"],
                    replace(OPTIONS, allow_private=False))
    assert result.fetched == 1 and "private network; expected a public host; found 127.0.0.2" in str(result.failures)


@pytest.mark.parametrize(("address", "public"), [
    ("8.8.8.8", True), ("::ffff:8.8.8.8", True), ("2606:4700::1111", True), ("64:ff9b::808:808", True),
    ("172.16.0.1", False), ("192.168.1.1", False), ("100.64.0.1", False), ("224.0.0.1", False), ("240.0.0.1", False),
    ("255.255.255.255", False), ("::", False), ("fc00::1", False), ("fe80::1%eth0", False), ("fec0::1", False),
    ("ff02::1", False), ("::ffff:10.0.0.1", False), ("::10.0.0.1", False), ("64:ff9b::a00:1", False),
    ("2002:a00:1::", False), ("2001:db8::1", False)])
def test_which_addresses_are_public(address, public):
    assert is_public(address) is public


def test_a_certificate_that_nobody_vouches_for_is_refused(server, products, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1"], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with Server() as secure:
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        threading.Thread(target=secure.serve_forever, kwargs={"poll_interval": 0.05}).start()
        result, _ = run(products, [f"https://127.0.0.1:{secure.server_port}/ok/1.jpg",
                                   f"https://127.0.0.1:{server.server_port}/ok/1.jpg"])
        secure.shutdown()
    assert "CERTIFICATE_VERIFY_FAILED" in result.failures[0].reason and result.fetched == 0
    assert "no secure connection" in result.failures[1].reason and secure.asked == server.asked == []


# Again

def test_a_refresh_asks_whether_a_picture_has_changed(server, products):
    addresses = [f"{server.root}/tagged/{kind}" for kind in ("etag", "date", "none")]
    refresh = replace(OPTIONS, refresh=True)
    run(products, addresses)
    result, told = run(products, addresses, refresh)
    assert (result.fetched, result.kept) == (1, 2) and told == {True: 3} and len(names(products)) == 1
    server.version = 2
    result, _ = run(products, addresses, refresh)
    assert (result.fetched, result.kept, len(names(products))) == (3, 0, 1)
    assert Path(FetchedPictures(products).find(addresses[0])).read_bytes() == picture(2)


def test_a_refresh_that_fails_keeps_the_picture(server, products):
    address = f"{server.root}/ok/1.jpg"
    run(products, [address])
    server.shutdown()
    server.server_close()
    result, _ = run(products, [address], replace(OPTIONS, refresh=True))
    assert len(result.failures) == 1 and Path(FetchedPictures(products).find(address)).read_bytes() == picture(1)


def test_a_picture_that_was_removed_or_shortened_is_fetched_again(server, products):
    addresses = [f"{server.root}/ok/{n}.jpg" for n in range(3)]
    run(products, addresses)
    Path(FetchedPictures(products).find(addresses[0])).unlink()
    Path(FetchedPictures(products).find(addresses[1])).write_bytes(b"")
    for address in addresses[:2]:
        with pytest.raises(InputError, match="not been fetched"):
            FetchedPictures(products).find(address)
    result, _ = run(products, addresses)
    assert (result.fetched, result.kept) == (2, 1)


FETCH = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)         # a shell's background job would ignore it
from pathlib import Path
from catalog_builder.pictures.download import FetchOptions
from catalog_builder.pictures.fetch import fetch
addresses = [(f"{sys.argv[1]}/gated/{n}.jpg", n) for n in range(60)]
fetch(addresses, Path(sys.argv[2]), FetchOptions(allow_private=True), lambda more, computed: print(more, flush=True))
"""


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_killed_loses_only_the_pictures_on_their_way(server, products, kind):
    folder = folder_of(products)
    process = subprocess.Popen([sys.executable, "-c", FETCH, server.root, str(folder)], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for _ in range(10):
        process.stdout.readline()
    process.send_signal(kind)
    process.communicate(timeout=10)
    server.gate.set()
    index = read_index(folder)
    there = len(index.fetched)
    assert 9 <= there < 60 and all(file.is_in(str(folder)) for file in index.fetched.values())
    for path in folder.glob("*.jpg"):
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
    before = len(server.asked)
    result, told = run(products, [f"{server.root}/gated/{n}.jpg" for n in range(60)])
    assert (result.fetched, result.kept) == (60 - there, there) == (len(server.asked) - before, told[False])
    assert len(names(products)) == 60


def test_an_unfinished_or_foreign_line_of_the_index_does_not_count(server, products):
    address = f"{server.root}/ok/1.jpg"
    run(products, [address])
    path = folder_of(products) / NAME
    whole = path.read_bytes()
    wrong = [b"\n", b"[]\n", b"5\n", b"\xff\n", b"{\n", b'{"address": 5}\n', b"[" * 99_999 + b"\n",
             json.dumps({"address": asked(address) + "x", "sha256": "../../etc/passwd", "suffix": ".jpg", "size": 1,
                         "etag": "", "modified": ""}).encode() + b"\n"]
    path.write_bytes(b"".join(wrong) + whole + whole[:-9])
    assert set(read_index(folder_of(products)).fetched) == {asked(address)}
    assert run(products, [address])[0].kept == 1
    assert path.read_bytes() == whole


def test_the_index_is_written_anew_when_many_of_its_lines_no_longer_count(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog_builder.pictures.address_index.WASTE", 3)
    for number in range(10):
        with IndexWriter(tmp_path) as index:
            index.fail("http://a.example/", f"reason {number}")
    assert len((tmp_path / NAME).read_bytes().splitlines()) <= 5
    assert read_index(tmp_path).failed == {"http://a.example/": "reason 9"}


def test_two_runs_at_once_into_one_folder_are_refused(server, products):
    folder_of(products).mkdir()
    with fetching._alone(folder_of(products)), pytest.raises(InputError, match="being fetched already"):
        run(products, [f"{server.root}/ok/1.jpg"])


def test_what_the_index_no_longer_names_and_what_a_killed_run_left_is_removed_and_nothing_else(server, products):
    folder = folder_of(products)
    folder.mkdir()
    old = f"{'a' * 64}.jpg"
    for name in (old, "0.partial", "notes.txt", "my picture.jpg"):
        (folder / name).write_bytes(b"x")
    run(products, [f"{server.root}/ok/1.jpg"])
    left = {path.name for path in folder.iterdir()}
    assert not left & {old, "0.partial"} and {"notes.txt", "my picture.jpg"} <= left


def test_a_list_without_fetched_pictures_has_none(products):
    assert not read_index(folder_of(products)).fetched and not os.path.lexists(folder_of(products))
