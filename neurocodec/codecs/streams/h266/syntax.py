"""Reading the headers of H.266, element by element under the names of the standard."""

from collections.abc import Iterator
from contextlib import contextmanager

from neurocodec.codecs.streams.bits import BitReader, unescape
from neurocodec.codecs.streams.h266.nal import HEADER_BYTES, Nal

_SIDES = ("left", "right", "top", "bottom")


class Syntax:
    """A header being read, indexed by an element's name in the standard.

    The prefix "sps_" and the ending "_flag" are left off the names. An element that is not there
    counts as 0, as it mostly does there. Every method that reads raises BadInputError where the
    header is cut.

    Attributes:
        values: every element so far, by its name; of one that repeats, the last.
        spans: first bit and the bit after the last of each element, and of the parts named.
    """

    def __init__(self, nal: Nal) -> None:
        self._bits = BitReader(unescape(nal.data)[HEADER_BYTES:])
        self.values: dict[str, int] = {}
        self.spans: dict[str, tuple[int, int]] = {}

    def __getitem__(self, name: str) -> int:
        return self.values.get(name, 0)

    def read(self, elements: str) -> int:
        """Read the next elements and return the last one's value.

        Args:
            elements: their names with a space between; behind a name ".4" stands for 4 bits,
                ".ue" and ".se" for an Exp-Golomb code, and nothing for a flag.
        """
        value = 0
        for element in elements.split():
            name, _, kind = element.partition(".")
            with self.span(name):
                code = {"ue": self._bits.ue, "se": self._bits.se}.get(kind)
                value = self.values[name] = code() if code else self._bits.u(int(kind or 1))
        return value

    def skip(self, bits: int) -> None:
        """Pass over bits that have no bearing here."""
        self._bits.u(bits)

    def align(self) -> None:
        """Pass over the bits to the end of the byte."""
        self._bits.u(-self.position % 8)

    @property
    def position(self) -> int:
        """The number of bits of the payload read so far."""
        return self._bits.position

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Name the part that is read inside the `with`."""
        start = self.position
        yield
        self.spans[name] = start, self.position

    def bits(self, start: int, end: int | None = None) -> str:
        """The bits from `start` up to `end`, or all that are left."""
        return self._bits.bits(start, self._bits.size if end is None else end)

    def read_size(self) -> None:
        """Read the coded size and the conformance window."""
        self.read("pic_width.ue pic_height.ue")
        with self.span("window"):
            if self.read("conformance_window"):
                self.read(" ".join(f"conf_win_{side}_offset.ue" for side in _SIDES))

    @property
    def coded_size(self) -> tuple[int, int]:
        """Width and height in luma samples, with what the conformance window hides."""
        return self["pic_width"], self["pic_height"]

    @property
    def hidden(self) -> tuple[int, int]:
        """Columns and rows outside the conformance window, in chroma samples."""
        left, right, top, bottom = (self[f"conf_win_{side}_offset"] for side in _SIDES)
        return left + right, top + bottom
