"""NAL units of HEVC: told apart in a stream, and put together to one (H.265 annex B)."""

from collections.abc import Iterable
from dataclasses import dataclass

from neurocodec.errors import BadInputError

START_CODE = b"\0\0\1"
IDR_KINDS = frozenset({19, 20})
VPS, SPS, PPS = 32, 33, 34
HASH_SEI = 40
_SLICE_KINDS = frozenset({*range(10), *range(16, 22)})


@dataclass(frozen=True)
class Nal:
    """One NAL unit, without its start code, its emulation prevention bytes kept.

    Attributes:
        data: all of it, from its header of two bytes.
    """

    data: bytes

    @property
    def kind(self) -> int:
        """nal_unit_type."""
        return self.data[0] >> 1 & 0x3F

    @property
    def layer(self) -> int:
        """nuh_layer_id: 1 for the alpha of a .bpg."""
        return (self.data[0] & 1) << 5 | self.data[1] >> 3

    @property
    def is_slice(self) -> bool:
        """True for a NAL unit that carries samples."""
        return self.kind in _SLICE_KINDS

    @property
    def starts_picture(self) -> bool:
        """True for the first slice of a picture."""
        return self.is_slice and len(self.data) > 2 and self.data[2] >= 0x80

    @property
    def belongs_in_bpg(self) -> bool:
        """True for what a .bpg's decoder needs: slices, their parameters, the samples' hash."""
        return self.is_slice or self.kind in {PPS, HASH_SEI}

    def on_layer(self, layer: int) -> "Nal":
        """The same unit with that nuh_layer_id."""
        first = self.data[0] & 0xFE | layer >> 5
        second = layer << 3 & 0xFF | self.data[1] & 7
        return Nal(bytes((first, second)) + self.data[2:])


def split(stream: bytes) -> list[Nal]:
    """The NAL units of a stream that begins with a start code.

    Raises:
        BadInputError: it does not, or a unit is too short to be one.
    """
    before, *units = stream.split(START_CODE)
    trimmed = [unit.rstrip(b"\0") for unit in units]
    if before.strip(b"\0") or not units or any(len(unit) < 3 for unit in trimmed):
        raise BadInputError("its HEVC stream is damaged or truncated")
    return [Nal(unit) for unit in trimmed]


def join(units: Iterable[Nal]) -> bytes:
    """The stream of these units, each after a start code of three bytes."""
    return b"".join(START_CODE + unit.data for unit in units)
