"""Fidelity: how close a decoded image is to the original, as people see it."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from neurocodec.errors import MissingError
from neurocodec.images import Image
from neurocodec.measures.psnr import psnr_db
from neurocodec.tasks.task import Metric, PictureScore, Task

LOG = logging.getLogger("neurocodec")


class Fidelity(Task):
    """PSNR, MS-SSIM, LPIPS and FSIM to the original image; the "prediction" is the image itself.

    "lpips" is minus the distance. A measure that an image is too small for, or whose weights are
    absent, is left out.

    Args:
        lpips_weights: the file of LPIPS's weights; "" looks into torch's cache.

    Raises:
        MissingError: the named file does not exist.
    """

    name: ClassVar[str] = "fidelity"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("psnr_db", "PSNR", "PSNR (dB)", primary=True),
        Metric("ms_ssim", "MS-SSIM", "MS-SSIM", absent="pictures too small"),
        Metric("lpips", "LPIPS", "-LPIPS", absent="weights absent"),
        Metric("fsim", "FSIM", "FSIM", absent="pictures too small"),
    )
    keeps_originals: ClassVar[bool] = True
    model: str = "none"

    def __init__(self, lpips_weights: str = "") -> None:
        from neurocodec.measures.lpips import WEIGHTS_URL, cached_weights

        self._lpips_weights: Path | None = Path(lpips_weights or cached_weights())
        if self._lpips_weights.is_file():
            self.model_sha256 = hashlib.sha256(self._lpips_weights.read_bytes()).hexdigest()
        elif lpips_weights:
            raise MissingError(f"{lpips_weights}: no such file: correct --lpips-weights")
        else:
            self._lpips_weights, self.model_sha256 = None, ""
            LOG.warning(
                "LPIPS is not measured: its weights are absent: "
                f"download {WEIGHTS_URL} and add --lpips-weights FILE"
            )

    def predict(self, images: Sequence[Image]) -> list[Image]:
        """The images themselves."""
        return list(images)

    def score(
        self, prediction: Image, clean_prediction: Image, ground_truth: object | None
    ) -> PictureScore:
        """Measure a decoded image against the original, which is the clean prediction."""
        from neurocodec.measures.lpips import lpips
        from neurocodec.measures.similarity import fsim, ms_ssim

        weights = self._lpips_weights
        distance = lpips(clean_prediction, prediction, weights) if weights else None
        measured = {
            "psnr_db": psnr_db(clean_prediction, prediction),
            "ms_ssim": ms_ssim(clean_prediction, prediction),
            "lpips": None if distance is None else -distance,
            "fsim": fsim(clean_prediction, prediction),
        }
        return PictureScore({key: value for key, value in measured.items() if value is not None})
