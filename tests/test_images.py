"""Reading pictures of every kind, and writing them back."""

import io

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from neurocodec import images
from neurocodec.errors import BadInputError, UsageError
from tests.conftest import picture


def saved(image: PIL.Image.Image, file_format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def rgb(width: int = 6, height: int = 4) -> PIL.Image.Image:
    return PIL.Image.fromarray(picture(width, height).pixels)


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF", "WEBP", "PPM", "TGA", "GIF", "ICO"])
def test_every_lossless_format_comes_in_as_it_is(file_format):
    source = PIL.Image.new("RGB", (16, 16), (10, 200, 30))
    options = {"lossless": True} if file_format == "WEBP" else {}
    image = images.read(saved(source, file_format, **options), "x")
    np.testing.assert_array_equal(image.pixels, np.asarray(source))
    assert image.alpha is None


def test_every_exif_orientation_is_applied():
    upright = rgb()
    steps = {
        2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
        3: PIL.Image.Transpose.ROTATE_180,
        4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
        5: PIL.Image.Transpose.TRANSPOSE,
        6: PIL.Image.Transpose.ROTATE_90,
        7: PIL.Image.Transpose.TRANSVERSE,
        8: PIL.Image.Transpose.ROTATE_270,
    }
    for orientation, step in steps.items():
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        exif[0x010F] = "maker"
        image = images.read(saved(upright.transpose(step), exif=exif), "x")
        np.testing.assert_array_equal(image.pixels, np.asarray(upright), err_msg=str(orientation))
        kept = PIL.Image.Exif()
        kept.load(image.metadata["exif"])
        assert kept.get(0x0112, 1) == 1
        assert kept[0x010F] == "maker"


def test_gray_stays_gray():
    for mode in ("L", "1", "LA"):
        image = images.read(saved(rgb().convert(mode)), "x")
        assert image.gray
        assert (image.pixels == image.pixels[..., :1]).all()
    assert not images.read(saved(rgb()), "x").gray


def test_16_bits_are_scaled_to_8():
    values = np.array([[0, 128, 129, 257, 32767, 65535]], np.uint16)
    image = images.read(saved(PIL.Image.fromarray(values)), "x")
    np.testing.assert_array_equal(image.pixels[0, :, 0], np.rint(values[0] / 257))
    assert image.gray


def test_palette_with_transparency_becomes_alpha():
    source = PIL.Image.new("P", (3, 2))
    source.putpalette([255, 0, 0, 0, 255, 0])
    source.putpixel((1, 0), 1)
    image = images.read(saved(source, transparency=1), "x")
    assert image.alpha is not None
    assert image.alpha.tolist() == [[255, 0, 255], [255, 255, 255]]
    assert image.pixels[0, 0].tolist() == [255, 0, 0]


def test_alpha_is_kept_straight_and_dropped_where_it_hides_nothing():
    source = rgb()
    source.putalpha(77)
    image = images.read(saved(source), "x")
    assert image.alpha is not None and (image.alpha == 77).all()
    np.testing.assert_array_equal(image.pixels, np.asarray(rgb()))
    source.putalpha(255)
    assert images.read(saved(source), "x").alpha is None


def test_cmyk_becomes_rgb():
    image = images.read(saved(PIL.Image.new("CMYK", (2, 2), (0, 255, 255, 0)), "TIFF"), "x")
    assert image.pixels[0, 0].tolist() == [255, 0, 0]


def test_icc_is_converted_to_srgb_and_a_true_profile_kept():
    lab = PIL.ImageCms.createProfile("LAB")
    srgb = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    same = images.read(saved(rgb(), icc_profile=srgb), "x")
    np.testing.assert_array_equal(same.pixels, np.asarray(rgb()))
    assert same.metadata["icc"] == srgb
    to_lab = PIL.ImageCms.profileToProfile(
        PIL.Image.new("RGB", (2, 2), (200, 40, 90)),
        PIL.ImageCms.createProfile("sRGB"),
        lab,
        outputMode="LAB",
    )
    profile = PIL.ImageCms.ImageCmsProfile(lab).tobytes()
    image = images.read(saved(to_lab, "TIFF", icc_profile=profile), "x")
    assert np.abs(image.pixels[0, 0].astype(int) - (200, 40, 90)).max() <= 2
    assert image.metadata["icc"] != profile


def test_a_profile_that_fits_no_pixels_is_passed_over():
    image = images.read(saved(rgb(), icc_profile=b"not a profile"), "x")
    np.testing.assert_array_equal(image.pixels, np.asarray(rgb()))
    assert "icc" not in image.metadata


def test_metadata_survives_a_png():
    image = images.Image(
        picture(5, 3).pixels, metadata={"exif": b"II*\0\x08\0\0\0\0\0\0\0\0\0", "xmp": b"<x/>"}
    )
    assert images.read(images.png(image), "x").metadata == dict(image.metadata)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animated_files_are_refused_by_name(file_format):
    frames = [PIL.Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (0, 100, 200)]
    data = saved(frames[0], file_format, save_all=True, append_images=frames[1:])
    with pytest.raises(BadInputError, match="moving: has 3 frames"):
        images.read(data, "moving")


def test_too_many_pixels_are_refused_unread():
    data = saved(PIL.Image.new("1", (20_000, 20_000)))
    with pytest.raises(BadInputError, match=r"20000×20000 is more than \d+ pixels: raise --max"):
        images.read(data, "x")
    assert images.read(saved(rgb()), "x", max_pixels=24).width == 6
    with pytest.raises(BadInputError):
        images.read(saved(rgb()), "x", max_pixels=23)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" * 9])
def test_what_is_no_picture_is_bad_input(data):
    with pytest.raises(BadInputError, match=r"^some file: "):
        images.read(data, "some file")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_a_cut_file_is_bad_input(file_format):
    data = saved(PIL.Image.fromarray(picture(64, 64).pixels), file_format)
    for length in range(0, len(data) * 9 // 10, max(1, len(data) // 50)):
        with pytest.raises(BadInputError):
            images.read(data[:length], "x")


def test_floating_point_samples_are_refused():
    with pytest.raises(BadInputError, match="floating-point"):
        images.read(saved(PIL.Image.new("F", (2, 2)), "TIFF"), "x")


def test_flatten_lays_over_a_colour():
    pixels = np.full((1, 3, 3), 100, np.uint8)
    image = images.Image(pixels, np.array([[0, 51, 255]], np.uint8))
    assert images.flatten(image, "white").pixels[0, :, 0].tolist() == [255, 224, 100]
    assert images.flatten(image, "#ff0000").pixels[0, 0].tolist() == [255, 0, 0]
    assert images.flatten(image, "white").alpha is None
    with pytest.raises(UsageError, match="no colour is called 'whitish'"):
        images.flatten(image, "whitish")


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("gray", [False, True])
def test_png_holds_the_picture(alpha, gray):
    image = picture(7, 5, alpha=alpha, gray=gray)
    again = images.read(images.png(image), "x")
    np.testing.assert_array_equal(again.pixels, image.pixels)
    assert again.gray == gray
    assert (again.alpha is None) == (not alpha)
    if alpha:
        np.testing.assert_array_equal(again.alpha, image.alpha)


def test_ppm_holds_the_picture_or_refuses_alpha():
    assert images.ppm(picture(7, 5)).startswith(b"P6\n7 5\n255\n")
    assert images.ppm(picture(7, 5, gray=True)).startswith(b"P5\n7 5\n255\n")
    with pytest.raises(UsageError, match="alpha"):
        images.ppm(picture(7, 5, alpha=True))


def test_wrong_arrays_are_refused_by_shape():
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8, not \(4, 4\)"):
        images.Image(np.zeros((4, 4), np.uint8))
