"""JPEG: equal bytes from cjpeg and Pillow, foreign files, damage, metadata, what inspect says."""

import base64
import io
import random
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurocodec import images
from neurocodec.codecs import jpeg
from neurocodec.codecs.jpeg import Jpeg
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from tests.codecs.coding import encoded
from tests.conftest import picture, psnr_db

METADATA = {"exif": b"MM\0*\0\0\0\x08\0\0\0\0\0\0", "xmp": b"<x:xmpmeta/>", "icc": b"i" * 150_000}

LEAST_PSNR_DB = {"gray": 8, "16-bit tables, 4:1:1": 16}


@pytest.fixture
def by_pillow(monkeypatch) -> Jpeg:
    """The codec as it is where neither cjpeg nor djpeg is found."""
    monkeypatch.setattr(jpeg, "lookup", lambda tool: None)
    return Jpeg()


def saved(image: Image, mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    images.to_pillow(image).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def pixels_of(pnm: bytes) -> np.ndarray:
    with PIL.Image.open(io.BytesIO(pnm)) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("chroma", Jpeg.chromas)
def test_cjpeg_and_pillow_write_the_same_bytes(needs_tool, monkeypatch, chroma, gray):
    needs_tool("cjpeg")
    codec = Jpeg(chroma)
    if "mozjpeg" in codec.encoder:
        pytest.skip("mozjpeg makes other files on purpose")
    images = [picture(*size, gray=gray) for size in ((1, 1), (17, 13), (120, 77))]
    by_cjpeg = [encoded(codec, image, quality) for image in images for quality in (1, 24, 75, 100)]
    monkeypatch.setattr(jpeg, "lookup", lambda tool: None)
    by_pillow = [encoded(codec, image, quality) for image in images for quality in (1, 24, 75, 100)]
    assert by_cjpeg == by_pillow


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("chroma", Jpeg.chromas)
def test_the_pixels_are_djpegs(needs_tool, chroma, gray):
    djpeg = needs_tool("djpeg")
    codec = Jpeg(chroma)
    for size in ((1, 1), (31, 18), (120, 77)):
        data = encoded(codec, picture(*size, gray=gray), 60)
        told = subprocess.run([djpeg, "-dct", "int", "-pnm"], input=data, stdout=-1, check=True)
        assert (codec.decode(data).pixels == pixels_of(told.stdout)).all()


def test_the_encoder_is_named(by_pillow):
    assert by_pillow.encoder.startswith(f"Pillow {PIL.__version__} (libjpeg-turbo ")


def test_mozjpeg_is_told_to_use_the_standard_tables(tmp_path, monkeypatch):
    program = tmp_path / "cjpeg"
    program.write_text(
        "#!/bin/sh\n"
        'case "$1" in -version) echo "mozjpeg version 4.1.5 (build 20240101)"; exit;; esac\n'
        'cat > /dev/null; printf "%s " "$@"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("NEUROCODEC_CJPEG", str(program))
    codec = Jpeg("422")
    assert codec.encoder == "cjpeg (mozjpeg 4.1.5)"
    said = encoded(codec, picture(8, 8), 31).decode()
    assert "-quality 31 -sample 2x1 -optimize -baseline -dct int -quant-table 0" in said


def test_every_quality_is_read_back_from_the_tables(by_pillow):
    for quality in (*range(1, 100, 7), 100):
        said = by_pillow.inspect(encoded(by_pillow, picture(8, 8), quality))
        assert said["quality"] == quality


def test_other_tables_have_no_quality(by_pillow):
    standard = encoded(by_pillow, picture(8, 8), 80)
    with PIL.Image.open(io.BytesIO(standard)) as opened:
        tables = {
            number: [*table[:63], table[63] + 1] for number, table in opened.quantization.items()
        }
    assert "quality" not in by_pillow.inspect(saved(picture(8, 8), qtables=tables))


def test_inspect_of_our_own_files(by_pillow):
    said = by_pillow.inspect(encoded(by_pillow, picture(50, 31), 40))
    assert said == {
        "width": 50,
        "height": 31,
        "chroma": "420",
        "components": 3,
        "bit_depth": 8,
        "process": "sequential",
        "metadata": [],
        "quality": 40,
    }
    gray = by_pillow.inspect(encoded(by_pillow, picture(50, 31, gray=True), 40))
    assert (gray["chroma"], gray["components"]) == ("400", 1)


def foreign_files(cjpeg: str | None) -> dict[str, bytes]:
    image = picture(60, 41)
    files = {
        "progressive": saved(image, progressive=True),
        "restarts": saved(image, restart_marker_blocks=2),
        "gray": saved(image, "L"),
        "cmyk": saved(image, "CMYK"),
    }
    if cjpeg:
        for name in ("arithmetic", "rgb", "progressive"):
            made = subprocess.run(
                [cjpeg, "-quality", "90", f"-{name}"],
                input=images.ppm(image),
                stdout=-1,
                check=True,
            )
            files[f"cjpeg {name}"] = made.stdout
        coarse = [cjpeg, "-quality", "3", "-sample", "4x1"]
        made = subprocess.run(coarse, input=images.ppm(image), stdout=-1, check=True)
        files["16-bit tables, 4:1:1"] = made.stdout
    return files


def test_files_of_other_encoders_are_read(needs_tool):
    codec = Jpeg()
    for name, data in foreign_files(needs_tool("cjpeg")).items():
        decoded = codec.decode(data)
        said = codec.inspect(data)
        assert (decoded.width, decoded.height) == (said["width"], said["height"]) == (60, 41), name
        assert psnr_db(decoded, picture(60, 41)) > LEAST_PSNR_DB.get(name, 25), name
        with pytest.raises(BadInputError):
            codec.decode(data[:-1])
    assert codec.inspect(foreign_files(None)["progressive"])["process"] == "progressive"


def test_tables_of_16_bits_are_read(needs_tool):
    said = Jpeg().inspect(foreign_files(needs_tool("cjpeg"))["16-bit tables, 4:1:1"])
    assert said["chroma"] == "411"
    assert "quality" not in said


def test_adobes_inverted_cmyk_is_the_right_way_round(by_pillow):
    white = Image(np.full((16, 16, 3), 255, np.uint8))
    assert by_pillow.decode(saved(white, "CMYK")).pixels.min() > 250


def test_a_foreign_file_is_brought_upright(by_pillow):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    decoded = by_pillow.decode(saved(picture(60, 41), exif=exif))
    assert (decoded.width, decoded.height) == (41, 60)


def test_every_prefix_is_truncated(by_pillow):
    for data in (encoded(by_pillow, picture(40, 30), 50), saved(picture(24, 24), progressive=True)):
        for length in [*range(0, len(data), 5), len(data) - 1]:
            with pytest.raises(BadInputError):
                by_pillow.decode(data[:length])


def test_bytes_behind_the_end_do_not_matter(by_pillow):
    data = encoded(by_pillow, picture(40, 30), 50)
    assert (by_pillow.decode(data + b"more").pixels == by_pillow.decode(data).pixels).all()


def test_what_djpeg_warns_of_is_bad_input(needs_tool):
    djpeg = needs_tool("djpeg")
    codec = Jpeg()
    data = encoded(codec, picture(120, 77), 50)
    chosen = random.Random(3)
    warned = 0
    for _ in range(25):
        damaged = bytearray(data)
        damaged[chosen.randrange(len(data) * 2 // 3, len(data) - 2)] ^= 1 << chosen.randrange(8)
        told = subprocess.run([djpeg, "-pnm"], input=damaged, capture_output=True, check=False)
        if not told.stderr:
            decoded = codec.decode(bytes(damaged))
            assert (decoded.width, decoded.height) == (120, 77)
            continue
        warned += 1
        with pytest.raises(BadInputError):
            codec.decode(bytes(damaged))
    assert warned > 2


def test_a_header_that_claims_too_many_pixels_is_refused(by_pillow):
    data = bytearray(encoded(by_pillow, picture(8, 8), 50))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = (60000).to_bytes(2) * 2
    with pytest.raises(BadInputError, match="pixels"):
        by_pillow.decode(bytes(data))


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (
            lambda d: d.replace(b"\xff\xc0\0\x11\x08\0\x08", b"\xff\xc0\0\x11\x08\0\0"),
            "damaged in its header",
        ),
        (lambda d: d[:2] + d[-2:], "damaged in its header"),
        (lambda d: d[:2] + b"\xff\xc0\0\x03\x08" + d[2:], "damaged in its header"),
        (lambda d: b"JPEG" + d, "not a .jpg"),
        (lambda d: d[:-2], "truncated"),
    ],
)
def test_senseless_headers_are_refused(by_pillow, damage, word):
    data = damage(encoded(by_pillow, picture(8, 8), 50))
    with pytest.raises(BadInputError, match=word):
        by_pillow.inspect(data)
    with pytest.raises(BadInputError, match=word):
        by_pillow.decode(data)


@given(st.binary(max_size=300))
def test_random_bytes_are_bad_input(noise):
    for head in (b"", b"\xff\xd8\xff"):
        with pytest.raises(BadInputError):
            Jpeg().inspect(head + noise)


def test_what_jpeg_cannot_say_is_refused(by_pillow):
    with pytest.raises(UsageError, match="--flatten"):
        encoded(by_pillow, picture(8, 8, alpha=True), 50)
    with pytest.raises(UsageError, match="65500"):
        encoded(by_pillow, Image(np.zeros((1, 65501, 3), np.uint8)), 50)
    with pytest.raises(UsageError, match="410"):
        Jpeg("410")


def test_noise_of_best_quality_fits_pillows_buffer(by_pillow):
    noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), np.uint8)
    assert by_pillow.decode(encoded(by_pillow, Image(noise), 100)).pixels.shape == noise.shape


