"""The vectors of labels' prompts and of a picture enter; the probability of each label leaves. Twin of the apps'.

FORMATS.md has the rules. They are those of open_clip's build_zero_shot_classifier, in float64.
"""

import numpy as np


def probabilities(prompts: np.ndarray, image: np.ndarray, logit_scale: float) -> list[float]:
    """How probable each label is, in the order of `prompts`: float32 [labels, templates, dim]; `image`: float32 [dim].

    A label's vector is the mean of its prompts, each of unit length.
    """
    labels = _unit(_unit(prompts.astype(np.float64)).mean(axis=1))
    logits = logit_scale * (labels * _unit(image.astype(np.float64))).sum(axis=1)            # equal rows, equal sums
    shares = np.exp(logits - logits.max())
    return (shares / shares.sum()).tolist()


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Along the last axis; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
