"""The Kotlin search module, built and tested by Maven: on the golden vectors, and on what is written here.

What is written: new texts with the references' ids, damaged tokenizer assets, new pictures with Pillow's bytes, and the
sample shop searched by Python, end to end, with the artefacts of the folder that DIST names (default: the demo model,
exported here).
"""

import base64
import csv
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from catalog_builder.catalog import search
from catalog_builder.catalog.reader import open_catalog
from export import runners
from export.artifacts import manifest
from export.pictures.preprocess import load_rgb8, resize_crop
from export.text.tokenizer import encode_all, load
from export.weights.lookup import find
from parity import goldens, token_goldens
from tests import android_library, expected, expected_deltas, mutated_assets
from tests.conftest import ROOT

ANDROID = ROOT / "android_sample"
MODULE = ANDROID / "search"
LIBRARY = ANDROID / "search-android"
UPDATE = ANDROID / "update"
CLASSES = MODULE / "target" / "classes"
PACKAGE = "shop/mobileclip/search"
DEPENDENCIES = ("dependency:list", "-DincludeScope=runtime", "-DoutputFile=target/dependencies.txt")
WRAPPER = "55243ef57851f12b070ad14f7f5bb8302daceeebc5bce5ece5fa6edb23e1145c"      # of Gradle 9.4's, as Gradle lists it
SHOP = ROOT / "demo" / "shop"
SHOP_TEXTS, SHOP_PICTURES = 60, 100
FAULTS = 20_000                              # damaged catalogs, in `make soak`
SWAPS = 10_000                               # of catalogs while searches run, in `make soak`


@dataclass(frozen=True)
class Case:
    """One test that surefire reports."""

    name: str                                # class and test
    outcome: str                             # passed, failed or skipped
    said: str                                # why it failed or was skipped
    printed: str


@pytest.fixture(scope="module")
def dist(request) -> Path:
    """The folder that DIST names, or the demo model's."""
    return Path(os.environ["DIST"]).resolve() if "DIST" in os.environ else request.getfixturevalue("gated")[0]


