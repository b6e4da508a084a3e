"""A checkpoint file enters; a state dict that fits its network leaves. Any other file is an InputError of one line.

Reads `.safetensors`, and `.pt` as PyTorch writes it. The content decides, not the suffix. Only tensors are read: a
pickle that asks for anything else is refused and never run. Apple's and open_clip's key layouts are supported.
"""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from export.common.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

TRUNCATED = "fetch the file again"
COUNTERS = "num_batches_tracked"             # batch norm's count of training steps; nothing reads it here


def read(path: Path) -> "dict[str, Tensor]":
    """Every tensor of the file by its key, as stored; a prefix `module.` is removed from the key.

    Raises InputError for a file that is no checkpoint, is cut short, or would run code.
    """
    with path.open("rb") as file:
        head = file.read(40)
    if head[8:9] == b"{":
        state: object = _read_safetensors(path)
    elif head[:4] == b"PK\x03\x04" or head[:1] == b"\x80":
        state = _read_pickle(path)
    else:
        raise InputError("not a checkpoint", where=path, expected="a .safetensors file, or a .pt that PyTorch wrote",
                         found=f"a file that starts with {head!r}" if head else "an empty file", remedy=TRUNCATED)
    return _unwrap(state, path)


def _read_safetensors(path: Path) -> "dict[str, Tensor]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise InputError("damaged or truncated safetensors file", where=path, found=_first_line(error),
                         remedy=TRUNCATED) from error


def _read_pickle(path: Path) -> object:
    import torch
    try:
        with warnings.catch_warnings(action="ignore"):   # torch's advice on TorchScript; it is refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:               # a hostile pickle can raise anything
        wanted = re.search(r"GLOBAL (\S+)", str(error))
        if "TorchScript" in str(error):
            raise InputError("a TorchScript archive, which holds code", where=path, expected="tensors only",
                             remedy="save its state_dict as .safetensors") from error
        if wanted or "Weights only load failed" in str(error):
            raise InputError("refused a pickle that asks for more than tensors", where=path, expected="tensors only",
                             found=wanted[1] if wanted else "other instructions",
                             remedy="do not trust this file, or save its state_dict as .safetensors") from error
        raise InputError("damaged or truncated PyTorch file", where=path, found=_first_line(error),
                         remedy=TRUNCATED) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _unwrap(state: object, path: Path) -> "dict[str, Tensor]":
    import torch
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not state:
        raise InputError("no state dict", where=path, expected="a dictionary of tensors", found=type(state).__name__,
                         remedy="save model.state_dict()")
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, torch.Tensor) or value.layout != torch.strided:
            raise InputError("not a dictionary of tensors", where=path, found=f"{key!r}: {type(value).__name__}",
                             remedy="save model.state_dict()")
    return {key.removeprefix("module."): value for key, value in state.items()}


def fit(state: "dict[str, Tensor]", model: "nn.Module", name: str, path: Path) -> "dict[str, Tensor]":
    """`state` with the keys, shapes and types (float32) of `model`. `name` (of MODEL=) and `path` are for messages.

    Raises InputError for missing or surplus keys, other shapes, other types, and values that are not finite.
    """
    like = looks_like(state)
    state = _to_our_layout(state, model, name, path, like)
    expected = model.state_dict()
    for key, value in expected.items():
        if key.endswith(COUNTERS):
            state.setdefault(key, value)
        if value.ndim == 0 and key in state and state[key].numel() == 1:
            state[key] = state[key].reshape(())     # some files store a number as a list of one
    _check_keys(state, expected, name, path, like)
    return {key: _as_stored_in(expected[key], state[key], key, path) for key in expected}


def _to_our_layout(state: "dict[str, Tensor]", model: "nn.Module", name: str, path: Path,
                   like: str | None) -> "dict[str, Tensor]":
    from open_clip.model import convert_to_custom_text_state_dict

    from export.weights.networks.apple import from_apple_layout, is_apple_layout
    if not is_apple_layout(state):
        return dict(convert_to_custom_text_state_dict(state))
    try:
        return from_apple_layout(state, model)
    except (KeyError, AttributeError, IndexError, RuntimeError, ValueError) as error:
        raise _misfit(name, path, "a checkpoint in Apple's layout, of another network or incomplete", like) from error


def _check_keys(state: "dict[str, Tensor]", expected: "dict[str, Tensor]", name: str, path: Path,
                like: str | None) -> None:
    missing = [key for key in expected if key not in state]
    surplus = [key for key in state if key not in expected]
    other = [f"{key} {list(state[key].shape)} for {list(expected[key].shape)}"
             for key in expected if key in state and state[key].shape != expected[key].shape]
    faults = [f"{len(keys)} {label} (first {keys[0]})"
             for label, keys in (("missing", missing), ("surplus", surplus), ("of another shape", other)) if keys]
    if faults:
        raise _misfit(name, path, ", ".join(faults), like)


def _misfit(name: str, path: Path, found: str, like: str | None) -> InputError:
    other = like if like and name not in like.replace(",", " ").split() else None
    remedy = f"it looks like {other}: MODEL={other.split()[0].rstrip(',')}" if other else \
        "give the checkpoint of this very model, whole"
    return InputError(f"checkpoint does not fit MODEL={name}", where=path, expected="exactly the tensors of that model",
                      found=found, remedy=remedy)


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


FASTVIT_DEPTHS = {2: "demo", 10: "s0", 20: "s1", 24: "s2"}   # blocks of the third stage (timm's fastvit, our demo.py)


def looks_like(state: "dict[str, Tensor]") -> str | None:
    """The names in the table whose network these keys suggest ("s0", "s2 or 2-s2"), or None; for messages only."""
    keys = list(state)
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
