"""Models outside the table: the name of an open_clip architecture and a tag of its weights enter, a `ModelSpec` leaves.

Reads the configuration files and the list of weights that open_clip ships, without importing open_clip itself, which
would import torch and take seconds.
"""

import difflib
import importlib
import importlib.util
import json
import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

from export.common.errors import InputError
from export.common.specs import (
    CLIP_TEXT,
    CROPS,
    SIGLIP2_TEXT,
    SIGLIP_I18N_TEXT,
    SIGLIP_TEXT,
    Licence,
    ModelSpec,
    Preprocessing,
    TextSpec,
)
from export.weights.models import AMLR, MIT, PICKLE, SAFETENSORS
from export.weights.settings import aliases

# Of open_clip's tokenizers on the hub: the repositories that hold one vocabulary, and the text side that goes with it.
SIGLIPS = {r"timm/ViT-B-16-SigLIP": SIGLIP_TEXT, r"timm/ViT-B-16-SigLIP-i18n-256": SIGLIP_I18N_TEXT,
           r"timm/ViT-(B-16|B-32|L-16|SO400M-14|SO400M-16|gopt-16)-SigLIP2(-\d+)?": SIGLIP2_TEXT}
CLEANING = {"clean": "canonicalize"}         # of all of them: the steps of these text sides
POOLS = {"end": "argmax", "last": "last"}    # TextSpec's pooling, open_clip's pool_type
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
    "timm/ViT-B-16-SigLIP": APACHE,
    "timm/ViT-B-16-SigLIP-i18n-256": APACHE,
    "timm/ViT-B-16-SigLIP2": APACHE,
    "timm/ViT-B-32-SigLIP2-256": APACHE,
    "Marqo/marqo-ecommerce-embeddings-B": APACHE,
    "Marqo/marqo-ecommerce-embeddings-L": APACHE,
    "Marqo/marqo-fashionCLIP": APACHE,
    "Marqo/marqo-fashionSigLIP": APACHE,
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
    InputError for an unknown name, an architecture with a text side that is not known here, a missing or unknown tag,
    and a preprocessing that the ports do not have.
    """
    known = all_names()
    name = aliases.known(name, known) or name
    if name not in known:
        raise InputError(f"unknown model {name!r}", expected=f"one of {', '.join(names)}, or an open_clip architecture",
                         remedy=_instead(name, (*names, *known)))
    config = configuration(name)
    text = text_side(name, config)
    if own and not pretrained:
        return spec_of(name, None, config, {"hf_hub": "", "quick_gelu": config.get("quick_gelu", False)} | own, text)
    tag, settings = _tag(name, pretrained)
    return spec_of(name, tag, config, settings, text)


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


def text_side(name: str, config: dict, repository: str | None = None) -> TextSpec:
    """The text side of a configuration: CLIP's, SigLIP's or SigLIP 2's, with the model's own context length.

    `repository`: the model's own on the hub, whose tokenizer a fine-tuned SigLIP may name. Raises InputError for any
    other tokenizer, and for a text tower that another model with this tokenizer does not have.
    """
    text = config.get("text_cfg", {})
    tokenizer, words = text.get("hf_tokenizer_name"), text.get("vocab_size", CLIP_TEXT.vocabulary)
    side = CLIP_TEXT if tokenizer is None else _side_of(tokenizer, words, repository)
    usual = side or CLIP_TEXT
    kwargs, pool = text.get("tokenizer_kwargs") or {}, text.get("pool_type", POOLS[CLIP_TEXT.pooling])
    reasons = {
        "a text model from the transformers library": "hf_model_name" in text,
        f"the tokenizer {tokenizer}": side is None,
        "a captioning decoder (CoCa)": "multimodal_cfg" in config,
        f"{words} words": words != usual.vocabulary,
        f"pooling by {pool!r}": pool != POOLS[usual.pooling],
        "a causal mask": usual.mask == "none" and not text.get("no_causal_mask", False),
        f"the cleaning {kwargs}": kwargs != ({} if usual is CLIP_TEXT else CLEANING) and side is not None,
        "a class token": text.get("embed_cls", False),
        "no projection": text.get("proj_type", "linear") == "none",
    }
    obstacles = [reason for reason, holds in reasons.items() if holds]
    if obstacles:
        raise InputError(f"MODEL={name} cannot be exported", expected="CLIP's tokenizer, SigLIP's or SigLIP 2's",
                         found=" and ".join(obstacles), remedy="choose another model")
    return replace(usual, context_length=text.get("context_length", CLIP_TEXT.context_length))


def _side_of(tokenizer: str, words: int, repository: str | None) -> TextSpec | None:
    """The text side of a tokenizer on the hub; of a model's own one, that with as many words."""
    own = repository is not None and tokenizer.removeprefix(aliases.HUB) == repository
    return next((side for pattern, side in SIGLIPS.items()
                 if re.fullmatch(pattern, tokenizer) or (own and words == side.vocabulary)), None)


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


def spec_of(name: str, pretrained: str | None, config: dict, tag: Tag, text: TextSpec) -> ModelSpec:
    """The row of a model: its network from `config`, its pixels, activation and weights from `tag`, its text side."""
    size = config["vision_cfg"].get("image_size", 224)      # open_clip.model.CLIPVisionCfg's default
    if not isinstance(size, int):
        raise InputError(f"MODEL={name} cannot be exported", expected="square pictures", found=f"size {size}",
                         remedy="choose another model")
    for key, known in (("resize_mode", (*CROPS,)), ("interpolation", ("bilinear", "bicubic"))):
        if tag[key] not in known:
            raise InputError(f"MODEL={name} PRETRAINED={pretrained} cannot be exported", expected=" or ".join(known),
                             found=tag[key], remedy="choose another PRETRAINED or another model")
    hub, file, fallback = _hub_files(tag["hf_hub"])
    tokenizer = config.get("text_cfg", {}).get("hf_tokenizer_name")
    card = f"https://huggingface.co/{hub}" if hub else tag.get("url", "")
    licence = LICENCES[hub] if hub in LICENCES else Licence(UNKNOWN_LICENCE, card, commercial_use=None)
    return ModelSpec(
        name, name, pretrained, hub, file,
        Preprocessing(size, tuple(tag["mean"]), tuple(tag["std"]), tag["interpolation"], tag["resize_mode"]),
        config["embed_dim"], None, licence, text,
        labels="softmax" if config.get("init_logit_bias") is None else "sigmoid",
        vocabulary_hub=tokenizer.removeprefix(aliases.HUB) if tokenizer else None,
        fallback_file=fallback, quick_gelu=tag.get("quick_gelu", False))


def _hub_files(entry: str) -> tuple[str | None, str | None, str | None]:
    """open_clip's "owner/name/" or "owner/name/file" as repository, safetensors file, pickle, in open_clip's order."""
    if not entry:
        return None, None, None
    repository, _, file = entry.rpartition("/")
    if not file:
        return repository, SAFETENSORS, PICKLE
    return repository, str(Path(file).with_suffix(".safetensors")), file
