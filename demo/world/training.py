"""Names, sentences and targets enter; `demo/world-weights.safetensors` leaves: a text tower trained on the CPU.

The image tower is that of `demo`, unchanged. A text must lie at its glyph's target, and nearer to it than to all other
targets: the loss is cross-entropy over the glyphs, with a learned scale, plus 1 - cosine. One seed and one thread
repeat the same steps on one kind of CPU. A run that was interrupted goes on from its last saved step.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from demo.evaluate import WEIGHTS as DEMO_WEIGHTS
from demo.glyphs import SHOP
from demo.train import MAX_LOG_SCALE
from demo.world.batches import TextBatches
from demo.world.data import FOLDER, read_names
from demo.world.network import build_world
from demo.world.targets import read_targets
from export.weights.networks.towers import TwoTowers

WEIGHTS = FOLDER.parent / "world-weights.safetensors"
SHOWN_EVERY, KEPT_EVERY = 50, 200            # steps


@dataclass(frozen=True)
class WorldRecipe:
    """What fixes a training run."""

    steps: int = 3000
    batch: int = 256
    peak_rate: float = 4e-3
    warm_up: float = 0.1                     # share of the steps in which the rate rises
    weight_decay: float = 0.02
    seed: int = 2026
    threads: int = 1


def text_loss(model: TwoTowers, targets: Tensor, batch: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The loss to minimise, and the share of the texts whose nearest target is their own."""
    cosines = torch.cat([model.encode_text(ids, normalize=True) for ids, _ in batch]) @ targets.T
    numbers = torch.cat([part for _, part in batch])
    loss = nn.functional.cross_entropy(model.logit_scale.exp() * cosines, numbers)
    found = (cosines.argmax(dim=1) == numbers).float().mean()
    return loss + (1 - cosines[torch.arange(len(numbers)), numbers]).mean(), found.detach()


def train(recipe: WorldRecipe, weights: Path = WEIGHTS) -> None:
    """Trains from the start, or from the step that an interrupted run kept. Progress: stderr."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    glyphs = read_names()
    targets = read_targets(len(glyphs))
    batches = TextBatches(glyphs, sum(map(len, SHOP.values())), recipe.batch, recipe.seed)
    model = build_world()
    learning = [*model.text.parameters(), model.logit_scale]
    optimiser = torch.optim.AdamW([{"params": [value for value in learning if value.ndim > 1]},
                                   {"params": [value for value in learning if value.ndim <= 1], "weight_decay": 0.0}],
                                  lr=recipe.peak_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.peak_rate, total_steps=recipe.steps,
                                                   pct_start=recipe.warm_up)
    kept = weights.with_suffix(".unfinished")
    parts = {"text": model, "optimiser": optimiser, "schedule": schedule}
    first = _resume(kept, recipe, parts)
    began, shown = time.monotonic(), torch.zeros(2)
    for step in range(first, recipe.steps):
        loss, found = text_loss(model, targets, batches.batch(step))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=MAX_LOG_SCALE)
        shown += torch.stack([loss.detach(), found]) / SHOWN_EVERY
        if (step + 1) % SHOWN_EVERY == 0:
            _report(step + 1, recipe.steps, (time.monotonic() - began) / (step + 1 - first), shown)
            shown.zero_()
        if (step + 1) % KEPT_EVERY == 0:
            _keep(kept, recipe, step + 1, parts)
    save_world(model, weights, recipe)
    kept.unlink(missing_ok=True)


def _report(step: int, steps: int, seconds: float, shown: Tensor) -> None:
    print(f"step {step:5d}/{steps}  loss {shown[0]:.3f}  found {shown[1]:.3f}  {seconds:.2f} s a step, "
          f"{seconds * (steps - step) / 60:.1f} min left", file=sys.stderr, flush=True)


def _keep(path: Path, recipe: WorldRecipe, step: int, parts: dict) -> None:
    partial = path.with_suffix(".partial")
    torch.save({"recipe": str(recipe), "step": step} | {name: part.state_dict() for name, part in parts.items()},
               partial)
    partial.replace(path)


def _resume(path: Path, recipe: WorldRecipe, parts: dict) -> int:
    """The step to go on from: 0 without a kept run of the same recipe."""
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    if state["recipe"] != str(recipe):
        return 0
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return state["step"]


def save_world(model: TwoTowers, path: Path, recipe: WorldRecipe) -> None:
    """The text tower in float32 with the image tower as `demo` stores it, written whole or not at all."""
    state = {name: value for name, value in load_file(DEMO_WEIGHTS).items() if name.startswith("visual.")}
    state |= {name: value.detach().contiguous() for name, value in model.state_dict().items()
              if not name.startswith("visual.")}
    partial = path.with_suffix(".partial")
    save_file(state, partial, metadata={"recipe": str(recipe)})
    partial.chmod(0o644)
    partial.replace(path)
