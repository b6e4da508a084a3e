"""Weights from a hub on 127.0.0.1, from its cache, and from no network at all."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMIT = "c" * 40
WEIGHTS = b"not really weights, but bytes with a digest"
LOCATE = """
import json, sys
from export.weights import checkpoint, lookup
from export.common.errors import InputError
try:
    spec = lookup.find(sys.argv[1])
    source = checkpoint.locate(spec)
    print(json.dumps([source.kind, str(source.path), source.sha256, checkpoint.licence_text(spec, source),
                      "torch" in sys.modules]))
except InputError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


class Hub(ThreadingHTTPServer):
    """Serves `files` {"owner/name/file": bytes} as the hub does, and keeps what was asked."""

    def __init__(self, files: dict[str, bytes], refusal: tuple[int, str] = (404, "EntryNotFound")):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.refusal, self.asked, self.tokens = files, refusal, [], set()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        name = self.path.lstrip("/").replace("resolve/main/", "").replace(f"resolve/{COMMIT}/", "")
        if not name.startswith("api/"):      # the hub's library asks for things of its own
            self.server.asked.append(f"{self.command} {name}")
        self.server.tokens.add(self.headers.get("Authorization"))
        content = self.server.files.get(name)
        status, code = (200, None) if content is not None else self.server.refusal
        self.send_response(status)
        self.send_header("X-Repo-Commit", COMMIT)
        if content is None:
            self.send_header("X-Error-Code", code)
            content = b""
        else:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(files: dict[str, bytes], **settings):
    hub = Hub(files, **settings)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


def locate(name: str, home: Path, endpoint: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_") and "proxy" not in key.lower()}
    return subprocess.run([sys.executable, "-c", LOCATE, name], cwd=ROOT, capture_output=True, text=True,
                          env=kept | {"HF_HOME": str(home), "HF_ENDPOINT": endpoint} | environment)


@pytest.fixture
def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_weights_and_licence_come_from_the_hub_then_from_the_cache(tmp_path, closed_port):
    with serving({"apple/MobileCLIP-S0/mobileclip_s0.pt": WEIGHTS, "apple/MobileCLIP-S0/LICENSE": b"the terms"}) as hub:
        answer = locate("s0", tmp_path, hub.url, HF_TOKEN="hf_test")
        kind, path, sha256, licence, torch_imported = json.loads(answer.stdout)
        assert (kind, licence, torch_imported) == ("hub", "the terms", False)
        assert Path(path).read_bytes() == WEIGHTS and sha256 == hashlib.sha256(WEIGHTS).hexdigest()
        assert "Bearer hf_test" in hub.tokens
        hub.asked.clear()
        assert locate("s0", tmp_path, hub.url).stdout == answer.stdout and not hub.asked
    assert locate("s0", tmp_path, closed_port).stdout == answer.stdout
    assert locate("s0", tmp_path, closed_port, HF_HUB_OFFLINE="1").stdout == answer.stdout


def test_pickle_is_taken_where_the_hub_has_no_safetensors(tmp_path):
    repository = "apple/MobileCLIP-S1-OpenCLIP"
    with serving({f"{repository}/open_clip_pytorch_model.bin": WEIGHTS}) as hub:
        kind, path, _, licence, _ = json.loads(locate("s1", tmp_path, hub.url).stdout)
        assert hub.asked[0] == f"HEAD {repository}/open_clip_model.safetensors"
    assert (kind, Path(path).name, licence) == ("hub", "open_clip_pytorch_model.bin", None)


def test_damaged_file_in_the_cache_is_named(tmp_path):
    with serving({"apple/MobileCLIP-S0/mobileclip_s0.pt": WEIGHTS}) as hub:
        path = Path(json.loads(locate("s0", tmp_path, hub.url).stdout)[1])
        path.resolve().write_bytes(WEIGHTS[:-1])
        answer = locate("s0", tmp_path, hub.url)
    assert answer.returncode == 2
    assert "damaged file in the hub's cache" in answer.stderr and "delete it and run again" in answer.stderr


@pytest.mark.parametrize("status, code, found", [
    (404, "EntryNotFound", "no weights in the hub's repository apple/MobileCLIP-S0"),
    (404, "RepoNotFound", "no such repository, or HF_TOKEN is needed"),
    (403, "GatedRepo", "its licence must be accepted on the hub first"),
    (500, "", "500"),
])
def test_refusal_of_the_hub_is_one_line_with_the_remedies(tmp_path, status, code, found):
    with serving({}, refusal=(status, code)) as hub:
        check_refusal(locate("s0", tmp_path, hub.url), found)


def check_refusal(answer: subprocess.CompletedProcess, found: str) -> None:
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1, answer.stderr
    assert found in answer.stderr
    assert "CHECKPOINT=path" in answer.stderr and "WEIGHTS=random" in answer.stderr


def test_dead_network_is_noticed_in_seconds(tmp_path, closed_port):
    start = time.monotonic()
    check_refusal(locate("s2", tmp_path, closed_port), "refused")
    assert time.monotonic() - start < 10


def test_network_that_never_answers_is_given_up_in_seconds(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        start = time.monotonic()
        check_refusal(locate("s2", tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}"), "no answer within 6 s")
        assert time.monotonic() - start < 10


def test_offline_mode_with_an_empty_cache_is_named(tmp_path, closed_port):
    check_refusal(locate("s2", tmp_path, closed_port, HF_HUB_OFFLINE="1"), "HF_HUB_OFFLINE is set")


# Models that a repository describes itself: hf-hub:OWNER/NAME.

CONFIG = json.dumps({
    "model_cfg": {"embed_dim": 24, "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 1},
                  "text_cfg": {"width": 32, "heads": 2, "layers": 1}},
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic"}}).encode()


def test_a_repository_describes_its_model_and_holds_its_weights(tmp_path, closed_port):
    files = {"shop/clip/open_clip_config.json": CONFIG, "shop/clip/open_clip_pytorch_model.bin": WEIGHTS}
    with serving(files) as hub:
        answer = locate("hf-hub:shop/clip", tmp_path, hub.url)
        kind, path, sha256, licence, torch_imported = json.loads(answer.stdout)
        assert (kind, licence, torch_imported) == ("hub", None, False) and sha256 == hashlib.sha256(WEIGHTS).hexdigest()
        assert hub.asked[0] == "HEAD shop/clip/open_clip_config.json"
        hub.asked.clear()
        assert locate("hf-hub:shop/clip", tmp_path, hub.url).stdout == answer.stdout
        assert not [asked for asked in hub.asked if "LICENSE" not in asked]
    assert locate("hf-hub:shop/clip", tmp_path, closed_port, HF_HUB_OFFLINE="1").stdout == answer.stdout


@pytest.mark.parametrize("files, message", [
    ({}, "no open_clip_config.json in the hub's repository shop/clip"),
    ({"shop/clip/open_clip_config.json": b"{"}, "no JSON in "),
    ({"shop/clip/open_clip_config.json": b'{"model_cfg": {}}'}, "no preprocess_cfg"),
    ({"shop/clip/open_clip_config.json": CONFIG}, "no weights in the hub's repository shop/clip")])
def test_a_repository_that_cannot_be_taken_is_one_line(tmp_path, files, message):
    with serving(files) as hub:
        answer = locate("hf-hub:shop/clip", tmp_path, hub.url)
    assert answer.returncode == 2 and len(answer.stderr.splitlines()) == 1, answer.stderr
    assert message in answer.stderr
