"""spic, the codec of "Semantic Preserving Image Compression": files that tell their classes.

A file holds the rounded latents of a network. They decode to pixels, and a classifier reads them
without decoding.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurocodec.codecs.codec import Logits, check_setting
from neurocodec.codecs.learned import latents as entropy
from neurocodec.codecs.learned.codec import LearnedCodec
from neurocodec.codecs.learned.stream import Stream
from neurocodec.errors import BadInputError
from neurocodec.images import Image

if TYPE_CHECKING:
    import torch

    from neurocodec.networks.checkpoint import Checkpoint
    from neurocodec.networks.spic import Spic


class SpicCodec(LearnedCodec):
    """Files of SPIC; level is the quality factor: more bits at higher ones.

    Args:
        weights: the name of installed ones, "spic" by default, or a .safetensors file.
        chroma: "444".
        keep_metadata: not possible.
        latents: in measurements its own classifier, on the latents, stands for the recogniser.
        coder: "rans" or "huffman"; files say which.
    """

    name = "spic"
    extension = ".spic"
    unit = "qf"
    levels = range(8, 129)
    default_level = 48
    magic = b"NCSP"
    network = "spic"
    default_weights = "spic"
    classifies = True

    def __init__(
        self,
        weights: str = "",
        chroma: str | None = None,
        keep_metadata: bool = False,
        latents: bool = False,
        coder: str = entropy.CODERS[0],
    ) -> None:
        super().__init__(weights, chroma, keep_metadata)
        check_setting(self.name, "coder", coder, entropy.CODERS)
        self.predicts = latents
        self._coder = coder

    def classify(self, data: bytes) -> Logits:
        """The logits of a file's classes, (classes,), from its latents.

        Raises:
            BadInputError: not such a file, cut, damaged, or of more pixels than the codec takes.
            MissingError: its weights are not installed.
        """
        import torch

        from neurocodec.networks.devices import repeatable

        checkpoint, coded = self._opened(data)
        with torch.inference_mode(), repeatable():
            symbols = self._symbols(_network(checkpoint), coded)
            logits: Logits = _network(checkpoint).classify(symbols, coded.level.value)[0].numpy()
        return logits

    def _compress(self, checkpoint: "Checkpoint", image: Image, value: int) -> Sequence[bytes]:
        import torch

        from neurocodec.networks.devices import repeatable
        from neurocodec.networks.tensors import to_tensor

        network = _network(checkpoint)
        with torch.inference_mode(), repeatable():
            symbols = network.encode(to_tensor([image]), value)[0]
        return [entropy.encode(symbols.numpy(), network.expectation(value), self._coder)]

    def _decompress(self, checkpoint: "Checkpoint", coded: Stream) -> Image:
        import torch

        from neurocodec.networks.devices import repeatable
        from neurocodec.networks.tensors import to_images

        network = _network(checkpoint)
        with torch.inference_mode(), repeatable():
            decoded = network.decode(self._symbols(network, coded), coded.level.value)
            return to_images(decoded[..., : coded.height, : coded.width])[0]

    def _symbols(self, network: "Spic", coded: Stream) -> "torch.Tensor":
        import torch

        if len(coded.parts) != 1:
            raise BadInputError(f"a spic file has one part, not {len(coded.parts)}")
        size = (-(-coded.height // network.stride), -(-coded.width // network.stride))
        shape = (network.config["latents"], *size)
        expect = network.expectation(coded.level.value)
        return torch.from_numpy(entropy.decode(coded.parts[0], expect, shape))[None]


def _network(checkpoint: "Checkpoint") -> "Spic":
    from neurocodec.networks.spic import Spic

    assert isinstance(checkpoint.network, Spic)
    return checkpoint.network
