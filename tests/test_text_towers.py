"""The text towers beside CLIP's: what is exported says what the library itself says, and planted faults are seen."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from benchmarks import network_families as families
from export.common.errors import InputError
from export.common.specs import CHINESE_CLIP_TEXT, SIGLIP_TEXT, TextSpec
from export.weights import checkpoint, encoders, random_weights
from export.weights.checkpoint import Source
from export.weights.networks.bert import Attention, BertText
from parity.gate import metrics, tolerances
from parity.gate.reference import Reference

NAMES = ("siglip", "siglip2", "chinese-vit")
FAMILIES = {family.name: family for family in families.families() if family.name in NAMES}
TEXTS = ["", "a", "red shoes", "\u7ea2\u8272\u8fde\u8863\u88d9", "word " * 40, "x" * 62, "tab\there", "two  spaces"]
CLOSE = 2e-6


@cache
def reference(name: str) -> Reference:
    with families.small(FAMILIES[name]):
        return Reference(FAMILIES[name].spec, Source("random", None, None))


def part(name: str, encoder: str = "text") -> torch.nn.Module:
    """A new encoder, as it is exported."""
    return encoders.split(checkpoint.reparameterise(reference(name).model), FAMILIES[name].spec)[encoder]


def ids(name: str) -> np.ndarray:
    """Texts as bytes, and random tokens: int32 [N, L]."""
    text = FAMILIES[name].text
    drawn = random_weights.varied_texts(text, 16, seed=3).numpy().astype(np.int32)
    return np.concatenate([families.byte_ids(text, TEXTS), drawn])


def said(encoder: torch.nn.Module, given: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return encoder(torch.from_numpy(given.astype(np.int32))).numpy()


@pytest.mark.parametrize("name", NAMES)
def test_both_encoders_say_what_the_library_says(name):
    """open_clip's own forward pass for SigLIP, transformers' ChineseCLIPModel for Chinese-CLIP."""
    given, side = ids(name), FAMILIES[name].size
    assert np.abs(said(part(name), given) - reference(name).texts(given)).max() < CLOSE
    squares = np.random.default_rng(0).integers(0, 256, (3, side, side, 3)).astype(np.uint8)
    pixels = torch.from_numpy(squares.transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        assert np.abs(part(name, "image")(pixels).numpy() - reference(name).images(squares)).max() < CLOSE


def test_chinese_clips_truth_is_not_the_network_that_is_exported():
    truth = reference("chinese-vit").truth
    kinds = {type(module).__module__.split(".")[0] for module in truth.modules()}
    assert not any(isinstance(module, BertText | Attention) for module in truth.modules())
    assert kinds == {"parity", "torch", "transformers"}


@pytest.mark.parametrize("name", NAMES)
def test_random_texts_are_far_enough_apart_to_tell_a_fault(name):
    found = reference(name).texts(ids(name)[len(TEXTS):])
    others = (found @ found.T)[~np.eye(len(found), dtype=bool)]
    assert others.mean() < 0.6 and others.max() < 0.95


# Planted faults.

@contextlib.contextmanager
def tanh_for_erf() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        gelu = torch.nn.functional.gelu
        patch.setattr(torch.nn.functional, "gelu", lambda x, approximate="none": gelu(x, approximate="tanh"))
        yield


@contextlib.contextmanager
def erf_for_tanh() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        gelu = torch.nn.functional.gelu
        patch.setattr(torch.nn.functional, "gelu", lambda x, approximate="none": gelu(x))
        patch.setattr(torch.nn.GELU, "forward", lambda self, x: gelu(x))
        yield


def changed(name: str, **fields) -> torch.nn.Module:
    """The encoder as another text side would have it."""
    faulty = part(name)
    for field, value in fields.items():
        setattr(faulty, field, value)
    return faulty


def at_end(name: str) -> torch.nn.Module:
    """The last position replaced by the first end token's."""
    faulty, length = changed(name, pooling="end"), FAMILIES[name].text.context_length
    faulty.register_buffer("earlier", torch.ones(length, length).triu(1), persistent=False)
    return faulty


def padded_with(name: str, pad: int, given: np.ndarray) -> np.ndarray:
    """The same texts with another pad after the first end token."""
    text = FAMILIES[name].text
    ends = (given == text.end_token).argmax(axis=1)
    return np.where(np.arange(text.context_length) > ends[:, None], pad, given)


def without_end(name: str, given: np.ndarray) -> np.ndarray:
    text = FAMILIES[name].text
    ends = (given == text.end_token).argmax(axis=1)
    return np.where(np.arange(text.context_length) == ends[:, None], text.pad_token, given)


def on_the_left(name: str, given: np.ndarray) -> np.ndarray:
    ends = (given == FAMILIES[name].text.end_token).argmax(axis=1)
    return np.stack([np.roll(row, len(row) - 1 - end) for row, end in zip(given, ends, strict=True)])


