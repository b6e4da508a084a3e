"""An encoder and inputs enter; the largest value of each operation, against the end of float16's range, leaves.

Measured in float32 PyTorch, whose values do not overflow, over the sample inputs. A mask counts as a value.
parity/gate/stored_weights.py checks the constants that an artefact holds.
"""

from dataclasses import dataclass

import numpy as np

LARGEST = 65504.0                            # float16's largest finite number (IEEE 754-2019, binary16)
NEAR = 16                                    # operations within this factor of it are listed
MOST_INPUTS = 12                             # of the samples, evenly spread
BATCH = 4


@dataclass(frozen=True)
class Peak:
    """The largest magnitude that one operation gave."""

    layer: str
    operation: str
    largest: float


@dataclass(frozen=True)
class Safety:
    """One encoder against float16's range."""

    encoder: str
    inputs: int
    peak: Peak
    headroom: float                          # float16's largest number over the peak
    near: list[Peak]                         # the operations within NEAR of the range, worst first

    def faults(self) -> list[str]:
        """Why the encoder is not safe in float16; none if it is."""
        return [] if self.headroom > 1 else [
            f"{self.peak.layer or 'the encoder'} reaches {self.peak.largest:.3g} ({self.peak.operation}), and float16 "
            f"ends at {LARGEST:.0f}"]


def measure(name: str, encoder, inputs: np.ndarray) -> Safety:
    """Runs `encoder` (as exported) on some of `inputs`: uint8 [N, S, S, 3] or int32 [N, L]."""
    import torch

    some = inputs[np.linspace(0, len(inputs) - 1, min(MOST_INPUTS, len(inputs))).round().astype(int)]
    if name == "image":
        some = some.astype(np.float32).transpose(0, 3, 1, 2)
    peaks: dict[tuple[str, str], float] = {}
    with torch.no_grad(), watching(encoder, peaks):
        for start in range(0, len(some), BATCH):
            encoder(torch.from_numpy(np.ascontiguousarray(some[start:start + BATCH])))
    ordered = sorted((Peak(layer, operation, value) for (layer, operation), value in peaks.items()),
                     key=lambda peak: -peak.largest if peak.largest == peak.largest else -np.inf)
    return Safety(name, len(some), ordered[0], LARGEST / ordered[0].largest,
                  [peak for peak in ordered if not peak.largest <= LARGEST / NEAR])


def largest_of(value):
    """The largest magnitude in a tensor, without a copy of it; NaN if one is in it."""
    import torch

    least, most = torch.aminmax(value)
    return torch.maximum(-least, most)


class watching:  # noqa: N801 (a context manager, used as a function)
    """A context that records in `peaks` the largest magnitude of every output, by module and operation."""

    def __init__(self, encoder, peaks: dict[tuple[str, str], float]):
        from torch.utils._python_dispatch import TorchDispatchMode

        stack, self.hooks = [""], []
        constants = {value.untyped_storage().data_ptr() for value in encoder.state_dict().values()}
        for name, module in encoder.named_modules():
            self.hooks += [module.register_forward_pre_hook(lambda *_, name=name: stack.append(name)),
                           module.register_forward_hook(lambda *_: stack.pop() and None)]

        class Mode(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
                output = function(*arguments, **keywords or {})
                for value in output if isinstance(output, (tuple, list)) else [output]:
                    if (hasattr(value, "is_floating_point") and value.is_floating_point() and value.numel()
                            and value.untyped_storage().data_ptr() not in constants):        # no transposed weight
                        key = stack[-1], str(function.overloadpacket).removeprefix("aten.")
                        largest = float(largest_of(value))
                        if not largest <= peaks.get(key, -1.0):
                            peaks[key] = largest
                return output

        self.mode = Mode()

    def __enter__(self):
        self.mode.__enter__()

    def __exit__(self, *error):
        self.mode.__exit__(*error)
        for hook in self.hooks:
            hook.remove()
