"""Tokenizer assets enter, golden and small ones; damaged copies, and what the reference reader says of each, leave.

A copy is the bytes that differ, so that thousands fit one file. The ports are held to it: a copy that the reference
refuses is refused, on opening or by the full check; another gives the reference's ids.
"""

import random
from pathlib import Path

from export.common.errors import InputError
from export.text.tokenizer import load
from parity import goldens, token_goldens
from tests.small_assets import small_asset_of

ASSETS = goldens.OUT / token_goldens.ASSETS
FAMILIES = ("unigram", "gemma-bpe", "wordpiece")
WHOLE_MODEL = 20                         # one of so many copies is of a look-alike, the others of a small asset
LENGTH = 8                               # bytes of the length of a header
MOST_EDITS = 2
TEXTS = ["a ab", "\u00b2\u0301b \u00e9a", "ab\tabab b", "xyz \u2603 a\u0300 ab", "a" * 30, "A&amp;b <i>it's</i> \u03a3"]
SIGNS = b'0123456789"{}[],: -.ab'


def write(path: Path, count: int) -> None:
    """Writes `count` copies of assets of each family as JSON: `texts`, and `cases` with `asset`, `edits` and `ids`.

    `asset`: beside the JSON; `edits`: pairs of a place and the byte there; `ids`: of each text, null where the
    reference refuses the copy.
    """
    source = random.Random(18)
    copy = path.with_suffix(".safetensors")
    cases = [_case(source, assets, copy) for family in FAMILIES for assets in [_assets(family, path.parent)]
             for _ in range(count)]
    copy.unlink()
    goldens.write_ascii(path, {"texts": TEXTS, "cases": cases})


def _assets(family: str, folder: Path) -> list[Path]:
    """The family's look-alike; then small ones, with two steps and with all of them."""
    sources = {"look-alike": (ASSETS / f"{family}.safetensors").read_bytes(),
               "two-steps": (ASSETS / token_goldens.DAMAGED / f"{family}-whole.safetensors").read_bytes(),
               "all-steps": small_asset_of(family)}
    paths = [folder / f"{family}-{kind}.safetensors" for kind in sources]
    for path, content in zip(paths, sources.values(), strict=True):
        path.write_bytes(content)
    return paths


def _case(source: random.Random, assets: list[Path], copy: Path) -> dict:
    asset = assets[0] if source.randrange(WHOLE_MODEL) == 0 else source.choice(assets[1:])
    content = bytearray(asset.read_bytes())
    head = LENGTH + int.from_bytes(content[:LENGTH], "little")
    edits = [_edit(source, content, head) for _ in range(source.randint(1, MOST_EDITS))]
    for place, byte in edits:
        content[place] = byte
    copy.write_bytes(content)
    return {"asset": asset.name, "edits": edits, "ids": _ids(copy)}


def _edit(source: random.Random, content: bytearray, head: int) -> tuple[int, int]:
    if source.randrange(8) == 0:
        return source.randrange(head), source.choice(SIGNS)
    place = source.randrange(head, len(content))
    return place, source.choice([content[place] ^ 1 << source.randrange(8), source.randrange(256)])


def _ids(asset: Path) -> list[list[int]] | None:
    try:
        tokenizer = load(asset)
    except InputError:
        return None
    return [tokenizer.encode(text).tolist() for text in TEXTS]
