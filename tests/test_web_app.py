"""The browser app: its words are Android's, its icons are there, and browsers use its page as a shopper does.

The page is the site that `make web` writes of the folder that DIST names (default: the demo model, exported here) and
the sample shop. Chromium always runs it, Firefox and WebKitGTK in `make soak`. CHROMIUM and FIREFOX name the browsers.
SCREENS=folder keeps the pictures of every state.
"""

import json
import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog_builder import apps
from catalog_builder.apps import WEB, Accepted
from catalog_builder.builder import writer
from catalog_builder.catalog import search
from catalog_builder.catalog.reader import Catalog, open_catalog
from catalog_builder.index.indexed_columns import IndexedColumns
from catalog_builder.updates import delta_writer
from catalog_builder.web import site_updates, web_site
from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.common import files, node
from export.common.errors import InputError
from export.formats.table import ONNX
from export.pictures.preprocess import load_rgb8
from export.text.families import reference_ids
from parity.gate import inputs
from parity.gate.reference import Reference
from parity.samples import make_pictures
from tests import app_texts
from tests.conftest import ROOT
from tests.pictures import noise, saved

PAGE = ROOT / "web_sample"
APP = PAGE / "app"
OWN = {"clear", "drop", "progress", "clear_filters", "close", "error_network",   # what Android says by other
       "old_prices"}                                                                # means
MOST_ICON = 10_000                           # bytes
MOST_LINES = {"app": 800, "search": 1900}    # without comments and blank lines
# The tokenizers beside CLIP's came later than the bound on the search. They have one of their own, so that neither can
# grow at the other's expense.
MOST_LATER = 400
# So have the rows that are scored, the words, and what brings updates.
MOST_PARTS = {"search/first-pass": 250, "search/words": 450, "update": 760}
LATER = {PAGE / "search" / "text" / f"{name}.js" for name in (
    "character-map", "cleaning-steps", "gemma-tokenizer", "id-frame", "unigram-tokenizer", "vocabulary",
    "word-piece-tokenizer")}
COMMENT = re.compile(r"/\*.*?\*/|^\s*(?://|;;).*?$", re.S | re.M)
PRODUCT, PICTURE = "Bagel", ROOT / "demo" / "shop" / "queries" / "D0042-a.jpg"
ORT = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
RUNTIMES = {"site": "LiteRT.js", "ort_site": "ONNX Runtime Web"}
WIDTHS = "light,phone"                       # the page in light, wide and narrow
EVERY = f"{WIDTHS},dark,phone-dark,zh-Hant,german,arabic,arabic-phone"
TODAY = " (today)"                            # at the end of every name of today's catalog
KEY_PAIR = """
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  console.log(JSON.stringify([privateKey, publicKey.toString('base64')]));"""
SECONDS = 3600                               # longer than any of the suites takes
# Of each browser the programs that its tests call, and Debian's packages that have them.
ENGINES = {"chromium": {os.environ.get("CHROMIUM", "/usr/bin/chromium"): "chromium"},
           "firefox": {os.environ.get("FIREFOX", "/usr/bin/firefox-esr"): "firefox-esr"},
           "webkit": {"WebKitWebDriver": "webkit2gtk-driver", "xvfb-run": "xvfb", "xauth": "xauth"}}
OTHERS = [pytest.param(engine, marks=pytest.mark.soak) for engine in ENGINES if engine != "chromium"]
# The sample pictures that an engine decodes otherwise than Python, and by how much a byte differs at most: those with
# alpha, and of 16 bits.
ALPHA = {"LA.png": 1, "P.png": 1, "RGBA.png": 1, "alpha.webp": 1}
KNOWN = {"chromium": {}, "firefox": ALPHA | {"deep.png": 1}, "webkit": ALPHA}


# The page's own files.

def test_every_text_is_used_and_every_used_text_is_there():
    texts = app_texts.web()["en"]
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(APP.iterdir())
                      if path.suffix in (".js", ".html"))
    for name in texts:
        assert re.search(rf"['\"]{name}['\"]|\btexts\.{name}\b", sources) or re.fullmatch("error_.*", name), name
    for name in re.findall(r'data-(?:words|label)="(\w+)"', sources):
        assert name in texts, name


