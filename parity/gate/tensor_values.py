"""An encoder enters; its tensors' values leave, by name, and what tells them from others: norm, order, a hash."""

from functools import cached_property

import numpy as np

HASH = ((np.uint64(0xBF58476D1CE4E5B9), np.uint64(27)), (np.uint64(0x94D049BB133111EB), np.uint64(31)))   # splitmix64
LEAST = 16                                   # values; those of a smaller tensor do not identify it
AT_ONCE = 1 << 15                            # values that are hashed at once: their 64 bits stay in the core's cache


class Values:
    """The values of a tensor, float32 in any order. What is asked of them is computed once."""

    def __init__(self, tensor: np.ndarray):
        self.flat = tensor.ravel().astype(np.float32, copy=False)

    @cached_property
    def norm(self) -> float:
        """The square root of the sum of squares."""
        return float(np.linalg.norm(self.flat))

    @cached_property
    def ordered(self) -> np.ndarray:
        """From the least to the largest, which takes ten times as long as a mark."""
        return np.sort(self.flat)

    @cached_property
    def marks(self) -> dict[str, int]:
        """A number for all values together, in each precision of FLOAT: equal if the values are, in any order."""
        with np.errstate(over="ignore"):
            half = self.flat.astype(np.float16).astype(np.float32)
        return {"fp32": mark(self.flat), "fp16": mark(half)}

    @cached_property
    def mark(self) -> int:
        """As in `marks`, of the values as they are."""
        return mark(self.flat)


def mark(values: np.ndarray) -> int:
    """The sum of a 64-bit hash of each float32: other values have the same by a chance of 1 in 2**64."""
    total = 0
    for start in range(0, len(values), AT_ONCE):
        bits = (values[start:start + AT_ONCE] + np.float32(0)).view(np.uint32).astype(np.uint64)  # + 0 makes -0 a 0
        for factor, shift in HASH:
            bits *= factor
            bits ^= bits >> shift
        total += int(bits.sum())
    return total % 2**64


def tensors(encoder) -> dict[str, np.ndarray]:
    """The encoder's tensors that their values can identify, float32."""
    statistics = [(name, tensor) for name, tensor in encoder.named_buffers() if "running_" in name]   # not masks
    return {name: tensor.detach().numpy() for name, tensor in [*encoder.named_parameters(), *statistics]
            if tensor.is_floating_point() and tensor.numel() >= LEAST}


def true_values(encoder) -> dict[str, Values]:
    """The values of each of the encoder's `tensors`: every artefact is compared with them."""
    return {name: Values(value) for name, value in tensors(encoder).items()}
