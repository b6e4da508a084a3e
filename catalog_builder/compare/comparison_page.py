"""The rows of a comparison enter; one self-contained HTML page leaves, in the style of the catalog's page."""

from collections.abc import Sequence
from pathlib import Path

from catalog_builder.builder import catalog_page
from catalog_builder.compare import comparison_table
from catalog_builder.compare.compared import Compared
from catalog_builder.compare.figures import CompareRequest
from export.common import files
from export.formats.table import COREML, FORMATS, TFLITE

FOLDERS = (Path(__file__).parent, catalog_page.HERE)   # this page's template, and the style that it shares


def write(page: Path, request: CompareRequest, rows: Sequence[Compared], advice: Sequence[str]) -> None:
    """Writes the page, whole or not at all."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    template = Environment(loader=FileSystemLoader(FOLDERS), autoescape=True, undefined=StrictUndefined,
                           trim_blocks=True, lstrip_blocks=True).get_template("comparison_page.html.j2")
    platforms = [(name, FORMATS[row.name]) for name, row in (("iOS", COREML), ("Android", TFLITE))]
    platforms += [("desktop", row) for row in FORMATS.values() if row not in (COREML, TFLITE)]
    html = template.render(
        rows=rows, advice=advice, products=request.products.name, queries=request.queries and request.queries.name,
        platforms=platforms, asked={kind: one.queries for row in rows[:1] for kind, one in row.found.items()},
        number=comparison_table.number, warnings=comparison_table.warnings, folder=page.parent,
        machines=sorted({row.gated_on for row in rows}), engines=sorted({row.measured_with for row in rows}))
    with files.whole(page) as partial:
        partial.write_text(html, encoding="utf-8")
