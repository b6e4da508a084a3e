"""Checkpoints in Apple's own layout give what Apple's own code answers."""

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.weights import checkpoint, lookup, state
from export.weights.networks import construct
from tests import apple_checkpoints

LARGEST_DIFFERENCE = 2e-6                    # max abs of unit-length embeddings; measured: 2e-7, reparameterised 1e-6
TOKENIZER = "0" * 64


@dataclass(frozen=True)
class Fixture:
    spec: ModelSpec
    model: nn.Module                         # loaded from a .pt
    safetensors: checkpoint.Source           # the same weights as .safetensors
    answers: dict[str, np.ndarray]


@pytest.fixture(scope="session", params=apple_checkpoints.NAMES)
def apple(request, tmp_path_factory):
    folder, spec = tmp_path_factory.mktemp(request.param), lookup.find(request.param)
    tensors = {key: torch.from_numpy(value) for key, value in apple_checkpoints.state(spec.name).items()}
    pickle, safetensors = folder / f"mobileclip_{spec.name}.pt", folder / "weights.safetensors"
    torch.save(tensors, pickle)
    save_file(tensors, safetensors)
    model = checkpoint.load(spec, checkpoint.locate(spec, pickle))
    pickle.unlink()
    yield Fixture(spec, model, checkpoint.locate(spec, safetensors), apple_checkpoints.answers(spec.name))
    safetensors.unlink()


def image_difference(model: nn.Module, answers: dict[str, np.ndarray]) -> float:
    """Max abs of the image embeddings from Apple's."""
    pictures = torch.from_numpy(answers["pictures"]).permute(0, 3, 1, 2) / 255
    return float(abs(model.encode_image(pictures, normalize=True).numpy() - answers["image"]).max())


def text_difference(model: nn.Module, answers: dict[str, np.ndarray]) -> float:
    """Max abs of the text embeddings from Apple's."""
    ids = torch.from_numpy(answers["ids"])
    return float(abs(model.encode_text(ids, normalize=True).numpy() - answers["text"]).max())


def test_embeddings_are_those_of_apples_code(apple):
    assert image_difference(apple.model, apple.answers) < LARGEST_DIFFERENCE
    assert text_difference(apple.model, apple.answers) < LARGEST_DIFFERENCE


@pytest.mark.parametrize("apple", ["s0", "s1", "s2"], indirect=True)          # b has no branches to fold
def test_reparameterised_embeddings_are_those_of_apples_code(apple):
    folded = checkpoint.reparameterise(apple.model)
    assert image_difference(folded, apple.answers) < LARGEST_DIFFERENCE
    assert text_difference(folded, apple.answers) < LARGEST_DIFFERENCE
    counted = [sum(p.numel() for p in tower.parameters()) / 1e6 for tower in (folded.visual, folded.text)]
    assert counted == pytest.approx(apple.spec.parameters, abs=0.06)


def test_safetensors_give_the_same_model_as_the_pickle(apple):
    again = checkpoint.load(apple.spec, apple.safetensors).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in apple.model.state_dict().items())


@pytest.mark.parametrize("apple", ["s0", "s2"], indirect=True)
def test_apples_layout_and_open_clips_name_the_same_space(apple):
    ours = construct.build(apple.spec)
    ours.load_state_dict(state.fit(apple.model.state_dict(), ours, apple.spec, apple.safetensors.path, print))
    spaces = {checkpoint.space(model, apple.spec.preprocessing, TOKENIZER) for model in (apple.model, ours)}
    assert len(spaces) == 1


def test_another_models_checkpoint_is_refused_by_name(apple):
    other = {"s0": "2-s0", "s1": "s2", "s2": "b", "b": "s0"}[apple.spec.name]
    named = {"s0": "s0", "s1": "s1", "s2": "s2 or 2-s2", "b": "b, blt or 2-b"}[apple.spec.name]
    with pytest.raises(InputError, match=f"does not fit MODEL={other} .*looks like {named}"):
        checkpoint.load(lookup.find(other), apple.safetensors)


@pytest.mark.parametrize("apple", ["b"], indirect=True)
def test_open_clips_own_b_is_not_apples(apple):
    model, answers = copy.deepcopy(apple.model), {key: value[:2] for key, value in apple.answers.items()}
    model.visual.trunk.patch_embed.backbone[0].conv.padding = (0, 0)
    for module in model.visual.trunk.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6
    assert image_difference(model, answers) > 0.02               # measured: cosine 0.94
    model.visual.trunk.patch_embed.backbone[0].conv.padding = (1, 1)
    assert image_difference(model, answers) > 1e-5               # measured: 3e-5 with the padding alone mended


@pytest.mark.parametrize("name, padding, eps", [("b", (1, 1), 1e-5), ("blt", (1, 1), 1e-5), ("2-b", (0, 0), 1e-6)])
def test_only_the_first_version_of_b_is_mended(name, padding, eps):
    trunk = construct.build(lookup.find(name)).visual.trunk
    assert trunk.patch_embed.backbone[0].conv.padding == padding
    assert {module.eps for module in trunk.modules() if isinstance(module, nn.LayerNorm)} == {eps}


@pytest.mark.parametrize("apple", ["s0"], indirect=True)
def test_s0_features_pooled_at_the_end_token_are_its_embeddings(apple):
    text, ids = apple.model.text, torch.from_numpy(apple.answers["ids"])
    pooled = text.features(ids)[torch.arange(len(ids)), ids.argmax(dim=-1)] @ text.text_projection
    assert torch.equal(pooled, text(ids))
    later = ids.clone()
    later[:, -1] = 5
    assert not torch.allclose(text.features(later)[:, 0], text.features(ids)[:, 0])   # no causal mask


@pytest.mark.parametrize("apple", ["s0"], indirect=True)
def test_s0_text_tower_keeps_no_batch_norm_and_no_scale_once_folded(apple):
    folded = checkpoint.reparameterise(apple.model)
    assert not [module for module in folded.text.modules() if isinstance(module, nn.BatchNorm2d)]
    assert not [name for name, _ in folded.text.named_parameters() if "layer_scale" in name]
