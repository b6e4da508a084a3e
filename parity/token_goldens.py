"""Look-alikes of the tokenizers enter; golden ids, their assets and damaged assets leave, for the ports.

`tokens-<name>.json` holds ids by the reference, `tokenizers/<name>.safetensors` the asset that must give them.
`tokenizers/damaged/` holds small assets, each with one part that a reader must refuse by its name.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from export.common.container import container_bytes
from export.common.specs import CLIP_TEXT, TextSpec
from export.text import families
from export.text.assets.version2 import SPACE_MARK, VERSION, step_tensors
from export.text.tokenizer import FORMAT
from parity import hostile, lookalikes

ASSETS, DAMAGED = "tokenizers", "damaged"
NAMES: Mapping[str, str] = MappingProxyType({"unigram": "siglip", "unigram-cased": "xlm-r", "gemma-bpe": "siglip2",
                                             "wordpiece": "chinese-clip"})
RANDOM = 60                              # random texts in each file
TOOLS = ("open_clip_torch", "ftfy", "tokenizers", "sentencepiece", "emoji")
Changes = Mapping[str, object]


def texts_for(text: TextSpec) -> list[str]:
    """Hand-made and random texts, and such of as many tokens as a row holds, one less and one more; each once."""
    room = text.context_length - len(text.framed([]))
    counted = [" ".join(["a"] * count) for count in (room - 1, room, room + 1)]
    special = ["<s>", "a <mask> b</s>", "<pad>", "<unk>", "&lt;eos&gt;"] if "strike" in text.steps else []
    return list(dict.fromkeys([
        *hostile.HOSTILE, *hostile.SCRIPTS, *hostile.TYPED, *hostile.CLUSTERS, *counted, *special,
        *lookalikes.sentences()[::400], *hostile.generate(RANDOM), *hostile.clustered(RANDOM)]))


def written(folder: Path, choose: Callable[[list[str]], list[str]], own: Sequence[str] | None) -> dict[str, dict]:
    """Writes the assets; returns the content of each JSON file by its name.

    `choose` leaves the texts whose ids are promised. `own`: texts in place of those made here.
    """
    files: dict[str, dict] = {}
    (folder / ASSETS / DAMAGED).mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        made = lookalikes.made(tuple(NAMES.values()), Path(temporary))
        for name, model in NAMES.items():
            text, vocabulary = made[model].text, made[model].vocabulary
            asset = f"{ASSETS}/{name}.safetensors"
            families.write_asset(text, folder / asset, vocabulary)
            kept = choose(list(own) if own else texts_for(text))
            ids = families.reference_ids(text, kept, vocabulary)
            files[f"tokens-{name}.json"] = {
                "family": text.family, "asset": asset, "context_length": text.context_length,
                "pad_token": text.pad_token, "note": "ids up to the end token; the rest is padding",
                "texts": [{"text": typed, "ids": unpadded(row.tolist(), text)}
                          for typed, row in zip(kept, ids, strict=True)]}
    files[f"{ASSETS}/index.json"] = {"damaged": damaged(folder / ASSETS / DAMAGED)}
    return files


def unpadded(ids: list[int], text: TextSpec) -> list[int]:
    """The ids up to the end token, which is the last that is not padding, or the first that is."""
    last = max((place for place, token in enumerate(ids) if token != text.pad_token), default=-1)
    return ids[:last + 1] if text.pad_token != text.end_token else ids[:last + 2]


# --- small assets, whole and damaged ---------------------------------------------------------------------------------

PIECES = ["<pad>", "</s>", "<unk>", SPACE_MARK, "a", "b", f"{SPACE_MARK}a", "ab", "##b", "\u00e9"]
FIRST = 3                                # the pieces before it are special


def small(family: str) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and tensors of a whole asset of a few pieces."""
    names = [*PIECES, *(f"<0x{byte:02X}>" for byte in range(256))] if family == "gemma-bpe" else PIECES
    coded = [name.encode() for name in names]
    text = replace(CLIP_TEXT, family=family, steps=("spaces", "map") if family == "unigram" else ("spaces",))
    metadata = {"format": FORMAT, "version": VERSION, "family": family, "steps": " ".join(text.steps),
                "context_length": "8", "start_token": "", "end_token": "1", "pad_token": "0", "unknown_token": "2"}
    tensors = {"pieces": np.frombuffer(b"".join(coded), np.uint8),
               "piece_offsets": np.cumsum([0, *map(len, coded)]).astype(np.uint32),
               "piece_order": np.array(sorted(range(FIRST, len(PIECES)), key=coded.__getitem__), np.uint32),
               **step_tensors(text.steps)}
    blank = np.array([[0x20, 0x20]], np.uint32)
    if family == "unigram":
        metadata |= {"unknown_score": "-12.5", "space_mark": SPACE_MARK}
        tensors |= {"scores": np.linspace(0, -2.5, len(PIECES), dtype=np.float32), "breaks": blank, **small_map(),
                    "extends": np.array([[0x300, 0x36F]], np.uint32), "prepends": np.zeros((0, 2), np.uint32),
                    "unmarked": np.array([[0x200B, 0x200B]], np.uint32)}
    elif family == "gemma-bpe":
        metadata |= {"space_mark": SPACE_MARK}
        tensors |= {"byte_tokens": np.arange(len(PIECES), len(PIECES) + 256, dtype=np.uint32)}
    else:
        metadata |= {"inner_prefix": "##", "longest_word": "200"}
        tensors |= {"breaks": blank}
    return metadata, tensors


