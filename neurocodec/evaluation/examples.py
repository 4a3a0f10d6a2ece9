"""Example pictures: what a setting does to them, and where a classifier looks before and after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import show_cam_on_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from neurocodec import images
from neurocodec.errors import UsageError
from neurocodec.evaluation import coding
from neurocodec.evaluation.selection import Curve
from neurocodec.images import Image
from neurocodec.networks.recognisers import Recogniser
from neurocodec.networks.tensors import to_images, to_tensor
from neurocodec.pipeline import Pipeline, Setting

DIFFERENCE_GAIN = 4
SHOWN_SIDE = 384


@dataclass(frozen=True)
class Panel:
    """One picture of an example: a PNG file and what stands under it."""

    png: bytes
    caption: str


@dataclass(frozen=True)
class Example:
    """One picture through one setting: original, filtered, decoded, difference, and their CAMs."""

    title: str
    pictures: Sequence[Panel]
    attention: Sequence[Panel]


class ClassifierCam:
    """Grad-CAM (Selvaraju et al. 2017) of a classifier's last convolution, by grad-cam.

    Raises:
        UsageError: the recogniser is no classifier, or no convolution of it sees positions.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        if recogniser.kind != "classification":
            raise UsageError(f"{recogniser.name}: examples need a classifier: name one by --model")
        self._recogniser = recogniser
        self._answering = _Answering(recogniser)
        self._layer = _last_convolution(self._answering, self._prepared(_GRAY))

    def answer(self, image: Image) -> tuple[int, float]:
        """The likeliest class of the picture, and its probability."""
        with torch.inference_mode():
            logits = self._recogniser.answer(self._prepared(image))
        chance, index = logits.softmax(1).max(1)
        return int(index), float(chance)

    def seen(self, image: Image) -> Image:
        """The picture as resizing and cropping leave it for the network."""
        preprocessing = self._recogniser.preprocessing
        if preprocessing is None:
            return image
        plain = replace(preprocessing, channels="RGB", sub=(0.0,) * 3, mul=(1.0,) * 3)
        return to_images(plain(to_tensor([image])) / 255)[0]

    def attention(self, image: Image, class_index: int) -> npt.NDArray[np.float32]:
        """How much each pixel of what the network sees speaks for the class: (H, W), [0, 1]."""
        target = [ClassifierOutputTarget(class_index)]
        with GradCAM(self._answering, [self._layer]) as cam:
            found: npt.NDArray[np.float32] = cam(self._prepared(image).requires_grad_(), target)[0]
        return found

    def overlay(self, image: Image, class_index: int) -> Image:
        """What the network sees, under its attention in colours: red is most."""
        seen = self.seen(image).pixels.astype(np.float32) / 255
        return Image(show_cam_on_image(seen, self.attention(image, class_index), use_rgb=True))

    def _prepared(self, image: Image) -> Tensor:
        device = next(self._recogniser.parameters()).device
        return self._recogniser.prepare(to_tensor([image], device))


class _Answering(nn.Module):
    """A classifier from its preprocessed input on."""

    def __init__(self, recogniser: Recogniser) -> None:
        super().__init__()
        self.recogniser = recogniser

    def forward(self, prepared: Tensor) -> Tensor:
        logits: Tensor = self.recogniser.answer(prepared)
        return logits


_GRAY = Image(np.full((256, 256, 3), 128, np.uint8))


def make(
    paths: Sequence[Path], curves: Sequence[Curve], recogniser: Recogniser
) -> Iterator[Example]:
    """One example a picture and curve, at the curve's middle point.

    Args:
        paths: of the pictures.
        curves: whose settings are shown.
        recogniser: a classifier.

    Raises:
        UsageError: it is none.
        NeurocodecError: a picture cannot be read or coded.
    """
    cam = ClassifierCam(recogniser)
    settings = [_middle(curve) for curve in curves]
    for path in paths:
        original = coding.read_original(str(path))
        for setting in settings:
            yield _example(path.name, original, setting, cam)


def shown(curves: Sequence[Curve]) -> list[Curve]:
    """One curve a filter, of the codec that occurs first; the unfiltered one only if alone."""
    setups = [curve.setup for curve in curves]
    codec = next((setup.codec for setup in setups if setup.pre != "none"), setups[0].codec)
    by_pre = {c.setup.pre: c for c in reversed(curves) if c.setup.codec == codec}
    filtered = [curve for pre, curve in reversed(by_pre.items()) if pre != "none"]
    return filtered or list(by_pre.values())


def _middle(curve: Curve) -> Setting:
    point = curve.points[len(curve.points) // 2]
    return Setting(
        codec=curve.setup.codec,
        qp=point.qp,
        quality=point.quality,
        chroma=curve.setup.chroma,
        filter=curve.setup.pre,
    )


def _example(name: str, original: Image, setting: Setting, cam: ClassifierCam) -> Example:
    ready = Pipeline(setting)
    filtered, encoded = ready.filter(original), ready.encode(original)
    size = original.width, original.height
    decoded = coding.resized(ready.codec.decode(encoded.data), *size)
    level = f"QP {setting.qp}" if setting.qp is not None else f"quality {setting.quality}"
    class_index, _ = cam.answer(original)
    subjects = {"original": original, "filtered": filtered, "decoded": decoded}
    captions = {"decoded": f"decoded, {encoded.bpp:.3f} bpp"}
    pictures = [Panel(_png(i), captions.get(kind, kind)) for kind, i in subjects.items()]
    difference = Panel(_png(_difference(original, decoded)), f"difference ×{DIFFERENCE_GAIN}")
    attention = [
        Panel(_png(cam.overlay(image, class_index)), f"{kind}: {_said(cam, image)}")
        for kind, image in subjects.items()
    ]
    title = f"{name}: {setting.codec}, {setting.filter}, {level}"
    return Example(title, [*pictures, difference], attention)


def _said(cam: ClassifierCam, image: Image) -> str:
    class_index, chance = cam.answer(image)
    return f"class {class_index}, {chance:.0%}"


def _difference(original: Image, decoded: Image) -> Image:
    """Decoded minus original around mid gray, amplified."""
    difference = decoded.pixels.astype(np.int16) - original.pixels
    pixels: npt.NDArray[np.int16] = np.clip(128 + DIFFERENCE_GAIN * difference, 0, 255)
    return Image(pixels.astype(np.uint8))


def _png(image: Image) -> bytes:
    """The picture, reduced where it is larger than the page shows."""
    picture = PIL.Image.fromarray(image.pixels)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), PIL.Image.Resampling.LANCZOS)
    return images.png(Image(np.asarray(picture)), compress_level=9)


def _last_convolution(network: nn.Module, prepared: Tensor) -> nn.Module:
    """The convolution that runs last of those whose output has more than one position."""
    ran: list[nn.Module] = []

    def note(module: nn.Module, _: object, output: Tensor) -> None:
        if output.shape[-1] > 1 and output.shape[-2] > 1:
            ran.append(module)

    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_hook(note) for module in convolutions]
    with torch.inference_mode():
        network(prepared)
    for hook in hooks:
        hook.remove()
    if not ran:
        raise UsageError("the classifier has no convolution for Grad-CAM: name another by --model")
    return ran[-1]
