"""What `make export` makes without PRECISION= enters; the README's table of it leaves, with seconds for each artefact.

Each model is exported RUNS times into an empty folder; an artefact's seconds are its receipt's, the least of the runs:
to trace, convert and write it, while another artefact is made beside it. A busy machine makes them longer.
MODELS=demo measures only these models.
"""

import json
import os
import platform
import shutil
import tempfile
from pathlib import Path

from benchmarks.limits import processor
from benchmarks.models import timed
from catalog_builder.apps import APPS
from export.artifacts import receipts
from export.common import files
from export.formats.job import Job
from export.formats.table import ENCODERS, FORMATS, Format
from export.weights.models import BUNDLED, TABLE

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "defaults.json", HERE / "defaults.md"
MODELS = ("demo", "s2")
RUNS = 2
ELSEWHERE = "catalogs, desktops, servers"    # where a format runs that no app takes


def main() -> None:
    """Measures, and writes defaults.json and defaults.md."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in os.environ.get("MODELS", ",".join(MODELS)).split(","):
        print(f"{name} …", flush=True)
        results[name] = least([measure(name) for _ in range(RUNS)])
        files.write_json(RESULTS, {known: results[known] for known in MODELS if known in results})
    PAGE.write_text(page(results), encoding="utf-8")


def measure(name: str) -> dict:
    """One export: its seconds and peak memory, and each artefact's seconds and bytes."""
    out = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    try:
        weights = [] if TABLE[name].architecture in BUNDLED else ["--weights", "random"]
        seconds, peak = timed(["export", "--model", name, "--out", str(out), *weights])
        made = receipts.read(out / name)
        return {"seconds": seconds, "peak_bytes": peak, "processor": processor(), "cores": os.cpu_count(),
                "python": platform.python_version(),
                "artefacts": {path: {"seconds": one.seconds, "bytes": one.bytes} for path, one in made.items()}}
    finally:
        shutil.rmtree(out)


def least(runs: list[dict]) -> dict:
    """The runs as one, that of the least seconds; of each artefact the least."""
    best = min(runs, key=lambda run: run["seconds"])
    artefacts = {path: one | {"seconds": min(run["artefacts"][path]["seconds"] for run in runs)}
                 for path, one in best["artefacts"].items()}
    return best | {"artefacts": artefacts}


def table(results: dict) -> str:
    """The README's table: each format with where it runs, its default precisions, and seconds, as Markdown."""
    head = ["for", "format", *ENCODERS, *(f"seconds, `{name}`" for name in results)]
    rows = [[place(row), row.title, *(precisions(row, encoder) for encoder in ENCODERS),
             *(seconds(row, results[name]["artefacts"]) for name in results)] for row in FORMATS.values()]
    whole = ["", "the whole export, two workers", "", "", *(f"{results[name]['seconds']:.0f}" for name in results)]
    return "\n".join([_line(head), "|" + "---|" * len(head), *map(_line, [*rows, whole])])


def _line(cells: list[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def place(row: Format) -> str:
    """Where artefacts of a format run in its default precisions."""
    return ", ".join(app.name for app in APPS if app.format is row and app.precisions is None) or ELSEWHERE


def precisions(row: Format, encoder: str) -> str:
    """The default precisions of an encoder: the one that ships, and what ships where it fails the gate."""
    return ", else ".join(row.default[encoder])


def seconds(row: Format, artefacts: dict) -> str:
    """The seconds of a format's default artefacts, image + text; a dash where one of them was not measured."""
    paths = [[Job(row.name, encoder, precision).path for precision in row.default[encoder]] for encoder in ENCODERS]
    return " + ".join(f"{sum(artefacts[path]['seconds'] for path in some):.0f}" if artefacts.keys() >= {*some} else "–"
                      for some in paths)


def page(results: dict) -> str:
    """The results as Markdown."""
    some = next(iter(results.values()))
    lines = ["# What the default export makes", "", "`python -m benchmarks defaults` wrote this page. Seconds: image + "
             f"text, the least of {RUNS} exports, without the gate; another artefact was made beside each. s2 has "
             "random weights.", "", table(results), "", "| model | artefact | MB | seconds |", "|---|---|---|---|",
             *(f"| {name} | {path} | {one['bytes'] / 1e6:.1f} | {one['seconds']:.1f} |"
               for name, result in results.items() for path, one in result["artefacts"].items()), "",
             *(f"{name}: {result['peak_bytes'] / 1e9:.1f} GB at the peak, all processes together."
               for name, result in results.items()), "",
             f"Measured on {some['processor']}, {some['cores']} cores, Python {some['python']}.", ""]
    return "\n".join(lines)
