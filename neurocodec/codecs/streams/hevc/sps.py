"""HEVC's sequence parameter set: read from an encoder's stream, and made anew for a decoder.

A .bpg keeps a few fields of it, its mini-SPS: the same groups of fields in the same order. The
comments name the fields of H.265 clause 7.3.2.2 that no variable does.
"""

import re
from dataclasses import astuple, dataclass

from neurocodec.codecs.streams.bits import (
    BitReader,
    escape,
    to_bytes,
    ue,
    unescape,
    with_stop_bit,
)
from neurocodec.codecs.streams.hevc.nal import SPS, VPS, Nal
from neurocodec.errors import BadInputError

_MAIN, _RANGE_EXTENSIONS = 1, 4
_LEVEL = 255  # 8.5, which sets no limit to the size
_POC_BITS = 8
_LARGEST_LOG2_BLOCK = 6
_RANGE_FLAGS = 9
_RANGE_FLAGS_AT = 9  # behind a flag and which of eight extensions there are
_IMPLICIT_RDPCM = 2
_FORBIDDEN_RANGE_FLAGS = {
    3: "explicit_rdpcm",
    4: "extended_precision",
    6: "high_precision_offsets",
    8: "cabac_bypass_alignment",
}
# vui_parameters (clause E.2.1) of video range and timing alone.
_USABILITY = re.compile("00(0|1....0)0...0(0|1.{64}00)0")
_BUFFER = "1" + 3 * ue(0)  # of one picture


