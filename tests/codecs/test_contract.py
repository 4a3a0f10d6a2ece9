"""The contract of every codec. A new one in CODECS or LEARNED is tested by being there."""

import random

import numpy as np
import pytest

from neurocodec import codecs, registry
from neurocodec.codecs import CODECS, LEARNED, Codec, Level
from neurocodec.codecs.learned import stream
from neurocodec.codecs.learned.stream import Stream
from neurocodec.codecs.level import UNITS
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from tests.codecs.coding import encoded
from tests.conftest import picture, psnr_db

ALL = CODECS | LEARNED
WEIGHTS = {
    "mbt2018": "proxy_weights",
    "dic": "dic_weights",
    "spic": "spic_weights",
}  # fixtures: untrained
START_PROGRAMS = {"jpeg", "vvc"}  # which decode with djpeg and vvdecapp where they are
SIZES = [(1, 1), (2, 3), (15, 17), (33, 14), (97, 61)]


def create(name: str, request: pytest.FixtureRequest, **settings: object) -> Codec:
    """The codec of that name; of a learned one with untrained weights."""
    if name in LEARNED:
        return codecs.create(f"{name}:weights={request.getfixturevalue(WEIGHTS[name])(0)}")
    return codecs.create(name, **settings)


@pytest.fixture(params=ALL)
def codec(request) -> Codec:
    return create(request.param, request)


@pytest.fixture(params=CODECS)
def standard(request) -> Codec:
    """A codec whose pictures look like what was coded: no untrained network."""
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
    assert registry.load(ALL, codec.name, "codec") is type(codec)
    assert codec.extension.startswith(".")
    assert codec.unit in UNITS
    assert codec.default_level is None or codec.default_level in codec.levels
    assert len(codec.levels) > 10
    assert any(character.isdigit() for character in codec.encoder)
    assert codec.encoder_for(picture(64, 64)) == codec.encoder
    assert codec.chroma == codec.chromas[0]


def test_extensions_are_its_own():
    extensions = [registry.load(ALL, name, "codec").extension for name in ALL]
    assert len(set(extensions)) == len(extensions)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_size_comes_back(codec, size):
    image = picture(*size)
    decoded = codec.decode(encoded(codec, image, best(codec)))
    assert decoded.pixels.shape == image.pixels.shape


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_flat_picture_of_every_size_stays_as_it_is(standard, size):
    flat = Image(np.full((size[1], size[0], 3), (90, 140, 60), np.uint8))
    assert psnr_db(standard.decode(encoded(standard, flat, best(standard))), flat) > 38


@pytest.mark.parametrize("gray", [False, True])
def test_a_picture_survives(standard, gray):
    image = picture(160, 120, gray=gray)
    decoded = standard.decode(encoded(standard, image, best(standard)))
    assert psnr_db(decoded, image) > 26
    if gray:
        assert (decoded.pixels == decoded.pixels[..., :1]).all()


def test_every_chroma_it_names_works_and_no_other(standard):
    image = picture(63, 49)
    for chroma in standard.chromas:
        named = codecs.create(f"{standard.name}:chroma={chroma}")
        assert named.chroma == chroma
        data = encoded(named, image, best(standard))
        assert named.inspect(data)["chroma"] == chroma.removesuffix("_video")
        assert standard.decode(data).pixels.shape == image.pixels.shape


def test_a_setting_in_the_spec_and_beside_it_is_refused_as_such(codec):
    spec = f"{codec.name}:chroma={codec.chroma}"
    with pytest.raises(UsageError, match=r"^chroma is given twice: leave out one$"):
        codecs.create(spec, chroma=codec.chroma)
    assert codecs.create(spec, chroma=None, keep_metadata=False).chroma == codec.chroma
    if codec.carries_metadata:
        spec = f"{codec.name}:keep_metadata=1"
        assert codecs.create(spec, keep_metadata=False).keep_metadata
        with pytest.raises(UsageError, match="keep_metadata is given twice"):
            codecs.create(spec, keep_metadata=True)


def test_another_chroma_is_refused(codec):
    with pytest.raises(UsageError, match="chroma"):
        type(codec)(chroma="410")


def test_metadata_is_kept_or_refused(codec):
    if codec.carries_metadata:
        assert codecs.create(codec.name, keep_metadata=True).keep_metadata
        return
    with pytest.raises(UsageError, match=f"{codec.name} cannot carry metadata.*--keep-metadata"):
        codecs.create(codec.name, keep_metadata=True)


def test_bytes_are_the_same_each_time(codec):
    image = picture(72, 40)
    assert encoded(codec, image, middle(codec)) == encoded(codec, image, middle(codec))


def test_levels_go_from_fewest_to_most_bits_and_worst_to_best(standard):
    image = picture(96, 64)
    coded = [encoded(standard, image, level) for level in spread(standard, 4)]
    sizes = [len(data) for data in coded]
    quality = [psnr_db(standard.decode(data), image) for data in coded]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] / 2
    assert quality == sorted(quality)


def test_a_level_out_of_range_or_of_another_unit_is_refused(codec):
    for level in (min(codec.levels) - 1, max(codec.levels) + 1):
        with pytest.raises(UsageError, match=f"goes from .* not {level}"):
            encoded(codec, picture(8, 8), level)
    other = "quality" if codec.unit == "iterations" else "iterations"
    with pytest.raises(UsageError, match=f"{codec.name} has no {other}: give --{codec.unit} N"):
        codec.encode(picture(8, 8), Level(other, codec.levels[0]))


