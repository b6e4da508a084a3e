"""Trains the demo model from scratch on two CPU cores: `python -m demo.train`.

In: the colour-emoji font and the `emoji` package's names. Out: `demo/weights.safetensors`, the state of
`export.weights.networks.demo.build_demo()` in fp16. One seed and one thread repeat the same steps on one kind of CPU.
A batch has two drawings and one sentence of each of its glyphs. Each drawing is matched with the sentence (CLIP's
symmetric cross-entropy), and with the other drawing, so that a picture finds its product too. Later stages also compare
every embedding with one learnt vector per glyph.
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
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from demo.drawing import LAST_TRAINING, TRAINING, Style, draw
from demo.glyphs import Glyph, draw_glyph, list_glyphs, other_glyphs, read_font, shop_glyphs
from demo.wording import training_text
from export.common.errors import InputError
from export.pictures.preprocess import resize_crop
from export.weights.models import TABLE
from export.weights.networks.demo import VOCABULARY, build_demo
from export.weights.networks.towers import TwoTowers

WEIGHTS = Path(__file__).parent / "weights.safetensors"
TEXT_LENGTH = 32                             # tokens kept while training; the mask is causal, so padding has no effect
START, END = VOCABULARY - 2, VOCABULARY - 1
PREPROCESSING = TABLE["demo"].preprocessing
START_LOG_SCALE = 2.659                      # about ln(1 / 0.07), CLIP's start
MAX_LOG_SCALE = float(np.log(100))
PICTURE_SCALE = 14.0                         # the fixed logit scale between two drawings
PROTOTYPE_SCALE, PROTOTYPE_MARGIN = 20.0, 0.1
NOISE, NOISE_IN_SHOP_TALK = 0.15, 0.5        # chance of a random token at either end, to make unknown words harmless


@dataclass(frozen=True)
class Stage:
    """One run of the optimiser."""

    steps: int
    cycle: int                               # steps of the rate's one-cycle; beyond `steps` if it is cut short
    peak_rate: float
    warm_up: float                           # share of the cycle in which the rate rises
    prototypes: float                        # weight of finding a drawing's glyph among learnt vectors, one a glyph
    shop_talk: bool                          # whether sentences are also the longer ones, with more unknown words
    shop_share: float = 0.75                 # of a batch's glyphs that the shop sells
    style: Style = TRAINING                  # of the drawings
    text_rests: bool = False                 # whether only the image tower learns


@dataclass(frozen=True)
class Recipe:
    """What fixes a training run."""

    stages: tuple[Stage, ...] = (
        Stage(1600, 2200, 2e-3, 0.15, prototypes=0, shop_talk=False),
        Stage(700, 1000, 1.5e-3, 0.1, prototypes=1, shop_talk=False),
        Stage(1500, 1500, 1e-3, 0.05, prototypes=1, shop_talk=True),
        Stage(1500, 2400, 1.2e-3, 0.05, prototypes=2, shop_talk=True, shop_share=0.9, style=LAST_TRAINING,
              text_rests=True),
    )
    batch: int = 64                          # glyphs a step, two drawings each
    weight_decay: float = 0.02
    picture_weight: float = 0.5              # of the picture-to-picture loss
    seed: int = 2024
    threads: int = 1                         # torch's; drawing has a process of its own


@dataclass(frozen=True)
class Artwork:
    """What is drawn: the shop's glyphs, the others, and the picture of each (mode RGBa) by its character."""

    shop: list[Glyph]
    others: list[Glyph]
    pictures: dict[str, Image.Image]

    @property
    def glyphs(self) -> list[Glyph]:
        """All glyphs; a glyph's place in this list is its number."""
        return self.shop + self.others


