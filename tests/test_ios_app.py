"""The iOS app, as far as Linux can tell: its logic's own tests, its sources' form, its project, strings and privacy."""

import base64
import json
import os
import plistlib
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from catalog_builder import apps
from catalog_builder.catalog.scripts import SCRIPTS
from export.artifacts import manifest
from export.common.command import GateRed
from export.formats import table
from export.pictures.preprocess import load_rgb8
from parity.prove import proof
from tests import app_texts, phones
from tests.conftest import ROOT
from tests.test_ios_search import KIT_STUBS, RELEASE, lint, swift

APP = ROOT / "ios_sample" / "App"
SEARCH = ROOT / "ios_sample" / "Search"
SHOP = SEARCH / "Sources" / "MobileCLIPShop"
SOURCES = APP / "ShopSearch"
TESTS = APP / "ShopSearchTests"
PROJECT = APP / "ShopSearch.xcodeproj"
TAKEN = {".swift", ".xcassets", ".xcstrings", ".xcprivacy", ".json"}    # what Xcode finds a use for by itself

MOST_LINES = 1200                                              # of the app, without its tests

# Apple's modules, each after those that it imports
STUBS = (*KIT_STUBS, "CryptoKit", "CoreTransferable", "UIKit", "SwiftUI", "PhotosUI", "AVFoundation", "AppIntents",
         "VisualIntelligence", "os")
LIBRARIES = ("MobileCLIPSearch", "MobileCLIPKit", "MobileCLIPShop", "MobileCLIPUpdate")
UPDATE = SEARCH / "Sources" / "MobileCLIPUpdate"              # what alone uses the network; the app is without it
# What an app made by Xcode 26 sets
ON_THE_MAIN_ACTOR = ("-default-isolation", "MainActor", "-enable-upcoming-feature", "NonisolatedNonsendingByDefault",
                     "-enable-upcoming-feature", "InferIsolatedConformances")

TEST_PACKAGE = """// swift-tools-version: 6.0
import PackageDescription

let names = ["MobileCLIPSearch", "MobileCLIPKit", "MobileCLIPShop"]
let search = names.map { Target.Dependency.product(name: $0, package: "Search") }
let package = Package(
    name: "ShopSearch",
    dependencies: [.package(path: "SEARCH")],
    targets: [
        .target(name: "ShopSearch", dependencies: search),
        .testTarget(name: "ShopSearchTests", dependencies: ["ShopSearch"] + search),
    ],
    swiftLanguageModes: [.v6]
)
"""


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def code(*folders: Path) -> str:
    """All Swift in the folders, without comments."""
    files = sorted(file for folder in folders for file in folder.rglob("*.swift"))
    return "\n".join(re.sub(r"//.*", "", read(file)) for file in files)


# What needs a Swift toolchain

@pytest.fixture(scope="module")
def dist(request) -> Path:
    """The folder that DIST names, or the demo model's."""
    return Path(os.environ["DIST"]).resolve() if "DIST" in os.environ else request.getfixturevalue("exported")


def test_every_source_parses():
    answer = swift("--run", "swiftc", "-parse", "-swift-version", "6", *APP.glob("ShopSearch*/**/*.swift"))
    assert answer.returncode == 0, answer.stderr


def test_every_source_is_lint_free():
    answer = lint(SOURCES, TESTS, ROOT / "ios_sample" / "Stubs")
    assert answer.returncode == 0, answer.stderr


def test_the_app_is_small():
    assert sum(read(file).count("\n") for file in SOURCES.rglob("*.swift")) <= MOST_LINES


def modules(folder: Path, *toolchain: str) -> Path:
    """The folder, with Apple's modules by the stubs and the package's libraries, type checked without a warning."""
    def made(name: str, sources: Path, *arguments: str) -> None:
        answer = swift(*toolchain, "--run", "swiftc", *arguments, "-parse-as-library", "-wmo", "-emit-module",
                       "-enable-testing", "-module-name", name, "-I", folder, "-o", folder / f"{name}.swiftmodule",
                       *sorted(sources.glob("*.swift")))
        assert answer.returncode == 0, answer.stderr

    for name in STUBS:
        made(name, ROOT / "ios_sample" / "Stubs" / name, "-swift-version", "5", "-suppress-warnings")
    for name in LIBRARIES:
        made(name, SEARCH / "Sources" / name, "-swift-version", "6", "-warnings-as-errors")
    return folder


