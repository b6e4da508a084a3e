"""WEIGHTS=random: a row of the table enters; its network with seeded weights leaves, to try the pipeline without a
checkpoint. The network has learnt nothing, but its embeddings differ from picture to picture and from text to text.

The libraries' initial weights make a poor test: LayerScale of 1e-5 hides every branch, batch-norm statistics of 0 and 1
fit no data, and all texts get nearly the same embedding. Therefore LayerScale (and the scale with which a ResNet's
branch ends, which open_clip starts at 0) is drawn from 0.1 to 0.5, weights are scaled up, and the statistics come from
a few varied pictures (and texts, if the text tower has batch norms).
"""

import hashlib
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from export.common.specs import ModelSpec, Preprocessing, TextSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

IMAGE_GAIN, TEXT_GAIN = 1.0, 2.0             # of weights over 1 / sqrt(inputs); see random_model
TOKEN_DEVIATION = 1.0                        # smaller token embeddings vanish beside the positional ones
# BERT normalises after each sum, so what attention adds must be as large as what was there: with gains of 1 all texts
# have nearly the first token's embedding (mean cosine 0.87). The layers between would drown it again.
ATTENTION_GAIN, BETWEEN_GAIN = 2.0, 1.0
LOGIT_BIAS = -10.0                           # SigLIP's at the start of its training
CALIBRATION_SAMPLES = 4
FIRST_WORD = 256                             # ids below are special tokens, or single bytes
MOST_TOKENS = 40                             # of a random text, where the context holds as many


def random_model(spec: ModelSpec, seed: int = 0) -> "nn.Module":
    """The network of `spec`, every weight drawn from `seed` and its own key; the same bytes on every run.

    The gains are a compromise. Smaller gains make all embeddings alike (mean cosine over 0.9). Larger gains increase
    rounding errors (s2's image tower, reparameterised: max abs 5e-7 at a gain of 1.0, 1e-5 at 1.6).
    """
    import torch

    from export.weights.networks.construct import build
    model = build(spec)
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if value.is_floating_point():
                _fill(key, value, seed)
        model.logit_scale.fill_(math.log(100.0))
        if getattr(model, "logit_bias", None) is not None:
            model.logit_bias.fill_(LOGIT_BIAS)
        _calibrate(model, spec, seed)
    return model.eval()


def _generator(seed: int, key: str) -> "object":
    import torch
    digest = hashlib.sha256(f"{seed} {key}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


def _fill(key: str, value: "Tensor", seed: int) -> None:
    """Draws `value`, the tensor called `key`, in place."""
    generator = _generator(seed, key)
    last = key.rpartition(".")[2]
    if any(part in key for part in ("layer_scale", "gamma", "ls_1", "ls_2", ".ls1", ".ls2", ".bn3.weight")):
        value.uniform_(0.1, 0.5, generator=generator)
    elif last in ("running_var", "running_mean"):
        value.fill_(last == "running_var")   # set by _calibrate
    elif value.ndim <= 1 and last == "weight":
        value.uniform_(0.7, 1.3, generator=generator)
    else:
        value.normal_(0, _deviation(key, value), generator=generator)


def _deviation(key: str, value: "Tensor") -> float:
    if "token_embedding" in key or "word_embeddings" in key:
        return TOKEN_DEVIATION
    if value.ndim <= 1 or any(part in key for part in ("pos_embed", "positional_embedding", "cls_token",
                                                       "position_embeddings", "token_type_embeddings")):
        return 0.1
    if key.endswith(("text_projection", "visual.proj")):             # stored as [inputs, outputs]
        return value.shape[0] ** -0.5
    if key.startswith("text.bert."):
        return (ATTENTION_GAIN if ".attention." in key else BETWEEN_GAIN) * value.shape[1] ** -0.5
    return (TEXT_GAIN if key.startswith("text") else IMAGE_GAIN) * math.prod(value.shape[1:]) ** -0.5


def _calibrate(model: "nn.Module", spec: ModelSpec, seed: int) -> None:
    """Sets the batch-norm statistics of both towers to those of a few inputs."""
    with _single_thread():                   # sums in one order, whatever the number of cores
        for tower, inputs in ((model.visual, lambda: varied_pictures(spec.preprocessing, CALIBRATION_SAMPLES, seed)),
                              (model.text, lambda: varied_texts(spec.text, CALIBRATION_SAMPLES, seed))):
            norms = [module for module in tower.modules() if hasattr(module, "running_mean")]
            for norm in norms:
                norm.train()
                norm.momentum, usual = None, norm.momentum   # None: the plain mean over the batches seen
                norm.usual_momentum = usual
            if norms:
                tower(inputs())
            for norm in norms:
                norm.eval()
                norm.momentum = norm.usual_momentum
                del norm.usual_momentum


@contextmanager
def _single_thread():
    import torch
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def varied_pictures(preprocessing: Preprocessing, count: int, seed: int = 0) -> "Tensor":
    """Normalised pixels float32 [count, 3, size, size]: coloured clouds with detail at every scale, as in photographs.

    Contrast, brightness and roughness differ from picture to picture.
    """
    import torch
    size = preprocessing.size
    pictures = torch.empty(count, 3, size, size)
    for i in range(count):
        generator = _generator(seed, f"picture {i}")
        contrast, brightness, roughness = torch.rand(3, generator=generator).tolist()
        cloud = torch.zeros(1, 3, size, size)
        for octave in range(1, 8):           # 2 to 128 cells across
            cells = torch.randn(1, 3, 2 ** octave, 2 ** octave, generator=generator)
            detail = torch.nn.functional.interpolate(cells, size=(size, size), mode="bilinear", align_corners=False)
            cloud += detail * (0.4 + 0.4 * roughness) ** octave
        if i % 2:
            cloud = detail.sign()            # hard edges at the finest scale, as in screenshots and drawings
        pictures[i] = (cloud[0] * (0.2 + 0.6 * contrast) + 0.25 + 0.5 * brightness).clamp(0, 1)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (preprocessing.mean, preprocessing.std))
    return (pictures - mean) / std


def varied_texts(text: TextSpec, count: int, seed: int = 0) -> "Tensor":
    """Token ids int64 [count, context length] of 1 to 40 random tokens, or as many as the context holds."""
    import torch
    most = min(MOST_TOKENS, text.context_length - len(text.framed([])))
    words_end = min([text.vocabulary, *(token for token in text.framed([]) if token > FIRST_WORD)])
    ids = torch.full((count, text.context_length), text.pad_token, dtype=torch.long)
    for i in range(count):
        generator = _generator(seed, f"text {i}")
        words = int(torch.randint(1, most + 1, (1,), generator=generator))
        chosen = torch.randint(FIRST_WORD, words_end, (words,), generator=generator)
        framed = text.framed(chosen.tolist())
        ids[i, :len(framed)] = torch.tensor(framed)
    return ids
