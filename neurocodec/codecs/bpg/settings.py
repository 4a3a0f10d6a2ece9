"""The settings of a .bpg, as `bpgenc`'s options have them, without the QP."""

from dataclasses import dataclass

from neurocodec.codecs.codec import check_setting
from neurocodec.codecs.planes.layout import COLOR_SPACES, Layout
from neurocodec.images import Image

CHROMAS = ("420", "444", "422", "420_video", "422_video")
BIT_DEPTHS = (8, 10, 12)
EFFORTS = range(1, 10)
QPS = range(52)
_VIDEO = "_video"


@dataclass(eq=False)
class Settings:
    """The settings of a .bpg; the defaults are bpgenc's.

    Attributes:
        chroma: of CHROMAS ("_video": sited as in MPEG-2); a gray picture is gray, RGB is 4:4:4.
        bit_depth: of BIT_DEPTHS.
        color_space: of COLOR_SPACES.
        limited_range: 16 to 235 for black to white (at 8 bits).
        lossless: 8-bit RGB without loss, whatever the other fields say.
        alpha_qp: QP of the alpha plane; -1 for the colour's.
        effort: 1 (fast) to 9 (slow), bpgenc's -m.

    Raises:
        UsageError: a value that there is not.
    """

    chroma: str = "420"
    bit_depth: int = 8
    color_space: str = "ycbcr"
    limited_range: bool = False
    lossless: bool = False
    alpha_qp: int = -1
    effort: int = 8

    def __post_init__(self) -> None:
        check_setting("bpg", "bit depth", self.bit_depth, BIT_DEPTHS)
        check_setting("bpg", "color space", self.color_space, COLOR_SPACES)
        check_setting("bpg", "effort", self.effort, EFFORTS)
        if self.alpha_qp != -1:
            check_setting("bpg", "alpha QP", self.alpha_qp, QPS)
        if self.lossless or self.color_space == "rgb":
            self.chroma = "444"

    def layout(self, image: Image) -> Layout:
        """The planes that stand for this picture."""
        depth = 8 if self.lossless else self.bit_depth
        limited_range = self.limited_range and not self.lossless
        if image.gray:
            return Layout("gray", depth, limited_range=limited_range)
        return Layout(
            self.chroma.removesuffix(_VIDEO),
            depth,
            "rgb" if self.lossless else self.color_space,
            limited_range,
            left=self.chroma.endswith(_VIDEO),
        )

    def qp_of_alpha(self, qp: int) -> int:
        """The alpha plane's QP where the colour's is `qp`."""
        return qp if self.alpha_qp == -1 else self.alpha_qp
