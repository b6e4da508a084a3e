"""Core ML's MIL operations in torch, by name; arguments as MIL names them. Constants come as tensors, 0-d ones too.

The meanings follow coremltools' operation reference (converters/mil/mil/ops/defs). The caller checks the types, and
asks `gap` first: an operation takes for granted that it has none.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

NUMBERS = {"fp16": torch.float32, "fp32": torch.float32, "bool": torch.bool}  # every integer type runs as int32


def ints(value: Tensor) -> list[int]:
    """A constant vector as Python's ints."""
    return [int(one) for one in value.reshape(-1)]


def cast(x: Tensor, dtype: str) -> Tensor:
    return x.to(NUMBERS.get(dtype, torch.int32))


def conv(x: Tensor, weight: Tensor, bias: Tensor | None = None, strides: Tensor | None = None, pad_type: str = "valid",
         pad: Tensor | None = None, dilations: Tensor | None = None, groups: Tensor | int = 1) -> Tensor:
    none = [0] * (x.ndim - 2)
    before, after = (none, none) if pad is None or pad_type == "valid" else (ints(pad)[::2], ints(pad)[1::2])
    if before != after:
        x = F.pad(x, [side for pair in zip(before[::-1], after[::-1], strict=True) for side in pair])
        before = none
    run = {3: F.conv1d, 4: F.conv2d}[x.ndim]
    steps, gaps = (1 if sizes is None else ints(sizes) for sizes in (strides, dilations))
    return run(x, weight, bias, steps, before, gaps, int(groups))


def avg_pool(x: Tensor, kernel_sizes: Tensor, strides: Tensor | None = None, pad_type: str = "valid",
             pad: Tensor | None = None, exclude_padding_from_average: Tensor | bool = False,
             ceil_mode: Tensor | bool = False) -> Tensor:
    run = {3: F.avg_pool1d, 4: F.avg_pool2d}[x.ndim]
    steps, sides = pool_sizes(x, strides, pad_type, pad)
    return run(x, ints(kernel_sizes), steps, sides, bool(ceil_mode), not bool(exclude_padding_from_average))


def max_pool(x: Tensor, kernel_sizes: Tensor, strides: Tensor | None = None, pad_type: str = "valid",
             pad: Tensor | None = None, ceil_mode: Tensor | bool = False) -> Tensor:
    run = {3: F.max_pool1d, 4: F.max_pool2d}[x.ndim]
    steps, sides = pool_sizes(x, strides, pad_type, pad)
    return run(x, ints(kernel_sizes), steps, sides, ceil_mode=bool(ceil_mode))


def pool_sizes(x: Tensor, strides: Tensor | None, pad_type: str, pad: Tensor | None) -> tuple[list[int], list[int]]:
    """The strides of a pooling, and the padding on both sides of each spatial axis."""
    axes = x.ndim - 2
    return ([1] * axes if strides is None else ints(strides),
            [0] * axes if pad is None or pad_type == "valid" else ints(pad)[::2])


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return F.linear(x, weight, bias)


def matmul(x: Tensor, y: Tensor, transpose_x: Tensor | bool = False, transpose_y: Tensor | bool = False) -> Tensor:
    return torch.matmul(x.mT if transpose_x else x, y.mT if transpose_y else y)


def batch_norm(x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None,
               epsilon: Tensor | float = 1e-5) -> Tensor:
    return F.batch_norm(x, mean, variance, gamma, beta, eps=float(epsilon))


def layer_norm(x: Tensor, axes: Tensor | None = None, gamma: Tensor | None = None, beta: Tensor | None = None,
               epsilon: Tensor | float = 1e-5) -> Tensor:
    count = x.ndim if axes is None else axes.numel()
    return F.layer_norm(x, x.shape[-count:], gamma, beta, float(epsilon))


def gelu(x: Tensor, mode: str = "EXACT") -> Tensor:
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    return F.gelu(x, approximate={"EXACT": "none", "TANH_APPROXIMATION": "tanh"}[mode])


def softmax(x: Tensor, axis: Tensor | int = -1) -> Tensor:
    return torch.softmax(x, int(axis))


def attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None) -> Tensor:
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    return torch.softmax(scores, -1) @ value


