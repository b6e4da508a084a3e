"""Results enter; parity.json for machines, the manifest's verdicts, and a table for people leave."""

import hashlib
import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from export import files, manifest, pipeline, plan
from parity import inputs
from parity.gate import Result
from parity.metrics import Closeness, Ranking

NAME = pipeline.VERDICTS
HERE = Path(__file__).parent
MEGABYTE = 1e6
LINE = 160                                   # characters, where the output is no terminal


def basis(folder: Path, strict: bool, products: int | None) -> str:
    """64 hex digits over all that the verdicts depend on: files as they are now, code, samples, tools, machine."""
    made = manifest.read(folder)
    named = [*((a["path"], a["sha256"]) for a in made["artifacts"]), (manifest.TOKENIZER, manifest.tokenizer(made))]
    there = [[path, listed, files.sha256(folder / path) if (folder / path).exists() else None]
             for path, listed in named]
    code = [[p.name, files.sha256(p)] for p in sorted([*HERE.glob("*.py"), *HERE.glob("*.toml")])]
    parts = [there, made["space"], code, plan.code(), inputs.digest(), plan.tool_versions(), platform.platform(),
             strict, products]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def write(folder: Path, results: list[Result], green: bool, basis_: str) -> None:
    """Writes each artefact's verdict into the manifest, and then parity.json."""
    made = write_verdicts(folder, results)
    files.write_json(folder / NAME, {
        "version": 1, "model": made["model"], "space": made["space"], "basis": basis_, "green": green,
        "quality_is_meaningless": not made["shippable"], "platform": platform.platform(),
        "tool_versions": plan.tool_versions(), "results": [asdict(result) for result in results]})


def write_verdicts(folder: Path, results: list[Result]) -> dict:
    """Writes each artefact's verdict into the manifest, unless they stand there, and returns the manifest."""
    made = manifest.read(folder)
    before = [artifact["parity"] for artifact in made["artifacts"]]
    verdicts = {result.path: verdict(result) for result in results}
    for artifact in made["artifacts"]:
        artifact["parity"] = verdicts[artifact["path"]]
    if before != [artifact["parity"] for artifact in made["artifacts"]]:
        manifest.write(folder, made)
    return made


def verdict(result: Result) -> dict:
    """What the manifest keeps of a result."""
    return {"outcome": result.outcome, "reasons": result.reasons,
            "cosine_min": result.closeness and result.closeness.cosine_min,
            "max_abs": result.closeness and result.closeness.max_abs,
            "top1_agreement": result.ranking and result.ranking.top1_agreement}


def read(folder: Path, basis_: str) -> tuple[list[Result], bool] | None:
    """The results of an earlier run, if they were measured on this very basis."""
    try:
        kept = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if kept["basis"] != basis_:
            return None
        results = [Result(**{**fields, "closeness": fields["closeness"] and Closeness(**fields["closeness"]),
                             "ranking": fields["ranking"] and Ranking(**fields["ranking"])})
                   for fields in kept["results"]]
        return results, kept["green"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def show(folder: Path, results: list[Result], green: bool) -> None:
    """Prints one line for each artefact: what it is, what it took, how near it is, the verdict."""
    made, receipts = manifest.read(folder), plan.read_receipts(folder)
    table = Table(title=escape(f"{made['model']}: artefacts in {folder}"), title_justify="left", highlight=False)
    for name in ("encoder", "format", "precision", "MB", "seconds", "memory MB", "cosine", "max abs", "top 1",
                 "verdict"):
        table.add_column(name, justify="left" if name in ("encoder", "format", "precision", "verdict") else "right",
                         no_wrap=name != "verdict")
    for result in results:
        table.add_row(result.encoder, result.format, result.precision, *_costs(receipts.get(result.path)),
                      *_nearness(result), _words(result))
    console = Console() if sys.stdout.isatty() else Console(width=LINE)
    console.print(table)
    if not made["shippable"]:
        console.print("random weights: the rankings (top 1) say nothing about quality, and nothing of this may ship")
    console.print(f"gate: {'green' if green else 'RED'}", style="bold green" if green else "bold red")


def _costs(receipt: plan.Receipt | None) -> tuple[str, str, str]:
    if receipt is None:
        return "", "", ""
    memory = "" if receipt.peak_rss is None else f"{receipt.peak_rss / MEGABYTE:.0f}"
    return f"{receipt.bytes / MEGABYTE:.1f}", f"{receipt.seconds:.1f}", memory


def _nearness(result: Result) -> tuple[str, str, str]:
    if result.closeness is None or result.ranking is None:
        return "", "", ""
    return (f"{result.closeness.cosine_min:.7f}", f"{result.closeness.max_abs:.1e}",
            f"{result.ranking.top1_agreement:.4f}")


def _words(result: Result) -> str:
    style = {"passed": "green", "failed": "red", "not run": "yellow"}[result.outcome]
    because = escape(f": {'; '.join(result.reasons)}") if result.reasons else ""
    return f"[{style}]{result.outcome}[/{style}]{because}"
