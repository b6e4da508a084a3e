"""A loaded CLIP model enters; the two encoders leave in the form that is exported.

Both take what a phone has (pixels from 0 to 255, int32 token ids), contain scaling, mean and standard deviation, and
return a float32 embedding of unit length. They use no index that is computed from the data, so that every converter and
delegate accepts the whole encoder.
"""

import torch
from torch import Tensor, nn

from export.common.errors import InputError
from export.common.specs import ModelSpec, Preprocessing, TextSpec
from export.weights.fold import folded
from export.weights.networks.bert import BertText, with_fixed_places

MASKED = -10_000.0       # exp(-10000) is 0 in float32, and -10000 + any logit stays finite in float16 (largest 65504)
POOLED = {"end": "argmax", "last": "last", "first": "first", "mean": "mean"}     # TextSpec's name, the network's own


class ImageEncoder(nn.Module):
    """`image` float32 [N, 3, S, S], RGB from 0 to 255 -> `embedding` float32 [N, dim], unit length."""

    def __init__(self, visual: nn.Module, preprocessing: Preprocessing):
        super().__init__()
        self.visual = visual
        self.register_buffer("mean", torch.tensor(preprocessing.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(preprocessing.std).view(1, 3, 1, 1), persistent=False)
        self.centred = any(preprocessing.mean) or any(s != 1 for s in preprocessing.std)

    def forward(self, image: Tensor) -> Tensor:
        pixels = image / 255
        if self.centred:
            pixels = (pixels - self.mean) / self.std
        return unit_length(self.visual(pixels))


class TextEncoder(nn.Module):
    """`token_ids` int32 [N, L] -> `embedding` float32 [N, dim], unit length; mask and pooling as `spec` says.

    `text` is open_clip's TextTransformer, or a network with its attribute names and a method `features`.
    """

    def __init__(self, text: nn.Module, spec: TextSpec):
        super().__init__()
        refuse_unknown_text_tower(text, spec)
        self.text, self.end_token, self.pad_token = text, spec.end_token, spec.pad_token
        self.pooling, self.masks_pads = spec.pooling, spec.mask == "pads"
        if spec.pooling == "end":
            # [i, j] is 1 if i comes before j: a product with it counts the earlier end tokens.
            length = text.positional_embedding.shape[0]
            self.register_buffer("earlier", torch.ones(length, length).triu(1), persistent=False)
        mask = getattr(text, "attn_mask", None)
        self.register_buffer("mask", None if mask is None else mask.clamp(min=MASKED), persistent=False)

    def forward(self, token_ids: Tensor) -> Tensor:
        pooled = {"end": self.at_first_end, "last": self.at_last, "first": self.at_first,
                  "mean": self.mean}[self.pooling](token_ids)
        projection = self.text.text_projection
        return unit_length(projection(pooled) if isinstance(projection, nn.Module) else pooled @ projection)

    def at_first_end(self, token_ids: Tensor) -> Tensor:
        """The features of the first end token: [N, L] -> [N, width], as of all poolings."""
        ends = (token_ids == self.end_token).to(self.earlier.dtype)
        first_end = ends * torch.relu(1 - ends @ self.earlier)
        return (first_end.unsqueeze(1) @ self.features(token_ids)).squeeze(1)

    def at_last(self, token_ids: Tensor) -> Tensor:
        """Those of the last position, mostly a pad."""
        return self.features(token_ids)[:, -1]

    def at_first(self, token_ids: Tensor) -> Tensor:
        """Those of the first position, the start token."""
        return self.features(token_ids)[:, 0]

    def mean(self, token_ids: Tensor) -> Tensor:
        """The mean over all tokens but the pads."""
        words = 1 - self.pads(token_ids)
        return (words.unsqueeze(1) @ self.features(token_ids)).squeeze(1) / words.sum(dim=1, keepdim=True)

    def features(self, token_ids: Tensor) -> Tensor:
        """Final features of every token: [N, L] -> [N, L, width]."""
        if self.masks_pads:
            return self.text.features(token_ids, self.pads(token_ids)[:, None, None] * MASKED)
        if hasattr(self.text, "features"):
            return self.text.features(token_ids)
        tokens = self.text.token_embedding(token_ids) + self.text.positional_embedding
        return self.text.ln_final(self.text.transformer(tokens, attn_mask=self.mask))

    def pads(self, token_ids: Tensor) -> Tensor:
        """1.0 for each pad, else 0.0: [N, L]."""
        return (token_ids == self.pad_token).to(torch.float32)


def unit_length(x: Tensor) -> Tensor:
    """[N, dim] -> [N, dim], each row divided by its Euclidean norm.

    The largest component is divided out first, so that no square can overflow or vanish in float16.
    """
    x = x / x.abs().amax(dim=-1, keepdim=True)
    return x / x.square().sum(dim=-1, keepdim=True).sqrt()


def refuse_unknown_text_tower(text: nn.Module, spec: TextSpec) -> None:
    """Raises InputError for a text tower that pools or masks in a way the exported encoder does not reproduce."""
    pooled, wanted = getattr(text, "pool_type", "argmax"), POOLED[spec.pooling]
    causal = getattr(text, "attn_mask", None) is not None
    unknown = [name for name, bad in {
        "a class token": getattr(text, "cls_emb", None) is not None,
        "a padding mask": getattr(text, "use_pad_mask", False),
        f"pooling by {pooled!r}": pooled != wanted,
        f"a {'causal' if causal else 'missing'} mask": spec.mask is not None and causal != (spec.mask == "causal"),
        "no projection": getattr(text, "text_projection", None) is None,
    }.items() if bad]
    if unknown:
        raise InputError("text tower cannot be exported", where=type(text).__name__, found=", ".join(unknown),
                         expected=f"pooling by {wanted!r} and a projection", remedy="choose another model")


def split(model: nn.Module, spec: ModelSpec) -> dict[str, nn.Module]:
    """The reparameterised `model` as {"image": ImageEncoder, "text": TextEncoder}, in evaluation mode, float32.

    The image tower is a copy with its constant factors folded (export/weights/fold.py). A BERT's places are, too.
    """
    torch.backends.mha.set_fastpath_enabled(False)    # no converter supports torch's fused attention kernel
    return {"image": ImageEncoder(folded(model.visual), spec.preprocessing).eval(),
            "text": text_encoder(model.text, spec.text)}


def text_encoder(text: nn.Module, spec: TextSpec) -> nn.Module:
    """The text tower of a reparameterised model as it is exported. A BERT's places are folded."""
    return TextEncoder(with_fixed_places(text) if isinstance(text, BertText) else text, spec).eval()


def sizes(model: nn.Module) -> dict[str, int]:
    """Bytes of the parameters of both towers in float32, before they are folded."""
    towers = {"image": model.visual, "text": model.text}
    return {name: 4 * sum(parameter.numel() for parameter in tower.parameters()) for name, tower in towers.items()}


def example(encoder: str, spec: ModelSpec) -> Tensor:
    """A seeded input of batch 1 to trace with: pixels in the middle of their range, or one short sentence's ids."""
    if encoder == "image":
        size = spec.preprocessing.size
        return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)) * 255
    ids = torch.full((1, spec.text.context_length), spec.text.pad_token, dtype=torch.int32)
    sentence = spec.text.framed([word % spec.text.vocabulary for word in (320, 1125)])
    ids[0, :len(sentence)] = torch.tensor(sentence)
    return ids
