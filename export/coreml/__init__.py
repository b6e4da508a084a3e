"""An encoder enters; a Core ML package (ML Program, iOS 16 and up, metadata stamped) leaves. No Mac is needed."""

import json
import uuid
from pathlib import Path

from export.stamp import INPUT, OUTPUT, Stamp


def trace(encoder, kind: str, example):
    """The encoder (an nn.Module) as a TorchScript trace, with what Core ML must know of its input."""
    import torch

    with torch.no_grad():
        return torch.jit.trace(encoder, (example,), check_trace=False), kind, tuple(example.shape)


def write(traced, precision: str, stamp: Stamp, path: Path) -> None:
    """Writes the package: an RGB picture or int32 ids in, a float32 embedding out, weights in `precision`."""
    import coremltools as ct
    import numpy as np

    module, kind, shape = traced
    takes = (ct.ImageType(name=INPUT[kind], shape=shape, color_layout=ct.colorlayout.RGB) if kind == "image"
             else ct.TensorType(name=INPUT[kind], shape=shape, dtype=np.int32))
    compute = {"fp32": ct.precision.FLOAT32, "fp16": ct.precision.FLOAT16}[precision]
    model = ct.convert(module, convert_to="mlprogram", inputs=[takes],
                       outputs=[ct.TensorType(name=OUTPUT, dtype=np.float32)], compute_precision=compute,
                       minimum_deployment_target=ct.target.iOS16, skip_model_load=True)
    model.author, model.license, model.short_description = stamp.author, stamp.licence, stamp.description()
    model.input_description[INPUT[kind]] = stamp.description()
    model.output_description[OUTPUT] = f"float32 [1, dim], unit length, in the embedding space {stamp.space}"
    model.user_defined_metadata.update(stamp.metadata())
    model.save(str(path))
    fix_order(path)
    fix_identifiers(path)


def fix_order(package: Path) -> None:
    """Writes the specification's maps in the order of their keys: two conversions give the same bytes."""
    from coremltools.proto.Model_pb2 import Model

    file = package / "Data" / "com.apple.CoreML" / "model.mlmodel"
    file.write_bytes(Model.FromString(file.read_bytes()).SerializeToString(deterministic=True))


def fix_identifiers(package: Path) -> None:
    """Replaces the random identifiers of a package's Manifest.json by ones made from the item's path."""
    file = package / "Manifest.json"
    manifest = json.loads(file.read_text())
    fixed = {old: str(uuid.uuid5(uuid.NAMESPACE_URL, item["path"])).upper()
             for old, item in manifest["itemInfoEntries"].items()}
    manifest["itemInfoEntries"] = {fixed[old]: item for old, item in manifest["itemInfoEntries"].items()}
    manifest["rootModelIdentifier"] = fixed[manifest["rootModelIdentifier"]]
    file.write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n")
