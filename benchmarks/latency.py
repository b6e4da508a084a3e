"""One picture, one text: every artefact that runs here against eager PyTorch in the same run, on 1 and 2 threads.

In: dist/<model>/ of each of MODELS=demo,s2 (DIST= names another folder than dist), in every precision found there.
Out: latency.json and latency.md. Made for shared machines: PyTorch and the artefacts take turns. A ratio is the median
over the rounds of an artefact's time over PyTorch's time in the same round; the quartiles show how reliable it is. A
round in which other processes left too few free cores does not count, because PyTorch's threads wait for each other, so
that only PyTorch would slow down, up to twenty times. If too few rounds count, the result is "not measured".
"""

import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import limits
from export import runners
from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.common import files
from export.common.specs import ModelSpec
from export.pictures import preprocess
from export.text import families
from export.weights import checkpoint
from parity.gate import inputs

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "latency.json", HERE / "latency.md"
ROUNDS, RUNS = 15, 3                         # a round's time is that of its fastest run
LEAST_ROUNDS, MOST_ROUNDS = 5, 30            # rounds that must count; rounds after which it stops
TAKEN = 0.2                                  # of a core: what other processes may use in a round that counts
PAUSE = 0.03                                 # seconds between turns: runtimes wait actively after their last run
THREADS = (1, 2)
TEXT = "a pair of red running shoes"
TOOLS = ("torch", "onnxruntime", "ai-edge-litert", "litert-torch")


def main() -> None:
    """Measures the models, and writes latency.json and the page after each."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in os.environ.get("MODELS", "demo").split(","):
        folder = Path(os.environ.get("DIST", "dist")) / name
        results[name] = measure(folder)
        files.write_json(RESULTS, results)
        with files.whole(PAGE) as partial:
            partial.write_text(page(results), encoding="utf-8")


def measure(folder: Path) -> dict:
    """Everything of one model: the machine, its limits, and each artefact's milliseconds and ratios."""
    import torch

    torch.set_flush_denormal(True)           # in PyTorch's favour: its Gelu is slow below 1e-38
    artifacts = [a for a in manifest.read(folder).artifacts if a.format in ("tflite", "onnx")]
    spec, source = Dist(folder).source()
    model = checkpoint.reparameterise(checkpoint.load(spec, source))
    load, best, encoders = [round(os.getloadavg()[0], 2)], {}, {}
    for encoder in ("image", "text"):
        one = example(encoder, spec)
        eager = eager_run(model, encoder, spec, one)
        best[encoder] = limits.of(eager, model.visual if encoder == "image" else model.text, THREADS)
        encoders[encoder] = {str(threads): compare(
            folder, [a for a in artifacts if a.encoder == encoder], eager, one, threads) for threads in THREADS}
    load.append(round(os.getloadavg()[0], 2))
    return {"machine": machine(), "load": load, "weights": source.kind, "limits": best, "encoders": encoders}


def example(encoder: str, spec: ModelSpec) -> np.ndarray:
    """The first sample picture, uint8 [1, S, S, 3], or a short text's ids, int32 [1, L]."""
    if encoder == "image":
        return inputs.squares(inputs.pictures()[:1], spec.preprocessing)
    return families.reference_ids(spec.text, [TEXT])


def eager_run(model, encoder: str, spec: ModelSpec, sample: np.ndarray) -> Callable[[], np.ndarray]:
    """Runs the reparameterised model in eager PyTorch, as its authors do, on a prepared input."""
    import torch

    ready = torch.from_numpy(preprocess.normalise(sample, spec.preprocessing) if encoder == "image"
                             else sample.astype(np.int64))
    encode = model.encode_image if encoder == "image" else model.encode_text

    def run() -> np.ndarray:
        with torch.inference_mode():
            return encode(ready, normalize=True).numpy()

    return run


