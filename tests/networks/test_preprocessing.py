"""What a recogniser sees of a picture."""

import numpy as np
import PIL.Image
import pytest
import torch
from torchvision import models

from neurocodec.networks.recognisers.preprocessing import (
    Preprocessing,
    from_description,
    from_torchvision,
)

X = torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(3))


def test_a_picture_of_the_right_size_is_only_normalised() -> None:
    x = torch.rand(1, 3, 16, 16)
    preprocessing = from_description(
        {"size": 16, "channels": "BGR", "sub": [104, 117, 123], "mul": 0.01}, "crop"
    )
    bgr = torch.stack([x[:, 2], x[:, 1], x[:, 0]], 1) * 255
    expected = (bgr - torch.tensor([104.0, 117, 123]).view(3, 1, 1)) * 0.01
    assert torch.allclose(preprocessing(x), expected, atol=1e-5)


def test_crop_is_pillows_antialiased_resize_then_the_centre() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    shrunk = PIL.Image.fromarray(pixels).resize((46, 32), PIL.Image.Resampling.BILINEAR)
    expected = np.asarray(shrunk, np.float32)[4:28, 11:35]
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    made = Preprocessing("crop", size=24, resize=32)(x)[0].permute(1, 2, 0).numpy()
    assert np.abs(made - expected).max() < 1.01  # Pillow rounds after either direction


def test_letterbox_pads_right_and_bottom() -> None:
    preprocessing = from_description({"size": 28}, "letterbox")
    made = preprocessing(X)
    assert made.shape == (2, 3, 28, 28)
    assert torch.allclose(made[:, :, 20:], torch.tensor(114.0))
    assert made[:, :, :20].std() > 20


def test_the_shorter_side_alone_can_be_fitted() -> None:
    assert Preprocessing("shorter", size=20, resize=20)(X).shape == (2, 3, 20, 28)


def test_torchvision_presets_mean_the_same() -> None:
    preset = models.MobileNet_V2_Weights.DEFAULT.transforms()
    made = from_torchvision(preset)
    x = torch.rand(1, 3, 240, 300)
    assert made is not None
    assert torch.allclose(made(x), preset(x), atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"size": "big"},
        {"size": 0},
        {"size": 224, "resize": 200},
        {"size": 224, "channels": "GRB"},
        {"size": 224, "mean": [0.5, 0.5, 0.5]},
        {"size": 224, "mean": 0.5, "std": 0},
        {"size": 224, "sub": [1, 2]},
        {"size": 224, "fit": "stretch"},
        {"size": 224, "interpolation": "sinc"},
    ],
)
def test_a_wrong_preprocessing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        from_description(wrong, "crop")
