"""One row per format: all in which Core ML, TFLite and ONNX differ. Other code reads the rows and names no format.

Order, suffixes and defaults decide what an export makes. The rows are Python, so that a recipe covers them as code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from export.formats.mixture import Mixture, uniform

ENCODERS = ("image", "text")
FLOAT = ("fp32", "fp16")                     # precisions of every format
MIXED = "mixed"                              # what `python -m parity --choose` finds: a scheme for each weight
PROTOBUF = 2**31 - 1                         # bytes of a message; an ONNX file is one
LARGE_VOCABULARY = 100_000                   # tokens; their table in float32, 768 wide, is 307 MB and more
LITERT_TORCH, ONNX2TF = "litert-torch", "onnx2tf"


@dataclass(frozen=True, eq=False)
class Format:
    """One way to store an encoder, with the modules that make, run and read it."""

    name: str                                # in paths, the manifest and FORMATS=
    title: str                               # for people
    suffix: str                              # of an artefact, a file or a folder
    compressed: tuple[str, ...]              # precisions beside FLOAT, in the order of the manifest
    default: Mapping[str, tuple[str, ...]]   # encoder: the first that passes ships; of the last nothing takes the place
    routes: Mapping[str, str]                # route: the module whose `trace`, `weights` and `write` convert by it
    runner: str                              # the module that runs artefacts and reads their weights back
    runtime: str                             # the package that runs artefacts, imported before memory is measured
    package: str                             # that converts by the usual route, imported while the weights load
    tools: tuple[str, ...]                   # distributions whose versions decide the bytes of an artefact
    effort: Mapping[str, int]                # encoder: its place among all conversions; the long ones are first
    batch: int | None                        # inputs at a time; None: any number
    layout: str                              # of the image encoder's input
    pixel: str                               # its dtype
    locks: Mapping[str, str] = field(default_factory=dict)   # route: the lock file of an environment of its own
    forks: bool = True                       # whether the runtime survives a fork
    ios: Mapping[str, int] | None = None     # scheme: the oldest iOS that reads it; "": all other schemes
    decodes: bool = False                    # whether the runner's `constants` decodes compressed weights
    most_bytes: int | None = None            # of an encoder in float32 that a file can hold
    queries: bool = False                    # whether its artefacts answer queries on a desktop
    large: Mapping[str, tuple[str, ...]] = field(default_factory=dict)   # in place of `default`: LARGE_VOCABULARY

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that PRECISION= can name, in the order of the manifest. Only a search makes `mixed`."""
        return FLOAT + self.compressed

    @property
    def route(self) -> str:
        """The usual route."""
        return next(iter(self.routes))

    def defaults(self, encoder: str, vocabulary: int = 0) -> tuple[str, ...]:
        """The default precisions of an encoder of a model that knows so many tokens."""
        return (self.large if vocabulary >= LARGE_VOCABULARY else {}).get(encoder, self.default[encoder])

    def fallback(self, encoder: str, precision: str, vocabulary: int = 0) -> str | None:
        """What ships by default in place of this precision where it fails the gate; None: nothing does."""
        *candidates, last = self.defaults(encoder, vocabulary)
        return last if precision in candidates else None

    def shape(self, side: int) -> list[int | None]:
        """The shape of the image encoder's input for a square of `side` pixels."""
        return [self.batch, side, side, 3] if self.layout == "NHWC" else [self.batch, 3, side, side]

    def minimum_ios(self, precision: str | Mixture) -> int | None:
        """The oldest iOS that reads an artefact of this precision; None for a format that iOS does not know."""
        if self.ios is None:
            return None
        return max(self.ios.get(scheme, self.ios[""]) for scheme in uniform(precision).schemes())


# Default precisions (sizes: benchmarks/models.md; a phone's memory: benchmarks/android_memory.md), of several the one
# with the least memory first. Core ML computes in float16 on the Neural Engine. LiteRT's CPU unpacks float16 to float32
# as it loads, into memory that a phone cannot take back: a text encoder, with its large table, is in int8 where that
# passes the gate, and else in float32. ONNX is for desktops and servers, where exactness counts for more than bytes.
COREML = Format(
    "coreml", "Core ML", ".mlpackage", ("int8", "palette6", "palette4", "int4"),
    {"image": ("fp16",), "text": ("fp16",)},
    {"coremltools": "export.coreml"}, "export.runners.coreml_runner", "coremltools", "coremltools",
    ("coremltools",),
    {"image": 4, "text": 6}, batch=1, layout="image RGB", pixel="uint8", forks=False, decodes=True,
    ios={"": 16, "int4": 18})
TFLITE = Format(
    "tflite", "TFLite", ".tflite", ("int8", "dynamic-int8"), {"image": ("fp16",), "text": ("dynamic-int8", "fp32")},
    {LITERT_TORCH: "export.tflite", ONNX2TF: "export.tflite.onnx2tf_route"}, "export.runners.tflite_runner",
    "ai_edge_litert.interpreter", "litert_torch", ("litert-torch", "ai-edge-litert", "ai-edge-quantizer"),
    {"image": 1, "text": 2}, batch=1, layout="NHWC", pixel="float32", queries=True,
    locks={ONNX2TF: "requirements-onnx2tf.lock"},
    large={"text": ("dynamic-int8", "fp16")})            # of SigLIP 2's text encoder, float32 would be 1.1 GB
ONNX = Format(
    "onnx", "ONNX", ".onnx", ("int8", "dynamic-int8"), {"image": ("fp32",), "text": ("fp32",)},
    {"torch.onnx": "export.onnx"}, "export.runners.onnx_runner", "onnxruntime", "onnxscript",
    ("onnx", "onnxscript", "onnxruntime"),
    {"image": 3, "text": 5}, batch=None, layout="NCHW", pixel="float32", queries=True, most_bytes=PROTOBUF)

FORMATS: Mapping[str, Format] = {row.name: row for row in (COREML, TFLITE, ONNX)}
ROUTES = tuple(TFLITE.routes)                # TFLite is the only format with several routes
