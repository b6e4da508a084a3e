"""A name as MODEL= takes it enters; a `ModelSpec` leaves: a row of the table, or a model of open_clip's own lists.

    >>> find("s2").pretrained, find("MobileCLIP-S2").name
    ('datacompdr', 's2')
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from export.common.errors import InputError
from export.common.specs import Given, ModelSpec
from export.text.families import FAMILIES
from export.weights import architectures, hub
from export.weights.layouts import stored
from export.weights.models import TABLE
from export.weights.settings import aliases, open_clip_config, stated, transformers_config
from export.weights.settings.aliases import HUB, LOCAL
from export.weights.settings.stated import Settings

FIRST_B = "vit_base_mci_224"                 # timm's name for MobileCLIP-B's image tower, whatever its version
TRANSFORMERS = ("model.safetensors", "pytorch_model.bin")        # what transformers calls its files


@dataclass(frozen=True)
class Found:
    """A model, and what the user should know about how it was found."""

    spec: ModelSpec
    notes: list[str]


def find(name: str, pretrained: str | None = None, checkpoint: Path | None = None, given: Given | None = None
         ) -> ModelSpec:
    """The model called `name`; see `explained`."""
    return explained(name, pretrained, checkpoint, given).spec


def explained(name: str, pretrained: str | None = None, checkpoint: Path | None = None,
              given: Given | None = None) -> Found:
    """The model called `name`: a row of the table, an open_clip architecture with a tag, `local-dir:` or `hf-hub:`.

    `checkpoint` is the user's own file, and `given` what he says of it: a configuration beside the file, and what is
    given by hand, take the place of what row or tag state. Raises InputError for an unknown name, an architecture
    with another text side, a missing or unknown tag, statements that contradict each other, and scripts whose tokens
    cannot be kept alone.
    """
    given = given or Given()
    if name.startswith((LOCAL, HUB)) and not aliases.row(name):
        found = _described(name, pretrained, given)
    else:
        found = _listed(name, pretrained, checkpoint, given)
    spec = _called(found.spec, given.name)
    if (keep := _kept(spec, given.scripts)) is not None:
        spec = replace(spec, keep=keep)
    return found if spec is found.spec else replace(found, spec=spec)


def own_file(name: str, checkpoint: Path | None, random: bool) -> Path | None:
    """The user's own weights: CHECKPOINT=, or the folder of `local-dir:`; None for published and random ones."""
    if checkpoint is None and not random and name.startswith(LOCAL):
        return Path(name.removeprefix(LOCAL)).expanduser()
    return checkpoint


def folder(out: Path, name: str, pretrained: str | None = None) -> Path:
    """dist/<model>/ of a model that was exported: `name` is that folder's, or MODEL= as the export took it.

    Raises InputError for a name that means no model. Where open_clip is not installed, only the table is known.
    """
    if "/" not in name and name and (out / name).is_dir():
        return out / name
    known = aliases.row(name) or aliases.folder(name)
    if known or not architectures.is_installed():
        return out / (known or name)
    spelled = None if pretrained else aliases.known(name, architectures.all_names())
    return out / (spelled or _row(name, pretrained, None).name)


def lasting(name: str) -> str:
    """`name` as it can be found again from another folder: an absolute path after `local-dir:`."""
    return f"{LOCAL}{Path(name.removeprefix(LOCAL)).expanduser().resolve()}" if name.startswith(LOCAL) else name


# --- rows of the table, and open_clip's architectures --------------------------------------------------------------

def _listed(name: str, pretrained: str | None, checkpoint: Path | None, given: Given) -> Found:
    stated.no_settings_for_published(given, checkpoint)
    file, hand = beside(checkpoint) if checkpoint else None, stated.of_hand(given)
    known = stated.merged(file, hand)
    row = _row(name, pretrained, _as_tag(known))
    spec = row
    for settings in (file, hand):
        if settings is not None and settings.stated():
            _refuse_another_network(spec, settings)
            spec = stated.applied(spec, settings)
    notes = _renamed(name, pretrained, row)
    if checkpoint is not None:
        tag = f"PRETRAINED={row.pretrained}" if row.pretrained and row.name not in TABLE else f"MODEL={row.name}"
        notes.append(stated.assumed(spec, file, hand, tag))
    return Found(spec, notes)


def _row(name: str, pretrained: str | None, own: architectures.Tag | None) -> ModelSpec:
    if known := aliases.row(name):
        return _check_tag(TABLE[known], pretrained)
    for spec in TABLE.values():
        if pretrained and (spec.architecture.lower(), spec.pretrained) == (name.lower(), pretrained):
            return spec
    return architectures.find(name, pretrained, names=tuple(TABLE), own=own)


def _check_tag(spec: ModelSpec, pretrained: str | None) -> ModelSpec:
    if pretrained and pretrained != spec.pretrained:
        raise InputError(f"PRETRAINED={pretrained} does not go with MODEL={spec.name}",
                         expected=spec.pretrained or "none", remedy="leave PRETRAINED out for the models of the table")
    return spec


