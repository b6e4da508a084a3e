"""A text tower enters; one with fewer rows of its token table leaves. All else it shares with the first."""

import copy

import numpy as np
import torch
from torch import nn

from export.common.errors import InputError
from export.weights.networks.bert import BertText


def table_of(text: nn.Module) -> nn.Embedding:
    """The table of token embeddings of a text tower. Raises InputError for a tower that has none."""
    table = text.bert["embeddings"].word_embeddings if isinstance(text, BertText) else getattr(
        text, "token_embedding", None)
    if not isinstance(table, nn.Embedding):
        raise InputError("the text tower has no table of tokens that can be pruned", where=type(text).__name__,
                         remedy="choose another model")
    return table


def with_rows(text: nn.Module, kept: np.ndarray) -> nn.Module:
    """A copy of `text` that knows the tokens `kept`, int [n], alone: token i of the copy was token kept[i].

    The copy shares all other weights. It is for the encoder that is exported: what the tower itself knows of special
    tokens is not changed.
    """
    changed = copy.deepcopy(text, {id(tensor): tensor for tensor in (*text.parameters(), *text.buffers())})
    table = table_of(changed)
    table.weight = nn.Parameter(table.weight.detach()[torch.from_numpy(kept)], requires_grad=False)
    table.num_embeddings, table.padding_idx = len(kept), None
    return changed
