"""The recognisers that a search asks, and L by their answers."""

import os
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import torch

from neurocodec import losses
from neurocodec.losses import Recognition, known_slopes
from neurocodec.losses.algorithm1 import Objective
from neurocodec.networks.precision import precision

INSTALLED = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
_BETWEEN = "+"


def models(text: str, task: str) -> Sequence[str]:
    """The recognisers that a setting names, the installed ones where it names none."""
    if not text and task == "classification":
        return INSTALLED
    return [os.fsdecode(unquote_to_bytes(name)) for name in text.split(_BETWEEN) if name]


def recognition(names: Sequence[str], task: str, temperature: float) -> Recognition:
    """The recognisers and their loss; they are shown all of a picture."""
    loss = f"kl:temperature={temperature:g}" if task == "classification" else None
    return Recognition(names, task, loss, fit="squeeze")


def objective(
    recognition: Recognition, weight: float, codec_name: str, device: torch.device
) -> Objective:
    """L by the recognisers' answers, with `weight` times the codec's λ for each.

    Raises:
        UsageError: unknown task or model, a setting of the loss out of its range, or a codec
            without λ.
        MissingError: a model's weights are not there.
        BadInputError: a file is damaged.
    """
    jury = losses.load(recognition, device.type, precision(device, amp=False))
    slopes = known_slopes.slopes(codec_name, jury)
    return Objective(jury, {name: slope.times(weight) for name, slope in slopes.items()})
