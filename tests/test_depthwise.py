"""The pieces of a 7x7 depthwise convolution sum up to it, in PyTorch and in a TFLite file."""

import pytest
import torch
from torch import nn

from export.weights import depthwise


def convolution(stride: int, multiplier: int, bias: bool) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(6, 6 * multiplier, 7, stride, padding=3, groups=6, bias=bias).requires_grad_(False)


def test_the_pieces_hold_every_tap_once():
    taps = [(row, column) for rows, columns in depthwise.PIECES for row in rows for column in columns]
    assert sorted(taps) == [(row, column) for row in range(7) for column in range(7)]


def test_the_pieces_are_no_larger_than_xnnpacks_kernels():
    sizes = sorted(len(rows) * len(columns) for rows, columns in depthwise.PIECES)
    assert sizes[-1] <= 25 and sizes[-2] <= 9


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("multiplier", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(16, 16), (9, 14), (2, 2), (1, 1)])
def test_the_sum_is_the_convolution(size, stride, multiplier, bias):
    original = convolution(stride, multiplier, bias)
    x = torch.randn(2, 6, *size)
    changed = depthwise.split_large(nn.Sequential(original))
    assert sum(isinstance(m, nn.Conv2d) for m in changed.modules()) == len(depthwise.PIECES) * multiplier
    assert (changed(x) - original(x)).abs().max() < 1e-6


@pytest.mark.parametrize("other", [
    nn.Conv2d(6, 6, 5, padding=2, groups=6), nn.Conv2d(6, 6, 7, padding=3), nn.Conv2d(6, 6, 7, padding=3, groups=3),
    nn.Conv2d(6, 6, 7, padding=2, groups=6), nn.Conv2d(6, 6, 7, padding=3, groups=6, padding_mode="reflect"),
    nn.Conv2d(6, 6, 7, padding=6, groups=6, dilation=2), nn.Conv2d(1, 6, 7, padding=3),
])
def test_other_convolutions_stay(other):
    assert not depthwise.is_large(other)


@pytest.mark.parametrize("stride, multiplier", [(1, 1), (2, 2)])
@pytest.mark.parametrize("delegate", [True, False], ids=["XNNPACK", "built-in kernels"])
def test_a_tflite_file_of_the_pieces_says_the_same(stride, multiplier, delegate):
    import litert_torch
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    original = convolution(stride, multiplier, bias=True).eval()
    x = torch.randn(1, 6, 12, 12)
    content = litert_torch.convert(depthwise.split_large(nn.Sequential(original)), (x,))._exporter.to_bytes()
    resolver = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    run = Interpreter(model_content=content, experimental_op_resolver_type=resolver).get_signature_runner()
    found = next(iter(run(args_0=x.numpy()).values()))
    assert abs(found - original(x).numpy()).max() < 1e-5
