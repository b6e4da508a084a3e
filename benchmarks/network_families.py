"""open_clip's kinds of network, made small, enter; how each comes through the three formats and the gate leaves.

Every architecture of open_clip that the export takes belongs to one of these families, and Chinese-CLIP is one. A
family's own configuration is built with less width, fewer layers, fewer words and smaller pictures, and random weights,
so that a conversion takes seconds: the operations of the graph and the folds of the converters stay those of the large
network.
Out: network_families.json and network_families.md.
"""

import contextlib
import importlib
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from export.artifacts import manifest
from export.artifacts.dist import Dist
from export.artifacts.manifest import Artifact
from export.artifacts.receipts import Receipt
from export.common import files
from export.common.errors import InputError
from export.common.specs import (
    CHINESE_CLIP_TEXT,
    CLIP_TEXT,
    SIGLIP2_TEXT,
    SIGLIP_TEXT,
    Licence,
    ModelSpec,
    Preprocessing,
    TextSpec,
)
from export.formats.job import Job, jobs
from export.formats.stamp import Stamp
from export.formats.table import FORMATS
from export.text import families as tokenizers
from export.text.assets.shipped import Shipped
from export.weights import architectures, checkpoint, encoders
from export.weights.checkpoint import Source
from export.weights.models import CHINESE, CHINESE_B16, CHINESE_RN50, CLIP_MEAN, CLIP_STD
from export.weights.networks.chinese_clip import CONFIGURATIONS
from parity.gate import gate
from parity.gate.libraries import tokens
from parity.gate.reference import Reference
from parity.gate.results import GateResult, Verdicts

HERE = Path(__file__).parent
RESULTS, PAGE = HERE / "network_families.json", HERE / "network_families.md"
PRECISIONS = "fp32,fp16"
SMALL_TEXT = {"width": 64, "heads": 2, "layers": 2}
DIM = 64
WORDS, FIRST_BYTE = 600, 300                 # of a text side that is not CLIP's; the token of the byte 0
BYTES_ASSET = b"each byte is a token"       # in the place of a tokenizer's asset
NONE = Licence("none: random weights", "", commercial_use=None)


@dataclass(frozen=True)
class NetworkFamily:
    """One kind of network: an architecture of open_clip that stands for it, and what makes it small."""

    name: str
    architecture: str
    size: int                                # side of the pictures, pixels
    vision: dict[str, Any] = field(default_factory=dict)     # in place of fields of open_clip's vision_cfg
    trunk: dict[str, Any] = field(default_factory=dict)      # in place of arguments of timm's model
    encoders: tuple[str, ...] = ("image",)   # CLIP's text towers differ in activation and mask alone
    text: TextSpec = CLIP_TEXT

    @property
    def spec(self) -> ModelSpec:
        """As a row of the table would name it."""
        name, picture = f"small-{self.name}", Preprocessing(self.size, CLIP_MEAN, CLIP_STD, "bicubic")
        made = ModelSpec(name, name, None, None, None, picture, DIM, None, NONE, self.text,
                         quick_gelu="quickgelu" in self.architecture)
        if self.architecture not in CHINESE:
            return made
        return replace(made, architecture=self.architecture, network=json.dumps(self.small(
            CONFIGURATIONS[self.architecture])), quick_gelu=self.architecture != CHINESE_RN50)

    def small(self, config: dict[str, Any]) -> dict[str, Any]:
        """A configuration of open_clip, made small."""
        return config | {
            "embed_dim": DIM, "vision_cfg": config["vision_cfg"] | {"image_size": self.size} | self.vision,
            "text_cfg": config["text_cfg"] | SMALL_TEXT | {"context_length": self.text.context_length,
                                                           "vocab_size": self.text.vocabulary}}

    @property
    def jobs(self) -> list[Job]:
        """All formats, in float32 and float16."""
        return [job for job in jobs(",".join(FORMATS), PRECISIONS) if job.encoder in self.encoders]


def small_vitamin() -> dict[str, Any]:
    """The arguments of a small ViTamin."""
    from timm.models.vitamin import VitCfg, VitConvCfg

    stages = VitCfg(embed_dim=(16, 32, 64), depths=(1, 1, 1), stem_width=16,
                    conv_cfg=VitConvCfg(norm_layer="layernorm2d", norm_eps=1e-6), head_type="1d")
    return TIMM | {"embed_cfg": stages}


