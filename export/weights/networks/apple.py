"""Apple's form of MobileCLIP enters; our form leaves.

In: a state dict in the key layout of Apple's `mobileclip_*.pt`, or MobileCLIP-B as open_clip builds it. Out: a state
dict in the layout of `export.weights.networks.construct`, or the same model, changed in place to what Apple trained.
"""

from torch import Tensor, nn

APPLE_PREFIX = "image_encoder.model."
APPLE_EPS = 1e-5                             # layer norm; timm's vit_base_mci_224 has 1e-6
S0_TEXT_NAMES = {                            # our names for the parts of Apple's RepMixer layers
    "token_mixer.mixer.rbr_conv.0.conv": "token_mixer.conv",
    "token_mixer.mixer.rbr_conv.0.bn": "token_mixer.conv_norm",
    "token_mixer.mixer.rbr_skip": "token_mixer.skip_norm",
    "token_mixer.norm.rbr_skip": "token_mixer.norm",
    "convffn.conv.conv": "mlp.conv",
    "convffn.conv.bn": "mlp.norm",
    "convffn.fc": "mlp.fc",
}


def is_apple_layout(state: dict[str, Tensor]) -> bool:
    """Whether the keys are those of Apple's own checkpoints."""
    return any(key.startswith(APPLE_PREFIX) for key in state)


def from_apple_layout(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Renames Apple's keys to those of `model`. Values stay, except that heads are transposed and get biases of 0.

    Raises KeyError if Apple's layout itself is incomplete.
    """
    from open_clip.convert import convert_mobile_clip_state_dict
    converted = convert_mobile_clip_state_dict(model, state, fastvit=f"{APPLE_PREFIX}patch_emb.0.block.conv.weight"
                                               not in state)
    return {_rename_s0_text(key): value for key, value in converted.items()}


def _rename_s0_text(key: str) -> str:
    for old, new in S0_TEXT_NAMES.items():
        key = key.replace(old, new)
    return key


def is_second_b(model: nn.Module) -> bool:
    """Whether `model` is MobileCLIP2-B: the network of MobileCLIP-B as `mend_b` does not leave it."""
    stem = [module for name, module in model.named_modules() if name == "visual.trunk.patch_embed.backbone.0.conv"]
    return any(module.padding != (1, 1) for module in stem)


def mend_b(model: nn.Module) -> nn.Module:
    """Changes open_clip's MobileCLIP-B in place to what Apple trained: padding 1 in the first convolution, eps 1e-5.

    Not for MobileCLIP2-B, which was trained in open_clip's form.
    """
    model.visual.trunk.patch_embed.backbone[0].conv.padding = (1, 1)
    for module in model.visual.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = APPLE_EPS
    return model
