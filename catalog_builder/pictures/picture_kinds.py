"""A file's first bytes enter; the kind of picture and its extension leave, or by name what the file is instead."""

import re

from export.common.errors import InputError
from export.pictures.heic import is_heic

HEAD = 1024                                  # bytes that show the kind
EXTENSIONS = {                               # by what export.pictures.preprocess can read, and HEIC
    re.compile(rb"\xff\xd8\xff"): ".jpg",
    re.compile(rb"\x89PNG\r\n\x1a\n"): ".png",
    re.compile(rb"RIFF....WEBP", re.DOTALL): ".webp",
    re.compile(rb"GIF8[79]a"): ".gif",
    re.compile(rb"....ftyp(avif|avis|mif1|msf1)", re.DOTALL): ".avif",
    re.compile(rb"BM"): ".bmp",
    re.compile(rb"II[*+]\0|MM\0[*+]"): ".tif",
    re.compile(rb"\x00\x00\x00\x0cjP  \r\n\x87\n"): ".jp2",
    re.compile(rb"\xff\x4f\xff\x51"): ".j2k",
    re.compile(rb"P[1-6]\s"): ".ppm",
    re.compile(rb"qoif"): ".qoi",
    re.compile(rb"\x00\x00\x01\x00"): ".ico"}
HEIC = ".heic"
OTHERS = {                                   # what is met in place of pictures
    re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body|title|script|meta|div|p)\b", re.I | re.S):
        "an HTML page",
    re.compile(rb"\s*(<\?xml.*?\?>\s*)?(<!--.*?-->\s*)*(<!doctype svg.*?>\s*)?<svg\b", re.I | re.S): "an SVG drawing",
    re.compile(rb"\s*<\?xml", re.I): "XML",
    re.compile(rb"%PDF"): "a PDF",
    re.compile(rb"%!PS"): "PostScript",
    re.compile(rb"8BPS"): "a Photoshop file",
    re.compile(rb"....ftyp|\x1aE\xdf\xa3", re.DOTALL): "a video",
    re.compile(rb"PK\x03\x04"): "a ZIP archive",
    re.compile(rb"\x1f\x8b"): "gzip",
    re.compile(rb"\s*[\[{]"): "JSON",
    re.compile(rb"[\t\n\r -~]+\Z"): "a text"}
SUFFIXES = frozenset({*EXTENSIONS.values(), HEIC, ".heif", ".jpeg", ".jpe", ".jfif", ".tiff", ".pgm", ".pbm", ".pnm"})
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def extension(head: bytes) -> str:
    """The extension that fits a picture's first HEAD bytes. Raises InputError, naming it, for any other file."""
    if is_heic(head):
        return HEIC
    for pattern, suffix in EXTENSIONS.items():
        if pattern.match(head):
            return suffix
    raise InputError("not a picture", expected="JPEG, PNG, WebP, AVIF, GIF or the like", found=_other(head))


def _other(head: bytes) -> str:
    if not head:
        return "nothing"
    text = head.removeprefix(BYTE_ORDER_MARK)
    named = (name for pattern, name in OTHERS.items() if pattern.match(text))
    return next(named, f"bytes beginning with {head[:12]!r}")