BOTH = ("image", "text")
VIT = {"width": 64, "layers": 2, "head_width": 32, "patch_size": 16}
TIMM = {"img_size": 64, "embed_dim": 64, "depth": 2, "num_heads": 2}
PATCH14 = TIMM | {"img_size": 56}
CONVNEXT = {"depths": [1, 1, 2, 1], "dims": [16, 32, 64, 64]}
FASTVIT = {"layers": (1, 1, 2, 1), "embed_dims": (16, 32, 64, 64)}
FASTVIT_5 = {"layers": (1, 1, 2, 1, 1), "embed_dims": (16, 32, 64, 64, 64)}
SWIN = {"img_size": 56, "embed_dim": 16, "depths": (2, 2), "num_heads": (1, 2)}
# The family of each image tower that open_clip takes from timm, by timm's name.
OF_TIMM = {
    "eva_giant_patch14_224": "eva01", "eva02_base_patch16_clip_224": "eva02", "eva02_large_patch14_clip_224": "eva02",
    "eva02_large_patch14_clip_336": "eva02", "eva02_enormous_patch14_clip_224": "eva02-post-norm",
    "vit_base_mci_224": "vit-mci", "vit_large_patch14_clip_224": "vit-timm", "fastvit_mci0": "fastvit",
    "fastvit_mci1": "fastvit", "fastvit_mci2": "fastvit", "fastvit_mci3": "fastvit-5", "fastvit_mci4": "fastvit-5",
    **{f"vitamin_{size}": "vitamin" for size in ("small_224", "base_224", "large_224", "large_256", "large_336",
       "large_384", "large2_224", "large2_256", "large2_336", "large2_384")},
    **{f"vitamin_xlarge_{size}": "vitamin-xlarge" for size in (256, 336, 384)},
    **{f"convnext_{size}": "convnext" for size in ("tiny", "small", "base", "large", "xlarge", "xxlarge")},
    **{f"vit_pe_core_{size}": "pe-core" for size in ("tiny_patch16_384", "small_patch16_384", "base_patch16_224",
       "large_patch14_336", "gigantic_patch14_448")},
    "swin_base_patch4_window7_224": "swin", "vit_medium_patch16_gap_256": "vit-gap",
    "vit_relpos_medium_patch16_cls_224": "vit-relpos"}


def few(text: TextSpec) -> TextSpec:
    """A text side with a small table of tokens."""
    return replace(text, vocabulary=WORDS)


def families() -> list[NetworkFamily]:
    """Every kind, each once."""
    return [
        NetworkFamily("vit", "ViT-B-16", 64, VIT, encoders=BOTH),
        NetworkFamily("vit-quickgelu", "ViT-B-16-quickgelu", 64, VIT, encoders=BOTH),
        NetworkFamily("vit-layer-scale", "ViT-M-16-alt", 64, VIT),
        NetworkFamily("resnet", "RN50", 64, {"width": 16, "layers": [1, 1, 1, 2]}),
        NetworkFamily("eva01", "EVA01-g-14", 56, trunk=PATCH14),
        NetworkFamily("eva02", "EVA02-B-16", 64, trunk=TIMM),
        NetworkFamily("eva02-post-norm", "EVA02-E-14", 56, trunk=PATCH14),
        NetworkFamily("vit-mci", "MobileCLIP2-B", 64, trunk={"img_size": 64, "depth": 1}),
        NetworkFamily("vit-timm", "MobileCLIP2-L-14", 56, trunk=PATCH14),
        NetworkFamily("fastvit", "MobileCLIP2-S2", 64, trunk=FASTVIT, encoders=BOTH),
        NetworkFamily("fastvit-5", "MobileCLIP2-S3", 128, trunk=FASTVIT_5),
        NetworkFamily("vitamin", "ViTamin-S", 64, trunk=small_vitamin()),
        NetworkFamily("vitamin-xlarge", "ViTamin-XL-256", 64, trunk=small_vitamin()),
        NetworkFamily("convnext", "convnext_base", 64, trunk=CONVNEXT),
        NetworkFamily("convnext-mlp", "convnext_large_d", 64, trunk=CONVNEXT),
        NetworkFamily("pe-core", "PE-Core-T-16-384", 64, trunk=TIMM),
        NetworkFamily("swin", "swin_base_patch4_window7_224", 56, trunk=SWIN),
        NetworkFamily("vit-gap", "vit_medium_patch16_gap_256", 64, trunk=TIMM),
        NetworkFamily("siglip", "ViT-B-16-SigLIP", 64, trunk=TIMM, encoders=BOTH, text=few(SIGLIP_TEXT)),
        NetworkFamily("siglip2", "ViT-B-32-SigLIP2-256", 64, trunk=TIMM, encoders=BOTH, text=few(SIGLIP2_TEXT)),
        NetworkFamily("chinese-vit", CHINESE_B16, 64, VIT, encoders=BOTH, text=few(CHINESE_CLIP_TEXT)),
        NetworkFamily("vit-relpos", "vit_relpos_medium_patch16_cls_224", 64, trunk=TIMM | {"rel_pos_dim": 32}),
    ]