def _as_tag(known: dict[str, object]) -> architectures.Tag | None:
    """What a tag would state, for an architecture without one; None if the pixels are not known."""
    if not known.keys() >= {"mean", "std", "interpolation"}:
        return None
    return {"mean": known["mean"], "std": known["std"], "interpolation": known["interpolation"],
            "resize_mode": known.get("resize", "shortest")}


def _renamed(name: str, pretrained: str | None, spec: ModelSpec) -> list[str]:
    """What was understood otherwise than it was written."""
    notes = [] if name == spec.name else [f"MODEL={name} is {spec.name}"]
    if spec.pretrained and not pretrained and spec.name not in TABLE:
        notes.append(f"PRETRAINED={spec.pretrained}, the only tag of {spec.name}")
    return notes


def beside(checkpoint: Path) -> Settings | None:
    """What a configuration in the checkpoint's folder states; None if there is none, or no checkpoint."""
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    if (folder / open_clip_config.NAME).is_file():
        return open_clip_config.read(folder / open_clip_config.NAME)
    file = stored.located(checkpoint).name.removesuffix(stored.INDEX)
    return transformers_config.read(folder) if file in TRANSFORMERS else None


def _refuse_another_network(spec: ModelSpec, settings: Settings) -> None:
    if settings.network is None:
        return
    ours = architectures.configuration(spec.architecture) if spec.architecture in architectures.all_names() else {}
    if field := open_clip_config.same_network(ours, settings.network):
        raise InputError(f"{settings.origin} beside the checkpoint is of another network than MODEL={spec.model}",
                         found=f"another model_cfg.{field}",
                         remedy="MODEL=local-dir:folder takes the network of that file, or move it away")


# --- models that are described by a file of their own ----------------------------------------------------------------

def _described(name: str, pretrained: str | None, given: Given) -> Found:
    """`local-dir:PATH` or `hf-hub:OWNER/NAME`, as open_clip spells them: open_clip_config.json states everything."""
    if pretrained:
        raise InputError(f"PRETRAINED= does not go with MODEL={name}", found=pretrained, remedy="leave PRETRAINED out")
    repository = name.removeprefix(HUB) if name.startswith(HUB) else None
    path = hub.file(repository, open_clip_config.NAME) if repository is not None else \
        Path(name.removeprefix(LOCAL)).expanduser() / open_clip_config.NAME
    file, hand = open_clip_config.read(path), stated.of_hand(given)
    tag = _as_tag(stated.merged(file, hand))
    if tag is None:
        raise InputError("preprocess_cfg lacks mean, std or interpolation", where=path,
                         expected="all three; open_clip's own defaults may be wrong",
                         remedy="MEAN=, STD= and INTERPOLATION=")
    network = file.network or {}
    text = architectures.text_side(name, network, repository)
    if network["vision_cfg"].get("timm_model_name") == FIRST_B:
        raise InputError(f"MODEL={name} is one of three networks with one configuration",
                         expected="Apple's first MobileCLIP-B, or MobileCLIP2-B",
                         remedy="MODEL=b, blt or 2-b with CHECKPOINT=")
    folder = given.name or aliases.folder(name)
    spec = architectures.spec_of(f"{name.partition(':')[0]}:{folder}", None, network, tag | {
        "hf_hub": f"{repository}/" if repository else "", "quick_gelu": file.activation == stated.QUICK_GELU}, text)
    spec = replace(spec, name=str(folder), asked=name, network=json.dumps(network, sort_keys=True),
                   activation=file.activation)
    spec = stated.applied(spec, hand)
    return Found(spec, [stated.assumed(spec, file, hand, name)])


def _kept(spec: ModelSpec, scripts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """`scripts`, if the vocabulary can be pruned to them. Raises InputError if not."""
    if scripts is not None and not FAMILIES[spec.text.family].prunes:
        raise InputError(f"SCRIPTS= does not go with MODEL={spec.model}, whose tokens are CLIP's byte pairs",
                         expected="a model with another tokenizer, such as demo-world", found=", ".join(scripts),
                         remedy="leave SCRIPTS out")
    unknown = [name for name in scripts or () if name not in spec.text.scripts]
    if unknown:
        raise InputError(f"MODEL={spec.model} did not learn what SCRIPTS= names", found=", ".join(unknown),
                         expected=", ".join(spec.text.scripts), remedy="SCRIPTS= with some of these")
    return scripts


def _called(spec: ModelSpec, name: str | None) -> ModelSpec:
    """`spec` with the name that NAME= gives it. Raises InputError for a name that means another model."""
    called = name or spec.name
    row = TABLE.get(called)
    if row and (row.architecture, row.pretrained) != (spec.architecture, spec.pretrained):
        raise InputError(f"{called} is the name of another model", expected="a name that is not in the table",
                         remedy="NAME=my-model")
    return spec if called == spec.name else replace(spec, name=called, asked=spec.model)