def compare(folder: Path, artifacts: list[Artifact], eager: Callable, one: np.ndarray, threads: int) -> dict:
    """{"rounds": those that counted, "tried": all, "rows": {"eager" or path: {ms, ratio, low, high, cosine}}}.

    `low` and `high` are the quartiles. No rows where fewer than LEAST_ROUNDS counted.
    """
    import torch

    torch.set_num_threads(threads)
    turns = {"eager": eager}
    for artifact in artifacts:
        embed = runners.load(artifact.format, folder / artifact.path, artifact.encoder, threads)
        if isinstance(embed, runners.CouldNotRun):
            print(f"{artifact.path}: not run ({embed.reason})")
        else:
            turns[artifact.path] = lambda embed=embed: embed(one)
    answers = {name: run() for name, run in turns.items()}               # also warms up
    free = (os.cpu_count() or 1) - threads + TAKEN
    kept: list[dict[str, float]] = []
    tried = 0
    while len(kept) < ROUNDS and tried < MOST_ROUNDS:
        tried += 1
        others = limits.OtherProcesses()
        taken = one_round(turns)
        if others.cores() <= free:
            kept.append(taken)
    rows = {} if len(kept) < LEAST_ROUNDS else {
        name: summary([taken[name] for taken in kept], [taken["eager"] for taken in kept])
        | {"cosine": round(float((answers[name] * answers["eager"]).sum()), 7)} for name in turns}
    return {"rounds": len(kept), "tried": tried, "rows": rows}


def one_round(turns: dict[str, Callable]) -> dict[str, float]:
    """The seconds of each turn, run one after the other."""
    taken = {}
    for name, run in turns.items():
        time.sleep(PAUSE)
        taken[name] = min(timed(run) for _ in range(RUNS))
    return taken


def timed(run: Callable) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def summary(seconds: list[float], eager: list[float]) -> dict:
    """Median milliseconds, and the quartiles of the rounds' ratios to PyTorch."""
    low, middle, high = statistics.quantiles([own / other for own, other in zip(seconds, eager, strict=True)], n=4)
    return {"ms": round(statistics.median(seconds) * 1e3, 2), "ratio": round(middle, 3), "low": round(low, 3),
            "high": round(high, 3)}


def machine() -> dict:
    """The processor and versions on which the figures depend."""
    return {"processor": limits.processor(), "cores": os.cpu_count(), "system": platform.system(),
            "python": platform.python_version(), **{name: importlib.metadata.version(name) for name in TOOLS}}


def page(results: dict) -> str:
    """The results as Markdown."""
    lines = ["# Latency of one picture and one text", "", "`python -m benchmarks latency` wrote this page. Times over "
             "those of eager PyTorch (reparameterised, float32, flushing denormals) in the same run: the median over "
             "the interleaved rounds, with the quartiles. Read the ratios; milliseconds wander on shared "
             "machines. The limit is the larger of multiply-adds over the rate of `torch.matmul` here, and of the "
             "weights' bytes in float32 over the bandwidth measured here, the table of tokens left out."]
    for name, result in results.items():
        known = result["machine"]
        versions = ", ".join(f"{tool} {known[tool]}" for tool in TOOLS)
        lines += ["", f"## {name}", "", f"{known['processor']}, {known['cores']} cores, {known['system']}, Python "
                  f"{known['python']}, {versions}. Load of the machine before and after: "
                  f"{result['load'][0]} and {result['load'][1]}. Weights: {result['weights']}."]
        for encoder, by_threads in result["encoders"].items():
            lines += ["", *table(encoder, by_threads, result["limits"][encoder])]
    return "\n".join([*lines, ""])


def table(encoder: str, by_threads: dict, limit: dict) -> list[str]:
    """One encoder's Markdown, a table for each number of threads."""
    lines = [f"**{encoder}**: {limit['multiply_adds'] / 1e9:.2f} G multiply-adds, {limit['weight_bytes'] / 1e6:.0f} MB "
             "of weights."]
    for threads, measured in by_threads.items():
        most = limit["threads"][threads]
        count = f"{threads} thread{'s' * (threads != '1')}"
        lines += ["", f"{count}: {most['gflops']:.0f} GFLOP/s, {most['gb_per_second']:.0f} GB/s, so "
                  f"{most['limit_ms']:.1f} ms at best; {measured['rounds']} of {measured['tried']} rounds count."]
        if not measured["rows"]:
            lines += ["", f"Not measured: other processes left fewer than {count.split()[0]} free cores."]
            continue
        lines += ["", "| | ms | ratio | quartiles | cosine |", "|---|---|---|---|---|"]
        lines += [f"| {path} | {r['ms']:.1f} | {r['ratio']:.2f} | {r['low']:.2f} to {r['high']:.2f} | "
                  f"{r['cosine']:.6f} |" for path, r in measured["rows"].items()]
    return lines
