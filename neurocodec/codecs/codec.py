"""What a codec is, and the table of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from neurocodec import files, registry
from neurocodec.errors import BadInputError
from neurocodec.images import Image
from neurocodec.tools import Tool

HEAD_BYTES = 4096

CODECS = {
    "bpg": "neurocodec.codecs.bpg:Bpg",
    "jpeg": "neurocodec.codecs.jpeg:Jpeg",
    "jpeg2000": "neurocodec.codecs.jpeg2000:Jpeg2000",
    "vvc": "neurocodec.codecs.vvc:Vvc",
}
LEARNED = {
    "mbt2018": "neurocodec.codecs.mbt2018:Mbt2018",
}
_ALL = CODECS | LEARNED


class Codec(Protocol):
    """A codec with all its settings but the rate, which each call gives.

    Attributes:
        name: its key in CODECS, the standard ones, or in LEARNED.
        extension: of its files, with the dot.
        unit: what its level is called: "qp" or "quality".
        levels: every level that it takes, from fewest to most bits.
        chromas: the chroma subsamplings it can write, its default first: "420", "444".
        carries_alpha: whether a picture's alpha survives.
        tools: the external programs that it uses where they are found.
    """

    name: ClassVar[str]
    extension: ClassVar[str]
    unit: ClassVar[Literal["qp", "quality"]]
    levels: ClassVar[Sequence[int]]
    chromas: ClassVar[Sequence[str]]
    carries_alpha: ClassVar[bool]
    tools: ClassVar[Sequence[Tool]]

    @property
    def encoder(self) -> str:
        """Name and version of the program or library that encodes."""

    @property
    def lossless(self) -> bool:
        """Whether every sample comes back as it was, whatever the level."""

    def encode(self, image: Image, level: int) -> bytes:
        """The whole file, the same bytes for the same picture, settings and encoder.

        Raises:
            UsageError: `level` is not in `levels`, or the picture has alpha that this codec
                cannot carry.
            ToolError: the encoder failed.
        """

    def decode(self, data: bytes) -> Image:
        """The picture in `data`, by whichever encoder it was written.

        Raises:
            BadInputError: not a stream of this format, damaged, or beyond the decoder.
        """

    def inspect(self, data: bytes) -> dict[str, Any]:
        """What the file's header says, plain values under snake_case names.

        Always "width", "height" and "chroma"; "slice_qp" or "quality" where the stream tells it.

        Raises:
            BadInputError: not a stream of this format, or its header is damaged.
        """

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Whether `data`, a file or its first HEAD_BYTES, begins as this format does."""


def create(spec: str, **context: Any) -> Codec:
    """The codec that "name:key=value" describes; `context` goes to constructors that take it.

    Raises:
        UsageError: unknown name or setting, or a setting out of its range.
    """
    codec: Codec = registry.create(_ALL, spec, "codec", **context)
    return codec


def is_coded(path: Path) -> bool:
    """Whether the file begins as one of a codec's does."""
    return _format(files.head(path, HEAD_BYTES)) is not None


def recognise(data: bytes, name: str, **context: Any) -> Codec:
    """The codec whose format `data` is in, told by its first bytes.

    Raises:
        BadInputError: no codec's format.
    """
    codec_name = _format(data)
    if codec_name is None:
        raise BadInputError(f"{name}: not a file of {', '.join(_ALL)}")
    return create(codec_name, **context)


def _format(data: bytes) -> str | None:
    recognising = (n for n in _ALL if registry.load(_ALL, n, "codec").recognises(data))
    return next(recognising, None)
