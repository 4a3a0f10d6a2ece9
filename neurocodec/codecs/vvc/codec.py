"""VVC stills (H.266): one intra picture as a bare .266 stream.

Pictures are coded as 10-bit 4:2:0 in the BT.601 matrix and full range, which the stream says.
"""

from typing import Any

from neurocodec.codecs import libav
from neurocodec.codecs.codec import Codec, check_setting
from neurocodec.codecs.planes.colour import to_pixels, to_planes
from neurocodec.codecs.planes.layout import Layout, Plane, cropped, padded
from neurocodec.codecs.programs import ffmpeg, vvdecapp, vvencapp
from neurocodec.codecs.streams.h266 import nal
from neurocodec.codecs.streams.h266.sps import Sps
from neurocodec.codecs.vvc import still
from neurocodec.errors import BadInputError, ToolError
from neurocodec.images import Image
from neurocodec.tools import find, lookup

_PRESETS = ("faster", "fast", "medium", "slow", "slower")
_ENGINES = ("auto", "vvencapp", "vvenc")
_LAYOUT = Layout("420", bit_depth=10)
_SIDE_STEP = 8
_MIN_SIDE = 16
_MAX_BIT_DEPTH = 14

# By their number in H.273: what `inspect` calls them, and their color space in a Layout. An
# unspecified one is taken for BT.601, as ffmpeg does.
_MATRICES = {
    0: ("rgb", "rgb"),
    1: ("bt709", "ycbcr_bt709"),
    2: ("unspecified", "ycbcr"),
    5: ("bt601", "ycbcr"),
    6: ("bt601", "ycbcr"),
    8: ("ycgco", "ycgco"),
    9: ("bt2020", "ycbcr_bt2020"),
}
# Between two luma samples across. Where nothing is said chroma counts as sited on the left one.
_CENTRED = {1, 3, 5}


class Vvc(Codec):
    """.266 files; level is what vvencapp calls QP.

    The slice QP is 3 less, for an encoder of video gives intra pictures more. Without alpha.
    The bundled encoder and vvencapp give the same bytes up to some 8 bits a pixel.

    Args:
        chroma: "420".
        preset: "faster" to "slower", vvenc's.
        engine: "vvencapp", "vvenc" (all in what is bundled), or "auto": vvencapp where it is
            found, else the bundled one.
        keep_metadata: not possible.

    Raises:
        UsageError: a setting out of its range.
        MissingError: the engine is not installed.
    """

    name = "vvc"
    extension = ".266"
    unit = "qp"
    levels = range(63, -1, -1)
    chromas = ("420",)
    max_side = 25_328  # of the highest level, 6.3: decoders take no more
    tools = (vvencapp.VVENCAPP, vvdecapp.VVDECAPP, vvdecapp.VTM, ffmpeg.FFMPEG)

    def __init__(
        self,
        chroma: str | None = None,
        preset: str = "fast",
        engine: str = "auto",
        keep_metadata: bool = False,
    ) -> None:
        super().__init__(chroma, keep_metadata)
        check_setting(self.name, "preset", preset, _PRESETS)
        check_setting(self.name, "engine", engine, _ENGINES)
        self._preset = preset
        search = {"vvencapp": find, "auto": lookup}.get(engine)
        self._vvencapp = search(vvencapp.VVENCAPP) if search else None
        self._bundled = engine == "vvenc"

    @property
    def encoder(self) -> str:
        """Name and version: "vvencapp 1.13.1" or "libvvenc (ffmpeg 7.1)"."""
        if self._vvencapp:
            return f"vvencapp {self._vvencapp.version}"
        return f"libvvenc (ffmpeg {find(ffmpeg.FFMPEG).version})"

    def _encode(self, image: Image, value: int) -> bytes:
        # Gray pictures have chroma planes too, of one value.
        planes = to_planes(image.pixels, _LAYOUT)
        sides = (max(_MIN_SIDE, -(-side // _SIDE_STEP) * _SIDE_STEP) for side in planes[0].shape)
        planes = padded(planes, _LAYOUT, *sides)
        if self._vvencapp:
            stream = vvencapp.encode(self._vvencapp, planes, value, self._preset)
        else:
            stream = ffmpeg.encode_vvc(planes, value, self._preset)
        try:
            return still.write(stream, image.width, image.height)
        except BadInputError as exc:
            raise ToolError(f"{self.encoder} gave an unusable stream: {exc}") from exc

    def decode(self, data: bytes) -> Image:
        """Decode a stream of any chroma and depth that the decoder has.

        A stream that says nothing of colour is taken for BT.601 of limited range, as ffmpeg does.

        Raises:
            BadInputError: not a .266, damaged, cut, too large, animated, or in a colour space
                that is not known here.
        """
        header = still.read(data)
        layout = _layout(header.sps)
        planes = self._decoded(data, layout, header)
        pixels = to_pixels(cropped(planes, layout, *header.size[::-1]), layout)
        return Image(pixels, gray=layout.chroma == "gray")

    def _decoded(self, data: bytes, layout: Layout, header: still.Still) -> list[Plane]:
        """The planes that are shown, by vvdecapp or VTM where found, else in this process."""
        program = None if self._bundled else lookup(vvdecapp.VVDECAPP) or lookup(vvdecapp.VTM)
        if program:
            return vvdecapp.decode(program, data, layout, header.shown)
        planes = libav.decode("vvc", data, may_be_cut=not header.closed).planes
        width, height = header.shown
        wanted = layout.plane_shapes(height, width)
        if [plane.shape for plane in planes] != wanted or planes[0].dtype != layout.dtype:
            raise BadInputError("the .266 is damaged: its planes are not what its headers say")
        return planes

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Size, the size that others show, chroma, depth and colour.

        Raises:
            BadInputError: not a .266, damaged in its headers, cut, too large, or animated.
        """
        header = still.read(data)
        colour = header.sps.colour
        return {
            "width": header.size[0],
            "height": header.size[1],
            "shown_width": header.shown[0],
            "shown_height": header.shown[1],
            "chroma": header.sps.chroma,
            "bit_depth": header.sps.bit_depth,
            "matrix": _MATRICES.get(colour.matrix, (str(colour.matrix), None))[0],
            "range": "full" if colour.full_range else "limited",
        }

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins with a NAL unit of H.266, which none of H.265 or H.264 is."""
        return nal.recognises(data)


def _layout(sps: Sps) -> Layout:
    """The layout of the stream's planes.

    Raises:
        BadInputError: in a colour space or of a depth that is not known here.
    """
    if sps.bit_depth > _MAX_BIT_DEPTH:
        raise BadInputError(
            f"the .266 has {sps.bit_depth} bits a sample, of which {_MAX_BIT_DEPTH} can be read: "
            "convert it with VTM"
        )
    colour = sps.colour
    _, color_space = _MATRICES.get(colour.matrix, (None, None))
    if color_space is None or (color_space == "rgb" and sps.chroma in {"420", "422"}):
        raise BadInputError(
            f"the .266 has colour matrix {colour.matrix} and chroma {sps.chroma}, which is not "
            "known here: convert it with ffmpeg"
        )
    return Layout(
        "gray" if sps.chroma == "400" else sps.chroma,
        sps.bit_depth,
        color_space,
        limited_range=not colour.full_range,
        left=colour.chroma_siting not in _CENTRED,
    )
