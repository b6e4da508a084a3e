"""The Swift search package: its own tests, on the golden vectors and on what is written here, its tool, its style."""

import importlib.util
import json
import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from catalog_builder.catalog import calibration, overlay, scripts, search
from catalog_builder.catalog.reader import open_catalog
from export.artifacts import manifest
from export.formats import table
from export.text import tokenizer
from export.weights.lookup import find
from parity import goldens, token_goldens
from tests import expected, expected_deltas, mutated_assets, test_delta, update_server
from tests.conftest import ROOT

PACKAGE = ROOT / "ios_sample" / "Search"
STUBS = ROOT / "ios_sample" / "Stubs"
KIT_STUBS = ("CoreGraphics", "CoreVideo", "ImageIO", "VideoToolbox", "CoreML")    # each after those that it imports
TAG = "0.2.0"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
TEST = "swift test -c release -Xswiftc -enable-testing"      # as the README says
RELEASE = TEST.split()[2:]
FAULTS = 20_000                              # damaged catalogs, in `make soak`
SWAPS = 10_000                               # searches while the catalog is swapped, in `make soak`
LARGE, MOST_MEMORY = 100_000, 16             # products of a catalog that is updated; MB of memory, less than its file
MOST_GROWN = 64                              # MB, of a process that meets damaged deltas
KILLS = 8
LIKE = 40                                    # products that the tool is asked for more like


def swift(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess:
    """`.ci/swift …` in the package's folder."""
    return by_swift(ROOT / ".ci" / "swift", *arguments, **environment)


def lint(*paths: Path) -> subprocess.CompletedProcess:
    """`ios_sample/lint …`: of these, or of every source."""
    return by_swift(ROOT / "ios_sample" / "lint", *paths)


def by_swift(*command: str | Path, **environment: str) -> subprocess.CompletedProcess:
    """A command that calls `.ci/swift`; the test is skipped where there is no Swift, or none that is new enough."""
    answer = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    if answer.stderr.startswith(".ci/swift: "):
        pytest.skip(f"not run, because of {answer.stderr.strip()}")
    return answer


@pytest.fixture(scope="module")
def dist(request, sample_shop, tmp_path_factory) -> Path:
    """A copy of the folder that DIST names, or of the demo model's, with the sample shop's catalog in it."""
    source = Path(os.environ["DIST"]).resolve() if "DIST" in os.environ else request.getfixturevalue("gated")[0]
    folder = tmp_path_factory.mktemp("dist") / source.name
    shutil.copytree(source, folder)
    shutil.copy(sample_shop(source), folder / "products.catalog")
    as_by_default(folder / manifest.NAME)
    return folder


def as_by_default(file: Path) -> None:
    """Leaves of the artefacts those that a plain `make export` makes, so that no test asks for more."""
    read = json.loads(file.read_text(encoding="utf-8"))
    read["artifacts"] = [one for one in read["artifacts"]
                         if one["precision"] in table.FORMATS[one["format"]].default[one["encoder"]]]
    file.write_text(json.dumps(read), encoding="utf-8")


@pytest.fixture(scope="module")
def tested(dist, repetitions, tmp_path_factory) -> str:
    """What the package's tests print."""
    folder = tmp_path_factory.mktemp("expected")
    texts = expected.write(folder, find(manifest.read(dist).model).preprocessing)
    expected.write_families(folder, repetitions)
    goldens.write_ascii(folder / "scripts.json", {
        "texts": [{"text": text, "scripts": scripts.unknown(text, ["Latin"])} for text in texts]})
    assert f"`{TEST}`" in README
    with update_server.served() as site:
        answer = swift("test", *RELEASE, DIST=str(dist), EXPECTED=str(folder), FAULTS=str(repetitions(FAULTS)),
                       SWAPS=str(swaps(repetitions)), SITE=site)
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-4000:]
    return answer.stdout + answer.stderr


