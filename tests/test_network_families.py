"""Every kind of network that the export takes, made small: green in all formats, red if faulty."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from benchmarks import network_families as families
from benchmarks.network_families import NetworkFamily, SmallDist
from export import runners
from export.artifacts.manifest import Artifact
from export.formats.table import FORMATS
from export.weights import encoders
from parity.gate import baseline, gate, metrics, stored_weights, tolerances
from parity.gate.baseline import Baseline
from parity.gate.results import Verdicts

EVERY = {family.name: family for family in families.families()}
# A minute each, so `make test` takes one, with folds of most kinds, and CI another; benchmarks/network_families.py has
# the verdicts on all.
MARKS = {name: pytest.mark.soak for name in EVERY} | {"vitamin": pytest.mark.exhaustive}
PARAMETERS = ["resnet", *(pytest.param(name, marks=mark) for name, mark in MARKS.items() if name != "resnet")]
FACTOR = 1.05
WRONG_MEAN = np.array([0.5, 0.5, 0.5]) - np.array(families.CLIP_MEAN)


@dataclass(frozen=True)
class Ground:
    """A small family, exported and gated, and what the gate compares it with."""

    family: NetworkFamily
    dist: SmallDist
    verdicts: Verdicts
    baseline: Baseline

    def artifacts(self) -> list[Artifact]:
        return self.dist.manifest.artifacts


def grounded(family: NetworkFamily, folder) -> Ground:
    with families.small(family):
        dist = families.exported(family, folder)
        return Ground(family, dist, families.judged(dist), baseline.load(dist, 0))


@pytest.fixture(scope="module", params=PARAMETERS)
def ground(request, tmp_path_factory) -> Ground:
    return grounded(EVERY[request.param], tmp_path_factory.mktemp(request.param))


def test_every_architecture_that_is_taken_is_of_a_family():
    of_family, refused = families.sorted_out()
    assert set(of_family) <= set(EVERY)
    assert all(family.architecture in of_family.get(family.name, [family.architecture]) for family in EVERY.values())
    assert any("CoCa" in reason for reason in refused) and any("transformers library" in reason for reason in refused)
    assert {"ViT-B-16-SigLIP", "ViT-B-16-SigLIP-i18n-256"} <= {*of_family["siglip"]}
    assert {"ViT-B-16-SigLIP2", "ViT-B-32-SigLIP2-256"} <= {*of_family["siglip2"]}


def test_a_family_is_green_in_every_format(ground):
    assert ground.verdicts.green, [(r.path, r.reasons) for r in ground.verdicts.results if r.reasons]
    assert {r.outcome for r in ground.verdicts.results} == {"passed"}
    assert len(ground.verdicts.results) >= 2 * len(FORMATS) * len(ground.family.encoders)
    assert all(r.notes == [] for r in ground.verdicts.results)           # every fold is known


@pytest.mark.parametrize("fault", [lambda pictures: pictures[..., ::-1],
                                   lambda pictures: pictures + 255 * WRONG_MEAN], ids=["red and blue", "mean"])
def test_pixels_that_are_wrong_turn_every_format_red(ground, fault: Callable):
    """An artefact that takes wrong pixels is one with swapped channels, or one that subtracts another mean."""
    pictures = fault(ground.baseline.samples("image").astype(np.float32))
    for artifact in ground.artifacts():
        if artifact.encoder == "image":
            embed = gate.loaded(ground.baseline, artifact, runners.runtimes(artifact.format)[-1])
            close = metrics.closeness(embed(np.ascontiguousarray(pictures)), ground.baseline.expected("image"))
            allowed = tolerances.of(ground.baseline.space, artifact.format, artifact.precision, "image")
            assert tolerances.failures(allowed, close, []), artifact.path


def scaled(parts: dict, encoder: str, name: str):
    """A copy of an encoder, one of whose tensors is 5 % off."""
    part = copy.deepcopy(parts[encoder])
    with torch.no_grad():
        part.get_parameter(name).mul_(FACTOR)
    return part


def identifiable(part) -> list[str]:
    return [name for name, tensor in part.named_parameters()
            if tensor.numel() >= stored_weights.LEAST and tensor.any()]


def test_any_weight_tensor_five_per_cent_off_is_missed_in_every_format(ground):
    """The artefacts are compared with a checkpoint in which one tensor after the other is scaled."""
    for artifact in ground.artifacts():
        found = stored_weights.by_size(stored_weights.stored(ground.baseline, artifact))
        residual = stored_weights.RESIDUAL[artifact.precision]
        for name in identifiable(ground.baseline.parts[artifact.encoder]):
            part = scaled(ground.baseline.parts, artifact.encoder, name)
            assert stored_weights.missing(part, found, residual), (artifact.path, name)


def planted(ground: Ground, part, encoder: str, precisions: tuple[str, ...] = ("fp32", "fp16")) -> dict[str, str]:
    """The outcomes of a faulty encoder's artefacts, in every format, by path."""
    dist, true = ground.dist, ground.dist.manifest
    wanted = [job for job in families.of_encoder(ground.family.jobs, encoder) if job.precision in precisions]
    made = {artifact.path: artifact for artifact in families.converted(dist, part, ground.baseline.space, wanted)}
    dist.write(replace(true, artifacts=[made.get(artifact.path, artifact) for artifact in true.artifacts]))
    with families.small(ground.family):
        return {result.path: result.outcome for result in families.judged(dist).results if result.path in made}


