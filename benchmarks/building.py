"""Pictures per second: the catalog builder against the plain loop (open, preprocess, encode one at a time in PyTorch).

In: dist/<model>/ of MODEL (s2), in the folder that DIST names, with a green gate and a float32 ONNX image encoder. Both
take turns on the same JPEG files of two megapixels. Out: building.json and building.md; where there is a CUDA device,
building_gpu.json and building_gpu.md.
"""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import limits
from catalog_builder import engines
from catalog_builder.builder import embed
from catalog_builder.builder.embed import Embedder, Thumbnail
from catalog_builder.builder.store import Store
from export.common import files
from export.weights import checkpoint
from parity.gate.inputs import pictures

HERE = Path(__file__).parent
# Engines that are measured only where the machine has what they need, and what that is.
NEEDS = {"bfloat16": "this processor has no such arithmetic", "cuda": "this machine has no such device"}
SIZE, QUALITY = (1632, 1224), 90             # two megapixels, as a phone's small setting
LOOP, BUILD, ROUNDS = 12, 32, 5              # pictures per turn of the loop and of the builder; rounds
BATCHES = 5                                  # per turn of the builder, for an engine that takes many pictures at once


class Watch:
    """Processor seconds that a function takes, over all threads."""

    def __init__(self, run: Callable):
        self.run, self.seconds, self._lock = run, 0.0, threading.Lock()

    def __call__(self, *arguments):
        started = time.thread_time()
        try:
            return self.run(*arguments)
        finally:
            with self._lock:
                self.seconds += time.thread_time() - started


def main() -> None:
    """Measures, and writes the results and the page."""
    model = engines.opened(Path(os.environ.get("DIST", "dist")) / os.environ.get("MODEL", "s2"))
    has = {"bfloat16": engines.has_bfloat16(), "cuda": engines.has_cuda()}
    names = ["onnx", *(name for name in NEEDS if has[name])]
    with tempfile.TemporaryDirectory() as folder:
        paths = photographs(Path(folder), max(BUILD, BATCHES * engines.CUDA_BATCH if has["cuda"] else 0))
        plain = plain_loop(model)
        rows = {name + (", thumbnails" if small else ""): measured(name, model, plain, paths, Path(folder), small)
                 for name in names for small in (None, Thumbnail(160, 60))}
    result = {"model": model.manifest.model, "processor": limits.processor(), "cores": os.cpu_count(), "engines": rows,
              "load": round(os.getloadavg()[0], 2)}
    out = HERE / ("building_gpu" if has["cuda"] else "building")
    files.write_json(out.with_suffix(".json"), result)
    out.with_suffix(".md").write_text(page(result), encoding="utf-8")


def photographs(folder: Path, count: int) -> list[Path]:
    """Different JPEG files of SIZE, from the gate's sample pictures, with noise as from a camera."""
    rng, paths, sources = np.random.default_rng(0), [], pictures()
    for i in range(count):
        with Image.open(sources[i % len(sources)]) as picture:
            large = np.asarray(picture.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC), np.int16)
        grain = np.clip(large + rng.integers(-6, 7, large.shape), 0, 255).astype(np.uint8)
        paths.append(folder / f"{i}.jpg")
        Image.fromarray(grain).save(paths[-1], quality=QUALITY)
    return paths


def plain_loop(model: engines.Model) -> Callable[[list[Path]], None]:
    """The loop of a usual tutorial: Pillow, open_clip's transform, the model, one picture at a time, all cores."""
    import torch
    from open_clip.transform import image_transform

    spec, source = model.dist.source()
    visual = checkpoint.reparameterise(checkpoint.load(spec, source)).visual
    true = spec.preprocessing
    transform = image_transform(true.size, is_train=False, mean=true.mean, std=true.std,
                                interpolation=true.interpolation, resize_mode=true.resize)

    def run(paths: list[Path]) -> None:
        torch.set_num_threads(os.cpu_count() or 1)
        with torch.inference_mode():
            for path in paths:
                torch.nn.functional.normalize(visual(transform(Image.open(path))[None]), dim=-1)

    return run


def measured(name: str, model: engines.Model, plain: Callable, paths: list[Path], folder: Path,
             thumbnail: Thumbnail | None) -> dict:
    """Pictures per second of both, their ratio, and the shares of the cores' time for other work and for waiting."""
    engine = engines.engine(model, name)
    paths = paths[:BUILD if engine.batch == 1 else BATCHES * engine.batch]
    decode, encode = Watch(embed.load_rgb8), Watch(engine.encode)
    ratios, loop, build, other, idle = [], [], [], [], []
    plain(paths[:3])
    embed.load_rgb8 = decode
    for turn in range(ROUNDS):
        started = time.perf_counter()
        plain(paths[:LOOP])
        loop.append(LOOP / (time.perf_counter() - started))
        decode.seconds = encode.seconds = 0.0
        kind = thumbnail.kind if thumbnail else ""
        store = Store(folder / f"{name} {kind} {turn}.embeddings", engine.identity, kind)
        started, worked = time.perf_counter(), time.process_time()
        embedder = Embedder(replace(engine, encode=encode), model.preprocessing, thumbnail)
        embed.run(paths, folder, embedder, store, lambda more, computed: None)
        cores = (time.perf_counter() - started) * (os.cpu_count() or 1)
        worked = time.process_time() - worked
        store.close()
        build.append(len(paths) * (os.cpu_count() or 1) / cores)
        other.append((worked - decode.seconds - encode.seconds) / cores)
        idle.append(1 - worked / cores)
        ratios.append(build[-1] / loop[-1])
    embed.load_rgb8 = decode.run
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {"loop_per_second": round(statistics.median(loop), 2),
            "build_per_second": round(statistics.median(build), 2),
            "ratio": round(middle, 3), "low": round(low, 3), "high": round(high, 3),
            "other": round(statistics.median(other), 3), "idle": round(statistics.median(idle), 3),
            "note": engine.note}


def page(result: dict) -> str:
    """The results as Markdown."""
    lines = ["# Building a catalog", "", "`python -m benchmarks building` wrote this page: pictures a second from JPEG "
             f"files of two megapixels to vectors, {result['model']}, {result['processor']}, "
             f"{result['cores']} cores, against the plain loop in the same run (Pillow, open_clip's transform, "
             "reparameterised eager PyTorch, one picture at a time). Shares are of the builder's cores: \"other\" is "
             "work that neither decodes nor encodes (resizing, thumbnails of 160 pixels, digests, the store).", "",
             "| engine | plain loop, a second | builder, a second | ratio | quartiles | other | idle |",
             "|---|---|---|---|---|---|---|"]
    lines += [f"| {name} | {r['loop_per_second']} | {r['build_per_second']} | {r['ratio']:.2f} | {r['low']:.2f} to "
              f"{r['high']:.2f} | {100 * r['other']:.0f} % | {100 * r['idle']:.0f} % |"
              for name, r in result["engines"].items()]
    lines += [line for name, lack in NEEDS.items() if name not in result["engines"]
              for line in ("", f"{name}: not run, {lack}.")]
    return "\n".join([*lines, ""])
