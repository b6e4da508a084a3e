"""Two towers and a scale: the form in which every model leaves `export.weights.checkpoint`.

In: a picture tower, normalised pixels float32 [N, 3, S, S] -> [N, dim], and a text tower, token ids int [N, L] ->
[N, dim]. Out: one module with the attribute and method names of open_clip's CustomTextCLIP.
"""

import torch
from torch import Tensor, nn

INITIAL_LOG_SCALE = 2.6593                   # ln(1 / 0.07), open_clip's start


class TwoTowers(nn.Module):
    """`visual`, `text` and `logit_scale` under open_clip's names."""

    def __init__(self, visual: nn.Module, text: nn.Module) -> None:
        super().__init__()
        self.visual = visual
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(INITIAL_LOG_SCALE))

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Normalised pixels [N, 3, S, S] -> [N, dim], of unit length if asked."""
        features = self.visual(image)
        return nn.functional.normalize(features, dim=-1) if normalize else features

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Token ids [N, L] -> [N, dim], of unit length if asked."""
        features = self.text(text)
        return nn.functional.normalize(features, dim=-1) if normalize else features
