"""A text encoder with a mask, of later tokens or of pads, enters; an equal one leaves, that GPUs compute right.

With a batch of 1, LiteRT makes the scores of torch's attention rank 3, [heads, L, L], and leaves its mask at rank 4,
[1, 1, L, L]. LiteRT's GPU code reads the rank-3 side of their sum as if the heads were the batch, and answers wrongly
without an error (google-ai-edge/LiteRT#8980). Here attention is written out for a batch of 1, in tensors of one rank.
"""

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def written_out(encoder: "nn.Module", rank: int) -> "nn.Module":
    """A copy of `encoder` for a batch of 1, its masked attention in tensors of `rank` 3 or 4.

    An encoder without a mask is returned as it is.
    """
    from torch import nn

    if getattr(encoder, "masks_pads", False):
        return encoder if rank == 4 else without_batch(encoder)
    if getattr(encoder, "mask", None) is None:
        return encoder
    prepared = copy.deepcopy(encoder)
    prepared.mask = prepared.mask.reshape(*[1] * (rank - 2), *prepared.mask.shape)
    for name, module in list(prepared.named_modules()):
        if isinstance(module, nn.MultiheadAttention):
            prepared.set_submodule(name, plain(module, rank))
    return prepared


def plain(attention: "nn.MultiheadAttention", rank: int) -> "nn.Module":
    """A module equal to `attention` of one sequence to itself: [1, L, width] and a mask -> ([1, L, width], None).

    The mask is [1, L, L] or [1, 1, L, L], as `rank` says. It takes what nn.MultiheadAttention takes.
    """
    import torch
    from torch import nn

    class PlainAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads, self.width = attention.num_heads, attention.head_dim
            self.in_proj_weight, self.in_proj_bias = attention.in_proj_weight, attention.in_proj_bias
            self.out_proj = attention.out_proj

        def forward(self, query, key, value, need_weights: bool = False, attn_mask: torch.Tensor | None = None):
            q, k, v = nn.functional.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
            q, k, v = (self.apart(part) for part in (q * self.width ** -0.5, k, v))
            mixed = torch.softmax(q @ k.transpose(-2, -1) + attn_mask, -1) @ v
            return self.out_proj(mixed.transpose(-3, -2).reshape(query.shape)), None

        def apart(self, part: torch.Tensor) -> torch.Tensor:
            return part.view(*[1] * (rank - 3), -1, self.heads, self.width).transpose(-3, -2)

    return PlainAttention()


def without_batch(encoder: "nn.Module") -> "nn.Module":
    """A copy of an encoder with BERT's attention, which has rank 4: in tensors of rank 3."""
    import torch
    from torch import nn

    from export.weights.networks import bert

    class PlainBertAttention(nn.Module):
        """[1, L, width] and a mask [1, 1, 1, L] -> [1, L, width]."""

        def __init__(self, attention: bert.Attention):
            super().__init__()
            self.heads, self.query, self.key, self.value = (
                attention.heads, attention.query, attention.key, attention.value)

        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            query, key, value = (self.apart(layer(x)) for layer in (self.query, self.key, self.value))
            # Scaled after the product: litert-torch would fold a factor of the queries into their projection.
            scores = query @ key.transpose(1, 2) * query.shape[-1] ** -0.5 + mask.squeeze(0)
            return (torch.softmax(scores, -1) @ value).transpose(0, 1).reshape(x.shape)

        def apart(self, part: torch.Tensor) -> torch.Tensor:
            return part.view(-1, self.heads, part.shape[-1] // self.heads).transpose(0, 1)

    prepared = copy.deepcopy(encoder)
    for name, module in list(prepared.named_modules()):
        if isinstance(module, bert.Attention):
            prepared.set_submodule(name, PlainBertAttention(module))
    return prepared
