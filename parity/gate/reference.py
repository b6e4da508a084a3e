"""The truth: a checkpoint enters; embeddings by float32 PyTorch, not reparameterised, leave."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from export.common.specs import ModelSpec
from export.pictures import preprocess
from export.runners import BATCH_PIXELS, BATCH_TEXTS
from export.text import families
from export.text.assets.shipped import Shipped, shipped
from export.weights import checkpoint, vocabulary_file
from export.weights.models import CHINESE

Each = Callable[[Callable[[int], np.ndarray], Iterable[int]], Iterable[np.ndarray]]


class Reference:
    """The model as its authors run it. It avoids export/weights/encoders.py, so that the gate finds faults there.

    `model` is the network with the weights, and `truth` the one that answers: the same, or a library's own.
    """

    def __init__(self, spec: ModelSpec, source: checkpoint.Source):
        self.spec, self.source, self.model = spec, source, checkpoint.load(spec, source)
        self.truth = self.model
        if spec.architecture in CHINESE:
            from parity.gate.libraries.transformers_towers import TransformersTowers
            self.truth = TransformersTowers(self.model, spec)

    @cached_property
    def words(self) -> Shipped:
        """The tokenizer asset that the vocabulary makes, whole and pruned."""
        return shipped(self.spec, self.vocabulary)

    @cached_property
    def vocabulary(self) -> Path | None:
        """The tokenizer's own file, where it has one."""
        return vocabulary_file.located(self.spec, self.source)

    @property
    def space(self) -> str:
        """The name of the embedding space, from the weights and the vocabulary themselves."""
        return checkpoint.space(self.model, self.spec.preprocessing, self.words.whole_sha256, self.spec.activation)

    def ids(self, texts: Sequence[str]) -> np.ndarray:
        """Token ids of the whole vocabulary by the tokenizer's own library: int32 [N, L]."""
        return families.reference_ids(self.spec.text, texts, self.vocabulary)

    def images(self, squares: np.ndarray) -> np.ndarray:
        """uint8 [N, S, S, 3] -> float32 [N, dim], unit length."""
        return np.concatenate(list(self.image_batches(squares)))

    def texts(self, ids: np.ndarray) -> np.ndarray:
        """int32 [N, L] -> float32 [N, dim], unit length."""
        return np.concatenate(list(self.text_batches(ids)))

    def image_batches(self, squares: np.ndarray, each: Each = map) -> Iterable[np.ndarray]:
        """As `images`, batch after batch, in order. `each` computes them; see crew.Crew.each."""
        pixels = preprocess.normalise(squares, self.spec.preprocessing)
        size = max(1, BATCH_PIXELS // self.spec.preprocessing.size**2)
        return self._batches(self.truth.encode_image, pixels, size, each)

    def text_batches(self, ids: np.ndarray, each: Each = map) -> Iterable[np.ndarray]:
        """As `texts`, batch after batch, in order. `each`: as in `image_batches`."""
        return self._batches(self.truth.encode_text, ids.astype(np.int64), BATCH_TEXTS, each)

    def _batches(self, encode, inputs: np.ndarray, size: int, each: Each) -> Iterable[np.ndarray]:
        import torch

        def encoded(start: int) -> np.ndarray:
            with torch.inference_mode():
                return encode(torch.from_numpy(inputs[start:start + size]), normalize=True).numpy()

        return each(encoded, range(0, len(inputs), size))
