"""A state dict with the keys of the transformers library enters; one with our keys leaves.

CLIPModel's become open_clip's, and ChineseCLIPModel's become cn_clip's, with `text.` before the text tower. All build
the same networks, for plain ViTs alone. transformers keeps the projections of queries, keys and values apart, and
stores the two last projections transposed. A BERT's own stay apart.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from export.common.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

TOWERS = ("vision_model.", "text_model.")
WORDS, CHINESE_WORDS = (f"text_model.embeddings.{table}.weight" for table in ("token_embedding", "word_embeddings"))
PLAIN = ("vision_model.embeddings.class_embedding", "visual_projection.weight", "text_projection.weight")
UNUSED = "text_model.pooler."                # BERT's own pooling, which Chinese-CLIP does not use
NAMES = (                                    # transformers' (with its spelling of pre_layrnorm), ours
    (r"^text_model\.(?=embeddings\.(\w+_embeddings|LayerNorm)\.|encoder\.layer\.)", "text.bert."),
    (r"^text_model\.embeddings\.token_embedding\.", "text.token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "text.positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "text.ln_final."),
    (r"^text_projection\.weight$", "text.text_projection"),
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.patch_embedding\.", "visual.conv1."),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^visual_projection\.weight$", "visual.proj"),
    (r"^text_model\.encoder\.layers\.", "text.transformer.resblocks."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"\.layer_norm1\.", ".ln_1."), (r"\.layer_norm2\.", ".ln_2."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."), (r"\.mlp\.fc2\.", ".mlp.c_proj."), (r"\.self_attn\.", ".attn."))
TRANSPOSED = ("text.text_projection", "visual.proj")
QUERY = re.compile(r"^(.*\.attn\.)q_proj\.(weight|bias)$")


def is_transformers_layout(state: "dict[str, Tensor]") -> bool:
    """Whether the keys are those of the transformers library."""
    return any(key.startswith(TOWERS) for key in state)


def from_transformers_layout(state: "dict[str, Tensor]", path: Path) -> "dict[str, Tensor]":
    """`state` with our keys. Raises InputError for half a model, and for towers other than plain ViTs."""
    half = [tower for tower in TOWERS if not any(key.startswith(tower) for key in state)]
    if half:
        held = {"vision_model.": "a text tower", "text_model.": "an image tower"}[half[0]]
        raise InputError(f"holds {held} alone, in transformers' layout", where=path, expected="both towers of CLIP",
                         found=f"no key {half[0]}…", remedy="give the whole CLIPModel's checkpoint")
    lacking = [key for key in (*PLAIN, CHINESE_WORDS if CHINESE_WORDS in state else WORDS) if key not in state]
    if lacking:
        raise InputError("transformers' layout of another model than CLIP", where=path, found=f"no {lacking[0]}",
                         expected="CLIPModel's or ChineseCLIPModel's keys", remedy="give a CLIPModel's checkpoint")
    return _joined({_renamed(key): value for key, value in state.items() if not key.startswith(UNUSED)}, path)


def _renamed(key: str) -> str:
    for pattern, name in NAMES:
        key = re.sub(pattern, name, key)
    return key


def _joined(state: "dict[str, Tensor]", path: Path) -> "dict[str, Tensor]":
    """Queries, keys and values in one tensor, and the two last projections transposed."""
    import torch

    for query in [found for key in state if (found := QUERY.match(key))]:
        block, kind = query.groups()
        names = [f"{block}{part}_proj.{kind}" for part in "qkv"]
        if not all(name in state for name in names):
            raise InputError("incomplete attention in transformers' layout", where=path, expected=", ".join(names),
                             remedy="give the checkpoint whole")
        state[f"{block}in_proj_{kind}"] = torch.cat([state.pop(name) for name in names])
    return state | {key: state[key].T for key in TRANSPOSED}
