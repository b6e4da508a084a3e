"""What a model is: preprocessing, text side, licence, and the row of the table that names its network and weights."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

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


Templates = tuple[str, ...] | Mapping[str, tuple[str, ...]]         # a list, or one for each language ("en", "zh", …)
CLIP_TEMPLATES = ("{}", "a photo of a {}.")  # OpenAI's CLIP: the bare name, its first zero-shot prompt
POOLINGS = ("end", "last", "first", "mean")  # at the first end token; at the last position; at the first; over no pads
MASKS = ("causal", "none", "pads")           # no later tokens; every token attends to all; to all but the pads
# ISO 15924's names of the scripts that most people write.
SCRIPTS = ("Latin", "Han", "Hiragana", "Katakana", "Hangul", "Bopomofo", "Cyrillic", "Greek", "Arabic", "Hebrew",
           "Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Lao", "Khmer", "Myanmar", "Georgian", "Armenian",
           "Ethiopic", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Sinhala", "Tibetan", "Mongolian")


@dataclass(frozen=True)
class TextSpec:
    """From a text to the embedding: cleaning, the tokenizer's family and special tokens, mask and pooling.

    The defaults are CLIP's. FORMATS.md says what the values of `steps`, `mask` and `pooling` mean.
    """

    family: str = "clip-bpe"                 # of tokenizers: a row of export/text/families.py
    context_length: int = 77                 # token ids that the encoder takes
    start_token: int | None = 49406          # None: the family has no start token
    end_token: int = 49407
    pad_token: int = 0                       # stands to the right of the end token
    pooling: str = "end"                     # which features the encoder takes: one of POOLINGS
    templates: Templates = field(default=CLIP_TEMPLATES, hash=False)
    scripts: tuple[str, ...] = ("Latin",)    # writing systems (Unicode script names) of the captions it learned from
    mask: str | None = None                  # one of MASKS; None: the network's own `attn_mask` decides
    vocabulary: int = 49408                  # token ids that the encoder knows: the rows of its token table
    steps: tuple[str, ...] = ()              # how the asset cleans a text, in order; (): the family alone decides

    def prompts(self, language: str = "en") -> tuple[str, ...]:
        """The templates in a language; else those in English; else those of the first language by its bytes."""
        if not isinstance(self.templates, Mapping):
            return self.templates
        return self.templates.get(language) or self.templates.get("en") or self.templates[min(self.templates)]

    def framed(self, tokens: list[int]) -> list[int]:
        """`tokens` between the start token (if the family has one) and the end token."""
        return [*([] if self.start_token is None else [self.start_token]), *tokens, self.end_token]


CLIP_TEXT = TextSpec()                       # open_clip.tokenizer.SimpleTokenizer, trained on English captions

# The text sides of the other models: open_clip's model configurations, and cn_clip's.
_UNMARKED = ("fix", "unhtml", "unhtml", "strike", "lower", "spaces")     # open_clip's clean="canonicalize"
_CHINESE = ("{}", "\u4e00\u5f20{}\u7684\u7167\u7247")                   # the bare name; "a photo of {}"
_MANY: Templates = {"en": CLIP_TEMPLATES, "zh": _CHINESE}
SIGLIP_TEXT = TextSpec("unigram", 64, None, end_token=1, pad_token=1, pooling="last", mask="none",
                       vocabulary=32_000, steps=(*_UNMARKED, "map"))
SIGLIP_I18N_TEXT = TextSpec("unigram", 64, None, end_token=1, pad_token=1, pooling="last", templates=_MANY,
                            scripts=SCRIPTS, mask="none", vocabulary=250_000, steps=(*_UNMARKED, "map"))
SIGLIP2_TEXT = TextSpec("gemma-bpe", 64, None, end_token=1, pad_token=0, pooling="last", templates=_MANY,
                        scripts=SCRIPTS, mask="none", vocabulary=256_000, steps=_UNMARKED)
XLM_R_TEXT = TextSpec("unigram", 77, start_token=0, end_token=2, pad_token=1, pooling="mean", templates=_MANY,
                      scripts=SCRIPTS, mask="pads", vocabulary=250_002,
                      steps=("fix", "unhtml", "unhtml", "spaces", "map"))
CHINESE_CLIP_TEXT = TextSpec("wordpiece", 52, start_token=101, end_token=102, pad_token=0, pooling="first",
                             templates={"zh": _CHINESE}, scripts=("Latin", "Han"), mask="pads", vocabulary=21_128,
                             steps=("drop", "isolate", "lower", "decompose", "unmark", "punctuate"))
WORLD_TEXT = TextSpec("unigram", 32, None, end_token=1, pad_token=0, pooling="mean", templates={
    "en": CLIP_TEMPLATES, "zh": _CHINESE, "ja": ("{}", "{}\u306e\u5199\u771f"), "ko": ("{}", "{} \uc0ac\uc9c4"),
    "de": ("{}", "ein Foto: {}"), "es": ("{}", "una foto de {}"), "fr": ("{}", "une photo de {}"),
}, scripts=("Latin", "Han", "Hiragana", "Katakana", "Hangul"), mask="pads", vocabulary=8000,
                      steps=(*_UNMARKED, "map"))                       # the bundled demo-world


LABELS = ("softmax", "sigmoid")              # shares that sum to 1; a share for each label by itself


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
    labels: str = "softmax"                  # what shares labels are given: one of LABELS, as the model was trained
    vocabulary_hub: str | None = None        # repository with the tokenizer's vocabulary; None: `hub`
    fallback_file: str | None = None         # the same weights as a pickle, where the hub has no safetensors file
    quick_gelu: bool = False                 # the activation that the weights were trained with
    activation: str | None = None            # the same as a key of `space`; None: a row or a tag decided it
    network: str | None = None               # open_clip's model_cfg as JSON; None: that of `architecture`
    asked: str | None = None                 # what MODEL= takes, where NAME= gave another `name`
    keep: tuple[str, ...] | None = None      # scripts whose tokens stay, of SCRIPTS; None: of all scripts

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
    scripts: tuple[str, ...] | None = None   # SCRIPTS=: whose tokens are kept, names of SCRIPTS

    def json(self) -> dict:
        """The keys of source.json: only what was said."""
        return {key: value for key, value in asdict(self).items() if value is not None}
