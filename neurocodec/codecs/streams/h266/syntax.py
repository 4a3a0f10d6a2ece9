"""Reading the headers of H.266: each element is kept under the name that the standard gives it."""

from collections.abc import Iterator
from contextlib import contextmanager

from neurocodec.codecs.streams.bits import BitReader, unescape
from neurocodec.codecs.streams.h266.nal import HEADER_BYTES, Nal
from neurocodec.errors import BadInputError


class Syntax:
    """A header being read. An element that is not there counts as 0, as it mostly does there.

    Attributes:
        values: every element so far, by its name; of one that repeats, the last.
        spans: first bit and the bit after the last of the parts that were named.

    Every method that reads raises BadInputError where the header is cut or out of its range.
    """

    def __init__(self, nal: Nal) -> None:
        self._bits = BitReader(unescape(nal.data)[HEADER_BYTES:])
        self.values: dict[str, int] = {}
        self.spans: dict[str, tuple[int, int]] = {}

    def __getitem__(self, name: str) -> int:
        return self.values.get(name, 0)

    def u(self, name: str, bits: int) -> int:
        """The next element, of so many bits."""
        return self._keep(name, self._bits.u(bits))

    def flag(self, name: str) -> int:
        """The next element, of one bit."""
        return self.u(name, 1)

    def flags(self, *names: str) -> None:
        """The next elements, of one bit each."""
        for name in names:
            self.flag(name)

    def ue(self, name: str, most: int = 2**32) -> int:
        """The next element, an unsigned Exp-Golomb code of at most `most`."""
        value = self._bits.ue()
        if value > most:
            raise BadInputError(f"the .266 is damaged ({name} is {value}): get the file again")
        return self._keep(name, value)

    def se(self, name: str) -> int:
        """The next element, a signed Exp-Golomb code."""
        return self._keep(name, self._bits.se())

    def skip(self, bits: int) -> None:
        """Pass over bits that have no bearing here."""
        self._bits.u(bits)

    def align(self) -> None:
        """Pass over the bits to the end of the byte."""
        self._bits.u(-self._bits.position % 8)

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

    def _keep(self, name: str, value: int) -> int:
        self.values[name] = value
        return value
