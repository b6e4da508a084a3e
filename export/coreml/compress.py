"""A float16 Core ML model and a Mixture enter; a model with int8, int4 or palettised weights leaves (coremltools).

`int8`: a scale for each output channel, symmetric. `palette6`, `palette4`: 64 or 16 values for a whole weight, found by
k-means (seeded by coremltools). `int4`: a scale for each block of 32 inputs; iOS 18 and up. The weights are decoded to
float16 as the model runs. Activations stay float16, so there is no dynamic int8: `linear_quantize_activations` must run
the model to find their ranges, which needs Core ML, and so a Mac.
"""

from typing import Any

from export.formats.mixture import LEAST, Mixture, Weight, is_weight

READERS = {"conv", "linear", "matmul", "gather"}         # other readers (of masks, positions) need exact values


def weights(model) -> list[Weight]:
    """The weights of a ct.models.MLModel that can be compressed, in the order of its program."""
    import coremltools.optimize.coreml as cto

    metadata = cto.get_weights_metadata(model, weight_threshold=LEAST)
    return [Weight(name, tuple(entry.val.shape), entry.val.size) for name, entry in metadata.items()
            if {op.op_type for op in entry.child_ops} <= READERS and is_weight(entry.val)]


def compressed(model, mixture: Mixture):
    """A copy of `model`, its weights stored as `mixture` says; all other constants stay float16."""
    import coremltools.optimize.coreml as cto

    schemes = {weight.name: mixture.scheme(weight.name) for weight in weights(model)}
    for scheme in sorted(set(schemes.values()) - {"fp16"}):
        apply, settings = _settings(scheme)
        named = {name: settings for name, chosen in schemes.items() if chosen == scheme}
        model = apply(model, cto.OptimizationConfig(op_name_configs=named))
    return model


def _settings(scheme: str) -> tuple:
    """coremltools' function and configuration. Only one worker: its pool of workers does not survive a second use."""
    import coremltools.optimize.coreml as cto

    if scheme.startswith("palette"):
        return cto.palettize_weights, cto.OpPalettizerConfig(mode="kmeans", nbits=int(scheme[len("palette"):]),
                                                             num_kmeans_workers=1, weight_threshold=LEAST)
    blocks: dict[str, dict[str, Any]] = {
        "int8": {"dtype": "int8", "granularity": "per_channel"},
        "int4": {"dtype": "int4", "granularity": "per_block", "block_size": 32}}
    return cto.linear_quantize_weights, cto.OpLinearQuantizerConfig(mode="linear_symmetric", weight_threshold=LEAST,
                                                                    **blocks[scheme])
