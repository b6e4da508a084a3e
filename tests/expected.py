"""More golden vectors, made anew in the goldens' own formats: what the tests of the two ports compare besides."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from export.common.specs import CLIP_TEXT, Preprocessing
from export.text import tokenizer
from export.text.assets.version2 import SPACE_MARK
from parity import goldens, hostile, lookalikes, token_goldens
from tests import mutated_assets
from tests.pictures import noise

TEXTS, PICTURES, SIDES, SIZES = 10_000, 500, (1, 400), (1, 300)
FAMILY_TEXTS, MUTATED = 20_000, 20_000       # of each family of tokenizers beside CLIP's, in `make soak`


def write(folder: Path, preprocessing: Preprocessing) -> list[str]:
    """Token ids by open_clip and pictures by Pillow; answers the texts, of which there are TEXTS at least."""
    for name, resize in (("preprocess", "shortest"), ("squash", "squash")):
        goldens.write_pixels(folder / name, random_pictures(resize), preprocessing)
    texts = goldens.write_tokens(folder / "tokens.json", hostile.generate(TEXTS * 3 // 2, seed=5), CLIP_TEXT)
    return goldens.write_tokens(folder / "tokens-32.json", texts, goldens.SHORT)


def write_look_alikes(folder: Path, count: int) -> None:
    """Each look-alike's asset and ids by its reference of `count` texts at least, as the goldens have them."""
    names = random.Random(7).sample(lookalikes.sentences(), min(count // 4, 2000))
    texts = [*names, *hostile.clustered(count // 2, seed=7), *hostile.generate(count, seed=7)]
    for name, content in token_goldens.written(folder, goldens.on_phones, texts).items():
        if "texts" in content:
            cleaner = tokenizer.load(folder / content["asset"]).cleaner
            promised = [row for row in content["texts"] if not _exempt(cleaner.cleaned(row["text"]))]
            content["texts"] = promised[:count]
        goldens.write_ascii(folder / name, content)


def random_pictures(resize: str) -> list[tuple[str, np.ndarray, Preprocessing]]:
    """Noise of any shape, for squares of any size."""
    source = random.Random(6)
    return [(f"{index:03}", noise(source.randint(*SIDES), source.randint(*SIDES), seed=index),
             goldens.settings(source.randint(*SIZES), ("bilinear", "bicubic")[index % 2], resize))
            for index in range(PICTURES)]


def write_families(folder: Path, repetitions: Callable[[int], int]) -> None:
    """Ids of more texts by the look-alikes' references; damaged copies of assets with the reference's answers."""
    names, families = len(token_goldens.NAMES), len(mutated_assets.FAMILIES)
    write_look_alikes(folder, repetitions(FAMILY_TEXTS * names) // names)
    mutated_assets.write(folder / "mutated.json", repetitions(MUTATED * families) // families)


def _exempt(cleaned: str) -> bool:
    """Whether FORMATS.md excepts the text: a typed special token, or a run of the mark that stands for a space."""
    return any(typed in cleaned for typed in ("<s>", "</s>", "<pad>", "<unk>", "<mask>", 2 * SPACE_MARK))
