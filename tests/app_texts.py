"""The resources of the three apps enter; their texts leave in one form, with arguments as {0} and plurals as tables."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from tests.conftest import ROOT

RESOURCES = ROOT / "android_sample" / "app" / "src" / "main" / "res"
IOS = ROOT / "ios_sample" / "App" / "ShopSearch"
WEB = ROOT / "web_sample" / "app"
LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ja", "ko", "de", "fr", "es", "ar")

Text = str | dict[str, str]                  # a plural: of each of CLDR's categories, the text
Texts = dict[str, Text]                      # by name
Languages = dict[str, Texts]


def folder(language: str) -> str:
    """Of Android's resources. A script needs the longer form of a tag."""
    return "values" if language == "en" else "values-b+" + language.replace("-", "+") if "-" in language \
        else f"values-{language}"


def android(resources: Path = RESOURCES) -> Languages:
    return {language: _strings(resources / folder(language) / "strings.xml") for language in LANGUAGES}


def _strings(path: Path) -> Texts:
    root = ElementTree.parse(path).getroot()
    plurals: Texts = {text.get("name"): {item.get("quantity"): _numbered(item.text) for item in text}
                      for text in root.iter("plurals")}
    return {text.get("name"): _numbered(text.text or "") for text in root.iter("string")} | plurals


def ios(path: Path = IOS / "Localizable.xcstrings") -> Languages:
    """By the text in English, which is the key in Swift."""
    catalog = json.loads(path.read_text(encoding="utf-8"))
    assert catalog["sourceLanguage"] == "en"
    return {language: {_numbered(key): found for key, entry in catalog["strings"].items()
                       if (found := _localised(key, entry, language)) is not None} for language in LANGUAGES}


def _localised(key: str, entry: dict, language: str) -> Text | None:
    there = entry.get("localizations", {})
    if language not in there:
        return _numbered(key) if language == "en" else None
    if plural := there[language].get("variations", {}).get("plural"):
        return {category: _unit(text) for category, text in plural.items()}
    return _unit(there[language])


def _unit(node: dict) -> str:
    assert node["stringUnit"]["state"] == "translated"
    return _numbered(node["stringUnit"]["value"])


def web(texts: Path = WEB / "texts") -> Languages:
    return {language: json.loads((texts / f"{language}.json").read_text(encoding="utf-8")) for language in LANGUAGES}


def every(text: Text) -> list[str]:
    """All forms of a text."""
    return [text] if isinstance(text, str) else list(text.values())


def shown(text: Text) -> str:
    """What stands for a text: of a plural, the form that every language has."""
    return text if isinstance(text, str) else text["other"]


def by_english(texts: Languages) -> Languages:
    """By the text in English, as iOS has them."""
    return {language: {shown(texts["en"][name]): text for name, text in there.items() if name in texts["en"]}
            for language, there in texts.items()}


def arguments(text: str) -> list[str]:
    return sorted(re.findall(r"\{\d\}", text))


def _numbered(text: str) -> str:
    """With {0} and so on for the arguments of Java's and Swift's formats. Raises AssertionError for other formats."""
    found = [0]

    def place(match: re.Match) -> str:
        found[0] += 1
        return f"{{{int(match[1]) - 1 if match[1] else found[0] - 1}}}"

    plain = re.sub(r"%(?:(\d)\$)?(?:lld|@|[sd])", place, text)
    assert "%" not in plain.replace("%%", ""), text
    return plain.replace("%%", "%")


def faults(check: Callable[[str, str, str, str], bool], apps: dict[str, Languages]) -> list[str]:
    """Where `check` is not true of language, name, text in English and text: `app language: name`."""
    return [f"{app} {language}: {name}" for app, texts in apps.items() for language, there in texts.items()
            for name, text in there.items() for one in every(text)
            if not check(language, name, shown(texts["en"].get(name, "")), one)]