def test_metadata_is_kept_when_asked_and_only_then(by_pillow):
    image = Image(picture(40, 30).pixels, metadata=METADATA)
    plain = encoded(by_pillow, image, 50)
    assert by_pillow.inspect(plain)["metadata"] == []
    kept = encoded(Jpeg(keep_metadata=True), image, 50)
    assert by_pillow.inspect(kept)["metadata"] == ["exif", "icc", "xmp"]
    assert kept[:4] == plain[:4] == b"\xff\xd8\xff\xe0"
    with PIL.Image.open(io.BytesIO(kept)) as opened:
        assert opened.info["exif"] == b"Exif\0\0" + METADATA["exif"]
        assert opened.info["xmp"] == METADATA["xmp"]
        assert opened.info["icc_profile"] == METADATA["icc"]
    assert (by_pillow.decode(kept).pixels == by_pillow.decode(plain).pixels).all()


def test_a_gray_file_gets_no_profile_of_three_components(by_pillow):
    image = Image(picture(40, 30, gray=True).pixels, gray=True, metadata=METADATA)
    kept = encoded(Jpeg(keep_metadata=True), image, 50)
    assert by_pillow.inspect(kept)["metadata"] == ["exif", "xmp"]


def test_metadata_longer_than_a_segment_is_refused(by_pillow):
    image = Image(picture(8, 8).pixels, metadata={"exif": bytes(65528)})
    with pytest.raises(UsageError, match="65528"):
        encoded(Jpeg(keep_metadata=True), image, 50)


def test_a_profile_of_more_than_255_segments_is_refused(by_pillow):
    image = Image(picture(8, 8).pixels, metadata={"icc": bytes(255 * 65519 + 1)})
    with pytest.raises(UsageError, match=r"ICC profile of 16707346 bytes.*--keep-metadata"):
        encoded(Jpeg(keep_metadata=True), image, 50)


def test_it_decodes_in_threads():
    codec = Jpeg()
    data = encoded(codec, picture(97, 61), 50)
    once = codec.decode(data).pixels
    with ThreadPoolExecutor(4) as pool:
        for decoded in pool.map(codec.decode, [data] * 24):
            assert (decoded.pixels == once).all()


def test_a_header_without_components_is_bad_input():
    # Of a mutated file that Pillow opens: three layers are promised, and none is described.
    data = base64.b64decode(
        "/9j/4AAQSkZJRgABAZKSkpKSkpKSk5L/wAAICBEAAf8DEQgAxDYAFfwAAAP/2gAMAwEAAhEDSp1rP//Z"
    )
    with pytest.raises(BadInputError, match="components are missing"):
        Jpeg().inspect(data)
