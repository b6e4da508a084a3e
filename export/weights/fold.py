"""A reparameterised image tower enters; an equal copy leaves, with its constant factors folded into the weights.

timm's reparameterisation leaves batch norms after a convolution and before attention, LayerScale, and the projection of
an attention pooling's constant query; open_clip's ResNet and timm's ConvNeXt have such, too. Each converter would fold
a different subset. Folding here gives all formats the same small graph. The arithmetic is float64, rounded once.
"""

import copy

import torch
from open_clip.modified_resnet import AttentionPool2d, Bottleneck, ModifiedResNet
from timm.layers import AttentionPoolLatent, ConvNormAct, RelPosMlp
from timm.models.convnext import ConvNeXtBlock
from timm.models.eva import EvaAttention
from timm.models.fastvit import Attention, AttentionBlock, LayerScale2d, RepMixerBlock
from timm.models.swin_transformer import WindowAttention
from timm.models.vision_transformer_relpos import RelPosAttention
from torch import Tensor, nn


def folded(tower: nn.Module) -> nn.Module:
    """A copy of `tower` (any network; what is none of the blocks named here stays as it is)."""
    tower = copy.deepcopy(tower).requires_grad_(False)
    for module in tower.modules():
        if isinstance(module, ConvNormAct):
            fold_norm_after(module)
        elif isinstance(module, AttentionPoolLatent):
            fold_query(module)
        elif isinstance(module, RepMixerBlock):
            module.layer_scale = fold_scale_after(module.mlp.fc2, module.layer_scale)
        elif isinstance(module, AttentionBlock):
            module.norm = fold_norm_before(module.token_mixer, module.norm)
            module.layer_scale_1 = fold_scale_after(module.token_mixer.proj, module.layer_scale_1)
            module.layer_scale_2 = fold_scale_after(module.mlp.fc2, module.layer_scale_2)
        elif isinstance(module, ConvNeXtBlock) and module.gamma is not None:
            scale_outputs(module.mlp.fc2, module.gamma.double())
            module.gamma = None
        elif isinstance(module, (Bottleneck, ModifiedResNet)):
            fold_norms_of_resnet(module)
        elif isinstance(module, EvaAttention) and module.q_bias is not None:
            module.qkv.bias = fixed(torch.cat([module.q_bias, module.k_bias, module.v_bias]))
            module.q_bias = module.k_bias = module.v_bias = None
        elif isinstance(module, WindowAttention):
            gather_bias(module)
        elif isinstance(module, RelPosAttention) and isinstance(module.rel_pos, RelPosMlp):
            module.rel_pos = PositionBias(module.rel_pos)
    return tower


def fold_norm_after(block: ConvNormAct) -> None:
    """Folds a batch norm into the convolution before: s (w x + b) + t = (s w) x + (s b + t). The activation stays."""
    if isinstance(block.bn, nn.BatchNorm2d):
        fold_into(block.conv, block.bn)
        block.bn = nn.Sequential(getattr(block.bn, "drop", nn.Identity()), getattr(block.bn, "act", nn.Identity()))


def fold_norms_of_resnet(module: Bottleneck | ModifiedResNet) -> None:
    """As `fold_norm_after`, for the three convolutions of open_clip's stem and blocks, and for a block's shortcut."""
    for place in "123":
        fold_into(module.get_submodule(f"conv{place}"), module.get_submodule(f"bn{place}"))
        module.set_submodule(f"bn{place}", nn.Identity())
    if isinstance(module, ModifiedResNet):
        module.attnpool = MeanAttention(module.attnpool)
    if getattr(module, "downsample", None) is not None:
        fold_into(module.downsample.get_submodule("0"), module.downsample.get_submodule("1"))
        module.downsample.set_submodule("1", nn.Identity())


def fold_into(conv: nn.Module, norm: nn.BatchNorm2d) -> None:
    """Gives the convolution the factors of the norm after it."""
    scale, shift = scale_and_shift(norm)
    scale_outputs(conv, scale)
    add_to_bias(conv, shift)


