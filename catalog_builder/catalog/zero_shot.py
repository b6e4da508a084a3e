"""The vectors of labels' prompts and of a picture enter; the probability of each label leaves. Twin of the apps'.

FORMATS.md has the rules. They are those of open_clip's build_zero_shot_classifier, in float64.
"""

import numpy as np

from export.common.specs import LABELS

SOFTMAX, SIGMOID = LABELS


def probabilities(prompts: np.ndarray, image: np.ndarray, logit_scale: float, logit_bias: float | None = None,
                  shares: str = SOFTMAX) -> list[float]:
    """How probable each label is, in the order of `prompts`: float32 [labels, templates, dim]; `image`: float32 [dim].

    A label's vector is the mean of its prompts, each of unit length. `shares`: one of LABELS. Of `softmax` they sum to
    1; of `sigmoid` each is a label's own, whatever the others are, and `logit_bias` counts.
    """
    labels = _unit(_unit(prompts.astype(np.float64)).mean(axis=1))
    logits = logit_scale * (labels * _unit(image.astype(np.float64))).sum(axis=1)            # equal rows, equal sums
    if shares == SIGMOID:
        return np.exp(-np.logaddexp(0, -(logits + (logit_bias or 0)))).tolist()              # no number overflows
    parts = np.exp(logits - logits.max())
    return (parts / parts.sum()).tolist()


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Along the last axis; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