def swaps(repetitions) -> int:
    """500, where `make soak` does not ask for all."""
    return repetitions(SWAPS * 4) // 4


def test_every_test_of_the_package_runs_and_passes(tested, say):
    run = re.search(r"Test run with (\d+) tests passed", tested)
    for line in re.findall(r"^\d+ (?:texts|pictures).*|^damaged .*|.*Test run with.*", tested, re.M):
        say(f"ios_sample/Search: {line}")
    written = sum(path.read_text(encoding="utf-8").split("#if canImport(CryptoKit)")[0].count("@Test")
                  for name in ("MobileCLIPSearchTests", "MobileCLIPUpdateTests")
                  for path in (PACKAGE / "Tests" / name).glob("*.swift"))
    assert run and int(run[1]) == written and " skipped" not in tested


def test_no_token_id_differs_from_open_clips(tested):
    for name in ("tokens.json", "tokens-32.json"):
        counts = [int(count) for count in re.findall(rf"^(\d+) texts \({name}\), differing ids: 0$", tested, re.M)]
        assert len(counts) == 2 and max(counts) >= expected.TEXTS, name


def test_no_token_id_differs_from_the_references_of_the_other_families(tested, repetitions):
    names = len(token_goldens.NAMES)
    for name in token_goldens.NAMES:
        counts = re.findall(rf"^(\d+) texts \(tokens-{name}\.json\), differing ids: 0$", tested, re.M)
        assert len(counts) == 2 and max(map(int, counts)) >= repetitions(expected.FAMILY_TEXTS * names) // names, name


def test_damaged_tokenizers_were_tried(tested, repetitions):
    families = len(mutated_assets.FAMILIES)
    count = repetitions(expected.MUTATED * families) // families * families
    assert re.search(rf"^damaged tokenizers: {count}, refused: \d+", tested, re.M)


def test_no_byte_differs_from_pillows(tested):
    for kind in ("preprocess", "squash"):
        counts = [int(count) for count in re.findall(rf"^(\d+) pictures \({kind}\), differing bytes: 0$", tested, re.M)]
        assert len(counts) == 2 and expected.PICTURES in counts, kind


def test_scripts_are_those_of_the_desktop(tested):
    assert re.search(r"^\d{5} texts with the desktop's scripts$", tested, re.M)


def test_damaged_catalogs_were_tried(tested, repetitions):
    assert f"damaged catalogs with the digest: {repetitions(FAULTS)}" in tested
    assert f"damaged catalogs without the digest: {repetitions(FAULTS)}" in tested


def test_updates_were_killed_and_catalogs_swapped(tested, repetitions):
    for kind in ("delta", "whole"):
        (moments,) = re.findall(rf"^killed at (\d+) moments \({kind}\)$", tested, re.M)
        assert int(moments) > 40
    assert re.search(rf"^searches while the catalog was swapped: {swaps(repetitions)}, swaps: \d+$", tested, re.M)


def tool(*arguments: str | Path) -> subprocess.CompletedProcess:
    """catalog-search, as the release build left it."""
    return swift("--run", ".build/release/catalog-search", *arguments)


@pytest.fixture(scope="module")
def catalog(dist):
    answer = swift("build", *RELEASE)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return open_catalog(dist / "products.catalog")


