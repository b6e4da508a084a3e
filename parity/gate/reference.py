"""The truth: a checkpoint enters; embeddings by float32 PyTorch, not reparameterised, leave."""

import numpy as np

from export.common.specs import ModelSpec
from export.pictures import preprocess
from export.runners import BATCH_PIXELS, BATCH_TEXTS
from export.weights import checkpoint


class Reference:
    """The model as its authors run it. It avoids export/weights/encoders.py, so that the gate finds faults there."""

    def __init__(self, spec: ModelSpec, source: checkpoint.Source):
        self.spec, self.model = spec, checkpoint.load(spec, source)

    def space(self, tokenizer_sha256: str) -> str:
        """The name of the embedding space, from the weights themselves."""
        return checkpoint.space(self.model, self.spec.preprocessing, tokenizer_sha256, self.spec.activation)

    def images(self, squares: np.ndarray) -> np.ndarray:
        """uint8 [N, S, S, 3] -> float32 [N, dim], unit length."""
        pixels = preprocess.normalise(squares, self.spec.preprocessing)
        return self._batches(self.model.encode_image, pixels, max(1, BATCH_PIXELS // self.spec.preprocessing.size**2))

    def texts(self, ids: np.ndarray) -> np.ndarray:
        """int32 [N, L] -> float32 [N, dim], unit length."""
        return self._batches(self.model.encode_text, ids.astype(np.int64), BATCH_TEXTS)

    def _batches(self, encode, inputs: np.ndarray, size: int) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return np.concatenate([encode(torch.from_numpy(inputs[i:i + size]), normalize=True).numpy()
                                   for i in range(0, len(inputs), size)])
