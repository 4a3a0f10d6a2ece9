"""Example pictures: an original, the same filtered and decoded, and what a classifier predicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch

from neurocodec import images
from neurocodec.codecs import Level
from neurocodec.errors import UsageError
from neurocodec.evaluation import coding, results
from neurocodec.evaluation.selection import Curve
from neurocodec.images import Image
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.tensors import to_tensor
from neurocodec.pipeline import Setting, prepared

DIFFERENCE_GAIN = 4
SHOWN_SIDE = 384


@dataclass(frozen=True)
class Panel:
    """One picture of an example: a PNG file and its caption."""

    png: bytes
    caption: str


@dataclass(frozen=True)
class Example:
    """One picture through one setting: original, filtered, decoded, and the difference."""

    title: str
    panels: Sequence[Panel]


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
    for path in paths:
        original = coding.read_original(str(path))
        for curve in curves:
            yield _example(path.name, original, curve, classifier)


def shown(curves: Sequence[Curve]) -> list[Curve]:
    """One curve a filter, of the codec that occurs first; the unfiltered one only if alone."""
    setups = [curve.setup for curve in curves]
    codec = next((setup.codec for setup in setups if setup.pre != "none"), setups[0].codec)
    by_pre = {c.setup.pre: c for c in reversed(curves) if c.setup.codec == codec}
    filtered = [curve for pre, curve in reversed(by_pre.items()) if pre != "none"]
    return filtered or list(by_pre.values())


def _example(name: str, original: Image, curve: Curve, classifier: Classifier) -> Example:
    setup = curve.setup
    unit, value = results.level(curve.points[len(curve.points) // 2])
    level = Level(unit, value)
    pipeline = prepared(Setting(setup.codec, setup.pre, setup.chroma))
    encoded = pipeline.encode(original, level)
    size = original.width, original.height
    decoded = coding.resized(pipeline.codec.decode(encoded.data), *size)
    pictures = {
        "original": original,
        "filtered": pipeline.filter(original, level),
        f"decoded, {encoded.bpp:.3f} bpp": decoded,
    }
    panels = [Panel(_png(i), f"{k}: {classifier.describe(i)}") for k, i in pictures.items()]
    panels.append(Panel(_png(_difference(original, decoded)), f"difference ×{DIFFERENCE_GAIN}"))
    return Example(f"{name}: {setup.codec}, {setup.pre}, {level}", panels)


def _difference(original: Image, decoded: Image) -> Image:
    """Decoded minus original around mid gray, amplified."""
    difference = decoded.pixels.astype(np.int16) - original.pixels
    pixels: npt.NDArray[np.int16] = np.clip(128 + DIFFERENCE_GAIN * difference, 0, 255)
    return Image(pixels.astype(np.uint8))


def _png(image: Image) -> bytes:
    """The picture as PNG, reduced to the size that the page shows."""
    picture = PIL.Image.fromarray(image.pixels)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), PIL.Image.Resampling.LANCZOS)
    return images.png(Image(np.asarray(picture)), compress_level=9)
