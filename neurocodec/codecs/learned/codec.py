"""The base class of learned codecs: weights by name, one header, checks before any decoding."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from neurocodec import files, weights
from neurocodec.codecs.codec import Codec
from neurocodec.codecs.learned import stream
from neurocodec.codecs.learned.stream import KEY_BYTES, Stream
from neurocodec.codecs.level import Level
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.images import Image

if TYPE_CHECKING:
    from neurocodec.networks.checkpoint import Checkpoint


class LearnedCodec(Codec):
    """A codec whose encoder and decoder are one network.

    A subclass has the class attributes of a codec and those below, `_compress` and `_decompress`.

    Args:
        weights: the name of installed ones or a .safetensors file; without them files of
            installed weights decode, and `default_weights` encode.
        chroma: "444".
        keep_metadata: not possible.

    Attributes:
        magic: 4 bytes with which its files begin.
        network: what its weights hold, a key of `checkpoint.NETWORKS`.
        default_weights: the name of those that encode where none are given; "" for none.
    """

    magic: ClassVar[bytes]
    network: ClassVar[str]
    default_weights: ClassVar[str] = ""
    chromas = ("444",)
    # A header of a few bytes must not ask for tens of GB. Sides are padded: one alone counts too.
    max_side = 1 << 14
    max_pixels = 1 << 24

    def __init__(
        self, weights: str = "", chroma: str | None = None, keep_metadata: bool = False
    ) -> None:
        super().__init__(chroma, keep_metadata)
        self.weights = weights

    @property
    def encoder(self) -> str:
        """The codec's name and its weights' sha256, cut.

        Raises:
            MissingError: no weights, or of another kind.
        """
        return f"{self.name} {self._load(self._coding_weights).sha256[:12]}"

    @property
    def _coding_weights(self) -> str:
        default = self.default_weights
        return self.weights or (default if default in weights.installed() else "")

    def _encode(self, image: Image, value: int) -> bytes:
        checkpoint = self._load(self._coding_weights)
        parts = self._compress(checkpoint, image, value)
        key, level = _key(checkpoint.sha256), Level(self.unit, value)
        coded = Stream(key, image.width, image.height, level, parts, len(parts))
        return stream.write(self.magic, coded)

    def decode(self, data: bytes) -> Image:
        """Decode a file; its checksum, its size and its weights are checked before.

        Raises:
            BadInputError: not such a file, cut, damaged, or of more pixels than the codec takes.
            MissingError: its weights are not installed.
        """
        return self._decompress(*self._opened(data))

    def _opened(self, data: bytes) -> tuple["Checkpoint", Stream]:
        """The weights and the fields of a file, all checked."""
        coded = self._read(data)
        self._check_parts(coded)
        name = self.weights or _installed(coded.key)
        checkpoint = self._load(name)
        if _key(checkpoint.sha256) != coded.key:
            raise MissingError(f"coded with weights of sha256 {coded.key.hex()}…, not with {name}")
        if coded.level.unit != self.unit or coded.level.value not in self.levels:
            raise BadInputError(f"{self.name} has no {coded.level}: the file is damaged")
        return checkpoint, coded

    def inspect(self, data: bytes) -> dict[str, Any]:
        """Read the header, and of a cut file how many parts are whole.

        Raises:
            BadInputError: not such a file, damaged, or of more pixels than the codec takes.
        """
        coded = self._read(data)
        size = {"width": coded.width, "height": coded.height, "chroma": self.chroma}
        fields = {**size, **coded.level.record(), "weights_sha256": coded.key.hex()}
        there = len(coded.parts)
        return fields if there == coded.count else {**fields, "parts": f"{there} of {coded.count}"}

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Tell whether the file begins with the magic number."""
        return data.startswith(cls.magic)

    def _read(self, data: bytes) -> Stream:
        coded = stream.read(self.magic, data)
        try:
            self.check_size(coded.width, coded.height)
        except UsageError as exc:
            raise BadInputError(f"the file's picture of {exc}") from None
        return coded

    def _load(self, name: str) -> "Checkpoint":
        if not name:
            raise MissingError(f"{self.name} needs weights: write {self.name}:weights=NAME or FILE")
        checkpoint = _loaded(name)
        if checkpoint.kind != self.network:
            kinds = f"a network of kind {checkpoint.kind}, not {self.network}"
            raise MissingError(f"weights {name} hold {kinds}: {self.name} cannot use them")
        return checkpoint

    def _check_parts(self, coded: Stream) -> None:
        """Refuse a file whose parts are not all there."""
        if len(coded.parts) < coded.count:
            raise BadInputError("the file is truncated")

    @abstractmethod
    def _compress(self, checkpoint: "Checkpoint", image: Image, value: int) -> Sequence[bytes]:
        """Code an opaque picture at a level that was checked: the parts of the payload."""

    @abstractmethod
    def _decompress(self, checkpoint: "Checkpoint", coded: Stream) -> Image:
        """Decode the parts of a payload with the weights that coded it."""


def _key(sha256: str) -> bytes:
    return bytes.fromhex(sha256)[:KEY_BYTES]


def _installed(key: bytes) -> str:
    for name, entry in weights.installed().items():
        if _key(entry["sha256"]) == key:
            return name
    raise MissingError(
        f"coded with weights of sha256 {key.hex()}…, which are not installed: add --weights FILE"
    )


@lru_cache(maxsize=2)
def _loaded(name: str) -> "Checkpoint":
    from neurocodec.networks import checkpoint

    return checkpoint.load(weights.read(name), files.display(name))
