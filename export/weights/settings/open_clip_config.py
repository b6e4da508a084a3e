"""open_clip_config.json enters; the network and the preprocessing that it states leave, each field checked.

The file is data from others: a field that this list does not know is refused by its name, and no name in it is fetched.
"""

import json
import math
import re
from pathlib import Path

from export.common.errors import InputError
from export.common.specs import CROPS
from export.weights.settings.stated import GELU, INTERPOLATIONS, QUICK_GELU, Settings

NAME = "open_clip_config.json"
MOST = 1 << 16                               # a width, a number of layers or a size beyond this is no model
MODEL_NAME = re.compile(r"\w+(\.\w+)?")      # of timm: no path and no address of a hub

# Field: (kinds of its value, open_clip 3.3.0's default). A test compares names and defaults with open_clip's classes.
NUMBER, COUNT, FLAG, WORD, NONE = "number", "count", "flag", "word", "none"
Fields = dict[str, tuple[tuple[str, ...], object]]
BLOCKS: Fields = {
    "mlp_ratio": ((NUMBER,), 4.0), "ls_init_value": ((NUMBER, NONE), None),
    "final_ln_after_pool": ((FLAG,), False), "output_tokens": ((FLAG,), False), "act_kwargs": (("options", NONE), None),
    "norm_kwargs": (("options", NONE), None), "block_type": ((WORD, NONE), None), "qk_norm": ((FLAG,), False),
    "scaled_cosine_attn": ((FLAG,), False), "scale_heads": ((FLAG,), False), "scale_attn_inner": ((FLAG,), False),
    "scale_attn": ((FLAG,), False), "scale_fc": ((FLAG,), False)}
VISION: Fields = BLOCKS | {
    "layers": ((COUNT, "counts"), 12), "width": ((COUNT,), 768), "head_width": ((COUNT,), 64),
    "patch_size": ((COUNT, NONE), 16), "image_size": ((COUNT, "counts"), 224), "patch_dropout": ((NUMBER,), 0.0),
    "attentional_pool": ((FLAG, WORD), False), "attn_pooler_queries": ((COUNT,), 256),
    "attn_pooler_heads": ((COUNT,), 8), "no_ln_pre": ((FLAG,), False), "pos_embed_type": ((WORD,), "learnable"),
    "pool_type": ((WORD,), "tok"), "timm_model_name": ((WORD, NONE), None), "timm_model_pretrained": ((FLAG,), False),
    "timm_pool": ((WORD, NONE), "avg"), "timm_proj": ((WORD, NONE), "linear"), "timm_proj_bias": ((FLAG,), False),
    "timm_drop": ((NUMBER,), 0.0), "timm_drop_path": ((NUMBER, NONE), None)}
TEXT: Fields = BLOCKS | {
    "context_length": ((COUNT,), 77), "vocab_size": (("id",), 49408), "hf_tokenizer_name": ((WORD, NONE), None),
    "tokenizer_mode": ((WORD, NONE), None), "tokenizer_kwargs": (("options", NONE), None), "width": ((COUNT,), 512),
    "heads": ((COUNT,), 8), "layers": ((COUNT,), 12), "embed_cls": ((FLAG,), False), "pad_id": (("id",), 0),
    "eos_id": (("id",), 2), "no_causal_mask": ((FLAG,), False), "pool_type": ((WORD,), "argmax"),
    "proj_bias": ((FLAG,), False), "proj_type": ((WORD, NONE), "linear"), "hf_model_name": ((WORD, NONE), None),
    "hf_model_pretrained": ((FLAG,), True), "hf_proj_type": ((WORD, NONE), "mlp"),
    "hf_pooler_type": ((WORD, NONE), "mean_pooler")}
MODEL: Fields = {
    "embed_dim": ((COUNT,), None), "vision_cfg": (("object",), None), "text_cfg": (("object",), None),
    "quick_gelu": ((FLAG,), False), "custom_text": ((FLAG,), False), "init_logit_scale": ((NUMBER,), None),
    "init_logit_bias": ((NUMBER, NONE), None), "nonscalar_logit_scale": ((FLAG,), False), "cast_dtype": ((NONE,), None),
    "output_dict": ((FLAG,), False), "multimodal_cfg": (("object",), None)}
PREPROCESS: Fields = {
    "size": ((COUNT, "counts"), None), "mode": ((WORD,), "RGB"), "mean": (("numbers",), None),
    "std": (("numbers",), None), "interpolation": ((WORD,), None), "resize_mode": ((WORD,), None),
    "fill_color": (("id",), 0)}
NO_NETWORK = ("quick_gelu", "custom_text", "timm_model_pretrained", "timm_drop", "timm_drop_path", "patch_dropout",
              "output_tokens", "output_dict", "init_logit_scale", "cast_dtype")     # change no encoder's answers