def test_the_page_says_what_the_android_app_says():
    assert app_texts.web()["en"].keys() - app_texts.android()["en"].keys() == OWN


def test_the_icons_are_there_and_small():
    listed = json.loads((APP / "manifest.webmanifest").read_text(encoding="utf-8"))["icons"]
    assert {icon["sizes"] for icon in listed} >= {"192x192", "512x512"}
    for icon in listed:
        path = APP / icon["src"]
        assert path.stat().st_size < MOST_ICON
        if path.suffix == ".png":
            assert "x".join(map(str, Image.open(path).size)) == icon["sizes"]


def lines(paths: set[Path]) -> int:
    """How many lines the files have without comments and blank ones."""
    sources = [path.read_text(encoding="utf-8") for path in paths]
    return sum(1 for source in sources for line in COMMENT.sub("", source).splitlines() if line.strip())


@pytest.mark.parametrize("folder", MOST_LINES)
def test_the_page_and_its_search_are_small(folder):
    apart = LATER.union(*(files.files_of(PAGE / part) for part in MOST_PARTS))
    sources = {path for path in files.files_of(PAGE / folder)
               if path.suffix in (".js", ".html", ".css", ".webmanifest", ".wat")} - apart
    assert len(sources) > 10 and lines(sources) <= MOST_LINES[folder]


def test_the_tokenizers_beside_clips_are_small():
    assert 0 < lines(LATER) <= MOST_LATER


@pytest.mark.parametrize("part", MOST_PARTS)
def test_a_part_with_a_bound_of_its_own_is_small(part):
    assert 0 < lines(set(files.files_of(PAGE / part))) <= MOST_PARTS[part]


def test_the_page_and_its_host_forbid_the_same():
    html = (APP / "index.html").read_text(encoding="utf-8")
    assert f'http-equiv="Content-Security-Policy" content="{web_site.POLICY}"' in html
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", html)


def test_the_page_asks_no_other_host():
    for folder in ("app", "shop", "update", "search", "runtimes"):
        for path in files.files_of(PAGE / folder):
            if path.suffix in (".js", ".html", ".css", ".webmanifest"):
                text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
                assert not re.search(r"https?://(?!localhost)", text), path


# The page in Chromium.

@dataclass(frozen=True)
class Suite:
    """A suite that passed: how many tests it has, and the browser that its tests named, with its version."""

    tests: int
    browser: str


@pytest.fixture(scope="module")
def dist(request) -> Path:
    """The folder that DIST names, or the demo model's."""
    return Path(os.environ["DIST"]).resolve() if "DIST" in os.environ else request.getfixturevalue("gated")[0]


@pytest.fixture(scope="module")
def tools() -> None:
    """Node, the packages of the tests, and Chromium."""
    installed("chromium")
    try:
        if lack := node.lacks(PAGE, development=True):
            pytest.skip(f"not run, because there is no {lack} in web_sample/node_modules: make npm fetches it")
        node.found()
    except InputError as lack:
        pytest.skip(f"not run, because there is {lack}")


def installed(engine: str) -> None:
    """Skips the test where a program of the browser's is missing."""
    lack = [program for program in ENGINES[engine] if shutil.which(program) is None]
    if lack:
        packages = " ".join(ENGINES[engine][program] for program in lack)
        pytest.skip(f"not run in {engine}, because there is no {' and no '.join(lack)}; remedy: apt-get install "
                    + packages)


@pytest.fixture(scope="module")
def site(tools, dist, sample_shop, tmp_path_factory) -> Path:
    """The site with LiteRT.js, in float32."""
    folder = tmp_path_factory.mktemp("site") / "litert"
    web_site.write(dist, sample_shop(dist), "fp32", Accepted(), folder)
    return folder


