"""A manifest's `image` entry and pictures enter; where the pixels that it describes are not open_clip's, it is said."""

from collections.abc import Sequence

import numpy as np

from export.artifacts import manifest
from export.artifacts.manifest import ImageInput
from export.common.files import ROOT
from export.common.specs import ModelSpec, Preprocessing
from export.pictures.preprocess import load_rgb8, resize_crop


def faults(image: ImageInput, spec: ModelSpec, pictures: Sequence[str]) -> list[str]:
    """Compares what an app computes by the manifest with open_clip's own transform, byte for byte."""
    true = spec.preprocessing
    expected = manifest.image(true)
    if image != expected:
        return [f"the manifest's image entry is {image.json()}, and the model wants {expected.json()}"]
    described = Preprocessing(image.width, true.mean, true.std, image.interpolation)
    upright = [load_rgb8(ROOT / path) for path in pictures]
    wrong = sum(not np.array_equal(resize_crop(rgb, described), by_pillow(rgb, true.size, true.interpolation))
                for rgb in upright)
    return [f"preprocessing: {wrong} of {len(upright)} pictures are not open_clip's pixels"] if wrong else []


def by_pillow(rgb: np.ndarray, size: int, interpolation: str) -> np.ndarray:
    """uint8 [H, W, 3] -> [size, size, 3]: open_clip's own transform up to the bytes, which Pillow computes."""
    from open_clip.transform import image_transform
    from PIL import Image

    picture = Image.fromarray(rgb)
    steps = image_transform(size, is_train=False, interpolation=interpolation, resize_mode="shortest").transforms
    for step in steps[:2]:                   # Resize and CenterCrop; what follows makes floats
        picture = step(picture)
    return np.asarray(picture)
