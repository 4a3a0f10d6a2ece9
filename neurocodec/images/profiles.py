"""Conversion to sRGB by an ICC profile, and colour that a file declares without one."""

import io
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms

# Which colours of a picture a profile's colour space is for.
_MODES = {"GRAY": {"L"}, "RGB ": {"L", "RGB"}, "CMYK": {"CMYK"}, "Lab ": {"LAB"}}
_SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_SRGB_GAMMA = 1 / 2.2
_TOLERANCE = 0.02
# Code points of H.273 that are shown as sRGB: primaries of BT.709 or unspecified; transfer
# characteristics of BT.709, BT.601 and sRGB, or unspecified.
_PLAIN_PRIMARIES, _PLAIN_TRANSFERS = {1, 2}, {1, 2, 6, 13}
_CODE_POINTS = {"PNG": (b"\0\0\0\4cICP", ">BB"), "AVIF": (b"colrnclx", ">HH")}


def convert(picture: PIL.Image.Image, profile: bytes) -> tuple[PIL.Image.Image, bytes | None]:
    """Convert to sRGB.

    Args:
        picture: of mode L, RGB, CMYK or LAB.
        profile: the ICC profile that is true of it.

    Returns:
        The picture of mode RGB, and the profile to keep with it; a gray picture keeps none.

    Raises:
        PyCMSError, OSError, ValueError: the profile is damaged, or for other colours.
    """
    gray = picture.mode == "L"
    source = PIL.ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space
    if picture.mode not in _MODES.get(space, ()):
        raise ValueError(f"it is for {space.strip()} and the pixels are {picture.mode}")
    plain = picture.convert("RGB") if space == "RGB " else picture
    converted = PIL.ImageCms.buildTransform(source, _srgb(), plain.mode, "RGB").apply(plain)
    if plain.mode == "RGB" and _alike(converted, plain):
        return plain, None if gray else profile
    return converted, None if gray else _srgb().tobytes()


def declared_colour(info: Mapping[Any, Any], file_format: str | None, data: bytes) -> str | None:
    """Name the colour that a file without an ICC profile declares, where that is not sRGB.

    Args:
        info: Pillow's `info` of the picture.
        file_format: Pillow's name of the format.
        data: the whole file.
    """
    mark, layout = _CODE_POINTS.get(file_format or "", (b"", ""))
    at = data.find(mark, 0, max(0, data.find(b"IDAT")) or None) if mark else -1
    if at >= 0 and len(data) >= at + len(mark) + struct.calcsize(layout):
        primaries, transfer = struct.unpack_from(layout, data, at + len(mark))
        plain = primaries in _PLAIN_PRIMARIES and transfer in _PLAIN_TRANSFERS
        return None if plain else f"colour primaries {primaries} and transfer {transfer} of H.273"
    gamma, corners = info.get("gamma", _SRGB_GAMMA), info.get("chromaticity", _SRGB_PRIMARIES)
    if "srgb" not in info and abs(gamma - _SRGB_GAMMA) > _TOLERANCE:
        return f"gamma {gamma:g}"
    plain = "srgb" in info or np.allclose(corners, _SRGB_PRIMARIES, rtol=0, atol=_TOLERANCE)
    return None if plain else "primaries other than sRGB's"


def _alike(one: PIL.Image.Image, other: PIL.Image.Image) -> bool:
    difference = np.asarray(one, np.int16) - np.asarray(other, np.int16)
    return bool(np.abs(difference).max() <= 1)


@lru_cache
def _srgb() -> PIL.ImageCms.ImageCmsProfile:
    return PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB"))
