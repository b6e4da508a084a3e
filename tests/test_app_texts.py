"""The three apps' texts in every language: complete, the same on all three, consistent, and as the language writes."""

import copy
import json
import plistlib
import re
import tomllib
from xml.etree import ElementTree

import pytest

from tests import app_texts
from tests.app_texts import LANGUAGES, Languages, faults
from tests.conftest import ROOT

APPS = {"android": app_texts.android(), "ios": app_texts.ios(), "web": app_texts.web()}
TRANSLATED = LANGUAGES[1:]
# CLDR's categories for whole numbers; a test of web_sample holds the web's to Intl.PluralRules.
PLURALS = {**dict.fromkeys(("zh-Hans", "zh-Hant", "ja", "ko"), {"other"}),
           **dict.fromkeys(("en", "de"), {"one", "other"}), **dict.fromkeys(("fr", "es"), {"one", "many", "other"}),
           "ar": {"zero", "one", "two", "few", "many", "other"}}
WITHOUT_NUMBER = ("zero", "one", "two")      # forms that Arabic has for these numbers alone
# What web and phone say otherwise: a page is loaded again, an app installed again.
OWN = {"error_files", "error_memory"}
SAME_AS_ENGLISH = {"de": {"Name", "Text"}, "fr": {"Description", "Image"}}
# What a language's own characters are, of which the texts must hold some and nothing else but ASCII and punctuation.
WRITTEN = {"zh-Hans": "gb2312", "zh-Hant": "big5", "ja": "shift_jis", "ko": "euc_kr", "de": "cp1252", "fr": "cp1252",
           "es": "cp1252", "ar": "iso8859_6"}
PUNCTUATION = "“”„‘’«»…\u00a0"
QUOTES = {"en": "’", "zh-Hans": "“”", "zh-Hant": "「」", "ja": "「」", "ko": "‘’", "de": "„“", "fr": "«»’", "es": "«»",
          "ar": "«»"}
LETTERS = {"zh-Hans": "[\u4e00-\u9fff]", "zh-Hant": "[\u4e00-\u9fff]", "ja": "[\u3040-\u30ff\u4e00-\u9fff]",
           "ko": "[\uac00-\ud7a3]", "ar": "[\u0621-\u064a]"}
GLOSSARY = tomllib.loads((ROOT / "tests/fixtures/app_glossary.toml").read_text(encoding="utf-8"))
# The polite form, by what may not stand there (`not`) and by how sentences end (`end`).
FAMILIAR = {"de": r"\b(?:[Dd]u|[Dd]ich|[Dd]ir|[Dd]eine?[mnrs]?)\b", "fr": r"\b(?:[Tt]u|[Tt]oi|[Tt]es|[Tt]a)\b",
            "es": r"\b(?:[Tt]ú|[Tt]us?|[Tt]e|ti|vos)\b", "zh-Hans": "你", "zh-Hant": "你"}
ENDS = {"ja": r"(?:です|ます|ません|ました|でした|ください|\{0\})。", "ko": r"(?:니다|세요|\{0\})\."}


def planted(app: str, language: str, name: str, text: app_texts.Text | None) -> dict[str, Languages]:
    """The apps with that text instead of their own; none: without it."""
    made = copy.deepcopy(APPS)
    assert name in made[app][language]
    made[app][language][name] = text
    if text is None:
        del made[app][language][name]
    return made


# Complete.

def lacking(apps: dict[str, Languages]) -> list[str]:
    return [f"{app} {language}: {name}" for app, texts in apps.items() for language in LANGUAGES
            for name in sorted(texts["en"].keys() ^ texts[language].keys())]


def has_the_arguments(language: str, _: str, english: str, text: str) -> bool:
    return app_texts.arguments(text) == app_texts.arguments(english)


def misplaced(apps: dict[str, Languages]) -> list[str]:
    """Texts with other arguments than in English; some plural forms of Arabic need no number."""
    bare = {language: {f"{name} {form}": one for name, text in texts.items() if isinstance(text, dict)
                       for form, one in text.items()} for language, texts in apps["android"].items()}
    numberless = {one for forms in bare.values() for name, one in forms.items()
                  if name.split()[1] in WITHOUT_NUMBER and forms is bare["ar"] and "{" not in one}
    return faults(lambda *given: given[3] in numberless or has_the_arguments(*given), apps)