class Batches(IterableDataset):
    """Endless (drawings uint8 [2, B, 3, 64, 64], ids int64 [B, 32], numbers int64 [B]), each glyph at most once."""

    def __init__(self, artwork: Artwork, recipe: Recipe, number: int):
        self.artwork, self.recipe, self.seed = artwork, recipe, recipe.seed + number
        self.stage = recipe.stages[number]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        chance, rng, tokenizer = random.Random(self.seed), np.random.default_rng(self.seed), SimpleTokenizer()
        sold = round(self.recipe.batch * self.stage.shop_share)
        numbers = {glyph: number for number, glyph in enumerate(self.artwork.glyphs)}
        while True:
            glyphs = chance.sample(self.artwork.shop, sold)
            glyphs += chance.sample(self.artwork.others, self.recipe.batch - sold)
            drawings = [np.stack([self.draw_pixels(glyph, rng) for glyph in glyphs]) for _ in range(2)]
            ids = [_training_ids(tokenizer, glyph, chance, self.stage.shop_talk) for glyph in glyphs]
            yield (torch.from_numpy(np.stack(drawings)), torch.tensor(ids),
                   torch.tensor([numbers[glyph] for glyph in glyphs]))

    def draw_pixels(self, glyph: Glyph, rng: np.random.Generator) -> np.ndarray:
        """One fresh drawing through the model's preprocessing: uint8 [3, 64, 64]."""
        picture = draw(self.artwork.pictures[glyph.character], self.stage.style, rng)
        return resize_crop(np.asarray(picture), PREPROCESSING).transpose(2, 0, 1)


def _training_ids(tokenizer: SimpleTokenizer, glyph: Glyph, chance: random.Random, shop_talk: bool) -> list[int]:
    ids = tokenizer.encode(training_text((glyph.name, *glyph.aliases), chance, shop_talk))
    if chance.random() < (NOISE_IN_SHOP_TALK if shop_talk else NOISE):
        for _ in range(chance.randint(1, 4) if shop_talk else 1):
            ids.insert(chance.choice((0, len(ids))), chance.randrange(256, START))
    return _padded(ids)


def _padded(ids: list[int]) -> list[int]:
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


class Losses(nn.Module):
    """The model, with what only training needs: a vector for each glyph, if the stage has them."""

    def __init__(self, model: TwoTowers, recipe: Recipe, stage: Stage, prototypes: Tensor | None):
        super().__init__()
        self.model, self.recipe, self.stage = model, recipe, stage
        self.prototypes = None if prototypes is None else nn.Parameter(prototypes)

    def forward(self, drawings: Tensor, ids: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """The loss to minimise; for display: text loss, picture loss, share of sentences that find their drawing."""
        pixels = (drawings.flatten(0, 1).float() / 255).contiguous(memory_format=torch.channels_last)
        embedded = nn.functional.normalize(self.model.visual(pixels), dim=-1)
        first, second = embedded.chunk(2)
        words = nn.functional.normalize(encode_short_text(self.model, ids), dim=-1)
        scale = self.model.logit_scale.exp()
        to_text = scale * first @ words.T
        text_loss = (_match(to_text) + _match(scale * second @ words.T)) / 2
        picture_loss = _match(PICTURE_SCALE * first @ second.T)
        total = text_loss + self.recipe.picture_weight * picture_loss
        if self.prototypes is not None:
            total = total + self._find_prototype(self.prototypes, words, numbers)
            of_pictures = self._find_prototype(self.prototypes, embedded, numbers.repeat(2))
            total = total + self.stage.prototypes * of_pictures
        found = (to_text.argmax(dim=0) == torch.arange(len(ids))).float().mean()
        return total, torch.stack([text_loss, picture_loss, found]).detach()

    @staticmethod
    def _find_prototype(prototypes: Tensor, embedded: Tensor, numbers: Tensor) -> Tensor:
        """Cross-entropy over all glyphs, with a margin against the right glyph, so that its embeddings lie close."""
        cosines = embedded @ nn.functional.normalize(prototypes, dim=-1).T
        handicap = PROTOTYPE_MARGIN * nn.functional.one_hot(numbers, len(prototypes))
        return nn.functional.cross_entropy(PROTOTYPE_SCALE * (cosines - handicap), numbers)


@torch.no_grad()
def _name_embeddings(model: TwoTowers, glyphs: list[Glyph]) -> Tensor:
    """Unit-length embeddings [glyphs, 128] of the bare names: where the prototypes start."""
    tokenizer = SimpleTokenizer()
    ids = torch.tensor([_padded(tokenizer.encode(glyph.name)) for glyph in glyphs])
    return nn.functional.normalize(encode_short_text(model, ids), dim=-1)


def _optimiser(losses: Losses, recipe: Recipe, stage: Stage) -> torch.optim.AdamW:
    """Decay for the model's matrices and kernels only."""
    learning = [parameter for parameter in losses.model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in learning if parameter.ndim > 1]
    plain = [parameter for parameter in learning if parameter.ndim <= 1]
    plain += [] if losses.prototypes is None else [losses.prototypes]
    groups = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=stage.peak_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98),
                             fused=True)


