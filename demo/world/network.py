"""Token ids enter; one embedding of each text leaves, by a small BERT: the text tower of demo-world.

The features of all tokens that are no pads are averaged and projected. The parameters have the names of BERT in the
transformers library, under `bert`, and `text_projection`.
"""

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from demo.world.pieces import CONTEXT_LENGTH, PAD, PIECES
from export.weights.networks.demo import EMBED_DIM, build_visual
from export.weights.networks.towers import TwoTowers

WIDTH, HEADS, LAYERS, INNER = 64, 4, 2, 256
DEVIATION = 0.05                             # of fresh weights


class WorldText(nn.Module):
    """Ids int [N, L] -> [N, 128], the mean over the tokens that are no pads; pads are masked as keys."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = BertModel(BertConfig(
            vocab_size=PIECES, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
            intermediate_size=INNER, max_position_embeddings=CONTEXT_LENGTH, pad_token_id=PAD,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=DEVIATION,
        ), add_pooling_layer=False)
        self.text_projection = nn.Parameter(torch.randn(WIDTH, EMBED_DIM) * WIDTH ** -0.5)

    def forward(self, ids: Tensor) -> Tensor:
        kept = ids != PAD
        features = self.bert(ids, attention_mask=kept.long()).last_hidden_state
        weights = kept[..., None].to(features.dtype)
        return (features * weights).sum(dim=1) / weights.sum(dim=1) @ self.text_projection


def build_world() -> TwoTowers:
    """The image tower of `demo`, and the text tower, with fresh random weights."""
    return TwoTowers(build_visual(), WorldText())
