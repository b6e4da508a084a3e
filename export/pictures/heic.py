"""The bytes of an iPhone photo (HEIC) enter; the picture leaves, if the package pillow-heif is installed.

The package is no dependency, except in development. pi-heif, the same decoder without GPL code, was given up with known
faults in the libheif that it brings. The wheels of pillow-heif hold x265, which is under the GPL.
"""

import importlib
import importlib.util
import io

from PIL import ImageFile

from export.common.errors import InputError

PACKAGE = "pillow_heif"
BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs")
UNDECIDED = (b"mif1", b"msf1", b"miaf")      # HEIC or AVIF: one of the brands that follow says which


def is_heic(head: bytes) -> bool:
    """Whether a file begins as a HEIC photo; 64 bytes suffice."""
    if head[4:8] != b"ftyp":
        return False
    if head[8:12] in UNDECIDED:
        size = min(int.from_bytes(head[:4], "big"), 64)
        return any(head[at:at + 4] in BRANDS for at in range(16, size, 4))
    return head[8:12] in BRANDS


def open_heic(content: bytes, name: str) -> ImageFile.ImageFile:
    """The picture with its header read. libheif turns it upright, and its EXIF then says so.

    Raises InputError, with the remedy, where the package is missing.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise InputError("an iPhone photo (HEIC) cannot be read here", where=name,
                         remedy="save it as JPEG, or pip install pillow-heif")
    return importlib.import_module(PACKAGE).HeifImageFile(io.BytesIO(content))
