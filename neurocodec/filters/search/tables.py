"""JPEG's quantisation tables as unknowns of a search."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurocodec.codecs.jpeg_segments import Tables, standard_steps

_LEARNING_RATE = 0.1
_COARSE = 3  # values along a side, enlarged to 8
_LARGEST = 255  # of a baseline file


class QuantisationTables(nn.Module):
    """Steps of luma and chroma: those of a quality times factors that are smooth in the logarithm.

    Args:
        quality: libjpeg's.
    """

    base: Tensor

    def __init__(self, quality: int) -> None:
        super().__init__()
        base = torch.tensor(standard_steps(quality), dtype=torch.float32).reshape(1, 2, 8, 8)
        self.register_buffer("base", base)
        self.log_factors = nn.Parameter(torch.zeros(1, 2, _COARSE, _COARSE))

    def factors(self) -> Tensor:
        """The factors, (1, 2, 8, 8)."""
        enlarged = functional.interpolate(
            self.log_factors, size=(8, 8), mode="bilinear", align_corners=True
        )
        return enlarged.exp()

    @torch.no_grad()
    def steps(self) -> Tables:
        """The steps as a file holds them."""
        rounded = (self.base * self.factors()).round().clamp(1, _LARGEST).int()
        luma, chroma = rounded.reshape(2, 64).tolist()
        return tuple(luma), tuple(chroma)

    def group(self) -> dict[str, object]:
        """The unknowns and their learning rate."""
        return {"params": [self.log_factors], "lr": _LEARNING_RATE}
