"""The Python API: encoding a picture to the bytes of a file, and decoding them."""

from os import PathLike, fspath
from typing import Any

import numpy as np
import numpy.typing as npt

from neurocodec import codecs, files
from neurocodec.codecs import Level
from neurocodec.errors import UsageError
from neurocodec.images import Image
from neurocodec.pipeline import Setting, prepared, read

Picture = str | PathLike[str] | Image | npt.NDArray[np.uint8]


def encode(
    picture: Picture,
    *,
    qp: int | None = None,
    quality: int | None = None,
    iterations: int | None = None,
    qf: int | None = None,
    **setting: Any,
) -> bytes:
    """Filter a picture for recognisers and encode it; the trained filter is the default.

    Args:
        picture: a path, an Image, or an array (H, W, 3) uint8, sRGB.
        qp: QP of the codec's reference encoder; one level is given.
        quality: quality of JPEG (1 to 100) or JPEG 2000 (dB).
        iterations: of dic (1 to 16).
        qf: quality factor of spic (8 to 128).
        setting: fields of Setting, such as codec="vvc" or filter="none".

    Returns:
        The file's bytes.

    Raises:
        NeurocodecError: one of its subclasses, as `neurocodec.errors` lists them.

    Example:
        data = encode("photo.jpg", qp=34)
    """
    typed = {"qp": qp, "quality": quality, "iterations": iterations, "qf": qf}
    given = [Level(unit, value) for unit, value in typed.items() if value is not None]
    if len(given) != 1:
        raise UsageError(f"give one of {', '.join(typed)}")
    pipeline = prepared(Setting(**{"filter": "auto", **setting}))
    return pipeline.encode(_image(picture), given[0]).data


def decode(data: bytes | str | PathLike[str]) -> Image:
    """Decode a file of any of the formats, recognised by its first bytes.

    Args:
        data: the bytes of the file, or its path.

    Returns:
        The picture: `pixels` are (H, W, 3) uint8, sRGB; `alpha` is (H, W) or None.

    Raises:
        BadInputError: no such file, of no known format, or damaged.
    """
    if isinstance(data, bytes):
        return codecs.recognise(data, "the data").decode(data)
    path = fspath(data)
    with files.naming(files.display(path)):
        content = files.read(path)
    return codecs.recognise(content, files.display(path)).decode(content)


def _image(picture: Picture) -> Image:
    if isinstance(picture, Image):
        return picture
    if isinstance(picture, np.ndarray):
        if picture.shape[2:] != (3,) or picture.dtype != np.uint8 or not picture.size:
            form = f"{picture.shape} {picture.dtype}"
            raise UsageError(f"an array must be (H, W, 3) uint8 with pixels in it, not {form}")
        return Image(np.ascontiguousarray(picture))
    return read(fspath(picture))
