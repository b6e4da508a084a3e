"""An encoder enters; a TFLite file (NHWC pixels, batch 1, built-in ops, stamped) leaves, by litert-torch."""

from pathlib import Path

from export.stamp import INPUT, OUTPUT, Stamp
from export.tflite.flatbuffer import stamped


def trace(encoder, kind: str, example) -> bytes:
    """The encoder (an nn.Module) as a float32 TFLite flatbuffer."""
    import litert_torch

    if kind == "image":
        encoder = litert_torch.to_channel_last_io(encoder, args=[0])
        example = example.permute(0, 2, 3, 1).contiguous()
    named = _with_named_tensors(encoder, kind).eval()
    model = litert_torch.convert(named, sample_kwargs={INPUT[kind]: example})
    return model._exporter.to_bytes()


def write(model: bytes, precision: str, stamp: Stamp, path: Path) -> None:
    """Writes `model` with its weights in `precision` to `path`. The inputs and outputs stay float32 and int32."""
    if precision == "fp16":
        model = half(model)
    path.write_bytes(stamped(model, INPUT[stamp.encoder], OUTPUT, stamp.metadata(), stamp.description()))


def half(model: bytes) -> bytes:
    """A copy of `model` with float16 weights; LiteRT's CPU unpacks them to float32 as it loads."""
    from ai_edge_quantizer.algorithm_manager import AlgorithmName
    from ai_edge_quantizer.qtyping import TFLOperationName
    from ai_edge_quantizer.quantizer import Quantizer

    quantizer = Quantizer(bytearray(model))
    quantizer.add_weight_only_config(".*", TFLOperationName.ALL_SUPPORTED, num_bits=16,
                                     algorithm_key=AlgorithmName.FLOAT_CASTING)
    return bytes(quantizer.quantize().quantized_model)


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