def typechecked(folder: Path, sources: list[Path], *arguments: str, name: str = "ShopSearch") -> str:
    """What the compiler says against such sources, which become a module: nothing where all is right."""
    *toolchain, mode = arguments
    more = ON_THE_MAIN_ACTOR if toolchain else ()
    answer = swift(*toolchain, "--run", "swiftc", "-emit-module", "-enable-testing", "-wmo", "-parse-as-library",
                   "-swift-version", mode, "-warnings-as-errors", "-module-name", name, "-I", folder,
                   "-o", folder / f"{name}.swiftmodule", *more, *sources)
    return answer.stderr + "failed" * (answer.returncode != 0 and not answer.stderr)


@pytest.mark.slow
def test_the_app_and_its_tests_are_type_checked_without_a_warning(tmp_path):
    folder, sources = modules(tmp_path), sorted(SOURCES.rglob("*.swift"))
    bad = tmp_path / "Bad.swift"
    bad.write_text("import SwiftUI\nfunc bad(_ view: some View) -> Any { view.body }\n", encoding="utf-8")
    assert "main actor-isolated" in typechecked(folder, [*sources, bad], "6")
    assert typechecked(folder, sources, "6") == ""
    assert typechecked(folder, sorted(TESTS.glob("*.swift")), "6", name="ShopSearchTests") == ""


@pytest.mark.slow
def test_the_app_is_type_checked_on_the_main_actor_by_default(tmp_path):
    folder, sources = modules(tmp_path, "--newer"), sorted(SOURCES.rglob("*.swift"))
    for mode in ("5", "6"):
        assert typechecked(folder, sources, "--newer", mode) == "", mode
        assert typechecked(folder, with_updates(tmp_path / mode), "--newer", mode) == "", mode


@pytest.mark.slow
def test_the_readme_s_lines_of_an_app_with_updates_are_type_checked(tmp_path):
    folder, sources = modules(tmp_path), with_updates(tmp_path / "app")
    assert typechecked(folder, sources, "6") == ""


def with_updates(folder: Path) -> list[Path]:
    """The app's sources with what the README adds for updates: a file, and two lines."""
    shutil.copytree(SOURCES, folder)
    added, lines = re.findall(r"^```swift\n(.*?)^```$", read(ROOT / "ios_sample" / "README.md"), re.M | re.S)
    (folder / "Updates.swift").write_text(added, encoding="utf-8")
    opening, asking = lines.splitlines()
    for name, place, line in (("OpenShop.swift", "onSearched: { tell(.searched($0)) },", opening),
                              ("ShopSearchApp.swift", "ShopView(keeper: .shared)",
                               f"ShopView(keeper: .shared)\n{asking}")):
        text = read(folder / name)
        assert text.count(place) == 1, name
        (folder / name).write_text(text.replace(place, line), encoding="utf-8")
    return sorted(folder.rglob("*.swift"))


@pytest.fixture(scope="module")
def tested(dist, kept, tmp_path_factory) -> tuple[str, phones.Proved]:
    """What the tests of the logic print, and the proofs that they wrote.

    The logic is the package's MobileCLIPShop, the self-check of its MobileCLIPKit, and what of the app imports none of
    Apple's frameworks, as a package of its own. In Xcode the same tests run in the app.
    """
    proved = phones.prepare(dist, tmp_path_factory.mktemp("proved"), table.COREML)
    package = kept / "shop-search"           # kept, so that Swift compiles only what changed
    for name in ("Sources", "Tests"):
        shutil.rmtree(package / name, ignore_errors=True)
        (package / name).mkdir(parents=True)
    (package / "Sources" / "ShopSearch").symlink_to(SOURCES / "Logic")
    (package / "Tests" / "ShopSearchTests").symlink_to(TESTS)
    (package / "Package.swift").write_text(TEST_PACKAGE.replace("SEARCH", str(SEARCH)))
    goldens = os.environ.get("GOLDENS", str(ROOT / "parity" / "goldens"))
    # Debian's libswiftObservation.so lacks a symbol that nothing here calls.
    linking = () if sys.platform == "darwin" else ("-Xlinker", "--allow-shlib-undefined")
    answer = swift("test", "--package-path", package, *RELEASE, *linking, DIST=str(dist), GOLDENS=goldens,
                   PROVE=str(proved.folder))
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-4000:]
    return answer.stdout + answer.stderr, proved


def test_the_logic_passes_its_own_tests(tested):
    written = sum(read(file).count("@Test") for file in TESTS.glob("*.swift") if "canImport(CoreML)" not in read(file))
    assert f"Test run with {written} tests passed" in tested[0]


