"""MS-SSIM and FSIM: bounds, ranks, and the smallest images."""

import numpy as np
import pytest

from neurocodec.images import Image
from neurocodec.measures.similarity import fsim, ms_ssim
from tests.conftest import picture


@pytest.mark.parametrize(("measure", "side"), [(ms_ssim, 161), (fsim, 2)])
def test_equal_images_score_one_and_smaller_ones_have_no_score(measure, side: int) -> None:
    assert measure(picture(side, side), picture(side, side)) == pytest.approx(1, abs=1e-5)
    assert measure(picture(side - 1, 180), picture(side - 1, 180)) is None


@pytest.mark.parametrize("measure", [ms_ssim, fsim])
def test_more_noise_scores_lower(measure) -> None:
    original = picture(180, 170)
    noise = np.random.default_rng(0).normal(0, 1, original.pixels.shape)
    scores = [
        measure(original, Image((original.pixels + s * noise).clip(0, 255).astype(np.uint8)))
        for s in (8, 60)
    ]
    assert 1 > scores[0] > scores[1] + 0.02 > 0.02
