"""The one table of models, by the name that MODEL= takes. `lookup` finds a row, or a model outside the table.

Importing this costs nothing: no torch, no open_clip.

Sources. Preprocessing and hub repositories: open_clip 3.3.0, `open_clip.pretrained`; the weights do not carry their
preprocessing, and open_clip's fallback for local files differs. Parameters: counted on the networks built here,
reparameterised. Licences: LICENSE in Apple's repositories on the hub and LICENSE_MODELS in
github.com/apple/ml-mobileclip, which the hub names apple-amlr (apple-ascl before February 2025). Chinese-CLIP:
repositories, files, pixels and sizes from cn_clip 1.6.0 (clip/utils.py, clip/model_configs); its maintainers say that
the MIT licence of github.com/OFA-Sys/Chinese-CLIP holds for the weights, for shops too (issue 234 there).
"""

from dataclasses import replace

from export.common.specs import CHINESE_CLIP_TEXT, WORLD_TEXT, Licence, ModelSpec, Preprocessing

SAFETENSORS, PICKLE = "open_clip_model.safetensors", "open_clip_pytorch_model.bin"   # open_clip's file names on the hub
DEMO, S0 = "demo", "MobileCLIP-S0"           # architectures that open_clip does not have, and cn_clip's
WORLD = "demo-world"
BUNDLED = (DEMO, WORLD)                      # with weights in this repository
WORLD_VOCABULARY = "demo/world/tokenizer.json"
CHINESE = CHINESE_RN50, CHINESE_B16, CHINESE_L14 = ("Chinese-CLIP-RN50", "Chinese-CLIP-ViT-B-16",
                                                    "Chinese-CLIP-ViT-L-14")

CHINESE_VOCABULARY = "chinese-clip-vit-base-patch16"                # a repository with vocab.txt: all have the same

AMLR = Licence("Apple Machine Learning Research Model License Agreement (apple-amlr)",
               "https://github.com/apple/ml-mobileclip/blob/main/LICENSE_MODELS", commercial_use=False)
MIT = Licence("MIT", "https://opensource.org/license/mit", commercial_use=True)

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def _plain(size: int) -> Preprocessing:
    return Preprocessing(size, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), interpolation="bilinear")


def _centred(size: int, interpolation: str) -> Preprocessing:
    return Preprocessing(size, mean=CLIP_MEAN, std=CLIP_STD, interpolation=interpolation)


def _row(name: str, architecture: str, pretrained: str, hub: str, preprocessing: Preprocessing, dim: int,
         parameters: tuple[float, float]) -> ModelSpec:
    return ModelSpec(name, architecture, pretrained, hub, SAFETENSORS, preprocessing, dim, parameters, AMLR,
                     fallback_file=PICKLE)


def _chinese(name: str, architecture: str, hub: str, file: str, dim: int,
             parameters: tuple[float, float]) -> ModelSpec:
    """As cn_clip's image_transform: squashed, bicubic, CLIP's mean and standard deviation."""
    pixels = replace(_centred(224, "bicubic"), resize="squash")
    return ModelSpec(name, architecture, None, f"OFA-Sys/{hub}", file, pixels, dim, parameters, MIT, CHINESE_CLIP_TEXT,
                     vocabulary_hub=f"OFA-Sys/{CHINESE_VOCABULARY}", quick_gelu=architecture != CHINESE_RN50)


TABLE: dict[str, ModelSpec] = {spec.name: spec for spec in (
    ModelSpec("demo", DEMO, None, None, "demo/weights.safetensors", _plain(64), 128, (0.7, 3.3), MIT),
    ModelSpec("demo-world", WORLD, None, None, "demo/world-weights.safetensors", _plain(64), 128, (0.7, 0.6), MIT,
              WORLD_TEXT),
    ModelSpec("s0", S0, None, "apple/MobileCLIP-S0", "mobileclip_s0.pt", _plain(256), 512, (11.4, 42.4), AMLR),
    _row("s1", "MobileCLIP-S1", "datacompdr", "apple/MobileCLIP-S1-OpenCLIP", _plain(256), 512, (21.5, 63.4)),
    _row("s2", "MobileCLIP-S2", "datacompdr", "apple/MobileCLIP-S2-OpenCLIP", _plain(256), 512, (35.7, 63.4)),
    _row("b", "MobileCLIP-B", "datacompdr", "apple/MobileCLIP-B-OpenCLIP", _plain(224), 512, (86.3, 63.4)),
    _row("blt", "MobileCLIP-B", "datacompdr_lt", "apple/MobileCLIP-B-LT-OpenCLIP", _plain(224), 512, (86.3, 63.4)),
    _row("2-s0", "MobileCLIP2-S0", "dfndr2b", "timm/MobileCLIP2-S0-OpenCLIP", _plain(256), 512, (11.4, 63.4)),
    _row("2-s2", "MobileCLIP2-S2", "dfndr2b", "timm/MobileCLIP2-S2-OpenCLIP", _plain(256), 512, (35.7, 63.4)),
    _row("2-b", "MobileCLIP2-B", "dfndr2b", "timm/MobileCLIP2-B-OpenCLIP", _plain(224), 512, (86.3, 63.4)),
    _row("2-s3", "MobileCLIP2-S3", "dfndr2b", "timm/MobileCLIP2-S3-OpenCLIP", _centred(256, "bilinear"), 768,
         (125.1, 123.6)),
    _row("2-s4", "MobileCLIP2-S4", "dfndr2b", "timm/MobileCLIP2-S4-OpenCLIP", _centred(256, "bilinear"), 768,
         (321.6, 123.6)),
    _row("2-l14", "MobileCLIP2-L-14", "dfndr2b", "timm/MobileCLIP2-L-14-OpenCLIP", _centred(224, "bicubic"), 768,
         (304.0, 123.6)),
    _chinese("chinese-rn50", CHINESE_RN50, "chinese-clip-rn50", "clip_cn_rn50.pt", 1024, (38.3, 38.7)),
    _chinese("chinese-b16", CHINESE_B16, "chinese-clip-vit-base-patch16", "clip_cn_vit-b-16.pt", 512, (86.2, 102.1)),
    _chinese("chinese-l14", CHINESE_L14, "chinese-clip-vit-large-patch14", "clip_cn_vit-l-14.pt", 768, (304.0, 102.3)),
)}
