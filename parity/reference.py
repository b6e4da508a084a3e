"""The truth: a checkpoint enters; embeddings by float32 PyTorch, not reparameterised, leave."""

from collections.abc import Callable

import numpy as np

from export import checkpoint, preprocess
from export.models import ModelSpec

BATCH_PIXELS = 8 * 256 * 256                 # of pictures at a time: bounds the memory of the activations
BATCH_TEXTS = 32


class Reference:
    """The model as its authors run it; nothing of export/encoders.py is in it, so that the gate can fault that."""

    def __init__(self, spec: ModelSpec, source: checkpoint.Source):
        import torch

        torch.set_flush_denormal(True)       # Gelu's tail below 1e-38 is slow, up to ten times, and adds nothing
        self.spec, self.model = spec, checkpoint.load(spec, source)
        self._seconds: dict[str, float] = {}

    def space(self, tokenizer_sha256: str) -> str:
        """The name of the embedding space, from the weights themselves."""
        return checkpoint.space(self.model, self.spec.preprocessing, tokenizer_sha256)

    def images(self, squares: np.ndarray) -> np.ndarray:
        """uint8 [N, S, S, 3] -> float32 [N, dim], unit length."""
        pixels = preprocess.normalise(squares, self.spec.preprocessing)
        return self._batches(self.model.encode_image, pixels, max(1, BATCH_PIXELS // self.spec.preprocessing.size**2))

    def texts(self, ids: np.ndarray) -> np.ndarray:
        """int32 [N, 77] -> float32 [N, dim], unit length."""
        return self._batches(self.model.encode_text, ids.astype(np.int64), BATCH_TEXTS)

    def seconds(self, encoder: str, one: np.ndarray, measured: Callable) -> float:
        """What `measured` says of this encoder run eagerly by one thread, training branches folded; asked once."""
        if encoder not in self._seconds:
            import torch

            usual = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                self._seconds[encoder] = measured(self._eager(encoder), one)
            finally:
                torch.set_num_threads(usual)
        return self._seconds[encoder]

    def _eager(self, encoder: str) -> Callable[[np.ndarray], np.ndarray]:
        import torch

        run = _fold(self.model.visual if encoder == "image" else self.model.text)

        def embed(inputs: np.ndarray) -> np.ndarray:
            values = (preprocess.normalise(inputs, self.spec.preprocessing) if encoder == "image"
                      else inputs.astype(np.int64))
            with torch.inference_mode():
                return torch.nn.functional.normalize(run(torch.from_numpy(values)), dim=-1).numpy()

        return embed

    def _batches(self, encode, inputs: np.ndarray, size: int) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return np.concatenate([encode(torch.from_numpy(inputs[i:i + size]), normalize=True).numpy()
                                   for i in range(0, len(inputs), size)])


def _fold(tower):
    """A copy of a tower with its branches folded; the tower itself where there are none."""
    import copy

    from timm.utils import reparameterize_model

    if not any(hasattr(part, "reparameterize") for part in tower.modules()):
        return tower
    return reparameterize_model(copy.deepcopy(tower), inplace=True).eval()


def token_ids(texts: list[str]) -> np.ndarray:
    """int32 [N, 77] by open_clip's own tokenizer."""
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()(texts).numpy().astype(np.int32)
