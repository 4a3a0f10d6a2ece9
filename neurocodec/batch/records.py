"""Records of what became of a picture: the fields of `--json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurocodec.batch.targets import Reached


@dataclass(frozen=True)
class EncodeRecord:
    """One encoded picture.

    Attributes:
        level: the level as it was given, {"qp": 34}, or as a target chose it.
        qp: the QP of `level`, or None.
        quality: the codec's quality, for codecs that have one.
        search: what `--filter search` did: steps, seconds, and bpp, λ·D_m and D_m "before", of the
            unfiltered picture, and "after"; None for other filters.
        target: what came of a target, or None where the level was given.
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
    search: Mapping[str, Any] | None = None
    target: "Reached | None" = None


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
    """One filtered picture; `search` as in EncodeRecord."""

    input: str
    output: str
    pre: str
    width: int
    height: int
    search: Mapping[str, Any] | None = None
