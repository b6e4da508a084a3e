"""The public types of the Kotlin and the Swift search module: the same names in both, and none that hides another's."""

import re
from pathlib import Path

from tests.conftest import ROOT

KOTLIN = ROOT / "android_sample" / "search" / "src" / "main" / "kotlin" / "shop" / "mobileclip" / "search"
SWIFT = ROOT / "ios_sample" / "Search" / "Sources" / "MobileCLIPSearch"
TYPES = {
    KOTLIN: re.compile(r"^public (?:(?!class|interface|object)\w+ )*(?:class|interface|object) (\w+)", re.M),
    SWIFT: re.compile(r"^public (?:\w+ )*(?:actor|class|enum|protocol|struct|typealias) (\w+)", re.M),
}

# Exceptions, a sealed answer and an interface of one function are Kotlin's way to say what Swift's `throws`, tasks and
# closures say. Pictures are decoded by a module of Android's own, which asks what part an encoder sees; in Swift the
# arithmetic of decoding is in the package, where it is tested on Linux.
KOTLIN_ALONE = {"BadFileException", "BadPictureException", "RunningSearch", "SearchOutcome", "SearchListener",
                "PictureEmbedder", "ImageWindow",
                "NamedBy", "UpdateErrorKind", "UpdateWay"}       # Swift has these within other types
SWIFT_ALONE = {"SearchError", "PictureRegion", "DecodingPlan", "UpdateError", "UpdateEvent", "UpdateKey"}

# Of the standard libraries, of Android's and Apple's frameworks, or so general that an app has its own.
CLASHING = {
    "Artifact", "Ask", "Calibration", "Catalog", "Data", "Decoder", "Encoder", "Error", "Filter", "Hit", "Image",
    "Interpolation", "Licence", "Manifest", "Match", "Model", "Outcome", "Picture", "Product", "Query", "Request",
    "Result", "Rgb", "Running", "Scripts", "State", "Task", "Text", "Tokenizer", "Transaction", "View",
}


def public_types(module: Path) -> set[str]:
    """The names of a module's public top-level types."""
    sources = [file.read_text(encoding="utf-8") for file in module.iterdir() if file.suffix in (".kt", ".swift")]
    return {name for source in sources for name in TYPES[module].findall(source)}


def test_both_modules_have_the_same_public_types():
    kotlin, swift = public_types(KOTLIN), public_types(SWIFT)
    assert len(swift) > 10
    assert (kotlin - swift, swift - kotlin) == (KOTLIN_ALONE, SWIFT_ALONE)


def test_no_public_type_hides_a_common_name():
    assert (public_types(KOTLIN) | public_types(SWIFT)) & CLASHING == set()


def test_every_kind_of_type_is_found():
    kotlin = "public sealed interface A\npublic data class B(\npublic object C\npublic enum class D(\ninternal class X"
    swift = "public struct A: B {\npublic final class B {\npublic actor C {\npublic protocol D {\nstruct X {\n"
    assert TYPES[KOTLIN].findall(kotlin) == TYPES[SWIFT].findall(swift) == ["A", "B", "C", "D"]
