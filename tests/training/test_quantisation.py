import io

import numpy as np
import PIL.Image
import pytest
import torch

from neurocodec import codecs
from neurocodec.codecs import qp_tables
from neurocodec.training import quantisation
from tests.conftest import picture


@pytest.mark.parametrize("qp", [22, 34, 45])
def test_jpegs_are_the_tables_of_the_file(qp):
    quality = qp_tables.level_at_qp("jpeg", qp)
    data = codecs.create("jpeg").encode(picture(32, 32), quality)
    written = PIL.Image.open(io.BytesIO(data)).quantization

    for component in (0, 1):
        assert quantisation.jpeg_steps()[qp, component].flatten().tolist() == written[component]


def test_bpgs_double_every_six_qps_and_are_1_at_hevcs_qp_4():
    luma, chroma = quantisation.hevc_steps()[:, :, 5, 7].T

    assert luma[4 + 3] == 1
    torch.testing.assert_close(luma[6:], 2 * luma[:-6])
    np.testing.assert_allclose(chroma[:33], luma[:33])
    # H.265, table 8-10: luma's 34, 38 and 43 are chroma's 33, 35 and 37.
    np.testing.assert_allclose(chroma[[37, 41, 46]], luma[[36, 38, 40]])
