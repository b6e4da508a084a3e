"""An asset of version 2 and the scripts to keep enter; a smaller asset leaves, and which tokens it kept.

A text whose characters, once cleaned, lie in the kept scripts becomes the same pieces as before: each piece on the way
to them is a part of the text, so it was kept. The rows of the token table are cut by the same list; no vector changes.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import regex

from export.common.container import container_bytes, parsed
from export.common.errors import InputError
from export.common.specs import SCRIPTS, TextSpec
from export.text.cleaning import BY_TABLES, DROPPED, MAP, SPACED
from export.text.tables import character_set, text_tables
from export.text.tokenizer import FORMAT
from export.text.vocabulary import vocabulary

UNPRUNED = "unpruned_sha256"
TOKENS = ("start_token", "end_token", "pad_token", "unknown_token")
LATIN = "Latin"                          # always kept: a character map makes Latin letters of Common characters
OF_ALL = ("Common", "Inherited")         # always kept: digits, punctuation, marks
BY_TOKEN = ("scores",)                   # tensors with an entry for each token, beside the pieces


@dataclass(frozen=True)
class Pruned:
    """A smaller asset, and the tokens of the one before: token i of the smaller was token `kept[i]`."""

    content: bytes
    kept: np.ndarray                     # int64 [n], ascending: the rows of the token table to keep
    gone: int                            # how many tokens the one before had besides

    def ids(self, ids: np.ndarray) -> np.ndarray:
        """New ids for old ones. Raises InputError for a token that was not kept."""
        places = np.searchsorted(self.kept, ids)
        lost = ids[self.kept[np.minimum(places, len(self.kept) - 1)] != ids]
        if lost.size:
            raise InputError("a token that pruning took away", found=f"token {lost[0]}", expected="a token that stays",
                             remedy="keep the scripts of all texts")
        return places.astype(ids.dtype)

    def text(self, text: TextSpec) -> TextSpec:
        """The text side of a model with the smaller table: its special tokens and rows."""
        old = np.array([text.end_token, text.pad_token, *([] if text.start_token is None else [text.start_token])])
        end, pad, *start = self.ids(old).tolist()
        return replace(text, end_token=end, pad_token=pad, start_token=start[0] if start else None,
                       vocabulary=len(self.kept))


def pruned(content: bytes, scripts: Collection[str] | None = None) -> Pruned:
    """Keeps the tokens that a text in `scripts` (None: in any) can meet, the special ones of a row, and bytes' tokens.

    `scripts` are names of `specs.SCRIPTS`; Latin is kept in any case. Raises InputError for an asset of version 1, one
    that was pruned before, and a name that is no script.
    """
    metadata, tensors = parsed(memoryview(content))
    if metadata.get("format") != FORMAT or metadata.get("version") == "1" or UNPRUNED in metadata:
        raise InputError("the tokenizer asset cannot be pruned", expected="version 2, not pruned before",
                         found=f"version {metadata.get('version')}{', pruned' * (UNPRUNED in metadata)}",
                         remedy="prune the asset that the export wrote")
    known, reach = vocabulary(tensors), _Reach(metadata, tensors, scripts)
    stays = {int(metadata[name]) for name in TOKENS if metadata[name]} | {
        int(token) for token in tensors.get("byte_tokens", ())} | {
        token for token in known.order if reach.piece(known.piece(token).decode())}
    kept = np.array(sorted(stays))
    new = np.full(len(known), -1)        # new ids keep the order of the old, since the rank of a pair is its id
    new[kept] = np.arange(len(kept))
    pieces, order = [known.piece(token) for token in kept.tolist()], new[tensors["piece_order"]]
    changed = {"pieces": np.frombuffer(b"".join(pieces), np.uint8), "piece_order": order[order >= 0].astype(np.uint32),
               "piece_offsets": np.cumsum([0, *map(len, pieces)]).astype(np.uint32),
               **{name: tensors[name][kept] for name in BY_TOKEN if name in tensors}}
    if "byte_tokens" in tensors:
        changed["byte_tokens"] = new[tensors["byte_tokens"]].astype(np.uint32)
    tokens = {name: str(new[int(metadata[name])]) for name in TOKENS if metadata[name]}
    names = metadata | tokens | {UNPRUNED: hashlib.sha256(content).hexdigest()}
    return Pruned(container_bytes(names, tensors | changed), kept, len(known) - len(kept))


def said_in(text: TextSpec, scripts: Collection[str]) -> TextSpec:
    """The text side with the scripts that are kept, and the templates that are written in them."""
    scripts = {*scripts, LATIN}
    known = tuple(name for name in SCRIPTS if name in scripts)
    if not isinstance(text.templates, Mapping):
        return replace(text, scripts=known)
    left = {language: kept for language, templates in text.templates.items()
            if (kept := tuple(template for template in templates if inside(template, scripts)))}
    return replace(text, scripts=known, templates=left)


def inside(cleaned: str, scripts: Collection[str]) -> bool:
    """Whether pruning to `scripts` leaves a text's tokens as they are: judged on the text after its cleaning."""
    return all(_script(character) in {*OF_ALL, LATIN, *scripts} for character in cleaned)


class _Reach:
    """Which characters and pieces a cleaned text in the kept scripts can hold."""

    def __init__(self, metadata: Mapping[str, str], tensors: dict[str, np.ndarray], scripts: Collection[str] | None):
        if unknown := next((name for name in scripts or () if name not in SCRIPTS), None):
            raise InputError("unknown script", found=unknown, expected=", ".join(SCRIPTS),
                             remedy="write it as Unicode does")
        self.scripts = None if scripts is None else {*OF_ALL, LATIN, *scripts}
        self.prefix = metadata.get("inner_prefix", "")
        self.gone = _gone(metadata["steps"].split(" "), tensors)

    def piece(self, piece: str) -> bool:
        """Whether all characters of a piece can be met; a prefix that only pieces inside a word have does not count."""
        part = piece.removeprefix(self.prefix) or piece
        return not self.gone.intersection(part) and (
            self.scripts is None or all(_script(character) in self.scripts for character in part))


def _gone(steps: Collection[str], tensors: dict[str, np.ndarray]) -> set[str]:
    """The characters that no cleaned word holds: what a step takes away and no later step makes, and white space."""
    tables = text_tables(tensors, {"spaces", "lower", "decompositions"} & {
        table for step in steps if step in BY_TABLES for table in BY_TABLES[step][1]})
    gone = {*tables.spaces, *map(chr, tables.lower), *([SPACED] if "strike" in steps else [])}
    for name in {"strike", "drop"} & {*steps}:
        gone |= character_set(tensors, DROPPED[name])
    made = {*"".join(tables.lower.values()), *"".join(tables.decompositions.values() if "decompose" in steps else ())}
    if MAP in steps:
        made |= {*tensors["charsmap_text"].tobytes().decode()}
    return gone - made | (character_set(tensors, "breaks") if "breaks" in tensors else {" "})


@cache
def _script(character: str) -> str:
    """A name of `specs.SCRIPTS`, Common, Inherited, or "another"."""
    return next((name for name in (*OF_ALL, *SCRIPTS) if regex.fullmatch(rf"\p{{Script={name}}}", character)),
                "another")
