"""From RGB8 to the encoder's input: open_clip's resize, crop and scaling, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from export.common.errors import InputError
from export.common.specs import Preprocessing
from export.pictures.preprocess import MAX_PIXELS, normalise, resize_crop
from export.pictures.resample import MOST_SHRUNK, crop_origin, resize_window, resized_size
from tests.pictures import noise

OPENAI_MEAN, OPENAI_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
PLAIN = Preprocessing(size=64, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), interpolation="bilinear")
# (rows, columns): squares, enlarged and shrunk, every remainder of the crop, rows or columns first, 1 pixel wide.
SIZES = [(64, 64), (63, 64), (64, 65), (65, 64), (66, 64), (67, 64), (64, 67), (69, 300), (300, 69), (33, 47), (7, 100),
         (100, 7), (1, 1), (1, 5), (5, 1), (1, 60), (60, 1), (2, 31), (240, 320), (427, 640), (640, 427), (1080, 607),
         (500, 131), (131, 500), (901, 333), (333, 901), (64, 640), (640, 64), (1200, 70), (70, 1200)]


def reference(rgb, preprocessing):
    from open_clip.transform import image_transform
    transform = image_transform(preprocessing.size, is_train=False, mean=preprocessing.mean, std=preprocessing.std,
                                interpolation=preprocessing.interpolation, resize_mode=preprocessing.resize)
    return transform(Image.fromarray(rgb)).numpy()[None]


@pytest.mark.parametrize("resize", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_square_and_floats_equal_open_clip_bit_for_bit(interpolation, resize):
    for index, (rows, columns) in enumerate(SIZES):
        for size, mean, std in ((64, PLAIN.mean, PLAIN.std), (31, OPENAI_MEAN, OPENAI_STD)):
            preprocessing = Preprocessing(size, mean, std, interpolation, resize)
            rgb = noise(rows, columns, seed=index)
            square = resize_crop(rgb, preprocessing)
            assert square.shape == (size, size, 3) and square.dtype == np.uint8
            np.testing.assert_array_equal(normalise(square, preprocessing), reference(rgb, preprocessing))


@pytest.mark.parametrize("resize", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(8000, 11), (11, 8000), (1, 8000), (8000, 1), (3, 4001)])
def test_very_long_pictures_equal_open_clip(shape, interpolation, resize):
    preprocessing = replace(PLAIN, size=32, interpolation=interpolation, resize=resize)
    rgb = noise(*shape)
    np.testing.assert_array_equal(normalise(resize_crop(rgb, preprocessing), preprocessing),
                                  reference(rgb, preprocessing))


def test_one_pixel_by_8000_is_resized_without_its_strip_of_two_million_rows():
    assert resize_crop(noise(8000, 1), replace(PLAIN, size=256)).shape == (256, 256, 3)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_numpy_resize_equals_pillow_where_both_are_used(interpolation):
    for index, (rows, columns) in enumerate(SIZES):
        rgb = noise(rows, columns, seed=index)
        size = resized_size(rows, columns, 64)
        origin = crop_origin(size[0], 64), crop_origin(size[1], 64)
        ours = resize_window(rgb, size, origin, (64, 64), interpolation)
        np.testing.assert_array_equal(ours, resize_crop(rgb, replace(PLAIN, interpolation=interpolation)))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_a_squash_is_the_window_of_the_whole_square(interpolation):
    settings = replace(PLAIN, interpolation=interpolation, resize="squash")
    for index, (rows, columns) in enumerate([*SIZES, (1, 4000), (4000, 1)]):
        rgb = noise(rows, columns, seed=index)
        ours = resize_window(rgb, (64, 64), (0, 0), (64, 64), interpolation)
        np.testing.assert_array_equal(ours, resize_crop(rgb, settings))


@pytest.mark.parametrize("size", [1, 7, 48])
def test_a_squashed_picture_of_one_colour_keeps_it_as_far_as_the_limit_and_is_refused_beyond(size):
    most, settings = MOST_SHRUNK * size, replace(PLAIN, size=size, interpolation="bicubic", resize="squash")
    for shape in ((1, most), (most, 1), (most, 3), (most - 1, 2)):
        for colour in (199, 255):
            assert (resize_crop(np.full((*shape, 3), colour, np.uint8), settings) == colour).all(), shape
    says = f"the picture is too long in a.png; expected at most {most:,} x {most:,} pixels; found "
    for height, width in ((1, most + 1), (most + 1, 1)):
        with pytest.raises(InputError, match=f"{says}{width:,} x {height:,}; remedy: crop it"):
            resize_crop(np.zeros((height, width, 3), np.uint8), settings, "a.png")


def test_a_picture_that_is_cropped_may_have_any_shape():
    # Of squares of 4 pixels or more, for which the longer side shrinks most: just before it would become 5.
    assert (MAX_PIXELS * 5 / 4) ** 0.5 < 4 * MOST_SHRUNK
    rgb = np.full((1, 30_000_000, 3), 199, np.uint8)
    assert (resize_crop(rgb, replace(PLAIN, size=48, interpolation="bicubic")) == 199).all()


def test_another_interpolation_or_a_squash_would_be_noticed():
    rgb = noise(120, 200)
    square = resize_crop(rgb, PLAIN)
    assert (square != resize_crop(rgb, replace(PLAIN, interpolation="bicubic"))).mean() > 0.5
    assert (normalise(square, PLAIN) != reference(rgb, replace(PLAIN, resize="squash"))).mean() > 0.5


def test_every_byte_is_divided_as_torch_divides():
    every = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    for mean, std in ((PLAIN.mean, PLAIN.std), (OPENAI_MEAN, OPENAI_STD)):
        preprocessing = Preprocessing(16, mean, std, "bilinear")
        np.testing.assert_array_equal(normalise(every, preprocessing), reference(every, preprocessing))
    multiplied = every.astype(np.float32) * np.float32(1 / 255)
    assert (multiplied.transpose(2, 0, 1) != normalise(every, PLAIN)[0]).mean() > 0.3


def test_a_batch_is_normalised_as_its_pictures_are():
    batch = noise(4, 5 * 5).reshape(4, 5, 5, 3)
    together = normalise(batch, PLAIN)
    assert together.shape == (4, 3, 5, 5) and together.dtype == np.float32 and together.flags.c_contiguous
    np.testing.assert_array_equal(together, np.concatenate([normalise(one, PLAIN) for one in batch]))


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8),
                                    np.zeros((4, 4, 3), np.float32)])
def test_what_is_not_rgb8_is_refused(pixels):
    with pytest.raises(InputError, match="not RGB8 pixels; expected uint8"):
        resize_crop(pixels, PLAIN)


def test_unknown_interpolation_or_resize_mode_is_refused():
    with pytest.raises(InputError, match="expected bilinear or bicubic; found lanczos"):
        resize_crop(noise(4, 4), replace(PLAIN, interpolation="lanczos"))
    with pytest.raises(InputError, match="unknown resize mode; expected shortest or squash; found longest"):
        resize_crop(noise(4, 4), replace(PLAIN, resize="longest"))
