"""TFLite text encoders enter; how near a GPU's answers are to float32 PyTorch's leaves, for each form of graph.

LiteRT.js runs the files under WebGPU in headless Chromium, whose software adapter stands in for a GPU: it runs LiteRT's
own GPU code, and says nothing about speed, nor about a phone's driver. Each text is asked three times in turn.
In: Node 20, Chromium (CHROMIUM= names it), `npm ci --prefix benchmarks/webgpu`. For onnx2tf's form, its environment.
Out: webgpu.json and webgpu.md. Exit status 1 if an answer is wrong, 2 if the check cannot run.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import network_families
from export import tflite
from export.common import files
from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.formats.stamp import Stamp
from export.tflite import attention, onnx2tf_route
from export.weights import checkpoint, encoders, lookup
from parity.gate import inputs, metrics

HERE = Path(__file__).parent
RESULTS, PAGE, RUNNER = HERE / "webgpu.json", HERE / "webgpu.md", HERE / "webgpu" / "run.mjs"
TURNS, TEXTS, LEAST = 3, 10, 0.9999          # how often each text is asked; how many texts; the least cosine
SECONDS = 600                                # after which Chromium is taken for stuck


@dataclass(frozen=True)
class Form:
    """A text encoder in one form of graph."""

    name: str
    path: Path
    ids: np.ndarray                          # int32 [N, L]
    expected: np.ndarray                     # float32 [N, dim], by PyTorch
    control: bool = False                    # a file that is known to be wrong: it shows that the check can fail


def main() -> None:
    """Checks every form, and writes webgpu.json and the page. Ends the process with 1 or 2 if that fails."""
    try:
        with tempfile.TemporaryDirectory(prefix="webgpu-") as folder:
            forms = list(written(Path(folder)))
            answered = run(forms)
    except InputError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        sys.exit(2)
    results = {"adapter": answered["adapter"], "browser": answered["browser"], "forms": [
        nearness(form, answer) for form, answer in zip(forms, answered["models"], strict=True)]}
    files.write_json(RESULTS, results)
    with files.whole(PAGE) as partial:
        partial.write_text(page(results), encoding="utf-8")
    print(page(results))
    if not all(form["control"] or form["cosine_min"] >= LEAST for form in results["forms"]):
        sys.exit(1)


def written(folder: Path) -> Iterator[Form]:
    """Every form of graph that a text encoder has, as float32 TFLite files in `folder`."""
    for name, part, spec in text_encoders():
        yield form(folder, f"{name}, litert-torch", part, spec, tflite.trace)
    part, spec = demo()
    try:
        onnx2tf_route.environment()
        yield form(folder, "demo, onnx2tf", part, spec, onnx2tf_route.trace)
    except InputError as error:
        print(f"left out: demo, onnx2tf: {error}", file=sys.stderr)
    with mock.patch.object(attention, "written_out", lambda encoder, rank: encoder):
        yield form(folder, "demo, litert-torch, torch's own attention (control)", part, spec, tflite.trace, True)


def text_encoders() -> Iterator[tuple[str, Any, ModelSpec]]:
    """The demo's text encoder, and that of each small family: with each kind of mask, pooling and activation."""
    yield "demo", *demo()
    for family in network_families.families():
        if "text" in family.encoders:
            with network_families.small(family):
                model = checkpoint.reparameterise(checkpoint.random_model(family.spec))
            yield family.name, encoders.split(model, family.spec)["text"], family.spec


def demo() -> tuple[Any, ModelSpec]:
    """The demo's text encoder."""
    spec = lookup.find("demo")
    model = checkpoint.reparameterise(checkpoint.load(spec, checkpoint.locate(spec)))
    return encoders.split(model, spec)["text"], spec


def form(folder: Path, name: str, part: Any, spec: ModelSpec, trace: Any, control: bool = False) -> Form:
    """Converts a text encoder, and has PyTorch answer."""
    import torch

    ids = network_families.ids_of(spec.text, inputs.texts()[:TEXTS])
    path = folder / f"{len(list(folder.iterdir()))}.tflite"
    stamp = Stamp(spec.name, "text", "0" * 64, spec.licence.name, "an input")
    tflite.write(trace(part, "text", encoders.example("text", spec)), "fp32", stamp, path)
    with torch.inference_mode():
        return Form(name, path, ids, part(torch.from_numpy(ids)).numpy(), control)


def run(forms: list[Form]) -> dict:
    """What LiteRT.js answers: see webgpu/run.mjs. Raises InputError if Node, Chromium or LiteRT.js is missing."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    for what, there, remedy in (("node", shutil.which("node"), "install Node 20 or newer"),
                                ("Chromium", chromium, "apt-get install chromium, or CHROMIUM=its path"),
                                ("LiteRT.js", (HERE / "webgpu" / "node_modules").is_dir(),
                                 "npm ci --prefix benchmarks/webgpu")):
        if not there:
            raise InputError(f"{what} is missing", remedy=remedy)
    asked = {"chromium": chromium, "turns": TURNS, "models": [
        {"path": str(one.path), "inputs": [{"type": "int32", "shape": [1, len(row)], "values": row.tolist()}
                                           for row in one.ids]} for one in forms]}
    answer = subprocess.run(["node", RUNNER], input=json.dumps(asked), capture_output=True, text=True, timeout=SECONDS)
    if answer.returncode:
        raise InputError("Chromium cannot run the files", found=answer.stderr[-500:])
    return json.loads(answer.stdout)


def nearness(form: Form, answered: dict) -> dict:
    """One row of the results: the farthest of all answers in all turns."""
    turns = [metrics.closeness(np.array(turn, np.float32), form.expected) for turn in answered["answers"]]
    return {"name": form.name, "control": form.control, "texts": len(form.ids), "turns": len(turns),
            "cosine_min": min(turn.cosine_min for turn in turns), "max_abs": max(turn.max_abs for turn in turns)}


def page(results: dict) -> str:
    """The results as Markdown."""
    lines = ["# Text encoders on a GPU", "", "`python -m benchmarks webgpu` wrote this page: float32 TFLite files, by "
             f"LiteRT.js under WebGPU in Chromium {results['browser']} ({results['adapter']}, a software adapter), "
             f"against float32 PyTorch. At least {LEAST} passes. The control is a file as torch's own attention makes "
             "it; it shows what the check finds.", "",
             "| text encoder | texts, turns | least cosine | max abs |", "|---|---|---|---|"]
    lines += [f"| {row['name']} | {row['texts']}, {row['turns']} | {row['cosine_min']:.7f} | {row['max_abs']:.1e} |"
              for row in results["forms"]]
    return "\n".join([*lines, ""])
