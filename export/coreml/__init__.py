"""An encoder enters; a Core ML package (ML Program, iOS 16 and up, metadata stamped) leaves. No Mac is needed."""

import contextlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from export.coreml import compress
from export.formats.mixture import Mixture, Weight, uniform
from export.formats.stamp import INPUT, OUTPUT, Stamp
from export.formats.table import COREML

OLDEST = dict(COREML.ios or {})
LEAST_IOS = OLDEST[""]                      # of a package whose schemes ask for no more
DATE = "com.github.apple.coremltools.conversion_date"                  # a key that coremltools writes


@dataclass(frozen=True)
class Traced:
    """A TorchScript trace, with what Core ML must know about its input; converted to float16 once for all schemes."""

    module: Any
    kind: str
    shape: tuple[int, ...]

    @cached_property
    def half(self):
        """The model in float16, for LEAST_IOS."""
        return convert(self, "fp16", LEAST_IOS)

    @cached_property
    def newer(self):
        """The model in float16, for schemes that LEAST_IOS cannot read."""
        return convert(self, "fp16", max(OLDEST.values()))


def trace(encoder, kind: str, example) -> Traced:
    """The encoder (an nn.Module) as a TorchScript trace."""
    import torch

    with torch.no_grad():
        return Traced(torch.jit.trace(encoder, (example,), check_trace=False), kind, tuple(example.shape))


def convert(traced: Traced, precision: str, ios: int):
    """An ML Program (ct.models.MLModel) that computes in `precision`, fp32 or fp16."""
    import coremltools as ct
    import numpy as np

    takes = (ct.ImageType(name=INPUT[traced.kind], shape=traced.shape, color_layout=ct.colorlayout.RGB)
             if traced.kind == "image" else ct.TensorType(name=INPUT[traced.kind], shape=traced.shape, dtype=np.int32))
    compute = {"fp32": ct.precision.FLOAT32, "fp16": ct.precision.FLOAT16}[precision]
    with unvalidated():
        model = ct.convert(traced.module, convert_to="mlprogram", inputs=[takes],
                           outputs=[ct.TensorType(name=OUTPUT, dtype=np.float32)], compute_precision=compute,
                           minimum_deployment_target=getattr(ct.target, f"iOS{ios}"), skip_model_load=True)
    model._mil_program.validate()
    return model


@contextlib.contextmanager
def unvalidated() -> Iterator[None]:
    """coremltools validates a program after each of its passes, which takes a quarter of the time: not in this block.

    The caller validates the result.
    """
    from coremltools.converters.mil.mil import Program

    validate = Program.validate
    Program.validate = lambda *_, **__: None
    try:
        yield
    finally:
        Program.validate = validate


def weights(traced: Traced) -> list[Weight]:
    """The weights that a Mixture can name."""
    return compress.weights(traced.half)


def write(traced: Traced, precision: str | Mixture, stamp: Stamp, path: Path) -> None:
    """Writes the package: an RGB picture or int32 ids in, a float32 embedding out, weights in `precision`."""
    kind = traced.kind
    if precision in ("fp32", "fp16"):
        model = convert(traced, precision, LEAST_IOS) if precision == "fp32" else traced.half
    else:
        base = traced.half if COREML.minimum_ios(precision) == LEAST_IOS else traced.newer
        with unvalidated():
            model = compress.compressed(base, uniform(precision))
        model._mil_program.validate()
    model.author, model.license, model.short_description = stamp.author, stamp.licence, stamp.description()
    model.input_description[INPUT[kind]] = stamp.description()
    model.output_description[OUTPUT] = f"float32 [1, dim], unit length, in the embedding space {stamp.space}"
    model.user_defined_metadata.update(stamp.metadata())
    model.user_defined_metadata.pop(DATE, None)              # or else tomorrow's package would be another
    model.save(str(path))
    fix_order(path)
    fix_identifiers(path)


def fix_order(package: Path) -> None:
    """Writes the specification's maps in the order of their keys, so that two conversions give the same bytes."""
    from coremltools.proto.Model_pb2 import Model

    file = package / "Data" / "com.apple.CoreML" / "model.mlmodel"
    file.write_bytes(Model.FromString(file.read_bytes()).SerializeToString(deterministic=True))


def fix_identifiers(package: Path) -> None:
    """Replaces the random identifiers in a package's Manifest.json by identifiers derived from the items' paths."""
    file = package / "Manifest.json"
    manifest = json.loads(file.read_text())
    fixed = {old: str(uuid.uuid5(uuid.NAMESPACE_URL, item["path"])).upper()
             for old, item in manifest["itemInfoEntries"].items()}
    manifest["itemInfoEntries"] = {fixed[old]: item for old, item in manifest["itemInfoEntries"].items()}
    manifest["rootModelIdentifier"] = fixed[manifest["rootModelIdentifier"]]
    file.write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n")
