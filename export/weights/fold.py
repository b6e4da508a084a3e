"""A reparameterised image tower enters; an equal copy leaves, with its constant factors folded into the weights.

timm's reparameterisation leaves batch norms after a convolution and before attention, LayerScale, and the projection of
an attention pooling's constant query. Each converter would fold a different subset. Folding here gives all formats the
same small graph. The arithmetic is float64, rounded once.
"""

import copy

import torch
from timm.layers import AttentionPoolLatent, ConvNormAct
from timm.models.fastvit import Attention, AttentionBlock, LayerScale2d, RepMixerBlock
from torch import Tensor, nn


def folded(tower: nn.Module) -> nn.Module:
    """A copy of `tower` (any network; what is no block of timm's that is named here stays as it is)."""
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
    return tower


def fold_norm_after(block: ConvNormAct) -> None:
    """Folds a batch norm into the convolution before: s (w x + b) + t = (s w) x + (s b + t). The activation stays."""
    if not isinstance(block.bn, nn.BatchNorm2d):
        return
    scale, shift = scale_and_shift(block.bn)
    scale_outputs(block.conv, scale)
    add_to_bias(block.conv, shift)
    block.bn = nn.Sequential(getattr(block.bn, "drop", nn.Identity()), getattr(block.bn, "act", nn.Identity()))


def fold_query(pool: AttentionPoolLatent) -> None:
    """Makes one constant of an attention pooling's learnt query, which no picture changes: projected and scaled."""
    if isinstance(pool.q, nn.Linear) and isinstance(pool.q_norm, nn.Identity):
        bias = 0 if pool.q.bias is None else pool.q.bias.double()
        pool.latent = fixed((pool.latent.double() @ pool.q.weight.double().T + bias) * pool.scale)
        pool.q, pool.scale, pool.fused_attn = nn.Identity(), 1.0, False          # fused attention would scale again


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
