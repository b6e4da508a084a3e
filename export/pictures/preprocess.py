"""The reference preprocessing that the apps must match.

Enters: any picture, as a file or its bytes. Leaves: upright RGB8 (`load_rgb8`), from it the square that the encoders
take (`resize_crop`, equal to open_clip 3.3.0 byte for byte), and from that the float32 of the PyTorch reference
(`normalise`; the exported encoders scale by themselves and take 0 to 255). Conversion to RGB8 comes before resizing.
open_clip resizes first, so it resizes palettes by nearest neighbour and alpha premultiplied.

    >>> picture = np.zeros((480, 640, 3), np.uint8)          # as load_rgb8 returns a picture
    >>> resize_crop(picture, Preprocessing(64, (0, 0, 0), (1, 1, 1), "bilinear")).shape
    (64, 64, 3)
"""

import io
import warnings
from collections.abc import Collection
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageFile, TiffImagePlugin

from export.common.errors import InputError
from export.common.specs import CROPS, Preprocessing
from export.pictures import jpeg_end
from export.pictures.heic import is_heic, open_heic
from export.pictures.resample import KERNELS, MOST_SHRUNK, crop_origin, resize_window, resized_size

# What Pillow may read: no format that runs another program (EPS), draws (WMF) or lacks known first bytes (TGA).
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "JPEG2000", "PPM", "QOI", "ICO")
MAX_PIXELS = 1 << 27                     # 134 megapixels, enough for a phone's 108; 400 MB as RGB8
LONGEST_STRIP = 16                       # squares; of a longer resized picture only the window is computed
IN_MEMORY = "a picture in memory"        # where a picture has no name

_ORIENTATION_TAG = 0x0112                # EXIF; the value says how to turn the stored picture upright
_BITS_TAG, _PHOTOMETRIC_TAG = 258, 262   # TIFF
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_COLOURS = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}          # an ICC profile's colour space, and Pillow's mode


def load_rgb8(source: Path | bytes) -> np.ndarray:
    """Any picture as upright sRGB, uint8 [H, W, 3].

    16 bits become 8 by >> 8. An ICC profile is converted to sRGB by perceptual intent; a profile that is damaged or
    fits another kind of picture is ignored, as browsers and phones do. CMYK without a profile is converted by Pillow's
    formula. Alpha is laid over white. An animation gives its first frame. EXIF's orientation is applied; an orientation
    that cannot be read counts as upright. A JPEG may lack its end marker, since browsers show it too.
    Raises InputError, naming the file, if it cannot be read, is no picture, is cut short, or has over MAX_PIXELS.
    """
    name = named(source)
    with _refusing(name, source), _quiet():
        try:
            return _upright(source, name)
        except OSError:
            pixels = [_upright(content, name) for content in jpeg_end.completed(source)]
            if not pixels or any(not np.array_equal(pixels[0], other) for other in pixels[1:]):
                raise
            return pixels[0]


def named(source: Path | bytes) -> str:
    """What errors call a picture."""
    return str(source) if isinstance(source, Path) else IN_MEMORY


def _upright(source: Path | bytes, name: str) -> np.ndarray:
    """The pixels, as `load_rgb8` gives them."""
    with _open(source, name) as image:
        _check_size(image, name)
        _scale_transparent_colour(image)
        image.load()
        orientation = _orientation(image)
        profile = image.info.get("icc_profile")
        rgb = _flatten(_to_eight_bits(image, name), profile, name)
        if orientation in _UPRIGHT:
            rgb = rgb.transpose(_UPRIGHT[orientation])
        return np.array(rgb)


