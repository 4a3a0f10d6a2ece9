"""dic, the progressive learned codec of "Discernible Image Compression", real bytes.

Every iteration is a part of the file: the first parts decode to a coarser picture.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurocodec.codecs.learned import bitplanes
from neurocodec.codecs.learned.codec import LearnedCodec
from neurocodec.codecs.learned.stream import Stream
from neurocodec.errors import BadInputError
from neurocodec.images import Image

if TYPE_CHECKING:
    from neurocodec.networks.checkpoint import Checkpoint
    from neurocodec.networks.dic import Dic


class DicCodec(LearnedCodec):
    """Files of DIC; level is the number of iterations, of 1/8 bpp each before entropy coding.

    Args:
        weights: the name of installed ones, "dic" by default, or a .safetensors file.
        chroma: "444".
        keep_metadata: not possible.
        partial: decode what a cut file holds, its whole iterations.
    """

    name = "dic"
    extension = ".dic"
    unit = "iterations"
    levels = range(1, 17)
    default_level = 4
    magic = b"NCDC"
    network = "dic"
    default_weights = "dic"

    def __init__(
        self,
        weights: str = "",
        chroma: str | None = None,
        keep_metadata: bool = False,
        partial: bool = False,
    ) -> None:
        super().__init__(weights, chroma, keep_metadata)
        self._partial = partial

    def _check_parts(self, coded: Stream) -> None:
        there = len(coded.parts)
        if coded.count != coded.level.value:
            raise BadInputError(f"the file is damaged: {coded.count} parts for {coded.level}")
        if not there:
            raise BadInputError("the file is truncated: not one of its iterations is whole")
        if there < coded.count and not self._partial:
            raise BadInputError(
                f"the file is truncated: {there} of its {coded.count} iterations are whole: "
                "--partial decodes these"
            )

    def _compress(self, checkpoint: "Checkpoint", image: Image, value: int) -> Sequence[bytes]:
        import torch

        from neurocodec.networks.devices import repeatable
        from neurocodec.networks.dic import STRIDE
        from neurocodec.networks.filter import padded
        from neurocodec.networks.tensors import to_tensor

        network = _network(checkpoint)
        with torch.inference_mode(), repeatable():
            bits = network.encode(padded(to_tensor([image]), STRIDE), value)[:, 0]
            return bitplanes.encode(network.predictor, bits.numpy())

    def _decompress(self, checkpoint: "Checkpoint", coded: Stream) -> Image:
        import torch

        from neurocodec.networks.devices import repeatable
        from neurocodec.networks.dic import BITS, STRIDE
        from neurocodec.networks.tensors import to_images

        network = _network(checkpoint)
        shape = (BITS, -(-coded.height // STRIDE), -(-coded.width // STRIDE))
        with torch.inference_mode(), repeatable():
            bits = bitplanes.decode(network.predictor, coded.parts, shape)
            decoded = network.decode(torch.from_numpy(bits)[:, None])
            return to_images(decoded[..., : coded.height, : coded.width])[0]


def _network(checkpoint: "Checkpoint") -> "Dic":
    from neurocodec.networks.dic import Dic

    assert isinstance(checkpoint.network, Dic)
    return checkpoint.network
