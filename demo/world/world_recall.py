"""The weights, the sample shop and a kept-back set of sentences enter; recall by language leaves, also as a table.

Each product is asked for by two sentences of a set in each language, with its name, and by the bare name. A product has
the score of its best picture: the cosine of float32 embeddings.
"""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from demo.evaluate import BATCH, embed_pictures, read_rows
from demo.shop import SHOP_FOLDER
from demo.world.data import LANGUAGES, REPORTED, NamedGlyph, SentenceSet, read_names, read_sentences, sentence_text
from demo.world.network import build_world
from demo.world.pieces import Tokenizer
from demo.world.training import WEIGHTS
from export.common import rankings
from export.common.errors import InputError

TABLE = WEIGHTS.parent / "world.md"
QUERY_SEED = 77
SENTENCES_A_PRODUCT = 2
EXAMPLES = ("红苹果", "紅蘋果", "roter Apfel", "りんご", "manzana roja", "빨간 사과", "pomme rouge", "red apple")


@dataclass(frozen=True)
class WorldRecall:
    """Shares of a language's queries, 0 to 1, and how many sentences there were."""

    at_1: float
    at_5: float
    bare_at_1: float
    queries: int


def load_world(weights: Path = WEIGHTS) -> nn.Module:
    """The model of demo-world: float32, evaluation mode."""
    if not weights.is_file():
        raise InputError("the weights of demo-world are missing", where=weights,
                         remedy="restore them from the repository, or run python -m demo.world train")
    model = build_world()
    model.load_state_dict(load_file(weights))
    return model.eval().requires_grad_(False)


@torch.inference_mode()
def embed_texts(model: nn.Module, texts: list[str]) -> np.ndarray:
    """Texts -> unit-length float32 [N, 128]."""
    tokenizer = Tokenizer()
    rows = torch.tensor(tokenizer.rows([tokenizer.cut(text) for text in texts]))
    return np.concatenate([model.encode_text(part, normalize=True).numpy() for part in rows.split(BATCH)])


def sentence_queries(kind: SentenceSet, language: str, products: list[NamedGlyph]) -> list[tuple[str, str, int]]:
    """(sentence, text, product) of each query: two sentences a product, by chance, with its first name."""
    sentences, queries = read_sentences(kind)[language], []
    for number, product in enumerate(products):
        chance = random.Random(f"{QUERY_SEED} {language} {number}")
        queries += [(sentence, sentence_text(sentence, product.names[language][0]), number)
                    for sentence in chance.sample(sentences, SENTENCES_A_PRODUCT)]
    return queries


class Shop:
    """The sample shop's pictures, embedded; `ranks` asks it."""

    def __init__(self, model: nn.Module, folder: Path = SHOP_FOLDER):
        rows = read_rows(folder / "products.csv")
        names = [row["pictures"].split("|") for row in rows]
        self.model, self.titles = model, [row["name"] for row in rows]
        self.owners = np.repeat(np.arange(len(names)), [len(group) for group in names])
        self.pictures = embed_pictures(model, [folder / name for group in names for name in group])
        self.products = read_names()[:len(rows)]

    def scores(self, texts: list[str]) -> np.ndarray:
        """The score of every product for every text: [texts, products]."""
        return rankings.product_scores(embed_texts(self.model, texts), self.pictures, self.owners)

    def ranks(self, texts: list[str], answers: list[int]) -> np.ndarray:
        """The rank of each text's right answer; 0 is best."""
        return rankings.ranks(self.scores(texts), np.array(answers))


def measure(shop: Shop, kind: SentenceSet) -> tuple[dict[str, WorldRecall], dict[tuple[str, str], float]]:
    """The recall in each reported language, and recall@1 of each sentence, by (language, sentence)."""
    asked = {language: sentence_queries(kind, language, shop.products) for language in LANGUAGES}
    ranks = {language: shop.ranks([text for _, text, _ in queries], [number for *_, number in queries])
             for language, queries in asked.items()}
    everything = list(range(len(shop.products)))
    bare = {language: shop.ranks([product.names[language][0] for product in shop.products], everything)
            for language in LANGUAGES}
    recalls = {}
    for reported, joined in REPORTED.items():
        together, alone = (np.concatenate([part[language] for language in joined]) for part in (ranks, bare))
        recalls[reported] = WorldRecall(rankings.recall_at(together, 1), rankings.recall_at(together, 5),
                                        rankings.recall_at(alone, 1), len(together))
    single = {(language, sentence): float(np.mean([rank == 0 for (asked_with, *_), rank
                                                   in zip(asked[language], ranks[language], strict=True)
                                                   if asked_with == sentence]))
              for language in LANGUAGES for sentence in read_sentences(kind)[language]}
    return recalls, single


def write_table(shop: Shop, recalls: Mapping[SentenceSet, Mapping[str, WorldRecall]], path: Path = TABLE) -> None:
    """Writes the results of both kept-back sets, and the first three products for some texts."""
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    lines = ["Written by `python -m demo.world table`. What the sets are: demo/README.md.", "",
             f"Weights: SHA-256 {digest}.", ""]
    for kind, by_language in recalls.items():
        lines += [f"The {kind} kept-back set:", "",
                  "| language | queries | recall@1 | recall@5 | bare names, recall@1 |", "|---|---|---|---|---|"]
        lines += [f"| {language} | {found.queries} | {found.at_1:.3f} | {found.at_5:.3f} | {found.bare_at_1:.3f} |"
                  for language, found in by_language.items()] + [""]
    lines += ["| text | first three products |", "|---|---|"]
    for text, best in zip(EXAMPLES, rankings.first(shop.scores(list(EXAMPLES)), 3), strict=True):
        lines.append(f"| {text} | {'; '.join(shop.titles[number] for number in best)} |")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
