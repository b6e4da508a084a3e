"""Models outside the table: the name of an open_clip architecture and a tag of its weights enter, a `ModelSpec` leaves.

Reads the configuration files and the list of weights that open_clip ships, without importing open_clip itself, which
would import torch and take seconds.
"""

import difflib
import importlib
import importlib.util
import json
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

from export.common.errors import InputError
from export.common.specs import CLIP_TEXT, CROPS, Licence, ModelSpec, Preprocessing, TextSpec
from export.weights.models import AMLR, MIT, PICKLE, SAFETENSORS
from export.weights.settings import aliases

VOCABULARY = CLIP_TEXT.end_token + 1          # the end token is CLIP's last token
OWN = "CHECKPOINT= with open_clip_config.json beside it, or with MEAN=, STD= and INTERPOLATION="
UNKNOWN_LICENCE = "unknown; see the model card"
APACHE = Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", commercial_use=True)
CC_BY_NC = Licence("CC-BY-NC-4.0", "https://creativecommons.org/licenses/by-nc/4.0/", commercial_use=False)
LICENCES = {                                 # as the cards of these hub repositories say, read in November 2026
    "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K": MIT,
    "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K": MIT,
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": MIT,
    "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K": MIT,
    "laion/CLIP-convnext_base_w-laion2B-s13B-b82K-augreg": MIT,
    "jienengchen/ViTamin-S": MIT,
    "timm/PE-Core-T-16-384": APACHE,
    "timm/PE-Core-S-16-384": APACHE,
    "timm/PE-Core-B-16": APACHE,
    "timm/PE-Core-L-14-336": APACHE,
    "timm/PE-Core-bigG-14-448": APACHE,
    "apple/DFN2B-CLIP-ViT-B-16": AMLR,
    "apple/DFN2B-CLIP-ViT-L-14": AMLR,
    "apple/DFN2B-CLIP-ViT-L-14-39B": AMLR,
    "apple/DFN5B-CLIP-ViT-H-14": AMLR,
    "apple/DFN5B-CLIP-ViT-H-14-378": AMLR,
    "timm/vit_base_patch16_clip_224.metaclip_400m": CC_BY_NC,
    "timm/vit_base_patch32_clip_224.metaclip_400m": CC_BY_NC,
}

Tag = dict[str, Any]                         # open_clip.pretrained's: hf_hub, mean, std, interpolation, resize_mode, …


def find(name: str, pretrained: str | None, names: tuple[str, ...] = (), own: Tag | None = None) -> ModelSpec:
    """The open_clip architecture `name` with the weights tagged `pretrained`; `names` are suggested beside open_clip's.

    `own` is what a tag would state of a checkpoint without one. Context length and resize mode are the model's. Raises
    InputError for an unknown name, an architecture without CLIP's tokenizer, a missing or unknown tag, and a
    preprocessing that the ports do not have.
    """
    known = all_names()
    name = aliases.known(name, known) or name
    if name not in known:
        raise InputError(f"unknown model {name!r}", expected=f"one of {', '.join(names)}, or an open_clip architecture",
                         remedy=_instead(name, (*names, *known)))
    config = configuration(name)
    refuse_other_text_towers(name, config)
    if own and not pretrained:
        return spec_of(name, None, config, {"hf_hub": "", "quick_gelu": config.get("quick_gelu", False)} | own)
    tag, settings = _tag(name, pretrained)
    return spec_of(name, tag, config, settings)


def _instead(name: str, names: tuple[str, ...]) -> str:
    """What to write in place of an unknown name."""
    if "/" in name:
        return (f"MODEL=hf-hub:{name}, if that repository has open_clip_config.json; or MODEL= of its network, with "
                "CHECKPOINT=folder of its files")
    close = difflib.get_close_matches(name.lower(), [one.lower() for one in names], n=3)
    like = [one for one in names if one.lower() in close]
    return f"did you mean {' or '.join(like)}?" if like else "see the table in README.md"


def all_names() -> list[str]:
    """The names of open_clip's architectures."""
    return sorted(path.stem for path in (_package() / "model_configs").glob("*.json"))


def configuration(name: str) -> dict:
    """open_clip's model_cfg of an architecture."""
    return json.loads((_package() / "model_configs" / f"{name}.json").read_text())


def is_installed() -> bool:
    """Whether open_clip is there: an environment for catalogs alone has none."""
    return importlib.util.find_spec("open_clip") is not None


def _package() -> Path:
    spec = importlib.util.find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise InputError("open_clip is not installed", remedy="run make, which makes the environment")
    return Path(spec.origin).parent


