"""The bundled demo models: a small FastViT and a small CLIP text transformer, with the layer families of MobileCLIP.

In: `image`, normalised pixels float32 [N, 3, 64, 64] (mean 0, std 1, so plain 0 to 1), and `text`, CLIP token ids
int [N, 77]. Out: one embedding each, float32 [N, 128], not yet of unit length. The weights are made by demo/train.py.
demo-world has the same image tower and a small BERT over ids int [N, 32]; demo/world/ makes its weights.
"""

from functools import partial

from open_clip.transformer import TextTransformer
from timm.models.fastvit import FastVit, RepConditionalPosEnc

from export.common.specs import ModelSpec
from export.weights.networks.bert import BertText
from export.weights.networks.towers import TwoTowers

IMAGE_SIZE = 64
EMBED_DIM = 128
CONTEXT_LENGTH = 77
VOCABULARY = 49408


def build_visual() -> FastVit:
    """The image tower: RepMixer in three stages, attention in the last; [N, 3, 64, 64] -> [N, 128].

    `timm.utils.reparameterize_model` folds the tower's branches.
    """
    position = partial(RepConditionalPosEnc, spatial_shape=(7, 7))
    return FastVit(
        layers=(1, 1, 2, 1),
        embed_dims=(24, 48, 96, 192),
        mlp_ratios=(3, 3, 3, 3),
        token_mixers=("repmixer", "repmixer", "repmixer", "attention"),
        pos_embs=(None, None, None, position),
        layer_scale_init_value=0.1,          # timm's 1e-5 hardly grows in a short training
        num_classes=EMBED_DIM,
    )


def build_text() -> TextTransformer:
    """The text tower: causal, pooled at the end token (the largest id); ids [N, 77] -> [N, 128]."""
    return TextTransformer(context_length=CONTEXT_LENGTH, vocab_size=VOCABULARY, width=64, heads=4, layers=2,
                           output_dim=EMBED_DIM, pool_type="argmax")


def build_demo() -> TwoTowers:
    """Both towers and the scale, with fresh random weights."""
    return TwoTowers(build_visual(), build_text())


def build_world(spec: ModelSpec) -> TwoTowers:
    """The image tower, and demo-world's text tower: ids [N, 32] -> [N, 128], the mean over all tokens but the pads."""
    text = BertText(spec.text.vocabulary, width=64, heads=4, layers=2, dim=EMBED_DIM, spec=spec.text,
                    positions=spec.text.context_length)
    return TwoTowers(build_visual(), text)
