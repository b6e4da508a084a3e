"""Draws the derived sample pictures.

In: the fourteen photographs in `pictures/` (their sources are in README.md).
Out: the other pictures in the same folder: crops, file types, colour spaces
and orientations that a picker on a phone can hand over, and drawn patterns
that show up a wrong resize, crop or channel order.

Run from the repository's root:  python -m parity.samples.make_pictures
The same Pillow writes the same bytes; another one may pack a PNG differently,
which changes no pixel, or a JPEG, which may. The files are therefore committed.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageFont

FOLDER = Path(__file__).parent / "pictures"
SEED = 20260101

# Display P3 with a plain 2.2 curve: its primaries, adapted to D50.
WIDE_GAMUT = {"rXYZ": (0.5151, 0.2412, -0.0011),
              "gXYZ": (0.2919, 0.6922, 0.0419),
              "bXYZ": (0.1572, 0.0666, 0.7841),
              "wtpt": (0.9642, 1.0000, 0.8249)}


def photograph(name: str) -> Image.Image:
    """The photograph `name`, decoded."""
    with Image.open(FOLDER / f"{name}.jpg") as picture:
        picture.load()
        return picture


def png(picture: Image.Image, **options: object) -> bytes:
    """`picture` as a PNG file."""
    return _encode(picture, "PNG", optimize=True, **options)


def jpeg(picture: Image.Image, **options: object) -> bytes:
    """`picture` as a JPEG file, quality 85 unless told otherwise."""
    return _encode(picture, "JPEG", **{"quality": 85, **options})


def _encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.info.clear()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def wide_gamut_profile() -> bytes:
    """A small ICC version 2 display profile with the primaries in WIDE_GAMUT."""
    def numbers(values: tuple[float, ...]) -> bytes:
        return b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    name = b"Wide gamut, gamma 2.2\0"
    tags = {"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78),
            "cprt": b"text\0\0\0\0No rights reserved\0"}
    tags |= {key: b"XYZ \0\0\0\0" + numbers(xyz) for key, xyz in WIDE_GAMUT.items()}
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256))
    tags |= {key: curve for key in ("rTRC", "gTRC", "bTRC")}

    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for key, data in tags.items():
        table += key.encode() + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x02100000,
                         b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += numbers(WIDE_GAMUT["wtpt"])
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def with_profile(picture: Image.Image) -> bytes:
    """`picture` converted to the wide-gamut space, as a JPEG that carries the profile."""
    profile = wide_gamut_profile()
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(profile)), picture.mode, "RGB")
    return jpeg(transform.apply(picture), icc_profile=profile)


def with_orientation(picture: Image.Image, orientation: int) -> bytes:
    """`picture` stored so that EXIF `orientation` (5, 6 or 8) turns it upright again."""
    stored = {5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
              8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(picture.transpose(stored), exif=exif)


def with_alpha(picture: Image.Image) -> bytes:
    """`picture` fading out from its middle, with some corners fully clear."""
    y, x = np.mgrid[-1:1:picture.height * 1j, -1:1:picture.width * 1j]
    alpha = np.clip(1.3 - np.hypot(x, y), 0, 1) * 255
    picture.putalpha(Image.fromarray(np.rint(alpha).astype(np.uint8)))
    return png(picture)


def noise() -> Image.Image:
    """Uniform noise, 150 x 90."""
    return Image.fromarray(
        np.random.default_rng(SEED).integers(0, 256, (90, 150, 3), dtype=np.uint8))


def gradient() -> Image.Image:
    """Red grows to the right, green downwards, blue falls along the diagonal."""
    y, x = np.mgrid[0:1:200j, 0:1:340j]
    planes = np.stack([x, y, 1 - (x + y) / 2], axis=-1)
    return Image.fromarray(np.rint(planes * 255).astype(np.uint8))


def deep_gradient() -> Image.Image:
    """A 16-bit grey gradient, 300 x 180."""
    y, x = np.mgrid[0:1:180j, 0:1:300j]
    return Image.fromarray(np.rint((0.7 * x + 0.3 * y * y) * 65535).astype(np.uint16))


def checkerboard(width: int, height: int, side: int) -> Image.Image:
    """Black and white squares of `side` pixels."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(((x // side + y // side) % 2 * 255).astype(np.uint8))


def stripes() -> Image.Image:
    """Vertical stripes, red on cyan, one pixel wide on the left and nine on the right."""
    edges = np.cumsum(np.repeat(np.arange(1, 10), 8))
    row = np.searchsorted(edges, np.arange(edges[-1]), side="right") % 2
    colours = np.array([[255, 0, 0], [0, 255, 255]], dtype=np.uint8)
    return Image.fromarray(np.tile(colours[row], (210, 1, 1)))


