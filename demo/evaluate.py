"""Measures the demo model on the sample shop: `python -m demo.evaluate`.

In: `demo/weights.safetensors` and `demo/shop/`, through the exporter's own loading and preprocessing. Out: recall of
text queries at 1 and 5, and of picture queries at 1. A product has the score of its best picture: the cosine of float32
embeddings.
"""

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip.tokenizer import tokenize
from torch import nn

from demo.shop import SHOP_FOLDER
from export.common import rankings
from export.common.errors import InputError
from export.pictures.preprocess import load_rgb8, normalise, resize_crop
from export.weights.checkpoint import load, locate
from export.weights.models import TABLE

SPEC = TABLE["demo"]
WEIGHTS = Path(__file__).parent / "weights.safetensors"
BATCH = 128


@dataclass(frozen=True)
class DemoRecall:
    """Shares of the queries, 0 to 1, and how many there were."""

    text_at_1: float
    text_at_5: float
    picture_at_1: float
    texts: int
    pictures: int


def load_demo(weights: Path = WEIGHTS) -> nn.Module:
    """The demo model as the exporter loads it: float32, evaluation mode; InputError if the file does not fit."""
    return load(SPEC, locate(SPEC, weights))


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of one of the shop's tables."""
    if not path.is_file():
        raise InputError("a table of the sample shop is missing", where=path, remedy="run python -m demo.shop")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@torch.inference_mode()
def embed_pictures(model: nn.Module, paths: list[Path]) -> np.ndarray:
    """Picture files -> unit-length float32 [N, 128]."""
    parts = []
    for start in range(0, len(paths), BATCH):
        squares = np.stack([resize_crop(load_rgb8(path), SPEC.preprocessing) for path in paths[start:start + BATCH]])
        pixels = torch.from_numpy(normalise(squares, SPEC.preprocessing))
        parts.append(model.encode_image(pixels, normalize=True).numpy())
    return np.concatenate(parts)


@torch.inference_mode()
def embed_texts(model: nn.Module, texts: list[str]) -> np.ndarray:
    """Texts -> unit-length float32 [N, 128]."""
    parts = [model.encode_text(tokenize(texts[start:start + BATCH]), normalize=True).numpy()
             for start in range(0, len(texts), BATCH)]
    return np.concatenate(parts)


def rank_queries(model: nn.Module, folder: Path = SHOP_FOLDER) -> tuple[list[dict[str, str]], np.ndarray]:
    """Every query of the shop, and the rank of its right answer (0 is best)."""
    products, queries = read_rows(folder / "products.csv"), read_rows(folder / "queries.csv")
    names = [row["pictures"].split("|") for row in products]
    owners = np.repeat(np.arange(len(names)), [len(group) for group in names])
    numbers = {row["id"]: number for number, row in enumerate(products)}
    pictures = embed_pictures(model, [folder / name for group in names for name in group])
    texts = [row for row in queries if row["kind"] == "text"]
    asked = [row for row in queries if row["kind"] == "picture"]
    embedded = np.concatenate([embed_texts(model, [row["query"] for row in texts]),
                               embed_pictures(model, [folder / row["query"] for row in asked])])
    answers = np.array([numbers[row["product"]] for row in texts + asked])
    return texts + asked, rankings.ranks(rankings.product_scores(embedded, pictures, owners), answers)


def measure(model: nn.Module, folder: Path = SHOP_FOLDER) -> DemoRecall:
    """The recall of the model on the shop in `folder`."""
    queries, ranks = rank_queries(model, folder)
    is_text = np.array([query["kind"] == "text" for query in queries])
    text, picture = ranks[is_text], ranks[~is_text]
    return DemoRecall(rankings.recall_at(text, 1), rankings.recall_at(text, 5), rankings.recall_at(picture, 1),
                      len(text), len(picture))


def main() -> int:
    """Reads the arguments. Exit status 0, or 2 if an input is missing or wrong."""
    parser = argparse.ArgumentParser(prog="python -m demo.evaluate", description="Recall on the sample shop.")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="default: demo/weights.safetensors")
    parser.add_argument("--shop", type=Path, default=SHOP_FOLDER, help="default: demo/shop")
    arguments = parser.parse_args()
    try:
        recall = measure(load_demo(arguments.weights), arguments.shop)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"text to product     recall@1 {recall.text_at_1:.4f}  recall@5 {recall.text_at_5:.4f}  "
          f"({recall.texts} queries)")
    print(f"picture to product  recall@1 {recall.picture_at_1:.4f}  ({recall.pictures} queries)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
