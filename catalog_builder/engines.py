"""dist/<model>/ enters; encoders ready to run leave: the exact ones that fill a catalog, and those that answer queries.

An engine encodes pictures one by one, so that a picture's vector depends on the picture alone. So an interrupted build
that continues gives the same bytes.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from catalog_builder.catalog.reader import open_catalog
from catalog_builder.catalog.searcher import Searcher
from export import runners
from export.artifacts.dist import VERDICTS, Dist
from export.artifacts.manifest import Artifact, Manifest
from export.common import subnormals
from export.common.errors import InputError
from export.common.specs import Preprocessing
from export.formats.table import FORMATS, MIXED, ONNX
from export.pictures.preprocess import load_rgb8, named, resize_crop
from export.text import tokenizer

SAMPLES = 16                                 # made-up pictures, on which bfloat16's loss is measured
EXACT = ONNX                                 # whose float32 artefact fills a catalog
ENGINES = ("auto", EXACT.name, "torch", "cuda", "bfloat16")
QUERIES = sorted((row.name for row in FORMATS.values() if row.queries), key=lambda name: name != EXACT.name)
PRECISIONS = ("fp32", "fp16", MIXED, "int8", "dynamic-int8")             # of query encoders, in this order
CUDA_BATCH = 64                              # in every batch, the last one padded: kernels depend on the shape


@dataclass(frozen=True)
class Engine:
    """`encode`: uint8 [batch, S, S, 3] -> float32 [batch, dim], unit length; for several threads if batch is 1."""

    identity: str                            # names all that the vectors depend on, except the picture
    encode: Callable[[np.ndarray], np.ndarray]
    batch: int = 1
    note: str = ""                           # what the user must know about the engine


@dataclass(frozen=True)
class Model:
    """dist/<model>/, gated green."""

    dist: Dist

    @property
    def manifest(self) -> Manifest:
        """What the export says about the model."""
        return self.dist.manifest

    @property
    def space(self) -> str:
        """The embedding space."""
        return self.manifest.space

    @property
    def preprocessing(self) -> Preprocessing:
        """From upright RGB8 to the square; mean and standard deviation are inside the encoders."""
        image = self.manifest.image
        return Preprocessing(image.width, (0.0,) * 3, (1.0,) * 3, image.interpolation, image.mode)

    @cached_property
    def text(self) -> Callable[[list[str]], np.ndarray]:
        """Texts -> float32 [N, dim], by the exported encoder and tokenizer."""
        run, words = self._encoder("text"), tokenizer.load(self.dist.path(self.manifest.tokenizer.path))
        return lambda texts: run(tokenizer.encode_all(words, texts))

    @cached_property
    def image(self) -> Callable[[np.ndarray], np.ndarray]:
        """Squares, uint8 [N, S, S, 3] -> float32 [N, dim], by the exported encoder."""
        return self._encoder("image")

    def square(self, picture: Path | bytes) -> np.ndarray:
        """Any picture as uint8 [S, S, 3]. Raises InputError, naming it, for what is none."""
        return resize_crop(load_rgb8(picture), self.preprocessing, named(picture))

    def artifact(self, encoder: str, formats: Sequence[str] = QUERIES,
                 precisions: Sequence[str] = PRECISIONS) -> Artifact | None:
        """The first artefact of these that passed the gate."""
        return next((a for format_ in formats for precision in precisions
                     for a in self.manifest.find(format_, encoder) if a.precision == precision and a.passed), None)

    @property
    def text_encoder(self) -> str:
        """The digest of the artefact that answers texts. Raises InputError if there is none."""
        return self.runnable("text").sha256

    @property
    def templates(self) -> Sequence[str]:
        """Prompts to put a label into."""
        return self.manifest.text.prompts()

    @property
    def scripts(self) -> Collection[str]:
        """The writing systems that the model knows."""
        return self.manifest.text.scripts

    @property
    def logit_scale(self) -> float:
        """The factor on a cosine before the shares of labels."""
        return self.manifest.logit_scale

    @property
    def logit_bias(self) -> float | None:
        """What is added to the scaled cosine before a sigmoid; None: the model has none."""
        return self.manifest.logit_bias

    @property
    def shares(self) -> str:
        """What shares labels are given: `softmax` or `sigmoid`."""
        return self.manifest.labels

    def exact(self) -> Artifact | None:
        """The artefact that fills a catalog, if there is one."""
        return self.artifact("image", (EXACT.name,), ("fp32",))

    def runnable(self, encoder: str) -> Artifact:
        """The artefact that answers queries here. Raises InputError if there is none."""
        artifact = self.artifact(encoder)
        if artifact is None:
            raise InputError(f"no {encoder} encoder that runs on a desktop and passed the gate", where=self.dist.folder,
                             expected=" or ".join(QUERIES), remedy=self.dist.command(FORMATS=EXACT.name))
        return artifact

    def _encoder(self, encoder: str) -> runners.Run:
        return _runnable(self.dist, self.runnable(encoder), os.cpu_count() or 1)


def opened(folder: Path) -> Model:
    """dist/<model>/. Raises InputError unless its gate is green, and every file is the file that was gated."""
    dist = Dist(folder)
    manifest, judged = dist.manifest, dist.judged()
    if not judged.green or judged.space != manifest.space:
        raise InputError("the gate is red: no catalog is built on a model that ranks differently from PyTorch",
                         where=dist.path(VERDICTS), remedy=f"make parity MODEL={folder.name}; see parity.html")
    if not {artifact.path for artifact in manifest.artifacts} <= judged.paths:
        raise InputError("there are artefacts that the gate has not seen", where=folder,
                         remedy=f"make parity MODEL={folder.name}")
    dist.check()
    return Model(dist)


def _runnable(dist: Dist, artifact: Artifact, threads: int) -> runners.Run:
    run = runners.load(artifact.format, dist.path(artifact.path), artifact.encoder, threads=threads)
    if isinstance(run, runners.CouldNotRun):
        raise InputError(f"{artifact.path} cannot run here", where=dist.folder, found=run.reason)
    return run


def searcher(catalog: Path, model: Path) -> Searcher:
    """Opens a catalog and the encoders of its embedding space.

    Raises InputError if the catalog is damaged or of another embedding space, or the model's gate is red.
    """
    encoder = opened(model)
    return Searcher(open_catalog(catalog, encoder.space), encoder)


def engine(model: Model, name: str = "auto") -> Engine:
    """The engine that fills a catalog: `auto` is the fastest exact one. Raises InputError if it cannot run here."""
    if name == "auto":
        name = "cuda" if has_cuda() else EXACT.name if model.exact() else "torch"
    if name != EXACT.name and not has_torch():
        raise InputError(f"the engine {name} needs torch, which this environment lacks", where=sys.prefix,
                         remedy=f"{model.dist.command(FORMATS=EXACT.name, PRECISION='fp32')}, or the exporter's "
                         "environment: make environment")
    return {EXACT.name: _exact, "torch": _torch, "cuda": _cuda, "bfloat16": _bfloat16}[name](model)


def _exact(model: Model) -> Engine:
    artifact = model.exact()
    if artifact is None:
        raise InputError(f"no float32 {EXACT.title} image encoder that passed the gate", where=model.dist.folder,
                         remedy=f"{model.dist.command(FORMATS=EXACT.name, PRECISION='fp32')}, or --engine torch")
    identity = f"{model.space} {runners.runtimes(EXACT.name)[0]} {artifact.sha256}"
    return Engine(identity, _runnable(model.dist, artifact, threads=1))


def _torch(model: Model) -> Engine:
    import torch

    torch.set_num_threads(1)                 # several pictures run at the same time
    run = _eager(model, "cpu", None)

    def encode(squares: np.ndarray) -> np.ndarray:
        with subnormals.as_zero():
            return run(squares)

    return Engine(f"{model.space} torch {torch.__version__} float32", encode)


def has_torch() -> bool:
    """Whether this environment has torch: that of catalogs alone has not."""
    return importlib.util.find_spec("torch") is not None


def has_cuda() -> bool:
    """Whether torch sees a CUDA device."""
    if not shutil.which("nvidia-smi") or not has_torch():          # without a driver torch need not be loaded
        return False
    import torch

    return torch.cuda.is_available()


def _cuda(model: Model) -> Engine:
    import torch

    if not torch.cuda.is_available():
        raise InputError("no CUDA device", remedy=f"--engine {EXACT.name}")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    return Engine(f"{model.space} torch {torch.__version__} {torch.cuda.get_device_name()} float32",
                  _eager(model, "cuda", None), CUDA_BATCH)


def _bfloat16(model: Model) -> Engine:
    import torch

    if not torch.ops.mkldnn._is_mkldnn_bf16_supported() or not has_bfloat16():
        raise InputError("this processor has no bfloat16 arithmetic", expected="avx512_bf16 or amx_bf16",
                         remedy=f"--engine {EXACT.name}")
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


def has_bfloat16() -> bool:
    """Whether the processor computes in bfloat16 (Linux)."""
    info = Path("/proc/cpuinfo")
    return info.exists() and any(flag in info.read_text() for flag in ("avx512_bf16", "amx_bf16"))


def _eager(model: Model, device: str, kind) -> Callable[[np.ndarray], np.ndarray]:
    """The encoder from the checkpoint in PyTorch, computing in dtype `kind` (default float32)."""
    import torch

    from export.weights import checkpoint, encoders

    spec, source = model.dist.source()
    part = encoders.split(checkpoint.reparameterise(checkpoint.load(spec, source)), spec)["image"].to(device)

    def encode(squares: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(np.ascontiguousarray(squares.transpose(0, 3, 1, 2), np.float32)).to(device)
        with torch.inference_mode(), torch.autocast(device, dtype=kind, enabled=kind is not None):
            rows = part(pixels).float()
        return torch.nn.functional.normalize(rows, dim=-1).cpu().numpy() if kind is not None else rows.cpu().numpy()

    return encode
