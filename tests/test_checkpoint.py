"""From a file or a seed to a checked model; every bad file is one line that says what is wrong."""

import copy
import dataclasses
import hashlib
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.weights import checkpoint, lookup
from export.weights.layouts import misfits
from export.weights.models import CHINESE, TABLE, WORLD
from export.weights.networks.construct import build
from export.weights.random_weights import varied_pictures, varied_texts
from tests.test_tokenizer import ASSET_SHA256

ROOT = Path(__file__).resolve().parent.parent
DEMO = lookup.find("demo")
TOKENIZER = "ab" * 32


@pytest.fixture(scope="session")
def model() -> torch.nn.Module:
    """The demo network with random weights. Do not change it: copy it."""
    return checkpoint.random_model(DEMO)


@pytest.fixture
def tensors(model) -> dict[str, torch.Tensor]:
    return dict(model.state_dict())


def load(path: Path, spec: ModelSpec = DEMO) -> torch.nn.Module:
    return checkpoint.load(spec, checkpoint.locate(spec, path))


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    others = other.state_dict()
    return all(torch.equal(value, others[key]) for key, value in one.state_dict().items())


# What is understood

@pytest.mark.parametrize("wrap", [
    lambda t: t,
    lambda t: {"epoch": 3, "state_dict": t, "optimizer": {"lr": 0.1}},
    lambda t: {"state_dict": {f"module.{key}": value for key, value in t.items()}},
    lambda t: {key: value.reshape(1) if value.ndim == 0 else value for key, value in t.items()},
    lambda t: {key: value for key, value in t.items() if not key.endswith("num_batches_tracked")},
], ids=["bare", "training state", "module. prefixes", "numbers as lists of one", "without counters"])
def test_pickle_loads(model, tensors, tmp_path, wrap):
    torch.save(wrap(tensors), tmp_path / "weights.pt")
    loaded = load(tmp_path / "weights.pt")
    learnt = dict(loaded.named_parameters())
    assert all(torch.equal(value, learnt[key]) for key, value in model.named_parameters())
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())


def test_safetensors_load_whatever_the_file_is_called(model, tensors, tmp_path):
    save_file(tensors, tmp_path / "weights.bin")
    assert same(load(tmp_path / "weights.bin"), model)


def test_half_precision_is_widened_to_float32(tensors, tmp_path):
    halves = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    save_file(halves, tmp_path / "weights.safetensors")
    loaded = load(tmp_path / "weights.safetensors")
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32, torch.int64}
    assert torch.equal(loaded.text.text_projection, halves["text.text_projection"].float())


@pytest.mark.slow
@pytest.mark.parametrize("quick_gelu", [False, True])
def test_open_clips_older_class_loads_and_answers_the_same(tmp_path, quick_gelu):
    import open_clip
    spec = dataclasses.replace(lookup.find("ViT-B-32", "openai"), architecture="ViT-S-32-alt", quick_gelu=quick_gelu)
    theirs = open_clip.create_model("ViT-S-32-alt", force_quick_gelu=quick_gelu).eval()
    assert type(theirs).__name__ == "CLIP"
    torch.save(theirs.state_dict(), tmp_path / "clip.pt")
    ours, pictures = load(tmp_path / "clip.pt", spec), varied_pictures(spec.preprocessing, 2)
    ids = varied_texts(spec.text, 2)
    assert torch.allclose(ours.encode_image(pictures, True), theirs.encode_image(pictures, True), atol=1e-6)
    assert torch.allclose(ours.encode_text(ids, True), theirs.encode_text(ids, True), atol=1e-6)


# What is refused

class RunsCode:
    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


def test_hostile_pickle_is_refused_and_not_run(tmp_path):
    trace = tmp_path / "it ran"
    torch.save({"logit_scale": RunsCode(trace)}, tmp_path / "zip.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"logit_scale": RunsCode(trace)}, protocol=2))
    for name in ("zip.pt", "plain.pt"):
        with pytest.raises(InputError, match=rf"refused a pickle .* in .*{name}; .*found \w+\.system"):
            load(tmp_path / name)
    assert not trace.exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("kept", [0.999, 0.5, 0.001])
def test_truncated_file_is_named(tensors, tmp_path, suffix, kept):
    path = tmp_path / f"weights{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(tensors, path)
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * kept)])
    with pytest.raises(InputError, match=rf"truncated .* in .*weights\{suffix}.*remedy: fetch the file again"):
        load(path)


@pytest.mark.parametrize("content, found", [(b"", "an empty file"), (b"<!DOCTYPE html>", "DOCTYPE"),
                                            (b"version https://git-lfs.github.com/spec/v1", "git-lfs")])
def test_file_that_is_no_checkpoint_says_what_it_starts_with(tmp_path, content, found):
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(InputError, match=f"not a checkpoint in .*weights.pt; expected .*; found .*{found}"):
        load(tmp_path / "weights.pt")