FAULTS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "siglip: the end token's features": ("siglip", lambda given: said(at_end("siglip"), given)),
    "siglip: the first token's features": ("siglip", lambda given: said(changed("siglip", pooling="first"), given)),
    "siglip: the mean": ("siglip", lambda given: said(changed("siglip", pooling="mean"), given)),
    "siglip: pad 0 for 1": ("siglip", lambda given: said(part("siglip"), padded_with("siglip", 0, given))),
    "siglip2: pad 1 for 0": ("siglip2", lambda given: said(part("siglip2"), padded_with("siglip2", 1, given))),
    "siglip2: no end token": ("siglip2", lambda given: said(part("siglip2"), without_end("siglip2", given))),
    "siglip2: pads on the left": ("siglip2", lambda given: said(part("siglip2"), on_the_left("siglip2", given))),
    "chinese: pads unmasked": ("chinese-vit", lambda given: said(changed("chinese-vit", pad_token=-1), given)),
    "chinese: the last position": ("chinese-vit", lambda given: said(changed("chinese-vit", pooling="last"), given)),
    "chinese: no end token": ("chinese-vit", lambda given: said(
        part("chinese-vit"), without_end("chinese-vit", given))),
    "chinese: pads on the left": ("chinese-vit", lambda given: said(
        part("chinese-vit"), on_the_left("chinese-vit", given))),
}


def failures(name: str, found: np.ndarray, given: np.ndarray, precision: str) -> list[str]:
    allowed = tolerances.of("no space", "onnx", precision, "text")
    return tolerances.failures(allowed, metrics.closeness(found, reference(name).texts(given)), [])


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_beyond_the_tolerance_of_every_float_precision(fault, precision):
    name, faulty = FAULTS[fault]
    given = ids(name)
    assert failures(name, said(part(name), given), given, precision) == []
    assert failures(name, faulty(given), given, precision)


@pytest.mark.parametrize(("name", "fault"), [("siglip", tanh_for_erf), ("siglip2", erf_for_tanh),
                                             ("chinese-vit", tanh_for_erf)])
def test_another_gelu_is_beyond_float32s_tolerance(name, fault):
    given = ids(name)
    reference(name).texts(given)             # the truth, before the fault
    true = part(name)
    with fault():
        faulty = said(true, given)
    assert failures(name, faulty, given, "fp32")


# Pooling and masks, by the text side.

def bert(spec: TextSpec) -> BertText:
    made = BertText(families.WORDS, 32, 2, 1, 16, spec).eval().requires_grad_(False)
    with torch.no_grad():
        for key, value in made.state_dict().items():
            random_weights._fill(f"text.{key}", value, 0)
    return made


def test_the_mean_leaves_the_pads_out():
    spec = replace(CHINESE_CLIP_TEXT, pooling="mean", vocabulary=families.WORDS)
    text = bert(spec)
    text.pool_type = "mean"
    encoder = encoders.TextEncoder(text, spec)
    given = torch.from_numpy(families.byte_ids(spec, TEXTS))
    features = encoder.features(given)
    words = [row[:int((own != spec.pad_token).sum())].mean(dim=0) for row, own in zip(features, given, strict=True)]
    expected = torch.nn.functional.normalize(torch.stack(words) @ text.text_projection, dim=-1)
    assert (encoder(given) - expected).abs().max() < CLOSE


def test_masked_pads_change_nothing_and_others_do():
    masked, attending = part("chinese-vit"), part("siglip")
    for encoder, name, counts in ((masked, "chinese-vit", False), (attending, "siglip", True)):
        given, table = families.byte_ids(FAMILIES[name].text, ["red shoes"]), encoder.text
        words = table.bert["embeddings"].word_embeddings if name == "chinese-vit" else table.token_embedding
        before = said(encoder, given)
        row = words.weight[FAMILIES[name].text.pad_token]
        kept = row.clone()
        row.neg_()
        after = said(encoder, given)
        row.copy_(kept)
        assert bool(np.abs(after - before).max() > 1e-3) is counts


@pytest.mark.parametrize(("spec", "message"), [
    (SIGLIP_TEXT, "pooling by 'argmax'.*a causal mask"),
    (replace(SIGLIP_TEXT, pooling="end"), "found a causal mask;"),
    (replace(SIGLIP_TEXT, mask=None), "found pooling by 'argmax'; ")])
def test_a_tower_that_does_not_pool_or_mask_as_its_text_side_says_is_refused(spec, message):
    import open_clip

    causal = open_clip.transformer.TextTransformer(width=64, heads=1, layers=1, output_dim=32)
    with pytest.raises(InputError, match=message):
        encoders.TextEncoder(causal.eval(), spec)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_to_trace_with_is_a_text_of_the_table(name):
    spec = FAMILIES[name].spec
    given = encoders.example("text", spec)
    text = spec.text
    assert given.shape == (1, text.context_length) and int(given.max()) < text.vocabulary
    assert given[0, -1] == text.pad_token and text.end_token in given[0].tolist()
