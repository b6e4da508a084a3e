"""dist/<model>/ and what to rank enter; float32 PyTorch's answers leave, with which the gate compares artefacts."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from export.artifacts.dist import Dist
from export.artifacts.manifest import Manifest
from export.common import crew
from export.weights import checkpoint
from export.weights.models import BUNDLED
from parity.gate import activations, inputs, tensor_values
from parity.gate.activations import Safety
from parity.gate.libraries import tokens
from parity.gate.libraries.tokens import TokenCheck
from parity.gate.reference import Each, Reference
from parity.gate.shelf import Embeddings, Shelf
from parity.gate.tensor_values import Values

FEW_PRODUCTS = 12                            # of the sample shop, for models that need 100 ms per picture


@dataclass(frozen=True)
class ShelfBaseline:
    """A shelf, as the encoders take it, and float32 PyTorch's answers."""

    shelf: Shelf
    pictures: np.ndarray                     # uint8 [R, S, S, 3]
    picture_queries: np.ndarray              # uint8 [P, S, S, 3]
    ids: np.ndarray                          # int32 [T, L], as the artefacts take them
    expected: Embeddings


@dataclass(frozen=True)
class Baseline:
    """What artefacts are judged on. The first shelf holds the samples; closeness is measured on this shelf."""

    dist: Dist
    space: str                               # computed from the weights: 64 hex digits
    reference: Reference
    parts: dict                              # the true encoders as exported, float32 PyTorch: "image", "text"
    weights: dict[str, dict[str, Values]]    # of each of them, to compare stored ones with
    safety: dict[str, Safety]                # of each encoder against float16's range
    shelves: list[ShelfBaseline]
    tokens: TokenCheck                       # the tokenizer asset against its library

    @property
    def manifest(self) -> Manifest:
        """The manifest of dist/<model>/."""
        return self.dist.manifest

    def samples(self, encoder: str) -> np.ndarray:
        """The sample inputs of one encoder: uint8 [N, S, S, 3] or int32 [N, L]."""
        return self.shelves[0].pictures if encoder == "image" else self.shelves[0].ids

    def expected(self, encoder: str) -> np.ndarray:
        """Float32 PyTorch's answers to the sample inputs: [N, dim]."""
        return self.shelves[0].expected.catalog if encoder == "image" else self.shelves[0].expected.text_queries


def usual_products(made: Manifest) -> int | None:
    """How many of the sample shop's products to rank: None (all) for the demos, 0 if a ranking would be chance."""
    if not made.shippable:
        return 0
    return None if made.architecture in BUNDLED else FEW_PRODUCTS


def load(dist: Dist, products: int | None, given: Shelf | None = None) -> Baseline:
    """Loads the weights behind dist/<model>/ and computes once what every artefact is compared with.

    `products`: of the sample shop, None for all, 0 for none. `given`: pictures and texts of the user's own.
    Raises InputError if the manifest, the weights or a picture cannot be found.
    """
    spec, source = dist.source()
    shelves = [inputs.samples()]
    shelves += [inputs.shop(products, asked_in=inputs.languages(spec.text))] if products != 0 else []
    shelves += [given] if given else []
    reference = Reference(spec, source)
    words, (whole, parts) = reference.words, encoders_of(reference)
    texts, samples_texts = tokens.texts_of([shelf for shelf in shelves if shelf is not given]), shelves[0].text_queries
    shelves = [inputs.covered(shelf, words.covers) for shelf in shelves]
    with crew.gathered() as team:            # all pieces wait in one queue, so that no core waits for the other
        asked = [ask(shelf, reference, team.each) for shelf in shelves]
        samples = {"image": asked[0].pictures, "text": asked[0].ids}
        measured = team.each(lambda name: activations.measure(name, parts[name], samples[name]), parts)
        space = reference.space
        checked = tokens.compared(dist, reference, texts)
        weights = {name: tensor_values.true_values(part) for name, part in parts.items()}
        answers = [one.answered() for one in asked]
        safety = dict(zip(parts, measured, strict=True))
    if words.pruned or words.scripts:
        outside = [text for text in samples_texts if text not in answers[0].shelf.text_queries]
        checked = replace(checked, pruning=tokens.proved(
            words, whole, parts["text"], reference.ids(answers[0].shelf.text_queries), outside))
    return Baseline(dist, space, reference, parts, weights, safety, answers, checked)


def encoders_of(reference: Reference) -> tuple:
    """The text encoder with all tokens, and both encoders as they are exported: with those that are kept."""
    from export.weights import encoders, token_table

    words, model = reference.words, checkpoint.reparameterise(reference.model)
    whole = encoders.text_encoder(model.text, reference.spec.text)
    if words.pruned:
        model.text = token_table.with_rows(model.text, words.pruned.kept)
    return whole, encoders.split(model, replace(reference.spec, text=words.text))


@dataclass(frozen=True)
class AskedShelf:
    """A shelf whose embeddings are being computed: a ShelfBaseline to be."""

    shelf: Shelf
    pictures: np.ndarray
    picture_queries: np.ndarray
    ids: np.ndarray
    batches: list[Iterable[np.ndarray]]      # of the catalog, the texts and, unless they are the catalog, the queries

    def answered(self) -> ShelfBaseline:
        """The shelf, when its embeddings are there."""
        catalog, texts, *queries = (np.concatenate(list(part)) for part in self.batches)
        return ShelfBaseline(self.shelf, self.pictures, self.picture_queries, self.ids,
                             Embeddings(catalog, queries[0] if queries else catalog, texts))


def ask(shelf: Shelf, reference: Reference, each: Each) -> AskedShelf:
    """Reads and preprocesses a shelf, and asks for its embeddings; `each` computes the batches."""
    square = reference.spec.preprocessing
    pictures = inputs.squares(shelf.pictures, square)
    ids = reference.ids(shelf.text_queries)
    batches = [reference.image_batches(pictures, each), reference.text_batches(ids, each)]
    ids = reference.words.ids(ids)
    if shelf.own:
        return AskedShelf(shelf, pictures, pictures, ids, batches)
    queries = inputs.squares(shelf.picture_queries, square)
    return AskedShelf(shelf, pictures, queries, ids, [*batches, reference.image_batches(queries, each)])
