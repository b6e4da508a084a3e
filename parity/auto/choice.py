"""`python -m parity --choose`: dist/<model>/ enters; the smallest artefacts that pass leave, in its place.

precision.json keeps what was tried, with the reasons; parity.html shows it.
"""

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rich.table import Table

from export import plan
from export.artifacts.dist import Dist
from export.common import files, rankings
from export.common.console import MEGABYTE, console
from export.formats.table import FORMATS
from export.trials import opened
from parity.auto import precision
from parity.auto.judge import FormatJudge
from parity.auto.precision import Candidate, Choice
from parity.gate.baseline import load
from parity.gate.shelf import RECALL_TOLERANCE, Shelf

NAME, VERSION = "precision.json", 1
SLOWER, LARGER = 1.1, 1.1                    # times float16: the user is told of more
MOST_TRIALS = 2 * (sum(map(len, precision.STEPS)) + precision.GROUPS + 8)    # per format; few formats need so many


def read(dist: Dist, basis_: str) -> dict | None:
    """An earlier choice on this basis, if dist/<model>/ holds exactly the chosen artefacts, and they are whole."""
    try:
        kept = json.loads(dist.path(NAME).read_text(encoding="utf-8"))
        there = {a.path: a.sha256 for a in dist.manifest.artifacts if a.format in kept["formats"]}
        chosen = {c["path"]: c["sha256"] for found in kept["formats"].values()
                  for c in found["candidates"] if c["chosen"]}
        if kept["basis"] != basis_ or there != chosen:
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    dist.check()
    return kept


def run(dist: Dist, formats: list[str], products: int | None, given: Shelf | None, begin: Callable[[str], None],
        basis_: str) -> dict:
    """Searches, puts what was chosen into dist/<model>/, and writes precision.json, whose content it returns.

    A format without a passing pair keeps what it had. Raises InputError if the manifest or the weights cannot be found.
    """
    begin("float32 PyTorch")
    baseline = load(dist, products, given)
    found, kept = {}, []
    with opened(dist, baseline.parts) as trials:
        for format_ in formats:
            judge = FormatJudge(format_, trials, baseline, begin)
            choice = precision.choose(judge)
            found[format_] = described(judge, choice)
            kept += [(judge.trial(c), c.measured["peak_rss"]) for c in (choice.image, choice.text) if c]
        begin("put the chosen ones in place")
        if kept:
            trials.keep(kept)
    content = {"version": VERSION, "model": baseline.manifest.model, "space": baseline.space, "basis": basis_,
               "quality_is_meaningless": not baseline.manifest.shippable, "recall10_tolerance": RECALL_TOLERANCE,
               "platform": platform.platform(), "tool_versions": plan.tool_versions(), "formats": found}
    files.write_json(dist.path(NAME), content)
    return content


def described(judge: FormatJudge, choice: Choice) -> dict:
    """What precision.json says of one format."""
    base = {c.encoder: c for c in choice.tried if c.precision == precision.BASE}
    chosen = [c for c in (choice.image, choice.text) if c]
    pair = judge.pair(*chosen) if chosen else None
    ranking = pair and max((r for r in pair.rankings if r.shelf != "samples"), key=lambda r: r.queries, default=None)
    return {
        "bytes": choice.bytes, "fp16_bytes": sum(c.bytes for c in base.values()),
        "pair": ranking and {"shelf": ranking.shelf, "queries": ranking.queries, "top1": ranking.top1.value,
                             "recall10": ranking.recall10 and ranking.recall10.value,
                             "loss": ranking.loss and ranking.loss.value},
        "warnings": [w for c in chosen for w in warnings(judge.format, c, base[c.encoder])],
        "refused_pairs": [{"image": i.name, "text": t.name, "bytes": i.bytes + t.bytes, "reasons": reasons}
                          for i, t, reasons in choice.refused],
        "candidates": [candidate(judge, c, any(c is one for one in chosen)) for c in choice.tried]}


