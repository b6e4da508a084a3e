"""A row of the table enters; Chinese-CLIP's network leaves: open_clip's picture tower and BERT as the text tower.

The sizes are those of cn_clip 1.6.0 (clip/model_configs), written as open_clip's model_cfg.
"""

import json
from typing import Any

from torch import nn

from export.common.specs import ModelSpec
from export.weights.models import CHINESE_B16, CHINESE_L14, CHINESE_RN50
from export.weights.networks.bert import BertText
from export.weights.networks.towers import TwoTowers

_BERT = {"vocab_size": 21128, "width": 768, "heads": 12, "layers": 12}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    CHINESE_RN50: {"embed_dim": 1024, "text_cfg": _BERT | {"layers": 3},
           "vision_cfg": {"image_size": 224, "layers": [3, 4, 6, 3], "width": 64, "patch_size": None}},
    CHINESE_B16: {"embed_dim": 512, "text_cfg": _BERT,
          "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 16}},
    CHINESE_L14: {"embed_dim": 768, "text_cfg": _BERT,
          "vision_cfg": {"image_size": 224, "layers": 24, "width": 1024, "patch_size": 14}},
}


def configuration(spec: ModelSpec) -> dict[str, Any]:
    """The sizes of the network of `spec`: its own, or those of its architecture."""
    return CONFIGURATIONS[spec.architecture] if spec.network is None else json.loads(spec.network)


def build(spec: ModelSpec) -> TwoTowers:
    """The network of `spec`. The text tower's activation is GELU in all."""
    config = configuration(spec)
    text = config["text_cfg"]
    return TwoTowers(_visual(config, spec.quick_gelu), BertText(
        text["vocab_size"], text["width"], text["heads"], text["layers"], config["embed_dim"], spec.text))


def _visual(config: dict[str, Any], quick_gelu: bool) -> nn.Module:
    from open_clip.model import CLIPVisionCfg, _build_vision_tower

    return _build_vision_tower(config["embed_dim"], CLIPVisionCfg(**config["vision_cfg"]), quick_gelu)