def clip(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    return x.clamp(alpha, beta)


def rsqrt(x: Tensor, epsilon: Tensor | float = 1e-12) -> Tensor:
    return torch.rsqrt(x + epsilon)


def reduce(run):
    def reduced(x: Tensor, axes: Tensor | None = None, keep_dims: Tensor | bool = False) -> Tensor:
        return run(x, ints(axes) if axes is not None else list(range(x.ndim)), bool(keep_dims))

    return reduced


def reduce_argmax(x: Tensor, axis: Tensor | int = -1, keep_dims: Tensor | bool = False,
                  output_dtype: str = "int32") -> Tensor:
    return x.argmax(int(axis), bool(keep_dims)).int()


def reshape(x: Tensor, shape: Tensor) -> Tensor:
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(ints(shape))])


def transpose(x: Tensor, perm: Tensor) -> Tensor:
    return x.permute(ints(perm))


def squeeze(x: Tensor, axes: Tensor | None = None) -> Tensor:
    return x.squeeze() if axes is None else x.squeeze(ints(axes))


def expand_dims(x: Tensor, axes: Tensor) -> Tensor:
    rank = x.ndim + axes.numel()
    for axis in sorted(number % rank for number in ints(axes)):
        x = x.unsqueeze(axis)
    return x


def slice_by_index(x: Tensor, begin: Tensor, end: Tensor, stride: Tensor | None = None,
                   begin_mask: Tensor | None = None, end_mask: Tensor | None = None,
                   squeeze_mask: Tensor | None = None) -> Tensor:
    steps = [1] * x.ndim if stride is None else ints(stride)
    flags = [[bool(one) for one in mask] if mask is not None else [False] * x.ndim
             for mask in (begin_mask, end_mask, squeeze_mask)]
    index: list[int | slice] = []
    for axis, (first, last, step) in enumerate(zip(ints(begin), ints(end), steps, strict=True)):
        if flags[2][axis]:
            index.append(first)
        else:
            index.append(slice(None if flags[0][axis] else first, None if flags[1][axis] else last, step))
    return x[tuple(index)]


def slice_by_size(x: Tensor, begin: Tensor, size: Tensor) -> Tensor:
    return x[tuple(slice(first, None if count == -1 else first + count)
                   for first, count in zip(ints(begin), ints(size), strict=True))]


def split(x: Tensor, axis: Tensor, num_splits: Tensor | None = None,
          split_sizes: Tensor | None = None) -> tuple[Tensor, ...]:
    if split_sizes is not None:
        return torch.split(x, ints(split_sizes), int(axis))
    return torch.tensor_split(x, int(num_splits or 1), int(axis))


def concat(values: list[Tensor], axis: Tensor, interleave: Tensor | bool = False) -> Tensor:
    return torch.cat(values, int(axis))


def stack(values: list[Tensor], axis: Tensor) -> Tensor:
    return torch.stack(values, int(axis))


def tile(x: Tensor, reps: Tensor) -> Tensor:
    return x.repeat(ints(reps))


def gather(x: Tensor, indices: Tensor, axis: Tensor | int = 0, batch_dims: Tensor | int = 0,
           validate_indices: Tensor | bool = False) -> Tensor:
    axis = int(axis) % x.ndim
    rows = x.index_select(axis, indices.reshape(-1).long())
    return rows.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1:])


def gather_along_axis(x: Tensor, indices: Tensor, axis: Tensor | int = 0,
                      validate_indices: Tensor | bool = False) -> Tensor:
    return torch.take_along_dim(x, indices.long(), int(axis))


def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(cond, a, b)


