"""Which constants of an artefact the gate takes for the checkpoint's: as they are, folded, or at another scale."""

import numpy as np
import pytest

from parity.gate import stored_weights

RNG = np.random.default_rng(0)
W, V, G, T = (RNG.normal(size=shape).astype(np.float32) for shape in ((24, 32), (24, 32), 32, 32))
TRUE = {"norm.weight": G, "norm.bias": T, "q.weight": W, "k.weight": V}
FP32, FP16 = (stored_weights.RESIDUAL[precision] for precision in ("fp32", "fp16"))


def lacking(found: list[np.ndarray], residual: float = FP32) -> list[str]:
    values = stored_weights.by_size(found)
    missing = [name for name, value in TRUE.items() if not stored_weights.holds(values, value, residual)]
    return stored_weights.without_folded(TRUE, missing, values, residual)


def test_a_norm_that_is_in_some_layers_and_kept_for_others_is_known():
    """As litert-torch does with EVA02: q has a bias and takes the norm, k has none and keeps it."""
    assert lacking([G, T, W * G, W @ T, V]) == []
    assert lacking([W * G, W @ T, V * G, V @ T]) == []
    assert lacking([G, T, W * G * np.float32(1.05), W @ T, V]) == ["q.weight"]
    assert lacking([G, T, W * G, (W @ T) * np.float32(1.05), V]) == ["q.weight"]


def off(found: list[np.ndarray], residual: float = FP32) -> list[str]:
    return stored_weights.at_another_scale(TRUE, lacking(found, residual), stored_weights.by_size(found), residual)


@pytest.mark.parametrize("residual", [FP32, FP16])
def test_a_tensor_at_another_scale_is_told_from_one_that_is_folded(residual):
    assert off([G, T, W * np.float32(1.05), V], residual) == ["q.weight"]
    assert off([G, T, W * np.exp(G)[None], V], residual) == []


@pytest.mark.parametrize(("factor", "is_scale"), [
    (64 ** -0.5, True), (64 ** -0.25, True), (80 ** -0.5, True), (8 ** -0.5, True), (1.05, False), (1 / 1.05, False),
    (0.95, False), (2.0, False), (0.9, False), (0.0, False)])
def test_only_a_heads_width_makes_the_scale_that_attention_puts_into_queries_and_keys(factor, is_scale):
    assert stored_weights.attention_scale(factor) is is_scale
    if factor:
        assert off([G, T, W * np.float32(factor), V]) == ([] if is_scale else ["q.weight"])


def test_another_tensor_of_the_checkpoint_does_not_count_as_a_scaled_one():
    twice = {"a": W, "b": 2 * W}
    found = stored_weights.by_size([2 * W])
    assert stored_weights.at_another_scale(twice, ["a"], found, FP32) == []
    assert stored_weights.at_another_scale({"a": W}, ["a"], found, FP32) == ["a"]


def test_constants_are_those_of_the_float32_twin_rounded():
    twin = [W, G, np.float32([1, 2])]
    assert stored_weights.rounded_from([one.astype(np.float16) for one in twin], twin, "fp16")
    assert not stored_weights.rounded_from([W.astype(np.float16), (G * 1.05).astype(np.float16)], twin, "fp16")
    assert not stored_weights.rounded_from([V.astype(np.float16)], twin, "fp16")
