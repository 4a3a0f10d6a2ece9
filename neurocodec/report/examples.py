"""Example pictures: an original, the same filtered and decoded, and what a classifier predicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from neurocodec import images
from neurocodec.batch import coding
from neurocodec.errors import UsageError
from neurocodec.evaluation.selection import UNFILTERED, Curve
from neurocodec.images import Image
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.tensors import to_tensor
from neurocodec.pipeline import Setting, prepared

DIFFERENCE_GAIN = 4
SHOWN_SIDE = 384


@dataclass(frozen=True)
class Example:
    """One picture through one setting.

    Attributes:
        title: picture, codec, filter and level.
        panels: caption and PNG file of the original, filtered, decoded picture and the difference.
    """

    title: str
    panels: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, eq=False)
class Classifier:
    """A recogniser that names the class of a picture.

    Attributes:
        recogniser: a classifier.
        class_names: by class index; an index without a name is shown as a number.
    """

    recogniser: Recogniser
    class_names: Mapping[int, str]

    def __post_init__(self) -> None:
        if self.recogniser.kind != "classification":
            raise UsageError(f"--model {self.recogniser.name}: examples need a classifier")

    def describe(self, image: Image) -> str:
        """The likeliest class and its probability: "tench, 83 %"."""
        device = next(self.recogniser.parameters()).device
        with torch.inference_mode():
            probability, index = self.recogniser(to_tensor([image], device)).softmax(1).max(1)
        name = self.class_names.get(int(index), f"class {int(index)}")
        return f"{name}, {float(probability):.0%}".replace("%", " %")


def make(
    paths: Sequence[Path], curves: Sequence[Curve], classifier: Classifier
) -> Iterator[Example]:
    """Make one example a picture and curve, at the curve's middle point.

    Raises:
        NeurocodecError: a picture cannot be read or coded.
    """
    for path, curve in product(paths, curves):
        setup = curve.setup
        level = curve.points[len(curve.points) // 2].level
        original = coding.read_original(str(path))
        pipeline = prepared(Setting(setup.codec, setup.pre, setup.chroma))
        encoded = pipeline.encode(original, level)
        decoded = pipeline.codec.decode(encoded.data)
        decoded = coding.resized(decoded, original.width, original.height)
        pictures = {
            "original": original,
            "filtered": pipeline.filter(original, level),
            f"decoded, {encoded.bpp:.3f} bpp": decoded,
        }
        panels = [(f"{k}: {classifier.describe(i)}", _png(i)) for k, i in pictures.items()]
        difference = 128 + DIFFERENCE_GAIN * (decoded.pixels.astype(np.int16) - original.pixels)
        amplified = Image(np.clip(difference, 0, 255).astype(np.uint8))
        panels.append((f"difference ×{DIFFERENCE_GAIN}", _png(amplified)))
        yield Example(f"{path.name}: {setup.codec}, {setup.pre}, {level}", panels)


def shown(curves: Sequence[Curve]) -> list[Curve]:
    """One curve a filter, of the codec that occurs first; the unfiltered one only if alone."""
    filtered = [curve for curve in curves if curve.setup.pre != UNFILTERED] or [curves[0]]
    coded = [curve for curve in filtered if curve.setup.codec == filtered[0].setup.codec]
    return list({curve.setup.pre: curve for curve in coded[::-1]}.values())[::-1]


def _png(image: Image) -> bytes:
    """The picture as PNG, reduced to the size that the page shows."""
    picture = PIL.Image.fromarray(image.pixels)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), PIL.Image.Resampling.LANCZOS)
    return images.png(Image(np.asarray(picture)), compress_level=9)