@pytest.fixture(scope="module")
def ort_site(site, dist, sample_shop) -> Path:
    """The same with ONNX Runtime Web."""
    folder = site.parent / "ort"
    shutil.copytree(site, folder)
    (folder / "runtime" / "ort").mkdir()
    for name in ORT:
        shutil.copy(PAGE / "node_modules" / "onnxruntime-web" / "dist" / name, folder / "runtime" / "ort")
    app = replace(WEB, format=ONNX, folder=folder / WEB.folder.name, precisions=None)
    apps.fill(dist, sample_shop(dist), "fp32", Accepted(), apps=[app])
    files.write_json(folder / web_site.LISTED, web_site.listing(folder))
    return folder


def suite(name: str, site: Path, engine: str = "chromium", **variables: str | Path) -> Suite:
    """Runs one of the suites in a browser; what must pass passed."""
    installed(engine)
    [program, *_] = ENGINES[engine]
    environment = {"SITE": site, "PICTURE": PICTURE, "NAME": PRODUCT, "ENGINE": engine, engine.upper(): program,
                   **variables}
    screen = ["xvfb-run", "--auto-servernum"] if engine == "webkit" else []          # it has no mode without one
    command = [*screen, *node.found().node, "--test", "--test-reporter=tap", f"tests/browser/{name}.test.js"]
    answer = subprocess.run(command, cwd=PAGE, capture_output=True, text=True, timeout=SECONDS,
                            env=node.environment() | {key: str(value) for key, value in environment.items()})
    counts = {kind: int(count) for kind, count in re.findall(r"^# (\w+) (\d+)$", answer.stdout, re.M)}
    faults = re.findall(r"^ *not ok .*?^ *\.\.\.$", answer.stdout, re.M | re.S)
    said = "\n".join(faults)[:6000] or answer.stdout[-3000:] + answer.stderr[-3000:]
    assert answer.returncode == 0 and not faults, said
    assert counts["pass"] == counts["tests"] > 0 and counts["skipped"] == counts["todo"] == 0
    browsers = {found[1] for found in re.finditer(r"^ *# (\w+ \d[\d.]*): ", answer.stdout, re.M)}
    return Suite(counts["tests"], ", ".join(browsers))


def test_a_shopper_uses_the_page(site, say):
    say(f"web_sample/app: {suite('app', site).tests} tests in Chromium")


def test_the_page_outlives_its_server(site, say):
    say(f"web_sample/app: {suite('offline', site).tests} tests without a network")


def test_a_page_takes_the_shops_updates(tools, dist, sample_shop, tmp_path, say):
    """The site of yesterday's catalog; a host of its updates on another port; and a key that is the test's own."""
    base = open_catalog(sample_shop(dist))
    made = following(base, tmp_path / "updates" / "today.catalog")
    delta_writer.write(base, made, tmp_path / "updates" / "today.delta")
    [private, public] = json.loads(subprocess.run([*node.found().node, "-e", KEY_PAIR], capture_output=True, text=True,
                                                  check=True).stdout)
    (tmp_path / "key.txt").write_text(public, encoding="ascii")
    (tmp_path / "private.pem").write_text(private, encoding="ascii")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    updates = site_updates.read(f"http://127.0.0.1:{port}/shop.update", str(tmp_path / "key.txt"))
    web_site.write(dist, base.path, "fp32", Accepted(), tmp_path / "site", updates)
    run = suite("updates", tmp_path / "site", UPDATES=tmp_path / "updates", KEY=tmp_path / "private.pem", PORT=port,
                BASE=base.metadata["sha256"], RESULT=made.metadata["sha256"], SPACE=base.space)
    say(f"web_sample/app: {run.tests} tests of a page that takes updates")


def test_a_page_shows_what_a_text_names_above_the_rest(tools, dist, sample_shop, tmp_path, say):
    base = open_catalog(sample_shop(dist))
    writer.write(tmp_path / "named.catalog", writer.Content(
        base.space, base.model, base.currency, base.category_names, base.calibration,
        [bytes(base.raw(place)) for place in range(base.products)], base.prices, base.categories, base.owners,
        thumbnails=[base.thumbnail(place) or b"" for place in range(base.products)], offset=base.offset,
        indexed=IndexedColumns(keys=("id",), words=("name",))), base.vectors(slice(None)))
    web_site.write(dist, tmp_path / "named.catalog", "fp32", Accepted(), tmp_path / "site")
    say(f"web_sample/app: {suite('words', tmp_path / 'site').tests} tests of products that a text names")


