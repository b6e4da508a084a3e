"""A stage's command line enters; the stage runs, with two layers in each tower of the network and narrow texts.

    python -m tests.small_network export --model PE-Core-T-16-384 --pretrained meta --weights random
"""

import importlib
import sys

LAYERS, WIDTH, HEADS = 2, 64, 2              # of the text tower; the image tower keeps its width


def shrink() -> None:
    """Has open_clip's networks that come from timm built small, in this process."""
    import open_clip

    from export.weights.networks import construct

    config, build = open_clip.get_model_config, construct.build

    def small_config(name: str) -> dict:
        whole = config(name)
        return whole | {"text_cfg": whole["text_cfg"] | {"layers": LAYERS, "width": WIDTH, "heads": HEADS}}

    def small_build(spec):
        model = build(spec)
        model.visual.trunk.blocks = model.visual.trunk.blocks[:LAYERS]
        return model

    open_clip.get_model_config, construct.build = small_config, small_build


if __name__ == "__main__":
    shrink()
    sys.exit(importlib.import_module(f"{sys.argv[1]}.__main__").main(sys.argv[2:]))
