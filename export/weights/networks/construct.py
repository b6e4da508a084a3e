"""A row of the table enters; its network leaves: two towers and a scale, float32, evaluation mode, weights unset."""

import copy
import json

from torch import Tensor, nn
from torch.nn import init
from torch.overrides import TorchFunctionMode

from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.weights.models import CHINESE, DEMO, S0, WORLD
from export.weights.networks.apple import mend_b

APPLE_B = "MobileCLIP-B"


class _NoRandomStart(TorchFunctionMode):
    """Skips the drawing of random weights, which takes most of the time; the weights are overwritten anyway."""

    DRAWS = frozenset({Tensor.normal_, Tensor.uniform_, Tensor.erfinv_, init.normal_, init.uniform_, init.trunc_normal_,
                       init.kaiming_normal_, init.kaiming_uniform_, init.xavier_normal_, init.xavier_uniform_})

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in self.DRAWS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def build(spec: ModelSpec) -> nn.Module:
    """The network of `spec` with `.visual`, `.text`, `.logit_scale`, `.encode_image`, `.encode_text`.

    No weights are fetched or drawn: every parameter must be set before use. torch's random state is left as it was.
    """
    with _NoRandomStart():
        return _construct(spec).float().eval().requires_grad_(False)


def _construct(spec: ModelSpec) -> nn.Module:
    if spec.architecture == DEMO:
        from export.weights.networks import demo
        from export.weights.networks.towers import TwoTowers
        return TwoTowers(demo.build_visual(), demo.build_text())
    if spec.architecture == WORLD:
        from export.weights.networks import demo
        return demo.build_world(spec)
    if spec.architecture == S0:
        from export.weights.networks import mobileclip_s0
        return mobileclip_s0.build()
    if spec.architecture in CHINESE:
        from export.weights.networks import chinese_clip
        return chinese_clip.build(spec)
    model = _construct_open_clip(spec)
    return mend_b(model) if spec.architecture == APPLE_B else model


def _construct_open_clip(spec: ModelSpec) -> nn.Module:
    """The class with separate towers, also for models of open_clip's older class (such as ViT-B-32)."""
    import open_clip
    from open_clip.model import CustomTextCLIP
    if spec.network is not None:
        return _construct_given(spec)
    config = copy.deepcopy(open_clip.get_model_config(spec.architecture))
    config.pop("custom_text", None)
    config["quick_gelu"] = spec.quick_gelu
    config["vision_cfg"]["timm_model_pretrained"] = False
    return CustomTextCLIP(**config)


def _construct_given(spec: ModelSpec) -> nn.Module:
    """The network of a configuration that the user gave. timm's names are looked up in timm's list, never fetched."""
    import timm
    from open_clip.model import CustomTextCLIP
    config = json.loads(spec.network or "{}") | {"quick_gelu": spec.quick_gelu}
    name = config["vision_cfg"].get("timm_model_name")
    if name and not timm.is_model(name):
        raise InputError(f"timm has no network {name!r}", where=f"MODEL={spec.model}", expected="a name of timm's list",
                         remedy="correct vision_cfg.timm_model_name")
    config.pop("custom_text", None)
    config["vision_cfg"]["timm_model_pretrained"] = False
    try:
        return CustomTextCLIP(**config)
    except (RuntimeError, ValueError, TypeError, AssertionError, ZeroDivisionError) as error:
        raise InputError("no network can be built from open_clip_config.json", where=f"MODEL={spec.model}",
                         found=str(error)[:200], remedy="correct model_cfg") from error
