"""The Android app without an SDK: compiled against Android's own classes, linked by aapt2, its screens drawn.

All is done in a copy of android_sample/ (android_sample/check/pom.xml says how), with the artefacts of the folder that
DIST names (default: the demo model, exported here). SCREENS=folder keeps the pictures.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from catalog_builder import apps
from export.common.command import GateRed
from export.formats.table import TFLITE
from parity import goldens
from tests import android_library, app_texts, phones
from tests.conftest import ROOT

SAMPLE = ROOT / "android_sample"
MAIN = SAMPLE / "app" / "src" / "main"
LIBRARY = SAMPLE / "search-android"
UPDATE = SAMPLE / "update"                   # which the app does not take
NETWORK = [f"android.permission.{name}" for name in ("ACCESS_NETWORK_STATE", "INTERNET")]
LIBRARIES = tuple(sorted((ROOT / "tests" / "fixtures" / "android").glob("*.xml")))     # their manifests
MOST_LINES = 1200                            # of Kotlin in the app: what is more belongs into the libraries
VARIANTS = ("light", "dark", "zh-Hant", "german", "large-text", "tablet", "landscape", "arabic")
STATES = ("idle", "preparing", "searching", "results", "less-certain", "only-less-certain", "not-measured",
          "unknown-script", "exact-matches", "exact-matches-first", "no-match", "error", "error-picture",
          "error-memory", "picture-and-words", "part", "details", "live", "staff")
SHADED = ("part",)                           # a dialog
ANDROID = "{http://schemas.android.com/apk/res/android}"
TOOLS = "{http://schemas.android.com/tools}"
PACKAGE = "shop.mobileclip.app"
AARS = ("tensorflow-lite", "tensorflow-lite-api", "monitor")
MAVEN = ("mvn", "-B", "-ntp", "-Dkotlin.compiler.daemon=false")      # a daemon would be left behind, and shared


@dataclass(frozen=True)
class Built:
    """What came of the app."""

    sample: Path                             # the copy of android_sample/
    proved: phones.Proved                    # what its self-check was given
    screens: Path
    answer: subprocess.CompletedProcess      # of `mvn test`

    @property
    def target(self) -> Path:
        return self.sample / "check" / "target"


@pytest.fixture(scope="module")
def built(request, sample_shop, tmp_path_factory) -> Built:
    """The app compiled, linked, and its tests run once."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            pytest.skip(f"not run, because there is no {tool}; remedy: apt-get install maven")
    if sys.platform not in ("linux", "darwin"):
        pytest.skip(f"not run, because there is no aapt2 for {sys.platform} here")
    folder = tmp_path_factory.mktemp("android")
    sample = folder / "android_sample"
    shutil.copytree(SAMPLE, sample, ignore=shutil.ignore_patterns("target", "build", "assets", ".gradle"))
    named = os.environ.get("DIST")
    dist = Path(named).resolve() if named else request.getfixturevalue("gated")[0]
    # The assets, as `make apps` makes them, with the sample shop.
    apps.fill(dist, sample_shop(dist), None, apps.Accepted(),
              apps=(apps.App("Android", TFLITE, sample / "app/src/main/assets"),))
    succeeds(*MAVEN, "-q", "-f", sample / "search", "package", "-Dmaven.test.skip=true")
    succeeds(*MAVEN, "-q", "-f", sample / "check", "initialize")
    link(sample)
    proved = phones.prepare(dist, folder / "proved", TFLITE)
    screens = Path(os.environ.get("SCREENS", folder / "screens")).resolve()
    answer = run(*MAVEN, "-f", sample / "check", f"-Dlibraries={':'.join(map(str, LIBRARIES))}", "test",
                 SCREENS=str(screens), PROVE=str(proved.folder), PICTURE=str(turned_picture(folder / "turned.jpg")),
                 GOLDENS=os.environ.get("GOLDENS", str(goldens.OUT)))
    return Built(sample, proved, screens, answer)


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, env=os.environ | environment)