def save_weights(model: TwoTowers, path: Path, recipe: Recipe) -> None:
    """The state in fp16 (counters as they are), written whole or not at all."""
    state = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    partial = path.with_suffix(".partial")
    save_file({name: value.contiguous() for name, value in state.items()}, partial, metadata={"recipe": str(recipe)})
    partial.chmod(0o644)
    partial.replace(path)


def read_artwork() -> Artwork:
    """Every glyph that training uses; InputError without the font."""
    font = read_font()
    glyphs = list_glyphs(font)
    shop, others = [glyph for _, glyph in shop_glyphs(glyphs)], other_glyphs(glyphs)
    pictures = {glyph.character: draw_glyph(font, glyph.character).convert("RGBa") for glyph in (*shop, *others)}
    return Artwork(shop, others, pictures)


def train(recipe: Recipe, weights: Path, first_stage: int = 0, save_every: int = 0) -> None:
    """Trains from `first_stage` on, and writes `weights` after each stage. Later stages read them. Progress: stderr."""
    torch.set_num_threads(recipe.threads)
    artwork = read_artwork()
    print(f"{len(artwork.shop)} glyphs of the shop, {len(artwork.others)} others; {recipe}", file=sys.stderr)
    for number in range(first_stage, len(recipe.stages)):
        torch.manual_seed(recipe.seed + number)
        model = build_demo()
        nn.init.constant_(model.logit_scale, START_LOG_SCALE)
        if number > 0:                       # from the file, so that a repeated stage does the same
            model.load_state_dict(load_file(weights))
        _run_stage(model, artwork, recipe, number, weights, save_every)
        save_weights(model, weights, recipe)
    print(f"{weights}: {weights.stat().st_size / 1e6:.2f} MB", file=sys.stderr)


def _run_stage(model: TwoTowers, artwork: Artwork, recipe: Recipe, number: int, weights: Path,
               save_every: int) -> None:
    stage = recipe.stages[number]
    batches = DataLoader(Batches(artwork, recipe, number), batch_size=None, num_workers=1,
                         prefetch_factor=4)
    model.to(memory_format=torch.channels_last).train()
    model.text.requires_grad_(not stage.text_rests)
    model.logit_scale.requires_grad_(not stage.text_rests)
    losses = Losses(model, recipe, stage, _name_embeddings(model, artwork.glyphs) if stage.prototypes else None)
    optimiser = _optimiser(losses, recipe, stage)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, stage.peak_rate, total_steps=stage.cycle,
                                                   pct_start=stage.warm_up)
    began, smooth = time.monotonic(), np.zeros(3)
    for step, batch in zip(range(1, stage.steps + 1), batches, strict=False):
        total, shown = losses(*batch)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=MAX_LOG_SCALE)
        keep = 1 - 1 / min(step, 50)
        smooth = keep * smooth + (1 - keep) * shown.numpy()
        if step % 25 == 0 or step == stage.steps:
            _report(number, step, stage.steps, time.monotonic() - began, smooth)
        if save_every and step % save_every == 0:
            save_weights(model, weights.with_suffix(".unfinished"), recipe)


def _report(stage: int, step: int, steps: int, seconds: float, smooth: np.ndarray) -> None:
    left = seconds / step * (steps - step)
    print(f"stage {stage + 1}  step {step:5d}/{steps}  text loss {smooth[0]:.3f}  picture loss {smooth[1]:.3f}  "
          f"found {smooth[2]:.3f}  {seconds / 60:.1f} min, {left / 60:.1f} min left", file=sys.stderr, flush=True)


def main() -> int:
    """Reads the arguments. Exit status 0, or 2 if an input is missing."""
    parser = argparse.ArgumentParser(prog="python -m demo.train", description="Trains the demo model from scratch.")
    parser.add_argument("--weights", type=Path, default=WEIGHTS,
                        help="where to write (default: demo/weights.safetensors)")
    parser.add_argument("--stage", type=int, choices=range(1, len(Recipe.stages) + 1), default=1,
                        help="where to begin; a later stage goes on from the weights (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=Recipe.seed, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=Recipe.threads, help="torch's threads (default: %(default)s)")
    parser.add_argument("--save-every", type=int, default=0, metavar="STEPS",
                        help="also write the weights with the suffix .unfinished on the way")
    arguments = parser.parse_args()
    try:
        recipe = Recipe(seed=arguments.seed, threads=arguments.threads)
        train(recipe, arguments.weights, arguments.stage - 1, arguments.save_every)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