def uneven(apps: dict[str, Languages]) -> list[str]:
    """Plurals that lack a category of their language, or have another."""
    return [f"{app} {language}: {name}" for app, texts in apps.items() for language, there in texts.items()
            for name, text in there.items() if isinstance(text, dict) and text.keys() != PLURALS[language]]


def test_every_language_has_every_text_with_the_arguments_of_english():
    assert all(len(texts["en"]) > 40 for texts in APPS.values())
    assert lacking(APPS) == [] and misplaced(APPS) == []
    assert lacking(planted("ios", "ja", "Buy", None)) == ["ios ja: Buy"]
    assert misplaced(planted("android", "fr", "stars", "{0} sur 5 étoiles")) == ["android fr: stars"]
    assert misplaced(planted("web", "de", "products", {"one": "ein Produkt", "other": "{0} Produkte"})) == [
        "web de: products"]


def test_every_plural_has_the_categories_of_its_language():
    assert [name for texts in APPS.values() for name, text in texts["ar"].items() if isinstance(text, dict)] == [
        "products", "{0} products", "products"]
    assert uneven(APPS) == []
    assert uneven(planted("ios", "fr", "{0} products", {"one": "{0} produit", "other": "{0} produits"})) == [
        "ios fr: {0} products"]


# The same everywhere.

def disagreeing(apps: dict[str, Languages]) -> list[str]:
    """Sentences that two apps share in English, and not in another language."""
    same = {app: app_texts.by_english(texts) for app, texts in apps.items()}
    return [f"{one} {language}: {english}" for one in ("ios", "web") for language in TRANSLATED
            for english in sorted(same["android"][language].keys() & same[one][language].keys())
            if same["android"][language][english] != same[one][language][english]]


def test_a_sentence_that_apps_share_has_one_translation():
    assert disagreeing(APPS) == []
    assert disagreeing(planted("web", "es", "buy", "Compre")) == ["web es: Buy"]
    assert disagreeing(planted("ios", "ar", "{0} products", APPS["ios"]["ar"]["{0} products"] | {"two": "٢"})) == [
        "ios ar: {0} products"]


def test_a_name_that_android_and_the_page_share_is_the_same_sentence():
    shared = APPS["android"]["en"].keys() & APPS["web"]["en"].keys()
    assert {name for name in shared if APPS["android"]["en"][name] != APPS["web"]["en"][name]} == OWN


# As the language writes.

def is_translated(language: str, name: str, english: str, text: str) -> bool:
    if language == "en":
        return text == text.strip() != ""
    plain = re.sub(r"\{\d\}", "", text)
    if language in LETTERS:
        return re.search(LETTERS[language], plain) is not None and not re.search("[A-Za-z]", plain)
    return text != english or english in SAME_AS_ENGLISH.get(language, ())


def is_written(language: str, name: str, english: str, text: str) -> bool:
    """No character of another language: no Traditional ones among the Simplified."""
    kept = "".join(letter for letter in text if letter not in PUNCTUATION)
    try:
        return language == "en" or kept.encode(WRITTEN[language]) != b""
    except UnicodeEncodeError:
        return False


def is_quoted(language: str, name: str, english: str, text: str) -> bool:
    """No quotation mark of another language, no apostrophe of a typewriter, and French spaces that do not break."""
    marks = set(re.findall("[“”„‘’«»「」\"']", text))
    before, after = re.findall("(.)[;:!?»]", text), re.findall("«(.)", text)
    return marks <= set(QUOTES[language]) and (language != "fr" or {*before, *after} <= {"\u00a0"})


def is_polite(language: str, name: str, english: str, text: str) -> bool:
    if language in FAMILIAR and re.search(FAMILIAR[language], text):
        return False
    if language not in ENDS:
        return True
    end = "。" if language == "ja" else r"\."
    return len(re.findall(end, text)) == len(re.findall(ENDS[language], text))


def is_of_the_glossary(language: str, name: str, english: str, text: str) -> bool:
    if language == "en" or name in ("details", "Product"):
        return True
    return all(re.search(words[language], text, re.I) for word, words in GLOSSARY.items()
               if re.search(rf"\b(?:{word})\b", english, re.I))


