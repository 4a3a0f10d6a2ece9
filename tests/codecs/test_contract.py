"""What every codec promises. A new one in CODECS is tested by being there."""

import random

import numpy as np
import pytest

from neurocodec import codecs, registry
from neurocodec.codecs import CODECS, Codec
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from tests.conftest import picture, psnr_db

SIZES = [(1, 1), (2, 3), (7, 5), (8, 8), (15, 17), (33, 14), (64, 48), (97, 61)]
LARGEST_BLOCK = 16  # to which a codec here pads a side: JPEG with chroma of half the resolution


@pytest.fixture(params=CODECS)
def codec(request) -> Codec:
    return codecs.create(request.param)


def middle(codec: Codec) -> int:
    """A level of ordinary quality."""
    return codec.levels[len(codec.levels) * 2 // 3]


def best(codec: Codec) -> int:
    return codec.levels[-1]


def spread(codec: Codec, count: int) -> list[int]:
    """Levels over the whole range, from fewest to most bits."""
    return [codec.levels[round(i * (len(codec.levels) - 1) / (count - 1))] for i in range(count)]


def test_it_is_registered_under_its_name_and_says_what_it_is(codec):
    assert registry.load(CODECS, codec.name, "codec") is type(codec)
    assert codec.extension.startswith(".")
    assert codec.unit in {"qp", "quality"}
    assert len(codec.levels) > 10
    assert any(character.isdigit() for character in codec.encoder)
    assert codec.chromas


def test_extensions_are_its_own():
    extensions = [registry.load(CODECS, name, "codec").extension for name in CODECS]
    assert len(set(extensions)) == len(extensions)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_size_comes_back(codec, size):
    image = picture(*size)
    decoded = codec.decode(codec.encode(image, best(codec)))
    assert decoded.pixels.shape == image.pixels.shape
    smooth = codec.decode(codec.encode(flat(*size), best(codec)))
    assert psnr_db(smooth, flat(*size)) > 38


def flat(width: int, height: int):
    image = picture(width, height)
    image.pixels[:] = (90, 140, 60)
    return image


@pytest.mark.parametrize("gray", [False, True])
def test_a_picture_survives(codec, gray):
    image = picture(160, 120, gray=gray)
    decoded = codec.decode(codec.encode(image, best(codec)))
    assert psnr_db(decoded, image) > 26
    if gray:
        assert (decoded.pixels == decoded.pixels[..., :1]).all()


def test_every_chroma_it_names_works_and_no_other(codec):
    image = picture(63, 49)
    for chroma in codec.chromas:
        named = codecs.create(codec.name, chroma=chroma)
        data = named.encode(image, best(codec))
        assert named.inspect(data)["chroma"] == chroma
        assert codec.decode(data).pixels.shape == image.pixels.shape
    with pytest.raises(UsageError, match="chroma"):
        codecs.create(codec.name, chroma="410")


def test_bytes_are_the_same_each_time(codec):
    image = picture(72, 40)
    assert codec.encode(image, middle(codec)) == codec.encode(image, middle(codec))
    again = codecs.create(codec.name)
    assert again.encode(image, middle(codec)) == codec.encode(image, middle(codec))


def test_levels_go_from_fewest_to_most_bits_and_worst_to_best(codec):
    image = picture(128, 96)
    coded = [codec.encode(image, level) for level in spread(codec, 5)]
    sizes = [len(data) for data in coded]
    quality = [psnr_db(codec.decode(data), image) for data in coded]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 2
    assert quality == sorted(quality)


def test_a_level_out_of_range_is_refused(codec):
    for level in (min(codec.levels) - 1, max(codec.levels) + 1):
        with pytest.raises(UsageError, match=str(level)):
            codec.encode(picture(8, 8), level)


def test_alpha_is_carried_or_refused_with_what_to_do(codec):
    image = picture(48, 32, alpha=True)
    if not codec.carries_alpha:
        with pytest.raises(UsageError, match="--flatten"):
            codec.encode(image, best(codec))
        return
    decoded = codec.decode(codec.encode(image, best(codec)))
    assert decoded.alpha is not None
    assert np.abs(decoded.alpha.astype(int) - image.alpha).mean() < 4


@pytest.mark.parametrize("other", CODECS)
def test_it_knows_its_own_files_and_no_others(codec, other):
    foreign = codecs.create(other)
    assert type(codec).recognises(foreign.encode(picture(24, 24), middle(foreign))) == (
        other == codec.name
    )


def test_a_file_is_known_by_its_head(codec):
    data = codec.encode(picture(24, 24), middle(codec))
    assert codecs.recognise(data, "x").name == codec.name
    assert codecs.recognise(data[: codecs.HEAD_BYTES], "x").name == codec.name
    for head in (b"", b"\0", b"hello, this is text", b"\x89PNG\r\n\x1a\n"):
        assert not type(codec).recognises(head)


def test_inspect_says_the_size_and_the_level(codec):
    data = codec.encode(picture(50, 31), middle(codec))
    said = codec.inspect(data)
    assert (said["width"], said["height"]) == (50, 31)


def test_a_cut_file_is_bad_input_wherever_it_is_cut(codec):
    data = codec.encode(picture(40, 30), middle(codec))
    step = max(1, len(data) // 150)
    for length in {*range(0, len(data), step), *range(40), len(data) - 1}:
        with pytest.raises(BadInputError):
            codec.decode(data[:length])


def flips(data: bytes, bits) -> list[bytes]:
    """The file with each of these bits flipped, one at a time."""
    number = int.from_bytes(data, "big")
    return [(number ^ 1 << (8 * len(data) - 1 - bit)).to_bytes(len(data), "big") for bit in bits]


def opened(codec, data):
    """The decoded picture of a damaged file, of the size that its header says; None if refused."""
    try:
        decoded, said = codec.decode(data), codec.inspect(data)
    except BadInputError:
        return None
    assert (decoded.width, decoded.height) == (said["width"], said["height"])
    return decoded


def size_said(codec, data: bytes) -> tuple[int, int] | None:
    """Width and height in a damaged file's header; None if it is refused."""
    try:
        said = codec.inspect(data)
    except BadInputError:
        return None
    return said["width"], said["height"]


def test_a_flipped_bit_is_bad_input_or_a_picture_of_the_size_that_the_header_says(codec):
    data = codec.encode(picture(40, 30), middle(codec))
    chosen = random.Random(1)
    anywhere = [chosen.randrange(8 * len(data)) for _ in range(150)]
    for flipped in flips(data, [*range(8 * 24), *anywhere]):
        opened(codec, flipped)


@pytest.mark.parametrize("size", [(40, 30), (136, 72), (128, 128)], ids=str)
@pytest.mark.parametrize("gray", [False, True])
def test_a_size_that_a_flipped_bit_made_is_bad_input_or_the_picture_cropped_or_continued(
    codec, size, gray
):
    data = codec.encode(picture(*size, gray=gray), middle(codec))
    true = codec.decode(data)
    damaged = flips(data, range(8 * min(len(data), 400)))
    resized = [new for new in damaged if size_said(codec, new) not in {None, size}]
    # A .jp2 says its size twice: there is no such bit.
    assert bool(resized) == (codec.name != "jpeg2000")
    for decoded in filter(None, (opened(codec, new) for new in resized)):
        width, height = min(decoded.width, size[0]), min(decoded.height, size[1])
        assert abs(decoded.width - size[0]) < LARGEST_BLOCK
        assert abs(decoded.height - size[1]) < LARGEST_BLOCK
        assert psnr_db(corner(decoded, width, height), corner(true, width, height)) > 40


def corner(image: Image, width: int, height: int) -> Image:
    """The top left of a picture."""
    return Image(image.pixels[:height, :width])


def test_random_bytes_behind_a_true_head_are_bad_input(codec):
    data = codec.encode(picture(40, 30), middle(codec))
    noise = random.Random(2).randbytes(3000)
    for kept in (4, 8, 16, 24):
        with pytest.raises(BadInputError):
            codec.decode(data[:kept] + noise)