def family_of(config: dict) -> str:
    """The family of a configuration of open_clip that is taken. Raises KeyError for a tower never seen."""
    vision = config["vision_cfg"]
    if "siglip" in vision.get("timm_model_name", ""):
        return "siglip2" if config["text_cfg"].get("act_kwargs") else "siglip"
    if "timm_model_name" in vision:
        return OF_TIMM[vision["timm_model_name"]] + ("-mlp" if vision.get("timm_proj") == "mlp" else "")
    if isinstance(vision["layers"], list):
        return "resnet"
    return "vit" + ("-layer-scale" if vision.get("ls_init_value") else "-quickgelu" if config.get("quick_gelu") else "")


def sorted_out() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """open_clip's architectures by family; those that are refused for their text tower, by the reason."""
    import open_clip

    of_family: dict[str, list[str]] = defaultdict(list)
    refused: dict[str, list[str]] = defaultdict(list)
    for name in open_clip.list_models():
        reason = refusal(name)
        if reason:
            refused[reason].append(name)
        else:
            of_family[family_of(open_clip.get_model_config(name))].append(name)
    return dict(of_family), dict(refused)


def refusal(name: str) -> str | None:
    """Why the export refuses an architecture of open_clip, whatever its weights; None if it takes it."""
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    try:
        architectures.find(name, tags[0] if tags else None)
    except InputError as error:
        what, _, rest = str(error).partition("; found ")
        return rest.partition("; remedy")[0] if "cannot be exported" in what else None
    return None


@contextlib.contextmanager
def small(family: NetworkFamily) -> Iterator[None]:
    """While the block runs, open_clip knows the family's small architecture, and timm builds it small."""
    import open_clip
    import timm
    from open_clip import factory

    config = {} if family.architecture in CHINESE else family.small(open_clip.get_model_config(family.architecture))
    create = timm.create_model
    with (mock.patch.dict(factory._MODEL_CONFIGS, {family.spec.name: config}),
          mock.patch.object(timm, "create_model", lambda *args, **given: create(*args, **given | family.trunk)),
          bytes_for_words() if family.text.vocabulary == WORDS else contextlib.nullcontext()):
        yield


@contextlib.contextmanager
def bytes_for_words() -> Iterator[None]:
    """While the block runs, each byte of a text is a token: here networks are tried, and their vocabularies are not."""
    def asset(text: TextSpec, path: Path, vocabulary: Path | None = None) -> str:
        path.write_bytes(BYTES_ASSET)
        return files.sha256(path)

    def words(reference: Reference) -> Shipped:
        return Shipped(BYTES_ASSET, reference.spec.text, None, None)

    with (mock.patch.object(tokenizers, "write_asset", asset),
          mock.patch.object(Reference, "words", property(words)),
          mock.patch.object(tokens, "read_ids", lambda dist, texts: byte_ids(dist.manifest.text, texts)),
          mock.patch.object(Reference, "ids", lambda reference, texts: byte_ids(reference.spec.text, texts))):
        yield


def byte_ids(text: TextSpec, texts: Sequence[str]) -> np.ndarray:
    """Each byte of a text as a token: int32 [len(texts), context length]."""
    made = np.full((len(texts), text.context_length), text.pad_token, np.int32)
    for row, words in zip(made, texts, strict=True):
        whole = [FIRST_BYTE + byte for byte in words.encode(errors="replace")]
        framed = text.framed(whole[:text.context_length - len(text.framed([]))])
        row[:len(framed)] = framed
    return made


def ids_of(text: TextSpec, texts: Sequence[str]) -> np.ndarray:
    """The ids with which a family's text tower is tried: its tokenizer's, or bytes."""
    return byte_ids(text, texts) if text.vocabulary == WORDS else tokenizers.reference_ids(text, texts)


class SmallDist(Dist):
    """A dist/<model>/ of a small family, whose weights are drawn."""

    def __init__(self, folder: Path, family: NetworkFamily):
        super().__init__(folder)
        self.family = family

    def source(self) -> tuple[ModelSpec, Source]:
        """The model, with random weights."""
        return self.family.spec, Source("random", None, None)


