"""Figures enter; small SVG charts leave, as markup for the report. Colours are the page's CSS variables."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10, sqrt

from markupsafe import Markup

FLOOR, STEP = -14, 0.5                       # decades of 1 - cosine: the leftmost bar, the width of a bar
BARS = round(-FLOOR / STEP)


@dataclass(frozen=True)
class Point:
    """One artefact in the picture of size, accuracy and latency."""

    label: str
    megabytes: float
    distance: float                          # 1 - least cosine
    ratio: float | None                      # latency over PyTorch's; None: not measured
    outcome: str


@dataclass(frozen=True)
class Frame:
    """The axes that panels side by side share."""

    megabytes: tuple[float, float]
    decades: tuple[int, int]                 # of 1 - cosine


def frame(points: Sequence[Point], limit: float) -> Frame:
    """Axes that hold all points, and the store limit where it is near."""
    sizes = [point.megabytes for point in points]
    most = max(sizes) * 1.6
    decades = [log10(max(point.distance, 10.0**FLOOR)) for point in points]
    return Frame((min(sizes) / 1.6, max(most, limit * 1.25) if most > limit / 8 else most),
                 (floor(min(decades)) - 1, min(0, ceil(max(decades)) + 1)))


def histogram(distances: Sequence[float], allowed: float, name: str) -> Markup:
    """How many inputs lie at which 1 - cosine, on a logarithmic axis; `allowed` is the tolerance's own 1 - cosine."""
    width, height, top, base = 260, 92, 22, 74
    counts = [0] * BARS
    for distance in distances:
        at = floor((log10(max(distance, 10.0**FLOOR)) - FLOOR) / STEP)
        counts[min(max(at, 0), BARS - 1)] += 1
    scale, step = (base - top) / max(counts), (width - 12) / BARS
    parts = [_text(6 + step * (tick - FLOOR) / STEP, base + 14, _power(tick), "middle") for tick in range(-12, 0, 4)]
    for i, count in enumerate(counts):
        if count:
            beyond = FLOOR + (i + 0.5) * STEP > log10(allowed)
            parts.append(Markup('<rect class="bar{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                " beyond" if beyond else "", 6 + i * step + .7, base - max(count * scale, 2), step - 1.4,
                max(count * scale, 2)))
    edge = 6 + step * (log10(allowed) - FLOOR) / STEP
    near = edge > width - 60
    parts += [_line("axis", 6, base, width - 6, base), _line("limit", edge, 4, edge, base),
              _text(edge - 4 if near else edge + 4, 13, "tolerance", "end" if near else "start")]
    worst = max(distances)
    return _svg(width, height, f"{name}: {len(distances)} inputs, largest 1 - cosine {worst:.1e}", parts)


def scatter(points: Sequence[Point], axes: Frame, limit: float, name: str) -> Markup:
    """Size to the right, nearness to PyTorch upward, the area of a circle the latency over PyTorch's."""
    width, height, left, right, top, base = 320, 230, 44, 306, 12, 190
    low, high = (log10(size) for size in axes.megabytes)

    def x(megabytes: float) -> float:
        return left + (right - left) * (log10(megabytes) - low) / (high - low)

    def y(decade: float) -> float:
        return top + (base - top) * (decade - axes.decades[0]) / (axes.decades[1] - axes.decades[0])

    parts = [_line("axis", left, base, right, base), _line("axis", left, top, left, base),
             _text(right, base + 30, "MB", "end")]
    for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        if axes.megabytes[0] <= size <= axes.megabytes[1]:
            parts += [_line("grid", x(size), top, x(size), base), _text(x(size), base + 14, str(size), "middle")]
    for decade in range(axes.decades[0] + 1, axes.decades[1] + 1, 2):
        parts += [_line("grid", left, y(decade), right, y(decade)),
                  _text(left - 5, y(decade) + 4, _power(decade), "end")]
    if axes.megabytes[1] > limit:
        parts += [_line("limit", x(limit), top, x(limit), base)]
    for point in points:
        across, up = x(point.megabytes), y(log10(max(point.distance, 10.0**FLOOR)))
        radius = 5 if point.ratio is None else max(3.0, 11 * sqrt(point.ratio))
        parts.append(Markup('<circle class="dot {}{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(
            point.outcome.replace(" ", "-"), " hollow" if point.ratio is None else "", across, up, radius))
        words = f"{point.label}  ×{point.ratio:.2f}" if point.label and point.ratio is not None else point.label
        inside = across + radius + 80 < right
        parts.append(_text(across + (radius + 4) * (1 if inside else -1), up + 4, words, "start" if inside else "end",
                           "label"))
    described = "; ".join(f"{p.label} {p.megabytes:.1f} MB, 1 - cosine {p.distance:.1e}" for p in points)
    return _svg(width, height, f"{name}: {described or 'nothing ran'}", parts)


def _svg(width: int, height: int, description: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        width, height, description, Markup("").join(parts))


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(kind, x1, y1, x2, y2)


def _text(x: float, y: float, words: str, anchor: str, kind: str = "tick") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, words)


def _power(decade: int) -> str:
    """10 to the power of a whole number, as a person writes it."""
    return "10" + str(decade).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
