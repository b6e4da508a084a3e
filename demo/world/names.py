"""CLDR's annotation files enter, as the npm package cldr-annotations-full lays them; `names.tsv` leaves.

A glyph's name is CLDR's short name ("tts"). Its other names are those of CLDR's keywords that at most two characters
have, and that no sentence holds; in Japanese also the name in hiragana. English is as the demo's: `demo.glyphs`.
"""

import json
import re
from collections import Counter
from pathlib import Path

from demo.glyphs import Glyph, list_glyphs, other_glyphs, read_font, shop_glyphs
from demo.world.data import FOLDER, LANGUAGES, UNSPACED, read_sentences
from export.common.errors import InputError

FILES = {"zh-Hans": "zh"}                    # where CLDR's folder has another name than the language
OWNERS = 2                                   # characters that may share a keyword: "apple" has two
JOINED = (*UNSPACED, "ko")                   # words stand without spaces, or with particles
KATAKANA = re.compile("[ァ-ヶー]+")
TO_HIRAGANA = ord("ア") - ord("あ")


def _annotations(folder: Path, language: str) -> dict[str, dict[str, list[str]]]:
    path = folder / "annotations" / FILES.get(language, language) / "annotations.json"
    if not path.is_file():
        raise InputError("CLDR's annotations are missing", where=path, expected="the package cldr-annotations-full",
                         found="no such file", remedy="unpack the package and give its folder")
    return json.loads(path.read_text(encoding="utf-8"))["annotations"]["annotations"]


def _holds(sentences: str, word: str, language: str) -> bool:
    """Whether the sentences hold the word: anywhere where words have no spaces, else as a whole word."""
    if language in JOINED:
        return word in sentences
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", sentences) is not None


def _hiragana(name: str) -> str:
    return "".join(chr(ord(letter) - TO_HIRAGANA) if letter != "ー" else letter for letter in name)


def _foreign_names(folder: Path, language: str, glyphs: list[Glyph]) -> list[tuple[str, ...]]:
    entries = _annotations(folder, language)
    owners = Counter(word.lower() for entry in entries.values() for word in set(entry.get("default", ())))
    found = [entries.get(glyph.character) or entries[glyph.character.replace("\ufe0f", "")] for glyph in glyphs]
    taken = {entry["tts"][0].lower() for entry in found}
    sentences = "\n".join(sentence for kind in ("training", "first", "second")
                          for sentence in read_sentences(kind)[language]).lower()
    names = []
    for entry in found:
        name = entry["tts"][0]
        others = [word for word in entry["default"] if owners[word.lower()] <= OWNERS
                  and word.lower() not in taken and len(word) > (1 if language in JOINED else 2)
                  and not any(letter.isdigit() for letter in word) and not _holds(sentences, word.lower(), language)]
        if language == "ja" and KATAKANA.search(name):
            others.append(KATAKANA.sub(lambda run: _hiragana(run[0]), name))
        names.append((name, *dict.fromkeys(others)))
    return names


def write_names(folder: Path, path: Path = FOLDER / "names.tsv") -> None:
    """Reads the package in `folder` and the installed font's list of glyphs, and writes the table."""
    glyphs = list_glyphs(read_font())
    glyphs = [glyph for _, glyph in shop_glyphs(glyphs)] + other_glyphs(glyphs)
    columns = [[(glyph.name, *glyph.aliases) for glyph in glyphs],
               *(_foreign_names(folder, language, glyphs) for language in LANGUAGES[1:])]
    lines = ["\t".join(("character", *LANGUAGES))]
    lines += ["\t".join((glyph.character, *("|".join(names) for names in row)))
              for glyph, row in zip(glyphs, zip(*columns, strict=True), strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
