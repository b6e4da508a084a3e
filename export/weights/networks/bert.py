"""Token ids enter; one embedding for each text leaves, by BERT with its norms after the sums, as in Chinese-CLIP.

One plain network serves demo-world and both layouts of Chinese-CLIP's weights: the parameters have the names of
cn_clip, queries, keys and values are apart, and attention is one product that every converter knows. The libraries' own
modules build masks with operations that Core ML lacks; the gate runs these modules, to compare.
"""

import copy

import torch
from torch import Tensor, nn

from export.common.specs import TextSpec

EPS = 1e-12                                  # of every norm: BERT's own
KINDS, POSITIONS = 2, 512                    # rows of BERT's tables of segments and positions
INNER = 4                                    # width of the layers between, over the width


class BertText(nn.Module):
    """Ids int [N, L] -> [N, dim]: the features of the first token, or the mean over all but the pads (`spec.pooling`),
    times `text_projection`. Pads are masked as keys.
    """

    def __init__(self, words: int, width: int, heads: int, layers: int, dim: int, spec: TextSpec,
                 positions: int = POSITIONS):
        super().__init__()
        self.context_length, self.vocab_size, self.pad_token = spec.context_length, words, spec.pad_token
        self.pool_type = spec.pooling
        stack = nn.ModuleDict({"layer": nn.ModuleList([Layer(width, heads) for _ in range(layers)])})
        self.bert = nn.ModuleDict({"embeddings": BertEmbeddings(words, width, positions), "encoder": stack})
        self.text_projection = nn.Parameter(torch.empty(width, dim))

    def forward(self, token_ids: Tensor) -> Tensor:
        pads = (token_ids == self.pad_token).to(self.text_projection.dtype)
        features = self.features(token_ids, torch.finfo(pads.dtype).min * pads[:, None, None])
        if self.pool_type == "first":
            return features[:, 0] @ self.text_projection
        words = (1 - pads)[..., None]
        return (features * words).sum(dim=1) / words.sum(dim=1) @ self.text_projection

    def features(self, token_ids: Tensor, mask: Tensor | None) -> Tensor:
        """Final features of every token: [N, L] -> [N, L, width]; `mask` [N, 1, 1, L] is added to the scores."""
        x = self.bert["embeddings"](token_ids)
        for layer in self.bert["encoder"]["layer"]:
            x = layer(x, mask)
        return x


class BertEmbeddings(nn.Module):
    """Ids [N, L] -> [N, L, width]: the sum of three tables, normalised. All tokens are of the first segment."""

    def __init__(self, words: int, width: int, positions: int):
        super().__init__()
        self.word_embeddings = nn.Embedding(words, width)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(KINDS, width)
        self.LayerNorm = nn.LayerNorm(width, eps=EPS)

    def forward(self, token_ids: Tensor) -> Tensor:
        places = self.position_embeddings.weight[:token_ids.shape[1]] + self.token_type_embeddings.weight[0]
        return self.LayerNorm(self.word_embeddings(token_ids) + places)


class Layer(nn.Module):
    """[N, L, width] -> [N, L, width]: attention and two linear layers, each added to its input and then normalised."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention = nn.ModuleDict({"self": Attention(width, heads), "output": Added(width, width)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, INNER * width)})
        self.output = Added(INNER * width, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(nn.functional.gelu(self.intermediate["dense"](x)), x)


class Attention(nn.Module):
    """[N, L, width] -> [N, L, width], each token from all tokens; `mask` [N, 1, 1, L] is added to the scores."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        query, key, value = (self.apart(layer(x)) for layer in (self.query, self.key, self.value))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return mixed.transpose(1, 2).flatten(2)

    def apart(self, x: Tensor) -> Tensor:
        """[N, L, width] -> [N, heads, L, width / heads]."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Added(nn.Module):
    """A linear layer, whose outputs are added to `before` and then normalised."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(inputs, width), nn.LayerNorm(width, eps=EPS)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(x) + before)


class FixedEmbeddings(nn.Module):
    """As `BertEmbeddings`, with one row for each of L places in the place of two tables: no text changes these rows."""

    def __init__(self, embeddings: BertEmbeddings, length: int):
        super().__init__()
        self.word_embeddings, self.LayerNorm = embeddings.word_embeddings, embeddings.LayerNorm
        rows = embeddings.position_embeddings.weight[:length].double() + embeddings.token_type_embeddings.weight[0]
        self.places = nn.Parameter(rows.float(), requires_grad=False)

    def forward(self, token_ids: Tensor) -> Tensor:
        return self.LayerNorm(self.word_embeddings(token_ids) + self.places)


def with_fixed_places(text: BertText) -> BertText:
    """A copy of `text` for texts of its context length; it shares all weights but those of the places."""
    changed = copy.copy(text)
    changed._modules = dict(text._modules)
    changed.bert = nn.ModuleDict({"embeddings": FixedEmbeddings(text.bert["embeddings"], text.context_length),
                                  "encoder": text.bert["encoder"]})
    return changed
