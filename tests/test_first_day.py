"""First days: the README's commands, word for word, in a folder of their own.

A shop's staff have no exporter; an ML engineer has weights.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from safetensors.numpy import load_file, save_file

from catalog_builder.catalog.reader import open_catalog
from catalog_builder.updates import device
from catalog_builder.updates.device import Device
from export.common import node
from export.common.errors import InputError
from tests.conftest import ROOT
from tests.picture_server import served
from tests.test_updates import Folder

OWN = 12                                     # products of a list of one's own
NEEDED = ("Makefile", "requirements-catalog.lock", "requirements-publish.lock", "export", "catalog_builder")


def commands(heading: str) -> list[str]:
    """The commands of the first block below a heading of the README, without their comments."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    return [line.partition("#")[0].strip() for line in block[1].splitlines()]


@pytest.fixture
def desk(gated, tmp_path) -> Path:
    """A folder with the sources of the catalog builder and an exported model, as somebody handed them over."""
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    shutil.copytree(gated[0], tmp_path / "dist" / "demo")
    return tmp_path


@pytest.fixture
def light() -> Path:
    """The environment of catalogs alone."""
    folder = Path(os.environ.get("CATALOG_VENV", ROOT / ".venv-catalog"))
    if not (folder / ".ready").exists():
        pytest.skip(f"no light environment in {folder}: make inspect VENV=none makes it")
    return folder


@pytest.mark.parametrize("listed", ["shopify.csv", "woocommerce.csv"])
def test_a_shops_export_becomes_a_catalog_that_answers(desk, light, listed):
    with served() as address:
        text = (ROOT / "tests" / "lists" / listed).read_text(encoding="utf-8").replace("http://shop.test", address)
        (desk / "shop.csv").write_text(text, encoding="utf-8")
        given = os.environ | {"VENV": "none", "CATALOG_VENV": str(light), "ALLOW_PRIVATE": "1"}
        said = ""
        for command in commands("A shop's own list"):
            answer = subprocess.run(command, cwd=desk, shell=True, capture_output=True, text=True, env=given)
            assert answer.returncode == 0, f"{command}: {answer.stderr}"
            said += answer.stdout
    catalog = open_catalog(desk / "dist" / "demo" / "shop.catalog")
    assert catalog.products >= 6 and catalog.currency == "EUR" and f"of {catalog.products} products in" in said
    assert not (desk / ".venv").exists()


