"""Any picture becomes upright RGB8; what is none, is damaged or too large is refused by name."""

import io
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from export.common.errors import InputError
from export.pictures import heic as heic_reader
from export.pictures.preprocess import load_rgb8
from tests.pictures import noise, saved


def png(width, height, depth, colour, rows, *chunks):
    """A PNG written by hand, for what Pillow cannot write."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*it) for it in chunks) + body + chunk(b"IEND", b"")


def png16(values, colour, *chunks):
    return png(values.shape[1], values.shape[0], 16, colour, [row.astype(">u2").tobytes() for row in values], *chunks)


def over_white(colour, alpha):
    """Rounded to nearest, in float64: the formula of the contract written independently."""
    alpha = alpha[..., None] / 255.0
    return np.floor(colour * alpha + 255 * (1 - alpha) + 0.5).astype(np.uint8)


def test_a_path_and_its_bytes_give_the_same_pixels(tmp_path):
    rgb = noise(9, 13)
    path = tmp_path / "picture with no suffix"
    path.write_bytes(saved(Image.fromarray(rgb)))
    for source in (path, path.read_bytes()):
        pixels = load_rgb8(source)
        assert pixels.dtype == np.uint8 and pixels.flags.writeable
        np.testing.assert_array_equal(pixels, rgb)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
                                               ("WEBP", {"lossless": True})])
def test_each_exif_orientation_is_made_upright(kind, options):
    stored = noise(5, 8)
    upright = {1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.transpose(1, 0, 2),
               6: np.rot90(stored, -1), 7: stored[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(stored)}
    for orientation, expected in upright.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(stored), kind, exif=exif, **options)), expected)


def test_a_jpeg_is_turned_and_a_broken_exif_block_is_passed_over():
    stored = Image.fromarray(noise(16, 40))
    exif = Image.Exif()
    exif[0x0112] = 6
    assert load_rgb8(saved(stored, "JPEG", exif=exif)).shape == (40, 16, 3)
    exif[0x0112] = 9
    assert load_rgb8(saved(stored, "JPEG", exif=exif)).shape == (16, 40, 3)
    assert load_rgb8(saved(stored, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")).shape == (16, 40, 3)


def test_grey_and_one_bit_and_palette():
    grey = noise(6, 7, 0)
    triple = np.repeat(grey[..., None], 3, axis=2)
    np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(grey))), triple)
    np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(grey > 99))), np.where(triple > 99, 255, 0))
    colours = noise(1, 256, seed=1)[0]
    palette = Image.fromarray(grey, "L")
    palette.putpalette(colours.tobytes())
    for kind in ("PNG", "GIF", "BMP"):
        np.testing.assert_array_equal(load_rgb8(saved(palette, kind)), colours[grey])


def test_alpha_is_laid_over_white():
    rgba, grey_alpha = noise(30, 30, 4), noise(30, 30, 2)
    expected = over_white(rgba[..., :3], rgba[..., 3])
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(rgba), kind, **options)), expected)
    expected = over_white(np.repeat(grey_alpha[..., :1], 3, axis=2), grey_alpha[..., 1])
    np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(grey_alpha))), expected)


def test_transparent_palette_entries_and_colours_become_white():
    grey = noise(8, 8, 0) % 4
    colours = noise(1, 4, seed=2)[0]
    palette = Image.fromarray(grey, "L")
    palette.putpalette(colours.tobytes())
    alphas = np.array([255, 0, 100, 7], np.uint8)
    np.testing.assert_array_equal(load_rgb8(saved(palette, transparency=alphas.tobytes())),
                                  over_white(colours[grey], alphas[grey]))
    expected = np.where(grey[..., None] == 2, 255, colours[grey])
    np.testing.assert_array_equal(load_rgb8(saved(palette, "GIF", transparency=2)), expected)
    key = tuple(colours[2].tolist())
    np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(colours[grey]), transparency=key)), expected)


@pytest.mark.parametrize(("depth", "step"), [(2, 85), (4, 17)])
def test_transparent_grey_of_few_bits_becomes_white(depth, step):
    row = bytes([0b00011011]) if depth == 2 else bytes([0x01, 0x23])
    picture = png(4, 1, depth, 0, [row], (b"tRNS", struct.pack(">H", 1)))
    assert load_rgb8(picture)[0, :, 0].tolist() == [0, 255, 2 * step, 3 * step]


def test_sixteen_bits_keep_their_high_byte():
    grey = noise(9, 5, 0, dtype=np.uint16)
    triple = np.repeat(grey[..., None] >> 8, 3, axis=2)
    for kind in ("PNG", "TIFF", "PPM", "JPEG2000"):
        np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(grey), kind)), triple, kind)
    np.testing.assert_array_equal(load_rgb8(png16(grey, 0)), triple)
    rgb = noise(9, 5, dtype=np.uint16)
    np.testing.assert_array_equal(load_rgb8(png16(rgb, 2)), rgb >> 8)
    rgba = noise(9, 5, 4, dtype=np.uint16)
    np.testing.assert_array_equal(load_rgb8(png16(rgba, 6)), over_white(rgba[..., :3] >> 8, rgba[..., 3] >> 8))
    grey_alpha = noise(9, 5, 2, dtype=np.uint16)
    np.testing.assert_array_equal(load_rgb8(png16(grey_alpha, 4)), over_white(
        np.repeat(grey_alpha[..., :1] >> 8, 3, axis=2), grey_alpha[..., 1] >> 8))


def test_a_transparent_sixteen_bit_grey_is_compared_in_full():
    grey = np.array([[0x1234, 0x12FF, 0x4000]], np.uint16)
    picture = png16(grey, 0, (b"tRNS", struct.pack(">H", 0x1234)))
    assert load_rgb8(picture)[0, :, 0].tolist() == [255, 0x12, 0x40]


def test_float_and_32_bit_pictures_are_refused():
    for values in (np.zeros((3, 3), np.float32), np.zeros((3, 3), np.int32)):
        with pytest.raises(InputError, match="unsupported"):
            load_rgb8(saved(Image.fromarray(values), "TIFF"))


def test_cmyk_goes_by_pillows_formula():
    cmyk = noise(8, 8, 4)
    light = 255 - cmyk[..., 3:].astype(int)
    expected = light - np.floor(cmyk[..., :3] * light / 255 + 0.5)
    np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(cmyk, "CMYK"), "TIFF")), expected)
    assert load_rgb8(saved(Image.fromarray(cmyk, "CMYK"), "JPEG")).shape == (8, 8, 3)


def linear_profile(grey=False):
    """An ICC profile written by hand: sRGB's primaries (or grey) and no gamma."""
    def fixed(*values):
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(79), b"wtpt": (0.9642, 1.0, 0.8249)}
    if not grey:
        tags |= {b"rXYZ": (0.4361, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971),
                 b"bXYZ": (0.1431, 0.0606, 0.7141)}
    curve = b"curv" + bytes(8)                                   # no entries: the identity
    tags |= dict.fromkeys([b"kTRC"] if grey else [b"rTRC", b"gTRC", b"bTRC"], curve)
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        value = b"XYZ \0\0\0\0" + fixed(*value) if isinstance(value, tuple) else value
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value
    head = struct.pack(">I4sI4s4s4s", start + len(data), b"lcms", 0x02100000, b"mntr", b"GRAY" if grey else b"RGB ",
                       b"XYZ ") + bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + data


