"""The base class of all codecs, and the table of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from neurocodec import files, registry
from neurocodec.codecs.level import Level, label
from neurocodec.errors import BadInputError, UsageError
from neurocodec.images import Image
from neurocodec.tools import Tool

HEAD_BYTES = 4096

CODECS = {
    "bpg": "neurocodec.codecs.bpg:Bpg",
    "jpeg": "neurocodec.codecs.jpeg:Jpeg",
    "jpeg2000": "neurocodec.codecs.jpeg2000:Jpeg2000",
    "vvc": "neurocodec.codecs.vvc:Vvc",
    "webp": "neurocodec.codecs.by_pillow.webp:Webp",
    "avif": "neurocodec.codecs.by_pillow.avif:Avif",
    "jxl": "neurocodec.codecs.by_pillow.jxl:Jxl",
    "heic": "neurocodec.codecs.by_pillow.heic:Heic",
}
LEARNED = {
    "dic": "neurocodec.codecs.learned.dic:DicCodec",
    "mbt2018": "neurocodec.codecs.learned.mbt2018:Mbt2018",
    "spic": "neurocodec.codecs.learned.spic:SpicCodec",
}
_ALL = CODECS | LEARNED

Logits = npt.NDArray[np.float32]


class Codec(ABC):
    """A codec with all its settings but the level, which each call gives.

    A codec is one subclass: the class attributes, `_encode`, `decode`, `inspect`, `recognises`
    and `encoder`. What any codec has to check is checked here.

    Args:
        chroma: one of `chromas`; None for the first of them.
        keep_metadata: EXIF, ICC and XMP go into the file.

    Attributes:
        name: its key in CODECS, the standard ones, or in LEARNED.
        extension: of its files, with the dot.
        unit: the unit of its level, one of `level.UNITS`.
        levels: every level that it takes, from fewest to most bits.
        default_level: the one where none is given; None where one must be.
        chromas: the chroma subsamplings it can write, its default first: "420", "444".
        carries_alpha: a picture's alpha survives.
        carries_metadata: `keep_metadata` is possible.
        max_side: the longest side of a picture, in pixels; None without a limit.
        max_pixels: the largest width·height; None without a limit.
        tools: the external programs that it uses where they are found.
        chroma: the chroma subsampling in force.
        classifies: its files tell their classes without pixels.
        predicts: in measurements `classify` stands for the recogniser.
        lossless: every sample comes back as it was, whatever the level.

    Raises:
        UsageError: a setting that the codec does not have.
    """

    name: ClassVar[str]
    extension: ClassVar[str]
    unit: ClassVar[str]
    levels: ClassVar[Sequence[int]]
    default_level: ClassVar[int | None] = None
    chromas: ClassVar[Sequence[str]]
    carries_alpha: ClassVar[bool] = False
    carries_metadata: ClassVar[bool] = False
    max_side: ClassVar[int | None] = None
    max_pixels: ClassVar[int | None] = None
    tools: ClassVar[Sequence[Tool]] = ()
    classifies: ClassVar[bool] = False
    predicts: bool = False
    lossless: bool = False

    def __init__(self, chroma: str | None = None, keep_metadata: bool = False) -> None:
        self.chroma = self.chromas[0] if chroma is None else chroma
        self.keep_metadata = keep_metadata
        check_setting(self.name, "chroma", self.chroma, self.chromas)
        if keep_metadata and not self.carries_metadata:
            raise UsageError(f"{self.name} cannot carry metadata: leave out --keep-metadata")

    @property
    @abstractmethod
    def encoder(self) -> str:
        """Name and version of the program or library that encodes."""

    def encoder_for(self, image: Image) -> str:
        """Name and version of what encodes this picture, where that depends on the picture."""
        return self.encoder

    def encode(self, image: Image, level: Level) -> bytes:
        """Encode a picture: the same bytes for the same picture, settings and encoder.

        Raises:
            UsageError: not a level of this codec, or a picture that it cannot carry.
            MissingError: the encoder is not installed.
            ToolError: the encoder failed.
        """
        self.check_level(level)
        self._check_picture(image)
        return self._encode(image, level.value)

    def check_level(self, level: Level) -> None:
        """Refuse a level that this codec does not have.

        Raises:
            UsageError: of another unit, or out of range.
        """
        if level.unit != self.unit:
            raise UsageError(f"{self.name} has no {label(level.unit)}: give --{self.unit} N")
        if level.value not in self.levels:
            lowest, highest = min(self.levels), max(self.levels)
            what = f"{self.name}'s {label(self.unit)}"
            raise UsageError(f"{what} goes from {lowest} to {highest}, not {level.value}")

    def _check_picture(self, image: Image) -> None:
        if image.alpha is not None and not self.carries_alpha:
            raise UsageError(
                f"the picture has alpha, which {self.name} cannot carry: add --flatten COLOUR"
            )
        self.check_size(image.width, image.height)

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture that is too large for the format or its encoder.

        Raises:
            UsageError: it is.
        """
        size = f"{width}×{height} is too large for {self.name}"
        if self.max_side is not None and max(width, height) > self.max_side:
            raise UsageError(f"{size}: {self.max_side} a side is most, see --filter scale")
        if self.max_pixels is not None and width * height > self.max_pixels:
            raise UsageError(f"{size}: {self.max_pixels} pixels are most, see --filter scale")

    def _metadata(self, image: Image) -> dict[str, bytes]:
        if not self.keep_metadata:
            return {}
        # A profile is of three components: it does not fit a file that has one.
        return {k: v for k, v in image.metadata.items() if not (image.gray and k == "icc")}

    @abstractmethod
    def _encode(self, image: Image, value: int) -> bytes:
        """Encode a picture that was checked, at a level that was checked."""

    @abstractmethod
    def decode(self, data: bytes) -> Image:
        """Decode a file of this format, whichever encoder wrote it.

        Raises:
            BadInputError: not a stream of this format, damaged, or beyond the decoder.
        """

    def classify(self, data: bytes) -> Logits:
        """The logits of a file's classes, (classes,), without its pixels, where the codec can.

        Raises:
            UsageError: the codec's files tell no classes.
        """
        raise UsageError(f"files of {self.name} tell no classes: name a recogniser")

    @abstractmethod
    def inspect(self, data: bytes) -> dict[str, Any]:
        """Read a file's header: plain values under snake_case names.

        Always "width", "height" and "chroma"; "slice_qp", "qp" or "quality" where the stream tells.

        Raises:
            BadInputError: not a stream of this format, or its header is damaged.
        """

    @classmethod
    @abstractmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether `data`, a file or its first HEAD_BYTES, begins as this format does."""


def check_setting(codec_name: str, what: str, value: Any, known: Sequence[Any]) -> None:
    """Refuse a setting's value that is not among the known ones.

    Raises:
        UsageError: it is not; the message lists them.
    """
    if value not in known:
        span = f"{known[0]} to {known[-1]}"
        names = span if isinstance(known, range) else ", ".join(map(str, known))
        raise UsageError(f"{codec_name} has {what} {names}, not {value}")


def create(spec: str, **context: Any) -> Codec:
    """Create the codec that "name:key=value" describes.

    Args:
        spec: the name, and settings by the names of the constructor's parameters.
        context: more settings, for constructors that take them; None and False say nothing.

    Raises:
        UsageError: unknown name or setting, a setting twice, or one out of its range.
    """
    present = {key: value for key, value in context.items() if value not in (None, False)}
    for key in registry.parse(spec)[1]:
        if key in present:
            raise UsageError(f"{key} is given twice: leave out one")
    codec: Codec = registry.create(_ALL, spec, "codec", **present)
    return codec


def load(name: str) -> type[Codec]:
    """Load a codec's class by its name.

    Raises:
        UsageError: unknown name.
    """
    return registry.load(_ALL, name, "codec")


def has_coded_name(path: Path) -> bool:
    """Tell whether the file's name ends as those of a codec."""
    return path.suffix.lower() in {load(name).extension for name in _ALL}


def is_coded(path: Path) -> bool:
    """Tell whether the file begins as one of a codec's does."""
    return is_coded_head(files.head(path, HEAD_BYTES))


def is_coded_head(data: bytes) -> bool:
    """Tell whether a file's first HEAD_BYTES, or more, are those of a codec's."""
    return _format(data) is not None


def recognise(data: bytes, name: str, **context: Any) -> Codec:
    """Create the codec whose format `data` is in, by its first bytes.

    Raises:
        BadInputError: no codec's format.
    """
    if not data:
        raise BadInputError(f"{name}: the file is empty")
    codec_name = _format(data)
    if codec_name is None:
        raise BadInputError(f"{name}: not a file of {', '.join(_ALL)}")
    return create(codec_name, **context)


def _format(data: bytes) -> str | None:
    return next((name for name in _ALL if load(name).recognises(data)), None)
