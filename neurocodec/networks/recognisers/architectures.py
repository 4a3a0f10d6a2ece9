"""Architectures of torchvision and timm by name, with published or with random weights."""

import difflib
import inspect
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
import torchvision
from torch import nn

from neurocodec.errors import MissingError, UsageError
from neurocodec.networks.recognisers.preprocessing import (
    Preprocessing,
    from_timm,
    from_torchvision,
)

TIMM = "timm:"
_SEED = 0
_MODELS: Any = torchvision.models


def find(name: str) -> str:
    """Complete the name of a model: timm's get the prefix "timm:"; torchvision's come first.

    Raises:
        UsageError: neither torchvision nor timm (if installed) knows the name; the message lists
            close ones.
        MissingError: the name begins with "timm:", and timm is not installed.
    """
    known = [known for names in _known().values() for known in names]
    if name in known:
        return name
    if find_spec("timm") is None:
        if name.startswith(TIMM):
            raise MissingError(f"{name}: timm is not installed: pip install timm")
    elif import_module("timm").is_model(name.removeprefix(TIMM)):
        return TIMM + name.removeprefix(TIMM)
    close = difflib.get_close_matches(name, known)
    meant = f"did you mean {' or '.join(close)}?" if close else "write a torchvision name"
    others = "for timm's: pip install timm; a file ends in .safetensors"
    raise UsageError(f"no model is called {name!r}: {meant} ({others})")


def kind(name: str) -> str:
    """Tell the task of an architecture, under its name from `find`."""
    if name.startswith("keypoint"):
        return "pose"
    return next((task for task, known in _known().items() if name in known), "classification")


def preprocessing(name: str) -> Preprocessing | None:
    """Read the preprocessing of published weights; None if the network contains it."""
    if name.startswith(TIMM):
        timm = import_module("timm")
        settings = timm.get_pretrained_cfg(name.removeprefix(TIMM)).to_dict()
        return from_timm(timm.data.resolve_data_config(pretrained_cfg=settings))
    return from_torchvision(_MODELS.get_model_weights(name).DEFAULT.transforms())


def build(name: str, settings: Mapping[str, Any], *, pretrained: bool = False) -> nn.Module:
    """Build a network with random weights, the same in every call, or with its published ones.

    Args:
        name: from `find`.
        settings: arguments of the architecture's function, such as num_classes.
        pretrained: take the weights that its library has cached or downloads.

    Raises:
        MissingError: the weights cannot be downloaded.
        UsageError, TypeError, ValueError: the architecture does not take these settings.
    """
    builder = _build_timm if name.startswith(TIMM) else _build_torchvision
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(_SEED)
        try:
            return builder(name, settings, pretrained)
        except (OSError, RuntimeError) as exc:  # URLError is an OSError, a wrong hash is the other
            reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
            if not pretrained:
                raise UsageError(f"{name}: cannot be built ({reason})") from exc
            raise MissingError(
                f"{name}: its weights cannot be downloaded ({reason}): name a .safetensors file "
                "that has an arch, or try again online"
            ) from exc


def _build_torchvision(name: str, settings: Mapping[str, Any], pretrained: bool) -> nn.Module:
    weights = _MODELS.get_model_weights(name).DEFAULT if pretrained else None
    builder = _MODELS.get_model_builder(name)
    if weights is not None:
        # The builder unpickles its file freely: this proves first that it holds only tensors.
        progress = sys.stderr.isatty()
        weights.get_state_dict(progress=progress, check_hash=True, weights_only=True)
    elif "weights_backbone" in inspect.signature(builder).parameters:
        settings = {"weights_backbone": None, **settings}
    network: nn.Module = builder(weights=weights, **settings)
    return network


def _build_timm(name: str, settings: Mapping[str, Any], pretrained: bool) -> nn.Module:
    create: Any = import_module("timm").create_model
    network: nn.Module = create(name.removeprefix(TIMM), pretrained=pretrained, **settings)
    return network


def _known() -> dict[str, list[str]]:
    """List torchvision's names by task; detection includes the networks for keypoints."""
    modules = {
        "classification": _MODELS,
        "detection": _MODELS.detection,
        "segmentation": _MODELS.segmentation,
    }
    return {task: _MODELS.list_models(module=module) for task, module in modules.items()}