def following(base: Catalog, path: Path) -> Catalog:
    """Today's catalog: every name says so, one category is gone, and everything costs 1.23."""
    records = [base.record(place) for place in range(base.products)]
    gone = records[-1]["category"]
    kept = [place for place, record in enumerate(records) if record["category"] != gone]
    names = [name for name in base.category_names if name != gone]
    rows = np.isin(base.owners, kept)
    told = [json.dumps(records[place] | {"name": f"{records[place]['name']}{TODAY}", "price": 1.23},
                       ensure_ascii=False, separators=(",", ":")).encode() for place in kept]
    path.parent.mkdir()
    writer.write(path, writer.Content(
        base.space, base.model, base.currency, names, base.calibration, told, prices=np.full(len(kept), 12_300),
        categories=np.array([names.index(records[place]["category"]) for place in kept]),
        owners=np.searchsorted(kept, base.owners[rows]), thumbnails=[base.thumbnail(place) or b"" for place in kept],
        ids=[records[place]["id"] for place in kept], offset=base.offset, parent=base.metadata["sha256"],
        indexed=IndexedColumns.of(base.metadata)), base.vectors(rows))
    return open_catalog(path)


@pytest.mark.soak
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_golden_answers_and_serves_a_shopper(engine, site, dist, tmp_path, say):
    [module] = re.findall(r"```js\n(.*?)```", (PAGE / "README.md").read_text(encoding="utf-8"), re.S)
    (tmp_path / "own.js").write_text(module, encoding="utf-8")
    (tmp_path / "own.html").write_text("<!doctype html><title>A page of one's own</title>", encoding="utf-8")
    run = suite("engine", site, engine, TOKENIZER=dist / manifest.TOKENIZER, OWN=tmp_path)
    say(f"web_sample/app: {run.tests} tests of goldens, of a shopper's ways and without a network in {run.browser}")


@pytest.mark.parametrize("variants", [WIDTHS, pytest.param(EVERY, marks=pytest.mark.soak)])
def test_every_state_is_drawn_and_breaks_no_rule_of_axe_core(variants, site, tmp_path, say):
    screens = Path(os.environ.get("SCREENS", tmp_path / "screens")).resolve()
    count = suite("screens", site, SCREENS=screens, VARIANTS=variants).tests - len(variants.split(","))
    say(f"web_sample/app: {count} screens drawn, no rule of axe-core broken")
    drawn = sorted(screens.glob("*.png"))
    assert len(drawn) >= count > 0
    for path in drawn:
        assert len(Image.open(path).convert("RGB").getcolors(2**24)) > 8, f"{path} is blank"


@pytest.mark.parametrize("engine", ["chromium", *OTHERS])
def test_a_browser_decodes_the_sample_pictures_to_pythons_bytes_but_for_what_is_known(engine, site, tmp_path, say):
    for name, content in sample_pictures().items():
        (tmp_path / name).write_bytes(content)
    there = sorted(path for path in tmp_path.iterdir())
    entries = []
    for path in there:
        rgb = load_rgb8(path)
        (tmp_path / f"{path.name}.rgb").write_bytes(rgb.tobytes())
        entries.append({"file": path.name, "rgb": f"{path.name}.rgb", "height": rgb.shape[0], "width": rgb.shape[1]})
    (tmp_path / "index.json").write_text(json.dumps({"pictures": entries}), encoding="utf-8")
    (tmp_path / "known.json").write_text(json.dumps(KNOWN[engine]), encoding="utf-8")
    run = suite("pictures", site, engine, PICTURES=tmp_path, KNOWN=tmp_path / "known.json")
    say(f"web_sample/app: {len(entries)} pictures decoded in {run.browser}, {len(KNOWN[engine])} of other bytes: "
        f"{', '.join(KNOWN[engine]) or 'none'}")


