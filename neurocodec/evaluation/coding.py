"""The coded form of a picture under a setting: made once, kept by content, decoded each time."""

import hashlib
import os
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import PIL.Image

from neurocodec import __version__, files, filters, images
from neurocodec.files import display
from neurocodec.images import Image
from neurocodec.pipeline import Pipeline, Setting

CACHE_VARIABLE = "NEUROCODEC_CACHE"
GROUND = "white"


@dataclass(frozen=True)
class Coding:
    """One picture to put through one setting.

    Attributes:
        path: of the picture.
        setting: how to code it.
        cache: the folder that keeps coded files, or None to code anew.
    """

    path: str
    setting: Setting
    cache: Path | None


@dataclass(frozen=True, eq=False)
class Coded:
    """A decoded picture at its original size, and the bytes that it took."""

    image: Image
    size_bytes: int


def default_cache() -> Path:
    """$NEUROCODEC_CACHE, else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE_VARIABLE) or Path(home) / "neurocodec")


def read_original(path: str) -> Image:
    """The picture as tasks see it: transparency laid over white.

    Raises:
        BadInputError: it cannot be read.
    """
    return images.flatten(images.read(files.read(path), display(path)), GROUND)


def code(task: Coding) -> Coded:
    """Encode (or take from the cache) and decode one picture, and bring it to its own size.

    Raises:
        BadInputError: the picture cannot be read.
        ToolError: the encoder failed.
        OutputError: the cache cannot be written.
    """
    content = files.read(task.path)
    original = images.flatten(images.read(content, display(task.path)), GROUND)
    ready = _pipeline(task.setting)
    kept = None if task.cache is None else task.cache / _key(content, ready)
    if kept is not None and kept.is_file():
        data = kept.read_bytes()
    else:
        data = ready.encode(original).data
        if kept is not None:
            files.make_folder(kept.parent)
            files.write(str(kept), data)
    return Coded(resized(ready.codec.decode(data), original.width, original.height), len(data))


def resized(image: Image, width: int, height: int) -> Image:
    """The picture at another size, bicubic; itself if it has that size."""
    if (image.width, image.height) == (width, height):
        return image
    picture = PIL.Image.fromarray(image.pixels).resize(
        (width, height), PIL.Image.Resampling.BICUBIC
    )
    return Image(np.array(picture), gray=image.gray)


def fingerprint(ready: Pipeline) -> str:
    """A text that is equal for two settings only if they make the same file of every picture.

    A schedule's is that of the filter which it names for the QP.
    """
    filtered = filters.fingerprint(ready.pre, ready.chosen_filter, ready.bpg_qp)
    setting = replace(ready.setting, filter=filtered)
    return repr((astuple(setting), ready.codec.encoder, __version__))


def _key(content: bytes, ready: Pipeline) -> Path:
    said = fingerprint(ready).encode()
    digest = hashlib.sha256(hashlib.sha256(content).digest() + said).hexdigest()
    return Path(digest[:2]) / (digest[2:] + ready.codec.extension)


@lru_cache(maxsize=4)
def _pipeline(setting: Setting) -> Pipeline:
    return Pipeline(setting)