@pytest.mark.parametrize("value", ["34", 34.0, None])
def test_a_level_is_a_whole_number(value):
    for unit in ("qp", "quality"):
        with pytest.raises(UsageError, match=f"(?i:{unit}) must be a whole number, not {value!r}"):
            Level(unit, value)
    assert type(Level("qp", np.int64(34)).value) is int


def test_a_picture_too_large_is_refused(codec):
    if codec.max_side is None:
        return
    long = Image(np.zeros((1, codec.max_side + 1, 3), np.uint8))
    with pytest.raises(UsageError, match=f"too large for {codec.name}: {codec.max_side} a side"):
        encoded(codec, long, middle(codec))


def test_alpha_is_carried_or_refused_with_what_to_do(codec):
    image = picture(48, 32, alpha=True)
    if not codec.carries_alpha:
        with pytest.raises(UsageError, match="--flatten"):
            encoded(codec, image, best(codec))
        return
    decoded = codec.decode(encoded(codec, image, best(codec)))
    assert decoded.alpha is not None
    assert np.abs(decoded.alpha.astype(int) - image.alpha).mean() < 4


@pytest.mark.parametrize("other", ALL)
def test_it_knows_its_own_files_and_no_others(codec, other, request):
    foreign = create(other, request)
    assert type(codec).recognises(encoded(foreign, picture(24, 24), middle(foreign))) == (
        other == codec.name
    )


def test_a_file_is_known_by_its_head(codec):
    data = encoded(codec, picture(24, 24), middle(codec))
    assert codecs.recognise(data, "x").name == codec.name
    assert codecs.recognise(data[: codecs.HEAD_BYTES], "x").name == codec.name
    for head in (b"", b"\0", b"hello, this is text", b"\x89PNG\r\n\x1a\n"):
        assert not type(codec).recognises(head)


def test_inspect_says_the_size(codec):
    fields = codec.inspect(encoded(codec, picture(50, 31), middle(codec)))
    assert (fields["width"], fields["height"]) == (50, 31)


def test_a_cut_file_is_bad_input_wherever_it_is_cut(codec):
    data = encoded(codec, picture(24, 18), middle(codec))
    step = max(1, len(data) // 60)
    for length in {*range(0, len(data), step), *range(24), len(data) - 1}:
        with pytest.raises(BadInputError):
            codec.decode(data[:length])


@pytest.mark.slow
def test_a_file_cut_anywhere_is_bad_input(codec):
    data = encoded(codec, picture(40, 30), middle(codec))
    for length in range(len(data)):
        with pytest.raises(BadInputError):
            codec.decode(data[:length])


def flips(data: bytes, bits) -> list[bytes]:
    """The file with each of these bits flipped, one at a time."""
    number = int.from_bytes(data, "big")
    return [(number ^ 1 << (8 * len(data) - 1 - bit)).to_bytes(len(data), "big") for bit in bits]


def opened(codec, data):
    """The decoded picture of a damaged file, of the size that its header says; None if refused."""
    try:
        decoded, fields = codec.decode(data), codec.inspect(data)
    except BadInputError:
        return None
    assert (decoded.width, decoded.height) == (fields["width"], fields["height"])
    return decoded


def test_a_flipped_bit_is_bad_input_or_a_picture_of_the_size_that_the_header_says(standard):
    data = encoded(standard, picture(24, 18), middle(standard))
    chosen = random.Random(1)
    bits = [*chosen.sample(range(8 * 24), 40), *chosen.sample(range(8 * len(data)), 40)]
    for flipped in flips(data, bits):
        opened(standard, flipped)


@pytest.mark.slow
def test_many_flipped_bits_one_at_a_time_are_bad_input_or_pictures(standard):
    data = encoded(standard, picture(40, 30), middle(standard))
    bits = range(8 * len(data))
    most = 150 if standard.name in START_PROGRAMS else 1000
    for flipped in flips(data, random.Random(2).sample(bits, min(len(bits), most))):
        opened(standard, flipped)


@pytest.mark.parametrize("name", LEARNED)
def test_every_flipped_bit_of_a_learned_codecs_file_is_bad_input(name, request):
    codec = create(name, request)
    data = encoded(codec, picture(24, 18), middle(codec))
    for flipped in flips(data, range(8 * len(data))):
        with pytest.raises(BadInputError):
            codec.decode(flipped)


@pytest.mark.parametrize("size", [(13_000, 13_000), (4097, 4096), (16_385, 1), (1, 2**32 - 1)])
@pytest.mark.parametrize("name", LEARNED)
def test_a_size_beyond_a_learned_codec_is_refused_before_any_work(name, size):
    codec = codecs.create(name)  # without weights: looking for them would be work
    level = Level(codec.unit, middle(codec))
    data = stream.write(codec.magic, Stream(bytes(16), *size, level, (b"payload",), 1))
    too_large = f"{size[0]}×{size[1]} is too large for {name}: "
    for read in (codec.decode, codec.inspect):
        with pytest.raises(BadInputError, match=f"the file's picture of {too_large}"):
            read(data)
    if size[0] * size[1] < 2**25:
        with pytest.raises(UsageError, match=too_large):
            codec.encode(Image(np.zeros((size[1], size[0], 3), np.uint8)), level)


def test_random_bytes_behind_a_true_head_are_bad_input(codec):
    data = encoded(codec, picture(24, 18), middle(codec))
    noise = random.Random(2).randbytes(3000)
    for length in (4, 8, 16, 24):
        with pytest.raises(BadInputError):
            codec.decode(data[:length] + noise)