def test_make_prove_takes_the_proof_that_the_app_wrote(tested):
    kept = tested[1].judged("good")
    assert (kept["platform"], kept["device"], kept["system"], kept["runtime"], kept["emulator"]) == (
        "ios", "iPhone17,1", "iOS 26.1", "Core ML, iOS 26.1", False)
    assert [check["compute"] for check in kept["checks"]] == [*proof.APPLE]
    for check in kept["checks"]:
        assert [one["encoder"] for one in check["encoders"]] == ["text", "image"]
        assert all(one["least_cosine"] > 0.9999999 and one["load_ms"] >= 0 for one in check["encoders"])


@pytest.mark.parametrize("name", ["off", "nan"])
def test_make_prove_is_red_where_an_embedding_is_off(tested, name):
    with pytest.raises(GateRed, match=r"cpuOnly: text \S+: cosine .*image \S+: cosine"):
        tested[1].judged(name)


def test_make_prove_refuses_the_proof_of_another_export(tested):
    phones.refuses_others(tested[1])


# What Apple's decoder is held to, on a Mac

def test_the_pictures_for_apples_decoder_are_the_references():
    made = json.loads(read(TESTS / "pictures.json"))
    assert len(made) >= 12
    for one in made:
        pixels = load_rgb8(base64.b64decode(one["file"]))
        assert (pixels.shape, pixels.tobytes()) == (
            (one["height"], one["width"], 3), base64.b64decode(one["rgb"])), one["name"]
    shapes = {one["name"]: (one["height"], one["width"]) for one in made}
    assert shapes["turned-6.jpg"] == shapes["mirrored-5.jpg"] == shapes["upright.jpg"][::-1]
    pixels = {one["name"]: one["rgb"] for one in made}
    assert pixels["p3.png"] != pixels["rgb.png"] == pixels["rgb.bmp"] == pixels["lossless.webp"]


# The project file

TOKEN = re.compile(r'(?:\s|//[^\n]*|/\*.*?\*/)*(?:([{}()=;,])|"((?:[^"\\]|\\.)*)"|([\w./$]+)|(\Z))', re.S)


def parsed(text: str) -> dict:
    """An old-style property list as dicts, lists and strings. Raises ValueError for what is none."""
    tokens, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"no property list at {text[place:place + 30]!r}")
        tokens.append(match[1] or ("text", match[2] if match[2] is not None else match[3]))
        place = match.end()
    tokens.reverse()

    def expect(mark: str) -> None:
        if not tokens or tokens.pop() != mark:
            raise ValueError(f"expected {mark} before {tokens[-3:][::-1]}")

    def value():
        token = tokens.pop() if tokens else None
        if token == "{":
            made = {}
            while tokens and tokens[-1] != "}":
                key = value()
                expect("=")
                if key in made:
                    raise ValueError(f"{key} stands twice")
                made[key] = value()
                expect(";")
            expect("}")
            return made
        if token == "(":
            made = []
            while tokens and tokens[-1] != ")":
                made.append(value())
                expect(",")
            expect(")")
            return made
        if not isinstance(token, tuple) or token[1] is None:
            raise ValueError(f"expected a value, found {token}")
        return token[1]

    whole = value()
    if [token for token in tokens if token != ("text", None)]:
        raise ValueError("more than one property list")
    return whole


