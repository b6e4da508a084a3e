"""A checkpoint's path enters; what its files store leaves, read as data: tensors, numbers and texts, never code.

A checkpoint is one file, an index of shards (`*.index.json`), or a folder that holds one of these. The content decides,
not the suffix.
"""

import json
import pickletools
import re
import shlex
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

from export.common.errors import InputError

TRUNCATED = "fetch the file again"
EXPECTED = "a .pt or .safetensors file"
WANTED = f"CHECKPOINT=path of {EXPECTED}"
INDEX = ".index.json"                        # transformers' suffix for the list of shards
IN_FOLDER = (                                # open_clip's and transformers' names, in open_clip's order
    "open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin",
    "model.safetensors", "pytorch_model.bin", f"model.safetensors{INDEX}", f"pytorch_model.bin{INDEX}")
# First bytes of packed files, the command that unpacks them, and the suffixes that it asks for (none: any).
PACKED: dict[bytes, tuple[str, tuple[str, ...]]] = {
    b"\x1f\x8b": ("gunzip -k", (".gz", ".tgz")), b"BZh": ("bunzip2 -k", (".bz2", ".tbz2")),
    b"\xfd7zXZ": ("unxz -k", (".xz", ".txz")), b"\x28\xb5\x2f\xfd": ("unzstd", (".zst", ".tzst")),
    b"7z\xbc\xaf": ("7z x", ())}
NUMBERS = "biuf?"                            # NumPy's kinds: bool, integers, floating point
STATE_KEYS = ("state_dict", "model_state_dict", "model")         # where training code puts the weights, in this order
OLD_PICKLES = 4                              # in a file of PyTorch before 1.6, up to the one with the weights


def located(path: Path) -> Path:
    """The file of a checkpoint, or of the index of its shards: `path` itself, or what the folder `path` holds.

    Raises InputError if there is none.
    """
    if not path.is_dir():
        if not path.is_file():
            raise InputError("no such checkpoint", where=path, expected=EXPECTED,
                             remedy=WANTED)
        return path
    for name in IN_FOLDER:
        if (path / name).is_file():
            return path / name
    others = sorted(p for p in path.iterdir() if p.suffix in (".safetensors", ".pt", ".pth", ".bin") and p.is_file())
    if len(others) == 1:
        return others[0]
    raise InputError("checkpoint is a folder", where=path, expected=f"{IN_FOLDER[0]}, or one of its kind",
                     found=", ".join(p.name for p in others[:4]) or "no weights",
                     remedy=f"CHECKPOINT={shlex.quote(str(others[0]))}" if others else WANTED)


def parts(file: Path) -> list[Path]:
    """The files of a checkpoint: `file`, or an index and the shards that it names, in the order of their names."""
    if not file.name.endswith(INDEX):
        return [file]
    shards = [file.with_name(name) for name in sorted(set(_weight_map(file).values()))]
    absent = [shard.name for shard in shards if not shard.is_file()]
    if absent:
        raise InputError("a shard of the checkpoint is missing", where=file, found=f"no {absent[0]}",
                         remedy="put all shards beside the index")
    return [file, *shards]


def _weight_map(index: Path) -> dict[str, str]:
    """{tensor's key: file name} of an index. Only bare names count: no file outside the folder is ever opened."""
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        found = content["weight_map"]
        if not found or not all(isinstance(name, str) for name in found.values()):
            raise ValueError("no weight_map")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("not an index of shards", where=index, expected="JSON with a weight_map",
                         found=first_line(error), remedy=TRUNCATED) from error
    for name in found.values():
        if Path(name).name != name or "\\" in name or name == "..":
            raise InputError("an index of shards names a file elsewhere", where=index, found=repr(name[:80]),
                             expected="bare names of files beside it", remedy="do not trust this file")
    return found


def read(file: Path) -> object:
    """What the file stores. Raises InputError for a file that is no checkpoint, is cut short, or would run code."""
    if file.name.endswith(INDEX):
        return _read_shards(file)
    with file.open("rb") as opened:
        head = opened.read(40)
    _refuse_packed(file, head)
    if head[8:9] == b"{":
        return _read_safetensors(file)
    if head[:4] == b"PK\x03\x04" or head[:1] == b"\x80":
        return _read_pickle(file)
    raise InputError("not a checkpoint", where=file, expected="a .safetensors file, or a .pt that PyTorch wrote",
                     found=f"a file that starts with {head!r}" if head else "an empty file", remedy=TRUNCATED)