def succeeds(*command: str | Path) -> None:
    answer = run(*command)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def link(sample: Path) -> None:
    """R.java, the APK with resources and assets, and what tells Robolectric of both: the Gradle plugin's part."""
    target, main = sample / "check" / "target", sample / "app" / "src" / "main"
    fetched, generated, config = target / "fetched", target / "generated", target / "config/com/android/tools"
    generated.mkdir()
    config.mkdir(parents=True)
    for name in AARS:
        (fetched / f"{name}.jar").write_bytes(zipfile.ZipFile(fetched / f"{name}.aar").read("classes.jar"))
    aapt2 = fetched / "aapt2"
    system = {"linux": "linux", "darwin": "macosx"}[sys.platform]
    aapt2.write_bytes(zipfile.ZipFile(fetched / "apktool-lib.jar").read(f"prebuilt/{system}/aapt2"))
    aapt2.chmod(0o755)
    gradle = (sample / "app" / "build.gradle.kts").read_text(encoding="utf-8")
    manifest = (main / "AndroidManifest.xml").read_text(encoding="utf-8")
    manifest = manifest.replace("<manifest ", f'<manifest package="{PACKAGE}" ').replace("${applicationId}", PACKAGE)
    (target / "AndroidManifest.xml").write_text(manifest, encoding="utf-8")
    for name in ("search-android", "update"):
        build = (sample / name / "build.gradle.kts").read_text(encoding="utf-8")
        least = f'<uses-sdk android:minSdkVersion="{number("minSdk", build)}" />'
        library = (sample / name / "src" / "main" / "AndroidManifest.xml").read_text(encoding="utf-8")
        library = re.sub("<manifest ([^>]*)>", rf'<manifest package="{namespace(build)}" \1>{least}', library)
        (target / f"{name}.xml").write_text(library, encoding="utf-8")
    build_config(sample, generated)
    (target / "Unguarded.xml").write_text(re.sub("<.*tools:node=.*", "", manifest), encoding="utf-8")
    (target / "Guarded.xml").write_text(manifest, encoding="utf-8")
    (target / "Updating.xml").write_text(re.sub(f"<.*({'|'.join(NETWORK)})\".*", "", manifest), encoding="utf-8")
    stored = re.findall(r'"(\w+)"', re.search(r"noCompress \+= listOf\((.*)\)", gradle)[1])
    succeeds(aapt2, "compile", "--dir", main / "res", "-o", target / "res.zip")
    succeeds(aapt2, "link", "-I", fetched / "android-all.jar", "--manifest", target / "AndroidManifest.xml",
             "--min-sdk-version", number("minSdk", gradle), "--target-sdk-version", number("targetSdk", gradle),
             "--java", generated, "-A", main / "assets", *(part for suffix in stored for part in ("-0", suffix)),
             "-o", target / "app.apk", target / "res.zip")
    (config / "test_config.properties").write_text(
        f"android_custom_package={PACKAGE}\nandroid_merged_manifest={target}/AndroidManifest.xml\n"
        f"android_merged_assets={main}/assets\nandroid_resource_apk={target}/app.apk\n", encoding="utf-8")


def build_config(sample: Path, generated: Path) -> None:
    """BuildConfig.java of the library: the versions that its build file takes from libs.versions.toml."""
    gradle = (sample / "search-android" / "build.gradle.kts").read_text(encoding="utf-8")
    versions = tomllib.loads((sample / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))["versions"]
    named = re.findall(r'buildConfigField\("(\w+)", "(\w+)", "\\"\$\{libs\.versions\.(\w+)\.get\(\)\}\\""\)', gradle)
    fields = "".join(f'    public static final {kind} {name} = "{versions[key]}";\n' for kind, name, key in named)
    package = namespace(gradle)
    folder = generated / package.replace(".", "/")
    folder.mkdir(parents=True)
    (folder / "BuildConfig.java").write_text(f"package {package};\n\npublic final class BuildConfig {{\n{fields}}}\n")


def namespace(gradle: str) -> str:
    return re.search(r'namespace = "(.+)"', gradle)[1]


def number(name: str, gradle: str) -> str:
    return re.search(rf"{name} = (\d+)", gradle)[1]


def turned_picture(path: Path) -> Path:
    """400 x 300, red on the left, blue on the right, to be turned by 90 degrees: upright, red is above."""
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[:, :200, 0], pixels[:, 200:, 2] = 255, 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(path, quality=95, exif=exif)
    return path


# Compiled and run.

def test_every_source_compiles_against_android_and_tensorflow_lite(built):
    classes = {path.stem for path in (built.target / "classes").rglob("*.class")}
    sources = {path.stem for path in (built.sample / "app/src/main/kotlin").rglob("*.kt")}
    assert sources and all({name, f"{name}Kt"} & classes for name in sources), built.answer.stdout[-4000:]