def test_a_catalog_is_built_on_two_machines_and_searched_on_a_server(desk, light):
    lines = (ROOT / "demo" / "shop" / "products.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (desk / "shop.csv").write_text("".join(lines[:OWN + 1]), encoding="utf-8")
    shutil.copytree(ROOT / "demo" / "shop" / "pictures", desk / "pictures")
    page = (ROOT / "catalog_builder" / "vectors.md").read_text(encoding="utf-8")
    [vectors] = re.findall(r"^make vectors .*", page, re.MULTILINE)
    nightly = "make catalog PRODUCTS=today.csv BASE=yesterday.catalog"
    assert f"`{nightly}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    said = ""
    for command in [*commands("The catalog"), vectors]:
        said += run(command, desk, light)
    shop = open_catalog(desk / "dist" / "demo" / "shop.catalog")
    assert f"{shop.rows} pictures of 2 parts" in said and f"{shop.rows} vectors of {OWN} products, 0 computed" in said
    shutil.copy(shop.path, desk / "yesterday.catalog")
    (desk / "today.csv").write_text("".join([lines[0], *lines[OWN:2:-1]]), encoding="utf-8")
    run(nightly, desk, light)
    today = open_catalog(desk / "dist" / "demo" / "today.catalog")
    assert today.metadata["parent"] == shop.metadata["sha256"]
    assert [today.raw(place) for place in range(today.products)] == [shop.raw(place) for place in range(2, OWN)]


def run(command: str, desk: Path, light: Path) -> str:
    """What a command says on stdout, where it ends well, and with the environment of catalogs alone."""
    answer = subprocess.run(command, cwd=desk, shell=True, capture_output=True, text=True, env=alone(light))
    assert answer.returncode == 0, f"{command}: {answer.stdout}{answer.stderr}"
    return answer.stdout


def test_what_is_published_every_night_reaches_a_phone_as_a_delta(desk, light):
    if not (light / ".ready-publish").exists():
        pytest.skip(f"nothing that signs in {light}: make key VENV=none makes it")
    lines = (ROOT / "demo" / "shop" / "products.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    shutil.copytree(ROOT / "demo" / "shop" / "pictures", desk / "pictures")
    key, *nightly = commands("Publish every night")
    public = run(key, desk, light).splitlines()[-1]
    (desk / "today.csv").write_text("".join(lines[:10 * OWN]), encoding="utf-8")
    for command in [nightly[0].replace(" BASE=yesterday.catalog", ""), *nightly[1:]]:
        run(command, desk, light)
    first = Path(shutil.copy(desk / "dist" / "demo" / "today.catalog", desk / "yesterday.catalog"))
    (desk / "today.csv").write_text("".join([*lines[:5 * OWN], *lines[5 * OWN + 1:10 * OWN + 1]]), encoding="utf-8")
    for command in nightly:
        run(command, desk, light)
    app = Device(desk / "phone", "shop", open_catalog(first).space, first, [public])
    today = datetime.now(UTC).date()
    made = device.update(app, device.start(app, today), Folder(desk / "site", {}), today)
    assert (made.how, made.in_force.number, made.in_force.expired) == ("delta", 2, False)
    assert bytes(made.in_force.catalog.content) == (desk / "dist" / "demo" / "today.catalog").read_bytes()


@pytest.fixture
def shop_window(desk) -> Path:
    """The same with the page's sources and the sample shop, and no catalog. What npm fetched here is there, too."""
    try:
        node.found()
    except InputError as lack:
        pytest.skip(f"not run, because there is {lack}")
    fetched = node.lacks(ROOT / "web_sample", development=False) is None
    shutil.copy(ROOT / "requirements-web.lock", desk)
    for catalog in (desk / "dist" / "demo").glob("*.catalog"):
        catalog.unlink()
    for name in ("web_sample", "demo"):
        shutil.copytree(ROOT / name, desk / name, ignore=shutil.ignore_patterns("node_modules", "runtime", "model"))
    if fetched:
        modules = Path("web_sample", "node_modules")
        shutil.copytree(ROOT / modules / "@litertjs", desk / modules / "@litertjs")
        shutil.copy(ROOT / modules / ".package-lock.json", desk / modules)
    return desk


def previewed() -> str:
    """The README's command for a shop in the browser, without its comment."""
    [command, *_] = re.findall(r"^make preview[^#\n]*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    return command.strip()


def test_a_shop_stands_in_the_browser_after_one_command(shop_window, light):
    """The page, and all that it loads and checks: the files of its list and of its manifest."""
    said, digests = shown(previewed(), shop_window, light)
    assert "make catalog NAME=demo\n" in said
    assert digests["model/shop.catalog"] and len(digests) > 40 and not (shop_window / ".venv").exists()


def page_commands() -> list[str]:
    """The commands in the blocks of the page's own README, without their comments."""
    text = (ROOT / "web_sample" / "README.md").read_text(encoding="utf-8")
    return [line.partition("  #")[0].strip() for line in re.findall(r"^    ((?:make|python) .*)", text, re.MULTILINE)]


@pytest.mark.exhaustive
def test_the_commands_of_the_pages_own_readme(shop_window, light):
    """Each, word for word. Of the last one, pytest only lists what it would run."""
    preview, listed, web, updated, tests = page_commands()
    shown(preview, shop_window, light)
    other = shop_window / "dist" / "demo" / "other.catalog"
    shutil.copy(shop_window / "dist" / "demo" / "products.catalog", other)
    own_list(shop_window)
    said, digests = shown(listed, shop_window, light)
    catalog = open_catalog(shop_window / "dist" / "demo" / "products.catalog")
    assert "make catalog NAME=demo\n" in said and catalog.products == OWN
    assert digests["model/shop.catalog"] == catalog.metadata["sha256"]
    other.unlink()
    answer = subprocess.run(web, cwd=shop_window, shell=True, capture_output=True, text=True, env=alone(light))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    written = open_catalog(shop_window / "site" / "model" / "shop.catalog")
    assert written.metadata["sha256"] == catalog.metadata["sha256"]
    shutil.copy(ROOT / "parity" / "goldens" / "updates" / "key.txt", shop_window / "shop.pub")
    answer = subprocess.run(updated, cwd=shop_window, shell=True, capture_output=True, text=True, env=alone(light))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    told = json.loads((shop_window / "site" / "app" / "updates.json").read_text(encoding="utf-8"))
    assert told["address"] in updated and told["name"] == "shop" and len(told["keys"]) == 2
    for name in ("tests", "parity", "pyproject.toml"):
        (shop_window / name).symlink_to(ROOT / name)
    shutil.rmtree(shop_window / "web_sample" / "node_modules", ignore_errors=True)
    (shop_window / "web_sample" / "node_modules").symlink_to(ROOT / "web_sample" / "node_modules")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    given = alone(light) | {"PYTEST_ADDOPTS": "--collect-only -q", "PATH": path}
    answer = subprocess.run(tests, cwd=shop_window, shell=True, capture_output=True, text=True, env=given)
    assert answer.returncode == 0 and "test_a_shopper_uses_the_page" in answer.stdout, answer.stdout + answer.stderr


def own_list(desk: Path) -> None:
    """Writes products.csv, some of the sample shop's products, with its pictures beside it."""
    lines = (desk / "demo" / "shop" / "products.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (desk / "products.csv").write_text("".join(lines[:OWN + 1]), encoding="utf-8")
    (desk / "pictures").symlink_to(desk / "demo" / "shop" / "pictures")


def alone(light: Path) -> dict[str, str]:
    """The variables of somebody who has the environment of catalogs alone, and no screen."""
    there = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")}
    return there | {"VENV": "none", "CATALOG_VENV": str(light), "PORT": "0"}


def shown(command: str, desk: Path, light: Path) -> tuple[list[str], dict[str, str]]:
    """What a command says that serves the page, and the digests of what it serves. Ctrl-C ends it."""
    with subprocess.Popen(command, cwd=desk, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=alone(light), start_new_session=True) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if address := re.match(r"the shop: (http://127\.0\.0\.1:\d+/)", line):
                break
        assert said and address, "".join(said)
        try:
            digests = served_files(address[1])
        finally:
            os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read().splitlines()
    assert rest[0] == "the preview ended" and len(rest) <= 2, rest
    return said, digests


def served_files(address: str) -> dict[str, str]:
    """The digests of what the page loads. Every file is the one that the page's list, or the manifest, names."""
    def get(path: str) -> bytes:
        with urlopen(address + path, timeout=60) as answer:
            return answer.read()

    assert b'url=app/' in get("") and b"<main" in get("app/")
    named = {one["path"]: one["sha256"] for one in json.loads(get("app/files.json"))["files"]}
    made = json.loads(get("model/manifest.json"))
    named |= {f"model/{one['path']}": one["sha256"] for one in (*made["artifacts"], made["text"]["tokenizer"])}
    found = {path: hashlib.sha256(get(path)).hexdigest() for path in named}
    assert found == named and "app/index.html" in found
    catalog = get(f"model/{made['catalog']['path']}")
    assert len(catalog) == made["catalog"]["bytes"] and made["catalog"]["digest"].encode() in catalog[:1_000_000]
    return found | {f"model/{made['catalog']['path']}": made["catalog"]["digest"]}


@pytest.fixture
def bench(gated, tmp_path) -> Path:
    """A folder with the project, the demo's export and weights of the same network, 1 % larger in one tensor."""
    made = shutil.ignore_patterns(".*", "dist", "target", "node_modules", "__pycache__")
    shutil.copytree(ROOT, tmp_path, ignore=made, dirs_exist_ok=True)
    shutil.copytree(gated[0], tmp_path / "dist" / "demo")
    weights = load_file(ROOT / "demo" / "weights.safetensors")
    save_file(weights | {"text.text_projection": weights["text.text_projection"] * 1.01}, tmp_path / "ours.safetensors")
    return tmp_path


@pytest.mark.exhaustive
def test_an_engineers_weights_become_what_app_developers_get(bench):
    """Two of the three formats, for time."""
    given = os.environ | {"VENV": sys.prefix, "FORMATS": "coreml,onnx"}
    for command in commands("From your weights to your apps"):
        answer = subprocess.run(command, cwd=bench, shell=True, capture_output=True, text=True, env=given)
        assert answer.returncode == 0, f"{command}: {answer.stdout}{answer.stderr}"
    made = json.loads((bench / "for-the-apps" / "ios" / "manifest.json").read_text(encoding="utf-8"))
    assert (made["model"], made["licence"]["name"], made["licence"]["source"]) == ("ours", "Apache-2.0", "given")
    assert made["catalog"]["digest"] == open_catalog(bench / "for-the-apps" / "ios" / "shop.catalog").metadata["sha256"]
    assert "ours" in (bench / "dist" / "compare.html").read_text(encoding="utf-8")
