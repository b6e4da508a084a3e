"""What a model is: preprocessing, licence, and the row of the table that names its network and its weights."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preprocessing:
    """From upright RGB8 to the input: shortest side resized to `size`, square centre crop, / 255, (x - mean) / std."""

    size: int                                # side of the square, pixels
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str                       # "bilinear" or "bicubic", antialiased


@dataclass(frozen=True)
class Licence:
    """The licence of the weights (not of this code)."""

    name: str
    url: str
    commercial_use: bool | None              # None: not known to us; the user must find out


@dataclass(frozen=True)
class ModelSpec:
    """One row of the table."""

    name: str                                # what MODEL= takes
    architecture: str                        # an open_clip architecture, or one of export/weights/networks
    pretrained: str | None                   # open_clip's tag
    hub: str | None                          # repository on the hub
    file: str | None                         # file in that repository (or, for the demo, in this one)
    preprocessing: Preprocessing
    dim: int                                 # width of the embedding
    parameters: tuple[float, float] | None   # millions: image, text; None: not counted
    licence: Licence
    context_length: int = 77
    fallback_file: str | None = None         # the same weights as a pickle, where the hub has no safetensors file
    quick_gelu: bool = False                 # the activation that the weights were trained with
