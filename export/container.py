"""The safetensors container: an 8-byte little-endian header length, a JSON header, raw little-endian tensors.

Enters and leaves: `__metadata__` (all strings) and named NumPy arrays. The tokenizer asset is written in it. The
safetensors package reads these files but does not write them here: it orders the metadata differently on every run.
"""

import json
import math
from pathlib import Path

import numpy as np

from export.errors import InputError

DTYPES = {name: np.dtype(kind) for name, kind in {
    "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8", "I64": "<i8",
    "F32": "<f4", "F64": "<f8",
}.items()}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
ALIGNMENT = 8                            # the header is padded with spaces, so that every tensor lies aligned


def container_bytes(metadata: dict[str, str], tensors: dict[str, np.ndarray]) -> bytes:
    """The whole file, the same for the same input: keys sorted, tensors by element size (largest first), then name."""
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    data = []
    position = 0
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": _NAMES[array.dtype.newbyteorder("<")], "shape": list(array.shape),
                        "data_offsets": [position, position + len(raw)]}
        data.append(raw)
        position += len(raw)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text + b"".join(data)


def read_container(path: Path, remedy: str) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and tensors (read-only arrays) of a container, every offset, shape and type checked.

    Raises InputError, with `remedy`, if the file cannot be read or is damaged, cut short or another kind of file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("cannot read the file", where=path, found=error.strerror, remedy=remedy) from None
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= len(content) - 8:
        raise InputError("damaged or not a safetensors file", where=path, remedy=remedy,
                         expected=f"a header within the file's {len(content):,} bytes", found=f"header of {length:,}")
    try:
        header = json.loads(content[8:8 + length].decode())
        metadata = header.pop("__metadata__", {})
        if not all(isinstance(value, str) for value in metadata.values()):
            raise ValueError("metadata that is not text")
        return metadata, _tensors(header, memoryview(content)[8 + length:])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError("damaged header", where=path, found=f"{type(error).__name__}: {error}",
                         remedy=remedy) from None


def _tensors(header: dict, data: memoryview) -> dict[str, np.ndarray]:
    """The arrays that the header names; they must fill the data without gap or overlap. Raises ValueError and kin."""
    tensors = {}
    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (start, end) = DTYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
        if not all(type(side) is int and side >= 0 for side in (*shape, start, end)):
            raise ValueError(f"{name} has a shape or an offset that is no whole number")
        if start != position or end - start != math.prod(shape) * dtype.itemsize or end > len(data):
            raise ValueError(f"{name} does not fit: bytes {start} to {end} of {len(data)}, {entry['dtype']} {shape}")
        tensors[name] = np.frombuffer(data[start:end], dtype).reshape(shape)
        position = end
    if position != len(data):
        raise ValueError(f"{len(data) - position} bytes that belong to no tensor")
    return tensors
