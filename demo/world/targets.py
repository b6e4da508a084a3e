"""The glyphs' artwork enters; where the frozen image tower of `demo` puts each glyph leaves: its target.

A target is the mean of the unit-length embeddings of several drawings of one glyph: the shop's four kinds of catalog
picture, and training drawings on other backgrounds, both with a seed of their own. `demo/world/targets.safetensors`
holds them, so that the text tower can be trained without the font.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import nn

from demo.drawing import CATALOG, TRAINING, draw
from demo.evaluate import SPEC, load_demo
from demo.glyphs import draw_glyph, read_font
from export.common.errors import InputError
from export.pictures.preprocess import normalise, resize_crop

TARGETS = Path(__file__).parent / "targets.safetensors"
STYLES = (*CATALOG, *(TRAINING,) * 6)        # of a glyph's drawings
SEED = 31


@torch.inference_mode()
def make_targets(characters: list[str], model: nn.Module) -> np.ndarray:
    """The glyphs' characters -> their targets, of unit length: float32 [glyphs, 128]."""
    font = read_font()
    targets = []
    for number, character in enumerate(characters):
        glyph = draw_glyph(font, character).convert("RGBa")
        rng = np.random.default_rng((SEED, number))
        squares = np.stack([resize_crop(np.asarray(draw(glyph, style, rng)), SPEC.preprocessing) for style in STYLES])
        pixels = torch.from_numpy(normalise(squares, SPEC.preprocessing))
        targets.append(model.encode_image(pixels, normalize=True).mean(dim=0))
    return nn.functional.normalize(torch.stack(targets), dim=-1).numpy()


def write_targets(characters: list[str], path: Path = TARGETS) -> None:
    """Draws, embeds and writes: float16 [glyphs, 128], a row a glyph in the order of `characters`."""
    save_file({"targets": make_targets(characters, load_demo()).astype(np.float16)}, path)


def read_targets(count: int, path: Path = TARGETS) -> torch.Tensor:
    """The targets of `count` glyphs, of unit length: float32 [count, 128]. InputError if the file does not fit."""
    if not path.is_file():
        raise InputError("the glyphs' targets are missing", where=path, remedy="run python -m demo.world targets")
    targets = torch.from_numpy(load_file(path)["targets"].astype(np.float32))
    if len(targets) != count:
        raise InputError("the glyphs' targets do not fit the names", where=path, expected=f"{count} rows",
                         found=f"{len(targets)} rows", remedy="run python -m demo.world targets")
    return nn.functional.normalize(targets, dim=-1)
