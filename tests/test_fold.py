"""Folding constant factors into the weights changes the network, not the function."""

import pytest
import torch
from open_clip.modified_resnet import Bottleneck, ModifiedResNet
from timm.layers import AttentionPoolLatent, ConvNormAct, RelPosMlp
from timm.models.convnext import ConvNeXtBlock
from timm.models.eva import EvaAttention
from timm.models.fastvit import AttentionBlock, LayerScale2d, RepMixerBlock
from timm.models.swin_transformer import WindowAttention
from timm.models.vision_transformer_relpos import RelPosAttention
from torch import nn

from export.weights import checkpoint, fold, lookup

SPEC = lookup.find("demo")


def varied(module: nn.Module) -> nn.Module:
    """`module` with weights, scales and batch-norm statistics all far from 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    for name, value in module.state_dict().items():
        if name.endswith("running_var") or "gamma" in name:
            value.uniform_(0.2, 3, generator=generator)
        elif value.is_floating_point():
            value.normal_(0.3, 0.4, generator=generator)
    return module.eval().requires_grad_(False)


def pixels(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def assert_same(original: nn.Module, changed: nn.Module, x: torch.Tensor) -> None:
    expected = original.double()(x.double())
    assert (changed.double()(x.double()) - expected).abs().max() < 1e-6 * expected.abs().max()


def kinds(module: nn.Module) -> set[type]:
    return {type(m) for m in module.modules()}


@pytest.mark.parametrize("block", [
    lambda: RepMixerBlock(12, layer_scale_init_value=0.1, inference_mode=True),
    lambda: AttentionBlock(64, layer_scale_init_value=0.1),
    lambda: ConvNormAct(6, 9, 3, stride=2, bias=False),
    lambda: ConvNormAct(6, 9, 3, bias=True, apply_act=False),
], ids=["repmixer", "attention", "activation after", "bias before"])
def test_a_block_without_norms_and_scales_is_the_same_function(block):
    original = varied(block())
    changed = fold.folded(original)
    assert not any(isinstance(m, (nn.BatchNorm2d, LayerScale2d)) for m in changed.modules())
    assert_same(original, changed, pixels(2, original.in_channels if hasattr(original, "in_channels") else
                                          next(original.parameters()).shape[0], 8, 8))


@pytest.mark.parametrize("options", [{}, {"qkv_bias": False}, {"latent_len": 2, "pool_type": "avg"}])
def test_the_query_of_an_attention_pooling_becomes_one_constant(options):
    original = varied(AttentionPoolLatent(48, num_heads=4, **options))
    changed = fold.folded(original)
    assert isinstance(changed.q, nn.Identity) and changed.latent.shape == original.latent.shape
    assert_same(original, changed, pixels(2, 9, 48))


def test_a_query_that_is_normalised_stays_as_it_is():
    original = varied(AttentionPoolLatent(48, num_heads=4, qk_norm=True, norm_layer=nn.LayerNorm))
    assert str(fold.folded(original)) == str(original)


def test_the_activation_after_a_norm_stays():
    assert nn.ReLU in kinds(fold.folded(varied(ConvNormAct(6, 9, 3))))
    assert nn.ReLU not in kinds(fold.folded(varied(ConvNormAct(6, 9, 3, apply_act=False))))


def test_the_demo_tower_has_no_norm_or_scale_left_and_the_model_keeps_its_own():
    model = checkpoint.reparameterise(checkpoint.load(SPEC, checkpoint.locate(SPEC)))
    before = {name: value.clone() for name, value in model.visual.state_dict().items()}
    changed = fold.folded(model.visual)
    assert not any(isinstance(m, (nn.BatchNorm2d, LayerScale2d)) for m in changed.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.visual.state_dict().items())
    x = pixels(3, 3, 64, 64).sigmoid()
    assert_same(model.visual, changed, x)


def test_what_is_not_known_stays_as_it_is():
    other = varied(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))
    assert str(fold.folded(other)) == str(other)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_resnets_block_without_norms_is_the_same_function(stride):
    original = varied(Bottleneck(12, 4, stride))
    changed = fold.folded(original)
    assert nn.BatchNorm2d not in kinds(changed)
    assert_same(original, changed, pixels(2, 12, 8, 8))


def test_a_resnet_without_norms_and_with_the_means_attention_alone_is_the_same_function():
    original = varied(ModifiedResNet([1, 1, 1, 1], output_dim=8, heads=4, image_size=64, width=8))
    changed = fold.folded(original)
    assert nn.BatchNorm2d not in kinds(changed) and fold.MeanAttention in kinds(changed)
    assert_same(original, changed, pixels(2, 3, 64, 64))


@pytest.mark.parametrize("conv_mlp", [False, True])
def test_a_convnext_block_without_its_scale_is_the_same_function(conv_mlp):
    original = varied(ConvNeXtBlock(8, conv_mlp=conv_mlp, ls_init_value=0.1))
    changed = fold.folded(original)
    assert original.gamma is not None and changed.gamma is None
    assert_same(original, changed, pixels(2, 8, 9, 9))


def test_eva_attention_with_one_bias_is_the_same_function():
    original = varied(EvaAttention(16, num_heads=4, qkv_fused=True, qkv_bias=True, scale_norm=False))
    changed = fold.folded(original)
    assert changed.q_bias is None and changed.qkv.bias.numel() == 48
    assert_same(original, changed, pixels(2, 5, 16))


def test_eva_attention_without_a_fused_bias_stays_as_it_is():
    other = varied(EvaAttention(16, num_heads=4, qkv_fused=False, qkv_bias=True, scale_norm=False))
    assert str(fold.folded(other)) == str(other)


def test_a_table_of_position_biases_becomes_the_sum_that_attention_takes():
    original = varied(WindowAttention(16, num_heads=4, window_size=3))
    changed = fold.folded(original)
    assert original.relative_position_bias_table.shape == (25, 4)
    assert changed.relative_position_bias_table.shape == (81, 4)
    assert_same(original, changed, pixels(2, 9, 16))


@pytest.mark.parametrize("prefix", [0, 1])
def test_position_biases_of_a_small_network_are_one_constant(prefix):
    original = varied(RelPosAttention(16, 4, rel_pos_cls=lambda **given: RelPosMlp(
        window_size=(3, 3), prefix_tokens=prefix, **given))).eval()
    changed = fold.folded(original)
    assert [name for name, _ in changed.rel_pos.named_parameters()] == ["bias"]
    assert_same(original, changed, pixels(2, 9 + prefix, 16))
