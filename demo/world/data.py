"""The data files of this folder enter; names and sentences leave as plain values.

`names.tsv` has a row a glyph, the shop's products first and in the shop's order: the character, and in each language
its name, then perhaps others after "|". `training.tsv`, `first.tsv` and `second.tsv` have a sentence a row and its
language; `{name}` stands for a name. `sentence_text` puts it in.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from demo.wording import with_article
from export.common.errors import InputError

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "zh-Hans", "zh-Hant", "ja", "ko", "es", "de", "fr")     # of the names and sentences
UNSPACED = ("zh-Hans", "zh-Hant", "ja")       # no spaces between their words
REPORTED = {"en": ("en",), "zh": ("zh-Hans", "zh-Hant"), "de": ("de",), "ja": ("ja",), "ko": ("ko",), "es": ("es",),
            "fr": ("fr",)}                   # the languages of the results, and what each of them joins
SentenceSet = Literal["training", "first", "second"]

HANGUL, HANGUL_LAST, FINALS = 0xAC00, 0xD7A3, 28
PARTICLES = re.compile(r"\{(\w+)/(\w+)\}")   # Korean: {after a consonant/after a vowel}


@dataclass(frozen=True)
class NamedGlyph:
    """A glyph, and its names in each language, the first of which is CLDR's short name."""

    character: str
    names: dict[str, tuple[str, ...]]


def _rows(path: Path, columns: tuple[str, ...]) -> list[list[str]]:
    if not path.is_file():
        raise InputError("a table of demo-world is missing", where=path, remedy="restore it from the repository")
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    if first.split("\t") != list(columns) or any(len(row) != len(columns) for row in rows):
        raise InputError("a table of demo-world has other columns", where=path, expected=", ".join(columns),
                         found=first, remedy="restore it from the repository")
    return rows


def read_names(path: Path = FOLDER / "names.tsv") -> list[NamedGlyph]:
    """Every glyph; its place in the list is its number."""
    return [NamedGlyph(character, {language: tuple(cell.split("|"))
                                   for language, cell in zip(LANGUAGES, cells, strict=True)})
            for character, *cells in _rows(path, ("character", *LANGUAGES))]


def read_sentences(kind: SentenceSet, folder: Path = FOLDER) -> dict[str, list[str]]:
    """The sentences of a set by language, each with `{name}` or, in English, `{a}`."""
    sentences: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for language, sentence in _rows(folder / f"{kind}.tsv", ("language", "sentence")):
        sentences[language].append(sentence)
    return sentences


def sentence_text(sentence: str, name: str) -> str:
    """The sentence with the name put in: `{a}` takes an English article, `{을/를}` the particle that fits the name."""
    chosen = PARTICLES.sub(lambda found: found[1 if _ends_in_consonant(name) else 2], sentence)
    return chosen.format(name=name, a=with_article(name))


def _ends_in_consonant(name: str) -> bool:
    last = ord(name[-1])
    return HANGUL <= last <= HANGUL_LAST and (last - HANGUL) % FINALS != 0
