"""One picture, one setting: the whole product. Read this first.

Image ─ filter(image, qp) ─ codec.encode ─ bytes ─ codec.decode ─ Image
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from neurocodec import codecs, filters, images, weights
from neurocodec.codecs import Codec, qp_tables
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.measures.rate import bpp

AUTO = "auto"
BPG_QPS = range(52)


@dataclass(frozen=True)
class Setting:
    """All that decides the bytes, in plain values: cheap to send to a worker, easy to record.

    Attributes:
        codec: "name:key=value".
        qp: the codec's own QP; for a codec that has none, the BPG QP of equal mean bpp.
        quality: the codec's own quality. One of the two is given, the other None.
        chroma: one of the codec's; None is the codec's default.
        filter: "name:key=value", or "auto" for the trained filter of the codec.
        flatten: colour under a transparent picture, or None to keep its alpha.
        keep_metadata: whether EXIF, ICC and XMP travel along.
        device: "cpu", "cuda" or "auto".
        in_process: encode without starting a program, where the codec can, to the same bytes.
    """

    codec: str
    qp: int | None = None
    quality: int | None = None
    chroma: str | None = None
    filter: str = "none"
    flatten: str | None = None
    keep_metadata: bool = False
    device: str = "cpu"
    in_process: bool = False


@dataclass(frozen=True)
class Encoded:
    """A coded picture and what it cost.

    Attributes:
        data: the whole file.
        width: of the original, in pixels, as is height.
        coded_width: of what was coded, as is coded_height: a filter may scale.
        encode_s: seconds, the filter's included.
    """

    data: bytes
    width: int
    height: int
    coded_width: int
    coded_height: int
    encode_s: float

    @property
    def bpp(self) -> float:
        """Bits per pixel of the original picture."""
        return bpp(len(self.data), self.width, self.height)

    @cached_property
    def sha256(self) -> str:
        """Of the whole file, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


class Pipeline:
    """A setting made ready to run, on as many pictures as one likes.

    Raises:
        UsageError: the setting names what is not known or out of range.
        MissingError: a tool or a weight that it needs is not there.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        given = {"chroma": setting.chroma, "keep_metadata": setting.keep_metadata}
        given |= {"in_process": setting.in_process}
        self.codec = codecs.create(
            setting.codec, **{key: value for key, value in given.items() if value is not None}
        )
        self.encoder = self.codec.encoder
        self.level = _level(self.codec, setting)
        self.pre = _resolved(setting.filter, self.codec)
        self.chosen_filter = filters.create(self.pre, setting.device)
        self.bpg_qp = qp_tables.qp_at_level(self.codec.name, self.level)

    @property
    def saturated(self) -> bool:
        """Whether the codec does not reach BPG's rate at the QP, so that its nearest stands in."""
        qp, by_quality = self.setting.qp, self.codec.unit == "quality"
        return qp is not None and by_quality and qp_tables.qp_saturates(self.codec.name, qp)

    @property
    def unfiltered(self) -> str:
        """Why the filter passes pictures unchanged at this QP; "" where it filters."""
        return filters.unfiltered(self.chosen_filter, self.bpg_qp)

    @property
    def batches(self) -> bool:
        """Whether pictures of one size are better filtered together, in one process."""
        return filters.batches(self.chosen_filter, self.bpg_qp)

    def filter(self, image: Image) -> Image:
        """The picture as the encoder will see it."""
        return self.chosen_filter(self._flattened(image), self.bpg_qp)

    def filter_batch(self, batch: Sequence[Image]) -> list[Image]:
        """Pictures of one size as the encoder will see them, to within one level of `filter`'s."""
        flattened = [self._flattened(image) for image in batch]
        return filters.filter_batch(self.chosen_filter, flattened, self.bpg_qp)

    def _flattened(self, image: Image) -> Image:
        colour = self.setting.flatten
        return image if colour is None else images.flatten(image, colour)

    def encode(self, image: Image) -> Encoded:
        """The coded picture.

        Raises:
            UsageError: it has alpha that the codec cannot carry.
            ToolError: the encoder failed.
        """
        start = time.perf_counter()
        filtered = self.filter(image)
        data = self.codec.encode(filtered, self.level)
        encode_s = time.perf_counter() - start
        sizes = (image.width, image.height, filtered.width, filtered.height)
        return Encoded(data, *sizes, encode_s)


def _level(codec: Codec, setting: Setting) -> int:
    """The codec's own level that the setting asks for."""
    if (setting.qp is None) == (setting.quality is None):
        raise UsageError("give one of --qp N and --quality N")
    if setting.quality is not None and codec.unit == "qp":
        raise UsageError(f"{codec.name} has no quality: give --qp N")
    if setting.quality is not None:
        return _one_of(codec.levels, setting.quality, f"{codec.name}'s quality")
    assert setting.qp is not None
    if codec.unit == "qp":
        return _one_of(codec.levels, setting.qp, f"{codec.name}'s QP")
    return qp_tables.level_at_qp(codec.name, _one_of(BPG_QPS, setting.qp, "the QP"))


def _one_of(levels: Sequence[int], level: int, what: str) -> int:
    if level not in levels:
        raise UsageError(f"{what} goes from {min(levels)} to {max(levels)}, not {level}")
    return level


def _resolved(filter: str, codec: Codec) -> str:
    """What "auto" stands for: the codec's trained filter; "none" without one, or without loss."""
    if filter != AUTO:
        return filter
    return "none" if codec.lossless else weights.automatic().get(codec.name, "none")