@pytest.mark.parametrize("content, found", [([1, 2], "list"), ({}, "dict"), ({"a": 1}, "'a': int"),
                                            ({"state_dict": {}, "epoch": 1}, "dict")])
def test_pickle_without_a_state_dict_is_named(tmp_path, content, found):
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=f"(no state dict|not a dictionary of tensors) in .*found {found}"):
        load(tmp_path / "weights.pt")


def test_torchscript_archive_is_refused(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "weights.pt")
    with pytest.raises(InputError, match="TorchScript archive.*save its state_dict"):
        load(tmp_path / "weights.pt")


@pytest.mark.parametrize("change, found", [
    (lambda t: t.pop("text.ln_final.weight"), r"1 missing \(first text.ln_final.weight\)"),
    (lambda t: t.update(extra=torch.zeros(2)), r"1 surplus \(first extra\)"),
    (lambda t: t.update({"text.text_projection": torch.zeros(64, 96)}),
     r"1 of another shape \(first text.text_projection \[64, 96\] for \[64, 128\]\)"),
])
def test_missing_surplus_and_misshapen_tensors_are_named(tensors, tmp_path, change, found):
    change(tensors)
    torch.save(tensors, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=f"does not fit MODEL=demo in .*weights.pt; .*found {found}"):
        load(tmp_path / "weights.pt")


def test_checkpoint_of_another_architecture_is_recognised(tensors, tmp_path):
    torch.save(tensors, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="does not fit MODEL=2-s0.*it looks like demo: MODEL=demo"):
        load(tmp_path / "weights.pt", lookup.find("2-s0"))


@pytest.mark.parametrize("name, like", [("s0", "s0"), ("s1", "s1"), ("s2", "s2 or 2-s2"), ("b", "b, blt or 2-b"),
                                        ("2-s0", "2-s0"), ("2-s3", "2-s3"), ("2-s4", "2-s4"), ("2-l14", "2-l14"),
                                        ("demo", "demo")])
def test_every_network_of_the_table_is_recognised_by_its_keys(name, like):
    with torch.device("meta"):
        assert misfits.looks_like(build(lookup.find(name)).state_dict()) == like


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(tensors, tmp_path, value):
    tensors["text.text_projection"] = tensors["text.text_projection"].clone()
    tensors["text.text_projection"][3, 4] = value
    torch.save(tensors, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="text.text_projection holds NaN or infinite values in .*weights.pt"):
        load(tmp_path / "weights.pt")


def test_large_finite_weights_whose_sum_overflows_are_not_refused(tensors, tmp_path):
    tensors["text.text_projection"] = torch.full((64, 128), 3e38)
    torch.save(tensors, tmp_path / "weights.pt")
    assert load(tmp_path / "weights.pt").text.text_projection.max() > 2e38


def test_integers_in_place_of_weights_are_named(tensors, tmp_path):
    tensors["text.text_projection"] = torch.zeros(64, 128, dtype=torch.int8)
    torch.save(tensors, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="wrong type of text.text_projection .*float32; found torch.int8"):
        load(tmp_path / "weights.pt")


def test_absent_file_folder_and_contradiction_are_named(tmp_path):
    with pytest.raises(InputError, match="no such checkpoint in .*nowhere.pt; expected a .pt or .safetensors"):
        checkpoint.locate(DEMO, tmp_path / "nowhere.pt")
    with pytest.raises(InputError, match=f"checkpoint is a folder in {re.escape(str(tmp_path))}"):
        checkpoint.locate(DEMO, tmp_path)
    with pytest.raises(InputError, match="CHECKPOINT= and WEIGHTS=random exclude each other"):
        checkpoint.locate(DEMO, tmp_path / "weights.pt", random=True)


# Where the weights are

def test_locating_weights_imports_no_torch(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"anything")
    code = ("import sys, pathlib; from export.weights import checkpoint, lookup; spec = lookup.find('s2');"
            f"print(checkpoint.locate(spec, pathlib.Path({str(tmp_path / 'weights.pt')!r})).sha256);"
            "print(checkpoint.locate(spec, random=True).kind, 'torch' in sys.modules)")
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["ee0874170b7f6f32b8c2ac9573c428d35b575270a66b757c2c0185d2bd09718d",
                                     "random", "False"]


def test_demo_weights_are_bundled():
    source = checkpoint.locate(DEMO)
    assert (source.kind, source.path) == ("bundled", ROOT / "demo" / "weights.safetensors")
    assert "MIT" in checkpoint.licence_text(DEMO, source)


# Random weights, reparameterisation, the name of the space

