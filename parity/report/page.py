"""Verdicts and the manifest enter; parity.html leaves: one file for people, with nothing to load from elsewhere."""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from export import plan, runners
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact, Manifest
from export.common import files, rankings
from export.common.console import MEGABYTE
from export.formats.table import ENCODERS, FORMATS, MIXED
from parity.gate import inputs, pairs, tolerances
from parity.gate.results import GateResult, PairResult, Verdicts, telling
from parity.gate.shelf import RECALL_TOLERANCE, LanguageRanking
from parity.report import charts, stores
from parity.report.thumbnails import Thumbnails

NAME, TEMPLATE, PRECISION = "parity.html", "report.html.j2", "precision.json"
HERE = Path(__file__).parent
OUTCOMES = ("passed", "failed", "not run")
MARKS = {"passed": "✓", "failed": "✕", "not run": "–"}
TITLES = {row.name: row.title for row in FORMATS.values()}
FARTHEST, QUERIES = 4, 3                     # inputs and queries shown for each artefact


@dataclass(frozen=True)
class Row:
    """One artefact, as the page shows it."""

    result: GateResult
    megabytes: float
    memory: float | None                     # megabytes
    allowed: tolerances.Tolerance
    histogram: str | None
    farthest: list[tuple[str, float]]        # path or text, 1 - cosine


def write(dist: Dist, verdicts: Verdicts) -> None:
    """Writes parity.html into dist/<model>/, whole or not at all."""
    content = render(dist.manifest, verdicts, tried(dist))
    with files.whole(dist.path(NAME)) as partial:
        partial.write_text(content, encoding="utf-8")


def tried(dist: Dist) -> dict | None:
    """precision.json, if a search left one for these weights."""
    try:
        search = json.loads(dist.path(PRECISION).read_text(encoding="utf-8"))
        return search if search["space"] == dist.manifest.space else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def render(made: Manifest, verdicts: Verdicts, search: dict | None = None) -> str:
    """The page as HTML; `search` is what precision.json holds.

    Raises KeyError if the manifest does not list a judged artefact.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    thumbnails = Thumbnails()
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"share": share, "signed": signed, "small": small, "name": TITLES.__getitem__}
    entries = {artifact.path: artifact for artifact in made.artifacts}
    outside = verdicts.tokens.pruning.outside if verdicts.tokens and verdicts.tokens.pruning else []
    rows = [row(made.space, entries[result.path], result, outside) for result in verdicts.results]
    body = environment.get_template(TEMPLATE).render(
        made=made, verdicts=verdicts, rows=rows, matrix=matrix(verdicts.results), pictures=pictures(rows),
        formats=runtimes(verdicts.results), reasons=reasons(verdicts.results),
        search=search, candidates=candidates(search) if search else [],
        counts={outcome: sum(r.outcome == outcome for r in verdicts.results) for outcome in OUTCOMES},
        sizes=[(image.format, image.precision, text.precision, (image.bytes + text.bytes) / MEGABYTE)
               for image, text in pairs.combinations([a for a in made.artifacts if not a.dropped])],
        unexecuted=[named(r) for r in verdicts.results if r.outcome == "not run"],
        interpreted=any(r.runtime == runners.INTERPRETER and r.closeness for r in verdicts.results),
        farthest=max(rows, key=lambda row: max(row.result.closeness.distances) if row.result.closeness else -1),
        spoken=by_language(verdicts) if made.shippable else [], marks=MARKS, megabyte=MEGABYTE,
        limits=stores.LIMITS, telling=telling, recall_name=rankings.named(RECALL_TOLERANCE),
        recall_tolerance=RECALL_TOLERANCE, show=thumbnails.show,
        allowed_pair=tolerances.pair(), queries=QUERIES, tools=plan.tool_versions(), machine=platform.platform())
    return body.replace("<!-- pictures -->", thumbnails.definitions(), 1)


def row(space: str, entry: Artifact, result: GateResult, outside: Sequence[str] = ()) -> Row:
    """One artefact, with its chart. `outside`: sample texts that it was not asked."""
    allowed = tolerances.of(space, result.format, result.precision, result.encoder)
    histogram, farthest = None, []
    if result.closeness:
        distances = result.closeness.distances
        histogram = charts.histogram(distances, 1 - allowed.cosine,
                                     f"{TITLES[result.format]} {result.encoder} {result.precision}")
        shelf = inputs.samples()
        names = shelf.pictures if result.encoder == "image" else [
            text for text in shelf.text_queries if text not in outside]
        farthest = sorted(zip(names, distances, strict=True), key=lambda pair: -pair[1])[:FARTHEST]
    memory = entry.peak_rss and entry.peak_rss / MEGABYTE
    return Row(result, entry.bytes / MEGABYTE, memory, allowed, histogram, farthest)


def by_language(verdicts: Verdicts) -> list[tuple[PairResult, list[LanguageRanking]]]:
    """Each pair that was asked in several languages, and what each of them gave."""
    found = [(pair, [one for ranking in pair.rankings for one in ranking.languages]) for pair in verdicts.pairs]
    return [(pair, languages) for pair, languages in found if languages]


def matrix(results: Sequence[GateResult]) -> list[tuple[str, str, dict[str, list[GateResult]]]]:
    """Encoder, precision, and the results by format, one for each runtime: the verdicts at a glance."""
    lines = dict.fromkeys((r.encoder, r.precision) for r in sorted(results, key=lambda r: r.encoder))
    return [(*line, {f: [r for r in results if (r.encoder, r.precision, r.format) == (*line, f)]
                     for f in FORMATS}) for line in lines]


def runtimes(results: Sequence[GateResult]) -> list[tuple[str, str]]:
    """Each format, and what ran it."""
    return [(f, " and ".join(dict.fromkeys(r.runtime for r in results if r.format == f and r.closeness)))
            for f in FORMATS if any(r.format == f for r in results)]


def reasons(results: Sequence[GateResult]) -> list[tuple[str, str, list[str]]]:
    """Outcome, reason, and the artefacts with that reason; failures come first, notes last."""
    found: dict[tuple[str, str], list[str]] = {}
    ordered = sorted(results, key=lambda r: r.outcome)
    said: list[tuple[str, str, GateResult]] = [(r.outcome, reason, r) for r in ordered for reason in r.reasons]
    said += [("note", note, r) for r in ordered for note in r.notes]
    for outcome, reason, r in said:
        found.setdefault((outcome, reason), []).append(named(r))
    return [(*key, names) for key, names in found.items()]


def named(result: GateResult) -> str:
    """An artefact's name for people."""
    return f"{TITLES[result.format]} {result.encoder} {result.precision}"


