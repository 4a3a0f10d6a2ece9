"""WebP, AVIF, JPEG XL and HEIC beyond the contract: headers, metadata, other writers' files."""

import io
import struct

import numpy as np
import PIL.Image
import pytest

from neurocodec import codecs, images
from neurocodec.codecs import Level
from neurocodec.codecs.by_pillow import isobmff
from neurocodec.errors import BadInputError, ToolError, UsageError
from neurocodec.images import Image, jxl
from tests.codecs.coding import encoded
from tests.conftest import picture, psnr_db

FORMATS = ("webp", "avif", "jxl", "heic")
PILLOW = {"webp": "WEBP", "avif": "AVIF", "jxl": "JXL", "heic": "HEIF"}


def saved(name: str, image: Image, **options: object) -> bytes:
    """A file as Pillow or its plug-in writes it without us."""
    images.know_plugins()
    buffer = io.BytesIO()
    images.to_pillow(image).save(buffer, PILLOW[name], **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", FORMATS)
def test_other_writers_files_are_read(name):
    image = picture(50, 34)
    for options in ({}, {"lossless": True}, {"quality": 30}):
        codec, data = codecs.create(name), saved(name, image, **options)
        assert codec.inspect(data)["width"] == 50
        assert psnr_db(codec.decode(data), image) > 20


@pytest.mark.parametrize("name", FORMATS)
def test_its_files_are_inputs_like_any_picture(name, tmp_path):
    codec, image = codecs.create(name), picture(50, 34)
    data = encoded(codec, image, 90)
    assert psnr_db(images.read(data, "x"), image) > 26
    assert images.has_picture_name(tmp_path / f"x{codec.extension}")


@pytest.mark.parametrize("name", FORMATS)
def test_metadata_goes_into_the_file_where_it_is_asked_for(name):
    exif = PIL.Image.Exif()
    exif[0x010E] = "described"
    pieces = {"exif": exif.tobytes().removeprefix(b"Exif\0\0"), "xmp": b"<x:xmpmeta/>"}
    image = Image(picture(32, 24).pixels, metadata=pieces)
    for kept in (False, True):
        data = encoded(codecs.create(name, keep_metadata=kept), image, 80)
        found = images.read(data, "x").metadata
        assert (b"described" in found.get("exif", b"")) is kept


@pytest.mark.parametrize("name", ["avif", "heic"])
def test_chroma_depth_and_metadata_are_read_from_the_boxes(name):
    codec = codecs.create(f"{name}:chroma=444")
    fields = codec.inspect(encoded(codec, picture(40, 30), 70))
    assert (fields["chroma"], fields["bit_depth"], fields["metadata"]) == ("444", 8, [])


def test_a_gray_avif_has_no_chroma():
    codec = codecs.create("avif")
    assert codec.inspect(encoded(codec, picture(40, 30, gray=True), 70))["chroma"] == "400"


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def turned(times: int) -> bytes:
    """The boxes of an AVIF whose picture of 30×20 is turned by quarters."""
    ispe = box(b"ispe", struct.pack(">III", 0, 30, 20))
    ipco = box(b"ipco", ispe + box(b"irot", bytes([times])) + box(b"av1C", b"\x81\x00\x0c\x00"))
    ipma = box(b"ipma", struct.pack(">IIHB3B", 0, 1, 1, 3, 1, 2, 3))
    meta = box(b"pitm", struct.pack(">IH", 0, 1)) + box(b"iprp", ipco + ipma)
    top = box(b"ftyp", b"avif\0\0\0\0avif") + box(b"meta", bytes(4) + meta)
    return top + box(b"mdat", b"x")


@pytest.mark.parametrize(("times", "size"), [(0, (30, 20)), (1, (20, 30)), (2, (30, 20))])
def test_a_picture_that_is_turned_has_the_size_that_is_shown(times, size):
    header = isobmff.read(turned(times), "x")
    assert (header.width, header.height) == size
    assert header.chroma == "420"


def test_boxes_that_end_early_or_lack_something_are_bad_input():
    whole = turned(0)
    for length in range(len(whole)):
        with pytest.raises(BadInputError):
            isobmff.read(whole[:length], "x")
    for part in (b"meta", b"pitm", b"iprp", b"ispe", b"av1C", b"ipma"):
        with pytest.raises(BadInputError):
            isobmff.read(whole.replace(part, b"xxxx"), "x")


def test_webp_of_any_kind_tells_its_size():
    codec = codecs.create("webp")
    for alpha, lossless in ((False, True), (True, True), (True, False)):
        fields = codec.inspect(saved("webp", picture(50, 34, alpha=alpha), lossless=lossless))
        assert (fields["width"], fields["height"], fields["lossless"]) == (50, 34, lossless)


def test_an_animation_is_refused():
    frames = [PIL.Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(BadInputError, match="animation"):
        codecs.create("webp").decode(buffer.getvalue())


@pytest.mark.parametrize("size", [(40, 30), (1, 1)])
def test_a_gray_webp_is_gray_again(size):
    codec = codecs.create("webp")
    decoded = codec.decode(encoded(codec, picture(*size, gray=True), 20))
    assert decoded.gray
    assert np.array_equal(decoded.pixels[..., 0], decoded.pixels[..., 2])


@pytest.mark.parametrize(
    ("spec", "faster"), [("webp:method=0", "webp:method=6"), ("avif:speed=10", "avif:speed=2")]
)
def test_slower_settings_make_other_files(spec, faster):
    image = picture(96, 64)
    one, two = (encoded(codecs.create(s), image, 60) for s in (spec, faster))
    assert one != two


@pytest.mark.parametrize("spec", ["webp:method=7", "avif:speed=11", "jxl:effort=0"])
def test_settings_out_of_their_range_are_refused(spec):
    with pytest.raises(UsageError):
        codecs.create(spec)


def test_what_a_library_refuses_is_the_encoders_failure(monkeypatch):
    def refuse(*arguments, **options):
        raise OSError("encoder error -2")

    monkeypatch.setattr(PIL.Image.Image, "save", refuse)
    with pytest.raises(ToolError, match=r"libwebp.* failed: encoder error"):
        codecs.create("webp").encode(picture(8, 8), Level("quality", 50))


@pytest.mark.parametrize(
    "size", [(8, 8), (256, 256), (300, 200), (1, 1), (7, 300), (513, 2), (1200, 1000), (64, 48)]
)
def test_the_size_of_a_jxl_is_told_without_decoding(size):
    image = Image(np.zeros((size[1], size[0], 3), np.uint8))
    for options in ({}, {"use_container": True}):
        data = saved("jxl", image, effort=1, **options)
        assert jxl.size(data) == size
        assert all(jxl.size(data[:length]) is None for length in range(12))


def test_a_jxl_that_is_too_large_is_refused_undecoded(monkeypatch):
    data = saved("jxl", Image(np.zeros((64, 64, 3), np.uint8)))
    monkeypatch.setattr(images.reading, "_opened", lambda data: pytest.fail("decoded"))
    with pytest.raises(BadInputError, match="64×64 is more than 1000 pixels"):
        images.read(data, "x", 1000)
