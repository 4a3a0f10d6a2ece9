"""JPEG 2000: equal bytes from opj_compress and Pillow, foreign files, damage, metadata."""

import io
import random
import subprocess

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocodec import images
from neurocodec.codecs import jpeg2000
from neurocodec.codecs.jpeg2000 import Jpeg2000
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from tests.codecs.coding import encoded
from tests.conftest import picture, psnr_db

METADATA = {"exif": b"MM\0*\0\0\0\x08\0\0\0\0\0\0", "xmp": b"<x:xmpmeta/>"}


@pytest.fixture
def by_pillow(monkeypatch) -> Jpeg2000:
    """The codec as it is where opj_compress is not found."""
    monkeypatch.setattr(jpeg2000, "lookup", lambda tool: None)
    return Jpeg2000()


def saved(image: Image, mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    images.to_pillow(image).convert(mode).save(buffer, "JPEG2000", **options)
    return buffer.getvalue()


def flat(width: int, height: int, colour: tuple[int, int, int]) -> Image:
    return Image(np.full((height, width, 3), colour, np.uint8))


def compressed(needs_tool, folder, source: bytes, *options: str, suffix: str = "jp2") -> bytes:
    """What opj_compress makes of the bytes of a PNM file, or of raw ones with -F."""
    program = needs_tool("opj_compress")
    given_file = folder / ("in.yuv" if "-F" in options else "in.ppm")
    made = folder / f"out.{suffix}"
    given_file.write_bytes(source)
    command = [program, "-i", given_file, "-o", made, "-n", "3", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return made.read_bytes()


@pytest.mark.parametrize("gray", [False, True])
def test_opj_compress_and_pillow_write_the_same_bytes(needs_tool, monkeypatch, gray):
    needs_tool("opj_compress")
    codec = Jpeg2000()
    images = [picture(*size, gray=gray) for size in ((1, 1), (3, 40), (120, 77))]
    by_program = [encoded(codec, image, level) for image in images for level in (20, 33, 45, 60)]
    monkeypatch.setattr(jpeg2000, "lookup", lambda tool: None)
    assert by_program == [encoded(codec, i, level) for i in images for level in (20, 33, 45, 60)]


@pytest.mark.parametrize("gray", [False, True])
def test_the_pixels_are_opj_decompresses(needs_tool, tmp_path, gray):
    program = needs_tool("opj_decompress")
    codec = Jpeg2000()
    for size in ((1, 1), (31, 18), (120, 77)):
        data = encoded(codec, picture(*size, gray=gray), 35)
        coded, decoded = tmp_path / "in.jp2", tmp_path / ("out.pgm" if gray else "out.ppm")
        coded.write_bytes(data)
        subprocess.run([program, "-i", coded, "-o", decoded], check=True, stdout=-3)
        told = images.read(decoded.read_bytes(), "out").pixels.astype(int)
        assert np.abs(codec.decode(data).pixels - told).max() <= 1


def test_the_encoder_is_named(by_pillow):
    assert by_pillow.encoder.startswith(f"Pillow {PIL.__version__} (OpenJPEG ")


def test_the_level_is_the_psnr(by_pillow):
    image = picture(224, 160)
    for level in range(24, 45, 4):
        reached = psnr_db(by_pillow.decode(encoded(by_pillow, image, level)), image)
        assert abs(reached - level) < 1.5


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (64, 64)], ids=str)
def test_flat_and_tiny_pictures_reach_their_level_too(by_pillow, size):
    for colour in ((255, 255, 255), (90, 140, 60), (200, 30, 40)):
        image = flat(*size, colour)
        for level in (25, 40, 60):
            reached = psnr_db(by_pillow.decode(encoded(by_pillow, image, level)), image)
            assert reached > min(level - 3.5, 45)


def test_inspect_of_our_own_files(by_pillow):
    assert by_pillow.inspect(encoded(by_pillow, picture(50, 31), 40)) == {
        "container": "jp2",
        "width": 50,
        "height": 31,
        "chroma": "444",
        "components": 3,
        "bit_depth": 8,
        "metadata": [],
    }
    assert by_pillow.inspect(encoded(by_pillow, picture(50, 31, gray=True), 40))["chroma"] == "400"


