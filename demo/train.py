"""Trains the demo model from nothing on two CPU cores: `python -m demo.train`.

In: the colour-emoji font and the `emoji` package's names. Out: `demo/weights.safetensors`, the state of
`export.networks.demo.build_demo()` in fp16. The same seed and thread count on the same machine repeat the same weights.
Two drawings and one sentence of every glyph in a batch: each drawing is matched with the sentence (CLIP's symmetric
cross-entropy), and with the other drawing, so that a photographed thing finds its catalog picture too.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from demo.drawing import TRAINING, draw
from demo.glyphs import Glyph, draw_glyph, list_glyphs, other_glyphs, read_font, shop_glyphs
from demo.wording import training_text
from export.errors import InputError
from export.models import TABLE
from export.networks.demo import VOCABULARY, build_demo
from export.networks.towers import TwoTowers
from export.preprocess import resize_crop

WEIGHTS = Path(__file__).parent / "weights.safetensors"
TEXT_LENGTH = 32                             # tokens kept while training; the mask is causal, so padding has no effect
START, END = VOCABULARY - 2, VOCABULARY - 1
PREPROCESSING = TABLE["demo"].preprocessing
START_LOG_SCALE = 2.659                      # about ln(1 / 0.07), CLIP's start
MAX_LOG_SCALE = float(np.log(100))
PICTURE_SCALE = 14.0                         # the fixed logit scale between two drawings
NOISE_WORDS = 0.15                           # chance of one unknown word in a sentence


@dataclass(frozen=True)
class Recipe:
    """What fixes a training run."""

    steps: int = 2200
    batch: int = 64                          # glyphs a step, two drawings each
    shop_share: float = 0.75                 # of a batch's glyphs that the shop sells
    peak_rate: float = 2e-3
    weight_decay: float = 0.02
    picture_weight: float = 0.5              # of the picture-to-picture loss
    seed: int = 2024
    threads: int = 1                         # torch's; drawing has a process of its own


class Batches(IterableDataset):
    """Endless (drawings uint8 [2, B, 3, 64, 64], ids int64 [B, 32]), every glyph at most once in a batch."""

    def __init__(self, shop: list[Glyph], others: list[Glyph], pictures: dict[str, Image.Image], recipe: Recipe):
        self.shop, self.others, self.pictures, self.recipe = shop, others, pictures, recipe

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        recipe = self.recipe
        chance, rng, tokenizer = random.Random(recipe.seed), np.random.default_rng(recipe.seed), SimpleTokenizer()
        sold = round(recipe.batch * recipe.shop_share)
        while True:
            glyphs = chance.sample(self.shop, sold) + chance.sample(self.others, recipe.batch - sold)
            drawings = [np.stack([self.draw_pixels(glyph, rng) for glyph in glyphs]) for _ in range(2)]
            ids = [_training_ids(tokenizer, glyph, chance) for glyph in glyphs]
            yield torch.from_numpy(np.stack(drawings)), torch.tensor(ids)

    def draw_pixels(self, glyph: Glyph, rng: np.random.Generator) -> np.ndarray:
        """One fresh drawing through the model's preprocessing: uint8 [3, 64, 64]."""
        picture = draw(self.pictures[glyph.character], TRAINING, rng)
        return resize_crop(np.asarray(picture), PREPROCESSING).transpose(2, 0, 1)


def _training_ids(tokenizer: SimpleTokenizer, glyph: Glyph, chance: random.Random) -> list[int]:
    ids = tokenizer.encode(training_text((glyph.name, *glyph.aliases), chance))
    if chance.random() < NOISE_WORDS:        # words that it was never taught must not derail it
        ids.insert(chance.choice((0, len(ids))), chance.randrange(256, START))
    ids = [START, *ids[:TEXT_LENGTH - 2], END]
    return ids + [0] * (TEXT_LENGTH - len(ids))


def encode_short_text(model: TwoTowers, ids: Tensor) -> Tensor:
    """`model.encode_text` for ids [B, L] with L below the context length; equal, since the mask is causal."""
    text, length = model.text, ids.shape[1]
    hidden = text.token_embedding(ids) + text.positional_embedding[:length]
    hidden = text.ln_final(text.transformer(hidden, attn_mask=text.attn_mask[:length, :length]))
    return hidden[torch.arange(len(ids)), ids.argmax(dim=-1)] @ text.text_projection


