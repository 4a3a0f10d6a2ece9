"""The real codec in the training loop: encoders and decoders in processes of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from neurocodec import codecs
from neurocodec.batch.engines import local as workers
from neurocodec.codecs import Codec, qp_tables
from neurocodec.images import Image, Plane
from neurocodec.measures.rate import bpp

_TIMEOUT_S = 300.0


@dataclass(frozen=True, eq=False)
class Coded:
    """What the codec made of a picture.

    Attributes:
        image: X̂, the decoded picture.
        bpp: R, of the whole file.
    """

    image: Image
    bpp: float


class CodecPool:
    """A codec that codes many pictures at once, while this process does other things.

    A context manager; its processes end with the block.
    """

    def __init__(self, codec: str, *, jobs: int) -> None:
        """Make the pool.

        Args:
            codec: "name:key=value".
            jobs: processes; 0 codes in this process.

        Raises:
            UsageError: there is no such codec.
        """
        self._spec = codec
        self.codec: Codec = codecs.create(codec, in_process=True)
        self._pool = workers.Pool(_code, jobs=jobs, timeout_s=_TIMEOUT_S)

    def __enter__(self) -> "CodecPool":
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.__exit__(*exception)

    def submit(self, images: Sequence[Image], qps: Sequence[int]) -> Callable[[], list[Coded]]:
        """Hand in pictures; calling what this returns waits for what became of them, in order.

        Args:
            images: opaque, of any sizes.
            qps: one a picture, on BPG's scale whatever the codec is.

        Raises:
            ToolError: (from the call) the codec failed on one of them.
        """
        levels = [qp_tables.level_at_qp(self.codec.name, qp) for qp in qps]
        waiting = [
            self._pool.submit((self._spec, image.pixels, level))
            for image, level in zip(images, levels, strict=True)
        ]
        return lambda: [fetch() for fetch in waiting]


def _code(task: tuple[str, Plane, int]) -> Coded:
    spec, pixels, level = task
    codec, image = _codec(spec), Image(pixels)
    data = codec.encode(image, level)
    return Coded(codec.decode(data), bpp(len(data), image.width, image.height))


@lru_cache(maxsize=1)
def _codec(spec: str) -> Codec:
    return codecs.create(spec, in_process=True, trusted=1)
