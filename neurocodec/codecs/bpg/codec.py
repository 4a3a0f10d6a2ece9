"""The codec "bpg": which engine works, and with what settings."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from neurocodec.codecs.bpg import files, native
from neurocodec.codecs.bpg.container import MAGIC, Container, demux
from neurocodec.codecs.bpg.settings import QPS, Settings
from neurocodec.codecs.ffmpeg import FFMPEG
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from neurocodec.tools import Tool, find, lookup

_ENGINES = ("auto", "bpgenc", "x265", "x265-inprocess")
_SMALLEST_SIDE_OF_BPGENC = 9  # it pads to 8 only, and its x265 takes no less than 16


class Bpg:
    """.bpg files; level is what `bpgenc -q` calls QP. x265 codes with a slice QP 3 lower.

    Args:
        chroma: "420", "444", "422", or with "_video" sited as in MPEG-2; a gray picture is gray.
        bit_depth: 8, 10 or 12.
        engine: "bpgenc" and "bpgdec" of libbpg, the bundled "x265" as a program or
            "x265-inprocess"; "auto" is bpgenc where it is found, else x265. Decoding is ffmpeg's
            in-process, to the same picture as bpgdec, unless the engine is bpgenc.
        color_space: "ycbcr", "rgb", "ycgco", "ycbcr_bt709" or "ycbcr_bt2020".
        limited_range: 1 for black to white at 16 to 235.
        lossless: 1 for 8-bit RGB without loss.
        alpha_qp: of the alpha plane; -1 for the level.
        effort: 1 (fast) to 9 (slow).
        trusted: 1 to decode without looking for damage, in half the time.
        keep_metadata: EXIF, ICC and XMP go into the file.
        in_process: start no program where the bytes are the same without.

    Raises:
        UsageError: a value that there is not.
    """

    name: ClassVar[str] = "bpg"
    extension: ClassVar[str] = ".bpg"
    unit: ClassVar[Literal["qp", "quality"]] = "qp"
    levels: ClassVar[Sequence[int]] = QPS[::-1]
    chromas: ClassVar[Sequence[str]] = ("420", "444", "422")
    carries_alpha: ClassVar[bool] = True
    tools: ClassVar[Sequence[Tool]] = (native.BPGENC, native.BPGDEC, FFMPEG)

    def __init__(
        self,
        chroma: str = "420",
        bit_depth: int = 8,
        engine: str = "auto",
        color_space: str = "ycbcr",
        limited_range: int = 0,
        lossless: int = 0,
        alpha_qp: int = -1,
        effort: int = 8,
        trusted: int = 0,
        keep_metadata: bool = False,
        in_process: bool = False,
    ) -> None:
        if engine not in _ENGINES:
            raise UsageError(f"BPG has no engine {engine!r}: it is one of {', '.join(_ENGINES)}")
        self._settings = Settings(
            chroma=chroma,
            bit_depth=bit_depth,
            color_space=color_space,
            limited_range=bool(limited_range),
            lossless=bool(lossless),
            alpha_qp=None if alpha_qp == -1 else alpha_qp,
            effort=effort,
        )
        self._engine = engine
        self._trusted = bool(trusted)
        self._keep_metadata = keep_metadata
        self._in_process = in_process or engine == "x265-inprocess"

    @property
    def encoder(self) -> str:
        """Name and version of the program or library that encodes."""
        if self._uses_bpgenc():
            return f"bpgenc {find(native.BPGENC).version}"
        if self._in_process:
            from importlib.metadata import version  # 10 ms that a single encoding need not spend

            return f"libx265 (PyAV {version('av')})"
        return f"libx265 (ffmpeg {find(FFMPEG).version})"

    @property
    def lossless(self) -> bool:
        """Whether every sample of an 8-bit RGB picture comes back as it was."""
        return self._settings.lossless

    def encode(self, image: Image, level: int) -> bytes:
        """The whole file."""
        if level not in self.levels:
            raise UsageError(f"BPG has no QP {level}: it is one of 0 to 51")
        fits = (
            self._engine == "bpgenc" or min(image.width, image.height) >= _SMALLEST_SIDE_OF_BPGENC
        )
        if self._uses_bpgenc() and fits:
            data = native.encode(image, level, self._settings)
        else:
            data = files.encode(image, level, self._settings, in_process=self._in_process)
        return files.with_metadata(data, image.metadata) if self._keep_metadata else data

    def decode(self, data: bytes) -> Image:
        """The picture in a file of any encoder; an animated one is refused."""
        container = demux(data)
        if container.animated:
            raise BadInputError("the .bpg is animated: extract the picture that is meant")
        reason = files.undecodable(container)
        if reason is None and self._engine != "bpgenc":
            return files.decode(container, trusted=self._trusted)
        if lookup(native.BPGDEC) is not None:
            return _completed(native.decode(data), container)
        if reason is None:
            return files.decode(container, trusted=self._trusted)
        raise BadInputError(f"{reason}, which only bpgdec decodes: {native.BPGDEC.install}")

    def inspect(self, data: bytes) -> dict[str, Any]:
        """What the file's header says, and the slice QP."""
        return files.inspect(demux(data))

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Whether `data` begins as a .bpg does."""
        return data.startswith(MAGIC)

    def _uses_bpgenc(self) -> bool:
        if self._engine == "auto":
            return lookup(native.BPGENC) is not None
        return self._engine == "bpgenc"


def _completed(image: Image, container: Container) -> Image:
    """What a .png from bpgdec does not say."""
    return replace(
        image, gray=container.layout.chroma == "gray", metadata=files.kept_metadata(container)
    )