def _match(logits: Tensor) -> Tensor:
    """Symmetric cross-entropy; the right answers lie on the diagonal."""
    target = torch.arange(len(logits))
    return (nn.functional.cross_entropy(logits, target) + nn.functional.cross_entropy(logits.T, target)) / 2


def _losses(model: TwoTowers, drawings: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Text loss, picture loss, and the share of sentences that find their first drawing."""
    pixels = (drawings.flatten(0, 1).float() / 255).contiguous(memory_format=torch.channels_last)
    first, second = nn.functional.normalize(model.visual(pixels), dim=-1).chunk(2)
    words = nn.functional.normalize(encode_short_text(model, ids), dim=-1)
    scale = model.logit_scale.exp()
    to_text = scale * first @ words.T
    text_loss = (_match(to_text) + _match(scale * second @ words.T)) / 2
    found = (to_text.argmax(dim=0) == torch.arange(len(ids))).float().mean()
    return text_loss, _match(PICTURE_SCALE * first @ second.T), found


def _optimiser(model: TwoTowers, recipe: Recipe) -> torch.optim.AdamW:
    """Decay for matrices and kernels only."""
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    plain = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.peak_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98),
                             fused=True)


def save_weights(model: TwoTowers, path: Path, recipe: Recipe) -> None:
    """The state in fp16 (counters as they are), written whole or not at all."""
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    partial = path.with_suffix(".partial")
    save_file({name: value.contiguous() for name, value in state.items()}, partial, metadata={"recipe": str(recipe)})
    partial.chmod(0o644)
    partial.replace(path)


def train(recipe: Recipe, weights: Path, save_every: int = 0) -> None:
    """Trains and writes `weights`; progress goes to stderr."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    font = read_font()
    glyphs = list_glyphs(font)
    shop, others = [glyph for _, glyph in shop_glyphs(glyphs)], other_glyphs(glyphs)
    pictures = {glyph.character: draw_glyph(font, glyph.character).convert("RGBa") for glyph in (*shop, *others)}
    batches = DataLoader(Batches(shop, others, pictures, recipe), batch_size=None, num_workers=1, prefetch_factor=4)
    model = build_demo().to(memory_format=torch.channels_last).train()
    nn.init.constant_(model.logit_scale, START_LOG_SCALE)
    optimiser = _optimiser(model, recipe)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.peak_rate, total_steps=recipe.steps,
                                                   pct_start=0.15)
    print(f"{len(shop)} glyphs of the shop, {len(others)} others; {recipe}", file=sys.stderr)
    began, smooth = time.monotonic(), np.zeros(3)
    for step, (drawings, ids) in zip(range(1, recipe.steps + 1), batches, strict=False):
        text_loss, picture_loss, found = _losses(model, drawings, ids)
        optimiser.zero_grad(set_to_none=True)
        (text_loss + recipe.picture_weight * picture_loss).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=MAX_LOG_SCALE)
        keep = 1 - 1 / min(step, 50)
        smooth = keep * smooth + (1 - keep) * np.array([text_loss.item(), picture_loss.item(), found.item()])
        if step % 25 == 0 or step == recipe.steps:
            _report(step, recipe.steps, time.monotonic() - began, smooth, model.logit_scale.exp().item())
        if save_every and step % save_every == 0:
            save_weights(model, weights, recipe)
    save_weights(model, weights, recipe)
    print(f"{weights}: {weights.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


def _report(step: int, steps: int, seconds: float, smooth: np.ndarray, scale: float) -> None:
    left = seconds / step * (steps - step)
    print(f"step {step:5d}/{steps}  text loss {smooth[0]:.3f}  picture loss {smooth[1]:.3f}  found {smooth[2]:.3f}  "
          f"scale {scale:.1f}  {seconds / 60:.1f} min, {left / 60:.1f} min left", file=sys.stderr, flush=True)


def main() -> int:
    """Reads the arguments; 0 done, 2 something that it needs is missing."""
    parser = argparse.ArgumentParser(prog="python -m demo.train", description="Trains the demo model from nothing.")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="where to write (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=Recipe.steps, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=Recipe.seed, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=Recipe.threads, help="torch's threads (default: %(default)s)")
    parser.add_argument("--save-every", type=int, default=0, metavar="STEPS", help="also write on the way")
    arguments = parser.parse_args()
    try:
        recipe = Recipe(steps=arguments.steps, seed=arguments.seed, threads=arguments.threads)
        train(recipe, arguments.weights, arguments.save_every)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
