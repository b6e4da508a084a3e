"""The TFLite files of dist/<model>/ in float32 enter; what a GPU answers leaves, near float32 PyTorch or not.

A verdict of its own, beside the gate's: Chromium's WebGPU has LiteRT's own GPU code, but not a phone's driver. It
covers the graph by a GPU's rules. Each input is asked TURNS times, all in turn: some drivers are right only once.
"""

import numpy as np

from export.artifacts.manifest import Artifact
from export.common.errors import InputError
from export.formats.table import FLOAT, TFLITE
from export.runners import webgpu_runner
from export.runners.webgpu_runner import GpuJob
from parity.gate import metrics, tolerances
from parity.gate.baseline import Baseline
from parity.gate.results import GpuResult, GpuVerdict, Outcome

TURNS, INPUTS = 3, 10                        # how often each input is asked; how many inputs, the first of the samples
SECONDS = 60                                 # for a file: where a processor is too slow for all inputs, fewer are asked


def judge(baseline: Baseline) -> GpuVerdict:
    """The verdict on the float32 TFLite files: not run where Chromium, Node or LiteRT.js is missing."""
    wanted = [artifact for artifact in baseline.manifest.artifacts
              if (artifact.format, artifact.precision) == (TFLITE.name, FLOAT[0])]
    if not wanted:
        return GpuVerdict("not run", [f"no {TFLITE.title} file in {FLOAT[0]}"])
    try:
        answered = webgpu_runner.run([asked(baseline, artifact) for artifact in wanted], TURNS, SECONDS)
    except InputError as lack:
        return GpuVerdict("not run", [str(lack)])
    results = [result(baseline, *one) for one in zip(wanted, answered.embeddings, strict=True)]
    outcome: Outcome = "failed" if any(one.reasons for one in results) else "passed"
    return GpuVerdict(outcome, [], answered.adapter, answered.browser, TURNS, results)


def asked(baseline: Baseline, artifact: Artifact) -> GpuJob:
    """A file and its first samples."""
    return GpuJob(baseline.dist.path(artifact.path), baseline.samples(artifact.encoder)[:INPUTS])


def result(baseline: Baseline, artifact: Artifact, turns: np.ndarray) -> GpuResult:
    """The farthest of all answers in all turns: `turns` is float32 [turn, n, dim]."""
    expected = baseline.expected(artifact.encoder)[:turns.shape[1]]
    found = [metrics.closeness(turn, expected) for turn in turns]
    worst = min(found, key=lambda one: one.cosine_min if one.cosine_min == one.cosine_min else -np.inf)
    return GpuResult(artifact.path, turns.shape[1], worst.cosine_min, max(one.max_abs for one in found),
                     tolerances.gpu_failures(worst))