def test_an_icc_profile_is_converted_to_srgb():
    linear = noise(20, 20)
    light = linear / 255
    srgb = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    found = load_rgb8(saved(Image.fromarray(linear), icc_profile=linear_profile()))
    assert np.abs(found - srgb).max() < 1.6                      # the profile's primaries have four digits
    grey = load_rgb8(saved(Image.fromarray(linear[..., 0]), icc_profile=linear_profile(grey=True)))
    assert np.abs(grey - srgb[..., :1])[linear[..., 0] > 15].max() < 1.6         # coarse in the darkest greys


def test_an_icc_profile_leaves_alpha_alone():
    rgba = noise(20, 20, 4)
    opaque = load_rgb8(saved(Image.fromarray(rgba[..., :3].copy()), icc_profile=linear_profile()))
    found = load_rgb8(saved(Image.fromarray(rgba), icc_profile=linear_profile()))
    np.testing.assert_array_equal(found, over_white(opaque, rgba[..., 3]))


def test_an_srgb_profile_changes_no_byte():
    rgb = noise(64, 64)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(rgb), icc_profile=profile)), rgb)


@pytest.mark.parametrize("profile", [b"not a profile", linear_profile()[:200], linear_profile(grey=True)])
def test_a_broken_or_unfitting_icc_profile_is_passed_over(profile):
    rgb = noise(6, 6)
    np.testing.assert_array_equal(load_rgb8(saved(Image.fromarray(rgb), icc_profile=profile)), rgb)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(kind):
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = saved(first, kind, save_all=True, append_images=[second], **options)
    assert (load_rgb8(picture) == (255, 0, 0)).all()


# What is refused

def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(InputError, match=f"cannot be opened in {path}"):
            load_rgb8(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\0\0\0\x18ftypisom" + bytes(99)])
def test_a_foreign_file_is_refused_with_what_was_found(tmp_path, content):
    path = tmp_path / "odd.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"not a picture.*{path}.*found {len(content)} bytes beginning with.*JPEG"):
        load_rgb8(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "JPEG2000", "AVIF"])
def test_a_picture_cut_short_is_refused(tmp_path, kind):
    whole = saved(Image.fromarray(noise(90, 90)), kind)
    path = tmp_path / "cut"
    path.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(InputError, match=str(path)):
        load_rgb8(path)


JPEGS = [("RGB", {}), ("L", {"quality": 30}), ("CMYK", {}), ("RGB", {"optimize": True}), ("RGB", {"progressive": True}),
         ("L", {"restart_marker_blocks": 3}), ("RGB", {"restart_marker_rows": 1})]


