"""spic: classes from the latents, and errors that are its own."""

import numpy as np
import pytest

from neurocodec import codecs
from neurocodec.codecs.learned import latents, stream
from neurocodec.codecs.learned.stream import Stream
from neurocodec.codecs.level import Level
from neurocodec.errors import BadInputError, MissingError, UsageError
from tests.codecs.coding import encoded
from tests.conftest import picture
from tests.networks.spic_files import CLASSES


@pytest.fixture
def codec(spic_weights):
    return codecs.create(f"spic:weights={spic_weights(0)}")


@pytest.mark.parametrize("coder", latents.CODERS)
@pytest.mark.parametrize("qf", [8, 48, 128])
def test_files_of_both_coders_tell_the_same(codec, spic_weights, coder, qf):
    other = codecs.create(f"spic:weights={spic_weights(0)}:coder={coder}")
    image = picture(50, 33)
    data, same = encoded(other, image, qf), encoded(codec, image, qf)

    logits = codec.classify(data)

    assert logits.shape == (CLASSES,)
    assert np.array_equal(logits, codec.classify(same))
    assert np.array_equal(codec.decode(data).pixels, codec.decode(same).pixels)
    assert codec.inspect(data)["qf"] == qf


def test_higher_quality_factors_make_larger_files(codec):
    sizes = [len(encoded(codec, picture(96, 96), qf)) for qf in (8, 16, 48, 128)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_cut_or_changed_file_tells_no_classes(codec, spic_weights):
    data = encoded(codec, picture(40, 40), 48)
    for broken in (data[:-1], data[:60], data[:50] + bytes([data[50] ^ 1]) + data[51:]):
        with pytest.raises(BadInputError):
            codec.classify(broken)
    other = codecs.create(f"spic:weights={spic_weights(1)}")
    with pytest.raises(MissingError, match="not with"):
        other.classify(data)


def test_two_parts_are_too_many(codec):
    data = encoded(codec, picture(40, 40), 48)
    read = stream.read(codec.magic, data)
    doubled = Stream(read.key, read.width, read.height, read.level, [*read.parts] * 2, 2)
    with pytest.raises(BadInputError, match="one part"):
        codec.decode(stream.write(codec.magic, doubled))


def test_a_level_of_another_codec_is_refused(codec):
    with pytest.raises(UsageError, match="give --qf N"):
        codec.encode(picture(8, 8), Level("qp", 34))
    with pytest.raises(UsageError, match="QF goes from 8 to 128, not 7"):
        codec.encode(picture(8, 8), Level("qf", 7))


def test_codecs_without_classes_say_so():
    with pytest.raises(UsageError, match="files of jpeg tell no classes"):
        codecs.create("jpeg").classify(b"")
