"""The settings of a .bpg, as `bpgenc`'s options have them, without the QP."""

from dataclasses import dataclass

from neurocodec.codecs.planes.layout import COLOR_SPACES, Layout
from neurocodec.errors import UsageError
from neurocodec.images import Image

CHROMAS = ("420", "444", "422", "420_video", "422_video")
BIT_DEPTHS = (8, 10, 12)
EFFORTS = range(1, 10)
QPS = range(52)
_VIDEO = "_video"


@dataclass(frozen=True)
class Settings:
    """The settings of a .bpg; the defaults are bpgenc's.

    Attributes:
        chroma: of CHROMAS ("_video": sited as in MPEG-2); a gray picture is gray, RGB is 4:4:4.
        bit_depth: of BIT_DEPTHS.
        color_space: of COLOR_SPACES.
        limited_range: 16 to 235 for black to white (at 8 bits).
        lossless: 8-bit RGB without loss, whatever the other fields say.
        alpha_qp: of the alpha plane; None for the colour's.
        effort: 1 (fast) to 9 (slow), bpgenc's -m.

    Raises:
        UsageError: a value that there is not.
    """

    chroma: str = "420"
    bit_depth: int = 8
    color_space: str = "ycbcr"
    limited_range: bool = False
    lossless: bool = False
    alpha_qp: int | None = None
    effort: int = 8

    def __post_init__(self) -> None:
        _check("chroma", self.chroma, CHROMAS)
        _check("bit depth", self.bit_depth, BIT_DEPTHS)
        _check("color space", self.color_space, COLOR_SPACES)
        _check("effort", self.effort, EFFORTS)
        if self.alpha_qp is not None:
            _check("alpha QP", self.alpha_qp, QPS)

    def layout(self, image: Image) -> Layout:
        """The planes that stand for this picture."""
        if image.gray:
            depth = 8 if self.lossless else self.bit_depth
            return Layout("gray", depth, limited_range=self.limited_range and not self.lossless)
        if self.lossless:
            return Layout("444", 8, "rgb")
        if self.color_space == "rgb":
            return Layout("444", self.bit_depth, "rgb", self.limited_range)
        return Layout(
            self.chroma.removesuffix(_VIDEO),
            self.bit_depth,
            self.color_space,
            self.limited_range,
            left=self.chroma.endswith(_VIDEO),
        )


def _check(what: str, value: str | int, known: tuple[str, ...] | tuple[int, ...] | range) -> None:
    if value not in known:
        names = (
            f"{known[0]} to {known[-1]}" if isinstance(known, range) else ", ".join(map(str, known))
        )
        raise UsageError(f"BPG has no {what} {value}: it is one of {names}")