def rings() -> Image.Image:
    """Circles of growing frequency (a zone plate), 1200 x 800: aliasing shows at once."""
    y, x = np.mgrid[:800, :1200]
    wave = np.cos(((x - 600) ** 2 + (y - 400) ** 2) / 1500) > 0
    return Image.fromarray(wave.astype(np.uint8) * 255)


def screenshot() -> Image.Image:
    """A page of text and two buttons, as a shop's app would show it."""
    page = Image.new("RGB", (270, 480), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 269, 43), fill="#20435c")
    draw.text((12, 10), "Red leather handbag", "white", ImageFont.load_default(20))
    lines = ("EUR 129.00   in stock", "", "Soft grained leather, brass zip,",
             "two inside pockets, 32 x 24 cm.", "Free returns within 30 days.", "",
             "Rated 4.6 of 5 by 218 buyers")
    for number, line in enumerate(lines):
        draw.text((12, 60 + 22 * number), line, "#222222", ImageFont.load_default(14))
    for top, colour, label in ((330, "#d9480f", "Add to basket"), (390, "#868e96", "Find similar")):
        draw.rounded_rectangle((12, top, 257, top + 44), 10, fill=colour)
        draw.text((135, top + 22), label, "white", ImageFont.load_default(18), anchor="mm")
    return page


DERIVED: dict[str, Callable[[], bytes]] = {
    # Odd shapes.
    "chelsea-tall-1x4.jpg": lambda: jpeg(photograph("chelsea").crop((160, 0, 235, 300))),
    "china-wide-4x1.jpg": lambda: jpeg(photograph("china").crop((0, 120, 480, 240))),
    "rocket-tall-1x2.jpg": lambda: jpeg(photograph("rocket").crop((230, 0, 390, 320))),
    "flower-sliver-3x48.png": lambda: png(photograph("flower").crop((200, 100, 203, 148))),
    "coffee-tiny-17x11.png": lambda: png(photograph("coffee").resize((17, 11))),
    "hubble-small-63x40.png": lambda: png(photograph("hubble").resize((63, 40))),
    "astronaut-exact-256.png": lambda: png(photograph("astronaut").crop((60, 20, 316, 276))),
    "hopper-odd-257x331.jpg": lambda: jpeg(photograph("hopper").resize((257, 331))),
    # File types, colour spaces, orientations.
    "rocket-grey.png": lambda: png(photograph("rocket").convert("L")),
    "camera-grey-alpha.png": lambda: with_alpha(photograph("camera").resize((240, 169))),
    "flower-alpha.png": lambda: with_alpha(photograph("flower").resize((240, 160))),
    "coffee-palette.png": lambda: png(photograph("coffee").quantize(64)),
    "clock-one-bit.png": lambda: png(photograph("clock").convert("1")),
    "chelsea-cmyk.jpg": lambda: jpeg(photograph("chelsea").convert("CMYK"), quality=75),
    "china-progressive.jpg": lambda: jpeg(photograph("china"), quality=40, progressive=True),
    "coffee-wide-gamut.jpg": lambda: with_profile(photograph("coffee")),
    "hopper-exif-6.jpg": lambda: with_orientation(photograph("hopper"), 6),
    "chelsea-exif-5.jpg": lambda: with_orientation(photograph("chelsea"), 5),
    "china-exif-8.jpg": lambda: with_orientation(photograph("china"), 8),
    "gradient-16-bit.png": lambda: png(deep_gradient()),
    # Drawn.
    "flat-white.png": lambda: png(Image.new("RGB", (320, 200), "white")),
    "flat-black.png": lambda: png(Image.new("RGB", (200, 320), "black")),
    "gradient.png": lambda: png(gradient()),
    "noise.png": lambda: png(noise()),
    "stripes.png": lambda: png(stripes()),
    "checkerboard.png": lambda: png(checkerboard(300, 220, 10)),
    "mesh-large.png": lambda: png(checkerboard(2001, 1400, 3).convert("1")),
    "rings-large.png": lambda: png(rings().convert("1")),
    "screenshot.png": lambda: png(screenshot()),
}


def main() -> None:
    """Writes every derived picture."""
    for name, draw in DERIVED.items():
        (FOLDER / name).write_bytes(draw())
    print(f"{len(DERIVED)} pictures written to {FOLDER}")


if __name__ == "__main__":
    main()
