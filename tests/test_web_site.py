"""The shop in a browser: what its page lacks is named, the site is whole, the preview serves it and nothing else."""

import hashlib
import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from catalog_builder import __main__ as catalog_builder
from catalog_builder.apps import WEB
from catalog_builder.catalog.reader import open_catalog
from catalog_builder.web import lacking, litert_files, preview_server, site_updates, web_site
from export.artifacts import manifest, shipping
from export.artifacts.dist import Dist
from export.common import files, node
from export.common.errors import InputError
from export.formats.table import ENCODERS
from parity.gate import pairs
from tests.conftest import ROOT
from tests.test_apps import catalog_of
from tests.test_bundle import NOTHING, SPACE, made_dist

APACHE = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"    # SHA-256 of its text, version 2.0

# What is missing.


@pytest.fixture
def dist(tmp_path):
    return made_dist(tmp_path / "demo")


def without(dist, *paths):
    made = manifest.read(dist)
    manifest.write(dist, replace(made, artifacts=[a for a in made.artifacts if a.path not in paths]))


def test_without_an_export_all_is_made_at_once(tmp_path):
    assert lacking.commands(tmp_path, None, None) == [
        "make export FORMATS=tflite,onnx PRECISION=default,fp32", "make catalog"]
    assert lacking.commands(tmp_path, "dynamic-int8", None)[0].endswith("PRECISION=dynamic-int8")


def test_an_export_lacks_what_the_page_takes_and_a_catalog(dist):
    assert lacking.commands(dist, None, None) == ["make catalog NAME=demo"]
    shutil.copy(catalog_of(dist / "a.catalog", SPACE), dist / "b.catalog")
    assert lacking.commands(dist, None, None) == [] == lacking.commands(dist, "fp32", None)
    assert lacking.commands(dist, "int8", None) == ["make export MODEL=demo FORMATS=tflite PRECISION=int8"]
    without(dist, "tflite/image-fp32.tflite")                  # as after a plain `make export`
    assert lacking.commands(dist, None, None) == ["make export MODEL=demo FORMATS=tflite PRECISION=fp32"]


def test_a_catalog_that_the_user_names_is_no_reason_to_build_one(dist):
    assert lacking.commands(dist, None, dist / "night.catalog") == []


def test_the_catalog_of_a_list_that_the_user_gives_is_built_beside_another(dist):
    shutil.copy(catalog_of(dist / "a.catalog", SPACE), dist / "b.catalog")
    assert lacking.commands(dist, None, None, listed=True) == ["make catalog NAME=demo"]
    assert lacking.commands(dist, None, dist / "a.catalog", listed=True) == []
    told = subprocess.run(["make", "-n", "preview", "PRODUCTS=shop.csv", f"VENV={sys.prefix}"], cwd=ROOT, text=True,
                          capture_output=True, check=True).stdout
    assert told.count('--products "$PRODUCTS"') == 2           # when it asks what lacks, and when it serves


def test_the_other_route_to_tflite_stays_the_route(dist):
    made = manifest.read(dist)
    manifest.write(dist, replace(made, artifacts=[
        replace(a, route="onnx2tf") if a.format == "tflite" else a for a in made.artifacts
        if a.path != "tflite/text-fp32.tflite"]))
    [command, _] = lacking.commands(dist, None, None)
    assert command == "make export MODEL=demo FORMATS=tflite PRECISION=fp32 TFLITE_ROUTE=onnx2tf"


@pytest.mark.parametrize("encoder", ENCODERS)
def test_of_the_pages_precisions_the_first_that_passed_ships_and_fp16_never(encoder, dist):
    made = manifest.read(dist)
    [fp32] = [a for a in made.artifacts if a.path == f"tflite/{encoder}-fp32.tflite"]
    for precision in WEB.precisions[encoder]:
        there = [replace(fp32, precision=one) for one in reversed(WEB.precisions[encoder][
            WEB.precisions[encoder].index(precision):])]
        manifest.write(dist, replace(made, artifacts=[*there, replace(fp32, precision="fp16", bytes=1)]))
        made_of = Dist(dist)
        assert shipping.chosen(made_of, WEB.format, encoder, None, WEB.precisions).precision == precision
    with pytest.raises(InputError, match="expected fp16; found fp32|expected fp16; found int8|expected fp16"):
        shipping.chosen(made_of, WEB.format, encoder, "fp16", WEB.precisions)


