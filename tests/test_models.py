"""The table agrees with open_clip, and every name outside it is found or refused by name."""

import subprocess
import sys
from pathlib import Path

import pytest

from export.common.errors import InputError
from export.common.specs import SIGLIP2_TEXT, SIGLIP_I18N_TEXT, SIGLIP_TEXT, Preprocessing
from export.weights import architectures, lookup, models

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["demo", "demo-world", "s0", "s1", "s2", "b", "blt", "2-s0", "2-s2", "2-b", "2-s3", "2-s4", "2-l14"]
CHINESE = ["chinese-rn50", "chinese-b16", "chinese-l14"]             # tests/test_chinese_clip.py
SIGLIPS = {"ViT-B-16-SigLIP": SIGLIP_TEXT, "ViT-B-16-SigLIP-i18n-256": SIGLIP_I18N_TEXT,
           "ViT-B-16-SigLIP2": SIGLIP2_TEXT, "ViT-B-32-SigLIP2-256": SIGLIP2_TEXT}


def test_table_holds_its_names_in_order():
    assert list(models.TABLE) == NAMES + CHINESE
    assert all(lookup.find(name).name == name for name in NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("demo", "demo-world", "s0")])
def test_row_agrees_with_open_clip(name):
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg
    spec = lookup.find(name)
    config = open_clip.get_model_config(spec.architecture)
    tag = get_pretrained_cfg(spec.architecture, spec.pretrained)
    assert spec.hub == tag["hf_hub"].rstrip("/") and tag["resize_mode"] == "shortest"
    assert spec.preprocessing == Preprocessing(config["vision_cfg"]["image_size"], tuple(tag["mean"]),
                                                      tuple(tag["std"]), tag["interpolation"])
    assert (spec.dim, spec.text.context_length) == (config["embed_dim"], config["text_cfg"]["context_length"])
    assert spec.quick_gelu == tag.get("quick_gelu", False)


@pytest.mark.parametrize("name", NAMES)
def test_apples_weights_are_for_research_only_and_the_demo_may_be_sold(name):
    licence = lookup.find(name).licence
    assert licence.commercial_use is name.startswith("demo") and licence.url.startswith("https://")


