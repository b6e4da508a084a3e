"""A checkpoint file enters; a state dict that fits its network leaves. Any other file is an InputError of one line.

Reads `.safetensors`, `.pt` as PyTorch writes it, and indexes of shards. Only tensors are read: a pickle that asks for
anything else is refused and never run. Apple's, open_clip's, transformers' and cn_clip's key layouts are supported.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.weights.layouts import misfits, stored, wrappers

if TYPE_CHECKING:
    from torch import Tensor, nn

COUNTERS = "num_batches_tracked"             # batch norm's count of training steps; nothing reads it here
# What some files hold beside the weights: three numbers of OpenAI's archives, two buffers that the network makes.
MEANINGLESS = ("input_resolution", "context_length", "vocab_size", "position_ids", "attn_mask")
BIAS = "logit_bias"                          # of SigLIP's loss: the same for every product, so no ranking needs it
LARGEST_SCALE = 1000.0                       # CLIP and SigLIP clamp or learn the factor below 200
STEM_OF_B = "image_encoder.model.patch_emb.0.block.conv.weight"      # in Apple's layout; v1 of B alone was published so
STEM_OF_OUR_B = "patch_embed.backbone."      # in open_clip's layout

Say = Callable[[str], None]


def read(path: Path, key: str | None, say: Say) -> "dict[str, Tensor]":
    """Every tensor of the file by its key, as stored, without wrappers and prefixes.

    `key`: CHECKPOINT_KEY=, which of several state dicts to take. `say` gets what the user should know. Raises
    InputError for a file that is no checkpoint, is cut short, would run code, or leaves a choice.
    """
    found = wrappers.unwrap(stored.read(path), path, key)
    if found.note:
        say(found.note)
    return found.state


def fit(state: "dict[str, Tensor]", model: "nn.Module", spec: ModelSpec, path: Path,
        say: Say) -> "dict[str, Tensor]":
    """`state` with the keys, shapes and types (float32) of `model`, the network of `spec`.

    `path` is for messages; `say` gets what the user should know. Raises InputError for missing or surplus keys, other
    shapes, other types, values that are not finite, and a scale that is no logarithm.
    """
    misfits.refuse_parts_of_a_model(state, path)
    like, expected = misfits.looks_like(state), model.state_dict()
    state = _to_our_layout(state, model, spec, path)
    state = _without_the_meaningless(state, expected, say)
    for key, value in expected.items():
        if key.endswith(COUNTERS):
            state.setdefault(key, value)
        if value.ndim == 0 and key in state and state[key].numel() == 1:
            state[key] = state[key].reshape(())     # some files store a number as a list of one
    if fault := misfits.misfit(state, expected, spec, path, like):
        raise fault
    if any(STEM_OF_OUR_B in key for key in expected):
        say(f"b, blt and 2-b have the same keys: takes these for MODEL={spec.model}'s")
    fitted = {key: _as_stored_in(expected[key], state[key], key, path) for key in expected}
    _refuse_a_factor(fitted["logit_scale"], path)
    return fitted


def _to_our_layout(state: "dict[str, Tensor]", model: "nn.Module", spec: ModelSpec,
                   path: Path) -> "dict[str, Tensor]":
    from open_clip.model import convert_to_custom_text_state_dict

    from export.weights.layouts.chinese_clip_layout import from_cn_clip_layout, is_cn_clip_layout
    from export.weights.layouts.transformers_layout import from_transformers_layout, is_transformers_layout
    from export.weights.networks.apple import from_apple_layout, is_apple_layout
    if is_transformers_layout(state):
        if not hasattr(model.visual, "conv1"):
            raise InputError(f"transformers' layout, which holds plain ViTs; MODEL={spec.model} is none", where=path,
                             expected="an open_clip architecture with a plain ViT", found=spec.architecture,
                             remedy="MODEL= of the network that was trained, such as ViT-B-32")
        return from_transformers_layout(state, path)
    if is_cn_clip_layout(state):
        return from_cn_clip_layout(state)
    if not is_apple_layout(state):
        return dict(convert_to_custom_text_state_dict(state))
    _refuse_the_first_b(state, model, spec, path)
    try:
        return from_apple_layout(state, model)
    except (KeyError, AttributeError, IndexError, RuntimeError, ValueError) as error:
        raise misfits.does_not_fit(spec, path, "a checkpoint in Apple's layout, of another network or incomplete",
                                   misfits.looks_like(state)) from error


def _refuse_the_first_b(state: "dict[str, Tensor]", model: "nn.Module", spec: ModelSpec, path: Path) -> None:
    """Apple's layout with B's stem is v1, whose padding and epsilon are not those of MobileCLIP2-B."""
    from export.weights.networks.apple import is_second_b
    if STEM_OF_B in state and is_second_b(model):
        raise misfits.does_not_fit(spec, path, "Apple's first version of MobileCLIP-B", "b or blt")


def _without_the_meaningless(state: "dict[str, Tensor]", expected: "dict[str, Tensor]",
                             say: Say) -> "dict[str, Tensor]":
    if BIAS in state and BIAS not in expected and state[BIAS].numel() == 1:
        say(f"leaves out {BIAS}, which no ranking needs")
        state = {key: value for key, value in state.items() if key != BIAS}
    return {key: value for key, value in state.items()
            if key in expected or key.rpartition(".")[2] not in MEANINGLESS}


def _as_stored_in(expected: "Tensor", value: "Tensor", key: str, path: Path) -> "Tensor":
    import torch
    if expected.is_floating_point() != value.is_floating_point():
        raise InputError(f"wrong type of {key}", where=path, expected=str(expected.dtype), found=str(value.dtype),
                         remedy="give the checkpoint as it was published")
    value = value.to(expected.dtype)
    # The sum is NaN or infinite if any value is, and ten times as fast as checking each value.
    if value.is_floating_point() and not torch.isfinite(value.sum()) and not torch.isfinite(value).all():
        raise InputError(f"{key} holds NaN or infinite values", where=path, expected="finite weights",
                         remedy="give the checkpoint as it was published")
    return value


def _refuse_a_factor(scale: "Tensor", path: Path) -> None:
    """Raises InputError if `logit_scale` holds the factor on a cosine: checkpoints store its natural logarithm."""
    value = float(scale.detach().max())
    if value > math.log(LARGEST_SCALE):
        raise InputError(f"logit_scale {value:g} looks like the factor itself", where=path,
                         expected=f"its natural logarithm, at most {math.log(LARGEST_SCALE):.2f}",
                         remedy=f"store {math.log(value):.4f} in its place")
