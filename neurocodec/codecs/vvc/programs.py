"""The programs that code and decode H.266: vvencapp, vvdecapp and VTM where found, else ffmpeg.

Encoders are told alike: constant QP without perceptual adaptation, one thread, 25 pictures a
second (on which the intra period depends, and on that the coding of the picture).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurocodec.codecs import ffmpeg
from neurocodec.codecs.planes.layout import Layout, Plane
from neurocodec.errors import BadInputError, ToolError, ToolTimeoutError
from neurocodec.tools import Program, Tool, run, scratch, time_limit_s

VVENCAPP = Tool(
    name="vvencapp",
    probe=("--version",),
    version_pattern=r"vvencapp version (\S+)",
    install="build it from Fraunhofer's vvenc (without it ffmpeg's libvvenc serves)",
)
VVDECAPP = Tool(
    name="vvdecapp",
    probe=("--version",),
    version_pattern=r"vvdecapp version (\S+)",
    install="build it from Fraunhofer's vvdec (without it ffmpeg's decoder serves)",
)
VTM_DECODER = Tool(
    name="DecoderAppStatic",
    probe=("--help",),
    version_pattern=r"VTM Decoder Version (\S+)",
    install="build it from VTM, the reference software (without it ffmpeg's decoder serves)",
)

# ffmpeg has room for a byte a luma sample in what it takes from libvvenc. That is too little for a
# tiny or a noisy picture at a low QP: such a one is coded so many times as high, cropped as ever.
_GROWTHS = (2, 4, 8)


def encode_by_ffmpeg(planes: Sequence[Plane], qp: int, preset: str) -> bytes:
    """The stream of one picture, by the libvvenc inside ffmpeg.

    Args:
        planes: 10-bit 4:2:0, both sides multiples of 8 and at least 16.
        qp: as vvencapp has it: the slice's is 3 less.
        preset: "faster" to "slower".

    Raises:
        MissingError: no ffmpeg.
        ToolError: it failed.
    """
    options = ["-c:v", "libvvenc", "-preset", preset, "-qp", str(qp), "-qpa", "0", "-threads", "1"]
    growths = iter(_GROWTHS)
    taller = list(planes)
    while True:
        try:
            return ffmpeg.encode(taller, "yuv420p10le", options, "vvc")
        except ToolTimeoutError:
            raise
        except ToolError:
            growth = next(growths, None)
            if growth is None:
                raise
        taller = [_grown(plane, growth) for plane in planes]


def _grown(plane: Plane, growth: int) -> Plane:
    """As many times as high, the last row repeated."""
    return np.pad(plane, ((0, (growth - 1) * plane.shape[0]), (0, 0)), mode="edge")


def encode_by_vvencapp(program: Program, planes: Sequence[Plane], qp: int, preset: str) -> bytes:
    """The stream of one picture, by vvencapp; the same slices as ffmpeg's.

    Args and errors are as with `encode_by_ffmpeg`.
    """
    height, width = planes[0].shape
    with scratch() as folder:
        source, target = folder / "in.yuv", folder / "out.266"
        source.write_bytes(ffmpeg.raw(planes))
        files: list[str | Path] = ["-i", source, "-o", target]
        layout = ["-s", f"{width}x{height}", "-c", "yuv420_10", "-r", "25", "-f", "1"]
        coding = ["--preset", preset, "-q", str(qp), "--qpa", "0", "-t", "1"]
        return run(
            program,
            [*files, *layout, *coding],
            timeout_s=time_limit_s(width * height),
            produces=target,
        )


def decode_by_ffmpeg(
    data: bytes, layout: Layout, width: int, height: int, *, may_be_cut: bool
) -> list[Plane]:
    """The planes of one picture, by ffmpeg's decoder in-process.

    Args:
        data: the stream.
        layout: what its headers say the planes are.
        width: that its headers say is shown.
        height: likewise.
        may_be_cut: only the decoder can tell whether the stream's end is there.

    Raises:
        BadInputError: the decoder complains, or gives other planes than the headers say.
    """
    planes = ffmpeg.decode("vvc", data, may_be_cut=may_be_cut).planes
    wanted = [(shape, np.dtype(layout.dtype)) for shape in _shapes(layout, width, height)]
    if [(plane.shape, plane.dtype) for plane in planes] != wanted:
        raise BadInputError("the .266 is damaged (its planes are not what it says): get it again")
    return planes


def decode_by_program(
    program: Program, data: bytes, layout: Layout, width: int, height: int
) -> list[Plane]:
    """The planes of one picture, by vvdecapp or VTM's decoder.

    The arguments are those of `decode_by_ffmpeg`.

    Raises:
        BadInputError: the decoder complains, or gives other planes than the headers say.
        ToolTimeoutError: it did not end in time.
    """
    own_depth = ["-d", "0"] if program.name == VTM_DECODER.name else []
    with scratch() as folder:
        source, target = folder / "in.266", folder / "out.yuv"
        source.write_bytes(data)
        arguments: list[str | Path] = ["-b", source, "-o", target, *own_depth]
        try:
            written = run(
                program, arguments, timeout_s=time_limit_s(width * height), produces=target
            )
        except ToolTimeoutError:
            raise
        except ToolError as exc:
            raise BadInputError(f"the .266 cannot be decoded: {exc}") from exc
    return _planes(program, written, layout, _shapes(layout, width, height))


def _shapes(layout: Layout, width: int, height: int) -> list[tuple[int, int]]:
    return [layout.plane_shape(index, height, width) for index in range(layout.plane_count)]


def _planes(
    program: Program, written: bytes, layout: Layout, shapes: Sequence[tuple[int, int]]
) -> list[Plane]:
    """Planes out of a raw file: a byte a sample at 8 bits, else two, the low one first."""
    sizes = [rows * columns for rows, columns in shapes]
    samples = np.frombuffer(written, "u1" if layout.bit_depth == 8 else "<u2")
    if len(samples) != sum(sizes):
        raise BadInputError(
            f"{program.name} gave {len(written)} bytes for a picture of {shapes[0]}: the .266 is "
            "damaged, get it again"
        )
    parts = np.split(samples, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
