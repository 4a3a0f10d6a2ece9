"""mbt2018, the papers' learned comparator: Minnen 2018 as `train-proxy` trains it, real bytes.

The two parts of the payload are range-coded strings: of the latents y, and of the hyper-latents z.
The probabilities that the range coder goes by are computed in floating point: a file is meant to be
decoded where it was coded, by the same torch, and not to be kept.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from neurocodec.codecs.learned.codec import LearnedCodec
from neurocodec.codecs.learned.stream import Stream
from neurocodec.errors import BadInputError, MissingError, UsageError
from neurocodec.images import Image

if TYPE_CHECKING:
    from neurocodec.networks.checkpoint import Checkpoint

_PARTS = 2
_STRIDE = 64


class Mbt2018(LearnedCodec):
    """Files of a learned codec; level is the QP, on BPG's scale, that its weights take."""

    name = "mbt2018"
    extension = ".mbt"
    unit = "qp"
    levels = range(51, -1, -1)
    magic = b"NCM2"
    network = "proxy"

    def _load(self, name: str) -> "Checkpoint":
        if find_spec("compressai") is None:
            raise MissingError(
                "mbt2018 needs the package compressai: pip install compressai (Python 3.12 or less)"
            )
        return super()._load(name)

    def _compress(self, checkpoint: "Checkpoint", image: Image, value: int) -> Sequence[bytes]:
        lowest, highest = checkpoint.made["qps"]
        if not lowest <= value <= highest:
            raise UsageError(f"these weights of mbt2018 take QP {lowest} to {highest}, not {value}")
        import torch
        from torch.nn.functional import pad

        from neurocodec.networks.devices import repeatable
        from neurocodec.networks.tensors import to_tensor

        right, below = -image.width % _STRIDE, -image.height % _STRIDE
        with torch.inference_mode(), repeatable():
            padded = pad(to_tensor([image]), (0, right, 0, below), mode="replicate")
            (y,), (z,) = _at(checkpoint, value).compress(padded)["strings"]
        return y, z

    def _decompress(self, checkpoint: "Checkpoint", coded: Stream) -> Image:
        import torch

        from neurocodec.networks.devices import repeatable
        from neurocodec.networks.tensors import to_images

        if len(coded.parts) != _PARTS:
            raise BadInputError(f"an mbt2018 file has {_PARTS} parts, not {len(coded.parts)}")
        y, z = coded.parts
        shape = (-(-coded.height // _STRIDE), -(-coded.width // _STRIDE))
        with torch.inference_mode(), repeatable():
            decoded = _at(checkpoint, coded.level.value).decompress([[y], [z]], shape)["x_hat"]
            return to_images(decoded[..., : coded.height, : coded.width])[0]


@lru_cache(maxsize=8)
def _at(checkpoint: "Checkpoint", qp: int) -> Any:
    """compressai's model for one QP."""
    from neurocodec.networks.proxy import Proxy

    assert isinstance(checkpoint.network, Proxy)
    return checkpoint.network.at(qp)
