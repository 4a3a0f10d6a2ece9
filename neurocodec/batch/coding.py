"""A picture's coded form at an operating point: made once, stored by content, decoded each time."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import numpy as np
import PIL.Image

from neurocodec import files, images
from neurocodec.codecs import Level
from neurocodec.errors import OutputError
from neurocodec.images import Image
from neurocodec.pipeline import Encoded, Pipeline, RoundTrip, Setting, prepared

CACHE_VARIABLE = "NEUROCODEC_CACHE"
GROUND = "white"

_PACKAGE = Path(__file__).resolve().parent.parent
# The code and the libraries that make a file's bytes, beside the encoder, which names itself.
_CODE = ("images", "codecs", "filters", "losses", "measures", "networks")
_LIBRARIES = ("numpy", "pillow", "torch", "torchvision")


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


@contextmanager
def kept(cache: bool) -> Iterator[Path]:
    """The folder of coded files: the default cache, or one that ends with the block.

    Args:
        cache: files serve later runs too.
    """
    if cache:
        yield default_cache()
        return
    with tempfile.TemporaryDirectory(prefix="neurocodec-") as folder:
        yield Path(folder)


class Encodings:
    """The encodings of one picture under one setting, each made once.

    Args:
        pipeline: of the setting.
        image: the picture.
        cache: the folder that stores coded files, or None to keep them in memory only.

    Attributes:
        made: how many were encoded here; the others come from the cache.
    """

    def __init__(self, pipeline: Pipeline, image: Image, cache: Path | None) -> None:
        self._pipeline, self._image, self._cache = pipeline, image, cache
        self._by_level: dict[Level, Encoded] = {}
        self.made = 0

    def __call__(self, level: Level) -> Encoded:
        """The picture's encoding at a level; `encode_s` is 0 where the cache had it.

        Raises:
            UsageError: the codec has no such level, or cannot carry the picture's alpha.
            ToolError: the encoder failed.
            OutputError: the cache cannot be written.
        """
        own = self._pipeline.own_level(level)
        if own not in self._by_level:
            self._by_level[own] = self._stored(own)
        return self._by_level[own]

    def _stored(self, level: Level) -> Encoded:
        if self._cache is None:
            return self._encoded(level)
        path = self._cache / self._key(level)
        if path.is_file():
            return self._read(path)
        encoded = self._encoded(level)
        try:
            _keep(encoded, path)
        except OutputError as exc:
            remedy = f"add --no-cache, or name another folder in ${CACHE_VARIABLE}"
            raise OutputError(f"{exc}: {remedy}") from exc
        return encoded

    def _encoded(self, level: Level) -> Encoded:
        self.made += 1
        return self._pipeline.encode(self._image, level)

    def _read(self, path: Path) -> Encoded:
        data, codec, image = path.read_bytes(), self._pipeline.codec, self._image
        header = codec.inspect(data)
        coded_size = header["width"], header["height"]
        account = json.loads(_account(path).read_bytes()) if _account(path).is_file() else {}
        size = image.width, image.height
        return Encoded(data, codec.encoder_for(image), *size, *coded_size, 0.0, account)

    def _key(self, level: Level) -> Path:
        makes = f"{self._pipeline.fingerprint(level)} {_code_sha256()}".encode()
        digest = hashlib.sha256(self._content_sha256 + makes).hexdigest()
        return Path(digest[:2]) / (digest[2:] + self._pipeline.codec.extension)

    @cached_property
    def _content_sha256(self) -> bytes:
        return _content_sha256(self._image, self._pipeline.codec.keep_metadata)


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
    with files.naming(files.display(task.path)):
        encoded = Encodings(pipeline, original, task.cache)(level)
        decoded = pipeline.round_trip(original, level, encoded.data)
    image = resized(decoded.image, original.width, original.height)
    return replace(decoded, image=image)


def resized(image: Image, width: int, height: int) -> Image:
    """The picture at another size, bicubic; itself if it has that size."""
    if (image.width, image.height) == (width, height):
        return image
    picture = PIL.Image.fromarray(image.pixels)
    pixels = np.array(picture.resize((width, height), PIL.Image.Resampling.BICUBIC))
    return Image(pixels, gray=image.gray)


def _keep(encoded: Encoded, path: Path) -> None:
    files.make_folder(path.parent)
    if encoded.account:
        files.write(str(_account(path)), json.dumps(dict(encoded.account)).encode())
    files.write(str(path), encoded.data)


def _account(coded: Path) -> Path:
    """The file beside a coded one that holds what its filter tells."""
    return coded.with_suffix(".json")


def _content_sha256(image: Image, with_metadata: bool) -> bytes:
    """SHA-256 of what a file is made from; what only looks like another picture differs."""
    metadata = sorted(image.metadata.items()) if with_metadata else []
    sizes = [(kind, len(piece)) for kind, piece in metadata]
    digest = hashlib.sha256(repr((image.pixels.shape, image.gray, sizes)).encode())
    for plane in (image.pixels, image.alpha):
        if plane is not None:
            digest.update(np.ascontiguousarray(plane).data)
    for _, piece in metadata:
        digest.update(piece)
    return digest.digest()


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