def middle(part) -> str:
    """The weight in the middle of an encoder."""
    names = [name for name in identifiable(part) if name.endswith("weight")]
    return names[len(names) // 2]


# What other people's text encoders get wrong: features of another place, pads that attend, another GELU.
TEXT_FAULTS = {"siglip": {"pooling": "first"}, "siglip2": {"pooling": "mean"}, "chinese-vit": {"pad_token": -1}}


@pytest.mark.soak
@pytest.mark.parametrize("ground", TEXT_FAULTS, indirect=True)
def test_features_of_another_place_or_unmasked_pads_turn_every_format_red(ground):
    faulty = copy.deepcopy(ground.baseline.parts["text"])
    for name, value in TEXT_FAULTS[ground.family.name].items():
        setattr(faulty, name, value)
    outcomes = planted(ground, faulty, "text")
    assert len(outcomes) == 2 * len(FORMATS) and set(outcomes.values()) == {"failed"}, outcomes


def test_a_weight_five_per_cent_off_turns_every_format_red(ground):
    """Last, since the files stay."""
    for encoder in ground.family.encoders:
        name = middle(ground.baseline.parts[encoder])
        outcomes = planted(ground, scaled(ground.baseline.parts, encoder, name), encoder)
        assert len(outcomes) == 2 * len(FORMATS) and set(outcomes.values()) == {"failed"}, (name, outcomes)


# Where a converter folds weights in a way that the gate does not know.

@pytest.fixture
def folds_unknown(monkeypatch):
    """Neither export/weights/fold.py nor the gate knows any fold: the converters do what they like."""
    monkeypatch.setattr(encoders, "folded", copy.deepcopy)
    monkeypatch.setattr(stored_weights, "without_folded", lambda true, lacking, found, residual: lacking)


@pytest.mark.soak
@pytest.mark.parametrize("name", ["resnet", "convnext", "eva02"])
def test_folds_that_are_not_recognised_are_notes_and_faults_stay_red(folds_unknown, tmp_path, name):
    ground = grounded(EVERY[name], tmp_path)
    assert ground.verdicts.green, [(r.path, r.reasons) for r in ground.verdicts.results if r.reasons]
    noted = {r.path for r in ground.verdicts.results if r.notes}
    assert {"tflite/image-fp32.tflite", "tflite/image-fp16.tflite"} <= noted
    artifact = next(a for a in ground.artifacts() if a.path in noted and a.precision == "fp32")
    unrecognised = stored_weights.examine(ground.baseline, artifact).unrecognised
    weights = [name for name in unrecognised if name.endswith("weight")]
    for tensor in (weights[len(weights) // 2], middle(ground.baseline.parts["image"])):
        part = scaled(ground.baseline.parts, "image", tensor)
        for precisions in (("fp16",), ("fp32", "fp16")):
            outcomes = planted(ground, part, "image", precisions)
            assert set(outcomes.values()) == {"failed"}, (tensor, outcomes)
