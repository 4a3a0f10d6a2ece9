"""The few fields of HEVC's sequence parameter set that a .bpg keeps.

A full set has the same groups of fields in the same order, with others between them: so the
groups are read and written here for both.
"""

from dataclasses import dataclass

from neurocodec.codecs.streams.bits import BitReader, BitWriter
from neurocodec.errors import BadInputError

_RANGE_FLAGS = 9
_IMPLICIT_RDPCM = 2
_FORBIDDEN_RANGE_FLAGS = {
    3: "explicit_rdpcm",
    4: "extended_precision",
    6: "high_precision_offsets",
    8: "cabac_bypass_alignment",
}
_LARGEST_LOG2_BLOCK = 6


@dataclass(frozen=True)
class Blocks:
    """The sizes of coding and transform blocks."""

    log2_min_coding: int
    log2_diff_coding: int
    log2_min_transform: int
    log2_diff_transform: int

    @classmethod
    def read(cls, reader: BitReader) -> "Blocks":
        """The group at the reader's place.

        Raises:
            BadInputError: larger than HEVC's 64×64.
        """
        blocks = cls(reader.ue() + 3, reader.ue(), reader.ue() + 2, reader.ue())
        if blocks.log2_min_coding + blocks.log2_diff_coding > _LARGEST_LOG2_BLOCK:
            raise BadInputError("its HEVC stream has blocks over 64×64: get the file again")
        return blocks

    def write(self, writer: BitWriter) -> None:
        """The mirror of `read`."""
        writer.ue(self.log2_min_coding - 3)
        writer.ue(self.log2_diff_coding)
        writer.ue(self.log2_min_transform - 2)
        writer.ue(self.log2_diff_transform)


@dataclass(frozen=True)
class SaoAndPcm:
    """sample_adaptive_offset_enabled_flag, and the fields of PCM blocks where there are any."""

    sao: bool
    pcm: tuple[int, int, int, int, bool] | None

    @classmethod
    def read(cls, reader: BitReader) -> "SaoAndPcm":
        """The group at the reader's place."""
        sao, has_pcm = reader.flag(), reader.flag()
        if not has_pcm:
            return cls(sao, None)
        return cls(sao, (reader.u(4), reader.u(4), reader.ue(), reader.ue(), reader.flag()))

    def write(self, writer: BitWriter) -> None:
        """The mirror of `read`."""
        writer.u(1, self.sao)
        writer.u(1, self.pcm is not None)
        if self.pcm is not None:
            depth_luma, depth_chroma, log2_min, log2_diff, unfiltered = self.pcm
            writer.u(4, depth_luma)
            writer.u(4, depth_chroma)
            writer.ue(log2_min)
            writer.ue(log2_diff)
            writer.u(1, unfiltered)


@dataclass(frozen=True)
class RangeFlags:
    """The nine flags of sps_range_extension; empty without the extension."""

    flags: tuple[bool, ...] = ()

    @classmethod
    def read(cls, reader: BitReader) -> "RangeFlags":
        """The group at the reader's place, from sps_extension_present_flag on.

        Raises:
            BadInputError: an extension or a flag that a .bpg cannot have.
        """
        if not reader.flag():
            return cls()
        present = reader.flag()
        if reader.u(7):
            raise BadInputError("its HEVC stream has an extension that a .bpg cannot have")
        flags = tuple(reader.flag() for _ in range(_RANGE_FLAGS)) if present else ()
        for index, name in _FORBIDDEN_RANGE_FLAGS.items():
            if flags and flags[index]:
                raise BadInputError(f"its HEVC stream has {name}, which a .bpg cannot have")
        return cls(flags)

    def write(self, writer: BitWriter) -> None:
        """The mirror of `read`."""
        writer.u(1, bool(self.flags))
        if self.flags:
            writer.u(8, 0x80)  # the range extension and none of the seven others
            for flag in self.flags:
                writer.u(1, flag)


@dataclass(frozen=True)
class MiniSps:
    """What a .bpg keeps of a sequence parameter set, in the file's order."""

    blocks: Blocks
    transform_depth_intra: int
    sao_and_pcm: SaoAndPcm
    strong_intra_smoothing: bool
    range_flags: RangeFlags

    @classmethod
    def from_bytes(cls, data: bytes) -> "MiniSps":
        """Read it from a .bpg.

        Raises:
            BadInputError: damaged, or with what a .bpg cannot have.
        """
        reader = BitReader(data)
        return cls(
            Blocks.read(reader),
            reader.ue(),
            SaoAndPcm.read(reader),
            reader.flag(),
            RangeFlags.read(reader),
        )

    def to_bytes(self) -> bytes:
        """As a .bpg has it: zero bits to the end of the last byte, no emulation prevention."""
        writer = BitWriter()
        self.blocks.write(writer)
        writer.ue(self.transform_depth_intra)
        self.sao_and_pcm.write(writer)
        writer.u(1, self.strong_intra_smoothing)
        self.range_flags.write(writer)
        return writer.padded()

    def coded(self, length: int) -> int:
        """A side of the coded picture: `length` rounded up to whole coding blocks."""
        block = 1 << self.blocks.log2_min_coding
        return (length + block - 1) // block * block

    @property
    def implicit_rdpcm(self) -> bool:
        """Whether residuals are predicted without saying so, which ffmpeg decodes wrongly."""
        return bool(self.range_flags.flags) and self.range_flags.flags[_IMPLICIT_RDPCM]
