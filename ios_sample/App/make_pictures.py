"""Small pictures of the kinds that shoppers bring enter; ShopSearchTests/pictures.json leaves: each file and what
`load_rgb8` makes of it, for the test that holds Apple's decoder to FORMATS.md, "Pictures", 1.

From the repository's root: `python ios_sample/App/make_pictures.py`. Other versions of Pillow may write other files.
"""

import base64
import io
import json
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
OUT = HERE / "ShopSearchTests" / "pictures.json"
WIDTH, HEIGHT = 24, 16

# How far a byte may be away, with the reason.
EXACT = 1                # alpha and colour profiles round
JPEG = 6                 # another inverse transform, and another way up from 4:2:0
UNTAGGED_GREY = 9        # ImageIO may take it as Generic Gray Gamma 2.2: computed, never seen


def picture() -> np.ndarray:
    """Smooth colours, uint8 [HEIGHT, WIDTH, 3]: no decoder differs much on them, and no turn or flip is the same."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([8 + 10 * x, 16 + 14 * y, 240 - 5 * x - 6 * y], axis=-1).astype(np.uint8)


def file_of(image: Image.Image, kind: str, orientation: int | None = None, **options) -> bytes:
    """A picture's file; `orientation`: EXIF's."""
    if orientation:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def p3_profile() -> bytes:
    """An ICC profile written by hand: Display P3's primaries, adapted to D50, and a gamma of 2.2."""
    def fixed(*values: float) -> bytes:
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256))
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(79),
            b"wtpt": (0.9642, 1.0, 0.8249), b"rXYZ": (0.5151, 0.2412, -0.0011), b"gXYZ": (0.2920, 0.6922, 0.0419),
            b"bXYZ": (0.1571, 0.0666, 0.7841), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    start, table, data = 132 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        content = b"XYZ " + bytes(4) + fixed(*value) if isinstance(value, tuple) else value
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content
    head = struct.pack(">I4sI4s4s4s", start + len(data), b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def files() -> dict[str, tuple[bytes, int]]:
    """Each file by its name, and how far a byte may be away."""
    rgb = Image.fromarray(picture())
    alpha = np.dstack([picture(), np.linspace(0, 255, WIDTH * HEIGHT).astype(np.uint8).reshape(HEIGHT, WIDTH)])
    grey = Image.fromarray(picture()[..., 0])
    deep = Image.fromarray(picture()[..., 1].astype(np.uint16) * 257)
    palette = rgb.quantize(16)
    return {
        "rgb.png": (file_of(rgb, "PNG"), 0),
        "rgba.png": (file_of(Image.fromarray(alpha), "PNG"), EXACT),
        "palette.png": (file_of(palette, "PNG"), 0),
        "palette-transparent.png": (file_of(palette, "PNG", transparency=3), EXACT),
        "p3.png": (file_of(rgb, "PNG", icc_profile=p3_profile()), 3),
        "grey.png": (file_of(grey, "PNG"), UNTAGGED_GREY),
        "grey-16-bits.png": (file_of(deep, "PNG"), UNTAGGED_GREY),
        "upright.jpg": (file_of(rgb, "JPEG", quality=95, subsampling=0), JPEG),
        "turned-6.jpg": (file_of(rgb, "JPEG", 6, quality=95, subsampling=0), JPEG),
        "turned-3.jpg": (file_of(rgb, "JPEG", 3, quality=95, subsampling=0), JPEG),
        "mirrored-5.jpg": (file_of(rgb, "JPEG", 5, quality=95, subsampling=0), JPEG),
        "progressive.jpg": (file_of(rgb, "JPEG", quality=95, subsampling=2, progressive=True), JPEG),
        "lossless.webp": (file_of(rgb, "WEBP", lossless=True), 0),
        "first-frame.gif": (file_of(palette, "GIF", save_all=True, append_images=[palette.rotate(180)]), 0),
        "rgb.bmp": (file_of(rgb, "BMP"), 0),
    }


def text() -> str:
    """The JSON file's content."""
    sys.path.insert(0, str(HERE.parents[1]))
    from export.pictures.preprocess import load_rgb8

    def entry(name: str, file: bytes, most: int) -> dict:
        pixels = load_rgb8(file)
        return {"name": name, "file": base64.b64encode(file).decode(), "height": pixels.shape[0],
                "width": pixels.shape[1], "rgb": base64.b64encode(pixels.tobytes()).decode(), "most": most}

    entries = [json.dumps(entry(name, *made)) for name, made in files().items()]
    return "[\n" + ",\n".join(entries) + "\n]\n"


if __name__ == "__main__":
    OUT.write_text(text(), encoding="ascii")