def strings_in(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return [text for part in parts for text in strings_in(part)]


def problems(text: str) -> list[str]:
    """What is wrong with a project file at PROJECT's place."""
    project = parsed(text)
    objects = project["objects"]

    def of_kind(isa: str) -> list[dict]:
        return [one for one in objects.values() if one["isa"] == isa]

    uses = {word for value in (project["rootObject"], *objects.values()) for word in strings_in(value)}
    found = [f"no object {word}" for word in uses if re.fullmatch(r"[0-9A-F]{24}", word) and word not in objects]
    found += [f"{objects[key]['isa']} {key} is not used" for key in objects if key not in uses]
    for group in of_kind("PBXGroup"):
        if "path" in group:
            found += model_problems(group, objects)
    for folder in of_kind("PBXFileSystemSynchronizedRootGroup"):
        found += folder_problems(APP / folder["path"])
    packages = [APP / one["relativePath"] / "Package.swift" for one in of_kind("XCLocalSwiftPackageReference")]
    found += [f"no {file}" for file in packages if not file.is_file()]
    found += [f"no file {one['path']}" for one in of_kind("PBXFileReference")
              if one["sourceTree"] == "SOURCE_ROOT" and not (APP / one["path"]).exists()]
    products = "".join(read(file) for file in packages if file.is_file())
    found += [f"no product {one['productName']}" for one in of_kind("XCSwiftPackageProductDependency")
              if f'.library(name: "{one["productName"]}"' not in products]
    return found


def model_problems(group: dict, objects: dict) -> list[str]:
    """Of the one group of files that are listed: that of `make apps`, whose packages Xcode compiles."""
    def taken_by(phase: str) -> set[str]:
        built = [objects[key] for one in objects.values() if one["isa"] == phase for key in one["files"]]
        files = {one["fileRef"] for one in built if "fileRef" in one}
        return {objects[child]["path"] for child in group["children"] if child in files}

    folder = apps.APPS[0].folder
    found = [f"a group {group['path']}, expected {folder.name}"] * (APP / group["path"] != folder)
    if taken_by("PBXSourcesBuildPhase") != {encoder + table.FORMATS["coreml"].suffix for encoder in table.ENCODERS}:
        found.append("not the packages of `make apps` are compiled")
    if taken_by("PBXResourcesBuildPhase") != {manifest.NAME, manifest.TOKENIZER, apps.CATALOG}:
        found.append("not the other files of `make apps` are copied")
    return found


def folder_problems(folder: Path) -> list[str]:
    """Of a folder whose files Xcode finds by itself."""
    files = [path.relative_to(folder) for path in folder.rglob("[!.]*") if path.is_file()]
    if not files:
        return [f"no files in {folder}"]

    def kind(path: Path) -> str:
        return next((Path(part).suffix for part in path.parts if "." in part), "")

    return [f"Xcode has no use for {path}" for path in files if kind(path) not in TAKEN]


def test_the_project_refers_to_what_is_there():
    assert problems(read(PROJECT / "project.pbxproj")) == []


@pytest.mark.parametrize(("old", "new", "says"), [
    ("image.mlpackage in Sources */ = {isa = PBXBuildFile; fileRef = 5E0C00000000000000000002",
     "image.mlpackage in Sources */ = {isa = PBXBuildFile; fileRef = 5E0C000000000000000000FF", "no object 5E0C"),
    ("path = ShopSearchTests;", "path = Elsewhere;", "no files in .*Elsewhere"),
    ("relativePath = ../Search;", "relativePath = ../Find;", "no .*Find/Package.swift"),
    ("{\n\t\t\tisa = XCSwiftPackageProductDependency;\n\t\t\tproductName = MobileCLIPKit;\n\t\t};\n"
     "\t\t5E0C00000000000000000030", "{\n\t\t\tisa = XCSwiftPackageProductDependency;\n\t\t\tproductName = Kit;\n"
     "\t\t};\n\t\t5E0C00000000000000000030", "no product Kit"),
    ("path = shop.catalog;", "path = my.catalog;", "are copied"),
    ("path = text.mlpackage;", "path = text.mlmodel;", "are compiled"),
    ("5E0C00000000000000000024 /* XCLocalSwiftPackageReference \"../Search\" */,", "", "is not used"),
    ("path = Model;", "path = Models;", "a group Models"),
    ("path = ../../parity/goldens;", "path = ../goldens;", "no file ../goldens"),
])
def test_a_project_that_refers_elsewhere_is_noticed(old, new, says):
    text = read(PROJECT / "project.pbxproj")
    assert text.count(old) == 1
    assert re.search(says, "\n".join(problems(text.replace(old, new))))


@pytest.mark.parametrize(("old", "new"), [("\t};\n", "\n"), (");\n", ";\n"), ("isa = ", "isa "), ("= \"\";", "= \";")])
def test_a_project_file_out_of_balance_is_noticed(old, new):
    text = read(PROJECT / "project.pbxproj")
    assert old in text
    with pytest.raises(ValueError):
        parsed(text.replace(old, new, 1))


def test_a_file_that_xcode_would_pass_over_is_noticed(tmp_path):
    (tmp_path / "A.xcassets").mkdir()
    for name in ("A.xcassets/a.json", "a.swift", "notes.md", "b"):
        (tmp_path / name).touch()
    assert sorted(folder_problems(tmp_path)) == ["Xcode has no use for b", "Xcode has no use for notes.md"]


def test_the_scheme_names_the_projects_targets():
    targets = {key: made["name"] for key, made in parsed(read(PROJECT / "project.pbxproj"))["objects"].items()
               if made["isa"] == "PBXNativeTarget"}
    scheme = ET.parse(PROJECT / "xcshareddata" / "xcschemes" / "ShopSearch.xcscheme")
    named = {one.get("BlueprintIdentifier"): one.get("BlueprintName") for one in scheme.iter("BuildableReference")}
    assert named == targets


def settings(name: str) -> list[dict]:
    """The build settings of a target, one for each configuration, with the project's under them."""
    objects = parsed(read(PROJECT / "project.pbxproj"))["objects"]

    def of(isa: str) -> list[dict]:
        made = next(one for one in objects.values() if one["isa"] == isa and one.get("name", name) == name)
        return [objects[key]["buildSettings"] for key in objects[made["buildConfigurationList"]]["buildConfigurations"]]

    return [whole | own for whole, own in zip(of("PBXProject"), of("PBXNativeTarget"), strict=True)]


def test_the_app_is_swift_6_for_ios_17_without_code_made_from_models():
    for one in settings("ShopSearch"):
        assert (one["SWIFT_VERSION"], one["IPHONEOS_DEPLOYMENT_TARGET"]) == ("6.0", "17.0")
        assert (one["GENERATE_INFOPLIST_FILE"], one["COREML_CODEGEN_LANGUAGE"]) == ("YES", "None")
        assert "CODE_SIGN_ENTITLEMENTS" not in one
        assert one["INFOPLIST_KEY_ITSAppUsesNonExemptEncryption"] == "NO"


def test_the_shared_scheme_runs_what_is_optimised():
    scheme = ET.parse(PROJECT / "xcshareddata" / "xcschemes" / "ShopSearch.xcscheme")
    assert {one.tag: one.get("buildConfiguration") for one in scheme.getroot() if one.get("buildConfiguration")} == {
        "TestAction": "Debug", "LaunchAction": "Release", "ProfileAction": "Release", "AnalyzeAction": "Debug",
        "ArchiveAction": "Release"}
    assert {made["name"]: one["SWIFT_OPTIMIZATION_LEVEL"] for made, one in zip(
        ({"name": "Debug"}, {"name": "Release"}), settings("ShopSearch"), strict=True)} == {
            "Debug": "-Onone", "Release": "-O"}


def test_the_tests_link_the_package_themselves():
    objects = parsed(read(PROJECT / "project.pbxproj"))["objects"]
    for one in objects.values():
        if one["isa"] == "PBXNativeTarget":
            linked = [objects[objects[key]["productRef"]]["productName"] for phase in one["buildPhases"]
                      if objects[phase]["isa"] == "PBXFrameworksBuildPhase" for key in objects[phase]["files"]]
            assert linked == ["MobileCLIPKit", "MobileCLIPSearch", "MobileCLIPShop"], one["name"]


def test_links_and_activities_are_those_of_the_code():
    information = plistlib.loads((APP / "ShopSearch-Info.plist").read_bytes())
    routes = read(SOURCES / "Logic" / "Route.swift")
    (scheme,) = information["CFBundleURLTypes"][0]["CFBundleURLSchemes"]
    assert f'link.scheme == "{scheme}"' in routes
    assert [f'static let activity = "{name}"' in routes for name in information["NSUserActivityTypes"]] == [True]
    assert {one["INFOPLIST_FILE"] for one in settings("ShopSearch")} == {"ShopSearch-Info.plist"}


def test_the_pictures_and_colours_are_there():
    assets = SOURCES / "Assets.xcassets"
    for contents in assets.rglob("Contents.json"):
        named = [one["filename"] for one in json.loads(read(contents)).get("images", [])]
        assert {path.name for path in contents.parent.glob("*.png")} == set(named)
    for made in settings("ShopSearch"):
        with Image.open(assets / f"{made['ASSETCATALOG_COMPILER_APPICON_NAME']}.appiconset" / "AppIcon.png") as icon:
            assert (icon.size, icon.mode) == ((1024, 1024), "RGB")         # Apple takes no transparency
        colours = assets / f"{made['ASSETCATALOG_COMPILER_GLOBAL_ACCENT_COLOR_NAME']}.colorset" / "Contents.json"
        assert ["appearances" in one for one in json.loads(read(colours))["colors"]] == [False, True]  # dark


# Strings

def keys_in(source: str) -> set[str]:
    """The texts that a shopper sees, `%` for each value within; not symbols' names."""
    value = r"\\\((?:[^()]|\([^()]*\))*\)"
    texts = {re.sub(value, "%", text.replace("%", "%%")) for text in re.findall(r'"((?:[^"\\]|\\.)*)"', source)}
    return {text for text in texts if not re.fullmatch(r"[a-z0-9.%-]*", text)}


def test_every_text_that_the_code_shows_is_there_and_no_other():
    assert keys_in('Text("\\(n) % match of \\(a.b)") Image(systemName: "star.fill")') == {"% %% match of %"}
    shown = code(SOURCES / "Views") + read(SOURCES / "Intents.swift")
    keys = json.loads(read(SOURCES / "Localizable.xcstrings"))["strings"]
    assert keys_in(re.sub(r"//.*", "", shown)) == {re.sub("%lld|%@", "%", key) for key in keys}


def test_the_info_texts_are_those_of_the_project():
    texts = app_texts.ios(SOURCES / "InfoPlist.xcstrings")["en"]
    for key, text in texts.items():
        assert {one[f"INFOPLIST_KEY_{key}"] for one in settings("ShopSearch")} == {text}


ANDROID_ONLY = {"no_picture_app", "live", "take_elsewhere"}      # states that iOS has not
IOS_ONLY = {"Close", "Settings"}                                 # what Android's system has


def test_the_twin_on_android_says_the_same():
    twin, own = app_texts.android()["en"], app_texts.ios()["en"]
    said = {app_texts.shown(text): name for name, text in twin.items()}
    assert {app_texts.shown(text) for text in own.values()} - said.keys() == IOS_ONLY
    assert {said[text] for text in said.keys() - own.keys()} == ANDROID_ONLY


def test_every_writing_system_that_the_search_names_has_a_code():
    named = re.findall(r'"(\w+)": "([A-Z][a-z]{3})"', read(SHOP / "WritingSystemNames.swift"))
    assert {name for name, _ in named} == set(SCRIPTS)
    assert len({short for _, short in named}) == len(SCRIPTS)


# Privacy

NETWORK = re.compile(r"https?:|\bURLSession|\bimport Network\b|\bNW[A-Z]|\bCFSocket|\bWKWebView|\bSFSafari|\bsocket\(")
# Apple's list of interfaces that want a reason in the privacy manifest
REASONS = re.compile(r"UserDefaults|AppStorage|[cC]reationDate|[mM]odificationDate|\b[fl]?stat\(|getattrlist|statv?fs"
                     r"|systemUptime|mach_absolute_time|volumeAvailableCapacity|system(?:Free)?Size\b|activeInputModes")


@pytest.mark.parametrize(("pattern", "caught", "but"), [
    (NETWORK, ["URLSession.shared", "import Network", "https://a", "NWConnection()"], [UPDATE]),
    (REASONS, ["UserDefaults.standard", "@AppStorage", "stat(a)", ".contentModificationDateKey", ".systemUptime"], []),
], ids=["network", "reasons"])
def test_neither_the_app_nor_the_package_uses(pattern, caught, but):
    assert all(pattern.search(text) for text in caught)
    folders = [folder for folder in (SEARCH / "Sources").iterdir() if folder not in but]
    assert pattern.findall(code(SOURCES, *folders)) == []


def test_the_app_and_what_it_links_are_without_the_module_of_the_network():
    assert NETWORK.search(code(UPDATE))
    assert UPDATE.name not in read(PROJECT / "project.pbxproj")
    others = [folder for folder in (SEARCH / "Sources").iterdir() if folder != UPDATE]
    assert f"import {UPDATE.name}" not in code(SOURCES, *others)
    for package in (SEARCH / "Package.swift", ROOT / "Package.swift"):
        text = read(package)
        assert dependents(text) == []
        assert dependents(text.replace('dependencies: ["MobileCLIPSearch"]', f'dependencies: ["{UPDATE.name}"]'))


def dependents(package: str) -> list[str]:
    """The lines of a Package.swift on which a target, but for tests, depends on the module of the network."""
    return [line for line in package.splitlines()
            if re.search(rf'dependencies: \[[^\]]*"{UPDATE.name}"', line) and ".testTarget(" not in line]


def test_the_privacy_manifest_declares_nothing():
    declared = plistlib.loads((SOURCES / "PrivacyInfo.xcprivacy").read_bytes())
    assert declared == {"NSPrivacyTracking": False, "NSPrivacyTrackingDomains": [], "NSPrivacyCollectedDataTypes": [],
                        "NSPrivacyAccessedAPITypes": []}
    assert not list(APP.rglob("*.entitlements"))