def test_the_gate_judges_the_pairs_that_a_page_gets(dist):
    [image] = [a for a in manifest.read(dist).artifacts if a.path == "tflite/image-fp32.tflite"]
    made = [replace(image, encoder=encoder, precision=one) for encoder in ENCODERS for one in ("fp32", "dynamic-int8")]
    judged = {(one.precision, other.precision) for one, other in pairs.combinations(made)}
    assert judged == {(one, other) for one in ("fp32", "dynamic-int8") for other in ("fp32", "dynamic-int8")}


# The runtime.

@pytest.fixture
def modules(tmp_path):
    """node_modules with what the page takes of LiteRT.js, each file a few bytes."""
    folder = tmp_path / "node_modules"
    for name in (*litert_files.PLAIN, f"{litert_files.CORE}/dist/index.js", f"{litert_files.UTILS}/dist/index.js"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / litert_files.CORE / "dist" / "index.js").write_text('import { a } from "@litertjs/wasm-utils";\n')
    return folder


def test_the_runtime_imports_by_path_since_workers_know_no_bare_names(modules):
    made = litert_files.contents(modules)
    change, rest = made["index.js"].split(b"\n", 1)
    assert rest == b'import { a } from "./wasm-utils.js";\n' and change.startswith(b"// Changed for this page: ")
    assert {name for name in made if name.endswith(".wasm")} == {
        "litert_wasm_internal.wasm", "litert_wasm_compat_internal.wasm", "litert_wasm_jspi_internal.wasm"}


def test_a_runtime_of_another_form_or_without_a_file_is_refused(modules):
    entry = modules / litert_files.CORE / "dist" / "index.js"
    entry.write_text("import a from 'elsewhere';")
    with pytest.raises(InputError, match="LiteRT.js is another than the page knows.*found 0"):
        litert_files.contents(modules)
    entry.unlink()
    with pytest.raises(InputError, match="LiteRT.js lacks a file.*dist/index.js"):
        litert_files.contents(modules)


# The site.