def sample_pictures() -> dict[str, bytes]:
    """The shop's pictures, and of each kind of file one of every form."""
    shop = sorted((ROOT / "demo" / "shop" / "queries").glob("*.jpg"))[::60]
    made = {path.name: path.read_bytes() for path in shop}
    photo = Image.fromarray(noise(61, 83)).resize((166, 122), Image.Resampling.BICUBIC)
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        made[f"jpeg-{sampling.replace(':', '')}.jpg"] = saved(photo, "JPEG", quality=85, subsampling=sampling)
    made["progressive.jpg"] = saved(photo, "JPEG", quality=80, progressive=True)
    made["grey.jpg"] = saved(photo.convert("L"), "JPEG")
    made["cmyk.jpg"] = saved(photo.convert("CMYK"), "JPEG")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        made[f"turned-{orientation}.jpg"] = saved(photo, "JPEG", exif=exif)
    alpha = photo.copy()
    alpha.putalpha(Image.fromarray(noise(122, 166, 0)))
    for mode in ("L", "P", "1", "LA", "RGB", "RGBA"):
        made[f"{mode}.png"] = saved(alpha.convert(mode), "PNG")
    made["deep.png"] = saved(make_pictures.deep_gradient(), "PNG")
    made["lossy.webp"] = saved(photo, "WEBP", quality=80)
    made["lossless.webp"] = saved(photo, "WEBP", lossless=True)
    made["alpha.webp"] = saved(alpha, "WEBP", lossless=True, exact=True)
    made["palette.gif"] = saved(photo, "GIF")
    made["plain.bmp"] = saved(photo, "BMP")
    made["icon.ico"] = saved(photo.resize((64, 64)), "ICO", sizes=[(64, 64)])
    made["one.png"] = saved(photo.resize((1, 1)), "PNG")
    made["tall.png"] = saved(photo.resize((1, 3000)), "PNG")
    made["large.jpg"] = saved(photo.resize((2600, 1900)), "JPEG")              # of more than one stripe
    return made


@pytest.mark.exhaustive
@pytest.mark.parametrize(("engine", "runtime"), [("chromium", "site"), ("chromium", "ort_site"), *(
    pytest.param(*one.values, "site", marks=one.marks) for one in OTHERS)])
def test_every_query_finds_the_ten_products_of_float32_pytorch(engine, runtime, request, rankings, say):
    run = suite("ranking", request.getfixturevalue(runtime), engine, QUERIES=rankings)
    count, name = len(json.loads(rankings.read_text(encoding="utf-8"))), RUNTIMES[runtime]
    say(f"web_sample/app: {count} queries with {name} in {run.browser}, 0 with other products than float32 PyTorch")


@pytest.fixture(scope="module")
def rankings(tools, dist, sample_shop, tmp_path_factory) -> Path:
    """The file of what is expected."""
    path = tmp_path_factory.mktemp("rankings") / "queries.json"
    path.write_text(json.dumps(expected_rankings(dist, sample_shop(dist))), encoding="utf-8")
    return path


def expected_rankings(dist: Path, shop: Path) -> list[dict]:
    """The sample shop's queries with the ids of the ten products that float32 PyTorch finds.

    On one thread: several wait for one another, and beside other tests take ten times the processor's time.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spec, source = Dist(dist).source()
    reference, catalog, shelf = Reference(spec, source), open_catalog(shop), inputs.shop(None)
    vectors = [*reference.texts(reference_ids(spec.text, shelf.text_queries)),
               *reference.images(inputs.squares(shelf.picture_queries, spec.preprocessing))]
    torch.set_num_threads(threads)
    asked = [*({"text": text} for text in shelf.text_queries),
             *({"picture": str(ROOT / path)} for path in shelf.picture_queries)]
    return [query | {"ids": [catalog.record(hit.product)["id"] for hit in search.search(catalog, vector)]}
            for query, vector in zip(asked, vectors, strict=True)]
