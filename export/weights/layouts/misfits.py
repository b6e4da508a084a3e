"""A state dict that does not fit its network enters; one line leaves: the layout, what was found, a remedy."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from export.common.errors import InputError
from export.common.specs import ModelSpec

if TYPE_CHECKING:
    from torch import Tensor

FASTVIT_DEPTHS = {2: "demo", 10: "s0", 20: "s1", 24: "s2"}   # blocks of the third stage (timm's fastvit, our demo.py)
ADAPTER = re.compile(r"\b(lora|hada|lokr|ia3|oft)_")         # PEFT's names for the tensors of adapters
WIDTH_OF_L14 = 1024                          # of Chinese-CLIP's picture towers; B/16's is 768
FOLDED = "reparam_conv"                      # Apple's and timm's name for a convolution made of several branches


def refuse_parts_of_a_model(state: "Mapping[str, Tensor]", path: Path) -> None:
    """Raises InputError for an adapter: it changes a model that the file does not hold."""
    adapter = next((key for key in state if ADAPTER.search(key)), None)
    if adapter:
        raise InputError("an adapter (PEFT), not a model", where=path, found=adapter, expected="a whole state dict",
                         remedy="merge_and_unload(), then save the model's state_dict()")


def misfit(state: "Mapping[str, Tensor]", expected: "Mapping[str, Tensor]", spec: ModelSpec,
           path: Path, like: str | None) -> InputError | None:
    """Why `state` does not have exactly the keys and shapes of `expected`; None if it has. `like`: see `looks_like`."""
    missing = [key for key in expected if key not in state]
    surplus = [key for key in state if key not in expected]
    other = [key for key in expected if key in state and state[key].shape != expected[key].shape]
    if not missing + surplus + other:
        return None
    if any(FOLDED in key for key in surplus):
        return InputError("inference weights: their branches are folded (reparameterised)", where=path,
                          found=next(key for key in surplus if FOLDED in key), expected="weights as they were trained",
                          remedy="give the training checkpoint")
    if not missing + surplus and (special := _other_shapes(state, expected, other, spec, path)):
        return special
    described = [_shapes(key, state, expected) for key in other]
    faults = [f"{len(keys)} {label} (first {keys[0]})" for label, keys in (
        ("missing", missing), ("surplus", surplus), ("of another shape", described)) if keys]
    return does_not_fit(spec, path, ", ".join(faults), like)


def _shapes(key: str, state: "Mapping[str, Tensor]", expected: "Mapping[str, Tensor]") -> str:
    return f"{key} {list(state[key].shape)} for {list(expected[key].shape)}"


def does_not_fit(spec: ModelSpec, path: Path, found: str, like: str | None) -> InputError:
    """The checkpoint is of another network, `like` those of the table, or incomplete."""
    other = like if like and spec.model not in like.replace(",", " ").split() else None
    remedy = f"it looks like {other}: MODEL={other.split()[0].rstrip(',')}" if other else \
        "give the checkpoint of this very model, whole"
    return InputError(f"checkpoint does not fit MODEL={spec.model}", where=path,
                      expected="exactly the tensors of that model", found=found, remedy=remedy)


def _other_shapes(state: "Mapping[str, Tensor]", expected: "Mapping[str, Tensor]", keys: list[str], spec: ModelSpec,
                  path: Path) -> InputError | None:
    """The two differences that training makes: another size of picture, and words added to the vocabulary."""
    if len(keys) != 1:
        return None
    [key] = keys
    found, wanted = state[key].shape, expected[key].shape
    if key.endswith("token_embedding.weight") and found[1:] == wanted[1:]:
        return InputError(f"a vocabulary of {found[0]:,} words", where=path, found=_shapes(key, state, expected),
                          expected=f"the tokenizer's {wanted[0]:,}",
                          remedy=f"if the words after them are not needed, save the first {wanted[0]} rows of {key}")
    if not key.startswith("visual.") or not key.endswith(("positional_embedding", "pos_embed")):
        return None
    trained, taken = (_side(shape[-2]) for shape in (found, wanted))
    if not trained or not taken or found[-1] != wanted[-1]:
        return None
    patch = spec.preprocessing.size // taken
    return InputError(f"trained at {trained * patch} px ({trained} x {trained} patches of {patch})", where=path,
                      found=_shapes(key, state, expected),
                      expected=f"{spec.preprocessing.size} px, which MODEL={spec.model} takes",
                      remedy="MODEL=local-dir:folder with the file and its open_clip_config.json")


def _side(tokens: int) -> int | None:
    """Patches along one side of the square, with or without one class token; None if it is no square."""
    return next((math.isqrt(n) for n in (tokens, tokens - 1) if n > 0 and math.isqrt(n) ** 2 == n), None)


def looks_like(state: "Mapping[str, Tensor]") -> str | None:
    """The names in the table whose network these keys suggest ("s0", "s2 or 2-s2"), or None; for messages only."""
    keys = list(state)
    if any("word_embeddings" in key for key in keys):
        first = next((state[key] for key in keys if key.endswith("class_embedding")), None)
        return "chinese-rn50" if first is None else "chinese-l14" if first.shape[-1] == WIDTH_OF_L14 else "chinese-b16"
    if any("patch_emb.0.block" in key or "patch_embed.backbone" in key for key in keys):
        return "b, blt or 2-b"
    if "visual.trunk.cls_token" in state and state["visual.trunk.cls_token"].shape[-1] == 1024:
        return "2-l14"
    if any(key.startswith("visual.trunk.stages.4.blocks.") for key in keys):
        return "2-s4" if any(key.startswith("visual.trunk.stages.4.blocks.2.") for key in keys) else "2-s3"
    blocks = [re.match(r"visual\.(?:trunk\.)?stages\.2\.blocks\.(\d+)|image_encoder\.model\.network\.\d+\.(\d+)", key)
              for key in keys]
    numbers = [int(block[1] or block[2]) for block in blocks if block]
    like = FASTVIT_DEPTHS.get(max(numbers) + 1) if numbers else None
    if like == "s0" and not any("token_mixer" in key for key in keys if key.startswith("text")):
        return "2-s0"
    return "s2 or 2-s2" if like == "s2" else like
