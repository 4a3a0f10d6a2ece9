"""What the recognisers are shown of a picture, so that all of it counts.

A classifier cuts the borders of a wide picture off: a search by what it sees would throw them
away. It is shown the picture squeezed into its square, and of a wide or large picture also square
windows that cover it and overlap.
"""

from dataclasses import dataclass

from torch import Tensor

from neurocodec.losses.algorithm1 import View

WINDOW = 512
"""The largest side of a window, in pixels: larger ones would hide small objects."""

_NARROWEST = 224  # of windows, so that a thin strip does not have thousands

_SQUARE = 1.5  # the longer side by the shorter one: squeezed more, objects change their shape
_STRIDE = 0.75  # from window to window, of a window's side


@dataclass(frozen=True)
class Window:
    """A square of a picture, in pixels; of a picture that is lower or narrower, all there is."""

    top: int
    left: int
    side: int

    def __call__(self, pictures: Tensor) -> Tensor:
        """The square of pictures (N, 3, H, W)."""
        rows, columns = (
            slice(self.top, self.top + self.side),
            slice(self.left, self.left + self.side),
        )
        return pictures[..., rows, columns]


@dataclass(frozen=True, eq=False)
class OverWhite:
    """A view of pictures laid over white, as tasks see transparent ones; alpha is (H, W)."""

    alpha: Tensor
    view: View

    def __call__(self, pictures: Tensor) -> Tensor:
        """The view of pictures (N, 3, H, W)."""
        return self.view(pictures * self.alpha + (1 - self.alpha))


def views(width: int, height: int) -> list[View]:
    """The whole picture and, where it is wide or large, windows that cover it."""
    shown: list[View] = [_whole]
    if max(width, height) > min(WINDOW, _SQUARE * min(width, height)):
        side = max(_NARROWEST, min(width, height, WINDOW))
        tops, lefts = _starts(height, side), _starts(width, side)
        shown += [Window(top, left, side) for top in tops for left in lefts]
    return shown


def _whole(pictures: Tensor) -> Tensor:
    return pictures


def _starts(length: int, side: int) -> list[int]:
    """Where windows begin along a side, at equal distances."""
    rest = max(0, length - side)
    gaps = -(-rest // round(_STRIDE * side))
    return [round(place * rest / max(1, gaps)) for place in range(gaps + 1)]