def test_files_with_other_settings_are_read(by_pillow):
    image = picture(60, 41)
    bare = saved(image, no_jp2=True, tile_size=(32, 32), progression="RPCL")
    assert by_pillow.recognises(bare)
    said = by_pillow.inspect(bare)
    assert said["container"] == "j2k"
    assert (by_pillow.decode(bare).pixels == image.pixels).all()
    layered = saved(image, quality_layers=[40, 20, 1], irreversible=True)
    assert psnr_db(by_pillow.decode(layered), image) > 35


def test_alpha_of_other_files_is_read(by_pillow):
    image = picture(60, 41, alpha=True)
    decoded = by_pillow.decode(saved(image, "RGBA"))
    assert (decoded.alpha == image.alpha).all()
    assert (decoded.pixels == image.pixels).all()


@pytest.mark.parametrize("depth", [10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_deep_samples_become_8_bits(needs_tool, tmp_path, depth, channels):
    peak = 2**depth - 1
    values = np.linspace(0, peak, 40 * 30 * channels).round().astype(">u2")
    header = b"P%d\n40 30\n%d\n" % (5 if channels == 1 else 6, peak)
    source = header + values.tobytes()
    data = compressed(needs_tool, tmp_path, source)
    decoded = Jpeg2000().decode(data)
    assert Jpeg2000().inspect(data)["bit_depth"] == depth
    wanted = values.reshape(30, 40, channels) / peak * 255
    assert np.abs(decoded.pixels - wanted).max() <= 0.6
    assert decoded.pixels.max() == 255


def test_deep_samples_that_are_cut_or_not_rgb_are_refused(needs_tool, tmp_path):
    codec = Jpeg2000()
    deep = np.full(40 * 30 * 3, 60000, ">u2").tobytes()
    data = compressed(needs_tool, tmp_path, b"P6\n40 30\n65535\n" + deep)
    for length in range(0, len(data), 7):
        with pytest.raises(BadInputError):
            codec.decode(data[:length])
    planes = bytes(40 * 30 * 2 * 3 // 2)
    layout = ("-F", "40,30,3,16,u@1x1:2x2:2x2", "-mct", "0")
    subsampled = compressed(needs_tool, tmp_path, planes, *layout)
    with pytest.raises(BadInputError, match="16-bit"):
        codec.decode(subsampled)


def test_subsampled_luma_and_chroma_are_read(needs_tool, tmp_path):
    image = picture(60, 42)
    y, cb, cr = (np.asarray(p) for p in images.to_pillow(image).convert("YCbCr").split())
    planes = y.tobytes() + cb[::2, ::2].tobytes() + cr[::2, ::2].tobytes()
    layout = ("-F", "60,42,3,8,u@1x1:2x2:2x2", "-mct", "0")
    for suffix in ("jp2", "j2k"):
        data = compressed(needs_tool, tmp_path, planes, *layout, suffix=suffix)
        assert Jpeg2000().inspect(data)["chroma"] == "420"
        assert psnr_db(Jpeg2000().decode(data), image) > 24


def test_every_prefix_is_truncated(by_pillow):
    own = encoded(by_pillow, picture(40, 30), 35)
    tiled = saved(picture(40, 30), no_jp2=True, tile_size=(16, 16), irreversible=True)
    for data in (own, tiled):
        for length in [*range(0, len(data), 5), len(data) - 1]:
            with pytest.raises(BadInputError):
                by_pillow.decode(data[:length])


def test_bytes_behind_the_end_marker_do_not_matter(by_pillow):
    data = saved(picture(40, 30), no_jp2=True)
    assert (by_pillow.decode(data + b"more").pixels == picture(40, 30).pixels).all()


def test_boxes_of_unsaid_and_of_large_length_are_read(by_pillow):
    data = encoded(by_pillow, picture(40, 30), 35)
    box = data.index(b"jp2c") - 4
    size = int.from_bytes(data[box : box + 4])
    to_the_end = data[:box] + bytes(4) + data[box + 4 :]
    large = data[:box] + b"\0\0\0\1jp2c" + (size + 8).to_bytes(8) + data[box + 8 :]
    for other in (to_the_end, large):
        assert (by_pillow.decode(other).pixels == by_pillow.decode(data).pixels).all()
        with pytest.raises(BadInputError):
            by_pillow.decode(other[:-1])


def with_siz(data: bytes, field: int, value: int) -> bytes:
    """The file with one of the eight 32-bit fields of its size segment changed."""
    start = data.index(b"\xff\x51") + 6 + 4 * field
    return data[:start] + value.to_bytes(4) + data[start + 4 :]


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda d: with_siz(with_siz(d, 0, 60000), 1, 60000), "too large"),
        (lambda d: with_siz(d, 0, 0), "none or too large"),
        (lambda d: d.replace(b"jp2c\xff\x4f", b"jp2c\xff\x40"), "codestream"),
        (lambda d: d.replace(b"\0\0\0\x0fcolr", b"\0\0\0\x07colr"), "box"),
        (lambda d: d.replace(b"\x03\x07\x01\x01", b"\x03\x07\0\x01"), "components"),
        (lambda d: d[:-2] + b"\xff\xd8", "truncated"),
        (lambda d: b"JP2 " + d, "not a .jp2"),
    ],
)
def test_senseless_headers_are_refused(by_pillow, damage, word):
    data = damage(encoded(by_pillow, picture(40, 30), 35))
    with pytest.raises(BadInputError, match=word):
        by_pillow.inspect(data)
    with pytest.raises(BadInputError, match=word):
        by_pillow.decode(data)


