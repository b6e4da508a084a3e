"""dist/<model>/ enters; encoders ready to run leave: the exact ones that fill a catalog, and those that answer queries.

An engine encodes pictures one by one, so that a picture's vector depends on nothing but the picture: an interrupted
build that goes on gives the same bytes.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from export import pipeline, runners
from export.artifacts import manifest
from export.common.errors import InputError
from export.common.specs import Preprocessing
from export.pictures.preprocess import load_rgb8, resize_crop

ENGINES = ("auto", "onnx", "torch", "cuda", "bfloat16")
SAMPLES = 16                                 # made-up pictures, on which bfloat16's loss is measured
QUERIES = ("onnx", "tflite")                 # formats that answer queries on a desktop, in this order
PRECISIONS = ("fp32", "fp16", "mixed", "int8", "dynamic-int8")
CUDA_BATCH = 64                              # always so many, the last one padded: kernels depend on the shape


@dataclass(frozen=True)
class Engine:
    """`encode`: uint8 [batch, S, S, 3] -> float32 [batch, dim], unit length; from several threads where batch is 1."""

    identity: str                            # names all that the vectors depend on, but for the picture
    encode: Callable[[np.ndarray], np.ndarray]
    batch: int = 1
    note: str = ""                           # what the user must know of it


@dataclass(frozen=True)
class Model:
    """dist/<model>/, gated green."""

    folder: Path
    made: dict                               # its manifest

    @property
    def space(self) -> str:
        """The embedding space."""
        return self.made["space"]

    @property
    def preprocessing(self) -> Preprocessing:
        """What becomes of upright RGB8; mean and standard deviation are inside the encoders."""
        image = self.made["image"]
        return Preprocessing(image["width"], (0.0,) * 3, (1.0,) * 3, image["resize"]["interpolation"])

    @cached_property
    def text(self) -> Callable[[list[str]], np.ndarray]:
        """Texts -> float32 [N, dim], by the exported encoder and tokenizer."""
        from export.text.clip_bpe import Tokenizer

        run, tokenizer = self._encoder("text"), Tokenizer.load(self.folder / manifest.TOKENIZER)
        return lambda texts: run(tokenizer.encode(texts))

    @cached_property
    def image(self) -> Callable[[np.ndarray], np.ndarray]:
        """Squares, uint8 [N, S, S, 3] -> float32 [N, dim], by the exported encoder."""
        return self._encoder("image")

    def square(self, picture: Path | bytes) -> np.ndarray:
        """Any picture as uint8 [S, S, 3]. Raises InputError for what is no picture."""
        return resize_crop(load_rgb8(picture), self.preprocessing)

    def artifact(self, encoder: str, formats: tuple[str, ...] = QUERIES,
                 precisions: tuple[str, ...] = PRECISIONS) -> dict | None:
        """The first artefact of these that passed the gate."""
        return next((a for format_ in formats for precision in precisions for a in self.made["artifacts"]
                     if (a["encoder"], a["format"], a["precision"]) == (encoder, format_, precision)
                     and (a["parity"] or {}).get("outcome") == "passed"), None)

    def _encoder(self, encoder: str) -> runners.Run:
        found = self.artifact(encoder)
        if found is None:
            raise InputError(f"no {encoder} encoder that runs on a desktop and passed the gate", where=self.folder,
                             expected=" or ".join(QUERIES), remedy="make export FORMATS=onnx")
        run = runners.load(found["format"], self.folder / found["path"], encoder, threads=os.cpu_count() or 1)
        if isinstance(run, runners.CouldNotRun):
            raise InputError(f"{found['path']} cannot run here", where=self.folder, found=run.reason)
        return run


def opened(folder: Path) -> Model:
    """dist/<model>/. Raises InputError unless its gate is green, and every file is the one that was gated."""
    made = manifest.read(folder)
    try:
        verdicts = json.loads((folder / pipeline.VERDICTS).read_text(encoding="utf-8"))
        green, judged = verdicts["green"], {result["path"] for result in verdicts["results"]}
        green = green is True and verdicts["space"] == made["space"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("the gate has not run", where=folder / pipeline.VERDICTS, found=error,
                         remedy=f"make parity MODEL={folder.name}") from None
    if not green:
        raise InputError("the gate is red: no catalog is built on a model that ranks otherwise than PyTorch",
                         where=folder / pipeline.VERDICTS, remedy=f"make parity MODEL={folder.name}; see parity.html")
    if not {a["path"] for a in made["artifacts"]} <= judged:
        raise InputError("there are artefacts that the gate has not seen", where=folder,
                         remedy=f"make parity MODEL={folder.name}")
    manifest.check_digests(folder, made)
    return Model(folder, made)


def engine(model: Model, name: str = "auto") -> Engine:
    """The engine that fills a catalog: `auto` is the fastest exact one. Raises InputError for one that is not here."""
    if name == "auto":
        exact = model.artifact("image", ("onnx",), ("fp32",))
        name = "cuda" if _has_cuda() else "onnx" if exact else "torch"
    return {"onnx": _onnx, "torch": _torch, "cuda": _cuda, "bfloat16": _bfloat16}[name](model)


def _onnx(model: Model) -> Engine:
    found = model.artifact("image", ("onnx",), ("fp32",))
    if found is None:
        raise InputError("no float32 ONNX image encoder that passed the gate", where=model.folder,
                         remedy="make export FORMATS=onnx PRECISION=fp32, or --engine torch")
    run = runners.load("onnx", model.folder / found["path"], "image", threads=1)
    return Engine(f"{model.space} {runners.runtimes('onnx')[0]} {found['sha256']}", run)


def _torch(model: Model) -> Engine:
    import torch

    torch.set_num_threads(1)                 # the pictures run side by side
    run = _eager(model, "cpu", None)

    def encode(squares: np.ndarray) -> np.ndarray:
        torch.set_flush_denormal(True)       # in this thread: subnormal numbers are slow here, and add nothing
        try:
            return run(squares)
        finally:
            torch.set_flush_denormal(False)  # a catalog's scores count them

    return Engine(f"{model.space} torch {torch.__version__} float32", encode)


def _has_cuda() -> bool:
    if not shutil.which("nvidia-smi"):       # without a driver torch need not be loaded
        return False
    import torch

    return torch.cuda.is_available()


def _cuda(model: Model) -> Engine:
    import torch

    if not torch.cuda.is_available():
        raise InputError("no CUDA device", remedy="--engine onnx")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    return Engine(f"{model.space} torch {torch.__version__} {torch.cuda.get_device_name()} float32",
                  _eager(model, "cuda", None), CUDA_BATCH)


def _bfloat16(model: Model) -> Engine:
    import torch

    if not torch.ops.mkldnn._is_mkldnn_bf16_supported() or not _has_bfloat16():
        raise InputError("this processor has no bfloat16 arithmetic", expected="avx512_bf16 or amx_bf16",
                         remedy="--engine onnx")
    torch.set_num_threads(1)
    fast, true = _eager(model, "cpu", torch.bfloat16), _eager(model, "cpu", None)
    lost = bfloat16_loss(fast, true, model.preprocessing.size)
    return Engine(f"{model.space} torch {torch.__version__} bfloat16", fast,
                  note=f"bfloat16: cosine to float32 at least {lost:.5f} on {SAMPLES} made-up pictures")


def bfloat16_loss(fast: Callable, true: Callable, size: int) -> float:
    """The least cosine between the two over SAMPLES smooth pictures."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (SAMPLES, 8, 8, 3))
    pictures = coarse.repeat(-(-size // 8), axis=1).repeat(-(-size // 8), axis=2)[:, :size, :size].astype(np.uint8)
    return float(min((fast(p[None]) * true(p[None])).sum() for p in pictures))


def _has_bfloat16() -> bool:
    info = Path("/proc/cpuinfo")
    return info.exists() and any(flag in info.read_text() for flag in ("avx512_bf16", "amx_bf16"))


def _eager(model: Model, device: str, kind) -> Callable[[np.ndarray], np.ndarray]:
    """The encoder as exported, by PyTorch from the checkpoint; arithmetic in `kind`, where one is given."""
    import torch

    from export.weights import checkpoint, encoders

    spec, source = pipeline.source_of(model.folder)
    part = encoders.split(checkpoint.reparameterise(checkpoint.load(spec, source)), spec)["image"].to(device)

    def encode(squares: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(np.ascontiguousarray(squares.transpose(0, 3, 1, 2), np.float32)).to(device)
        with torch.inference_mode(), torch.autocast(device, dtype=kind, enabled=kind is not None):
            found = part(pixels).float()
        return torch.nn.functional.normalize(found, dim=-1).cpu().numpy() if kind is not None else found.cpu().numpy()

    return encode
