"""What a model is: preprocessing, text side, licence, and the row of the table that names its network and weights."""

from dataclasses import asdict, dataclass

CROPS = {"shortest": "centre", "squash": "none"}       # how a picture is resized, and what is then cropped


@dataclass(frozen=True)
class Preprocessing:
    """From upright RGB8 to the input: resized to a square of `size`, / 255, (x - mean) / std."""

    size: int                                # side of the square, pixels
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str                       # "bilinear" or "bicubic", antialiased
    resize: str = "shortest"                 # shortest side to `size`, then cropped; or "squash": both sides to `size`

    @property
    def crop(self) -> str:
        """What is cropped after the resize: "centre" or "none"."""
        return CROPS[self.resize]


@dataclass(frozen=True)
class TextSpec:
    """From a text to the embedding: the tokenizer's family and special tokens, and how the text encoder pools."""

    family: str = "clip-bpe"                 # of tokenizers: a row of export/text/families.py
    context_length: int = 77                 # token ids that the encoder takes
    start_token: int | None = 49406          # None: the family has no start token
    end_token: int = 49407
    pad_token: int = 0
    pooling: str = "end"                     # which features the encoder takes: those at the first end token
    templates: tuple[str, ...] = ("{}", "a photo of a {}.")  # OpenAI's CLIP: bare name, its first zero-shot prompt
    scripts: tuple[str, ...] = ("Latin",)    # writing systems (Unicode script names) of the captions it learned from

    def framed(self, tokens: list[int]) -> list[int]:
        """`tokens` between the start token (if the family has one) and the end token."""
        return [*([] if self.start_token is None else [self.start_token]), *tokens, self.end_token]


CLIP_TEXT = TextSpec()                       # open_clip.tokenizer.SimpleTokenizer, trained on English captions


@dataclass(frozen=True)
class Licence:
    """The licence of the weights (not of this code)."""

    name: str
    url: str                                 # "" where there is none
    commercial_use: bool | None              # None: not known to us; the user must find out
    source: str = "row"                      # what told it: a row of the table, a known "digest", or the user: "given"

    @property
    def words(self) -> str:
        """The licence and what it means for a shop."""
        use = {True: "yes", False: "no", None: "unknown"}[self.commercial_use]
        return f"{self.name} (commercial use: {use})"


@dataclass(frozen=True)
class ModelSpec:
    """One row of the table."""

    name: str                                # what MODEL= takes, or NAME=
    architecture: str                        # an open_clip architecture, or one of export/weights/networks
    pretrained: str | None                   # open_clip's tag
    hub: str | None                          # repository on the hub
    file: str | None                         # file in that repository (or, for the demo, in this one)
    preprocessing: Preprocessing
    dim: int                                 # width of the embedding
    parameters: tuple[float, float] | None   # millions: image, text; None: not counted
    licence: Licence
    text: TextSpec = CLIP_TEXT
    fallback_file: str | None = None         # the same weights as a pickle, where the hub has no safetensors file
    quick_gelu: bool = False                 # the activation that the weights were trained with
    activation: str | None = None            # the same as a key of `space`; None: a row or a tag decided it
    network: str | None = None               # open_clip's model_cfg as JSON; None: that of `architecture`
    asked: str | None = None                 # what MODEL= takes, where NAME= gave another `name`

    @property
    def model(self) -> str:
        """What MODEL= takes."""
        return self.asked or self.name


@dataclass(frozen=True)
class Given:
    """What the user says of a model and a checkpoint by hand; None: not said."""

    name: str | None = None                  # NAME=: of the folder in dist, and of the model in the manifest
    checkpoint_key: str | None = None        # which dictionary of the checkpoint holds the weights
    activation: str | None = None            # "gelu" or "quickgelu"
    mean: tuple[float, ...] | None = None    # of red, green, blue, pixels from 0 to 1
    std: tuple[float, ...] | None = None
    interpolation: str | None = None         # "bilinear" or "bicubic"

    def json(self) -> dict:
        """The keys of source.json: only what was said."""
        return {key: value for key, value in asdict(self).items() if value is not None}