@pytest.mark.parametrize(("field", "value"), [(0, 39), (4, 0)], ids=str)
def test_a_size_that_the_picture_does_not_have_is_refused(by_pillow, field, value):
    data = with_siz(encoded(by_pillow, picture(40, 30), 35), field, value)
    with pytest.raises(BadInputError):
        by_pillow.decode(data)


def test_damage_anywhere_is_bad_input_or_a_picture_of_its_size(by_pillow):
    chosen = random.Random(5)
    data = encoded(by_pillow, picture(97, 61), 35)
    for _ in range(60):
        damaged = bytearray(data)
        damaged[chosen.randrange(85, len(data))] = chosen.randrange(256)
        try:
            decoded = by_pillow.decode(bytes(damaged))
        except BadInputError:
            continue
        assert decoded.pixels.shape == (61, 97, 3)


@given(st.binary(max_size=300))
def test_random_bytes_are_bad_input(noise):
    for head in (b"", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  \r\n\x87\n"):
        with pytest.raises(BadInputError):
            Jpeg2000().decode(head + noise)


def test_what_it_cannot_carry_is_refused(by_pillow):
    with pytest.raises(UsageError, match="--flatten"):
        encoded(by_pillow, picture(8, 8, alpha=True), 40)
    with pytest.raises(UsageError, match="420"):
        Jpeg2000("420")


def test_metadata_is_kept_when_asked_and_comes_back(by_pillow):
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    image = Image(picture(40, 30).pixels, metadata={**METADATA, "icc": profile})
    plain = encoded(by_pillow, image, 40)
    assert by_pillow.decode(plain).metadata == {}
    kept = encoded(Jpeg2000(keep_metadata=True), image, 40)
    decoded = by_pillow.decode(kept)
    assert decoded.metadata == image.metadata
    assert by_pillow.inspect(kept)["metadata"] == ["exif", "icc", "xmp"]
    assert (decoded.pixels == by_pillow.decode(plain).pixels).all()


def test_opj_decompress_reads_a_file_with_metadata(needs_tool, tmp_path):
    program = needs_tool("opj_decompress")
    image = Image(picture(40, 30).pixels, metadata=METADATA)
    coded, decoded = tmp_path / "in.jp2", tmp_path / "out.ppm"
    coded.write_bytes(encoded(Jpeg2000(keep_metadata=True), image, 40))
    subprocess.run([program, "-i", coded, "-o", decoded], check=True, stdout=-3)
    assert psnr_db(images.read(decoded.read_bytes(), "out"), image) > 38


def test_a_gray_file_gets_no_profile_of_three_components(by_pillow):
    image = Image(picture(40, 30, gray=True).pixels, gray=True, metadata={**METADATA, "icc": b"i"})
    kept = encoded(Jpeg2000(keep_metadata=True), image, 40)
    assert by_pillow.inspect(kept)["metadata"] == ["exif", "xmp"]
