"""An encoder enters; a TFLite file (NHWC pixels, batch 1, built-in ops, stamped) leaves, by litert-torch."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from export.formats.mixture import Mixture, Weight, uniform
from export.formats.stamp import INPUT, OUTPUT, Stamp
from export.tflite import attention, compress, ranks
from export.tflite.flatbuffer import stamped

# litert-torch writes the class path of each module into the names of its tensors. These paths are the first release's,
# so that a class can move to another file and the artefact keeps its bytes.
CLASS_PATHS = {"export.weights.depthwise": "export.tflite.depthwise", "export.weights": "export"}


def trace(encoder, kind: str, example) -> bytes:
    """The encoder (an nn.Module) as a float32 TFLite flatbuffer."""
    import litert_torch

    from export.weights.depthwise import split_large

    if kind == "image":
        encoder = litert_torch.to_channel_last_io(split_large(encoder), args=[0])
        example = example.permute(0, 2, 3, 1).contiguous()
    else:
        encoder = attention.written_out(encoder, rank=3)
    named = _with_named_tensors(encoder, kind).eval()
    with fixed_class_paths(named):
        model = litert_torch.convert(named, sample_kwargs={INPUT[kind]: example})
    content = model._exporter.to_bytes()
    # Such as attention with a bias of positions. A text encoder has it written out.
    return ranks.evened(content) if kind == "image" and ranks.mixed(content) else content


@contextlib.contextmanager
def fixed_class_paths(encoder) -> Iterator[None]:
    """Gives the classes of an encoder's modules the paths of CLASS_PATHS while the block runs."""
    paths = {kind: kind.__module__ for kind in {type(module) for module in encoder.modules()}}
    try:
        for kind, path in paths.items():
            moved = next((old for old in CLASS_PATHS if path.startswith(f"{old}.") or path == old), None)
            if moved:
                kind.__module__ = CLASS_PATHS[moved] + path.removeprefix(moved)
        yield
    finally:
        for kind, path in paths.items():
            kind.__module__ = path


def weights(model: bytes) -> list[Weight]:
    """The weights that a Mixture can name."""
    return compress.weights(model)


def write(model: bytes, precision: str | Mixture, stamp: Stamp, path: Path) -> None:
    """Writes `model` with its weights in `precision` to `path`. The inputs and outputs stay float32 and int32."""
    if precision != "fp32":
        model = compress.compressed(model, uniform(precision))
    path.write_bytes(stamped(model, INPUT[stamp.encoder], OUTPUT, stamp.metadata(), stamp.description()))


def _with_named_tensors(encoder, kind: str):
    """litert-torch takes the names of a signature from the keyword arguments and from a dictionary's keys."""
    import torch

    class Image(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = encoder

        def forward(self, image):
            return {OUTPUT: self.encoder(image)}

    class Text(Image):
        def forward(self, token_ids):
            return {OUTPUT: self.encoder(token_ids)}

    return {"image": Image, "text": Text}[kind]()
