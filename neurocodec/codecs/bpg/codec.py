"""The codec "bpg": which engine works, and with what settings."""

import logging
from dataclasses import dataclass, replace
from typing import Any

from neurocodec.codecs.bpg import files, native
from neurocodec.codecs.bpg.container import MAGIC, Container, demux
from neurocodec.codecs.bpg.settings import CHROMAS, QPS, Settings
from neurocodec.codecs.codec import Codec
from neurocodec.codecs.ffmpeg import FFMPEG
from neurocodec.errors import BadInputError, ToolCrashError, UsageError
from neurocodec.images import Image
from neurocodec.tools import find, lookup

LOG = logging.getLogger("neurocodec")
_ENGINES = ("auto", "bpgenc", "x265")
_SMALLEST_SIDE_OF_BPGENC = 9  # it pads to 8 only, and its x265 takes no less than 16
# Up to these widths bpgenc's x265 reads beyond its planes with AVX2, and may crash.
_CRASHING_WIDTH_8_BITS, _CRASHING_WIDTH_DEEP = 24, 56


@dataclass(eq=False)
class Bpg(Codec):
    """.bpg files; level is what `bpgenc -q` calls QP. x265 codes with a slice QP 3 lower.

    Attributes:
        chroma: "420", "444", "422", or with "_video" sited as in MPEG-2; RGB is always 4:4:4, and
            a gray picture is gray.
        bit_depth: 8, 10 or 12.
        engine: "bpgenc" and "bpgdec" of libbpg, or the bundled "x265"; "auto" is bpgenc where it
            is found and works, else x265. Decoding is ffmpeg's in-process, to the same picture as
            bpgdec, unless the engine is bpgenc.
        color_space: "ycbcr", "rgb", "ycgco", "ycbcr_bt709" or "ycbcr_bt2020".
        limited_range: black to white at 16 to 235.
        lossless: 8-bit RGB without loss.
        alpha_qp: QP of the alpha plane; -1 for the level.
        effort: 1 (fast) to 9 (slow).
        keep_metadata: EXIF, ICC and XMP go into the file.

    Raises:
        UsageError: a setting that BPG does not have.
    """

    chroma: str = "420"
    bit_depth: int = 8
    engine: str = "auto"
    color_space: str = "ycbcr"
    limited_range: bool = False
    lossless: bool = False
    alpha_qp: int = -1
    effort: int = 8
    keep_metadata: bool = False

    name = "bpg"
    extension = ".bpg"
    unit = "qp"
    levels = QPS[::-1]
    chromas = CHROMAS
    carries_alpha = True
    carries_metadata = True
    tools = (native.BPGENC, native.BPGDEC, FFMPEG)

    def __post_init__(self) -> None:
        super().__init__(self.chroma, self.keep_metadata)
        if self.engine not in _ENGINES:
            known = ", ".join(_ENGINES)
            raise UsageError(f"bpg has no engine {self.engine!r}: it is one of {known}")
        self._settings = Settings(
            chroma=self.chroma,
            bit_depth=self.bit_depth,
            color_space=self.color_space,
            limited_range=self.limited_range,
            lossless=self.lossless,
            alpha_qp=None if self.alpha_qp == -1 else self.alpha_qp,
            effort=self.effort,
        )
        if self.lossless or self.color_space == "rgb":
            self.chroma = "444"
        self._crashed: set[tuple[int, int]] = set()

    @property
    def encoder(self) -> str:
        """Name and version of the program or library that encodes."""
        bpgenc = self.engine != "x265" and (self.engine == "bpgenc" or lookup(native.BPGENC))
        return f"bpgenc {find(native.BPGENC).version}" if bpgenc else files.encoder()

    def encoder_for(self, image: Image) -> str:
        """Name and version of what encodes a picture of this size: bpgenc cannot code all.

        Where a crash of bpgenc shows that, the answer is right from then on.
        """
        return self.encoder if self._by_bpgenc(image) else files.encoder()

    def _encode(self, image: Image, value: int) -> bytes:
        data = None
        if self._by_bpgenc(image):
            data = self._try_bpgenc(image, value)
        if data is None:
            data = files.encode(image, value, self._settings)
        return files.with_metadata(data, image.metadata) if self.keep_metadata else data

    def _try_bpgenc(self, image: Image, qp: int) -> bytes | None:
        """Encode with bpgenc; None where it crashes and the engine is not bpgenc by name."""
        try:
            return native.encode(image, qp, self._settings)
        except ToolCrashError as exc:
            if self.engine == "bpgenc":
                raise
            LOG.info("%s; the bundled x265 codes the picture", exc)
            self._crashed.add((image.width, image.height))
            return None

    def _by_bpgenc(self, image: Image) -> bool:
        if self.engine == "bpgenc":
            return True
        if self.engine == "x265" or lookup(native.BPGENC) is None:
            return False
        eight_bits = self._settings.layout(image).bit_depth == 8
        crashing = _CRASHING_WIDTH_8_BITS if eight_bits else _CRASHING_WIDTH_DEEP
        fits = image.width > crashing and image.height >= _SMALLEST_SIDE_OF_BPGENC
        if not fits:
            LOG.info("bpgenc may crash at this size: the bundled x265 codes the picture")
        return fits and (image.width, image.height) not in self._crashed

    def decode(self, data: bytes) -> Image:
        """Decode a file of any encoder; an animated one is refused."""
        container = demux(data)
        if container.animated:
            raise BadInputError("the .bpg is animated: extract the picture that is meant")
        reason = files.undecodable(container)
        if reason is None and self.engine != "bpgenc":
            return files.decode(container)
        if lookup(native.BPGDEC) is not None:
            return _completed(native.decode(data), container)
        if reason is None:
            return files.decode(container)
        raise BadInputError(f"{reason}, which only bpgdec decodes: {native.BPGDEC.install}")

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Read the file's header, and the slice QP."""
        return files.inspect(demux(data))

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins as a .bpg does."""
        return data.startswith(MAGIC)


def _completed(image: Image, container: Container) -> Image:
    """Add what a .png from bpgdec does not say."""
    return replace(
        image, gray=container.layout.chroma == "gray", metadata=files.kept_metadata(container)
    )