def fold_query(pool: AttentionPoolLatent) -> None:
    """Makes one constant of an attention pooling's learnt query, which no picture changes: projected and scaled."""
    if isinstance(pool.q, nn.Linear) and isinstance(pool.q_norm, nn.Identity):
        bias = 0 if pool.q.bias is None else pool.q.bias.double()
        pool.latent = fixed((pool.latent.double() @ pool.q.weight.double().T + bias) * pool.scale)
        pool.q, pool.scale, pool.fused_attn = nn.Identity(), 1.0, False          # fused attention would scale again


def gather_bias(attention: WindowAttention) -> None:
    """Makes the table of position biases the very sum that attention takes, one row for each pair of places."""
    table, index = attention.relative_position_bias_table, attention.relative_position_index
    attention.relative_position_bias_table = fixed(table[index.reshape(-1)].double())
    attention.relative_position_index = torch.arange(index.numel()).reshape(index.shape)


class PositionBias(nn.Module):
    """A bias of attention [1, heads, L, L] that a small network computed from positions, which no picture changes."""

    def __init__(self, network: RelPosMlp):
        super().__init__()
        self.bias = fixed(network.double().get_bias())

    def get_bias(self) -> Tensor:
        return self.bias

    def forward(self, scores: Tensor, shared_rel_pos: Tensor | None = None) -> Tensor:
        return scores + self.bias


def fold_norm_before(attention: Attention, norm: nn.Module) -> nn.Module:
    """Folds a batch norm into the linear layer after: W (s x + t) + b = (W s) x + (W t + b). Returns its substitute."""
    if type(norm) is not nn.BatchNorm2d:
        return norm
    scale, shift = scale_and_shift(norm)
    weight = attention.qkv.weight.double()
    add_to_bias(attention.qkv, weight @ shift)
    attention.qkv.weight = fixed(weight * scale)
    return nn.Identity()


def fold_scale_after(layer: nn.Module, scale: nn.Module) -> nn.Module:
    """Folds a LayerScale into the linear layer or convolution before. Returns the scale's substitute."""
    if not isinstance(scale, LayerScale2d):
        return scale
    scale_outputs(layer, scale.gamma.double().flatten())
    return nn.Identity()


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """The batch norm in evaluation mode as float64 (s, t), so that norm(x) = s x + t, channel by channel."""
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return scale, norm.bias.double() - scale * norm.running_mean.double()


def scale_outputs(layer: nn.Module, scale: Tensor) -> None:
    """Multiplies each output channel of `layer`, weight and bias, by its factor."""
    layer.weight = fixed(layer.weight.double() * scale.view(-1, *[1] * (layer.weight.ndim - 1)))
    if layer.bias is not None:
        layer.bias = fixed(layer.bias.double() * scale)


def add_to_bias(layer: nn.Module, shift: Tensor) -> None:
    """Adds `shift` to the bias of `layer`, which gets one if it has none."""
    layer.bias = fixed(shift if layer.bias is None else layer.bias.double() + shift)


def fixed(value: Tensor) -> nn.Parameter:
    """`value` as a float32 parameter without gradient."""
    return nn.Parameter(value.to(torch.float32), requires_grad=False)


class MeanAttention(nn.Module):
    """An AttentionPool2d of open_clip, [N, C, H, W] -> [N, dim], that computes what is used of it: the mean's answer.

    The original concatenates the biases of its projections, which a converter stores as one tensor, or not at all.
    """

    def __init__(self, pool: AttentionPool2d):
        super().__init__()
        self.heads, self.positional_embedding = pool.num_heads, pool.positional_embedding
        self.q_proj, self.k_proj, self.v_proj, self.c_proj = pool.q_proj, pool.k_proj, pool.v_proj, pool.c_proj

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1) + self.positional_embedding
        query, key, value = (self.apart(part) for part in
                             (self.q_proj(tokens[:, :1]), self.k_proj(tokens), self.v_proj(tokens)))
        # Scaled after the product: litert-torch would fold a factor of the queries into their projection.
        weights = torch.softmax(query @ key.transpose(2, 3) * query.shape[-1] ** -0.5, dim=-1)
        return self.c_proj((weights @ value).transpose(1, 2).flatten(1))

    def apart(self, x: Tensor) -> Tensor:
        """[N, L, C] -> [N, heads, L, C / heads]."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)
