"""A loaded Chinese-CLIP enters; the same weights in the transformers library's own networks leave.

The exporter's BERT is written here in this repository, so the gate compares its artefacts with another one. The picture
tower of Chinese-CLIP-RN50, which transformers does not have, is open_clip's own.
"""

from typing import Any

from torch import Tensor, nn

from export.common.specs import ModelSpec
from export.weights.networks.chinese_clip import configuration

# Parts of our names (cn_clip's and open_clip's) and of transformers', in the order in which they are replaced.
PICTURE_NAMES = (("transformer.resblocks.", "encoder.layers."), (".attn.", ".self_attn."), (".ln_1.", ".layer_norm1."),
                 (".ln_2.", ".layer_norm2."), (".mlp.c_fc.", ".mlp.fc1."), (".mlp.c_proj.", ".mlp.fc2."),
                 ("ln_pre.", "pre_layrnorm."), ("ln_post.", "post_layernorm."),
                 ("class_embedding", "embeddings.class_embedding"), ("conv1.", "embeddings.patch_embedding."))
PLACES, JOINED = "positional_embedding", ".attn.in_proj_"


class TransformersTowers(nn.Module):
    """`encode_image` and `encode_text` of `model`, by transformers' ChineseCLIPVisionModel and ChineseCLIPTextModel."""

    def __init__(self, model: nn.Module, spec: ModelSpec):
        super().__init__()
        self.pad_token, config = spec.text.pad_token, configuration(spec)
        self.text, self.text_projection = text_model(model.text, config["text_cfg"]), model.text.text_projection
        if config["vision_cfg"]["patch_size"] is None:
            self.visual, self.projection = model.visual, None
        else:
            self.visual, self.projection = vision_model(model.visual, config["vision_cfg"]), model.visual.proj

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Normalised pixels [N, 3, S, S] -> [N, dim], of unit length if asked."""
        features = self.visual(image) if self.projection is None else \
            self.visual(pixel_values=image).pooler_output @ self.projection
        return nn.functional.normalize(features, dim=-1) if normalize else features

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Token ids [N, L] -> [N, dim], of unit length if asked."""
        answer = self.text(input_ids=text, attention_mask=(text != self.pad_token).long())
        features = answer.last_hidden_state[:, 0] @ self.text_projection
        return nn.functional.normalize(features, dim=-1) if normalize else features


def text_model(text: nn.Module, config: dict[str, Any]) -> nn.Module:
    """transformers' BERT with the weights of `text`. The activation is the library's default."""
    from transformers import ChineseCLIPTextConfig, ChineseCLIPTextModel

    made = ChineseCLIPTextModel(ChineseCLIPTextConfig(
        vocab_size=config["vocab_size"], hidden_size=config["width"], intermediate_size=4 * config["width"],
        num_hidden_layers=config["layers"], num_attention_heads=config["heads"]), add_pooling_layer=False)
    made.load_state_dict({key.removeprefix("bert."): value for key, value in text.state_dict().items()
                          if key.startswith("bert.")})
    return made.eval().requires_grad_(False)


def vision_model(visual: nn.Module, config: dict[str, Any]) -> nn.Module:
    """transformers' ViT with the weights of `visual`, not its projection. The activation is the library's default."""
    from transformers import ChineseCLIPVisionConfig, ChineseCLIPVisionModel

    width, heads = config["width"], config["width"] // config.get("head_width", 64)
    made = ChineseCLIPVisionModel(ChineseCLIPVisionConfig(
        hidden_size=width, intermediate_size=4 * width, num_hidden_layers=config["layers"], num_attention_heads=heads,
        image_size=config["image_size"], patch_size=config["patch_size"]))
    made.load_state_dict(picture_state(visual.state_dict()))
    return made.eval().requires_grad_(False)


def picture_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a ViT with transformers' names; queries, keys and values apart."""
    apart = {key.replace(JOINED, f".attn.{part}_proj."): rows for key, value in state.items() if JOINED in key
             for part, rows in zip("qkv", value.chunk(3), strict=True)}
    kept = {key: value for key, value in state.items() if JOINED not in key and key not in ("proj", PLACES)}
    return {_named(key): value for key, value in (kept | apart).items()} | {
        "embeddings.position_embedding.weight": state[PLACES]}


def _named(key: str) -> str:
    for ours, theirs in PICTURE_NAMES:
        key = key.replace(ours, theirs)
    return key