@pytest.fixture
def page(monkeypatch, modules):
    """A page of a few files, with a runtime, instead of web_sample/."""
    folder = modules.parent
    for name in ("app/index.html", "app/sw.js", "shop/shop.js", "search/index.js", "search/README.md",
                 "search/scan.wat", "runtimes/a.js", "update/updates.js"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    monkeypatch.setattr(web_site, "PAGE", folder)
    monkeypatch.setattr(node, "fetch", lambda folder, development: False)
    return folder


def site(dist, page, out, **how):
    catalog = catalog_of(page / "night.catalog", SPACE)
    return web_site.write(dist, catalog, how.get("precision"), NOTHING, out, how.get("updates"))


def test_a_site_holds_the_page_the_runtime_the_model_and_the_list_of_what_is_kept_offline(dist, page, tmp_path):
    out = tmp_path / "site"
    part = site(dist, page, out)
    listed = json.loads((out / "app" / "files.json").read_text())
    assert listed["version"] == 1 and list(listed) == ["version", "files"]
    paths = [one["path"] for one in listed["files"]]
    assert paths == sorted(paths) and {"app/index.html", "search/index.js", "runtimes/a.js",
                                       "runtime/litert/litert_wasm_internal.wasm"} <= set(paths)
    assert not [path for path in paths if path.startswith("model/") or path.endswith((".md", ".wat", "files.json"))]
    assert not [path for path in paths if "jspi" in path]
    for one in listed["files"]:
        content = (out / one["path"]).read_bytes()
        assert (one["sha256"], one["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert {path.name for path in out.iterdir()} == {
        "app", "shop", "search", "runtimes", "runtime", "model", "index.html", "README.md"}
    assert (out / "runtime" / "litert" / "litert_wasm_jspi_internal.wasm").is_file()
    assert files.sha256(out / "runtime" / "litert" / "LICENSE") == APACHE
    Dist(out / "model").check()
    assert part.folder == out / "model" and [a.precision for a in manifest.read(part.folder).artifacts] == ["fp32"] * 2
    said = (out / "README.md").read_text()
    assert web_site.POLICY in said and "https" in said and "1 products" in said


# Updates.

KEYS = str(ROOT / "parity" / "goldens" / "updates" / "key.txt")
HTML = f'<html lang="en"><meta content="{web_site.POLICY}"></html>'


@pytest.mark.parametrize(("address", "origin"), [
    ("https://updates.shop.example/catalogs/shop.update", "https://updates.shop.example"),
    ("https://updates.shop.example:8443/shop.update", "https://updates.shop.example:8443"),
    ("http://127.0.0.1:9000/a/shop.update", "http://127.0.0.1:9000"), ("http://localhost/shop.update", "http://localhost"),
    ("/catalogs/shop.update", "")])
def test_a_site_that_takes_updates_may_ask_their_host_and_no_other(address, origin, dist, page, tmp_path):
    (page / "app" / "index.html").write_text(HTML)
    updates, out = site_updates.read(address, KEYS), tmp_path / "site"
    site(dist, page, out, updates=updates)
    policy = web_site.POLICY + (f"; connect-src 'self' {origin}" if origin else "")
    html = (out / "app" / "index.html").read_text()
    assert html == f'<html data-updates="updates.json" lang="en"><meta content="{policy}"></html>'
    told = json.loads((out / "app" / "updates.json").read_text())
    assert told == {"version": 1, "address": address, "name": "shop", "keys": Path(KEYS).read_text().split()}
    listed = {one["path"]: one for one in json.loads((out / "app" / "files.json").read_text())["files"]}
    assert {"app/updates.json", "update/updates.js"} <= listed.keys() and list(listed) == sorted(listed)
    for path, one in listed.items():
        content = (out / path).read_bytes()
        assert (one["sha256"], one["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    said = (out / "README.md").read_text()
    assert policy in said and address in said
    site(dist, page, out)                    # without them
    assert not (out / "update").exists() and not (out / "app" / "updates.json").exists()
    assert (out / "app" / "index.html").read_text() == HTML and "update" not in (out / "README.md").read_text()


@pytest.mark.parametrize("address", [
    "shop.update", "https://a.example/shop.json", "https://a.example/.update", "https://a.example/shop.update?x",
    "https://a.example/shop.update#x", "http://a.example/shop.update", "https://a b/shop.update",
    "https://me@a.example/shop.update", "https://a.example;script-src/shop.update", "https://A.example/shop.update",
    "https://a.example/../shop.update", "https://a.example//shop.update", "ftp://a.example/shop.update",
    "https://a.example/shop.update\n", "//a.example/shop.update", "https:///shop.update", "https://a.example/-.update"])
def test_an_address_that_is_none_of_a_statement_is_refused(address):
    with pytest.raises(InputError, match="not the address of a statement.*expected https://host/folder/shop.update"):
        site_updates.read(address, KEYS)


def test_keys_that_are_none_are_refused(tmp_path):
    one, other = Path(KEYS).read_text().split()
    path, address = tmp_path / "key.txt", "https://a.example/shop.update"
    assert site_updates.read(address, one).keys == (one,)
    for text, wrong in (("", "no public key"), (f"{one}\n{other}\n{one}", "too many public keys.*found 3"),
                        (one[:-4], "no public key"), ("A" * len(one), "no public key"), (f"{one}\nx", "no public key")):
        path.write_text(text)
        with pytest.raises(InputError, match=wrong):
            site_updates.read(address, str(path))
    for half in ((address, None), (None, KEYS)):
        with pytest.raises(InputError, match="updates need an address and a public key"):
            site_updates.read(*half)
    assert site_updates.read(None, None) is None


def test_another_page_is_not_made_to_take_updates(dist, page, tmp_path):
    with pytest.raises(InputError, match="cannot be made to take updates.*found 0"):
        site(dist, page, tmp_path / "site", updates=site_updates.read("/shop.update", KEYS))
    assert not (tmp_path / "site").exists()


def test_the_preview_takes_updates_and_leaves_the_pages_files_as_they_are(page):
    (page / "app" / "index.html").write_text(HTML)
    updates = site_updates.read("https://a.example/shop.update", KEYS)
    with preview_server.opened(page, 0, updates) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        answers = {path: asked(running, path) for path in ("/app/", "/app/index.html", "/app/updates.json",
                                                            "/app/files.json", "/update/updates.js")}
        running.shutdown()
    for answer, _ in answers.values():
        assert answer.status == 200
        assert answer.headers["Content-Security-Policy"].endswith("; connect-src 'self' https://a.example")
    assert answers["/app/"][1] == answers["/app/index.html"][1] != HTML.encode()
    assert answers["/app/updates.json"][1] == updates.settings
    listed = {one["path"]: one["sha256"] for one in json.loads(answers["/app/files.json"][1])["files"]}
    for path in ("app/index.html", "app/updates.json", "update/updates.js"):
        assert listed[path] == hashlib.sha256(answers[f"/{path}"][1]).hexdigest()
    assert (page / "app" / "index.html").read_text() == HTML and not (page / "app" / "updates.json").exists()


def test_make_passes_the_address_and_the_keys_on():
    for target in ("web", "preview"):
        said = subprocess.run(["make", "-n", target, "UPDATES=https://a.example/shop.update", "PUBLIC_KEY=a b.txt",
                               f"VENV={sys.prefix}"], cwd=ROOT, text=True, capture_output=True, check=True).stdout
        assert '--updates "$UPDATES" --public-key "$PUBLIC_KEY"' in said
        plain = subprocess.run(["make", "-n", target, f"VENV={sys.prefix}"], cwd=ROOT, text=True, capture_output=True,
                               check=True).stdout
        assert "--updates" not in plain and "--public-key" not in plain


def test_a_site_is_replaced_as_a_whole_and_nothing_else_is(dist, page, tmp_path):
    out = tmp_path / "site"
    site(dist, page, out)
    (page / "search" / "index.js").unlink()
    site(dist, page, out)
    assert not (out / "search" / "index.js").exists()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds what is not of a site.*found mine.txt; remedy: OUT=another"):
        site(dist, page, out)
    other = tmp_path / "other"
    (other / "app").mkdir(parents=True)
    with pytest.raises(InputError, match="found app"):
        site(dist, page, other)
    assert list(other.iterdir()) == [other / "app"] and site(dist, page, tmp_path / "site2").bytes > 0


def test_an_interrupted_write_leaves_the_old_site(dist, page, tmp_path, monkeypatch):
    out = tmp_path / "site"
    site(dist, page, out)
    before = files.sha256(out)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(web_site, "readme", interrupted)
        site(dist, page, out)
    assert files.sha256(out) == before and not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_the_commands_refuse_in_one_line(dist, page, tmp_path, capsys):
    catalog = catalog_of(tmp_path / "a.catalog", SPACE)
    where = ["--dist", str(dist.parent), "--model", dist.name, "--catalog", str(catalog)]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert catalog_builder.main(["web", *where, "--out", str(tmp_path / "out")]) == 2
    without(dist, "tflite/image-fp32.tflite")
    for command in ("web", "preview"):
        assert catalog_builder.main([command, *where]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and "found mine.txt" in said[0]
    assert all("make export MODEL=demo FORMATS=tflite PRECISION=fp32" in line for line in said[1:])


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "xlsx"])
def test_of_several_catalogs_the_list_that_the_user_gives_names_one(kind, dist, page, tmp_path, capsys):
    where = ["--dist", str(dist.parent), "--model", dist.name]
    for name, currency in (("mine", "USD"), ("other", "EUR")):
        (dist / f"{name}.catalog").unlink(missing_ok=True)
        catalog_of(dist / f"{name}.catalog", SPACE, currency)
    given = ["--products", f"lists/mine.{kind}"]
    assert catalog_builder.main(["web", *where, *given, "--out", str(tmp_path / "out")]) == 0
    assert open_catalog(tmp_path / "out" / "model" / "shop.catalog").currency == "USD"
    assert catalog_builder.main(["lacking", *where, *given]) == 0
    capsys.readouterr()
    assert catalog_builder.main(["web", *where]) == 2
    assert "several catalogs" in capsys.readouterr().err
    named = ["--catalog", str(dist / "other.catalog"), "--out", str(tmp_path / "named")]
    assert catalog_builder.main(["web", *where, *given, *named]) == 0
    assert open_catalog(tmp_path / "named" / "model" / "shop.catalog").currency == "EUR"


# The preview.

@pytest.fixture
def server(page):
    """A preview of the page that runs."""
    (page / "model").mkdir()
    (page / "model" / "text.tflite").write_bytes(b"\x00\x01")
    (page / "app" / ".secret").write_text("secret")
    (page / "secret.txt").write_text("secret")
    (page / "app" / "link.js").symlink_to(page.parent / "elsewhere.js")
    (page.parent / "elsewhere.js").write_text("secret")
    with preview_server.opened(page, 0) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def asked(server, path, method="GET"):
    connection = http.client.HTTPConnection(*server.server_address, timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer, answer.read()


def test_the_preview_serves_each_kind_of_file_with_its_type_and_the_policy(server):
    for path, kind, content in (("/", "text/html; charset=utf-8", web_site.REDIRECT.encode()),
                                ("/app/", "text/html; charset=utf-8", b"app/index.html"),
                                ("/app/sw.js?1", "text/javascript; charset=utf-8", b"app/sw.js"),
                                ("/model/text.tflite", "application/octet-stream", b"\x00\x01")):
        answer, body = asked(server, path)
        assert (answer.status, answer.headers["Content-Type"], body) == (200, kind, content)
        assert answer.headers["Content-Security-Policy"] == web_site.POLICY
        assert answer.headers["Cache-Control"] == "no-cache" and answer.headers["X-Content-Type-Options"] == "nosniff"
        assert int(answer.headers["Content-Length"]) == len(content)
    assert web_site.TYPES[".wasm"] == "application/wasm" and web_site.TYPES[".mjs"].startswith("text/javascript")
    answer, body = asked(server, "/app/", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], body) == (200, "14", b"")


@pytest.mark.parametrize("path", [
    "/search/", "/model/", "/model", "/secret.txt", "/app/.secret", "/app/../secret.txt", "/app/%2e%2e/secret.txt",
    "/app/..%2fsecret.txt", "/app/link.js", "/app/%00", "/node_modules/", "/app//etc/passwd", "/none"])
def test_nothing_else_is_served_and_no_folder_is_listed(server, path):
    answer, body = asked(server, path)
    assert answer.status == 404 and b"secret" not in body.replace(b"secret.txt", b"")


def test_a_browser_that_goes_away_leaves_no_traceback_and_other_errors_do(server, capsys):
    for error, says in ((BrokenPipeError(), False), (ConnectionResetError(), False), (ValueError("a fault"), True)):
        try:
            raise error
        except (OSError, ValueError):
            server.handle_error(None, ("127.0.0.1", 1))
        assert ("Traceback" in capsys.readouterr().err) is says


def test_only_this_machine_is_served_and_a_taken_port_is_refused(server, page):
    host, port = server.server_address
    assert host == "127.0.0.1"
    for wrong in (port, 70000, -1):
        with pytest.raises(InputError, match=f"port {wrong} cannot be used.*remedy: PORT=8000"):
            preview_server.opened(page, wrong)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_preview_says_its_address_and_ends_with_one_line(page, number):
    code = ("import sys; from pathlib import Path; from catalog_builder.web import preview_server; "
            "preview_server.serve(Path(sys.argv[1]), 0, lambda line: print(line, flush=True))")
    with subprocess.Popen([sys.executable, "-c", code, str(page)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE, env={"PATH": ""}) as process:
        assert re.fullmatch(r"the shop: http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\n", process.stdout.readline())
        process.send_signal(number)
        said, errors = process.communicate(timeout=20)
    assert (said, errors, process.returncode) == ("the preview ended\n", "", 0)


def test_a_browser_is_opened_where_there_is_a_screen(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert not preview_server.has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert preview_server.has_screen()
