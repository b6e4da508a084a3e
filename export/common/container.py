"""The safetensors container: an 8-byte little-endian header length, a JSON header, raw little-endian tensors.

`__metadata__` (all strings) and named NumPy arrays enter; a file leaves, and the reverse. The tokenizer asset is such a
file. The safetensors package can read these files. It is not used to write them, because it orders the metadata
differently on every run.
"""

import json
import math
from pathlib import Path

import numpy as np

from export.common.errors import InputError

DTYPES = {name: np.dtype(kind) for name, kind in {
    "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8", "I64": "<i8",
    "F32": "<f4", "F64": "<f8",
}.items()}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
BROKEN = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
ALIGNMENT = 8                            # bytes; spaces pad the header, so that every tensor is aligned


def layout(metadata: dict[str, str],
           tensors: dict[str, tuple[np.dtype, tuple[int, ...]]]) -> tuple[bytes, dict[str, int]]:
    """The file's first bytes (length and header), and the position of each tensor's first byte, in file order.

    The same input gives the same bytes: keys are sorted; tensors are sorted by element size (largest first), then name.
    """
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    starts, position = {}, 0
    for name, (dtype, shape) in sorted(tensors.items(), key=lambda item: (-item[1][0].itemsize, item[0])):
        end = position + math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": _NAMES[dtype.newbyteorder("<")], "shape": list(shape), "data_offsets": [position, end]}
        starts[name], position = position, end
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text, {name: 8 + len(text) + start for name, start in starts.items()}


def container_bytes(metadata: dict[str, str], tensors: dict[str, np.ndarray]) -> bytes:
    """The bytes of the whole file."""
    head, starts = layout(metadata, {name: (array.dtype, array.shape) for name, array in tensors.items()})
    return head + b"".join(little(tensors[name]).tobytes() for name in starts)


def little(array: np.ndarray) -> np.ndarray:
    """The array in little-endian order, contiguous."""
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))


def read_container(path: Path, remedy: str) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and tensors (read-only arrays) of a container, every offset, shape and type checked.

    Raises InputError, with `remedy`, if the file cannot be read or is damaged, cut short or another kind of file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("cannot read the file", where=path, found=error.strerror, remedy=remedy) from None
    try:
        return parsed(memoryview(content))
    except BROKEN as error:
        raise InputError("damaged or not a safetensors file", where=path, found=f"{type(error).__name__}: {error}",
                         remedy=remedy) from None


def parsed(content: memoryview, most_header: int | None = None) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and tensors (views of `content`) of a container. Raises one of BROKEN for anything else.

    Tensors whose type is not in DTYPES are skipped, but they must also lie within the file. `most_header`: the largest
    header that may be parsed, in bytes.
    """
    metadata, header, length = _header(content, most_header)
    return metadata, _tensors(header, content[8 + length:])


def announced(head: bytes) -> tuple[dict[str, str], dict[str, tuple[np.dtype, tuple[int, ...]]]]:
    """Metadata, and type and shape of each tensor in file order, of a container whose first bytes alone are there.

    Raises one of BROKEN unless these are its length and its header, laid out as `layout` does, of known types.
    """
    metadata, header, _ = _header(memoryview(head), None)
    shapes = {name: (DTYPES[entry["dtype"]], tuple(entry["shape"])) for name, entry in header.items()}
    if layout(metadata, shapes)[0] != head:
        raise ValueError("a header that is laid out otherwise")
    return metadata, shapes


def _header(content: memoryview, most_header: int | None) -> tuple[dict[str, str], dict, int]:
    """Metadata, the entries of the tensors, and the header's bytes."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= len(content) - 8:
        raise ValueError(f"a header of {length:,} bytes in a file of {len(content):,}")
    if length % ALIGNMENT:
        raise ValueError(f"a header of {length:,} bytes, no multiple of {ALIGNMENT}")
    if most_header is not None and length > most_header:
        raise ValueError(f"a header of {length:,} bytes, more than {most_header:,}")
    header = json.loads(bytes(content[8:8 + length]).decode(), object_pairs_hook=_each_once)
    metadata = header.pop("__metadata__", {})
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("metadata that is not text")
    return metadata, header, length


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a name twice in the header")
    return entries


def _tensors(header: dict, data: memoryview) -> dict[str, np.ndarray]:
    """The arrays that the header names; they must fill the data without gap or overlap. Raises one of BROKEN."""
    tensors = {}
    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        shape, (start, end) = entry["shape"], entry["data_offsets"]
        if not all(type(side) is int and side >= 0 for side in (*shape, start, end)):
            raise ValueError(f"{name} has a shape or an offset that is no whole number")
        if start != position or not start <= end <= len(data):
            raise ValueError(f"{name} does not fit: bytes {start} to {end} of {len(data)}")
        position = end
        if (dtype := DTYPES.get(entry["dtype"])) is None:
            continue
        if end - start != math.prod(shape) * dtype.itemsize or start % dtype.itemsize:
            raise ValueError(f"{name} does not fit: bytes {start} to {end} for {entry['dtype']} {shape}")
        tensors[name] = np.frombuffer(data[start:end], dtype).reshape(shape)
    if position != len(data):
        raise ValueError(f"{len(data) - position} bytes that belong to no tensor")
    return tensors