OPERATIONS = {
    "cast": cast, "conv": conv, "avg_pool": avg_pool, "max_pool": max_pool, "linear": linear, "matmul": matmul,
    "batch_norm": batch_norm, "layer_norm": layer_norm,
    "gelu": gelu, "softmax": softmax, "scaled_dot_product_attention": attention, "clip": clip,
    "relu": lambda x: F.relu(x), "sigmoid": lambda x: torch.sigmoid(x), "silu": lambda x: F.silu(x),
    "tanh": lambda x: torch.tanh(x), "erf": lambda x: torch.erf(x), "exp": lambda x: torch.exp(x),
    "abs": lambda x: x.abs(), "sqrt": lambda x: x.sqrt(), "square": lambda x: x.square(), "rsqrt": rsqrt,
    "identity": lambda x: x,
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y, "real_div": lambda x, y: x / y,
    "pow": lambda x, y: x ** y, "maximum": lambda x, y: torch.maximum(x, y),
    "minimum": lambda x, y: torch.minimum(x, y),
    "equal": lambda x, y: x == y, "not_equal": lambda x, y: x != y, "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y, "greater": lambda x, y: x > y, "greater_equal": lambda x, y: x >= y,
    "logical_and": lambda x, y: x & y, "logical_or": lambda x, y: x | y, "logical_not": lambda x: ~x,
    "reduce_mean": reduce(lambda x, axes, keep: x.mean(axes, keep)),
    "reduce_sum": reduce(lambda x, axes, keep: x.sum(axes, keep, dtype=x.dtype)),
    "reduce_l2_norm": reduce(lambda x, axes, keep: x.square().sum(axes, keep).sqrt()),
    "reduce_max": reduce(lambda x, axes, keep: x.amax(axes, keep)),
    "reduce_min": reduce(lambda x, axes, keep: x.amin(axes, keep)), "reduce_argmax": reduce_argmax,
    "reshape": reshape, "transpose": transpose, "squeeze": squeeze, "expand_dims": expand_dims,
    "slice_by_index": slice_by_index, "slice_by_size": slice_by_size, "split": split, "concat": concat,
    "stack": stack, "tile": tile, "gather": gather, "gather_along_axis": gather_along_axis, "select": select,
}


# What is not covered: for an operation, its inputs (constants as tensors) and the rank of x, in words; else None.

def padding_gap(inputs: dict[str, Any], rank: int) -> str | None:
    kind = inputs.get("pad_type", "valid")
    return None if kind in ("custom", "valid") else f"pad_type {kind}"


def pooling_gap(inputs: dict[str, Any], rank: int) -> str | None:
    if rank not in (3, 4):
        return f"{rank - 2} spatial axes"
    sides = [] if inputs.get("pad") is None or inputs.get("pad_type") == "valid" else ints(inputs["pad"])
    return padding_gap(inputs, rank) or (f"the padding {sides}" if sides[::2] != sides[1::2] else None)


def norm_gap(inputs: dict[str, Any], rank: int) -> str | None:
    axes = sorted(axis % rank for axis in ints(inputs["axes"])) if "axes" in inputs else []
    return f"the axes {axes} of {rank}" if axes != list(range(rank - len(axes), rank)) else None


def slice_gap(inputs: dict[str, Any], rank: int) -> str | None:
    steps = ints(inputs["stride"]) if "stride" in inputs else []
    return f"the strides {steps}" if any(step < 1 for step in steps) else None


def split_gap(inputs: dict[str, Any], rank: int) -> str | None:
    return None if {"num_splits", "split_sizes"} & inputs.keys() else "neither num_splits nor split_sizes"


GAPS: dict[str, Callable[[dict[str, Any], int], str | None]] = {
    "conv": padding_gap, "avg_pool": pooling_gap, "max_pool": pooling_gap, "layer_norm": norm_gap,
    "slice_by_index": slice_gap, "split": split_gap,
    "concat": lambda inputs, rank: "interleave" if inputs.get("interleave") else None,
    "gather": lambda inputs, rank: "batch_dims" if int(inputs.get("batch_dims", 0)) else None,
}


def gap(operation: str, inputs: dict[str, Any], rank: int) -> str | None:
    """What OPERATIONS lacks for this operation: "avg_pool", "conv with pad_type same"; None if it lacks nothing.

    `inputs`: constants as tensors, references to computed values as they are. `rank`: of the input `x`.
    """
    if operation not in OPERATIONS:
        return operation
    unknown = inputs.keys() - inspect.signature(OPERATIONS[operation]).parameters.keys()
    variant = ", ".join(sorted(unknown)) or GAPS.get(operation, lambda inputs, rank: None)(inputs, rank)
    return f"{operation} with {variant}" if variant else None