@dataclass(frozen=True)
class MiniSps:
    """The part of a sequence parameter set that a .bpg keeps: groups of fields, as bits.

    Attributes:
        blocks: the sizes of coding and transform blocks.
        transform_depth_intra: max_transform_hierarchy_depth_intra.
        filters: sample_adaptive_offset_enabled_flag, and the fields of PCM blocks.
        smoothing: strong_intra_smoothing_enabled_flag.
        extension: from sps_extension_present_flag on: the flags of the range extension, or none.
    """

    blocks: str
    transform_depth_intra: str
    filters: str
    smoothing: str
    extension: str

    @classmethod
    def from_bytes(cls, data: bytes) -> "MiniSps":
        """Read it from a .bpg.

        Raises:
            BadInputError: damaged, or with what a .bpg cannot have.
        """
        reader = BitReader(data)
        groups = _blocks(reader), ue(reader.ue()), _filters(reader), f"{reader.u(1)}"
        return cls(*groups, _extension(reader))

    def to_bytes(self) -> bytes:
        """The bytes in a .bpg: zero bits to the end of the last byte, no emulation prevention."""
        return to_bytes("".join(astuple(self)))

    def coded(self, length: int) -> int:
        """A side of the coded picture: `length` rounded up to whole coding blocks."""
        block = 8 << BitReader(to_bytes(self.blocks)).ue()
        return -(-length // block) * block

    @property
    def sao(self) -> bool:
        """sample_adaptive_offset_enabled_flag."""
        return self.filters[0] == "1"

    @property
    def implicit_rdpcm(self) -> bool:
        """True if residuals are predicted implicitly, which ffmpeg decodes wrongly."""
        return self.extension[_RANGE_FLAGS_AT:][_IMPLICIT_RDPCM:][:1] == "1"


@dataclass(frozen=True)
class Sps:
    """The fields of a sequence parameter set that a .bpg has to know.

    Attributes:
        chroma_format: chroma_format_idc, 0 to 3.
        bit_depth: of luma and chroma.
        width: of the coded picture.
        height: of the coded picture.
        mini: the rest.
    """

    chroma_format: int
    bit_depth: int
    width: int
    height: int
    mini: MiniSps


def parse(unit: Nal) -> Sps:
    """Read a sequence parameter set as x265 writes it of one picture.

    Raises:
        BadInputError: damaged, or with what a .bpg or such a set does not have.
    """
    reader = BitReader(unescape(unit.data[2:]))
    reader.u(4)  # the video parameter set's id
    _refuse(reader.u(3) > 0, "sub-layers")
    reader.u(1)
    reader.u(96)  # profile and level
    _refuse(reader.ue() != 0, "a parameter set of another id than 0")
    chroma_format = reader.ue()
    _refuse(chroma_format > 3, f"chroma format {chroma_format}")
    _refuse(chroma_format == 3 and reader.flag(), "separate colour planes")
    width, height = reader.ue(), reader.ue()
    _refuse(reader.flag(), "a conformance window")
    bit_depth = reader.ue() + 8
    _refuse(reader.ue() + 8 != bit_depth, "luma and chroma of different depths")
    reader.ue()  # bits of the picture order count
    reader.u(1)
    reader.ue(), reader.ue(), reader.ue()  # picture buffer
    blocks = _blocks(reader)
    reader.ue()  # max_transform_hierarchy_depth_inter
    depth_intra = ue(reader.ue())
    _refuse(reader.flag(), "scaling lists")
    reader.u(1)  # amp
    filters = _filters(reader)
    _refuse(reader.ue() > 0 or reader.flag(), "sets of references")
    reader.u(1)  # temporal_mvp
    smoothing = f"{reader.u(1)}"
    if reader.flag():
        usability = _USABILITY.match(reader.bits(reader.position, reader.size))
        _refuse(usability is None, "usability information that is not expected")
        reader.u(usability.end() if usability else 0)
    mini = MiniSps(blocks, depth_intra, filters, smoothing, _extension(reader))
    return Sps(chroma_format, bit_depth, width, height, mini)


def parameter_sets(sps: Sps) -> list[Nal]:
    """The VPS and SPS with which any HEVC decoder reads the stream of a .bpg."""
    return [_video_parameter_set(sps), _sequence_parameter_set(sps)]


def _blocks(reader: BitReader) -> str:
    start = reader.position
    log2_min, log2_diff = reader.ue() + 3, reader.ue()
    reader.ue(), reader.ue()  # of transform blocks
    if log2_min + log2_diff > _LARGEST_LOG2_BLOCK:
        raise BadInputError("its HEVC stream has blocks over 64×64")
    return reader.bits(start)


def _filters(reader: BitReader) -> str:
    start = reader.position
    reader.u(1)
    if reader.flag():  # PCM blocks: depths, sizes, whether they are filtered
        reader.u(8)
        reader.ue(), reader.ue()
        reader.u(1)
    return reader.bits(start)


def _extension(reader: BitReader) -> str:
    start = reader.position
    if not reader.flag():
        return "0"
    ranges = reader.flag()
    _refuse(reader.u(7) > 0, "an extension")
    if not ranges:
        return "0"
    flags = f"{reader.u(_RANGE_FLAGS):0{_RANGE_FLAGS}b}"
    for index, name in _FORBIDDEN_RANGE_FLAGS.items():
        _refuse(flags[index] == "1", name)
    return reader.bits(start)


def _refuse(present: bool, what: str) -> None:
    if present:
        raise BadInputError(f"its HEVC stream has {what}, which a .bpg cannot have")


def _video_parameter_set(sps: Sps) -> Nal:
    one_layer = "0000110000000001" + 16 * "1"
    return _unit(VPS, one_layer + _profile(sps) + _BUFFER + "000000" + ue(0) + "00")


def _sequence_parameter_set(sps: Sps) -> Nal:
    mini = sps.mini
    separate_planes = "0" if sps.chroma_format == 3 else ""
    depths = 2 * ue(sps.bit_depth - 8)
    depths_of_transforms = 2 * mini.transform_depth_intra  # of inter blocks too; there are none
    window, lists, amp, usability = "0", "0", "1", "0"
    references = ue(0) + "0" + "1"  # no sets, no long-term ones, temporal_mvp
    return _unit(
        SPS,
        f"00000001{_profile(sps)}{ue(0)}{ue(sps.chroma_format)}{separate_planes}"
        f"{ue(sps.width)}{ue(sps.height)}{window}{depths}{ue(_POC_BITS - 4)}{_BUFFER}"
        f"{mini.blocks}{depths_of_transforms}{lists}{amp}{mini.filters}{references}"
        f"{mini.smoothing}{usability}{mini.extension}",
    )


def _profile(sps: Sps) -> str:
    plain = sps.chroma_format == 1 and sps.bit_depth == 8 and sps.mini.extension == "0"
    profile = _MAIN if plain else _RANGE_EXTENSIONS
    compatible = f"{1 << (31 - profile):032b}"
    progressive = "1001".ljust(48, "0")  # no constraint is promised
    return f"{profile:08b}{compatible}{progressive}{_LEVEL:08b}"


def _unit(kind: int, bits: str) -> Nal:
    return Nal(bytes((kind << 1, 1)) + escape(with_stop_bit(bits)))