def _read_shards(index: Path) -> dict[str, object]:
    state: dict[str, object] = {}
    wanted = _weight_map(index)
    for shard in parts(index)[1:]:
        stored = read(shard)
        for key in (key for key, name in wanted.items() if name == shard.name):
            if not isinstance(stored, dict) or key not in stored:
                raise InputError("a shard lacks a tensor that the index names", where=shard, found=f"no {key}",
                                 remedy=TRUNCATED)
            state[key] = stored[key]
    return state


def _refuse_packed(file: Path, head: bytes) -> None:
    command, suffixes = next((way for start, way in PACKED.items() if head.startswith(start)), (None, ()))
    if command is None and head[:4] == b"PK\x03\x04" and _zip_names(file) and not _pickle_in(file):
        command = "unzip"
    if command is None and head[:4] != b"PK\x03\x04" and head[8:9] != b"{" and tarfile.is_tarfile(file):
        command = "tar -xf"
    if command:
        named = file if not suffixes or file.suffix in suffixes else file.with_name(file.name + suffixes[0])
        renaming = "" if named == file else f"{shlex.join(['mv', str(file), str(named)])} && "
        raise InputError("the file is packed", where=file, expected=EXPECTED,
                         remedy=f"unpack it: {renaming}{command} {shlex.quote(str(named))}")


def _zip_names(file: Path) -> list[str]:
    try:
        with zipfile.ZipFile(file) as opened:
            return opened.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return []                            # cut short: torch says so


def _pickle_in(file: Path) -> str | None:
    return next((name for name in _zip_names(file) if name.endswith("data.pkl")), None)


def _read_safetensors(file: Path) -> dict[str, object]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    try:
        return load_file(file)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise InputError("damaged or truncated safetensors file", where=file, found=first_line(error),
                         remedy=TRUNCATED) from error


def _read_pickle(file: Path) -> object:
    import torch
    try:
        with warnings.catch_warnings(action="ignore"), torch.serialization.safe_globals(_numpy_numbers()):
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:               # a hostile pickle can raise anything
        wanted = re.search(r"GLOBAL (\S+)", str(error))
        if "TorchScript" in str(error):
            state = f"torch.jit.load({str(file)!r}, map_location='cpu').state_dict()"
            raise InputError("a TorchScript archive, which holds code", where=file, expected="tensors only",
                             remedy=f"if you trust it, save its state_dict: {_converting(file, state)}") from error
        if wanted or "Weights only load failed" in str(error):
            raise InputError("refused a pickle that asks for more than tensors", where=file, expected="tensors only",
                             found=wanted[1] if wanted else "other instructions",
                             remedy=_remedy_for_code(file)) from error
        raise InputError("damaged or truncated PyTorch file", where=file, found=first_line(error),
                         remedy=TRUNCATED) from error


def _numpy_numbers() -> list:
    """What a pickled NumPy scalar asks for, under the names of NumPy 1 and 2: `lr: np.float64` in an optimizer."""
    import numpy as np

    scalars = [(_number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    return [*scalars, np.dtype, *(type(np.dtype(kind)) for kind in "?bBhHiIlLqQefd")]


def _number(dtype, data: bytes):
    """NumPy's own function for scalars, for numbers alone."""
    import numpy as np

    if not isinstance(dtype, np.dtype) or dtype.kind not in NUMBERS or len(data) != dtype.itemsize:
        raise ValueError("a NumPy scalar that is no number")
    return np.frombuffer(data, dtype)[0]


def _remedy_for_code(file: Path) -> str:
    """How to get the weights out of a pickle that holds code. Reads the pickle's texts without running it."""
    key = next((key for key in STATE_KEYS if key in _texts(file)), None)
    if key is None:
        return "do not trust this file, or save model.state_dict() where it was trained"
    state = f"torch.load({str(file)!r}, map_location='cpu', weights_only=False)[{key!r}]"
    return f"do not trust this file; if you made it, save its {key}: {_converting(file, state)}"


def _texts(file: Path) -> set[str]:
    """The short texts in a pickle, such as the keys of its dictionaries."""
    name = _pickle_in(file)
    with zipfile.ZipFile(file).open(name) if name else file.open("rb") as opened:
        try:
            return {value for _ in range(1 if name else OLD_PICKLES)
                    for _, value, _ in pickletools.genops(opened) if isinstance(value, str)}
        except (ValueError, OSError):
            return set()


def _converting(file: Path, state: str) -> str:
    """A command of one line that writes `state`, a Python expression, beside `file`. It runs what the file holds."""
    target = str(file.with_name(f"{file.stem}-weights.pt"))
    return shlex.join([sys.executable, "-c", f"import torch; torch.save({state}, {target!r})"])


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 200 characters; its type's name if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