def refuse_other_text_towers(name: str, config: dict) -> None:
    """Raises InputError for a text tower without CLIP's tokenizer or pooling."""
    text = config.get("text_cfg", {})
    reasons = {
        "a text model from the transformers library": "hf_model_name" in text,
        f"the tokenizer {text.get('hf_tokenizer_name')}": "hf_tokenizer_name" in text,
        "a captioning decoder (CoCa)": "multimodal_cfg" in config,
        f"{text.get('vocab_size')} words": text.get("vocab_size", VOCABULARY) != VOCABULARY,
        f"pooling by {text.get('pool_type')!r}": text.get("pool_type", "argmax") != "argmax",
        "a class token": text.get("embed_cls", False),
    }
    obstacles = [reason for reason, holds in reasons.items() if holds]
    if obstacles:
        raise InputError(f"MODEL={name} cannot be exported", expected="CLIP's own tokenizer",
                         found=" and ".join(obstacles), remedy="choose another model")


def _tag(name: str, pretrained: str | None) -> tuple[str, dict]:
    tags = _pretrained_list().get(name, {})
    if not tags:
        raise InputError(f"MODEL={name} has no published weights in open_clip, so its preprocessing is not known",
                         remedy=f"choose another model, or {OWN}")
    if not pretrained and len(tags) == 1:
        pretrained = next(iter(tags))
    if not pretrained:
        raise InputError(f"MODEL={name} needs PRETRAINED=, which fixes the preprocessing and the activation",
                         expected=f"one of {', '.join(tags)}", found="nothing",
                         remedy=f"MODEL={name} PRETRAINED={next(iter(tags))}; for weights of your own {OWN}")
    if pretrained not in tags:
        close = difflib.get_close_matches(pretrained, tags, n=1)
        raise InputError(f"unknown PRETRAINED={pretrained} for MODEL={name}", expected=f"one of {', '.join(tags)}",
                         remedy=f"PRETRAINED={(close or list(tags))[0]}")
    return pretrained, tags[pretrained]


def _pretrained_list() -> dict[str, dict[str, dict]]:
    """open_clip.pretrained's table {architecture: {tag: settings}}."""
    if "open_clip" in sys.modules:
        return sys.modules["open_clip"].pretrained._PRETRAINED
    # Imported under another package name, so that open_clip/__init__.py does not run, which would import torch (6 s).
    # The module also imports safetensors.torch, and works without it.
    alias = types.ModuleType("_open_clip_lists")
    alias.__path__ = [str(_package())]
    blocked = "safetensors.torch" not in sys.modules
    sys.modules[alias.__name__] = alias
    if blocked:
        modules: dict[str, Any] = sys.modules
        modules["safetensors.torch"] = None
    try:
        return importlib.import_module(f"{alias.__name__}.pretrained")._PRETRAINED
    finally:
        if blocked:
            del sys.modules["safetensors.torch"]
        for module in [m for m in sys.modules if m.split(".")[0] == alias.__name__]:
            del sys.modules[module]


def spec_of(name: str, pretrained: str | None, config: dict, tag: Tag) -> ModelSpec:
    """The row of a model: its network from `config`, its pixels, activation and weights from `tag`."""
    size = config["vision_cfg"].get("image_size", 224)      # open_clip.model.CLIPVisionCfg's default
    if not isinstance(size, int):
        raise InputError(f"MODEL={name} cannot be exported", expected="square pictures", found=f"size {size}",
                         remedy="choose another model")
    for key, known in (("resize_mode", (*CROPS,)), ("interpolation", ("bilinear", "bicubic"))):
        if tag[key] not in known:
            raise InputError(f"MODEL={name} PRETRAINED={pretrained} cannot be exported", expected=" or ".join(known),
                             found=tag[key], remedy="choose another PRETRAINED or another model")
    hub, file, fallback = _hub_files(tag["hf_hub"])
    card = f"https://huggingface.co/{hub}" if hub else tag.get("url", "")
    licence = LICENCES[hub] if hub in LICENCES else Licence(UNKNOWN_LICENCE, card, commercial_use=None)
    return ModelSpec(
        name, name, pretrained, hub, file,
        Preprocessing(size, tuple(tag["mean"]), tuple(tag["std"]), tag["interpolation"], tag["resize_mode"]),
        config["embed_dim"], None, licence, _text(config.get("text_cfg", {})),
        fallback_file=fallback, quick_gelu=tag.get("quick_gelu", False))


def _text(config: dict) -> TextSpec:
    """CLIP's text side with the model's own context length."""
    return replace(CLIP_TEXT, context_length=config.get("context_length", CLIP_TEXT.context_length))


def _hub_files(entry: str) -> tuple[str | None, str | None, str | None]:
    """open_clip's "owner/name/" or "owner/name/file" as repository, safetensors file, pickle, in open_clip's order."""
    if not entry:
        return None, None, None
    repository, _, file = entry.rpartition("/")
    if not file:
        return repository, SAFETENSORS, PICKLE
    return repository, str(Path(file).with_suffix(".safetensors")), file
