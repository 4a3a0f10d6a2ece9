"""Pictures of every kind read, and written back."""

import io
import logging
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import PIL.Image
import PIL.ImageCms
import PIL.PngImagePlugin
import pytest

from neurocodec import images
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import tiff
from tests.conftest import picture
from tests.picture_files import chunk, icc_profile, png_file, tiff_file


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


@pytest.mark.parametrize(
    ("depth", "values", "seen"),
    [
        (1, [0, 1, 0, 1], [0, 255, 0, 255]),
        (2, [0, 1, 2, 3], [0, 85, 170, 255]),
        (4, [0, 1, 7, 15], [0, 17, 119, 255]),
        (8, [0, 100, 200, 255], [0, 100, 200, 255]),
        (16, [0, 1040, 1041, 65535], [0, 4, 4, 255]),
    ],
)
def test_the_transparent_gray_of_a_png_counts_at_its_depth(depth, values, seen):
    data = png_file([values], depth, 0, (b"tRNS", struct.pack(">H", values[1])))
    image = images.read(data, "x")
    assert image.pixels[0, :, 0].tolist() == seen
    assert image.gray
    assert image.alpha is not None
    assert image.alpha[0].tolist() == [0 if value == values[1] else 255 for value in values]


@pytest.mark.parametrize("scale", [1, 257])
def test_the_transparent_colour_of_a_png_counts_at_its_depth(scale):
    colours = [[0, 1, 2], [100, 101, 102], [100, 101, 103]]
    row = [scale * value for colour in colours for value in colour]
    near = [*row[:-1], row[-1] - (scale - 1)]  # its high byte is the key's
    key = struct.pack(">HHH", *row[3:6])
    image = images.read(png_file([near], 8 if scale == 1 else 16, 2, (b"tRNS", key)), "x")
    assert np.abs(image.pixels[0].astype(int) - colours).max() <= 1
    assert image.alpha is not None and image.alpha[0].tolist() == [255, 0, 255]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_a_palette_has_its_transparency_at_any_depth(depth):
    chunks = (b"PLTE", bytes((255, 0, 0, 0, 255, 0))), (b"tRNS", b"\x80")
    image = images.read(png_file([[0, 1, 0]], depth, 3, *chunks), "x")
    assert image.pixels[0].tolist() == [[255, 0, 0], [0, 255, 0], [255, 0, 0]]
    assert image.alpha is not None and image.alpha[0].tolist() == [128, 255, 128]


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bits_of_a_png_are_rounded_to_8(colour_type, channels):
    values = np.arange(4 * channels) * 4000 + 200
    rounded = np.rint(values / 257).reshape(4, channels)
    image = images.read(png_file([values.tolist()], 16, colour_type), "x")
    colours = 1 if colour_type == 4 else 3
    np.testing.assert_array_equal(image.pixels[0, :, :colours], rounded[:, :colours])
    assert image.gray == (colour_type == 4)
    if channels in {2, 4}:
        assert image.alpha is not None
        np.testing.assert_array_equal(image.alpha[0], rounded[:, -1])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("depth", [1, 8, 10, 12, 14, 16])
