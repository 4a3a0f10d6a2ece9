"""HEVC's sequence parameter set: read from an encoder's stream, and made anew for a decoder.

The comments name the fields of H.265 clause 7.3.2.2 that no variable does.
"""

from dataclasses import dataclass

from neurocodec.codecs.streams.bits import BitReader, BitWriter, escape, unescape
from neurocodec.codecs.streams.hevc.mini_sps import Blocks, MiniSps, RangeFlags, SaoAndPcm
from neurocodec.codecs.streams.hevc.nal import SPS, VPS, Nal
from neurocodec.errors import BadInputError

_MAIN, _RANGE_EXTENSIONS = 1, 4
_LEVEL = 255  # 8.5, which sets no limit to the size
_POC_BITS = 8
_ANY_ASPECT_RATIO = 255


@dataclass(frozen=True)
class Sps:
    """What a .bpg has to know of a stream.

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
    """Read a sequence parameter set.

    Raises:
        BadInputError: damaged, or with what a .bpg cannot say.
    """
    reader = BitReader(unescape(unit.data[2:]))
    reader.u(4)  # the video parameter set's id
    sub_layers = reader.u(3)
    reader.u(1)
    _skip_profile(reader, sub_layers)
    _refuse(reader.ue() != 0, "a parameter set of another id than 0")
    chroma_format = reader.ue()
    _refuse(chroma_format > 3, f"chroma format {chroma_format}")
    _refuse(chroma_format == 3 and reader.flag(), "separate colour planes")
    width, height = reader.ue(), reader.ue()
    left, _right, top, _bottom = _window(reader)
    _refuse(left + top > 0, "a picture that does not begin in the corner")
    bit_depth = reader.ue() + 8
    _refuse(reader.ue() + 8 != bit_depth, "luma and chroma of different depths")
    poc_bits = reader.ue() + 4
    _skip_picture_buffer(reader, sub_layers)
    blocks = Blocks.read(reader)
    reader.ue()  # max_transform_hierarchy_depth_inter
    depth_intra = reader.ue()
    _refuse(reader.flag(), "scaling lists")
    reader.u(1)  # amp
    sao_and_pcm = SaoAndPcm.read(reader)
    _skip_references(reader, poc_bits)
    smoothing = reader.flag()
    if reader.flag():
        _skip_vui(reader, sub_layers)
    mini = MiniSps(blocks, depth_intra, sao_and_pcm, smoothing, RangeFlags.read(reader))
    return Sps(chroma_format, bit_depth, width, height, mini)


def parameter_sets(sps: Sps) -> list[Nal]:
    """The VPS and SPS with which any HEVC decoder reads the stream of a .bpg."""
    return [_video_parameter_set(sps), _sequence_parameter_set(sps)]


def _refuse(found: bool, what: str) -> None:
    if found:
        raise BadInputError(f"its HEVC stream has {what}, which a .bpg cannot have")


def _skip_profile(reader: BitReader, sub_layers: int) -> None:
    reader.u(88)  # profile and constraints
    reader.u(8)  # level
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers)]
    if sub_layers:
        reader.u(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        reader.u(88 * has_profile + 8 * has_level)


def _window(reader: BitReader) -> tuple[int, int, int, int]:
    if not reader.flag():
        return 0, 0, 0, 0
    return reader.ue(), reader.ue(), reader.ue(), reader.ue()


def _skip_picture_buffer(reader: BitReader, sub_layers: int) -> None:
    for _ in range(sub_layers + 1 if reader.flag() else 1):
        for _ in range(3):
            reader.ue()


def _skip_references(reader: BitReader, poc_bits: int) -> None:
    for index in range(reader.ue()):
        _refuse(index > 0 and reader.flag(), "a predicted set of references")
        for _ in range(reader.ue() + reader.ue()):
            reader.ue()
            reader.u(1)
    if reader.flag():
        reader.u(reader.ue() * (poc_bits + 1))
    reader.u(1)  # temporal_mvp


def _skip_vui(reader: BitReader, sub_layers: int) -> None:
    """Pass vui_parameters (clause E.2.1)."""
    if reader.flag() and reader.u(8) == _ANY_ASPECT_RATIO:
        reader.u(32)
    if reader.flag():  # overscan
        reader.u(1)
    if reader.flag():  # video signal type
        reader.u(4)
        if reader.flag():
            reader.u(24)
    if reader.flag():  # chroma siting
        reader.ue(), reader.ue()
    reader.u(3)
    _window(reader)  # of the default display
    if reader.flag():  # timing
        reader.u(64)
        if reader.flag():
            reader.ue()
        _refuse(reader.flag(), "parameters of a hypothetical decoder")
    if reader.flag():  # bitstream restriction
        reader.u(3)
        for _ in range(5):
            reader.ue()


def _video_parameter_set(sps: Sps) -> Nal:
    writer = BitWriter()
    writer.u(16, 0b0000_1_1_000000_000_1)  # id 0, the only layer, one sub-layer
    writer.u(16, 0xFFFF)
    _write_profile(writer, sps)
    _write_picture_buffer(writer)
    writer.u(6, 0)  # the highest layer
    writer.ue(0)  # further layer sets
    writer.u(2, 0)  # timing, extension
    return _unit(VPS, writer)


def _sequence_parameter_set(sps: Sps) -> Nal:
    writer = BitWriter()
    writer.u(8, 0b0000_000_1)
    _write_profile(writer, sps)
    writer.ue(0)
    writer.ue(sps.chroma_format)
    if sps.chroma_format == 3:
        writer.u(1, 0)  # separate_colour_plane
    writer.ue(sps.width)
    writer.ue(sps.height)
    writer.u(1, 0)  # conformance window
    writer.ue(sps.bit_depth - 8)
    writer.ue(sps.bit_depth - 8)
    writer.ue(_POC_BITS - 4)
    _write_picture_buffer(writer)
    sps.mini.blocks.write(writer)
    writer.ue(sps.mini.transform_depth_intra)  # of inter blocks; there are none
    writer.ue(sps.mini.transform_depth_intra)
    writer.u(2, 0b01)  # scaling lists, amp
    sps.mini.sao_and_pcm.write(writer)
    writer.ue(0)  # short-term reference sets
    writer.u(2, 0b01)  # long-term references, temporal_mvp
    writer.u(1, sps.mini.strong_intra_smoothing)
    writer.u(1, 0)  # vui
    sps.mini.range_flags.write(writer)
    return _unit(SPS, writer)


def _write_profile(writer: BitWriter, sps: Sps) -> None:
    plain = sps.chroma_format == 1 and sps.bit_depth == 8 and not sps.mini.range_flags.flags
    profile = _MAIN if plain else _RANGE_EXTENSIONS
    writer.u(8, profile)
    writer.u(32, 1 << (31 - profile))
    writer.u(48, 0b1001 << 44)  # progressive frames; no constraint is promised
    writer.u(8, _LEVEL)


def _write_picture_buffer(writer: BitWriter) -> None:
    writer.u(1, 1)
    for _ in range(3):
        writer.ue(0)


def _unit(kind: int, writer: BitWriter) -> Nal:
    return Nal(bytes((kind << 1, 1)) + escape(writer.with_stop_bit()))
