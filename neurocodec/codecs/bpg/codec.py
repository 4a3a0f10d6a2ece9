"""The codec "bpg": which engine works, and with what settings."""

import logging
from dataclasses import dataclass
from typing import Any

from neurocodec.codecs.bpg import files, x265
from neurocodec.codecs.bpg.container import MAGIC, demux
from neurocodec.codecs.bpg.settings import CHROMAS, QPS, Settings
from neurocodec.codecs.bpg.streams import colour_and_alpha
from neurocodec.codecs.codec import Codec, check_setting
from neurocodec.codecs.programs import bpgdec, bpgenc
from neurocodec.errors import BadInputError, ToolCrashError, ToolError, UsageError
from neurocodec.images import Image
from neurocodec.tools import find, lookup

LOG = logging.getLogger("neurocodec")
_ENGINES = ("auto", "bpgenc", "x265")


@dataclass(eq=False)
class Bpg(Settings, Codec):
    """.bpg files; level is what `bpgenc -q` calls QP. x265 codes with a slice QP 3 lower.

    Attributes:
        engine: "bpgenc" and "bpgdec" of libbpg, or the bundled "x265"; "auto" is bpgenc where it
            is found and works, else x265. Decoding is ffmpeg's in-process, to the same picture as
            bpgdec, unless the engine is bpgenc.
        keep_metadata: EXIF, ICC and XMP go into the file.

    Raises:
        UsageError: a setting that BPG does not have.
    """

    engine: str = "auto"
    keep_metadata: bool = False

    name = "bpg"
    extension = ".bpg"
    unit = "qp"
    levels = QPS[::-1]
    chromas = CHROMAS
    carries_alpha = True
    carries_metadata = True
    max_pixels = 142_606_336  # of x265
    tools = (bpgenc.BPGENC, bpgdec.BPGDEC)

    def __post_init__(self) -> None:
        Codec.__init__(self, self.chroma, self.keep_metadata)
        super().__post_init__()
        check_setting(self.name, "engine", self.engine, _ENGINES)
        self._crashed: set[tuple[int, int]] = set()

    @property
    def encoder(self) -> str:
        """Name and version of the program or library that encodes."""
        return _bpgenc() if self._has_bpgenc() else files.encoder()

    def encoder_for(self, image: Image) -> str:
        """Name and version of what encodes this picture: bpgenc cannot code every size.

        Where only a crash shows that, the answer is right from then on.
        """
        return _bpgenc() if self._is_for_bpgenc(image) else files.encoder()

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture that is too large, or a long one of few lines, which x265 does not take.

        Raises:
            UsageError: it is.
        """
        super().check_size(width, height)
        if min(width, height) <= x265.FEW_LINES and max(width, height) > x265.LONGEST_OF_FEW_LINES:
            raise UsageError(
                f"{width}×{height} is too long for bpg: of {x265.FEW_LINES} lines or fewer "
                f"{x265.LONGEST_OF_FEW_LINES} pixels are most, see --codec jpeg"
            )

    def _has_bpgenc(self) -> bool:
        if self.engine == "auto":
            return lookup(bpgenc.BPGENC) is not None
        return self.engine == "bpgenc"

    def _is_for_bpgenc(self, image: Image) -> bool:
        if self.engine == "bpgenc" or not self._has_bpgenc():
            return self.engine == "bpgenc"
        size = image.width, image.height
        return bpgenc.codes(*size, self.layout(image).bit_depth) and size not in self._crashed

    def _encode(self, image: Image, value: int) -> bytes:
        data = self._by_bpgenc(image, value) if self._is_for_bpgenc(image) else None
        if data is None:
            if self._has_bpgenc():
                LOG.info("%s×%s: x265 codes it, not bpgenc", image.width, image.height)
            data = files.encode(image, value, self)
        return files.with_metadata(demux(data), image.metadata) if self.keep_metadata else data

    def _by_bpgenc(self, image: Image, qp: int) -> bytes | None:
        """Encode with bpgenc; None where it crashes and was not asked for by name."""
        try:
            data = bpgenc.encode(image, qp, self)
        except ToolCrashError as exc:
            if self.engine == "bpgenc":
                raise
            LOG.info("%s", exc)
            self._crashed.add((image.width, image.height))
            return None
        _check_written(data, image)
        return data

    def decode(self, data: bytes) -> Image:
        """Decode a file of any encoder; an animated one is refused."""
        container = demux(data)
        if container.animated:
            raise BadInputError("the .bpg is animated: extract the picture that is meant")
        streams = colour_and_alpha(container)
        reason = files.undecodable(container, streams[0])
        if (reason or self.engine == "bpgenc") and lookup(bpgdec.BPGDEC) is not None:
            decoded = bpgdec.decode(data, container.width * container.height)
            pixels, alpha = decoded.pixels, decoded.alpha
        elif reason is not None:
            raise BadInputError(f"{reason}, which only bpgdec decodes: {bpgdec.BPGDEC.install}")
        else:
            pixels, alpha = files.decode_samples(container, *streams)
        metadata = {k: v for k, v in container.metadata.items() if k in files.METADATA_KINDS}
        return Image(pixels, alpha, container.layout.chroma == "gray", metadata)

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Read the file's header, and the slice QP of the colour where the stream tells it."""
        container = demux(data)
        layout, slice_qp = container.layout, colour_and_alpha(container)[0].slice_qp
        fields: dict[str, Any] = {
            "width": container.width,
            "height": container.height,
            "chroma": layout.chroma,
            "chroma_siting": "left" if layout.left else "centre",
            "bit_depth": layout.bit_depth,
            "color_space": layout.color_space,
            "limited_range": layout.limited_range,
            "alpha": container.alpha,
            "animated": container.animated,
            "metadata_bytes": {kind: len(piece) for kind, piece in container.metadata.items()},
            "picture_bytes": len(container.units),
        }
        return fields if slice_qp is None else {**fields, "slice_qp": slice_qp}

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data` begins as a .bpg does."""
        return data.startswith(MAGIC)


def _bpgenc() -> str:
    return f"bpgenc {find(bpgenc.BPGENC).version}"


def _check_written(data: bytes, image: Image) -> None:
    try:
        container = demux(data)
    except BadInputError as exc:
        raise ToolError(f"bpgenc wrote something else than a .bpg: {exc}") from exc
    if (container.width, container.height) != (image.width, image.height):
        raise ToolError(f"bpgenc wrote {container.width}×{container.height} instead")