def resize_crop(rgb: np.ndarray, preprocessing: Preprocessing, name: str = IN_MEMORY) -> np.ndarray:
    """The square that an encoder takes, antialiased: shortest side to `size` and the centre cropped, or both to `size`.

    rgb: uint8 [H, W, 3]. Returns uint8 [size, size, 3], equal byte for byte to open_clip 3.3.0's image_transform
    (torchvision 0.27.1 and Pillow 13.0.0 on the RGB8 picture). Raises InputError, naming the picture by `name`, for
    another kind of array and for a side over MOST_SHRUNK times the length that it becomes.
    """
    check_rgb8(rgb, dimensions=3)
    _check_known("interpolation", preprocessing.interpolation, KERNELS)
    _check_known("resize mode", preprocessing.resize, CROPS)
    size = preprocessing.size
    height, width = rgb.shape[:2]
    rows, columns = (size, size) if preprocessing.resize == "squash" else resized_size(height, width, size)
    _check_shape(rgb.shape, (rows, columns), name)
    top, left = crop_origin(rows, size), crop_origin(columns, size)
    if max(rows, columns) > LONGEST_STRIP * size:
        return resize_window(rgb, (rows, columns), (top, left), (size, size), preprocessing.interpolation)
    method = Image.Resampling[preprocessing.interpolation.upper()]
    resized = Image.fromarray(rgb).resize((columns, rows), method)
    return np.array(resized.crop((left, top, left + size, top + size)))


