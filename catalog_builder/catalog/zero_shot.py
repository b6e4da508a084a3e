"""The vectors of labels' prompts and of a picture enter; the probability of each label leaves. Twin of the apps'.

FORMATS.md has the rules. They are those of open_clip's build_zero_shot_classifier, in float64.
"""

import numpy as np

MOST = 700.0                             # of a logit's magnitude in a sigmoid, so that no power overflows


def probabilities(prompts: np.ndarray, image: np.ndarray, logit_scale: float, kind: str = "softmax",
                  logit_bias: float | None = None) -> list[float]:
    """How probable each label is, in the order of `prompts`: float32 [labels, templates, dim]; `image`: float32 [dim].

    A label's vector is the mean of its prompts, each of unit length. `kind` is the manifest's `labels`: shares that
    sum to 1, or by "sigmoid" a share for each label by itself.
    """
    labels = _unit(_unit(prompts.astype(np.float64)).mean(axis=1))
    logits = logit_scale * (labels * _unit(image.astype(np.float64))).sum(axis=1)            # equal rows, equal sums
    if kind == "sigmoid":
        return (1 / (1 + np.exp(-np.clip(logits + (logit_bias or 0), -MOST, MOST)))).tolist()
    shares = np.exp(logits - logits.max())
    return (shares / shares.sum()).tolist()


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Along the last axis; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
