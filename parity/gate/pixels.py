"""A manifest's `image` entry and pictures enter; the reasons why its pixels are not open_clip's leave."""

from collections.abc import Sequence

import numpy as np

from export.artifacts import manifest
from export.artifacts.manifest import ImageInput
from export.common.files import ROOT
from export.common.specs import ModelSpec, Preprocessing
from export.pictures.preprocess import load_rgb8, resize_crop


def faults(image: ImageInput, spec: ModelSpec, pictures: Sequence[str]) -> list[str]:
    """Compares the pixels that an app computes from the manifest with open_clip's own transform, byte for byte."""
    true = spec.preprocessing
    expected = manifest.image(true)
    if image != expected:
        return [f"the manifest's image entry is {image.json()}, and the model wants {expected.json()}"]
    described = Preprocessing(image.width, true.mean, true.std, image.interpolation, image.mode)
    upright = [load_rgb8(ROOT / path) for path in pictures]
    wrong = sum(not np.array_equal(resize_crop(rgb, described), by_pillow(rgb, true)) for rgb in upright)
    return [f"preprocessing: {wrong} of {len(upright)} pictures are not open_clip's pixels"] if wrong else []


def by_pillow(rgb: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """uint8 [H, W, 3] -> [size, size, 3]: open_clip's own transform up to the bytes, which Pillow computes."""
    from open_clip.transform import image_transform
    from PIL import Image

    picture = Image.fromarray(rgb)
    transform = image_transform(preprocessing.size, is_train=False, interpolation=preprocessing.interpolation,
                                resize_mode=preprocessing.resize)
    for step in transform.transforms[:-3]:   # Resize, and CenterCrop if there is one; the last three make floats
        picture = step(picture)
    return np.asarray(picture)
