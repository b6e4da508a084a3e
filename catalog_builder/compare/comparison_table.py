"""The rows of a comparison enter; a table of 80 columns leaves, with a line for what does not fit into it."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from catalog_builder.compare.compared import Compared, ShippedPair
from export.common.console import MEGABYTE
from export.formats.table import COREML, FORMATS, ONNX, TFLITE

TIMED = (TFLITE.name, COREML.name, ONNX.name)          # the first that was timed for the most models
USE = {True: "yes", False: "no", None: "?"}
THREE_DIGITS = 99.95
COLUMNS = ("text\n@1", "text\n@10", "image\n@1", "image\n@10", "iOS\nMB", "Andr.\nMB", "image\nms", "text\nms",
           "RAM\nMB", "may\nship")


def table(rows: Sequence[Compared]) -> Table:
    """Recall in per cent; seconds and memory are those of one format, `timed`."""
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False, show_edge=False,
                 highlight=False)
    made.add_column("model", max_width=16, overflow="fold")
    for name in COLUMNS:
        made.add_column(name, justify="right")
    format_ = timed(rows)
    for row in rows:
        recalls = [percent(row, kind, k) for kind in ("text", "image") for k in ("recall1", "recall10")]
        made.add_row(escape(row.name), *recalls, *(megabytes(row, name) for name in (COREML.name, TFLITE.name)),
                     *costs(row.pairs.get(format_)), USE[row.may_ship])
    return made


def notes(rows: Sequence[Compared]) -> Iterator[str]:
    """What the columns mean, and of each model what stands in no column."""
    yield f"ms and RAM: the {FORMATS[timed(rows)].title} pair by its gate, on this kind of machine, no phone"
    for row in rows:
        marks = [row.licence.words, f"scripts: {', '.join(row.scripts)}", *warnings(row)]
        yield f"{row.name}: {'; '.join(marks)}"


def warnings(row: Compared) -> list[str]:
    """What makes a model's figures worth less, or a file too coarse."""
    return ["random weights: its recall means nothing"] * row.random + [
        "int8 costs more than a catalog's gate allows"] * (not row.int8_passed)


def timed(rows: Sequence[Compared]) -> str:
    """The format whose pairs were timed for the most models."""
    return max(TIMED, key=lambda name: sum(name in row.pairs and row.pairs[name].seconds is not None for row in rows))


def percent(row: Compared, kind: str, share: str) -> str:
    """True recall in per cent; "–" for a kind without queries."""
    return f"{100 * getattr(row.found[kind], share).value:.1f}" if kind in row.found else "–"


def megabytes(row: Compared, format_: str) -> str:
    """Of the pair, in three digits or more; "–" if there is none."""
    if format_ not in row.pairs:
        return "–"
    size = row.pairs[format_].bytes / MEGABYTE
    return f"{size:.1f}" if size < THREE_DIGITS else f"{size:.0f}"


def costs(pair: ShippedPair | None) -> tuple[str, str, str]:
    """Milliseconds of a picture and of a text, and the memory of both encoders; "–" for what was not measured."""
    if pair is None:
        return "–", "–", "–"
    image, text = (number(one.seconds, 1e3, ".1f") for one in (pair.image, pair.text))
    return image, text, number(pair.memory, 1 / MEGABYTE, ".0f")


def number(value: float | None, factor: float, form: str) -> str:
    """A measured value for people; "–" if there is none."""
    return "–" if value is None else format(value * factor, form)
