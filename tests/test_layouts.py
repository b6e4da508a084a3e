"""Checkpoints as people have them: what is taken gives the same weights, what is refused names layout and remedy."""

import argparse
import dataclasses
import gzip
import json
import re
import shlex
import subprocess
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from export.common.errors import InputError
from export.common.specs import ModelSpec
from export.weights import checkpoint, lookup, state
from export.weights.networks.construct import build
from export.weights.random_weights import varied_pictures

DEMO = lookup.find("demo")
SIDE, PATCH, WIDTH, LAYERS, DIM, WORDS = 32, 8, 32, 2, 24, 600
TINY = {"embed_dim": DIM,
        "vision_cfg": {"image_size": SIDE, "patch_size": PATCH, "width": WIDTH, "layers": LAYERS, "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": WORDS, "width": WIDTH, "heads": 2, "layers": LAYERS}}
VIT = dataclasses.replace(lookup.find("ViT-B-32", "openai"), network=json.dumps(TINY), dim=DIM, preprocessing=(
    dataclasses.replace(DEMO.preprocessing, size=SIDE)))


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """A plain ViT, tiny, with the keys of open_clip's class with separate towers."""
    return dict(checkpoint.random_model(VIT).state_dict())


def load(path: Path, spec: ModelSpec = VIT, key: str | None = None) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The weights, and what was said."""
    said: list[str] = []
    return checkpoint.load(spec, checkpoint.locate(spec, path, key=key), said.append).state_dict(), said


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())


def prefixed(prefix: str):
    return lambda state: {prefix + key: value for key, value in state.items()}


def half_compiled(state: dict) -> dict:
    return {key.replace("visual.", "visual._orig_mod."): value for key, value in state.items()}


def changed(state: dict) -> dict:
    return state | {"text.text_projection": state["text.text_projection"] + 1}


# What is taken: each gives the same weights.

TAKEN = {
    "bare": lambda t: t,
    "ordered": OrderedDict,
    "module.": prefixed("module."),
    "_orig_mod.": prefixed("_orig_mod."),
    "_orig_mod.module.": prefixed("_orig_mod.module."),
    "module._orig_mod.": prefixed("module._orig_mod."),
    "one tower compiled": half_compiled,
    "Lightning, model.": prefixed("model."),
    "Lightning, clip_model.": lambda t: {"state_dict": prefixed("clip_model.")(t), "hyper_parameters": {"lr": 0.1}},
    "training state": lambda t: {"epoch": 3, "name": "run", "state_dict": prefixed("module.")(t),
                                 "optimizer": {"state": {0: {"step": 3}}}, "scaler": {"scale": 65536.0}},
    "optimizer with NumPy numbers": lambda t: {"state_dict": t, "epoch": np.int64(3),
                                               "optimizer": {"lr": np.float64(1e-3), "wd": np.float32(0.2)}},
    "{model}": lambda t: {"model": t, "epoch": 1},
    "{model_state_dict}": lambda t: {"model_state_dict": t, "loss": 0.5},
    "{model: {state_dict}}": lambda t: {"model": {"state_dict": t, "step": 1}},
    "the same state twice": lambda t: {"state_dict": t, "model": dict(t)},
    "parameters": lambda t: {k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in t.items()},
    "not contiguous": lambda t: {k: v.T.contiguous().T if v.ndim == 2 else v for k, v in t.items()},
    "float64": lambda t: {k: v.double() if v.is_floating_point() else v for k, v in t.items()},
    "OpenAI's three numbers": lambda t: t | {
        "input_resolution": torch.tensor(SIDE), "context_length": torch.tensor(77), "vocab_size": torch.tensor(WORDS)},
    "buffers without meaning": lambda t: t | {
        "text.position_ids": torch.arange(77)[None], "text.attn_mask": torch.zeros(77, 77)},
}


@pytest.mark.parametrize("wrap", TAKEN.values(), ids=TAKEN.keys())
def test_a_layout_that_is_safe_to_read_is_taken(weights, tmp_path, wrap):
    torch.save(wrap(weights), tmp_path / "weights.pt")
    found, said = load(tmp_path / "weights.pt")
    assert same(found, weights) and said == []


def test_a_file_of_pytorch_before_1_6_is_taken(weights, tmp_path):
    torch.save(prefixed("module.")(weights), tmp_path / "weights.pt", _use_new_zipfile_serialization=False)
    assert same(load(tmp_path / "weights.pt")[0], weights)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_narrow_numbers_are_widened(weights, tmp_path, kind):
    narrow = {k: v.to(kind) if v.is_floating_point() else v for k, v in weights.items()}
    torch.save(narrow, tmp_path / "weights.pt")
    assert same(load(tmp_path / "weights.pt")[0],
                {k: v.float() if v.is_floating_point() else v for k, v in narrow.items()})


@pytest.mark.parametrize("name", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_numpy_numbers_are_taken_under_both_names(weights, tmp_path, name):
    """NumPy 1 and 2 write different names; here the name in the file is changed."""
    torch.save({"state_dict": weights, "lr": np.float64(0.5)}, tmp_path / "a.pt", pickle_protocol=2)
    with zipfile.ZipFile(tmp_path / "a.pt") as old, zipfile.ZipFile(tmp_path / "b.pt", "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry.endswith("data.pkl"):
                assert re.search(rb"cnumpy\.(_core|core)\.multiarray\nscalar\n", content)
                content = re.sub(rb"cnumpy\.\w+\.multiarray\n", f"c{name}\n".encode(), content)
            new.writestr(entry, content)
    assert same(load(tmp_path / "b.pt")[0], weights)


def test_an_average_alone_is_taken_and_named(weights, tmp_path):
    torch.save({"epoch": 1, "state_dict_ema": prefixed("module.")(weights)}, tmp_path / "weights.pt")
    found, said = load(tmp_path / "weights.pt")
    assert same(found, weights) and said == [
        "takes the averaged weights (EMA) in state_dict_ema; the file holds no others"]


def test_a_bias_of_siglips_loss_is_left_out_and_named(weights, tmp_path):
    torch.save(weights | {"logit_bias": torch.tensor(-10.0)}, tmp_path / "weights.pt")
    found, said = load(tmp_path / "weights.pt")
    assert same(found, weights) and said == ["leaves out logit_bias, which no ranking needs"]


# A folder, and shards.

def sharded(state: dict, folder: Path, index: str = "model.safetensors.index.json", **names: str) -> Path:
    """Two shards and their index."""
    keys = sorted(state)
    files = {"model-00001-of-00002.safetensors": keys[::2], "model-00002-of-00002.safetensors": keys[1::2]}
    for name, part in files.items():
        save_file({key: state[key].contiguous() for key in part}, folder / name)
    weight_map = {key: name for name, part in files.items() for key in part} | names
    (folder / index).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return folder / index


def test_shards_are_taken_by_their_index_and_by_their_folder(weights, tmp_path):
    index = sharded(weights, tmp_path)
    assert same(load(index)[0], weights) and same(load(tmp_path)[0], weights)
    one, other = (checkpoint.locate(VIT, path) for path in (index, tmp_path))
    assert one == other and re.fullmatch("[0-9a-f]{64}", one.sha256)


def test_the_digest_of_shards_follows_each_of_them(weights, tmp_path):
    before = checkpoint.locate(VIT, sharded(weights, tmp_path)).sha256
    sharded(changed(weights), tmp_path)
    assert checkpoint.locate(VIT, tmp_path).sha256 != before


@pytest.mark.parametrize("name", ["../elsewhere.safetensors", "/etc/passwd", "a/b.safetensors", "..", "a\\b"])
def test_an_index_opens_no_file_outside_its_folder(weights, tmp_path, name):
    index = sharded(weights, tmp_path, **{"logit_scale": name})
    with pytest.raises(InputError, match="names a file elsewhere.*expected bare names"):
        load(index)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": {}}', '{"weight_map": {"a": 1}}', "[" * 100_000])
def test_an_index_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(InputError, match="not an index of shards"):
        load(tmp_path)


def test_a_missing_shard_and_a_tensor_that_is_not_in_it_are_named(weights, tmp_path):
    index = sharded(weights, tmp_path)
    content = json.loads(index.read_text())
    content["weight_map"]["more"] = "model-00001-of-00002.safetensors"
    index.write_text(json.dumps(content))
    with pytest.raises(InputError, match="a shard lacks a tensor .*model-00001.*found no more"):
        load(index)
    (tmp_path / "model-00001-of-00002.safetensors").unlink()
    with pytest.raises(InputError, match="a shard of the checkpoint is missing.*model-00001"):
        load(index)


@pytest.mark.parametrize("name", ["open_clip_model.safetensors", "model.safetensors", "mine.safetensors"])
def test_a_folder_with_one_checkpoint_is_taken(weights, tmp_path, name):
    save_file(weights, tmp_path / name)
    (tmp_path / "config.json").write_text("{}")
    assert same(load(tmp_path)[0], weights)


def test_a_folder_with_several_checkpoints_names_one(weights, tmp_path):
    folder = tmp_path / "two files"
    folder.mkdir()
    for name in ("a.pt", "b.pt"):
        torch.save(weights, folder / name)
    with pytest.raises(InputError, match="checkpoint is a folder.*found a.pt, b.pt; remedy: CHECKPOINT='.*/a.pt'") as e:
        load(folder)
    [path] = shlex.split(str(e.value).partition("CHECKPOINT=")[2])
    assert same(load(Path(path))[0], weights)


# What is refused, with a remedy that works.

def test_raw_and_averaged_weights_are_a_choice(weights, tmp_path):
    torch.save({"state_dict": weights, "state_dict_ema": changed(weights)}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="raw and averaged weights.*remedy: CHECKPOINT_KEY=state_dict_ema"):
        load(tmp_path / "weights.pt")
    assert same(load(tmp_path / "weights.pt", key="state_dict_ema")[0], changed(weights))
    assert same(load(tmp_path / "weights.pt", key="state_dict")[0], weights)


@pytest.mark.parametrize("name, wrap", [
    ("ema", lambda t: {"decay": 0.999, "module": t}), ("model_ema", lambda t: {"state_dict": prefixed("module.")(t)}),
    ("ema_model", lambda t: t), ("ema", lambda t: {"shadow": t, "num_updates": 3}), ("averaged_model", lambda t: t)])
def test_an_average_under_other_names_or_beside_its_decay_is_a_choice_too(weights, tmp_path, name, wrap):
    torch.save({"model": weights, name: wrap(changed(weights))}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=f"raw and averaged weights.*remedy: CHECKPOINT_KEY={name}"):
        load(tmp_path / "weights.pt")
    assert same(load(tmp_path / "weights.pt", key=name)[0], changed(weights))
    torch.save({name: wrap(weights)}, tmp_path / "alone.pt")
    found, [said] = load(tmp_path / "alone.pt")
    assert same(found, weights) and said.startswith(f"takes the averaged weights (EMA) in {name}")


def test_an_average_in_an_unknown_layout_is_named(weights, tmp_path):
    torch.save({"model": weights, "ema": {"decay": 0.9, "shadow_params": [torch.zeros(1)]}, "ema_decay": 0.9},
               tmp_path / "weights.pt")
    found, said = load(tmp_path / "weights.pt")
    assert same(found, weights) and said == ["takes model; ema holds no state dict"]


def test_two_different_state_dicts_are_a_choice(weights, tmp_path):
    torch.save({"state_dict": weights, "model": changed(weights)}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="several state dicts.*remedy: CHECKPOINT_KEY=state_dict"):
        load(tmp_path / "weights.pt")
    assert same(load(tmp_path / "weights.pt", key="model")[0], changed(weights))


@pytest.mark.parametrize("wrap, remedy", [
    (lambda t: {"model": t}, "expected model; remedy: CHECKPOINT_KEY=model"),
    (lambda t: t, "remedy: leave CHECKPOINT_KEY out")])
def test_a_key_that_is_not_there_is_refused(weights, tmp_path, wrap, remedy):
    torch.save(wrap(weights), tmp_path / "weights.pt")
    with pytest.raises(InputError, match=f"CHECKPOINT_KEY=ema names no dictionary of tensors.*{remedy}"):
        load(tmp_path / "weights.pt", key="ema")


def test_prefixes_are_stripped_only_from_all_keys_and_never_make_two_keys_one(weights, tmp_path):
    torch.save(weights | {"module.extra": torch.zeros(1)}, tmp_path / "some.pt")
    with pytest.raises(InputError, match=r"1 surplus \(first module.extra\)"):
        load(tmp_path / "some.pt")
    torch.save(weights | {"_orig_mod.logit_scale": torch.zeros(())}, tmp_path / "two.pt")
    with pytest.raises(InputError, match="two keys become one"):
        load(tmp_path / "two.pt")


class Archive(torch.nn.Module):
    """As OpenAI published its models: parameters in a tree of modules, and three numbers as buffers."""

    def __init__(self, state: dict[str, torch.Tensor]):
        super().__init__()
        for key, value in state.items():
            module = self
            *path, last = key.split(".")
            for part in path:
                if not hasattr(module, part):
                    module.add_module(part, torch.nn.Module())
                module = getattr(module, part)
            module.register_buffer(last, value)
        self.register_buffer("input_resolution", torch.tensor(SIDE))
        self.register_buffer("context_length", torch.tensor(77))
        self.register_buffer("vocab_size", torch.tensor(49408))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def follow(error: InputError, file: Path) -> Path:
    """Runs the command that a message ends with, and gives the file that it writes beside `file`."""
    command = shlex.split(str(error)[str(error).index("/"):][str(error)[str(error).index("/"):].rindex(": ") + 2:])
    subprocess.run(command, check=True, capture_output=True)
    return file.with_name(f"{file.stem}-weights.pt")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_a_torchscript_archive_is_refused_and_the_command_makes_it_a_state_dict(weights, tmp_path):
    file = tmp_path / "ViT-B 32.pt"
    torch.jit.save(torch.jit.script(Archive({k: v.half() for k, v in weights.items()})), file)
    with pytest.raises(InputError, match="TorchScript archive.*save its state_dict: ") as refused:
        load(file, VIT)
    assert same(load(follow(refused.value, file), VIT)[0], {k: v.half().float() for k, v in weights.items()})


@pytest.mark.slow
@pytest.mark.parametrize("key, new", [("state_dict", True), ("model", False)])
def test_a_namespace_beside_the_weights_is_refused_and_the_command_takes_them_out(weights, tmp_path, key, new):
    file = tmp_path / "weights.pt"
    torch.save({key: weights, "args": argparse.Namespace(lr=1)}, file, _use_new_zipfile_serialization=new)
    with pytest.raises(InputError, match=f"found argparse.Namespace; .*if you made it, save its {key}: ") as refused:
        load(file)
    assert same(load(follow(refused.value, file))[0], weights)


def test_a_whole_module_is_refused_by_its_class(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"found torch.nn.modules.linear.Linear; .*save model.state_dict\(\)"):
        load(tmp_path / "weights.pt")


@pytest.mark.parametrize("kind", ["object", "structured", "text"])
def test_a_numpy_value_that_is_no_number_is_refused(weights, tmp_path, kind):
    value = {"object": np.array([print], object), "structured": np.zeros(1, [("a", "f4")])[0],
             "text": np.str_("a")}[kind]
    torch.save({"state_dict": weights, "value": value}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match="refused a pickle|damaged"):
        load(tmp_path / "weights.pt")


def gzipped(file: Path, suffix: str = ".gz") -> Path:
    packed = file.with_name(f"{file.name}{suffix}")
    content = file.read_bytes()
    file.unlink()
    packed.write_bytes(gzip.compress(content, 1))
    return packed


def gzipped_under_its_own_name(file: Path) -> Path:
    return gzipped(file, "")


def tarred(file: Path) -> Path:
    with tarfile.open(file.with_name("weights.tar"), "w") as packed:
        packed.add(file, file.name)
    file.unlink()
    return file.with_name("weights.tar")


def zipped(file: Path) -> Path:
    with zipfile.ZipFile(file.with_name("weights.zip"), "w") as packed:
        packed.write(file, file.name)
    file.unlink()
    return file.with_name("weights.zip")


@pytest.mark.parametrize("pack", [gzipped, gzipped_under_its_own_name, tarred])
def test_a_packed_file_is_refused_and_the_command_unpacks_it(weights, tmp_path, pack):
    file = tmp_path / "weights.safetensors"
    save_file(weights, file)
    packed = pack(file)
    with pytest.raises(InputError, match="the file is packed in .*remedy: unpack it: ") as refused:
        load(packed)
    subprocess.run(str(refused.value).rpartition("unpack it: ")[2], cwd=tmp_path, shell=True, check=True)
    assert same(load(file)[0], weights)


def test_a_zip_around_a_checkpoint_is_packed_too(weights, tmp_path):
    save_file(weights, tmp_path / "weights.safetensors")
    with pytest.raises(InputError, match="the file is packed .*unzip"):
        load(zipped(tmp_path / "weights.safetensors"))


def test_folded_weights_are_refused_and_the_training_checkpoint_is_taken(tmp_path):
    trained = checkpoint.random_model(DEMO)
    torch.save(checkpoint.reparameterise(trained).state_dict(), tmp_path / "folded.pt")
    with pytest.raises(InputError, match="inference weights.*reparam_conv.*remedy: give the training checkpoint"):
        load(tmp_path / "folded.pt", DEMO)
    torch.save(trained.state_dict(), tmp_path / "trained.pt")
    assert same(load(tmp_path / "trained.pt", DEMO)[0], trained.state_dict())


def test_an_adapter_is_refused_and_the_merged_model_is_taken(weights, tmp_path):
    key = "text.transformer.resblocks.0.mlp.c_fc"
    up, down = torch.randn(4 * WIDTH, 4), torch.randn(4, WIDTH)
    torch.save({f"base_model.model.{key}.lora_A.weight": down, f"base_model.model.{key}.lora_B.weight": up},
               tmp_path / "adapter.pt")
    with pytest.raises(InputError, match="an adapter .*, not a model.*remedy: merge_and_unload"):
        load(tmp_path / "adapter.pt")
    merged = weights | {f"{key}.weight": weights[f"{key}.weight"] + up @ down}
    torch.save(merged, tmp_path / "merged.pt")
    assert same(load(tmp_path / "merged.pt")[0], merged)


def test_more_words_are_refused_and_the_first_rows_are_taken(weights, tmp_path):
    key = "text.token_embedding.weight"
    torch.save(weights | {key: torch.cat([weights[key], torch.zeros(2, WIDTH)])}, tmp_path / "more.pt")
    with pytest.raises(InputError, match="a vocabulary of 602 words.*expected the tokenizer's 600"
                                         f".*save the first 600 rows of {key}"):
        load(tmp_path / "more.pt")
    torch.save(weights | {key: torch.load(tmp_path / "more.pt")[key][:WORDS]}, tmp_path / "first.pt")
    assert same(load(tmp_path / "first.pt")[0], weights)


@pytest.mark.parametrize("scale, factor", [(100.0, True), (7.0, True), (6.9, False), (4.6052, False)])
def test_a_scale_that_is_no_logarithm_is_refused_and_its_logarithm_taken(weights, tmp_path, scale, factor):
    torch.save(weights | {"logit_scale": torch.tensor(scale)}, tmp_path / "weights.pt")
    if not factor:
        assert load(tmp_path / "weights.pt")[0]["logit_scale"] == torch.tensor(scale)
        return
    with pytest.raises(InputError, match=f"logit_scale {scale:g} looks like the factor.*store .* in its place") as e:
        load(tmp_path / "weights.pt")
    torch.save(weights | {"logit_scale": torch.tensor(float(re.search(r"store (\S+)", str(e.value))[1]))},
               tmp_path / "log.pt")
    assert load(tmp_path / "log.pt")[0]["logit_scale"].exp() == pytest.approx(scale, rel=1e-4)


@pytest.mark.slow
def test_the_checkpoints_that_only_the_row_tells_apart_are_named(tmp_path):
    spec = lookup.find("2-b")
    with torch.device("meta"):
        keys = build(spec).state_dict()
    said: list[str] = []
    state.fit({key: torch.zeros(value.shape, dtype=value.dtype) for key, value in keys.items()}, build(spec), spec,
              tmp_path, said.append)
    assert said == ["b, blt and 2-b have the same keys: takes these for MODEL=2-b's"]


def test_apples_first_b_is_not_taken_for_the_second_and_the_remedy_is_another_network(tmp_path):
    stem = {state.STEM_OF_B: torch.zeros(1)}
    with torch.device("meta"):
        first, second = (build(lookup.find(name)) for name in ("b", "2-b"))
    with pytest.raises(InputError, match="does not fit MODEL=2-b .*found Apple's first version of MobileCLIP-B; "
                                         "remedy: it looks like b or blt: MODEL=b$"):
        state.fit(stem, second, lookup.find("2-b"), tmp_path, print)
    with pytest.raises(InputError, match="does not fit MODEL=b .*in Apple's layout, of another network or incomplete"):
        state.fit(stem, first, lookup.find("b"), tmp_path, print)          # past the stem: the rest is missing


# The layout of the transformers library.

def transformers_layout(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`state`, with open_clip's keys, as the transformers library writes it."""
    found = {"text_model.embeddings.position_ids": torch.arange(77)[None]}
    for key, value in state.items():
        key = key.replace("text.transformer.resblocks", "text_model.encoder.layers")
        key = key.replace("visual.transformer.resblocks", "vision_model.encoder.layers")
        for ours, theirs in (("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("c_fc", "fc1"), ("c_proj", "fc2"),
                             ("text.ln_final", "text_model.final_layer_norm"),
                             ("visual.ln_pre", "vision_model.pre_layrnorm"),
                             ("visual.ln_post", "vision_model.post_layernorm"),
                             ("visual.class_embedding", "vision_model.embeddings.class_embedding"),
                             ("visual.conv1", "vision_model.embeddings.patch_embedding"),
                             ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
                             ("text.positional_embedding", "text_model.embeddings.position_embedding.weight"),
                             ("text.token_embedding", "text_model.embeddings.token_embedding"),
                             ("attn.", "self_attn.")):
            key = key.replace(ours, theirs)
        if "in_proj_" in key:
            for part, third in zip("qkv", value.chunk(3), strict=True):
                found[key.replace("in_proj_", f"{part}_proj.")] = third.clone()
        elif key in ("visual.proj", "text.text_projection"):
            found[{"visual.proj": "visual_projection.weight"}.get(key, "text_projection.weight")] = value.T.contiguous()
        else:
            found[key] = value
    return found


@pytest.mark.parametrize("wrap", [lambda t: t, prefixed("clip."), lambda t: {"state_dict": t}])
def test_transformers_layout_gives_the_same_embeddings_bit_for_bit(weights, tmp_path, wrap):
    theirs = transformers_layout(weights)
    assert len(theirs) > len(weights) and not set(theirs) & (set(weights) - {"logit_scale"})
    torch.save(wrap(theirs), tmp_path / "model.bin")
    again = checkpoint.load(VIT, checkpoint.locate(VIT, tmp_path / "model.bin"))
    ours = checkpoint.random_model(VIT)
    pictures, ids = varied_pictures(VIT.preprocessing, 2), torch.randint(0, WORDS, (2, 77))
    assert torch.equal(again.encode_image(pictures), ours.encode_image(pictures))
    assert torch.equal(again.encode_text(ids), ours.encode_text(ids))


@pytest.mark.parametrize("tower, held", [("text_model", "a text tower"), ("vision_model", "an image tower")])
def test_half_a_model_in_transformers_layout_is_named(weights, tmp_path, tower, held):
    torch.save({k: v for k, v in transformers_layout(weights).items() if k.startswith(tower)}, tmp_path / "model.bin")
    with pytest.raises(InputError, match=f"holds {held} alone, in transformers' layout"):
        load(tmp_path / "model.bin", VIT)


@pytest.mark.parametrize("spec, drop, message", [
    (DEMO, "none", "transformers' layout, which holds plain ViTs; MODEL=demo is none"),
    (VIT, "vision_model.embeddings.class_embedding", "transformers' layout of another model than CLIP"),
    (VIT, "text_model.encoder.layers.0.self_attn.k_proj.bias", "incomplete attention in transformers' layout"),
    (VIT, "text_model.encoder.layers.0.mlp.fc1.bias", "does not fit.*1 missing")])
def test_transformers_layout_that_does_not_fit_is_named(weights, tmp_path, spec, drop, message):
    torch.save({k: v for k, v in transformers_layout(weights).items() if k != drop}, tmp_path / "model.bin")
    with pytest.raises(InputError, match=message):
        load(tmp_path / "model.bin", spec)
