"""Records of what became of a picture: the fields of `--json`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EncodeRecord:
    """One encoded picture.

    Attributes:
        level: the level as it was given, {"qp": 34}.
        qp: the QP that was given, or None.
        quality: the codec's quality, for codecs that have one.
    """

    input: str
    output: str
    codec: str
    encoder: str
    level: dict[str, int]
    qp: int | None
    quality: int | None
    chroma: str
    pre: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    size_bytes: int
    bpp: float
    sha256: str
    encode_s: float


@dataclass(frozen=True)
class DecodeRecord:
    """One decoded file; `size_bytes` and `bpp` are the coded file's."""

    input: str
    output: str
    codec: str
    width: int
    height: int
    size_bytes: int
    bpp: float
    output_bytes: int


@dataclass(frozen=True)
class FilterRecord:
    """One filtered picture."""

    input: str
    output: str
    pre: str
    width: int
    height: int