def _check_known(what: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        raise InputError(f"unknown {what}", expected=" or ".join(known), found=value)


def _check_shape(shape: tuple[int, ...], resized: tuple[int, int], name: str) -> None:
    if any(before > MOST_SHRUNK * after for before, after in zip(shape, resized, strict=False)):
        height, width = (MOST_SHRUNK * after for after in resized)
        raise InputError("the picture is too long", where=name, expected=f"at most {width:,} x {height:,} pixels",
                         found=f"{shape[1]:,} x {shape[0]:,}", remedy="crop it")


def normalise(square: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """The PyTorch reference's input, equal bit for bit to open_clip's ToTensor and Normalize.

    square: uint8 [S, S, 3] or [N, S, S, 3]. Returns float32 [N, 3, S, S], N = 1 for one picture:
    (b / 255 - mean) / std. It must divide, because b * (1 / 255) differs in 45 % of the values.
    Raises InputError for another kind of array.
    """
    batch = square[None] if square.ndim == 3 else square
    check_rgb8(batch, dimensions=4)
    mean, std = (np.array(values, np.float32) for values in (preprocessing.mean, preprocessing.std))
    scaled = (batch.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def check_rgb8(pixels: np.ndarray, *, dimensions: int) -> None:
    """Raises InputError unless `pixels` is uint8 [..., H, W, 3] with `dimensions` axes, none of them empty."""
    if pixels.dtype != np.uint8 or pixels.ndim != dimensions or pixels.shape[-1] != 3 or 0 in pixels.shape:
        wanted = "uint8 [H, W, 3]" if dimensions == 3 else "uint8 [N, H, W, 3]"
        raise InputError("not RGB8 pixels", expected=wanted, found=f"{pixels.dtype} {list(pixels.shape)}")


@contextmanager
def _refusing(name: str, source: Path | bytes):
    """Turns any error of a decoder into a one-line InputError: a hostile file can raise nearly anything in Pillow."""
    try:
        yield
    except InputError:
        raise
    except Image.UnidentifiedImageError:
        raise InputError("not a picture that can be read", where=name, expected=", ".join(FORMATS),
                         found=_beginning(source), remedy="convert it to JPEG or PNG") from None
    except Image.DecompressionBombError as error:
        raise InputError("the picture is too large", where=name, expected=f"at most {MAX_PIXELS:,} pixels",
                         found=error, remedy="make it smaller; the encoders look at 256 x 256 or less") from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError("the picture cannot be opened", where=name, found=error.strerror,
                         remedy="give the path of a picture that may be read") from None
    except Exception as error:
        raise InputError("the picture is damaged or cut short", where=name, found=f"{type(error).__name__}: {error}",
                         remedy="fetch it again, or open and save it with an image editor") from None


def _beginning(source: Path | bytes) -> str:
    """The first bytes and the size of a file that is not a picture."""
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    return f"{size:,} bytes beginning with {_head(source)[:12]!r}"


def _head(source: Path | bytes) -> bytes:
    """The first 64 bytes."""
    if isinstance(source, bytes):
        return source[:64]
    with source.open("rb") as file:
        return file.read(64)


@contextmanager
def _quiet():
    """Silences Pillow's warnings (over 89 megapixels, damaged EXIF): a picture is read, or refused in one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(source: Path | bytes, name: str) -> ImageFile.ImageFile:
    """Reads the header only."""
    if is_heic(_head(source)):
        return open_heic(source if isinstance(source, bytes) else source.read_bytes(), name)
    Image.init()                         # registers every plugin that FORMATS names
    return Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=FORMATS)


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if not 0 < width * height <= MAX_PIXELS:
        raise InputError("the picture is too large or empty", where=name, expected=f"1 to {MAX_PIXELS:,} pixels",
                         found=f"{width:,} x {height:,}", remedy="make it smaller; encoders see 256 x 256 or less")


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1, upright, if there is none or it cannot be read."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:                    # a damaged EXIF block can raise nearly anything; the pixels stay usable
        return 1


def _scale_transparent_colour(image: ImageFile.ImageFile) -> None:
    """Converts a PNG's transparent colour to 8 bits: Pillow converts the pixels, but not that colour.

    Pillow keeps only the high bytes of 16-bit colours, so only these are compared. Must run before the pixels load.
    """
    key = image.info.get("transparency")
    if image.format != "PNG" or key is None or not image.tile:
        return
    depth = image.tile[0].args
    if depth in ("L;2", "L;4"):
        image.info["transparency"] = key * (255 // (2 ** int(depth[-1]) - 1))
    elif depth == "RGB;16B":
        image.info["transparency"] = tuple(channel >> 8 for channel in key)


def _to_eight_bits(image: Image.Image, name: str) -> Image.Image:
    """Converts 16-bit grey to L by >> 8, or to LA if a grey value is transparent. Other pictures stay as they are.

    Pillow itself does the same with 16-bit colour in PNG and TIFF: it keeps the high byte. A TIFF may have 12 bits, and
    may store white as 0. Pillow ignores both above 8 bits.
    """
    if image.mode not in _SIXTEEN_BITS:
        return image
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    bits = tags.get(_BITS_TAG, (16,))[0]
    values = np.asarray(image)
    if bits not in (12, 16) or values.min() < 0 or values.max() >> bits:
        raise InputError("unsupported depth", where=name, expected="8 or 16 bits a channel, without a sign",
                         found=f"values from {values.min()} to {values.max()}", remedy="save it with 8 or 16 bits")
    if tags.get(_PHOTOMETRIC_TAG) == 0:
        values = (1 << bits) - 1 - values
    grey = Image.fromarray((values >> (bits - 8)).astype(np.uint8))
    if (transparent := image.info.get("transparency")) is not None:
        grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey


def _flatten(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    """Any 8-bit picture as opaque sRGB."""
    if image.mode not in ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"):
        raise InputError("unsupported colour mode", where=name, expected="grey, RGB, palette or CMYK",
                         found=image.mode, remedy="save it as 8-bit sRGB")
    alpha = None
    if image.has_transparency_data:
        grey = image.mode in ("1", "L", "LA", "La")
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.getchannel("R") if grey else image.convert("RGB")
    rgb = _to_srgb(image, profile) if profile else image.convert("RGB")
    if alpha is None:
        return rgb
    white = Image.new("RGB", rgb.size, "white")
    white.paste(rgb, mask=alpha)         # round((c * a + 255 * (255 - a)) / 255), exactly
    return white


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours converted by the picture's own profile, unless the profile is damaged or for another kind of picture."""
    try:
        own = ImageCms.getOpenProfile(io.BytesIO(profile))
        mode = _COLOURS[own.profile.xcolor_space]
        if (mode == "CMYK") == (image.mode == "CMYK") and (mode != "L" or image.mode in ("1", "L")):
            return ImageCms.buildTransform(own, ImageCms.createProfile("sRGB"), mode, "RGB").apply(image.convert(mode))
    except (ImageCms.PyCMSError, KeyError, OSError):
        pass
    return image.convert("RGB")
