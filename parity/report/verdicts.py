"""Results enter; parity.json for machines, the manifest's verdicts, and a table for people leave."""

import json
import platform
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from export import plan
from export.artifacts.dist import VERDICTS, Dist
from export.artifacts.manifest import Manifest, Verdict
from export.artifacts.receipts import Receipt
from export.common import files, rankings
from export.common.console import MEGABYTE, console
from parity.gate import results
from parity.gate.libraries.tokens import TokenCheck
from parity.gate.results import GPU_NOT_ASKED, GateResult, GpuVerdict, PairResult, Verdicts, telling
from parity.gate.shelf import RECALL_TOLERANCE

NAME, VERSION = VERDICTS, 1


def write(dist: Dist, verdicts: Verdicts, basis_: str) -> None:
    """Writes each artefact's verdict into the manifest, and then parity.json."""
    manifest = write_verdicts(dist, verdicts.results)
    files.write_json(dist.path(NAME), {
        "version": VERSION, "model": manifest.model, "space": manifest.space, "basis": basis_, "green": verdicts.green,
        "quality_is_meaningless": not manifest.shippable, "platform": platform.platform(),
        "tool_versions": plan.tool_versions(), "results": [asdict(result) for result in verdicts.results],
        "pairs": [asdict(pair) for pair in verdicts.pairs],
        "safety": [asdict(one) for one in verdicts.safety], "webgpu": asdict(verdicts.webgpu),
        "tokens": verdicts.tokens and asdict(verdicts.tokens)})


def write_verdicts(dist: Dist, judged: list[GateResult]) -> Manifest:
    """Writes each artefact's verdict into the manifest, unless it is there already, and returns the manifest.

    If several runtimes ran an artefact, a failure counts, or else the verdict of the first runtime, the real one.
    """
    verdicts: dict[str, Verdict] = {}
    for result in judged:
        if result.path not in verdicts or result.outcome == "failed":
            verdicts[result.path] = verdict(result)
    manifest = dist.manifest.judged(verdicts)
    if manifest != dist.manifest:
        dist.write(manifest)
    return manifest


def verdict(result: GateResult) -> Verdict:
    """What the manifest keeps of a result."""
    closeness = result.closeness
    return Verdict(result.outcome, result.reasons, closeness.cosine_min if closeness else None,
                   closeness.max_abs if closeness else None, _top1(result))


def read(dist: Dist, basis_: str) -> Verdicts | None:
    """The verdicts of an earlier run, if they were measured on this basis."""
    try:
        kept = json.loads(dist.path(NAME).read_text(encoding="utf-8"))
        return results.from_json(kept) if kept["basis"] == basis_ else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def show(dist: Dist, verdicts: Verdicts) -> None:
    """Prints one line for each artefact: its name, costs, nearness and verdict; then one line for each pair."""
    manifest, receipts = dist.manifest, dist.receipts()
    out = console()
    table = _table(f"{manifest.model}: artefacts in {dist.folder}", ("encoder", "format", "precision"),
                   ("MB", "seconds", "memory MB", "cosine", "max abs", "top 1"))
    for result in verdicts.results:
        table.add_row(result.encoder, result.format, result.precision, *_costs(receipts.get(result.path)),
                      *_nearness(result, manifest.shippable), _words(result))
    out.print(table)
    if manifest.shippable and verdicts.pairs:
        table = _table("image and text encoder together, as an app ships them", ("format", "image", "text"),
                       ("MB", "queries", "top 1", rankings.named(RECALL_TOLERANCE, "\n"), "loss of recall@1"))
        for pair in verdicts.pairs:
            table.add_row(pair.format, pair.image, pair.text, f"{pair.bytes / MEGABYTE:.1f}", *_ranked(pair),
                          _words(pair))
        out.print(table)
    if said := pruned(verdicts.tokens):
        out.print(said, markup=False, highlight=False, soft_wrap=True)
    if not manifest.shippable:
        out.print("random weights: rankings are chance and decide nothing, and none of these artefacts may ship")
    elif manifest.licence.commercial_use is not True:
        out.print(f"licence of the weights: {manifest.licence.words}", markup=False, highlight=False)
    if said := by_gpu(verdicts.webgpu):
        out.print(said, markup=False, highlight=False, soft_wrap=True)
    out.print(f"gate: {'green' if verdicts.green else 'RED'}", style="bold green" if verdicts.green else "bold red")


def pruned(found: TokenCheck | None) -> str:
    """What pruning the vocabulary saved and changed, in one line; empty where nothing was pruned."""
    if found is None or found.pruning is None:
        return ""
    one = found.pruning
    kept = "what any text can reach" if one.scripts is None else ", ".join(one.scripts)
    table, asset = (f"{before / MEGABYTE:.2f} -> {after / MEGABYTE:.2f} MB" for before, after in (
        (one.table_bytes_before, one.table_bytes), (one.asset_bytes_before, one.asset_bytes)))
    return (f"vocabulary: {kept}: {one.tokens_before} -> {one.tokens} tokens; token table in float32 {table}; "
            f"tokenizer {asset}; {found.differing} of {found.texts} texts with other ids; largest difference of "
            f"{one.embedded} embeddings {one.largest_difference:g}; {len(one.outside)} sample texts outside left out")


def by_gpu(found: GpuVerdict) -> str:
    """What WebGPU answered, in one line; empty where nobody asked it."""
    if not found.results:
        return "" if found == GPU_NOT_ASKED else f"WebGPU: {found.outcome}, because {'; '.join(found.reasons)}"
    each = "; ".join(f"{one.path} {', '.join(one.reasons) or f'least cosine {one.cosine_min:.7f}'}"
                     for one in found.results)
    return f"WebGPU ({found.adapter}, no phone's driver; no part of the gate): {found.outcome}: {each}"


def _table(title: str, left: tuple[str, ...], right: tuple[str, ...]) -> Table:
    table = Table(title=escape(title), title_justify="left", highlight=False)
    for name in (*left, *right):
        table.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    table.add_column("verdict")
    return table


def _ranked(pair: PairResult) -> tuple[str, str, str, str]:
    ranking = telling(pair.rankings)
    if ranking is None:
        return "", "", "", ""
    top1, recall10, loss = ("" if part is None else f"{part.value:.4f}"
                            for part in (ranking.top1, ranking.recall10, ranking.loss))
    return str(ranking.queries), top1, recall10, loss


def _costs(receipt: Receipt | None) -> tuple[str, str, str]:
    if receipt is None:
        return "", "", ""
    memory = "" if receipt.peak_rss is None else f"{receipt.peak_rss / MEGABYTE:.0f}"
    return f"{receipt.bytes / MEGABYTE:.1f}", f"{receipt.seconds:.1f}", memory


def _nearness(result: GateResult, shippable: bool) -> tuple[str, str, str]:
    if result.closeness is None:
        return "", "", ""
    top1 = f"{_top1(result):.4f}" if shippable else ""
    return f"{result.closeness.cosine_min:.7f}", f"{result.closeness.max_abs:.1e}", top1


def _top1(result: GateResult) -> float | None:
    ranking = telling(result.rankings)
    return ranking.top1.value if ranking else None


def _words(result: GateResult | PairResult) -> str:
    style = {"passed": "green", "failed": "red", "not run": "yellow"}[result.outcome]
    said = [*result.reasons, *getattr(result, "notes", [])]
    because = escape(f": {'; '.join(said)}") if said else ""
    return f"[{style}]{result.outcome}[/{style}]{because}"
