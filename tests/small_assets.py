"""A tokenizer family enters; an asset of few bytes leaves, with all of the family's steps: most of its bytes matter."""

import numpy as np

from export.common.container import container_bytes, read_container
from parity import goldens, token_goldens

SETS = ("letters", "numbers", "separators", "ignore_case", "spaces", "removed", "decimals", "combining", "cased",
        "case_ignorable", "compositions", "struck", "dropped", "marks", "isolated", "punctuation", "breaks", "extends",
        "prepends", "unmarked")
MAPS = ("fold", "lower", "decompositions", "charrefs", "html", "html_shouted")


def small_asset_of(family: str) -> bytes:
    """A few pieces, the steps of the family's golden asset, and a few rows of each table of theirs."""
    metadata, tensors = token_goldens.small(family)
    golden, tables = read_container(goldens.OUT / token_goldens.ASSETS / f"{family}.safetensors", "")
    return container_bytes(metadata | {"steps": golden["steps"]}, few_rows(tables) | tensors)


def few_rows(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Some rows of each set, map and list of names that is among the tensors."""
    small = {name: tensors[name][:16] for name in SETS if name in tensors}
    for name in MAPS:
        if f"{name}_offsets" not in tensors:
            continue
        wanted = range(0, len(tensors[f"{name}_offsets"]) - 1, 7)[:24]
        if f"{name}_keys" in tensors:
            small[f"{name}_keys"] = tensors[f"{name}_keys"][wanted]
        else:
            small |= cut(tensors, f"{name}_names", f"{name}_name_offsets", wanted)
        small |= cut(tensors, f"{name}_values", f"{name}_offsets", wanted)
    return small


def cut(tensors: dict[str, np.ndarray], values: str, offsets: str, wanted: range) -> dict[str, np.ndarray]:
    """The wanted ones of the pieces of `values`, and their offsets."""
    kept = [piece for index, piece in enumerate(np.split(tensors[values], tensors[offsets][1:-1])) if index in wanted]
    return {values: np.concatenate(kept), offsets: np.cumsum([0, *map(len, kept)]).astype(np.uint32)}