def test_the_app_passes_its_own_tests(built):
    reports = [ElementTree.parse(path).getroot() for path in (built.target / "surefire-reports").glob("TEST-*.xml")]
    cases = [case for report in reports for case in report.iter("testcase")]
    wrong = [f"{case.get('name')}: {outcome.get('message')}" for case in cases for outcome in case
             if outcome.tag in ("failure", "error", "skipped")]
    assert not wrong
    assert built.answer.returncode == 0, built.answer.stdout[-4000:]
    sources = [p for folder in (SAMPLE / "check", LIBRARY, UPDATE) for p in (folder / "src/test").rglob("*.kt")]
    tests = re.findall(r"@Test\b", "".join(p.read_text(encoding="utf-8") for p in sources))
    assert len(cases) == len(tests) > 0


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("state", STATES)
def test_the_screen_is_drawn(built, variant, state):
    pixels = np.asarray(Image.open(built.screens / f"{variant}-{state}.png").convert("RGB"))
    assert np.unique(pixels[len(pixels) // 2:].reshape(-1, 3), axis=0).shape[0] > 8
    if state not in SHADED:
        assert (pixels[-1, -1].mean() < 64) == (variant == "dark")


def test_no_two_screens_look_alike(built):
    pictures = {path.read_bytes() for path in built.screens.glob("*.png")}
    assert len(pictures) == len(VARIANTS) * len(STATES)


def test_what_is_mapped_is_stored_uncompressed(built):
    with zipfile.ZipFile(built.target / "app.apk") as apk:
        stored = {info.filename for info in apk.infolist() if info.compress_type == zipfile.ZIP_STORED}
    names = ("image.tflite", "text.tflite", "tokenizer.safetensors", "shop.catalog")
    assert {f"assets/{name}" for name in names} <= stored


def test_only_what_litert_has_is_called(built):
    """LiteRT's `org.tensorflow.lite` is smaller than TensorFlow Lite's, against which the sources compile here."""
    library = android_library.class_files(built.target / "classes", "shop/mobileclip/android")
    app = android_library.class_files(built.target / "classes", "shop/mobileclip/app")
    found = android_library.tensorflow_members(library)
    assert found and found <= android_library.LITERT
    assert android_library.tensorflow_members(app) == set()


# What the self-check wrote, as `make prove` judges it.

def test_make_prove_takes_the_proof_that_the_app_wrote(built):
    kept = built.proved.judged("good")
    assert kept["device"] and kept["system"] == "Android 15" and kept["platform"] == "android"
    toml = (SAMPLE / "gradle" / "libs.versions.toml").read_text(encoding="utf-8")
    assert kept["runtime"] == f"LiteRT {tomllib.loads(toml)['versions']['litert']}"
    check, = kept["checks"]
    assert [one["encoder"] for one in check["encoders"]] == ["text", "image"]
    assert all(one["least_cosine"] > 0.9999999 and one["load_ms"] >= 0 for one in check["encoders"])


@pytest.mark.parametrize("name", ["off", "nan"])
def test_make_prove_is_red_where_an_embedding_is_off(built, name):
    with pytest.raises(GateRed, match=r"cpu: text \S+: cosine .*image \S+: cosine"):
        built.proved.judged(name)


def test_make_prove_refuses_the_proof_of_another_export(built):
    phones.refuses_others(built.proved)


def test_the_public_api_of_the_android_libraries_is_the_one_that_was_written_down(built):
    for module, package in ((LIBRARY, "android"), (UPDATE, "update")):
        classes = android_library.class_files(built.target / "classes", f"shop/mobileclip/{package}")
        kept = (module / "api.txt").read_text(encoding="utf-8")
        assert android_library.public_api(classes) == kept, "search/README.md says how to write a change down"


def test_no_permission_but_the_camera_whatever_the_libraries_declare(built):
    """The remedy is proved, not what LiteRT's next release declares: the workflow looks at the real APK."""
    assert permissions(built.target / "AndroidManifest-merged.xml") == ["android.permission.CAMERA"]
    assert names(built.target / "AndroidManifest-merged.xml", "uses-feature") == ["android.hardware.camera.any"]


def test_the_app_and_its_libraries_have_no_way_to_the_network(built):
    """The module update is compiled beside them here; nothing of theirs names it, or what opens a connection."""
    classes = [path for package in ("app", "android", "search")
               for path in android_library.class_files(built.target / "classes", f"shop/mobileclip/{package}")]
    search = sorted((built.sample / "search" / "target" / "classes").rglob("*.class"))
    assert classes and search
    assert android_library.network_members([*classes, *search]) == set()
    assert android_library.network_members(
        android_library.class_files(built.target / "classes", "shop/mobileclip/update"))
    for module in ("app", "search-android", "search"):
        assert ":update" not in (SAMPLE / module / "build.gradle.kts").read_text(encoding="utf-8")
    assert '":update"' in (SAMPLE / "settings.gradle.kts").read_text(encoding="utf-8")


def test_with_updates_the_app_has_the_networks_two_permissions_and_no_other(built):
    manifest = built.target / "Updating-merged.xml"
    assert sorted(permissions(manifest)) == sorted(["android.permission.CAMERA", *NETWORK])
    assert permissions(UPDATE / "src" / "main" / "AndroidManifest.xml") == [*reversed(NETWORK)]


def test_as_long_as_the_apps_manifest_takes_the_network_out_no_library_brings_it(built):
    assert permissions(built.target / "Guarded-merged.xml") == ["android.permission.CAMERA"]


def test_without_the_remedy_the_libraries_permissions_arrive(built):
    arrived = permissions(built.target / "Unguarded-merged.xml")
    assert len(arrived) == 6 and {f"android.permission.{name}" for name in ("FOREGROUND_SERVICE_DATA_SYNC", "WAKE_LOCK",
                                                                           "RECEIVE_BOOT_COMPLETED")} < set(arrived)
    assert "android.hardware.npu" in names(built.target / "Unguarded-merged.xml", "uses-feature")


# Resources and manifest.

def hard_coded(main: Path) -> list[str]:
    """Attributes of layouts and of the manifest that hold words instead of naming a text."""
    names = [ANDROID + name for name in ("text", "hint", "contentDescription", "label", "title", "tooltipText")]
    paths = [*main.glob("res/layout*/*.xml"), *main.glob("res/menu/*.xml"), main / "AndroidManifest.xml"]
    return [f"{path.name}: {element.get(name)}" for path in paths
            for element in ElementTree.parse(path).iter() for name in names
            if element.get(name) and not element.get(name).startswith("@string/")]


def names(manifest: Path, tag: str) -> list[str]:
    """Of the elements of that kind; those that the merger took out stay in its output, and do not count."""
    return [element.get(ANDROID + "name") for element in ElementTree.parse(manifest).iter()
            if element.tag.startswith(tag) and element.get(TOOLS + "node") != "remove"]


def permissions(manifest: Path) -> list[str]:
    return names(manifest, "uses-permission")


def unused_texts(main: Path) -> set[str]:
    sources = "".join(path.read_text(encoding="utf-8") for kind in ("kt", "xml") for path in main.rglob(f"*.{kind}"))
    every = app_texts.android(main / "res")["en"]
    return {name for name in every if not re.search(rf"(R\.string\.|R\.plurals\.|@string/){name}\b", sources)}


def test_no_words_are_hard_coded():
    assert hard_coded(MAIN) == []


def test_the_app_asks_for_the_camera_alone():
    assert permissions(MAIN / "AndroidManifest.xml") == ["android.permission.CAMERA"]


def test_the_app_stays_small():
    lines = sum(path.read_text(encoding="utf-8").count("\n") for path in MAIN.rglob("*.kt"))
    assert lines <= MOST_LINES


def test_every_text_is_used():
    assert unused_texts(MAIN) == set()


def test_the_checks_can_fail(tmp_path):
    main = tmp_path / "main"
    shutil.copytree(MAIN, main, ignore=shutil.ignore_patterns("assets"))

    def change(path: str, old: str, new: str) -> None:
        file = main / path
        before = file.read_text(encoding="utf-8")
        assert old in before
        file.write_text(before.replace(old, new, 1), encoding="utf-8")

    change("res/values/strings.xml", "</resources>", '<string name="alone">Alone</string></resources>')
    change("res/layout/view_answer.xml", "@string/retry", "Again")
    change("AndroidManifest.xml", "<application",
           '<uses-permission android:name="android.permission.READ_CALENDAR" /><application')
    assert hard_coded(main) == ["view_answer.xml: Again"]
    assert permissions(main / "AndroidManifest.xml") == [f"android.permission.{name}"
                                                         for name in ("CAMERA", "READ_CALENDAR")]
    assert unused_texts(main) == {"alone", "retry"}


def test_a_build_without_a_model_says_what_to_do():
    gradle = (SAMPLE / "app" / "build.gradle.kts").read_text(encoding="utf-8")
    assert re.search(r"src/main/assets/manifest\.json", gradle) and "make export catalog apps" in gradle


def test_both_builds_take_the_same_kotlin():
    pattern = r"<kotlin\.version>(.+)</kotlin\.version>"
    search, check = (re.search(pattern, (SAMPLE / name / "pom.xml").read_text())[1] for name in ("search", "check"))
    assert search == check
