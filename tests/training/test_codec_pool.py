import numpy as np
import pytest

from neurocodec import codecs
from neurocodec.codecs import Level, qp_tables
from neurocodec.measures.rate import bpp
from neurocodec.training.codec_pool import CodecPool
from tests.conftest import picture

QPS = [30, 40]


@pytest.mark.parametrize("jobs", [0, 2])
@pytest.mark.parametrize("codec", ["bpg:effort=2", "jpeg"])
def test_the_pool_gives_what_the_codec_gives(codec, jobs):
    pictures = [picture(64, 48, seed=seed) for seed in range(2)]

    with CodecPool(codec, jobs=jobs) as pool:
        coded = pool.submit(pictures, QPS)()

    alone = codecs.create(codec)
    for one, image, qp in zip(coded, pictures, QPS, strict=True):
        data = alone.encode(image, qp_tables.own_level(alone, Level("qp", qp)))
        assert one.bpp == bpp(len(data), image.width, image.height)
        assert np.array_equal(one.image.pixels, alone.decode(data).pixels)