def cut_jpegs():
    """(whole, how many bytes are cut off, the rest) of JPEGs of each kind."""
    rng = np.random.default_rng(5)
    for mode, options in JPEGS:
        for side in (64, 90):
            picture = Image.fromarray(noise(6, 6, seed=side)).resize((side, side), Image.Resampling.BICUBIC)
            whole = saved(picture.convert(mode), "JPEG", **options)
            for cut in (1, 2, *range(3, 24), *rng.integers(24, len(whole) - 3, 12).tolist()):
                yield whole, cut, whole[:-cut]


def test_a_jpeg_without_its_end_marker_is_shown_and_one_that_lacks_pixels_is_refused():
    refused = 0
    for whole, cut, rest in cut_jpegs():
        try:
            np.testing.assert_array_equal(load_rgb8(rest), load_rgb8(whole))
        except InputError as error:
            refused += 1
            assert cut > 2 and re.search("damaged or cut short|not a picture", str(error))
    assert refused > 300


def test_a_progressive_jpeg_that_ends_between_two_scans_is_refused():
    whole = saved(Image.fromarray(noise(64, 64)), "JPEG", progressive=True)
    scans = [at for at in range(len(whole)) if whole[at:at + 2] == b"\xff\xda"]
    tables = [whole.rindex(b"\xff\xc4", 0, at) for at in scans[1:]]       # each scan here begins with its own table
    for at in [*scans[1:], *tables]:
        with pytest.raises(InputError, match="cut short"):
            load_rgb8(whole[:at])


def heic(rgb, **options):
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(rgb)).save(buffer, quality=-1, chroma=444, **options)
    return buffer.getvalue()


def quarters(rows=40, columns=60):
    rgb = np.zeros((rows, columns, 3), np.uint8)
    rgb[:rows // 2, :columns // 2] = 250, 20, 20
    rgb[rows // 2:, columns // 2:] = 20, 20, 250
    return rgb


def test_a_heic_photo_is_turned_once_and_its_exif_alone_turns_nothing(tmp_path):
    upright, quarter = Image.Exif(), Image.Exif()
    upright[0x0112], quarter[0x0112] = 1, 6
    turned = heic(quarters(), exif=quarter.tobytes())
    told = heic(quarters(), exif=upright.tobytes()).replace(upright.tobytes(), quarter.tobytes())
    assert b"irot" in turned and b"irot" not in told and quarter.tobytes() in told
    for content, expected in ((turned, np.rot90(quarters(), -1)), (told, quarters()), (heic(quarters()), quarters())):
        path = tmp_path / "IMG_0001.HEIC"
        path.write_bytes(content)
        found = load_rgb8(path)
        assert found.shape == expected.shape and np.abs(found.astype(int) - expected).max() < 12
        np.testing.assert_array_equal(found, load_rgb8(content))


def test_a_heic_photos_alpha_and_profile_count_as_in_any_picture():
    rgba = np.dstack([quarters(), np.full((40, 60), 128, np.uint8)])
    found = load_rgb8(heic(rgba))
    assert np.abs(found.astype(int) - over_white(quarters(), rgba[..., 3])).max() < 12
    linear = heic(quarters(), icc_profile=linear_profile())
    assert load_rgb8(linear)[-1, -1, 0] > load_rgb8(heic(quarters()))[-1, -1, 0] + 40


@pytest.mark.parametrize("keep", [40, 200, 0.5, 0.99])
def test_a_heic_photo_cut_short_is_refused(keep):
    whole = heic(noise(90, 90))
    with pytest.raises(InputError, match="damaged or cut short"):
        load_rgb8(whole[:keep if keep > 1 else int(len(whole) * keep)])


def test_a_heic_photo_without_the_package_is_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(heic_reader, "PACKAGE", "no_such_package")
    path = tmp_path / "photo.jpg"
    for brands in (b"heic\0\0\0\0mif1", b"mif1\0\0\0\0heic"):
        path.write_bytes(b"\0\0\0\x18ftyp" + brands + b"miaf" + bytes(99))
        with pytest.raises(InputError, match=rf"an iPhone photo \(HEIC\).*{path}.*as JPEG, or pip install pillow-heif"):
            load_rgb8(path)
    with pytest.raises(InputError, match="not a picture|damaged"):
        load_rgb8(b"\0\0\0\x18ftypmif1\0\0\0\0avifmiaf" + bytes(99))


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, 8, 2, [bytes(10)]))
    with pytest.raises(InputError, match=f"too large.*{path}.*134,217,728 pixels"):
        load_rgb8(path)


def test_a_damaged_checksum_is_refused():
    picture = bytearray(saved(Image.fromarray(noise(9, 9))))
    picture[60] ^= 0xFF
    with pytest.raises(InputError, match="damaged or cut short"):
        load_rgb8(bytes(picture))


def test_no_torch_is_imported_for_pictures():
    code = "import sys, export.pictures.preprocess, export.text.clip_bpe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0