def test_a_tiff_is_scaled_from_its_depth_and_turned_where_white_is_0(depth, order):
    top = (1 << depth) - 1
    samples = np.rint(np.linspace(0, top, 23)).astype(int)[None, :, None]
    seen = np.rint(samples[0, :, 0] * 255 / top)
    black = images.read(tiff_file(samples, depth, 1, order=order), "x")
    white = images.read(tiff_file(samples, depth, 0, order=order), "x")
    assert black.gray and white.gray
    assert np.abs(black.pixels[0, :, 0] - seen).max() <= 1
    assert np.abs(white.pixels[0, :, 0] - (255 - seen)).max() <= 1


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("depth", [10, 16])
def test_a_deep_tiff_of_colours_is_read_in_any_arrangement(depth, deflate, separate):
    top = (1 << depth) - 1
    samples = np.random.default_rng(depth).integers(0, top + 1, (3, 5, 3))
    data = tiff_file(samples, depth, 2, deflate=deflate, separate=separate)
    image = images.read(data, "x")
    assert np.abs(image.pixels - np.rint(samples * 255 / top)).max() <= 1
    with pytest.raises(BadInputError):
        images.read(data[: len(data) // 2], "x")


def test_a_deep_tiff_keeps_its_alpha_orientation_and_profile():
    samples = np.full((2, 3, 2), 4095)
    samples[0, 0] = 1040, 2048
    icc = list(icc_profile(b"GRAY", 1.0))
    fields = {274: (3, [3]), 338: (3, [2]), 34675: (7, icc)}
    image = images.read(tiff_file(samples, 12, 1, fields=fields), "x")
    assert image.gray and image.alpha is not None
    assert image.alpha[-1, -1] == 128
    assert abs(int(image.pixels[-1, -1, 0]) - 137) <= 1  # 65 of 255 in linear light


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_is_turned_upright_without_its_fields_for_metadata(compression, dtype):
    values = np.arange(12).reshape(3, 4) * 20
    source = PIL.Image.fromarray((values * (257 if dtype == np.uint16 else 1)).astype(dtype))
    data = saved(source, "TIFF", compression=compression, tiffinfo={274: 6})
    image = images.read(data, "x")
    np.testing.assert_array_equal(image.pixels[..., 0], np.rot90(values, -1))
    assert not image.metadata


@pytest.mark.parametrize(
    ("depth", "fields"),
    [
        (24, {}),
        (32, {262: (3, [0])}),
        (16, {339: (3, [2])}),
        (12, {266: (3, [2])}),
        (12, {259: (3, [5])}),
    ],
)
def test_tiff_samples_of_another_form_are_refused_by_name(depth, fields):
    samples = np.full((2, 2, 1), 1000)
    with pytest.raises(BadInputError, match=rf"x: a TIFF of 1 samples of {depth} bits"):
        images.read(tiff_file(samples, depth, 1, fields=fields), "x")


def test_a_tiff_of_32_bits_is_read_as_one_of_16():
    samples = np.array([[0, 1000, 65535]], np.int32)
    data = saved(PIL.Image.fromarray(samples), "TIFF")
    assert images.read(data, "x").pixels[0, :, 0].tolist() == [0, 4, 255]
    with pytest.raises(BadInputError, match="more than 16 bits"):
        images.read(saved(PIL.Image.fromarray(samples + 1), "TIFF"), "x")
    colours = tiff_file(np.full((1, 1, 3), 9), 32, 2)
    with pytest.raises(BadInputError, match="a TIFF of 3 samples of 32 bits"):
        images.read(colours, "x")


@pytest.fixture
def inflated(monkeypatch) -> list[int]:
    """The sizes of what a TIFF's strips were inflated to."""
    sizes = []

    class Counted:
        def __init__(self) -> None:
            self.inflater = zlib.decompressobj()

        def decompress(self, *arguments: object) -> bytes:
            content = self.inflater.decompress(*arguments)
            sizes.append(len(content))
            return content

        def __getattr__(self, name: str) -> object:
            return getattr(self.inflater, name)

    monkeypatch.setattr(tiff, "zlib", SimpleNamespace(decompressobj=Counted))
    return sizes


def deflated(strips: list[bytes], rows_per_strip: int) -> bytes:
    """A TIFF of 10×10 gray samples of 16 bits in these strips."""
    fields = {278: (4, [rows_per_strip])}
    return tiff_file(np.zeros((10, 10, 1)), 16, 1, strips=strips, fields=fields)


@pytest.mark.parametrize("rows", [1, 10, 2**32 - 1])
def test_a_tiffs_strips_are_inflated_only_as_far_as_its_size_needs(rows, inflated):
    strips = [zlib.compress(bytes(5_000_000))] * -(-10 // rows)
    with pytest.raises(BadInputError, match="damaged"):
        images.read(deflated(strips, rows), "x")
    assert sum(inflated) < 1000


def test_a_tiffs_strips_are_as_many_and_as_long_as_its_size_needs():
    rows = np.arange(100, dtype="<u2").reshape(10, 10) * 600
    seen = np.rint(rows / 257)
    parts = [rows[:4].tobytes(), rows[4:8].tobytes(), rows[8:].tobytes()]
    filled = [*parts[:2], parts[2] + bytes(40)]  # the last one to as many rows as the others
    for strips in (parts, filled):
        data = deflated([zlib.compress(strip) for strip in strips], 4)
        np.testing.assert_array_equal(images.read(data, "x").pixels[..., 0], seen)
    fewer, more = parts[:2], [*parts, parts[2]]
    short, long = [*parts[:2], parts[2][:-1]], [parts[0] + b"0", *parts[1:]]
    for strips in (fewer, more, short, long):
        with pytest.raises(BadInputError, match="damaged"):
            images.read(deflated([zlib.compress(strip) for strip in strips], 4), "x")
    cut = [*map(zlib.compress, parts[:2]), zlib.compress(parts[2])[:-1]]
    with pytest.raises(BadInputError, match="damaged"):
        images.read(deflated(cut, 4), "x")


def test_a_predictor_is_only_that_of_a_compressed_tiff():
    samples = np.array([[[1000], [60000], [257]]])
    seen = {}
    for deflate in (False, True):
        data = tiff_file(samples, 16, 1, deflate=deflate, fields={317: (3, [2])})
        seen[deflate] = images.read(data, "x").pixels[0, :, 0].tolist()
    assert seen == {False: [4, 233, 1], True: [4, 237, 238]}


def test_a_tiff_of_too_many_samples_is_refused():
    data = tiff_file(np.zeros((1, 1, 1)), 12, 1, fields={277: (3, [60_000])})
    with pytest.raises(BadInputError, match="a TIFF of 60000 samples of 12 bits"):
        images.read(data, "x")


def test_a_deep_tiff_of_more_frames_or_pixels_is_refused():
    data = tiff_file(np.full((4, 4, 1), 1000), 12, 1)
    with pytest.raises(BadInputError, match="4×4 is more than 15 pixels"):
        images.read(data, "x", max_pixels=15)
    end = 10 + 12 * struct.unpack_from("<H", data, 8)[0]
    with pytest.raises(BadInputError, match="more than one frame"):
        images.read(data[:end] + struct.pack("<I", 8) + data[end + 4 :], "x")


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


def test_a_profile_is_converted_beside_transparency_as_without():
    gray = [[32, 200] * 4]
    profile = b"g\0\0" + zlib.compress(icc_profile(b"GRAY", 1.0))
    image = images.read(png_file(gray, 8, 4, (b"iCCP", profile)), "x")
    assert abs(int(image.pixels[0, 0, 0]) - 99) <= 1
    assert image.gray and image.alpha is not None and image.alpha[0, 0] == 200
    opaque = images.read(png_file([[32]], 8, 0, (b"iCCP", profile)), "x")
    np.testing.assert_array_equal(opaque.pixels[0, 0], image.pixels[0, 0])
    keyed = (b"tRNS", struct.pack(">H", 255))
    key = images.read(png_file([[32, 255]], 8, 0, (b"iCCP", profile), keyed), "x")
    np.testing.assert_array_equal(key.pixels[0, 0], image.pixels[0, 0])
    profile = b"c\0\0" + zlib.compress(icc_profile(b"RGB ", 1.0))
    coloured = images.read(png_file([[32, 32, 32, 200]], 8, 6, (b"iCCP", profile)), "x")
    assert np.abs(coloured.pixels[0, 0].astype(int) - 99).max() <= 1
    of_gray = images.read(png_file([[32]], 8, 0, (b"iCCP", profile)), "x")
    assert of_gray.gray and abs(int(of_gray.pixels[0, 0, 0]) - 99) <= 1


@pytest.mark.parametrize(
    ("chunks", "note"),
    [
        ([(b"iCCP", b"x\0\0" + zlib.compress(icc_profile(b"GRAY", 1.0)))], "for GRAY"),
        ([(b"iCCP", b"x\0\0" + zlib.compress(b"not a profile"))], "cannot open profile"),
        ([(b"cICP", bytes((9, 16, 0, 1)))], "primaries 9 and transfer 16"),
        ([(b"gAMA", struct.pack(">I", 100_000))], "gamma 1"),
        (
            [(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))],
            "primaries other than sRGB",
        ),
        ([(b"cICP", bytes((1, 13, 0, 1)))], ""),
        ([(b"gAMA", struct.pack(">I", 45_455)), (b"sRGB", b"\0")], ""),
        ([(b"tEXt", b"Comment\0cICP\t\x10\0\1")], ""),
    ],
)
def test_colour_that_is_not_converted_is_noted(chunks, note, caplog):
    with caplog.at_level(logging.WARNING, "neurocodec"):
        image = images.read(png_file([[9, 90, 190]], 8, 2, *chunks), "x.png")
    assert image.pixels[0, 0].tolist() == [9, 90, 190]
    assert len(caplog.messages) == bool(note)
    assert all("x.png: " in message and note in message for message in caplog.messages)


def test_colour_told_by_an_avif_is_noted(caplog):
    data = saved(rgb(32, 32), "AVIF")
    at = data.index(b"colrnclx") + 8
    wide = data[:at] + struct.pack(">HH", 9, 16) + data[at + 4 :]
    with caplog.at_level(logging.WARNING, "neurocodec"):
        images.read(data, "plain")
        images.read(wide, "wide")
    (message,) = caplog.messages
    assert message.startswith("wide: read as sRGB")


def test_a_long_text_does_not_decide_whether_pixels_are_read():
    text = (b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * 70_000_000))
    image = images.read(png_file([[9, 90, 190]], 8, 2, text, (b"tEXt", b"a\0b")), "x")
    assert image.pixels[0, 0].tolist() == [9, 90, 190]


def test_a_profile_larger_than_a_jpeg_can_hold_is_read_and_written():
    profile = icc_profile(b"RGB ", 1.0)
    large = struct.pack(">I", 17_000_000) + profile[4:] + bytes(17_000_000 - len(profile))
    image = images.read(saved(rgb(), icc_profile=large), "x")
    assert not np.array_equal(image.pixels, np.asarray(rgb()))
    kept = images.Image(image.pixels, metadata={"icc": large})
    assert images.read_stored(images.png(kept), "x").metadata["icc"] == large


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_a_damaged_exif_does_not_decide_whether_pixels_are_read(file_format):
    data = saved(rgb(16, 16), file_format, exif=b"Exif\0\0nonsense")
    assert images.read(data, "x").width == 16


def test_stored_samples_are_neither_turned_nor_converted_and_keep_an_opaque_alpha():
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    source = rgb(6, 4)
    source.putalpha(255)
    data = saved(source, exif=exif, icc_profile=icc_profile(b"RGB ", 1.0))
    stored = images.read_stored(data, "x")
    assert stored.mode == "RGBA"
    np.testing.assert_array_equal(stored.samples, np.asarray(source))
    assert stored.metadata.keys() == {"exif", "icc"}


@pytest.mark.parametrize(("colour_type", "mode"), [(0, "L"), (2, "RGB"), (4, "LA"), (6, "RGBA")])
@pytest.mark.parametrize("depth", [8, 16])
def test_stored_samples_of_a_png_have_their_own_depth(colour_type, mode, depth):
    row = [(1 << depth) - 1 - 3 * i for i in range(4 * len(mode))]
    stored = images.read_stored(png_file([row], depth, colour_type), "x")
    assert stored.mode == mode
    assert stored.samples.dtype == f"u{depth // 8}"
    assert stored.samples.ravel().tolist() == row


def test_stored_samples_of_a_jpeg_are_of_its_own_colours():
    assert images.read_stored(saved(rgb(), "JPEG"), "x").mode == "YCbCr"
    assert images.read_stored(saved(rgb().convert("L"), "JPEG"), "x").mode == "L"
    assert images.read_stored(saved(rgb(), "JPEG", keep_rgb=True), "x").mode == "RGB"
    cmyk = images.read_stored(saved(PIL.Image.new("CMYK", (8, 8), (9, 80, 160, 0)), "JPEG"), "x")
    assert cmyk.mode == "CMYK"
    assert np.abs(cmyk.samples[4, 4].astype(int) - (9, 80, 160, 0)).max() <= 3


def test_memory_that_runs_out_is_bad_input():
    width = 178_000_000
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(3 * width // 100)) for _ in range(100))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, body)
        for kind, body in (
            (b"IHDR", struct.pack(">II", width, 1) + bytes((8, 2, 0, 0, 0))),
            (b"IDAT", packer.compress(b"\0") + rows + packer.flush()),
            (b"IEND", b""),
        )
    )
    with pytest.raises(BadInputError, match="thin: too large to be read into memory"):
        images.read(data, "thin")


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


@pytest.mark.parametrize("channels", [3, 4])
def test_png_of_samples_holds_16_bits(channels):
    samples = np.random.default_rng(0).integers(0, 65536, (5, 7, channels)).astype(np.uint16)
    alpha = samples[..., 3] if channels == 4 else None
    image = images.read(images.png_of_samples(samples[..., :3], alpha), "x")
    np.testing.assert_array_equal(image.pixels, np.rint(samples[..., :3] / 257))
    if channels == 4:
        assert image.alpha is not None
        np.testing.assert_array_equal(image.alpha, np.rint(samples[..., 3] / 257))


def test_ppm_holds_the_picture_or_refuses_alpha():
    assert images.ppm(picture(7, 5)).startswith(b"P6\n7 5\n255\n")
    assert images.ppm(picture(7, 5, gray=True)).startswith(b"P5\n7 5\n255\n")
    with pytest.raises(UsageError, match="alpha"):
        images.ppm(picture(7, 5, alpha=True))


def test_wrong_arrays_are_refused_by_shape():
    with pytest.raises(ValueError, match=r"\(H, W, 3\) uint8, not \(4, 4\)"):
        images.Image(np.zeros((4, 4), np.uint8))
