import io

import numpy as np
import PIL.Image
import pytest
import torch

from neurocodec import codecs
from neurocodec.codecs import Level, qp_tables
from neurocodec.losses import quantisation
from tests.conftest import picture


@pytest.mark.parametrize("qp", [22, 34, 45])
def test_jpegs_are_the_tables_of_the_file(qp):
    quality = qp_tables.level_at_qp("jpeg", qp)
    data = codecs.create("jpeg").encode(picture(32, 32), Level("quality", quality))
    written = PIL.Image.open(io.BytesIO(data)).quantization

    for component in (0, 1):
        assert quantisation.jpeg_steps()[qp, component].flatten().tolist() == written[component]


def test_bpgs_double_every_six_qps_and_are_1_at_hevcs_qp_4():
    luma, chroma = quantisation.hevc_steps()[:, :, 5, 7].T

    assert luma[4 + 3] == 1
    torch.testing.assert_close(luma[9:], 2 * luma[3:-6])
    assert luma[0] == luma[3]  # no slice QP is below 0
    np.testing.assert_allclose(chroma[:33], luma[:33])
    # H.265, table 8-10: luma's 34, 38 and 43 are chroma's 33, 35 and 37.
    np.testing.assert_allclose(chroma[[37, 41, 46]], luma[[36, 38, 40]])


@pytest.mark.parametrize(("codec", "block"), [("jpeg", 8), ("bpg", 16), ("vvc", 16)])
def test_a_codec_has_blocks_of_its_own(codec, block):
    assert str(quantisation.dct_proxy(codec)).startswith(f"DctProxy({block}×{block}, 4:2:0")


def test_chroma_that_the_codec_keeps_is_kept():
    fine = torch.full((1, 3, 32, 32), 0.5)
    fine[:, 2] += 0.3 * (torch.arange(32) % 2)
    qp = torch.tensor([10.0])

    halved = quantisation.dct_proxy("bpg", "420")(fine, qp)[0]
    full = quantisation.dct_proxy("bpg", "444")(fine, qp)[0]

    assert (full - fine).abs().mean() < 0.1 * (halved - fine).abs().mean()