@pytest.mark.slow
@pytest.mark.parametrize("name", ["demo", "s0", "s2"])
def test_random_weights_spread_pictures_and_texts_and_fold_exactly(name):
    spec = lookup.find(name)
    model = checkpoint.random_model(spec)
    pictures, ids = varied_pictures(spec.preprocessing, 4, seed=5), varied_texts(spec.text, 4, seed=5)
    image, text = model.encode_image(pictures, normalize=True), model.encode_text(ids, normalize=True)
    upper = torch.triu(torch.ones(4, 4), 1) > 0
    assert (image @ image.T)[upper].mean() < 0.9 and (text @ text.T)[upper].mean() < 0.9
    folded = checkpoint.reparameterise(model)
    assert (folded.encode_image(pictures, normalize=True) - image).abs().max() < 2e-6
    assert (folded.encode_text(ids, normalize=True) - text).abs().max() < 2e-6


def test_random_weights_are_the_same_bytes_on_every_run_whatever_the_threads(model):
    torch.rand(5)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads % 2 + 1)
    try:
        again, other = checkpoint.random_model(DEMO), checkpoint.random_model(DEMO, seed=1)
    finally:
        torch.set_num_threads(threads)
    assert same(again, model) and not same(other, model)
    assert checkpoint.load(DEMO, checkpoint.locate(DEMO, random=True)).logit_scale.exp() == pytest.approx(100)


def test_building_and_drawing_leave_torchs_random_state_alone():
    before = torch.get_rng_state()
    checkpoint.random_model(DEMO)
    assert torch.equal(torch.get_rng_state(), before)


def test_reparameterised_model_is_a_copy_without_branches(model):
    before, names = copy.deepcopy(model), set(model.state_dict())
    folded = checkpoint.reparameterise(model)
    assert same(model, before) and set(model.state_dict()) == names
    norms = [sum("BatchNorm" in type(m).__name__ for m in each.visual.modules()) for each in (model, folded)]
    assert norms[1] < norms[0] / 2


def test_space_names_weights_statistics_preprocessing_and_tokenizer(model):
    def name(change=lambda m: None, preprocessing=DEMO.preprocessing, tokenizer=TOKENIZER):
        changed = copy.deepcopy(model)
        change(changed)
        return checkpoint.space(changed, preprocessing, tokenizer)

    plain = name()
    assert re.fullmatch("[0-9a-f]{64}", plain) and name() == plain
    norm = next(key for key, m in model.named_modules() if isinstance(m, torch.nn.BatchNorm2d))
    others = [name(lambda m: m.logit_scale.add_(1e-3)),
              name(lambda m: m.get_submodule(norm).running_mean.add_(1e-3)),
              name(preprocessing=dataclasses.replace(DEMO.preprocessing, interpolation="bicubic")),
              name(preprocessing=dataclasses.replace(DEMO.preprocessing, mean=(0.5, 0.0, 0.0))),
              name(tokenizer="cd" * 32)]
    assert len({plain, *others}) == 6
    assert name(lambda m: m.get_submodule(norm).num_batches_tracked.add_(7)) == plain


def test_canonical_preprocessing_is_pinned():
    assert checkpoint.canonical(DEMO.preprocessing) == (
        '{"crop":"centre","interpolation":"bilinear","mean":[0.0,0.0,0.0],"resize":"shortest","size":64,'
        '"std":[1.0,1.0,1.0]}')
    assert checkpoint.canonical(lookup.find("PE-Core-B-16", "meta").preprocessing) == (
        '{"crop":"none","interpolation":"bilinear","mean":[0.5,0.5,0.5],"resize":"squash","size":224,'
        '"std":[0.5,0.5,0.5]}')


def test_the_spaces_of_the_demo_and_of_s0_are_those_of_every_catalog_so_far():
    def numbered(spec: ModelSpec) -> torch.nn.Module:
        """The network with the place of its name in each tensor: no random numbers, which differ by processor."""
        network = build(spec)
        for place, (_, value) in enumerate(sorted(network.state_dict().items())):
            value.fill_(place)
        return network

    demo, s0 = checkpoint.load(DEMO, checkpoint.locate(DEMO)), lookup.find("s0")
    assert checkpoint.space(demo, DEMO.preprocessing, ASSET_SHA256) == (
        "dbf9a37a23617060ca33d341b161adb5f478ef135fe33990d32ddce4d756c671")
    assert checkpoint.space(numbered(s0), s0.preprocessing, ASSET_SHA256) == (
        "70aba9eb379aa62261c25845ce7ab0c8f1cc506397f4f0931f03f37fb7796e12")


def test_the_tables_preprocessing_is_named_as_in_every_catalog_so_far():
    lines = "\n".join(checkpoint.canonical(spec.preprocessing) for spec in TABLE.values()
                      if spec.architecture not in (*CHINESE, WORLD))
    assert hashlib.sha256(lines.encode()).hexdigest() == (
        "4a391987db2992e494336198d665d54d73d85c15b344a02fab5e20082659bf53")