def read(path: Path) -> Settings:
    """What the file states. `network` is its model_cfg. Raises InputError for unknown fields and values of no sense."""
    content = _parsed(path)
    _check(content, {"model_cfg": (("object",), None), "preprocess_cfg": (("object",), None)}, "", path)
    for key in ("model_cfg", "preprocess_cfg"):
        if key not in content:
            raise InputError(f"no {key}", where=path, expected="model_cfg and preprocess_cfg",
                             remedy="add it, as it was in training; open_clip's own default may be wrong")
    network, pixels = content["model_cfg"], content["preprocess_cfg"]
    _check(network, MODEL, "model_cfg.", path)
    for key, fields in (("vision_cfg", VISION), ("text_cfg", TEXT)):
        _check(_required(network, key, path), fields, f"model_cfg.{key}.", path)
    _required(network, "embed_dim", path)
    _check(pixels, PREPROCESS, "preprocess_cfg.", path)
    name = network["vision_cfg"].get("timm_model_name")
    if name is not None and not MODEL_NAME.fullmatch(name):
        raise InputError("model_cfg.vision_cfg.timm_model_name is no name of timm's", where=path, found=repr(name[:80]),
                         expected="letters, digits and underscores", remedy="correct it")
    return _settings(network, pixels, path)


def _settings(network: dict, pixels: dict, path: Path) -> Settings:
    if pixels.get("mode", "RGB") != "RGB":
        raise InputError("preprocess_cfg.mode cannot be exported", where=path, expected="RGB", found=pixels["mode"],
                         remedy="choose another model")
    size = _square(network["vision_cfg"].get("image_size", VISION["image_size"][1]), path)
    if _square(pixels.get("size", size), path) != size:
        raise InputError("preprocess_cfg.size contradicts model_cfg.vision_cfg.image_size", where=path,
                         expected=size, found=pixels["size"], remedy="correct the wrong one")
    for key, known in (("interpolation", INTERPOLATIONS), ("resize_mode", (*CROPS,))):
        if pixels.get(key, known[0]) not in known:
            raise InputError(f"preprocess_cfg.{key} cannot be exported", where=path, expected=" or ".join(known),
                             found=pixels[key], remedy="choose another model")
    # Files of open_clip before 2.24 have no resize_mode: at that time open_clip knew `shortest` alone.
    return Settings(NAME, size, _tuple(pixels.get("mean")), _tuple(pixels.get("std")), pixels.get("interpolation"),
                    pixels.get("resize_mode", "shortest"), QUICK_GELU if network.get("quick_gelu") else GELU, network)


def _parsed(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"no {NAME}", where=path.parent, found=error.strerror,
                         remedy="name the folder that has it, or write it as open_clip's push_to_hf_hub") from error
    except (ValueError, RecursionError) as error:
        raise InputError("no JSON", where=path, found=str(error)[:200], remedy="correct it") from error
    if not isinstance(content, dict):
        raise InputError("no JSON object", where=path, found=str(content)[:40], expected="model_cfg and preprocess_cfg",
                         remedy="correct it")
    return content


def _required(fields: dict, key: str, path: Path) -> dict:
    if key not in fields:
        raise InputError(f"no model_cfg.{key}", where=path, remedy="add it")
    return fields[key]


def _check(given: dict, known: Fields, within: str, path: Path) -> None:
    for key, value in given.items():
        if key not in known:
            raise InputError(f"unknown field {within}{key}", where=path, expected=", ".join(known),
                             remedy="remove it if the model does not need it")
        if not any(KINDS[kind](value) for kind in known[key][0]):
            raise InputError(f"{within}{key} is no {' or '.join(known[key][0])}", where=path, found=str(value)[:80],
                             remedy="correct it")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST


KINDS = {
    NUMBER: _is_number, COUNT: _is_count, FLAG: lambda value: isinstance(value, bool),
    WORD: lambda value: isinstance(value, str) and len(value) <= 200, NONE: lambda value: value is None,
    "id": lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31,
    "counts": lambda value: isinstance(value, list) and 1 <= len(value) <= 8 and all(map(_is_count, value)),
    "numbers": lambda value: isinstance(value, list) and len(value) == 3 and all(map(_is_number, value)),
    "object": lambda value: isinstance(value, dict),
    "options": lambda value: isinstance(value, dict) and all(
        isinstance(one, str | bool | None) or _is_number(one) for one in value.values())}


def _square(size: int | list[int], path: Path) -> int:
    sides = size if isinstance(size, list) else [size]
    if len(set(sides)) != 1:
        raise InputError("pictures that are not square", where=path, expected="one size", found=size,
                         remedy="choose another model")
    return sides[0]


def _tuple(values: list | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(float(value) for value in values)


def same_network(one: dict, other: dict) -> str | None:
    """The first field of two model_cfg that makes them different networks; None if they are the same one."""
    for key, fields in (("vision_cfg", VISION), ("text_cfg", TEXT), (None, MODEL)):
        ours, theirs = (cfg if key is None else cfg.get(key, {}) for cfg in (one, other))
        for field, (kinds, default) in fields.items():
            if field not in NO_NETWORK and "object" not in kinds \
                    and ours.get(field, default) != theirs.get(field, default):
                return f"{key}.{field}" if key else field
    return None