@pytest.mark.parametrize(("check", "app", "language", "name", "text"), [
    (is_translated, "web", "ja", "buy", "Buy"), (is_translated, "ios", "de", "Close", "Close"),
    (is_written, "android", "zh-Hans", "picture_side", "圖片"), (is_written, "web", "zh-Hant", "picture_side", "图片"),
    (is_quoted, "android", "de", "more_like", "Ähnlich wie \"{0}\""),
    (is_quoted, "web", "fr", "more_like", "Comme « {0} »"),
    (is_polite, "ios", "de", "Settings", "Deine Einstellungen"),
    (is_polite, "web", "ko", "error_other", "다시 시도해."),
    (is_of_the_glossary, "android", "fr", "gone", "La boutique ne propose plus cet article."),
], ids=lambda value: value.__name__ if callable(value) else None)
def test_every_text(check, app, language, name, text):
    assert faults(check, APPS) == []
    assert faults(check, planted(app, language, name, text)) == [f"{app} {language}: {name}"]


# Where else the languages are named.

def info_texts() -> Languages:
    return app_texts.ios(app_texts.IOS / "InfoPlist.xcstrings")


def test_the_system_asks_for_the_camera_and_names_the_app_in_every_language():
    texts = info_texts()
    assert all(there.keys() == {"CFBundleDisplayName", "NSCameraUsageDescription"} for there in texts.values())
    for check in (is_translated, is_written, is_quoted, is_polite):
        assert faults(check, {"ios": texts}) == []
    assert faults(is_of_the_glossary, {"ios": texts}) == []
    assert {language: there["CFBundleDisplayName"] for language, there in texts.items()} == {
        language: there["app_name"] for language, there in APPS["android"].items()}


def test_the_ios_project_knows_every_language():
    project = (ROOT / "ios_sample/App/ShopSearch.xcodeproj/project.pbxproj").read_text(encoding="utf-8")
    known = re.search(r"knownRegions = \((.*?)\);", project, re.S)[1]
    assert [name.strip(' "') for name in re.findall(r"[\w\" -]+(?=,)", known)] == ["en", "Base", *TRANSLATED]
    information = plistlib.loads((ROOT / "ios_sample/App/ShopSearch-Info.plist").read_bytes())
    assert "CFBundleLocalizations" not in information           # which would hide what Xcode derives from the catalogs


def test_android_offers_every_language_and_no_other():
    resources = app_texts.RESOURCES
    offered = ElementTree.parse(resources / "xml" / "locales.xml").getroot()
    name = "{http://schemas.android.com/apk/res/android}name"
    assert [one.get(name) for one in offered] == list(LANGUAGES)
    assert {path.parent.name for path in resources.glob("values*/strings.xml")} == set(map(app_texts.folder, LANGUAGES))
    assert [app_texts.folder(language) for language in ("zh-Hans", "ja")] == ["values-b+zh+Hans", "values-ja"]


def test_the_page_offers_every_language_and_no_other():
    tags = re.search(r"const TAGS = \[(.*?)\];", (app_texts.WEB / "strings.js").read_text(encoding="utf-8"))[1]
    assert re.findall(r"'([\w-]+)'", tags) == list(LANGUAGES)
    assert {path.name for path in (app_texts.WEB / "texts").iterdir()} == {f"{language}.json" for language in LANGUAGES}


def test_an_installed_page_has_its_name_in_every_language():
    manifest = json.loads((app_texts.WEB / "manifest.webmanifest").read_text(encoding="utf-8"))
    assert (manifest["lang"], manifest["dir"]) == ("en", "ltr")
    texts: Languages = {"en": {member: manifest[member] for member in ("name", "description")}}
    for language in TRANSLATED:
        found = {member: manifest[f"{member}_localized"][language] for member in texts["en"]}
        ways = {one["dir"] for one in found.values() if isinstance(one, dict)}
        assert ways == ({"rtl"} if language == "ar" else set())
        texts[language] = {member: one["value"] if isinstance(one, dict) else one for member, one in found.items()}
    for check in (is_translated, is_written, is_quoted, is_polite, is_of_the_glossary):
        assert faults(check, {"web": texts}) == []
    assert {language: there["name"] for language, there in texts.items()} == {
        language: there["app_name"] for language, there in APPS["web"].items()}
