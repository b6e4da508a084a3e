"""config.json and preprocessor_config.json of the transformers library enter; pixels and activation leave."""

import json
import math
from pathlib import Path
from typing import Any

from export.common.errors import InputError
from export.weights.settings.stated import GELU, QUICK_GELU, Settings

CONFIG, PIXELS = "config.json", "preprocessor_config.json"
ACTIVATIONS = {"quick_gelu": QUICK_GELU, "gelu": GELU}
DEFAULT = "quick_gelu"                       # CLIPTextConfig's and CLIPVisionConfig's hidden_act
CHINESE = "chinese_clip"                     # model_type; the activations are those of the two default configurations
CHINESE_ACTIVATIONS = {"text_config": "gelu", "vision_config": "quick_gelu"}
RESAMPLE = {2: "bilinear", 3: "bicubic"}     # Pillow's numbers


def read(folder: Path) -> Settings | None:
    """What the two files state; None if the folder has no config.json of a CLIPModel.

    Of a ChineseCLIPModel the pixels are cn_clip's, as the row states them: transformers' own processor crops, and
    cn_clip, with which the weights were trained, squashes. Raises InputError for values that cannot be exported.
    """
    config = _object(folder / CONFIG)
    if config is not None and config.get("model_type") == CHINESE:
        _refuse_other_activations(config, folder / CONFIG)
        return None
    if config is None or config.get("model_type") != "clip":
        return None
    activation = _activation(config, folder / CONFIG)
    pixels = _object(folder / PIXELS)
    if pixels is None:
        return Settings(CONFIG, activation=activation)
    return _pixels(pixels, folder / PIXELS, activation)


def _object(path: Path) -> dict | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("no JSON", where=path, found=str(error)[:200], remedy="correct it, or move it away") from error
    if not isinstance(content, dict):
        raise InputError("no JSON object", where=path, found=str(content)[:40], remedy="correct it, or move it away")
    return content


def _activation(config: dict, path: Path) -> str:
    towers = [config.get(key) or {} for key in ("text_config", "vision_config")]
    names: set[Any] = {tower.get("hidden_act", DEFAULT) if isinstance(tower, dict) else None for tower in towers}
    if len(names) != 1 or not names <= ACTIVATIONS.keys():
        raise InputError("hidden_act cannot be exported", where=path, found=" and ".join(map(str, names)),
                         expected="gelu or quick_gelu, the same in both towers", remedy="choose another model")
    return ACTIVATIONS[names.pop()]


def _refuse_other_activations(config: dict, path: Path) -> None:
    """Raises InputError unless a ChineseCLIPModel has the activations that all published ones have."""
    for key, usual in CHINESE_ACTIVATIONS.items():
        tower = config.get(key) or {}
        found = tower.get("hidden_act", usual) if isinstance(tower, dict) else None
        if found != usual:
            raise InputError(f"{key}.hidden_act cannot be exported", where=path, found=found, expected=usual,
                             remedy="choose another model")


def _pixels(pixels: dict, path: Path, activation: str) -> Settings:
    size, resize = _size(pixels, path)
    resample = pixels.get("resample")
    interpolation = RESAMPLE.get(resample) if isinstance(resample, int) else None
    if interpolation is None:
        raise InputError("resample cannot be exported", where=path, found=pixels.get("resample"),
                         expected="2 (bilinear) or 3 (bicubic)", remedy="choose another model")
    mean, std = ((0.0,) * 3, (1.0,) * 3) if pixels.get("do_normalize") is False else (
        _three(pixels, key, path) for key in ("image_mean", "image_std"))
    return Settings(f"{CONFIG} and {PIXELS}", size, mean, std, interpolation, resize, activation)


def _three(pixels: dict, key: str, path: Path) -> tuple[float, ...]:
    values = pixels.get(key)
    if not isinstance(values, list) or len(values) != 3 or not all(
            isinstance(v, int | float) and math.isfinite(v) for v in values):
        raise InputError(f"{key} is not three numbers", where=path, found=str(values)[:60], remedy="correct it")
    return tuple(float(value) for value in values)


def _size(pixels: dict, path: Path) -> tuple[int, str]:
    """The side of the square, and how a picture is resized to it: both sides, or the shortest and then cropped."""
    size, crop = pixels.get("size"), pixels.get("crop_size")
    cropped = pixels.get("do_center_crop") is True
    shortest = size.get("shortest_edge") if isinstance(size, dict) else size
    square = _side(crop if cropped else size)
    if square is not None and (shortest == square if cropped else isinstance(size, dict)):
        return square, "shortest" if cropped else "squash"
    raise InputError("size and crop_size cannot be exported", where=path, found=f"{size} and {crop}",
                     expected="shortest_edge and a centre crop of it, or a square without a crop",
                     remedy="choose another model")


def _side(size: object) -> int | None:
    sides = {size.get("height"), size.get("width")} if isinstance(size, dict) else {size}
    side = sides.pop()
    return side if not sides and isinstance(side, int) and side > 0 else None