def candidate(judge: FormatJudge, one: Candidate, chosen: bool) -> dict:
    """One candidate in precision.json."""
    trial = judge.trial(one)
    return {"encoder": one.encoder, "precision": one.name, "compression": trial.receipt.compression,
            "bytes": one.bytes, "outcome": "passed" if one.passed else "failed", "reasons": one.reasons,
            "chosen": chosen, "sha256": trial.receipt.sha256} | one.measured | {"path": trial.job.path}


def warnings(format_: str, chosen: Candidate, base: Candidate) -> list[str]:
    """What the smaller artefact costs, against float16."""
    found, name = [], f"{format_} {chosen.encoder} encoder, {chosen.name}"
    if (ratio := chosen.measured["latency_over_fp16"]) and ratio > SLOWER:
        found.append(f"{name}: {ratio:.2f} times the time of fp16 on this machine, one thread")
    before, now = base.measured["peak_rss"], chosen.measured["peak_rss"]
    if before and now and now > LARGER * before:
        found.append(f"{name}: {now / before:.2f} times the memory of fp16")
    ios, usual = (FORMATS[format_].minimum_ios(p) for p in (chosen.precision, precision.BASE))
    if ios != usual:
        found.append(f"{name}: needs iOS {ios}")
    return found


def verdict(content: dict, budget_mb: float | None) -> list[str]:
    """Why the command fails: a format has no pair that passes, or none within the budget (MB per pair)."""
    faults = []
    for format_, found in content["formats"].items():
        if found["bytes"] is None:
            faults.append(f"{format_}: no pair of encoders passes; the old artefacts stay")
        elif budget_mb is not None and found["bytes"] > budget_mb * MEGABYTE:
            names = " and ".join(f"{c['encoder']} {c['precision']}" for c in found["candidates"] if c["chosen"])
            faults.append(f"{format_}: the budget of {budget_mb:g} MB cannot be met; "
                          f"the smallest that passes is {names}, {found['bytes'] / MEGABYTE:.2f} MB")
    return faults


def show(content: dict, folder: Path, faults: list[str]) -> None:
    """Prints the candidates and the choice, and why smaller candidates were not chosen."""
    out = console()
    for format_, found in content["formats"].items():
        table = Table(title=f"{content['model']}, {format_}: precisions tried", title_justify="left", highlight=False)
        columns: list[tuple[str, Literal["left", "right"]]] = [
            ("encoder", "left"), ("precision", "left"), ("MB", "right"), ("cosine", "right"), ("top 1", "right"),
            (rankings.named(content["recall10_tolerance"], "\n"), "right"), ("time/fp16", "right"),
            ("memory MB", "right")]
        for name, side in columns:
            table.add_column(name, justify=side, no_wrap=True)
        table.add_column("verdict")
        for c in sorted(found["candidates"], key=lambda c: (c["encoder"], c["bytes"])):
            words = "chosen" if c["chosen"] else c["outcome"] + (": " + "; ".join(c["reasons"]) if c["reasons"] else "")
            table.add_row(c["encoder"], c["precision"], f"{c['bytes'] / MEGABYTE:.2f}", _figure(c["cosine_min"], ".4f"),
                          _figure(c["top1"], ".4f"), _figure(c["recall10"], ".4f"),
                          _figure(c["latency_over_fp16"], ".2f"),
                          _figure(c["peak_rss"] and c["peak_rss"] / MEGABYTE, ".0f"), words,
                          style="bold" if c["chosen"] else None)
        out.print(table)
        if found["bytes"] is not None:
            out.print(f"{format_}: {found['bytes'] / MEGABYTE:.2f} MB for the pair, "
                          f"{found['bytes'] / found['fp16_bytes']:.2f} of fp16's", highlight=False)
        for pair in found["refused_pairs"]:
            out.print(f"refused together: image {pair['image']}, text {pair['text']}: {'; '.join(pair['reasons'])}",
                          highlight=False)
        for warning in found["warnings"]:
            out.print(f"note: {warning}", style="yellow", highlight=False)
    if content["quality_is_meaningless"]:
        out.print("random weights: chosen by closeness alone, on the samples; the figures say nothing about quality")
    for fault in faults:
        out.print(fault, style="bold red", highlight=False)
    out.print(f"the candidates and their figures: {folder / NAME}", highlight=False)


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
