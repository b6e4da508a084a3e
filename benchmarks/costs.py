"""The models of README's tables enter; what each costs leaves: parameters, megabytes and multiply-adds.

Counted on the networks that the export builds, with random weights: parameters after the reparameterisation, and
multiply-adds of one input as PyTorch's FlopCounterMode has them (matrix products, convolutions and attention).
Out: costs.json and costs.md.
"""

from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from export.common import files
from export.common.specs import ModelSpec
from export.weights import checkpoint, encoders, lookup
from export.weights.models import BUNDLED, TABLE

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "costs.json", HERE / "costs.md"
# Of open_clip, beside the table: those that README names for shops.
SHOPS = (("ViTamin-S", "datacomp1b"), ("PE-Core-T-16-384", "meta"), ("PE-Core-S-16-384", "meta"),
         ("ViT-B-16", "datacomp_xl_s13b_b90k"), ("ViT-B-32-256", "datacomp_s34b_b86k"),
         ("ViT-B-32", "datacomp_xl_s13b_b90k"), ("PE-Core-B-16", "meta"))


def main() -> None:
    """Counts every model, and writes costs.json and the page."""
    specs = [row for row in TABLE.values() if row.architecture not in BUNDLED]
    specs += [lookup.find(name, tag) for name, tag in SHOPS]
    results = {spec.name: costs(spec) for spec in specs}
    files.write_json(RESULTS, results)
    with files.whole(PAGE) as partial:
        partial.write_text(page(results), encoding="utf-8")


def costs(spec: ModelSpec) -> dict:
    """Parameters in millions and multiply-adds in thousands of millions, for the image and the text encoder."""
    parts = encoders.split(checkpoint.reparameterise(checkpoint.random_model(spec)), spec)
    return {"licence": spec.licence.name, "commercial_use": spec.licence.commercial_use,
            "parameters": {name: round(parameters(part) / 1e6, 1) for name, part in parts.items()},
            "gmac": {name: round(multiply_adds(part, encoders.example(name, spec)) / 1e9, 2)
                     for name, part in parts.items()}}


def parameters(part: torch.nn.Module) -> int:
    """How many numbers an artefact stores."""
    return sum(one.numel() for one in part.parameters())


def multiply_adds(part: torch.nn.Module, example: torch.Tensor) -> int:
    """Multiply-adds of one input; FlopCounterMode counts two operations for each."""
    plain = sdpa_kernel(SDPBackend.MATH)     # attention as matrix products: the counter does not know the CPU's kernel
    with torch.inference_mode(), plain, FlopCounterMode(display=False) as counter:
        part(example)
    return counter.get_total_flops() // 2


def page(results: dict) -> str:
    """The results as Markdown, sorted by megabytes."""
    lines = ["# What a model costs", "", "`python -m benchmarks costs` wrote this page: parameters and multiply-adds "
             "of one picture and one text, counted on the networks that the export builds. MB of both encoders: a byte "
             "a parameter in int8, two in fp16; tables of the tokenizer and the graph are not in it.", "",
             "| model | parameters, M (image + text) | MB int8 | MB fp16 | GMAC image | GMAC text | licence | a shop "
             "may ship it |", "|---|---|---|---|---|---|---|---|"]
    for name, found in sorted(results.items(), key=lambda item: sum(item[1]["parameters"].values())):
        image, text = found["parameters"]["image"], found["parameters"]["text"]
        may = {True: "yes", False: "no", None: "unknown"}[found["commercial_use"]]
        lines.append(f"| {name} | {image} + {text} | {image + text:.0f} | {2 * (image + text):.0f} | "
                     f"{found['gmac']['image']} | {found['gmac']['text']} | {found['licence']} | {may} |")
    return "\n".join([*lines, ""])