def test_open_clip_architecture_takes_preprocessing_and_activation_from_its_tag():
    laion, openai = lookup.find("ViT-B-32", "laion2b_s34b_b79k"), lookup.find("ViT-B-32", "openai")
    assert laion.preprocessing == Preprocessing(224, models.CLIP_MEAN, models.CLIP_STD, "bicubic")
    assert (laion.quick_gelu, openai.quick_gelu, laion.dim) == (False, True, 512)
    assert (laion.hub, laion.file, laion.fallback_file) == (
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    assert laion.licence.commercial_use is True and openai.licence.commercial_use is None
    own_mean = lookup.find("ViT-L-14", "laion2b_s32b_b82k")
    assert own_mean.preprocessing.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("name", SIGLIPS)
def test_siglip_takes_its_pixels_from_its_tag_and_its_text_side_from_its_tokenizer(name):
    """Without a tag, open_clip itself would give it CLIP's mean and standard deviation, and crop."""
    import open_clip
    spec, config = lookup.find(name), open_clip.get_model_config(name)
    assert spec.pretrained == "webli" and spec.text == SIGLIPS[name] and spec.labels == "sigmoid"
    assert spec.preprocessing == Preprocessing(config["vision_cfg"]["image_size"], (0.5,) * 3, (0.5,) * 3, "bicubic",
                                               "squash")
    assert (spec.hub, spec.vocabulary_hub) == (f"timm/{name}", config["text_cfg"]["hf_tokenizer_name"])
    assert spec.text.vocabulary == config["text_cfg"]["vocab_size"] and spec.licence.commercial_use


@pytest.mark.parametrize(("change", "message"), [
    ({"pool_type": "argmax"}, "pooling by 'argmax'"), ({"no_causal_mask": False}, "a causal mask"),
    ({"vocab_size": 32001}, "32001 words"), ({"tokenizer_kwargs": {"clean": "lower"}}, "the cleaning"),
    ({"hf_tokenizer_name": "bert-base-uncased"}, "the tokenizer bert-base-uncased"), ({"embed_cls": True}, "a class"),
    ({"proj_type": "none"}, "no projection")])
def test_a_siglip_with_another_text_tower_is_refused_by_name(change, message):
    config = architectures.configuration("ViT-B-16-SigLIP")
    with pytest.raises(InputError, match=f"cannot be exported; expected CLIP's tokenizer, SigLIP's.*{message}"):
        architectures.text_side("mine", config | {"text_cfg": config["text_cfg"] | change})


def test_hub_entry_that_names_a_file_is_tried_as_safetensors_first():
    spec = lookup.find("ViTamin-S", "datacomp1b")
    assert (spec.hub, spec.file, spec.fallback_file) == ("jienengchen/ViTamin-S", "pytorch_model.safetensors",
                                                         "pytorch_model.bin")


def test_row_is_found_by_architecture_and_tag_too():
    assert lookup.find("MobileCLIP-B", "datacompdr_lt") is models.TABLE["blt"]


@pytest.mark.parametrize("name, pretrained, message", [
    ("s22", None, "unknown model 's22'.*did you mean s2"),
    ("nothing like it", None, "unknown model.*see the table"),
    ("../ViT-B-32", "openai", "unknown model"),
    ("s2", "openai", "PRETRAINED=openai does not go with MODEL=s2; expected datacompdr"),
    ("demo", "openai", "PRETRAINED=openai does not go with MODEL=demo; expected none"),
    ("ViT-B-32", None, "MODEL=ViT-B-32 needs PRETRAINED=.*laion2b_s34b_b79k.*found nothing"),
    ("ViT-B-32", "laion2b", "unknown PRETRAINED=laion2b for MODEL=ViT-B-32.*expected one of openai"),
    ("ViT-S-32", "openai", "MODEL=ViT-S-32 has no published weights"),
    ("ViT-SO400M-16-SigLIP-i18n-256", "webli", "MODEL=ViT-SO400M-16-SigLIP-i18n-256 cannot.*found no projection"),
    ("xlm-roberta-base-ViT-B-32", "laion5b_s13b_b90k", "a text model from the transformers library and the tokenizer"),
    ("nllb-clip-base-siglip", "v1", "a text model from the transformers library and the tokenizer facebook/nllb-200"),
    ("ViT-L-14-CLIPA", "datacomp1b", "found the tokenizer bert-base-uncased and 32000 words and pooling by 'last'"),
    ("roberta-ViT-B-32", "laion2b_s12b_b32k", "MODEL=roberta-ViT-B-32 .*a text model from the transformers library"),
    ("coca_ViT-B-32", "laion2b_s13b_b90k", "MODEL=coca_ViT-B-32 cannot.*CoCa"),
    ("ViT-H-14-worldwide", "metaclip2_worldwide", "found the tokenizer facebook/xlm-v-base and 901629 words"),
])
def test_model_that_cannot_be_had_is_refused_by_name(name, pretrained, message):
    with pytest.raises(InputError, match=message):
        lookup.find(name, pretrained)


@pytest.mark.parametrize(("key", "value", "message"), [
    ("resize_mode", "longest", "PRETRAINED=openai cannot be exported; expected shortest or squash; found longest"),
    ("interpolation", "nearest", "PRETRAINED=openai cannot be exported; expected bilinear or bicubic; found nearest")])
def test_a_preprocessing_that_the_ports_lack_is_refused_by_name(monkeypatch, key, value, message):
    tags = architectures._pretrained_list()
    monkeypatch.setitem(tags["ViT-B-32"]["openai"], key, value)
    monkeypatch.setattr(architectures, "_pretrained_list", lambda: tags)
    with pytest.raises(InputError, match=message):
        lookup.find("ViT-B-32", "openai")


def test_finding_a_model_imports_neither_torch_nor_open_clip():
    code = ("import sys; from export.weights import lookup; lookup.find('s2'); lookup.find('ViT-B-32', 'openai');"
            "print([m for m in sys.modules if m.split('.')[0] in ('torch', 'open_clip', '_open_clip_lists')]);"
            "import safetensors.torch")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
