"""The HEVC streams of a .bpg, from and to elementary streams that any HEVC decoder reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from neurocodec.codecs.bpg.container import Container
from neurocodec.codecs.planes.layout import CHROMAS, Layout
from neurocodec.codecs.streams.hevc import nal
from neurocodec.codecs.streams.hevc.nal import Nal
from neurocodec.codecs.streams.hevc.slices import slice_qp
from neurocodec.codecs.streams.hevc.sps import MiniSps, Sps, parameter_sets, parse
from neurocodec.errors import BadInputError

_ALPHA_LAYER = 1


@dataclass(frozen=True)
class Stream:
    """One HEVC stream of a .bpg.

    Attributes:
        sps: what its parameter set says.
        units: its NAL units without the VPS and the SPS, all on layer 0.
    """

    sps: Sps
    units: Sequence[Nal]

    @property
    def slice_qp(self) -> int | None:
        """The QP of its picture, None where the stream does not tell it simply.

        Raises:
            BadInputError: a header is damaged.
        """
        chroma = self.sps.chroma_format > 0
        return slice_qp(self.units, sao=self.sps.mini.sao, chroma=chroma)

    @property
    def ends_in_slice(self) -> bool:
        """True if nothing follows the last slice to show that it is complete."""
        return bool(self.units) and self.units[-1].is_slice

    def bare(self) -> bytes:
        """The whole elementary stream in Annex-B form, parameter sets made anew.

        Without a hash where there is one plane: there x265 writes a wrong one.
        """
        units = [*parameter_sets(self.sps), *self.units]
        if self.sps.chroma_format == 0:
            units = [unit for unit in units if unit.kind != nal.HASH_SEI]
        return nal.join(units)


def read_stream(stream: bytes, layout: Layout, width: int, height: int) -> Stream:
    """Take what a .bpg needs from an encoder's elementary stream of one picture.

    Args:
        stream: NAL units in Annex-B form.
        layout: what the .bpg will say of it.
        width: of the picture, likewise.
        height: of the picture, likewise.

    Raises:
        BadInputError: a decoder of the .bpg would take it for something else.
    """
    units = nal.split(stream)
    sets = [unit for unit in units if unit.kind == nal.SPS]
    pictures = [unit for unit in units if unit.starts_picture]
    if len(sets) != 1 or len(pictures) != 1:
        raise BadInputError("a .bpg holds an HEVC stream of one parameter set and one picture")
    if any(unit.is_slice and unit.kind not in nal.IDR_KINDS for unit in units):
        raise BadInputError("a .bpg holds an IDR picture, and the stream has another kind")
    sps = parse(sets[0])
    if sps != _implied(sps.mini, layout, width, height):
        wanted = f"{width}×{height}, {layout.chroma}, {layout.bit_depth} bits"
        raise BadInputError(f"the HEVC stream is not the promised one of {wanted}")
    return Stream(sps, [unit for unit in units if unit.belongs_in_bpg])


def bpg_units(colour: Stream, alpha: Stream | None) -> bytes:
    """The NAL units of both streams as a .bpg has them: alpha first, the two taking turns."""
    if alpha is None:
        units: Iterable[Nal] = colour.units
    else:
        raised = [unit.on_layer(_ALPHA_LAYER) for unit in alpha.units]
        turns = chain.from_iterable(zip_longest(raised, colour.units))
        units = (unit for unit in turns if unit is not None)
    return nal.join(units).removeprefix(nal.START_CODE)


def colour_and_alpha(container: Container) -> tuple[Stream, Stream | None]:
    """The streams in a .bpg.

    Raises:
        BadInputError: damaged, or with what a .bpg cannot have.
    """
    if container.says_length and container.units.endswith(b"\0"):
        raise BadInputError("the file is truncated and its end filled with zeros")
    units = [unit for unit in nal.split(nal.START_CODE + container.units) if unit.belongs_in_bpg]
    colour_sps = _sps(container, container.sps, container.layout)
    if container.alpha_sps is None:
        return Stream(colour_sps, units), None
    gray = Layout("gray", container.layout.bit_depth)
    alpha = [unit.on_layer(0) for unit in units if unit.layer == _ALPHA_LAYER]
    return (
        Stream(colour_sps, [unit for unit in units if unit.layer != _ALPHA_LAYER]),
        Stream(_sps(container, container.alpha_sps, gray), alpha),
    )


def _sps(container: Container, data: bytes, layout: Layout) -> Sps:
    return _implied(MiniSps.from_bytes(data), layout, container.width, container.height)


def _implied(mini: MiniSps, layout: Layout, width: int, height: int) -> Sps:
    """The parameter set that a decoder makes from what the .bpg says."""
    return Sps(
        chroma_format=CHROMAS.index(layout.chroma),
        bit_depth=layout.bit_depth,
        width=mini.coded(width),
        height=mini.coded(height),
        mini=mini,
    )
