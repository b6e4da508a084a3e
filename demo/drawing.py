"""Draws pictures of glyphs: training pictures, catalog pictures and query pictures differ only in their `Style`.

In: a glyph (RGBA, 136 x 136), a style and a seeded generator. Out: an RGB picture of any size. The same generator
state gives the same bytes.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Range = tuple[float, float]

WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Style:
    """The ranges that a picture is drawn from."""

    backgrounds: tuple[str, ...]             # of BACKGROUNDS
    short_side: tuple[int, int]              # of the picture, pixels
    aspect: Range                            # long side / short side
    scale: Range                             # glyph's square / short side
    offset: float                            # greatest shift of the centre / short side
    angle: Range                             # rotation clockwise, degrees
    shear: float                             # greatest shear either way
    light: Range                             # factor on all channels
    tint: float                              # greatest change of one channel's factor either way
    blur: Range                              # Gaussian radius / short side
    noise: Range                             # standard deviation, of 255
    shadow: float                            # chance of a soft shadow


TRAINING = Style(backgrounds=("white", "pastel", "plain", "gradient", "stripes", "checks", "blotches", "clutter"),
                 short_side=(64, 88), aspect=(1.0, 1.5), scale=(0.42, 1.0), offset=0.14, angle=(-32, 32), shear=0.14,
                 light=(0.55, 1.3), tint=0.14, blur=(0.0, 0.016), noise=(0, 12), shadow=0.25)
LAST_TRAINING = replace(TRAINING, backgrounds=TRAINING.backgrounds[1:], scale=(0.5, 0.95), offset=0.12,
                        angle=(-28, 28), shear=0.12, light=(0.6, 1.25), tint=0.12, blur=(0.0, 0.014), noise=(0, 10))
QUERY = Style(backgrounds=("plain", "gradient", "stripes", "checks", "blotches", "clutter"), short_side=(128, 168),
              aspect=(1.0, 1.5), scale=(0.55, 0.9), offset=0.1, angle=(-25, 25), shear=0.1, light=(0.65, 1.2), tint=0.1,
              blur=(0.0, 0.012), noise=(2, 9), shadow=0.3)
FRONT = Style(backgrounds=("white",), short_side=(144, 160), aspect=(1.0, 1.4), scale=(0.8, 0.92), offset=0.02,
              angle=(-4, 4), shear=0.02, light=(0.98, 1.02), tint=0.01, blur=(0.0, 0.0), noise=(0, 0), shadow=0.7)
RIGHT = replace(FRONT, backgrounds=("white", "pastel"), scale=(0.7, 0.85), angle=(8, 20))
LEFT = replace(RIGHT, angle=(-20, -8))
SMALL = replace(FRONT, backgrounds=("pastel",), scale=(0.55, 0.68), angle=(-8, 8), light=(0.75, 0.9), tint=0.05)
CATALOG = (FRONT, RIGHT, LEFT, SMALL)        # a product's pictures, in this order


def _colour(rng: np.random.Generator, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in rng.integers(low, high, 3))
    return red, green, blue


def _white(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, WHITE)


def _pastel(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, _colour(rng, 205))


def _plain(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    return Image.new("RGB", size, _colour(rng))


def _stretched(rng: np.random.Generator, size: tuple[int, int], cells: int) -> Image.Image:
    """A few random colours, smoothly stretched over the picture."""
    patch = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return Image.fromarray(patch).resize(size, Image.Resampling.BICUBIC)


def _gradient(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    return _stretched(rng, size, 2)


def _blotches(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    return _stretched(rng, size, int(rng.integers(3, 8)))


def _stripes(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    width, height = size
    angle, period = rng.uniform(0, math.pi), rng.uniform(0.08, 0.4) * min(size)
    across = np.arange(width) * math.cos(angle) + np.arange(height)[:, None] * math.sin(angle)
    return _two_colours(rng, across % period < period / 2)


def _checks(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    cell = rng.uniform(0.06, 0.3) * min(size)
    columns, rows = np.arange(size[0]) // cell, np.arange(size[1])[:, None] // cell
    return _two_colours(rng, (columns + rows) % 2 < 1)


def _two_colours(rng: np.random.Generator, mask: np.ndarray) -> Image.Image:
    """`mask` bool [height, width] in two random colours."""
    colours = np.array([_colour(rng), _colour(rng)], dtype=np.uint8)
    return Image.fromarray(colours[mask.astype(np.intp)])


def _clutter(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    picture = _gradient(rng, size)
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(3, 9))):
        x, y = rng.uniform(0, size[0]), rng.uniform(0, size[1])
        reach_x, reach_y = rng.uniform(0.04, 0.25, 2) * min(size)
        box = (x - reach_x, y - reach_y, x + reach_x, y + reach_y)
        kind = rng.integers(3)
        if kind == 0:
            pen.ellipse(box, fill=_colour(rng))
        elif kind == 1:
            pen.rectangle(box, fill=_colour(rng))
        else:
            pen.line(box, fill=_colour(rng), width=int(rng.integers(1, 1 + max(2, min(size) // 24))))
    return picture


BACKGROUNDS = {"white": _white, "pastel": _pastel, "plain": _plain, "gradient": _gradient, "stripes": _stripes,
               "checks": _checks, "blotches": _blotches, "clutter": _clutter}


def _canvas_size(rng: np.random.Generator, style: Style) -> tuple[int, int]:
    short = int(rng.integers(style.short_side[0], style.short_side[1] + 1))
    long = round(short * rng.uniform(*style.aspect))
    return (long, short) if rng.random() < 0.5 else (short, long)


def _place_glyph(rng: np.random.Generator, glyph: Image.Image, size: tuple[int, int], style: Style) -> Image.Image:
    """The glyph turned, sheared, scaled and shifted onto a transparent canvas, premultiplied (mode RGBa)."""
    short = min(size)
    side = rng.uniform(*style.scale) * short
    angle = math.radians(rng.uniform(*style.angle))
    shear = rng.uniform(-style.shear, style.shear)
    shift_x, shift_y = rng.uniform(-style.offset, style.offset, 2) * short
    step = 2 if side * 2 <= glyph.width else 1           # halve first: a bilinear transform does not smooth
    source = glyph.reduce(step) if step > 1 else glyph
    factor = source.width / side                         # source pixels per canvas pixel
    cos, sin = math.cos(angle) * factor, math.sin(angle) * factor
    a, b, d, e = cos, sin + shear * cos, -sin, cos - shear * sin
    x, y = size[0] / 2 + shift_x, size[1] / 2 + shift_y
    middle = source.width / 2
    matrix = (a, b, middle - a * x - b * y, d, e, middle - d * x - e * y)
    return source.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _shadow(rng: np.random.Generator, alpha: Image.Image) -> np.ndarray:
    """The share of the light that a soft shadow lets through, float32 [height, width, 1]."""
    short = min(alpha.size)
    soft = alpha.filter(ImageFilter.BoxBlur(0.03 * short))
    x, y = (round(value) for value in rng.uniform(-0.04, 0.07, 2) * short)
    moved = np.roll(np.asarray(soft, dtype=np.float32), (y, x), axis=(0, 1))
    return 1 - moved[..., None] * np.float32(rng.uniform(0.15, 0.45) / 255)


def draw(glyph: Image.Image, style: Style, rng: np.random.Generator) -> Image.Image:
    """One picture (RGB) of a premultiplied glyph (mode RGBa, 136 x 136) in the style. All chance is from `rng`."""
    size = _canvas_size(rng, style)
    background = BACKGROUNDS[style.backgrounds[rng.integers(len(style.backgrounds))]](rng, size)
    placed = _place_glyph(rng, glyph, size, style)
    layers = np.asarray(placed, dtype=np.float32)
    pixels: np.ndarray = np.asarray(background, dtype=np.float32)
    if rng.random() < style.shadow:
        pixels = pixels * _shadow(rng, placed.getchannel("a"))
    pixels = pixels * (1 - layers[..., 3:] / 255) + layers[..., :3]
    light = rng.uniform(*style.light) * (1 + rng.uniform(-style.tint, style.tint, 3))
    pixels = pixels * light.astype(np.float32)
    radius, noise = rng.uniform(*style.blur) * min(size), rng.uniform(*style.noise)
    if radius > 0.3:
        blurred = Image.fromarray(_bytes(pixels)).filter(ImageFilter.GaussianBlur(radius))
        pixels = np.asarray(blurred, dtype=np.float32)
    if noise > 0.5:
        pixels = pixels + rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(noise)
    return Image.fromarray(_bytes(pixels))


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
