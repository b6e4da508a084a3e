"""How much the embedding changes, as a cosine, when an app decodes a large picture at a fraction of its size.

Out: subsampled.json and subsampled.md, for dist/demo. Pillow replaces a phone's decoder. A JPEG is scaled during
decoding (libjpeg, by at most 8; then every n-th pixel is kept). Of any other picture, every n-th pixel is kept.
"""

import io
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from catalog_builder import engines
from export.common import files
from export.pictures.preprocess import resize_crop
from parity.gate import inputs

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "subsampled.json", HERE / "subsampled.md"
DIST = HERE.parent / "dist" / "demo"
LONG, SHORT = 4000, 3000                     # 12 megapixels
PICTURES, TILES, NOISE = 40, 20, 12          # of each kind; pictures in a page's row; sensor noise, of 255
QUALITY, MOST_SCALE = 92, 8
FORMATS = ("JPEG", "PNG")
MARGINS = (2, 4)                             # least shorter side after decoding, in sides of the encoder's square
KINDS = ("enlarged", "enlarged, with a sensor's noise", "a page of many pictures", "the gate's samples, enlarged")


def main() -> None:
    """Measures, and writes the results and the page."""
    model = engines.opened(DIST)
    encode = engines.engine(model, "onnx").encode
    rng = np.random.default_rng(1)
    kinds: dict = {}
    for kind in KINDS:
        taken: dict[str, list[float]] = {}
        for picture in pictures(kind, rng):
            jpeg = io.BytesIO()
            picture.save(jpeg, "JPEG", quality=QUALITY)
            pixels = np.asarray(picture)
            wholes = [encoded(model, encode, whole) for whole in (decoded(jpeg), pixels)]
            for margin in MARGINS:
                by = sample_size(SHORT, margin * model.preprocessing.size)
                for name, whole, part in zip(FORMATS, wholes, (scaled(jpeg, by), picked(pixels, by)), strict=True):
                    taken.setdefault(f"{name} {margin}", []).append(float(whole @ encoded(model, encode, part)))
        kinds[kind] = {name: {"mean": statistics.fmean(cosines), "least": min(cosines)}
                       for name, cosines in taken.items()}
    files.write_json(RESULTS, {"side": model.preprocessing.size, "kinds": kinds})
    PAGE.write_text(page(kinds, model.preprocessing.size), encoding="utf-8")


def encoded(model: engines.Model, encode: Callable, pixels: np.ndarray) -> np.ndarray:
    """The embedding of a picture in RGB8, float64 [dim]."""
    return encode(resize_crop(pixels, model.preprocessing)[None])[0].astype(np.float64)


def sample_size(side: int, least: int) -> int:
    """The app's sample size: the largest power of two that divides `side` to no less than `least`."""
    return 1 << max((side // least).bit_length() - 1, 0)


def pictures(kind: str, rng: np.random.Generator) -> Iterator[Image.Image]:
    """Pictures of 12 megapixels, upright RGB."""
    shop, samples = sorted((inputs.SHOP / "pictures").iterdir()), inputs.pictures(inputs.PICTURES)
    side, count = LONG // TILES, PICTURES if kind != KINDS[3] else min(PICTURES, len(samples))
    paths = samples if kind == KINDS[3] else shop
    for chosen in rng.choice(len(paths), count, replace=False):
        picture = Image.open(paths[chosen]).convert("RGB").resize((LONG, SHORT), Image.Resampling.BICUBIC)
        if kind == KINDS[1]:
            noisy = np.asarray(picture) + rng.normal(0, NOISE, (SHORT, LONG, 3))
            picture = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        if kind == KINDS[2]:
            for i, tile in enumerate(rng.choice(len(shop), LONG * SHORT // side**2, replace=False)):
                small = Image.open(shop[tile]).convert("RGB").resize((side, side))
                picture.paste(small, (i % TILES * side, i // TILES * side))
        yield picture


def decoded(jpeg: io.BytesIO) -> np.ndarray:
    """All pixels of the picture."""
    return np.asarray(Image.open(jpeg))


def scaled(jpeg: io.BytesIO, by: int) -> np.ndarray:
    """The picture, decoded at 1/by of its size."""
    image = Image.open(jpeg)
    scale = min(by, MOST_SCALE)
    image.draft("RGB", (-(-image.width // scale), -(-image.height // scale)))
    return picked(np.asarray(image), by // scale)


def picked(pixels: np.ndarray, by: int) -> np.ndarray:
    """Every `by`-th pixel, from the middle of the first `by` on."""
    return np.ascontiguousarray(pixels[by // 2::by, by // 2::by])


def page(kinds: dict, size: int) -> str:
    """The results as Markdown."""
    at = " and ".join(f"1/{sample_size(SHORT, margin * size)} (at least {margin} sides left)" for margin in MARGINS)
    columns = [f"{name} {margin}" for name in FORMATS for margin in MARGINS]
    lines = ["# Pictures decoded at a fraction of their size", "",
             "`python -m benchmarks subsampled` wrote this page. The cosine between the demo model's embeddings (fp32, "
             f"{size} x {size}) of a {LONG} x {SHORT} picture decoded whole and at {at}; mean and least. Pillow stands "
             f"in for the phone's decoder; at most {PICTURES} pictures of each kind. The app leaves four sides.",
             "", f"| pictures | {' | '.join(f'{column} sides' for column in columns)} |", "|---" * 5 + "|"]
    lines += [f"| {kind} | " + " | ".join(f"{r[column]['mean']:.4f}, {r[column]['least']:.4f}" for column in columns)
              + " |" for kind, r in kinds.items()]
    return "\n".join([*lines, ""])