def pictures(rows: Sequence[Row]) -> list[tuple[str, list[tuple[str, Markup]]]]:
    """For each encoder, each format and its chart of size, nearness and latency; one encoder's charts share axes."""
    drawn = []
    for encoder in ENCODERS:
        points = {f: [charts.Point(r.result.precision, r.megabytes, 1 - r.result.closeness.cosine_min,
                                   r.result.latency.ratio if r.result.latency else None, r.result.outcome)
                      for r in rows if (r.result.format, r.result.encoder) == (f, encoder) and r.result.closeness]
                  for f in FORMATS}
        if any(points.values()):
            axes = charts.frame([point for some in points.values() for point in some], stores.ASK)
            drawn.append((encoder, [(f, charts.scatter(some, axes, stores.ASK, f"{TITLES[f]}, {encoder} encoder"))
                                    for f, some in points.items() if some]))
    return drawn


def candidates(search: dict) -> list[tuple[str, str, Markup, list[dict]]]:
    """Format, encoder, chart and list of all precisions that were tried, the smallest first."""
    drawn = []
    for format_, found in search["formats"].items():
        for encoder in ENCODERS:
            some = sorted((c for c in found["candidates"] if c["encoder"] == encoder), key=lambda c: c["bytes"])
            points = [charts.Point("" if c["precision"] == MIXED and not c["chosen"] else c["precision"],
                                   c["bytes"] / MEGABYTE, 1 - c["cosine_min"], c["latency_over_fp16"], c["outcome"])
                      for c in some if c["cosine_min"] is not None]
            if points:
                name = f"{TITLES[format_]}, {encoder} encoder, precisions tried"
                drawn.append((format_, encoder,
                              charts.scatter(points, charts.frame(points, stores.ASK), stores.ASK, name), some))
    return drawn


def share(value: float | None) -> str:
    """A share in per cent; a dash for none."""
    return "–" if value is None else f"{signed(100 * value)} %"


def signed(value: float) -> str:
    """Two digits, with a true minus sign and no negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def small(value: float | None) -> str:
    """A small number with two digits; a dash for none."""
    return "–" if value is None else f"{value:.1e}"
