"""mbt2018, the papers' learned comparator: Minnen 2018 as `train-proxy` trains it, real bytes.

A file is a header (magic, sha256 of the weights cut to 16 bytes, width, height, QP, CRC-32 of the
rest) and two range-coded strings, that of the latents y after its length, and that of the
hyper-latents z. The probabilities that the range coder goes by are computed in floating point: a
file is meant to be decoded where it was made, by the same torch, and not to be kept.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from neurocodec import images, weights
from neurocodec.codecs.codec import Codec
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.images import Image

if TYPE_CHECKING:
    from neurocodec.networks.checkpoint import Checkpoint

_MAGIC = b"NCM1"
_HEADER = struct.Struct(">4s16sIIBI")
_LENGTH = struct.Struct(">I")
_STRIDE = 64


class Mbt2018(Codec):
    """Files of a learned codec; level is the QP, on BPG's scale, that its weights take.

    Args:
        weights: the name of installed ones or a .safetensors file that train-proxy wrote; without
            them files of installed weights decode.
        chroma: "444".
        keep_metadata: not possible.
    """

    name = "mbt2018"
    extension = ".mbt"
    unit = "qp"
    levels = range(51, -1, -1)
    chromas = ("444",)

    def __init__(
        self, weights: str = "", chroma: str | None = None, keep_metadata: bool = False
    ) -> None:
        super().__init__(chroma, keep_metadata)
        self._weights = weights

    @property
    def encoder(self) -> str:
        """The weights' sha256, cut.

        Raises:
            MissingError: no weights, or of another kind.
        """
        return f"mbt2018 {_loaded(self._weights).sha256[:12]}"

    def _encode(self, image: Image, value: int) -> bytes:
        found = _loaded(self._weights)
        lowest, highest = found.made["qps"]
        if not lowest <= value <= highest:
            raise UsageError(f"these weights of mbt2018 take QP {lowest} to {highest}, not {value}")
        y, z = _compressed(_at(self._weights, value), image)
        payload = _LENGTH.pack(len(y)) + y + z
        key = bytes.fromhex(found.sha256)[:16]
        crc = zlib.crc32(payload)
        return _HEADER.pack(_MAGIC, key, image.width, image.height, value, crc) + payload

    def decode(self, data: bytes) -> Image:
        """The picture.

        Raises:
            BadInputError: not such a file, or damaged.
            MissingError: its weights are not there.
        """
        key, width, height, level, payload = _parsed(data)
        name = self._weights or _installed(key)
        if bytes.fromhex(_loaded(name).sha256)[:16] != key:
            raise MissingError(f"coded with weights of sha256 {key.hex()}…, not with {name}")
        (length,) = _LENGTH.unpack_from(payload)
        y, z = payload[_LENGTH.size :][:length], payload[_LENGTH.size :][length:]
        return _decompressed(_at(name, level), y, z, width, height)

    def inspect(self, data: bytes) -> dict[str, Any]:
        """What the header says.

        Raises:
            BadInputError: not such a file, or damaged.
        """
        key, width, height, level, _ = _parsed(data)
        known = {"width": width, "height": height, "chroma": "444", "slice_qp": level}
        return known | {"weights_sha256": key.hex()}

    @classmethod
    def recognises(cls, data: bytes) -> bool:
        """Whether the file begins with the magic number."""
        return data.startswith(_MAGIC)


def _parsed(data: bytes) -> tuple[bytes, int, int, int, bytes]:
    """Key, width, height, QP and payload."""
    if len(data) < _HEADER.size + _LENGTH.size or not data.startswith(_MAGIC):
        raise BadInputError("not an mbt2018 file, or cut in its header")
    _, key, width, height, level, crc = _HEADER.unpack_from(data)
    payload = data[_HEADER.size :]
    if zlib.crc32(payload) != crc:
        raise BadInputError("the mbt2018 file is cut or damaged")
    if not 0 < width * height <= images.MAX_PIXELS:
        raise BadInputError(f"the mbt2018 file says {width}×{height} pixels")
    return key, width, height, level, payload


def _installed(key: bytes) -> str:
    for name, entry in weights.installed().items():
        if bytes.fromhex(entry["sha256"])[:16] == key:
            return name
    raise MissingError(f"coded with weights of sha256 {key.hex()}…, which are not installed")


@lru_cache(maxsize=2)
def _loaded(name: str) -> "Checkpoint":
    from neurocodec.networks import checkpoint

    if not name:
        raise MissingError("mbt2018 needs weights: write mbt2018:weights=NAME or FILE")
    read = weights.read(name)
    found = checkpoint.load(read.data, read.name)
    if found.kind != "proxy":
        raise MissingError(f"weights {read.name} are for {found.kind}, not a proxy for mbt2018")
    return found


@lru_cache(maxsize=8)
def _at(name: str, level: int) -> Any:
    """compressai's model for one QP."""
    from neurocodec.networks.proxy import Proxy

    network = _loaded(name).network
    assert isinstance(network, Proxy)
    return network.at(level)


def _compressed(model: Any, image: Image) -> tuple[bytes, bytes]:
    from torch.nn.functional import pad

    from neurocodec.networks.tensors import to_tensor

    right, below = -image.width % _STRIDE, -image.height % _STRIDE
    with _alike():
        padded = pad(to_tensor([image]), (0, right, 0, below), mode="replicate")
        (y,), (z,) = model.compress(padded)["strings"]
    return y, z


def _decompressed(model: Any, y: bytes, z: bytes, width: int, height: int) -> Image:
    from neurocodec.networks.tensors import to_images

    shape = (-(-height // _STRIDE), -(-width // _STRIDE))
    with _alike():
        decoded = model.decompress([[y], [z]], shape)["x_hat"]
        return to_images(decoded[..., :height, :width])[0]


@contextmanager
def _alike() -> Iterator[None]:
    """Where sums come out alike in the encoder and the decoder, whoever calls: in one thread."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)
