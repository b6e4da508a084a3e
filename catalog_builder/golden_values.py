"""Vectors, scores and bytes enter; what golden files hold of them leaves."""

import base64
import json
import math
import struct
from pathlib import Path

import numpy as np


def packed(vector: np.ndarray) -> str:
    """float32, little-endian, base64."""
    return packed_bytes(vector.astype("<f4").tobytes())


def packed_bytes(content: bytes) -> str:
    """base64."""
    return base64.b64encode(content).decode()


def bits(value: float) -> str:
    """A float64's bits: hex, most significant first."""
    return struct.pack(">d", value).hex()


def unit(vector: np.ndarray) -> np.ndarray:
    """float32 of unit length, the same on every machine."""
    length = math.sqrt(math.fsum(float(x) ** 2 for x in vector))
    return np.array([float(x) / length for x in vector], np.float32)


def write_ascii(path: Path, value: object) -> None:
    """JSON in ASCII, an object of a list a line."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False).replace("}, {", "},\n{")
    path.write_text(text + "\n", encoding="ascii")
