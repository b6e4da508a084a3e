"""The truth: a checkpoint enters; embeddings by float32 PyTorch, not reparameterised, leave."""

from collections.abc import Callable, Iterable

import numpy as np

from export.common.specs import ModelSpec
from export.pictures import preprocess
from export.runners import BATCH_PIXELS, BATCH_TEXTS
from export.weights import checkpoint

Each = Callable[[Callable[[int], np.ndarray], Iterable[int]], Iterable[np.ndarray]]


class Reference:
    """The model as its authors run it. It avoids export/weights/encoders.py, so that the gate finds faults there."""

    def __init__(self, spec: ModelSpec, source: checkpoint.Source):
        self.spec, self.model = spec, checkpoint.load(spec, source)

    def space(self, tokenizer_sha256: str) -> str:
        """The name of the embedding space, from the weights themselves."""
        return checkpoint.space(self.model, self.spec.preprocessing, tokenizer_sha256, self.spec.activation)

    def images(self, squares: np.ndarray, each: Each = map) -> np.ndarray:
        """uint8 [N, S, S, 3] -> float32 [N, dim], unit length. `each` computes the batches; see crew.Crew.each."""
        pixels = preprocess.normalise(squares, self.spec.preprocessing)
        size = max(1, BATCH_PIXELS // self.spec.preprocessing.size**2)
        return self._batches(self.model.encode_image, pixels, size, each)

    def texts(self, ids: np.ndarray, each: Each = map) -> np.ndarray:
        """int32 [N, L] -> float32 [N, dim], unit length. `each`: as in `images`."""
        return self._batches(self.model.encode_text, ids.astype(np.int64), BATCH_TEXTS, each)

    def _batches(self, encode, inputs: np.ndarray, size: int, each: Each) -> np.ndarray:
        import torch

        def encoded(start: int) -> np.ndarray:
            with torch.inference_mode():
                return encode(torch.from_numpy(inputs[start:start + size]), normalize=True).numpy()

        return np.concatenate(list(each(encoded, range(0, len(inputs), size))))
