"""MobileCLIP-S0, first version, which open_clip lacks.

In: normalised pixels float32 [N, 3, 256, 256] and CLIP token ids int [N, 77]. Out: embeddings float32 [N, 512], not of
unit length. The arrangement follows Apple's published code (ml-mobileclip, configs/mobileclip_s0.json, text_encoder.py,
modules/text/repmixer.py); the image tower is timm's `fastvit_mci0`, the attention layers are open_clip's.
"""

import torch
from open_clip.timm_model import TimmModel
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn

from export.weights.networks.towers import TwoTowers

IMAGE_SIZE, WIDTH, HEADS, ATTENTION_LAYERS = 256, 512, 8, 4
CONTEXT_LENGTH, VOCABULARY = 77, 49408
TAPS = 11                                    # tokens that the depthwise convolutions see
MLP_RATIO = 4


def build() -> TwoTowers:
    """MobileCLIP-S0, its weights not yet loaded."""
    visual = TimmModel("fastvit_mci0", embed_dim=WIDTH, image_size=IMAGE_SIZE, pool="avg", proj=None, drop_path=0.0)
    return TwoTowers(visual, MixedTextTransformer())


class MixedTextTransformer(nn.Module):
    """Token ids [N, 77] -> [N, 512]: four attention layers between two convolutional ones, no causal mask.

    The attribute names are those of open_clip's TextTransformer; `features` gives every token's final features.
    """

    attn_mask = None
    pool_type = "argmax"

    def __init__(self) -> None:
        super().__init__()
        self.context_length = CONTEXT_LENGTH
        self.token_embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.positional_embedding = nn.Parameter(torch.zeros(CONTEXT_LENGTH, WIDTH))
        attention = [ResidualAttentionBlock(WIDTH, HEADS, mlp_ratio=MLP_RATIO) for _ in range(ATTENTION_LAYERS)]
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList([ConvolutionalLayer(WIDTH), *attention, ConvolutionalLayer(WIDTH)])
        self.ln_final = nn.LayerNorm(WIDTH)
        self.text_projection = nn.Parameter(torch.zeros(WIDTH, WIDTH))

    def features(self, text: Tensor) -> Tensor:
        """Token ids [N, 77] -> final features of every token [N, 77, 512]."""
        x = self.token_embedding(text) + self.positional_embedding
        for layer in self.transformer.resblocks:
            x = layer(x)
        return self.ln_final(x)

    def forward(self, text: Tensor) -> Tensor:
        end = text.argmax(dim=-1)            # the end token has the highest id
        return self.features(text)[torch.arange(len(text)), end] @ self.text_projection


class ConvolutionalLayer(nn.Module):
    """RepMixer along the tokens, then a convolutional feed-forward; [N, 77, width] -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token_mixer = TokenMixer(width)
        self.mlp = ConvolutionalMlp(width)
        self.layer_scale: nn.Parameter | None = nn.Parameter(torch.full((width, 1, 1), 1e-5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.token_mixer(x.transpose(1, 2).unsqueeze(2))           # [N, width, 1, 77]
        x = x + (self.mlp(x) if self.layer_scale is None else self.layer_scale * self.mlp(x))
        return x.squeeze(2).transpose(1, 2)

    def reparameterize(self) -> None:
        """Folds the layer scale into the last convolution, in place."""
        if self.layer_scale is None:
            return
        scale, last = self.layer_scale.detach().double().flatten(), self.mlp.fc2
        last.weight = _fixed(scale.view(-1, 1, 1, 1) * last.weight.detach().double())
        last.bias = _fixed(scale * last.bias.detach().double())
        self.layer_scale = None


class TokenMixer(nn.Module):
    """x + scale * (norm_skip(x) + conv_norm(conv(x)) - norm(x)) on [N, width, 1, 77]; one convolution once folded."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = _depthwise(width, bias=False)
        self.conv_norm = nn.BatchNorm2d(width)
        self.skip_norm = nn.BatchNorm2d(width)
        self.norm = nn.BatchNorm2d(width)
        self.layer_scale = nn.Parameter(torch.full((width, 1, 1), 1e-5))
        self.folded: nn.Conv2d | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.folded is not None:
            return self.folded(x)
        return x + self.layer_scale * (self.skip_norm(x) + self.conv_norm(self.conv(x)) - self.norm(x))

    def reparameterize(self) -> None:
        """Replaces the branches by one convolution, in place; timm.utils.reparameterize_model calls this."""
        if self.folded is not None:
            return
        conv_scale, conv_shift = _as_scale_and_shift(self.conv_norm)
        skip_scale, skip_shift = _as_scale_and_shift(self.skip_norm)
        norm_scale, norm_shift = _as_scale_and_shift(self.norm)
        layer_scale = self.layer_scale.detach().double().flatten()
        kernel = (layer_scale * conv_scale).view(-1, 1, 1, 1) * self.conv.weight.detach().double()
        kernel[:, 0, 0, TAPS // 2] += 1 + layer_scale * (skip_scale - norm_scale)
        self.folded = _fixed_depthwise(kernel, layer_scale * (conv_shift + skip_shift - norm_shift))
        del self.conv, self.conv_norm, self.skip_norm, self.norm, self.layer_scale


class ConvolutionalMlp(nn.Module):
    """Depthwise convolution, batch norm and two pointwise convolutions on [N, width, 1, 77]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = _depthwise(width, bias=False)
        self.norm: nn.BatchNorm2d | None = nn.BatchNorm2d(width)
        self.fc1 = nn.Conv2d(width, MLP_RATIO * width, kernel_size=1)
        self.act = nn.GELU()
        self.fc2 = nn.Conv2d(MLP_RATIO * width, width, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return self.fc2(self.act(self.fc1(x)))

    def reparameterize(self) -> None:
        """Folds the batch norm into the convolution, in place."""
        if self.norm is None:
            return
        scale, shift = _as_scale_and_shift(self.norm)
        self.conv = _fixed_depthwise(scale.view(-1, 1, 1, 1) * self.conv.weight.detach().double(), shift)
        self.norm = None


def _depthwise(width: int, bias: bool) -> nn.Conv2d:
    return nn.Conv2d(width, width, kernel_size=(1, TAPS), padding=(0, TAPS // 2), groups=width, bias=bias)


def _fixed_depthwise(kernel: Tensor, bias: Tensor) -> nn.Conv2d:
    conv = _depthwise(len(kernel), bias=True)
    conv.weight, conv.bias = _fixed(kernel), _fixed(bias)
    return conv


def _fixed(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value.float(), requires_grad=False)


def _as_scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The batch norm in evaluation mode as float64 (scale, shift), so that norm(x) = scale * x + shift."""
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    return scale, norm.bias.detach().double() - scale * norm.running_mean.double()
