"""The human side: how near a decoded picture is to the original. No recogniser is asked."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from neurocodec.errors import MissingError
from neurocodec.images import Image
from neurocodec.measures.fsim import fsim
from neurocodec.measures.lpips import cached_weights, lpips
from neurocodec.measures.ms_ssim import ms_ssim
from neurocodec.measures.psnr import psnr_db
from neurocodec.tasks.task import PictureScore

LOG = logging.getLogger("neurocodec")


class Fidelity:
    """PSNR, MS-SSIM, FSIM and LPIPS to the original picture; the "answer" is the picture itself.

    "lpips" is minus the distance, so that higher is better as everywhere. A measure that a
    picture is too small for, or whose weights are absent, is left out.
    """

    name: ClassVar[str] = "fidelity"
    model: str = "none"

    def __init__(self, lpips_weights: str, device: str = "cpu") -> None:
        """Look for LPIPS's backbone.

        Args:
            lpips_weights: the file of AlexNet's weights; "" for torch's cache.
            device: not used: the measures run on the CPU.

        Raises:
            MissingError: the named file is not there.
        """
        file = Path(lpips_weights) if lpips_weights else cached_weights()
        if lpips_weights and not file.is_file():
            raise MissingError(f"{lpips_weights}: LPIPS's weights are not there: correct the name")
        self._lpips_weights = file if file.is_file() else None
        self.model_sha256 = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
        if self._lpips_weights is None:
            LOG.warning("LPIPS is left out: its weights are absent (--lpips-weights FILE)")

    def predict(self, images: Sequence[Image]) -> list[Image]:
        """The pictures."""
        return list(images)

    def score(self, answer: Image, clean: Image, truth: object | None) -> PictureScore:
        """The measures of a decoded picture against the original."""
        distance = lpips(clean, answer, self._lpips_weights) if self._lpips_weights else None
        measured = {
            "psnr_db": psnr_db(clean, answer),
            "ms_ssim": ms_ssim(clean, answer),
            "fsim": fsim(clean, answer),
            "lpips": None if distance is None else -distance,
        }
        return PictureScore({key: value for key, value in measured.items() if value is not None})

    @staticmethod
    def score_set(pictures: Sequence[PictureScore]) -> dict[str, float]:
        """The mean over the pictures of every measure that all of them have."""
        shared = set.intersection(*(set(picture.scores) for picture in pictures))
        return {
            name: float(np.mean([picture.scores[name] for picture in pictures]))
            for name in sorted(shared)
        }
