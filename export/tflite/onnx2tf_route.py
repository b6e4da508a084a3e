"""An encoder enters; a TFLite file like that of export.tflite leaves, through ONNX and TensorFlow's own converter.

onnx2tf and TensorFlow have their own Python environment, because their pinned versions conflict with this one's.
onnx2tf_worker.py runs there. The ONNX model and the flatbuffer go through its pipes, without files.
"""

import copy
import os
import subprocess
from pathlib import Path

from export.common import files
from export.common.errors import InputError
from export.formats.table import ONNX2TF, TFLITE
from export.tflite import attention
from export.tflite import weights as weights  # a converter's other functions: the same on both routes
from export.tflite import write as write
from export.tflite.flatbuffer import look_up_rows
from export.tflite.ranks import evened

LOCK = files.ROOT / TFLITE.locks[ONNX2TF]
WORKER = Path(__file__).with_name("onnx2tf_worker.py")
VENV = "ONNX2TF_VENV"                        # names another folder than the repository's .venv-onnx2tf
REMEDY = "make environment TFLITE_ROUTE=onnx2tf"


def environment() -> Path:
    """The folder of the second environment. Raises InputError if it is missing, or not that of the lock file."""
    folder = Path(os.environ.get(VENV, LOCK.with_name(".venv-onnx2tf"))).absolute()
    made_of = folder / LOCK.name                # the Makefile's copy of what it installed
    if not made_of.is_file():
        raise InputError("no environment for TFLITE_ROUTE=onnx2tf", where=folder, remedy=REMEDY)
    if made_of.read_bytes() != LOCK.read_bytes():
        raise InputError("environment is not the lock file's", where=folder, remedy=REMEDY,
                         expected=f"sha256 {files.sha256(LOCK)[:16]}…",
                         found=f"{files.sha256(made_of)[:16]}…")
    return folder


def trace(encoder, kind: str, example) -> bytes:
    """The encoder (an nn.Module) as a float32 TFLite flatbuffer. Raises InputError for what cannot be converted."""
    from export import onnx
    from export.weights.depthwise import split_large

    # TensorFlow has no convolution with both a stride and dilation.
    # onnx2tf transposes a mask of rank 3, whose axes look like those of a picture.
    prepared = (split_large(encoder, strided=False) if kind == "image"
                else with_flat_look_up(attention.written_out(encoder, rank=4)))
    model = onnx.traced(prepared, kind, example)
    return evened(look_up_rows(converted(model.SerializeToString())))


def converted(model: bytes) -> bytes:
    """An ONNX model of fixed shapes, one input, one output, as a float32 TFLite flatbuffer. Raises InputError."""
    answer = subprocess.run([environment() / "bin" / "python", "-I", WORKER], input=model, stdout=subprocess.PIPE)
    if answer.returncode:
        raise InputError("onnx2tf cannot convert this network",
                         found=answer.stdout.decode(errors="replace") or f"exit status {answer.returncode}")
    return answer.stdout


def with_flat_look_up(encoder):
    """A copy of `encoder` that looks tokens up in one row, [N * L], as TFLite's EMBEDDING_LOOKUP needs."""
    import torch

    class FlatLookUp(torch.nn.Module):
        def __init__(self, table: torch.nn.Embedding):
            super().__init__()
            self.table = table

        def forward(self, ids):
            return self.table(ids.squeeze(0)).unsqueeze(0)

    encoder = copy.deepcopy(encoder)
    encoder.text.token_embedding = FlatLookUp(encoder.text.token_embedding)
    return encoder