def test_the_tool_finds_what_python_finds_with_the_same_score_bits(catalog, tmp_path):
    rng, vector = np.random.default_rng(3), tmp_path / "vector.f32"
    for product in range(0, catalog.products, catalog.products // LIKE):
        given = catalog.record(product)["id"]
        agree(catalog, tool(catalog.path, "--like", given, "--json"), search.like(catalog, product),
              catalog.calibration.image)
    for kind, curve in (("text", catalog.calibration.text), ("image", catalog.calibration.image)):
        query = rng.normal(size=catalog.dim).astype("<f4")
        vector.write_bytes(query.tobytes())
        where = search.Filter(list(catalog.category_names[:2]))
        chosen = [part for name in where.categories for part in ("--category", name)]
        agree(catalog, tool(catalog.path, "--vector", vector, "--kind", kind, "-k", "25", "--json", *chosen),
              search.search(catalog, query, 25, where), curve)


def agree(catalog, answer: subprocess.CompletedProcess, hits: list[search.Hit], curve) -> None:
    """The tool's results are these hits: products, rows, names, score bits, stars."""
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert [(one["product"], one["row"], one["score"]) for one in found] == [
        (hit.product, hit.row, hit.score) for hit in hits]
    assert [(one["id"], one["name"]) for one in found] == [
        (catalog.record(hit.product)["id"], catalog.record(hit.product)["name"]) for hit in hits]
    assert [one["stars"] for one in found] == [
        calibration.stars(calibration.confidence(curve, hit.score)) for hit in hits]


@pytest.mark.parametrize(("kind", "measured"), [("text", False), ("image", True)])
def test_the_tool_has_null_for_what_was_not_measured(catalog, kind, measured, tmp_path):
    golden = Path(os.environ.get("GOLDENS", goldens.OUT)) / "search" / "text-unmeasured.catalog"
    vector = tmp_path / "vector.f32"
    vector.write_bytes(np.ones(open_catalog(golden).dim, "<f4").tobytes())
    asked = (golden, "--vector", vector, "--kind", kind)
    found = json.loads(tool(*asked, "--json").stdout)
    assert found and all((one["percent"] is not None, one["stars"] is not None) == (measured,) * 2 for one in found)
    assert ("%" in tool(*asked).stdout) == measured == ("☆" in tool(*asked).stdout)
    assert json.loads(tool(golden, "--json").stdout)["measured"] == ["image"]


def test_the_tool_says_what_a_catalog_holds(catalog):
    answer = tool(catalog.path, "--verify", "--json")
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert (said["products"], said["rows"], said["dim"], said["space"], said["categories"]) == (
        catalog.products, catalog.rows, catalog.dim, catalog.space, list(catalog.category_names))


@pytest.mark.parametrize("arguments", [[], ["none.catalog"], ["CATALOG", "--like", "nobody"], ["CATALOG", "-k", "x"],
                                       ["CATALOG", "--like"], ["CATALOG", "--vector", "none.f32"],
                                       ["CATALOG", "more"], ["DAMAGED", "--verify"]])
def test_the_tool_refuses_bad_input_in_one_line(catalog, arguments, tmp_path):
    damaged = tmp_path / "damaged.catalog"
    content = bytearray(catalog.path.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    answer = tool(*({"CATALOG": catalog.path, "DAMAGED": damaged}.get(word, word) for word in arguments))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert re.fullmatch(r"catalog-search: .+\n", answer.stderr)


def applied(list_of: list[tuple[Path, Path, Path]], folder: Path, *before: str) -> dict:
    """What search-bench says of these catalogs, deltas and results to be made. `before`: shell commands."""
    (folder / "list").write_text("".join("\t".join(map(str, line)) + "\n" for line in list_of), encoding="utf-8")
    answer = swift("--run", "bash", "-c", "; ".join([*before, '"$0" deltas "$1"']), ".build/release/search-bench",
                   folder / "list")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_random_deltas_give_the_same_bytes_and_damaged_ones_no_other_catalog(catalog, repetitions, tmp_path, say):
    deltas = tmp_path / "deltas"
    expected_deltas.write(deltas, repetitions)
    edits, faults = expected_deltas.counts(repetitions)
    found = applied([tuple(deltas / f"{one}.{kind}" for kind in ("base", "delta", "result")) for one in range(edits)],
                    tmp_path)
    assert (found["applied"], found["refused"]) == (edits, 0)
    for one in range(edits):
        assert (deltas / f"{one}.result").read_bytes() == (deltas / f"{one}.made").read_bytes(), one
    damaged = deltas / "damaged"
    found = applied([(deltas / "0.base", damaged / f"{one}.delta", damaged / f"{one}.result") for one in range(faults)],
                    tmp_path)
    assert found["applied"] + found["refused"] == faults and found["refused"] > faults // 2
    assert found["grown_mb"] < MOST_GROWN
    right, made = (deltas / "0.made").read_bytes(), list(damaged.glob("*.result"))
    assert len(made) == found["applied"] and all(one.read_bytes() == right for one in made)
    assert not list(damaged.glob("*.partial"))
    say(f"ios_sample/Search: {edits} random deltas, differing bytes: 0; {faults} damaged, {found['refused']} refused")


def test_a_large_catalog_is_updated_in_little_memory(catalog, tmp_path, say):
    chance = random.Random(19)
    before = test_delta.shop(chance, LARGE)
    base = before.written(tmp_path / "base.catalog")
    made, delta = test_delta.both(tmp_path, test_delta.edited(chance, before, 1), base)
    size = base.path.stat().st_size
    assert size > MOST_MEMORY << 20
    line = [(base.path, delta, tmp_path / "result.catalog")]
    found = applied(line, tmp_path, f"ulimit -d {MOST_MEMORY * 1024}")
    assert found["applied"] == 1
    assert (tmp_path / "result.catalog").read_bytes() == made.path.read_bytes()
    say(f"ios_sample/Search: a catalog of {size / 1e6:.0f} MB updated in {found['seconds']:.1f} s")


@pytest.mark.parametrize("name", token_goldens.NAMES)
def test_the_bench_tool_gives_the_golden_ids_and_every_figure(catalog, name, tmp_path):
    texts = ["a red apple", "", "\u978b 42"]
    (tmp_path / "texts").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    asset = goldens.OUT / token_goldens.ASSETS / f"{name}.safetensors"
    answer = swift("--run", ".build/release/search-bench", "tokenizer", asset, tmp_path / "texts")
    found = json.loads(answer.stdout)
    assert found["ids"] == tokenizer.encode_all(tokenizer.load(asset), texts).tolist()
    assert all(found[key] > 0 for key in ("first_open_ms", "open_ms", "verify_ms", "encode_us"))
    assert found["heap_mb"] >= 0 and answer.stdout.count("\n") == 1


def test_a_kill_loses_no_product_that_was_added(catalog, tmp_path):
    base = open_catalog(Path(os.environ.get("GOLDENS", goldens.OUT)) / "overlay" / "base.catalog")
    file, added = tmp_path / "overlay.catalog", 0
    for kill in range(KILLS):
        with subprocess.Popen([ROOT / ".ci" / "swift", "--run", ".build/release/search-bench", "put", base.path, file],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
            for _ in range(kill % 3 + 1):
                process.stdin.write("\n")
                process.stdout.readline()
                added += 1
            process.stdin.write("\n")
            time.sleep(0.001 * kill)
            process.kill()
        products = overlay.open_overlay(file, base).own.products
        assert added <= products <= added + 1
        added = products


def test_swift_s_exit_status_comes_out():
    assert [swift("--run", "bash", "-c", f"exit {status}").returncode for status in (0, 1, 7)] == [0, 1, 7]


def test_every_source_is_lint_free():
    answer = lint()
    assert answer.returncode == 0, answer.stderr


def test_the_linter_refuses_a_forced_unwrap(tmp_path):
    bad = tmp_path / "Bad.swift"
    bad.write_text("let number = Int(\"1\")!\n", encoding="utf-8")
    answer = lint(bad)
    assert answer.returncode == 1 and "NeverForceUnwrap" in answer.stderr


# MobileCLIPKit on Linux: over stubs of Apple's modules

@pytest.fixture(scope="module")
def kit(dist, tested, tmp_path_factory) -> Path:
    """A folder with MobileCLIPKit over the stubs, type checked in Swift 6 mode without a warning, as a program."""
    made, release = tmp_path_factory.mktemp("kit"), PACKAGE / ".build" / "release"
    modules = ("-I", made, "-I", release / "Modules")

    def compiled(name: str, sources: list[Path], *arguments: str) -> None:
        answer = swift("--run", "swiftc", *arguments, "-parse-as-library", "-enable-testing", "-wmo", "-emit-module",
                       "-emit-object", "-module-name", name, *modules, "-o", made / f"{name}.o",
                       "-emit-module-path", made / f"{name}.swiftmodule", *sources)
        assert answer.returncode == 0, answer.stderr

    for name in KIT_STUBS:
        compiled(name, sorted((STUBS / name).glob("*.swift")), "-swift-version", "5")
    compiled("MobileCLIPKit", sorted((PACKAGE / "Sources" / "MobileCLIPKit").glob("*.swift")),
             "-swift-version", "6", "-warnings-as-errors")
    objects = [*made.glob("*.o"), *(release / "MobileCLIPSearch.build").glob("*.o")]
    main = PACKAGE / "Tests" / "KitOverStubs" / "main.swift"
    answer = swift("--run", "swiftc", "-swift-version", "6", *modules, "-o", made / "check", main, *objects)
    assert answer.returncode == 0, answer.stderr
    return made


def test_mobileclipkit_holds_one_model_compiles_once_and_works_in_batches(kit, say):
    answer = swift("--run", kit / "check")
    lines = answer.stdout.splitlines()
    assert answer.returncode == 0 and len(lines) > 25 and all(line.startswith("ok ") for line in lines), answer.stdout
    say(f"MobileCLIPKit over stubs: {len(lines)} checks")


SAMPLE = """import Foundation
import MobileCLIPKit
import MobileCLIPSearch

func sample(folder: URL, imageModel: URL, textModel: URL, data: Data) async throws {
CODE}
"""


def test_the_readme_s_lines_compile(kit, tmp_path):
    code = re.findall(r"^```swift\n(let .*?)^```$", README, re.M | re.S)
    assert len(code) == 1
    (tmp_path / "Sample.swift").write_text(SAMPLE.replace("CODE", code[0]), encoding="utf-8")
    answer = swift("--run", "swiftc", "-typecheck", "-swift-version", "6", "-warnings-as-errors", "-I", kit, "-I",
                   PACKAGE / ".build" / "release" / "Modules", tmp_path / "Sample.swift")
    assert answer.returncode == 0, answer.stderr


# The package as others take it

CONSUMER = """// swift-tools-version: TOOLS
import PackageDescription

let search: [Target.Dependency] = [
    .product(name: "MobileCLIPSearch", package: "mobileclip"), .product(name: "MobileCLIPKit", package: "mobileclip")
]
let package = Package(
    name: "Consumer", platforms: [.iOS(.v17), .macOS(.v14)],
    dependencies: [.package(url: "URL", from: "TAG")],
    targets: [TARGETS]
)
"""
OWN = """.target(name: "Own", dependencies: search, swiftSettings: [.swiftLanguageMode(.v6)])"""
ON_THE_MAIN_ACTOR = """.target(
    name: "NAME", dependencies: search,
    swiftSettings: [
        .swiftLanguageMode(.vMODE), .defaultIsolation(MainActor.self),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"), .enableUpcomingFeature("InferIsolatedConformances"),
    ])"""


@pytest.fixture(scope="module")
def remote(tmp_path_factory) -> str:
    """The address of a bare repository whose tag is a release of this one."""
    folder = tmp_path_factory.mktemp("remote")
    work, bare = folder / "work", folder / "mobileclip.git"
    for name in ("Package.swift", "ios_sample/Search/Package.swift", "ios_sample/Search/Sources"):
        copy(ROOT / name, work / name)

    def git(*arguments: str | Path) -> None:
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@shop.test", "-C", work, *arguments], check=True,
                       capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "--message", "A release")
    git("tag", TAG)
    git("clone", "--bare", ".", bare)
    return f"file://{bare}"


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)


def consumer(folder: Path, remote: str, tools: str, targets: dict[str, str]) -> Path:
    """A package that takes the search package by URL and tag; `targets`: the declaration of each, by its source."""
    for name in targets:
        copy(PACKAGE / "Tests" / "Consumers" / name.rstrip("56"), folder / "Sources" / name)
    text = CONSUMER.replace("TOOLS", tools).replace("URL", remote).replace("TAG", TAG)
    (folder / "Package.swift").write_text(text.replace("TARGETS", ",\n".join(targets.values())), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_the_package_is_taken_by_url_and_tag_beside_an_app_s_own_encoder_and_product(remote, tmp_path):
    folder = consumer(tmp_path / "consumer", remote, "6.0", {"Own": OWN})
    answer = swift("build", "--package-path", folder)
    assert answer.returncode == 0 and "warning:" not in answer.stdout + answer.stderr, answer.stdout + answer.stderr
    listed = (ROOT / "Package.swift").read_text(encoding="utf-8")
    assert "executable" not in listed and "testTarget" not in listed


@pytest.mark.slow
def test_a_copy_of_the_folder_without_its_tests_resolves_and_compiles(tmp_path):
    for name in ("Package.swift", "Sources"):
        copy(PACKAGE / name, tmp_path / "Search" / name)
    answer = swift("package", "--package-path", tmp_path / "Search", "describe", "--type", "json")
    assert answer.returncode == 0, answer.stderr
    assert {"MobileCLIPSearch", "MobileCLIPKit"} <= {one["name"] for one in json.loads(answer.stdout)["targets"]}
    sources = sorted((tmp_path / "Search" / "Sources" / "MobileCLIPSearch").glob("*.swift"))
    answer = swift("--run", "swiftc", "-typecheck", "-swift-version", "6", "-module-name", "MobileCLIPSearch", *sources)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.slow
def test_an_app_on_the_main_actor_by_default_compiles_in_language_modes_5_and_6(remote, tmp_path):
    targets = {f"Shop{mode}": ON_THE_MAIN_ACTOR.replace("NAME", f"Shop{mode}").replace("MODE", mode) for mode in "56"}
    folder = consumer(tmp_path / "consumer", remote, "6.2", targets)
    answer = swift("--newer", "build", "--package-path", folder)
    assert answer.returncode == 0 and "warning:" not in answer.stdout + answer.stderr, answer.stdout + answer.stderr


def test_the_core_ml_sources_parse(tmp_path):
    sources = sorted(PACKAGE.glob("*/MobileCLIPKit*/*.swift"))
    assert len(sources) > 2
    answer = swift("--run", "swiftc", "-parse", *sources)
    assert answer.returncode == 0, answer.stderr
    bad = tmp_path / "Bad.swift"
    bad.write_text("#if canImport(CoreML)\nlet x = = 1\n#endif\n", encoding="utf-8")
    assert swift("--run", "swiftc", "-parse", bad).returncode == 1


def test_the_script_table_is_current():
    spec = importlib.util.spec_from_file_location("make_scripts", PACKAGE / "make_scripts.py")
    make_scripts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_scripts)
    assert make_scripts.OUT.read_text(encoding="ascii") == make_scripts.source()


def test_the_package_needs_no_other_and_no_unsafe_flags():
    manifest_ = (PACKAGE / "Package.swift").read_text(encoding="utf-8")
    assert ".package(" not in manifest_ and "unsafeFlags" not in manifest_
    core = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "Sources/MobileCLIPSearch").glob("*.swift"))
    assert set(re.findall(r"^\s*import (\w+)$", core, re.M)) == {"Foundation", "CryptoKit"}
