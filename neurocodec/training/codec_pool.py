"""The real codec in the training loop: encoders and decoders in processes of their own."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from neurocodec.batch.engines.local import Local
from neurocodec.codecs import Codec, Level
from neurocodec.images import Image, Plane
from neurocodec.measures.rate import bpp
from neurocodec.pipeline import Setting, prepared

_TIMEOUT_S = 300.0


@dataclass(frozen=True, eq=False)
class Coded:
    """A picture after the codec.

    Attributes:
        image: X̂, the decoded picture.
        bpp: R, bits per pixel of the file.
    """

    image: Image
    bpp: float


class CodecPool:
    """A codec that codes many pictures at once, while this process does other things.

    A context manager; its processes end with the block.

    Args:
        codec: "name:key=value".
        jobs: worker processes; 0 codes in this process.

    Raises:
        UsageError: there is no such codec.
    """

    def __init__(self, codec: str, *, jobs: int) -> None:
        self._setting = Setting(codec)
        self.codec: Codec = prepared(self._setting).codec
        self.jobs = jobs
        self._engine = Local(jobs, _TIMEOUT_S)

    def __enter__(self) -> "CodecPool":
        return self

    def __exit__(self, *exception: object) -> None:
        self._engine.__exit__(*exception)

    def submit(self, images: Sequence[Image], qps: Sequence[int]) -> Callable[[], list[Coded]]:
        """Hand in pictures; calling what this returns waits for the coded ones, in order.

        Args:
            images: opaque, of any sizes.
            qps: one a picture, on BPG's scale whatever the codec is.

        Raises:
            ToolError: (from the call) the codec failed on one of them.
        """
        waiting = [
            self._engine.submit(_code, (self._setting, image.pixels, Level("qp", qp)))
            for image, qp in zip(images, qps, strict=True)
        ]
        return lambda: [fetch() for fetch in waiting]


def coded_in_turn(
    pool: CodecPool, tasks: Iterable[tuple[int, Sequence[Image]]]
) -> Iterator[list[Coded]]:
    """Code the pictures of every (QP, pictures), in order, with a few handed in ahead."""
    waiting: deque[Callable[[], list[Coded]]] = deque()
    for qp, images in tasks:
        waiting.append(pool.submit(images, [qp] * len(images)))
        if len(waiting) > pool.jobs:
            yield waiting.popleft()()
    for fetch in waiting:
        yield fetch()


def _code(task: tuple[Setting, Plane, Level]) -> Coded:
    setting, pixels, level = task
    image = Image(pixels)
    coded = prepared(setting).round_trip(image, level)
    return Coded(coded.image, bpp(coded.size_bytes, image.width, image.height))
