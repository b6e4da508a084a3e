"""Writes the asset of BERT's WordPiece as Chinese-CLIP cuts it, from a `vocab.txt`: one piece a line, in their order.

Enters: the file, and the model's text side. Leaves: one file; and the reference's ids. cn_clip is no dependency, so the
reference is written here after the rules of its FullTokenizer, with Python's own Unicode data in place of the asset's
tables; `tests/fixtures/cn_clip/` holds the ids of cn_clip 1.6.0 itself.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from export.common.errors import InputError
from export.common.specs import TextSpec
from export.text.assets import version2
from export.text.assets.unicode_tables import as_before_15, every_character

NAME = "vocab.txt"
REMEDY = "take the vocab.txt of the model's repository"
UNKNOWN, SPECIAL = "[UNK]", ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PREFIX, LONGEST = "##", 200              # WordpieceTokenizer of cn_clip
CN_CLIP = "1.6.0"


def write_asset(path: Path, text: TextSpec, vocabulary: Path | None) -> str:
    """Writes the asset, whole or not at all. Returns its SHA-256 as 64 hex digits.

    Raises InputError if the file is no such list, or has more pieces than the text encoder.
    """
    return version2.write(path, asset_bytes(text, vocabulary))


def asset_bytes(text: TextSpec, vocabulary: Path | None) -> bytes:
    """The bytes of the asset. Of equal pieces the last counts, as in cn_clip."""
    pieces = listed(vocabulary)
    ids = {piece: token for token, piece in enumerate(pieces)}
    usable = [token for piece, token in ids.items() if piece and piece not in SPECIAL]
    metadata = {"inner_prefix": PREFIX, "longest_word": str(LONGEST), "cn_clip": CN_CLIP}
    return version2.asset_bytes(text, [piece.encode() for piece in pieces], usable, ids[UNKNOWN], metadata,
                                {"breaks": version2.white_space_left(dropped="drop" in text.steps)})


def listed(vocabulary: Path | None) -> list[str]:
    """The pieces of a vocab.txt. Raises InputError if there is none, or if it lacks the unknown token."""
    if vocabulary is None:
        raise InputError("no vocabulary for the tokenizer", expected=NAME, remedy=REMEDY)
    try:
        pieces = [line.strip() for line in vocabulary.read_text(encoding="utf-8").split("\n")]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the vocabulary cannot be read", where=vocabulary, found=error, remedy=REMEDY) from None
    if UNKNOWN not in pieces:
        raise InputError("not a vocab.txt", where=vocabulary, expected=f"a line {UNKNOWN}", remedy=REMEDY)
    return pieces[:-1] if pieces[-1] == "" else pieces       # the last line ends with a line feed


def reference_ids(texts: Sequence[str], text: TextSpec, vocabulary: Path | None) -> np.ndarray:
    """int32 [len(texts), context_length] by cn_clip's rules."""
    ids = {piece: token for token, piece in enumerate(listed(vocabulary))}
    categories = as_before_15([unicodedata.category(character) for character in every_character()])
    rows = np.full((len(texts), text.context_length), text.pad_token, np.int32)
    room = text.context_length - len(text.framed([]))
    for row, typed in zip(rows, texts, strict=True):
        tokens = [token for word in _words(typed, categories) for token in _tokens(word, ids)]
        framed = text.framed(tokens[:room])
        row[:len(framed)] = framed
    return rows


def _words(typed: str, categories: Sequence[str]) -> Iterator[str]:
    """Lower-case words without accents; each Han character and each punctuation mark is one."""
    spaced = []
    for character in typed:
        category = categories[ord(character)]
        if character in "\t\n\r" or category == "Zs":
            spaced.append(" ")
        elif any(first <= ord(character) <= last for first, last in version2.HAN):
            spaced += [" ", character, " "]
        elif character not in "\0\ufffd" and category not in ("Cc", "Cf"):
            spaced.append(character)
    for word in "".join(spaced).split():
        parts = []
        for character in unicodedata.normalize("NFD", word.lower()):
            category = str(categories[ord(character)])
            marked = character.isascii() and character.isprintable() and not character.isalnum()
            if marked or category.startswith("P"):
                parts += [" ", character, " "]
            elif category != "Mn":
                parts.append(character)
        yield from "".join(parts).split()


def _tokens(word: str, ids: dict[str, int]) -> list[int]:
    """The longest pieces from left to right, or the unknown token for the whole word."""
    tokens, start = [], 0
    while start < len(word) <= LONGEST:
        ends = range(len(word), start, -1)
        names = (("" if start == 0 else PREFIX) + word[start:end] for end in ends)
        found = next(((ids[name], end) for name, end in zip(names, ends, strict=True) if name in ids), None)
        if found is None:
            return [ids[UNKNOWN]]
        tokens.append(found[0])
        start = found[1]
    return tokens or [ids[UNKNOWN]]
