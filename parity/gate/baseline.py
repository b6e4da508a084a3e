"""dist/<model>/ and what to rank enter; all that judging an artefact takes leaves, computed once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export import pipeline
from export.artifacts import manifest
from export.weights import checkpoint
from parity.gate import activations, inputs, latency
from parity.gate.activations import Safety
from parity.gate.reference import Reference, token_ids
from parity.gate.shelf import Embeddings, Shelf

FEW_PRODUCTS = 12                            # of the sample shop, for models that need 100 ms a picture


@dataclass(frozen=True)
class Stock:
    """A shelf, as the encoders take it, and float32 PyTorch's answers."""

    shelf: Shelf
    pictures: np.ndarray                     # uint8 [R, S, S, 3]
    picture_queries: np.ndarray              # uint8 [P, S, S, 3]
    ids: np.ndarray                          # int32 [T, 77]
    expected: Embeddings


@dataclass(frozen=True)
class Ground:
    """What artefacts are judged on. The first of the stocks is the samples, on which closeness is measured, too."""

    folder: Path                             # dist/<model>/
    made: dict                               # its manifest
    space: str                               # the weights' own: 64 hex digits
    reference: Reference
    parts: dict                              # the true encoders as exported, float32 PyTorch: "image", "text"
    safety: dict[str, Safety]                # of each encoder against float16's range
    eager_seconds: dict[str, float]          # of float32 PyTorch, one input, one thread
    stocks: list[Stock]

    def samples(self, encoder: str) -> np.ndarray:
        """The sample inputs of one encoder: uint8 [N, S, S, 3] or int32 [N, 77]."""
        return self.stocks[0].pictures if encoder == "image" else self.stocks[0].ids

    def expected(self, encoder: str) -> np.ndarray:
        """Float32 PyTorch's answers to the sample inputs: [N, dim]."""
        return self.stocks[0].expected.catalog if encoder == "image" else self.stocks[0].expected.text_queries


def usual_products(made: dict) -> int | None:
    """How many of the sample shop's products to rank: all for the demo, none where a ranking would be chance."""
    if not made["shippable"]:
        return 0
    return None if made["model"] == "demo" else FEW_PRODUCTS


def ground(folder: Path, products: int | None, given: Shelf | None = None) -> Ground:
    """Loads the weights that made `folder`, and embeds all by float32 PyTorch.

    `products`: of the sample shop, None for all, 0 for none. `given`: pictures and texts of the user's own.
    Raises InputError where the manifest, the weights or a picture are not to be had.
    """
    made = manifest.read(folder)
    spec, source = pipeline.source_of(folder)
    from export.weights import encoders

    shelves = [inputs.samples()]
    shelves += [inputs.shop(products)] if products != 0 else []
    shelves += [given] if given else []
    reference = Reference(spec, source)
    parts = encoders.split(checkpoint.reparameterise(reference.model), spec)
    stocks = [stock(shelf, reference) for shelf in shelves]
    given_to = {"image": stocks[0].pictures, "text": stocks[0].ids}
    return Ground(folder, made, reference.space(manifest.tokenizer(made)), reference, parts,
                  {name: activations.measure(name, part, given_to[name]) for name, part in parts.items()},
                  {name: latency.eager_seconds(name, part, given_to[name][:1]) for name, part in parts.items()}, stocks)


def stock(shelf: Shelf, reference: Reference) -> Stock:
    """Reads, preprocesses and embeds a shelf."""
    square = reference.spec.preprocessing
    pictures, ids = inputs.squares(shelf.pictures, square), token_ids(shelf.text_queries)
    catalog, texts = reference.images(pictures), reference.texts(ids)
    if shelf.own:
        return Stock(shelf, pictures, pictures, ids, Embeddings(catalog, catalog, texts))
    queries = inputs.squares(shelf.picture_queries, square)
    return Stock(shelf, pictures, queries, ids, Embeddings(catalog, reference.images(queries), texts))
