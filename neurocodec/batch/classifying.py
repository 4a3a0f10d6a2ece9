"""The classes of files: from their latents where a codec tells, else by a recogniser of pixels."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from neurocodec import codecs, files, images, tasks
from neurocodec.batch.coding import GROUND
from neurocodec.codecs import Codec, Logits
from neurocodec.images import Image

_IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class Likely:
    """A class and its probability; `name` is "" where the classes have no known names."""

    index: int
    name: str
    probability: float


@dataclass(frozen=True)
class Classified:
    """The likeliest classes of a file.

    Attributes:
        file: as it was named.
        codec: of the file; None for a picture.
        model: the recogniser that read its pixels; None where its latents told.
        classes: the likeliest first.
    """

    file: str
    codec: str | None
    model: str | None
    classes: tuple[Likely, ...]


class Classifier:
    """Classifies files of any format.

    Args:
        model: the recogniser of what has to be decoded, as `recognisers.load` takes it; it is
            loaded when it is first needed.
        top: classes a file, at least 1.
        weights: name or file of a learned codec's weights; None finds installed ones.
        device: "cpu", "cuda" or "auto", of the recogniser.
    """

    def __init__(
        self, model: str, top: int = 1, weights: str | None = None, device: str = "cpu"
    ) -> None:
        self._model, self._top, self._weights, self._device = model, top, weights, device

    def __call__(self, name: str) -> Classified:
        """Classify a file; "-" is standard input.

        Raises:
            BadInputError: it cannot be read, or is damaged.
            MissingError: weights cannot be had.
            UsageError: no such model, or not a classifier.
        """
        data, shown = files.read(name), files.display(name)
        codec = self._codec(data, shown)
        if codec is None:
            return self._by_pixels(name, None, images.read(data, shown))
        with files.naming(shown):
            if codec.classifies:
                return Classified(name, codec.name, None, self._likeliest(codec.classify(data)))
            decoded = codec.decode(data)
        return self._by_pixels(name, codec.name, decoded)

    def _by_pixels(self, name: str, codec: str | None, picture: Image) -> Classified:
        (logits,) = self._recogniser.predict([images.flatten(picture, GROUND)])
        return Classified(name, codec, self._recogniser.model, self._likeliest(logits))

    @cached_property
    def _recogniser(self) -> tasks.Task:
        return tasks.create("classification", self._model, self._device)

    def _codec(self, data: bytes, shown: str) -> Codec | None:
        """The codec of a file; None for a picture, and for a codec's that is read as one."""
        if not codecs.is_coded_head(data):
            return None
        codec = codecs.recognise(data, shown, weights=self._weights)
        return None if images.has_picture_name(Path(f"x{codec.extension}")) else codec

    def _likeliest(self, logits: Logits) -> tuple[Likely, ...]:
        from scipy.special import softmax

        shares = softmax(logits.astype(np.float64))
        names = class_names(len(shares))
        order = np.argsort(-shares, kind="stable")[: self._top].tolist()
        return tuple(
            Likely(index, names[index] if names else "", float(shares[index])) for index in order
        )


@lru_cache(maxsize=1)
def class_names(count: int) -> tuple[str, ...]:
    """The names of so many classes: ImageNet's for 1000, else none."""
    if count != _IMAGENET_CLASSES:
        return ()
    from torchvision import models

    weights: Any = models.get_model_weights("mobilenet_v2")
    return tuple(weights.DEFAULT.meta["categories"])