def small_map() -> dict[str, np.ndarray]:
    """A character map with one key: U+00B2, of the bytes C2 and B2, becomes 2."""
    units = np.zeros(256, np.uint32)     # a unit: label, 1 << 8 if there is a value, place of its children xor its own
    units[0xC2] = 0xC2 | (0xC2 ^ 1) << 10
    units[1 ^ 0xB2] = 0xB2 | 1 << 8 | (1 ^ 0xB2 ^ 2) << 10
    units[2] = 1 << 31
    return {"charsmap_units": units, "charsmap_text": np.frombuffer(b"2\0", np.uint8)}


def damaged(folder: Path) -> list[dict]:
    """Writes the small assets; returns what becomes of each: whether it opens, and else the part that is wrong."""
    rows = []
    for family in ("unigram", "gemma-bpe", "wordpiece"):
        for name, (part, changes) in {"whole": ("", {}), **faults(family)}.items():
            metadata, tensors = small(family)
            content: dict[str, object] = {**metadata, **tensors, **changes}
            known = {key: value for key, value in content.items() if value is not None}
            file = f"{family}-{name}.safetensors"
            (folder / file).write_bytes(container_bytes(
                {key: value for key, value in known.items() if isinstance(value, str)},
                {key: value for key, value in known.items() if isinstance(value, np.ndarray)}))
            rows.append({"file": f"{DAMAGED}/{file}", "opens": not part, "part": part})
    return rows


def faults(family: str) -> dict[str, tuple[str, Changes]]:
    """By a name: the part that is wrong, and how. None leaves a part out."""
    _, tensors = small(family)
    order, offsets = tensors["piece_order"], tensors["piece_offsets"]
    beyond = str(len(offsets) - 1)
    common: dict[str, tuple[str, Changes]] = {
        "offsets-fall": ("piece_offsets", {"piece_offsets": _put(offsets, 5, offsets[6] + 1)}),
        "offsets-short": ("piece_offsets", {"piece_offsets": offsets[:-1]}),
        "order-swapped": ("piece_order", {"piece_order": order[[1, 0, *range(2, len(order))]]}),
        "order-repeats": ("piece_order", {"piece_order": order[[0, 0, *range(2, len(order))]]}),
        "order-beyond": ("piece_order", {"piece_order": _put(order, -1, len(offsets) - 1)}),
        "piece-empty": ("piece_order", {"piece_offsets": _put(offsets, int(order[0]) + 1, offsets[order[0]])}),
        "pieces-no-utf8": ("pieces", {"pieces": _put(tensors["pieces"], 0, 0xFF)}),
        "pieces-inside-a-character": ("piece_offsets", {"piece_offsets": _put(offsets, 4, offsets[4] - 1)}),
        "end-beyond": ("end_token", {"end_token": beyond}),
        "pad-negative": ("pad_token", {"pad_token": "-1"}),
        "no-room": ("context_length", {"context_length": "1"}),
        "step-unknown": ("steps", {"steps": "spaces fold"}),
        "family-unknown": ("family", {"family": "letters"}),
        "without-order": ("piece_order", {"piece_order": None}),
        "without-a-table": ("spaces", {"spaces": None}),
        "order-of-another-type": ("piece_order", {"piece_order": order.astype(np.uint16)})}
    return common | _own_faults(family, tensors, int(beyond))


def _own_faults(family: str, tensors: Mapping[str, np.ndarray], beyond: int) -> dict[str, tuple[str, Changes]]:
    if family == "gemma-bpe":
        return {"byte-beyond": ("byte_tokens", {"byte_tokens": _put(tensors["byte_tokens"], 9, beyond)}),
                "bytes-short": ("byte_tokens", {"byte_tokens": tensors["byte_tokens"][:-1]})}
    if family == "wordpiece":
        return {"breaks-out-of-order": ("breaks", {"breaks": np.array([[9, 8]], np.uint32)}),
                "longest-word-in-words": ("longest_word", {"longest_word": "many"})}
    units, far = tensors["charsmap_units"], 255 << 10
    return {"score-no-number": ("scores", {"scores": _put(tensors["scores"], 4, np.nan)}),
            "scores-short": ("scores", {"scores": tensors["scores"][:-1]}),
            "unknown-score-infinite": ("unknown_score", {"unknown_score": "-inf"}),
            "space-mark-long": ("space_mark", {"space_mark": "ab"}),
            "map-leads-out": ("charsmap_units", {"charsmap_units": _put(units, 0xC2, 0xC2 | far << 4)}),
            "map-without-value": ("charsmap_units", {"charsmap_units": _put(units, 2, 0)}),
            "map-root-is-a-value": ("charsmap_units", {"charsmap_units": _put(units, 0, 1 << 31)}),
            "map-value-outside": ("charsmap_text", {"charsmap_units": _put(units, 2, 1 << 31 | 2)}),
            "map-value-without-end": ("charsmap_text", {"charsmap_text": np.frombuffer(b"22", np.uint8)}),
            "map-empty": ("charsmap_units", {"charsmap_units": units[:0]}),
            "map-value-no-utf8": ("charsmap_text", {"charsmap_text": np.frombuffer(b"\xb2\0", np.uint8)})}


def _put(values: np.ndarray, place: int, value: float) -> np.ndarray:
    """A copy with another value at one place."""
    changed = values.copy()
    changed[place] = value
    return changed