@pytest.fixture(scope="module")
def cases(request, repetitions, sample_shop, tmp_path_factory) -> list[Case]:
    """The module's tests, run once."""
    missing = [tool for tool in ("java", "mvn") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not run, because there is no {' and no '.join(missing)} here")
    dist, folder = request.getfixturevalue("dist"), tmp_path_factory.mktemp("expected")
    shutil.copy(sample_shop(dist), folder / "shop.catalog")
    write_expected(folder, dist)
    expected.write_families(folder, repetitions)
    expected_deltas.write(folder / "deltas", repetitions)
    shutil.rmtree(MODULE / "target" / "surefire-reports", ignore_errors=True)
    environment = {"EXPECTED": str(folder), "DIST": str(dist), "FAULTS": str(repetitions(FAULTS)),
                   "SWAPS": str(swaps(repetitions))}
    answer = subprocess.run(["mvn", "-B", "-ntp", "test", *DEPENDENCIES], cwd=MODULE, capture_output=True, text=True,
                            env=os.environ | environment)
    found = reported(MODULE / "target" / "surefire-reports")
    assert found, f"mvn test made no reports:\n{answer.stdout[-3000:]}{answer.stderr[-3000:]}"
    assert answer.returncode == 0 or any(case.outcome == "failed" for case in found), answer.stdout[-3000:]
    return found


def swaps(repetitions) -> int:
    """500, where `make soak` does not ask for all."""
    return repetitions(SWAPS * 4) // 4


def reported(folder: Path) -> list[Case]:
    """Every test in surefire's XML reports."""
    found = []
    for path in sorted(folder.glob("TEST-*.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            failure = case.find("failure") if case.find("failure") is not None else case.find("error")
            skipped = case.find("skipped")
            why = failure if failure is not None else skipped
            found.append(Case(f"{case.get('classname', '').rsplit('.', 1)[-1]}: {case.get('name')}",
                              "failed" if failure is not None else "skipped" if skipped is not None else "passed",
                              "" if why is None else why.get("message") or "", case.findtext("system-out") or ""))
    return found


def write_expected(folder: Path, dist: Path) -> None:
    """All that ExpectedTest.kt reads besides shop.catalog."""
    made = manifest.read(dist)
    expected.write(folder, find(made.model).preprocessing)
    for precision in precisions(made):
        write_shop(folder, dist, made, precision)


def precisions(made: manifest.Manifest) -> list[str]:
    """Those in which the export has both encoders in ONNX."""
    pairs = {(a.encoder, a.precision) for a in made.artifacts if a.format == "onnx"}
    return sorted({precision for _, precision in pairs
                   if {("image", precision), ("text", precision)} <= pairs}, reverse=True)


def write_shop(folder: Path, dist: Path, made: manifest.Manifest, precision: str) -> None:
    """The shop's queries, with Python's embeddings by the ONNX artefacts and the products that they find."""
    run = {a.encoder: runners.load("onnx", dist / a.path, a.encoder, threads=1)
           for a in made.artifacts if (a.format, a.precision) == ("onnx", precision)}
    catalog, preprocessing = open_catalog(folder / "shop.catalog"), find(made.model).preprocessing
    with (SHOP / "queries.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = every(SHOP_TEXTS, [row["query"] for row in rows if row["kind"] == "text"])
    paths = every(SHOP_PICTURES, [SHOP / row["query"] for row in rows if row["kind"] == "picture"])
    ids = encode_all(load(dist / manifest.TOKENIZER), texts)
    queries = [{"text": text} | answered(catalog, run["text"](row[None])[0])
               for text, row in zip(texts, ids, strict=True)]
    (folder / "shop").mkdir(exist_ok=True)
    for path in paths:
        rgb = load_rgb8(path)
        (folder / "shop" / f"{path.stem}.rgb").write_bytes(rgb.tobytes())
        square = resize_crop(rgb, preprocessing)
        queries.append({"picture": path.stem, "width": rgb.shape[1], "height": rgb.shape[0]}
                       | answered(catalog, run["image"](square[None])[0]))
    goldens.write_ascii(folder / f"shop-{precision}.json", {"queries": queries})


def every(count: int, values: list) -> list:
    """So many of them, evenly spread."""
    return [values[index * len(values) // count] for index in range(count)]


def answered(catalog, vector: np.ndarray) -> dict:
    """The vector and its first ten products with the bits of their scores."""
    return {"vector": base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii"),
            "hits": [{"product": hit.product, "score": struct.pack(">d", hit.score).hex()}
                     for hit in search.search(catalog, vector)]}


def test_every_test_of_the_search_module_passes(cases, say):
    failed = [f"{case.name}: {case.said}" for case in cases if case.outcome == "failed"]
    say(f"android_sample/search: {len(cases)} tests run, {len(failed)} failed")
    assert not failed, "\n".join(failed)


def test_none_of_them_is_skipped(cases):
    assert [f"{case.name}: {case.said}" for case in cases if case.outcome == "skipped"] == []


def test_the_shop_the_new_texts_and_the_new_pictures_were_compared(cases, dist, repetitions, say):
    ran, names, kinds = precisions(manifest.read(dist)), token_goldens.NAMES, mutated_assets.FAMILIES
    assert ran
    texts = repetitions(expected.FAMILY_TEXTS * len(names)) // len(names)
    mutated = repetitions(expected.MUTATED * len(kinds)) // len(kinds) * len(kinds)
    printed = "".join(case.printed for case in cases if case.name.startswith("ExpectedTest"))
    for line in printed.strip().splitlines():
        say(f"android_sample/search: {line}")
    for figure in (*(rf"{name}: \d{{5}} texts, 0 differing" for name in ("tokens.json", "tokens-32.json")),
                   *(f"tokens-{name}.json: {texts} texts, 0 differing" for name in names),
                   rf"mutated.json: {mutated} assets, \d+ refused",
                   *(f"{name}: {expected.PICTURES} pictures, 0 differing bytes" for name in ("preprocess", "squash")),
                   *(f"{precision}: {SHOP_TEXTS + SHOP_PICTURES} queries" for precision in ran)):
        assert re.search(figure, printed), f"{figure} in {printed!r}"


@pytest.mark.parametrize("name", token_goldens.NAMES)
def test_the_bench_tool_gives_the_references_ids_and_every_figure(cases, name, tmp_path):
    texts, path = ["a red apple", "", "\u978b 42"], tmp_path / "classpath"
    (tmp_path / "texts").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    subprocess.run(["mvn", "-B", "-ntp", "-q", "dependency:build-classpath", f"-Dmdep.outputFile={path}"], cwd=MODULE,
                   check=True, capture_output=True)
    asset = goldens.OUT / token_goldens.ASSETS / f"{name}.safetensors"
    classes = os.pathsep.join([str(CLASSES), str(CLASSES.with_name("test-classes")), path.read_text().strip()])
    answer = subprocess.run(["java", "-XX:+UseSerialGC", "-cp", classes, f"{PACKAGE.replace('/', '.')}.tools.Bench",
                             "tokenizer", asset, tmp_path / "texts"], capture_output=True, text=True, check=True)
    found = json.loads(answer.stdout)
    assert found["ids"] == encode_all(load(asset), texts).tolist() and answer.stdout.count("\n") == 1
    assert all(found[key] > 0 for key in ("first_open_ms", "open_ms", "verify_ms", "heap_mb", "encode_us"))


def test_every_golden_search_was_compared(cases):
    folder = Path(os.environ.get("GOLDENS", goldens.OUT)) / "search"
    index = json.loads((folder / "index.json").read_text(encoding="ascii"))
    compared = [case for case in cases if case.name.startswith("SearchGoldenTest")]
    assert len(compared) == len(index["cases"]) + len(index["damaged"])


def test_every_golden_search_with_a_first_pass_was_compared(cases):
    index = json.loads((goldens.OUT / "first-pass" / "index.json").read_text(encoding="ascii"))
    compared = [case.name for case in cases if re.search(r"^FirstPassTest: .* first pass \d+$", case.name)]
    assert len(set(compared)) == len(index["cases"])


def test_every_golden_text_named_what_it_names(cases, say):
    expected_words = json.loads((goldens.OUT / "words" / "expected.json").read_text(encoding="utf-8"))
    printed = "".join(case.printed for case in cases if case.name.startswith("WordsTest"))
    for figure in (f"words: {len(expected_words['cases'])} texts, 0 differing", r"damaged words: 2000, \d+ refused"):
        found = re.search(figure, printed)
        assert found, f"{figure} in {printed!r}"
        say(f"android_sample/search: {found[0]}")


@pytest.mark.parametrize("kind, test", [
    ("cases", "golden updates end as they must"), ("starts", "golden starts find what is in force"),
    ("give_ups", "golden updates that are given up do not come back"),
    ("malformed", "what is no statement is refused in one line, by the reader and by an update")])
def test_every_golden_update_was_followed(cases, kind, test):
    answers = json.loads((goldens.OUT / "updates" / "answers.json").read_text(encoding="utf-8"))
    ran = {name for case in cases if (name := case.name.partition(": ")[2]).startswith(f"{test}()")}
    assert ran == {f"{test}() {case['name']}" for case in answers[kind]}


def test_random_deltas_were_applied_and_damaged_ones_refused(cases, repetitions, say):
    edits, faults = expected_deltas.counts(repetitions)
    printed = "".join(case.printed for case in cases
                      if case.name.startswith(("DeltaTest", "CatalogUpdatesTest", "SearcherTest")))
    for figure in (f"deltas: {edits}, 0 differing", rf"damaged deltas: {faults}, \d+ refused, the others right",
                   r"killed at \d+ moments \(whole\)", r"killed at \d+ moments \(bundle\)",
                   f"swaps: {swaps(repetitions)}, each answer wholly of one catalog"):
        found = re.search(figure, printed)
        assert found, f"{figure} in {printed!r}"
        say(f"android_sample/search: {found[0]}")


# What an app that takes the library can rely on.

def test_the_public_api_is_the_one_that_was_written_down(cases):
    api = android_library.public_api(android_library.class_files(CLASSES, PACKAGE))
    assert api == (MODULE / "api.txt").read_text(encoding="utf-8"), "README.md says how to write a change down"


def test_kotlin_2_0_reads_the_classes(cases):
    assert android_library.metadata_versions(android_library.class_files(CLASSES, PACKAGE)) == {"2,0,0"}


def test_the_library_needs_nothing_but_kotlin(cases):
    found = re.findall(r"^ +(\S+:\S+:jar:\S+:\w+)", (MODULE / "target" / "dependencies.txt").read_text(), re.MULTILINE)
    assert sorted(found) == (MODULE / "dependencies.txt").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("readme, source", [
    (MODULE / "README.md", MODULE / "src/test/kotlin/shop/mobileclip/search/ReadmeTest.kt"),
    (LIBRARY / "README.md", LIBRARY / "src/test/kotlin/shop/mobileclip/android/ReadmeSample.kt"),
    (ANDROID / "README.md", UPDATE / "src/test/kotlin/shop/mobileclip/update/UpdatingApplication.kt")])
def test_the_lines_of_each_readme_are_those_that_a_test_compiles(readme, source):
    assert android_library.kotlin_block(readme) == android_library.marked_lines(source)


def test_every_public_declaration_says_what_it_is():
    sources = [path for module in (MODULE, LIBRARY, UPDATE) for path in kotlin(module)]
    assert [found for path in sources for found in undocumented(path)] == []


def kotlin(module: Path) -> list[Path]:
    return sorted(module.glob("src/main/kotlin/**/*.kt"))


def undocumented(path: Path) -> list[str]:
    """Public classes and functions outside of constructors without KDoc, and not overriding what has it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines):
        if re.match(r" *public (?!companion|override)[^=]*\b(class|interface|object|fun) ", line):
            before = number - 1
            while lines[before].strip().startswith("@"):
                before -= 1
            if not lines[before].strip().endswith("*/"):
                found.append(f"{path.name}: {line.strip()}")
    return found


# How both libraries are built and published.

def test_the_gradle_wrapper_is_whole():
    jar = (ANDROID / "gradle/wrapper/gradle-wrapper.jar").read_bytes()
    assert hashlib.sha256(jar).hexdigest() == WRAPPER
    properties = (ANDROID / "gradle/wrapper/gradle-wrapper.properties").read_text(encoding="utf-8")
    assert re.search(r"^distributionSha256Sum=[0-9a-f]{64}$", properties, re.MULTILINE)
    assert os.access(ANDROID / "gradlew", os.X_OK) and b"\r\n" in (ANDROID / "gradlew.bat").read_bytes()


def test_warnings_stop_a_build_in_ci_alone():
    for module in (MODULE, LIBRARY, UPDATE):
        build = (module / "build.gradle.kts").read_text(encoding="utf-8")
        assert re.findall(r"allWarningsAsErrors = (.*)", build) == [
            'providers.gradleProperty("warningsAsErrors").map { it.toBoolean() }']
    assert "warningsAsErrors=false" in (ANDROID / "gradle.properties").read_text(encoding="utf-8")


def test_maven_and_gradle_publish_under_the_same_coordinates():
    properties = dict(re.findall(r"^library\.(\w+)=(.+)$", (ANDROID / "gradle.properties").read_text(), re.MULTILINE))
    pom = ElementTree.parse(MODULE / "pom.xml").getroot()
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    said = {"group": "m:groupId", "version": "m:version", "url": "m:url", "developer": "m:developers/m:developer/m:id"}
    assert {name: pom.findtext(path, namespaces=space) for name, path in said.items()} == properties
    for path in ("m:licenses/m:license/m:name", "m:scm/m:connection", "m:description"):
        assert pom.findtext(path, namespaces=space), path
    build = (MODULE / "build.gradle.kts").read_text(encoding="utf-8")
    assert f'artifactId = "{pom.findtext("m:artifactId", namespaces=space)}"' in build


def lint(*paths: Path) -> subprocess.CompletedProcess:
    """`android_sample/lint …`: of these, or of every source."""
    answer = subprocess.run([ANDROID / "lint", *paths], capture_output=True, text=True)
    if answer.returncode == 2:
        pytest.skip(f"not run, because of {answer.stderr.strip()}")
    return answer


def test_every_source_is_lint_free():
    answer = lint()
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_linter_refuses_what_kotlins_conventions_do(tmp_path):
    bad = tmp_path / "Bad.kt"
    bad.write_text("fun  one( ) = 1\n", encoding="utf-8")
    answer = lint(bad)
    assert answer.returncode == 1 and "fun-keyword-spacing" in answer.stdout


def test_maven_and_gradle_name_the_same_versions():
    named = tomllib.loads((ANDROID / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))["versions"]
    pom = dict(re.findall(r"<([a-z-]+)\.version>([^<]+)<", (MODULE / "pom.xml").read_text(encoding="utf-8")))
    assert pom.keys() == {"kotlin", "kotlin-library", "junit", "onnxruntime"}
    assert {name: named[name] for name in pom} == pom


def test_a_failing_test_of_the_module_is_reported_by_name(tmp_path):
    (tmp_path / "TEST-a.xml").write_text(
        '<testsuite><testcase classname="a.B" name="right"/><testcase classname="a.B" name="wrong">'
        '<failure message="1, not 2"/></testcase><testcase classname="a.B" name="thrown"><error message="no"/>'
        '</testcase><testcase classname="a.B" name="left"><skipped message="none"/></testcase></testsuite>',
        encoding="utf-8")
    assert [(case.name, case.outcome, case.said) for case in reported(tmp_path)] == [
        ("B: right", "passed", ""), ("B: wrong", "failed", "1, not 2"), ("B: thrown", "failed", "no"),
        ("B: left", "skipped", "none")]
