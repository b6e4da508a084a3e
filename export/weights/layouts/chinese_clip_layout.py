"""A state dict with the keys of cn_clip, Chinese-CLIP's own library, enters; one with our keys leaves.

Ours are cn_clip's with `text.` before those of the text tower. transformers_layout.py gives the same keys to the other
layout, so that the same weights give the same space, whichever library's file they come from.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

BERT = "bert."
TEXT = (BERT, "text_projection")
UNUSED = "bert.pooler."                      # BERT's own pooling, which Chinese-CLIP does not use


def is_cn_clip_layout(state: "dict[str, Tensor]") -> bool:
    """Whether the keys are cn_clip's."""
    return any(key.startswith(BERT) for key in state)


def from_cn_clip_layout(state: "dict[str, Tensor]") -> "dict[str, Tensor]":
    """`state` with our keys."""
    return {f"text.{key}" if key.startswith(TEXT) else key: value
            for key, value in state.items() if not key.startswith(UNUSED)}
