"""What a checkpoint file stores enters; its state dict leaves, without the dictionaries and prefixes around it.

    >>> sorted(stripped({"model.visual._orig_mod.proj": 1, "model.logit_scale": 2}, Path("a.pt")))
    ['logit_scale', 'visual.proj']
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.common.errors import InputError
from export.weights.layouts.stored import STATE_KEYS

if TYPE_CHECKING:
    from torch import Tensor

AVERAGED = re.compile(r"(^|_)(ema|averaged?)(_|$)")      # timm's keys, state_dict_ema and model_ema, and others'
INSIDE = (*STATE_KEYS, "module", "shadow")   # what an average with more than weights calls them
COMPILED = "_orig_mod"                       # torch.compile's part of a key, before or inside it
# The first part of a key that names a part of the model: never a wrapper, even if a file holds that part alone.
TOWERS = frozenset({"visual", "text", "vision_model", "text_model", "image_encoder", "text_encoder", "transformer",
                    "bert"})


@dataclass(frozen=True)
class Unwrapped:
    """A state dict, and what the user should know about how it was found; None: nothing."""

    state: "dict[str, Tensor]"
    note: str | None = None


def unwrap(stored: object, path: Path, key: str | None = None) -> Unwrapped:
    """The state dict in `stored`, without prefixes. `key`: CHECKPOINT_KEY=, the dictionary to take.

    Raises InputError if there is none, or several between which the user must choose.
    """
    state, note = (_chosen(stored, path, key), None) if key else _found(stored, path)
    return Unwrapped(stripped(state, path), note)


def _chosen(stored: object, path: Path, key: str) -> "dict[str, Tensor]":
    named = stored.items() if isinstance(stored, Mapping) else []
    there = {name: state for name, value in named if (state := _state_of(name, value))}
    if key not in there:
        raise InputError(f"CHECKPOINT_KEY={key} names no dictionary of tensors", where=path,
                         expected=" or ".join(map(str, there)) or "none, for the file holds one state dict",
                         remedy=f"CHECKPOINT_KEY={next(iter(there))}" if there else "leave CHECKPOINT_KEY out")
    return there[key]


def _found(stored: object, path: Path) -> "tuple[dict[str, Tensor], str | None]":
    if not isinstance(stored, Mapping) or not stored:
        raise InputError("no state dict", where=path, expected="a dictionary of tensors", found=type(stored).__name__,
                         remedy="save model.state_dict()")
    if _is_state(stored):
        return dict(stored), None
    raw = _different(stored, STATE_KEYS)
    averaged = _different(stored, filter(_is_average, stored))
    if raw and averaged:
        raise InputError("holds raw and averaged weights (EMA)", where=path, found=", ".join(raw + averaged),
                         expected="to be told which", remedy=f"CHECKPOINT_KEY={averaged[0]}")
    if len(raw + averaged) > 1:
        raise InputError("holds several state dicts", where=path, found=", ".join(raw + averaged),
                         expected="to be told which", remedy=f"CHECKPOINT_KEY={(raw + averaged)[0]}")
    if averaged:
        state = _state_of(averaged[0], stored[averaged[0]])
        return state, f"takes the averaged weights (EMA) in {averaged[0]}; the file holds no others"
    if raw:
        unknown = [name for name in stored if _is_average(name) and isinstance(stored[name], Mapping)]
        return stored[raw[0]], f"takes {raw[0]}; {unknown[0]} holds no state dict" if unknown else None
    inner = next((stored[name] for name in STATE_KEYS if isinstance(stored.get(name), Mapping)), None)
    if inner is not None:
        return _found(inner, path)
    key, value = next(pair for pair in stored.items() if not isinstance(pair[0], str) or not _is_tensor(pair[1]))
    raise InputError("not a dictionary of tensors", where=path, found=f"{key!r}: {type(value).__name__}",
                     remedy="save model.state_dict()")


def _different(stored: Mapping, names: Iterable[str]) -> list[str]:
    """Those of `names` that hold a state dict, without those that hold the same one again."""
    found: list[str] = []
    for name in names:
        state = _state_of(name, stored.get(name))
        if state and not any(_same(state, _state_of(other, stored[other])) for other in found):
            found.append(name)
    return found


def _is_average(name: object) -> bool:
    return isinstance(name, str) and AVERAGED.search(name) is not None


def _state_of(name: object, value: Any) -> "dict[str, Tensor]":
    """The state dict that `value` is, or that an average holds beside its decay; {} for anything else."""
    if _is_state(value):
        return value
    inside = [value.get(one) for one in INSIDE] if _is_average(name) and isinstance(value, Mapping) else []
    return next((one for one in inside if one is not None and _is_state(one)), {})


def _same(one: Mapping, other: Mapping) -> bool:
    import torch

    return one.keys() == other.keys() and all(
        value.shape == other[key].shape and torch.equal(value, other[key]) for key, value in one.items())


def _is_state(value: object) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(
        isinstance(key, str) and _is_tensor(tensor) for key, tensor in value.items())


def _is_tensor(value: object) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.layout == torch.strided


def stripped(state: dict[str, Any], path: Path) -> dict[str, Any]:
    """`state` without the first parts that all keys share, such as `module.` or `model.`, and without `_orig_mod.`.

    Raises InputError if two keys become one.
    """
    names = {key: [part for part in key.split(".") if part != COMPILED] for key in state}
    while _share_first(names.values()):
        names = {key: parts[1:] for key, parts in names.items()}
    renamed = {".".join(parts): state[key] for key, parts in names.items()}
    if len(renamed) < len(state):
        raise InputError("two keys become one without their prefixes", where=path,
                         expected="one prefix for all keys, or none", remedy="save model.state_dict() of one model")
    return renamed


def _share_first(names: Iterable[list[str]]) -> bool:
    """Whether all keys begin with the same part, and that part is a wrapper."""
    firsts = {parts[0] if len(parts) > 1 else None for parts in names}
    return len(firsts) == 1 and firsts.isdisjoint(TOWERS | {None})