def exported(family: NetworkFamily, folder: Path) -> SmallDist:
    """dist/<model>/ in `folder`, with every artefact of the family, converted in this process."""
    spec, dist = family.spec, SmallDist(folder / family.spec.name, family)
    dist.folder.mkdir(parents=True)
    model = checkpoint.random_model(spec)
    tokenizer = tokenizers.write_asset(spec.text, dist.path(manifest.TOKENIZER))
    identity = manifest.Identity(checkpoint.space(model, spec.preprocessing, tokenizer),
                                 float(model.logit_scale.exp()), shippable=False)
    parts = encoders.split(checkpoint.reparameterise(model), spec)
    made = [artifact for encoder in family.encoders
            for artifact in converted(dist, parts[encoder], identity.space, of_encoder(family.jobs, encoder))]
    dist.write(manifest.build(spec, identity, tokenizer, made, {}))
    return dist


def of_encoder(wanted: Sequence[Job], encoder: str) -> list[Job]:
    """The jobs of one encoder."""
    return [job for job in wanted if job.encoder == encoder]


def converted(dist: SmallDist, part: Any, space: str, wanted: Sequence[Job]) -> list[Artifact]:
    """Writes one encoder in the formats and precisions of the jobs. Returns the entries of the manifest."""
    spec, made, traced = dist.family.spec, [], {}
    for job in wanted:
        converter = importlib.import_module(job.converter)
        if job.format not in traced:
            traced[job.format] = converter.trace(part, job.encoder, encoders.example(job.encoder, spec))
        target, stamp = dist.path(job.path), Stamp(spec.name, job.encoder, space, spec.licence.name, "an input")
        with files.whole(target) as partial:
            converter.write(traced[job.format], job.precision, stamp, partial)
        dist.forget([job.path])
        made.append(manifest.artifact(spec, job, Receipt("", files.sha256(target), files.size(target), 0.0, None)))
    return made


def judged(dist: SmallDist) -> Verdicts:
    """The gate's verdicts, without a ranking, which random weights make meaningless."""
    return gate.run(dist, 0, lambda name: None)


def main() -> None:
    """Converts and gates every family, and writes network_families.json and the page."""
    results = {}
    for family in families():
        with tempfile.TemporaryDirectory(prefix="network-families-") as folder, small(family):
            started = time.perf_counter()
            verdicts = judged(exported(family, Path(folder)))
            results[family.name] = {"seconds": round(time.perf_counter() - started),
                                    "artefacts": [described(result) for result in verdicts.results]}
        files.write_json(RESULTS, results)
    with files.whole(PAGE) as partial:
        partial.write_text(page(json.loads(RESULTS.read_text(encoding="utf-8")), *sorted_out()), encoding="utf-8")


def described(result: GateResult) -> dict:
    """What the page says of one artefact."""
    near = result.closeness
    return {"encoder": result.encoder, "format": result.format, "precision": result.precision,
            "outcome": result.outcome, "said": [*result.reasons, *result.notes],
            "cosine_min": near and near.cosine_min, "max_abs": near and near.max_abs}


def page(results: dict, of_family: dict[str, list[str]], refused: dict[str, list[str]]) -> str:
    """The results as Markdown."""
    lines = [
        "# Families of networks", "", "`python -m benchmarks network_families` wrote this page. Each architecture of "
        "open_clip that the export takes is of one of these families; chinese-vit is Chinese-CLIP. A family is tried "
        "small (two layers, 64 wide, pictures of 56 or 64 pixels, random weights; a table of "
        f"{WORDS} tokens where the tokenizer is not CLIP's), in all formats, in float32 and float16: max abs and least "
        "cosine against float32 PyTorch. tests/test_network_families.py plants faults in each.", "",
        "| family | encoder | " + " | ".join(f"{row.title} {p}" for row in FORMATS.values()
                                              for p in PRECISIONS.split(",")) + " | seconds |",
        "|---|---|" + "---|" * (2 * len(FORMATS) + 1)]
    for name, result in results.items():
        for encoder in dict.fromkeys(one["encoder"] for one in result["artefacts"]):
            cells = [cell(one) for one in result["artefacts"] if one["encoder"] == encoder]
            lines.append(f"| {name} | {encoder} | " + " | ".join(cells) + f" | {result['seconds']} |")
    lines += ["", "## Which architecture is of which family", "", "| family | architectures |", "|---|---|"]
    lines += [f"| {name} | {', '.join(of_family.get(name, []))} |" for name in results]
    lines += ["", "## Refused for the text tower", "", "| what open_clip's configuration asks for | architectures |",
              "|---|---|"]
    lines += [f"| {reason} | {', '.join(names)} |" for reason, names in sorted(refused.items())]
    return "\n".join([*lines, ""])


def cell(artefact: dict) -> str:
    """One artefact's outcome and nearness."""
    near = "" if artefact["max_abs"] is None else f", {artefact['max_abs']:.1e}, {artefact['cosine_min']:.7f}"
    said = f" ({'; '.join(artefact['said'])})" if artefact["said"] else ""
    return f"{artefact['outcome']}{near}{said}"
