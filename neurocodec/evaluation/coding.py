"""A picture's coded form at an operating point: made once, stored by content, decoded each time."""

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import numpy as np
import PIL.Image

from neurocodec import files, images
from neurocodec.codecs import Level
from neurocodec.images import Image
from neurocodec.pipeline import Pipeline, RoundTrip, Setting, prepared

CACHE_VARIABLE = "NEUROCODEC_CACHE"
GROUND = "white"

_PACKAGE = Path(__file__).resolve().parent.parent
# The code and the libraries that make a file's bytes, beside the encoder, which names itself.
_CODE = ("images", "codecs", "filters", "networks")
_LIBRARIES = ("numpy", "pillow", "torch")


@dataclass(frozen=True)
class OperatingPoint:
    """A setting at a level: one point of a rate–accuracy curve."""

    setting: Setting
    level: Level

    @property
    def pipeline(self) -> Pipeline:
        """The setting's pipeline, shared by all its levels."""
        return prepared(self.setting)


@dataclass(frozen=True)
class Coding:
    """One picture to put through one operating point.

    Attributes:
        path: path of the picture.
        point: how to code it.
        cache: the folder that stores coded files, or None to code anew.
    """

    path: str
    point: OperatingPoint
    cache: Path | None


def default_cache() -> Path:
    """$NEUROCODEC_CACHE, else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE_VARIABLE) or Path(home) / "neurocodec")


def read_original(path: str) -> Image:
    """The picture as tasks see it: transparency laid over white.

    Raises:
        BadInputError: it cannot be read.
    """
    return images.flatten(images.read(files.read(path), files.display(path)), GROUND)


def code(task: Coding) -> RoundTrip:
    """Encode (or take from the cache) and decode one picture, and bring it to its own size.

    Raises:
        BadInputError: the picture cannot be read.
        ToolError: the encoder failed.
        OutputError: the cache cannot be written.
    """
    original = read_original(task.path)
    pipeline, level = task.point.pipeline, task.point.level
    stored = None if task.cache is None else task.cache / _key(task)
    with files.naming(files.display(task.path)):
        if stored is not None and stored.is_file():
            data = stored.read_bytes()
        else:
            data = pipeline.encode(original, level).data
            if stored is not None:
                files.make_folder(stored.parent)
                files.write(str(stored), data)
        decoded = pipeline.round_trip(original, level, data)
    image = resized(decoded.image, original.width, original.height)
    return RoundTrip(image, decoded.size_bytes)


def resized(image: Image, width: int, height: int) -> Image:
    """The picture at another size, bicubic; itself if it has that size."""
    if (image.width, image.height) == (width, height):
        return image
    picture = PIL.Image.fromarray(image.pixels)
    pixels = np.array(picture.resize((width, height), PIL.Image.Resampling.BICUBIC))
    return Image(pixels, gray=image.gray)


def _key(task: Coding) -> Path:
    makes = f"{task.point.pipeline.fingerprint(task.point.level)} {_code_sha256()}".encode()
    content = hashlib.sha256(files.read(task.path)).digest()
    digest = hashlib.sha256(content + makes).hexdigest()
    return Path(digest[:2]) / (digest[2:] + task.point.pipeline.codec.extension)


@lru_cache(maxsize=1)
def _code_sha256() -> str:
    """SHA-256 of the code and the library versions that decide a file's bytes."""
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in _LIBRARIES).encode())
    for path in _sources():
        digest.update(str(path.relative_to(_PACKAGE)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources() -> list[Path]:
    rooms = chain.from_iterable((_PACKAGE / room).rglob("*") for room in _CODE)
    code = sorted(path for path in rooms if path.suffix in {".py", ".json"})
    return [_PACKAGE / "pipeline.py", *code]
