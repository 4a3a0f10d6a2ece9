"""One picture through one setting: the product in a page. Read this first.

Image ─ filter(image, level) ─ codec.encode ─ bytes ─ codec.decode ─ Image
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from neurocodec import codecs, files, filters, images, weights
from neurocodec.codecs import Codec, Level, Logits, qp_tables
from neurocodec.filters import Account, Filter
from neurocodec.images import Image
from neurocodec.measures.rate import bpp

AUTO = "auto"
_NONE = "none"


@dataclass(frozen=True)
class Setting:
    """A codec and a filter in plain values: cheap to send to a worker, easy to record.

    Attributes:
        codec: "name:key=value".
        filter: "name:key=value", or "auto" for the trained filter of the codec.
        chroma: one of the codec's subsamplings; None is the codec's default.
        flatten: colour to lay under a transparent picture, or None to keep its alpha.
        keep_metadata: carry EXIF, ICC and XMP into the file.
        device: "cpu", "cuda" or "auto", for filters that compute on torch.
    """

    codec: str = "bpg"
    filter: str = "none"
    chroma: str | None = None
    flatten: str | None = None
    keep_metadata: bool = False
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class Filtered:
    """A picture as the encoder will see it.

    Attributes:
        image: the filtered picture.
        size: width and height of the original, in pixels.
        filter_s: seconds that filtering took.
        account: what the filter tells of its work.
    """

    image: Image
    size: tuple[int, int]
    filter_s: float
    account: Account = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Encoded:
    """A coded picture and what it cost.

    Attributes:
        data: the file.
        encoder: name and version of what encoded it.
        width: width of the original, in pixels, as is height.
        coded_width: width of the coded picture, as is coded_height: a filter may scale.
        encode_s: seconds that filtering and encoding took.
        account: what the filter tells of its work.
        filter_s: seconds that filtering alone took.
    """

    data: bytes
    encoder: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    encode_s: float
    account: Account = field(default_factory=dict)
    filter_s: float = 0.0

    @property
    def bpp(self) -> float:
        """Bits per pixel of the original picture."""
        return bpp(len(self.data), self.width, self.height)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """A picture as a decoder shows it, and the file between.

    Attributes:
        image: the decoded picture.
        size_bytes: of the file.
        logits: the codec's own, of the picture's classes, where it predicts.
    """

    image: Image
    size_bytes: int
    logits: Logits | None = None


class Pipeline:
    """A setting made ready for any number of pictures and levels.

    The filter is loaded when it is first needed.

    Raises:
        UsageError: the setting names what is not known or out of range.
        MissingError: a tool that it needs is not there.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        context = {"chroma": setting.chroma, "keep_metadata": setting.keep_metadata}
        present = {key: value for key, value in context.items() if value is not None}
        self.codec: Codec = codecs.create(setting.codec, **present)
        self.filter_spec = _resolved(setting.filter, self.codec)
        filters.check(self.filter_spec)

    @cached_property
    def loaded_filter(self) -> Filter:
        """The filter, its network loaded.

        Raises:
            UsageError: it is not known, or its settings are out of range.
            MissingError: its weights are not there.
        """
        return filters.create(self.filter_spec, self.setting.device, self.codec)

    def own_level(self, level: Level) -> Level:
        """The level in the codec's own unit; a QP asked of a quality codec is carried over.

        Raises:
            UsageError: the codec has no such level.
        """
        return qp_tables.own_level(self.codec, level)

    def saturated(self, level: Level) -> bool:
        """True if the codec does not reach BPG's rate at that QP, so that its end stands in."""
        return qp_tables.saturated(self.codec.name, level)

    def identity(self, level: Level) -> str:
        """The reason why the filter passes pictures unchanged at this level; "" if it filters."""
        return self.loaded_filter.identity(self._qp(level))

    def batches(self, level: Level) -> bool:
        """True if pictures of one size are better filtered together, in one process."""
        return self.loaded_filter.batches(self._qp(level))

    def fingerprint(self, level: Level) -> str:
        """A text that is equal for two pipelines only if they make the same file at the level."""
        own = self.own_level(level)
        filtered = self.loaded_filter.fingerprint(self._qp(level))
        setting = self.setting
        rest = (setting.codec, self.codec.chroma, setting.flatten, setting.keep_metadata)
        return repr((rest, filtered, str(own), self.codec.encoder))

    def flattened(self, image: Image) -> Image:
        """The picture over the setting's ground, where it names one."""
        colour = self.setting.flatten
        return image if colour is None else images.flatten(image, colour)

    def filter(self, image: Image, level: Level) -> Image:
        """The picture as the encoder will see it."""
        return self.loaded_filter(self.flattened(image), self._qp(level))

    def filter_batch(self, batch: Sequence[Image], level: Level) -> list[Image]:
        """Pictures of one size as the encoder will see them, to within one level of `filter`'s."""
        flattened = [self.flattened(image) for image in batch]
        return self.loaded_filter.filter_batch(flattened, self._qp(level))

    def encode(self, image: Image, level: Level) -> Encoded:
        """The filtered and coded picture.

        Raises:
            UsageError: the codec has no such level, or cannot carry the picture's alpha.
            ToolError: the encoder failed.
        """
        return self.encode_filtered(self.filtered(image, level), level)

    def filtered(self, image: Image, level: Level) -> Filtered:
        """The picture as the encoder will see it, and what it took."""
        start = time.perf_counter()
        changed, account = self.loaded_filter.with_account(self.flattened(image), self._qp(level))
        size = (image.width, image.height)
        return Filtered(changed, size, time.perf_counter() - start, account)

    def encode_filtered(self, filtered: Filtered, level: Level) -> Encoded:
        """The coded form of a picture that has been through the filter.

        Args:
            filtered: from `filtered`, or made by `filter_batch`.
            level: in any unit that the codec takes.

        Raises:
            UsageError: as from `encode`.
            ToolError: the encoder failed.
        """
        start = time.perf_counter()
        image = filtered.image
        data = self.codec.encode(image, self.own_level(level))
        encode_s = filtered.filter_s + time.perf_counter() - start
        coded_size = (image.width, image.height)
        encoder = self.codec.encoder_for(image)
        sizes = (*filtered.size, *coded_size)
        return Encoded(data, encoder, *sizes, encode_s, filtered.account, filtered.filter_s)

    def round_trip(self, image: Image, level: Level, coded: bytes | None = None) -> RoundTrip:
        """The picture after filter, encoder and decoder.

        Args:
            image: the original.
            level: in any unit that the codec takes.
            coded: what `encode` made of it before, to be decoded without encoding anew.

        Raises:
            UsageError: the codec has no such level, or cannot carry the picture's alpha.
            ToolError: the encoder failed.
        """
        data = self.encode(image, level).data if coded is None else coded
        logits = self.codec.classify(data) if self.codec.predicts else None
        return RoundTrip(self.codec.decode(data), len(data), logits)

    def _qp(self, level: Level) -> float:
        """The QP that the filter is told; of no meaning for none."""
        own_level = self.own_level(level)
        if self.filter_spec == _NONE:
            return 0.0
        return qp_tables.bpg_qp(self.codec.name, own_level)


@lru_cache(maxsize=32)
def prepared(setting: Setting) -> Pipeline:
    """The pipeline of a setting, made once for all that this process does under it."""
    return Pipeline(setting)


def read(source: str) -> Image:
    """The picture in a file, or on standard input for "-".

    Raises:
        BadInputError: it cannot be read, is no picture, or is too large.
    """
    return images.read(files.read(source), files.display(source))


def _resolved(spec: str, codec: Codec) -> str:
    """The filter that "auto" stands for: the codec's trained one; "none" without, or lossless."""
    if spec != AUTO:
        return spec
    return _NONE if codec.lossless else weights.automatic().get(codec.name, _NONE)
