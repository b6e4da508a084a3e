"""An encoder enters; an equal encoder leaves, its 7x7 depthwise convolutions split into pieces that XNNPACK runs fast.

XNNPACK, LiteRT's CPU code, has depthwise kernels of 3, 4, 9 and 25 taps, and none for a depth multiplier. It runs all
other depthwise convolutions as a matrix product for each channel, up to twenty times slower: FastViT's 7x7 convolutions
took half the time of s2's image encoder. Splitting changes only the order of the sum.
"""

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

KERNEL = (7, 7)
# Rows and columns of each piece. Together the pieces cover each of the 49 taps once. Taps at equal steps around the
# middle form a smaller convolution with dilation and equal padding on both sides. In s2, one piece of 25 taps and four
# of at most 9 were faster than three of 21, 14 and 14.
PIECES = (
    ((1, 2, 3, 4, 5), (1, 2, 3, 4, 5)),
    ((0, 6), (0, 2, 4, 6)),
    ((0, 6), (1, 3, 5)),
    ((1, 3, 5), (0, 6)),
    ((2, 4), (0, 6)),
)


def split_large(encoder: "nn.Module", strided: bool = True) -> "nn.Module":
    """A copy of `encoder` with each 7x7 depthwise convolution as a sum of `PIECES`; with a stride only if `strided`."""
    split = copy.deepcopy(encoder)
    for name, module in list(split.named_modules()):
        if is_large(module) and (strided or module.stride == (1, 1)):
            split.set_submodule(name, pieces(module))
    return split


def is_large(module: "nn.Module") -> bool:
    """Whether `module` is a 7x7 depthwise convolution, with or without stride or depth multiplier."""
    from torch import nn

    return (isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels and module.kernel_size == KERNEL
            and module.dilation == (1, 1) and module.padding == (3, 3) and module.padding_mode == "zeros")


def pieces(conv: "nn.Conv2d") -> "nn.Module":
    """A module equal to `conv`: [N, C, H, W] -> [N, multiplier * C, H / stride, W / stride]."""
    import torch
    from torch import nn

    class Sum(nn.Module):
        def __init__(self, parts: list[nn.Conv2d]):
            super().__init__()
            self.parts = nn.ModuleList(parts)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            total = self.parts[0](x)
            for part in self.parts[1:]:
                total = total + part(x)
            return total

    class Interleaved(nn.Module):
        """Output channel c * multiplier + m is channel c of the m-th part."""

        def __init__(self, parts: list[nn.Module]):
            super().__init__()
            self.parts = nn.ModuleList(parts)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([part(x) for part in self.parts], dim=2).flatten(1, 2)

    multiplier = conv.out_channels // conv.groups
    weight = conv.weight.detach()
    bias = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias.detach()
    sums = [Sum([piece(conv, weight[m::multiplier], bias[m::multiplier] if i == 0 else None, *PIECES[i])
                 for i in range(len(PIECES))]) for m in range(multiplier)]
    return sums[0] if multiplier == 1 else Interleaved(sums)


def piece(conv: "nn.Conv2d", weight, bias, rows: tuple[int, ...], columns: tuple[int, ...]) -> "nn.Conv2d":
    """A depthwise convolution with the stride of `conv` and only these rows and columns of `weight` [C, 1, 7, 7]."""
    from torch import nn

    part = nn.Conv2d(conv.in_channels, conv.in_channels, (len(rows), len(columns)), conv.stride,
                     padding=(3 - rows[0], 3 - columns[0]), dilation=(rows[1] - rows[0], columns[1] - columns[0]),
                     groups=conv.groups, bias=bias is not None)
    part.weight = nn.Parameter(weight[:, :, rows][..., columns].clone(), requires_grad=False)
    if bias is not None:
        part.bias = nn.Parameter(bias.clone(), requires_grad=False)
    return part.eval()
