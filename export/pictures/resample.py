"""Pillow 13.0.0's antialiased resize, bit for bit, in NumPy, for one window of the output.

Enters: upright RGB8, the size of the whole resized picture, and the window to compute. Leaves: RGB8 of the window. Only
the window is computed, so a picture 1 pixel wide and 8,000 long needs no strip of two million rows. The apps port this
code; `tests/test_preprocess.py` compares it with Pillow byte for byte.
"""

from collections.abc import Callable

import numpy as np

PRECISION_BITS = 22                      # Pillow, Resample.c: 32 bits less 8 of the pixel less 2 of head room
# How many times the length of a side may be that of the resized side. Each weight is rounded to a multiple of 2^-22,
# and bicubic has up to 4 x 4096 + 1 of them: a picture of one colour is at most 255 x 0.5 x 16385 / 2^22 = 0.498 off,
# less than a half, and keeps its colour.
MOST_SHRUNK = 4096


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _cubic(x: np.ndarray) -> np.ndarray:
    """Keys' kernel with a = -0.5, in Pillow's order of operations."""
    a, x = -0.5, np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


KERNELS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "bilinear": (_triangle, 1.0),        # kernel, half its width in input pixels when enlarging
    "bicubic": (_cubic, 2.0),
}


def _weights(size_in: int, size_out: int, start: int, count: int, interpolation: str) -> tuple[int, np.ndarray]:
    """Whole-number weights of outputs `start` to `start + count - 1`: (first input used, float64 [count, inputs])."""
    kernel, half_width = KERNELS[interpolation]
    scale = size_in / size_out
    stretch = max(scale, 1.0)            # shrinking widens the kernel, which is the antialiasing
    support = half_width * stretch
    rows = []
    for index in range(start, start + count):
        centre = (index + 0.5) * scale
        low = max(int(centre - support + 0.5), 0)
        high = min(int(centre + support + 0.5), size_in)
        weights = kernel((np.arange(low, high) - centre + 0.5) * (1.0 / stretch))
        weights = weights / np.add.accumulate(weights)[-1]       # added left to right, as C does
        rows.append((low, np.trunc(weights * (1 << PRECISION_BITS) + np.copysign(0.5, weights))))
    first = rows[0][0]
    dense = np.zeros((count, max(low + len(weights) for low, weights in rows) - first))
    for row, (low, weights) in zip(dense, rows, strict=True):
        row[low - first:low - first + len(weights)] = weights
    return first, dense


def _combine(pixels: np.ndarray, axis: int, weights: np.ndarray) -> np.ndarray:
    """One pass: uint8 pixels with inputs along `axis` -> uint8 pixels with outputs along `axis`."""
    moved = np.moveaxis(pixels, axis, 0)
    total = weights @ moved.reshape(len(moved), -1).astype(np.float64)           # whole numbers below 2^53: exact
    rounded = (total.astype(np.int64) + (1 << (PRECISION_BITS - 1))) >> PRECISION_BITS
    out = np.clip(rounded, 0, 255).astype(np.uint8).reshape(len(weights), *moved.shape[1:])
    return np.moveaxis(out, 0, axis)


def resize_window(
    rgb: np.ndarray, size: tuple[int, int], origin: tuple[int, int], window: tuple[int, int], interpolation: str
) -> np.ndarray:
    """The pixels of Pillow 13.0.0's `resize` that lie in one window of its output.

    rgb: uint8 [H, W, 3]. size, origin, window: (rows, columns) of the whole output, of the window's first pixel, of the
    window. interpolation: a key of KERNELS. Returns uint8 [window rows, window columns, 3].
    """
    order = (0, 1) if rows_first(rgb.shape[:2], size) else (1, 0)
    passes = {}
    for axis in (0, 1):
        if rgb.shape[axis] == size[axis]:                        # Pillow skips an axis whose size stays
            rgb = np.take(rgb, range(origin[axis], origin[axis] + window[axis]), axis)
        else:
            passes[axis] = _weights(rgb.shape[axis], size[axis], origin[axis], window[axis], interpolation)
    for axis, (first, weights) in passes.items():
        rgb = np.take(rgb, range(first, first + weights.shape[1]), axis)
    for axis in order:
        if axis in passes:
            rgb = _combine(rgb, axis, passes[axis][1])
    return np.ascontiguousarray(rgb)


def rows_first(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether Pillow 13.0.0 shrinks the rows before the columns (12.1 and earlier never did); sizes (rows, columns).

    The order matters, because each pass rounds to whole bytes.
    """
    fewer_rows, fewer_columns = before[0] - after[0], before[1] - after[1]
    return fewer_rows > 0 and fewer_rows > 2 * fewer_columns


def resized_size(height: int, width: int, size: int) -> tuple[int, int]:
    """(rows, columns) after the shortest side became `size`; the other side is rounded down, as torchvision does."""
    short, long = min(height, width), max(height, width)
    longer = size * long // short
    return (longer, size) if width <= height else (size, longer)


def crop_origin(length: int, size: int) -> int:
    """First pixel of a centred window of `size` in `length`; Python's round takes halves to even, as ports must."""
    return round((length - size) / 2)
