"""A stage's command line enters; the stage runs with a small network: small pictures, few layers, narrow texts.

    python -m tests.small_network export --model PE-Core-T-16-384 --pretrained meta --weights random
"""

import importlib
import sys
from dataclasses import replace

SIDE, LAYERS, WIDTH, HEADS = 96, 2, 64, 2    # width and heads of the text tower; the image tower keeps its own


def shrink() -> None:
    """Has open_clip's networks built small in this process, if their image tower is a vision transformer of timm's."""
    import open_clip

    from export.weights import architectures
    from export.weights.networks import construct

    config, build, spec_of = open_clip.get_model_config, construct.build, architectures.spec_of

    def small_config(name: str) -> dict:
        whole = config(name)
        return whole | {"text_cfg": whole["text_cfg"] | {"layers": LAYERS, "width": WIDTH, "heads": HEADS}}

    def small_build(spec):
        model = build(spec)
        trunk = model.visual.trunk
        trunk.blocks = trunk.blocks[:LAYERS]
        trunk.set_input_size((SIDE, SIDE))
        return model

    def small_spec(*arguments):
        spec = spec_of(*arguments)
        return replace(spec, preprocessing=replace(spec.preprocessing, size=SIDE))

    open_clip.get_model_config, construct.build, architectures.spec_of = small_config, small_build, small_spec


if __name__ == "__main__":
    shrink()
    sys.exit(importlib.import_module(f"{sys.argv[1]}.__main__").main(sys.argv[2:]))
